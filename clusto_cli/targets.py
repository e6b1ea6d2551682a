"""Which Things a verb is for: names, ranges, `-` for names on standard input, `--where EXPR`, `@NAME` for a saved one.

A verb declares them by `names_argument`, or `where_option` beside an option of its own, and asks `targets` for them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any, TypeVar

import click

from clusto_cli import completion
from clusto_core.errors import Malformed, NotFound
from clusto_core.model.names import composed
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader

F = TypeVar("F", bound=Callable[..., Any])

_OPERATORS = frozenset("[],!&^")
"""What no name holds and a range does."""


_EXPRESSION = r"(?s)(?:name|driver|attr|part|_ip):|.*[\s()]"
_WHERE = "clusto.where"


class Where(str):
    """An expression among the names of a verb's targets."""

    __slots__ = ()


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
    from clusto_core.model.ranges import MalformedRange, expand

    try:
        return list(expand(word))
    except MalformedRange as error:
        raise Malformed(str(error)) from None


def _stdin() -> Iterator[str]:
    from clusto_cli.streams import awaited
    from clusto_core import reading

    awaited("names, one a line,")

    for line in reading.lines(sys.stdin, "standard input"):
        yield from composed(line).split()


def resolve_all(reader: Reader, names: Iterable[str]) -> list[Thing]:
    """The Things that names mean, each once, in the order given. Raises NotFound for the first that is not there."""
    wanted = list(names)
    exact = reader.find_names(wanted) if len(wanted) > 1 else {}
    return list(dict.fromkeys(exact.get(name) or reader.resolve(name) for name in wanted))


def names_or_expressions(reader: Reader, words: Iterable[str]) -> list[str]:
    """The words, as an expression each that looks like one where no Thing is called so (`name:eth0` may be a part)."""
    return [Where(word) if is_written_as_expression(reader, word) else word for word in words]


def is_written_as_expression(reader: Reader, word: str) -> bool:
    """Whether a word looks like an expression, and no Thing is called so."""
    return re.match(_EXPRESSION, word) is not None and reader.get(word.partition(":")[0]) is None


class Listed:
    """Things that come as they are read, and stay: whoever goes through them again gets the same ones."""

    def __init__(self, things: Iterable[Thing]) -> None:
        self._known: list[Thing] = []
        self._coming = iter(things)

    def __iter__(self) -> Iterator[Thing]:
        for place in count():
            if place == len(self._known) and not self.more_than(place):
                return
            yield self._known[place]

    def more_than(self, number: int) -> bool:
        """Whether there are, of which no more are read than that takes."""
        self._known += islice(self._coming, max(0, number + 1 - len(self._known)))
        return len(self._known) > number

    def all(self) -> list[Thing]:
        """All of them."""
        self._known += self._coming
        return self._known


def listed(reader: Reader, names: Iterable[str]) -> Listed:
    """As `targets`; of one expression as they are read, the first ones at once: nothing may be written meanwhile, nor
    the reader closed."""
    given = list(names)
    if len(given) != 1 or not is_expression(given[0]):
        return Listed(targets(reader, given))
    from clusto_core.query.search import stream

    found = stream(reader, given[0])
    say_notes(found.notes)
    things = Listed(found.things)
    if not things.more_than(0):
        raise _nothing(given[0])
    return things


def _nothing(expression: str) -> NotFound:
    return NotFound(f"nothing satisfies {expression}")


def targets(reader: Reader, names: Iterable[str]) -> list[Thing]:
    """The Things that the arguments of a verb mean, each once. Raises Malformed without any, NotFound when none is
    left, or none satisfies an expression."""
    given = list(names)
    if not given:
        raise Malformed(
            "name at least one Thing (a name, a range as web[01-20], --where EXPR, or - for names on standard input)"
        )
    found: dict[Thing, None] = {}
    for expression in (False, True):
        words = [name for name in given if is_expression(name) is expression]
        if expression:
            for word in words:
                found.update(dict.fromkeys(satisfying(reader, word)))
        elif words:
            found.update(dict.fromkeys(resolve_all(reader, expand_names(words))))
    if not found:
        raise NotFound("no names are left: standard input was empty, or the range takes out what it names")
    return list(found)


def is_expression(name: str) -> bool:
    """Whether a word among the targets is an expression: what `--where` gives, or the name of a saved one."""
    return isinstance(name, Where) or name.startswith("@")


def satisfying(reader: Reader, expression: str) -> list[Thing]:
    """The Things that an expression selects. Raises NotFound when there is none."""
    from clusto_core.query.search import find

    found = find(reader, expression)
    say_notes(found.notes)
    if not found.things:
        raise _nothing(expression)
    return found.things


def say_notes(notes: Iterable[str]) -> None:
    """Tells on stderr what the author of an expression should know."""
    from clusto_cli.output import clean

    for note in notes:
        print(f"clusto: note: {clean(note)}", file=sys.stderr)


def _remember(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta[_WHERE] = Where(value)


def with_where(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Adds what `--where` gave to the names of a verb: the callback of the argument or option that takes them."""
    where = ctx.meta.get(_WHERE)
    return value if where is None else (*value, where)


def where_option(function: F) -> F:
    """The option `--where EXPR` of verbs that take names by an argument or option with the callback `with_where`."""
    return click.option(
        "--where",
        metavar="EXPR",
        is_eager=True,
        expose_value=False,
        callback=_remember,
        help="What an expression selects: driver:Server in name:rack1 (clusto help find).",
        shell_complete=completion.expressions,
    )(function)


def names_argument(function: F) -> F:
    """The argument NAME... and the option --where of verbs with several targets."""
    argument = click.argument(
        "names", metavar="[NAME...]", nargs=-1, callback=with_where, shell_complete=completion.names
    )
    return where_option(argument(function))
