"""The tables of an xCAT database, as `tabdump` writes them, and what they say of each node.

Source of the format: https://xcat-docs.readthedocs.io/en/stable/guides/admin-guides/references/man5/xcatdb.5.html. Rows
of a group hold for its nodes, unless these have values of their own. Values between slashes or bars are worked out of
the name of the node, with numbers in parentheses.
"""

from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from clusto_core.transfer.mentions.reading import BrokenAtError, numbered

NODES = "nodelist"
_KNOWN = {
    "nodelist": {"groups"}, "nodehm": {"termserver", "termport"}, "mac": {"interface", "mac"},
    "hosts": {"ip", "hostnames"}, "nodepos": {"rack", "u"}, "ipmi": {"bmc"}, "switch": {"switch", "port"},
    "vpd": {"serial", "mtm"}, "pduoutlet": {"pdu"}, "nics": {"nicips"},
}  # fmt: skip
"""The tables that are read, by columns that no other of them has together."""
_QUANTIFIERS = 6
_LONGEST = 200


@dataclass
class Row:
    """What a table says of a node or a group."""

    file: str
    line: int
    cells: Mapping[str, str]


@dataclass
class Tables:
    """All rows, by table and by node or group."""

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def nodes(self) -> dict[str, Row]:
        """The nodes, each with where it is said first: those of the list, or of all tables where there is none."""
        if NODES in self.rows:
            return self.rows[NODES]
        found: dict[str, Row] = {}
        for table in self.rows.values():
            for node, row in table.items():
                found.setdefault(node, row)
        return found

    def groups(self, node: str) -> list[str]:
        """What a node is a member of, in the order in which that counts."""
        row = self.rows.get(NODES, {}).get(node)
        return [each for each in re.split(r"[,\s]+", row.cells.get("groups", "")) if each] if row is not None else []

    def cell(self, table: str, node: str, column: str) -> str:
        """What is said of a node, by itself or as one of a group. Raises BrokenAtError."""
        for key in (node, *self.groups(node)):
            row = self.rows.get(table, {}).get(key)
            text = row.cells.get(column, "") if row is not None else ""
            if row is not None and text:
                return worked_out(text, node, row.line)
        return ""


def load(file: TextIO, name: str, tables: Tables) -> None:
    """Adds the tables of a file, one behind another. Raises BrokenAtError."""
    columns: list[str] = []
    rows: dict[str, Row] | None = None
    for line, cells in _records(file):
        if cells[0].startswith("#"):
            columns = [cells[0][1:], *cells[1:]]
            table = _table(columns)
            if table is None:
                tables.unknown.append(name)
            rows = tables.rows.setdefault(table, {}) if table is not None else None
        elif not columns:
            raise BrokenAtError(
                line, "expected what tabdump writes: its first line names the columns, as #node,groups,..."
            )
        elif rows is not None:
            if len(cells) > len(columns):
                raise BrokenAtError(line, f"{len(cells)} cells, and {len(columns)} columns")
            found = dict(zip(columns, cells, strict=False))
            if found.get("disable", "").lower() not in ("1", "y", "yes"):
                rows.setdefault(cells[0], Row(name, line, found))


def _table(columns: list[str]) -> str | None:
    found = [table for table, own in _KNOWN.items() if columns[0] == "node" and own <= set(columns)]
    return found[0] if len(found) == 1 else None


def _records(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """The records of the file, each with its first line."""
    lines = [text for _, text in numbered(file)]
    reader = csv.reader(io.StringIO("\n".join(lines)), strict=True)
    before = 0
    try:
        for cells in reader:
            if cells and any(cells):
                yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        raise BrokenAtError(max(reader.line_num, 1), f"malformed CSV: {error}") from None


# --- values that are worked out of the name of a node ----------------------------------------------------------------


def worked_out(text: str, node: str, line: int) -> str:
    """A value for a node: `|node(\\d+)|10.0.0.($1+100)|`, `|10.0.0.$1|`, `/node/bmc/`, or as it is."""
    mark = text[0]
    if mark not in "|/" or text.count(mark) < 2 or not text.endswith(mark):
        return text
    pattern, _, replacement = text[1:-1].partition(mark)
    if not replacement and mark == "|":
        pattern, replacement = _by_numbers(node), pattern
    found = re.search(_safe(pattern, line), node)
    if found is None:
        return node
    groups = [each or "" for each in found.groups()]
    filled = _calculated(replacement, groups, line)
    return node[: found.start()] + filled + node[found.end() :]


def _by_numbers(node: str) -> str:
    """A pattern of the numbers in a name: what the short form means."""
    parts = re.findall(r"[^0-9]+|[0-9]+", node)
    return "^" + "".join(f"({each})" if each.isdecimal() else re.escape(each) for each in parts) + "$"


def _safe(pattern: str, line: int) -> re.Pattern[str]:
    """The pattern, unless it could take forever."""
    if len(pattern) > _LONGEST and not pattern.startswith("^"):
        raise BrokenAtError(line, f"a pattern of more than {_LONGEST} characters")
    if re.search(r"\)\s*[*+{?]", pattern) or len(re.findall(r"[*+{]", pattern)) > _QUANTIFIERS:
        raise BrokenAtError(line, f"a pattern that repeats too much: {pattern[:60]!a}")
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise BrokenAtError(line, f"malformed pattern {pattern[:60]!a}: {error}") from None


def _calculated(text: str, groups: list[str], line: int) -> str:
    """The text with what is in parentheses worked out, and the groups of the pattern put in."""

    def number(found: re.Match[str]) -> str:
        return str(_sum(_filled(found[0], groups, plain=True), line))

    while (changed := re.sub(r"\([0-9$+*/% -]+\)", number, text)) != text:
        text = changed
    return _filled(text, groups)


def _filled(text: str, groups: list[str], *, plain: bool = False) -> str:
    def group(found: re.Match[str]) -> str:
        at = int(found[1])
        value = groups[at - 1] if 0 < at <= len(groups) else ""
        return (value.lstrip("0") or "0") if plain else value

    return re.sub(r"\$([0-9]{1,2})", group, text)


def _sum(text: str, line: int) -> int:
    """Whole numbers, as Perl has them under `use integer`."""
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError):
        raise BrokenAtError(line, f"not a sum: {text[:60]!a}") from None


def _value(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and abs(node.value) < 1 << 63:
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div):
            return int(left / right)
        if isinstance(node.op, ast.Mod):
            return left % right
    raise ValueError
