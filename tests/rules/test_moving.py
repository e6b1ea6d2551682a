"""Equipment that moves, is replaced, gives back what it has, and ranges that change their names, on each database."""

from __future__ import annotations

import pytest

from clusto_core.errors import Malformed, Refused
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Value
from clusto_core.query import saving
from clusto_core.query.saved import expression_of
from clusto_core.records.integrity import problems
from clusto_core.records.revert import revert
from clusto_core.resources import ipam, naming
from clusto_core.resources.returning import DEALLOCATE, RETIRE, give_back
from clusto_core.rules import services
from tests.inventories import content


@pytest.fixture
def site(inventory: Inventory) -> Inventory:
    """Two racks, r1 and r2, each with a switch and two PDUs; s1 in r1, wired; spare, a switch in no place."""
    with inventory.change() as change:
        change.add("Datacenter", "dc1")
        for rack in "12":
            change.add("Rack", f"r{rack}", parents="dc1")
            change.add("Switch", f"sw{rack}", parents=f"r{rack}")
            for side in "ab":
                change.add("PDU", f"p{side}{rack}", parents=f"r{rack}")
        change.add("Switch", "spare")
        change.add("Server", "s1")
        change.add("LoadBalancer", "lb1", part_counts={"vip": 1})
        for one, other in (
            ("s1", "r1:RU5-6"),
            ("s1:eth0", "sw1:7"),
            ("s1:eth1", "sw2:7"),
            ("s1:psu1", "pa1:3"),
            ("s1:psu2", "pb1:3"),
            ("sw1:48", "sw2:48"),
            ("sw1:1", "sw1:2"),
            ("sw1:psu1", "pa1:20"),
        ):
            change.connect(one, other)
        change.add("Network", "net1", attributes={"cidr": "10.1.0.0/24"})
        ipam.give(change, "10.1.0.9", change.resolve("sw1:mgmt"))
        ipam.give(change, "10.1.0.1", change.resolve("s1:eth0"))
        change.set_values("s1", "uplink", Value("relation", "sw1"))
        for kind, name in (("Pool", "web"), ("Role", "www"), ("Class", "ssd")):
            change.add(kind, name)
            change.put("s1", name)
        shop = services.create(change.unit, "shop", 443)
        services.add(change.unit, shop, change.resolve("s1"), change.resolve("lb1:vip1"))
    return inventory


def sound(inventory: Inventory) -> None:
    with inventory.read() as reader:
        assert list(problems(reader)) == []


def links(inventory: Inventory, name: str) -> set[str]:
    with inventory.read() as reader:
        found = reader.links_of(reader.resolve(name))
        return {f"{(link.part or reader.resolve(name)).name} {link.other.name}" for link in found}


# --- moving ----------------------------------------------------------------------------------------------------------


def test_a_move_tells_which_cables_still_lead_to_the_old_rack(site: Inventory) -> None:
    with site.change() as change:
        done = change.move("s1", "r2:RU9-10")
        assert [f"{each.one.name} {each.other.name}" for each in done.leading_back] == [
            "s1:eth0 sw1:7",
            "s1:psu1 pa1:3",
            "s1:psu2 pb1:3",
        ]
    assert links(site, "s1") >= {"s1 r2:RU9", "s1 r2:RU10", "s1:eth0 sw1:7"}
    sound(site)


def test_recabling_leads_to_the_same_of_the_new_rack(site: Inventory) -> None:
    with site.change() as change:
        change.disconnect("s1:eth1")
        change.connect("sw2:3", "sw2:7")
        change.move("s1", "r2:RU9-10", recable=True)
    # Port 7 of sw2 is in use: the first free one is taken.
    assert links(site, "s1") == {"s1 r2:RU9", "s1 r2:RU10", "s1:eth0 sw2:1", "s1:psu1 pa2:3", "s1:psu2 pb2:3"}
    sound(site)


def test_recabling_without_a_counterpart_is_refused_and_nothing_is_kept(site: Inventory) -> None:
    with site.change() as change:
        change.remove("pb2")
    before = content(site)
    with pytest.raises(Refused, match="r1 has pb1, its second PDU, and r2 only 1 of them"), site.change() as change:
        change.move("s1", "r2:RU9-10", recable=True)
    assert content(site) == before


def test_a_move_within_a_rack_leaves_no_cable_behind(site: Inventory) -> None:
    with site.change() as change:
        assert change.move("s1", "r1:RU20-21", recable=True) == ([], [], [])
    assert "s1 r1:RU20" in links(site, "s1")


# --- replacing -------------------------------------------------------------------------------------------------------


def test_a_successor_has_cables_place_address_name_and_what_is_said(site: Inventory) -> None:
    before = links(site, "sw1")
    with site.read() as reader:
        failed, successor = reader.resolve("sw1").id, reader.resolve("spare").id
    with site.change() as change:
        done = change.replace("sw1", "spare")
        assert done.addresses == ["10.1.0.9"]
        assert not done.left
    assert links(site, "sw1") == before
    assert links(site, "spare") == set()
    with site.read() as reader:
        assert (reader.resolve("spare").id, reader.resolve("sw1").id) == (failed, successor)
        assert [each.name for each in reader.ancestors(reader.resolve("sw1"))] == ["r1", "dc1"]
        assert reader.resolve("10.1.0.9").name in ("sw1", "sw1:mgmt")
        (uplink,) = [each for each in reader.attributes(reader.resolve("s1").id) if str(each.key) == "uplink"]
        assert (uplink.value.ref, uplink.value.text) == (successor, "sw1")
    sound(site)


def test_a_replacement_is_undone_whole(site: Inventory) -> None:
    before = content(site)
    with site.change() as change:
        change.replace("sw1", "spare")
    with site.change(reverts=2) as change:
        revert(change.unit, 2)
    assert content(site) == before
    sound(site)


def test_mounted_equipment_hands_its_rack_units_on(site: Inventory) -> None:
    with site.change() as change:
        change.add("Server", "s2", parents="dc1")
        change.replace("s1", "s2")
    assert {"s1 r1:RU5", "s1 r1:RU6"} <= links(site, "s1")
    with site.read() as reader:
        assert [each.name for each in reader.ancestors(reader.resolve("s2"))][-1] == "dc1"
    sound(site)


def test_what_has_no_counterpart_is_refused_or_left(site: Inventory) -> None:
    with site.change() as change:
        change.add("Switch", "small", part_counts={"port": 24})
    with pytest.raises(Refused, match=r"small has no free counterpart of 48 of sw1"), site.change() as change:
        change.replace("sw1", "small")
    with site.change() as change:
        done = change.replace("sw1", "small", partial=True)
        assert [each.name for each in done.left] == ["small:48"]
    assert links(site, "small") == {"small:48 sw2:48"}
    assert "sw1:7 s1:eth0" in links(site, "sw1")
    sound(site)


def test_a_port_that_is_called_otherwise_is_found_by_label_and_number(site: Inventory) -> None:
    with site.change() as change:
        change.add("Switch", "other", part_counts={"port": [f"Ethernet{number}" for number in range(1, 49)]})
        for number in (2, 3):
            change.rename(f"other:Ethernet{number}", f"x{number + 60}")
        change.set_values("other:x62", "label", "2")
        change.replace("sw1", "other")
    assert {"sw1:Ethernet7 s1:eth0", "sw1:Ethernet48 sw2:48", "sw1:x62 sw1:Ethernet1"} <= links(site, "sw1")
    sound(site)


def test_saved_expressions_mean_whatever_has_the_name(site: Inventory) -> None:
    with site.change() as change:
        saving.save(change.unit, "uplinks", "name:sw1 or name:spare")
        change.replace("sw1", "spare")
    with site.change() as change:
        assert expression_of(change.unit.reader, "uplinks") == "name:sw1 or name:spare"
        change.rename("sw1", "top1")
        change.rename("spare", "broken1")
    with site.read() as reader:
        assert expression_of(reader, "uplinks") == "name:top1 or name:broken1"
    sound(site)


def test_a_breakout_cable_goes_along(site: Inventory) -> None:
    with site.change() as change:
        change.add("Server", "s2")
        change.disconnect("s1:eth1")
        change.connect("sw1:40", "s2:eth[0-1]", breakout=True)
        change.replace("sw1", "spare")
    assert {"sw1:40/1 s2:eth0", "sw1:40/2 s2:eth1"} <= links(site, "sw1")
    with site.read() as reader:
        assert reader.get("spare:40/1") is None
    with site.change() as change:
        change.connect("spare:40", "sw2:40")
    sound(site)


@pytest.mark.parametrize(("old", "new"), [("sw1", "sw1"), ("sw1:1", "spare"), ("sw1", "r2"), ("web", "spare")])
def test_only_equipment_is_replaced(site: Inventory, old: str, new: str) -> None:
    with pytest.raises(Refused), site.change() as change:
        change.replace(old, new)


# --- giving back -----------------------------------------------------------------------------------------------------


def kinds_of(returned: list[tuple[str, str, str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for _, kind, _, what in returned:
        found.setdefault(kind, []).append(what)
    return found


def test_deallocating_gives_back_what_the_job_needed(site: Inventory) -> None:
    with site.change() as change:
        done = give_back(change, ["s1"], DEALLOCATE, settings=[("status", "unallocated")])
    assert kinds_of(done.returned) == {"addresses": ["10.1.0.1"], "vips": ["shop"], "pools": ["web", "www"]}
    with site.read() as reader:
        assert {each.name for each in reader.ancestors(reader.resolve("s1"))} == {"r1", "dc1", "ssd"}
    assert len(links(site, "s1")) == 6
    sound(site)


def test_retiring_gives_back_all_and_is_undone_whole(site: Inventory) -> None:
    before = content(site)
    with site.change() as change:
        done = give_back(change, ["s1"], RETIRE)
    assert kinds_of(done.returned) == {
        "cables": ["sw1:7", "sw2:7", "pa1:3", "pb1:3"],
        "addresses": ["10.1.0.1"],
        "vips": ["shop"],
        "pools": ["web", "www"],
        "position": ["r1:RU5", "r1:RU6"],
    }
    assert links(site, "s1") == set()
    with site.change(reverts=2) as change:
        revert(change.unit, 2)
    assert content(site) == before
    sound(site)


def test_a_record_that_goes_gives_its_name_back(site: Inventory) -> None:
    with site.change() as change:
        range_ = change.add("NameRange", "names", attributes={"pattern": "n[1-9]"})
        (name,) = naming.allocate(change, range_)
        change.add("Server", name)
    with site.change() as change:
        done = give_back(change, [name], RETIRE, record="remove")
        assert [each.name for each in done.removed] == [name]
        assert done.returned == [(name, "name", "names", name)]
    with site.read() as reader:
        assert reader.get(name) is None
        assert naming.given_out(reader) == []


def test_the_place_says_what_is_given_back_and_the_caller_has_the_last_word(site: Inventory) -> None:
    with site.change() as change:
        change.set_values("dc1", "retire.gives", ["addresses", "position"])
        change.set_values("dc1", "retire.record", "remove")
        change.set_values("s1", "deallocate.gives", "pools")
    for verb, said, expected in (
        (RETIRE, {"record": "keep"}, {"addresses", "position"}),
        (RETIRE, {}, {"addresses", "position"}),
        (RETIRE, {"gives": ["cables"], "record": "keep"}, {"cables"}),
        (RETIRE, {"keeps": ["position"], "record": "keep"}, {"addresses"}),
        (DEALLOCATE, {}, {"pools"}),
    ):
        with site.change(dry_run=True) as change:
            done = give_back(change, ["s1"], verb, **said)  # type: ignore[arg-type]
            assert {each.kind for each in done.returned} == expected
            assert bool(done.removed) == (verb == RETIRE and not said)


def test_what_is_protected_needs_force(site: Inventory) -> None:
    with site.change() as change:
        change.set_values("r1", "protected", True)
    for does in (
        lambda change, force: give_back(change, ["s1"], RETIRE, force=force),
        lambda change, force: give_back(change, ["s1"], DEALLOCATE, force=force),
        lambda change, force: change.replace("sw1", "spare", force=force),
        lambda change, force: change.move("s1", "r2:RU9-10", force=force),
    ):
        with pytest.raises(Refused, match="is protected by r1: --force"), site.change() as change:
            does(change, False)
        with site.change(dry_run=True) as change:
            does(change, True)


def test_kinds_that_are_none_are_malformed(site: Inventory) -> None:
    with pytest.raises(Malformed, match="known: cables, addresses"), site.change() as change:
        give_back(change, ["s1"], RETIRE, keeps=["cable"])


# --- names -----------------------------------------------------------------------------------------------------------


def test_names_pass_from_one_to_another(site: Inventory) -> None:
    with site.change() as change:
        ids = [change.add("Server", f"a{number}").id for number in range(1, 5)]
    with site.change() as change:
        change.rename_all((f"a{number}", f"a{number % 4 + 1}") for number in range(1, 5))
    with site.read() as reader:
        assert [reader.resolve(f"a{number % 4 + 1}:eth0").owner_id for number in range(1, 5)] == ids
    sound(site)
    with site.change(reverts=3) as change:
        revert(change.unit, 3)
    with site.read() as reader:
        assert [reader.resolve(f"a{number}").id for number in range(1, 5)] == ids


def test_two_do_not_get_one_name(site: Inventory) -> None:
    for pairs in ([("sw1", "x"), ("sw2", "x")], [("sw1", "pa1"), ("sw2", "sw1")]):
        with pytest.raises(Refused), site.change() as change:
            change.rename_all(pairs)
