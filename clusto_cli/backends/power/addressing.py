"""From the outlet that the inventory names to the row of the device's table.

Four ways, by what the profile says: the row follows from the number; the table's rows say of themselves which unit
and which outlet they are; the rows are looked up, and the outlet is the last number of a row or the device's own
name for it; or the rows are of all kinds, and outlets those that the device names so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from clusto_cli.backends.errors import DeviceError, NoSuchPort
from clusto_cli.backends.power.profile import Column, Named, Profile, Rows
from clusto_cli.backends.power.template import OidTemplate
from clusto_cli.backends.snmp import Oid, SnmpDevice, Value

_MOST_ROWS = 4096
"""Of a PDU's table; the largest chains have some hundreds of outlets."""
_MOST_VARIABLES = 20_000
"""Of a monitoring system that has its sockets among its sensors."""
_NUMBERED = re.compile(r"(?:(\d+)[.:])?(\d+)")


class Address(NamedTuple):
    """Where an outlet is: its number, its unit, its row in the tables, and the text to call it by; the row of its label
    where that is another one.
    """

    outlet: int | None
    unit: int
    row: Oid
    text: str
    label_row: Oid | None = None


class Guess(NamedTuple):
    """Where outlets may be, and what the device says of the last of these rows if they are there."""

    addresses: dict[str, Address]
    proof: dict[Oid, Value]


class Addresses:
    """Finds the rows of outlets on one device and remembers them for as long as the device is in use."""

    def __init__(self, profile: Profile, device: SnmpDevice, model: int | None) -> None:
        self._profile = profile
        self._device = device
        self._model = model
        self._table: list[Address] | None = None
        self._found: dict[str, Address | DeviceError] = {}
        self._guessed_wrong = False

    def oid(self, template: OidTemplate, address: Address) -> Oid:
        """The variable of `template` for an outlet."""
        oid = template.fill(outlet=address.outlet, unit=address.unit, model=self._model)
        return oid + address.row if template.is_column else oid

    def label_oid(self, column: Column, address: Address) -> Oid:
        """The variable that holds an outlet's label."""
        row = address.row if address.label_row is None else address.label_row
        return self.oid(column.oid, address._replace(row=row))

    def position(self, column: Column, address: Address) -> int | None:
        """Which part of a string of all outlets is this one's."""
        return address.outlet if column.separator else None

    async def find(self, outlets: Sequence[str]) -> dict[str, Address | DeviceError]:
        """The address of each outlet, or NoSuchPort."""
        new = [outlet for outlet in dict.fromkeys(outlets) if outlet not in self._found]
        if new:
            if self._profile.rows is not None:
                await self._find_in_rows(new)
            elif self._profile.named is not None:
                self._find_in_table(new, await self.table())
            elif self._profile.search:
                table = await self.table()
                self._found |= {outlet: _search(outlet, table) for outlet in new}
            else:
                self._found |= {outlet: self._compute(outlet) for outlet in new}
        return {outlet: self._found[outlet] for outlet in outlets}

    def guess(self, outlets: Sequence[str]) -> Guess | None:
        """The rows of outlets that are plain numbers, where they may be those numbers and that is not known yet."""
        rows, unit = self._profile.rows, self._profile.unit
        if rows is None or self._table is not None or self._guessed_wrong:
            return None
        plain = [int(outlet) for outlet in outlets if outlet.isdecimal() and outlet not in self._found]
        if not plain or min(plain) < 1:
            return None
        highest = max(plain)
        saying = ((rows.unit, unit), (rows.number, highest))
        proof: dict[Oid, Value] = {(*template.fill(model=self._model), highest): value for template, value in saying}
        return Guess({str(number): Address(number, unit, (number,), str(number)) for number in plain}, proof)

    def confirm(self, guess: Guess, values: Mapping[Oid, Value]) -> bool:
        """Whether a guess is right by what the device says. Rows are in the order of units and outlets, so if row n is
        outlet n of the first unit, so are all before it.
        """
        right = all(values[oid] == value for oid, value in guess.proof.items())
        if right:
            self._found |= guess.addresses
        self._guessed_wrong = not right
        return right

    async def table(self) -> list[Address]:
        """All outlets of the device, in its order; rows beyond the number of outlets that it counts are left out."""
        if self._table is None:
            if self._profile.rows is not None:
                self._table = await self._walk_rows(self._profile.rows)
            elif self._profile.named is not None:
                self._table = await self._walk_names(self._profile.named)
            elif self._profile.state.separator is not None:
                self._table = await self._split_string()
            else:
                self._table = await self._walk_state()
        return self._table

    def count_oid(self, unit: int) -> Oid | None:
        """The variable that counts the outlets of a unit, where there is one."""
        count = self._profile.count
        return None if count is None else count.fill(unit=unit, model=self._model)

    def _compute(self, outlet: str) -> Address | DeviceError:
        match = _NUMBERED.fullmatch(outlet)
        index = self._profile.index
        if match is None or index is None:
            return NoSuchPort(f"no outlet {outlet}: a {self._profile.name} outlet is a number, or UNIT.NUMBER")
        unit = int(match[1]) if match[1] else self._profile.unit
        number = int(match[2])
        chained = index.mentions("unit") or self._profile.state.oid.mentions("unit")
        if number < 1 or (match[1] and not chained):
            return NoSuchPort(f"no outlet {outlet}: a {self._profile.name} has outlets from 1 and no units")
        return Address(number, unit, index.fill(outlet=number, unit=unit, model=self._model), outlet)

    async def _find_in_rows(self, outlets: Sequence[str]) -> None:
        guess = self.guess(outlets)
        if guess is not None:
            self.confirm(guess, await self._device.get_many(guess.proof))
        missing = [outlet for outlet in outlets if outlet not in self._found]
        if missing:
            self._find_in_table(missing, await self.table())

    def _find_in_table(self, outlets: Sequence[str], table: Sequence[Address]) -> None:
        """By unit and number; without a unit, the first one's."""
        known = {(address.unit, address.outlet): address for address in table}
        first = min((address.unit for address in table), default=0)
        first = first if self._profile.named is not None else self._profile.unit
        for outlet in outlets:
            match = _NUMBERED.fullmatch(outlet)
            unit = int(match[1]) if match and match[1] else first
            found = known.get((unit, int(match[2]))) if match else None
            self._found[outlet] = found or NoSuchPort(f"no outlet {outlet}: it has {_span(table)}")

    async def _walk_rows(self, rows: Rows) -> list[Address]:
        unit_column, number_column = rows.unit.fill(model=self._model), rows.number.fill(model=self._model)
        values = await self._device.walk(unit_column, number_column, most=_MOST_ROWS)
        table = []
        for oid, unit in values.items():
            if oid[: len(unit_column)] != unit_column:
                continue
            row = oid[len(unit_column) :]
            number = values.get(number_column + row)
            if isinstance(unit, int) and isinstance(number, int) and unit >= 0 and number >= 1:
                text = str(number) if unit == self._profile.unit else f"{unit}.{number}"
                table.append(Address(number, unit, row, text))
        return sorted(table, key=lambda address: (address.unit, address.outlet or 0))

    async def _walk_names(self, named: Named) -> list[Address]:
        """The outlets among variables of all kinds; those of the first unit are called by their number alone."""
        column = named.oid.fill(model=self._model)
        outlets: dict[tuple[int, int], Oid] = {}
        labels: dict[tuple[int, int], Oid] = {}
        for oid, value in (await self._device.walk(column, value_octets=32, most=_MOST_VARIABLES)).items():
            name = value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
            row = oid[len(column) :]
            for pattern, found in ((named.outlet, outlets), (named.label, labels)):
                if pattern is not None and row and (match := pattern.fullmatch(name)):
                    found[row[0], int(match[1])] = row
        first = min((unit for unit, _ in outlets), default=0)
        return [
            Address(number, unit, row, f"{number}" if unit == first else f"{unit}.{number}", labels.get((unit, number)))
            for (unit, number), row in sorted(outlets.items())
        ]

    async def _split_string(self) -> list[Address]:
        column = self._profile.state
        unit = self._profile.unit
        value = await self._device.get(column.oid.fill(unit=unit, model=self._model))
        parts = column.parts(value)[:_MOST_ROWS]
        return [Address(position, unit, (), str(position)) for position in range(1, len(parts) + 1)]

    async def _walk_state(self) -> list[Address]:
        profile = self._profile
        states = await self._device.walk(*await self._state_columns(), most=_MOST_ROWS)
        names: dict[Oid, Value] = {}
        if profile.outlet_id is not None:
            names = await self._device.walk(profile.outlet_id.fill(model=self._model), most=_MOST_ROWS)
        table = [self._named(address, names) for oid in states if (address := self._recognise(oid)) is not None]
        counts = await self._counts({address.unit for address in table if address.outlet is not None})
        return [address for address in table if (address.outlet or 0) <= counts.get(address.unit, address.outlet or 0)]

    def _named(self, address: Address, names: Mapping[Oid, Value]) -> Address:
        """The outlet with the device's own name for it, where it has one."""
        if self._profile.outlet_id is None:
            return address
        name = names.get(self._profile.outlet_id.fill(model=self._model) + address.row)
        text = name.decode("utf-8", "replace").strip() if isinstance(name, bytes) else ""
        return address._replace(text=text or address.text)

    async def _counts(self, units: Iterable[int]) -> dict[int, int]:
        """How many outlets each of these units says that it has, where it says so."""
        oids = {unit: oid for unit in units if (oid := self.count_oid(unit)) is not None}
        values = await self._device.get_many(oids.values())
        numbers = {unit: values[oid] for unit, oid in oids.items()}
        return {unit: count for unit, count in numbers.items() if isinstance(count, int) and count > 0}

    async def _state_columns(self) -> list[Oid]:
        oid = self._profile.state.oid
        if not oid.mentions("unit") or not oid.is_column:
            return [oid.fixed if not oid.mentions("model") else oid.fill(model=self._model)]
        return [oid.fill(unit=unit, model=self._model) for unit in range(1, 5)]

    def _recognise(self, oid: Oid) -> Address | None:
        """The outlet that a state variable belongs to; None when it is not one of the profile's."""
        profile = self._profile
        state = profile.state.oid
        if profile.search:
            row = oid[len(state.parts) :]
            return Address(None, profile.unit, row, ".".join(map(str, row)))
        assert profile.index is not None
        if state.is_column:
            head, row = oid[: len(state.parts)], oid[len(state.parts) :]
            found = state.match(head)
            inner = profile.index.match(row)
            if found is None or inner is None:
                return None
            found = found | inner
        else:
            matched = state.match(oid)
            if matched is None:
                return None
            found = matched
            row = profile.index.fill(outlet=found["outlet"], unit=found.get("unit", profile.unit))
        unit, outlet = found.get("unit", profile.unit), found["outlet"]
        if outlet < 1 or unit < 0:
            return None
        return Address(outlet, unit, row, str(outlet) if unit == profile.unit else f"{unit}.{outlet}")


def _search(outlet: str, table: Sequence[Address]) -> Address | DeviceError:
    """By the device's own name, then by the whole row, then by the last number when only one row ends in it."""
    wanted = outlet.strip().lower()
    for found in (
        [address for address in table if address.text.lower() == wanted],
        [address for address in table if ".".join(map(str, address.row)) == wanted],
        [address for address in table if str(address.row[-1]) == wanted],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            rows = ", ".join(".".join(map(str, address.row)) for address in found[:4])
            return NoSuchPort(f"outlet {outlet} could be {rows}: name the outlet by one of these")
    return NoSuchPort(f"no outlet {outlet}: it has {_span(table)}")


def _span(table: Sequence[Address]) -> str:
    return f"{len(table)} outlets, {table[0].text} to {table[-1].text}" if table else "no outlets"
