"""The server as a program: where it listens, how it ends, and hundreds of machines at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from clusto_cli.hosting.listening import listening
from clusto_core.errors import Malformed
from clusto_core.records.rebuilds import FETCHED
from tests.console.lab import find, until
from tests.rebuild_serve.lab import INSTALL, BootServer, Store
from tests.rebuild_serve.server import LOCAL


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("10.0.0.1:8080", ("10.0.0.1", 8080)),
        ("[::]:80", ("::", 80)),
        ("[fe80::1%eth0]:80", ("fe80::1%eth0", 80)),
        ("boot.example.org:0", ("boot.example.org", 0)),
        (":65535", ("127.0.0.1", 65535)),
    ],
)
def test_where_to_listen(text: str, place: tuple[str, int]) -> None:
    assert listening(text) == place


@pytest.mark.parametrize(
    "text", ["", "8080", "10.0.0.1", "10.0.0.1:", "a:65536", "a:-1", "a:http", "::1", "::1:80", "a:٨"]
)
def test_where_nobody_can_listen(text: str) -> None:
    with pytest.raises(Malformed, match="malformed address: "):
        listening(text)


def attempt(*arguments: str | Path) -> str:
    """What a server says that cannot start."""
    command = [sys.executable, "-m", "tests.rebuild_serve.server", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    return done.stderr


def test_what_keeps_it_from_starting_is_told_in_a_line(store: Store, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert attempt(store.url, missing, "127.0.0.1", "0") == f"NotFound: no such directory: {missing}\n"
    assert attempt(store.url, store.path, "127.0.0.1", "0") == f"NotFound: no such directory: {store.path}\n"
    assert attempt(f"sqlite:///{missing}", tmp_path, "127.0.0.1", "0").startswith("EmptyStore: there is no inventory")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert attempt(store.url, tmp_path, "127.0.0.1", port) == (
            f"Refused: cannot listen on 127.0.0.1:{port}: Address already in use\n"
        )
    for address in ("nowhere.invalid", "x" * 70, "192.0.2.1"):
        assert attempt(store.url, tmp_path, address, "0").startswith(f"Refused: cannot listen on {address}:0: ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_good_order_whatever_is_under_way(own: Callable[..., BootServer], number: int) -> None:
    server = own("from clusto_cli.rebuild import serve; serve._WINDING_UP = 0.5")
    (server.directory / "initrd").write_bytes(bytes(64 << 20))
    with contextlib.ExitStack() as stack:
        idle, sending, asking = (stack.enter_context(server.connect()) for _ in range(3))
        sending.sendall(b"GET /initrd HTTP/1.1\r\nHost: boot\r\n\r\n")
        assert sending.recv(1000).startswith(b"HTTP/1.1 200")
        asking.sendall(b"GET /rebuild HT")
        assert idle.fileno() > 0
        assert server.stop(number) == 0
    assert "Traceback" not in server.said()
    assert "never retrieved" not in server.said()
    server.start()
    assert server.ask(b"/rebuild")[0] == 200


def test_it_listens_on_ipv6_and_says_where(store: Store, tmp_path: Path) -> None:
    (tmp_path / "tftp").mkdir()
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    server = BootServer(store, tmp_path / "tftp", address="::1")
    try:
        assert server.said() == f"listening on http://[::1]:{server.port}\n"
        assert httpx.get(f"http://[::1]:{server.port}/rebuild").status_code == 200
    finally:
        server.stop()


def test_the_store_is_on_any_database(store_url: str, tmp_path: Path) -> None:
    (tmp_path / "tftp").mkdir()
    (tmp_path / "tftp" / "mac-1.ipxe").write_bytes(INSTALL)
    server = BootServer(Store(store_url), tmp_path / "tftp")
    try:
        rebuild, token = server.store.begin(files=["mac-1.ipxe"])
        assert server.ask(b"/mac-1.ipxe") == (200, INSTALL)
        path = f"/rebuild/{token}/".encode()
        until(lambda: server.store.heard(rebuild) == [(FETCHED, "mac-1.ipxe")], "the fetch is written down")
        assert server.ask(path + b"check") == (200, f"{rebuild.name}\n".encode())
        assert [server.ask(path + b"started")[0] for _ in range(2)] == [200, 409]
        assert server.ask(b"/mac-1.ipxe") == (200, LOCAL)
        assert server.ask(path + b"up?message=Gr%C3%B6%C3%9Fe%20%F0%9F%96%A5%00") == (200, b"ok\n")
        assert server.store.heard(rebuild)[1:] == [("started", None), ("up", "Größe 🖥?")]
    finally:
        assert server.stop() == 0


def test_nobody_reading_what_it_says_does_not_stop_it(store: Store, tmp_path: Path) -> None:
    (tmp_path / "tftp").mkdir()
    reading, writing = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.rebuild_serve.server", store.url, tmp_path / "tftp", "127.0.0.1", str(port)]
    process = subprocess.Popen(list(map(str, command)), stderr=writing)
    os.close(writing)
    try:
        assert os.read(reading, 1000).startswith(b"listening on")
        os.close(reading)
        for _ in range(3):
            assert httpx.get(f"http://127.0.0.1:{port}/rebuild").status_code == 200
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_hundreds_of_half_open_connections_hold_up_nobody(own: Callable[..., BootServer]) -> None:
    server = own("import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096))")
    rebuild, token = server.store.begin()
    with contextlib.ExitStack() as stack:
        for number in range(400):
            connection = stack.enter_context(server.connect())
            connection.sendall(b"GET /boot.ipxe HTTP/1.1\r\nHost: "[: number % 30])
        assert server.ask(b"/boot.ipxe")[0] == 200
        assert server.ask(f"/rebuild/{token}/started".encode()) == (200, b"ok\n")
    assert server.store.heard(rebuild) == [("started", None)]


def test_hundreds_of_machines_at_once_in_little_memory(own: Callable[..., BootServer]) -> None:
    """200 machines take their boot files and a kernel of 16 MiB, and call back all their events, each twice at once."""
    server = own()
    curl = find("curl", "curl")
    names = [f"mac-{number}.ipxe" for number in range(200)]
    (server.directory / "ipxe").mkdir()
    for name in names:
        (server.directory / "ipxe" / name).write_bytes(INSTALL)
    with (server.directory / "linux").open("wb") as file:
        file.write(os.urandom(1 << 20) * 16)
    begun = [server.store.begin(files=[f"ipxe/{name}"]) for name in names]

    async def ask(request: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"{request}\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer

    async def story(name: str, token: str) -> Counter[tuple[str, bytes]]:
        answers: Counter[tuple[str, bytes]] = Counter()
        assert (await ask(f"GET /ipxe/{name} HTTP/1.0")).endswith(INSTALL)
        for event in ("started", "progress", "finished"):
            twice = [f"{method} /rebuild/{token}/{event}?message={method} HTTP/1.0" for method in ("GET", "POST")]
            for answer in await asyncio.gather(*map(ask, twice)):
                answers[event, answer[9:12]] += 1
        return answers

    async def stories() -> Counter[tuple[str, bytes]]:
        pairs = zip(names, (token for _, token in begun), strict=True)
        return sum(await asyncio.gather(*(story(*pair) for pair in pairs)), Counter())

    config = "".join(f'url = "{server.url("/linux")}"\noutput = "/dev/null"\n' for _ in names)
    (server.directory / ".curlrc").write_text(config)
    arguments = ["-sS", "-Z", "--parallel-immediate", "--parallel-max", "200", "-w", "%{http_code} %{size_download}\n"]
    downloads = subprocess.Popen(
        [curl, *arguments, "-K", server.directory / ".curlrc"], stdout=subprocess.PIPE, text=True
    )
    counted = asyncio.run(stories())
    told, _ = downloads.communicate(timeout=300)
    assert Counter(told.splitlines()) == {f"200 {16 << 20}": 200}
    assert counted == {
        ("started", b"200"): 200,
        ("started", b"409"): 200,
        ("progress", b"200"): 400,
        ("finished", b"200"): 200,
        ("finished", b"409"): 200,
    }
    until(
        lambda: all(
            (FETCHED, f"ipxe/{name}") in server.store.heard(one[0]) for name, one in zip(names, begun, strict=True)
        ),
        "all fetches are written down",
        60,
    )
    for rebuild, _ in begun:
        assert Counter(event for event, _ in server.store.heard(rebuild)) == {
            "fetched": 1,
            "started": 1,
            "progress": 2,
            "finished": 1,
        }
    assert server.memory() < 150 * 1024, "KiB"
    assert server.stop() == 0
