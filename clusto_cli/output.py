"""Results on standard output: text for people, JSON, JSON lines, YAML or bare names for programs.

Nothing that a device or an attribute holds may steer the terminal, so all text goes through `clean`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

import click

from clusto_cli.visible import clean as clean

FORMATS = ("text", "json", "jsonl", "yaml", "names")

PAGED = "clusto_paged"
"""Set on the function of a verb whose list goes through the pager."""

F = TypeVar("F", bound=Callable[..., Any])


def output_option(function: F) -> F:
    """The option `-o FORMAT` of verbs that list something."""
    return click.option(
        "-o", "--output", type=click.Choice(FORMATS), default="text", show_default=True, help="The form of the result."
    )(function)


def paged(function: F) -> F:
    """Has what a verb lists go through the pager, where a person sees it and it is longer than the screen."""

    @wraps(function)
    def listed(*arguments: Any, **options: Any) -> Any:
        if not on_terminal():
            return function(*arguments, **options)
        from clusto_cli.pager import paging

        with paging():
            return function(*arguments, **options)

    vars(listed)[PAGED] = True
    return cast(F, listed)


def write_lines(lines: Iterable[str]) -> None:
    """Lines of text, cleaned."""
    write = sys.stdout.write
    for line in lines:
        write(clean(line) + "\n")


def write_records(output: str, records: Iterable[Any], *, name: Callable[[Any], str] | None = None) -> None:
    """Records (dicts of plain values) as one JSON document, JSON lines, YAML, or their names alone, each once.

    `name` tells a record's name; by default it is under the key `name`.
    """
    if output == "names":
        named = name or (lambda record: str(record["name"]))
        write_lines(dict.fromkeys(named(record) for record in records))
    elif output == "yaml":
        from clusto_cli.yamlout import dump

        dump(list(records), sys.stdout)
    else:
        import json

        # Escapes all but ASCII and so every control character.
        if output == "json":
            json.dump(list(records), sys.stdout, indent=2)
            sys.stdout.write("\n")
        else:
            for record in records:
                sys.stdout.write(json.dumps(record) + "\n")


def on_terminal() -> bool:
    """Whether a person sees standard output."""
    return sys.stdout.isatty()
