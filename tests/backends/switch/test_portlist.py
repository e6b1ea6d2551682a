"""Lists of ports as agents send them: RFC 4363's bits, and what some send instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_cli.backends.switch.portlist import Form, form_of, ports_in, with_ports

BIT_FORMS = st.sampled_from([Form.BITS, Form.REVERSED])
PORTS = st.frozensets(st.integers(1, 900))


def test_the_first_port_is_the_most_significant_bit() -> None:
    assert ports_in(b"\x80\x01") == {1, 16}
    assert ports_in(b"\x80\x01", Form.REVERSED) == {8, 9}
    assert with_ports(b"\x00\x00", [10], []) == b"\x00\x40"


@given(octets=st.binary(max_size=120), add=PORTS, remove=PORTS, form=BIT_FORMS)
def test_only_the_named_ports_change_and_no_list_gets_shorter(
    octets: bytes, add: frozenset[int], remove: frozenset[int], form: Form
) -> None:
    changed = with_ports(octets, add, remove, form)
    assert ports_in(changed, form) == (ports_in(octets, form) | add) - remove
    assert len(changed) == max(len(octets), *((port + 7) // 8 for port in add), 0)


@given(octets=st.binary(max_size=60), port=st.integers(1, 480), form=BIT_FORMS)
def test_removing_what_was_added_gives_back_every_octet(octets: bytes, port: int, form: Form) -> None:
    there = port in ports_in(octets, form)
    back = with_ports(with_ports(octets, [port], [], form), [port] if there else [], [] if there else [port], form)
    assert back.rstrip(b"\0") == octets.rstrip(b"\0")


def test_lists_that_are_text_are_read_and_not_written() -> None:
    decimal = [b"3,4434,4443", b"3", b"", b"4435"]
    assert form_of(decimal) is Form.DECIMAL
    assert ports_in(decimal[0], Form.DECIMAL) == {3, 4434, 4443}
    assert ports_in(b"3", Form.DECIMAL) == {3}
    hexadecimal = [b"ff ff f8 80 00", b"0"]
    assert form_of(hexadecimal) is Form.HEX
    assert ports_in(hexadecimal[0], Form.HEX) == frozenset([*range(1, 22), 25])
    assert ports_in(b"0", Form.HEX) == frozenset()
    for form in (Form.DECIMAL, Form.HEX):
        with pytest.raises(ValueError, match="cannot be written"):
            with_ports(b"3", [4], [], form)


def test_bits_that_look_like_a_digit_stay_bits() -> None:
    assert form_of([b"3", b"\x80\x00"]) is Form.BITS
    assert form_of([b"3"]) is Form.BITS
    assert form_of([b"", b"\0\0"]) is Form.BITS


def test_there_is_no_port_zero() -> None:
    with pytest.raises(ValueError, match="no bridge port"):
        with_ports(b"", [0], [])
