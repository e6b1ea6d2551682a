"""Changes: what handles write, what a change sees of itself, what is refused, and what is kept in the end."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

import clusto_core
from clusto_core import Change, Inventory, Malformed, NotFound, Refused
from clusto_core.query.memory import Memory
from clusto_core.query.parser import parse
from clusto_core.records import integrity
from clusto_core.records.revert import revert


def names(found: list[clusto_core.Handle]) -> list[str]:
    return [each.name for each in found]


def sound(inventory: Inventory) -> None:
    with inventory.read() as view, view.reading() as reader:
        assert list(integrity.problems(reader)) == []


def test_a_change_sees_its_own_writes(site: Inventory) -> None:
    with site.change() as change:
        s1 = change["s1"]
        s1.attrs["status"] = "used"
        assert names(change.find("attr:status,used")) == ["s1"]
        del s1.attrs["status"]
        assert change.find("attr:status,used", allow_unknown=True) == []
        new = change.add("Server", "s9", attrs={"status": "new"}, at="rack2:RU9")
        assert names(change.find(driver="Server", inside="rack2")) == ["s1", "s3", "s5", "s9"]
        assert (new.rack, new.position, new.datacenter) == (change["rack2"], "RU9", change["dc1"])
        new.parts["eth0"].connect("sw1:9")
        assert names(new.connected("Switch")) == ["sw1"]
        assert change["sw1"].parts["9"].far == new.parts["eth0"]
        change["sw1"].rename("sw2")
        assert names(change.find("connected to name:sw2 via network")) == ["pp1", "s1", "s2", "s9"]
        assert names(change.find("name:sw*")) == ["sw2"]
        new.remove()
        assert change.get("s9") is None
        assert names(change.find(driver="Server", inside="rack2")) == ["s1", "s3", "s5"]
        change.add("Class", "c1")
        assert site.get("c1") is None, "nobody else sees it"
    sound(site)
    assert names(site.find("attr:status,spare")) == ["s2", "s3", "s4", "s5", "s6"]


def test_allocation_sees_what_the_change_did(site: Inventory) -> None:
    with site.change() as change:
        change["s1"].attrs["status"] = "used"
        first = change.allocate(1, "attr:status,spare", driver="Server", inside="rack2", set={"status": "used"})
        assert names(first) == ["s3"]
        assert first[0].attrs["status"] == "used"
        change.add("Network", "net2", attrs={"cidr": "10.2.0.0/30"})
        assert change["s1:eth0"].allocate_ip("net2") == "10.2.0.1"
        assert change.allocate_ip("net2", "s2:eth0") == "10.2.0.2"
        with pytest.raises(Refused, match="no address of net2"):
            change.allocate_ip("net2", "s3:eth0")
        assert change["s1"].free_ips() == ["10.2.0.1"]
        assert change.give_ip("10.2.0.1", "s3:eth0")
        assert change["10.2.0.1"] == change["s3"]
        ids = [change.allocate_vlan(name, "200-201").attrs["vid"] for name in ("v1", "v2")]
        assert ids == [200, 201]
        with pytest.raises(Refused, match="no VLAN id"):
            change.allocate_vlan("v3", "200-201")
        change["v1"].remove()
        assert change.allocate_vlan("v3", "200-201").attrs["vid"] == 200
        assert [change.allocate_names("names"), change.allocate_names("names", 2)] == [["n01"], ["n02", "n03"]]
        change.free_name("n01")
        assert change.allocate_names("names") == ["n01"]
    sound(site)


def test_handles_write_what_the_change_does(site: Inventory) -> None:
    with site.change("moves") as change:
        s1, s2 = change["s1"], change["s2"]
        assert (s1.attrs.add("tag", "z"), s1.attrs.add("tag", "z"), s1.attrs.discard("tag", "x")) == (True, False, True)
        assert (s1.attrs.discard("tag", "x"), s1.attrs.all("tag")) == (False, ["y", "z"])
        s1.move("rack1:RU20")
        assert (s1.rack, s1.position, s1.parents) == (change["rack1"], "RU20", [change["web"], change["rack1"]])
        s1.move("rack2")
        assert (s1.rack, s1.position, s1.parts["eth0"].far) == (change["rack2"], None, change["sw1:1"])
        s1.take("web")
        assert names(s1.parents) == ["rack2"]
        s2.rename("s20")
        assert (s2.name, s2.parts["eth0"].name, change.get("s2")) == ("s20", "s20:eth0", None)
        assert change.disconnect("s20:eth0") == [(change["s20:eth0"], change["pp1:1"])]
        assert s2.connect(site["sw1:5"]) == [(change["s20:eth0"], change["sw1:5"])]
        change.create_service("www", 443)
        assert (s2.run("www"), s2.run("www")) == (True, False)
        s2.stop("www")
        with pytest.raises(Refused, match="s20 does not run www"):
            s2.stop("www")
        change.remove("s3", "s4")
        s1.attrs["twin"] = s2
        assert s1.attrs["twin"] == s2
        assert "- Server s3" in "\n".join(change.changes)
    assert (change.id, site["s20"].history()[0].message) == (2, "moves")
    assert site["s1"].attrs["twin"] == site["s20"]
    sound(site)
    with site._core.change() as transaction:
        revert(transaction.unit, 2)
    sound(site)
    assert (site["s1"].position, site["s2"].parts["eth0"].far, names(site["s1"].parents)) == (
        "RU1",
        site["sw1:2"],
        ["web", "rack2"],
    )


def test_what_was_written_is_read(site: Inventory) -> None:
    with site.read() as view:
        servers = view.find(driver="Server")
        assert [each.attrs["ram"] for each in servers] == [32, 64, 96, 128, 160, 192]
        assert [each.attrs.all("tag") for each in servers][:2] == [["x", "y"], ["x"]]
        assert [each.rack and each.rack.attrs["row"] for each in servers] == [1] * 6
        assert [each.parts["eth0"].far for each in servers][:3] == [view["sw1:1"], view["sw1:2"], None]
        assert names(view.pick(2, driver="Server", spread="Rack")) == ["s1", "s2"]


def test_what_cannot_be_written(site: Inventory) -> None:
    with pytest.raises(Refused, match=r"s1 was only read: with inventory.change\(\) as change: change\['s1'\]"):
        site["s1"].attrs["ram"] = 1
    with site.read() as view, pytest.raises(Refused, match="was only read"):
        view["s1"].remove()
    with site.change() as change:
        gone = change["s6"]
        gone.remove()
        with pytest.raises(NotFound, match="no such thing: s6"):
            gone.attrs["ram"] = 1
        for ask in (lambda: gone.attrs["ram"], lambda: gone.rack, lambda: gone.parts["eth0"]):
            with pytest.raises(NotFound, match="s6 was taken out"):
                ask()
        for key, value in (("_in", "rack1"), ("a b", "x"), ("x", None)):
            with pytest.raises(Malformed):
                change["s1"].attrs[key] = value
        with pytest.raises(KeyError):
            del change["s1"].attrs["none"]
        with pytest.raises(Malformed, match="s1 is of another inventory"):
            change[_stranger()]
    assert site["s1"].attrs["ram"] == 32


def _stranger() -> clusto_core.Handle:
    """A handle of another store."""
    from clusto_core.library.handle import handles
    from clusto_core.model.things import Thing

    return handles(clusto_core.open("sqlite:////nowhere/clusto.db"), [Thing(1, "s1", "Server")])[0]


def test_an_error_takes_everything_back(site: Inventory) -> None:
    def fail() -> None:
        with site.change() as change:
            change["s1"].attrs["status"] = "used"
            assert names(change.find("attr:status,used")) == ["s1"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert site["s1"].attrs["status"] == "spare"
    with site.change(dry_run=True) as change:
        change["s1"].attrs["status"] = "used"
        assert names(change.find("attr:status,used")) == ["s1"]
    assert (change.id, site["s1"].attrs["status"], len(site.history())) == (None, "spare", 1)


def test_what_comes_to_nothing_leaves_no_trace(site: Inventory) -> None:
    with site.change("nothing") as change:
        new = change.add("Server", "s9")
        assert names(change.find("name:s9")) == ["s9"]
        new.remove()
        change["s1"].attrs.add("tag", "z")
        assert names(change.find("attr:tag,z")) == ["s1"]
        change["s1"].attrs.discard("tag", "z")
    assert (change.id, site.get("s9"), len(site.history())) == (None, None, 1)
    with site.change() as change:
        change.add("Server", "s9")
    sound(site)


def test_a_change_inside_another_joins_it(site: Inventory) -> None:
    def mark(name: str) -> None:
        with site.change("marked") as change:
            change[name].attrs["mark"] = True

    with site.change("outer") as change:
        s1 = change["s1"]
        mark("s1")
        assert s1.attrs["mark"] is True
        with site.change() as inner:
            assert inner is change
        s1.attrs["status"] = "used"
    assert (len(site.history()), site.history()[0].message) == (2, "outer; marked")

    def half() -> None:
        with site.change() as change:
            change["s1"].attrs["status"] = "kept?"
            with contextlib.suppress(NotFound):
                mark("s99")
            with contextlib.suppress(NotFound), site.change():
                mark("s2")
                mark("s99")

    with pytest.raises(Refused, match="nothing was changed: a part of the change failed"):
        half()
    assert site["s1"].attrs["status"] == "used"


def test_what_fails_halfway_is_not_kept(site: Inventory) -> None:
    def move() -> None:
        with site.change() as change, contextlib.suppress(Refused):
            change["s1"].move("rack1:RU40")

    def add() -> None:
        with site.change() as change, contextlib.suppress(Refused):
            change.add("Server", "s9", at="rack1:RU40")

    def allocate() -> None:
        with site.change() as change, contextlib.suppress(Malformed):
            change.allocate(2, driver="Server", set={"status": "used", "_in": "rack1"})

    for attempt in (move, add, allocate):
        with pytest.raises(Refused, match="nothing was changed"):
            attempt()
    assert (site["s1"].position, site.get("s9"), len(site.history())) == ("RU1", None, 1)


def test_where_there_is_no_inventory(tmp_path: Path) -> None:
    inventory = clusto_core.open(f"sqlite:///{tmp_path}/none.db")
    for ask in (lambda: inventory["s1"], lambda: inventory.get("s1"), lambda: "s1" in inventory):
        with pytest.raises(NotFound, match="there is no inventory at"):
            ask()
    with inventory.change(notify=print) as change:
        change.add("Server", "s1")
    assert "s1" in inventory


def test_reading_and_writing_in_turn_is_current(site: Inventory) -> None:
    with site.change() as change:
        servers = change.find(driver="Server")
        for number, server in enumerate(servers):
            assert server.rack is not None
            server.move(f"rack1:RU{20 + number}")
            server.attrs["number"] = number
            assert (server.rack.name, server.position) == ("rack1", f"RU{20 + number}")
            assert [each.attrs.get("number") for each in servers] == [*range(number + 1), *[None] * (5 - number)]
    assert names(site["rack1"].find(driver="Server")) == [f"s{number}" for number in range(1, 7)]


def reads_alike(change: Change, expression: str) -> None:
    """An expression gives inside a change what its meaning is for what the change's store holds."""
    with change.reading() as reader:
        memory = Memory.load(reader)
    assert names(change.find(expression)) == [thing.name for thing in memory.select(parse(expression))]


def test_expressions_inside_a_change_mean_what_they_mean(site: Inventory) -> None:
    asked = ("driver:Server connected to name:sw1", "driver:Server in name:rack1", "attr:owner,ops inherited")
    with site.change() as change:
        for step in (
            lambda: change["pp1:rear1"].disconnect(),
            lambda: change["s1"].move("rack1:RU30"),
            lambda: change["web"].attrs.update(owner="ops"),
            lambda: change["pp1:rear1"].connect("sw1:7"),
            lambda: change["s2"].remove(),
        ):
            step()
            for expression in asked:
                reads_alike(change, expression)
    sound(site)
