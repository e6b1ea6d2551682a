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


class WalkBudget:
    """What one device may still say in tables. Whatever exceeds it is Refused."""

    def __init__(self) -> None:
        self._rows = MOST_ROWS
        self._octets = MOST_OCTETS

    def begin(self) -> float:
        """When a walk that begins now must be at its end, on the monotonic clock."""
        return time.monotonic() + MOST_SECONDS

    def take(self, varbind: Varbind, column: Oid, ends_at: float) -> None:
        """Counts a row. Raises Refused when it is one too many, or comes too late."""
        held = len(varbind.value) if isinstance(varbind.value, bytes) else 0
        self._rows -= 1
        self._octets -= _ROW_OCTETS + _ARC_OCTETS * len(varbind.oid) + held
        if self._rows < 0 or self._octets < 0:
            raise Refused(f"its tables do not end (at {format_oid(column)}: more than {MOST_ROWS} rows, or too large)")
        if time.monotonic() > ends_at:
            raise Refused(f"its table {format_oid(column)} does not end in {MOST_SECONDS:g} s")
