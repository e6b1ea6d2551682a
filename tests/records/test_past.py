"""The inventory as it was: on each database, in a copy, in the store itself, and where one may only read."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from clusto_core.answers import power
from clusto_core.errors import ClustoError, NotFound
from clusto_core.inventory import Inventory
from clusto_core.model import reserving
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing
from clusto_core.query import policies
from clusto_core.query.search import find
from clusto_core.records import history
from clusto_core.records.revert import revert
from clusto_core.resources import capacity
from clusto_core.rules import reservations
from clusto_core.store import past
from clusto_core.store.lazily import LazyPast
from clusto_core.store.reader import Reader
from clusto_core.transfer import formats
from clusto_core.transfer.leaving import Leaving
from tests.records.changing import lines, picture, step

WAYS = ("as it comes", "in the store", "in a copy")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way in which the past is put together, whatever the size of the store."""
    if request.param != "as it comes":
        monkeypatch.setattr(past, "COPIED", -1)
    if request.param == "in a copy":
        monkeypatch.setattr(past, "_rolled_back", lambda url, number: None)
    way: str = request.param
    return way


def export(reader: Reader) -> str:
    written = io.StringIO()
    formats.writer_of("yaml")(reader, reader.all(), written, Leaving(frozenset(), False, lambda line: None))
    return written.getvalue()


EXPRESSIONS = (
    "attr:a,1",
    "driver:Server and not attr:a>=1",
    "haskey(b)",
    "attr:a,* inherited",
    "driver:Server in name:rack*",
    "not (in driver:Pool) and attr:b.c,2",
    "driver:Server connected to driver:Switch and attr:a,0",
    "free",
)


def selected(reader: Reader, expressions: Iterable[str]) -> dict[str, list[str]]:
    """What expressions select, in the order in which they are asked."""
    return {each: [thing.name for thing in find(reader, each, allow_unknown=True).things] for each in expressions}


Answers = dict[str, list[object]]


def answers(reader: Reader, names: list[str]) -> Answers:
    """What is answered of some Things, each by itself."""
    return {name: list(_answers(reader, reader.resolve(name))) for name in names}


def _answers(reader: Reader, thing: Thing) -> Iterator[object]:
    parts = reader.parts(thing.id)
    yield reader.attributes(thing.id), reader.attributes_of_parts(thing.id), reader.effective(thing)
    yield (
        sorted(reader.links(thing.id), key=repr),
        reader.power_parts(thing.id),
        reader.ancestors(thing),
        reader.members(thing),
    )
    yield (
        [sorted(reader.links_of_parts(part.id), key=repr) for part in parts],
        [reader.trace(part) for part in parts[:3]],
    )
    yield reader.values_under(Key("a"), [thing.id]), reader.children(thing.id), reader.rack_units([thing.id])


def every_name(reader: Reader) -> list[str]:
    return sorted(thing.name for thing in reader.all())


class Then(NamedTuple):
    """An inventory after one of its transactions."""

    lines: list[str]
    answers: Answers
    export: str
    selected: dict[str, list[str]]


def changed(inventory: Inventory, random_: random.Random, count: int) -> dict[int, Then]:
    """Random transactions, some of which undo another; the inventory after each."""
    kept = {0: Then(picture(inventory), {}, "", {})}
    while len(kept) <= count:
        try:
            with inventory.change() as change:
                if random_.random() < 0.2 and len(kept) > 1:
                    revert(change.unit, random_.choice(list(kept)[1:]))
                else:
                    for _ in range(random_.randint(1, 6)):
                        step(change, random_)
        except ClustoError:
            continue
        if change.id is not None:
            with inventory.read() as reader:
                kept[change.id] = Then(
                    lines_of(reader),
                    answers(reader, every_name(reader)),
                    export(reader),
                    selected(reader, random_.sample(EXPRESSIONS, 2)),
                )
    return kept


def lines_of(reader: Reader) -> list[str]:
    return sorted(lines(reader))


@pytest.mark.parametrize("seed", range(2))
def test_every_moment_is_as_it_was(inventory: Inventory, way: str, seed: int) -> None:
    """Things are asked about one by one, and what is left then at once. A copy of a store on a server takes a second: a
    few moments are looked at by it."""
    random_ = random.Random(seed)
    kept = changed(inventory, random_, 14)
    present = picture(inventory)
    for number in list(kept)[:: 6 if way == "in a copy" else 1]:
        then = kept[number]
        some = random_.sample(sorted(then.answers), min(3, len(then.answers)))
        with inventory.at(number) as reader:
            assert answers(reader, some) == {name: then.answers[name] for name in some}
            assert selected(reader, then.selected) == then.selected
            assert lines_of(reader) == then.lines
            assert not number or export(reader) == then.export
    assert picture(inventory) == present
    with inventory.change() as change:
        change.add("Room", "afterwards")


def test_only_what_a_question_is_about_is_undone(inventory: Inventory, way: str) -> None:
    with inventory.change() as change:
        for number in (1, 2, 3):
            change.add("Server", f"server{number}", attributes=[("status", "new")])
        change.connect("server1:eth0", "server2:eth0")
    for number in (1, 2, 3):
        with inventory.change() as change:
            change.set_values(f"server{number}", "status", "old")
    with inventory.change() as change:
        change.disconnect("server1:eth0")
        change.connect("server2:eth0", "server3:eth0")
    with inventory.at(1) as reader:
        assert isinstance(reader.database, LazyPast)
        server1 = reader.resolve("server1")
        assert [link.other.name for link in reader.links(server1.id)] == ["server2:eth0"]
        assert [each.attribute.value.text for each in reader.effective(server1)] == ["new"]
        assert reader.database.left == {reader.resolve(name).id for name in ("server2", "server3")}
        assert not reader.links(reader.resolve("server3").id)
        assert len(find(reader, "connected to driver:Server").things) == 2
        assert not reader.database.left


def test_a_question_by_a_key_is_about_what_has_to_do_with_it(inventory: Inventory, way: str) -> None:
    with inventory.change() as change:
        for number in (1, 2, 3):
            change.add("Server", f"server{number}", attributes=[("status", "new")])
        change.set_values("server1", "serial", "a1")
    with inventory.change() as change:
        change.set_values("server1", "serial", "b1")
        for number in (2, 3):
            change.set_values(f"server{number}", "status", "old")
    with inventory.at(1) as reader:
        assert isinstance(reader.database, LazyPast)
        assert reader.resolve("a1").name == "server1"
        assert [thing.name for thing in reader.having(Key("serial"))] == ["server1"]
        assert len(reader.database.left) == 2
        assert [each.value.text for each in reader.attributes_under(Key("status"))] == ["new"] * 3
        assert not reader.database.left


def test_an_expression_is_about_the_keys_that_are_in_it(inventory: Inventory, way: str) -> None:
    with inventory.change() as change:
        for number in (1, 2, 3):
            change.add("Server", f"server{number}", attributes=[("status", "new"), ("serial", f"a{number}")])
        change.set_values("server1", "serial", "a0")
        policies.define(change.unit, policies.Policy("none", "driver:Server and attr:serial,a0"))
    with inventory.change() as change:
        change.set_values("server1", "serial", "b1")
        for number in (2, 3):
            change.set_values(f"server{number}", "status", "old")
    with inventory.at(1) as reader:
        assert isinstance(reader.database, LazyPast)
        assert [thing.name for thing in find(reader, "driver:Server and attr:serial,a0").things] == ["server1"]
        (broken,) = policies.check(reader, policies.policies(reader))
        assert broken.thing.name == "server1"
        assert len(reader.database.left) == 2
        assert len(find(reader, "attr:status,new and not attr:serial,a0").things) == 2
        assert not reader.database.left


def test_what_a_place_has_is_about_what_stands_in_it(inventory: Inventory, way: str) -> None:
    with inventory.change() as change:
        for rack in ("rack1", "rack2"):
            change.add("Rack", rack, attributes=[("rating", 1000)])
            change.add("Server", f"{rack}-server", parents=[rack], attributes=[("draw", 100)])
            change.add("PDU", f"{rack}-pdu", parents=[rack])
    with inventory.change() as change:
        for rack in ("rack1", "rack2"):
            change.set_values(f"{rack}-server", "draw", 300)
            change.connect(f"{rack}-server:psu1", f"{rack}-pdu")
    with inventory.at(1) as reader:
        assert isinstance(reader.database, LazyPast)
        (found,) = capacity.capacities(reader, [reader.resolve("rack1")])
        assert (found.watts.used, found.outlets.used) == (100, 0)
        assert reader.database.left == {reader.resolve(name).id for name in ("rack2-server", "rack2-pdu")}


def test_what_power_feeds_undoes_what_it_is_about(inventory: Inventory, way: str) -> None:
    with inventory.change() as change:
        change.add("PDU", "pdu1")
        for number in (1, 2):
            change.add("Server", f"server{number}", attributes=[("status", "new")])
        change.connect("server1:psu1", "pdu1")
    with inventory.change() as change:
        change.disconnect("server1:psu1")
        for number in (1, 2):
            change.set_values(f"server{number}", "status", "old")
    with inventory.at(1) as reader:
        assert isinstance(reader.database, LazyPast)
        outlets = [outlet for each in power.supplies(reader, [reader.resolve("server1")]) for outlet in each.outlets]
        assert [each.thing.name for each in power.impact(reader, outlets).effects] == ["server1"]
        assert reader.database.left == {reader.resolve("server2").id}


def test_what_is_over_by_now_was_not_over_then(inventory: Inventory, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = datetime(2026, 1, 1, 12, tzinfo=UTC)
    monkeypatch.setattr(reserving, "now", lambda: begun)
    with inventory.change() as change:
        change.signed = history.Signature(begun.timestamp(), "ann", "here", "", "")
        change.add("Switch", "switch1")
        change.reserve("switch1:1", begun + timedelta(hours=2))
    monkeypatch.setattr(reserving, "now", lambda: begun + timedelta(days=1))
    for moment, over in (("1", False), ("2026-01-01T13:59Z", False), ("2026-01-01T14:01Z", True)):
        with inventory.at(moment) as reader:
            (known,) = reservations.reservations(reader)
            assert (known.over, bool(reservations.held(reader))) == (over, not over)
            free = find(reader, "part:1 and free").things
            assert ([part.name for part in free] == ["switch1:1"]) is over
            (counted,) = capacity.capacities(reader, [reader.resolve("switch1")])
            assert counted.ports.reserved == (not over)


def test_every_question_is_answered_as_it_was(inventory: Inventory, way: str) -> None:
    with inventory.change() as change:
        change.add("Rack", "rack1")
        change.add("Server", "server1", parents=["rack1"], attributes=[("status", "new"), ("ip", "x")])
    with inventory.change() as change:
        change.rename("rack1", "rack2")
        change.set_values("server1", "status", "old")
        change.add("Server", "server2", parents=["rack2"])
    with inventory.at(1) as reader:
        assert [thing.name for thing in find(reader, "driver:Server in name:rack1").things] == ["server1"]
        assert [thing.name for thing in find(reader, "attr:status,new and name:/serv/").things] == ["server1"]
        with pytest.raises(NotFound):
            find(reader, "name:rack2")
        assert reader.keys() == ["_in", "ip", "status"]


def test_what_is_written_meanwhile_changes_nothing(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "_rolled_back", lambda url, number: None)
    with inventory.change() as change:
        change.add("Room", "room1")
    with inventory.change() as change:
        change.add("Room", "room2")
    with inventory.at(1) as reader:
        with inventory.change() as change:
            change.remove("room1")
        assert [thing.name for thing in reader.all()] == ["room1"]


def test_nothing_of_the_past_can_be_kept(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "COPIED", -1)
    with inventory.change() as change:
        change.add("Room", "room1")
    with inventory.at(0) as reader, pytest.raises(AssertionError):
        reader.database.connection.commit()
    assert [line for line in picture(inventory) if "room1" in line]


def test_a_file_that_one_may_only_read_has_a_past(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "COPIED", -1)
    inventory = Inventory.open(sqlite_url)
    for name in ("room1", "room2"):
        with inventory.change() as change:
            change.add("Room", name)
    monkeypatch.setattr(past.os, "access", lambda path, mode: False)
    with inventory.at(1) as reader:
        assert [thing.name for thing in reader.all()] == ["room1"]
