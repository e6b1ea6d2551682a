"""PortList: the sets of bridge ports of BRIDGE-MIB and Q-BRIDGE-MIB (RFC 4363), as the agents send them.

Octet 1 holds ports 1 to 8 with port 1 in the most significant bit; a shorter string means zeros. Some agents do not
keep to it: Comware reverses the bits inside each octet of its own lists, Junos sends decimal port numbers as text,
others hexadecimal text. Texts are read and never written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

_DECIMAL = re.compile(rb"\d+(,\d+)*,?")
_HEX = re.compile(rb"[0-9A-Fa-f]{2}([ :][0-9A-Fa-f]{2})+ ?|0")


class Form(StrEnum):
    """How an agent writes its lists of ports."""

    BITS = "bits"
    REVERSED = "reversed"
    DECIMAL = "decimal text"
    HEX = "hexadecimal text"


def form_of(lists: Iterable[bytes]) -> Form:
    """How the lists of one table are written, judged by all of them: a single one such as `3` may be either.

    Texts are assumed when every list that is not empty could be one and at least one has two numbers: as bits that
    would take ports set in the same pattern in every VLAN.
    """
    filled = [octets for octets in lists if octets.strip(b"\0 ")]
    if not filled:
        return Form.BITS
    if all(_HEX.fullmatch(octets) for octets in filled) and any(len(octets) > 2 for octets in filled):
        return Form.HEX
    if all(_DECIMAL.fullmatch(octets) for octets in filled) and any(b"," in octets for octets in filled):
        return Form.DECIMAL
    return Form.BITS


def ports_in(octets: bytes, form: Form = Form.BITS) -> frozenset[int]:
    """The numbers of the bridge ports in a list."""
    if form is Form.DECIMAL:
        return frozenset(int(number) for number in re.findall(rb"\d+", octets))
    if form is Form.HEX:
        text = octets.decode("ascii", "replace").replace(" ", "").replace(":", "")
        octets = bytes.fromhex(text) if len(text) % 2 == 0 else b""
    ports = set()
    for position, octet in enumerate(octets):
        for bit in range(8):
            if octet & _mask(bit, form):
                ports.add(position * 8 + bit + 1)
    return frozenset(ports)


def with_ports(octets: bytes, add: Iterable[int], remove: Iterable[int], form: Form = Form.BITS) -> bytes:
    """The list with ports added and removed: every other bit untouched, and no shorter than it was.

    It grows only where a port to be added lies beyond its end. ValueError for a list that is text.
    """
    if form not in (Form.BITS, Form.REVERSED):
        raise ValueError(f"the switch writes its port lists as {form}, which cannot be written back")
    changed = bytearray(octets)
    for port in add:
        octet, bit = divmod(_checked(port) - 1, 8)
        if octet >= len(changed):
            changed.extend(bytes(octet + 1 - len(changed)))
        changed[octet] |= _mask(bit, form)
    for port in remove:
        octet, bit = divmod(_checked(port) - 1, 8)
        if octet < len(changed):
            changed[octet] &= 0xFF ^ _mask(bit, form)
    return bytes(changed)


def _mask(bit: int, form: Form) -> int:
    return 1 << bit if form is Form.REVERSED else 0x80 >> bit


def _checked(port: int) -> int:
    if port < 1:
        raise ValueError(f"no bridge port has the number {port}")
    return port
