"""Tell what breaks the policies."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import at_option
from clusto_cli.output import FORMATS, clean, paged, write_lines, write_records

if TYPE_CHECKING:
    from clusto_core.query.checks import Broken
    from clusto_core.query.policies import Policy, Violation
    from clusto_core.store.reader import Reader

PARALLEL = 32
"""So many switches are asked side by side."""
BROKEN, EXIT_DEVICE = 4, 5
"""The exit codes where a policy of the level error does not hold, and where a switch did not say."""


@click.command("check")
@click.argument("words", metavar="[EXPR]", nargs=-1, shell_complete=completion.expressions)
@click.option(
    "--policy", "names", metavar="NAME", multiple=True, help="Only this one.", shell_complete=completion.policies
)
@click.option(
    "--since",
    metavar="MOMENT",
    help="Only what is new since then: yesterday, '2 weeks ago', 2026-11-02T14:30, or a transaction: 103.",
    shell_complete=completion.moments,
)
@click.option(
    "-o",
    "--output",
    type=click.Choice((*FORMATS, "junit")),
    default="text",
    show_default=True,
    help="The form of the result.",
)
@at_option
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

    Exit code 4 when a policy of the level error does not hold; warnings alone are told with 0. Exit code 5 when a
    switch that had to be asked did not say whether one does. Policies are defined by clusto policy.
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
        found = [each for each in found if not each.known or (each.policy.name, each.thing.id) not in known]
    _write(wanted, found, output)
    if not wanted:
        app.say("note: there are no policies (clusto policy define, clusto policy enable)")
    if not all(each.known for each in found):
        return EXIT_DEVICE
    return BROKEN if any(each.policy.level == "error" for each in found) else 0


def _known(app: App, since: str, wanted: Sequence[Policy]) -> set[tuple[str, int]]:
    """What broke the policies at a moment, by their names and the ids of Things."""
    from clusto_core.query import policies
    from clusto_core.records import moments
    from clusto_core.store.past import open_past
    from clusto_core.store.reader import Reader

    with open_past(app.settings.url, moments.finder(since)) as past:
        reader = Reader(past)
        then = {each.name: each for each in policies.policies(reader)}
        # What one names may have been called otherwise then, as it said itself.
        asked = [_as_then(each, then) for each in wanted]
        return {(each.policy.name, each.thing.id) for each in policies.check(reader, asked)}


def _as_then(policy: Policy, then: Mapping[str, Policy]) -> Policy:
    known = then.get(policy.name, policy)
    return known if known.check == policy.check else policy


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
        "known": violation.known,
    }


def _junit(wanted: Sequence[Policy], found: Sequence[Violation]) -> Iterator[str]:
    """A test case for each policy that holds, and for each Thing that breaks one; warnings are no failures, what is not
    known is an error."""
    from xml.sax.saxutils import quoteattr

    def quoted(text: str) -> str:
        return quoteattr(clean(text))

    broken = {each.policy.name for each in found}
    holding = [policy.name for policy in wanted if policy.name not in broken]
    failures = sum(each.known and each.policy.level == "error" for each in found)
    unknown = sum(not each.known for each in found)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    counted = f'tests="{len(holding) + len(found)}" failures="{failures}" errors="{unknown}"'
    yield f'<testsuite name="clusto check" {counted}>'
    yield from (f"  <testcase classname={quoted(name)} name={quoted(name)}/>" for name in holding)
    for each in found:
        yield f"  <testcase classname={quoted(each.policy.name)} name={quoted(each.thing.name)}>"
        if not each.known:
            yield f"    <error message={quoted(each.words)}/>"
        elif each.policy.level == "error":
            yield f"    <failure message={quoted(each.words)}/>"
        else:
            yield f'    <properties><property name="warning" value={quoted(each.words)}/></properties>'
        yield "  </testcase>"
    yield "</testsuite>"


def _asked(app: App) -> dict[str, Any]:
    """The checks that devices answer."""
    from clusto_core.query.checks import CABLES

    if app.afar:
        return {}
    return {CABLES: partial(_nobody_can_say if app.at else _contradicted, app)}


def _nobody_can_say(app: App, reader: Reader, among: Collection[int] | None) -> Broken:
    from clusto_core.query.checks import CABLES, MARK

    if (policy := reader.get(MARK + CABLES)) is not None:
        yield policy, "not known: switches say what they see, not what they saw", False


def _contradicted(app: App, reader: Reader, among: Collection[int] | None) -> Broken:
    """The cards whose recorded cable is another one than their switch sees, and switches that do not answer."""
    from clusto_cli.network.verify import CONTRADICTED, verify_cables
    from clusto_core.query import search

    app.heed()
    switches = {thing.name: thing for thing in search.find(reader, "driver:Switch").things}
    verified = verify_cables(reader, list(switches.values()), PARALLEL)
    for line in (*(f"{name}: {text}" for name, text in verified.failures), *verified.notes):
        app.say(line)
    yield from ((switches[name], f"not known: {text}", False) for name, text in verified.failures)
    for verdict in verified.verdicts:
        if verdict.status == CONTRADICTED:
            yield verdict.nic, f"not at {verdict.port.name}: {verdict.how}"
