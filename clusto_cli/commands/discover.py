"""Propose what devices say of the wiring: cables, MAC addresses, serial numbers, machines that came."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Real, Whole
from clusto_cli.options import reads_elsewhere, verbose_option
from clusto_cli.output import output_option
from clusto_cli.targets import where_option, with_where
from clusto_core.errors import Malformed

if TYPE_CHECKING:
    from clusto_cli.discovery.run import Wish

_WATCHED = ("text", "jsonl", "yaml")


@click.command("discover")
@click.argument("names", metavar="[NAME...]", nargs=-1, shell_complete=completion.names, callback=with_where)
@where_option
@click.option("--addresses", metavar="FILE", multiple=True, type=click.Path(), help="Addresses to ask; - reads them.")
@click.option("--leases", metavar="FILE", multiple=True, type=click.Path(), help="Leases of dnsmasq or Kea.")
@click.option(
    "--ask",
    "ways",
    type=click.Choice(("snmp", "redfish", "ssh")),
    multiple=True,
    help="What addresses are asked; all three by default.",
)
@click.option(
    "--names",
    "range_name",
    metavar="NAMERANGE",
    help="Names for new machines; else the setting discover.names of the switches.",
    shell_complete=completion.of_driver("NameRange"),
)
@click.option("--known", is_flag=True, help="Only what concerns Things that are there.")
@click.option("--write", "path", metavar="FILE", type=click.Path(), help="Write the proposal into a file.")
@click.option("--watch", type=Real(1), metavar="SECONDS", help="Look again and again, until ^C; tell what is new.")
@click.option("--rate", type=Real(0.1, 10_000), default=50.0, show_default=True, help="Devices begun a second.")
@click.option("--parallel", type=Whole(1, 500), default=64, show_default=True, help="Devices at once.")
@verbose_option
@output_option
@pass_app
@reads_elsewhere
def command(app: App, /, names: tuple[str, ...], **options: Any) -> int:
    """Ask switches, PDUs, controllers and whole Networks what is there, and propose what the inventory lacks.

    NAME is a switch, PDU, console server, machine with a controller, a place, which stands for those in it, or a
    Network, whose every address is asked. Without any, all switches and PDUs are. Nothing is changed: -o yaml, and
    --write, give a file that clusto import takes, with how sure each line is and by what it was seen. What the
    inventory has otherwise is told as clusto network verify does (exit code 4), and never part of a proposal.

    An address is only asked inside Networks of the inventory, or where clusto config allow network permits it. On a
    console server, Enter is pressed on ports without a cable.

    \b
        clusto discover switch2a switch2b
        clusto discover mgmt-net --names servers --write found.yaml
        clusto import found.yaml --dry-run
    """
    from clusto_cli.discovery.asking import WAYS
    from clusto_cli.discovery.run import Wish

    if options["watch"] and options["output"] not in _WATCHED:
        raise Malformed(f"--watch goes with -o {', '.join(_WATCHED)}")
    app.heed()
    wish = Wish(
        options["ways"] or WAYS,
        options["leases"],
        options["range_name"] or "",
        options["known"],
        options["parallel"],
        options["rate"],
    )
    return _look_and_tell(app, names, wish, options)


def _look_and_tell(app: App, names: tuple[str, ...], wish: Wish, options: dict[str, Any]) -> int:
    from clusto_cli.discovery.run import look
    from clusto_cli.discovery.seeds import seeds
    from clusto_cli.discovery.telling import Telling
    from clusto_cli.progress import progress
    from clusto_cli.targets import targets

    telling = Telling(app, options["output"], options["path"], bool(options["verbose"] or app.verbose))
    while True:
        with progress("looking") as report, app.reading() as reader:
            found = seeds(reader, targets(reader, names) if names else None, options["addresses"])
            outcome = look(app, reader, found, wish, lambda done, total: report("asking", done, total))
        code = telling.tell(outcome)
        if not options["watch"]:
            return code
        time.sleep(options["watch"])
