"""What `retire` and `deallocate` share: their options, and telling what was given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from clusto_cli import completion
from clusto_cli.confirm import confirm, is_asked
from clusto_cli.context import App
from clusto_cli.leftovers import say_left
from clusto_cli.output import write_lines, write_records
from clusto_cli.targets import targets
from clusto_cli.values import parse_pair
from clusto_core.answers.leftovers import left_behind
from clusto_core.inventory import Transaction
from clusto_core.resources import returning
from clusto_core.resources.returning import Outcome, Returned
from clusto_core.rules.keys import RETURNED

F = TypeVar("F", bound=Callable[..., Any])

_SAID = {
    "cables": "disconnected {holder} from {what}",
    "addresses": "freed {what} of {holder}",
    "vips": "took {holder} from {what}",
    "pools": "took {holder} from {what}",
    "position": "took {holder} from {what}",
    "name": "gave the name {what} back to {holder}",
}
_PLANNED = (
    ("disconnected", "would disconnect"),
    ("freed", "would free"),
    ("took", "would take"),
    ("gave", "would give"),
)


def keep_options(function: F) -> F:
    """What is given back, what is not, and what is set besides."""
    kinds = ",".join(RETURNED)
    known = completion.listed(RETURNED)
    for option in (
        click.option(
            "--set",
            "pairs",
            metavar="KEY=VALUE",
            multiple=True,
            help="An attribute to set; repeatable.",
            shell_complete=completion.pairs,
        ),
        click.option("--keep", "keeps", metavar="KIND,...", help="What it keeps.", shell_complete=known),
        click.option(
            "--give",
            "gives",
            metavar="KIND,...",
            help=f"What is given back, and nothing else: {kinds}.",
            shell_complete=known,
        ),
    ):
        function = option(function)
    return function


def give_back(
    app: App,
    names: tuple[str, ...],
    verb: str,
    *,
    gives: str | None,
    keeps: str | None,
    pairs: tuple[str, ...],
    record: str | None = None,
    yes: bool,
    force: bool,
    output: str,
    message: str | None,
    dry_run: bool,
) -> None:
    """Asks, gives back, and says what; all but `names` and `verb` is as click has the options of the two verbs."""
    settings = [parse_pair(pair) for pair in pairs]
    with app.reading() as reader:
        chosen = [thing.name for thing in targets(reader, names)]

    def act(change: Transaction) -> Outcome:
        return returning.give_back(
            change,
            chosen,
            verb,
            gives=_words(gives),
            keeps=_words(keeps) or (),
            record=record,
            settings=settings,
            force=force,
        )

    if is_asked(dry_run=dry_run, yes=yes):
        app.try_out(act)
        confirm(_question(verb, chosen), yes)
    with app.changing(message, dry_run=dry_run, written=settings) as change:
        outcome = act(change)
        left = left_behind(change.unit.reader, outcome.far_ends)
    _say(outcome, output, dry_run)
    if not outcome.returned and not outcome.removed:
        app.say(f"{', '.join(chosen[:5])}: there was nothing to give back")
    say_left(app, left)


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def _question(verb: str, names: list[str]) -> str:
    rest = len(names) - 5
    return f"{verb} {', '.join(names[:5])}{f' and {rest} more' if rest > 0 else ''}?"


def _say(outcome: Outcome, output: str, dry_run: bool) -> None:
    if output != "text":
        write_records(output, [each._asdict() for each in outcome.returned], name=lambda record: str(record["thing"]))
        return
    write_lines(_line(each, dry_run) for each in outcome.returned)
    write_lines(f"{'would remove' if dry_run else 'removed'} {thing.driver} {thing.name}" for thing in outcome.removed)


def _line(each: Returned, dry_run: bool) -> str:
    line = _SAID[each.kind].format(holder=each.holder, what=each.what)
    if not dry_run:
        return line
    done, planned = next(pair for pair in _PLANNED if line.startswith(pair[0]))
    return planned + line.removeprefix(done)
