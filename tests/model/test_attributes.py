"""Keys, values and addresses as text."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_core.errors import Malformed
from clusto_core.model import addresses
from clusto_core.model.attributes import Key, Value, from_python, infer


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("status", Key("status")),
        ("snmp.community", Key("snmp", None, "community")),
        ("disk#2.serial", Key("disk", 2, "serial")),
        ("disk#0", Key("disk", 0)),
        ("os.install.time", Key("os", None, "install.time")),
    ],
)
def test_keys_are_spelled_and_read_back(text: str, key: Key) -> None:
    assert Key.parse(text) == key
    assert str(key) == text


@pytest.mark.parametrize(
    "text", ["", "a b", "-a", "a#", "a#01", "a#x", ".a", "a.", "a=b", "a,b", "a" * 101, "a\n", "a\x1b"]
)
def test_malformed_keys(text: str) -> None:
    with pytest.raises(Malformed, match="malformed key"):
        Key.parse(text)


@pytest.mark.parametrize(
    "text", ["snmp.community", "bmc.password", "ssh.key", "x.auth_secret", "password", "snmp.write_community"]
)
def test_secret_keys(text: str) -> None:
    key = Key.parse(text)
    assert key.secret
    assert Value("string", "s3cret").shown(key) == "****"
    assert Value("string", "env:SNMP").shown(key) == "env:SNMP"


def test_keys_that_are_not_secret() -> None:
    assert not any(Key.parse(text).secret for text in ("status", "monkey", "key.owner", "community.name"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-12", -12),
        ("0", 0),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("true", True),
        ("false", False),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31 10:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        # What would not be printed as it was typed stays text.
        ("007", "007"),
        ("1.10", "1.10"),
        ("+5", "+5"),
        ("1e5", "1e5"),
        ("-0", "-0"),
        ("True", "True"),
        ("9223372036854775808", "9223372036854775808"),
        ("nan", "nan"),
        ("１２", "１２"),
        ("", ""),
    ],
)
def test_text_becomes_what_it_looks_like(text: str, value: object) -> None:
    found = infer(text).python()
    assert found == value
    assert type(found) is type(value)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029"), max_size=20))
def test_inference_never_changes_the_text_but_of_times(text: str) -> None:
    try:
        value = infer(text)
    except Malformed:
        return
    assert value.text == text or value.type == "datetime"
    assert infer(value.text) == value


@given(st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)))
def test_values_of_python_come_back(value: object) -> None:
    found = from_python(value)
    assert found.python() == value
    assert from_python(found.python()) == found


@pytest.mark.parametrize(
    "value", ["a\x1b[2J", "\x00", "a\rb", "\x7f", "\x85", "\ud800", 2**63, float("nan"), float("inf"), {1}]
)
def test_values_that_cannot_be(value: object) -> None:
    with pytest.raises(Malformed):
        from_python(value)


@pytest.mark.parametrize("text", ["2026-13-01", "2026-02-30", "2026-01-01T25:00"])
def test_times_that_no_calendar_has(text: str) -> None:
    with pytest.raises(Malformed, match="no such date or time"):
        infer(text)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_times_order_as_integers(one: datetime, other: datetime) -> None:
    first, second = from_python(one).integer, from_python(other).integer
    assert first is not None
    assert second is not None
    assert (first < second) == (one < other)


@given(st.ip_addresses())
def test_claims_sort_as_addresses(address: IPv4Address | IPv6Address) -> None:
    assert addresses.parse(str(address)) == address
    claim = addresses.claim(address)
    assert len(claim) <= 40
    if int(address):
        assert claim > addresses.claim(type(address)(int(address) - 1))


@pytest.mark.parametrize("text", ["server1", "12", "dead", "10.0.0", "1.2.3.4.5", "::g", "52:54:00:00:00:01", ""])
def test_what_is_no_address(text: str) -> None:
    assert addresses.parse(text) is None
