"""The verbs that all categories have: create, delete, add, remove, list. The verbs pool, class, role and service."""

from __future__ import annotations

from collections.abc import Callable

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.options import at_option, change_options, force_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import expand_names, names_argument, targets
from clusto_core.drivers import Category
from clusto_core.inventory import Transaction
from clusto_core.model.things import Thing, in_order
from clusto_core.rules import kinds
from clusto_core.store.reader import Reader

Kind = type[Category]


_NAMES = {"Class": "SSD", "Pool": "web-pool", "Role": "webserver", "Service": "shop"}
"""What examples call one."""


def group(kind: Kind, help_text: str, *, members: bool = True) -> click.Group:
    """The verb of a kind of category; without `members`, it brings `add`, `remove` and `list` of its own."""
    found = Group(kind.__name__.lower(), help=_explained(kind, help_text, "create NAME", "add NAME server1", "list"))
    found.add_command(_delete(kind))
    if members:
        found.add_command(_create(kind))
        found.add_command(_add(kind))
        found.add_command(_remove(kind))
        found.add_command(_list(kind))
    return found


def _explained(kind: Kind, text: str, *examples: str) -> str:
    """The help of a verb with examples, in which NAME is one of the kind."""
    name = _NAMES.get(kind.__name__, "NAME")
    lines = (f"    clusto {kind.__name__.lower()} {each.replace('NAME', name)}" for each in examples)
    return "\n".join([text, "", "\b", *lines])


def category(reader: Reader | Transaction, kind: Kind, name: str) -> Thing:
    """The category of that name. Raises NotFound, Malformed for another kind of Thing."""
    return kinds.checked(reader.resolve(name), kind)


def category_argument(kind: Kind) -> Callable[..., Callable[..., None]]:
    """The argument that names one of a kind of category."""
    return click.argument("group", metavar=kind.__name__.upper(), shell_complete=completion.of_driver(kind.__name__))


def create(app: App, kind: Kind, names: tuple[str, ...], message: str | None, dry_run: bool) -> list[str]:
    """Makes categories and says so."""
    with app.changing(message, dry_run=dry_run) as change:
        made = [change.add(kind, name) for name in expand_names(names)]
    return [f"{'would create' if dry_run else 'created'} {kind.__name__} {thing.name}" for thing in made]


def _create(kind: Kind) -> click.Command:
    @click.command("create", help=_explained(kind, f"Make a {kind.__name__} called NAME.", "create NAME"))
    @click.argument("names", metavar="NAME...", nargs=-1, required=True)
    @change_options
    @pass_app
    def command(app: App, names: tuple[str, ...], message: str | None, dry_run: bool) -> None:
        write_lines(create(app, kind, names, message, dry_run))

    return command


def _delete(kind: Kind) -> click.Command:
    @click.command(
        "delete",
        help=_explained(
            kind, f"Remove the {kind.__name__} called NAME, once nothing is in it or names it.", "delete NAME"
        ),
    )
    @click.argument(
        "names", metavar="NAME...", nargs=-1, required=True, shell_complete=completion.of_driver(kind.__name__)
    )
    @force_option
    @change_options
    @pass_app
    def command(app: App, names: tuple[str, ...], force: bool, message: str | None, dry_run: bool) -> None:
        with app.changing(message, dry_run=dry_run) as change:
            gone = [change.remove(category(change, kind, name), force=force) for name in expand_names(names)]
        verb = "would delete" if dry_run else "deleted"
        write_lines(f"{verb} {kind.__name__} {thing.name}" for thing in gone)

    return command


def _add(kind: Kind) -> click.Command:
    @click.command("add", help=_explained(kind, f"Put each NAME into the {kind.__name__}.", "add NAME 'server[1-4]'"))
    @category_argument(kind)
    @names_argument
    @change_options
    @pass_app
    def command(app: App, group: str, names: tuple[str, ...], message: str | None, dry_run: bool) -> None:
        lines = []
        with app.changing(message, dry_run=dry_run) as change:
            parent = category(change, kind, group)
            for found in targets(change.unit.reader, names):
                thing = change.resolve(found.name)
                verb = ("would add" if dry_run else "added") if change.put(thing, parent) else "already:"
                lines.append(f"{verb} {thing.name} to {parent.name}")
        write_lines(lines)

    return command


def _remove(kind: Kind) -> click.Command:
    @click.command(
        "remove", help=_explained(kind, f"Take each NAME out of the {kind.__name__}.", "remove NAME server1")
    )
    @category_argument(kind)
    @names_argument
    @change_options
    @pass_app
    def command(app: App, group: str, names: tuple[str, ...], message: str | None, dry_run: bool) -> None:
        lines = []
        with app.changing(message, dry_run=dry_run) as change:
            parent = category(change, kind, group)
            for found in targets(change.unit.reader, names):
                thing = change.resolve(found.name)
                change.take(thing, parent)
                lines.append(f"{'would remove' if dry_run else 'removed'} {thing.name} from {parent.name}")
        write_lines(lines)

    return command


def _list(kind: Kind) -> click.Command:
    @click.command(
        "list",
        help=_explained(kind, f"List what is in the {kind.__name__} called NAME; without NAME, all.", "list NAME"),
    )
    @click.argument("name", metavar="[NAME]", required=False, shell_complete=completion.of_driver(kind.__name__))
    @output_option
    @at_option
    @pass_app
    @paged
    def command(app: App, name: str | None, output: str) -> None:
        with app.reading() as reader:
            if name is not None:
                members = reader.members(category(reader, kind, name))
                if output == "text":
                    write_lines(thing.name for thing in members)
                else:
                    write_records(output, ({"name": thing.name, "driver": thing.driver} for thing in members))
                return
            counted = [(thing, len(reader.members(thing))) for thing in in_order(reader.all([kind.__name__]))]
        if output == "text":
            write_lines(f"{thing.name}\t{count}" for thing, count in counted)
        else:
            write_records(output, ({"name": thing.name, "members": count} for thing, count in counted))

    return command
