"""Our octets against pyasn1's and pysnmp's: what one writes the other reads."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c

from clusto_cli.backends.snmp.message import (
    Kind,
    MalformedMessage,
    Message,
    Tag,
    Varbind,
    decode,
    encode,
    format_oid,
    parse_oid,
    varbind_octets,
)
from clusto_cli.backends.snmp.usm import _build_value, _parse

arcs = st.integers(0, 2**32 - 1)
oids = st.builds(
    lambda head, tail: (*head, *tail), st.sampled_from([(1, 3), (0, 0), (2, 39), (1, 0)]), st.lists(arcs).map(tuple)
)
unsigned = st.integers(0, 2**32 - 1)
varbinds = st.one_of(
    st.builds(Varbind, oids, st.just(Tag.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.builds(Varbind, oids, st.just(Tag.OCTET_STRING), st.binary(max_size=400)),
    st.builds(Varbind, oids, st.just(Tag.OBJECT_IDENTIFIER), oids),
    st.builds(Varbind, oids, st.just(Tag.IP_ADDRESS), st.binary(min_size=4, max_size=4)),
    st.builds(Varbind, oids, st.sampled_from([Tag.COUNTER32, Tag.GAUGE32, Tag.TIME_TICKS]), unsigned),
    st.builds(Varbind, oids, st.just(Tag.COUNTER64), st.integers(0, 2**64 - 1)),
    st.builds(Varbind, oids, st.just(Tag.NULL), st.none()),
)


def pysnmp_octets(community: bytes, request_id: int, items: list[Varbind]) -> bytes:
    pdu = v2c.GetResponsePDU()
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, request_id)
    v2c.apiPDU.set_varbinds(pdu, [(item.oid, _build_value(item)) for item in items])
    message = v2c.Message()
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, community)
    v2c.apiMessage.set_pdu(message, pdu)
    octets: bytes = encoder.encode(message)
    return octets


@given(st.binary(max_size=40), st.integers(0, 2**31 - 1), st.lists(varbinds, max_size=6))
def test_what_pysnmp_writes_we_read_and_would_write_the_same(
    community: bytes, request_id: int, items: list[Varbind]
) -> None:
    octets = pysnmp_octets(community, request_id, items)
    message = decode(octets)
    assert message == Message(1, community, Kind.RESPONSE, request_id, 0, 0, items)
    assert encode(message) == octets


@given(st.lists(varbinds, min_size=1, max_size=6))
def test_what_we_write_pysnmp_reads(items: list[Varbind]) -> None:
    octets = encode(Message(1, b"public", Kind.SET, 7, 0, 0, items))
    parsed: Any
    parsed, rest = decoder.decode(octets, asn1Spec=v2c.Message())
    pdu = v2c.apiMessage.get_pdu(parsed)
    assert not rest
    assert [_parse(name, value) for name, value in v2c.apiPDU.get_varbinds(pdu)] == items
    assert sum(map(varbind_octets, items)) < len(octets)


@given(st.lists(varbinds, max_size=3), st.data())
def test_damaged_messages_are_refused_and_nothing_else_happens(items: list[Varbind], data: st.DataObject) -> None:
    octets = bytearray(encode(Message(0, b"c", Kind.RESPONSE, 1, 0, 0, items)))
    cut = data.draw(st.integers(0, len(octets)))
    for place in data.draw(st.lists(st.integers(0, len(octets) - 1), max_size=4)):
        octets[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedMessage):
        decode(bytes(octets[:cut]))


@given(st.binary(max_size=80))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(b"\x31" + noise)


@given(oids)
def test_object_identifiers_as_text(oid: tuple[int, ...]) -> None:
    assert parse_oid("." + format_oid(oid)) == oid


@pytest.mark.parametrize("text", ["", "1", "1.x", "1.-3", "1..3", "iso.3"])
def test_text_that_is_no_object_identifier(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_oid(text)
