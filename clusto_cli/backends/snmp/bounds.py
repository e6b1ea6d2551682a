"""How much of a device's tables is read: a table may be larger than any device has, or have no end."""

from __future__ import annotations

import time

from clusto_cli.backends.errors import Refused
from clusto_cli.backends.snmp.message import Oid, Varbind, format_oid

MOST_ROWS = 150_000
"""Rows of all tables of one device. The largest forwarding tables of access switches have 128,000."""
MOST_OCTETS = 96 << 20
"""What those rows take in memory, at most."""
MOST_SECONDS = 300.0
"""For one table. 100,000 rows in messages of 484 octets are 10,000 answers."""
_ROW_OCTETS, _ARC_OCTETS = 200, 40
_USUAL_ROW = 1024
"""Octets of a row, far more than one takes: so much a table has that is said to have no more than so many rows."""


class WalkBudget:
    """What one device may still say in tables."""

    def __init__(self) -> None:
        self.rows = MOST_ROWS
        self.octets = MOST_OCTETS

    def begin(self, column: Oid, most: int) -> Walk:
        """The limits of a walk that begins now, of a table that has no more than `most` rows."""
        return Walk(self, column, most, time.monotonic() + MOST_SECONDS)


class Walk:
    """One table and how much of it may come until when, on the monotonic clock."""

    def __init__(self, budget: WalkBudget, column: Oid, most: int, ends_at: float) -> None:
        self._budget = budget
        self._column = column
        self._left, self._room = most, most * _USUAL_ROW
        self._ends_at = ends_at

    def take(self, varbind: Varbind) -> None:
        """Counts a row. Raises Refused when it is one too many, or comes too late."""
        budget = self._budget
        self._left -= 1
        budget.rows -= 1
        held = len(varbind.value) if isinstance(varbind.value, bytes) else 0
        octets = _ROW_OCTETS + _ARC_OCTETS * len(varbind.oid) + held
        self._room -= octets
        budget.octets -= octets
        if min(self._left, self._room, budget.rows, budget.octets) < 0:
            raise Refused(f"its table {format_oid(self._column)} does not end, or is larger than any device's")
        if time.monotonic() > self._ends_at:
            raise Refused(f"its table {format_oid(self._column)} does not end in {MOST_SECONDS:g} s")
