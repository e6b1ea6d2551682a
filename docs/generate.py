"""Writes docs/reference.md from the verbs themselves: `make docs`, or `python docs/generate.py --check`."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from clusto_cli.defaulting import DefaultGroup
from clusto_cli.main import main as root

PAGE = Path(__file__).parent / "reference.md"
_HEAD = """\
# Reference

Every verb with its arguments and options, written by `make docs` from the program itself. What they are for, with
examples: [the pages of the verbs](README.md#verbs). Exit codes: [scripting](scripting.md#exit-codes).
"""


def reference() -> str:
    """The page."""
    ctx = click.Context(root, info_name="clusto")
    lines = [_HEAD, "## clusto", "", f"    {_usage(ctx)}", "", root.help or "", "", *_options(ctx)]
    for name in root.list_commands(ctx):
        command = root.get_command(ctx, name)
        assert command is not None
        lines += _verb(command, name, ctx, 2)
    return "\n".join(lines).rstrip() + "\n"


def _verb(command: click.Command, name: str, parent: click.Context, depth: int) -> Iterator[str]:
    ctx = click.Context(command, info_name=name, parent=parent)
    yield f"{'#' * depth} {ctx.command_path}"
    yield ""
    # What stands for a group when none of its subcommands is named is told in its place.
    told = command.without_subcommand if isinstance(command, DefaultGroup) else command
    shown = click.Context(told, info_name=name, parent=parent)
    yield f"    {_usage(shown)}"
    yield ""
    yield from _text(told.help or "")
    yield from _options(shown)
    if isinstance(command, click.Group):
        for below in command.list_commands(ctx):
            found = command.get_command(ctx, below)
            assert found is not None
            yield from _verb(found, below, ctx, depth + 1)


def _usage(ctx: click.Context) -> str:
    return " ".join([ctx.command_path, *ctx.command.collect_usage_pieces(ctx)])


def _text(text: str) -> Iterator[str]:
    """Paragraphs; what click is told not to wrap becomes a block of code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        first, *rest = paragraph.split("\n")
        if first == "\b":
            shortest = min(len(line) - len(line.lstrip()) for line in rest)
            yield from (f"    {line[shortest:]}" for line in rest)
        else:
            yield from (first, *rest)
        yield ""


def _options(ctx: click.Context) -> Iterator[str]:
    rows = [
        record
        for option in ctx.command.params
        if isinstance(option, click.Option) and (record := option.get_help_record(ctx)) is not None
    ]
    if rows:
        yield "| option | |"
        yield "| --- | --- |"
        for spelled, meaning in rows:
            yield f"| `{_cell(spelled)}` | {_cell(' '.join(meaning.split()))} |"
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Writes the page, or says whether it is current."""
    parser = argparse.ArgumentParser(description="Writes docs/reference.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when the page is out of date")
    options = parser.parse_args()
    page = reference()
    if options.check:
        if page != PAGE.read_text(encoding="utf-8"):
            sys.exit(f"{os.path.relpath(PAGE)} is out of date: run make docs")
    else:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
