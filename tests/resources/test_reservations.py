"""Reservations: what is not picked until a time, and is free when it has come, on every database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import clusto_core
from clusto_core.config import Settings
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Inventory
from clusto_core.model import reserving
from clusto_core.records.revert import revert
from clusto_core.resources.allocation import Wanted, allocate
from clusto_core.resources.vacancies import vacancies
from clusto_core.rules.reservations import held, reservations
from tests.conftest import Run

SERVERS = "driver:Server"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """The time that reservations go by."""

    def __init__(self) -> None:
        self.time = START

    def pass_(self, **time: int) -> None:
        self.time += timedelta(**time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(reserving, "now", lambda: clock.time)
    return clock


def fill(inventory: Inventory) -> None:
    with inventory.change() as change:
        change.add("Rack", "r1", part_counts={"ru": 6})
        change.add("PDU", "pdu1", part_counts={"outlet": 3})
        for name in ("s1", "s2", "s3"):
            change.add("Server", name)


def taken(inventory: Inventory, number: int, **more: object) -> list[str]:
    with inventory.change("allocate") as change:
        claim = more.pop("claim", None)
        found = allocate(change, Wanted(number, SERVERS, claim=claim), **more)  # type: ignore[arg-type]
        return [thing.name for thing in found.things]


def test_what_is_reserved_is_not_picked_until_its_time_has_come(inventory: Inventory, clock: Clock) -> None:
    fill(inventory)
    end = START + timedelta(hours=2)
    assert taken(inventory, 2, until=end, purpose="shop") == ["s1", "s2"]
    assert taken(inventory, 1) == ["s3"]
    with pytest.raises(Refused, match=r"2 wanted, 1 found \(driver:Server: 1\); 2 besides are reserved"):
        taken(inventory, 2)
    clock.pass_(hours=2)
    with inventory.read() as reader:
        assert [(each.thing.name, each.over) for each in reservations(reader)] == [("s1", True), ("s2", True)]
        assert held(reader) == set()
    assert taken(inventory, 1, until=clock.time + timedelta(hours=1), purpose="other") == ["s1"]
    with inventory.read() as reader:
        assert [(each.thing.name, each.purpose) for each in reservations(reader)] == [("s2", "shop"), ("s1", "other")]


def test_taking_what_was_reserved_clears_the_reservation(inventory: Inventory, clock: Clock) -> None:
    fill(inventory)
    taken(inventory, 1, until=START + timedelta(hours=2), purpose="shop")
    clock.pass_(days=1)
    assert taken(inventory, 3) == ["s1", "s2", "s3"]
    with inventory.read() as reader:
        assert reservations(reader) == []


def test_what_is_reserved_for_a_purpose_is_claimed_by_it(inventory: Inventory, clock: Clock) -> None:
    fill(inventory)
    end = START + timedelta(days=3)
    assert taken(inventory, 2, until=end, purpose="shop") == ["s1", "s2"]
    with pytest.raises(Refused, match=r"3 wanted, 2 found .*; 2 are reserved for shop"):
        taken(inventory, 3, claim="shop")
    assert taken(inventory, 1, claim="shop") == ["s1"]
    with inventory.read() as reader:
        assert [each.thing.name for each in reservations(reader)] == ["s2"]
    clock.pass_(days=4)
    with pytest.raises(Refused, match="1 wanted, 0 found"):
        taken(inventory, 1, claim="shop")


def test_a_reservation_is_extended_and_released_and_reverted(inventory: Inventory, clock: Clock) -> None:
    fill(inventory)
    with inventory.change() as change:
        change.reserve(["s1", "s2"], START + timedelta(hours=1), "shop")
    told = "s1 is reserved until 2026-03-01T13:00Z for shop: clusto reservations release"
    with pytest.raises(Refused, match=told), inventory.change() as change:
        change.reserve("s1", START + timedelta(hours=9), "mine")
    with inventory.change() as change:
        change.extend("s1", START + timedelta(hours=5))
        change.release("s2")
    with inventory.read() as reader:
        [known] = reservations(reader)
        assert (known.thing.name, known.until, known.purpose) == ("s1", START + timedelta(hours=5), "shop")
    with inventory.change() as back:
        revert(back.unit, change.id or 0)
    with inventory.read() as reader:
        assert [each.thing.name for each in reservations(reader)] == ["s1", "s2"]
    clock.pass_(hours=2)
    for wrong in (lambda c: c.extend("s1", START + timedelta(days=1)), lambda c: c.release("s3")):
        with pytest.raises(NotFound), inventory.change() as change:
            wrong(change)
    with pytest.raises(Malformed, match="is over"), inventory.change() as change:
        change.reserve("s3", START)


def test_reserved_parts_and_units_are_not_chosen_but_may_be_named(inventory: Inventory, clock: Clock) -> None:
    fill(inventory)
    with inventory.change() as change:
        change.reserve(["r1:RU1", "r1:RU2", "pdu1:1"], START + timedelta(hours=1), "shop")
        rack, pdu = change.resolve("r1"), change.resolve("pdu1")
        assert [(run.first, run.last) for run in vacancies(change.unit.reader, rack)[0].runs] == [("RU3", "RU6")]
        assert {each.kind: each.size for each in vacancies(change.unit.reader, pdu)}["outlet"] == 2
        assert [each.other.name for each in change.connect("s1", "r1")] == ["r1:RU3"]
        assert [each.other.name for each in change.connect("s1:psu1", "pdu1")] == ["pdu1:2"]
        assert [each.other.name for each in change.connect("s2", "r1:RU2")] == ["r1:RU2"]
        change.connect("s2:psu1", "pdu1")
        with pytest.raises(Refused, match="pdu1 has no free outlet, 1 is reserved"):
            change.connect("s3:psu1", "pdu1")
        assert [each.other.name for each in change.connect("s3:psu1", "pdu1:1")] == ["pdu1:1"]


@pytest.mark.parametrize(
    ("until", "hold", "meant"),
    [
        ("2026-12-24", None, datetime(2026, 12, 24, 23, 59, 59, tzinfo=UTC)),
        ("24.12.2026", None, datetime(2026, 12, 24, 23, 59, 59, tzinfo=UTC)),
        ("9999-12-31", None, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-12-24T10:00", None, datetime(2026, 12, 24, 10, tzinfo=UTC)),
        ("2026-12-24T10:00+02:00", None, datetime(2026, 12, 24, 8, tzinfo=UTC)),
        (None, "90min", START + timedelta(minutes=90)),
        (None, "2h", START + timedelta(hours=2)),
        (None, "30d", START + timedelta(days=30)),
        (None, "60", START + timedelta(seconds=60)),
    ],
)
def test_times_that_are_meant(clock: Clock, until: str | None, hold: str | None, meant: datetime) -> None:
    assert reserving.deadline(until, hold) == meant


@pytest.mark.parametrize(
    ("until", "hold"),
    [
        (None, None),
        ("2026-12-24", "2h"),
        ("2026-02-28", None),
        ("2026-02-30", None),
        ("soon", None),
        ("", None),
        (None, "soon"),
        (None, "0"),
        (None, "-2h"),
        (None, "2kW"),
        (None, "1e300h"),
        (None, ""),
    ],
)
def test_times_that_cannot_be_meant(clock: Clock, until: str | None, hold: str | None) -> None:
    with pytest.raises(Malformed):
        reserving.deadline(until, hold)


def test_the_verb_and_what_tells_of_reservations(sqlite_url: str, clusto: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = Inventory(Settings(sqlite_url))
    fill(inventory)
    with monkeypatch.context() as past, inventory.change() as change:
        past.setattr(reserving, "now", lambda: datetime(2020, 1, 1, tzinfo=UTC))
        change.reserve("s1", datetime(2020, 1, 2, tzinfo=UTC), "old shop")
    where = ("--where", SERVERS)
    checked = clusto("db", "check")
    assert checked.code == 0
    assert "s1 was reserved until 2020-01-02T00:00Z for old shop, which is over" in checked.err
    assert "until 2020-01-02T00:00Z for old shop, which is over" in clusto("show", "s1").out
    assert clusto("reservations", "--over", "-o", "names").out == "s1\n"
    assert clusto("reservations", "extend", "s1", "--hold", "1h").code == 3
    assert clusto("reservations", "release", "--over").out == "released s1\n"
    assert clusto("reservations", "release", "s1").code == 3
    assert clusto("allocate", "1", *where, "--for", "shop").code == 2
    assert clusto("allocate", "1", *where, "--hold", "2h", "--for", "shop").out == "s1\n"
    added = clusto("reservations", "add", "r1:RU[1-2]", "--until", "2099-12-24")
    assert added.out == "reserved r1:RU1\nreserved r1:RU2\n"
    assert clusto("reservations", "-o", "names").out.split() == ["s1", "r1:RU1", "r1:RU2"]
    assert clusto("reservations", "r1", "-o", "names").out.split() == ["r1:RU1", "r1:RU2"]
    shown = json.loads(clusto("reservations", "r1:RU1", "-o", "json").out)
    assert [(each["until"], each["for"], each["over"]) for each in shown] == [("2099-12-24T23:59:59Z", None, False)]
    assert json.loads(clusto("show", "s1", "-o", "json").out)[0]["reserved"]["for"] == "shop"
    assert clusto("reservations", "extend", "s1", "--hold", "1h", "--dry-run").out == "would extend s1\n"
    assert clusto("allocate", "1", *where, "--claim", "shop", "--set", "status=used").out == "s1\n"
    assert clusto("reservations", "s1").out == ""


def test_the_library_reserves(sqlite_url: str, clock: Clock) -> None:
    fill(Inventory(Settings(sqlite_url)))
    inventory = clusto_core.open(sqlite_url)
    with inventory.change() as change:
        assert [each.name for each in change.allocate(1, SERVERS, hold="2h", purpose="shop")] == ["s1"]
        change.reserve("r1:RU1", until=START + timedelta(days=1))
        change.extend("s1", until="2026-12-24")
    assert [each.thing.name for each in inventory.reservations()] == ["r1:RU1", "s1"]
    assert [each.name for each in inventory.pick(1, SERVERS)] == ["s2"]
    with inventory.change() as change:
        assert [each.name for each in change.allocate(1, SERVERS, claim="shop")] == ["s1"]
        change.release("r1:RU1")
    assert inventory.reservations() == []
