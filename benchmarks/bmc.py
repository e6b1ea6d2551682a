"""Facts of many machines: 200 Redfish services that take 50 ms for an answer, in whole processes.

`python benchmarks/bmc.py`: facts of 200 machines are to take less than ten times as long as those of one. Exit code 1
when they do not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from clusto_core.config import Settings  # noqa: E402
from clusto_core.inventory import Inventory  # noqa: E402
from clusto_core.store.opening import create  # noqa: E402
from tests.bmc.mockup import machine  # noqa: E402

MACHINES, LATENCY, PORT, ROUNDS, MOST = 200, 0.05, 17480, 5, 10.0
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
"""Processes start as an operator's do: with their bytecode kept and their output buffered."""


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
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()


def record(url: str) -> None:
    create(url)
    with Inventory(Settings(url)).change() as change:
        for number in range(1, MACHINES + 1):
            settings = {"protocol": "redfish", "host": f"http://{host(number)}:{PORT}", "user": "a", "password": "b"}
            pairs = [(f"bmc.{key}", value) for key, value in settings.items()]
            change.add("Server", f"server{number}", attributes=pairs)


def timed(url: str, names: str) -> tuple[float, float]:
    """Seconds, and those of the processor."""
    command = [sys.executable, "-m", "clusto_cli.main", "bmc", "facts", names, "-o", "json"]
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(command, capture_output=True, text=True, env={**ENVIRONMENT, "CLUSTO_DB": url}, check=False)
    seconds, after = time.perf_counter() - began, os.times()
    if done.returncode or any(each["facts"]["unread"] for each in json.loads(done.stdout)):
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return seconds, sum(after[2:4]) - sum(before[2:4])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, services():
        url = f"sqlite:///{Path(folder) / 'clusto.db'}"
        record(url)
        one = [timed(url, "server1") for _ in range(ROUNDS)]
        all_ = [timed(url, f"server[1-{MACHINES}]") for _ in range(ROUNDS)]
    seconds = [statistics.median(each[0] for each in measured) for measured in (one, all_)]
    busy = [statistics.median(each[1] for each in measured) for measured in (one, all_)]
    ratio = seconds[1] / seconds[0]
    for what, took, processor in zip(("1 machine", f"{MACHINES} machines"), seconds, busy, strict=True):
        print(f"facts of {what:<14} {took:8.2f} s   {processor:6.2f} s of the processor")
    print(f"times as long {ratio:15.2f}     held against {MOST:g}{'' if ratio < MOST else '   <-- beyond'}")
    return 0 if ratio < MOST else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()) if sys.argv[1:] == ["serve"] else main())
