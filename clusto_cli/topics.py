"""What `clusto help` explains besides verbs: pages of the documentation, sections of them, lists of what there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from clusto_cli import documentation

_CALLED = {"power": "pdus", "rebuild": "rebuilding"}
"""Other names for the pages whose own is a verb's."""


class Topic(NamedTuple):
    """Something to be explained: its name, what it is about in one line, and what makes its text, in Markdown."""

    name: str
    about: str
    text: Callable[[], str]


def topics() -> dict[str, Topic]:
    """All topics by name, in alphabetical order. What lists something has its page behind the list; a format that has a
    page is told by that."""
    every = (*_formats(), *_pages(), *_LISTS)
    return {topic.name: topic for topic in sorted({each.name: each for each in every}.values())}


def _pages() -> Iterator[Topic]:
    for name in documentation.names():
        yield Topic(_CALLED.get(name, name), documentation.title(name), partial(documentation.page, name))


def _formats() -> Iterator[Topic]:
    from clusto_core.transfer.formats import names

    for name in names():
        yield Topic(name, f"the format {name}", partial(documentation.section, "formats", name))


# --- lists of what there is ------------------------------------------------------------------------------------------


def _drivers() -> str:
    """The tree of drivers, those of other packages too."""
    from clusto_core.drivers import Driver, registry

    def below(parent: type[Driver], depth: int) -> Iterator[tuple[str, ...]]:
        for driver in sorted(children[parent], key=lambda each: each.__name__):
            summary = (driver.__doc__ or "").partition("\n")[0].rstrip(".")
            group = " (a group)" if driver.abstract() else ""
            yield "· " * depth + driver.__name__, ", ".join(driver.aliases), summary + group
            yield from below(driver, depth + 1)

    known = set(registry)
    children: defaultdict[type[Driver], list[type[Driver]]] = defaultdict(list)
    for driver in known - {Driver}:
        children[next(base for base in driver.__mro__[1:] if base in known)].append(driver)
    return _listed("Drivers", ("driver", "also called", "is"), below(Driver, 0)) + documentation.page("drivers")


def _keys() -> str:
    """Written from where they are declared: those of other packages are here too."""
    from clusto_cli.settings import page

    return page()


def _listed_formats() -> str:
    from clusto_core.transfer.formats import names, ways

    rows = ((name, ", ".join(ways(name))) for name in names())
    return _listed("Formats", ("format", "for"), rows) + documentation.page("formats")


def _listed(head: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    table = (columns, ("---",) * len(columns), *rows)
    lines = (" | ".join(cell.replace("|", "\\|") for cell in row) for row in table)
    return f"# {head}\n\n" + "".join(f"| {line} |\n" for line in lines) + "\n"


_LISTS = (
    Topic("drivers", "the kinds of Things", _drivers),
    Topic("exit-codes", "what a command's exit code says", partial(documentation.section, "scripting", "Exit codes")),
    Topic("keys", "the keys of attributes that clusto reads itself", _keys),
    Topic("formats", "the formats of import and export", _listed_formats),
)
