"""The tables of a RackTables database as they are: from a dump that mysqldump wrote, or from a server.

Schema of RackTables 0.20 to 0.22 (`wwwroot/inc/install.php` of https://github.com/RackTables/racktables): racks, rows
and locations are rows of `Object` too, what is in what is in `EntityLink`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any, TextIO

from clusto_core.errors import Malformed, StoreBroken
from clusto_core.transfer.mentions.reading import BrokenAtError

Row = dict[str, Any]
Tables = dict[str, list[Row]]

WANTED = {
    "Object": "id name label objtype_id asset_no has_problems comment",
    "EntityLink": "parent_entity_type parent_entity_id child_entity_type child_entity_id",
    "RackSpace": "rack_id unit_no atom state object_id",
    "Port": "id object_id name type l2address reservation_comment label",
    "PortOuterInterface": "id oif_name",
    "Link": "porta portb cable",
    "Attribute": "id type name",
    "AttributeValue": "object_id attr_id string_value uint_value float_value",
    "Dictionary": "chapter_id dict_key dict_value",
    "IPv4Network": "id ip mask name comment",
    "IPv6Network": "id ip mask name comment",
    "IPv4Allocation": "object_id ip name type",
    "IPv6Allocation": "object_id ip name type",
    "TagStorage": "entity_realm entity_id tag_id",
    "TagTree": "id tag",
}
"""The tables that are read, with the columns of them that are."""
_NEEDED = ("Object", "EntityLink", "Port", "Link", "RackSpace")
_LATER = ("PortOuterInterface", "IPv6Network", "IPv6Allocation")
"""Tables that not every version has: outer interfaces were in the dictionary before 0.20.8."""

_STRING = r"(?:_[A-Za-z0-9]+\s*)?'(?:[^'\\]|\\.|'')*'"
_VALUE = re.compile(
    rf"\s*(?:(?P<text>{_STRING})|(?P<hex>(?:_binary\s*)?0x[0-9A-Fa-f]*)|(?P<word>[^\s,()']+))\s*(?P<end>[,)])",
    re.DOTALL,
)
_CREATE = re.compile(r"\s*CREATE TABLE (?:IF NOT EXISTS )?`?(\w+)`?\s*\(", re.IGNORECASE)
_COLUMN = re.compile(r"\s*`(\w+)`\s")
_INSERT = re.compile(
    r"\s*(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+`?(\w+)`?\s*(?:\(([^)]*)\))?\s*VALUES\s*", re.IGNORECASE
)
_ESCAPES = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "Z": "\x1a"}


def from_database(url: str) -> Tables:
    """The tables of a server, in one transaction that only reads. Raises Malformed, StoreBroken."""
    from clusto_core.store.database import connect_elsewhere, dialect_of

    if "://" not in url or dialect_of(url) != "mariadb":
        raise Malformed("the address of a RackTables is a URL, as mysql://racktables@db.example.com/racktables")
    with contextlib.closing(connect_elsewhere(url)) as database:
        found: Tables = {}
        for table, columns in WANTED.items():
            names = columns.split()
            listed = ", ".join(f"`{name}`" for name in names)
            try:
                rows = database.rows(f"SELECT {listed} FROM `{table}`")
            except StoreBroken:
                if table not in _LATER:
                    raise
                rows = []
            found[table] = [dict(zip(names, row, strict=True)) for row in rows]
        return found


def from_dump(file: TextIO) -> Tables:
    """The tables of a dump. Raises BrokenAtError."""
    found: Tables = {table: [] for table in WANTED}
    columns: dict[str, list[str]] = {}
    for line, statement in _statements(file):
        if (created := _CREATE.match(statement)) is not None:
            columns[created[1]] = [each[1] for each in map(_COLUMN.match, statement.split("\n")) if each is not None]
        elif (insert := _INSERT.match(statement)) is not None and insert[1] in WANTED:
            names = re.findall(r"\w+", insert[2]) if insert[2] else columns.get(insert[1], [])
            if not names:
                raise BrokenAtError(line, f"rows of {insert[1]} before its columns are known")
            found[insert[1]] += _rows(statement, insert.end(), names, line)
    missing = [table for table in _NEEDED if table not in columns and not found[table]]
    if missing:
        raise BrokenAtError(1, f"no dump of RackTables 0.20 or later: it has no table {', '.join(missing)}")
    return found


def _statements(file: TextIO) -> Iterator[tuple[int, str]]:
    """The statements that make tables and rows, each with its first line; all others are passed over."""
    held: list[str] = []
    began = 0
    for number, line in enumerate(file, 1):
        if "\0" in line:
            raise BrokenAtError(number, "bytes that are no text")
        if not held and (line.startswith(("--", "/*", "#")) or not line.strip()):
            continue
        began = began if held else number
        held.append(line)
        if line.rstrip().endswith(";"):
            text = "".join(held)
            if not re.match(r"\s*(?:INSERT|REPLACE|CREATE TABLE)", text, re.IGNORECASE):
                held = []
            elif _is_closed(text):
                yield began, text
                held = []
    if held and re.match(r"\s*(?:INSERT|REPLACE|CREATE TABLE)", held[0], re.IGNORECASE):
        raise BrokenAtError(began, "a statement without an end")


def _is_closed(text: str) -> bool:
    """Whether the last semicolon is no part of a text."""
    return "'" not in re.sub(_STRING, "", text, flags=re.DOTALL)


def _rows(statement: str, at: int, names: list[str], line: int) -> Iterator[Row]:
    wanted = statement
    while True:
        while wanted[at : at + 1] and wanted[at] in " \t\r\n,":
            at += 1
        if wanted[at : at + 1] != "(":
            return
        at += 1
        values: list[Any] = []
        end = ","
        while end == ",":
            found = _VALUE.match(wanted, at)
            if found is None:
                raise BrokenAtError(line + statement.count("\n", 0, at), "malformed row")
            values.append(_value(found))
            at, end = found.end(), found["end"]
        if len(values) != len(names):
            raise BrokenAtError(line + statement.count("\n", 0, at), f"{len(values)} values, and {len(names)} columns")
        yield dict(zip(names, values, strict=True))


def _value(found: re.Match[str]) -> Any:
    if found["text"] is not None:
        text = found["text"]
        inner = text[text.index("'") + 1 : -1].replace("''", "'")
        plain = re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[1]), inner, flags=re.DOTALL)
        return _bytes(plain) if text.startswith("_binary") else plain
    if found["hex"] is not None:
        digits = found["hex"].rpartition("0x")[2]
        return bytes.fromhex(digits.zfill(len(digits) + len(digits) % 2))
    word = found["word"]
    if word.upper() == "NULL":
        return None
    try:
        return int(word)
    except ValueError:
        return word


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
