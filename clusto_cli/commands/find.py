"""Find Things by an expression."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Whole
from clusto_cli.options import at_option
from clusto_cli.output import FORMATS, clean, paged, write_lines, write_pieces, write_records
from clusto_cli.targets import say_notes
from clusto_core.errors import Malformed
from clusto_core.model.things import Thing
from clusto_core.query import search
from clusto_core.store.reader import Reader

NOTHING = "-"
"""What a group of Things without a value is called."""


class Shape(NamedTuple):
    """How the result is to be told."""

    columns: str | None
    sort: str | None
    reverse: bool
    limit: int | None
    group_by: str | None
    count_only: bool
    fold: bool
    no_header: bool
    output: str


@click.command("find")
@click.argument("words", metavar="EXPR", nargs=-1, required=True, shell_complete=completion.expressions)
@click.option("--count", "count_only", is_flag=True, help="How many, instead of which.")
@click.option("--group-by", metavar="KEY", help="How many for each value of an attribute, or of a column.")
@click.option("--columns", metavar="COLUMN,...", help="What to tell: name,driver,in,rack,unit,ip,attr:KEY,in:Row,...")
@click.option("--sort", metavar="KEY", help="In the order of an attribute, or of a column; with --group-by, count.")
@click.option("--reverse", is_flag=True, help="The last first.")
@click.option("--limit", metavar="N", type=Whole(1), help="At most so many.")
@click.option("--fold", is_flag=True, help="Names folded into ranges: server[001-040].")
@click.option("--explain", is_flag=True, help="How the expression is understood, and the SQL that it becomes.")
@click.option("--allow-unknown", is_flag=True, help="Names and keys that nothing in the inventory has are no error.")
@click.option("--no-header", is_flag=True, help="Columns without a first line that names them.")
@click.option(
    "-o",
    "--output",
    type=click.Choice((*FORMATS, "csv")),
    default="text",
    show_default=True,
    help="The form of the result.",
)
@at_option
@pass_app
@paged
def command(app: App, /, words: tuple[str, ...], explain: bool, allow_unknown: bool, **options: Any) -> None:
    """Print the names of all that EXPR selects, one a line, in natural order.

    \b
        clusto find 'driver:Server connected to name:rack101'
        clusto find 'driver:Server in name:dc1 and not attr:status,allocated'
        clusto find 'driver:Server and count(connected to driver:PDU) < 2'

    \b
    Tests:      name:PATTERN  driver:PATTERN  part:PATTERN  attr:KEY,PATTERN  attr:KEY>=VALUE  haskey(KEY)
                _ip:10.2.0.0/16  attr:KEY={A,B}  attrs={KEY=A}  count(connected to SET) < N  free  cabled(KIND)  @SAVED
    Relations:  SET connected to SET [via network|power|console|position]   SET in SET
    Operators:  not, and, or, parentheses. A pattern is text, a range web[01-20], a glob web* or a regex /^web/.

    A name or a key that nothing has is an error (exit code 3), so that a slip selects neither nothing nor everything.
    """
    # Words that no shell quotes held together are one expression.
    text = " ".join(words)
    shape = Shape(**options)
    with app.reading() as reader:
        if explain:
            write_lines(_explanation(reader, text, allow_unknown))
            return
        found = search.stream(reader, text, allow_unknown=allow_unknown)
        say_notes(found.notes)
        if shape.group_by:
            _write_groups(reader, found.things, shape)
        elif shape.count_only:
            _write_count(search.count(reader, text, allow_unknown=allow_unknown), shape.output)
        else:
            _write(reader, _ordered(reader, found.things, shape), shape)


def _ordered(reader: Reader, found: Iterator[Thing], shape: Shape) -> Iterable[Thing]:
    if not shape.sort and not shape.reverse:
        return islice(found, shape.limit)
    things = list(found)
    if shape.sort:
        from clusto_core.query.columns import Table, parse, rank

        column = parse(shape.sort, keys=True)
        table = Table(reader, things)
        table.check([column])
        ranks = dict(zip(things, map(rank, table.column(column)), strict=True))
        # Reversed by two sorts, so that equal ones stay in natural order and those without a value come last.
        things = sorted(things, key=lambda thing: ranks[thing], reverse=shape.reverse)
        things.sort(key=lambda thing: ranks[thing][0] == 2)
    elif shape.reverse:
        things = things[::-1]
    return things[: shape.limit]


def _write(reader: Reader, things: Iterable[Thing], shape: Shape) -> None:
    if shape.fold:
        if shape.columns or shape.output not in ("text", "names"):
            raise Malformed("--fold makes a list of ranges: leave out --columns, and -o but for names")
        _write_folded(things)
    elif shape.output == "names" or (shape.output == "text" and shape.columns is None):
        write_lines(thing.name for thing in things)
    else:
        from clusto_core.query.columns import Table, parse

        columns = [parse(text.strip()) for text in (shape.columns or "name,driver").split(",")]
        table = Table(reader, ())
        table.check(columns)
        cells = table.rows(things, columns)
        if shape.output in ("text", "csv"):
            rows = ([",".join(each.text for each in cell) for cell in row] for row in cells)
            header = [] if shape.no_header else [[column.text for column in columns]]
            _write_table(chain(header, rows), shape.output)
        else:
            write_records(
                shape.output,
                (
                    {column.text: _plain(cell, column.sort) for column, cell in zip(columns, row, strict=True)}
                    for row in cells
                ),
            )


def _write_table(rows: Iterable[Sequence[str]], output: str) -> None:
    if output == "text":
        write_lines("\t".join(row) for row in rows)
    else:
        write_pieces(_csv_lines(rows))


def _csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    import csv
    import io

    for row in rows:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([clean(text) for text in row])
        yield line.getvalue()


def _plain(cell: Sequence[Any], sort: str) -> Any:
    """What a column tells, for a program: one value, several as a list, none as null."""
    if sort in ("in", "ip", "connected:"):
        return [each.value for each in cell]
    if len(cell) > 1:
        return [each.value for each in cell]
    return cell[0].value if cell else None


def _write_folded(things: Iterable[Thing]) -> None:
    from clusto_core.model.ranges import fold

    write_lines(fold(thing.name for thing in things))


def _write_count(count: int, output: str) -> None:
    if output in ("text", "names"):
        write_lines([str(count)])
    else:
        write_records(output, [{"count": count}])


def _write_groups(reader: Reader, things: Iterable[Thing], shape: Shape) -> None:
    """A line a value: how many have it, or with --fold which; a Thing with several values counts under each."""
    from clusto_core.query.columns import Cell, Table, parse, rank

    column = parse(shape.group_by or "", keys=True)
    table = Table(reader, [])
    table.check([column])
    cells_of: dict[str, Cell | None] = {}
    counts: Counter[str] = Counter()
    members: dict[str, list[str]] = {}
    for (name,), cells in table.rows(things, [parse("name"), column]):
        for text, cell in {each.text: each for each in cells}.items() if cells else ((NOTHING, None),):
            cells_of.setdefault(text, cell)
            counts[text] += 1
            if shape.fold:
                members.setdefault(text, []).append(name.text)
    groups = {text: (cell, counts[text]) for text, cell in cells_of.items()}

    def order(item: tuple[str, tuple[Cell | None, int]]) -> Any:
        cell, count = item[1]
        return count if shape.sort == "count" else rank([cell] if cell else [])

    ordered = sorted(groups.items(), key=order, reverse=shape.reverse)[: shape.limit]
    if shape.output in ("text", "names"):
        from clusto_core.model.ranges import fold

        write_lines(f"{text}\t{','.join(fold(members[text])) if shape.fold else count}" for text, (_, count) in ordered)
        return
    write_records(
        shape.output,
        (
            {
                column.text: cell.value if cell else None,
                "count": count,
                **({"names": members[text]} if shape.fold else {}),
            }
            for text, (cell, count) in ordered
        ),
    )


def _explanation(reader: Reader, text: str, allow_unknown: bool) -> Iterable[str]:
    from clusto_core.query.explain import explain

    found = explain(reader, text, allow_unknown=allow_unknown)
    yield from found.tree
    yield ""
    yield from found.sql.splitlines()
    yield ""
    yield from (f":{name} = {value!r}" for name, value in found.parameters.items())
    yield ""
    yield from found.plan
