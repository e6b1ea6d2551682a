"""What a PDU measures, read by its profile: the tables of each kind in as few messages as hold them, side by side."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping

from clusto_cli.backends.base import LoadReading
from clusto_cli.backends.errors import Refused
from clusto_cli.backends.power.loadprofile import KINDS, LIMITS, MOST, LoadTable, Quantity
from clusto_cli.backends.power.profile import Profile
from clusto_cli.backends.power.template import OidTemplate
from clusto_cli.backends.snmp import Oid, SnmpDevice, Value

_MOST_ROWS = 16_384
"""Of a table that holds all quantities of all outlets of a chain."""
_SHOWN = 40

_Values = Mapping[Oid, Value]


async def read_loads(device: SnmpDevice, profile: Profile, model: int | None) -> list[LoadReading]:
    """All that a device measures. Raises Refused for families that measure nothing that is known."""
    if not profile.loads:
        raise Refused(f"a {profile.name} measures nothing ({profile.unmeasured})")
    values = await _read(device, profile.loads, model)
    readings = [each for table in profile.loads for each in _Sorter(profile, table, model, values).readings()]
    return sorted(readings, key=lambda reading: KINDS.index(reading.of))


async def _read(device: SnmpDevice, tables: Iterable[LoadTable], model: int | None) -> _Values:
    """All variables of these tables. Those of a row or two are asked together, as far as a request holds them."""
    columns: dict[LoadTable, list[Oid]] = {}
    scalars: dict[Oid, None] = {}
    for table in tables:
        oids = {each.fill(model=model): each.is_column for each in _templates(table)}
        columns[table] = [oid for oid, is_column in oids.items() if is_column]
        scalars |= dict.fromkeys(oid for oid, is_column in oids.items() if not is_column)
    jobs = [device.table(batch, most=_MOST_ROWS) for batch in _batches(device, columns)]
    if scalars:
        jobs.append(device.get_many(scalars))
    found: dict[Oid, Value] = {}
    for part in await asyncio.gather(*jobs):
        found |= part
    return found


def _batches(device: SnmpDevice, columns: Mapping[LoadTable, list[Oid]]) -> list[list[Oid]]:
    batches: list[list[Oid]] = []
    short: list[Oid] = []
    for table, own in columns.items():
        new = [column for column in own if column not in short]
        if table.of == "outlet" or not device.asks_together([*short, *new]):
            batches.append(own)
        else:
            short += new
    return [batch for batch in (short, *batches) if batch]


def _templates(table: LoadTable) -> Iterable[OidTemplate]:
    if table.rows is not None:
        yield from filter(None, table.rows)
    if table.name is not None:
        yield table.name
    for quantity in table.quantities.values():
        yield from quantity.templates
    for condition in table.only:
        yield condition.oid
    if table.state is not None:
        yield table.state.oid


class _Sorter:
    """Sorts what was read into loads."""

    def __init__(self, profile: Profile, table: LoadTable, model: int | None, values: _Values) -> None:
        self._profile = profile
        self._table = table
        self._model = model
        self._values = values

    def readings(self) -> list[LoadReading]:
        found = (self._reading(row) for row in self._rows())
        return [reading for reading in found if reading is not None]

    def _rows(self) -> list[Oid]:
        """The rows of which anything is measured, in the device's order; scalars are the row ()."""
        rows: dict[Oid, None] = {}
        for quantity in self._table.quantities.values():
            if not quantity.oid.is_column:
                rows[()] = None
                continue
            column = quantity.oid.fill(model=self._model)
            for oid in self._values:
                row = oid[len(column) :] if oid[: len(column)] == column else ()
                if row and quantity.last is None:
                    rows[row] = None
                elif len(row) > 1 and row[-1] == quantity.last:
                    rows[row[:-1]] = None
        return sorted(rows)

    def _reading(self, row: Oid) -> LoadReading | None:
        if not all(each.holds(self._value(each.oid, row)) for each in self._table.only):
            return None
        name = self._name(row)
        values: dict[str, float] = {}
        notes: list[str] = []
        for key, quantity in self._table.quantities.items():
            said = self._value(quantity.oid, row, quantity.last)
            measured = self._measured(key, quantity, said, row, notes)
            if measured is not None:
                values[key] = measured
        if name is None or not (values or notes):
            return None
        return LoadReading(self._table.of, name, values, self._state(row), tuple(notes))

    def _measured(self, key: str, quantity: Quantity, said: Value, row: Oid, notes: list[str]) -> float | None:
        digits, exponent = (self._value(each, row, quantity.last) for each in (quantity.digits, quantity.exponent))
        try:
            measured = quantity.measured(said, digits, exponent)
        except (ValueError, UnicodeDecodeError):
            measured = math.inf
        if measured is None or measured <= MOST[key]:
            return None if key in LIMITS and not measured else measured
        notes.append(f"it says {str(said)[:_SHOWN]} for {key}, which cannot be")
        return None

    def _state(self, row: Oid) -> str | None:
        judgement = self._table.state
        if judgement is None:
            return None
        code = self._value(judgement.oid, row, judgement.last)
        return None if code is None else judgement.codes.get(str(code), f"code {str(code)[:_SHOWN]}")

    def _name(self, row: Oid) -> str | None:
        """How it is called: an outlet as in the inventory. None for a row that is none of the profile's."""
        said = self._value(self._table.name, row) if self._table.name is not None else None
        if isinstance(said, bytes) and said.strip():
            return said.decode("utf-8", "replace").strip()
        if not row:
            return str(self._table.number)
        unit, number = self._place(row)
        if number is None:
            return ".".join(map(str, row)) if self._table.index is None and self._table.rows is None else None
        if number < 1 or unit < 0 or number > (self._table.most or number):
            return None
        return str(number) if unit == self._profile.unit else f"{unit}.{number}"

    def _place(self, row: Oid) -> tuple[int, int | None]:
        """The unit and number of a row, by its columns or by the row itself; no number where neither tells."""
        table, unit = self._table, self._profile.unit
        if table.rows is not None:
            said, number = self._value(table.rows.unit, row), self._value(table.rows.number, row)
            return said if isinstance(said, int) else unit, number if isinstance(number, int) else None
        found = table.index.match(row) if table.index is not None else None
        return (unit, None) if found is None else (found.get("unit", unit), found.get("outlet", table.number))

    def _value(self, template: OidTemplate | None, row: Oid, last: int | None = None) -> Value:
        if template is None:
            return None
        oid = template.fill(model=self._model)
        if template.is_column:
            oid += row if last is None else (*row, last)
        return self._values.get(oid)
