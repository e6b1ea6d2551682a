"""Results on standard output: text for people, JSON, JSON lines, YAML or bare names for programs.

Nothing that a device or an attribute holds may steer the terminal, so all text goes through `clean`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from time import monotonic
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


_PACE = 0.1
"""Seconds after which what has come is passed on."""


def write_pieces(pieces: Iterable[str]) -> None:
    """Texts, as they come: the first one is passed on before the next one is made, and while they come no reader
    waits for what is written already. So whoever lists very much hands over a generator, and reads as it goes."""
    write, flush = sys.stdout.write, sys.stdout.flush
    due = 0.0
    for piece in pieces:
        write(piece)
        if (now := monotonic()) >= due:
            flush()
            due = now + _PACE


def write_lines(lines: Iterable[str]) -> None:
    """Lines of text, cleaned, as they come."""
    write_pieces(clean(line) + "\n" for line in lines)


def write_records(output: str, records: Iterable[Any], *, name: Callable[[Any], str] | None = None) -> None:
    """Records (dicts of plain values) as one JSON document, JSON lines, YAML, or their names alone, each once; all as
    they come.

    `name` tells a record's name; by default it is under the key `name`.
    """
    if output == "names":
        named = name or (lambda record: str(record["name"]))
        write_lines(_each_once(named(record) for record in records))
    elif output == "yaml":
        from clusto_cli.yamlout import items

        write_pieces(items(records))
    else:
        import json

        # Escapes all but ASCII and so every control character.
        if output == "json":
            write_pieces(_json_document(records))
        else:
            encode = json.JSONEncoder().encode
            write_pieces(encode(record) + "\n" for record in records)


def _each_once(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name not in seen:
            seen.add(name)
            yield name


def _json_document(records: Iterable[Any]) -> Iterator[str]:
    """One JSON array, as `json.dump` would indent it."""
    import json

    before = "["
    for record in records:
        yield before
        # No text in JSON holds a line feed.
        yield "\n  " + json.dumps(record, indent=2).replace("\n", "\n  ")
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def on_terminal() -> bool:
    """Whether a person sees standard output."""
    return sys.stdout.isatty()
