"""What makers do otherwise, and the machines that the DMTF has published as examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bmc.conftest import Clusto, Start
from tests.bmc.mockup import CHASSIS, MANAGER, OK, ROOT, SYSTEM, Document, Mockup, collection, link, machine
from tests.redfish.service import Reply, Request, Service, refusal


def asked(clusto: Clusto, *words: str) -> dict[str, Any]:
    run = clusto("bmc", words[0], "server1", *words[1:], "-o", "json")
    assert run.code == 0, run.err
    (said,) = json.loads(run.out)
    found: dict[str, Any] = said
    return found


def test_dell_has_its_tag_elsewhere_and_blinks(start: Start, clusto: Clusto) -> None:
    """iDRAC9: SKU is the service tag; IndicatorLED is Lit unless the machine is to be found (Dell, iDRAC9 Redfish API
    guide)."""
    resources = machine(maker="Dell Inc.", model="PowerEdge R650")
    resources[SYSTEM] |= {"SKU": "ABC1234", "SerialNumber": "CNIVC0012345"}
    del resources[SYSTEM]["LocationIndicatorActive"]
    resources[CHASSIS]["IndicatorLED"] = "Lit"
    service = start(mockup=Mockup(resources))
    assert asked(clusto, "facts")["facts"]["serial"] == "ABC1234"
    assert clusto("bmc", "identify", "server1").out == "server1 light off\n"
    assert clusto("bmc", "identify", "server1", "on").out == "server1 light on\n"
    assert resources[CHASSIS]["IndicatorLED"] == "Blinking"
    assert clusto("bmc", "identify", "server1", "off").out == "server1 light off\n"
    assert [request.body for request in service.asked("PATCH")][-1] == {"IndicatorLED": "Lit"}


def test_a_light_that_only_blinks(start: Start, clusto: Clusto) -> None:
    service = start()
    del service.resources[SYSTEM]["LocationIndicatorActive"]
    service.resources[SYSTEM]["IndicatorLED"] = "Off"

    def blinking(_: Service, request: Request) -> Reply | None:
        lit = request.method == "PATCH" and request.body["IndicatorLED"] == "Lit"
        return refusal(400, "Lit is not in the list of values.") if lit else None

    service.habit = blinking
    assert clusto("bmc", "identify", "server1", "on").out == "server1 light on\n"
    assert service.resources[SYSTEM]["IndicatorLED"] == "Blinking"


def test_hpe_before_ilo_6(start: Start, clusto: Clusto) -> None:
    """SizeMB of memory (iLO 4), disks below SmartStorage, FanName and CurrentReading (HPE, iLO Redfish API)."""
    resources = machine(maker="HPE")
    for slot in ("A1", "A2"):
        resources[f"{SYSTEM}/Memory/{slot}"]["SizeMB"] = resources[f"{SYSTEM}/Memory/{slot}"].pop("CapacityMiB")
    del resources[SYSTEM]["Storage"]
    smart = f"{SYSTEM}/SmartStorage"
    resources[SYSTEM]["Oem"] = {"Hpe": {"Links": {"SmartStorage": link(smart)}}}
    resources[smart] = {"Links": {"ArrayControllers": link(f"{smart}/ArrayControllers")}}
    drives = f"{smart}/ArrayControllers/0/DiskDrives"
    resources.update(collection(f"{smart}/ArrayControllers", {"0": {"Links": {"PhysicalDrives": link(drives)}}}))
    drive = {"Location": "1I:1:1", "Model": "MB4000", "SerialNumber": "W1", "CapacityMiB": 3815447, "MediaType": "HDD"}
    resources.update(collection(drives, {"0": drive}))
    resources[f"{CHASSIS}/Thermal"]["Fans"] = [{"FanName": "Fan 1", "CurrentReading": 20, "Status": OK}]
    start(mockup=Mockup(resources))
    facts = asked(clusto, "facts")["facts"]
    assert facts["memory_mib"] == 131072
    assert [(disk["slot"], disk["serial"], disk["kind"]) for disk in facts["disks"]] == [("1I:1:1", "W1", "HDD")]
    assert facts["disks"][0]["octets"] == 3815447 << 20
    sensors = {each["name"]: each for each in asked(clusto, "sensors")["sensors"]}
    assert (sensors["Fan 1"]["reading"], sensors["Fan 1"]["state"]) == (20, "ok")


def test_sensors_since_2020(start: Start, clusto: Clusto) -> None:
    """Sensor, ThermalSubsystem and PowerSubsystem in the place of Thermal and Power (DSP0268 2020.2, 2020.4)."""
    resources = machine()
    for gone in ("Thermal", "Power"):
        del resources[CHASSIS][gone]
    resources[CHASSIS] |= {
        each: link(f"{CHASSIS}/{each}") for each in ("Sensors", "ThermalSubsystem", "PowerSubsystem")
    }
    limits = {"UpperCaution": {"Reading": 70}, "UpperCritical": {"Reading": 80}}
    told: dict[str, Document] = {
        "t": {
            "Name": "Inlet",
            "Reading": 75.5,
            "ReadingType": "Temperature",
            "ReadingUnits": "Cel",
            "Thresholds": limits,
        },
        "f": {"Name": "Fan 1", "Reading": 9000, "ReadingType": "Rotational", "ReadingUnits": "RPM"},
    }
    del told["t"]["Name"]
    resources.update(collection(f"{CHASSIS}/Sensors", {id: {**each, "Status": {}} for id, each in told.items()}))
    for place, members in (("ThermalSubsystem", "Fans"), ("PowerSubsystem", "PowerSupplies")):
        resources[f"{CHASSIS}/{place}"] = {members: link(f"{CHASSIS}/{place}/{members}")}
        state = {"Name": members, "Status": {"Health": "Critical", "State": "Enabled"}}
        resources.update(collection(f"{CHASSIS}/{place}/{members}", {"0": state}))
    start(mockup=Mockup(resources))
    found = [(each["name"], each["kind"], each["state"]) for each in asked(clusto, "sensors")["sensors"]]
    assert found == [
        ("system", "system", "ok"),
        ("t", "temperature", "warning"),
        ("Fan 1", "fan", "unknown"),
        ("Fans", "fan", "critical"),
        ("PowerSupplies", "supply", "critical"),
    ]


def test_addresses_of_ports_wherever_they_are(start: Start, clusto: Clusto) -> None:
    """In Port.Ethernet since 2021, at functions where ports have none; those of Fibre Channel are no MACs."""
    resources = machine()
    cards = f"{CHASSIS}/NetworkAdapters"
    del resources[SYSTEM]["EthernetInterfaces"]
    resources.update(
        collection(
            cards,
            {
                "new": {"Ports": link(f"{cards}/new/Ports")},
                "old": {
                    "NetworkPorts": link(f"{cards}/old/NetworkPorts"),
                    "NetworkDeviceFunctions": link(f"{cards}/old/Functions"),
                },
                "fc": {"NetworkPorts": link(f"{cards}/fc/NetworkPorts")},
            },
        )
    )
    heard = {"SystemName": "switch2a", "PortId": "Eth1/7", "ChassisId": "c4:7e:e0:e4:55:3f"}
    macs = ["5254.0000.0011", "00:00:00:00:00:00"]
    new = {"p1": {"Ethernet": {"AssociatedMACAddresses": macs, "LLDPReceive": heard}}}
    resources.update(collection(f"{cards}/new/Ports", new))
    resources.update(collection(f"{cards}/old/NetworkPorts", {"q1": {}, "q2": {}}))
    port = {"PhysicalPortAssignment": link(f"{cards}/old/NetworkPorts/q2")}
    function = {"Ethernet": {"PermanentMACAddress": "52-54-00-00-00-22"}, "Links": port}
    resources.update(collection(f"{cards}/old/Functions", {"q2-1": function}))
    wwn = {"ActiveLinkTechnology": "FibreChannel", "AssociatedNetworkAddresses": ["20:00:00:10:9B:5A:4A:58"]}
    resources.update(collection(f"{cards}/fc/NetworkPorts", {"f1": wwn}))
    start(mockup=Mockup(resources))
    ports = {
        port["names"][0]: port["macs"] for card in asked(clusto, "facts")["facts"]["cards"] for port in card["ports"]
    }
    assert "  port        p1: 52:54:00:00:00:11, hears switch2a Eth1/7" in clusto("bmc", "facts", "server1").out
    assert ports == {"p1": ["52:54:00:00:00:11"], "q1": [], "q2": ["52:54:00:00:00:22"], "f1": []}


def test_firmware_without_an_inventory_of_it(start: Start, clusto: Clusto) -> None:
    resources = machine()
    del resources[f"{ROOT}/UpdateService"]["FirmwareInventory"]
    start(mockup=Mockup(resources))
    assert clusto("bmc", "firmware", "server1").out.split() == ["BIOS", "2.1", "BMC", "5.10"]


def test_a_log_that_is_asked_for_one_by_one(start: Start, clusto: Clusto) -> None:
    """The newest of them, however many there are."""
    service = start()
    entries = f"{MANAGER}/LogServices/SEL/Entries"
    told = {f"{n}": {"Created": "1970-01-01T00:00:00Z", "Message": f"Event {n}."} for n in range(1, 251)}
    service.resources.update(collection(entries, told))
    lines = clusto("bmc", "log", "server1", "--last", "300").out.splitlines()
    assert (len(lines), lines[-1]) == (200, "no time               unknown   SEL 250  Event 250.")


def test_the_dmtf_s_machine(start: Start, clusto: Clusto) -> None:
    """The mockup public-rackmount1 (DSP2043), as far as the package sushy brings it along with its tests."""
    sushy = pytest.importorskip("sushy", reason="sushy is not installed (pip install sushy)")
    folder = Path(sushy.__file__).parent / "tests" / "unit" / "json_samples"
    resources: Document = {}
    for path in sorted(folder.glob("*.json"), key=lambda path: (len(path.name), path.name), reverse=True):
        document = json.loads(path.read_text(), strict=False) if path.name.islower() else {}
        if isinstance(document, dict) and "@odata.id" in document:
            resources[document["@odata.id"]] = document
    if not resources:
        pytest.skip("this sushy has no json_samples")
    system = resources["/redfish/v1/Systems/437XR1138R2"]
    (chassis,) = (each["@odata.id"] for each in system["Links"]["Chassis"])
    cards = "/redfish/v1/Chassis/System.Embedded.1/NetworkAdapters"
    resources[chassis] = resources["/redfish/v1/Chassis/Blade1"] | {"NetworkAdapters": link(cards)}
    start(mockup=Mockup(resources))
    facts = asked(clusto, "facts")["facts"]
    assert (facts["vendor"], facts["model"], facts["serial"], facts["memory_mib"]) == (
        *("Contoso", "3500", "437XR1138R2", 96 * 1024),
    )
    assert [(cpu["slot"], cpu["cores"]) for cpu in facts["processors"]] == [("CPU 1", 8)]
    # The second socket is empty.
    assert "1234570" in [disk["serial"] for disk in facts["disks"]]
    ports = [port for card in facts["cards"] for port in card["ports"]]
    assert {"01:02:03:04:05:06", "12:44:6a:3b:04:11"} <= {mac for port in ports for mac in port["macs"]}
    sensors = asked(clusto, "sensors")["sensors"]
    assert [each["name"] for each in sensors] == ["system", "CPU Temp", "CPU Fan"]
    components = asked(clusto, "firmware")["components"]
    assert {"name": "BIOS", "version": "P79 v1.45 (12/06/2017)"} in components
