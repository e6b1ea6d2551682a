"""Say who changed what, when, by which command: newest first."""

from __future__ import annotations

import re
from typing import Any

import click

from clusto_cli import completion, transactions
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Whole
from clusto_cli.options import at_option, verbose_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import satisfying
from clusto_core.errors import Malformed
from clusto_core.query.patterns import Regex
from clusto_core.records import history, moments, searching
from clusto_core.records.history import Entry
from clusto_core.records.searching import Touched, Wanted
from clusto_core.store.reader import Reader

_NUMBER = re.compile("@?[0-9]{1,18}")


@click.command("log")
@click.argument("name", metavar="[NAME|TRANSACTION]", required=False, shell_complete=completion.things)
@click.option("-n", "--number", type=Whole(1), metavar="N", help="At most so many transactions.")
@click.option("--oneline", is_flag=True, help="A line a transaction.")
@click.option("-p", "--patch", is_flag=True, help="What was changed, Thing by Thing (as -v).")
@click.option("--since", metavar="MOMENT", help="Only later ones.", shell_complete=completion.moments)
@click.option("--until", metavar="MOMENT", help="Only those up to then.", shell_complete=completion.moments)
@click.option("--user", metavar="USER", help="Only those of one user.")
@click.option("--verb", metavar="VERB", help="Only those by a verb: attr, or 'attr set'.")
@click.option(
    "--key", metavar="KEY", help="Only those that changed a value under a key.", shell_complete=completion.keys
)
@click.option(
    "--where", metavar="EXPR", help="Only those that touched what EXPR selects.", shell_complete=completion.expressions
)
@click.option("--grep", metavar="REGEX", help="Only those whose command or message matches.")
@at_option
@verbose_option
@output_option
@pass_app
@paged
def command(
    app: App,
    /,
    name: str | None,
    number: int | None,
    oneline: bool,
    patch: bool,
    verbose: int,
    output: str,
    **conditions: Any,
) -> None:
    """List the transactions of the inventory, or those that touched NAME, which may be a Thing long removed, or one
    part (server1:eth0). Of a TRANSACTION, by its number, all that it did.

    A MOMENT is as `--at` takes it: yesterday, '2 weeks ago', 2026-11-02T14:30, or the number of a transaction.

    `clusto revert` undoes one.

    \b
        clusto log -n 5
        clusto log server1:eth0 -p
        clusto log 1
        clusto log server1 --at yesterday
        clusto log --since '2 weeks ago' --verb power --where 'driver:Server in name:rack101'
    """
    with app.reading() as reader:
        whole = _transaction(reader, name)
        wanted = _wanted(reader, None if whole else name, conditions)
        entries = [whole] if whole else searching.search(reader, wanted, number)
        detailed = bool(patch or verbose or app.verbose or whole)
        if output != "text":
            most = transactions.MOST if app.afar else None
            told = (
                transactions.record(reader, entry, wanted.touched, detailed=detailed, most=most) for entry in entries
            )
            write_records(output, told, name=lambda record: str(record["transaction"]))
        elif oneline:
            write_lines(map(transactions.short, entries))
        else:
            write_lines(transactions.lines(reader, entries, wanted.touched, detailed=detailed))


def _transaction(reader: Reader, name: str | None) -> Entry | None:
    """The transaction that a number means, unless something is, or was, called so."""
    if name is None or _NUMBER.fullmatch(name) is None or history.things_called(reader, name):
        return None
    return history.entry(reader, int(name.lstrip("@")))


def _wanted(reader: Reader, name: str | None, conditions: dict[str, Any]) -> Wanted:
    since, until, grep = conditions["since"], conditions["until"], conditions["grep"]
    return Wanted(
        after=moments.find(reader, since) if since is not None else 0,
        until=moments.find(reader, until) if until is not None else None,
        touched=_touched(reader, name, conditions["where"]),
        user=conditions["user"],
        verb=conditions["verb"],
        key=conditions["key"],
        text=Regex(grep) if grep is not None else None,
    )


def _touched(reader: Reader, name: str | None, where: str | None) -> Touched | None:
    if name is not None and where is not None:
        raise Malformed("name a Thing, or give --where EXPR")
    if name is not None:
        return searching.touched_by_name(reader, name)
    return None if where is None else searching.touched_things(satisfying(reader, where))
