"""Fetches that others serve: told by dnsmasq itself, and seen by inotify."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clusto_cli.rebuild import hook
from clusto_cli.rebuild.watching import BootFileWatch
from clusto_core.config import Settings
from clusto_core.errors import NotFound, Refused
from clusto_core.records.rebuilds import BOOTING, DONE, FETCHED, Heard
from tests.console.lab import find, until
from tests.rebuild_serve.lab import INSTALL, Store

BOOT_FILE = "pxelinux.cfg/01-52-54-00-aa-bb-07"
HOOK = """import sys
from clusto_cli.rebuild.hook import hear
from clusto_core.config import Settings
sys.exit(hear(sys.argv[2:], lambda: Settings(sys.argv[1])))"""


# --- dnsmasq ---------------------------------------------------------------------------------------------------------


class Tftp:
    """A dnsmasq in a network namespace of its own, that tells of transfers; and clients there."""

    def __init__(self, folder: Path, store: Store) -> None:
        dnsmasq = find("dnsmasq", "dnsmasq-base")
        unshare = find("unshare", "util-linux")
        self.curl = find("curl", "curl")
        self.root = folder / "tftp"
        (self.root / "pxelinux.cfg").mkdir(parents=True)
        self.log = folder / "dnsmasq.log"
        self.runs = folder / "runs"
        script = folder / "hook"
        words = shlex.join([sys.executable, "-c", HOOK, store.url])
        script.write_text(f'#!/bin/sh\necho "$@" >> {self.runs}\nexec {words} "$@"\n')
        script.chmod(0o755)
        namespace = [unshare, "--net"] if os.geteuid() == 0 else [unshare, "--user", "--map-root-user", "--net"]
        probe = subprocess.run(
            [*namespace, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False
        )
        if probe.returncode:
            pytest.skip(f"no network namespace can be made: {probe.stderr.strip()}")
        settings = [
            *("no-daemon", "conf-file=/dev/null", "port=0", "interface=lo", "bind-interfaces", "user=root"),
            *("dhcp-range=127.0.0.50,127.0.0.60,255.0.0.0", f"dhcp-leasefile={folder}/leases"),
            *("enable-tftp", f"tftp-root={self.root}", f"dhcp-script={script}", "log-facility=-"),
        ]
        command = shlex.join([dnsmasq, *(f"--{setting}" for setting in settings)])
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*namespace, "sh", "-c", f"ip link set lo up && exec {command}"],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(lambda: "TFTP root is" in self.said() or self.process.poll() is not None, "dnsmasq runs", 30)
        assert self.process.poll() is None, self.said()

    def said(self) -> str:
        return self.log.read_text()

    def get(self, path: str, *options: str) -> subprocess.CompletedProcess[bytes]:
        """Fetches a file by TFTP."""
        entered = ["nsenter", "--target", str(self.process.pid), "--net"]
        if os.geteuid() != 0:
            entered += ["--user", "--preserve-credentials"]
        command = [self.curl, "-s", "--max-time", "20", *options, f"tftp://127.0.0.1/{path}"]
        return subprocess.run([*entered, *command], capture_output=True, check=False)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def tftp(tmp_path: Path, store: Store) -> Iterator[Tftp]:
    server = Tftp(tmp_path, store)
    yield server
    server.stop()


def test_dnsmasq_tells_of_what_machines_took(tftp: Tftp, store: Store) -> None:
    answer = "hosts/server1/preseed (new).cfg"
    (tftp.root / answer).parent.mkdir(parents=True)
    for path in (BOOT_FILE, answer, "pxelinux.0"):
        (tftp.root / path).write_bytes(INSTALL)
    rebuild, _ = store.begin(files=[BOOT_FILE], answers=[answer])
    over, _ = store.begin(files=["pxelinux.0"])
    store.journal.add([Heard(over.id, "clusto", "done", phase=DONE)])
    assert tftp.get("pxelinux.0").stdout == INSTALL
    assert tftp.get("missing").returncode != 0
    assert tftp.get(f"/{BOOT_FILE}").stdout == INSTALL
    assert tftp.get(answer.replace(" ", "%20")).stdout == INSTALL
    until(lambda: len(store.heard(rebuild)) == 2, "both are written down", 60)
    store.journal.add([Heard(rebuild.id, "clusto", "power", phase=BOOTING)])
    # An absolute name of TFTP is one below the root too.
    for path in (BOOT_FILE, f"{tftp.root}/{BOOT_FILE}"):
        assert tftp.get(path).stdout == INSTALL
    until(lambda: len(tftp.runs.read_text().splitlines()) == 5, "dnsmasq has told of all", 60)
    until(lambda: len(store.heard(rebuild)) == 4, "the one in the new phase is written down", 60)
    assert store.heard(rebuild) == [(FETCHED, BOOT_FILE), (FETCHED, answer), ("power", None), (FETCHED, BOOT_FILE)]
    assert store.heard(over) == [("done", None)]
    assert "script process" not in tftp.said()


def test_dnsmasq_and_inotify_agree(tftp: Tftp) -> None:
    (tftp.root / BOOT_FILE).write_bytes(INSTALL)

    async def main() -> list[str]:
        told: list[str] = []
        with BootFileWatch(str(tftp.root), told.append) as watch:
            watch.add([BOOT_FILE])
            assert (await asyncio.to_thread(tftp.get, BOOT_FILE)).stdout == INSTALL
            await seen(told, 1)
        return told

    assert asyncio.run(main()) == [BOOT_FILE]


# --- the hook by itself ----------------------------------------------------------------------------------------------


def settings_of(store: Store) -> Callable[[], Settings]:
    return lambda: Settings(store.url)


@pytest.mark.parametrize(
    "file",
    [BOOT_FILE, f"/{BOOT_FILE}", f"/srv/tftp/{BOOT_FILE}", f"/srv/tftp/10.0.0.7/{BOOT_FILE}", f"//{BOOT_FILE}"],
)
def test_a_file_is_known_by_what_its_name_ends_in(store: Store, file: str) -> None:
    rebuild, _ = store.begin(files=[BOOT_FILE])
    assert hook.hear(["tftp", "8", "10.0.0.7", file], settings_of(store)) is None
    assert hook.hear(["tftp", "8", "10.0.0.7", file], settings_of(store)) is None
    assert store.heard(rebuild) == [(FETCHED, BOOT_FILE)]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["init"],
        ["tftp"],
        ["tftp", "8", "10.0.0.7"],
        ["tftp", "8", "10.0.0.7", f"x{BOOT_FILE}"],
        ["tftp", "8", "10.0.0.7", f"{BOOT_FILE}/"],
        ["tftp", "8", "10.0.0.7", f"{BOOT_FILE}.new"],
        ["tftp", "8", "10.0.0.7", BOOT_FILE.upper()],
        ["tftp", "8", "10.0.0.7", BOOT_FILE.rpartition("/")[2]],
        ["tftp", "8", "10.0.0.7", ""],
        ["tftp", "8", "10.0.0.7", "/" * 5000],
        ["tftp", "8", "10.0.0.7", "\udcff\0\n"],
        ["add", "52:54:00:aa:bb:07", "10.0.0.7", BOOT_FILE],
    ],
)
def test_what_is_no_machine_s_file_is_passed_over(store: Store, arguments: list[str]) -> None:
    rebuild, _ = store.begin(files=[BOOT_FILE])
    assert hook.hear(arguments, settings_of(store)) is None
    assert store.heard(rebuild) == []


def test_leases_do_not_even_look_for_the_store() -> None:
    def settings() -> Settings:
        raise AssertionError

    for action in ("add", "old", "del", "init", "arp-add", "relay-snoop"):
        assert hook.hear([action, "52:54:00:aa:bb:07", "10.0.0.7", "server1"], settings) is None


def test_the_hook_says_in_a_line_what_keeps_it(tmp_path: Path) -> None:
    def unconfigured() -> Settings:
        raise NotFound("no such configuration file: /etc/clusto.toml")

    transfer = ["tftp", "8", "10.0.0.7", f"/srv/tftp/{BOOT_FILE}"]
    start = f"10.0.0.7 took /srv/tftp/{BOOT_FILE}, which could not be written down: "
    assert hook.hear(transfer, unconfigured) == f"{start}no such configuration file: /etc/clusto.toml"
    missing = hook.hear(transfer, lambda: Settings(f"sqlite:///{tmp_path}/missing.db"))
    assert missing is not None
    assert missing.startswith(f"{start}there is no inventory")
    assert not (tmp_path / "missing.db").exists()


# --- inotify ---------------------------------------------------------------------------------------------------------


async def seen(told: list[str], count: int) -> None:
    """Waits until so much is told. Of what happens to one file meanwhile, the kernel tells only once."""
    async with asyncio.timeout(20):
        while len(told) < count:
            await asyncio.sleep(0.01)


def read(path: Path) -> None:
    """As another program reads it."""
    subprocess.run(["cat", path], check=True, stdout=subprocess.DEVNULL)


def replace(path: Path, content: bytes) -> None:
    new = path.with_name(".new")
    new.write_bytes(content)
    os.replace(new, path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "tftp"
    for folder in ("pxelinux.cfg", "ipxe"):
        (path / folder).mkdir(parents=True)
    return path


def test_whoever_reads_a_boot_file_is_seen_whatever_takes_its_place(root: Path) -> None:
    paths = [BOOT_FILE, "ipxe/mac-525400aabb07.ipxe", "grub.cfg-52:54:00:aa:bb:07"]

    async def main() -> list[str]:
        told: list[str] = []
        with BootFileWatch(str(root), told.append) as watch:
            watch.add(paths)  # before they are there
            for path in paths:
                replace(root / path, INSTALL)
                read(root / path)
            await seen(told, 3)
            replace(root / BOOT_FILE, b"local\n")
            read(root / BOOT_FILE)
            await seen(told, 4)
            (root / BOOT_FILE).unlink()
            (root / BOOT_FILE).write_bytes(INSTALL)
            read(root / BOOT_FILE)
            await seen(told, 5)
            with (root / BOOT_FILE).open("rb"):
                replace(root / BOOT_FILE, b"local\n")  # while a machine takes the one before
            await seen(told, 6)
        read(root / BOOT_FILE)
        await asyncio.sleep(0.05)
        return told

    assert asyncio.run(main()) == [*paths, *[BOOT_FILE] * 3]


def test_writing_looking_and_other_files_tell_nothing(root: Path) -> None:
    other = "ipxe/mac-525400aabb08.ipxe"

    async def main() -> list[str]:
        told: list[str] = []
        with BootFileWatch(str(root), told.append) as watch:
            watch.add([BOOT_FILE, other])
            for _ in range(3):
                (root / BOOT_FILE).write_bytes(INSTALL)
                replace(root / BOOT_FILE, b"local\n")
                os.chmod(root / BOOT_FILE, 0o644)
                os.stat(root / BOOT_FILE)
                os.listdir(root / "pxelinux.cfg")
            (root / "pxelinux.cfg" / "default").write_bytes(INSTALL)
            read(root / "pxelinux.cfg" / "default")
            (root / other).write_bytes(INSTALL)
            watch.discard([BOOT_FILE])
            read(root / BOOT_FILE)
            read(root / other)
            await seen(told, 1)
        return told

    assert asyncio.run(main()) == [other]


def test_two_ways_to_one_directory(root: Path) -> None:
    """Debian's netboot tree has pxelinux.cfg as a link."""
    (root / "linked").symlink_to("pxelinux.cfg")
    (root / BOOT_FILE).write_bytes(INSTALL)
    linked = BOOT_FILE.replace("pxelinux.cfg", "linked")

    async def main() -> list[str]:
        told: list[str] = []
        with BootFileWatch(str(root), told.append) as watch:
            watch.add([BOOT_FILE, linked])
            read(root / linked)
            await seen(told, 2)
        return told

    assert sorted(asyncio.run(main())) == sorted([BOOT_FILE, linked])


def test_a_directory_that_is_made_anew_can_be_watched_again(root: Path) -> None:
    async def main() -> list[str]:
        told: list[str] = []
        with BootFileWatch(str(root), told.append) as watch:
            watch.add([BOOT_FILE])
            shutil.rmtree(root / "pxelinux.cfg")
            await asyncio.sleep(0.05)
            with pytest.raises(NotFound, match=r"no such directory: .*/tftp/pxelinux\.cfg"):
                watch.add([BOOT_FILE])
            (root / "pxelinux.cfg").mkdir()
            watch.add([BOOT_FILE])
            replace(root / BOOT_FILE, INSTALL)
            read(root / BOOT_FILE)
            await seen(told, 1)
        return told

    assert asyncio.run(main()) == [BOOT_FILE]


def test_directories_that_are_not_there_are_told(root: Path) -> None:
    (root / "file").touch()

    async def main() -> None:
        with BootFileWatch(str(root), lambda path: None) as watch:
            for folder in ("missing", "file", "ipxe/below"):
                with pytest.raises(NotFound, match=f"no such directory: {root}/{folder}$"):
                    watch.add([f"{folder}/mac-1.ipxe"])
            watch.close()

    asyncio.run(main())


def test_more_watches_than_the_system_gives_are_refused_with_the_limit(root: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())
    if limit > 500:
        pytest.skip(f"the system gives {limit} of them")

    async def main() -> None:
        with contextlib.ExitStack() as watches:

            def exhaust() -> None:
                for _ in range(limit + 1):
                    watches.enter_context(BootFileWatch(str(root), lambda path: None))

            with pytest.raises(Refused, match=r"cannot watch .*: the limit fs\.inotify\.max_user_instances \(sysctl\)"):
                exhaust()

    asyncio.run(main())
