"""Keys with a meaning: what their values may be, on every way in, in all the spellings that people and tools use."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.inventory import Inventory
from clusto_core.model import keys
from clusto_core.model.attributes import from_python, infer
from clusto_core.model.grammars import Address, Block, Boolean, Grammar, Integer, Mac, RackUnits
from clusto_core.records.integrity import problems
from tests.conftest import Run

ROOT = Path(__file__).parent.parent.parent
GROUPED = rf"(?:{'|'.join(sorted({key.key for key in keys.every() if key.subkey}))})\.[a-z][a-z0-9_]*"
READ: list[tuple[Grammar, list[str], str]] = [
    (Boolean(), ["true", "TRUE", "True", "yes", "Yes", "on", "ON", "1", " true "], "true"),
    (Boolean(), ["false", "FALSE", "no", "No", "off", "0"], "false"),
    (Integer(1, 4094), ["10", " 10 ", "010"], "10"),
    (RackUnits(), ["2", "2U", "2u", "2 U", "2.0"], "2"),
    (RackUnits(), ["2.5", "2.5U"], "2.5"),
    (RackUnits(), ["0"], "0"),
    (
        Mac(),
        ["00:50:56:ab:cd:ee", "00-50-56-AB-CD-EE", "0050.56ab.cdee", "005056abcdee", "005056ABCDEE"],
        "00:50:56:ab:cd:ee",
    ),
    (Mac(), ["105056123456"], "10:50:56:12:34:56"),
    (Block(), ["10.2.0.0/24", "10.2.0.0/255.255.255.0"], "10.2.0.0/24"),
    (Block(), ["2001:DB8::/64"], "2001:db8::/64"),
    (Address(), ["10.2.0.1"], "10.2.0.1"),
    (Address(), ["2001:DB8::1"], "2001:db8::1"),
]
NOT_READ: list[tuple[Grammar, list[str]]] = [
    (Boolean(), ["maybe", "2", "", "2026-01-31", "truee", "1.0"]),
    (Integer(1, 4094), ["0", "4095", "5000", "-1", "1.5", "ten", "", "9" * 30]),
    (RackUnits(), ["2.3", "U", "-1", "two", "1e3", "9999", ""]),
    (Mac(), ["00:50:56:ab:cd", "00:50:56:ab:cd:eg", "005056", "", "0050.56ab.cdee.0"]),
    (Block(), ["10.2.0.0", "10.2.0.0/33", "net", "", "10.2.0.1/24"]),
    (Address(), ["10.2.0.0/24", "10.2.0", ""]),
]
WRONG = {
    "protected": ("Server", "maybe", "protected of x is true or false, not 'maybe'"),
    "height": ("Server", "2.3", "height of x is a number of rack units, in halves: 1, 2.5 or 2U, not '2.3'"),
    "full_depth": ("Server", "half", "full_depth of x is true or false, not 'half'"),
    "mac": ("Server", "00:11", "mac of x is a MAC address: 52:54:00:12:34:56, not '00:11'"),
    "cidr": ("Network", "10.9.0.1/24", "10.9.0.1/24 is an address within a block: write 10.9.0.0/24"),
    "gateway": ("Network", "gw", "gateway of x is an IP address, not 'gw'"),
    "vid": ("VLAN", "5000", "vid of x is a whole number from 1 to 4094, not '5000'"),
    "snmp.port": ("PDU", "abc", "snmp.port of x is a whole number from 1 to 65535, not 'abc'"),
    "snmp.timeout": ("PDU", "2kg", "snmp.timeout of x is a number from 0.001 to 86399 in s, not '2kg'"),
    "snmp.version": ("PDU", "4", "snmp.version of x is one of 1, 2c, 3, not '4'"),
    "reserved": ("Network", "10.0.0.9-10.0.0.1", "reserved of x is an address, a block or a span"),
    "rebuild.autolock": ("Server", "perhaps", "rebuild.autolock of x is true or false, not 'perhaps'"),
}


@pytest.mark.parametrize(("grammar", "texts", "kept"), READ)
def test_what_people_write_is_kept_in_one_form(grammar: Grammar, texts: list[str], kept: str) -> None:
    for text in texts:
        for value in (infer(text), from_python(text)):
            found = grammar.read(value)
            assert found is not None, text
            assert found.text == kept
            assert grammar.read(found) == found


@pytest.mark.parametrize(("grammar", "texts"), NOT_READ)
def test_what_needs_guessing_is_not_read(grammar: Grammar, texts: list[str]) -> None:
    for text in texts:
        for value in (infer(text), from_python(text)):
            with contextlib.suppress(ClustoError):
                assert grammar.read(value) is None, text


def test_every_key_is_declared_wholly() -> None:
    for key, declared in keys.every().items():
        assert declared.meaning, key
        assert declared.grammar.expects, key
        assert declared.choices or declared.type != "choice", key


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for wing in ("clusto_core", "clusto_cli"):
        for path in (ROOT / wing).rglob("*.py"):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _asked(node: ast.AST) -> list[ast.expr]:
    """What a piece of code may ask for by a key: `x["a.b"]`, `x.get("a.b")`, `setting(x, "a.b")`, `"a.b" in x`."""
    if isinstance(node, ast.Call):
        return [*node.args, *(keyword.value for keyword in node.keywords)]
    if isinstance(node, ast.Dict):
        return node.values
    if isinstance(node, ast.Assign):
        return [node.value]
    return [node.slice] if isinstance(node, ast.Subscript) else [node.left] if isinstance(node, ast.Compare) else []


def _keys_read(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Key" and node.args:
        word, subkey = _text(node.args[0]), _text(node.args[2]) if len(node.args) == 3 else ""
        if word.isidentifier() and not word.startswith("_"):
            yield f"{word}.{subkey}" if subkey else word
    yield from (text for each in _asked(node) if re.fullmatch(GROUPED, text := _text(each)))


def test_every_key_that_the_code_reads_is_declared() -> None:
    found = {(text, where) for where, module in _sources() for node in ast.walk(module) for text in _keys_read(node)}
    assert {"snmp.port", "height", "rebuild.autolock", "power.outlet", "dns.domain"} <= {text for text, _ in found}
    known = {*map(str, keys.every()), "ip"}  # a column of CSV that may look like a key
    assert {(text, where) for text, where in found if text not in known} == set()


def test_no_key_is_put_together_where_it_is_read() -> None:
    """Else the test above would not see it."""
    groups = {f"{key.key}." for key in keys.every() if key.subkey}
    for where, module in _sources():
        for node in ast.walk(module):
            got = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get"
            for asked in _asked(node)[:1] if got or isinstance(node, ast.Subscript) else ():
                if isinstance(asked, ast.JoinedStr):
                    assert _text(asked.values[0]) not in groups, f"{where}:{asked.lineno}"


def test_no_code_reads_a_number_by_itself() -> None:
    """By the grammars of keys, and turned into Python's in one place."""
    for where, module in _sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("int", "float"):
                inside = [text for each in ast.walk(node) for text in _keys_read(each)]
                assert not inside, f"{where}:{node.lineno}"


def _attr(run: Run, path: Path, driver: str, key: str, value: str) -> Run | object:
    run("add", driver, "x")
    return run("attr", "set", key, value, "-t", "x")


def _add(run: Run, path: Path, driver: str, key: str, value: str) -> object:
    return run("add", driver, "x", "--attr", f"{key}={value}")


def _file(suffix: str, text: Callable[[str, str, str], str]) -> Callable[..., object]:
    def way(run: Run, path: Path, driver: str, key: str, value: str) -> object:
        file = path / f"x.{suffix}"
        file.write_text(text(driver, key, value))
        return run("import", str(file))

    return way


WAYS = {
    "attr": _attr,
    "add": _add,
    "jsonl": _file("jsonl", lambda d, k, v: json.dumps({"name": "x", "driver": d, "attrs": {k: v}})),
    "yaml": _file("yaml", lambda d, k, v: f"things:\n- name: x\n  driver: {d}\n  attrs:\n    {k}: '{v}'\n"),
    "csv": _file("csv", lambda d, k, v: f"name,driver,{k}\nx,{d},{v}\n"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", WRONG)
def test_no_way_in_takes_what_a_key_cannot_have(clusto: Run, tmp_path: Path, way: str, key: str) -> None:
    driver, value, message = WRONG[key]
    done = WAYS[way](clusto, tmp_path, driver, key, value)
    assert done.code == 2  # type: ignore[attr-defined]
    assert message in done.err  # type: ignore[attr-defined]
    assert clusto("attr", "get", key, "-t", "x").code == 3


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("said", ["TRUE", "True", "yes", "on", "1"])
def test_protection_in_any_spelling_protects(clusto: Run, tmp_path: Path, way: str, said: str) -> None:
    WAYS[way](clusto, tmp_path, "Server", "protected", said)
    assert clusto("remove", "x", "--yes").code == 4
    assert clusto("attr", "get", "protected", "x").out == "true\n"


def test_a_value_of_before_still_protects_and_is_told(sqlite_url: str, clusto: Run) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        change.add("Server", "x", attributes={"protected": True, "height": 1})
        change.add("Network", "slip", attributes={"cidr": "10.9.0.0/24"})
        change.add("Network", "good", attributes={"cidr": "10.1.0.0/24"})
    with contextlib.closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as store, store:
        store.execute("UPDATE attributes SET type = 'string', head = 'TRUE' WHERE key = 'protected'")
        store.execute("UPDATE attributes SET head = '10.9.0.1/24' WHERE head = '10.9.0.0/24'")
    assert clusto("remove", "x", "--yes").code == 4
    assert clusto("ip", "allocate", "good", "x:eth0").code == 0
    assert clusto("ip", "allocate", "slip", "x:eth1").code == 2
    with Inventory(Settings(sqlite_url)).read() as reader:
        told = list(problems(reader))
    assert "10.9.0.1/24 is an address within a block: write 10.9.0.0/24" in told


def test_heights_in_halves_take_whole_units(clusto: Run) -> None:
    clusto("add", "Rack", "r1", "--parts", "ru=10")
    for name, height in {"f": "2.5", "t": "2U", "q": "2"}.items():
        clusto("add", "Server", name, "--attr", f"height={height}")
    assert clusto("connect", "f", "r1:RU1").out.count("\n") == 3
    assert clusto("connect", "t", "r1:RU4").out.count("\n") == 2
    assert clusto("connect", "q", "r1:RU5").code == 4
    assert clusto("add", "Server", "m", "--attr", "height=1", "--attr", "height=3").code == 4
    assert clusto("db", "check").out == "the store is sound\n"


def test_a_mac_is_found_as_it_was_typed(clusto: Run) -> None:
    clusto("add", "Server", "s3", "s4")
    clusto("attr", "set", "mac", "005056abcdee", "-t", "s3:eth0")
    for spelling in ("005056abcdee", "00:50:56:AB:CD:EE", "0050.56ab.cdee", "00-50-56-ab-cd-ee"):
        assert clusto("locate", spelling).code == 0, spelling
    assert clusto("find", "driver:NIC and attr:mac,00:50:56:ab:cd:ee").out == "s3:eth0\n"


def test_letters_with_marks_of_their_own_are_the_same_name(clusto: Run) -> None:
    assert clusto("add", "Server", "\u00e9tage1").code == 0
    assert clusto("locate", "e\u0301tage1").code == 0
    assert clusto("find", "name:e\u0301*").out == "\u00e9tage1\n"


def test_a_new_key_like_a_known_one_is_told(clusto: Run) -> None:
    clusto("add", "Server", "x", "--attr", "status=spare", "--attr", "serial=S125")
    slip = clusto("attr", "set", "statsu", "broken", "-t", "x")
    assert slip == (0, "", "clusto: note: statsu: new key (did you mean status?)\n")
    assert clusto("attr", "set", "statsu", "again", "-t", "x").err == ""
    assert clusto("attr", "set", "owner", "me", "-t", "x").err == ""
    case = clusto("attr", "set", "Serial", "S1", "-t", "x")
    assert case == (2, "", "clusto: error: the key Serial differs from serial in case alone: write serial\n")
    assert clusto("attr", "set", "Protected", "true", "-t", "x").code == 2


@pytest.mark.parametrize(
    "expression",
    [
        "attr:height,2U",
        "attr:height>=1U",
        "attr:protected,YES",
        "attr:protected=on",
        "attr:draw>1.5kW",
        "attr:draw,2kW",
        "attr:snmp.timeout=1min",
        "attr:mac,0050.56AB.CDEF",
        "not attr:mac,0050.56AB.CDEE",
    ],
)
def test_an_expression_means_values_in_any_spelling(clusto: Run, expression: str) -> None:
    clusto("key", "define", "draw", "--unit", "W")
    values = {"height": "2", "protected": "true", "draw": "2000", "snmp.timeout": "60", "mac": "005056abcdef"}
    clusto("add", "Server", "x", *(word for key, value in values.items() for word in ("--attr", f"{key}={value}")))
    assert clusto("find", expression).out == "x\n"


def test_completion_offers_what_fits(clusto: Run) -> None:
    clusto("add", "PDU", "p1")
    clusto("add", "VLAN", "v1")

    def offered(line: str) -> set[str]:
        return {each.partition("\t")[0] for each in clusto("completion", "fish", "--line", line).out.splitlines()[1:]}

    assert {"power.profile", "power.timeout"} <= offered("clusto attr set -t p1 power.")
    assert offered("clusto attr set -t p1 vi") == set()
    assert offered("clusto attr set -t v1 vi") == {"vid"}
    assert offered("clusto attr set -t v1 power.p") == set()
    assert offered("clusto attr set snmp.version ") == {"1", "2c", "3"}
    assert offered("clusto add VLAN v2 --attr vi") == {"vid="}
    assert "snmp.port" in offered("clusto help keys snmp.p")
