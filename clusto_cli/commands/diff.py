"""Say what differs between two moments of the inventory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.output import output_option, paged, write_records
from clusto_cli.page import Line, Span, columns, write
from clusto_cli.targets import Where, names_or_expressions, targets, where_option, with_where
from clusto_core.errors import Malformed, NotFound
from clusto_core.model.things import Thing
from clusto_core.records import moments
from clusto_core.records.between import Difference, between
from clusto_core.records.searching import Touched, touched_things
from clusto_core.store.net import last_transaction
from clusto_core.store.reader import Reader

SHOWN = 20
"""Faults of a file that are told one by one."""


@click.command("diff")
@click.argument("moment", metavar="A", shell_complete=completion.moments)
@click.argument(
    "words", metavar="[B|FILE] [EXPR|NAME...]", nargs=-1, callback=with_where, shell_complete=completion.differing
)
@click.option("--stat", is_flag=True, help="How many lines a Thing differs by.")
@where_option
@output_option
@pass_app
@paged
def command(app: App, moment: str, words: tuple[str, ...], stat: bool, output: str) -> None:
    """Say how the inventory at moment B, or now, differs from that at moment A: a line for each value, membership,
    cable and Thing that is gone (-) or new (+). With names or an expression, only what those are, or were.

    Instead of B a FILE, as import reads it: how the inventory would differ if it were what the file says.

    A moment is as `--at` takes it: yesterday, '2 weeks ago', 2026-11-02T14:30, or the number of a transaction.

    \b
        clusto diff yesterday
        clusto diff 1 2
        clusto diff now site.yaml
        clusto diff '2 weeks ago' yesterday 'driver:Server in name:rack101' --stat
    """
    is_file = _is_file(words) and not app.afar
    found = _against(app, moment, *words) if is_file else _between(app, moment, words)
    if output != "text":
        write_records(output, map(_record, found))
    elif stat:
        write(_stat(found))
    else:
        write(_page(found))


def _between(app: App, moment: str, words: tuple[str, ...]) -> list[Difference]:
    with app.reading() as reader:
        one = moments.find(reader, moment)
        second = _moment(reader, words)
        named = words if second is None else words[1:]
        other = last_transaction(reader.database) if second is None else second
        return list(between(reader, one, other, _touched(app, named, one, other) if named else None))


def _is_file(words: tuple[str, ...]) -> bool:
    """Whether the second word is a file, and so what A is held against."""
    return bool(words) and not isinstance(words[0], Where) and os.path.isfile(words[0])


def _against(app: App, moment: str, file: str, *named: str) -> list[Difference]:
    from clusto_core.inventory import Inventory
    from clusto_core.transfer.against import against
    from clusto_core.transfer.faults import Faulty
    from clusto_core.transfer.files import read

    documents = read((file,))
    with Inventory(app.settings).at(moment, scratch=True) as reader:
        try:
            return list(against(reader, documents, partial(_named, named) if named else None))
        except Faulty as error:
            single = error.single
            single.details = tuple(str(fault) for fault in error.faults[:SHOWN] if len(error.faults) > 1)
            raise single from None


def _named(names: tuple[str, ...], reader: Reader) -> Touched:
    """What is meant by names and expressions; what is not there is none of it."""
    try:
        return touched_things(targets(reader, names_or_expressions(reader, names)))
    except NotFound:
        return Touched(frozenset())


def _moment(reader: Reader, words: tuple[str, ...]) -> int | None:
    """The second moment; None where the first word is no moment, but a name or an expression."""
    if not words or isinstance(words[0], Where):
        return None
    try:
        return moments.find(reader, words[0])
    except Malformed:
        return None


def _touched(app: App, named: tuple[str, ...], *numbers: int) -> Touched:
    """What is meant by names and expressions, at either moment. Raises NotFound where it is nothing at both."""
    found: list[Thing] = []
    missing: NotFound | None = None
    for number in numbers:
        with app.reading_at(str(number)) as reader:
            try:
                found += targets(reader, names_or_expressions(reader, named))
            except NotFound as error:
                missing = error
    if not found and missing is not None:
        raise missing
    return touched_things(found)


def _page(found: list[Difference]) -> Iterator[Line]:
    for difference in found:
        yield [Span(difference.name, "bold")]
        yield from ([Span(f"  - {line}", "red")] for line in difference.removed)
        yield from ([Span(f"  + {line}", "green")] for line in difference.added)


def _stat(found: list[Difference]) -> Iterator[Line]:
    yield from columns(
        (
            [Span(each.name), Span(f"-{len(each.removed)}", "red"), Span(f"+{len(each.added)}", "green")]
            for each in found
        ),
        indent="",
    )
    removed, added = sum(len(each.removed) for each in found), sum(len(each.added) for each in found)
    yield [Span(f"{len(found)} Thing{'s' * (len(found) != 1)} differ{'s' * (len(found) == 1)}, -{removed} +{added}")]


def _record(difference: Difference) -> dict[str, Any]:
    return difference._asdict()
