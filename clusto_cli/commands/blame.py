"""Say which transaction gave a Thing each of its values, parts and cables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from clusto_cli import transactions
from clusto_cli.context import App, pass_app
from clusto_cli.options import at_option
from clusto_cli.output import output_option, paged, write_records
from clusto_cli.page import Line, Span, columns, write
from clusto_cli.targets import names_argument, targets
from clusto_core.records.blame import Blamed, blame


@click.command("blame")
@names_argument
@at_option
@output_option
@pass_app
@paged
def command(app: App, names: tuple[str, ...], output: str) -> None:
    """Say of all that each NAME has now, which transaction it is of: its name, values, memberships, parts that it got
    later, cables. NAME may be one part (server1:eth0).

    `clusto log NUMBER` tells the transaction whole.

    \b
        clusto blame server1
        clusto blame server1:eth0
        clusto blame server1 --at '2 weeks ago'
    """
    with app.reading() as reader:
        found = [blamed for thing in targets(reader, names) for blamed in blame(reader, thing)]
    if output != "text":
        write_records(output, map(_record, found))
        return
    write(_page(found))


def _page(found: list[Blamed]) -> Iterator[Line]:
    yield from columns((_row(blamed) for blamed in found), indent="")


def _row(blamed: Blamed) -> list[Span]:
    what = f"{blamed.name} {blamed.what}" if blamed.kind == "attribute" else blamed.what
    if blamed.by is None:
        return [Span("-"), Span("-"), Span("-"), Span(what)]
    day = transactions.when(blamed.by)[:16]
    return [Span(str(blamed.by.id), "cyan"), Span(day, "dim"), Span(blamed.by.user), Span(what)]


def _record(blamed: Blamed) -> dict[str, Any]:
    by = blamed.by
    return {
        "name": blamed.name,
        "kind": blamed.kind,
        "what": blamed.what,
        "transaction": by and by.id,
        "time": by and transactions.instant(by),
        "user": by and by.user,
        "command": by and by.command,
        "message": by and by.message,
    }
