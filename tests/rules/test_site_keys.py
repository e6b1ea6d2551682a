"""Keys that a site declares: held on every way in, over values of before, in files, in the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_core.config import Settings
from clusto_core.errors import Malformed, Refused
from clusto_core.inventory import Inventory
from clusto_core.model import units
from clusto_core.model.attributes import Key, infer
from clusto_core.model.keys import TYPES, declare
from clusto_core.records.integrity import problems
from tests.conftest import Run

# What is declared beside the type; what people write, and what is kept; what cannot be.
KINDS: dict[str, tuple[dict[str, object], dict[str, str], str]] = {
    "any": ({}, {"5": "5", "x": "x"}, ""),
    "block": ({}, {"10.0.0.0/255.0.0.0": "10.0.0.0/8"}, "10.0.0.1/8"),
    "boolean": ({}, {"yes": "true", "TRUE": "true", "off": "false"}, "maybe"),
    "choice": ({"choices": ["prod", "test"]}, {"PROD": "prod", "test": "test"}, "tst"),
    "date": ({}, {"31.01.2026": "2026-01-31", "2026-01-31": "2026-01-31"}, "01/31/2026"),
    "integer": ({"low": 1, "high": 9}, {"5": "5", "5.0": "5"}, "10"),
    "ip": ({}, {"2001:DB8::1": "2001:db8::1"}, "10.0.0"),
    "json": ({}, {}, "x"),
    "mac": ({}, {"005056ABCDEE": "00:50:56:ab:cd:ee"}, "0050"),
    "number": ({"unit": "W"}, {"2kW": "2000", "2 kW": "2000", "1.5": "1.5", "250 mW": "0.25"}, "2kg"),
    "rackunits": ({}, {"2U": "2"}, "2.3"),
    "relation": ({"to": "Rack"}, {"r1": "r1", "@r1": "r1"}, "x"),
    "span": ({}, {"10.0.0.1 - 10.0.0.9": "10.0.0.1-10.0.0.9"}, "10.0.0.9-10.0.0.1"),
    "text": ({"regex": "[A-Z]{2}[0-9]+"}, {"AB1": "AB1"}, "ab1"),
    "truth": ({}, {"Yes": "true", "/etc/ca.pem": "/etc/ca.pem"}, ""),
    "vlan": ({}, {"010": "10"}, "4095"),
}


def _attr(run: Run, path: Path, value: str) -> object:
    run("add", "Server", "x")
    return run("attr", "set", "k", value, "-t", "x")


def _add(run: Run, path: Path, value: str) -> object:
    return run("add", "Server", "x", "--attr", f"k={value}")


def _allocate(run: Run, path: Path, value: str) -> object:
    run("add", "Server", "x")
    return run("allocate", "1", "--where", "name:x", "--set", f"k={value}")


def _file(suffix: str, text: Callable[[str], str]) -> Callable[[Run, Path, str], object]:
    def way(run: Run, path: Path, value: str) -> object:
        file = path / f"x.{suffix}"
        file.write_text(text(value))
        return run("import", str(file))

    return way


WAYS = {
    "attr": _attr,
    "add": _add,
    "allocate": _allocate,
    "jsonl": _file("jsonl", lambda value: json.dumps({"name": "x", "driver": "Server", "attrs": {"k": value}})),
    "yaml": _file("yaml", lambda value: f"things:\n- name: x\n  driver: Server\n  attrs:\n    k: '{value}'\n"),
    "csv": _file("csv", lambda value: f"name,driver,k\nx,Server,{value}\n"),
}


@pytest.fixture
def inventory(sqlite_url: str) -> Inventory:
    made = Inventory(Settings(sqlite_url))
    with made.change() as change:
        change.add("Rack", "r1")
    return made


def test_every_type_is_tried() -> None:
    assert KINDS.keys() == TYPES.keys() - {"part"}


@pytest.mark.parametrize("type", KINDS)
def test_values_are_kept_as_declared(inventory: Inventory, type: str) -> None:
    said, kept, wrong = KINDS[type]
    with inventory.change() as change:
        change.define_key("k", {"type": type, "on": ["Server"], **said})
        thing = change.add("Server", "x")
        for text, expected in kept.items():
            change.set_values(thing, "k", text.removeprefix("@") if type == "relation" else text)
            assert [each.value.text for each in change.unit.attributes(thing)] == [expected]
            assert not change.set_values(thing, "k", text.removeprefix("@"))
        if wrong:
            with pytest.raises(Malformed) if type != "relation" else pytest.raises(Malformed, match="is a Server"):
                change.set_values(thing, "k", wrong)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_is_held_to_it(clusto: Run, tmp_path: Path, way: str) -> None:
    clusto("key", "define", "k", "--unit", "W", "--on", "Server")
    clusto("add", "Server", "y", "--attr", "k=1")
    wrong = WAYS[way](clusto, tmp_path, "2kg")
    assert wrong.code == 2  # type: ignore[attr-defined]
    assert "k of x is a number in W, not '2kg'" in wrong.err  # type: ignore[attr-defined]
    clusto("remove", "x", "--yes")
    assert WAYS[way](clusto, tmp_path, "2kW").code == 0  # type: ignore[attr-defined]
    assert clusto("attr", "get", "k", "x").out == "2000\n"


def test_values_of_before_are_listed_or_converted_wholly(clusto: Run) -> None:
    clusto("add", "Server", "s1", "s2")
    clusto("attr", "set", "purchased", "31.01.2026", "-t", "s1")
    clusto("attr", "set", "purchased", "soon", "-t", "s2")
    for more in ([], ["--convert"]):
        done = clusto("key", "define", "purchased", "--type", "date", *more)
        assert (done.code, done.out) == (4, "")
        assert "purchased of s2 is a date: 2026-01-31" in done.err
        assert clusto("attr", "get", "purchased", "s1").out == "31.01.2026\n"
    clusto("attr", "del", "purchased", "-t", "s2")
    assert clusto("key", "define", "purchased", "--type", "date").code == 4
    done = clusto("key", "define", "purchased", "--type", "date", "--convert")
    assert done == (0, "declared purchased, converted 1 value\n", "")
    assert clusto("find", "attr:purchased<2026-06-01").out == "s1\n"
    assert clusto("revert", "5").code == 0
    assert clusto("attr", "get", "purchased", "s1").out == "31.01.2026\n"
    assert clusto("key", "list").out == ""


@pytest.mark.parametrize(
    "said", [{"unique": True}, {"required": True, "on": ["Server"]}, {"on": ["Switch"], "no_inherit": True}, {}]
)
def test_what_is_there_is_held_against_a_declaration(inventory: Inventory, said: dict[str, object]) -> None:
    with inventory.change() as change:
        change.add("Server", "s1", attributes={"k": ["a", "b"]})
        change.add("Server", "s2", attributes={"k": "a"})
        change.add("Server", "s3")
    with pytest.raises(Refused, match="not fit k: nothing was changed") as refused, inventory.change() as change:
        change.define_key("k", {"type": "text", "many": bool(said), **said})
    assert refused.value.details
    with inventory.read() as reader:
        assert reader.definitions() == {}


def test_no_two_have_what_is_unique(clusto: Run, tmp_path: Path) -> None:
    clusto("key", "define", "asset", "--unique")
    clusto("add", "Server", "s1", "--attr", "asset=A1")
    clusto("add", "Server", "s2")
    done = clusto("attr", "set", "asset", "A1", "-t", "s2")
    assert done == (4, "", "clusto: error: s1 and s2 would have the same asset A1, which is unique\n")
    file = tmp_path / "x.jsonl"
    file.write_text(
        "".join(json.dumps({"name": f"t{n}", "driver": "Server", "attrs": {"asset": "B"}}) + "\n" for n in "12")
    )
    assert clusto("import", str(file)).code == 4
    assert clusto("attr", "set", "asset", "A1", "-t", "s1").code == 0


def test_what_is_required_is_missed_when_it_is_added_and_when_it_goes(clusto: Run, tmp_path: Path) -> None:
    clusto("key", "define", "env", "--choices", "prod,test", "--required", "--on", "Server")
    assert clusto("add", "Server", "s1").err.startswith("clusto: error: s1 must have env")
    assert clusto("add", "Server", "s1", "--attr", "env=prod").code == 0
    assert clusto("attr", "del", "env", "-t", "s1").code == 4
    assert clusto("attr", "set", "env", "test", "-t", "s1").code == 0
    file = tmp_path / "x.csv"
    file.write_text("name,driver\ns2,Server\n")
    assert clusto("import", str(file)).code == 4
    assert clusto("add", "Rack", "r1").code == 0
    assert clusto("remove", "s1", "--yes").code == 0


def test_what_is_not_inherited_is_so_for_everybody(clusto: Run) -> None:
    clusto("add", "Rack", "r1", "--attr", "snmp.community=own", "--attr", "colour=red")
    clusto("add", "PDU", "p1", "--in", "r1")
    assert clusto("attr", "get", "colour", "--inherited", "p1").out == "red\n"
    assert clusto("find", "driver:PDU and attr:colour,red inherited").out == "p1\n"
    clusto("key", "define", "colour", "--type", "text", "--no-inherit")
    assert clusto("attr", "get", "colour", "--inherited", "p1").code == 3
    assert clusto("find", "driver:PDU and attr:colour,red inherited").out == ""
    assert "colour" not in clusto("show", "p1").out
    table = clusto("find", "driver:PDU", "--columns", "name,inherited:colour").out
    assert table.split() == ["name", "inherited:colour", "p1"]
    assert clusto("attr", "get", "snmp.community", "--inherited", "--reveal", "p1").out == "own\n"


def test_declarations_come_and_go_with_files(clusto: Run, tmp_path: Path) -> None:
    clusto("key", "define", "load", "--unit", "W", "--on", "Server", "--meaning", "what it draws")
    clusto("key", "strict", "on")
    clusto("add", "Server", "s1", "--attr", "load=2kW")
    for suffix, form in (("yaml", "yaml"), ("jsonl", "jsonl")):
        told = clusto("export", "--format", form).out
        file = tmp_path / f"x.{suffix}"
        # Whatever stands where: declarations are read first.
        file.write_text(told)
        other = f"sqlite:///{tmp_path}/{suffix}.db"
        assert clusto("--db", other, "import", str(file)).code == 0
        assert clusto("--db", other, "export", "--format", form).out == told
        assert clusto("--db", other, "attr", "set", "load", "x", "-t", "s1").code == 2
        assert clusto("--db", other, "key", "strict").out == "on\n"
    assert clusto("find", "name:*").out == "s1\n"
    bad = tmp_path / "bad.yaml"
    bad.write_text("things:\n- name: =load\n  driver: SiteKey\n  attrs:\n    _key: {json: {type: nonsense}}\n")
    assert "no such type of values: nonsense" in clusto("import", str(bad)).err


def test_a_file_that_declares_over_values_of_before_is_refused(clusto: Run, tmp_path: Path) -> None:
    clusto("add", "Server", "s1", "--attr", "load=much")
    file = tmp_path / "x.jsonl"
    file.write_text('{"name": "=load", "driver": "SiteKey", "attrs": {"_key": {"json": {"type": "number"}}}}\n')
    done = clusto("import", str(file))
    assert done.code == 4
    assert "load of s1 is a number, not 'much'" in done.err


def test_a_strict_store_and_a_strict_command_refuse_new_keys(clusto: Run) -> None:
    clusto("add", "Server", "s1", "--attr", "status=spare")
    done = clusto("attr", "set", "statsu", "x", "-t", "s1", "--strict")
    assert done.code == 4
    assert "statsu: new key (did you mean status?): declare it first" in done.err
    assert clusto("key", "strict").out == "off\n"
    clusto("key", "strict", "on")
    assert clusto("attr", "set", "owner", "x", "-t", "s1").code == 4
    assert clusto("add", "Server", "s2", "--attr", "owner=x").code == 4
    assert clusto("attr", "set", "status", "y", "-t", "s1").code == 0
    assert clusto("attr", "set", "snmp.port", "161", "-t", "s1").code == 0
    clusto("key", "define", "owner")
    assert clusto("attr", "set", "owner", "x", "-t", "s1").code == 0
    assert clusto("revert", "2").code == 0
    assert clusto("attr", "set", "other", "x", "-t", "s1").code == 0


def test_a_revert_brings_back_nothing_that_does_not_fit(clusto: Run) -> None:
    clusto("add", "Server", "s1", "--attr", "load=much")
    clusto("attr", "set", "load", "5", "-t", "s1")
    clusto("key", "define", "load", "--type", "number")
    done = clusto("revert", "2")
    assert done.code == 4
    assert "load of s1 is a number, not 'much'" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["snmp.port", "--type", "text"],
        ["_in", "--type", "text"],
        ["k#1", "--type", "text"],
        ["k", "--type", "nonsense"],
        ["k", "--type", "text", "--regex", "("],
        ["k", "--type", "relation", "--to", "Nothing"],
        ["k", "--type", "choice"],
        ["k", "--required"],
        ["k", "--required", "--on", "NIC"],
        ["k", "--on", "Nothing"],
    ],
)
def test_what_cannot_be_declared_is_told(clusto: Run, words: list[str]) -> None:
    done = clusto("key", "define", *words)
    assert done.code == (4 if words[0] == "snmp.port" else 2), done
    assert done.err.count("\n") == 1


def test_a_declaration_is_shown_and_forgotten(clusto: Run) -> None:
    clusto("key", "define", "env", "--choices", "prod,test", "--on", "Server", "--meaning", "what for")
    assert clusto("key", "show", "env").out == "choices: prod, test\nmeaning: what for\non: Server\ntype: choice\n"
    assert clusto("key", "list").out == "env\tone of prod, test\tServer\twhat for\n"
    assert "one of prod, test" in clusto("help", "keys", "env").out
    line = clusto("completion", "bash", "--line", "clusto add Server x --attr env=").out
    assert {"env=prod", "env=test"} <= set(line.split())
    assert clusto("key", "delete", "env").code == 0
    assert clusto("key", "delete", "env").code == 3


@given(st.integers(-(10**6), 10**6), st.sampled_from(["W", "kW", "MW", "s", "min", "h", "B", "KiB", "GB", "EUR"]))
def test_a_number_in_its_own_unit_is_that_number(number: int, unit: str) -> None:
    assert units.measure(f"{number}{unit}", unit) == units.measure(str(number), unit) == number


@given(st.text(max_size=30), st.sampled_from(sorted(KINDS)))
def test_what_is_kept_is_kept_again(text: str, type: str) -> None:
    declared = declare({"type": type, **KINDS[type][0]})
    try:
        kept = declared.grammar.read(infer(text))
    except Malformed:
        return
    if kept is not None:
        assert declared.grammar.read(kept) == kept


def test_every_database_keeps_declarations(empty_url: str) -> None:
    inventory = Inventory(Settings(empty_url))
    with inventory.change() as change:
        change.add("Rack", "r1", attributes={"load": "2 kW"})
        change.add("Server", "s1", attributes={"asset": "A" * 300})
    with inventory.change() as change:
        assert change.define_key("load", {"type": "number", "unit": "W", "no_inherit": True}, convert=True) == 1
        change.define_key("asset", {"type": "text", "unique": True})
        change.define_key("home", {"type": "relation", "to": "Rack", "unique": True})
        change.set_values("s1", "home", "r1")
    for key, value in (("asset", "A" * 300), ("home", "r1")):
        with pytest.raises(Refused, match="unique"), inventory.change() as change:
            change.add("Server", "s2", attributes={key: value})
    with inventory.read() as reader:
        assert {str(key) for key in reader.own_keys} >= {"load", "serial"}
        assert [each.value.text for each in reader.attributes_under(Key("load"))] == ["2000"]
        assert list(problems(reader)) == []
