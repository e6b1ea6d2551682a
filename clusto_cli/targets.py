"""Which Things a verb is for: names, ranges, `-` for names on standard input, `--where EXPR`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

from clusto_cli import completion
from clusto_core.errors import Malformed, NotFound
from clusto_core.ranges import MalformedRange, expand
from clusto_core.reader import Reader
from clusto_core.things import Thing

F = TypeVar("F", bound=Callable[..., Any])

_OPERATORS = frozenset("[],!&^")
"""What no name holds and a range does."""


def expand_names(names: Iterable[str]) -> list[str]:
    """The names written out: ranges expanded, `-` replaced by the words on standard input; each once, in order.

    Raises Malformed for a malformed range.
    """
    found: dict[str, None] = {}
    for name in names:
        for word in _stdin() if name == "-" else (name,):
            found.update(dict.fromkeys(_expanded(word)))
    return list(found)


def _expanded(word: str) -> Iterable[str]:
    if not _OPERATORS.intersection(word):
        return (word,)
    try:
        return list(expand(word))
    except MalformedRange as error:
        raise Malformed(str(error)) from None


def _stdin() -> Iterator[str]:
    if sys.stdin.isatty():
        print("clusto: names on standard input, one a line; end with Ctrl-D", file=sys.stderr)
    for line in sys.stdin:
        yield from line.split()


def resolve_all(reader: Reader, names: Iterable[str]) -> list[Thing]:
    """The Things that names mean, each once, in the order given. Raises NotFound for the first that is not there."""
    wanted = list(names)
    exact = reader.find_names(wanted) if len(wanted) > 1 else {}
    return list(dict.fromkeys(exact.get(name) or reader.resolve(name) for name in wanted))


def targets(reader: Reader, names: Iterable[str]) -> list[Thing]:
    """The Things that the arguments of a verb mean. Raises Malformed without any, NotFound when none is left."""
    given = list(names)
    if not given:
        raise Malformed("name at least one Thing (a name, a range as web[01-20], or - for names on standard input)")
    words = expand_names(given)
    if not words:
        raise NotFound("no names are left: standard input was empty, or the range takes out what it names")
    return resolve_all(reader, words)


def names_argument(function: F) -> F:
    """The argument NAME... of verbs with several targets."""
    argument = click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=completion.names)
    return argument(function)
