"""A meter in a simulated PDU: what its outlets draw, told by its profile at outlets, banks, phases and inlet."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from clusto_cli.backends.base import Relay
from clusto_cli.backends.power.loadprofile import KINDS, LoadTable, Quantity
from clusto_cli.backends.snmp import Oid, Tag, Value
from lab.pdu import Outlet, Pdu

DIGITS = {"amperes": 3, "limit_amperes": 3, "warn_amperes": 3, "power_factor": 2}
"""Of families that say their decimal digits beside each value."""


class Meter:
    """Measures `draw` of each outlet that is on, in watts, at `volts` and a power factor of 1. The limit of everything
    but an outlet is `limit`, in amperes. `says` are raw values that it shows instead, by quantity.
    """

    def __init__(
        self,
        pdu: Pdu,
        draw: Callable[[Outlet], float] = lambda outlet: 100.0,
        *,
        volts: float = 230.0,
        limit: float = 16.0,
    ) -> None:
        self._pdu, self._draw, self._volts, self._limit = pdu, draw, volts, limit
        self.says: dict[str, Value] = {}
        for table in pdu.profile.loads:
            self._add(table)

    def _add(self, table: LoadTable) -> None:
        outlets = list(self._pdu.outlets.values())
        if table.of == "outlet":
            for flat, outlet in enumerate(outlets, 1):
                self._add_row(table, self._row(table, outlet, flat), [outlet], outlet)
        elif table.number == 1:
            self._add_row(table, self._row(table, None, 1), outlets, None)

    def _row(self, table: LoadTable, outlet: Outlet | None, flat: int) -> Oid:
        profile = self._pdu.profile
        number, unit = (1, profile.unit) if outlet is None else (outlet.number, outlet.unit)
        if table.rows is not None:
            return (flat,)
        if table.index is not None:
            return table.index.fill(outlet=number, unit=unit)
        if table.only and outlet is None:
            # Tables of several kinds have columns in common here.
            return (9, KINDS.index(table.of))
        return (1, 1) if outlet is None else outlet.row

    def _add_row(self, table: LoadTable, row: Oid, outlets: list[Outlet], outlet: Outlet | None) -> None:
        if table.rows is not None:
            unit, number = (self._pdu.profile.unit, 1) if outlet is None else (outlet.unit, outlet.number)
            if table.rows.unit is not None:
                self._pdu.show(table.rows.unit, row, lambda: (Tag.INTEGER, unit))
            self._pdu.show(table.rows.number, row, lambda: (Tag.INTEGER, number))
        if table.name is not None:
            called = (text for text, each in self._pdu.outlets.items() if each is outlet)
            name = next(called, "AA")
            self._pdu.show(table.name, row, lambda: (Tag.OCTET_STRING, name.encode()))
        for condition in table.only:
            means = min(condition.values)
            self._pdu.show(condition.oid, row, lambda means=means: (Tag.INTEGER, means))
        for key, quantity in table.quantities.items():
            where = row if quantity.last is None else (*row, quantity.last)
            digits = DIGITS.get(key, 0) if quantity.digits or quantity.exponent else 0
            self._pdu.show(quantity.oid, where, self._reading(key, quantity, outlets, digits))
            if quantity.digits is not None:
                self._pdu.show(quantity.digits, where, lambda digits=digits: (Tag.GAUGE32, digits))
            if quantity.exponent is not None:
                self._pdu.show(quantity.exponent, where, lambda digits=digits: (Tag.INTEGER, -digits))
        if table.state is not None:
            fine = next(code for code, words in table.state.codes.items() if words == "ok")
            where = row if table.state.last is None else (*row, table.state.last)
            self._pdu.show(table.state.oid, where, lambda: (Tag.INTEGER, int(fine)))

    def _reading(
        self, key: str, quantity: Quantity, outlets: list[Outlet], digits: int
    ) -> Callable[[], tuple[int, Value]]:
        def read() -> tuple[int, Value]:
            said = self.says.get(key)
            if said is not None:
                return (Tag.OCTET_STRING if isinstance(said, bytes) else Tag.INTEGER), said
            return Tag.INTEGER, round(self._values(outlets)[key] / quantity.scale * 10**digits)

        return read

    def _values(self, outlets: list[Outlet]) -> Mapping[str, float]:
        watts = sum(self._draw(outlet) for outlet in outlets if outlet.relay is Relay.ON)
        drawn = {"watts": watts, "volt_amperes": watts, "amperes": watts / self._volts, "volts": self._volts}
        limits = {"limit_amperes": self._limit, "warn_amperes": self._limit * 0.8, "limit_watts": self._limit * 230}
        return {**drawn, **limits, "power_factor": 1.0, "kilowatt_hours": 12.0}
