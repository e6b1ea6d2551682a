"""Connect two Things or parts by a cable, or equipment to rack units."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options, yes_option
from clusto_cli.output import write_lines
from clusto_cli.pairing import show_pairs
from clusto_core.inventory import Transaction
from clusto_core.model.wiring import KINDS


@click.command("connect")
@click.argument("one", metavar="A", shell_complete=completion.free_parts)
@click.argument("other", metavar="B", shell_complete=completion.free_parts)
@click.option("--kind", type=click.Choice(KINDS), help="Which kind of connection, where several fit.")
@click.option("--breakout", is_flag=True, help="One port to several, by a cable with as many legs.")
@yes_option
@change_options
@pass_app
def command(
    app: App, one: str, other: str, kind: str | None, breakout: bool, yes: bool, message: str | None, dry_run: bool
) -> None:
    """Connect A and B and say what was joined. Each is a part (server1:eth0, pdu3:7, rack101:RU13, rack101:RU13-14)
    or a Thing, which stands for its first free part that fits; a range of as many (m1:rear[1-12]), or a panel's socket
    of several fibres (m1:MPO-A). How many pairs a range makes, and which, is told first; a person on a terminal is
    asked.

    \b
        clusto connect server1:eth0 switch2a:4
        clusto connect server1 rack101:RU13-14
        clusto connect server1 pdu3
        clusto connect 'server[2-3]:eth1' 'switch2a:[41-42]'
        clusto connect switch2a:40 'server[2-3]:eth1' --breakout
    """

    def plan(trial: Transaction) -> list[tuple[str, str]]:
        return [(each.one.name, each.other.name) for each in trial.connect(one, other, kind, breakout=breakout)]

    show_pairs(app, "connect", "to", (one, other), plan, yes=yes, dry_run=dry_run)
    with app.changing(message, dry_run=dry_run) as change:
        joined = change.connect(one, other, kind, breakout=breakout)
    verb = "would connect" if dry_run else "connected"
    write_lines(f"{verb} {each.one.name} to {each.other.name}" for each in joined)
