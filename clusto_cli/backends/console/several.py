"""Several consoles on one screen: whole lines, each with its machine's name before it; typing goes to all or nowhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from clusto_cli.backends.console.script import Job, Many, Transcript
from clusto_cli.backends.console.session import key_name
from clusto_cli.backends.console.terminal import Terminal
from clusto_cli.backends.console.visible import LineSplitter

# A prompt has no line end: a line that has stood still for so many seconds is shown as it is.
_STANDSTILL = 0.3


class Prefixer:
    """Turns what several machines say into lines with their names."""

    def __init__(self, names: Sequence[str], show: Callable[[str], None]) -> None:
        width = max((len(name) for name in names), default=0)
        self._prefix = {name: f"{name:{width}}: " for name in names}
        self._lines = {name: LineSplitter() for name in names}
        self._last = dict.fromkeys(names, 0.0)
        self._show = show

    def heard(self, name: str) -> Callable[[bytes], None]:
        """What to tell of the bytes of one machine."""

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
    """Shows what all machines say until their steps are done; also when interrupted."""
    prefixer = Prefixer([job.name for job in jobs], show)
    for job in jobs:
        job.heard = prefixer.heard(job.name)
    with Many(jobs) as running:
        try:
            while not running.done:
                running.turn()
                prefixer.rest()
        finally:
            prefixer.rest(all_of_it=True)
        return running.transcripts


def interactive(
    jobs: Sequence[Job], *, broadcast: bool, escape: bytes, terminal: Terminal | None = None
) -> list[Transcript]:
    """The same on the operator's terminal, until he leaves; with `broadcast`, what he types goes to all of them.

    Raises terminal.Ended for a signal; the terminal is as it was before in every case.
    """
    terminal = terminal or Terminal()
    prefixer = Prefixer([job.name for job in jobs], lambda line: terminal.write(f"{line}\r\n".encode()))
    for job in jobs:
        job.heard = prefixer.heard(job.name)
    escaping = False
    key = key_name(escape)
    said: set[str] = set()
    with terminal, Many(jobs) as running:
        terminal.message(
            f"{len(jobs)} consoles, {'typing to all of them' if broadcast else 'read only'}; {key} . leaves, {key} b breaks"
            if broadcast
            else f"{len(jobs)} consoles, read only; {key} . leaves"
        )
        while not running.done:
            came = running.turn([terminal.stdin, terminal.wake])
            if terminal.wake in came:
                terminal.signals()
            terminal.flush()
            prefixer.rest()
            for transcript in running.transcripts:
                if transcript.error is not None and transcript.name not in said:
                    said.add(transcript.name)
                    terminal.message(f"{transcript.name}: {transcript.error}")
            typed = terminal.read() if terminal.stdin in came else b""
            while typed:
                if escaping:
                    escaping = False
                    command, typed = typed[:1], typed[1:]
                    if command == b".":
                        return running.transcripts
                    if command == escape and broadcast:
                        running.type(escape)
                    continue
                at = typed.find(escape) if escape else -1
                text = typed if at < 0 else typed[:at]
                if not broadcast and (b"\x03" in text or b"q" in text):
                    return running.transcripts
                if broadcast and text:
                    for refused in running.type(text):
                        terminal.message(refused)
                escaping = at >= 0
                typed = typed[at + 1 :] if at >= 0 else b""
        with contextlib.suppress(ValueError):
            prefixer.rest(all_of_it=True)
        return running.transcripts
