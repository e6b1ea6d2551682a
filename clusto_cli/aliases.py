"""Aliases: the operator's own words for command lines, as git has them, in the table `[alias]` of the configuration.

They are looked for when a word is neither a verb nor a program on PATH, and the file is not read before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import click

from clusto_cli.grouping import Aliased
from clusto_core import config
from clusto_core.errors import Malformed

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
SHELL = "!"
"""What a line for the shell begins with; any other is clusto's."""
_UNDERWAY = "CLUSTO_ALIASES"
"""The aliases that a shell was started for, for the clusto that is called in it."""


def lines(file: str | None = None) -> dict[str, str]:
    """The aliases with what they stand for, as a shell's words, in alphabetical order.

    Raises Malformed for one that is wrong, Refused for a file that anybody may write, and as `config.section`.
    """
    path = file or config.file_in_force()
    if not os.path.exists(path):
        return {}
    from clusto_core.boundary.permissions import believed

    believed(path)
    table = config.section("alias", file)
    return {name: _line(path, name, table[name]) for name in sorted(table)}


def _line(path: str, name: str, value: Any) -> str:
    if not NAME.fullmatch(name):
        raise Malformed(f"{path}: an alias is called by letters, digits, - and _, not {name[:60]!a}")
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        import shlex

        value = shlex.join(value)
    if not isinstance(value, str) or not value.strip(SHELL + " "):
        raise Malformed(f'{path}: alias.{name} is a command line: {name} = "find driver:Server"')
    return value


def words_of(name: str, line: str) -> list[str]:
    """The words of clusto's command line that an alias stands for. Raises Malformed."""
    import shlex

    try:
        return shlex.split(line)
    except ValueError as error:
        raise Malformed(f"the alias {name} is no command line: {str(error).lower()}: {line[:200]}") from None


def follow(seen: Sequence[str], name: str) -> list[str]:
    """The aliases that led here, with the next. Raises Malformed where it is one of them."""
    if name in seen:
        raise Malformed(f"aliases in a circle: {' -> '.join([*seen, name])} (clusto alias lists them)")
    return [*seen, name]


# --- lines for the shell ---------------------------------------------------------------------------------------------


class ShellAlias(click.Command):
    """A verb that is a line for the shell."""

    line = ""

    def get_help(self, ctx: click.Context) -> str:
        """What it stands for."""
        return said(str(self.name), self.line)


def shell_verb(name: str, line: str) -> click.Command:
    """A verb that becomes `sh` with the line, and what follows the verb behind it, as git's aliases do.

    The clusto that the line calls finds the same store and configuration.
    """
    from clusto_cli.context import App, pass_app
    from clusto_cli.external import VERBATIM, files

    @click.command(name, cls=ShellAlias, add_help_option=False, context_settings=VERBATIM)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED, shell_complete=files)
    @pass_app
    def command(app: App, arguments: tuple[str, ...]) -> None:
        from clusto_cli.children import environment

        underway = follow(os.environ.get(_UNDERWAY, "").split(), name)
        ours = {"CLUSTO_DB": app.settings.url, _UNDERWAY: " ".join(underway)}
        ours |= {"CLUSTO_CONFIG": app.config} if app.config else {}
        script = line.removeprefix(SHELL) + (' "$@"' if arguments else "")
        os.execve("/bin/sh", ["sh", "-c", script, f"clusto {name}", *arguments], environment(ours, own=True))

    command.line = line
    return command


def said(name: str, line: str) -> str:
    """An alias in words, without passwords."""
    return f"{name} is an alias of: {shown(line)}"


def shown(line: str) -> str:
    """What an alias stands for, without passwords."""
    from clusto_core.secrecy import masked, masked_url

    return " ".join(masked_url(word) if "://" in word else word for word in masked(line).split(" "))


def resolved(name: str, known: Mapping[str, str], args: list[str]) -> tuple[str, click.Command, list[str]]:
    """The verb for an alias that is a line for the shell. Raises Aliased for any other."""
    line = known[name]
    if line.startswith(SHELL):
        return name, shell_verb(name, line), args[1:]
    raise Aliased(name, words_of(name, line), len(args))
