"""Doing many command lines within one transaction, each as its verb does it alone."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import click

from clusto_cli.aliases import follow
from clusto_cli.batch.lines import Line
from clusto_cli.calling import called
from clusto_cli.confirm import gathered
from clusto_cli.context import App, command_line
from clusto_cli.diversion import diverted
from clusto_cli.grouping import Aliased
from clusto_cli.options import changes_the_inventory, check_afar
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.inventory import Transaction
from clusto_core.model.names import composed

SHOWN = 20
"""How many errors are told one by one: what follows the first ones often follows from them."""
_ORDER = (Malformed, NotFound, Refused)


class Done(NamedTuple):
    """A line that was done: where it stands, how the history tells it, what its verb said, and what it asked."""

    number: int
    command: str
    said: str
    asked: list[str]


def run(app: App, change: Transaction, lines: Iterable[Line], file: str, *, trying: bool) -> list[Done]:
    """Does the lines in `change`, each after what those before it did; where they are only tried, each says so, and
    asks nothing.

    Raises the error of the one line that fails, with its place; of several, one error that has all as details. A line
    that fails before it has changed anything does not keep the next from being looked at.
    """
    done: list[Done] = []
    wrong: list[tuple[int, ClustoError]] = []
    for line in lines:
        before = change.unit.version
        try:
            done.append(_done(app, change, line, trying=trying))
        except ClustoError as error:
            wrong.append((line.number, error))
            if change.unit.version != before:
                break
    if wrong:
        raise all_of(wrong, file)
    return done


def all_of(wrong: list[tuple[int, ClustoError]], file: str) -> ClustoError:
    """The error of the one line that fails, with its place, or one that has those of several."""
    told = [f"{file}:{number}: {error}" for number, error in wrong]
    kind = next((kind for kind in _ORDER if any(isinstance(error, kind) for _, error in wrong)), type(wrong[0][1]))
    if len(told) == 1:
        found = kind(told[0])
        found.details = wrong[0][1].details
        return found
    found = kind(f"{len(told)} lines cannot be done: nothing was changed")
    rest = len(told) - SHOWN
    found.details = (*told[:SHOWN], *([f"... and {rest} more"] if rest > 0 else []))
    return found


def _done(app: App, change: Transaction, line: Line, *, trying: bool) -> Done:
    if line.problem:
        raise Malformed(line.problem)
    said = io.StringIO()
    asked: list[str] = []
    with app.within(change) as hidden, diverted(stdout=said), gathered(asked):
        try:
            ctx, words = _written_out(click.get_current_context().find_root(), list(map(composed, line.words)), [])
            with ctx:
                if app.afar:
                    check_afar(ctx)
                if "dry_run" in ctx.params:
                    ctx.params["dry_run"] = trying
                ctx.command.invoke(ctx)
        except click.ClickException as error:
            from clusto_cli.main import usage

            raise Malformed(usage(error)) from None
        except click.exceptions.Exit:
            raise Malformed("help has no place in a batch") from None
    return Done(line.number, command_line(hidden, words), said.getvalue(), asked)


def _written_out(root: click.Context, words: list[str], aliases: Sequence[str]) -> tuple[click.Context, list[str]]:
    """The verb that a line calls, with its arguments parsed, and the line without aliases."""
    try:
        return _context(root, words), words
    except Aliased as alias:
        return _written_out(root, alias.within(words), follow(aliases, alias.name))


def _context(root: click.Context, words: list[str]) -> click.Context:
    """The verb that a line calls, with its arguments parsed. Raises Malformed for one that has no place in a batch."""
    verb = called(root, words)
    if not changes_the_inventory(verb.command):
        raise Malformed(
            f"{' '.join(verb.path)} has no place in a batch: only verbs that change the inventory, and nothing else"
        )
    made = verb.context()
    if made.params.get("dry_run"):
        raise Malformed("a dry run is of the whole batch: clusto batch --dry-run")
    return made


def records(done: Iterable[Done]) -> Iterator[dict[str, Any]]:
    """What was done, for programs."""
    for each in done:
        yield {"line": each.number, "command": each.command, "said": each.said.splitlines()}
