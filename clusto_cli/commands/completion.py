"""Print the completion script of a shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SCRIPTS = {"bash": "clusto.bash", "zsh": "_clusto", "fish": "clusto.fish"}
_DIRECTORY = os.path.join(os.path.dirname(os.path.dirname(__file__)), "completions")


@click.command("completion")
@click.argument("shell", metavar="SHELL", type=click.Choice(list(SCRIPTS)))
@click.option("--line", metavar="TEXT", hidden=True)
@click.option("--word", metavar="TEXT", default="", hidden=True)
@click.pass_context
def command(ctx: click.Context, shell: str, line: str | None, word: str) -> None:
    """Print the script by which SHELL completes clusto's verbs, options, names, parts, drivers and keys.

    \b
        bash:  source <(clusto completion bash)
        zsh:   source <(clusto completion zsh)
        fish:  clusto completion fish | source
    """
    # The scripts ask with --line, the command line up to the cursor. The answer's first line says what follows:
    # `plain`, `nospace` (the word is not whole yet), or `file` and `dir` (the shell itself knows files best).
    if line is None:
        with open(os.path.join(_DIRECTORY, SCRIPTS[shell]), encoding="utf-8") as file:
            sys.stdout.write(file.read())
    else:
        answer = _bash(line, word) if shell == "bash" else _described(line, shell)
        sys.stdout.write("".join(f"{each}\n" for each in answer))


def complete(line: str) -> tuple[str, list[CompletionItem]]:
    """What is typed of the last word of a command line, and the items that this word may become, whole words each.

    Words are split as a shell does, an unfinished quotation included.
    """
    from click.shell_completion import ShellComplete, split_arg_string

    from clusto_cli.main import main

    # A letter behind the cursor tells a word that is begun from a blank before the next one.
    *words, last = split_arg_string(line + "x")
    last = last[:-1]
    # `--in=ra`: click completes `ra`, and the shells want the whole word back.
    option = last[: last.index("=") + 1] if last.startswith("--") and "=" in last else ""
    found = ShellComplete(main, {}, "clusto", "").get_completions(words[1:], last)
    for item in found:
        item.value = option + item.value
    return last, found


def _kind(found: list[CompletionItem]) -> str:
    for item in found:
        if item.type in ("file", "dir"):
            return str(item.type)
    return "nospace" if any(item.partial for item in found) else "plain"


def _bash(line: str, word: str) -> Iterable[str]:
    """Bash breaks words at colons and equals signs too: it replaces the piece `word`, so what is before is cut off."""
    typed, found = complete(line)
    yield _kind(found)
    kept = len(typed) - len(word) if word and typed.endswith(word) else _broken(typed) if not word else 0
    yield from (item.value[kept:] for item in found if item.type == "plain")


def _broken(typed: str) -> int:
    """How much of a word bash keeps when the cursor is right behind a character at which it breaks words."""
    return len(typed) if typed.endswith((":", "=", "@")) else 0


def _described(line: str, shell: str) -> Iterable[str]:
    """A line an item: the word, a tab and what it is; `nospace` is said of each item (fish decides by itself)."""
    _, found = complete(line)
    kind = _kind(found)
    yield kind if kind in ("file", "dir") else "plain"
    for item in found:
        if item.type == "plain":
            mark = "" if shell == "fish" else "-\t" if item.partial else "+\t"
            yield f"{mark}{item.value}\t{item.help or ''}".rstrip("\t")
