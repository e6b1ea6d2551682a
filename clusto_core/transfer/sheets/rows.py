"""The Things that the rows of a sheet speak of, and those that they name besides: racks, switches, PDUs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from clusto_core.drivers import registry
from clusto_core.errors import ClustoError, Malformed
from clusto_core.model.origins import Origin
from clusto_core.rules import parts
from clusto_core.spelling import natural_key
from clusto_core.transfer.documents import Document, Problem, broken
from clusto_core.transfer.sheets import contents, drivers, mapping, own
from clusto_core.transfer.sheets.how import How
from clusto_core.transfer.sheets.mapping import ATTRIBUTE, CONNECT, FIELDS, PART, PLACES, POSITION, Use
from clusto_core.transfer.sheets.own import Cell
from clusto_core.transfer.sheets.table import Table

_DRIVERS = {"datacenter": "Datacenter", "room": "Room", "cage": "Cage"}
_NETWORK, _POWER, _CONSOLE = "Switch", "PDU", "ConsoleServer"
_KINDS = {"Rack": "ru", _NETWORK: "port", _POWER: "outlet", _CONSOLE: "consoleport"}
_SEVERAL = ("ip", "mac")
"""Of these a part has several, in rows of their own."""


@dataclass
class _Row:
    """What one row says, by titles of clusto's own columns."""

    line: int
    name: str = ""
    driver: str = ""
    identity: str = ""
    cells: list[Cell] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, title: str, text: str, called: str) -> None:
        self.cells.append(Cell(title, text, called))


@dataclass
class _Implied:
    """Something that rows name and do not speak of; `names` are those of its parts that they use."""

    driver: str
    line: int
    parent: str = ""
    names: dict[str, None] = field(default_factory=dict)


class Rows:
    """The Documents of a table whose columns are not clusto's own."""

    def __init__(self, table: Table, name: str, how: How) -> None:
        self.table = table
        self.file = name
        self.how = how
        self.implied: dict[str, _Implied] = {}
        self.renamed: dict[str, str] = {}
        self.things: dict[str, list[_Row]] = {}
        self.broken: list[Document] = []

    def documents(self) -> Iterator[Document]:
        """What is wrong with the table, what the rows name, and what they say."""
        self._collect(list(self.table.rows))
        yield from self.broken
        yield Document("", self.file, self.table.line, notes=tuple(self._notes()))
        for name, implied in self.implied.items():
            if name not in self.things:
                yield _implied(name, implied, self.file)
        for name, rows in self.things.items():
            yield self._document(name, rows)

    def _notes(self) -> Iterator[str]:
        table = self.table
        if any(use.guessed for use in table.uses):
            meant = ", ".join(
                f"{title}={target}" for title, target in mapping.spelled(table.uses, table.titles).items()
            )
            yield f"{self.file}: understood as {meant}"
        used = {column for use in table.uses for column in use.columns}
        left = [title for column, title in enumerate(table.titles) if title and column not in used]
        if left:
            yield f"{self.file}: left out: {', '.join(left)}"
        if self.renamed:
            written, name = next(iter(self.renamed.items()))
            more = f" (and {len(self.renamed) - 1} more)" if len(self.renamed) > 1 else ""
            yield f"{self.file}: no names as they are written, so called otherwise: {written} is {name}{more}"

    # --- reading rows ------------------------------------------------------------------------------------------------

    def _collect(self, rows: list[tuple[int, list[str]]]) -> None:
        rows = self._localised(rows)
        before = ""
        carried = any(use.target == PART for use in self.table.uses)
        for line, cells in rows:
            row = self._row(line, cells)
            if not row.name and carried and before:
                row.name = before
            if row.name:
                self.things.setdefault(row.name, []).append(row)
                before = row.name
            elif row.cells or row.problems:
                self.broken.append(broken(self.file, line, "the row has no name"))

    def _localised(self, rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
        """The rows with dates and numbers as clusto reads them, and without cells that say nothing."""
        for _, cells in rows:
            cells[:] = ["" if contents.is_nothing(cell) else cell for cell in cells]
        for use in self.table.uses:
            if not _holds_values(use):
                continue
            (column,) = use.columns
            filled = [(line, cells) for line, cells in rows if column < len(cells) and cells[column]]
            try:
                spelled = contents.localised([cells[column] for _, cells in filled], self.how.dates, self._decimal())
            except Malformed as error:
                told = f"{self.table.titles[column]}: {error}"
                self.broken.append(broken(self.file, filled[0][0], told))
                continue
            for line, cells in filled:
                try:
                    cells[column] = spelled(cells[column])
                except Malformed as error:
                    self.broken.append(broken(self.file, line, f"{self.table.titles[column]}: {error}"))
        return rows

    def _decimal(self) -> str:
        """Who separates cells by semicolons needs the comma for decimals."""
        return self.how.decimal or ("comma" if self.table.separator == ";" else "")

    def _row(self, line: int, cells: list[str]) -> _Row:
        row = _Row(line)
        given: dict[str, tuple[Use, list[str]]] = {}
        for use in self.table.uses:
            texts = [cells[column] if column < len(cells) else "" for column in use.columns]
            if any(texts):
                given[use.target] = (use, texts)
        self._identify(row, given)
        self._place(row, given)
        for target, (use, texts) in given.items():
            if target in ("name", "driver", "id", PART, *POSITION, *PLACES):
                continue
            called = self._called(use)
            try:
                self._say(row, target, use, texts, called, given)
            except ClustoError as error:
                row.problems.append(Problem(line, f"{called}: {error}"))
        for column, text in enumerate(cells[len(self.table.titles) :], len(self.table.titles)):
            if text:
                row.problems.append(Problem(line, f"{text[:40]!a} is in a column without a name (column {column + 1})"))
        return row

    def _called(self, use: Use) -> str:
        return "+".join(self.table.titles[column] for column in use.columns)

    def _identify(self, row: _Row, given: Mapping[str, tuple[Use, list[str]]]) -> None:
        if "name" in given:
            row.name = self._name(" ".join(filter(None, given["name"][1])))
        if "id" in given:
            row.identity = " ".join(filter(None, given["id"][1]))
        if "driver" in given:
            use, texts = given["driver"]
            try:
                row.driver = drivers.meant(texts[0])
                row.add("driver", row.driver, self._called(use))
            except Malformed as error:
                row.problems.append(Problem(row.line, f"{self._called(use)}: {error}"))

    def _name(self, text: str) -> str:
        found = contents.name(text)
        if found != text:
            self.renamed.setdefault(str.__str__(text), found)
        return found

    def _implies(self, name: str, driver: str, row: _Row, part: str = "", parent: str = "") -> None:
        found = self.implied.setdefault(name, _Implied(driver, row.line))
        found.parent = found.parent or parent
        if part:
            found.names[part] = None

    # --- where it stands ---------------------------------------------------------------------------------------------

    def _place(self, row: _Row, given: Mapping[str, tuple[Use, list[str]]]) -> None:
        place = ""
        for target in PLACES:
            text = given[target][1][0] if target in given else ""
            if text and not contents.is_nobody(text):
                name = self._name(text)
                self._implies(name, _DRIVERS[target], row, parent=place)
                place = name
        text = given["rack"][1][0] if "rack" in given else ""
        rack = "" if contents.is_nobody(text) else self._name(text) if text else ""
        unit = given["unit"][1][0] if "unit" in given else ""
        if contents.is_nobody(unit):
            unit = ""
        if not rack:
            if unit:
                row.problems.append(Problem(row.line, f"rack unit {unit[:20]} of no rack"))
            elif place:
                row.add("in", place, "place")
            return
        self._mount(row, rack, unit, place, "height" in given or f"{ATTRIBUTE}height" in given)

    def _mount(self, row: _Row, rack: str, unit: str, place: str, high: bool) -> None:
        if not unit or unit.upper() in ("0", "0U"):
            self._implies(rack, "Rack", row, parent=place)
            row.add("in", rack, "rack")
            if unit and not high:
                row.add(f"{ATTRIBUTE}height", "0", "unit")
            return
        try:
            units = contents.units(unit)
        except Malformed as error:
            row.problems.append(Problem(row.line, str(error)))
            return
        self._implies(rack, "Rack", row, units.removeprefix("RU").rpartition("-")[2].partition(".")[0], place)
        row.add("at", f"{rack}:{units}", "rack, unit")

    # --- everything else ---------------------------------------------------------------------------------------------

    def _say(
        self,
        row: _Row,
        target: str,
        use: Use,
        texts: list[str],
        called: str,
        given: Mapping[str, tuple[Use, list[str]]],
    ) -> None:
        if target.startswith(CONNECT):
            self._connect(row, self._near(row, target.removeprefix(CONNECT), use, given), use, texts, called)
            return
        text = texts[0] if len(texts) == 1 else " ".join(filter(None, texts))
        part, blank, key = target.partition(" ")
        if key == "ip" or target == "ip":
            text = contents.addresses(text)
        if blank:
            if not contents.is_nobody(text):
                row.add(f"{self._near(row, part, use, given)} {key}", text, called)
        elif target == "at" and len(texts) == 2:
            self._mount(row, self._name(texts[0]), texts[1], "", "height" in given)
        elif target in FIELDS:
            if target != "ip" or not contents.is_nobody(text):
                row.add(target, text, called)
        else:
            row.add(target if target.startswith(ATTRIBUTE) else f"{ATTRIBUTE}{target}", text, called)

    def _near(self, row: _Row, part: str, use: Use, given: Mapping[str, tuple[Use, list[str]]]) -> str:
        """The part of the row's own machine that a column is about."""
        if part == PART and PART in given:
            return given[PART][1][0].replace(" ", "")
        if part == PART:
            part = "eth0"
        known = _usual(row.driver or self.how.driver)
        return "mgmt" if use.guessed and part == "eth0" and part not in known and "mgmt" in known else part

    def _connect(self, row: _Row, near: str, use: Use, texts: list[str], called: str) -> None:
        first, second = texts[0], texts[1] if len(texts) > 1 else ""
        if contents.is_nobody(first):
            first = ""
        if contents.is_nobody(second):
            second = ""
        if not first:
            if second:
                raise Malformed(f"port {second[:30]} of nothing")
            return
        device, port = (
            (self._name(first), contents.port(second) if second else "") if len(texts) > 1 else contents.far(first)
        )
        self._implies(device, _server_of(use), row, port)
        row.add(f"{own.PART}{near}", f"{device}:{port}" if port else device, called)

    # --- Documents ---------------------------------------------------------------------------------------------------

    def _document(self, name: str, rows: list[_Row]) -> Document:
        cells: dict[str, tuple[Cell, int]] = {}
        found: list[Cell] = [Cell("name", name)]
        problems: list[Problem] = []
        for row in rows:
            problems += row.problems
            for cell in row.cells:
                if cell.title not in cells:
                    cells[cell.title] = (cell, row.line)
                    found.append(cell)
                    continue
                other, line = cells[cell.title]
                if other.text == cell.text:
                    continue
                if cell.title.rpartition(" ")[2] in _SEVERAL:
                    found.append(cell)
                else:
                    told = f"{name}: {cell.called or cell.title} is {cell.text[:40]}, in line {line} {other.text[:40]}"
                    problems.append(Problem(row.line, told))
        document = own.document(found, self.file, rows[0].line)
        identity = next((row.identity for row in rows if row.identity), "")
        driver = document.driver or self.how.driver
        return replace(
            document,
            problems=(*document.problems, *problems),
            new_driver=driver,
            new_parts={} if document.type or document.parts else self._parts(driver, document),
            origin=Origin("thing", identity) if identity else None,
        )

    def _parts(self, driver: str, document: Document) -> dict[str, int | tuple[str, ...]]:
        """The parts that it has where it is new: its own row's, and those that other rows are connected to."""
        implied = self.implied.get(document.name)
        named = dict.fromkeys((*document.connect, *document.part_attrs, *filter(None, document.addresses)))
        return {**_new_parts(driver, named), **(_sizes(driver, implied.names) if implied is not None else {})}


def _holds_values(use: Use) -> bool:
    _, blank, key = use.target.partition(" ")
    if blank:
        return key != "ip"
    return use.target not in (*FIELDS, *PLACES, *POSITION, PART) and not use.target.startswith(CONNECT)


@lru_cache
def _usual(driver: str) -> Mapping[str, str]:
    """The parts that a new Thing of a driver gets, by their names, each with its kind."""
    return {part.name: part.driver.kind for part in parts.plan(registry.get(driver), {})}


def _server_of(use: Use) -> str:
    """The driver of what a column of far ends names, where it is not there yet."""
    kind = _kind(use.target.removeprefix(CONNECT))
    return _POWER if kind == "inlet" else _CONSOLE if kind == "serial" else _NETWORK


def _kind(part: str) -> str:
    lowered = part.lower()
    if lowered.startswith(("psu", "ps", "pwr", "power", "inlet")):
        return "inlet"
    return "serial" if lowered.startswith(("console", "com", "tty", "serial")) else "nic"


def _new_parts(driver: str, named: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The parts of a kind that a new Thing has, where the sheet names others than it gets: both, or the sheet's where
    none of its own is named."""
    usual = _usual(driver)
    wanted: dict[str, list[str]] = {}
    for name in named:
        wanted.setdefault(usual.get(name) or _kind(name), []).append(name)
    found = {}
    for kind, names in wanted.items():
        present = [name for name, of_kind in usual.items() if of_kind == kind]
        if not set(names) <= set(present):
            both = [*present, *names] if set(names) & set(present) else names
            found[kind] = tuple(sorted(set(both), key=natural_key))
    return found


def _implied(name: str, implied: _Implied, file: str) -> Document:
    """A Thing of which nothing is said but that it is there."""
    cells = [Cell("name", name), *([Cell("in", implied.parent)] if implied.parent else [])]
    document = own.document(cells, file, implied.line)
    return replace(document, new_driver=implied.driver, new_parts=_sizes(implied.driver, implied.names), implied=True)


def _sizes(driver: str, names: Iterable[str]) -> dict[str, int | tuple[str, ...]]:
    """How many parts something has whose parts are named elsewhere: as many as usual, as the highest number, or just
    those named."""
    kind = _KINDS.get(driver)
    named = set(names)
    usual = [name for name, of_kind in _usual(driver).items() if of_kind == kind]
    if kind is None or named <= set(usual):
        return {}
    if all(name.isdigit() for name in named):
        highest = max(map(int, named))
        return {kind: highest} if highest > len(usual) else {}
    return {kind: tuple(sorted(named, key=natural_key))}
