"""Serve pages and an API of the inventory over HTTP."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.defaulting import DefaultGroup
from clusto_cli.grouping import Group
from clusto_cli.numbers import Whole
from clusto_cli.output import output_option, paged, write_lines, write_records


@click.group("serve", cls=DefaultGroup)
def command() -> None:
    """Serve pages and an API of the inventory over HTTP, and make the tokens that they are asked with."""


@command.default
@click.option(
    "--bind",
    "places",
    multiple=True,
    default=("127.0.0.1",),
    show_default=True,
    metavar="ADDRESS[:PORT]",
    help="Where it is reached; again for further addresses.",
)
@click.option("--port", type=Whole(0, 65535), default=8420, show_default=True, help="Where --bind says none.")
@click.option("--name", "names", multiple=True, metavar="NAME", help="A name that it is reached by; repeatable.")
@click.option("--tls-cert", metavar="FILE", type=click.Path(), help="The certificate, and those that lead to it (PEM).")
@click.option("--tls-key", metavar="FILE", type=click.Path(), help="Its key (PEM).")
@click.option("--auth-header", metavar="NAME", help="The header in which a trusted proxy names the user.")
@click.option("--trusted-proxy", "proxies", multiple=True, metavar="ADDRESS", help="A proxy's address or block.")
@click.option(
    "--auth-role",
    type=click.Choice(["reader", "writer"]),
    default="reader",
    show_default=True,
    help="What those may whom the proxy names.",
)
@click.option("--no-anonymous", is_flag=True, help="Who is on this machine needs a token too, to read.")
@click.option("--insecure", is_flag=True, help="Tokens may go over the network in the clear.")
@click.option("--rebuild", "boot_places", multiple=True, metavar="ADDRESS:PORT", help="Be the boot server there, too.")
@click.option("--dir", "directory", metavar="DIRECTORY", type=click.Path(), help="Its directory (rebuild.dir).")
@pass_app
def serve(
    app: App,
    /,
    places: tuple[str, ...],
    port: int,
    names: tuple[str, ...],
    tls_cert: str | None,
    tls_key: str | None,
    auth_header: str | None,
    proxies: tuple[str, ...],
    auth_role: str,
    no_anonymous: bool,
    insecure: bool,
    boot_places: tuple[str, ...],
    directory: str | None,
) -> None:
    """Serve pages and an API of the inventory until it is stopped: this machine alone, unless --bind says otherwise.

    Who asks brings a token, or comes by a proxy that names him; who is on this machine may read without. Nobody writes
    without a name. It answers to its addresses, the names of its certificate and those of --name: whoever asks by
    another name is told so (421). With --rebuild it is also the boot server (clusto rebuild serve), at addresses of its
    own.

    \b
        clusto serve
        clusto serve --bind 192.0.2.1 --tls-cert inventory.pem --tls-key inventory.key
        clusto serve --auth-header X-Remote-User --trusted-proxy 127.0.0.1 --name inventory.example
    """
    from clusto_cli.hosting.listening import listening
    from clusto_cli.web import callers, serving
    from clusto_core.errors import Malformed

    if (tls_cert is None) != (tls_key is None):
        raise Malformed("--tls-cert and --tls-key go together")
    if (auth_header is None) != (not proxies):
        raise Malformed("--auth-header and --trusted-proxy go together")
    if bool(boot_places) != (directory is not None):
        raise Malformed("--rebuild and --dir go together")
    boot = None
    if directory is not None:
        from clusto_cli.rebuild.machines import Machines

        disarm = Machines().disarm(app.settings, keep_answers=True)
        boot = serving.Boot([listening(place) for place in boot_places], directory, disarm)
    known = serving.names_of(names, tls_cert)
    doors = callers.Doors(auth_header, callers.networks(proxies), auth_role, not no_anonymous, known)
    tls = (tls_cert, tls_key) if tls_cert and tls_key else None
    plan = serving.Plan([serving.place(text, port) for text in places], doors, tls, boot)
    if not insecure:
        serving.check_exposure(plan)
    serving.serve(app, plan)


@command.group("token", cls=Group)
def token() -> None:
    """Make, list and take back the tokens that the server is asked with.

    \b
        clusto serve token create monitoring --role reader
        clusto serve token list
        clusto serve token revoke monitoring
    """


@token.command("create")
@click.argument("name", metavar="NAME")
@click.option("--role", type=click.Choice(["reader", "writer"]), required=True, help="Whether it may change things.")
@click.option("--where", metavar="EXPR", help="All that it sees.", shell_complete=completion.expressions)
@pass_app
def create(app: App, name: str, role: str, where: str | None) -> None:
    """Make a token and print it, this once: only a hash of it is kept. NAME is told in the history of what it changes.

    With --where nothing is there for it but the Things that EXPR selects, with their parts: far ends of cables, places,
    counts and the history are of these alone. What is to be told by name, as the racks, has to be selected too.

    \b
        clusto serve token create monitoring --role reader
        clusto serve token create web-team --role writer --where 'in name:web-pool or name:rack101'
    """
    from clusto_core.records import tokens

    write_lines([tokens.create(app.settings, name, role, where)])


@token.command("list")
@output_option
@pass_app
@paged
def list_(app: App, output: str) -> None:
    """List the tokens: name, role, since when, by whom, and what they see.

    \b
        clusto serve token list -o json
    """
    from datetime import UTC, datetime

    from clusto_core.records import tokens

    with app.reading() as reader:
        records = [
            {
                "name": each.name,
                "role": each.role,
                "made": datetime.fromtimestamp(each.made, UTC).isoformat(timespec="seconds"),
                "by": each.maker,
                "where": each.scope,
            }
            for each in tokens.every(reader)
        ]
    if output == "text":
        write_lines("\t".join(str(value or "") for value in each.values()).rstrip("\t") for each in records)
    else:
        write_records(output, records)


@token.command("revoke")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@pass_app
def revoke(app: App, names: tuple[str, ...]) -> None:
    """Make tokens worth nothing, from the next request on.

    \b
        clusto serve token revoke monitoring
    """
    from clusto_core.records import tokens

    for name in names:
        tokens.revoke(app.settings, name)
    write_lines(f"revoked {name}" for name in names)
