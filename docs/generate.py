"""Writes docs/reference.md from the verbs themselves, and docs/keys.md from where keys are declared.

`make docs` runs it, as does `python docs/generate.py --check`.
"""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from clusto_cli import settings
from clusto_cli.defaulting import DefaultGroup
from clusto_cli.main import main as root

KEYS = Path(__file__).parent / "keys.md"
PAGE = Path(__file__).parent / "reference.md"
_HEAD = """\
# Reference

Every verb with its arguments and options, written by `make docs` from the program itself. What they are for, with
examples: [the pages of the verbs](README.md#verbs). Exit codes: [scripting](scripting.md#exit-codes).
"""


class Verb(NamedTuple):
    """What there is to say of clusto, a verb, or a verb below one."""

    path: str
    depth: int
    usage: str
    paragraphs: list[tuple[bool, list[str]]]
    """Whether each is to stay as it stands, and its lines."""
    options: list[tuple[str, str]]


def clusto() -> Verb:
    """The program itself."""
    return _verb(click.Context(root, info_name="clusto"), 1)


def verbs() -> Iterator[Verb]:
    """All verbs, each before those below it."""
    ctx = click.Context(root, info_name="clusto")
    for name in root.list_commands(ctx):
        yield from _below(root, name, ctx, 2)


def _below(group: click.Group, name: str, parent: click.Context, depth: int) -> Iterator[Verb]:
    command = group.get_command(parent, name)
    assert command is not None
    # What stands for a group when none of its subcommands is named is told in its place.
    told = command.without_subcommand if isinstance(command, DefaultGroup) else command
    yield _verb(click.Context(told, info_name=name, parent=parent), depth)
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=name, parent=parent)
        for below in command.list_commands(ctx):
            yield from _below(command, below, ctx, depth + 1)


def _verb(ctx: click.Context, depth: int) -> Verb:
    command = ctx.command
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    return Verb(ctx.command_path, depth, usage, list(_paragraphs(command.help or "")), list(_options(ctx)))


def _paragraphs(text: str) -> Iterator[tuple[bool, list[str]]]:
    """The paragraphs; what click is told not to wrap stays as it stands, without its indentation."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        first, *rest = paragraph.split("\n")
        if first == "\b":
            shortest = min(len(line) - len(line.lstrip()) for line in rest)
            yield True, [line[shortest:] for line in rest]
        else:
            yield False, [first, *rest]


def _options(ctx: click.Context) -> Iterator[tuple[str, str]]:
    for option in ctx.command.params:
        if isinstance(option, click.Option) and (record := option.get_help_record(ctx)) is not None:
            yield record[0], " ".join(record[1].split())


def reference() -> str:
    """The page."""
    lines = [_HEAD]
    for verb in (clusto(), *verbs()):
        lines += _section(verb)
    return "\n".join(lines).rstrip() + "\n"


def _section(verb: Verb) -> Iterator[str]:
    yield from (f"{'#' * max(verb.depth, 2)} {verb.path}", "", f"    {verb.usage}", "")
    for verbatim, lines in verb.paragraphs:
        yield from (f"    {line}" if verbatim else line for line in lines)
        yield ""
    if verb.options:
        yield from ("| option | |", "| --- | --- |")
        for spelled, meaning in verb.options:
            yield f"| `{_cell(spelled)}` | {_cell(meaning)} |"
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Writes the page, or says whether it is current."""
    parser = argparse.ArgumentParser(description="Writes docs/reference.md and docs/keys.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when the page is out of date")
    options = parser.parse_args()
    for path, page in ((PAGE, reference()), (KEYS, settings.page())):
        if not options.check:
            path.write_text(page, encoding="utf-8")
        elif page != path.read_text(encoding="utf-8"):
            sys.exit(f"{os.path.relpath(path)} is out of date: run make docs")


if __name__ == "__main__":
    main()
