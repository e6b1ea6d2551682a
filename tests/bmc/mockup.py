"""A machine behind a Redfish service, resource by resource, as its schemas (DSP0268) have them, and as vendors do.

It stands beside sushy-tools' emulator, which has no logs, no memory modules, no cards and no firmware inventory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.redfish.service import BASIC, Reply, Request, Service, refusal

ROOT = "/redfish/v1"
SYSTEM, CHASSIS, MANAGER = f"{ROOT}/Systems/1", f"{ROOT}/Chassis/1", f"{ROOT}/Managers/1"
LOG = f"{MANAGER}/LogServices/SEL"
CLEAR, RESTART = f"{LOG}/Actions/LogService.ClearLog", f"{MANAGER}/Actions/Manager.Reset"
OK = {"Health": "OK", "State": "Enabled"}
PAGE = 2
"""How many members a page of a collection has that is not asked for at once."""

Document = dict[str, Any]


def link(path: str) -> Document:
    return {"@odata.id": path}


class Mockup(Service):
    """What `resources` has, by path. expands: it gives collections whole where $expand asks for that."""

    def __init__(self, resources: Document | None = None, *, expands: bool = False, serial: str = "S1") -> None:
        super().__init__()
        self.resources = machine(serial) if resources is None else resources
        self.expands = expands
        self.delay = 0.0
        if expands:
            self.resources[f"{ROOT}/"]["ProtocolFeaturesSupported"] = {"ExpandQuery": {"NoLinks": True}}

    def usual(self, request: Request) -> Reply:
        if request.headers.get("Authorization") != BASIC:
            return Reply(401, None, {"WWW-Authenticate": 'Basic realm="bmc"'})
        path, _, query = request.path.partition("?")
        if request.method == "GET":
            found = self.resources.get(path) or self.resources.get(path.rstrip("/"))
            if found is None:
                return refusal(404, "There is no such resource.")
            return Reply(200, self.listed(path, found, query) if "Members" in found else found)
        if request.method == "PATCH" and path in self.resources:
            self.resources[path] |= request.body
            return Reply(200, {})
        if request.path == CLEAR:
            self.clear()
        elif request.path == RESTART:
            self.restart()
        else:
            return refusal(405, "That cannot be done.")
        return Reply(204)

    def listed(self, path: str, collection: Document, query: str) -> Document:
        members = [each["@odata.id"] for each in collection["Members"]]
        if "$expand" in query and self.expands:
            return {**collection, "Members": [self.resources[each] for each in members]}
        skipped = int(query.removeprefix("$skip=") or 0) if "$skip" in query else 0
        page = {**collection, "Members": [link(each) for each in members[skipped : skipped + PAGE]]}
        if skipped + PAGE < len(members):
            page["Members@odata.nextLink"] = f"{path}?$skip={skipped + PAGE}"
        return page

    def clear(self) -> None:
        self.resources[f"{LOG}/Entries"]["Members"] = []

    def restart(self) -> None:
        self.resources[MANAGER]["LastResetTime"] = "2026-11-29T12:00:00Z"


def machine(serial: str = "S1", maker: str = "ACME", model: str = "Box 1000") -> Document:
    """A machine with one of everything, or two."""
    return dict(_machine(serial, maker, model))


def _machine(serial: str, maker: str, model: str) -> Iterator[tuple[str, Document]]:
    yield f"{ROOT}/", {"UpdateService": link(f"{ROOT}/UpdateService"), "Name": "Root"}
    yield from collection(f"{ROOT}/Systems", {"1": system(serial, maker, model)})
    yield from collection(f"{ROOT}/Chassis", {"1": chassis()})
    yield from collection(f"{ROOT}/Managers", {"1": manager()})
    sockets = {f"cpu{n}": {"Socket": f"CPU {n}", "Model": "Z80", "TotalCores": 32, "TotalThreads": 64} for n in (1, 2)}
    yield from collection(f"{SYSTEM}/Processors", sockets | {"gpu": {"ProcessorType": "GPU", "Model": "G"}})
    slots: dict[str, Document] = {
        f"A{n}": {"DeviceLocator": f"A{n}", "CapacityMiB": 65536, "SerialNumber": f"{serial}-M{n}", "PartNumber": "DDR"}
        for n in (1, 2)
    }
    yield from collection(f"{SYSTEM}/Memory", slots | {"A3": {"DeviceLocator": "A3", "Status": {"State": "Absent"}}})
    bays = [f"{SYSTEM}/Storage/R/Drives/{n}" for n in (0, 1)]
    yield from collection(f"{SYSTEM}/Storage", {"R": {"Drives": [link(bay) for bay in bays]}})
    for number, bay in enumerate(bays):
        yield bay, disk(bay, number, f"{serial}-D{number}")
    card = f"{CHASSIS}/NetworkAdapters/NIC1"
    yield from collection(
        f"{CHASSIS}/NetworkAdapters", {"NIC1": {"Model": "X710", "NetworkPorts": link(f"{card}/Ports")}}
    )
    ports = {str(n): {"Name": "Port View", "AssociatedNetworkAddresses": [mac(serial, n)]} for n in (1, 2)}
    yield from collection(f"{card}/Ports", ports)
    interfaces = {f"NIC.{n}": {"Name": f"eth{n - 1}", "MACAddress": mac(serial, n).upper()} for n in (1, 2, 3)}
    yield from collection(f"{SYSTEM}/EthernetInterfaces", interfaces)
    yield from collection(f"{MANAGER}/EthernetInterfaces", {"eth0": {"MACAddress": mac(serial, 9)}})
    yield from collection(f"{MANAGER}/LogServices", {"SEL": log(), "Audit": {"Entries": link(f"{MANAGER}/Audit")}})
    yield from collection(f"{LOG}/Entries", dict(reversed(entries().items())))
    yield f"{MANAGER}/Audit", {"Members": []}
    yield f"{CHASSIS}/Thermal", thermal()
    yield f"{CHASSIS}/Power", power()
    yield f"{ROOT}/UpdateService", {"FirmwareInventory": link(f"{ROOT}/UpdateService/FirmwareInventory")}
    versions = {"Installed-1": ("Raid", "7.1"), "Previous-1": ("Raid", "6.0"), "Installed-2": ("BIOS", "2.1")}
    firmware = {id: {"Name": name, "Version": version} for id, (name, version) in versions.items()}
    yield from collection(f"{ROOT}/UpdateService/FirmwareInventory", firmware)


def collection(path: str, members: dict[str, Document]) -> Iterator[tuple[str, Document]]:
    """A collection and its members, by their ids."""
    yield path, {"@odata.id": path, "Members": [link(f"{path}/{id}") for id in members]}
    for id, document in members.items():
        yield f"{path}/{id}", {"@odata.id": f"{path}/{id}", "Id": id, "Status": OK, **document}


def mac(serial: str, port: int) -> str:
    """An address of a machine: of its ports 1 to 3, and of its controller (9)."""
    return f"52:54:00:00:{sum(map(ord, serial)) % 256:02x}:{port:02x}"


def system(serial: str, maker: str, model: str) -> Document:
    parts = ("Processors", "Memory", "Storage", "EthernetInterfaces")
    return {
        "Name": "System",
        "Manufacturer": maker,
        "Model": model,
        "SerialNumber": serial,
        "UUID": "0b6c6f5e-0000-4000-8000-000000000001",
        "BiosVersion": "2.1",
        "PowerState": "On",
        "LocationIndicatorActive": False,
        "MemorySummary": {"TotalSystemMemoryGiB": 128},
        "Links": {"Chassis": [link(CHASSIS)], "ManagedBy": [link(MANAGER)]},
        **{part: link(f"{SYSTEM}/{part}") for part in parts},
    }


def chassis() -> Document:
    return {each: link(f"{CHASSIS}/{each}") for each in ("Thermal", "Power", "NetworkAdapters")}


def manager() -> Document:
    kinds = {"ResetType@Redfish.AllowableValues": ["ForceRestart", "GracefulRestart"]}
    return {
        "FirmwareVersion": "5.10",
        "LastResetTime": "2026-11-01T00:00:00Z",
        "Actions": {"#Manager.Reset": {"target": RESTART, **kinds}},
        **{each: link(f"{MANAGER}/{each}") for each in ("EthernetInterfaces", "LogServices")},
    }


def disk(path: str, number: int, serial: str) -> Document:
    where = {"PartLocation": {"ServiceLabel": f"Bay {number}"}}
    size = {"CapacityBytes": 960_197_124_096, "MediaType": "SSD"}
    return {
        "@odata.id": path,
        "Id": f"{number}",
        "Model": "PM883",
        "SerialNumber": serial,
        "PhysicalLocation": where,
        **size,
    }


def log() -> Document:
    return {
        "LogEntryType": "SEL",
        "Entries": link(f"{LOG}/Entries"),
        "Actions": {"#LogService.ClearLog": {"target": CLEAR}},
    }


def entries() -> dict[str, Document]:
    told = [("OK", "Powered on."), ("Warning", "Fan 1 is slow."), ("Critical", "Fan 1 stands still.")]
    return {
        f"{number}": {"Created": f"2026-11-29T0{number}:00:00+01:00", "Severity": severity, "Message": words}
        for number, (severity, words) in enumerate(told, 1)
    }


def thermal() -> Document:
    inlet = {"Name": "Inlet", "ReadingCelsius": 24, "UpperThresholdCritical": 45, "Status": OK}
    # Without a health, its limits say how it is.
    exhaust = {"Name": "Exhaust", "ReadingCelsius": 71, "UpperThresholdNonCritical": 70, "UpperThresholdCritical": 80}
    fans = [
        {"Name": "Fan 1", "Reading": 0, "ReadingUnits": "RPM", "Status": {"Health": "Critical", "State": "Enabled"}},
        {"Name": "Fan 2", "Reading": None, "ReadingUnits": "RPM", "Status": {"State": "Absent"}},
    ]
    return {"Temperatures": [inlet, exhaust], "Fans": fans}


def power() -> Document:
    return {
        "Voltages": [{"Name": "12V", "ReadingVolts": 12.1, "Status": OK}],
        "PowerSupplies": [{"Name": "PSU 1", "LastPowerOutputWatts": 180, "Status": OK}],
        "PowerControl": [{"Name": "Total", "PowerConsumedWatts": 350, "Status": OK}],
    }
