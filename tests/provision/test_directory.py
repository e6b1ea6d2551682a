"""A boot directory: what is in it after each step, and after each step that failed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from clusto_cli.backends.base import BootMachine, BootState
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.provision import recipe
from clusto_cli.backends.provision.directory import LocalFiles, directory
from clusto_cli.backends.provision.loaders import state_of
from clusto_cli.backends.provision.tree import Space, TreeProvisioner
from tests.provision.faults import FaultyFiles
from tests.provision.machines import COMMON, MAC, NEEDED, RENDERER, TOKEN, boot_machine, facts

T = TypeVar("T")
SHARED = RENDERER.shared()
PXELINUX = "pxelinux.cfg/01-52-54-00-aa-bb-01"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def run(root: Path, act: Callable[[TreeProvisioner], Awaitable[T]]) -> T:
    async def session() -> T:
        async with directory(str(root), SHARED) as provisioner:
            return await act(provisioner)

    return asyncio.run(session())


def content(root: Path) -> dict[str, bytes]:
    """All files of a directory, by path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def visible(root: Path) -> dict[str, str]:
    """Those that a boot server hands out."""
    return {
        path: text.decode()
        for path, text in content(root).items()
        if not any(part.startswith(".") for part in path.split("/"))
    }


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such a file system: everything is brought to stable storage again and again."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def root(memory: Path) -> Path:
    folder = memory / "tftp"
    folder.mkdir()
    return folder


@pytest.fixture
def machine() -> BootMachine:
    return boot_machine()


def test_there_and_back(root: Path, machine: BootMachine) -> None:
    shared = {file.path: file.text for file in SHARED if not file.beside}

    async def act(provisioner: TreeProvisioner) -> None:
        assert await provisioner.state(machine) is BootState.ABSENT
        await provisioner.install(machine)
        assert await provisioner.state(machine) is BootState.INSTALL
        answers = {f"hosts/server1/{name}": text for name, text in machine.answers.items()}
        assert visible(root) == {**machine.install, **answers, **shared}
        await provisioner.local(machine)
        assert await provisioner.state(machine) is BootState.LOCAL
        await provisioner.local(machine)

    run(root, act)
    assert {path: text.decode() for path, text in content(root).items()} == {**machine.local, **shared}
    assert not (root / "hosts/server1").exists()


def test_answers_may_be_kept_while_the_installer_runs(root: Path, machine: BootMachine) -> None:
    run(root, lambda provisioner: provisioner.install(machine))
    run(root, lambda provisioner: provisioner.local(machine, keep_answers=True))
    found = visible(root)
    assert {path: found[path] for path in machine.local} == machine.local
    assert found["hosts/server1/preseed.cfg"] == machine.answers["preseed.cfg"]
    run(root, lambda provisioner: provisioner.local(machine))
    assert not (root / "hosts/server1").exists()


def test_local_at_once(root: Path, machine: BootMachine) -> None:
    run(root, lambda provisioner: provisioner.local(machine))
    assert {path: visible(root)[path] for path in machine.local} == machine.local


def test_the_way_back_lies_ready_beside_each_file(root: Path, machine: BootMachine) -> None:
    run(root, lambda provisioner: provisioner.install(machine))
    for path, text in machine.local.items():
        folder, _, name = path.rpartition("/")
        assert (root / folder / f".{name}.local").read_text() == text


def test_everybody_may_read_boot_files_and_nobody_answers_whatever_the_umask(root: Path, machine: BootMachine) -> None:
    before = os.umask(0o077)
    try:
        run(root, lambda provisioner: provisioner.install(machine))
    finally:
        os.umask(before)
    for path in root.rglob("*"):
        wanted = 0o755 if path.is_dir() else 0o640 if path.is_relative_to(root / "hosts") else 0o644
        assert path.stat().st_mode & 0o777 == wanted, path


def test_shared_files_are_made_once_and_left_alone(root: Path, machine: BootMachine) -> None:
    (root / "grub").mkdir()
    (root / "grub/grub.cfg").write_text("menuentry mine {}\n")
    (root / "debian-installer/amd64/grub").mkdir(parents=True)
    said = run(root, lambda provisioner: provisioner.check(machine))
    assert said == f"{root} is writable; grub/grub.cfg is not clusto's: machines that read it do not find their own"
    run(root, lambda provisioner: provisioner.local(machine))
    assert (root / "grub/grub.cfg").read_text() == "menuentry mine {}\n"
    assert "net_default_mac" in (root / "debian-installer/amd64/grub/grub.cfg").read_text()
    assert not (root / "debian-installer/arm64").exists()
    assert "LOCALBOOT" in (root / "pxelinux.cfg/default").read_text()


def test_a_foreign_file_is_kept_beside(root: Path, machine: BootMachine) -> None:
    path = root / PXELINUX
    path.parent.mkdir()
    for number, text in enumerate(("DEFAULT mine\n", "DEFAULT again\n"), 1):
        path.write_text(text)
        expected = BootState.FOREIGN if number == 1 else BootState.INSTALL
        assert run(root, lambda provisioner: provisioner.state(machine)) is expected
        assert "is not clusto's and will be kept" in run(root, lambda provisioner: provisioner.check(machine))
        act = TreeProvisioner.install if number == 1 else TreeProvisioner.local
        run(root, lambda provisioner, act=act: act(provisioner, machine))  # type: ignore[misc]
        kept = path.with_name(f"{path.name}.before-clusto" + ("-2" if number == 2 else ""))
        assert kept.read_text() == text
    assert path.read_text() == machine.local[PXELINUX]
    assert path.with_name(f"{path.name}.before-clusto").read_text() == "DEFAULT mine\n"


def test_a_symbolic_link_in_the_place_of_a_file_is_foreign(root: Path, machine: BootMachine, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(machine.install[PXELINUX])
    (root / "pxelinux.cfg").mkdir()
    (root / PXELINUX).symlink_to(secret)
    assert run(root, lambda provisioner: provisioner.state(machine)) is BootState.FOREIGN
    run(root, lambda provisioner: provisioner.install(machine))
    assert secret.read_text() == machine.install[PXELINUX]
    assert not (root / PXELINUX).is_symlink()
    assert (root / f"{PXELINUX}.before-clusto").is_symlink()


def test_a_fifo_does_not_hold_anything_up(root: Path, machine: BootMachine) -> None:
    (root / "pxelinux.cfg").mkdir()
    os.mkfifo(root / PXELINUX)
    assert run(root, lambda provisioner: provisioner.state(machine)) is BootState.FOREIGN


@pytest.mark.parametrize("folder", ["pxelinux.cfg", "hosts", "hosts/server1"])
def test_a_folder_that_leads_out_of_the_tree_is_refused(
    root: Path, machine: BootMachine, folder: str, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / folder).parent.mkdir(parents=True, exist_ok=True)
    (root / folder).symlink_to(outside)
    for act in (TreeProvisioner.check, TreeProvisioner.install):
        with pytest.raises(DeviceError, match=f"{folder}[^ ]* leads out of {root}"):
            run(root, lambda provisioner, act=act: act(provisioner, machine))  # type: ignore[misc]
    assert list(outside.iterdir()) == []
    assert run(root, lambda provisioner: _states(provisioner, machine)) != {BootState.INSTALL}


async def _states(provisioner: TreeProvisioner, machine: BootMachine) -> set[BootState]:
    try:
        return {await provisioner.state(machine)}
    except DeviceError:
        return set()


def test_a_folder_that_leads_elsewhere_in_the_tree_is_followed(root: Path, machine: BootMachine) -> None:
    (root / "real").mkdir()
    (root / "pxelinux.cfg").symlink_to("real")
    run(root, lambda provisioner: provisioner.install(machine))
    assert (root / "real/01-52-54-00-aa-bb-01").read_text() == machine.install[PXELINUX]


def test_the_root_may_be_a_link(root: Path, machine: BootMachine, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    run(tmp_path / "link", lambda provisioner: provisioner.local(machine))
    assert (root / PXELINUX).exists()


def test_no_directory(tmp_path: Path, machine: BootMachine) -> None:
    with pytest.raises(Refused, match=f"there is no directory {tmp_path}/nosuch"):
        run(tmp_path / "nosuch", lambda provisioner: provisioner.check(machine))


def test_check_changes_nothing(root: Path, machine: BootMachine) -> None:
    assert run(root, lambda provisioner: provisioner.check(machine)) == f"{root} is writable"
    assert list(root.iterdir()) == []
    run(root, lambda provisioner: provisioner.install(machine))
    before = content(root)
    run(root, lambda provisioner: provisioner.check(machine))
    assert content(root) == before


def test_steps_change_nothing_and_say_all(root: Path, machine: BootMachine) -> None:
    steps = run(root, lambda provisioner: provisioner.steps(machine, True))
    paths = ["hosts/server1/preseed.cfg", *machine.install]
    assert [step.where for step in steps] == [f"{root}/{path}" for path in paths]
    assert steps[0].what == f"write {len(machine.answers['preseed.cfg'].encode())} octets"
    steps = run(root, lambda provisioner: provisioner.steps(machine, False))
    assert [step.what for step in steps] == ["boot the machine's own disk"] * 4 + ["remove"]
    assert list(root.iterdir()) == []


def test_answers_of_an_earlier_recipe_go_too(root: Path, machine: BootMachine) -> None:
    other = machine._replace(answers={"ks.cfg": "x\n"})
    run(root, lambda provisioner: provisioner.install(machine))
    run(root, lambda provisioner: provisioner.install(other))
    assert set(visible(root)) & {"hosts/server1/preseed.cfg", "hosts/server1/ks.cfg"} == {"hosts/server1/ks.cfg"}
    run(root, lambda provisioner: provisioner.local(machine))
    assert not (root / "hosts/server1").exists()


def test_a_card_that_is_gone_since_goes_back_too(root: Path, machine: BootMachine) -> None:
    """Whoever takes an installation back may know the machine by other cards than those that it was told by."""
    known = replace(facts({**COMMON, **NEEDED["debian"]}), name="server1", macs=(MAC, "52:54:00:aa:bb:02"))
    both = RENDERER.machine(known, recipe.load("debian"), token=TOKEN)
    other = boot_machine("server1", "52:54:00:aa:bb:03")
    run(root, lambda provisioner: provisioner.install(both))
    assert run(root, lambda provisioner: provisioner.state(other)) is BootState.INSTALL
    run(root, lambda provisioner: provisioner.install(other))
    run(root, lambda provisioner: provisioner.local(other))
    for files in (both.local, other.local):
        assert {path: visible(root)[path] for path in files} == files
    assert not (root / "hosts/server1").exists()


def test_what_others_put_beside_the_answers_stays(root: Path, machine: BootMachine) -> None:
    run(root, lambda provisioner: provisioner.install(machine))
    (root / "hosts/server1/notes").write_text("x")
    run(root, lambda provisioner: provisioner.local(machine))
    assert [path.name for path in (root / "hosts/server1").iterdir()] == ["notes"]


def test_a_list_of_answers_that_means_harm(root: Path, machine: BootMachine) -> None:
    (root / "hosts/server1").mkdir(parents=True)
    (root / "precious").write_text("x")
    entries = ("../../precious", "/etc/passwd", ".", "", "grub/../../precious", "pxelinux.cfg/default")
    (root / "hosts/server1/.clusto").write_text("\n".join(entries))
    (root / "pxelinux.cfg").mkdir()
    (root / "pxelinux.cfg/default").write_text("mine\n")
    run(root, lambda provisioner: provisioner.local(machine))
    assert (root / "precious").exists()
    assert (root / "pxelinux.cfg/default").read_text() == "mine\n"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a file system cannot be mounted (root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(root: Path) -> None:
    with (root / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    assert os.statvfs(root).f_bavail == 0


def test_a_full_disk_is_found_before_anything_changes(small: Path, machine: BootMachine) -> None:
    fill(small)
    with pytest.raises(Refused, match=f"{small} has 0 KiB left and [0-9]+ are needed"):
        run(small, lambda provisioner: provisioner.check(machine))
    with pytest.raises(Refused, match=r"hosts/server1/\.?[a-z.]+: No space left on device"):
        run(small, lambda provisioner: provisioner.install(machine))
    assert not [path for path, text in visible(small).items() if state_of(text.encode()) is BootState.INSTALL]


def test_the_way_back_works_on_a_full_disk(small: Path, machine: BootMachine) -> None:
    run(small, lambda provisioner: provisioner.install(machine))
    fill(small)
    run(small, lambda provisioner: provisioner.local(machine))
    assert run(small, lambda provisioner: provisioner.state(machine)) is BootState.LOCAL
    assert {path: visible(small)[path] for path in machine.local} == machine.local
    assert not (small / "hosts/server1").exists()


def test_the_way_back_works_on_a_full_disk_without_the_twins(small: Path, machine: BootMachine) -> None:
    run(small, lambda provisioner: provisioner.install(machine))
    for twin in small.rglob(".*.local"):
        twin.unlink()
    fill(small)
    run(small, lambda provisioner: provisioner.local(machine))
    assert {path: visible(small)[path] for path in machine.local} == machine.local


def test_a_disk_that_fills_up_at_any_time(small: Path, machine: BootMachine) -> None:
    """With less and less room, install either succeeds whole or leaves no file that installs."""
    outcomes = set()
    for blocks in range(16):
        for each in small.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        (small / "filler").write_bytes(b"x" * 4096 * (15 - blocks))
        try:
            run(small, lambda provisioner: provisioner.install(machine))
        except DeviceError:
            outcomes.add("failed")
            states = {path: state_of(text.encode()) for path, text in visible(small).items() if path in machine.local}
            assert BootState.INSTALL not in states.values()
            assert BootState.FOREIGN not in states.values()
        else:
            outcomes.add("done")
            assert {path: visible(small)[path] for path in machine.install} == machine.install
            run(small, lambda provisioner: provisioner.local(machine))
            assert {path: visible(small)[path] for path in machine.local} == machine.local
    assert outcomes == {"failed", "done"}


@needs_root
def test_a_read_only_directory(root: Path, machine: BootMachine) -> None:
    subprocess.run(["mount", "--bind", str(root), str(root)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(root)], check=True)
        for act in (TreeProvisioner.check, TreeProvisioner.install, TreeProvisioner.local):
            with pytest.raises(Refused, match="Read-only file system"):
                run(root, lambda provisioner, act=act: act(provisioner, machine))  # type: ignore[misc]
    finally:
        subprocess.run(["umount", str(root)], check=True)


@needs_root
def test_a_directory_of_somebody_else(root: Path, memory: Path) -> None:
    root.chmod(0o755)
    for folder in root.parents:
        if folder.stat().st_mode & 0o055 != 0o055 and folder.is_relative_to(memory):
            folder.chmod(0o755)
    script = (
        "import asyncio, concurrent.futures.thread, os, sys; from tests.provision.machines import boot_machine;"
        "from clusto_cli.backends.provision.directory import directory;"
        "from clusto_cli.backends.errors import Refused\n"
        "machine = boot_machine(); os.setgid(65534); os.setuid(65534)\n"
        "async def check():\n"
        "    async with directory(sys.argv[1]) as provisioner:\n"
        "        await provisioner.check(machine)\n"
        "try: asyncio.run(check())\n"
        "except Refused as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=False)
    assert done.stdout == f"{root}/pxelinux.cfg: Permission denied\n", done.stderr


def faulty(root: Path, at: int, *, dead: bool = False) -> tuple[TreeProvisioner, FaultyFiles]:
    files = FaultyFiles(LocalFiles(str(root)), at, dead=dead)
    return TreeProvisioner(files, SHARED), files


def calls_of(memory: Path, machine: BootMachine, act: str, before: str) -> int:
    """How many calls of the file system that takes when nothing fails."""
    root = memory / "counted"
    _prepared(root, machine, before)
    provisioner, files = faulty(root, 0)
    asyncio.run(_once(provisioner, machine, act))
    assert files.count > 8
    return files.count


async def _once(provisioner: TreeProvisioner, machine: BootMachine, act: str) -> None:
    async with provisioner:
        await getattr(provisioner, act)(machine)


def _prepared(root: Path, machine: BootMachine, before: str) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    if before == "foreign":
        for path in machine.local:
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_text(f"mine: {path}\n")
    elif before != "absent":
        run(root, lambda provisioner: getattr(provisioner, before)(machine))


@pytest.mark.parametrize("before", ["absent", "local", "install", "foreign"])
def test_install_when_any_one_call_fails(memory: Path, machine: BootMachine, before: str) -> None:
    """Whichever it is: it has been done whole, or it says so and no machine installs and no foreign file is lost."""
    failures: list[str] = []
    for at in range(1, calls_of(memory, machine, "install", before) + 1):
        root = memory / "tried"
        _prepared(root, machine, before)
        provisioner, _ = faulty(root, at)
        try:
            asyncio.run(_once(provisioner, machine, "install"))
        except DeviceError as error:
            failures.append(str(error))
            found = visible(root)
            for path, local in machine.local.items():
                allowed = {local, f"mine: {path}\n"} | ({None} if before == "absent" else set())
                assert found.get(path) in allowed, (at, path)
            assert not [path for path in content(root) if path.startswith("hosts/server1/") and "clusto" not in path], (
                at
            )
        else:
            assert {path: visible(root)[path] for path in machine.install} == machine.install, at
        if before == "foreign":
            kept = content(root)
            for path in machine.local:
                assert f"mine: {path}\n".encode() in (kept.get(path), kept.get(f"{path}.before-clusto")), (at, path)
        # Whatever it was: the way back is open.
        run(root, lambda provisioner: provisioner.local(machine))
        assert {path: visible(root)[path] for path in machine.local} == machine.local
    assert len(failures) > 8
    assert not any("\n" in text for text in failures)


@pytest.mark.parametrize("act", ["install", "local"])
@pytest.mark.parametrize("before", ["absent", "local", "install"])
def test_the_program_is_killed_at_any_call(memory: Path, machine: BootMachine, before: str, act: str) -> None:
    """What a machine finds is whole at every moment, and the next program brings it back to its disk."""
    for at in range(1, calls_of(memory, machine, act, before) + 1):
        root = memory / "tried"
        _prepared(root, machine, before)
        provisioner, _ = faulty(root, at, dead=True)
        with contextlib.suppress(DeviceError):
            asyncio.run(_once(provisioner, machine, act))
        found = visible(root)
        for path in machine.local:
            earlier = None if before == "absent" else machine.local[path]
            assert found.get(path) in (earlier, machine.install[path], machine.local[path])
        starts = [path for path in machine.install if found.get(path) == machine.install[path]]
        if starts and act == "install" and before != "install":
            assert found["hosts/server1/preseed.cfg"] == machine.answers["preseed.cfg"]
        run(root, lambda provisioner: provisioner.local(machine))
        assert {path: visible(root)[path] for path in machine.local} == machine.local
        assert not (root / "hosts/server1").exists()


def test_local_when_any_one_call_fails(memory: Path, machine: BootMachine) -> None:
    for at in range(1, calls_of(memory, machine, "local", "install") + 1):
        root = memory / "tried"
        _prepared(root, machine, "install")
        provisioner, _ = faulty(root, at)
        failure = None
        try:
            asyncio.run(_once(provisioner, machine, "local"))
        except DeviceError as error:
            failure = error
        starts = [path for path in machine.install if visible(root)[path] == machine.install[path]]
        # One failure costs one file at most, and is told.
        assert len(starts) <= 1
        assert failure is not None or not starts
        run(root, lambda provisioner: provisioner.local(machine))
        assert {path: visible(root)[path] for path in machine.local} == machine.local


def test_a_way_back_that_fails_says_what_still_installs(memory: Path, machine: BootMachine) -> None:
    root = memory / "tried"
    _prepared(root, machine, "install")
    count = calls_of(memory, machine, "install", "install")
    _prepared(root, machine, "install")
    provisioner, _ = faulty(root, count - 1, dead=True)
    with pytest.raises(
        DeviceError, match=r"No space left on device; .* may still start the installer \(.*: Input/output error\)"
    ):
        asyncio.run(_once(provisioner, machine, "install"))


def test_two_at_once(root: Path) -> None:
    """Programs that do not know of each other, and a reader that must never find half a file."""
    machine = boot_machine()
    other = machine._replace(install={path: text + "# another\n" for path, text in machine.install.items()})
    allowed = {machine.install[PXELINUX], other.install[PXELINUX], machine.local[PXELINUX]}
    run(root, lambda provisioner: provisioner.local(machine))
    odd: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            text = (root / PXELINUX).read_text()
            if text not in allowed:
                odd.append(text)

    def write(mine: BootMachine) -> None:
        async def act(provisioner: TreeProvisioner) -> None:
            for _ in range(25):
                # Each takes the other's answers away, and says so.
                with contextlib.suppress(DeviceError):
                    await provisioner.install(mine)
                await provisioner.local(mine)

        run(root, act)

    reader = threading.Thread(target=read)
    reader.start()
    writers = [threading.Thread(target=write, args=(mine,)) for mine in (machine, other)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert not odd
    run(root, lambda provisioner: provisioner.local(machine))
    assert {path: visible(root)[path] for path in machine.local} == machine.local
    assert not [path for path in content(root) if path.endswith(".new")]


def test_what_follows_a_cancelled_install_comes_after_it(root: Path, machine: BootMachine) -> None:
    """The thread that writes goes on when its task is cancelled; the way back must be the last word."""
    writing, go_on = threading.Event(), threading.Event()

    class Slow(LocalFiles):
        def create(self, path: str, content: bytes) -> None:
            if path.startswith("hosts/") and not writing.is_set():
                writing.set()
                go_on.wait(10)
            super().create(path, content)

    async def act() -> None:
        async with TreeProvisioner(Slow(str(root))) as provisioner:
            task = asyncio.create_task(provisioner.install(machine))
            await asyncio.to_thread(writing.wait, 10)
            task.cancel()
            back = asyncio.create_task(provisioner.local(machine))
            await asyncio.sleep(0.05)
            go_on.set()
            await back
            assert await provisioner.state(machine) is BootState.LOCAL

    asyncio.run(act())
    assert {path: visible(root)[path] for path in machine.local} == machine.local


def many(count: int) -> list[BootMachine]:
    known = facts({"os.console": "ttyS0,115200n8"})
    macs = [f"52:54:00:00:{number // 256:02x}:{number % 256:02x}" for number in range(count)]
    return [RENDERER.local(replace(known, name=f"server{at}", macs=(mac,))) for at, mac in enumerate(macs)]


def test_the_local_files_of_many_machines(root: Path) -> None:
    machines = many(300)
    wanted = {path: text for machine in machines for path, text in machine.local.items()}
    assert len(wanted) == 1200
    run(root, lambda provisioner: provisioner.install(boot_machine("server7", machines[7].macs[0])))
    (root / "ipxe/mac-525400000009.ipxe").write_text("mine\n")
    for _ in range(2):
        assert run(root, lambda provisioner: provisioner.local_many(machines)) == {}
        found = visible(root)
        assert {path: found[path] for path in wanted} == wanted
    assert found["ipxe/mac-525400000009.ipxe.before-clusto"] == "mine\n"
    for path in wanted:
        assert (root / path).stat().st_mode & 0o777 == 0o644


def test_of_many_those_that_failed_are_told(small: Path) -> None:
    machines = many(40)
    failures = run(small, lambda provisioner: provisioner.local_many(machines))
    assert 0 < len(failures) < 40
    assert all("No space left on device" in str(error) for error in failures.values())


def test_room_for_files_is_counted_too(root: Path, machine: BootMachine) -> None:
    class Crowded(LocalFiles):
        def space(self) -> Space:
            return Space(1 << 30, 3)

    async def check() -> str:
        async with TreeProvisioner(Crowded(str(root))) as provisioner:
            return await provisioner.check(machine)

    with pytest.raises(Refused, match=r"has room for 3 more files and [0-9]+ are needed"):
        asyncio.run(check())
