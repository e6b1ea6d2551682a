"""What handles tell: attributes, parts, wiring, places; outside of everything, in a snapshot and inside a change."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

import clusto_core
from clusto_core import Inventory, Malformed, Match, NoSuchKey, NotFound, Refused, UnknownValueWarning, View

# What the databases answer differently is below the library; tests of changes run on all of them.
pytestmark = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)

Opening = Callable[[Inventory], AbstractContextManager[View]]


@contextlib.contextmanager
def plainly(inventory: Inventory) -> Iterator[View]:
    yield inventory


@contextlib.contextmanager
def changed(inventory: Inventory) -> Iterator[View]:
    """A change in which something was written before."""
    with inventory.change(dry_run=True) as change:
        change["s6"].attrs["note"] = "x"
        yield change


WAYS: dict[str, Opening] = {
    "plain": plainly,
    "snapshot": lambda inventory: inventory.read(),
    "change": lambda inventory: inventory.change(),
    "changed": changed,
}


@pytest.fixture(params=WAYS)
def view(request: pytest.FixtureRequest, site: Inventory) -> Iterator[View]:
    with WAYS[request.param](site) as view:
        yield view


def test_attributes(view: View) -> None:
    s1 = view["s1"]
    assert dict(view["s2"].attrs) == {"status": "spare", "ram": 64, "tag": "x"}
    assert (len(s1.attrs), "ram" in s1.attrs, "row" in s1.attrs, s1.attrs.get("row")) == (3, True, False, None)
    assert (s1.attrs.one("ram", int), s1.attrs.all("tag", str), s1.attrs.all("none")) == (32, ["x", "y"], [])
    assert s1.attrs.lists() == {"status": ["spare"], "ram": [32], "tag": ["x", "y"]}
    assert s1.attrs.records()[-1].key.key == "_in", "which is kept, and not told unless it is named"
    with pytest.raises(Malformed, match=r"s1 has 2 values under tag: ask for all\('tag'\)"):
        s1.attrs["tag"]
    with pytest.raises(Malformed, match="ram of s1 is an integer, not text"):
        s1.attrs.one("ram", str)
    with pytest.raises(NotFound, match=r"^s1 has no statsu \(did you mean status\?\)$"):
        s1.attrs["statsu"]
    with pytest.raises(KeyError):
        s1.attrs["statsu"]


def test_attributes_of_many_at_once(view: View) -> None:
    servers = view.find(driver="Server")
    assert [each.attrs["ram"] for each in servers] == [32, 64, 96, 128, 160, 192]
    assert [each.attrs.all("tag") for each in servers][:2] == [["x", "y"], ["x"]]
    assert [dict(each.attrs)["ram"] for each in servers[1:]] == [64, 96, 128, 160, 192]
    assert [each.attrs["row"] for each in (each.rack for each in servers) if each is not None] == [1] * 6
    assert [len(each.parts) for each in servers] == [5] * 6


def test_what_is_inherited(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    s1, s2 = view["s1"], view["s2"]
    assert (s1.inherited["owner"], s2.inherited["owner"]) == ("web team", "ops"), "categories come before places"
    assert (s1.inherited.origin("owner"), s1.inherited.origin("ram")) == (view["web"], s1)
    assert s1.inherited.all("ntp", str) == ["a", "b"]
    assert "snmp.community" not in s1.attrs
    monkeypatch.setenv("CLUSTO_COMMUNITY", "hush")
    assert (s1.inherited["snmp.community"], s1.inherited.secret("snmp.community")) == ("env:CLUSTO_COMMUNITY", "hush")
    with pytest.raises(NoSuchKey, match="s1 has no asset, and nothing that it is in"):
        s1.inherited.origin("asset")


def test_parts_and_wiring(view: View) -> None:
    s1, s2 = view["s1"], view["s2"]
    assert list(s1.parts) == ["console", "eth0", "eth1", "psu1", "psu2"]
    assert (s1.parts["eth0"].far, s1.parts["eth1"].far) == (view["sw1:1"], None)
    eth0 = s2.parts["eth0"]
    assert (eth0.other, eth0.far, eth0.owner) == (view["pp1:1"], view["sw1:2"], s2)
    assert [each.name for each in eth0.path] == ["s2:eth0", "pp1:1", "pp1:rear1", "sw1:2"]
    assert (s1.connected("Switch"), s2.connected("Switch"), s1.connected(via="power")) == (
        [view["sw1"]],
        [view["sw1"]],
        [view["pdu1"]],
    )
    assert s1.feeds == [(view["s1:psu1"], view["pdu1:1"]), (view["s1:psu2"], None)]
    console = s1.console
    assert console is not None
    assert (console.kind, console.server, console.port) == ("cable", view["cs1"], view["cs1:1"])
    assert (s2.console, s1.switch_ports, s2.switch_ports) == (None, {"eth0": view["sw1:1"]}, {"eth0": view["sw1:2"]})
    assert [each.name for each in view["s1"].parts.of("Inlet")] == ["s1:psu1", "s1:psu2"]
    with pytest.raises(NoSuchKey, match=r"no such part: s1:eht0 \(did you mean s1:eth0\?\)"):
        s1.parts["eht0"]


def test_places(view: View) -> None:
    s1 = view["s1"]
    assert (s1.rack, s1.datacenter, s1.room, s1.position) == (view["rack2"], view["dc1"], None, "RU1")
    assert ([each.name for each in s1.parents], [each.name for each in s1.above]) == (
        ["web", "rack2"],
        ["web", "rack2", "dc1"],
    )
    assert [each.name for each in view["rack2"].contents] == ["s1", "s3", "s5"]
    assert [each.name for each in view["dc1"].find("attr:ram>100", driver="Server")] == ["s4", "s5", "s6"]
    assert view["rack2:RU1"].other == s1
    assert [each.words for each in s1.locations][:2] == ["connected to port 1 on sw1", "connected to RU1 in rack2"]
    assert s1.history()[0].message == "site"


def test_finding(view: View) -> None:
    def names(*asked: object, **more: object) -> list[str]:
        return [each.name for each in view.find(*asked, **more)]  # type: ignore[arg-type]

    assert names({"tag": "x"}) == ["s1", "s2", "s3", "s4", "s5", "s6"]
    assert names({"tag": "x"}, Match.KEYS, inside="rack2") == ["s3", "s5"]
    assert names({"tag": ["x", "y"], "status": "spare", "ram": 32}, Match.ALL) == ["s1"]
    spare, large = (clusto_core.expression(text) for text in ("attr:status,spare", "attr:ram>=128"))
    assert names(spare & ~large & clusto_core.expression("not name:s3")) == ["s1", "s2"]
    assert names(large | clusto_core.expression("name:s1")) == ["s1", "s4", "s5", "s6"]
    assert names(driver="NIC", inside=view["s1"]) == ["s1:eth0", "s1:eth1"]
    assert view.one("name:s1").matches("connected to name:sw1")
    with pytest.warns(UnknownValueWarning, match="nothing has status=none") as caught:
        assert names("attr:status,none") == []
    assert caught[0].filename == __file__
    for wanted, error in (("attr:statsu,x", NotFound), ("driver:", Malformed), ("name:s9", NotFound)):
        with pytest.raises(error):
            view.find(wanted)
    with pytest.raises(Malformed, match="nothing is asked for"):
        view.find()
    with pytest.raises(Malformed, match=r"6 Things satisfy driver:Server: s1, s2, s3, s4, s5, \.\.\."):
        view.one(driver="Server")
    with pytest.raises(NotFound, match="nothing satisfies attr:ram>1000"):
        view.one("attr:ram>1000")


def test_picking(view: View) -> None:
    picked = view.pick(2, "attr:status,spare", driver="Server", inside="dc1", spread="Rack")
    assert [each.name for each in picked] == ["s1", "s2"]
    with pytest.raises(Refused, match="not enough: 3 wanted, 6 found, on 2 different Racks"):
        view.pick(3, "driver:Server", spread="Rack")


def test_a_handle_is_equal_to_every_handle_of_its_thing(site: Inventory, view: View) -> None:
    assert site["s1"] == view["s1"] == view[site["s1"]]
    assert {site["s1"], view["s1"], view["s2"]} == {view["s1"], view["s2"]}
    assert (str(view["s1"]), repr(view["s1"])) == ("s1", "<Server s1>")


def test_secrets_are_not_in_what_is_printed(site: Inventory) -> None:
    with site.change() as change:
        change["s1"].attrs["bmc.password"] = "hush"
    assert "hush" not in repr(site["s1"].attrs) + repr(site["s1"].inherited) + repr(change)
    assert site["s1"].attrs["bmc.password"] == "hush"


def test_what_was_told_is_told_again_and_asking_anew_gives_what_is_new(site: Inventory) -> None:
    before = site["s1"]
    assert before.attrs["ram"] == 32
    with site.read() as snapshot:
        frozen = snapshot["s1"]
        with site.change() as change:
            change["s1"].attrs["ram"] = 33
        assert (frozen.attrs["ram"], snapshot["s1"].attrs["ram"]) == (32, 32)
    assert (before.attrs["ram"], site["s1"].attrs["ram"]) == (32, 33)


def test_nothing_is_kept_open(site: Inventory) -> None:
    handle = site["s1"]
    assert (handle.rack, handle.parts["eth0"].far, handle.attrs["ram"]) == (site["rack2"], site["sw1:1"], 32)
    assert "connection" not in vars(site._database)


def test_a_view_that_is_over_says_so(site: Inventory) -> None:
    with site.read() as snapshot:
        read = snapshot["s1"]
    with site.change() as change:
        written = change["s1"]
    for ask in (lambda: read.rack, lambda: snapshot["s1"], lambda: written.rack, lambda: written.attrs["ram"]):
        with pytest.raises(Refused, match="is over: ask the inventory"):
            ask()
    assert (read.name, written.name) == ("s1", "s1")


def test_values_have_types(site: Inventory) -> None:
    when = datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC)
    values = {"a": 1, "b": 1.5, "c": True, "d": "007", "e": when, "f": {"x": [1]}, "g": site["s2"], "h#2.k": "v"}
    with site.change() as change:
        change["s1"].attrs.update(values)
        change["s1"].attrs["list"] = clusto_core.as_json([1, 2])
        change["s1"].attrs["many"] = {3, 4}
    attrs = site["s1"].attrs
    assert {key: attrs[key] for key in values} == values
    assert (attrs["list"], sorted(attrs.all("many", int))) == ([1, 2], [3, 4])
    assert attrs["g"].attrs["ram"] == 64
    assert [type(attrs[key]) for key in "abcd"] == [int, float, bool, str]
