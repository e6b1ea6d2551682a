"""Device types: files of the public format become types, and Things made after them have the parts of the file."""

from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from clusto_core.config import Settings
from clusto_core.errors import Malformed, NotFound
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key, Value, structure
from clusto_core.transfer.documents import Document
from clusto_core.transfer.formats.device_type import read
from tests.conftest import Run
from tests.recorded import files

SWITCH = """\
manufacturer: Grüne Netze
model: GN 4/2
part_number: GN-42
u_height: 1.5
is_full_depth: false
weight: 4.5
weight_unit: kg
interfaces:
  - name: GigabitEthernet 1/0/1
    type: 1000base-t
    label: '1'
  - {name: GigabitEthernet1/0/2, type: 1000base-t, poe_mode: pse}
  - {name: Fa0, type: 100base-tx, mgmt_only: true}
console-ports:
  - {name: 01, type: rj-45}
power-ports:
  - {name: Power Port 1, type: iec-60320-c14, maximum_draw: 150}
module-bays:
  - {name: Fan 1}
  - {name: Fan 2}
"""


def one(text: str) -> Document:
    (document,) = read(io.StringIO(text), "type.yaml")
    return document


@pytest.fixture
def store(sqlite_url: str) -> Inventory:
    return Inventory(Settings(sqlite_url))


def add_type(inventory: Inventory, document: Document) -> None:
    assert document.problems == ()
    with inventory.change() as change:
        values = [(key, value) for key, found in document.attrs.items() for value in found]
        change.add("DeviceType", document.name, attributes=values)


def parts_of(inventory: Inventory, name: str) -> dict[str, tuple[str, dict[str, object]]]:
    with inventory.read() as reader:
        found: dict[str, tuple[str, dict[str, object]]] = {}
        for part in reader.parts(reader.resolve(name).id):
            values = {str(each.key): each.value.python() for each in reader.attributes(part.id)}
            found[part.part_name] = (part.driver, values)
        return found


def test_a_type_gives_its_parts(store: Inventory) -> None:
    document = one(SWITCH)
    assert document.name == "grune-netze/gn-4-2"
    add_type(store, document)
    with store.change() as change:
        change.add("Switch", "switch1", device_type="grune-netze/gn-4-2")
        change.add("Server", "server1", device_type="grune-netze/gn-4-2")
    parts = parts_of(store, "switch1")
    assert parts == {
        "GigabitEthernet-1/0/1": (
            "Port",
            {"connector": "1000base-t", "label": "GigabitEthernet 1/0/1", "marking": "1"},
        ),
        "GigabitEthernet1/0/2": ("Port", {"connector": "1000base-t", "poe_mode": "pse"}),
        "Fa0": ("NIC", {"connector": "100base-tx", "mgmt_only": True}),
        "01": ("SerialPort", {"connector": "rj-45"}),
        "psu1": ("Inlet", {"connector": "iec-60320-c14", "label": "Power Port 1", "maximum_draw": 150}),
    }
    assert {driver for driver, _ in parts_of(store, "server1").values()} == {"NIC", "SerialPort", "Inlet"}
    with store.read() as reader:
        assert reader.resolve("switch1:GigabitEthernet 1/0/1").name == "switch1:GigabitEthernet-1/0/1"
        own = {str(each.key): each.value for each in reader.attributes(reader.resolve("switch1").id)}
    assert own == {
        "height": Value("float", "1.5"),
        "full_depth": Value("boolean", "false"),
        "type": Value("string", "grune-netze/gn-4-2"),
    }


def test_what_is_kept_of_the_type_itself() -> None:
    document = one(SWITCH)
    kept = {str(key): values[0].python() for key, values in document.attrs.items()}
    definition = kept.pop("definition")
    assert kept == {
        "manufacturer": "Grüne Netze",
        "model": "GN 4/2",
        "part_number": "GN-42",
        "weight": 4.5,
        "weight_unit": "kg",
        "height": 1.5,
        "full_depth": False,
    }
    assert definition["driver"] == "Server"
    assert document.notes == ("grune-netze/gn-4-2: left out: 2 module bays: what is in them is not part of the type",)


def test_a_file_that_says_no_height_means_one_unit() -> None:
    document = one("manufacturer: a\nmodel: b\n")
    assert document.attrs[Key("height")] == (Value("integer", "1"),)
    assert document.notes == ()


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("- a\n", 1, "expected a mapping"),
        ("manufacturer: a\n", 1, "model is missing"),
        ("manufacturer: a\nmodel: [b]\n", 2, "expected text"),
        ("manufacturer: a\nmodel: b\nmodle: c\n", 3, "a device type has no 'modle'"),
        ("manufacturer: a\nmodel: b\nmodel: c\n", 3, "'model' is given twice"),
        ("manufacturer: a\nmodel: b\nu_height: tall\n", 3, "expected a number, found 'tall'"),
        ("manufacturer: a\nmodel: b\nu_height: 101\n", 3, "u_height is 0 to 100 rack units, in halves, not 101"),
        ("manufacturer: a\nmodel: b\nu_height: 1.3\n", 3, "in halves, not 1.3"),
        ("manufacturer: a\nmodel: b\nis_full_depth: perhaps\n", 3, "expected true or false"),
        ("manufacturer: a\nmodel: b\ninterfaces: eth0\n", 3, "expected a list"),
        ("manufacturer: a\nmodel: b\ninterfaces:\n  - eth0\n", 4, "expected a mapping"),
        ("manufacturer: a\nmodel: b\ninterfaces:\n  - {type: x}\n", 4, "name is missing"),
        ("manufacturer: a\nmodel: b\npower-ports:\n  - {name: x, maximum_draw: 1.5}\n", 4, "expected a number"),
        ("manufacturer: a\nmodel: b\nfront-ports:\n  - {name: x}\n", 4, "rear_port is missing"),
        ("manufacturer: a\nmodel: b\nfront-ports:\n  - {name: x, rear_port: y}\n", 1, "which is not there"),
        ("manufacturer: '!!'\nmodel: b\n", 1, "no device type can be called after"),
        ("manufacturer: a\nmodel: b\n  c: d\n", 3, "not YAML"),
        ("manufacturer: a\nmodel: \x01\n", 2, "not YAML: unacceptable character #x0001"),
        ("a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n", 1, "a device type has no 'a'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, message: str) -> None:
    (problem,) = one(text).problems
    assert problem.line == line
    assert message in problem.text
    assert "\n" not in problem.text


def test_adding_after_a_type_that_is_not_there(store: Inventory) -> None:
    add_type(store, one(SWITCH))
    with pytest.raises(NotFound, match="did you mean grune-netze/gn-4-2"), store.change() as change:
        change.add("Switch", "switch1", device_type="grune-nezte/gn-4-2")


SPOILED: list[object] = [
    [],
    {"parts": [{"kind": "teapot", "name": "x"}], "attrs": {}},
    {"parts": [{"kind": "interface", "name": "a b"}], "attrs": {}},
    {"parts": [{"kind": "interface", "name": "x"}, {"kind": "inlet", "name": "x"}], "attrs": {}},
    {"parts": [{"kind": "interface", "name": "x", "attrs": {"_ip": "10.0.0.1"}}], "attrs": {}},
    {"parts": [], "attrs": {"_in": "x"}},
    {"parts": [], "attrs": {"a b": 1}},
]


def test_a_definition_that_somebody_spoiled(store: Inventory) -> None:
    with store.change() as change:
        for number, definition in enumerate(SPOILED):
            change.add("DeviceType", f"a/b{number}", attributes=[("definition", structure(definition))])
        change.add("DeviceType", "a/d")
    for name in [f"a/b{number}" for number in range(len(SPOILED))]:
        with pytest.raises(Malformed, match="damaged"), store.change() as change:
            change.add("Switch", "switch1", device_type=name)
    with pytest.raises(NotFound, match="has no definition"), store.change() as change:
        change.add("Switch", "switch1", device_type="a/d")


# --- the library -----------------------------------------------------------------------------------------------------

_KINDS = {
    "console-ports": "SerialPort",
    "console-server-ports": "ConsolePort",
    "power-ports": "Inlet",
    "power-outlets": "Outlet",
    "front-ports": "FrontPort",
}


def is_type(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return all(re.search(f"^{key}:", text, re.MULTILINE) for key in ("manufacturer", "model"))


def test_the_library(store: Inventory) -> None:
    """Every type of the library imports, and what is made after it has as many parts of each kind as the file says."""
    made: dict[str, tuple[Path, str]] = {}
    for path in files("device types", (".yaml", ".yml"), is_type):
        with path.open(encoding="utf-8") as file:
            (document,) = read(file, path.name)
        assert document.problems == (), path
        add_type(store, document)
        definition = document.attrs[Key("definition")][0].python()
        made[f"thing{len(made)}"] = (path, definition["driver"])
        with store.change() as change:
            change.add(definition["driver"], f"thing{len(made) - 1}", device_type=document.name)
    for name, (path, driver) in made.items():
        source = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        parts = parts_of(store, name)
        counts = Counter(kind for kind, _ in parts.values())
        expected = Counter({kind: len(source.get(key, ())) for key, kind in _KINDS.items()})
        expected["RearPort"] = sum(int(rear.get("positions", "1")) for rear in source.get("rear-ports", ()))
        management = sum(each.get("mgmt_only") == "true" for each in source.get("interfaces", ()))
        others = len(source.get("interfaces", ())) - management
        expected["NIC"] = management + (0 if driver == "Switch" else others)
        expected["Port"] = others if driver == "Switch" else 0
        assert counts == expected, path
        called = sorted(str(values.get("label", part)) for part, (_, values) in parts.items())
        listed = [each["name"] for key in (*_KINDS, "interfaces") for each in source.get(key, ())]
        for each in source.get("rear-ports", ()):
            count = int(each.get("positions", "1"))
            listed += [f"{each['name']}:{n}" for n in range(1, count + 1)] if count > 1 else [each["name"]]
        assert called == sorted(listed), path


def test_at_the_command_line(clusto: Run, tmp_path: Path) -> None:
    path = tmp_path / "gn42.yaml"
    path.write_text(SWITCH, encoding="utf-8")
    result = clusto("import", "--device-type", str(path))
    assert result.code == 0
    assert "clusto: grune-netze/gn-4-2: left out: 2 module bays" in result.err
    assert clusto("add", "Switch", "switch1", "--type", "grune-netze/gn-4-2").code == 0
    assert clusto("add", "Server", "server1").code == 0
    assert clusto("connect", "server1:eth0", "switch1:GigabitEthernet 1/0/1").code == 0
    result = clusto("locate", "server1")
    assert result.out == "server1 -> connected to port GigabitEthernet-1/0/1 on switch1\n"
    assert clusto("import", "--device-type", str(path)).out.startswith("nothing to change")
    path.write_text(SWITCH.replace("u_height: 1.5", "u_height: x"), encoding="utf-8")
    result = clusto("import", "--device-type", str(path))
    assert (result.code, result.err) == (2, f"clusto: error: {path}:4: expected a number, found 'x'\n")
