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
from clusto_core.rules import values
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
        model = reader.resolve("grune-netze/gn-4-2")
    assert own == {
        "height": Value("float", "1.5"),
        "full_depth": Value("boolean", "false"),
        "type": values.relation(model),
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
        ("a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n", 1, "manufacturer is missing"),
        ("manufacturer: a\nmodel: b\nprofile: CPU\nfront-ports:\n- {name: x, rear_port: y}\n", 1, "which is not there"),
        ("manufacturer: a\nmodel: b\nform_factor: 4-post\nu_height: 0\n", 4, "a rack has 1 to 100 rack units"),
        (
            "manufacturer: a\nmodel: b\nport-mappings:\n- {front_port: F, rear_port: R}\n",
            1,
            "no front port is called 'F'",
        ),
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


PANEL = """\
manufacturer: a
model: b
front-ports:
- {name: F, type: mpo, positions: 4}
- {name: Open, type: lc, positions: 1}
rear-ports:
- {name: A, type: mpo, positions: 2}
- {name: B, type: mpo, positions: 2}
port-mappings:
- {front_port: F, front_port_position: 1, rear_port: B, rear_port_position: 2}
- {front_port: F, front_port_position: 2, rear_port: B}
- {front_port: F, front_port_position: 3, rear_port: A, rear_port_position: 1}
- {front_port: F, front_port_position: 4, rear_port: A, rear_port_position: 2}
"""


def test_mappings_say_what_is_behind_each_position(store: Inventory) -> None:
    add_type(store, one(PANEL))
    with store.change() as change:
        change.add("PatchPanel", "p", device_type="a/b")
    labels = {name: about[1].get("label") for name, about in parts_of(store, "p").items()}
    with store.read() as reader:
        behind = {
            labels[part.part_name]: labels[partner.part_name]
            for part in reader.parts(reader.resolve("p").id)
            if part.driver == "FrontPort" and (partner := reader.partner(part)) is not None
        }
    assert behind == {"F:1": "B:2", "F:2": "B:1", "F:3": "A:1", "F:4": "A:2"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{front_port: F, front_port_position: 5, rear_port: A}", "position 5 of the front port 'F' is mapped"),
        ("{front_port: F, front_port_position: 1, rear_port: A}", "'F' is mapped, twice"),
        ("{front_port: Open, rear_port: C}", "rear port 'C', which is not there"),
        ("{front_port: Open, rear_port: A, rear_port_position: 2}", "have one rear port"),
    ],
)
def test_mappings_that_cannot_be(line: str, message: str) -> None:
    (problem,) = one(f"{PANEL}- {line}\n").problems
    assert message in problem.text


def test_what_is_not_known_is_told_and_passed_over() -> None:
    document = one("manufacturer: a\nmodel: b\nmodle: c\ninterfaces:\n- {name: e1, type: x, colour: red}\n")
    assert document.problems == ()
    assert document.notes == ("a/b: passed over, as clusto does not know it: 'modle', 'colour of ports'",)


def test_what_a_module_brings_is_left_out_and_told(store: Inventory) -> None:
    document = one("manufacturer: a\nmodel: b\npower-outlets:\n- {name: '1', type: x, power_port: PS1}\n")
    assert document.notes == ("a/b: not in the type itself, so left out: the inlet 'PS1' of the outlet '1'",)
    add_type(store, document)


def test_every_field_may_be_empty_as_in_an_export() -> None:
    filled = "manufacturer: a\nmodel: b\nu_height: 1.0\ninterfaces:\n- {name: e1, type: x}\n"
    empty = (
        "slug: b\ndescription: ''\ndefault_platform: null\nweight: null\nweight_unit: ~\nairflow: null\n"
        "subdevice_role: null\nfront-ports: []\n"
    )
    bare = filled.replace("type: x", "type: x, label: '', poe_mode: null, bridge: null, rf_role: null")
    assert one(bare + empty).attrs == one(filled).attrs
    assert one(bare + empty).notes == ()


@pytest.mark.parametrize("ends", ["\\r\\n", "\\r", "\\n"])
def test_line_ends_are_one_character(ends: str) -> None:
    document = one(f'manufacturer: a\nmodel: b\ncomments: "1{ends}2"\n')
    assert document.problems == ()
    assert document.attrs[Key("comments")] == (Value("string", "1\n2"),)


def test_models_that_differ_are_types_that_differ(clusto: Run, tmp_path: Path) -> None:
    for number, model in enumerate(["X 1", "X 1+", "X-1"]):
        (tmp_path / f"{number}.yaml").write_text(f"manufacturer: m\nmodel: {model}\n")
    assert clusto("import", "--device-type", str(tmp_path / "0.yaml")).code == 0
    assert clusto("import", "--device-type", str(tmp_path / "1.yaml")).code == 0
    assert clusto("find", "driver:DeviceType").out == "m/x-1\nm/x-1+\n"
    other = clusto("import", "--device-type", str(tmp_path / "2.yaml"))
    assert other.code == 4
    assert "m/x-1 is the type of the model 'X 1', not 'X-1'" in other.err


def test_a_bridge_has_its_members(store: Inventory) -> None:
    ports = "[{name: eth 0, type: x, bridge: br 0}, {name: br 0, type: bridge}]"
    add_type(store, one(f"manufacturer: a\nmodel: b\ninterfaces: {ports}\n"))
    with store.change() as change:
        change.add("Server", "s", device_type="a/b")
    assert parts_of(store, "s")["eth-0"][1]["parent"] == "s:br-0"


RACK = "manufacturer: a\nmodel: r\nform_factor: 4-post-cabinet\nwidth: 19\nu_height: 4\nstarting_unit: 2\n"


def test_types_of_racks_are_for_racks(clusto: Run, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(RACK)
    (tmp_path / "d.yaml").write_text("manufacturer: a\nmodel: d\n")
    assert clusto("import", "--device-type", str(tmp_path / "r.yaml"), str(tmp_path / "d.yaml")).code == 0
    assert clusto("add", "Rack", "r1", "--type", "a/r").code == 0
    assert clusto("find", "driver:RackUnit").out == "".join(f"r1:RU{number}\n" for number in range(2, 6))
    assert clusto("attr", "get", "form_factor", "-t", "a/r").out == "4-post-cabinet\n"
    assert "a/r is a type of racks" in clusto("add", "Server", "s", "--type", "a/r").err
    assert "a/d is a type of equipment" in clusto("add", "Rack", "r2", "--type", "a/d").err


def test_what_is_faulty_does_not_keep_out_the_rest(clusto: Run, tmp_path: Path) -> None:
    texts = {
        "good": "manufacturer: a\nmodel: good\n",
        "bad": "manufacturer: a\nmodel: bad\nu_height: tall\n",
        "twice": "manufacturer: a\nmodel: m\nmodel: m\n",
        "again": "manufacturer: A\nmodel: Good\n",
        "last": "manufacturer: a\nmodel: last\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    files_ = [str(tmp_path / f"{name}.yaml") for name in [*texts, "missing"]]
    assert clusto("import", "--device-type", *files_).code in (2, 3)
    assert clusto("find", "driver:DeviceType", "--allow-unknown").out == ""
    done = clusto("import", "--device-type", "--keep-going", *files_)
    assert done.code == 5
    assert done.out == "imported 2 Things, 2 new, as transaction 1\n"
    for name in ("bad", "twice", "again", "missing"):
        assert f"{name}.yaml:" in done.err
    assert done.err.endswith("clusto: error: left out 4 of 6\n")
    assert clusto("find", "driver:DeviceType").out == "a/good\na/last\n"
    assert clusto("import", "--device-type", "--keep-going", *files_[:1]).code == 0
    assert clusto("import", "--device-type", "--keep-going", *files_[1:3]).code == 5


def test_keeping_going_leaves_out_what_names_the_faulty(clusto: Run, tmp_path: Path) -> None:
    lines = [
        '{"name": "s1", "driver": "Server", "in": "p1"}',
        '{"name": "p1", "driver": "Pool", "attrs": {"vid": {}}}',
        '{"name": "s2", "driver": "Server", "connect": {"eth0": "s3:nic9"}}',
        '{"name": "s3", "driver": "Server"}',
    ]
    (tmp_path / "site.jsonl").write_text("\n".join(lines))
    done = clusto("import", "--keep-going", str(tmp_path / "site.jsonl"))
    assert done.code == 5
    assert clusto("find", "driver:Equipment").out == "s3\n"
    assert clusto("db", "check").out == "the store is sound\n"


LINECARD = """\
manufacturer: a
model: card
interfaces:
- {name: "Eth{module}/1", type: 10gbase-x-sfpp, bridge: "br{module}"}
- {name: "br{module}", type: bridge}
power-ports:
- {name: "PS {module}", type: c14}
power-outlets:
- {name: "Out {module}", type: c13, power_port: "PS {module}"}
"""
CASSETTE = """\
manufacturer: a
model: cassette
profile: MPO
front-ports:
- {name: "{module}-LC 1", type: lc}
- {name: "{module}-LC 2", type: lc}
rear-ports:
- {name: "MPO{module}", type: mpo, positions: 2}
port-mappings:
- {front_port: "{module}-LC 1", rear_port: "MPO{module}", rear_port_position: 2}
- {front_port: "{module}-LC 2", rear_port: "MPO{module}", rear_port_position: 1}
"""


@pytest.fixture
def modular(clusto: Run, tmp_path: Path) -> Run:
    for name, text in {"card": LINECARD, "cassette": CASSETTE}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
        assert clusto("import", "--device-type", str(tmp_path / f"{name}.yaml")).code == 0
    clusto("add", "Switch", "sw1", "--parts", "port=0,inlet=0")
    clusto("add", "PatchPanel", "p1", "--parts", "port=0")
    return clusto


def test_a_module_gives_its_ports_named_after_its_bay(modular: Run, sqlite_url: str) -> None:
    assert modular("type", "insert", "a/card", "sw1", "3").out == (
        "added Port sw1:Eth3/1\nadded Port sw1:br3\nadded Inlet sw1:PS-3\nadded Outlet sw1:3\n"
    ).replace("PS-3", "psu3")
    parts = parts_of(Inventory(Settings(sqlite_url)), "sw1")
    assert parts["Eth3/1"][1]["parent"] == "sw1:br3"
    assert parts["3"][1]["inlet"] == "sw1:psu3"
    assert {about[1]["bay"] for name, about in parts.items() if name in ("Eth3/1", "br3", "psu3", "3")} == {"3"}
    again = modular("type", "insert", "a/card", "sw1", "3")
    assert (again.code, "bay 3 of sw1 has" in again.err) == (4, True)
    assert modular("type", "insert", "a/card", "sw1", "4").code == 0
    assert modular("find", "(driver:Part and attr:bay,4) in name:sw1").out.count("\n") == 4


def test_cassettes_go_on_after_the_numbers_of_their_panel(modular: Run) -> None:
    for bay in ("A", "B"):
        assert modular("type", "insert", "a/cassette", "p1", bay).code == 0
    assert modular("connect", "p1:MPOA", "p1:MPOB").code == 0
    hops = [line.split()[-1] for line in modular("trace", "p1:A-LC 1").out.splitlines()]
    path = ["p1:1", "p1:rear1", "p1:rear3", "p1:3"]
    assert hops in (path, path[::-1])
    assert modular("attr", "get", "label", "-t", "p1:rear1", "-t", "p1:3").out.split("\n")[:2] == [
        "p1:rear1\tMPOA:2",
        "p1:3\tB-LC 1",
    ]
    assert modular("db", "check").out == "the store is sound\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("add Switch x --type a/card", 4, "a/card is a type of modules: clusto type insert a/card THING BAY"),
        ("type insert a/nothing sw1 1", 3, "no such device type: a/nothing"),
        ("type insert a/card sw9 1", 3, "no such thing: sw9"),
        ("type insert a/card sw1:mgmt 1", 4, "sw1:mgmt is a part"),
        ("type insert a/box sw1 1", 4, "a/box is no type of modules"),
        ("type insert a/card taken 1", 4, "the name is taken: taken:br1"),
    ],
)
def test_what_is_no_module_changes_nothing(modular: Run, tmp_path: Path, words: str, code: int, message: str) -> None:
    (tmp_path / "box.yaml").write_text("manufacturer: a\nmodel: box\n")
    modular("import", "--device-type", str(tmp_path / "box.yaml"))
    modular("add", "Server", "taken", "--parts", "nic=br1")
    before = modular("export").out
    refused = modular(*words.split())
    assert (refused.code, message in refused.err) == (code, True), refused
    assert modular("export").out == before
