"""Give IP addresses of Networks to Things, and take them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.numbers import Whole
from clusto_cli.options import at_option, change_options
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import names_argument, targets
from clusto_core.model.addresses import SHARED

if TYPE_CHECKING:
    from clusto_core.resources.ipam import Unused
    from clusto_core.store.reader import Held


cooldown_option = click.option(
    "--cooldown", metavar="TIME", help="None that came back in that time: 30d; else the Network's cooldown."
)


def _seconds(cooldown: str | None) -> int | None:
    from clusto_core.model.reserving import seconds

    return seconds(cooldown) if cooldown is not None else None


@click.group("ip", cls=Group)
def command() -> None:
    """Give IP addresses of Networks to Things and parts, and take them back.

    \b
        clusto add Network web-net --attr cidr=10.2.1.0/24 --attr gateway=10.2.1.1 --attr reserved=10.2.1.2-10.2.1.20
        clusto ip allocate web-net server1:eth0
        clusto ip allocate 10.2.1.7 server2:eth0
        clusto ip list web-net
        clusto ip free 10.2.1.7

    Nobody is given the first and last address of a Network, its `gateway` and what is `reserved`, nor, for as long as
    its `cooldown` says, what somebody else has just given back.

    Networks of several address spaces, which may have the same addresses, are each in a VRF. An address in one is
    written ADDRESS@VRF, one in the space without a name ADDRESS@, wherever it could be in several.

    \b
        clusto add VRF blue
        clusto add Network blue-net --attr cidr=10.2.1.0/24 --attr vrf=@blue
        clusto ip free 10.2.1.7@blue
    """


@command.command("allocate")
@click.argument("network", metavar="NETWORK|ADDRESS", shell_complete=completion.of_driver("Network"))
@names_argument
@click.option(
    "--shared",
    metavar="AS",
    type=click.Choice(SHARED),
    help="All of NAME... hold one address at once, as anycast, carp, glbp, hsrp, vip or vrrp has it.",
)
@cooldown_option
@change_options
@pass_app
def allocate(
    app: App,
    network: str,
    names: tuple[str, ...],
    shared: str | None,
    cooldown: str | None,
    message: str | None,
    dry_run: bool,
) -> None:
    """Give each NAME, a Thing or a part (server1:eth0), the next free address of NETWORK; or one NAME that ADDRESS.

    An ADDRESS that is taken, or in no Network, is refused. One that several hold at once is given with --shared, to all
    of them.

    \b
        clusto ip allocate web-net 'server[1-2]:eth0'
        clusto ip allocate 10.2.1.200 server1
        clusto ip allocate 10.2.1.201@blue server1
        clusto ip allocate --shared vrrp web-net router1:eth0 router2:eth0
        clusto ip allocate web-net server1:eth0 --cooldown 30d
    """
    from clusto_core.errors import Malformed
    from clusto_core.model.addresses import assigned, sought
    from clusto_core.resources import ipam

    rest = _seconds(cooldown)
    with app.changing(message, dry_run=dry_run) as change:
        holders = [change.resolve(thing.name) for thing in targets(change.unit.reader, names)]
        if sought(network.partition("+")[0]) is not None or sought(network) is not None:
            if len(holders) != 1 and shared is None:
                raise Malformed(f"one address is for one Thing: {len(holders)} are named (or --shared vrrp)")
            for holder in holders:
                ipam.give(change, network, holder, shared)
            given = [str(assigned(network)._replace(shared=shared))] * len(holders)
        elif shared is not None:
            one = ipam.allocate_to(change, change.resolve(network), holders, shared, cooldown=rest)
            given = [str(one)] * len(holders)
        else:
            block = change.resolve(network)
            given = [str(ipam.allocate_to(change, block, [holder], cooldown=rest)) for holder in holders]
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
    write_lines(f"{verb} {held.assigned} of {held.holder.name}" for held in released)


@command.command("list")
@click.argument("network", metavar="[NETWORK]", required=False, shell_complete=completion.of_driver("Network"))
@click.option("--free", is_flag=True, help="Those that may be given out instead, in spans.")
@output_option
@at_option
@pass_app
@paged
def list_(app: App, network: str | None, free: bool, output: str) -> None:
    """List the addresses of NETWORK, or all, that something holds, in their order.

    \b
        clusto ip list web-net
        clusto ip list web-net --free
    """
    from clusto_core.resources import ipam

    with app.reading() as reader:
        block = ipam.block_of(reader, reader.resolve(network)) if network else None
        if free:
            found = [each for one in ([block] if block else ipam.blocks(reader)) for each in ipam.unused(reader, one)]
            _write_unused(found, output)
            return
        held = ipam.all_held(reader, block)
        if output == "text":
            write_lines(f"{each.assigned}\t{each.holder.name}" for each in held)
        else:
            write_records(output, map(_record, held))


def _record(held: Held) -> dict[str, Any]:
    return {
        "address": held.address,
        "name": held.holder.name,
        "vrf": held.space.name if held.space is not None else None,
        "shared": held.shared,
    }


def _write_unused(found: list[Unused], output: str) -> None:
    if output == "text":
        write_lines(f"{each}\t{each.size}\t{each.block.thing.name}" for each in found)
    else:
        write_records(output, map(_unused_record, found), name=lambda record: _span(record["address"], record["last"]))


def _unused_record(unused: Unused) -> dict[str, Any]:
    return {
        "address": unused.first,
        "last": unused.last,
        "count": unused.size,
        "network": unused.block.thing.name,
        "name": None,
        "vrf": unused.space.name if unused.space is not None else None,
        "shared": None,
    }


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"


@command.command("next")
@click.argument("network", metavar="NETWORK", shell_complete=completion.of_driver("Network"))
@click.option("--count", metavar="N", type=Whole(1), default=1, show_default=True, help="So many.")
@cooldown_option
@at_option
@pass_app
def next_(app: App, network: str, count: int, cooldown: str | None) -> None:
    """Print the next free addresses of NETWORK, which `ip allocate` would give; nobody is given them by that.

    \b
        clusto ip next web-net --count 2
    """
    from itertools import islice

    from clusto_core.errors import Refused
    from clusto_core.resources import ipam

    with app.reading() as reader:
        block = ipam.heeding(ipam.block_of(reader, reader.resolve(network)), _seconds(cooldown))
        found = [str(address) for address in islice(ipam.free(reader, block), count)]
    if len(found) < count:
        raise Refused(f"not enough: {count} wanted, {len(found)} addresses of {network} are free")
    write_lines(found)
