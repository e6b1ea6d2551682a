"""Say what must never be: policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.options import at_option, change_options
from clusto_cli.output import output_option, paged, write_lines, write_records

if TYPE_CHECKING:
    from clusto_core.query.policies import Policy

F = TypeVar("F", bound=Callable[..., Any])


@click.group("policy", cls=Group)
def command() -> None:
    """Say what must never be, of which Things. `clusto check` tells what breaks it; with --enforce no verb, import or
    program can commit what would break it anew.

    \b
        clusto policy define two-pdus --never 'driver:Server and count(connected to driver:PDU) < 2' --say 'one PDU'
        clusto policy define spares-off --level warning --never 'attr:status,spare and cabled(power)'
        clusto policy enable two-feeds --among 'driver:Server and attr:status,allocated' --enforce
        clusto check

    Clusto's own checks are off until they are enabled: clusto policy list. Policies are in exports, in the log, and are
    reverted as all else.
    """


def _kept(function: F) -> F:
    """What is said of any policy."""
    for decorate in (
        click.option("--allow-unknown", is_flag=True, help="Names and keys that nothing has are no error."),
        click.option("--enforce", is_flag=True, help="Refuse every change that would break it anew."),
        click.option(
            "--level",
            type=click.Choice(("error", "warning")),
            default="error",
            show_default=True,
            help="Whether clusto check fails of it.",
        ),
        click.option("--say", metavar="TEXT", default="", help="What is told of a Thing that breaks it."),
    ):
        function = decorate(function)
    return function


@command.command("define")
@click.argument("name", metavar="NAME", shell_complete=completion.policies)
@click.option(
    "--never", metavar="EXPR", required=True, help="What nothing may satisfy.", shell_complete=completion.expressions
)
@_kept
@change_options
@pass_app
def define(
    app: App, /, name: str, never: str, allow_unknown: bool, message: str | None, dry_run: bool, **said: Any
) -> None:
    """Define the policy NAME, instead of what was said by that name before: nothing may satisfy EXPR.

    What breaks it already is told, and no reason to refuse it, nor later changes that do not break it anew.

    \b
        clusto policy define two-pdus --never 'driver:Server and count(connected to driver:PDU) < 2' --enforce
    """
    from clusto_core.query.policies import Policy

    _define(app, Policy(name.removeprefix("%"), never, **said), allow_unknown, message, dry_run)


@command.command("enable")
@click.argument("check", metavar="CHECK", shell_complete=completion.checks)
@click.option(
    "--among", metavar="EXPR", default="", help="Of which Things; all.", shell_complete=completion.expressions
)
@_kept
@change_options
@pass_app
def enable(
    app: App, /, check: str, among: str, allow_unknown: bool, message: str | None, dry_run: bool, **said: Any
) -> None:
    """Turn one of clusto's own checks on, as the policy of that name.

    \b
        clusto policy enable two-feeds --among 'driver:Server and attr:status,allocated' --enforce
        clusto policy enable power-draw --level warning
    """
    from clusto_core.query import checks
    from clusto_core.query.policies import Policy

    checks.named(check)
    _define(app, Policy(check, among, check=check, **said), allow_unknown, message, dry_run)


def _define(app: App, policy: Policy, allow_unknown: bool, message: str | None, dry_run: bool) -> None:
    from clusto_core.query import policies

    with app.changing(message, dry_run=dry_run) as change:
        changed = policies.define(change.unit, policy, allow_unknown=allow_unknown)
    verb = ("would define" if dry_run else "defined") if changed else "already defined:"
    write_lines([f"{verb} {policy.name}"])


@command.command("list")
@output_option
@at_option
@pass_app
@paged
def list_(app: App, output: str) -> None:
    """List the policies, and clusto's own checks that are off.

    \b
        clusto policy list
    """
    from clusto_core.query import checks, policies

    with app.reading() as reader:
        found = policies.policies(reader)
    if output != "text":
        write_records(output, map(_record, found))
        return
    write_lines("\t".join((each.name, _state(each), each.never or each.words)) for each in found)
    on = {each.check for each in found}
    write_lines(f"{name}\toff\t{check.meaning}" for name, check in checks.CHECKS.items() if name not in on)


def _state(policy: Policy) -> str:
    return f"{policy.level}, enforced" if policy.enforce else policy.level


def _record(policy: Policy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "level": policy.level,
        "enforced": policy.enforce,
        "never": None if policy.check else policy.never,
        "check": policy.check or None,
        "among": (policy.never or None) if policy.check else None,
        "say": policy.say or None,
    }


@command.command("show")
@click.argument("name", metavar="NAME", shell_complete=completion.policies)
@at_option
@pass_app
@paged
def show(app: App, name: str) -> None:
    """Print what is said of the policy NAME, a line each.

    \b
        clusto policy show two-pdus
    """
    from clusto_core.query import policies

    with app.reading() as reader:
        write_lines(_told(policies.named(reader, name)))


def _told(policy: Policy) -> Iterator[str]:
    for word, said in _record(policy).items():
        if word != "name" and said is not None:
            yield f"{word}: {said if isinstance(said, str) else 'yes' if said else 'no'}"
    if policy.gone:
        yield f"gone: {', '.join(policy.gone)}"


@command.command("delete")
@click.argument("name", metavar="NAME", shell_complete=completion.policies)
@change_options
@pass_app
def delete(app: App, name: str, message: str | None, dry_run: bool) -> None:
    """Forget the policy NAME; one of clusto's own checks is off then.

    \b
        clusto policy delete two-pdus
    """
    from clusto_core.query import policies

    with app.changing(message, dry_run=dry_run) as change:
        policies.delete(change.unit, name)
    write_lines([f"{'would delete' if dry_run else 'deleted'} {name.removeprefix('%')}"])
