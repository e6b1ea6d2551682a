"""The model: Things, parts, attributes, containment and cables, on each database."""

from __future__ import annotations

import pytest

from clusto_core.answers.location import locate
from clusto_core.config import Settings
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.attributes import Key
from clusto_core.store.database import EmptyStore


def lines(inventory: Inventory, name: str) -> list[str]:
    with inventory.read() as reader:
        return [location.words for location in locate(reader, reader.resolve(name))]


@pytest.fixture
def site(inventory: Inventory) -> Inventory:
    """server1 in rack101, wired through a patch panel to switch2a, to both PDUs and to a console server."""
    with inventory.change() as change:
        change.add("Datacenter", "datacenterZ")
        change.add("Rack", "rack101", parents=["datacenterZ"])
        change.add("Server", "server1")
        change.add("Switch", "switch2a")
        change.add("PatchPanel", "pp12")
        change.add("PDU", "pdu3", parents=["rack101"], attributes=[("height", 0)])
        change.add("PDU", "pdu4", parents=["rack101"], attributes=[("height", 0)])
        change.add("ConsoleServer", "cs1")
        for one, other in (
            ("server1:eth0", "pp12:7"),
            ("switch2a:4", "pp12:rear7"),
            ("server1", "rack101:RU13"),
            ("server1:psu1", "pdu3:7"),
            ("server1:psu2", "pdu4:7"),
            ("cs1:12", "server1"),
        ):
            change.connect(one, other)
    return inventory


def test_locate_tells_network_position_power_console_in_that_order(site: Inventory) -> None:
    assert lines(site, "server1") == [
        "connected to port 4 on switch2a",
        "connected to RU13 in rack101",
        "connected to outlet 7 on pdu3",
        "connected to outlet 7 on pdu4",
        "connected to port 12 on cs1",
    ]
    assert lines(site, "switch2a") == ["connected to NIC eth0 on server1"]
    assert lines(site, "rack101") == ["in datacenterZ"]
    assert lines(site, "server1:eth1") == ["not connected"]
    assert lines(site, "rack101:RU13") == ["connected to server1"]


def test_default_parts(site: Inventory) -> None:
    expected = {
        "server1": ["console", "eth0", "eth1", "psu1", "psu2"],
        "switch2a": [*map(str, range(1, 49)), "console", "mgmt", "psu1", "psu2"],
        "pdu3": [*map(str, range(1, 25)), "mgmt"],
        "cs1": [*map(str, range(1, 49)), "mgmt", "psu1"],
        "rack101": [f"RU{number}" for number in range(1, 43)],
    }
    with site.read() as reader:
        for name, parts in expected.items():
            assert [part.part_name for part in reader.parts(reader.resolve(name).id)] == parts


def test_a_path_ends_where_the_panel_is_opened_and_closes_again(site: Inventory) -> None:
    with site.change() as change:
        change.disconnect("pp12:rear7")
    assert lines(site, "server1")[0] == "connected to rear port rear7 on pp12"
    assert lines(site, "switch2a") == ["not connected"]
    with site.change() as change:
        change.connect("pp12:rear7", "switch2a:9")
    assert lines(site, "server1")[0] == "connected to port 9 on switch2a"
    with site.read() as reader:
        path = [part.name for part in reader.trace(reader.resolve("pp12:7"))]
        assert path in (
            ["server1:eth0", "pp12:7", "pp12:rear7", "switch2a:9"],
            ["switch2a:9", "pp12:rear7", "pp12:7", "server1:eth0"],
        )


def test_a_path_through_several_panels_takes_its_kind_from_its_ends(inventory: Inventory) -> None:
    with inventory.change() as change:
        for name in ("a", "b", "c"):
            change.add("PatchPanel", name)
        change.add("Server", "server1")
        change.add("ConsoleServer", "cs1")
        change.connect("a:rear1", "b:rear1")
        change.connect("b:1", "c:1")
    with inventory.change() as change:
        change.connect("server1:console", "a:1")
    with inventory.change() as change:
        change.add("Switch", "sw")
        with pytest.raises(Refused, match="do not fit"):
            change.connect("sw:1", "c:rear1")
    with inventory.change() as change:
        change.connect("cs1:5", "c:rear1")
    with inventory.read() as reader:
        links = reader.links(reader.resolve("server1").id)
        assert [(link.kind, link.far and link.far.name) for link in links] == [("console", "cs1:5")]
        middle = reader.links_of(reader.resolve("b:1"))
        assert [(link.kind, link.far and link.far.name) for link in middle] == [("console", "cs1:5")]


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ("server1:eth1", "server1:eth1", "cannot be connected to itself"),
        ("server1:eth0", "switch2a:5", "server1:eth0 is connected to pp12:7"),
        ("server1:eth1", "pdu3:8", r"server1:eth1 \(a NIC\) does not fit pdu3:8 \(an Outlet\)"),
        ("server1", "rack101:RU14", "server1 is in RU13 in rack101 already"),
        ("switch2a", "rack101:RU13", "RU13 in rack101 is taken by server1"),
        ("cs1", "rack101:RU43", "rack101 has no RU43"),
        ("tall", "rack101:RU42", r"rack101 has no RU43 \(tall is 2 units high\)"),
        ("tall", "rack101:RU12", "RU13 in rack101 is taken by server1"),
        ("tall", "rack101:RU20-22", "tall is 2 units high, RU20-22 are 3"),
        ("pdu3", "rack101:RU20", "takes no rack units"),
        ("datacenterZ", "rack101:RU20", "takes no rack units"),
    ],
)
def test_what_does_not_fit_is_refused(site: Inventory, one: str, other: str, message: str) -> None:
    with site.change() as change:
        change.add("Server", "tall", attributes=[("height", 2)])
    with pytest.raises(Refused, match=message), site.change() as change:
        change.connect(one, other)


def test_tall_equipment_takes_adjacent_units(site: Inventory) -> None:
    with site.change() as change:
        change.add("Server", "tall", attributes=[("height", 2)])
        change.connect("tall", "rack101:RU1")
        change.add("Server", "spanned")
        change.connect("spanned", "rack101:RU5-7")
        change.add("Server", "anywhere", attributes=[("height", 4)])
        change.connect("anywhere", "rack101")
    assert lines(site, "tall") == ["connected to RU1 in rack101", "connected to RU2 in rack101"]
    assert len(lines(site, "spanned")) == 3
    assert lines(site, "anywhere")[0] == "connected to RU8 in rack101"


def test_a_thing_stands_for_its_first_free_part_and_kinds_are_chosen(site: Inventory) -> None:
    with site.change() as change:
        [joined] = change.connect("server1", "switch2a")
        assert (joined.one.name, joined.other.name) == ("server1:eth1", "switch2a:1")
        with pytest.raises(Refused, match="server1 has no free NIC"):
            change.connect("server1", "switch2a")
        change.add("ConsoleServer", "cs9", part_counts={"nic": ["eth0"]})
        with pytest.raises(Malformed, match="fit by network and by console: choose with --kind"):
            change.connect("switch2a", "cs9")
        [joined] = change.connect("switch2a", "cs9", kind="console")
        assert (joined.one.name, joined.other.name) == ("switch2a:console", "cs9:1")


def test_containment_has_no_cycles_and_one_place(site: Inventory) -> None:
    with site.change() as change:
        change.add("Room", "room1", parents=["datacenterZ"])
        change.add("Pool", "pool1")
        change.add("Pool", "pool2", parents=["pool1"])
        with pytest.raises(Refused, match="pool1 cannot be put in pool2: pool2 in pool1 already"):
            change.put("pool1", "pool2")
        with pytest.raises(Refused, match="cannot be in itself"):
            change.put("pool1", "pool1")
        with pytest.raises(Refused, match="rack101 is in datacenterZ already"):
            change.put("rack101", "room1")
        with pytest.raises(Refused, match="server1 is in rack101 already"):
            change.put("server1", "room1")
        assert change.put("server1", "pool2")
        assert not change.put("server1", "pool2")
    with site.read() as reader:
        above = [thing.name for thing in reader.ancestors(reader.resolve("server1"))]
        assert above == ["pool2", "rack101", "pool1", "datacenterZ"]


def test_inheritance_is_nearest_first(site: Inventory) -> None:
    with site.change() as change:
        key = Key.parse("snmp.community")
        change.set_values(change.resolve("datacenterZ"), key, ["far"])
        change.set_values(change.resolve("datacenterZ"), Key.parse("dns"), ["10.0.0.1", "10.0.0.2"])
        change.set_values(change.resolve("rack101"), key, ["near"])
    with site.read() as reader:
        server = reader.resolve("server1")
        assert reader.setting(server, "snmp.community") == "near"
        assert reader.setting(reader.resolve("rack101"), "snmp.community") == "near"
        found = [(each.attribute.value.text, each.origin.name) for each in reader.effective(server)]
        assert found == [("near", "rack101"), ("10.0.0.1", "datacenterZ"), ("10.0.0.2", "datacenterZ")]
        assert reader.setting(reader.resolve("server1:eth0"), "snmp.community") == "near"


def test_values_are_typed_and_kept(inventory: Inventory) -> None:
    with inventory.change() as change:
        thing = change.add("Server", "server1")
        other = change.add("Pool", "pool1")
        long = "x" * 10_000
        for key, values in {
            "tag": ["a", "b"],
            "ram": [64, 2**62],
            "load": [1.5],
            "ok": [True],
            "long": [long],
            "notes": [{"a": [1, None]}],
            "case": ["A", "a", "a "],
        }.items():
            assert change.set_values(thing, Key.parse(key), values)
            assert not change.set_values(thing, Key.parse(key), values)
        change.set_values(thing, Key.parse("home#2.of"), [other])
    with inventory.read() as reader:
        found: dict[str, list[object]] = {}
        for attribute in reader.attributes(reader.resolve("server1").id):
            found.setdefault(str(attribute.key), []).append(attribute.value.python())
        assert found == {
            "tag": ["a", "b"],
            "ram": [64, 2**62],
            "load": [1.5],
            "ok": [True],
            "long": [long],
            "notes": [{"a": [1, None]}],
            "case": ["A", "a", "a "],
            "home#2.of": ["pool1"],
        }
        assert reader.keys() == ["case", "home.of", "load", "long", "notes", "ok", "ram", "tag"]


def test_names_are_resolved_as_an_operator_means_them(site: Inventory) -> None:
    with site.change() as change:
        change.set_values(change.resolve("server1:eth0"), Key.parse("mac"), ["52:54:00:AA:00:01"])
        change.set_values(change.resolve("server1"), Key.parse("serial"), ["007"])
        change.set_values(change.resolve("switch2a:4"), Key.parse("label"), ["GigabitEthernet0/4"])
    with site.read() as reader:
        for name in ("52:54:00:aa:00:01", "5254.00aa.0001", "52-54-00-AA-00-01", "007"):
            assert reader.resolve(name).name == "server1"
        assert reader.resolve("switch2a:GigabitEthernet0/4").name == "switch2a:4"
        with pytest.raises(NotFound, match=r"no such thing: servr1 \(did you mean server1\?\)"):
            reader.resolve("servr1")
        with pytest.raises(NotFound, match=r"no such part: server1:ehh0 \(did you mean server1:eth0\?\)"):
            reader.resolve("server1:ehh0")


def test_remove_and_rename(site: Inventory) -> None:
    with site.change() as change:
        change.rename("server1", "web1")
    assert lines(site, "web1:eth0") == ["connected to port 4 on switch2a"]
    with pytest.raises(Refused, match="rack101 has web1 in it"), site.change() as change:
        change.remove("rack101")
    with pytest.raises(Refused, match="web1:eth0 is connected to pp12:7"), site.change() as change:
        change.remove("web1:eth0")
    with pytest.raises(Refused, match="the name is taken: switch2a"), site.change() as change:
        change.rename("web1", "switch2a")
    with site.change() as change:
        change.remove("web1")
    assert lines(site, "switch2a") == ["connected to port 7 on pp12"]
    with site.read() as reader, pytest.raises(NotFound):
        reader.resolve("web1:eth0")


def test_a_failed_change_leaves_the_store_as_it_was(site: Inventory) -> None:
    before = lines(site, "server1")

    def attempt(change: Transaction) -> None:
        change.disconnect("server1")
        change.add("Server", "server2")
        change.add("Server", "server2")

    with pytest.raises(Refused), site.change() as change:
        attempt(change)
    assert lines(site, "server1") == before
    with site.read() as reader:
        assert reader.get("server2") is None


def test_a_part_whose_number_says_where_it_is_keeps_it_while_it_is_in_use(site: Inventory) -> None:
    for name, new in (("rack101:RU13", "rack101:top"), ("pp12:7", "pp12:30"), ("pp12:rear7", "pp12:rear30")):
        with pytest.raises(Refused, match="in use, and its number says where it is"), site.change() as change:
            change.rename(name, new)
    with site.change() as change:
        change.rename("rack101:RU13", "rack101:U13")
        change.rename("rack101:RU14", "rack101:U50")
        change.rename("switch2a:4", "switch2a:GigabitEthernet0/5")
    assert lines(site, "server1")[:2] == [
        "connected to port GigabitEthernet0/5 on switch2a",
        "connected to U13 in rack101",
    ]


def test_a_mounted_device_keeps_its_height(site: Inventory) -> None:
    with pytest.raises(Refused, match="server1 is in 1 rack unit: disconnect it"), site.change() as change:
        change.set_values(change.resolve("server1"), Key.parse("height"), [2])
    with site.change() as change:
        change.set_values(change.resolve("server1"), Key.parse("height"), [1])
    with site.change() as change:
        change.disconnect("server1", "rack101")
        change.set_values(change.resolve("server1"), Key.parse("height"), [2])
        change.connect("server1", "rack101:RU20")
    assert lines(site, "server1")[1:3] == ["connected to RU20 in rack101", "connected to RU21 in rack101"]


def test_a_number_is_one_path_through_a_panel(site: Inventory) -> None:
    with site.change() as change:
        with pytest.raises(Refused, match="pp12:7 has the number 7 on that side"):
            change.add("FrontPort", "pp12:front7")
        with pytest.raises(Refused, match="pp12:9 has the number 9 on that side"):
            change.rename("pp12:8", "pp12:x9")
        with pytest.raises(Refused, match="a1 and b1 would have one number on one side"):
            change.add("PatchPanel", "pp13", part_counts={"front": ["a1", "b1"], "rear": 2})
        change.add("FrontPort", "pp12:25")
        change.add("RearPort", "pp12:rear25")


def test_trying_makes_no_store(empty_url: str) -> None:
    with Inventory(Settings(empty_url)).change(dry_run=True) as change:
        change.add("Server", "server1")
    with pytest.raises(EmptyStore), Inventory(Settings(empty_url)).read():
        pass
