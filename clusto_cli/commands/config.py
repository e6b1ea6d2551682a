"""Show and say what attributes may cause: commands, secrets, networks, files."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from clusto_cli.grouping import Group
from clusto_cli.output import output_option, paged, write_lines, write_records

if TYPE_CHECKING:
    from clusto_core.boundary.permissions import Line

_KINDS = ("command", "env", "export", "file", "network", "path", "requirement", "secret")
_VERBATIM = {"allow_interspersed_args": False, "ignore_unknown_options": True}


@click.group("config", invoke_without_command=True)
@output_option
@click.pass_context
def command(ctx: click.Context, output: str) -> None:
    """Show what the configuration lets attributes cause; `allow` and `deny` change it.

    Attributes are data. What they may have run, read and reached is written in the configuration file.

    \b
        clusto config allow command relay -- /usr/local/bin/relay --host {host} {outlet} {action}
        clusto config allow network 10.1.0.0/16 .mgmt.example.com
        clusto config require tls
    """
    if ctx.invoked_subcommand is None:
        _show(output)


@paged
def _show(output: str) -> None:
    from clusto_core.boundary.permissions import in_force

    permissions = in_force()
    lines = list(permissions.lines())
    if output != "text":
        write_records(output, ({**line._asdict(), "value": list(line.value)} for line in lines))
        return
    write_lines([f"config\t{permissions.path}", *map(_line, lines)])
    if not permissions.networks:
        _note("no network is allowed: secrets go to addresses that are set where they are set themselves, or above")


def _line(line: Line) -> str:
    said = shlex.join(line.value) or ("always" if line.always else "")
    return f"{line.kind}\t{line.name}" + (f"\t{said}" if said else "")


def _note(text: str) -> None:
    click.echo(f"clusto: {text}", err=True)


@command.group("allow", cls=Group)
def allow() -> None:
    """Allow a command, an environment variable, keys of an export, a file of a secret, a network, or a path.

    \b
        clusto config allow network 10.1.0.0/16
        clusto config allow env PDU_READ
    """


def _argument_list(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[1:] if words[:1] == ("--",) else words


def _added(kind: str, values: Iterable[str]) -> None:
    from clusto_core.boundary.editing import allow as add

    write_lines(f"allowed {kind} {value}" for value in add(kind, list(values)))


@allow.command("command", context_settings=_VERBATIM)
@click.argument("name", metavar="NAME")
@click.argument("argv", metavar="[--] PROGRAM [ARGUMENT]...", nargs=-1, required=True, type=click.UNPROCESSED)
def allow_command(name: str, argv: tuple[str, ...]) -> None:
    """Let attributes such as power.command run PROGRAM with these arguments, by calling it NAME.

    Places such as {outlet}, {action} and {host} are filled when it is run; no shell reads the arguments.

    \b
        clusto config allow command relay -- /usr/local/bin/relay {host} {outlet} {action}
    """
    from clusto_core.boundary.editing import define_command

    define_command(name, _argument_list(argv))
    write_lines([f"allowed command {name}"])


@allow.command("env")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def allow_env(names: tuple[str, ...]) -> None:
    """Let env:NAME read these environment variables; NAME may end in *. Those that begin with CLUSTO_ are allowed.

    \b
        clusto config allow env PDU_READ 'BMC_*'
    """
    _added("env", names)


@allow.command("export")
@click.argument("format_name", metavar="FORMAT")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
def allow_export(format_name: str, keys: tuple[str, ...]) -> None:
    """Let the program of an export (ansible, dnsmasq, genders, powerman) obey the attributes of these keys; '*' is all.

    Some name programs that it runs: ansible_ssh_common_args, powerman.device. Whoever writes attributes says which.

    \b
        clusto config allow export ansible ansible_user ansible_port
    """
    from clusto_core.boundary.editing import allow_export as add

    write_lines(f"allowed export {format_name} {key}" for key in add(format_name, keys))


@allow.command("file")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())
def allow_file(paths: tuple[str, ...]) -> None:
    """Let file:PATH read these files, or all in these folders.

    \b
        clusto config allow file /etc/clusto/ops.pub
    """
    _added("file", paths)


@allow.command("network")
@click.argument("networks", metavar="NETWORK...", nargs=-1, required=True)
@click.option("--for", "reference", metavar="REFERENCE", help="Only for this secret, and it for no other network.")
def allow_network(networks: tuple[str, ...], reference: str | None) -> None:
    """Let secrets be sent to these: 10.1.0.0/16, 10.1.2.3, .mgmt.example.com, pdu*.

    \b
        clusto config allow network 10.1.0.0/16 --for secret:bmc
    """
    from clusto_core.boundary.editing import allow_for

    if reference is None:
        _added("network", networks)
    else:
        write_lines(f"allowed network {each} for {reference}" for each in allow_for(reference, networks))


@allow.command("path")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())
def allow_path(paths: tuple[str, ...]) -> None:
    """Let attributes such as rebuild.dir and console.path name these files and folders of this computer.

    \b
        clusto config allow path /tank/boot
    """
    _added("path", paths)


@command.command("deny")
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def deny(kind: str, names: tuple[str, ...]) -> None:
    """Take back what was allowed or required.

    \b
        clusto config deny network 10.1.0.0/16
        clusto config deny export ansible ansible_port
    """
    from clusto_core.boundary.editing import deny as take
    from clusto_core.boundary.editing import deny_export

    if kind != "export":
        take(kind, names)
        write_lines(f"denied {kind} {name}" for name in names)
        return
    format_name, *keys = names
    if not keys:
        raise click.UsageError("say which keys: clusto config deny export FORMAT KEY...")
    deny_export(format_name, keys)
    write_lines(f"denied export {format_name} {key}" for key in keys)


@command.command("require")
@click.argument("words", metavar="tls|snmpv3...", nargs=-1, required=True)
def require(words: tuple[str, ...]) -> None:
    """Refuse ways that do not keep secrets: tls (http, unverified certificates, telnet), snmpv3 (SNMP 1 and 2c).

    \b
        clusto config require tls snmpv3
    """
    from clusto_core.boundary.editing import allow as add

    write_lines(f"required {word}" for word in add("requirement", words))


@command.command("helper", context_settings=_VERBATIM)
@click.argument("argv", metavar="[--] [PROGRAM [ARGUMENT]...]", nargs=-1, type=click.UNPROCESSED)
def helper(argv: tuple[str, ...]) -> None:
    """Ask PROGRAM for secret:NAME: {name} among its arguments, or behind them, is the name. Without one: ask none.

    \b
        clusto config helper -- pass show clusto/{name}
    """
    from clusto_core.boundary.editing import set_helper

    words = _argument_list(argv)
    set_helper(words)
    write_lines([f"secrets are asked of {words[0]}" if words else "no program is asked for secrets"])
