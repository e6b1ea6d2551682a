"""The pages of docs/, which the package has as data."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TextIO

_PAGES = os.path.join(os.path.dirname(__file__), "docs")
_NOT_FOR_OPERATORS = ("README", "architecture", "reference")
"""Where the others are, how clusto is built, and what the verbs' own help says."""

_CODE = r"(?ms)^(?:```.*?^```$|(?: {4}[^\n]*\n)+)"
_HEADING = r"(?m)^(#+) (.+)$"


def names(folder: str = "") -> Iterator[str]:
    """The names of the pages for operators, in alphabetical order: `expressions`; of a folder of pages `verbs/add`."""
    for entry in sorted(os.listdir(os.path.join(_PAGES, folder))):
        name, extension = os.path.splitext(entry)
        if extension == ".md" and name not in _NOT_FOR_OPERATORS:
            yield os.path.join(folder, name)


def pages() -> Iterator[str]:
    """The text of each of them, those of the verbs last."""
    return map(page, (*names(), *names("verbs")))


def page(name: str) -> str:
    """The text of a page."""
    with _opened(name) as file:
        return file.read()


def title(name: str) -> str:
    """What a page is called in its first line."""
    with _opened(name) as file:
        return file.readline().strip("# \n")


def _opened(name: str) -> TextIO:
    return open(os.path.join(_PAGES, name + ".md"), encoding="utf-8")


def section(name: str, heading: str) -> str:
    """The section of a page whose heading names this, among others perhaps, down to the next one of its level.

    Raises KeyError where there is none.
    """
    text = page(name)
    in_code = [range(*code.span()) for code in re.finditer(_CODE, text)]
    headings = [each for each in re.finditer(_HEADING, text) if not any(each.start() in code for code in in_code)]
    for place, found in enumerate(headings):
        if heading in found[2].split(", "):
            following = (each.start() for each in headings[place + 1 :] if len(each[1]) <= len(found[1]))
            return text[found.start() : next(following, len(text))]
    raise KeyError(heading)
