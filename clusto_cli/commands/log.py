"""Say who changed what, when, by which command: newest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import verbose_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_core.records import history
from clusto_core.store.reader import Reader


@click.command("log")
@click.argument("name", metavar="[NAME]", required=False, shell_complete=completion.things)
@click.option("-n", "--number", type=click.IntRange(min=1), metavar="N", help="At most so many transactions.")
@click.option("--oneline", is_flag=True, help="A line a transaction.")
@click.option("-p", "--patch", is_flag=True, help="What was changed, Thing by Thing (as -v).")
@verbose_option
@output_option
@pass_app
@paged
def command(
    app: App, name: str | None, number: int | None, oneline: bool, patch: bool, verbose: int, output: str
) -> None:
    """List the transactions of the inventory, or those that touched NAME, which may be a Thing long removed.

    `clusto revert` undoes one.

    \b
        clusto log -n 5
        clusto log server1 -p
    """
    detailed = patch or bool(verbose or app.verbose)
    with app.reading() as reader:
        wanted = history.things_called(reader, name) if name is not None else None
        if name is not None and not wanted:
            wanted = [reader.resolve(name).entity_id]
        entries = history.entries(reader, wanted, number)
        if output == "text":
            write_lines(_lines(reader, entries, wanted, oneline, detailed))
        else:
            records = (_record(reader, entry, wanted, detailed) for entry in entries)
            write_records(output, records, name=lambda record: str(record["transaction"]))


def _when(entry: history.Entry) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(entry.time).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def _first_line(message: str | None) -> str:
    return (message or "").partition("\n")[0]


def _known_as(entry: history.Entry) -> str:
    return f" (database: {entry.database_user})" if entry.database_user else ""


def _lines(
    reader: Reader, entries: list[history.Entry], wanted: list[int] | None, oneline: bool, detailed: bool
) -> Iterator[str]:
    for place, entry in enumerate(entries):
        if oneline:
            yield f"{entry.id} {_when(entry)[:16]} {entry.user}: {_first_line(entry.message) or entry.command}"
            continue
        if place:
            yield ""
        yield f"transaction {entry.id}"
        yield f"User:    {entry.user}@{entry.host}{_known_as(entry)}"
        yield f"Date:    {_when(entry)}"
        yield f"Command: {entry.command}"
        if entry.reverts is not None:
            yield f"Reverts: transaction {entry.reverts}"
        if entry.message:
            yield ""
            yield from (f"    {line}".rstrip() for line in entry.message.splitlines())
        if detailed:
            yield ""
            cables: set[int] = set()
            for change in history.changes(reader, entry.id):
                if wanted is None or change.thing_id in wanted:
                    yield from (f"    {line}" for line in history.told(change, cables))


def _record(reader: Reader, entry: history.Entry, wanted: list[int] | None, detailed: bool) -> dict[str, Any]:
    from datetime import UTC, datetime

    record: dict[str, Any] = {
        "transaction": entry.id,
        "time": datetime.fromtimestamp(entry.time, UTC).isoformat(),
        "user": entry.user,
        "host": entry.host,
        "database_user": entry.database_user,
        "command": entry.command,
        "message": entry.message,
        "reverts": entry.reverts,
    }
    if detailed:
        record["changes"] = [
            {"name": change.name, "lines": list(history.told(change, set()))}
            for change in history.changes(reader, entry.id)
            if wanted is None or change.thing_id in wanted
        ]
    return record
