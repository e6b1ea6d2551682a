"""Facts of many machines: 200 Redfish services that take 50 ms for an answer, in whole processes.

    python benchmarks/bmc.py [--quick] [--machines 200] [--rounds 5]

Facts of 200 machines are to take less than ten times as long as those of one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from table import CLUSTO, Measured, arguments, beside, directory, run, tell, told_of

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.store.opening import create
from tests.bmc.mockup import machine

TITLE = "Facts of many machines"
SERVE = "serve"
LATENCY, PORT, MOST = 0.05, 17480, 10.0


def host(number: int) -> str:
    """Each service has an address of its own in the loopback network."""
    return f"127.1.0.{number}"


async def serve() -> None:
    """All services in one process, which does nothing but wait and answer."""
    answers = {path: json.dumps(document).encode() for path, document in machine().items()}

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode().partition("?")[0]
                await asyncio.sleep(LATENCY)
                body = answers.get(path) or answers.get(path.rstrip("/"), b"")
                status = b"200 OK" if body else b"404 Not Found"
                writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
        writer.close()

    async with await asyncio.start_server(conversation, "0.0.0.0", PORT, backlog=1024) as server:
        print("ready", flush=True)
        await server.serve_forever()


@contextlib.contextmanager
def services() -> Iterator[None]:
    with subprocess.Popen([sys.executable, __file__, SERVE], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()


def record(url: str, machines: int) -> None:
    create(url)
    with Inventory(Settings(url)).change() as change:
        for number in range(1, machines + 1):
            settings = {"protocol": "redfish", "host": f"http://{host(number)}:{PORT}", "user": "a", "password": "b"}
            pairs = [(f"bmc.{key}", value) for key, value in settings.items()]
            change.add("Server", f"server{number}", attributes=pairs)


def facts(url: str, names: str) -> Measured:
    return run([CLUSTO, "bmc", "facts", names, "-o", "json"], url)


def main() -> None:
    given = arguments(__doc__, machines=(200, 50), rounds=(5, 3))
    every = f"server[1-{given.machines}]"
    with directory() as folder, services():
        url = f"sqlite:///{folder / 'clusto.db'}"
        record(url, given.machines)
        read = json.loads(subprocess.check_output([CLUSTO, "--db", url, "bmc", "facts", every, "-o", "json"]))
        assert len(read) == given.machines
        assert not any(each["facts"]["unread"] for each in read)
        found = [(facts(url, "server1"), facts(url, every)) for _ in range(given.rounds)]
    one, many = (statistics.median(each[place].seconds for each in found) for place in (0, 1))
    what = f"{given.machines} machines of 50 ms an answer, beside one, by the clock"
    tell(TITLE, [beside(what, many, one, most=MOST, besides=told_of(found[-1][1]))])


if __name__ == "__main__":
    asyncio.run(serve()) if sys.argv[1:] == [SERVE] else main()
