"""Being in step with a source, for the verbs that do it: run it, and tell what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from clusto_cli.context import App
from clusto_cli.output import write_lines, write_records
from clusto_cli.progress import progress

if TYPE_CHECKING:
    from clusto_core.inventory import Transaction
    from clusto_core.transfer.sources.protocol import Declared, Source
    from clusto_core.transfer.sync.engine import Options
    from clusto_core.transfer.sync.report import Report, Told

SHOWN = 100
"""How many Things of each kind are told one by one."""
LEFT = 4
"""The exit code when something is left for people to decide."""


def options(prefer: str | None, prune: bool) -> Options:
    """How to sync, by the options that click has checked."""
    from clusto_core.transfer.sync.engine import Options

    return Options(prefer or "", prune)  # type: ignore[arg-type]


def run(
    app: App, declared: Declared, source: Source, options: Options, *, message: str | None, dry_run: bool, output: str
) -> int:
    """One sync; prints what came of it, and gives the exit code."""
    from clusto_core.transfer.sync import running

    lines: list[str] = []

    def tell(change: Transaction) -> None:
        from clusto_core.transfer import difference

        if dry_run and output == "text":
            lines.extend(difference.lines(change.unit))

    store = running.Store(
        app.reading,
        lambda: app.changing(message, dry_run=dry_run),
        lambda: app.changing(dry_run=dry_run),
        tell,
    )
    with progress(f"syncing {declared.name}") as report_progress:
        report = running.run(store, declared, source, options, report_progress)
    if output == "text":
        for note in report.notes:
            app.say(note)
        write_lines(lines)
        write_lines(told(report, dry_run=dry_run))
    else:
        write_records(output, [report.plain()])
    return 0 if report.in_step else LEFT


def check_push(declared: Declared) -> None:
    """Raises Malformed for a source that nothing is written back to."""
    from clusto_core.errors import Malformed
    from clusto_core.transfer import sources

    if not hasattr(sources.of_type(declared.type), "push"):
        raise Malformed(f"nothing is written back to a source of the type {declared.type}: leave out --push")


def push(app: App, declared: Declared, *, dry_run: bool) -> None:
    """Writes back what the source lacks; says each, on standard error, as it is done."""
    from clusto_core.transfer import sources

    done = 0
    with app.reading() as reader:
        kind: Any = sources.of_type(declared.type)
        for words in kind.push(declared, reader, dry_run=dry_run):
            done += 1
            app.say(f"{'would write back' if dry_run else 'wrote back'}: {words}")
    app.say(f"{'would write' if dry_run else 'wrote'} {done} back to {declared.name}")


def told(report: Report, *, dry_run: bool) -> Iterator[str]:
    """What a sync did and left, for people; the sum of it last."""
    yield from _each("conflict", report.conflicts)
    yield from _each("held back", report.held)
    yield from _each("kept", report.kept)
    yield from _listed("gone", [f"{name} is not in {report.source} any more" for name in report.gone])
    yield from _listed("removed", report.removed)
    if report.unknown:
        yield f"{report.unknown} of {report.source} are not in the inventory, and are another source's to bring"
    yield _sum(report, dry_run=dry_run)


def _each(what: str, every: list[Told]) -> Iterator[str]:
    yield from _listed(what, [f"{each.name}: {each.text}" for each in every])


def _listed(what: str, every: list[str]) -> Iterator[str]:
    yield from (f"{what}: {text}" for text in every[:SHOWN])
    if len(every) > SHOWN:
        yield f"{what}: ... and {len(every) - SHOWN} more"


def _sum(report: Report, *, dry_run: bool) -> str:
    counts = [
        f"{report.objects} object{'s' if report.objects != 1 else ''}",
        f"{report.changed} looked at",
        f"{len(report.added)} new",
    ]
    counts += [
        f"{len(every)} {what}"
        for what, every in (
            ("removed", report.removed),
            ("gone", report.gone),
            ("kept as they are here", {each.name for each in report.kept}),
            ("in conflict", {each.name for each in report.conflicts}),
            ("held back", {each.name for each in report.held}),
        )
        if every
    ]
    if report.past:
        counts.append(f"{report.past} entr{'ies' if report.past != 1 else 'y'} of its history")
    state = "in step" if report.in_step else "not in step"
    done = f", as transaction {report.transaction}" if report.transaction is not None else ""
    return f"{'would be ' if dry_run else ''}{state} with {report.source}: {', '.join(counts)}{done}"
