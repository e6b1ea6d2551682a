"""Tell what breaks the policies."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.output import FORMATS, clean, paged, write_lines, write_records
from clusto_core.errors import Malformed, NotFound

if TYPE_CHECKING:
    from clusto_core.model.things import Thing
    from clusto_core.query.policies import Policy, Violation
    from clusto_core.records.history import Entry
    from clusto_core.store.reader import Reader

PARALLEL = 32
"""So many switches are asked side by side."""
BROKEN = 4
"""The exit code where a policy of the level error does not hold."""


@click.command("check")
@click.argument("words", metavar="[EXPR]", nargs=-1, shell_complete=completion.expressions)
@click.option(
    "--policy", "names", metavar="NAME", multiple=True, help="Only this one.", shell_complete=completion.policies
)
@click.option("--since", metavar="MOMENT", help="Only what is new since a transaction (103), or a time (ISO 8601).")
@click.option(
    "-o",
    "--output",
    type=click.Choice((*FORMATS, "junit")),
    default="text",
    show_default=True,
    help="The form of the result.",
)
@pass_app
@paged
def command(app: App, words: tuple[str, ...], names: tuple[str, ...], since: str | None, output: str) -> int:
    """Tell what breaks the policies, one line a Thing: its name, the policy, the policy's level, and how. With EXPR
    only of the Things that it selects, and their parts.

    \b
        clusto check
        clusto check 'in name:rack101'
        clusto check --policy two-feeds -o junit
        clusto check --since 2026-11-28

    Exit code 4 when a policy of the level error does not hold; warnings alone are told with 0. Policies are defined by
    clusto policy.
    """
    from clusto_core.query import policies

    with app.reading() as reader:
        wanted = [policies.named(reader, name) for name in names] or policies.policies(reader)
        among = None
        if words:
            from clusto_core.query import search

            among = {thing.id for thing in search.find(reader, " ".join(words)).things}
        found = policies.check(reader, wanted, among, _asked(app))
    if since is not None:
        known = _known(app, since, wanted)
        found = [each for each in found if (each.policy.name, each.thing.id) not in known]
    _write(wanted, found, output)
    if not wanted:
        app.say("note: there are no policies (clusto policy define, clusto policy enable)")
    return BROKEN if any(each.policy.level == "error" for each in found) else 0


class _Seen(Exception):
    """The past has been looked at: nothing of it is to be checked or kept."""


def _known(app: App, since: str, wanted: Sequence[Policy]) -> set[tuple[str, int]]:
    """What broke the policies at a moment, by their names and the ids of Things: what has changed since is undone in a
    transaction that is never kept."""
    from clusto_core.query import policies, saving
    from clusto_core.query.parser import parse
    from clusto_core.records import history
    from clusto_core.records.revert import revert

    found: set[tuple[str, int]] = set()
    with contextlib.suppress(_Seen), app.changing(dry_run=True) as change:
        for entry in _entries_since(history.entries(change.unit.reader), since):
            revert(change.unit, entry.id)
        former = dict(change.unit.renamed().values())
        as_then = [
            policy._replace(never=str(saving.renamed(parse(policy.never), former))) if policy.never else policy
            for policy in wanted
        ]
        broken = policies.check(change.unit.reader, [each for each in as_then if not each.gone])
        found.update((each.policy.name, each.thing.id) for each in broken)
        raise _Seen
    return found


def _entries_since(entries: Sequence[Entry], since: str) -> list[Entry]:
    """The transactions after a moment, newest first. Raises Malformed, NotFound."""
    if since.isdecimal():
        if int(since) > max((each.id for each in entries), default=0):
            raise NotFound(f"no such transaction: {since}")
        return [each for each in entries if each.id > int(since)]
    try:
        moment = datetime.fromisoformat(since).astimezone().timestamp()
    except ValueError:
        raise Malformed(f"no moment: {since[:60]!r} (a transaction, 103, or a time, 2026-11-28T14:30)") from None
    return [each for each in entries if each.time > moment]


def _write(wanted: Sequence[Policy], found: Sequence[Violation], output: str) -> None:
    if output == "text":
        write_lines("\t".join((each.thing.name, each.policy.name, each.policy.level, each.words)) for each in found)
    elif output == "junit":
        write_lines(_junit(wanted, found))
    else:
        write_records(output, map(_record, found))


def _record(violation: Violation) -> dict[str, Any]:
    return {
        "name": violation.thing.name,
        "driver": violation.thing.driver,
        "policy": violation.policy.name,
        "level": violation.policy.level,
        "message": violation.words,
    }


def _junit(wanted: Sequence[Policy], found: Sequence[Violation]) -> Iterator[str]:
    """A test case for each policy that holds, and for each Thing that breaks one; warnings are no failures."""
    from xml.sax.saxutils import quoteattr

    def quoted(text: str) -> str:
        return quoteattr(clean(text))

    broken = {each.policy.name for each in found}
    holding = [policy.name for policy in wanted if policy.name not in broken]
    errors = sum(each.policy.level == "error" for each in found)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuite name="clusto check" tests="{len(holding) + len(found)}" failures="{errors}" errors="0">'
    yield from (f"  <testcase classname={quoted(name)} name={quoted(name)}/>" for name in holding)
    for each in found:
        yield f"  <testcase classname={quoted(each.policy.name)} name={quoted(each.thing.name)}>"
        if each.policy.level == "error":
            yield f"    <failure message={quoted(each.words)}/>"
        else:
            yield f'    <properties><property name="warning" value={quoted(each.words)}/></properties>'
        yield "  </testcase>"
    yield "</testsuite>"


def _asked(app: App) -> dict[str, Any]:
    """The checks that devices answer."""
    from clusto_core.query.checks import CABLES

    return {CABLES: lambda reader, among: _contradicted(app, reader, among)}


def _contradicted(app: App, reader: Reader, among: Collection[int] | None) -> Iterator[tuple[Thing, str]]:
    """The cards whose recorded cable is another one than their switch sees. Switches that do not answer are told."""
    from clusto_cli.network.verify import CONTRADICTED, verify_cables
    from clusto_core.query import search

    app.heed()
    switches = search.find(reader, "driver:Switch").things
    verified = verify_cables(reader, switches, PARALLEL)
    for line in (*(f"{name}: {text}" for name, text in verified.failures), *verified.notes):
        app.say(line)
    for verdict in verified.verdicts:
        if verdict.status == CONTRADICTED:
            yield verdict.nic, f"not at {verdict.port.name}: {verdict.how}"
