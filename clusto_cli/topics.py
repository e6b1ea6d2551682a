"""What `clusto help` explains besides verbs: pages of the documentation, sections of them, and lists of what there is.

The pages are those of docs/, which the package has as data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

_PAGES = os.path.join(os.path.dirname(__file__), "docs")
_NOT_FOR_OPERATORS = ("README", "architecture", "reference")
"""Where the others are, how clusto is built, and what the verbs' own help says."""
_CALLED = {"power": "pdus", "rebuild": "rebuilding"}
"""Other names for the pages whose own is a verb's."""

_CODE = re.compile(r"^(?:```.*?^```$|(?: {4}[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


class Topic(NamedTuple):
    """Something to be explained: its name, what it is about in one line, and what makes its text, in Markdown."""

    name: str
    about: str
    text: Callable[[], str]


def topics() -> dict[str, Topic]:
    """All topics by name, in alphabetical order. What lists something has its page behind the list."""
    every = (*_pages(), *_formats(), *_LISTS)
    return {topic.name: topic for topic in sorted({each.name: each for each in every}.values())}


def _pages() -> Iterator[Topic]:
    for entry in os.listdir(_PAGES):
        name, extension = os.path.splitext(entry)
        if extension == ".md" and name not in _NOT_FOR_OPERATORS:
            yield Topic(_CALLED.get(name, name), _page(name).partition("\n")[0].lstrip("# "), partial(_page, name))


def _formats() -> Iterator[Topic]:
    from clusto_core.transfer.formats import names

    for name in names():
        yield Topic(name, f"the format {name}", partial(_section, "formats", name))


def pages() -> Iterator[str]:
    """The text of each page for operators, those of the verbs last."""
    for folder in ("", "verbs"):
        for entry in sorted(os.listdir(os.path.join(_PAGES, folder))):
            name, extension = os.path.splitext(entry)
            if extension == ".md" and name not in _NOT_FOR_OPERATORS:
                yield _page(os.path.join(folder, name))


def _page(name: str) -> str:
    with open(os.path.join(_PAGES, name + ".md"), encoding="utf-8") as file:
        return file.read()


def _section(name: str, heading: str) -> str:
    """The section of a page whose heading names this, among others perhaps, down to the next one of its level.

    Raises KeyError where there is none.
    """
    page = _page(name)
    in_code = [range(*code.span()) for code in _CODE.finditer(page)]
    headings = [each for each in _HEADING.finditer(page) if not any(each.start() in code for code in in_code)]
    for place, found in enumerate(headings):
        if heading in found[2].split(", "):
            following = (each.start() for each in headings[place + 1 :] if len(each[1]) <= len(found[1]))
            return page[found.start() : next(following, len(page))]
    raise KeyError(heading)


# --- lists of what there is ------------------------------------------------------------------------------------------


def _drivers() -> str:
    """The tree of drivers, those of other packages too."""
    from clusto_core.drivers import Driver, registry

    def below(parent: type[Driver], depth: int) -> Iterator[tuple[str, ...]]:
        for driver in sorted((each for each in known if each.__base__ is parent), key=lambda each: each.__name__):
            summary = (driver.__doc__ or "").partition("\n")[0].rstrip(".")
            group = " (a group)" if driver.abstract() else ""
            yield "· " * depth + driver.__name__, ", ".join(driver.aliases), summary + group
            yield from below(driver, depth + 1)

    known = list(registry)
    return _listed("Drivers", ("driver", "also called", "is"), below(Driver, 0)) + _page("drivers")


def _keys() -> str:
    """The keys that clusto itself reads: what it checks, and the settings of verbs."""
    from clusto_cli.settings import meanings
    from clusto_core.drivers import Driver
    from clusto_core.model.attributes import Key
    from clusto_core.model.keys import DECLARED

    checked = (
        (
            f"`{key}`",
            each.grammar.expects + (", several" if each.several else ""),
            "" if each.on is Driver else each.on.__name__,
            each.meaning,
        )
        for key, each in DECLARED.items()
    )
    settings = ((f"`{key}`", meaning) for key, meaning in meanings().items() if Key.parse(key) not in DECLARED)
    return (
        _listed("Keys with a meaning", ("key", "value", "of", "is"), checked)
        + "Any other key is yours, and its values are what you write.\n\n"
        + _listed("Settings", ("key", "is"), settings)
    )


def _listed_formats() -> str:
    from clusto_core.transfer.formats import names, ways

    rows = ((name, ", ".join(ways(name))) for name in names())
    return _listed("Formats", ("format", "for"), rows) + _page("formats")


def _listed(head: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    table = (columns, ("---",) * len(columns), *rows)
    lines = (" | ".join(cell.replace("|", "\\|") for cell in row) for row in table)
    return f"# {head}\n\n" + "".join(f"| {line} |\n" for line in lines) + "\n"


_LISTS = (
    Topic("drivers", "the kinds of Things", _drivers),
    Topic("exit-codes", "what a command's exit code says", partial(_section, "scripting", "Exit codes")),
    Topic("keys", "the keys of attributes that clusto reads itself", _keys),
    Topic("formats", "the formats of import and export", _listed_formats),
)
