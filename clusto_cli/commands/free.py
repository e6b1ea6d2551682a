"""Say what is free: ports, outlets, rack units, addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Real
from clusto_cli.options import at_option
from clusto_cli.output import FORMATS, paged, write_lines, write_records
from clusto_cli.page import Line, Span, columns, write
from clusto_cli.targets import targets, where_option, with_where
from clusto_core.drivers import registry
from clusto_core.drivers.equipment import Rack
from clusto_core.errors import Malformed
from clusto_core.model.ranges import fold
from clusto_core.model.wiring import KINDS, POSITION
from clusto_core.resources.vacancies import ADDRESS, Run, Vacancy, block, in_block, in_halves, vacancies
from clusto_core.store.reader import Reader


@click.command("free")
@click.argument("names", metavar="[NAME...]", nargs=-1, callback=with_where, shell_complete=completion.names)
@where_option
@click.option("--kind", type=click.Choice((*KINDS, ADDRESS)), help="Only what is free for that kind of connection.")
@click.option(
    "--height",
    metavar="N",
    type=Real(0.5),
    help="Only rack units with so many in a row, or halves: 1.5.",
)
@click.option("--count", "count_only", is_flag=True, help="How many, instead of which.")
@click.option(
    "-o", "--output", type=click.Choice(FORMATS), default="text", show_default=True, help="The form of the result."
)
@at_option
@pass_app
@paged
def command(
    app: App, names: tuple[str, ...], kind: str | None, height: float | None, count_only: bool, output: str
) -> None:
    """Say what is free of each NAME: ports, outlets and other parts that nothing is connected to, a rack's units in
    runs with their height, the addresses of a Network that may be given out. NAME may also be a block of addresses
    that is a Network or lies in one. -o names prints each as other verbs take it.

    \b
        clusto free switch2a pdu3
        clusto free rack101 --height 2 -o names
        clusto free 10.2.1.0/24 --count
    """
    with app.reading() as reader:
        found = {name: _wanted(free, kind, height) for name, free in _asked(reader, names, height)}
        free = [each for vacancies in found.values() for each in vacancies]
        if count_only and output in ("text", "names"):
            write_lines([f"{sum(each.size for each in free):.15g}"])
        elif output == "names":
            write_lines(name for each in free for run in each.runs for name in _starts(run, height))
        elif output == "text":
            write(_page(found))
        else:
            write_records(output, map(_record, free))


def _asked(reader: Reader, names: tuple[str, ...], height: float | None) -> Iterator[tuple[str, list[Vacancy]]]:
    """What is free of each that was named: of racks the halves of units, where the height has one. Raises Malformed."""
    tall = 2 * height if height else 0
    if tall % 1:
        raise Malformed(f"a height is in rack units and halves of them: 1.5, not {height:g}")
    blocks = {name: found for name in names if (found := block(name)) is not None}
    others = [name for name in names if name not in blocks]
    for thing in targets(reader, others) if others or not blocks else ():
        halves = tall % 2 and thing.is_a(Rack)
        yield thing.name, in_halves(reader, thing, int(tall)) if halves else vacancies(reader, thing)
    for name, found in blocks.items():
        yield name, in_block(reader, found)


def _wanted(free: list[Vacancy], kind: str | None, height: float | None) -> list[Vacancy]:
    of_kind = [each for each in free if kind in (None, each.joins)]
    if height is None:
        return of_kind
    high = [each._replace(runs=[run for run in each.runs if run.size >= height]) for each in of_kind if _is_rack(each)]
    return [each for each in high if each.runs]


def _is_rack(vacancy: Vacancy) -> bool:
    return vacancy.joins == POSITION


def _starts(run: Run, height: float | None) -> Iterator[str]:
    """Each of a run, or the lowest unit, or half of one, of each place that is so high."""
    steps = 2 if run.halves else 1
    return islice(run.names(), int((run.size - height) * steps) + 1 if height else None)


def _page(found: Mapping[str, list[Vacancy]]) -> Iterator[Line]:
    told = [(name, each) for name, free in found.items() for each in free]
    rows = ([Span(name, "bold"), Span(_counted(each)), Span(_runs(each))] for name, each in told)
    yield from columns(rows, indent="")
    yield from ([Span(f"{name} -> nothing free")] for name, free in found.items() if not free)


def _counted(vacancy: Vacancy) -> str:
    if vacancy.kind == ADDRESS:
        return f"{vacancy.size:.15g} address{'es' if vacancy.size > 1 else ''}"
    noun = "unit" if _is_rack(vacancy) else registry.part(vacancy.runs[0].parts[0].driver).noun
    return f"{vacancy.size:g} {noun}{'s' if vacancy.size > 1 else ''}"


def _runs(vacancy: Vacancy) -> str:
    if vacancy.kind == ADDRESS:
        return ", ".join(run.first if run.size == 1 else f"{run.first}-{run.last}" for run in vacancy.runs)
    if _is_rack(vacancy):
        return ", ".join(_height(run) for run in vacancy.runs)
    return ", ".join(fold(part.part_name for run in vacancy.runs for part in run.parts))


def _height(run: Run) -> str:
    if run.first == run.last:
        return run.first
    return f"{run.first}-{run.last.removeprefix('RU')}" + f" ({run.size:g})"


def _record(vacancy: Vacancy) -> dict[str, Any]:
    return {
        "name": vacancy.thing.name,
        "kind": vacancy.kind,
        "joins": vacancy.joins,
        "count": vacancy.size,
        "runs": [{"first": run.first, "last": run.last, "count": run.size} for run in vacancy.runs],
    }
