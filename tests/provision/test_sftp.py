"""A boot directory over sftp, with a real sshd."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from clusto_cli.backends.base import BootState
from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, Refused, Unreachable
from clusto_cli.backends.provision import open_provisioner
from clusto_cli.backends.provision.loaders import state_of
from clusto_cli.backends.provision.sftp import SftpFiles, SftpSettings, sftp, sftp_settings
from clusto_cli.backends.provision.tree import TreeProvisioner
from tests.backends.switch.sshdlab import Sshd, sshd
from tests.provision.faults import FaultyFiles
from tests.provision.machines import RENDERER, boot_machine
from tests.provision.test_directory import PXELINUX, content, fill, visible

T = TypeVar("T")
SHARED = RENDERER.shared()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd"), {"LANG": "C"}) as running:
        yield running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tftp"
    folder.mkdir()
    return folder


def settings(server: Sshd, root: Path) -> SftpSettings:
    return SftpSettings("127.0.0.1", str(root), server.port, server.user, "", str(server.key), str(server.known_hosts))


def run(settings: SftpSettings, act: Callable[[TreeProvisioner], Awaitable[T]]) -> T:
    async def session() -> T:
        async with sftp(settings, SHARED) as provisioner:
            return await act(provisioner)

    return asyncio.run(session())


def test_there_and_back(server: Sshd, root: Path) -> None:
    machine = boot_machine()
    shared = {file.path: file.text for file in SHARED if not file.beside}

    async def act(provisioner: TreeProvisioner) -> None:
        assert await provisioner.check(machine) == f"sftp://127.0.0.1{root} is writable"
        assert list(root.iterdir()) == []
        assert await provisioner.state(machine) is BootState.ABSENT
        await provisioner.install(machine)
        assert await provisioner.state(machine) is BootState.INSTALL
        answers = {f"hosts/server1/{name}": text for name, text in machine.answers.items()}
        assert visible(root) == {**machine.install, **answers, **shared}
        for path in root.rglob("*"):
            wanted = 0o755 if path.is_dir() else 0o640 if path.is_relative_to(root / "hosts") else 0o644
            assert path.stat().st_mode & 0o777 == wanted, path
        await provisioner.local(machine)
        assert await provisioner.state(machine) is BootState.LOCAL

    run(settings(server, root), act)
    assert {path: text.decode() for path, text in content(root).items()} == {**machine.local, **shared}
    assert not (root / "hosts/server1").exists()


def test_by_the_settings_of_a_site(server: Sshd, root: Path) -> None:
    url = f"sftp://{server.user}@127.0.0.1:{server.port}{root}"
    given = {"rebuild.dir": url, "ssh.identity": str(server.key), "ssh.known_hosts": str(server.known_hosts)}

    async def act() -> BootState:
        async with open_provisioner(given) as provisioner:
            await provisioner.local(boot_machine())
            return await provisioner.state(boot_machine())

    assert asyncio.run(act()) is BootState.LOCAL
    assert (root / PXELINUX).exists()


def test_many_machines_at_once(server: Sshd, root: Path) -> None:
    machines = [boot_machine(f"server{number}", f"52:54:00:00:00:{number:02x}") for number in range(12)]

    async def act(provisioner: TreeProvisioner) -> None:
        await asyncio.gather(*(provisioner.install(machine) for machine in machines))
        assert {await provisioner.state(machine) for machine in machines} == {BootState.INSTALL}
        assert await provisioner.local_many(machines) == {}

    run(settings(server, root), act)
    found = visible(root)
    assert all(found[path] == text for machine in machines for path, text in machine.local.items())


def test_a_foreign_file_is_kept_beside(server: Sshd, root: Path) -> None:
    machine = boot_machine()
    (root / "pxelinux.cfg").mkdir()
    (root / PXELINUX).write_text("DEFAULT mine\n")
    assert run(settings(server, root), lambda provisioner: provisioner.state(machine)) is BootState.FOREIGN
    run(settings(server, root), lambda provisioner: provisioner.install(machine))
    assert (root / f"{PXELINUX}.before-clusto").read_text() == "DEFAULT mine\n"
    (root / PXELINUX).write_text("DEFAULT again\n")
    run(settings(server, root), lambda provisioner: provisioner.local(machine))
    assert (root / f"{PXELINUX}.before-clusto").read_text() == "DEFAULT mine\n"
    assert (root / f"{PXELINUX}.before-clusto-2").read_text() == "DEFAULT again\n"


def test_a_folder_that_leads_out_of_the_tree_is_refused(server: Sshd, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "ipxe").symlink_to(outside)
    with pytest.raises(DeviceError, match=r"ipxe leads out of sftp://127\.0\.0\.1/"):
        run(settings(server, root), lambda provisioner: provisioner.install(boot_machine()))
    assert list(outside.iterdir()) == []
    assert not [path for path, text in visible(root).items() if state_of(text.encode()) is BootState.INSTALL]


@contextmanager
def small(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a file system cannot be mounted (root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_the_way_back_works_on_a_full_disk(server: Sshd, tmp_path: Path) -> None:
    machine = boot_machine()
    with small(tmp_path / "small") as root:
        run(settings(server, root), lambda provisioner: provisioner.install(machine))
        fill(root)
        with pytest.raises(Refused, match="Failure"):
            run(settings(server, root), lambda provisioner: provisioner.check(machine))
        run(settings(server, root), lambda provisioner: provisioner.local(machine))
        assert {path: visible(root)[path] for path in machine.local} == machine.local
        with pytest.raises(Refused, match="Failure"):
            run(settings(server, root), lambda provisioner: provisioner.install(machine))
        assert {path: visible(root)[path] for path in machine.local} == machine.local


@pytest.mark.parametrize("before", ["local", "install"])
def test_install_when_one_call_fails(server: Sshd, tmp_path: Path, before: str) -> None:
    """One call in five, since each takes a connection; all of them fail in the tests of a local directory."""
    machine = boot_machine()
    at, done = 0, False
    while not done:
        at += 5
        root = tmp_path / f"tried{at}"
        root.mkdir()
        run(settings(server, root), lambda provisioner: getattr(provisioner, before)(machine))
        faulty = TreeProvisioner(FaultyFiles(SftpFiles(settings(server, root)), at), SHARED)
        try:
            asyncio.run(_install(faulty, machine))
        except DeviceError:
            assert {path: visible(root)[path] for path in machine.local} == machine.local, at
        else:
            assert {path: visible(root)[path] for path in machine.install} == machine.install, at
            files = faulty._files
            assert isinstance(files, FaultyFiles)
            done = files.count < at
    assert at > 30


async def _install(provisioner: TreeProvisioner, machine: object) -> None:
    async with provisioner:
        await provisioner.install(machine)  # type: ignore[arg-type]


def test_a_host_key_that_is_not_known(server: Sshd, root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    other = replace(settings(server, root), known_hosts=str(tmp_path / "empty"))
    with pytest.raises(AuthenticationFailed, match="its host key is not known: add it to known_hosts"):
        run(other, lambda provisioner: provisioner.check(boot_machine()))


def test_a_host_key_that_is_another(server: Sshd, root: Path, tmp_path: Path) -> None:
    words = server.known_hosts.read_text().split()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    (tmp_path / "hosts").write_text(f"{words[0]} {' '.join((tmp_path / 'other.pub').read_text().split()[:2])}\n")
    other = replace(settings(server, root), known_hosts=str(tmp_path / "hosts"))
    with pytest.raises(AuthenticationFailed, match="its host key is not the known one"):
        run(other, lambda provisioner: provisioner.check(boot_machine()))


def test_a_key_that_is_not_accepted(server: Sshd, root: Path, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    with pytest.raises(AuthenticationFailed, match="was not accepted"):
        run(replace(settings(server, root), key_file=str(tmp_path / "other")), lambda each: each.check(boot_machine()))


def test_nobody_there_and_no_directory(server: Sshd, root: Path) -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1 port 1: "):
        run(replace(settings(server, root), port=1), lambda provisioner: provisioner.check(boot_machine()))
    with pytest.raises(Refused, match="there is no directory sftp://"):
        run(replace(settings(server, root), path=f"{root}/nosuch"), lambda each: each.check(boot_machine()))
    (root / "file").touch()
    with pytest.raises(Refused, match="there is no directory sftp://"):
        run(replace(settings(server, root), path=f"{root}/file"), lambda each: each.check(boot_machine()))


def test_a_connection_that_ends(server: Sshd, root: Path) -> None:
    async def act() -> None:
        files = SftpFiles(settings(server, root))
        async with TreeProvisioner(files, SHARED) as provisioner:
            await provisioner.local(boot_machine())
            assert files._ssh is not None
            transport = files._ssh.get_transport()
            assert transport is not None
            transport.sock.close()
            with pytest.raises(Unreachable, match="no ssh session"):
                await provisioner.install(boot_machine())

    asyncio.run(act())


@pytest.mark.parametrize(
    ("url", "more", "expected"),
    [
        ("sftp://boot/srv/tftp", {}, ("boot", "/srv/tftp", 22, "")),
        ("sftp://ops@boot:2222/srv/tftp/", {"ssh.user": "other"}, ("boot", "/srv/tftp", 2222, "ops")),
        ("sftp://boot/srv/a%20b", {"ssh.user": "ops", "ssh.port": "2200"}, ("boot", "/srv/a b", 2200, "ops")),
        ("sftp://[2001:db8::1]/srv", {}, ("2001:db8::1", "/srv", 22, "")),
    ],
)
def test_what_a_url_means(url: str, more: dict[str, str], expected: tuple[str, str, int, str]) -> None:
    found = sftp_settings(url, more)
    assert (found.host, found.path, found.port, found.user) == expected


@pytest.mark.parametrize(
    "url",
    ["sftp://boot", "sftp:///srv", "sftp://ops:secret@boot/srv", "sftp://boot/srv?x", "sftp://boot/%00", "ftp://b/s"],
)
def test_what_a_url_cannot_be(url: str) -> None:
    with pytest.raises(ValueError, match=r"^rebuild\.dir") as raised:
        sftp_settings(url, {})
    assert "secret" not in str(raised.value)
