"""Files over HTTP: whole, in ranges, never from elsewhere, as they were when they were opened."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console.lab import find, until
from tests.rebuild_serve.lab import BootServer

CONTENT = bytes(range(256)) * 40


def fill(path: Path, mebibytes: int) -> str:
    """Makes a file of so many MiB that differ; its digest."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for number in range(mebibytes):
            block = number.to_bytes(4) * (1 << 18)
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


@pytest.mark.parametrize("client", [("busybox", "wget"), ("wget",), ("curl",)])
def test_what_installers_fetch_with_gets_the_file(
    boot: BootServer, folder: Path, tmp_path: Path, client: tuple[str, ...]
) -> None:
    program = find(client[0], "busybox-static" if client[0] == "busybox" else client[0])
    (folder / "linux").write_bytes(CONTENT)
    output = "-o" if client[0] == "curl" else "-O"
    command = [program, *client[1:], "-q" if "wget" in client else "-fsS", output, str(tmp_path / "got")]
    subprocess.run([*command, boot.url(f"/{folder.name}/linux")], check=True)
    assert (tmp_path / "got").read_bytes() == CONTENT
    missing = subprocess.run([*command, boot.url(f"/{folder.name}/missing")], capture_output=True, check=False)
    assert missing.returncode != 0


def test_a_broken_off_download_is_taken_up_again(boot: BootServer, folder: Path, tmp_path: Path) -> None:
    busybox = find("busybox", "busybox-static")
    (folder / "linux").write_bytes(CONTENT)
    (tmp_path / "got").write_bytes(CONTENT[:5000])
    url = boot.url(f"/{folder.name}/linux")
    subprocess.run([busybox, "wget", "-q", "-c", "-O", str(tmp_path / "got"), url], check=True)
    assert (tmp_path / "got").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10000-", 206, 10000, 10240),
        ("bytes=-7", 206, 10233, 10240),
        ("bytes=-99999", 206, 0, 10240),
        ("bytes=0-99999", 206, 0, 10240),
        ("bytes=10239-10239", 206, 10239, 10240),
        ("bytes=10240-", 416, 0, 0),
        ("bytes=9-3", 200, 0, 10240),
        ("bytes=0-1,4-5", 200, 0, 10240),
        ("bytes=-", 200, 0, 10240),
        ("lines=1-2", 200, 0, 10240),
        ("bytes=" + "9" * 5000 + "-", 200, 0, 10240),
    ],
)
def test_ranges(boot: BootServer, folder: Path, asked: str, status: int, start: int, stop: int) -> None:
    (folder / "linux").write_bytes(CONTENT)
    answer = boot.get(f"/{folder.name}/linux", Range=asked)
    assert (answer.status_code, answer.content) == (status, CONTENT[start:stop])
    assert (
        answer.headers.get("Content-Range")
        == {
            200: None,
            206: f"bytes {start}-{stop - 1}/10240",
            416: "bytes */10240",
        }[status]
    )


def test_a_range_of_a_file_that_has_changed_is_the_whole_new_file(boot: BootServer, folder: Path) -> None:
    file = folder / "linux"
    file.write_bytes(CONTENT)
    before = boot.get(f"/{folder.name}/linux").headers
    for validator in (before["ETag"], before["Last-Modified"]):
        assert boot.get(f"/{folder.name}/linux", Range="bytes=2-3", If_Range=validator).content == CONTENT[2:4]
    file.write_bytes(CONTENT[::-1])
    os.utime(file, (1, 1))
    for validator in (before["ETag"], before["Last-Modified"]):
        assert boot.get(f"/{folder.name}/linux", Range="bytes=2-3", If_Range=validator).content == CONTENT[::-1]


def test_an_empty_file_and_the_head_of_one_that_is_not(boot: BootServer, folder: Path) -> None:
    (folder / "empty").write_bytes(b"")
    (folder / "linux").write_bytes(CONTENT)
    assert boot.ask(f"/{folder.name}/empty".encode()) == (200, b"")
    curl = find("curl", "curl")
    head = subprocess.run(
        [curl, "-sI", boot.url(f"/{folder.name}/linux")], capture_output=True, text=True, check=True
    ).stdout
    assert "200 OK" in head
    assert f"Content-Length: {len(CONTENT)}" in head
    with boot.connect() as connection:
        connection.sendall(f"HEAD /{folder.name}/linux HTTP/1.1\r\nHost: boot\r\nRange: bytes=0-9\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert "Cache-Control: no-cache" in head


def test_names_as_boot_loaders_spell_them(boot: BootServer, folder: Path) -> None:
    for name in ("linux", "grub.cfg-52:54:00:aa:bb:07", "a b+c%"):
        (folder / name).write_bytes(CONTENT)
    base = f"/{folder.name}/".encode()
    for target in (b"/" + base + b"//linux", base + b"linux?mac=52:54:00:aa:bb:07", base + b"%6cinux"):
        assert boot.ask(target) == (200, CONTENT)
    for spelled in (b"grub.cfg-52:54:00:aa:bb:07", b"grub.cfg-52%3A54%3a00%3aaa%3abb%3a07", b"a%20b+c%25"):
        assert boot.ask(base + spelled) == (200, CONTENT)


def test_nothing_from_outside_and_nothing_hidden(boot: BootServer, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for name in (".linux.new", ".linux.local", "linux", ".hidden/linux", "below/linux"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("secret")
    (folder / "outside").symlink_to(secret)
    (folder / "away").symlink_to(tmp_path)
    (folder / "veiled").symlink_to(".linux.new")
    (folder / "round").symlink_to("round")
    (folder / "parent").symlink_to("..")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    base = f"/{folder.name}".encode()
    outside = os.fsencode(os.path.relpath(secret, boot.directory))
    targets = [
        b"/" + outside,
        b"/" + outside.replace(b"..", b"%2e%2e"),
        b"/" + outside.replace(b"/", b"%2f"),
        b"/" + outside.replace(b"../", b"%2E%2e%2f"),
        b"/" + outside.replace(b"..", b"..%00"),
        b"/" + outside.replace(b"..", b"%252e%252e"),
        b"/" + outside.replace(b"..", b"%c0%ae%c0%ae"),
        b"/" + outside.replace(b"/", b"\\"),
        os.fsencode(secret),
        b"//" + os.fsencode(secret),
        b"/%2f" + os.fsencode(secret),
        b"/file://" + os.fsencode(secret),
        b"http://boot" + os.fsencode(secret),
        base + b"/outside",
        base + b"/away/secret",
        base + b"/veiled",
        base + b"/round",
        base + b"/parent/" + folder.name.encode() + b"/.linux.new",
        base + b"/.linux.new",
        base + b"/.linux.local",
        base + b"/%2elinux.new",
        base + b"/.hidden/linux",
        base + b"/below/../linux",
        base + b"/./linux",
        base + b"/linux%00",
        base + b"/linux%00.txt",
        base + b"/linux%0a",
        base + b"/linux/",
        base + b"/linux/linux",
        base + b"/below",
        base + b"/below/",
        base,
        base + b"/",
        b"/",
        b"//",
        base + b"/pipe",
        base + b"/socket",
        base + b"/" + b"x" * 300,
        base + b"/x" * 2000,
        base + b"/%ed%a0%80",
        base + b"/%ff",
        base + b"/%",
        base + b"/%zz",
    ]
    for target in targets:
        status, body = boot.ask(target)
        assert (status, b"secret" in body) == (404, False), target
        assert boot.ask(target, b"HEAD") == (404, b""), target
    assert boot.ask(base + b"/linux") == (200, b"secret")


def test_links_to_files_below_the_directory_lead_there(boot: BootServer, folder: Path) -> None:
    (folder / "debian").mkdir()
    (folder / "debian" / "linux").write_bytes(CONTENT)
    (folder / "linux").symlink_to("debian/linux")
    (folder / "stable").symlink_to(folder / "debian")
    for path in ("linux", "stable/linux"):
        assert boot.ask(f"/{folder.name}/{path}".encode()) == (200, CONTENT)


def test_what_installers_look_for_behind_a_dot_is_there(boot: BootServer, folder: Path) -> None:
    (folder / ".disk").mkdir()
    for name in (".treeinfo", ".discinfo", ".disk/info"):
        (folder / name).write_bytes(CONTENT)
        assert boot.ask(f"/{folder.name}/{name}".encode()) == (200, CONTENT)


def test_other_methods_are_refused(boot: BootServer, folder: Path) -> None:
    (folder / "linux").write_bytes(CONTENT)
    for method in (b"PUT", b"POST", b"DELETE", b"OPTIONS", b"PROPFIND"):
        assert boot.ask(f"/{folder.name}/linux".encode(), method)[0] == 405
    assert (folder / "linux").read_bytes() == CONTENT


def test_the_chain_script_for_ipxe_unless_the_directory_has_one(own: Callable[..., BootServer]) -> None:
    server = own()
    status, script = server.ask(b"/boot.ipxe")
    assert status == 200
    assert script.startswith(b"#!ipxe\n")
    assert b"\nchain --replace --autofree ipxe/mac-${netX/mac:hexraw}.ipxe || exit\n" in script
    assert server.ask(b"/boot.ipxe", b"HEAD") == (200, b"")
    (server.directory / "boot.ipxe").write_bytes(b"#!ipxe\nshell\n")
    assert server.ask(b"/boot.ipxe") == (200, b"#!ipxe\nshell\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
def test_a_file_that_the_server_may_not_read(tmp_path: Path) -> None:
    (tmp_path / "linux").write_bytes(CONTENT)
    (tmp_path / "linux").chmod(0o600)
    for parent in [tmp_path, *tmp_path.parents][:4]:
        parent.chmod(parent.stat().st_mode | 0o055)
    program = (
        "import sys; sys.dont_write_bytecode = True\n"
        "from clusto_cli.rebuild.files import NoFile, open_below\n"
        "try: open_below(sys.argv[1], 'linux')\n"
        "except NoFile as error: print(error.denied)"
    )
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run(
        [*nobody, sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False
    )
    if "Permission denied" in done.stderr and "clusto" not in done.stderr:
        pytest.skip("the account nobody cannot reach this Python")
    assert done.stdout == "True\n", done.stderr


def slowly(connection: socket.socket, path: str) -> bytes:
    """Asks for a file and takes only the beginning."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: boot\r\nConnection: close\r\n\r\n".encode())
    beginning = connection.recv(1000)
    assert beginning.startswith(b"HTTP/1.1 200 OK")
    return beginning


def rest(connection: socket.socket) -> bytes:
    received = bytearray()
    while block := connection.recv(1 << 16):
        received += block
    return bytes(received)


def test_a_file_that_is_replaced_while_it_is_sent_arrives_as_it_was(boot: BootServer, folder: Path) -> None:
    digest = fill(folder / "initrd", 32)
    with boot.connect() as connection:
        beginning = slowly(connection, f"/{folder.name}/initrd")
        shutil.copy(folder / "initrd", folder / "new")
        with (folder / "new").open("r+b") as file:
            file.write(b"other" * (1 << 20))
        os.replace(folder / "new", folder / "initrd")
        received = beginning + rest(connection)
    assert hashlib.sha256(received[-(32 << 20) :]).hexdigest() == digest


def test_a_file_that_is_cut_short_while_it_is_sent_breaks_off(boot: BootServer, folder: Path) -> None:
    fill(folder / "initrd", 32)
    with boot.connect() as connection:
        slowly(connection, f"/{folder.name}/initrd")
        os.truncate(folder / "initrd", 1 << 20)
        assert len(rest(connection)) < 31 << 20
    until(lambda: f"/{folder.name}/initrd 200 broken off after" in boot.said(), "it is said")


def test_a_machine_that_goes_away_leaves_nothing_behind(boot: BootServer, folder: Path) -> None:
    fill(folder / "initrd", 32)
    held = Path(f"/proc/{boot.process.pid}/fd")

    def open_files() -> int:
        return sum("initrd" in os.readlink(each) for each in held.iterdir() if each.is_symlink())

    connections = [boot.connect() for _ in range(20)]
    for connection in connections:
        slowly(connection, f"/{folder.name}/initrd")
    assert open_files() == 20
    for connection in connections:
        connection.close()
    until(lambda: open_files() == 0, "the files are closed")
    until(lambda: boot.said().count(f"/{folder.name}/initrd 200 broken off after") == 20, "it is said")


def test_who_takes_nothing_any_more_is_given_up(own: Callable[..., BootServer]) -> None:
    server = own("from clusto_cli.rebuild import files; files.STALLED = 0.5")
    fill(server.directory / "initrd", 32)
    with server.connect() as connection:
        slowly(connection, "/initrd")
        until(lambda: "/initrd 200 broken off after" in server.said(), "it is said")
        assert len(rest(connection)) < 31 << 20
    assert server.ask(b"/boot.ipxe")[0] == 200
