"""NetBox's dumps: what goes in is wired as NetBox has it, and what cannot go in is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_core.answers.location import locate
from clusto_core.config import Settings
from clusto_core.errors import Malformed
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.model.names import check_name
from clusto_core.transfer.documents import Document
from clusto_core.transfer.formats.netbox import read
from clusto_core.transfer.importer import load
from clusto_core.transfer.netbox.dump import Reference
from clusto_core.transfer.netbox.dump import load as load_dump
from clusto_core.transfer.netbox.naming import Candidate, unique
from tests.conftest import Run
from tests.netbox_site import Site, a_room, hardware
from tests.recorded import files


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def store(sqlite_url: str) -> Inventory:
    return Inventory(Settings(sqlite_url))


def bring(inventory: Inventory, documents: list[Document]) -> int | None:
    with inventory.change("import") as change:
        load(change, documents)
    return change.id


def lines(inventory: Inventory, name: str) -> list[str]:
    with inventory.read() as reader:
        return [location.words for location in locate(reader, reader.resolve(name))]


def values(inventory: Inventory, name: str) -> dict[str, list[object]]:
    with inventory.read() as reader:
        found: dict[str, list[object]] = {}
        for each in reader.attributes(reader.resolve(name).id):
            found.setdefault(str(each.key), []).append(each.value.python())
        return found


def notes(documents: list[Document]) -> str:
    return "\n".join(note for document in documents for note in document.notes)


def test_a_room_is_wired_as_in_netbox(site: Site, store: Inventory) -> None:
    a_room(site)
    documents = site.read()
    assert bring(store, documents) is not None
    assert lines(store, "db-1") == [
        "connected to port Gi-1/0/2 on sw1",
        "connected to RU13 in R-1",
        "connected to RU14 in R-1",
        "connected to outlet 7 on pdu1",
        "connected to port 1 on cs1",
    ]
    with store.read() as reader:
        path = [part.name for part in reader.trace(reader.resolve("db-1:eth0"))]
    assert path == ["db-1:eth0", "pp1:3", "pp1:rear3", "pp2:rear3", "pp2:3", "sw1:Gi-1/0/2"]
    assert values(store, "db-1") == {
        "type": ["acme/best-server"],
        "height": [2],
        "netbox.name": ["db 1"],
        "status": ["active"],
        "_in": ["Server"],
    }
    assert values(store, "db-1:eth0") == {
        "connector": ["10gbase-t"],
        "cable.label": ["A-17"],
        "cable.length": ["2 m"],
    }
    assert values(store, "pp1:rear3")["label"] == ["MPO:3"]
    with store.read() as reader:
        assert [each.name for each in reader.ancestors(reader.resolve("db-1"))] == [
            "Server",
            "R-1",
            "Room-1",
            "Old-Town",
        ]
        assert reader.resolve("sw1:Gi 1/0/2").name == "sw1:Gi-1/0/2"
        assert {part.driver for part in reader.parts(reader.resolve("sw1").id)} == {"Port"}


def test_the_same_dump_again_changes_nothing(site: Site, store: Inventory) -> None:
    a_room(site)
    assert bring(store, site.read()) is not None
    assert bring(store, site.read()) is None


def test_names_that_are_double_get_what_they_are_in(site: Site, store: Inventory) -> None:
    for name in ("A 1", "B 1"):
        pk = site.add("dcim.site", name=name)
        site.add("dcim.rack", name="Comms closet", site=pk, u_height=4)
        site.add("ipam.vlan", vid=100, name="Data", site=pk)
    site.add("dcim.site", name="A-1")
    site.add("dcim.devicerole", name="???", slug="x")
    documents = site.read()
    bring(store, documents)
    with store.read() as reader:
        names = {thing.name for thing in reader.all()}
    assert names == {
        "A-1-site-1", "B-1", "A-1-site-7", "devicerole-8",
        "A-1-Comms-closet", "B-1-Comms-closet", "A-1-vlan100", "B-1-vlan100",
    }  # fmt: skip
    assert values(store, "B-1-vlan100")["netbox.name"] == ["Data"]
    assert values(store, "B-1-vlan100")["vid"] == [100]
    assert "8 names are others in clusto" in notes(documents)


_KEYS = st.builds(Reference, st.sampled_from(["dcim.device", "ipam.vlan"]), st.integers(1, 3))
_TEXTS = st.text("aé -1:/", max_size=3)


@given(st.lists(st.builds(Candidate, _KEYS, _TEXTS, _TEXTS, st.just("x")), unique_by=lambda each: each.key, max_size=6))
def test_every_object_gets_a_name_of_its_own(candidates: list[Candidate]) -> None:
    names = unique(candidates)
    assert len(set(names.values())) == len(names) == len(candidates)
    for name in names.values():
        check_name(name)
    assert unique(candidates[::-1]) == names


def test_names_do_not_depend_on_the_order_of_the_dump(site: Site) -> None:
    a_room(site)
    names = {document.name for document in site.read()}
    site.objects.reverse()
    assert {document.name for document in site.read()} == names


def test_devices_stand_where_netbox_has_them(site: Site, store: Inventory) -> None:
    """Halves of units, at the front, at the rear, through both; what cannot stand there is in the rack."""
    key = a_room(site)
    half = site.add("dcim.devicetype", manufacturer=None, model="Half", u_height="0.5")
    shallow = site.add("dcim.devicetype", manufacturer=None, model="Shallow", u_height="1.0", is_full_depth=False)
    whole = site.add("dcim.devicetype", manufacturer=None, model="Whole", u_height="1.0")
    common = {"role": key["role switch"], "site": key["site"], "rack": key["rack"], "status": "active"}
    wanted = {
        "low": (half, "20.0", "front", "R-1:RU20.0"), "high": (half, "20.5", "front", "R-1:RU20.5"),
        "front": (shallow, "22.0", "front", "R-1:RU22/front"), "rear": (shallow, "22.0", "rear", "R-1:RU22/rear"),
        "between": (whole, "23.5", "front", "R-1:RU23.5-24.0"), "behind": (shallow, "13.0", "rear", ""),
        "above": (whole, "43.0", "front", ""),
    }  # fmt: skip
    for name, (model, position, face, _) in wanted.items():
        site.add("dcim.device", name=name, device_type=model, position=position, face=face, **common)
    documents = site.read()
    assert {each.name: each.at for each in documents if each.name in wanted} == {
        name: at for name, (*_, at) in wanted.items()
    }
    bring(store, documents)
    assert values(store, "behind")["position"] == ["RU13 rear"]
    assert "2 devices are on units that another device has" in notes(documents)


def test_devices_without_a_name(site: Site, store: Inventory) -> None:
    key = a_room(site)
    chassis = site.add("dcim.virtualchassis", name="core stack")
    common = {"role": key["role switch"], "site": key["site"], "rack": None, "status": "active", "name": None}
    site.add("dcim.device", device_type=key["type switch"], virtual_chassis=chassis, vc_position=2, **common)
    lonely = site.add("dcim.device", device_type=key["type switch"], **common)
    bring(store, site.read())
    assert lines(store, "core-stack-2") == ["in Switch", "in Old-Town"]
    assert lines(store, f"Best-switch-{lonely}") == ["in Switch", "in Old-Town"]


def test_a_type_s_parts_and_those_that_a_device_has_besides(site: Site, store: Inventory) -> None:
    key = a_room(site)
    for n in (1, 2):
        site.add("dcim.powerporttemplate", device_type=key["type server"], name=f"PSU{n}", type="iec-60320-c14")
    site.add("dcim.interfacetemplate", device_type=key["type server"], name="iDRAC", type="1000base-t", mgmt_only=True)
    documents = site.read()
    bring(store, documents)
    with store.read() as reader:
        parts = {part.part_name: part.driver for part in reader.parts(reader.resolve("db-1").id)}
    assert parts == {"eth0": "NIC", "eth1": "NIC", "Serial": "SerialPort", "PSU1": "Inlet"}
    with store.change() as change:
        change.add("Server", "db2", device_type="acme/best-server")
        assert {part.part_name for part in change.unit.parts(change.resolve("db2"))} == {"PSU1", "PSU2", "iDRAC"}


def test_circuits_join_what_is_at_their_ends(site: Site, store: Inventory) -> None:
    key = a_room(site)
    circuit = site.add("circuits.circuit", cid="X-1")
    ends = [site.add("circuits.circuittermination", circuit=circuit, term_side=side) for side in "AZ"]
    site.cable([("dcim.interface", key["eth1"])], [("circuits.circuittermination", ends[0])])
    site.cable([("circuits.circuittermination", ends[1])], [("dcim.interface", key["Gi 1/0/1"])])
    other = site.add("circuits.circuit", cid="X-2")
    end = site.add("circuits.circuittermination", circuit=other, term_side="A")
    spare = site.add("dcim.interface", device=key["sw1"], name="spare")
    site.cable([("dcim.interface", spare)], [("circuits.circuittermination", end)])
    feed = site.add("dcim.powerfeed", name="P1-A")
    inlet = site.add("dcim.powerport", device=key["pdu1"], name="Inlet", type="iec-60309")
    site.cable([("dcim.powerport", inlet)], [("dcim.powerfeed", feed)])
    documents = site.read()
    bring(store, documents)
    assert lines(store, "db-1")[1] == "connected to port Gi-1/0/1 on sw1"
    assert values(store, "db-1:eth1")["circuit"] == ["X-1"]
    assert values(store, "sw1:spare")["circuit"] == ["X-2"]
    assert values(store, "pdu1:Inlet")["power_feed"] == ["P1-A"]
    assert "1 cables are left out, to circuits of which the other end is not known" in notes(documents)
    assert "1 cables are left out, to power feeds" in notes(documents)


def test_cables_that_are_not_there_or_do_not_fit(site: Site, store: Inventory) -> None:
    key = a_room(site)
    site.cable([("dcim.interface", key["eth1"])], [("dcim.interface", key["Gi 1/0/1"])], status="planned")
    site.cable([("dcim.interface", key["eth1"])], [])
    site.cable([("dcim.interface", key["eth1"])], [("wireless.thing", 1)])
    documents = site.read()
    bring(store, documents)
    assert len(lines(store, "db-1")) == 5
    for text in ("planned: not laid", "with one end only", "to a wireless.thing, which is no part"):
        assert f"1 cables are left out, {text}" in notes(documents)


def test_a_cable_with_several_ends(site: Site, store: Inventory) -> None:
    key = a_room(site)
    more = site.add("dcim.interface", device=key["sw1"], name="Gi3")
    nic = site.add("dcim.interface", device=key["db 1"], name="eth2")
    site.cable(
        [("dcim.interface", key["eth1"]), ("dcim.interface", nic)],
        [("dcim.interface", key["Gi 1/0/1"]), ("dcim.interface", more)],
    )
    bring(store, site.read())
    assert lines(store, "db-1")[1:3] == ["connected to port Gi-1/0/1 on sw1", "connected to port Gi3 on sw1"]


def test_cables_of_an_older_netbox(site: Site, store: Inventory) -> None:
    key = a_room(site)
    site.add(
        "dcim.cable", status="connected", termination_a_type=["dcim", "interface"], termination_a_id=key["eth1"],
        termination_b_type="dcim.interface", termination_b_id=key["Gi 1/0/1"],
    )  # fmt: skip
    bring(store, site.read())
    assert lines(store, "db-1")[1] == "connected to port Gi-1/0/1 on sw1"


def test_addresses(site: Site, store: Inventory) -> None:
    key = a_room(site)
    vrf = site.add("ipam.vrf", name="Red", rd="1:1")
    vlan = site.add("ipam.vlan", vid=203, name="App", site=None)
    site.add("ipam.prefix", prefix="10.0.0.0/8", vlan=None, vrf=None, status="container")
    site.add("ipam.prefix", prefix="10.1.0.0/16", vlan=vlan, vrf=None, status="active", site=key["site"])
    site.add("ipam.prefix", prefix="10.1.0.0/16", vlan=None, vrf=vrf, status="active")
    held = {"status": "active", "assigned_object_type": ["dcim", "interface"]}
    main = site.add(
        "ipam.ipaddress", address="10.1.0.5/16", vrf=None, assigned_object_id=key["eth0"], dns_name="db.x", **held
    )  # fmt: skip
    next(each for each in site.objects if each["pk"] == key["db 1"])["fields"]["primary_ip4"] = main
    site.add("ipam.ipaddress", address="10.1.0.5/16", vrf=vrf, assigned_object_id=key["eth1"], **held)
    site.add("ipam.ipaddress", address="10.1.0.9/16", vrf=None, status="reserved", dns_name="later.x")
    site.add("ipam.ipaddress", address="192.0.2.1/32", vrf=None, status="active")
    site.add("ipam.iprange", start_address="10.1.9.1/16", end_address="10.1.9.9/16", vrf=None, status="reserved")
    documents = site.read()
    bring(store, documents)
    assert values(store, "db-1:eth0")["_ip"] == ["10.1.0.5"]
    assert values(store, "db-1:eth0")["dns_name"] == ["db.x"]
    assert values(store, "db-1")["primary_ip4"] == ["10.1.0.5"]
    assert values(store, "db-1:eth1")["_ip"] == ["10.1.0.5"]
    assert values(store, "Red-10.1.0.0-16")["vrf"] == ["Red"]
    with store.read() as reader:
        assert reader.resolve("10.1.0.5@Red") == reader.resolve("10.1.0.5@") == reader.resolve("db-1")
    assert values(store, "Old-Town-10.1.0.0-16") == {
        "netbox.name": ["10.1.0.0/16"],
        "cidr": ["10.1.0.0/16"],
        "vlan": ["vlan203"],
        "status": ["active"],
        "address.10.1.0.9": ["reserved later.x"],
        "range": ["10.1.9.1-10.1.9.9 reserved"],
        "_in": ["Old-Town"],
    }
    assert values(store, "Red-10.1.0.0-16")["vrf"] == ["Red"]
    assert "1 ipam.ipaddress" in notes(documents)


def test_machines_in_clusters(site: Site, store: Inventory) -> None:
    key = a_room(site)
    cluster = site.add("virtualization.cluster", name="Prod KVM", site=key["site"], status="active")
    machine = site.add(
        "virtualization.virtualmachine", name="vm1", cluster=cluster, vcpus="4.00", memory=8192, disk=None
    )
    nic = site.add("virtualization.vminterface", virtual_machine=machine, name="ens3", mac_address="52:54:00:AA:00:01")
    site.add(
        "ipam.ipaddress", address="2001:db8::1/64", vrf=None, status="active",
        assigned_object_type=["virtualization", "vminterface"], assigned_object_id=nic,
    )  # fmt: skip
    tag = site.add("extras.tag", name="gold", slug="gold")
    site.add("extras.taggeditem", content_type=["virtualization", "virtualmachine"], object_id=machine, tag=tag)
    bring(store, site.read())
    assert values(store, "vm1") == {"tag": ["gold"], "vcpus": [4], "memory": [8192], "_in": ["Prod-KVM"]}
    assert values(store, "vm1:ens3") == {"mac": ["52:54:00:aa:00:01"], "_ip": ["2001:db8::1"]}


def test_vlans_of_interfaces(site: Site, store: Inventory) -> None:
    key = a_room(site)
    vlans = [site.add("ipam.vlan", vid=vid, name=f"v{vid}", site=None) for vid in (10, 20, 30)]
    site.add(
        "dcim.interface", device=key["sw1"], name="trunk", mode="tagged", untagged_vlan=vlans[0],
        tagged_vlans=vlans[1:], enabled=False, mtu=9000, description="two\r\nlines\x07",
    )  # fmt: skip
    bring(store, site.read())
    found = values(store, "sw1:trunk")
    assert found == {
        "vlan": ["vlan10"],
        "tagged_vlan": ["vlan20", "vlan30"],
        "mode": ["tagged"],
        "enabled": [False],
        "mtu": [9000],
        "description": ["two\nlines "],
    }


def test_modules_items_and_shared_addresses(site: Site, store: Inventory) -> None:
    key = hardware(site, a_room(site))
    documents = site.read()
    bring(store, documents)
    assert "left out" not in notes(documents)
    card, disk = f"module#{key['module']}", f"item#{key['disk']}"
    assert {name: found for name, found in values(store, "sw1").items() if name.startswith("module")} == {
        f"{card}.bay": ["Slot 3"], f"{card}.manufacturer": ["Cardy"], f"{card}.model": ["LC-1"],
        f"{card}.part_number": ["P1"], f"{card}.serial": ["M-1"], f"{card}.status": ["failed"],
    }  # fmt: skip
    assert {name: found for name, found in values(store, "db-1").items() if name.startswith("item")} == {
        f"{disk}.name": ["Bay 0"], f"{disk}.role": ["Disk"], f"{disk}.manufacturer": ["Cardy"],
        f"{disk}.part_id": ["D-9"], f"{disk}.serial": ["WD-1"],
    }  # fmt: skip
    assert values(store, "sw1:Te3/1") == {
        "connector": ["10gbase-x-sfpp"], "module": ["cardy/lc-1"], "bay": ["3"],
        "fhrp": ["vrrp3 7 priority 50 gw"], "_ip.vrrp": ["10.9.0.1"],
    }  # fmt: skip
    assert values(store, "db-1:eth0")["_ip.vrrp"] == ["10.9.0.1"]
    assert "do not tell" not in repr(documents)


def test_a_type_of_modules_can_be_put_into_more(site: Site, store: Inventory) -> None:
    hardware(site, a_room(site))
    bring(store, site.read())
    with store.change("insert") as change:
        change.insert_module("cardy/lc-1", change.resolve("sw1"), "5")
    assert values(store, "sw1:Te5/1")["module"] == ["cardy/lc-1"]


def test_what_has_no_place_is_counted_and_accounts_are_passed_over(site: Site) -> None:
    site.add("tenancy.contact", name="Ann", phone="+1")
    site.add("dcim.module", device=1)
    site.add("dcim.module", device=1)
    site.add("auth.user", username="admin", password="pbkdf2_secret")
    documents = site.read()
    assert notes(documents) == (
        "dump.json: left out, as clusto has no place for them: 2 dcim.module, 1 tenancy.contact"
    )
    assert "secret" not in repr(documents)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"{}", "it is not a list"),
        (b"[1]", "an object without a model"),
        (b'[{"model": "dcim.site", "pk": 1}]', "a dcim.site without fields"),
        (b'[{"model": "dcim.site", "pk": 1, "fields": {}}]', "not a NetBox dump as expected: KeyError: 'name'"),
        (b"\x1f\x8b\x08 damaged", "damaged gzip"),
        (gzip.compress(b"[", mtime=0)[:-4], "damaged gzip"),
    ],
)
def test_what_is_no_dump(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "dump.json.gz"
    path.write_bytes(content)
    with path.open(encoding="utf-8") as file:
        (document,) = read(file, "dump.json.gz")
    assert message in document.problems[0].text


# --- a site of many devices ------------------------------------------------------------------------------------------


def is_dump(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return bool(load_dump(file).rows("dcim.cablepath"))
    except Malformed:
        return False


def test_paths_are_those_that_netbox_found(store: Inventory) -> None:
    """Brings a recorded dump in, and holds every path in it against the one that NetBox keeps for it."""
    for path in files("dumps of NetBox", (".json", ".json.gz"), is_dump):
        with path.open(encoding="utf-8") as file:
            documents = list(read(file, path.name))
        assert [document.problems for document in documents if document.problems] == []
        assert bring(store, documents) is not None
        assert bring(store, documents) is None
        with path.open(encoding="utf-8") as file:
            dump = load_dump(file)
        drivers = {}
        for document in documents:
            drivers[document.driver] = drivers.get(document.driver, 0) + 1
        assert drivers["Rack"] == len(dump.rows("dcim.rack"))
        assert drivers["VirtualServer"] == len(dump.rows("virtualization.virtualmachine"))
        assert sum(drivers.get(name, 0) for name in ("Server", "Switch", "Router", "PDU", "PatchPanel")) == len(
            dump.rows("dcim.device")
        )
        mounted = [row for row in dump.rows("dcim.device").values() if row["position"] is not None]
        assert sum(bool(document.at) for document in documents) == len(mounted)
        _check_paths(store, documents, dump.tables)


def _check_paths(store: Inventory, documents: list[Document], tables: dict[str, dict[int, Any]]) -> None:
    models = ("dcim.interface", "dcim.powerport", "dcim.poweroutlet", "dcim.consoleport", "dcim.consoleserverport")
    by_original = {
        str(values[0].text): document.name for document in documents for key, values in document.attrs.items()
        if key == Key("netbox", None, "name")
    }  # fmt: skip
    names = {document.name for document in documents}
    ends: dict[str, tuple[str, int]] = {}
    for model in models:
        for pk, row in tables.get(model, {}).items():
            if row["_path"] is not None:
                ends[tables["dcim.cablepath"][row["_path"]]["path"][0][0]] = (model, pk)
    checked = 0
    with store.read() as reader:
        for path in tables["dcim.cablepath"].values():
            near, far = (ends.get(path["path"][at][0]) for at in (0, -1))
            if not path["is_complete"] or near is None or far is None:
                continue
            parts = []
            for model, pk in (near, far):
                port = tables[model][pk]
                device = tables["dcim.device"][port["device"]]["name"]
                owner = device if device in names else by_original.get(device)
                if owner is not None:
                    parts.append(reader.resolve(f"{owner}:{port['name']}"))
            if len(parts) == 2:
                (link,) = reader.links_of_parts(parts[0].id)
                assert link.end == parts[1]
                checked += 1
    assert checked > 100


def test_at_the_command_line(clusto: Run, site: Site, tmp_path: Path) -> None:
    a_room(site)
    site.add("tenancy.contact", name="Ann")
    path = tmp_path / "dump.json.gz"
    path.write_bytes(gzip.compress(json.dumps(site.objects).encode()))
    result = clusto("import", "--format", "netbox", str(path))
    assert result.code == 0
    assert f"clusto: {path}: left out, as clusto has no place for them: 1 tenancy.contact" in result.err
    assert clusto("locate", "db-1").out.startswith("db-1 -> connected to port Gi-1/0/2 on sw1\n")
    exported = clusto("export", "--format", "jsonl").out
    assert clusto("import", "--format", "jsonl", "-", stdin=exported).out.startswith("nothing to change")
    result = clusto("import", "--format", "netbox", "-", stdin="{}")
    assert (result.code, result.err) == (
        2,
        "clusto: error: standard input:1: not a NetBox dump: it is not a list of objects\n",
    )
