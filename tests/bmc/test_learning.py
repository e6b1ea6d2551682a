"""Facts of machines held against the inventory: what differs, what is written, and that nothing is overwritten."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusto_cli.backends.machine import Disk, Facts
from clusto_cli.bmc.holding import said_by
from clusto_core.answers.hardware import Kind, Row, Said, SaidPort, compare, placed
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from tests.bmc.conftest import Clusto, Start
from tests.bmc.mockup import CHASSIS, SYSTEM, Mockup, mac


def attributes(inventory: Inventory, name: str) -> dict[str, Any]:
    """What is recorded of a Thing or part, but for the settings of its controller."""
    with inventory.read() as reader:
        found = reader.attributes(reader.resolve(name).id)
    settings = ("bmc.protocol", "bmc.host", "bmc.user", "bmc.password", "bmc.timeout")
    return {str(each.key): each.plain for each in found if str(each.key) not in settings}


@pytest.fixture
def learned(start: Start, clusto: Clusto) -> Mockup:
    """server1 with what it says of itself in the inventory, three NICs among it."""
    service = start()
    assert clusto("add", "NIC", "server1:eth2").code == 0
    assert clusto("bmc", "facts", "server1", "--learn", "-m", "the first time").code == 0
    return service


def test_what_is_missing_is_written_in_one_transaction(learned: Mockup, clusto: Clusto, inventory: Inventory) -> None:
    own = attributes(inventory, "server1")
    assert {key: own[key] for key in ("serial", "memory", "disk#1.serial", "disk#1.size", "bmc.mac")} == {
        "serial": "S1",
        "memory": 128,
        "disk#1.serial": "S1-D1",
        "disk#1.size": 960,
        "bmc.mac": mac("S1", 9),
    }
    assert (own["cpu#0.cores"], own["memory#1.slot"], own["card#0.model"]) == (32, "A2", "X710")
    assert attributes(inventory, "server1:eth1") == {"mac": mac("S1", 2), "label": "NIC.2"}
    said = clusto("log", "server1", "-n", "1").out
    assert ("the first time" in said, "bmc facts server1 --learn" in said) == (True, True)
    assert clusto("bmc", "facts", "server1", "--check") == (0, "", "")
    again = clusto("bmc", "facts", "server1", "--learn")
    assert (again.code, again.out) == (0, "")
    assert clusto("revert", said.split()[1]).code == 0
    assert attributes(inventory, "server1") == {}


def test_a_dry_run_writes_nothing(start: Start, clusto: Clusto, inventory: Inventory) -> None:
    start()
    run = clusto("bmc", "facts", "server1", "--learn", "--dry-run")
    assert "would write server1 serial=S1" in run.out.splitlines()
    assert attributes(inventory, "server1") == {}


def test_contradictions_are_told_and_not_overwritten(learned: Mockup, clusto: Clusto, inventory: Inventory) -> None:
    for words in (
        ("serial", "S9", "-t", "server1"),
        ("disk#0.serial", "OLD", "-t", "server1"),
        ("mac", "52:54:00:00:00:77", "-t", "server1:eth0"),
        ("memory", "64", "-t", "server1"),
    ):
        assert clusto("attr", "set", *words).code == 0
    before = attributes(inventory, "server1")
    expected = {
        "server1 serial: S9 is recorded, the machine says S1",
        "server1 memory: 64 is recorded, the machine says 128",
        "server1 disk#0.serial: OLD is recorded, the machine says S1-D0",
        f"server1:eth0 mac: 52:54:00:00:00:77 is recorded, the machine says {mac('S1', 1)}",
    }
    for words in (["--check"], ["--learn"]):
        run = clusto("bmc", "facts", "server1", *words)
        assert (run.code, set(run.out.splitlines())) == (4, expected)
    assert attributes(inventory, "server1") == before
    run = clusto("bmc", "facts", "server1", "--learn", "--force")
    assert (run.code, len(run.out.splitlines())) == (0, 4)
    assert clusto("bmc", "facts", "server1", "--check").code == 0


def test_a_disk_that_is_gone_and_a_new_one(learned: Mockup, clusto: Clusto, inventory: Inventory) -> None:
    bay = f"{SYSTEM}/Storage/R/Drives/0"
    learned.resources[f"{SYSTEM}/Storage/R"]["Drives"].remove({"@odata.id": bay})
    run = clusto("bmc", "facts", "server1", "--check")
    assert (run.code, run.out) == (4, "server1 disk#0: serial S1-D0 is recorded, and is not there\n")
    new = f"{SYSTEM}/Storage/R/Drives/7"
    where = {"PartLocation": {"ServiceLabel": "Bay 7"}}
    learned.resources[new] = learned.resources[bay] | {"SerialNumber": "N7", "PhysicalLocation": where}
    learned.resources[f"{SYSTEM}/Storage/R"]["Drives"].append({"@odata.id": new})
    assert clusto("bmc", "facts", "server1", "--learn").code == 4
    own = attributes(inventory, "server1")
    assert (own["disk#0.serial"], own["disk#1.serial"], own["disk#2.serial"]) == ("S1-D0", "S1-D1", "N7")
    assert clusto("bmc", "facts", "server1", "--learn", "--force").code == 0
    assert [key for key in attributes(inventory, "server1") if key.startswith("disk#0")] == []
    assert clusto("bmc", "facts", "server1", "--check").code == 0


def test_what_cannot_be_read_is_not_gone(learned: Mockup, clusto: Clusto) -> None:
    del learned.resources[f"{SYSTEM}/Storage/R/Drives/0"]
    assert clusto("bmc", "facts", "server1", "--check").code == 0


def test_two_machines_that_say_they_are_one(start: Start, clusto: Clusto, inventory: Inventory) -> None:
    for name in ("server1", "server2"):
        start(name)
    run = clusto("bmc", "facts", "server[1-2]", "--learn")
    assert run.code == 4
    assert "server2 serial: the machine says S1, which is recorded of server1" in run.out.splitlines()
    assert f"server2:eth0 mac: the machine says {mac('S1', 1)}, which is recorded of server1:eth0" in run.out
    assert "serial" not in attributes(inventory, "server2")
    assert attributes(inventory, "server2:eth0").get("mac") is None


def test_ports_are_known_by_address_before_name(start: Start, clusto: Clusto, inventory: Inventory) -> None:
    start()
    # The site has them the other way round.
    for part, number in (("eth0", 2), ("eth1", 1)):
        assert clusto("attr", "set", "mac", mac("S1", number), "-t", f"server1:{part}").code == 0
    run = clusto("bmc", "facts", "server1", "--learn")
    assert attributes(inventory, "server1:eth0") == {"mac": mac("S1", 2), "label": "NIC.2"}
    assert run.out.splitlines()[-1] == (
        f"server1 mac: the machine says NIC.3 {mac('S1', 3)}, and no part of it has that address or name"
    )


def test_the_controller_s_own_port(start: Start, clusto: Clusto, inventory: Inventory) -> None:
    start()
    assert clusto("add", "NIC", "server1:mgmt", "server1:eth2").code == 0
    assert clusto("bmc", "facts", "server1", "--learn").code == 0
    assert attributes(inventory, "server1:mgmt") == {"mac": mac("S1", 9)}
    assert "bmc.mac" not in attributes(inventory, "server1")


@pytest.mark.parametrize(
    ("maker", "model", "said", "same"),
    [
        ("Dell", "PowerEdge R650", ("Dell Inc.", "PowerEdge R650"), True),
        ("HPE", "ProLiant DL380 Gen10", ("HPE", "HPE ProLiant DL380 Gen10"), True),
        ("HPE", "HPE ProLiant DL380 Gen10", ("HPE", "ProLiant DL380 Gen10"), True),
        ("Dell", "PowerEdge R650", ("Dell Inc.", "PowerEdge R750"), False),
        ("ACME", "Box 1000", ("ACME", "Box 10000"), False),
    ],
)
def test_types(inventory: Inventory, maker: str, model: str, said: tuple[str, str], same: bool) -> None:
    with inventory.change() as change:
        change.add("DeviceType", "t/1", attributes=[("manufacturer", maker), ("model", model)])
        change.add("Server", "s1")
        change.set_values("s1", "type", [change.resolve("t/1")])
    with inventory.read() as reader:
        found = compare(reader, reader.resolve("s1"), Said(*said))
    assert [(each.kind, each.key, each.said) for each in found] == (
        [] if same else [(Kind.DIFFERS, Key("type"), " ".join(said))]
    )


@pytest.mark.parametrize(
    ("recorded", "said", "same"),
    [("4T", 4001, True), ("960", 960, True), ("960 GB", 960, True), ("1TB", 960, False), ("old", 960, False)],
)
def test_sizes_as_people_write_them(inventory: Inventory, recorded: str, said: int, same: bool) -> None:
    with inventory.change() as change:
        change.add("Server", "s1", attributes=[("disk#0.size", recorded)])
    with inventory.read() as reader:
        told = Said(rows=[Row("disk", {"size": said})])
        found = compare(reader, reader.resolve("s1"), told)
    assert (found == []) is same


words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
rows = st.builds(
    Row,
    st.sampled_from(["disk", "cpu"]),
    st.dictionaries(
        st.sampled_from(["serial", "slot", "model", "size"]), st.one_of(words, st.integers(1, 9000)), max_size=4
    ),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(rows, max_size=5), min_size=1, max_size=3))
def test_every_row_has_a_number_of_its_own_and_keeps_it(told: list[list[Row]]) -> None:
    recorded: dict[int, dict[str, str]] = {}
    for each in told:
        values = [row.values for row in each if row.values]
        numbered = placed(recorded, values)
        assert sorted(map(str, numbered.values())) == sorted(map(str, values))
        assert all(number >= 0 for number in numbered)
        recorded = {number: {key: str(value) for key, value in row.items()} for number, row in numbered.items()}
        assert placed(recorded, values).keys() == numbered.keys()


def test_ports_without_a_name_or_a_place(inventory: Inventory) -> None:
    with inventory.change() as change:
        change.add("Server", "s1")
    ports = [
        SaidPort(("eth0", "x"), ()),
        SaidPort(("x",), ("52:54:00:00:00:01",)),
        SaidPort((), ("52:54:00:00:00:02",)),
    ]
    with inventory.read() as reader:
        found = compare(reader, reader.resolve("s1"), Said(ports=ports), whole=True)
    assert [(each.kind, str(each.key), each.said) for each in found] == [
        (Kind.MISSING, "label", "eth0"),
        (Kind.UNPLACED, "mac", "x 52:54:00:00:00:01"),
        (Kind.UNPLACED, "mac", "52:54:00:00:00:02"),
    ]


def test_the_answer_for_programs(learned: Mockup, clusto: Clusto) -> None:
    assert clusto("attr", "set", "serial", "S9", "-t", "server1").code == 0
    del learned.resources[CHASSIS]["NetworkAdapters"]
    run = clusto("bmc", "facts", "server1", "--check", "-o", "json")
    (said,) = json.loads(run.out)
    assert run.code == 4
    assert said["differences"] == [
        {"kind": "differs", "thing": "server1", "key": "serial", "recorded": "S9", "said": "S1"},
        {"kind": "gone", "thing": "server1", "key": "card#0", "recorded": "slot NIC1", "said": None},
    ]


@pytest.mark.parametrize(
    "nothing", ["", "0", "00000000", "N/A", "None", "Not Specified", "To be filled by O.E.M.", "NO DIMM"]
)
def test_what_stands_for_nothing_is_not_said(nothing: str) -> None:
    said = said_by(Facts(vendor=nothing, serial=nothing, disks=(Disk("Bay 0", nothing, nothing, None, None),)))
    assert (said.maker, said.serial, said.rows) == ("", "", [Row("disk", {"slot": "Bay 0"})])
