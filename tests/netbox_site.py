"""Builds what a NetBox holds, object by object, as its dumps have it."""

from __future__ import annotations

import io
import json
from typing import Any

from clusto_core.transfer.documents import Document
from clusto_core.transfer.formats.netbox import read


class Site:
    """Builds a dump, object by object."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.last = 0

    def add(self, model: str, /, **fields: Any) -> int:
        self.last += 1
        self.objects.append({"model": model, "pk": self.last, "fields": fields})
        return self.last

    def cable(self, near: list[tuple[str, int]], far: list[tuple[str, int]], **fields: Any) -> int:
        cable = self.add("dcim.cable", **{"status": "connected", **fields})
        for side, ends in (("A", near), ("B", far)):
            for model, pk in ends:
                app, name = model.split(".")
                self.add(
                    "dcim.cabletermination",
                    cable=cable,
                    cable_end=side,
                    termination_type=[app, name],
                    termination_id=pk,
                )
        return cable

    def read(self) -> list[Document]:
        return list(read(io.StringIO(json.dumps(self.objects)), "dump.json"))


def a_room(site: Site) -> dict[str, int]:
    """A site with a rack, a server, a switch, a PDU, a console server and two panels, wired."""
    key: dict[str, int] = {}
    key["site"] = site.add("dcim.site", name="Old Town", slug="old-town", status="active")
    key["room"] = site.add("dcim.location", name="Room 1", site=key["site"], parent=None)
    key["rack"] = site.add("dcim.rack", name="R 1", site=key["site"], location=key["room"], u_height=42)
    maker = site.add("dcim.manufacturer", name="ACME")
    for kind, height in (("server", "2.0"), ("switch", "1.0"), ("pdu", "0.0"), ("console-server", "1.0"),
                         ("patch-panel", "1.0")):  # fmt: skip
        key[f"type {kind}"] = site.add("dcim.devicetype", manufacturer=maker, model=f"Best {kind}", u_height=height)
        key[f"role {kind}"] = site.add("dcim.devicerole", name=kind.replace("-", " ").title(), slug=kind)
    for name, kind, position in (("db 1", "server", "13.0"), ("sw1", "switch", "42.0"), ("pdu1", "pdu", None),
                                 ("cs1", "console-server", "41.0"), ("pp1", "patch-panel", "40.0"),
                                 ("pp2", "patch-panel", "39.0")):  # fmt: skip
        key[name] = site.add(
            "dcim.device", name=name, device_type=key[f"type {kind}"], role=key[f"role {kind}"], site=key["site"],
            location=key["room"], rack=key["rack"], position=position, face="front", status="active", serial="",
        )  # fmt: skip
    for name in ("eth0", "eth1"):
        key[name] = site.add("dcim.interface", device=key["db 1"], name=name, type="10gbase-t", mac_address=None)
    for name in ("Gi 1/0/1", "Gi 1/0/2"):
        key[name] = site.add("dcim.interface", device=key["sw1"], name=name, type="1000base-t")
    key["con"] = site.add("dcim.consoleport", device=key["db 1"], name="Serial", type="rj-45")
    key["ttyS1"] = site.add("dcim.consoleserverport", device=key["cs1"], name="Port 1", type="rj-45")
    key["PSU1"] = site.add("dcim.powerport", device=key["db 1"], name="PSU1", type="iec-60320-c14")
    key["outlet"] = site.add("dcim.poweroutlet", device=key["pdu1"], name="Outlet 7", type="iec-60320-c13")
    for panel in ("pp1", "pp2"):
        key[f"{panel} rear"] = site.add("dcim.rearport", device=key[panel], name="MPO", type="mpo", positions=4)
        for n in (1, 2, 3, 4):
            key[f"{panel} {n}"] = site.add(
                "dcim.frontport", device=key[panel], name=f"LC {n}", type="lc", rear_port=key[f"{panel} rear"],
                rear_port_position=n,
            )  # fmt: skip
    site.cable(
        [("dcim.interface", key["eth0"])], [("dcim.frontport", key["pp1 3"])], label="A-17", length=2, length_unit="m"
    )
    site.cable([("dcim.rearport", key["pp1 rear"])], [("dcim.rearport", key["pp2 rear"])])
    site.cable([("dcim.interface", key["Gi 1/0/2"])], [("dcim.frontport", key["pp2 3"])])
    site.cable([("dcim.powerport", key["PSU1"])], [("dcim.poweroutlet", key["outlet"])])
    site.cable([("dcim.consoleserverport", key["ttyS1"])], [("dcim.consoleport", key["con"])])
    return key


def hardware(site: Site, key: dict[str, int]) -> dict[str, int]:
    """A line card in the switch of a room, a disk in its server, and two gateways that share an address."""
    maker = site.add("dcim.manufacturer", name="Cardy")
    key["card"] = site.add("dcim.moduletype", manufacturer=maker, model="LC-1", part_number="P1", comments="")
    site.add(
        "dcim.interfacetemplate", device_type=None, module_type=key["card"], name="Te{module}/1", type="10gbase-x-sfpp"
    )
    bay = site.add("dcim.modulebay", device=key["sw1"], name="Slot 3", position="3")
    key["module"] = site.add("dcim.module", device=key["sw1"], module_bay=bay, module_type=key["card"], serial="M-1",
                             status="failed", asset_tag=None)  # fmt: skip
    key["port of card"] = site.add(
        "dcim.interface", device=key["sw1"], module=key["module"], name="Te3/1", type="10gbase-x-sfpp"
    )
    role = site.add("dcim.inventoryitemrole", name="Disk", slug="disk")
    key["disk"] = site.add("dcim.inventoryitem", device=key["db 1"], name="Bay 0", label="", role=role,
                           manufacturer=maker, part_id="D-9", serial="WD-1", status="active")  # fmt: skip
    key["group"] = site.add("ipam.fhrpgroup", protocol="vrrp3", group_id=7, name="gw", auth_key="do not tell")
    for interface, priority in ((key["eth0"], 100), (key["port of card"], 50)):
        site.add("ipam.fhrpgroupassignment", group=key["group"], interface_type=["dcim", "interface"],
                 interface_id=interface, priority=priority)  # fmt: skip
    site.add("ipam.ipaddress", address="10.9.0.1/24", vrf=None, status="active", role="vip",
             assigned_object_type=["ipam", "fhrpgroup"], assigned_object_id=key["group"])  # fmt: skip
    return key
