"""Give command lines of your own a short name, as git's aliases do."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from clusto_cli import aliases
from clusto_cli.external import VERBATIM
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_core.errors import Malformed, NotFound, Refused, did_you_mean
from clusto_core.spelling import suggest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    known = aliases.lines(ctx.find_root().params.get("config"))
    return [
        CompletionItem(name, help=aliases.shown(line)) for name, line in known.items() if name.startswith(incomplete)
    ]


def _command_line(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What may stand there without `clusto alias NAME` before it."""
    from click.shell_completion import ShellComplete

    given = list(ctx.params.get("words") or ())
    return ShellComplete(ctx.find_root().command, {}, "clusto", "").get_completions(given, incomplete)


@click.command("alias", context_settings=VERBATIM)
@click.argument("name", metavar="[NAME", required=False, shell_complete=_names)
@click.argument("words", metavar="[COMMAND...]]", nargs=-1, type=click.UNPROCESSED, shell_complete=_command_line)
@click.option("-d", "--delete", is_flag=True, help="Forget the alias NAME.")
@output_option
@click.pass_context
@paged
def command(ctx: click.Context, name: str | None, words: tuple[str, ...], delete: bool, output: str) -> None:
    """List the aliases, show that of NAME, or make NAME stand for COMMAND. What follows an alias goes behind it.

    COMMAND is as it would be typed behind clusto, in one word or in several. With ! before it, in one word, it is a
    line for the shell. Aliases are kept in the configuration file; a verb is never hidden by one.

    \b
        clusto alias hot find --fold 'driver:Server and attr:status,broken'
        clusto alias racks '!clusto find driver:Rack -o names | wc -l'
        clusto alias --delete hot
    """
    known = aliases.lines()
    if name is None:
        if delete:
            raise click.UsageError("--delete needs a NAME", ctx)
        _show(ctx, known, output)
    elif delete:
        _delete(ctx, name, words)
    elif words:
        _define(ctx, known, name, words)
    elif name in known:
        _show(ctx, {name: known[name]}, output)
    else:
        raise NotFound(f"no such alias: {name[:60]}{did_you_mean(suggest(name, known))}")


def _show(ctx: click.Context, known: dict[str, str], output: str) -> None:
    for name in known:
        if (hiding := _hiding(ctx, name)) is not None:
            click.echo(f"clusto: the alias {name} has no effect: {hiding}", err=True)
    listed = {name: aliases.shown(line) for name, line in known.items()}
    if output == "text":
        write_lines(f"{name}\t{line}" for name, line in listed.items())
    else:
        write_records(output, ({"name": name, "command": line} for name, line in listed.items()))


def _hiding(ctx: click.Context, name: str) -> str | None:
    """Why an alias of that name would not be looked for."""
    root = ctx.find_root()
    assert isinstance(root.command, click.Group)
    if name in root.command.list_commands(root):
        return f"{name} is a verb"
    found = root.command.get_command(root, name)
    program = getattr(found, "program", None)
    return f"{name} is the program {program}" if program else None


def _delete(ctx: click.Context, name: str, words: Sequence[str]) -> None:
    from clusto_core.boundary.editing import remove_alias

    if words:
        raise click.UsageError("--delete takes one NAME", ctx)
    remove_alias(name)
    write_lines([f"deleted alias {name}"])


def _define(ctx: click.Context, known: dict[str, str], name: str, words: Sequence[str]) -> None:
    from clusto_core.boundary.editing import set_alias

    if not aliases.NAME.fullmatch(name):
        raise Malformed(f"an alias is called by letters, digits, - and _, not {name[:60]!a}")
    if (hiding := _hiding(ctx, name)) is not None:
        raise Refused(f"an alias hides nothing: {hiding}")
    line = words[0] if len(words) == 1 else shlex.join(words)
    if words[0].startswith(aliases.SHELL) and len(words) > 1:
        raise click.UsageError(f"a line for the shell is one word: '{' '.join(words)}'", ctx)
    if not line.strip(aliases.SHELL + " "):
        raise Malformed(f"what does {name} stand for?")
    _check(ctx, {**known, name: line}, name)
    set_alias(name, line)
    write_lines([aliases.said(name, line)])


def _check(ctx: click.Context, known: dict[str, str], name: str) -> None:
    """Raises Malformed where an alias leads to no verb, or back to itself."""
    seen: list[str] = []
    while name in known and (not seen or _hiding(ctx, name) is None):
        seen = aliases.follow(seen, name)
        if known[name].startswith(aliases.SHELL):
            return
        words = aliases.words_of(name, known[name])
        name = _verb(ctx, words)
    root = ctx.find_root()
    assert isinstance(root.command, click.Group)
    if root.command.get_command(root, name) is None:
        guess = suggest(name, [*root.command.list_commands(root), *known])
        raise Malformed(
            f"{seen[-1]} would stand for no verb: {name[:60]}{did_you_mean(guess)} (clusto help lists them)"
        )


def _verb(ctx: click.Context, words: list[str]) -> str:
    """The verb of a command line, behind clusto's own options. Raises UsageError for none."""
    root = ctx.find_root().command
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            return word
        option = next((each for each in root.params if word.partition("=")[0] in each.opts), None)
        if isinstance(option, click.Option) and not (option.is_flag or option.count or "=" in word):
            next(rest, None)
    raise click.UsageError("an alias needs a verb", ctx)
