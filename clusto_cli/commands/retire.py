"""Give back all that equipment has: cables, addresses, services, pools, its position."""

from __future__ import annotations

from typing import Any

import click

from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options, force_option, yes_option
from clusto_cli.output import output_option
from clusto_cli.returning import give_back, keep_options
from clusto_cli.targets import names_argument
from clusto_core.resources.returning import KEEP, REMOVE, RETIRE


@click.command("retire")
@names_argument
@keep_options
@click.option("--record", type=click.Choice([KEEP, REMOVE]), help="Whether the record stays; by default it does.")
@yes_option
@force_option
@output_option
@change_options
@pass_app
def command(app: App, /, names: tuple[str, ...], **given: Any) -> None:
    """Give back what each NAME has: its cables, addresses, services and their VIPs, pools and roles, its position; in
    one transaction, which `clusto revert` undoes. The record stays, or goes: --record.

    What a place gives back may be said on it, for all that is in it: retire.gives, retire.record.

    \b
        clusto retire server22 --set status=retired
        clusto retire 'server[21-22]' --record remove --yes
    """
    give_back(app, names, RETIRE, **given)
