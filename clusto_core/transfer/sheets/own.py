"""Rows in clusto's own columns, as it exports them: `name`, `driver`, `eth0 mac`; anything else is a part or a key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from clusto_core.errors import ClustoError, Malformed
from clusto_core.model.attributes import Key, Value
from clusto_core.rules import parts
from clusto_core.transfer import cells
from clusto_core.transfer.documents import Document, Problem, parse, written_key
from clusto_core.transfer.sheets.typed import Typed

RESERVED = ("name", "driver", "type", "in", "at", "parts", "ip")
ATTRIBUTE, PART = "attr:", "part:"


class Cell(NamedTuple):
    """What a row says under a title; `called` is the column for messages, where the sheet calls it otherwise."""

    title: str
    text: str
    called: str = ""


def values(text: str) -> tuple[Value, ...]:
    """The values that a cell holds. Raises Malformed."""
    if isinstance(text, Typed) and text.value is not None:
        return (text.value,)
    return cells.parse(_plain(text))


def _plain(text: str) -> str:
    return text if type(text) is str and text[:1] != "'" else cells.unguarded(str.__str__(text))


def document(row: Iterable[Cell], file: str, line: int) -> Document:
    """The Document of a row. A column is kept undecided while it may be a part or the key of an attribute; what stands
    under one title several times is several values."""
    reading = _Reading(line)
    for cell in row:
        try:
            reading.take(cell)
        except ClustoError as error:
            called = cell.called or cell.title
            reading.problems.append(Problem(line, f"{called}: {error}" if called else str(error)))
    return reading.document(file)


class _Reading:
    def __init__(self, line: int) -> None:
        self.line = line
        self.data: dict[str, Any] = {}
        self.held: list[object] = []
        self.columns: dict[str, tuple[Value, ...]] = {}
        self.attrs: dict[Key, tuple[Value, ...]] = {}
        self.part_attrs: dict[str, dict[Key, tuple[Value, ...]]] = {}
        self.problems: list[Problem] = []

    def take(self, cell: Cell) -> None:
        title, text, _ = cell
        plain = _plain(text)
        part, blank, key = title.partition(" ")
        if not title:
            raise Malformed(f"{plain[:40]!a} is in a column without a name")
        if blank and key == "ip":
            self.held.append({part: cells.names(plain)})
        elif blank:
            of_part = self.part_attrs.setdefault(part, {})
            _add(of_part, written_key(key.removeprefix(ATTRIBUTE)), values(text))
        elif title == "parts":
            self.data[title] = parts.parse(plain)
        elif title == "in":
            self.data[title] = [*self.data.get(title, []), *cells.names(plain)]
        elif title == "ip":
            self.held.extend(cells.names(plain))
        elif title in RESERVED:
            self.data[title] = plain
        elif title.startswith(PART):
            self.data.setdefault("connect", {})[title.removeprefix(PART)] = plain
        elif title.startswith(ATTRIBUTE):
            _add(self.attrs, written_key(title.removeprefix(ATTRIBUTE)), values(text))
        else:
            self.columns[title] = values(text)

    def document(self, file: str) -> Document:
        if self.held:
            self.data["ip"] = self.held
        found = parse(self.data, file, self.line)
        found.attrs, found.part_attrs, found.columns = self.attrs, self.part_attrs, self.columns
        found.problems = (*found.problems, *self.problems)
        return found


def _add(found: dict[Key, tuple[Value, ...]], key: Key, given: tuple[Value, ...]) -> None:
    found[key] = tuple(dict.fromkeys((*found.get(key, ()), *given))) if key in found else given
