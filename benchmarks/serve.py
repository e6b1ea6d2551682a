"""What `clusto serve` answers a second and how soon, in how much memory, and what a verb takes by way of it.

    python benchmarks/serve.py [--quick] [--servers 100000] [--seconds 5] [--keep DIRECTORY]

Single Things are asked for by keep-alive connections of another process; a search by the expression language, a page of
100, one after the other. The last is `clusto locate` with a server's URL and with the store's, whole processes in turn.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parent))

from startup import store
from table import CLUSTO, Row, alone, amount, arguments, directory, environment, line, rounds, tell

TITLE = "Serving"
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
    """Measures and tells."""
    given = arguments(__doc__, servers=(100_000, 10_000), seconds=(5, 2))
    with directory(given.keep) as kept:
        url = f"sqlite:///{store(given.servers, kept)}"
        command = [CLUSTO, "serve", "--port", str(PORT)]
        server = subprocess.Popen(command, env=environment(url), stderr=subprocess.DEVNULL)
        try:
            _await(server)
            tell(f"{TITLE} {given.servers:,} servers", list(_rows(given, url, server.pid)))
        finally:
            server.terminate()
            server.wait()


def _await(server: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"{URL}/api/v1/openapi.json"):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server does not answer: {server.poll()}")


def _rows(given: Any, url: str, pid: int) -> Iterator[Row]:
    def thing() -> str:
        return f"/api/v1/things/server{random.randint(1, given.servers)}"

    for connections in (1, 8):
        before = _computed(pid)
        times = asyncio.run(_asked(thing, given.seconds, connections))
        processor = (_computed(pid) - before) / len(times)
        besides = f"median {amount(statistics.median(times))}, {amount(processor)} of processor each"
        what = f"single Things, {connections} connection{'s' if connections > 1 else ''}"
        yield alone(what, len(times) / given.seconds, "a second", besides=besides)
    for expression in SEARCHES:
        asked = f"/api/v1/things?limit=100&allow_unknown=true&where={quote(expression)}"
        times = asyncio.run(_asked(lambda asked=asked: asked, given.seconds / 2, 1))  # type: ignore[misc]
        yield alone(f"a page of 100: {expression}", statistics.median(times))
    yield alone("memory", _memory(pid), "MiB")
    words = "locate server2"
    here = rounds({words: [CLUSTO, *words.split()]}, 9, url)[words]
    there = rounds({words: [CLUSTO, *words.split()]}, 9, URL)[words]
    yield line(f"{words} by way of the server, beside itself", there, here)


if __name__ == "__main__":
    main()
