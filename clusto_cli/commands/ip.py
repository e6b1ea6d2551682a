"""Give IP addresses of Networks to Things, and take them back."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.options import change_options
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import names_argument, targets


@click.group("ip", cls=Group)
def command() -> None:
    """Give IP addresses of Networks to Things and parts, and take them back.

    \b
        clusto add Network web-net --attr cidr=10.2.1.0/24 --attr gateway=10.2.1.1 --attr reserved=10.2.1.2-10.2.1.20
        clusto ip allocate web-net server1:eth0
        clusto ip allocate 10.2.1.7 server2:eth0
        clusto ip list web-net
        clusto ip free 10.2.1.7

    Nobody is given the first and last address of a Network, its `gateway` and what is `reserved`.
    """


@command.command("allocate")
@click.argument("network", metavar="NETWORK|ADDRESS", shell_complete=completion.of_driver("Network"))
@names_argument
@change_options
@pass_app
def allocate(app: App, network: str, names: tuple[str, ...], message: str | None, dry_run: bool) -> None:
    """Give each NAME, a Thing or a part (server1:eth0), the next free address of NETWORK; or one NAME that ADDRESS.

    An ADDRESS that is taken, or in no Network, is refused.

    \b
        clusto ip allocate web-net 'server[1-2]:eth0'
        clusto ip allocate 10.2.1.200 server1
    """
    from clusto_core.errors import Malformed
    from clusto_core.model import addresses
    from clusto_core.resources import ipam

    with app.changing(message, dry_run=dry_run) as change:
        holders = [change.resolve(thing.name) for thing in targets(change.unit.reader, names)]
        if addresses.parse(network) is not None:
            if len(holders) != 1:
                raise Malformed(f"one address is for one Thing: {len(holders)} are named")
            ipam.give(change, network, holders[0])
            given = [addresses.canonical(network)]
        else:
            given = [ipam.allocate(change, change.resolve(network), holder) for holder in holders]
    write_lines(f"{holder.name}\t{address}" for holder, address in zip(holders, given, strict=True))


@command.command("free")
@click.argument("texts", metavar="ADDRESS|NAME...", nargs=-1, required=True, shell_complete=completion.names)
@change_options
@pass_app
def free(app: App, texts: tuple[str, ...], message: str | None, dry_run: bool) -> None:
    """Take each ADDRESS back, or all that NAME and its parts hold.

    \b
        clusto ip free 10.2.1.200
    """
    from clusto_core.resources import ipam

    with app.changing(message, dry_run=dry_run) as change:
        released = [held for text in texts for held in ipam.release(change, text)]
    verb = "would free" if dry_run else "freed"
    write_lines(f"{verb} {held.address} of {held.holder.name}" for held in released)


@command.command("list")
@click.argument("network", metavar="[NETWORK]", required=False, shell_complete=completion.of_driver("Network"))
@output_option
@pass_app
@paged
def list_(app: App, network: str | None, output: str) -> None:
    """List the addresses of NETWORK, or all, that something holds, in their order.

    \b
        clusto ip list web-net
    """
    from clusto_core.resources import ipam

    with app.reading() as reader:
        block = ipam.block_of(reader, reader.resolve(network)) if network else None
        held = ipam.held(reader, block)
    if output == "text":
        write_lines(f"{each.address}\t{each.holder.name}" for each in held)
    else:
        write_records(output, ({"address": each.address, "name": each.holder.name} for each in held))
