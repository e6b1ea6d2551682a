"""Add new Things: equipment with its parts, resources, categories."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options, strict_option
from clusto_cli.output import write_lines
from clusto_cli.targets import expand_names
from clusto_cli.values import parse_pair


@click.command("add")
@click.argument("driver", metavar="DRIVER", shell_complete=completion.drivers)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--in",
    "parents",
    metavar="PARENT",
    multiple=True,
    help="What it is put in; repeatable.",
    shell_complete=completion.parents,
)
@click.option(
    "--attr",
    "pairs",
    metavar="KEY=VALUE",
    multiple=True,
    help="An attribute; repeatable.",
    shell_complete=completion.pairs,
)
@click.option(
    "--parts",
    metavar="KIND=N,...",
    help="How many parts of a kind, or their names: nic=4,outlet=A[1-8].",
    shell_complete=completion.part_kinds,
)
@click.option(
    "--type",
    "device_type",
    metavar="MAKER/MODEL",
    help="A device type that says which parts there are.",
    shell_complete=completion.device_types,
)
@strict_option
@change_options
@pass_app
def command(
    app: App,
    driver: str,
    names: tuple[str, ...],
    parents: tuple[str, ...],
    pairs: tuple[str, ...],
    parts: str | None,
    device_type: str | None,
    message: str | None,
    dry_run: bool,
    strict: bool,
) -> None:
    """Add a Thing of DRIVER for each NAME, all or none. NAME may be a range: server[001-040].

    A DRIVER that is a part (NIC, Outlet, ...) adds one to an equipment: clusto add NIC server1:eth2

    \b
        clusto add Server 'web[01-20]' --in room1 --attr status=unallocated
        clusto add PDU pdu3 --type apc/ap7921 --in rack101
        clusto add NIC web01:eth2
    """
    from clusto_core.rules.parts import parse

    counts = parse(parts) if parts else None
    attributes = [parse_pair(pair) for pair in pairs]
    with app.changing(message, dry_run=dry_run, strict=strict, written=attributes) as change:
        added = [
            change.add(
                driver, name, parents=parents, attributes=attributes, part_counts=counts, device_type=device_type
            )
            for name in expand_names(names)
        ]
    write_lines(f"{'would add' if dry_run else 'added'} {thing.driver} {thing.name}" for thing in added)
