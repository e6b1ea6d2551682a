"""What ports are called: the rules of `rules.ports`, and that panels pair whatever their ports are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_core.drivers.equipment import PDU, Firewall, Router, Server, Switch
from clusto_core.drivers.parts import NIC, FrontPort, Outlet, Port
from clusto_core.errors import Malformed
from clusto_core.model.names import check_part_name, trailing_number
from clusto_core.rules import ports
from clusto_core.rules.ports import (
    FRONT,
    INLET,
    INTERFACE,
    OUTLET,
    REAR,
    SERIAL,
    SourcePort,
    cleaned,
    named,
    part_driver,
)


def source(kind: str, *names: str) -> list[SourcePort]:
    return [SourcePort(kind, name, {}) for name in names]


def called(found: list[SourcePort]) -> list[tuple[str, object]]:
    return [(each.name, each.attributes.get("label")) for each in named(found)]


def test_a_name_that_a_part_can_have_stays() -> None:
    names = ["GigabitEthernet1/0/4", "xe-0/0/0:1", "iDRAC9", "7"]
    assert called(source(INTERFACE, *names)) == [(name, None) for name in names]


def test_counted_ports_are_called_by_their_number() -> None:
    assert called(source(OUTLET, "Power Outlet 1", "Power Outlet 12")) == [
        ("1", "Power Outlet 1"),
        ("12", "Power Outlet 12"),
    ]
    assert called(source(INLET, "Power Port 1")) == [("psu1", "Power Port 1")]


def test_names_of_different_words_keep_their_words() -> None:
    assert called(source(OUTLET, "Front Outlet 1", "Rear Outlet 1")) == [
        ("Front-Outlet-1", "Front Outlet 1"),
        ("Rear-Outlet-1", "Rear Outlet 1"),
    ]
    assert called(source(OUTLET, "Outlet 1", "Outlet 01"))[0] == ("Outlet-1", "Outlet 1")


def test_interfaces_keep_their_words() -> None:
    assert called(source(INTERFACE, "TenGigabitEthernet 1/1", "fxp0 (re0)")) == [
        ("TenGigabitEthernet-1/1", "TenGigabitEthernet 1/1"),
        ("fxp0-re0", "fxp0 (re0)"),
    ]


def test_two_kinds_may_use_one_name() -> None:
    found = [*source(SERIAL, "1"), *source(INLET, "1", "A"), *source(OUTLET, "1", "A")]
    assert called(found) == [("console1", "1"), ("psu1", "1"), ("psu-A", "A"), ("1", None), ("A", None)]


def test_names_that_become_alike_are_told_apart() -> None:
    assert called(source(INTERFACE, "a b", "a-b", "a_b")) == [("a-b", "a b"), ("if-a-b", "a-b"), ("a_b", None)]


def test_interfaces_are_ports_of_what_has_ports() -> None:
    assert {part_driver(INTERFACE, driver) for driver in (Switch, Router, Firewall)} == {Port}
    assert {part_driver(INTERFACE, driver) for driver in (Server, PDU)} == {NIC}
    assert part_driver(OUTLET, PDU) is Outlet
    assert part_driver(FRONT, Server) is FrontPort


def front(name: str, rear: str, position: int = 1) -> SourcePort:
    return SourcePort(FRONT, name, {}, rear, position)


def rear(name: str, positions: int = 1) -> SourcePort:
    return SourcePort(REAR, name, {}, positions=positions)


def pairs(found: list[SourcePort]) -> dict[str, str]:
    """By front part the rear part that clusto holds to be one path with it: the one of the same number."""
    parts = named(found)
    rears = {trailing_number(each.name): each for each in parts if each.port.kind == REAR}
    assert len(rears) == sum(each.port.kind == REAR for each in parts)
    fronts = [each for each in parts if each.port.kind == FRONT]
    for each in fronts:
        across = rears[trailing_number(each.name)]
        assert (across.port.name, across.position) == (each.port.rear, each.port.position)
    unpaired = {(each.port.name, each.position) for each in rears.values()}
    unpaired -= {(each.port.rear, each.port.position) for each in fronts}
    assert not {trailing_number(each.name) for each in fronts} & {
        number for number, each in rears.items() if (each.port.name, each.position) in unpaired
    }
    return {each.name: rears[trailing_number(each.name)].name for each in fronts}


def test_a_plain_panel_is_like_the_driver_s() -> None:
    found = [front(f"Port {n}", f"Port {n}") for n in (1, 2)] + [rear(f"Port {n}") for n in (1, 2)]
    assert pairs(found) == {"1": "rear1", "2": "rear2"}


def test_a_panel_whose_names_pair_keeps_them() -> None:
    found = [front("F01", "R1"), front("F02", "R2"), rear("R1"), rear("R2")]
    assert pairs(found) == {"F01": "R1", "F02": "R2"}


def test_a_cassette_has_a_rear_part_for_each_position() -> None:
    found = [front(f"LC {n}", "MPO A", n) for n in (1, 2)]
    found += [front(f"LC {n}", "MPO B", n - 2) for n in (3, 4)] + [rear("MPO A", 2), rear("MPO B", 3)]
    assert pairs(found) == {"1": "rear1", "2": "rear2", "3": "rear3", "4": "rear4"}
    labels = {each.name: each.attributes.get("label") for each in named(found)}
    assert labels["rear4"] == "MPO B:2"
    assert labels["rear5"] == "MPO B:3"
    assert labels["4"] == "LC 4"


def test_crossed_panels_are_numbered_by_their_fronts() -> None:
    found = [front("1", "2"), front("2", "1"), rear("1"), rear("2")]
    assert pairs(found) == {"1": "rear1", "2": "rear2"}
    assert [each.attributes.get("label") for each in named(found)] == [None, None, "1", "2"]


def test_fronts_without_numbers_pair_too() -> None:
    assert pairs([front("red", "x"), front("blue", "y"), rear("y"), rear("x"), rear("spare")]) == {
        "1": "rear1",
        "2": "rear2",
    }


@given(st.data())
def test_every_panel_pairs(data: st.DataObject) -> None:
    words = st.text("ab 1290/é(", min_size=1, max_size=4).filter(lambda text: any(map(str.isalnum, text)))
    rears = [rear(name, data.draw(st.integers(1, 3))) for name in data.draw(st.lists(words, unique=True, max_size=5))]
    slots = data.draw(st.permutations([(each.name, p) for each in rears for p in range(1, each.positions + 1)]))
    names = data.draw(st.lists(words, unique=True, max_size=len(slots)))
    fronts = [front(name, *slot) for name, slot in zip(names, slots, strict=False)]
    found = fronts + rears
    parts = named(found)
    assert len({each.name for each in parts}) == len(parts) == len(fronts) + sum(each.positions for each in rears)
    for each in parts:
        check_part_name(each.name)
    pairs(found)


@given(st.text(max_size=20))
def test_a_cleaned_name_is_a_name(text: str) -> None:
    try:
        name = cleaned(text)
    except Malformed:
        return
    check_part_name(name)
    assert cleaned(name) == name


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (source(OUTLET, "1", "1"), "two ports of the kind outlet are called '1'"),
        (source(OUTLET, "???"), "nothing can be called"),
        ([front("1", "gone")], "which is not there"),
        ([front("1", "r", 2), rear("r")], "names position 2"),
        ([front("1", "r"), front("2", "r"), rear("r")], "have one rear port"),
        ([SourcePort(OUTLET, "1", {}, inlet="L1")], "names the inlet 'L1'"),
        ([rear("r", 10_001)], "more than 10000 parts"),
        ([rear("r", 0)], "cannot have 0 positions"),
    ],
)
def test_what_cannot_be_is_told(found: list[SourcePort], message: str) -> None:
    with pytest.raises(Malformed, match=message.replace("?", r"\?")):
        named(found)


def test_an_outlet_names_the_inlet_part() -> None:
    found = [*source(INLET, "Power Port 1"), SourcePort(OUTLET, "1", {}, inlet="Power Port 1")]
    assert [each.inlet for each in named(found)] == ["", "psu1"]
    assert ports.named(found)[1].attributes == {"inlet": "psu1"}
