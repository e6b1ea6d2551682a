"""Look after the store: upgrade, check, copy, roles."""

from __future__ import annotations

import click

from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.output import write_lines
from clusto_core.errors import StoreBroken


@click.group("db", cls=Group)
def command() -> None:
    """Look after the store in which the inventory is.

    \b
        clusto db check
        clusto db copy sqlite:////backup/clusto.db
    """


@command.command("upgrade")
@pass_app
def upgrade(app: App) -> None:
    """Bring the store to the schema of this clusto, or make it where there is none. SQLite is copied before.

    \b
        clusto db upgrade
    """
    from clusto_cli.progress import progress
    from clusto_core.store.opening import upgrade as run

    with progress("upgrading the store"):
        run(app.settings.url, app.say)


@command.command("check")
@pass_app
def check(app: App) -> None:
    """Prove that the inventory is sound: no part without its equipment, no cable told differently at its ends, no rack
    unit taken twice, no path that ends elsewhere. Exit code 1, and a line each, when something is wrong.

    \b
        clusto db check
    """
    from clusto_cli.progress import progress
    from clusto_core.records.integrity import problems
    from clusto_core.rules.reservations import reservations
    from clusto_core.store import collector

    count = 0
    with progress("checking the store"), app.reading() as reader, collector.paused():
        for problem in problems(reader):
            count += 1
            write_lines([problem])
        for each in reservations(reader):
            if each.over:
                app.say(f"note: {each}, which is over: clusto reservations release {each.thing.name}")
    if count:
        raise StoreBroken(f"{count} thing{'s are' if count > 1 else ' is'} wrong with the store")
    write_lines(["the store is sound"])


@command.command("copy")
@click.argument("target", metavar="URL")
@pass_app
def copy(app: App, target: str) -> None:
    """Copy the whole store, history included, to the empty place URL: sqlite:///PATH, postgresql://..., mariadb://...

    \b
        clusto db copy sqlite:////backup/clusto.db
        clusto db copy postgresql://ops@db1/clusto
    """
    from clusto_cli.progress import progress
    from clusto_core.config import settings
    from clusto_core.store.opening import copy as run

    with progress("copying") as report:
        rows = run(
            app.settings.url, settings(target).url, lambda table, count: report(f"copying {table}, rows", count, 0)
        )
    app.say(f"copied {rows} rows")


@command.command("mirror")
@click.argument("target", metavar="FILE")
@pass_app
def mirror(app: App, target: str) -> None:
    """Make FILE a copy of the store that is only read, on a laptop or where the network may go, or bring it up to date.

    The first copy goes on where it was interrupted; later ones bring what has changed since. Each command that reads
    FILE says how old it is; one that writes is refused.

    \b
        clusto db mirror ~/clusto-mirror.db
        clusto --db ~/clusto-mirror.db locate server1
    """
    from clusto_cli.progress import progress
    from clusto_core.config import settings
    from clusto_core.store.mirroring import mirror as run

    with progress("mirroring") as report:
        done = run(
            app.settings.url, settings(target).url, lambda table, count: report(f"mirroring {table}, rows", count, 0)
        )
    if done.new:
        app.say(f"made a mirror, {done.rows} rows, as of transaction {done.now}")
    elif done.before == done.now:
        app.say(f"nothing has changed since transaction {done.now}")
    else:
        app.say(f"brought the mirror from transaction {done.before} to {done.now}, {done.rows} rows")


@command.command("roles")
@click.option("--apply", "applied", is_flag=True, help="Make the roles, as a user who may; again after each upgrade.")
@click.option("--prefix", default="clusto", show_default=True, help="What the roles' names begin with.")
@pass_app
def roles(app: App, applied: bool, prefix: str) -> None:
    """Print the statements that make three roles in a PostgreSQL or a MariaDB, for its administrator.

    PREFIX_reader reads; PREFIX_writer also changes attributes and wiring; PREFIX_operator does everything, the schema
    included. They hold whatever program is used: history is written by all who write, and changed by no writer.

    \b
        clusto db roles | psql clusto
    """
    from contextlib import closing

    from clusto_core.store import roles as store_roles
    from clusto_core.store.database import connect, connect_to_write

    connect(app.settings.url).close()
    with closing(connect_to_write(app.settings.url)) as database:
        if applied:
            store_roles.apply(database, prefix)
            app.say(f"made the roles {', '.join(store_roles.names(prefix))}")
        else:
            write_lines(f"{statement};" for statement in store_roles.statements(database, prefix))
        for line in store_roles.members(database, prefix):
            app.say(f"to give it to somebody: {line}")
