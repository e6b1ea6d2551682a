"""SNMP v1 and v2c messages as octets (RFC 1157, RFC 1905, encoded as RFC 3417 section 8 says).

A large power-off is thousands of variables in hundreds of messages and an operator waits for it. A general ASN.1
library decodes about twelve variables a millisecond; this module knows the one fixed shape of a message and does some
two hundred, and remembers variables: many devices are asked the same and answer the same. Version 3, whose cost is
cryptography rather than encoding, is left to pysnmp (usm.py).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

Oid = tuple[int, ...]
Value = int | bytes | Oid | None


class MalformedMessage(ValueError):
    """Octets that are not an SNMP v1 or v2c message."""


class Tag(enum.IntEnum):
    """The types a variable can have (RFC 2578 section 7.1), and what a v2c agent puts in place of one it lacks."""

    INTEGER = 0x02
    OCTET_STRING = 0x04
    NULL = 0x05
    OBJECT_IDENTIFIER = 0x06
    IP_ADDRESS = 0x40
    COUNTER32 = 0x41
    GAUGE32 = 0x42
    TIME_TICKS = 0x43
    OPAQUE = 0x44
    COUNTER64 = 0x46
    NO_SUCH_OBJECT = 0x80
    NO_SUCH_INSTANCE = 0x81
    END_OF_MIB_VIEW = 0x82


class Kind(enum.IntEnum):
    """The protocol operations."""

    GET = 0xA0
    GET_NEXT = 0xA1
    RESPONSE = 0xA2
    SET = 0xA3
    GET_BULK = 0xA5


class Varbind(NamedTuple):
    """A variable: its name, its type and its value (`int`, `bytes` or an object identifier; None where it has none)."""

    oid: Oid
    tag: int = Tag.NULL
    value: Value = None

    @property
    def exists(self) -> bool:
        """False for the three marks by which a v2c agent says that it has no such variable."""
        return self.tag < Tag.NO_SUCH_OBJECT


class Message(NamedTuple):
    """One message. For GET_BULK the two numbers are non-repeaters and max-repetitions, elsewhere error status and
    index.
    """

    version: int
    community: bytes
    kind: int
    request_id: int
    error_status: int
    error_index: int
    varbinds: Sequence[Varbind]


SEQUENCE = 0x30
MOST_ARCS, LARGEST_ARC = 128, 0xFFFF_FFFF
"""What an object identifier may be (RFC 2578 section 3.5); a device's numbers, taken for a row's, may be anything."""
_INTEGER_OCTETS = 9
"""The longest number: a Counter64 with its leading zero (RFC 2578 section 7.1.10)."""
_KEPT_OCTETS = 128
"""Encoded variables up to this length are remembered, so that what a device sends cannot fill the memory."""
_UNSIGNED = {Tag.COUNTER32, Tag.GAUGE32, Tag.TIME_TICKS, Tag.COUNTER64}
_OCTETS = {Tag.OCTET_STRING, Tag.IP_ADDRESS, Tag.OPAQUE}


def parse_oid(text: str) -> Oid:
    """`1.3.6.1` or `.1.3.6.1` as numbers; ValueError for anything else."""
    numbers = tuple(int(arc) for arc in text.strip().removeprefix(".").split("."))
    if len(numbers) < 2 or min(numbers) < 0:
        raise ValueError(f"not an object identifier: {text!r}")
    return numbers


def format_oid(oid: Oid) -> str:
    return ".".join(map(str, oid))


def encode(message: Message) -> bytes:
    pdu = b"".join(
        (
            _integer(message.request_id),
            _integer(message.error_status),
            _integer(message.error_index),
            _wrap(SEQUENCE, b"".join(map(_encode_varbind, message.varbinds))),
        )
    )
    body = _integer(message.version) + _wrap(Tag.OCTET_STRING, message.community) + _wrap(message.kind, pdu)
    return _wrap(SEQUENCE, body)


def decode(data: bytes) -> Message:
    """The message in a datagram; MalformedMessage when it is not one."""
    try:
        return _decode(data)
    except IndexError:
        raise MalformedMessage("the message ends early") from None


def can_exist(oid: Oid) -> bool:
    """Whether a variable can have this name."""
    return 2 <= len(oid) <= MOST_ARCS and min(oid) >= 0 and max(oid) <= LARGEST_ARC


def varbind_octets(varbind: Varbind) -> int:
    """How many octets a variable takes in a message."""
    return len(_encode_varbind(varbind))


def _decode(data: bytes) -> Message:
    start, end = _enter(data, 0, len(data), SEQUENCE)
    version, start = _decode_integer(data, start, end)
    start, stop = _enter(data, start, end, Tag.OCTET_STRING)
    community = data[start:stop]
    kind = data[stop]
    start, end = _enter(data, stop, end, kind)
    request_id, start = _decode_integer(data, start, end)
    first, start = _decode_integer(data, start, end)
    second, start = _decode_integer(data, start, end)
    position, end = _enter(data, start, end, SEQUENCE)
    varbinds = []
    while position < end:
        start, position = _enter(data, position, end, SEQUENCE)
        read = _decode_varbind if position - start <= _KEPT_OCTETS else _decode_varbind.__wrapped__
        varbinds.append(read(data[start:position]))
    return Message(version, community, kind, request_id, first, second, varbinds)


@lru_cache(maxsize=16384)
def _decode_varbind(data: bytes) -> Varbind:
    start, stop = _enter(data, 0, len(data), Tag.OBJECT_IDENTIFIER)
    oid = decode_oid(data[start:stop])
    tag = data[stop]
    start, stop = _enter(data, stop, len(data), tag)
    return Varbind(oid, tag, _decode_value(tag, data[start:stop]))


def _enter(data: bytes, position: int, end: int, tag: int) -> tuple[int, int]:
    """Where the contents of the element at `position` start and stop."""
    if data[position] != tag:
        raise MalformedMessage(f"type {data[position]:#x} where {tag:#x} belongs")
    length = data[position + 1]
    position += 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            raise MalformedMessage("a length of no definite form")
        length = int.from_bytes(data[position : position + size], "big")
        position += size
    if position + length > end:
        raise MalformedMessage("an element is longer than what holds it")
    return position, position + length


def _decode_integer(data: bytes, position: int, end: int) -> tuple[int, int]:
    """The number at `position` and where it stops."""
    start, stop = _enter(data, position, end, Tag.INTEGER)
    return _number(data[start:stop], signed=True), stop


def _decode_value(tag: int, content: bytes) -> Value:
    if tag == Tag.INTEGER:
        return _number(content, signed=True)
    if tag in _OCTETS:
        return content
    if tag in _UNSIGNED:
        return _number(content, signed=False)
    if tag == Tag.OBJECT_IDENTIFIER:
        return decode_oid(content)
    if tag == Tag.NULL or tag >= Tag.NO_SUCH_OBJECT:
        return None
    raise MalformedMessage(f"unknown type {tag:#x}")


def _number(content: bytes, *, signed: bool) -> int:
    if len(content) > _INTEGER_OCTETS:
        raise MalformedMessage("a number of more than 64 bits")
    return int.from_bytes(content, "big", signed=signed)


def decode_oid(content: bytes) -> Oid:
    if len(content) > 5 * MOST_ARCS:
        raise MalformedMessage("an object identifier of too many numbers")
    arcs: list[int] = []
    arc = 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    if not arcs or content[-1] & 0x80:
        raise MalformedMessage("an object identifier ends early")
    first = min(arcs[0] // 40, 2)
    oid = (first, arcs[0] - first * 40, *arcs[1:])
    if not can_exist(oid):
        raise MalformedMessage("an object identifier that cannot be")
    return oid


@lru_cache(maxsize=16384)
def encode_oid(oid: Oid) -> bytes:
    """An object identifier with its type and length; ValueError for what no variable can be named."""
    if not can_exist(oid):
        raise ValueError(f"not an object identifier: {format_oid(oid)!r}")
    content = bytearray()
    for arc in (oid[0] * 40 + oid[1], *oid[2:]):
        groups = [arc & 0x7F]
        arc >>= 7
        while arc:
            groups.append(arc & 0x7F | 0x80)
            arc >>= 7
        content += bytes(reversed(groups))
    return _wrap(Tag.OBJECT_IDENTIFIER, bytes(content))


@lru_cache(maxsize=16384)
def _encode_varbind(varbind: Varbind) -> bytes:
    return _wrap(SEQUENCE, encode_oid(varbind.oid) + _encode_value(varbind.tag, varbind.value))


def _encode_value(tag: int, value: Value) -> bytes:
    if value is None:
        return bytes((tag, 0))
    if isinstance(value, int):
        # One bit more than the number has, so that an unsigned number never looks negative (RFC 2578 section 7.1.6).
        return _wrap(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    if isinstance(value, bytes):
        return _wrap(tag, value)
    return encode_oid(value)


def _integer(value: int) -> bytes:
    return _encode_value(Tag.INTEGER, value)


def _wrap(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content
