"""Rebuilds as people and programs see them: checks, plans, events as they come, outcomes, what the store has."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from clusto_cli.output import clean, write_lines, write_records
from clusto_cli.rebuild.hearing import Told
from clusto_cli.rebuild.jobs import Job, Taken, installs, serves
from clusto_cli.rebuild.signs import WORDS, words
from clusto_cli.rebuild.story import Outcome
from clusto_core.model.things import Thing
from clusto_core.records.rebuilds import CLUSTO, FETCHED, OFF, PROGRESS, WAITING, Event, Rebuild
from clusto_core.store.reader import Reader

_TOPICS = (
    "mac",
    "recipe",
    "secrets",
    "boot server",
    "power",
    "boot device",
    "console",
    "call-back",
    "probe",
    "signs",
    "times",
)
_MARKS = {True: "ok", False: "BAD", None: "--"}


def check_lines(jobs: Sequence[Job]) -> Iterator[str]:
    """A line a check, under the name of each machine."""
    for job in jobs:
        yield job.name
        for check in sorted(job.checks, key=lambda check: _TOPICS.index(check.topic)):
            yield f"  {_MARKS[check.ok]:<3}  {check.topic:<11}  {check.text}"


def taken_lines(jobs: Sequence[Job]) -> Iterator[str]:
    """Which settings each machine's rebuild goes by, and from where each is."""
    for job in jobs:
        yield f"{job.name} took"
        yield from (f"  {each.key}={each.value}  ({_origin(job, each)})" for each in job.took)


def _origin(job: Job, taken: Taken) -> str:
    if taken.origin is None:
        return f"default of {job.os.name}" if job.os is not None else "default"
    return "its own" if taken.origin == job.name else f"from {taken.origin}"


def preflight_record(job: Job) -> dict[str, Any]:
    """What a preflight has found of a machine."""
    return {
        "checks": [check._asdict() for check in job.checks],
        "took": [each._asdict() for each in job.took],
    }


def problems(jobs: Sequence[Job]) -> list[str]:
    """`server1: console: no answer`, for every check that stands against a rebuild."""
    return [f"{job.name}: {check.topic}: {check.text}" for job in jobs for check in job.failed]


def plan_lines(reader: Reader, jobs: Sequence[Job], forced: Sequence[str]) -> Iterator[str]:
    """What is erased, who misses it, by what it is done; and what speaks against it: what shares its outlets, say."""
    for job in jobs:
        values = job.recipe.values
        disk = values.get("os.disk")
        erased = disk or "its disks, as the recipe says"
        before = values.get("os.installed")
        yield f"{job.name} will be ERASED: {erased}" + (f" ({before} is installed)" if before else "")
        yield f"  installs  {installs(job)}"
        served = serves(reader, job.thing)
        yield f"  serves    {', '.join(map(_with_driver, served)) or 'in no role, service or pool'}"
        assert job.target is not None
        points = ", ".join(point.part for point in job.target.points)
        yield f"  power     off and on again: {points}"
        assert job.machine is not None
        yield f"  writes    {', '.join(sorted(job.machine.install))}"
    yield from (f"FORCED: {reason}" for reason in forced)


def _with_driver(thing: Thing) -> str:
    return f"{thing.name} ({thing.driver})"


def told_line(told: Told) -> str:
    """`21:03:12 server1 installing (call-back: started)`."""
    moment = datetime.fromtimestamp(told.time).strftime("%H:%M:%S")
    heard = _heard(told)
    return f"{moment} {told.name} {told.phase}" + (f" ({heard})" if heard else "")


def _heard(told: Told | Event) -> str:
    """`call-back: started`; nothing for a phase that says it all."""
    if told.source == CLUSTO:
        return told.message or ""
    said = [WORDS[told.source], *([told.event] if told.event != FETCHED else []), *filter(None, [told.message])]
    return ": ".join(said)


def told_record(told: Told) -> dict[str, Any]:
    return {**told._asdict(), "time": _iso(told.time)}


def outcome_line(outcome: Outcome) -> str:
    """`server1 installed in 74 s (call-back, console; not heard: probe)`; or why not."""
    if outcome.done:
        said = words(outcome.confirmed)
        if outcome.missing:
            said += f"; not heard: {words(outcome.missing)}"
        notes = "".join(f"; {note}" for note in outcome.notes)
        return f"{outcome.name} installed in {outcome.seconds:.0f} s ({said}){notes}"
    refused = "refused, " if outcome.refused else ""
    return f"{outcome.name} {outcome.phase}: {refused}{'; '.join([*outcome.failures, *outcome.notes])}"


def tail_lines(outcome: Outcome) -> list[str]:
    """The last words of the console of a machine that was not rebuilt."""
    return [f"  console: {line}" for line in outcome.tail]


def outcome_record(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "rebuild": outcome.rebuild_id,
        "phase": outcome.phase,
        "done": outcome.done,
        "refused": outcome.refused,
        "began": _iso(outcome.began),
        "ended": _iso(outcome.ended),
        "seconds": round(outcome.seconds, 3),
        "confirmed": list(outcome.confirmed),
        "missing": list(outcome.missing),
        "failures": list(outcome.failures),
        "notes": list(outcome.notes),
        "console": list(outcome.tail),
    }


def status_line(rebuild: Rebuild, alive: bool, last: Event | None, now: float) -> str:
    """`server1  installing  3 min  debian bookworm  root@boot1  call-back: started`."""
    phase = rebuild.phase
    if not rebuild.ended and not alive:
        power = ", its power may be off" if phase == OFF else ""
        phase += f" (its command is gone{power}: --resume or --cancel)"
    heard = _heard(last) if last is not None else ""
    since = _span(now - rebuild.changed)
    return "  ".join(
        filter(None, (rebuild.name, phase, f"{since} ago", str(rebuild.plan.get("installs", "")), rebuild.who, heard))
    )


def status_record(rebuild: Rebuild, alive: bool, events: Iterable[Event]) -> dict[str, Any]:
    return {
        "name": rebuild.name,
        "rebuild": rebuild.id,
        "phase": rebuild.phase,
        "ended": rebuild.ended,
        "alive": alive,
        "began": _iso(rebuild.began),
        "changed": _iso(rebuild.changed),
        "who": rebuild.who,
        "installs": rebuild.plan.get("installs"),
        "events": [
            {"time": _iso(event.time), "source": event.source, "event": event.event, "message": event.message}
            for event in events
        ],
    }


def event_line(event: Event) -> str:
    """One line of a rebuild's story, as `--status -v` shows it."""
    moment = datetime.fromtimestamp(event.time).strftime("%Y-%m-%d %H:%M:%S")
    words = _heard(event)
    if event.source == CLUSTO and event.event != PROGRESS:
        words = f"{event.event}: {words}" if words else event.event
    return f"  {moment}  {words}"


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172800 else f"{seconds / 86400:.0f} d"


class Display(Protocol):
    """Shows events and outcomes while machines are rebuilt."""

    def told(self, told: Told) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...


class Lines:
    """A line an event, and outcomes: those that failed come last, when all are there."""

    def told(self, told: Told) -> None:
        write_lines([told_line(told)])
        sys.stdout.flush()

    def finished(self, outcome: Outcome) -> None:
        if outcome.done:
            write_lines([outcome_line(outcome)])
            sys.stdout.flush()


class Records:
    """JSON lines: an object an event, `{"event": ...}`, and one an outcome, `{"outcome": ...}`."""

    def told(self, told: Told) -> None:
        write_records("jsonl", [{"kind": "event", **told_record(told)}])
        sys.stdout.flush()

    def finished(self, outcome: Outcome) -> None:
        write_records("jsonl", [{"kind": "outcome", **outcome_record(outcome)}])
        sys.stdout.flush()


class Silence:
    """Nothing until all is over: for one document."""

    def told(self, told: Told) -> None:
        return None

    def finished(self, outcome: Outcome) -> None:
        return None


class Table:
    """The phases of all machines, redrawn in place on the terminal; finished ones scroll away above it."""

    def __init__(self, names: Sequence[str]) -> None:
        from rich.live import Live

        from clusto_cli.colours import console

        self._rows: dict[str, tuple[str, float, str]] = {name: (WAITING, time.time(), "") for name in names}
        self._console = console()
        self._live = Live(
            console=self._console,
            transient=True,
            refresh_per_second=2,
            get_renderable=self._drawn,
            redirect_stderr=False,
        )

    def __enter__(self) -> Table:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def told(self, told: Told) -> None:
        phase, since, _ = self._rows.get(told.name, ("", 0.0, ""))
        began = since if phase == told.phase else told.time
        self._rows[told.name] = (told.phase, began, _heard(told))

    def finished(self, outcome: Outcome) -> None:
        self._rows.pop(outcome.name, None)
        if outcome.done:
            self._console.print(clean(outcome_line(outcome)), markup=False, highlight=False)

    def _drawn(self) -> Any:
        from rich.table import Table as Grid
        from rich.text import Text

        grid = Grid(box=None, pad_edge=False)
        for title in ("machine", "phase", "since", "last heard"):
            grid.add_column(title, no_wrap=True, overflow="ellipsis")
        now = time.time()
        room = max(4, self._console.height - 3)
        rows = list(self._rows.items())
        for name, (phase, since, heard) in rows[:room]:
            grid.add_row(*(Text(clean(cell)) for cell in (name, phase, _span(now - since), heard)))
        if len(rows) > room:
            grid.add_row(Text(f"and {len(rows) - room} more"))
        return grid


@contextlib.contextmanager
def display(output: str, names: Sequence[str]) -> Iterator[Display]:
    """A live table on a terminal, lines in a pipe, JSON lines, or nothing before one document."""
    if output == "jsonl":
        yield Records()
    elif output != "text":
        yield Silence()
    elif sys.stdout.isatty():
        with Table(names) as table:
            yield table
    else:
        yield Lines()
