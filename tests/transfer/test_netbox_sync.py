"""What people do in a NetBox arrives at the next sync: each change held against an import anew."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pynetbox", reason="pynetbox is not installed (pip install 'clusto[netbox]')")

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.transfer import formats
from clusto_core.transfer.sources import netbox as source
from clusto_core.transfer.sources.file import FileSource
from clusto_core.transfer.sources.protocol import Declared, Source, quiet
from clusto_core.transfer.sync.engine import Options
from clusto_core.transfer.sync.report import Report
from clusto_core.transfer.sync.running import Store, run
from tests.netbox_server import NetBox
from tests.netbox_site import Site, a_room

Keys = dict[str, int]
Change = Callable[[NetBox, Keys], None]


class Synced:
    """A NetBox, and an inventory that is in step with it."""

    def __init__(self, way: str, netbox: NetBox, key: Keys, folder: Path, empty: Path) -> None:
        self.way, self.netbox, self.key, self.folder, self.empty = way, netbox, key, folder, empty
        self.inventory = self.made("synced")

    def made(self, name: str) -> Inventory:
        path = self.folder / f"{name}.db"
        shutil.copy(self.empty, path)
        return Inventory(Settings(f"sqlite:///{path}"))

    def sync(self, inventory: Inventory | None = None, *, name: str = "nb", **options: Any) -> Report:
        into = inventory or self.inventory
        store = Store(into.read, lambda: into.change("sync"), lambda: into.change(""))
        settings = {"address": self.netbox.url, "token": "env:CLUSTO_NETBOX"}
        declared = Declared(name, "netbox", "config.toml", settings)
        return run(store, declared, self.source(declared), Options(**options), quiet)

    def source(self, declared: Declared) -> Source:
        """The NetBox itself, or its dump of now."""
        if self.way == "rest":
            return source.source(declared)
        path = self.folder / "dump.json"
        path.write_text(json.dumps(self.netbox.dump()))
        return FileSource((str(path),), "netbox")

    def locate(self, name: str) -> list[str]:
        from clusto_core.answers.location import locate

        with self.inventory.read() as reader:
            return [each.words for each in locate(reader, reader.resolve(name))]

    def values(self, name: str, key: str) -> list[object]:
        with self.inventory.read() as reader:
            return [each.value.python() for each in reader.attributes(reader.resolve(name).id) if str(each.key) == key]

    def above(self, name: str) -> set[str]:
        with self.inventory.read() as reader:
            return {each.name for each in reader.ancestors(reader.resolve(name))}

    def has(self, name: str) -> bool:
        with self.inventory.read() as reader:
            return reader.get(name) is not None

    def driver(self, name: str) -> str:
        with self.inventory.read() as reader:
            return reader.resolve(name).driver

    def holder(self, address: str) -> str | None:
        with self.inventory.read() as reader:
            holders = {each.thing_id for each in reader.attributes_under(Key("_ip")) if each.value.text == address}
            return next((thing.name for thing in reader.by_ids(holders).values()), None)


@pytest.fixture(params=["rest", "dump"])
def synced(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Synced]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CLUSTO_NETBOX", "0123456789abcdef")
    site = Site()
    key = a_room(site)
    _more(site, key)
    with NetBox(site.objects, "4.4.2") as netbox:
        found = Synced(request.param, netbox, key, tmp_path, sqlite_template)
        found.sync()
        yield found


def _more(site: Site, key: Keys) -> None:
    """Another site with a rack, an address, a VLAN, a tag, a custom field, a machine."""
    key["site2"] = site.add("dcim.site", name="New Town", slug="new-town", status="active")
    key["rack2"] = site.add("dcim.rack", name="R2", site=key["site2"], location=None, u_height=42)
    key["tag"] = site.add("extras.tag", name="gold", slug="gold")
    key["silver"] = site.add("extras.tag", name="silver", slug="silver")
    site.add("extras.taggeditem", content_type=["dcim", "device"], object_id=key["db 1"], tag=key["tag"])
    site.add("extras.customfield", name="tier", type="text")
    key["mac"] = site.add("dcim.macaddress", mac_address="52:54:00:00:00:01",
                          assigned_object_type=["dcim", "interface"], assigned_object_id=key["eth0"])  # fmt: skip
    key["address"] = site.add("ipam.ipaddress", address="10.0.0.1/24", status="active", vrf=None,
                              assigned_object_type=["dcim", "interface"], assigned_object_id=key["eth0"])  # fmt: skip
    key["vlan"] = site.add("ipam.vlan", vid=10, name="ten", site=key["site"], status="active")
    key["prefix"] = site.add("ipam.prefix", prefix="10.0.0.0/24", site=key["site"], status="active", vrf=None)
    key["cluster"] = site.add("virtualization.cluster", name="kvm1", site=key["site"], status="active")
    key["cluster2"] = site.add("virtualization.cluster", name="kvm2", site=key["site"], status="active")
    key["vm"] = site.add("virtualization.virtualmachine", name="vm1", cluster=key["cluster"], status="active")
    device = next(
        each["fields"] for each in site.objects if each["model"] == "dcim.device" and each["pk"] == key["db 1"]
    )
    device |= {"serial": "S1", "asset_tag": "A1", "description": "old", "custom_field_data": {"tier": "one"}}
    interface = next(each["fields"] for each in site.objects if each["pk"] == key["eth0"])
    interface["primary_mac_address"] = key["mac"]
    cables = [each["pk"] for each in site.objects if each["model"] == "dcim.cable"]
    key["cable"], key["power cable"] = cables[0], cables[3]


def _device(**fields: Any) -> Change:
    return lambda netbox, key: netbox.change(
        "dcim.device", key["db 1"], **{name: key.get(value, value) if isinstance(value, str) else value
                                       for name, value in fields.items()}
    )  # fmt: skip


def _retag(netbox: NetBox, key: Keys, *tags: str) -> None:
    netbox.tag("dcim.device", key["db 1"], [key[each] for each in tags])


def _unplug(netbox: NetBox, key: Keys, cable: str) -> None:
    for pk in [pk for pk, row in netbox.tables["dcim.cabletermination"].items() if row["cable"] == key[cable]]:
        netbox.delete("dcim.cabletermination", pk)
    netbox.delete("dcim.cable", key[cable])


def _plug(netbox: NetBox, near: int, far: int) -> None:
    netbox.add("dcim.cable", 7000, status="connected")
    for number, side, port in ((7001, "A", near), (7002, "B", far)):
        netbox.add("dcim.cabletermination", number, cable=7000, cable_end=side,
                   termination_type=["dcim", "interface"], termination_id=port)  # fmt: skip


def _replug(netbox: NetBox, key: Keys) -> None:
    _unplug(netbox, key, "cable")
    _plug(netbox, key["eth0"], key["Gi 1/0/1"])


def _delete_device(netbox: NetBox, key: Keys) -> None:
    """As NetBox does: its ports go with it, the cables at them, and its addresses are free."""
    for cable in ("cable", "power cable"):
        _unplug(netbox, key, cable)
    for model in ("dcim.interface", "dcim.powerport", "dcim.consoleport"):
        for pk in [pk for pk, row in netbox.tables[model].items() if row["device"] == key["db 1"]]:
            ends = [end for end, row in netbox.tables["dcim.cabletermination"].items() if row["termination_id"] == pk]
            for end in ends:
                netbox.delete("dcim.cabletermination", end)
            netbox.delete(model, pk)
    netbox.change("ipam.ipaddress", key["address"], assigned_object_type=None, assigned_object_id=None)
    netbox.delete("dcim.device", key["db 1"])


def _swap_names(netbox: NetBox, key: Keys) -> None:
    netbox.change("dcim.device", key["db 1"], name="sw1")
    netbox.change("dcim.device", key["sw1"], name="db 1")


def _add_device(netbox: NetBox, key: Keys) -> None:
    netbox.add("dcim.device", 8000, name="db 9", device_type=key["type server"], role=key["role server"],
               site=key["site"], rack=key["rack"], position="20.0", face="front", status="active")  # fmt: skip
    netbox.add("dcim.interface", 8001, device=8000, name="eth0", type="1000base-t")


def _drop_field(netbox: NetBox, key: Keys) -> None:
    for row in netbox.tables["dcim.device"].values():
        row.get("custom_field_data", {}).pop("tier", None)
    netbox.delete("extras.customfield", next(iter(netbox.tables["extras.customfield"])))


CHANGES: dict[str, tuple[Change, Callable[[Synced], bool]]] = {
    "a device is new": (_add_device, lambda s: s.locate("db-9")[0] == "connected to RU20 in R-1"),
    "a device is deleted": (_delete_device, lambda s: not s.has("db-1")),
    "a device is renamed": (_device(name="db 2"), lambda s: "RU13 in R-1" in s.locate("db-2")[1] and not s.has("db-1")),
    "a device is moved up": (_device(position="30.0"), lambda s: "connected to RU30 in R-1" in s.locate("db-1")),
    "a device is in another rack": (
        _device(rack="rack2", site="site2", location=None), lambda s: "connected to RU13 in R2" in s.locate("db-1")),
    "a device is out of its rack": (
        _device(rack=None, position=None, face=""), lambda s: s.above("db-1") == {"Server", "Room-1", "Old-Town"}),
    "a device is at another site": (
        _device(rack=None, position=None, site="site2", location=None),
        lambda s: s.above("db-1") == {"Server", "New-Town"}),
    "a device has another role": (_device(role="role switch"), lambda s: s.driver("db-1") == "Switch"),
    "a device is of another type": (
        _device(device_type="type switch"), lambda s: s.values("db-1", "type") == ["acme/best-switch"]),
    "a device has another status": (_device(status="offline"), lambda s: s.values("db-1", "status") == ["offline"]),
    "a value is emptied": (
        _device(serial="", asset_tag=None, description=""),
        lambda s: not s.values("db-1", "serial") + s.values("db-1", "asset_tag") + s.values("db-1", "description")),
    "a tag is added": (
        lambda n, k: _retag(n, k, "tag", "silver"), lambda s: s.values("db-1", "tag") == ["gold", "silver"]),
    "the last tag is gone": (lambda n, k: _retag(n, k), lambda s: not s.values("db-1", "tag")),
    "a tag is renamed": (
        lambda n, k: n.change("extras.tag", k["tag"], name="golden"), lambda s: s.values("db-1", "tag") == ["golden"]),
    "a custom field has another value": (
        _device(custom_field_data={"tier": "two"}), lambda s: s.values("db-1", "custom.tier") == ["two"]),
    "a custom field is deleted": (_drop_field, lambda s: not s.values("db-1", "custom.tier")),
    "a cable is new": (
        lambda n, k: _plug(n, k["eth1"], k["Gi 1/0/1"]),
        lambda s: "connected to port Gi-1/0/1 on sw1" in s.locate("db-1")),
    "a cable is deleted": (
        lambda n, k: _unplug(n, k, "power cable"), lambda s: not any("pdu1" in line for line in s.locate("db-1"))),
    "a cable goes to another port": (_replug, lambda s: s.locate("db-1")[0] == "connected to port Gi-1/0/1 on sw1"),
    "an interface is new": (
        lambda n, k: n.add("dcim.interface", 9000, device=k["db 1"], name="eth7", type="1000base-t"),
        lambda s: s.has("db-1:eth7")),
    "an interface is deleted": (
        lambda n, k: n.delete("dcim.interface", k["eth1"]), lambda s: not s.has("db-1:eth1")),
    "an interface is renamed": (
        lambda n, k: n.change("dcim.interface", k["eth0"], name="ens1"),
        lambda s: s.holder("10.0.0.1") == "db-1:ens1" and s.locate("db-1")[0] == "connected to port Gi-1/0/2 on sw1"),
    "a MAC is another one": (
        lambda n, k: n.change("dcim.macaddress", k["mac"], mac_address="52:54:00:00:00:02"),
        lambda s: s.values("db-1:eth0", "mac") == ["52:54:00:00:00:02"]),
    "an address is new": (
        lambda n, k: n.add("ipam.ipaddress", 9100, address="10.0.0.2/24", status="active",
                           assigned_object_type=["dcim", "interface"], assigned_object_id=k["eth1"]),
        lambda s: s.holder("10.0.0.2") == "db-1:eth1"),
    "the last address is deleted": (
        lambda n, k: n.delete("ipam.ipaddress", k["address"]), lambda s: s.holder("10.0.0.1") is None),
    "an address is moved": (
        lambda n, k: n.change("ipam.ipaddress", k["address"], assigned_object_id=k["Gi 1/0/1"]),
        lambda s: s.holder("10.0.0.1") == "sw1:Gi-1/0/1"),
    "a rack is renamed": (
        lambda n, k: n.change("dcim.rack", k["rack"], name="R1b"),
        lambda s: s.has("R1b") and not s.has("R-1") and "connected to RU13 in R1b" in s.locate("db-1")),
    "a rack is at another site": (
        lambda n, k: n.change("dcim.rack", k["rack2"], site=k["site"]), lambda s: s.locate("R2") == ["in Old-Town"]),
    "a site is renamed": (
        lambda n, k: n.change("dcim.site", k["site"], name="Main"),
        lambda s: s.has("Main") and not s.has("Old-Town") and s.locate("Room-1") == ["in Main"]),
    "names are swapped": (
        _swap_names, lambda s: s.driver("db-1") == "Switch" and s.values("sw1", "serial") == ["S1"]),
    "a VLAN has another number": (
        lambda n, k: n.change("ipam.vlan", k["vlan"], vid=11), lambda s: s.values("vlan11", "vid") == [11]),
    "a prefix is deleted": (lambda n, k: n.delete("ipam.prefix", k["prefix"]), lambda s: not s.has("10.0.0.0-24")),
    "a machine is in another cluster": (
        lambda n, k: n.change("virtualization.virtualmachine", k["vm"], cluster=k["cluster2"]),
        lambda s: s.locate("vm1") == ["in kvm2"]),
    "a rack is higher": (
        lambda n, k: n.change("dcim.rack", k["rack2"], u_height=45), lambda s: s.has("R2:RU45")),
}  # fmt: skip


def _exported(inventory: Inventory) -> list[dict[str, Any]]:
    """What an inventory says, without what its source is remembered by."""
    out = io.StringIO()
    with inventory.read() as reader:
        formats.writer_of("jsonl")(reader, reader.all(), out)
    things = [json.loads(line) for line in out.getvalue().splitlines()]
    for thing in things:
        thing.pop("source", None)
        for attrs in (thing.get("attrs", {}), *thing.get("part_attrs", {}).values()):
            for key in [key for key in attrs if key.startswith("_source")]:
                del attrs[key]
        thing["in"] = sorted(thing.get("in", ()))
        thing["part_attrs"] = {part: attrs for part, attrs in thing.get("part_attrs", {}).items() if attrs}
    return things


@pytest.mark.parametrize(("change", "arrived"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_arrives(synced: Synced, change: Change, arrived: Callable[[Synced], bool]) -> None:
    change(synced.netbox, synced.key)
    report = synced.sync(prune=True)
    assert not report.held, report.held
    assert arrived(synced), synced.locate("db-1")
    anew = synced.made("anew")
    synced.sync(anew, name="anew")
    assert _exported(synced.inventory) == _exported(anew)
    again = synced.sync()
    assert not again.changed


def test_a_name_that_is_taken_twice_leaves_the_first_as_it_is(synced: Synced) -> None:
    netbox, key = synced.netbox, synced.key
    netbox.add("dcim.device", 8000, name="db 1", device_type=key["type server"], role=key["role server"],
               site=key["site2"], status="active")  # fmt: skip
    report = synced.sync()
    assert report.in_step
    assert report.added == ["New-Town-db-1"]
    assert "connected to RU13 in R-1" in synced.locate("db-1")
    assert not synced.sync().changed
    netbox.delete("dcim.device", 8000)
    assert synced.sync(prune=True).removed == ["New-Town-db-1"]
    assert synced.has("db-1")


def test_what_people_do_here_stays(synced: Synced) -> None:
    with synced.inventory.change("by hand") as change:
        change.set_values(change.resolve("db-1"), "snmp.community", ["secret:snmp"])
        change.set_values(change.resolve("db-1"), "asset_tag", ["A9"])
    synced.netbox.change("dcim.device", synced.key["db 1"], serial="S9")
    report = synced.sync()
    assert report.in_step
    assert [(each.name, "asset_tag" in each.text) for each in report.kept] == [("db-1", True)]
    assert synced.values("db-1", "serial") == ["S9"]
    assert synced.values("db-1", "asset_tag") == ["A9"]
    synced.netbox.change("dcim.device", synced.key["db 1"], asset_tag="A2")
    report = synced.sync()
    assert [each.name for each in report.conflicts] == ["db-1"]
    synced.sync(prefer="source")
    assert synced.values("db-1", "asset_tag") == ["A2"]
