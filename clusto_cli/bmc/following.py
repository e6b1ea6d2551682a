"""Logs of many machines as they go on."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from clusto_cli.backends.machine import Entry
from clusto_cli.backends.runner import Interruption, run
from clusto_cli.bmc.machines import Machine, Question, Told, ask, refuse_all
from clusto_cli.bmc.report import entries_record, entry_line
from clusto_cli.context import App
from clusto_cli.output import write_lines, write_records

_FIRST = 10
"""Entries that are there already and are shown first."""


class Following:
    """What is known of each machine's log, and what fails: either is told when it is new."""

    def __init__(self, app: App, output: str, several: bool) -> None:
        self._app, self._output, self._several = app, output, several
        self._known: dict[str, set[Entry]] = {}
        self._failing: dict[str, str] = {}

    def tell(self, told: Told[list[Entry]]) -> None:
        """Tells what one look has brought."""
        failure = "" if told.failure is None else told.line
        if failure != self._failing.get(told.name, ""):
            self._app.say(failure or f"{told.name}: answers again")
        self._failing[told.name] = failure
        if told.answer is not None:
            self._tell_new(told.name, told.answer)
        sys.stdout.flush()

    def _tell_new(self, name: str, entries: list[Entry]) -> None:
        known = self._known.get(name)
        new = entries[-_FIRST:] if known is None else [each for each in entries if each not in known]
        self._known[name] = set(entries)
        if self._output == "text":
            write_lines(entry_line(name, entry, self._several) for entry in new)
        elif new:
            write_records(self._output, [{"name": name, **entries_record(new), "refused": False, "failure": None}])


def follow(
    app: App, machines: Sequence[Machine], question: Question[list[Entry]], every: float, parallel: int, output: str
) -> None:
    """Tells what is new at each look, so many seconds apart, until it is given up. Raises what stands against the
    machines where none can be asked.
    """
    following = Following(app, output, len(machines) > 1)

    async def main(interruption: Interruption) -> None:
        refuse_all(await ask(machines, question, interruption, parallel=parallel, tell=following.tell))
        while not await interruption.pause(every):
            await ask(machines, question, interruption, parallel=parallel, tell=following.tell)

    run(main)
