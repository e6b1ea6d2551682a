"""Do many command lines of clusto as one change, all or none."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from clusto_cli.confirm import confirm, unconfirmed
from clusto_cli.context import App, pass_app
from clusto_cli.options import dry_run_option, message_option, yes_option
from clusto_cli.output import output_option, write_lines, write_records
from clusto_cli.streams import awaited
from clusto_core.errors import Malformed

if TYPE_CHECKING:
    from clusto_cli.batch.lines import Line
    from clusto_cli.batch.work import Done

_KEPT = 50_000
"""How many characters of the lines go into the history, which has every change besides."""


class _Unanswered(Exception):
    """Takes a batch back: somebody is to be asked before it is done. The numbers of lines, and what each asks."""

    def __init__(self, asked: list[tuple[int, str]]) -> None:
        self.asked = asked


@click.command("batch")
@click.argument("file", metavar="[FILE]", default="-", type=click.Path())
@yes_option
@output_option
@dry_run_option
@message_option
@pass_app
def command(app: App, file: str, yes: bool, output: str, dry_run: bool, message: str | None) -> None:
    """Do the command lines in FILE, or on standard input, in one transaction: all of them or none. Each sees what those
    before it did.

    Lines are written as for a shell, with or without `clusto` before the verb: quotation marks, comments after #, lines
    that go on after a backslash. Only verbs that change the inventory, and nothing else, have a place in it: add,
    connect, attr set, pool create... What any line would ask is asked once, for all.

    \b
        clusto batch rack12.clusto --dry-run
        printf 'add Server web1\\nput web1 --in room1\\n' | clusto batch -m 'first machine'
    """
    from clusto_cli.batch.lines import read

    name = "standard input" if file == "-" else file
    lines = list(read(_text(file)))
    if not lines:
        raise Malformed(f"there is no command in {name}")
    try:
        done = _run(app, lines, name, message, dry_run=dry_run, asks=not yes)
    except _Unanswered as unanswered:
        # Asked while the store is not locked: nobody else waits for the answer. All is done, and checked, again.
        _ask(unanswered.asked, name)
        done = _run(app, lines, name, message)
    _say(app, done, output, dry_run)


def _text(file: str) -> str:
    from clusto_core.transfer.files import opened

    if file == "-":
        awaited("command lines")
        return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    with opened(file) as text:
        return text.read()


def _run(
    app: App,
    lines: list[Line],
    name: str,
    message: str | None,
    *,
    dry_run: bool = False,
    asks: bool = False,
) -> list[Done]:
    """Does all lines. Raises _Unanswered where they ask, unless that is only tried and a person could be asked."""
    from clusto_cli.batch import work

    with app.changing(dry_run=dry_run) as change:
        done = work.run(app, change, lines, name, trying=dry_run)
        asked = [(each.number, question) for each in done for question in each.asked]
        if asks and asked and not (dry_run and sys.stdin.isatty()):
            raise _Unanswered(asked)
        change.message = _told(done, message, change.message)
    return done


def _ask(asked: list[tuple[int, str]], name: str) -> None:
    """Asks all at once. Raises Refused, with the lines that ask, where nobody can be asked."""
    from clusto_cli.batch import work

    if not sys.stdin.isatty():
        raise work.all_of([(number, unconfirmed(question)) for number, question in asked], name)
    confirm(_all([question for _, question in asked]), yes=False)


def _told(done: list[Done], message: str | None, joined: str | None) -> str:
    """What the history says of a batch: why, and all of its lines."""
    from clusto_core.secrecy import masked

    reason = "; ".join(filter(None, (message and masked(message), joined)))
    lines = "\n".join(each.command for each in done)
    if len(lines) > _KEPT:
        lines = lines[:_KEPT].rpartition("\n")[0] + "\n..."
    counted = f"{len(done)} command{'s' if len(done) != 1 else ''}"
    return f"{reason or counted}\n\n{lines}"


def _all(questions: list[str]) -> str:
    rest = len(questions) - 3
    return " ".join(questions[:3]) + (f" and {rest} more?" if rest > 0 else "")


def _say(app: App, done: list[Done], output: str, dry_run: bool) -> None:
    from clusto_cli.batch.work import records

    if output != "text":
        write_records(output, records(done), name=lambda record: str(record["command"]))
        return
    for each in done:
        write_lines(each.said.splitlines())
    count = f"{len(done)} command{'s' if len(done) != 1 else ''}"
    number = "" if app.committed is None or dry_run else f", as transaction {app.committed}"
    app.say(f"{'would do' if dry_run else 'did'} {count}{number}")
