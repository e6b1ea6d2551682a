"""What is written without PyYAML is what PyYAML writes, letter by letter."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from clusto_core.model.attributes import Value
from clusto_core.transfer.formats import yaml as format_yaml
from clusto_core.transfer.quickyaml import Elaborate, Quick

_SPELLED = """
    web-pool rack101:RU13 52:54:00:00:00:01 52:54:00:aa:00:01 10.0.0.1 2001:db8::1 yes No null ~ 1e3 1.5 007 0x1f
    12:30:45 1_000 0b1 2026-01-31 env:SNMP Gi1/0/1 1 on x: a#b . - true y N .inf 1.e+3 a+b Off NULL 0o14"""
_WORDS = st.sampled_from(_SPELLED.split())
_TEXTS = _WORDS | st.text(min_size=1, max_size=40) | st.from_regex(r"[A-Za-z0-9 .:/+_-]{1,130}", fullmatch=True)
_SCALARS = _TEXTS | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.just(Value("datetime", "2026-01-31"))
_FLAT = st.dictionaries(_TEXTS, _SCALARS | st.lists(_SCALARS, max_size=12), max_size=6)
_OBJECTS = st.fixed_dictionaries(
    {"name": _TEXTS},
    optional={
        "in": st.lists(_TEXTS, min_size=1, max_size=12),
        "attrs": _FLAT,
        "parts": st.dictionaries(_WORDS, st.integers(0, 99) | st.lists(_TEXTS, max_size=3), max_size=3),
        "ip": st.lists(_TEXTS | st.dictionaries(_WORDS, st.lists(_TEXTS), min_size=1, max_size=2), max_size=3),
        "part_attrs": st.dictionaries(_WORDS, _FLAT, max_size=2),
    },
)


@given(_OBJECTS)
@example({"name": "a", "attrs": {"one": 1, "yes": True, "day": Value("datetime", "2026-01-31")}})
def test_it_is_what_pyyaml_writes(data: dict[str, Any]) -> None:
    quick = Quick(format_yaml._is_text)
    try:
        found = quick.item(data)
    except Elaborate:
        return
    assert found == format_yaml._elaborate(data)


def test_what_most_things_have_is_written_so() -> None:
    data = {
        "name": "server1",
        "driver": "Server",
        "in": ["web-pool"],
        "at": "rack101:RU13",
        "attrs": {"bought": Value("datetime", "2026-01-31"), "ram": 64, "status": "in use", "serial": "007"},
        "ip": [{"eth0": ["10.0.0.1"]}],
        "connect": {"eth0": "switch2a:4", "psu1": "pdu3:7"},
        "part_attrs": {"eth0": {"mac": "52:54:00:aa:00:01"}},
    }
    assert yaml.safe_load(Quick(format_yaml._is_text).item(data))[0]["connect"]["psu1"] == "pdu3:7"
