"""Several consoles on one screen: whole lines, each after its machine's name; what is typed goes to all, or nowhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from clusto_cli.backends.console.script import Job, Many, Transcript
from clusto_cli.backends.console.session import key_name
from clusto_cli.backends.console.terminal import Terminal
from clusto_cli.backends.console.visible import LineSplitter

# A prompt has no line end: a line that has stood still for so many seconds is shown as it is.
_STANDSTILL = 0.3
_INTERRUPT = b"\x03"


class Prefixer:
    """Turns what several machines say into lines with their names."""

    def __init__(self, jobs: Sequence[Job], show: Callable[[str], None]) -> None:
        width = max((len(job.name) for job in jobs), default=0)
        self._prefix = {job.name: f"{job.name:{width}}: " for job in jobs}
        self._lines = {job.name: LineSplitter() for job in jobs}
        self._last = dict.fromkeys(self._lines, 0.0)
        self._show = show
        for job in jobs:
            job.heard = self._hearer(job.name)

    def _hearer(self, name: str) -> Callable[[bytes], None]:
        def hear(data: bytes) -> None:
            self._last[name] = time.monotonic()
            for line in self._lines[name].feed(data):
                self._show(self._prefix[name] + line)

        return hear

    def rest(self, *, all_of_it: bool = False) -> None:
        """Shows the lines that have stood still."""
        now = time.monotonic()
        for name, lines in self._lines.items():
            if lines.pending and (all_of_it or now - self._last[name] > _STANDSTILL):
                for line in lines.flush():
                    self._show(self._prefix[name] + line)


def follow(jobs: Sequence[Job], show: Callable[[str], None]) -> list[Transcript]:
    """Shows what all machines say until their steps are done, or the caller is interrupted."""
    prefixer = Prefixer(jobs, show)
    with Many(jobs) as running:
        try:
            while not running.done:
                running.turn()
                prefixer.rest()
        finally:
            prefixer.rest(all_of_it=True)
        return running.transcripts


class Board:
    """The same on the operator's terminal, until he leaves; with `broadcast`, what he types goes to all of them."""

    def __init__(
        self, jobs: Sequence[Job], *, broadcast: bool, escape: bytes, terminal: Terminal | None = None
    ) -> None:
        self._jobs = jobs
        self._broadcast = broadcast
        self._escape = escape
        self._terminal = terminal or Terminal()
        self._escaping = False
        self._said: set[str] = set()

    def run(self) -> list[Transcript]:
        """Raises terminal.Ended for a signal; the terminal is as it was before in every case."""
        terminal = self._terminal
        prefixer = Prefixer(self._jobs, lambda line: terminal.write(f"{line}\r\n".encode()))
        key = key_name(self._escape)
        way = "what you type goes to all of them" if self._broadcast else "read only"
        with terminal, Many(self._jobs) as running:
            terminal.message(f"{len(self._jobs)} consoles; {way}; {key} . leaves")
            left = False
            while not (left or running.done):
                came = running.turn([terminal.stdin, terminal.wake])
                if terminal.wake in came:
                    terminal.signals()
                terminal.flush()
                prefixer.rest()
                self._say_errors(running.transcripts)
                if terminal.stdin in came:
                    left = self._typed(terminal.read(), running)
            prefixer.rest(all_of_it=True)
            return running.transcripts

    def _say_errors(self, transcripts: Sequence[Transcript]) -> None:
        for transcript in transcripts:
            if transcript.error is not None and transcript.name not in self._said:
                self._said.add(transcript.name)
                self._terminal.message(f"{transcript.name}: {transcript.error}")

    def _typed(self, data: bytes, running: Many) -> bool:
        """Whether the operator leaves."""
        while data:
            if self._escaping:
                self._escaping = False
                command, data = data[:1], data[1:]
                if command == b".":
                    return True
                if command == self._escape:
                    self._send(command, running)
                continue
            at = data.find(self._escape) if self._escape else -1
            text, data = (data, b"") if at < 0 else (data[:at], data[at + 1 :])
            self._escaping = at >= 0
            if not self._broadcast and _INTERRUPT in text:
                return True
            self._send(text, running)
        return False

    def _send(self, data: bytes, running: Many) -> None:
        if self._broadcast and data:
            for refused in running.type(data):
                self._terminal.message(refused)
