"""How quick a console is beside the program that carries it: seconds to the first byte, throughput, memory.

    python benchmarks/console.py [--quick] [--rounds 7] [--megabytes 50]

Everything runs on loopback: Debian's sshd and conserver, configured as in the tests. The floor of the first byte is
`ssh -t` to the same place plus `python -c "import click, pexpect"`. All is by the clock.
"""

from __future__ import annotations

import os
import pty
import select
import statistics
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from table import CLUSTO, Row, arguments, beside, directory, environment, tell

from tests.console.lab import Lab, conserver, ssh_client, sshd

TITLE = "Consoles"
FIRST, THROUGHPUT, FLAT = 1.3, 0.8, 1.1
LEAVE = b"\x1d."


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, argv: Sequence[str], env: dict[str, str]) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, env)
        tty.setraw(self.fd)

    def until(self, wanted: bytes, seconds: float = 60.0) -> float:
        """Seconds from the start until these bytes came."""
        heard = b""
        deadline = time.monotonic() + seconds
        while wanted not in heard:
            if not select.select([self.fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"{wanted!r} has not come, but {heard[-300:]!r}")
            heard = heard[-200:] + os.read(self.fd, 65536)
        return time.perf_counter() - self.started

    def read(self, count: int) -> float:
        """Seconds until so many bytes have come from now on."""
        began = time.perf_counter()
        while count > 0:
            count -= len(os.read(self.fd, 65536))
        return time.perf_counter() - began

    def memory(self) -> int:
        """What the program holds, in KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def write(self, data: bytes) -> None:
        os.write(self.fd, data)

    def close(self) -> None:
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def first_byte(argv: Sequence[str], env: dict[str, str], wanted: bytes, nudge: bytes = b"") -> float:
    terminal = Terminal(argv, env)
    if nudge:
        terminal.until(b"Enter `^Ec?'")
        terminal.write(nudge)
    seconds = terminal.until(wanted)
    terminal.close()
    return seconds


def median(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """The medians of several measures, taken in turn so that all have the same weather."""
    taken: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for measure, times in zip(measures, taken, strict=True):
            times.append(measure())
    return [statistics.median(times) for times in taken]


def imports(env: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import click, pexpect"], check=True, env=env)
    return time.perf_counter() - began


def throughput(argv: Sequence[str], env: dict[str, str], megabytes: int) -> tuple[float, list[int]]:
    """MB/s of endless output, and the memory in KiB after a tenth of it and at the end."""
    terminal = Terminal(argv, env)
    terminal.until(b"login: ")
    terminal.write(b"root\r")
    terminal.until(b"~# ")
    held = []
    seconds = 0.0
    for part in (megabytes // 10, megabytes - megabytes // 10):
        terminal.write(f"flood {part * 1_000_000}\r".encode())
        terminal.until(b"flood %d\r\n" % (part * 1_000_000))
        seconds += terminal.read(part * 1_000_000 - 1_000_000)
        terminal.until(b"done\r\n")
        held.append(terminal.memory())
    terminal.close()
    return (megabytes - 2) / seconds, held


def main() -> None:
    given = arguments(__doc__, rounds=(7, 2), megabytes=(50, 10))
    with directory() as folder:
        lab = Lab(folder)
        try:
            rows = list(_rows(lab, given.rounds, given.megabytes))
        finally:
            lab.stop()
    tell(f"{TITLE}, by the clock", rows)


def _rows(lab: Lab, rounds: int, megabytes: int) -> Iterator[Row]:
    server = sshd(lab)
    client = ssh_client(lab, range(server.base, server.base + 4))
    consoles = conserver(lab, {"server2": lab.machine("server2")})
    env = environment(f"sqlite:///{lab.folder}/clusto.db", PATH=f"{client}:{os.environ['PATH']}")
    for line in f"""add ConsoleServer cs1 cs2
        add Server server1 server2
        connect server1:console cs1:1
        connect server2:console cs2:2
        attr set console.host 127.0.0.1 -t cs1 -t cs2
        attr set console.profile generic-ssh-port -t cs1
        attr set console.base {server.base} -t cs1
        attr set console.profile conserver -t cs2
        attr set console.method console-plain -t cs2
        attr set console.user ann -t cs2
        attr set console.port {consoles} -t cs2""".splitlines():
        subprocess.run([CLUSTO, *line.split()], check=True, env=env, stdout=subprocess.DEVNULL)
    ssh = ["ssh", "-t", "-p", str(server.base + 1), "127.0.0.1"]
    console = ["console", "-E", "-M", "127.0.0.1", "-p", str(consoles), "-l", "ann", "--", "server2"]
    for name, alone, ours, nudge in (
        ("ssh", ssh, [CLUSTO, "console", "server1"], b""),
        ("conserver", console, [CLUSTO, "console", "server2"], b"\r"),
    ):
        bare, floor, full = median(
            rounds,
            partial(first_byte, alone, env, b"login: ", nudge),
            partial(imports, env),
            partial(first_byte, ours, env, b"login: ", nudge),
        )
        yield beside(f"first byte, beside {name} and importing click and pexpect", full, bare + floor, most=FIRST)
    rates: list[tuple[float, float]] = []
    for _ in range(3):
        bare, _ = throughput(ssh, env, megabytes)
        ours, held = throughput([CLUSTO, "console", "server1"], env, megabytes)
        rates.append((bare, ours))
    bare, ours = (statistics.median(side) for side in zip(*rates, strict=True))
    yield beside(f"throughput of {megabytes} MB, beside ssh", ours, bare, "MB/s", least=THROUGHPUT)
    yield beside(f"memory after {megabytes} MB, beside {megabytes // 10} MB", held[1], held[0], "KiB", most=FLAT)


if __name__ == "__main__":
    main()
