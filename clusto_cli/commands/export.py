"""Write Things to standard output: as YAML, JSON lines, CSV or XLSX, or as the configuration of other programs."""

from __future__ import annotations

import contextlib
import sys

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Whole
from clusto_cli.options import at_option
from clusto_cli.output import on_terminal, paged
from clusto_cli.targets import names_or_expressions, targets, where_option, with_where
from clusto_core.errors import Malformed


@click.command("export")
@click.argument("names", metavar="[EXPR|NAME...]", nargs=-1, callback=with_where, shell_complete=completion.things)
@click.option(
    "--format",
    "format_name",
    metavar="FORMAT",
    default="yaml",
    show_default=True,
    help="See below.",
    shell_complete=completion.formats,
)
@click.option("--raw", is_flag=True, help="Csv for programs: no apostrophe before what a spreadsheet would run.")
@click.option(
    "--vrf",
    metavar="NAME",
    help="For programs that know one address space: its addresses alone, '' for the one without a name.",
    shell_complete=completion.of_driver("VRF"),
)
@click.option("--port", metavar="N", type=Whole(1, 65535), help="Prometheus: the port of each target.")
@click.option(
    "--label",
    "labels",
    metavar="[NAME=]COLUMN",
    multiple=True,
    help="Prometheus: a label of each target, from a column as of find, or a key.",
)
@where_option
@at_option
@pass_app
@paged
def command(
    app: App,
    names: tuple[str, ...],
    format_name: str,
    raw: bool,
    vrf: str | None,
    port: int | None,
    labels: tuple[str, ...],
) -> None:
    """Write the whole inventory, or the Things of NAME..., or those that an expression selects, in natural order.

    yaml, jsonl, csv and xlsx hold all that is known of a Thing, secrets too: what is exported so and imported into an
    empty inventory gives an equal one. ansible, hosts, powerman, conserver, prometheus and dot are for the programs of
    those names.

    Such a program knows one address space: --vrf says whose addresses it is given.

    Attributes that such a program would obey (ansible_*, powerman.device, rebuild.dir...) are left out, but for those
    that the configuration allows: clusto config allow export.

    \b
        clusto export > site.yaml
        clusto export --format ansible 'driver:Server in name:web-pool'
        clusto export --format prometheus --port 9100 --label rack 'driver:Server' > targets.json
    """
    from clusto_cli.progress import progress
    from clusto_core.answers.view import Everything
    from clusto_core.boundary.permissions import in_force
    from clusto_core.rules.spaces import Spaces
    from clusto_core.store import collector
    from clusto_core.transfer import formats
    from clusto_core.transfer.leaving import Leaving

    write = formats.writer_of(format_name)
    if format_name != "prometheus" and (port is not None or labels):
        raise Malformed("--port and --label are said of targets: give --format prometheus")
    if vrf is not None and not formats.has_addresses(format_name):
        raise Malformed(f"--vrf is said of addresses without their address space: {format_name} has none such")
    allowed = frozenset(in_force().exports.get(formats.program_of(format_name), ()))
    # On a terminal what is exported tells how far it is.
    told = contextlib.nullcontext() if on_terminal() else progress(f"exporting {format_name}")
    with told, app.reading() as reader, collector.paused():
        chosen = targets(reader, names_or_expressions(reader, names)) if names else Everything(reader)
        spaces = None if vrf is None else frozenset([space.id if (space := Spaces(reader).named(vrf)) else None])
        write(reader, chosen, sys.stdout, Leaving(allowed, raw, app.say, spaces, port, labels))
