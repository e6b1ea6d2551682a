"""What NetBox says of ports, and of what runs between them, up to its newest version."""

from __future__ import annotations

from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.transfer.documents import Document
from clusto_core.transfer.importer import load
from clusto_core.transfer.netbox.profiles import across
from tests.netbox_site import Site, a_room


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def store(sqlite_url: str) -> Inventory:
    return Inventory(Settings(sqlite_url))


def bring(inventory: Inventory, site: Site) -> list[Document]:
    documents = site.read()
    with inventory.change("import") as change:
        load(change, documents)
    return documents


def values(inventory: Inventory, name: str) -> dict[str, list[object]]:
    with inventory.read() as reader:
        found: dict[str, list[object]] = {}
        for each in reader.attributes(reader.resolve(name).id):
            found.setdefault(str(each.key), []).append(each.value.python())
        return found


def path(inventory: Inventory, part: str) -> list[str]:
    with inventory.read() as reader:
        return [each.name for each in reader.trace(reader.resolve(part))]


def free(inventory: Inventory, owner: str, far: str) -> str:
    """Which port of `far` the next cable from `owner` goes into."""
    with inventory.change("try", dry_run=True) as change:
        (joined,) = change.connect(owner, far)
        return next(each.name for each in joined if each.owner_name == far)


def interface(site: Site, key: dict[str, int], device: str, name: str, **fields: Any) -> int:
    key[name] = site.add("dcim.interface", device=key[device], name=name, **{"type": "1000base-t", **fields})
    return key[name]


# --- sockets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["virtual", "lag", "bridge", "ieee802.11ax", "lte", "5g"])
def test_a_cable_goes_into_what_has_a_socket(site: Site, store: Inventory, kind: str) -> None:
    key = a_room(site)
    router = site.add("dcim.device", name="rtr", device_type=key["type switch"], role=key["role switch"],
                      site=key["site"], status="active")  # fmt: skip
    site.add("dcim.interface", device=router, name="a0", type=kind)
    site.add("dcim.interface", device=router, name="xe0", type="10gbase-t")
    bring(store, site)
    assert free(store, "db-1:eth1", "rtr") == "rtr:xe0"


def test_management_is_marked(site: Site, store: Inventory) -> None:
    key = a_room(site)
    interface(site, key, "sw1", "Ma1", mgmt_only=True)
    bring(store, site)
    assert values(store, "sw1:Ma1")["mgmt_only"] == [True]


def test_ports_in_which_something_is(site: Site, store: Inventory) -> None:
    key = a_room(site)
    circuit = site.add("circuits.circuit", cid="C-1")
    end = site.add("circuits.circuittermination", circuit=circuit, term_side="A")
    switch = site.add("dcim.device", name="sw9", device_type=key["type switch"], role=key["role switch"],
                      site=key["site"], status="active")  # fmt: skip
    ports = [site.add("dcim.interface", device=switch, name=f"Gi{n}", type="1000base-t") for n in range(1, 7)]
    site.objects[-5]["fields"]["mark_connected"] = True
    site.cable([("dcim.interface", ports[0])], [("dcim.interface", key["eth1"])], status="decommissioning")
    site.cable([("dcim.interface", ports[2])], [("circuits.circuittermination", end)])
    other = interface(site, key, "db 1", "eth5")
    site.cable([("dcim.interface", ports[3])], [("dcim.interface", other)], status="planned", label="P-1")
    site.cable([("dcim.interface", ports[4])], [])
    spare = interface(site, key, "db 1", "eth6")
    assert spare
    bring(store, site)
    assert path(store, "db-1:eth1") == ["db-1:eth1", "sw9:Gi1"]
    assert values(store, "sw9:Gi1")["cable.status"] == ["decommissioning"]
    assert [values(store, f"sw9:Gi{n}").get("occupied") for n in range(1, 7)] == [
        None, ["marked connected"], ["circuit C-1"], ["planned cable P-1"],
        [f"a cable with one end, {_cable_of(site, ports[4])}"], None,
    ]  # fmt: skip
    assert free(store, "db-1:eth6", "sw9") == "sw9:Gi6"


def _cable_of(site: Site, port: int) -> int:
    return next(
        each["fields"]["cable"] for each in site.objects
        if each["model"] == "dcim.cabletermination" and each["fields"]["termination_id"] == port
    )  # fmt: skip


def test_a_cable_at_an_interface_without_a_socket_is_left_out(site: Site, store: Inventory) -> None:
    key = a_room(site)
    interface(site, key, "sw1", "Po1", type="lag")
    site.cable([("dcim.interface", key["eth1"])], [("dcim.interface", key["Po1"])])
    documents = bring(store, site)
    assert any("1 cables are left out, to an interface that has no socket" in note for note in documents[-1].notes)


# --- MAC addresses ---------------------------------------------------------------------------------------------------


def test_the_primary_mac_is_the_one(site: Site, store: Inventory) -> None:
    key = a_room(site)
    macs = [
        site.add("dcim.macaddress", mac_address=f"52:54:00:00:00:{number:02X}", assigned_object_id=key[name],
                 assigned_object_type=["dcim", "interface"])
        for number, name in ((1, "eth0"), (2, "eth0"), (3, "eth1"))
    ]  # fmt: skip
    next(each for each in site.objects if each["pk"] == key["eth0"])["fields"]["primary_mac_address"] = macs[1]
    documents = bring(store, site)
    assert values(store, "db-1:eth0")["mac"] == ["52:54:00:00:00:02"]
    assert values(store, "db-1:eth1")["mac"] == ["52:54:00:00:00:03"]
    assert "dcim.macaddress" not in "".join(documents[-1].notes)
    assert "1 MAC addresses besides the primary one of their interface are left out" in "".join(documents[-1].notes)


# --- what interfaces are of ------------------------------------------------------------------------------------------


def test_a_lag_across_a_virtual_chassis(site: Site, store: Inventory) -> None:
    key = a_room(site)
    chassis = site.add("dcim.virtualchassis", name="core", master=None)
    members = []
    for position in (1, 2):
        members.append(
            site.add("dcim.device", name=f"core-{position}", device_type=key["type switch"], role=key["role switch"],
                     site=key["site"], status="active", virtual_chassis=chassis, vc_position=position)
        )  # fmt: skip
    lag = site.add("dcim.interface", device=members[0], name="Po1", type="lag")
    for member in members:
        site.add("dcim.interface", device=member, name="Te1", type="10gbase-x-sfpp", lag=lag)
    bring(store, site)
    for name in ("core-1", "core-2"):
        assert values(store, f"{name}:Te1")["lag"] == ["core-1:Po1"]
        assert values(store, name)["virtual_chassis"] == ["core"]
    assert values(store, "core-2")["vc_position"] == [2]


def test_sub_interfaces_channels_and_bridges(site: Site, store: Inventory) -> None:
    key = a_room(site)
    interface(site, key, "sw1", "br0", type="bridge")
    interface(site, key, "sw1", "xe1", bridge=key["br0"], channels=2)
    interface(site, key, "sw1", "xe1.7", type="virtual", parent=key["xe1"])
    interface(site, key, "sw1", "xe1:1", type="10gbase-x-sfpp", parent=key["xe1"], channel_id=1)
    bring(store, site)
    found = {name: values(store, f"sw1:{name}") for name in ("xe1", "xe1.7", "xe1:1")}
    assert {name: (about.get("kind"), about.get("parent")) for name, about in found.items()} == {
        "xe1": (None, ["sw1:br0"]), "xe1.7": (["sub"], ["sw1:xe1"]), "xe1:1": (["leg"], ["sw1:xe1"]),
    }  # fmt: skip


# --- panels ----------------------------------------------------------------------------------------------------------


def _panel(site: Site, key: dict[str, int], name: str, fronts: int, positions: int, crossed: bool) -> None:
    """A panel as NetBox 4.5 has it: fronts with one position, a rear with several, and what is behind what apart."""
    key[name] = site.add("dcim.device", name=name, device_type=key["type patch-panel"], role=key["role patch-panel"],
                         site=key["site"], status="active")  # fmt: skip
    key[f"{name} rear"] = site.add("dcim.rearport", device=key[name], name="MPO", type="mpo", positions=positions)
    for number in range(1, fronts + 1):
        front = key[f"{name} {number}"] = site.add("dcim.frontport", device=key[name], name=f"LC {number}", type="lc",
                                                   positions=1)  # fmt: skip
        behind = fronts + 1 - number if crossed else number
        site.add("dcim.portmapping", device=key[name], front_port=front, front_port_position=1,
                 rear_port=key[f"{name} rear"], rear_port_position=behind)  # fmt: skip


@pytest.mark.parametrize("crossed", [False, True])
def test_port_mappings(site: Site, store: Inventory, crossed: bool) -> None:
    key = a_room(site)
    _panel(site, key, "p1", 4, 4, crossed)
    _panel(site, key, "p2", 4, 4, False)
    site.cable([("dcim.rearport", key["p1 rear"])], [("dcim.rearport", key["p2 rear"])])
    site.cable([("dcim.interface", key["eth1"])], [("dcim.frontport", key["p1 1"])])
    site.cable([("dcim.frontport", key["p2 4" if crossed else "p2 1"])], [("dcim.interface", key["Gi 1/0/1"])])
    bring(store, site)
    assert path(store, "db-1:eth1")[-1] == "sw1:Gi-1/0/1"


def test_port_mappings_of_types(site: Site, store: Inventory) -> None:
    key = a_room(site)
    rear = site.add("dcim.rearporttemplate", device_type=key["type patch-panel"], name="R1", positions=1)
    front = site.add("dcim.frontporttemplate", device_type=key["type patch-panel"], name="F1", positions=1)
    site.add("dcim.porttemplatemapping", device_type=key["type patch-panel"], front_port=front, front_port_position=1,
             rear_port=rear, rear_port_position=1)  # fmt: skip
    bring(store, site)
    with store.change() as change:
        change.add("PatchPanel", "new", device_type="acme/best-patch-panel")
        assert {part.part_name for part in change.unit.parts(change.resolve("new"))} == {"F1", "R1"}


# --- cable profiles --------------------------------------------------------------------------------------------------

# Source: netbox/dcim/cable_profiles.py of NetBox 4.6, the tables that are not straight.
_SHUFFLED = {
    "trunk-2c4p-shuffle": {
        (1, 1): (1, 1), (1, 2): (1, 2), (1, 3): (2, 1), (1, 4): (2, 2),
        (2, 1): (1, 3), (2, 2): (1, 4), (2, 3): (2, 3), (2, 4): (2, 4),
    },
    "trunk-4c4p-shuffle": {(c, p): (p, c) for c in range(1, 5) for p in range(1, 5)},
    "breakout-2c4p-8c1p-shuffle": {
        (1, 1): (1, 1), (1, 2): (2, 1), (1, 3): (5, 1), (1, 4): (6, 1),
        (2, 1): (3, 1), (2, 2): (4, 1), (2, 3): (7, 1), (2, 4): (8, 1),
    },
    "breakout-1c4p-4c1p": {(1, p): (p, 1) for p in range(1, 5)},
    "breakout-1c8p-8c1p": {(1, p): (p, 1) for p in range(1, 9)},
    "trunk-4c6p": {(c, p): (c, p) for c in range(1, 5) for p in range(1, 7)},
    "single-1c12p": {(1, p): (1, p) for p in range(1, 13)},
    "of-tomorrow": {(3, 2): (3, 2)},
}  # fmt: skip


@pytest.mark.parametrize("profile", _SHUFFLED)
def test_lanes_run_as_netbox_has_them(profile: str) -> None:
    assert {near: across(profile, *near) for near in _SHUFFLED[profile]} == _SHUFFLED[profile]


def _cable_with_profile(site: Site, profile: str, near: list[Any], far: list[Any], positions: tuple[int, int]) -> None:
    """Ends as NetBox 4.5 has them; its dump has arrays as texts of texts."""
    cable = site.cable(near, far, profile=profile)
    ends = [each["fields"] for each in site.objects if each["fields"].get("cable") == cable]
    for side, count in (("A", positions[0]), ("B", positions[1])):
        for number, end in enumerate([end for end in ends if end["cable_end"] == side], 1):
            end["connector"] = number
            end["positions"] = "[" + ", ".join(f'"{each}"' for each in range(1, count + 1)) + "]"


def _legs(site: Site, key: dict[str, int], profile: str) -> None:
    interface(site, key, "sw1", "Et49", type="100gbase-x-qsfp28")
    for number in range(1, 5):
        interface(site, key, "db 1", f"f{number}", type="25gbase-x-sfp28")
    far = [("dcim.interface", key[f"f{number}"]) for number in range(1, 5)]
    if profile:
        _cable_with_profile(site, profile, [("dcim.interface", key["Et49"])], far, (4, 1))
    else:
        site.cable([("dcim.interface", key["Et49"])], far)


@pytest.mark.parametrize("profile", ["", "breakout-1c4p-4c1p"])
def test_a_breakout_has_legs(site: Site, store: Inventory, profile: str) -> None:
    key = a_room(site)
    _legs(site, key, profile)
    documents = bring(store, site)
    for number in range(1, 5):
        assert path(store, f"db-1:f{number}") == [f"db-1:f{number}", f"sw1:Et49/{number}"]
    leg = values(store, "sw1:Et49/2")
    assert (leg["kind"], leg["parent"]) == (["leg"], ["sw1:Et49"])
    switch = next(each for each in documents if each.name == "sw1")
    assert str(switch.part_origins["Et49/2"]) == f"dcim.interface:{key['Et49']}/2"
    with store.change("again") as change:
        load(change, site.read())
    assert change.id is None


def test_the_legs_of_a_breakout_are_the_channels_that_there_are(site: Site, store: Inventory) -> None:
    key = a_room(site)
    _legs(site, key, "breakout-1c4p-4c1p")
    for number in range(1, 5):
        interface(site, key, "sw1", f"Et49:{number}", type="25gbase-x-sfp28", parent=key["Et49"], channel_id=number)
    bring(store, site)
    assert path(store, "db-1:f3") == ["db-1:f3", "sw1:Et49:3"]


def test_a_fanout_joins_positions_of_a_rear_port(site: Site, store: Inventory) -> None:
    key = a_room(site)
    _panel(site, key, "p1", 4, 4, False)
    for number in range(1, 5):
        interface(site, key, "db 1", f"f{number}")
    _cable_with_profile(
        site, "breakout-1c4p-4c1p", [("dcim.rearport", key["p1 rear"])],
        [("dcim.interface", key[f"f{number}"]) for number in range(1, 5)], (4, 1),
    )  # fmt: skip
    site.cable([("dcim.frontport", key["p1 3"])], [("dcim.interface", key["Gi 1/0/1"])])
    bring(store, site)
    assert path(store, "sw1:Gi-1/0/1")[-1] == "db-1:f3"


def test_lanes_of_one_port_to_one_port_are_one_cable(site: Site, store: Inventory) -> None:
    key = a_room(site)
    interface(site, key, "sw1", "Et49", type="100gbase-x-qsfp28")
    _cable_with_profile(
        site, "single-1c4p", [("dcim.interface", key["eth1"])], [("dcim.interface", key["Et49"])], (4, 4)
    )
    bring(store, site)
    assert path(store, "db-1:eth1") == ["db-1:eth1", "sw1:Et49"]


# --- what is kept with a Thing ---------------------------------------------------------------------------------------


def test_netbox_hands_nothing_down(site: Site, store: Inventory) -> None:
    key = a_room(site)
    tenant = site.add("tenancy.tenant", name="Acme")
    role = site.add("dcim.rackrole", name="Storage")
    tag = site.add("extras.tag", name="old")
    site.add("extras.taggeditem", content_type=["dcim", "rack"], object_id=key["rack"], tag=tag)
    rack = next(each["fields"] for each in site.objects if each["model"] == "dcim.rack")
    rack |= {"serial": "RS", "asset_tag": "RA", "comments": "c", "tenant": tenant, "role": role, "status": "planned",
             "custom_field_data": {"power": "2kW"}, "width": 19}  # fmt: skip
    bring(store, site)
    with store.change("a setting of people's") as change:
        change.set_values(change.resolve("R-1"), "snmp.community", ["secret:snmp"])
    with store.read() as reader:
        device = reader.resolve("sw1")
        inherited = {str(each.attribute.key) for each in reader.effective(device) if each.origin != device}
    assert inherited == {"snmp.community"}
    assert values(store, "R-1")["serial"] == ["RS"]


def test_custom_fields_that_name_objects(site: Site, store: Inventory) -> None:
    key = a_room(site)
    tenant = site.add("tenancy.tenant", name="Acme")
    contact = site.add("tenancy.contact", name="Ann")
    for name, sort, model in (
        ("mate", "object", ["dcim", "device"]), ("racks", "multiobject", ["dcim", "rack"]),
        ("payer", "object", ["tenancy", "tenant"]), ("who", "object", ["tenancy", "contact"]),
    ):  # fmt: skip
        site.add("extras.customfield", name=name, type=sort, related_object_type=model)
    device = next(each["fields"] for each in site.objects if each["pk"] == key["db 1"])
    device["custom_field_data"] = {
        "mate": key["sw1"], "racks": [key["rack"]], "payer": tenant, "who": contact, "plan": {"a": 1},
    }  # fmt: skip
    bring(store, site)
    found = values(store, "db-1")
    assert {name: value for name, value in found.items() if name.startswith("custom.")} == {
        "custom.mate": ["sw1"], "custom.racks": ["R-1"], "custom.payer": ["Acme"], "custom.who": [f"contact-{contact}"],
        "custom.plan": [{"a": 1}],
    }  # fmt: skip
    with store.change("rename") as change:
        change.rename("sw1", "sw2")
    assert values(store, "db-1")["custom.mate"] == ["sw2"]


@pytest.mark.parametrize("model", ["ipam.prefix", "virtualization.cluster"])
def test_scopes(site: Site, store: Inventory, model: str) -> None:
    key = a_room(site)
    region = site.add("dcim.region", name="North")
    for at, (scope, pk) in enumerate((("site", key["site"]), ("location", key["room"]), ("region", region))):
        site.add(model, name=f"c{at}", prefix=f"10.{at}.0.0/16", status="active", scope_type=["dcim", scope],
                 scope_id=pk, _site=key["site"])  # fmt: skip
    names = ["10.0.0.0-16", "10.1.0.0-16", "10.2.0.0-16"] if model == "ipam.prefix" else ["c0", "c1", "c2"]
    bring(store, site)
    assert [values(store, name).get("_in") for name in names] == [["Old-Town"], ["Room-1"], None]
    assert values(store, names[2])["region"] == ["North"]


def test_a_vlan_is_where_its_group_is(site: Site, store: Inventory) -> None:
    key = a_room(site)
    group = site.add("ipam.vlangroup", name="g", scope_type=["dcim", "location"], scope_id=key["room"])
    site.add("ipam.vlan", vid=7, name="x", site=None, group=group, status="active")
    bring(store, site)
    assert values(store, "vlan7")["_in"] == ["Room-1"]


def test_arrays_as_django_writes_them(site: Site, store: Inventory) -> None:
    key = a_room(site)
    site.add("dcim.rackreservation", rack=key["rack"], units='["3", "4"]', description="soon")
    bring(store, site)
    assert values(store, "R-1")["reserved"] == ["RU 3,4: soon"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "active", "role": ""}, None), ({"status": "deprecated"}, ["deprecated"]),
        ({"status": "active", "role": "secondary"}, ["secondary"]),
        ({"status": "dhcp", "role": "loopback"}, ["dhcp loopback"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("address", ["10.0.0.1", "2001:db8::1"])
def test_status_and_role_of_an_address(
    site: Site, store: Inventory, address: str, fields: dict[str, str], words: list[str] | None
) -> None:
    key = a_room(site)
    site.add("ipam.ipaddress", address=f"{address}/24", assigned_object_type=["dcim", "interface"],
             assigned_object_id=key["eth0"], **fields)  # fmt: skip
    bring(store, site)
    found = values(store, "db-1:eth0")
    assert found.get("_ip") == [address]
    assert found.get(f"address.{address}") == words
