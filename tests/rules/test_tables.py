"""Keys with numbers and subkeys: a table that is read, asked, numbered and taken out as one."""

from __future__ import annotations

import json
import shlex
import threading
from pathlib import Path
from random import Random

import pytest

from clusto_core import open as open_library
from clusto_core.config import Settings
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from tests.conftest import Run

KEYS = [Key("disk", number, subkey) for number in (None, 0, 1, 12) for subkey in (None, "size", "serial")]
PATTERNS = ["disk", "disk#0", "disk#*", "disk#*.size", "disk#1.*", "disk#*.*", "disk.*", "disk.size", "disk#12.serial"]


@pytest.mark.parametrize("text", PATTERNS)
def test_a_pattern_is_spelled_as_it_is_read(text: str) -> None:
    assert str(Key.pattern(text)) == text


@pytest.mark.parametrize("text", ["disk*", "*", "disk#**", "disk#*x", "disk.si*", "disk#+", "#*", "disk#-1.*", ""])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Key.pattern(text)


@pytest.mark.parametrize("text", PATTERNS)
def test_a_pattern_covers_what_fits_each_of_its_places(text: str) -> None:
    asked = Key.pattern(text)
    for key in KEYS:
        assert asked.covers(key) == (
            (key.number is not None if "#*" in text else asked.number == key.number)
            and (key.subkey is not None if text.endswith(".*") else asked.subkey == key.subkey)
        ), key


@pytest.mark.parametrize("text", ["disk#*", "disk#*.size", "disk#+"])
def test_nothing_is_written_under_a_pattern(inventory: Inventory, text: str) -> None:
    with inventory.change() as change:
        change.add("Server", "s1")
        for key in (text, Key("disk", -1, "size"), Key("disk", 0, "*")):
            with pytest.raises(Malformed):
                change.set_values("s1", key, "x")


@pytest.mark.parametrize("seed", range(20))
def test_what_is_taken_out_is_what_is_told(inventory: Inventory, seed: int) -> None:
    """Whatever there is: all that is told is gone, all else stays, and what could mean two things is refused."""
    random = Random(seed)
    present = random.sample(KEYS, random.randint(1, len(KEYS)))
    asked = Key.pattern(random.choice(PATTERNS))
    with inventory.change() as change:
        change.add("Server", "s1")
        for key in present:
            change.set_values("s1", key, "x")
    with inventory.change() as change:
        thing = change.resolve("s1")
        gone: list[Key] = []
        raised: type[Exception] | None = None
        try:
            gone = [key for _, key in change.delete_under(thing, asked)]
        except (NotFound, Refused) as error:
            raised = type(error)
        left = {each.key for each in change.unit.attributes(thing)}
    ambiguous = asked == Key("disk") and asked in present and any(key.number is not None for key in present)
    assert (raised is Refused) == ambiguous
    if raised is NotFound:
        assert not any(asked.covers(key) for key in present)
    assert left == set(present) - set(gone)
    assert len(set(gone)) == len(gone)
    exact = [key for key in gone if asked.covers(key)]
    assert exact in ([], gone)
    assert all(key.number is not None for key in gone if not asked.covers(key))


def test_two_at_once_get_different_numbers(store_url: str) -> None:
    """Threads that each add a disk: as many numbers as disks, from 0 on."""
    with Inventory(Settings(store_url)).change() as change:
        change.add("Server", "s1")

    def add(serial: str) -> None:
        with Inventory(Settings(store_url)).change() as change:
            number = change.next_number("s1", "disk")
            change.set_values("s1", Key("disk", number, "serial"), serial)
            change.set_values("s1", Key("disk", number, "size"), 4)

    threads = [threading.Thread(target=add, args=(f"WD-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table = open_library(store_url)["s1"].attrs.table("disk")
    assert list(table) == list(range(6))
    assert {row["serial"][0] for row in table.values()} == {f"WD-{number}" for number in range(6)}
    assert all(row["size"] == [4] for row in table.values())


def test_verbs_read_and_write_a_table(clusto: Run) -> None:
    assert clusto("add", "Server", "s1", "s2").code == 0
    assert clusto("attr", "set", "disk#+.serial", "WD-1", "--also", "size=4T", "-t", "s1").code == 0
    assert clusto("attr", "add", "disk#+.serial", "WD-2", "--also", "size=8T", "-t", "s1", "-t", "s2").code == 0
    assert clusto("attr", "get", "disk", "s1").out == "#\tserial\tsize\n0\tWD-1\t4T\n1\tWD-2\t8T\n"
    assert clusto("attr", "get", "disk", "s1", "s2").out.splitlines()[0] == "name\t#\tserial\tsize"
    assert clusto("attr", "get", "disk#*.serial", "s1").out == "disk#0.serial=WD-1\ndisk#1.serial=WD-2\n"
    assert clusto("attr", "get", "disk#1", "s1").out == "#\tserial\tsize\n1\tWD-2\t8T\n"
    assert clusto("find", "haskey(disk)").out == "s1\ns2\n"
    assert clusto("find", "attr:disk#*.serial,WD-1").out == "s1\n"
    assert clusto("find", "not haskey(disk#1.size) and driver:Server").out == "s2\n"
    dry = clusto("attr", "del", "disk#0", "-t", "s1", "--dry-run")
    assert dry.out == "would delete disk#0.serial of s1\nwould delete disk#0.size of s1\n"
    assert clusto("attr", "del", "disk", "-t", "s1").out.count("deleted disk#") == 4
    assert clusto("attr", "get", "disk", "s1").code == 3
    assert clusto("attr", "set", "disk", "one", "-t", "s2").code == 0
    refused = clusto("attr", "del", "disk", "-t", "s2")
    assert refused.code == 4
    assert "s2 has disk and disk#0.serial, disk#0.size" in refused.err
    assert clusto("attr", "set", "bmc.user", "x", "-t", "s2").code == 0
    assert clusto("attr", "del", "bmc", "-t", "s2").code == 3
    assert clusto("attr", "set", "disk.serial", "x", "--also", "size=4", "-t", "s2").code == 2


def test_the_values_of_every_level_come_nearest_first(clusto: Run) -> None:
    for words in ("add Datacenter dc", "add Pool p", "add Server s1 --in dc --in p"):
        assert clusto(*words.split()).code == 0
    for name, value in (("dc", "base"), ("p", "web"), ("s1", "own")):
        assert clusto("attr", "set", "profile", value, "-t", name).code == 0
    assert clusto("attr", "get", "profile", "--inherited", "-t", "s1").out == "own\n"
    assert clusto("attr", "get", "profile", "--inherited", "--all", "-t", "s1").out == "own\nweb\nbase\n"
    told = json.loads(clusto("attr", "get", "--inherited", "--all", "-t", "s1", "-o", "json").out)
    assert [(each["value"], each["from"]) for each in told] == [("own", "s1"), ("web", "p"), ("base", "dc")]
    assert clusto("attr", "get", "profile", "--all", "-t", "s1").code == 2


def test_the_library_has_tables_and_levels(store_url: str) -> None:
    inventory = open_library(store_url)
    with inventory.change("disks") as change:
        change.add("Datacenter", "dc", attrs={"profile": "base"})
        server = change.add("Server", "s1", attrs={"profile": "own"}, inside="dc")
        assert server.attrs.append("disk", {"serial": "WD-1", "size": 4}) == 0
        assert server.attrs.append("disk", {"serial": "WD-2", "": "second"}) == 1
    attrs = inventory["s1"].attrs
    assert attrs.table("disk") == {0: {"serial": ["WD-1"], "size": [4]}, 1: {"serial": ["WD-2"], "": ["second"]}}
    assert attrs.all("disk#*.serial") == ["WD-1", "WD-2"]
    levels = [(origin.name, key, value) for origin, key, value in inventory["s1"].inherited.collected()]
    assert [each for each in levels if each[1] == "profile"] == [("s1", "profile", "own"), ("dc", "profile", "base")]
    assert [thing.name for thing in inventory.find({"disk#*.serial": "WD-2"})] == ["s1"]


ROWS = {"serial": ["B", "C", "D"], "size": ["3", "4"]}
TOLD = "#\tserial\tsize\n0\tB\t3\n1\tC\t4\n2\tD\t\n"


def _pairs(option: str) -> list[str]:
    return [word for subkey, told in ROWS.items() for each in told for word in (option, f"disk#+.{subkey}={each}")]


def test_the_next_number_on_every_way_in(clusto: Run, tmp_path: Path) -> None:
    attrs = {f"disk#+.{subkey}": [*map(int, told)] if subkey == "size" else told for subkey, told in ROWS.items()}
    (tmp_path / "a.jsonl").write_text(json.dumps({"name": "s1", "driver": "Server", "attrs": attrs}) + "\n")
    (tmp_path / "a.csv").write_text(
        'name,driver,disk#+.serial,attr:disk#+.size\ns2,Server,"[""B"", ""C"", ""D""]","[3, 4]"\n'
    )
    assert clusto("import", str(tmp_path / "a.jsonl"), str(tmp_path / "a.csv")).code == 0
    clusto("add", "Server", "s3", *_pairs("--attr"))
    clusto("add", "Server", "s4")
    clusto("allocate", "1", "--where", "name:s4", *_pairs("--set"))
    clusto("batch", "-", stdin="add Server s5 " + " ".join(map(shlex.quote, _pairs("--attr"))) + "\n")
    clusto("add", "Server", "s6")
    clusto("retire", "s6", "--yes", "--record", "keep", *_pairs("--set"))
    for name in ("s1", "s2", "s3", "s4", "s5", "s6"):
        assert clusto("attr", "get", "disk", name).out == TOLD, name


def test_a_file_may_be_imported_again(clusto: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("things:\n- {name: s1, driver: Server, attrs: {'disk#+.serial': [B, C], 'disk#+.size': [3, 3]}}\n")
    clusto("add", "Server", "s1", "--attr", "disk#0.serial=A")
    for _ in range(2):
        assert clusto("import", str(path)).code == 0
        assert clusto("attr", "get", "disk", "s1").out == "#\tserial\tsize\n0\tA\t\n1\tB\t3\n2\tC\t3\n"


def test_what_is_no_key_with_a_next_number(clusto: Run) -> None:
    for key in ("disk#++", "disk+", "#+", "disk#+.", "_in#+"):
        assert clusto("add", "Server", "s1", "--attr", f"{key}=1").code == 2, key
