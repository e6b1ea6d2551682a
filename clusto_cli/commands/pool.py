"""Group Things in pools."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.categories import category, group
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options
from clusto_cli.output import write_lines
from clusto_cli.targets import expand_names
from clusto_core.drivers import registry
from clusto_core.drivers.categories import Pool
from clusto_core.inventory import Transaction
from clusto_core.model.things import Thing

command = group(Pool, "Group Things in pools: any grouping, of any Things, in any number.")


@command.command("create")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--exclusive", is_flag=True, help="Nothing may be in two of these pools.")
@click.option(
    "--everyone",
    "drivers",
    metavar="DRIVER",
    multiple=True,
    help="Whatever is of that driver must be in one of these pools.",
    shell_complete=completion.drivers,
)
@change_options
@pass_app
def create(
    app: App, names: tuple[str, ...], exclusive: bool, drivers: tuple[str, ...], message: str | None, dry_run: bool
) -> None:
    """Make a Pool called NAME. With --exclusive or --everyone the pools may be there already: the rule is kept as an
    enforced policy (clusto policy list), which follows when they are renamed.

    \b
        clusto pool create web-pool
        clusto pool create --exclusive production development
        clusto pool create --everyone Server --exclusive production development
    """
    ruled = exclusive or bool(drivers)
    made, pools, rules = [], [], []
    with app.changing(message, dry_run=dry_run) as change:
        for name in expand_names(names):
            if ruled and change.unit.get(name) is not None:
                pools.append(category(change, Pool, name))
            else:
                made.append(change.add(Pool, name))
                pools.append(made[-1])
        if ruled:
            rules = _rules(change, pools, exclusive, drivers)
    write_lines(f"{'would create' if dry_run else 'created'} Pool {pool.name}" for pool in made)
    write_lines(f"{'would define' if dry_run else 'defined'} the policy {name}" for name in rules)


def _rules(change: Transaction, pools: list[Thing], exclusive: bool, drivers: tuple[str, ...]) -> list[str]:
    from clusto_core.query import grouping

    found = [grouping.exclude(change.unit, pools)] if exclusive else []
    found += [grouping.require(change.unit, registry.get(driver), pools) for driver in drivers]
    return [policy.name for policy in found]
