"""Declare keys of the site's own: what they mean, and what their values may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.numbers import Real
from clusto_cli.options import at_option, change_options
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_core.errors import NotFound, did_you_mean
from clusto_core.model.attributes import Key

F = TypeVar("F", bound=Callable[..., Any])
_TYPES = ("any", "block", "boolean", "choice", "date", "integer", "ip", "json", "mac", "number", "relation", "text")


@click.group("key", cls=Group)
def command() -> None:
    """Declare keys of attributes: what they mean, and what their values may be. Values are then read by that on every
    way in, and what cannot be read is refused.

    \b
        clusto key define purchased --type date --on Server --meaning 'when it was bought'
        clusto key define load --type number --unit W --on Server
        clusto key define env --type choice --choices prod,test,dev --required --on Server
        clusto key define asset --type text --regex '[A-Z]{2}[0-9]{6}' --unique
        clusto key strict on

    The keys that clusto itself reads are declared already: clusto help keys. Declarations are in exports, in the log,
    and are reverted as all else.
    """


def _types(ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
    return completion.words(_TYPES, incomplete)


def _declaring(function: F) -> F:
    """What may be declared."""
    for decorate in (
        click.option("--convert", is_flag=True, help="Rewrite values of before that can be read without guessing."),
        click.option("--meaning", metavar="TEXT", help="What it means, for clusto help keys."),
        click.option("--many", is_flag=True, help="A Thing may have several values."),
        click.option("--no-inherit", is_flag=True, help="It is not in force for what is in a Thing that has it."),
        click.option(
            "--required", is_flag=True, help="Each Thing of the kinds of --on must have it, from being added."
        ),
        click.option(
            "--cooldown", metavar="TIME", help="Of a table: how long a number that was taken out is not KEY#+: 30d."
        ),
        click.option("--secret", is_flag=True, help="Values are shown as ****, and no other program gets them."),
        click.option("--unique", is_flag=True, help="No two Things have one value."),
        click.option("--regex", metavar="REGEX", help="Of text: what the whole of a value must match (RE2)."),
        click.option("--choices", metavar="WORD,...", help="Of a choice: the words, comma-separated."),
        click.option(
            "--to", metavar="DRIVER", help="Of a relation: the kind of Thing.", shell_complete=completion.drivers
        ),
        click.option("--max", "high", type=Real(), metavar="N", help="Of a number: the most."),
        click.option("--min", "low", type=Real(), metavar="N", help="Of a number: the least."),
        click.option("--unit", metavar="UNIT", help="Of a number: W, s, B...; 2kW is converted."),
        click.option(
            "--on",
            metavar="DRIVER,...",
            multiple=True,
            help="Which Things have it, and those that they are in unless --no-inherit; repeatable.",
            shell_complete=completion.drivers,
        ),
        click.option("--type", metavar="TYPE", help=f"One of {', '.join(_TYPES)}.", shell_complete=_types),
    ):
        function = decorate(function)
    return function


@command.command("define")
@click.argument("key", metavar="KEY", shell_complete=completion.keys)
@_declaring
@change_options
@pass_app
def define(app: App, /, key: str, convert: bool, message: str | None, dry_run: bool, **said: Any) -> None:
    """Declare KEY, instead of what was declared of it before.

    Where values do not fit, nothing is changed, and they are listed (exit code 4). --convert rewrites those that can
    be read without guessing: yes as true, 31.01.2026 as 2026-01-31, 2kW as 2000 where the unit is W.

    \b
        clusto key define purchased --type date --on Server
        clusto key define owner --type relation --to Pool --convert
    """
    data = _data(said)
    with app.changing(message, dry_run=dry_run) as change:
        converted = change.define_key(key, data, convert=convert)
    tail = f", converted {converted} value{'s' if converted != 1 else ''}" if converted else ""
    write_lines([f"{'would declare' if dry_run else 'declared'} {key}{tail}"])


def _data(said: Mapping[str, Any]) -> dict[str, object]:
    """The declaration that options stand for: only what was said."""
    found: dict[str, object] = {name: value for name, value in said.items() if value not in (None, False, (), "")}
    for name in ("on", "choices"):
        if name in found:
            texts = [said[name]] if isinstance(said[name], str) else said[name]
            found[name] = [word.strip() for text in texts for word in text.split(",") if word.strip()]
    if "cooldown" in found:
        from clusto_core.model.reserving import seconds

        found["cooldown"] = seconds(said["cooldown"])
    if "type" not in found:
        found["type"] = _implied(found)
    return found


def _implied(found: Mapping[str, object]) -> str:
    """The type that other options imply."""
    implied = {"choices": "choice", "regex": "text", "to": "relation", "unit": "number", "low": "number"}
    return next((type for option, type in implied.items() if option in found), "any")


@command.command("list")
@output_option
@at_option
@pass_app
@paged
def list_(app: App, output: str) -> None:
    """List the keys that the site declared.

    \b
        clusto key list
    """
    from clusto_cli.settings import row
    from clusto_core.rules.declared import STRICT, of_site

    with app.reading() as reader:
        told, known = reader.definitions(), of_site(reader)
    if output == "text":
        write_lines("\t".join(cell.strip("`") for cell in row(key, each)) for key, each in known.items())
    else:
        write_records(output, ({"name": key, **data} for key, data in told.items() if key != STRICT))


@command.command("show")
@click.argument("key", metavar="KEY", shell_complete=completion.declared_keys)
@at_option
@pass_app
@paged
def show(app: App, key: str) -> None:
    """Print what the site declared of KEY, a line each.

    \b
        clusto key show purchased
    """
    from clusto_core.rules.declared import STRICT
    from clusto_core.spelling import suggest

    with app.reading() as reader:
        told = reader.definitions()
    told.pop(STRICT, None)
    if key not in told:
        raise NotFound(f"no such key is declared by the site: {key}{did_you_mean(suggest(key, told))}")
    write_lines(
        f"{word}: {', '.join(said) if isinstance(said, list) else _plain(said)}" for word, said in told[key].items()
    )


def _plain(said: object) -> str:
    return "yes" if said is True else f"{said:g}" if isinstance(said, float) else str(said)


@command.command("delete")
@click.argument("key", metavar="KEY", shell_complete=completion.declared_keys)
@change_options
@pass_app
def delete(app: App, key: str, message: str | None, dry_run: bool) -> None:
    """Take the declaration of KEY away. Its values stay.

    \b
        clusto key delete purchased
    """
    with app.changing(message, dry_run=dry_run) as change:
        change.forget_key(Key.parse(key))
    write_lines([f"{'would delete' if dry_run else 'deleted'} the declaration of {key}"])


@command.command("strict")
@click.argument("state", metavar="[on|off]", required=False, type=click.Choice(["on", "off"]))
@change_options
@pass_app
def strict(app: App, state: str | None, message: str | None, dry_run: bool) -> None:
    """Say whether a new key that nobody declared is refused, by whatever verb; without an argument, print which it is.

    \b
        clusto key strict on
    """
    if state is None:
        from clusto_core.rules.declared import is_strict

        with app.reading() as reader:
            write_lines(["on" if is_strict(reader) else "off"])
        return
    with app.changing(message, dry_run=dry_run) as change:
        change.set_strict(state == "on")
