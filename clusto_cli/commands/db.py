"""Look after the store: upgrade, check, copy."""

from __future__ import annotations

import click

from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.output import write_lines
from clusto_core.errors import StoreBroken


@click.group("db", cls=Group)
def command() -> None:
    """Look after the store in which the inventory is."""


@command.command("upgrade")
@pass_app
def upgrade(app: App) -> None:
    """Bring the store to the schema of this clusto, or make it where there is none. SQLite is copied before."""
    from clusto_core.store.opening import upgrade as run

    run(app.settings.url, app.say)


@command.command("check")
@pass_app
def check(app: App) -> None:
    """Prove that the inventory is sound: no part without its equipment, no cable told differently at its ends, no rack
    unit taken twice, no path that ends elsewhere. Exit code 1, and a line each, when something is wrong.
    """
    from clusto_core.records.integrity import problems

    count = 0
    with app.reading() as reader:
        for problem in problems(reader):
            count += 1
            write_lines([problem])
    if count:
        raise StoreBroken(f"{count} thing{'s are' if count > 1 else ' is'} wrong with the store")
    write_lines(["the store is sound"])


@command.command("copy")
@click.argument("target", metavar="URL")
@pass_app
def copy(app: App, target: str) -> None:
    """Copy the whole store, history included, to the empty place URL: sqlite:///PATH, postgresql://..., mariadb://..."""
    from clusto_core.config import settings
    from clusto_core.store.opening import copy as run

    rows = run(app.settings.url, settings(target).url, lambda table, count: None)
    app.say(f"copied {rows} rows")
