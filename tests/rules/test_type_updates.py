"""A device type that changed is brought to the Things made after it: what people changed and cabled stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clusto_cli.commands.type import command
from tests.conftest import Run

FIRST = """\
manufacturer: a
model: b
u_height: 1
interfaces:
- {name: eth0, type: 1000base-t}
- {name: eth1, type: 1000base-t, label: one}
- {name: eth2, type: 1000base-t}
power-ports:
- {name: psu1, type: c14}
"""
SECOND = """\
manufacturer: a
model: b
u_height: 2
is_full_depth: false
interfaces:
- {name: eth0, type: 10gbase-t, description: new}
- {name: eth1, type: 1000base-t}
- {name: bmc, type: 1000base-t, mgmt_only: true}
- {name: br0, type: bridge}
- {name: vm0, type: virtual, bridge: br0}
power-ports:
- {name: psu1, type: c14}
"""


@pytest.fixture
def typed(clusto: Run, tmp_path: Path) -> Run:
    (tmp_path / "b.yaml").write_text(FIRST)
    clusto("import", "--device-type", str(tmp_path / "b.yaml"))
    clusto("add", "Server", "old", "--type", "a/b")
    clusto("add", "Server", "other")
    return clusto


def change(run: Run, path: Path, text: str = SECOND) -> None:
    (path / "b.yaml").write_text(text)
    assert run("import", "--device-type", str(path / "b.yaml")).code == 0


def without_names(text: str, name: str) -> str:
    return text.replace(name, "X")


def test_it_becomes_as_one_made_now(typed: Run, tmp_path: Path) -> None:
    other = typed("export", "name:other").out
    change(typed, tmp_path)
    assert command.name == "type"
    dry = typed("type", "update", "--dry-run").out
    assert "old: add NIC bmc\n" in dry
    assert "old: set height=2\n" in dry
    assert "old: set full_depth=false\n" in dry
    assert "old: delete NIC eth2\n" in dry
    assert "old:eth0: set connector=10gbase-t\n" in dry
    assert "old:eth0: set description=new\n" in dry
    assert "old:eth1: delete marking\n" in dry
    assert dry.endswith("9 changes would be made, 0 kept as they are\n")
    done = typed("type", "update", "a/b").out
    assert done == dry.replace("would be made", "made")
    typed("add", "Server", "new", "--type", "a/b")
    assert without_names(typed("export", "name:old").out, "old") == without_names(
        typed("export", "name:new").out, "new"
    )
    assert typed("attr", "get", "parent", "-t", "old:vm0").out == "@old:br0\n"
    assert typed("type", "update").out == "nothing to change\n"
    assert typed("export", "name:other").out == other
    assert typed("db", "check").out == "the store is sound\n"


def test_what_people_did_stays(typed: Run, tmp_path: Path) -> None:
    typed("add", "Switch", "sw1")
    typed("connect", "old:eth2", "sw1:1")
    typed("attr", "set", "connector", "fancy", "-t", "old:eth0")
    typed("attr", "del", "marking", "-t", "old:eth1")
    typed("add", "NIC", "old:eth9")
    typed("remove", "--yes", "old:psu1")
    change(typed, tmp_path, SECOND.replace("psu1, type: c14", "psu1, type: c20").replace("bmc", "eth9"))
    out = typed("type", "update").out
    assert "old:eth2: keep the NIC that the type has no longer: old:eth2 is connected to sw1:1" in out
    assert "old:eth0: keep connector=fancy, set by hand (the type says 10gbase-t)\n" in out
    assert "old: keep without Inlet psu1, which was removed by hand\n" in out
    assert typed("locate", "old:eth2").out == "old:eth2 -> connected to port 1 on sw1\n"
    assert typed("attr", "get", "connector", "-t", "old:eth0").out == "fancy\n"
    assert typed("attr", "get", "connector", "-t", "old:eth9").out == "1000base-t\n"
    assert typed("show", "old:psu1").code == 3


@pytest.mark.parametrize(
    "words",
    [
        ("attr", "set", "mac", "52:54:00:00:00:01", "-t", "old:eth2"),
        ("ip", "allocate", "10.0.0.1", "old:eth2"),
        ("attr", "set", "uplink", "@old:eth2", "-t", "other"),
    ],
)
def test_a_part_that_something_is_in_stays(typed: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    typed("add", "Network", "net1", "--attr", "cidr=10.0.0.0/24")
    assert typed(*words).code == 0
    change(typed, tmp_path)
    assert "old:eth2: keep the NIC that the type has no longer: " in typed("type", "update").out
    assert typed("show", "old:eth2").code == 0


def test_mounted_equipment_keeps_its_height(typed: Run, tmp_path: Path) -> None:
    typed("add", "Rack", "r1")
    typed("connect", "old", "r1:RU3")
    change(typed, tmp_path)
    assert "old: keep height as it is, since it is mounted (the type says 2)\n" in typed("type", "update").out
    assert typed("attr", "get", "height", "-t", "old").out == "1\n"


def test_each_is_brought_from_the_definition_that_it_was_made_after(typed: Run, tmp_path: Path) -> None:
    change(typed, tmp_path)
    typed("add", "Server", "middle", "--type", "a/b")
    typed("remove", "--yes", "middle:bmc")
    change(typed, tmp_path, SECOND.replace("type: c14", "type: c20"))
    assert typed("type", "update").out.count("add NIC bmc") == 1
    assert typed("show", "old:bmc").code == 0
    assert typed("show", "middle:bmc").code == 3
    assert typed("attr", "get", "connector", "-t", "middle:psu1").out == "c20\n"


def test_it_is_one_transaction_and_can_be_undone(typed: Run, tmp_path: Path) -> None:
    change(typed, tmp_path)
    before = typed("export").out
    typed("type", "update")
    last = json.loads(typed("log", "-o", "json").out)[0]["transaction"]
    assert typed("revert", str(last)).code == 0
    assert typed("export").out == before
    assert typed("type", "update", "--dry-run").out.count("add NIC bmc") == 1


def test_a_type_that_is_not_there(typed: Run) -> None:
    refused = typed("type", "update", "a/c")
    assert (refused.code, "no such device type: a/c (did you mean a/b?)" in refused.err) == (3, True)
