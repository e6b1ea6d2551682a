"""Give back what an allocation gave: addresses, services, pools."""

from __future__ import annotations

from typing import Any

import click

from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options, force_option, yes_option
from clusto_cli.output import output_option
from clusto_cli.returning import give_back, keep_options
from clusto_cli.targets import names_argument
from clusto_core.resources.returning import DEALLOCATE


@click.command("deallocate")
@names_argument
@keep_options
@yes_option
@force_option
@output_option
@change_options
@pass_app
def command(app: App, /, names: tuple[str, ...], **given: Any) -> None:
    """Give back what each NAME was given for its job: its addresses, services and their VIPs, pools and roles; in one
    transaction, which `clusto revert` undoes. It stays where it is, and cabled.

    What a place gives back may be said on it, for all that is in it: deallocate.gives.

    \b
        clusto deallocate server1 --set status=unallocated
        clusto deallocate --where 'driver:Server in name:web-pool' --keep addresses --yes
    """
    give_back(app, names, DEALLOCATE, **given)
