"""Record which machines run a service, and behind which virtual addresses."""

from __future__ import annotations

import click

from clusto_cli import categories, completion
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Whole
from clusto_cli.options import at_option, change_options
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import names_argument, targets
from clusto_core.drivers.categories import Service

command = categories.group(
    Service, "Record which machines run a service, on which port, behind which VIP of a load balancer.", members=False
)


@command.command("create")
@click.argument("name", metavar="NAME")
@click.option("--port", metavar="PORT", type=Whole(), help="The TCP or UDP port it is served on.")
@click.option(
    "--role", metavar="ROLE", help="Only machines in this role run it.", shell_complete=completion.of_driver("Role")
)
@change_options
@pass_app
def create(app: App, name: str, port: int | None, role: str | None, message: str | None, dry_run: bool) -> None:
    """Make a Service called NAME.

    \b
        clusto service create shop --port 8443
    """
    from clusto_core.rules import services

    with app.changing(message, dry_run=dry_run) as change:
        made = services.create(change.unit, name, port, change.resolve(role) if role is not None else None)
    write_lines([f"{'would create' if dry_run else 'created'} Service {made.name}"])


@command.command("add")
@categories.category_argument(Service)
@names_argument
@click.option("--vip", metavar="VIP", help="Behind this VIP, named or by address.", shell_complete=completion.parts)
@change_options
@pass_app
def add(app: App, group: str, names: tuple[str, ...], vip: str | None, message: str | None, dry_run: bool) -> None:
    """Record that each NAME runs SERVICE; with --vip, as a member of the VIP's pool on its load balancer.

    \b
        clusto service add shop 'server[1-2]' --vip lb1:shop
    """
    from clusto_core.rules import services

    lines = []
    with app.changing(message, dry_run=dry_run) as change:
        service = categories.category(change, Service, group)
        behind = services.vip_named(change.unit, vip) if vip else None
        for found in targets(change.unit.reader, names):
            machine = change.resolve(found.name)
            changed = services.add(change.unit, service, machine, behind)
            verb = ("would add" if dry_run else "added") if changed else "already:"
            lines.append(f"{verb} {service.name} on {machine.name}{f' to {behind.name}' if behind else ''}")
    write_lines(lines)


@command.command("remove")
@categories.category_argument(Service)
@names_argument
@change_options
@pass_app
def remove(app: App, group: str, names: tuple[str, ...], message: str | None, dry_run: bool) -> None:
    """Record that NAME runs SERVICE no longer, behind no VIP.

    \b
        clusto service remove shop server1
    """
    from clusto_core.rules import services

    lines = []
    with app.changing(message, dry_run=dry_run) as change:
        service = categories.category(change, Service, group)
        for found in targets(change.unit.reader, names):
            services.remove(change.unit, service, change.resolve(found.name))
            lines.append(f"{'would remove' if dry_run else 'removed'} {service.name} from {found.name}")
    write_lines(lines)


@command.command("list")
@click.argument("group", metavar="[SERVICE]", required=False, shell_complete=completion.of_driver(Service.__name__))
@click.option("--vip", metavar="VIP", help="Only what is behind this VIP.", shell_complete=completion.parts)
@output_option
@at_option
@pass_app
@paged
def list_(app: App, group: str | None, vip: str | None, output: str) -> None:
    """List which machine runs what, on which port, behind which VIPs.

    \b
        clusto service list shop
    """
    from clusto_core.rules import services

    with app.reading() as reader:
        service = categories.category(reader, Service, group) if group else None
        behind = services.checked_vip(services.part_holding(reader, vip)) if vip else None
        found = services.running(reader, service, behind)
    if output == "text":
        write_lines(
            f"{each.service.name}\t{each.machine.name}\t{each.port or '-'}"
            f"\t{','.join(vip.name for vip in each.vips) or '-'}"
            for each in found
        )
    else:
        write_records(
            output,
            (
                {
                    "service": each.service.name,
                    "name": each.machine.name,
                    "port": each.port,
                    "vips": [vip.name for vip in each.vips],
                }
                for each in found
            ),
        )
