"""What `clusto serve` answers a second and how soon, in how much memory, and what a verb takes by way of it.

    python benchmarks/serve.py [--servers 100000] [--seconds 5] [--keep DIRECTORY]

Single Things are asked for by keep-alive connections of another process; a search by the expression language, a page of
100, one after the other. The last is `clusto locate` with a server's URL and with the store's, whole processes in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from startup import CLUSTO, store

PORT = 8429
URL = f"http://127.0.0.1:{PORT}"
SEARCHES = (
    "name:server2",
    "driver:Server connected to name:rack002",
    "attr:foo,12 and driver:Server",
    "driver:Server and attr:_ip,10.2.0.0/24",
    "name:server1*",
    "driver:Server",
    "driver:Server in name:rack101 and not attr:status,allocated",
)


async def _ask(path: Callable[[], str], until: float, times: list[float]) -> None:
    """Asks one thing after the other over one connection: HTTP as small as it can be."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(f"GET {path()} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode())
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length, head
        await reader.readexactly(int(length[1]))
        times.append(time.perf_counter() - began)
    writer.close()


async def _asked(path: Callable[[], str], seconds: float, connections: int) -> list[float]:
    times: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_ask(path, until, times) for _ in range(connections)))
    return times


def _memory(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) >> 10


def _computed(pid: int) -> float:
    """The seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="A server's answers a second, and a verb by way of it.")
    parser.add_argument("--servers", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--keep", metavar="DIRECTORY", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = store(given.servers, given.keep or Path(directory))
        server = subprocess.Popen(
            [CLUSTO, "--db", f"sqlite:///{path}", "serve", "--port", str(PORT)], stderr=subprocess.DEVNULL
        )
        try:
            _await(server)
            _measure(given, path, server)
        finally:
            server.terminate()
            server.wait()


def _await(server: subprocess.Popen[bytes]) -> None:
    import urllib.request

    for _ in range(100):
        try:
            with urllib.request.urlopen(f"{URL}/api/v1/openapi.json"):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server does not answer: {server.poll()}")


def _measure(given: argparse.Namespace, path: Path, server: subprocess.Popen[bytes]) -> None:
    from urllib.parse import quote

    def thing() -> str:
        return f"/api/v1/things/server{random.randint(1, given.servers)}"

    for connections in (1, 8):
        before = _computed(server.pid)
        times = asyncio.run(_asked(thing, given.seconds, connections))
        cpu = (_computed(server.pid) - before) / len(times)
        rate = len(times) / given.seconds
        print(
            f"{rate:8.0f}/s  single Things, {connections} connections, median {statistics.median(times) * 1000:.1f} ms,"
            f" {cpu * 1000:.1f} ms of the processor each"
        )
    for expression in SEARCHES:
        asked = f"/api/v1/things?limit=100&allow_unknown=true&where={quote(expression)}"
        times = asyncio.run(_asked(lambda asked=asked: asked, given.seconds / 2, 1))  # type: ignore[misc]
        print(f"{statistics.median(times) * 1000:8.1f} ms  {expression}")
    print(f"{_memory(server.pid):8} MiB at most")
    clocks: dict[str, list[float]] = {"store": [], "server": []}
    for _ in range(9):
        for name, url in (("store", f"sqlite:///{path}"), ("server", URL)):
            began = time.perf_counter()
            subprocess.run(
                [CLUSTO, "locate", "server2"],
                env={**os.environ, "CLUSTO_DB": url},
                stdout=subprocess.DEVNULL,
                check=True,
            )
            clocks[name].append(time.perf_counter() - began)
    here, there = (min(clocks[name]) for name in ("store", "server"))
    print(f"{there / here:8.2f} x  locate by the server ({there * 1000:.0f} ms) to locate ({here * 1000:.0f} ms)")


if __name__ == "__main__":
    main()
