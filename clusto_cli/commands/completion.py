"""Print the completion script of a shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from clusto_cli.shellwords import Word, extended, shared, split

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SCRIPTS = {"bash": "clusto.bash", "zsh": "_clusto", "fish": "clusto.fish"}
_DIRECTORY = os.path.join(os.path.dirname(os.path.dirname(__file__)), "completions")


@click.command("completion")
@click.argument("shell", metavar="SHELL", type=click.Choice(list(SCRIPTS)))
@click.option("--line", metavar="TEXT", hidden=True)
@click.option("--word", metavar="TEXT", hidden=True)
@click.pass_context
def command(ctx: click.Context, shell: str, line: str | None, word: str | None) -> None:
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


def complete(words: Sequence[str], last: str) -> list[CompletionItem]:
    """What the last word of a command line may become, behind those words, whole words each."""
    from click.shell_completion import ShellComplete

    from clusto_cli.grouping import Aliased
    from clusto_cli.main import main

    if (there := _there(words)) is not None:
        from clusto_cli.remote import complete as complete_there

        return complete_there(*there, last)
    # `--in=ra`: click completes `ra`, and the shells want the whole word back.
    option = last[: last.index("=") + 1] if last.startswith("--") and "=" in last else ""
    try:
        found = ShellComplete(main, {}, "clusto", "").get_completions(list(words[1:]), last)
    except Aliased as alias:
        return complete([words[0], *alias.within(words[1:])], last)
    for item in found:
        item.value = option + item.value
    return found


def _there(words: Sequence[str]) -> tuple[str, list[str]] | None:
    """The server that has the inventory, and the words from the verb on; None where it is at hand, or not asked."""
    from clusto_cli.main import HERE, main, rest_of, server_of

    ctx = main.make_context("clusto", list(words[1:]), resilient_parsing=True)
    rest = rest_of(ctx)
    if not rest or rest[0] in HERE or (url := server_of(ctx)) is None:
        return None
    return url, rest


def _kind(found: list[CompletionItem]) -> str:
    for item in found:
        if item.type in ("file", "dir"):
            return str(item.type)
    return "nospace" if any(item.partial for item in found) else "plain"


def _asked(line: str) -> tuple[Word, list[CompletionItem]]:
    """The last word of a command line, and what it may become."""
    from click.shell_completion import CompletionItem

    *before, last = split(line)
    if last.redirected:
        return last, [CompletionItem(last.text, type="file")]
    words = [word.text for word in before]
    found = complete(words, last.text)
    if last.quote and len(found) == 1 and found[0].type == "plain" and _goes_on(found[0]):
        found = _further(words, found[0])
    return last, found


def _goes_on(item: CompletionItem) -> bool:
    """Whether a word goes on behind a candidate: it is not whole, or a part of an expression."""
    return bool(item.partial or item.expression)


def _further(words: Sequence[str], item: CompletionItem) -> list[CompletionItem]:
    """A single candidate that is not the end of a quoted word, with what may follow it: shells end the quotation
    behind a candidate that is alone."""
    text = item.value if item.partial else f"{item.value} "
    found = [each for each in complete(words, text) if each.value != item.value]
    return found if len(found) > 1 else [item, *(found or [type(item)(f"{item.value} ")])]


def _bash(line: str, piece: str | None) -> Iterable[str]:
    """Bash replaces the last piece of what was typed, as it was typed, and puts nothing in quotes by itself.

    It breaks words at colons and equals signs too, and a piece begins behind an open quotation mark.
    """
    last, found = _asked(line)
    kept = len(last.raw) - len(piece) if piece is not None and last.raw.endswith(piece) else 0
    raws = [raw for item in found if item.type == "plain" and (raw := extended(last, item.value)) is not None]
    if len(raws) > 1 and last.closed:
        # What they share would be put there without the mark that ends the quotation.
        common = shared([item.value for item in found])
        raws = [raw for raw in (extended(last, common),) if raw is not None and raw != last.raw]
        yield "nospace"
    else:
        yield _kind(found)
    yield from (raw[kept:] for raw in raws)


def _described(line: str, shell: str) -> Iterable[str]:
    """A line an item: the word, a tab and what it is; how a word goes on is said of each item (fish decides by itself).

    `+` a whole word, `-` one that is not whole yet, `=` what the word is to be as it stands on the line, which zsh does
    not know of words that are quoted in part.
    """
    last, found = _asked(line)
    kind = _kind(found)
    yield kind if kind in ("file", "dir") else "plain"
    for item in found:
        if item.type != "plain":
            continue
        mark, value = "", item.value
        if shell == "zsh" and last.mixed:
            raw = extended(last, value)
            if raw is None:
                continue
            mark, value = "=\t", raw if _goes_on(item) else f"{raw}{last.quote} "
        elif shell == "zsh":
            mark = "-\t" if item.partial or last.closed else "+\t"
        yield f"{mark}{value}\t{item.help or ''}".rstrip("\t")
