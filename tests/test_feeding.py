"""Outlets live on their own inlets: outages, paths, warnings, legs and draws."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusto_core.answers.feeding import Draw, draws, fed_by, inlets_of, loads
from clusto_core.answers.power import impact, others, supplies
from clusto_core.config import Settings
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.inventory import Inventory, Transaction
from clusto_core.query.memory import Memory
from clusto_core.query.parser import parse
from clusto_core.query.search import find
from tests.conftest import Run

KINDS = {"outlet": 3, "inlet": ["A", "B"]}


def pdu(change: Transaction, name: str, **inlets: str) -> None:
    """A PDU of two inlets; by outlet (`o1`), the inlet that feeds it."""
    change.add("PDU", name, part_counts=KINDS)
    for outlet, inlet in inlets.items():
        change.set_values(f"{name}:{outlet[1:]}", "inlet", inlet)


@pytest.fixture
def site(sqlite_url: str) -> Inventory:
    """u1 and u2 feed d's inlets A and B; u1 feeds e's A; servers hang on d and e, dual on d and u2."""
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        for name in ("u1", "u2"):
            change.add("PDU", name, part_counts={"outlet": 2})
        pdu(change, "d", o1="A", o2="B")
        pdu(change, "e", o1="A")
        for name, feeds in {"w": 1, "s": 1, "dual": 2, "below": 1, "unsaid": 1}.items():
            change.add("Server", name, part_counts={"inlet": feeds})
        change.set_values("d:3", "inlet", "A")
        for one, other in {
            "d:A": "u1:1", "d:B": "u2:1", "w:psu1": "d:1", "s:psu1": "d:2", "dual:psu1": "d:3", "dual:psu2": "u2:2",
            "e:A": "u1:2", "below:psu1": "e:1", "unsaid:psu1": "e:2",
        }.items():  # fmt: skip
            change.connect(one, other)
    return inventory


def told(site: Inventory, *names: str) -> tuple[dict[str, bool], list[str]]:
    """What goes dark, and what loses a feed, and what is assumed."""
    with site.read() as reader:
        things = [reader.resolve(name) for name in names]
        outlets = [outlet for supply in supplies(reader, things) for outlet in supply.outlets]
        whole = [thing for thing in things if not thing.is_part]
        effects, assumed = impact(reader, outlets, whole, inlets=[thing for thing in things if thing.is_a(Inlet)])
    return {effect.thing.name: effect.dark for effect in effects if effect.thing.name not in names}, assumed


def test_what_hangs_on_a_dead_inlet_goes_dark(site: Inventory) -> None:
    assert told(site, "u2") == ({"d": False, "s": True, "dual": False}, [])
    assert told(site, "d:A") == ({"d": False, "w": True, "dual": False}, [])
    assert told(site, "u1:1")[0] == {"d": False, "w": True, "dual": False}
    dark = {"d": False, "w": True, "dual": False, "e": True, "below": True, "unsaid": True}
    assert told(site, "u1")[0] == dark, "e has no other feed that is recorded"


def test_what_is_not_recorded_is_assumed_and_said(site: Inventory) -> None:
    with site.change() as change:
        change.disconnect("dual:psu2")
        change.connect("e:B", "u2:2")
    found, assumed = told(site, "u1:2")
    assert found == {"e": False, "below": True}
    assert assumed == ["e: the inlet of outlets 2, 3 is not recorded: taken as fed while A or B is"]


def test_the_only_inlet_feeds_all_and_modules_say_theirs(site: Inventory) -> None:
    with site.change() as change:
        change.add("PDU", "one", part_counts={"outlet": 2, "inlet": 1})
        change.add("Appliance", "chassis", part_counts={"inlet": ["A", "B"]})
        change.add("PDU", "module", part_counts={"outlet": 2}, parents="chassis")
        change.set_values("module:1", "inlet", "chassis:A")
        change.set_values("module:2", "inlet", change.resolve("chassis:B"))
    with site.read() as reader:
        parts = {part.name: part for name in ("one", "module") for part in reader.parts(reader.resolve(name).id)}
        outlets = [part for part in parts.values() if part.is_a(Outlet)]
        found = inlets_of(reader, outlets)
        assert {outlet.name: (inlet := found[outlet.id]) and inlet.name for outlet in outlets} == {
            "one:1": "one:psu1", "one:2": "one:psu1", "module:1": "chassis:A", "module:2": "chassis:B",
        }  # fmt: skip
        assert [each.name for each in fed_by(reader, [reader.resolve("chassis:A")])] == ["module:1"]
        assert [each.name for each in fed_by(reader, [reader.resolve("chassis:B")])] == ["module:2"]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_no_outage_of_any_wiring_forgets_one(sqlite_url: str, seed: int) -> None:
    """Against the plainest way to say it: nothing has power but by way of something that has."""
    random = Random(seed)
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change(dry_run=True) as change:
        feeds: dict[str, str] = {}
        fed: dict[str, str | None] = {}
        free = [f"top{number}:{outlet}" for number in (1, 2) for outlet in (1, 2, 3)]
        for number in (1, 2):
            change.add("PDU", f"top{number}", part_counts={"outlet": 3})
        for number in range(4):
            name = f"p{number}"
            change.add("PDU", name, part_counts=KINDS)
            for inlet in ("A", "B"):
                if free:
                    feeds[f"{name}:{inlet}"] = free.pop(random.randrange(len(free)))
                    change.connect(f"{name}:{inlet}", feeds[f"{name}:{inlet}"])
            for outlet in (1, 2, 3):
                fed[f"{name}:{outlet}"] = inlet = random.choice(["A", "B"])
                change.set_values(f"{name}:{outlet}", "inlet", inlet)
                free.append(f"{name}:{outlet}")
        with_power = {"top1:1", "top1:2", "top1:3", "top2:1", "top2:2", "top2:3"}
        dead = set(random.sample(sorted(with_power), 2))
        reader = change.unit.reader
        effects = impact(reader, [reader.resolve(name) for name in dead]).effects
        dark = {effect.thing.name for effect in effects if effect.dark}

        def alive(outlets: set[str]) -> set[str]:
            powered = set(outlets)
            for _ in range(10):
                on = {inlet for inlet, outlet in feeds.items() if outlet in powered}
                powered |= {outlet for outlet, inlet in fed.items() if f"{outlet.partition(':')[0]}:{inlet}" in on}
            return {inlet.partition(":")[0] for inlet, outlet in feeds.items() if outlet in powered}

        before, after = alive(with_power), alive(with_power - dead)
        assert before - after <= dark
        assert not dark & after


def test_switching_off_warns_of_what_hangs_on_the_inlet(site: Inventory) -> None:
    with site.read() as reader:
        effects = others(reader, supplies(reader, [reader.resolve("d:B")]))
        assert [(effect.thing.name, effect.dark) for effect in effects if effect.dark] == [("s", True)]


def test_a_path_of_power_goes_up_to_its_source(site: Inventory, clusto: Run) -> None:
    assert clusto("trace", "w:psu1").out.split() == ["w:psu1", "--", "d:1", "==", "d:A", "--", "u1:1"]
    assert clusto("trace", "d:2").out.split() == ["u2:1", "--", "d:B", "==", "d:2", "--", "s:psu1"]
    unsaid = clusto("trace", "unsaid:psu1")
    assert unsaid.out.split() == ["unsaid:psu1", "--", "e:2"]
    assert "e: the inlet of outlet 2 is not recorded: taken as fed while A or B is" in unsaid.err


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("driver:Server fed by name:u1", ["below", "dual", "unsaid", "w"]),
        ("driver:Server fed by name:u2", ["dual", "s"]),
        ("driver:Server fed by name:d:A", ["dual", "w"]),
        ("fed by name:d:2", ["s"]),
        ("driver:PDU fed by name:u1", ["d", "e"]),
        ("driver:Inlet fed by name:u1:2", ["below:psu1", "e:A", "unsaid:psu1"]),
        ("driver:Server and count(fed by driver:PDU) > 1 and not fed by name:d", ["below", "unsaid"]),
        ("driver:Server and not fed by driver:PDU", []),
    ],
)
def test_what_is_fed_by_what(site: Inventory, expression: str, found: list[str]) -> None:
    with site.read() as reader:
        assert [thing.name for thing in find(reader, expression).things] == found
        assert [thing.name for thing in Memory.load(reader).select(parse(expression))] == found


def test_legs_and_draws(site: Inventory, clusto: Run) -> None:
    with site.change() as change:
        for outlet, leg in (("d:1", "A"), ("d:3", "A"), ("d:2", "B")):
            change.set_values(outlet, "feed_leg", leg)
        change.set_values("w:psu1", "allocated_draw", 300)
        change.set_values("w:psu1", "maximum_draw", 500)
        change.set_values("dual:psu1", "draw", 120.5)
    with site.read() as reader:
        found = loads(reader, reader.resolve("d"))
        assert [(load.inlet and load.inlet.part_name, *load[1:]) for load in found] == [
            ("A", "A", 2, 2, 420.5, 500, 0),
            ("B", "B", 1, 1, 0, 0, 1),
        ]
        inlet = reader.resolve("d:A")
        assert draws(reader, [inlet])[inlet.id] == Draw(420.5, 500)
    assert "w dark\n" in clusto("power", "impact", "u1:1").out
    assert clusto("power", "impact", "d:3").out == "dual loses d:3 (leg A, 120.5 W), keeps u2:2\n"
    (effect,) = json.loads(clusto("power", "impact", "d:3", "-o", "json").out)
    assert (effect["legs"], effect["draws"]) == ({"d:3": "A"}, {"d:3": 120.5})
    shown = [line.split() for line in clusto("show", "d").out.splitlines()]
    assert [
        "A",
        "leg",
        "A",
        "2",
        "of",
        "2",
        "outlets",
        "in",
        "use",
        "420.5",
        "W",
        "planned,",
        "500",
        "W",
        "at",
        "most",
    ] in shown
    assert ["B", "leg", "B", "1", "of", "1", "outlets", "in", "use", "1", "unknown"] in shown
    (data,) = json.loads(clusto("show", "d", "-o", "json").out)
    assert data["power"][0]["planned"] == 420.5
