"""Keys with a meaning: what their values may be, on every way in, in all the spellings that people and tools use."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.drivers import Part
from clusto_core.errors import ClustoError
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import from_python, infer
from clusto_core.model.grammars import Address, Block, Boolean, Grammar, Integer, Mac, RackUnits
from clusto_core.model.keys import DECLARED
from clusto_core.records.integrity import problems
from tests.conftest import Run

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


def test_every_key_is_tried() -> None:
    """Those of parts are tried in test_sockets."""
    assert set(WRONG) == {str(key) for key, declared in DECLARED.items() if not issubclass(declared.on, Part)}


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
