"""What the library takes and what it refuses: keys, values, names and Things of programs; changes inside changes."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.attributes import Key, Value, structure
from clusto_core.model.reserved import POWER_LAST
from clusto_core.records import history, integrity
from clusto_core.records.revert import revert
from clusto_core.rules import claims, protection, values
from clusto_core.transfer.documents import parse as document
from clusto_core.transfer.importer import load
from tests.records.test_history import picture


@pytest.fixture
def site(sqlite_url: str) -> Inventory:
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        change.add("Rack", "rack1", part_counts={"ru": 4})
        change.add("Server", "s1", attributes={"tag": ["x", "y"], "status": "new"})
        change.add("Server", "s2")
        change.add("Pool", "pool1")
    return inventory


def held(inventory: Inventory, name: str, key: str) -> list[Any]:
    with inventory.read() as reader:
        every = reader.attributes(reader.resolve(name).id)
        return [each.value.python() for each in every if str(each.key) == key]


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("spare", ["spare"]),
        (["a", 1], ["a", 1]),
        ((2.5, True), [2.5, True]),
        (date(2026, 1, 31), [datetime(2026, 1, 31, tzinfo=UTC)]),
        ({"nvme": [4]}, [{"nvme": [4]}]),
        (structure([1, 2]), [[1, 2]]),
        ([], []),
        ("", [""]),
    ],
)
def test_one_value_or_a_list_of_them(site: Inventory, given: Any, wanted: list[Any]) -> None:
    with site.change() as change:
        change.set_values("s1", "status", given)
    assert held(site, "s1", "status") == wanted


def test_several_values_when_something_is_added(site: Inventory) -> None:
    assert held(site, "s1", "tag") == ["x", "y"]
    with site.change() as change:
        change.add_values("s1", "rel", [change.resolve("s2"), Value("relation", "rack1")])
    assert held(site, "s1", "rel") == ["s2", "rack1"]


@pytest.mark.parametrize(
    "given",
    [
        b"spare",
        {"x"},
        iter(["x"]),
        (each for each in "x"),
        range(3),
        None,
        [None],
        [b"x"],
        object(),
        float("nan"),
        2**63,
        "\x00",
        "\ud800",
        Value("integer", "007"),
        Value("integer", str(2**63)),
        Value("float", "1"),
        Value("boolean", "yes"),
        Value("datetime", "2026-02-30"),
        Value("json", "{"),
        Value("json", '{"b":1,"a":2}'),
        Value("string", "x", 1),
        Value("string", b"x"),  # type: ignore[arg-type]
        Value("teapot", "x"),
        Value("relation", ""),
    ],
    ids=lambda given: re.sub(" object at 0x.*| at 0x.*", "", repr(given)),
)
def test_what_is_no_value_is_malformed(site: Inventory, given: Any) -> None:
    before = picture(site)
    for write in (Transaction.set_values, Transaction.add_values):
        with pytest.raises(Malformed), site.change() as change:
            write(change, "s1", "status", given)
    with pytest.raises(Malformed), site.change() as change:
        change.add("Server", "s3", attributes={"status": given})
    assert picture(site) == before


def test_a_relation_that_leads_nowhere_is_not_found(site: Inventory) -> None:
    for given in (Value("relation", "nowhere"), Value("relation", "s1", 99999)):
        with pytest.raises(NotFound), site.change() as change:
            change.set_values("s1", "rel", given)


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["", "a b", "a#x", Key("a b"), Key("a.b"), Key(""), Key("a", -1), Key("a", None, "b c"), 5, None], ids=repr
)
def test_a_key_that_cannot_be_is_malformed(site: Inventory, key: Any) -> None:
    for write in (
        lambda change: change.set_values("s1", key, 1),
        lambda change: change.add_values("s1", key, 1),
        lambda change: change.delete_values("s1", key),
        lambda change: change.add("Server", "s3", attributes=[(key, 1)]),
    ):
        with pytest.raises(Malformed, match="malformed key"), site.change() as change:
            write(change)


@pytest.mark.parametrize(
    "key", ["_in", "_ip", "_given", "_expression", "_power.last", "_anything", Key("_in")], ids=str
)
def test_reserved_keys_are_not_written(site: Inventory, key: Any) -> None:
    for write in (
        lambda change: change.set_values("s1", key, "x"),
        lambda change: change.add_values("s1", key, "x"),
        lambda change: change.delete_values("s1", key),
        lambda change: change.add("Server", "s3", attributes=[(key, "x")]),
        lambda change: change.add("NIC", "s1:eth9", attributes=[(key, "x")]),
    ):
        with pytest.raises(Malformed, match="clusto's own verbs"), site.change() as change:
            write(change)


def test_clusto_s_own_way_keeps_to_the_types_of_reserved_keys(site: Inventory) -> None:
    with site.change() as change:
        assert values.keep(change.unit, change.resolve("s1"), POWER_LAST, [structure({"before": {}})])
    for key, value in (
        (POWER_LAST, Value("string", "x")),
        (Key("_given"), Value("string", "x")),
        (Key("_ip"), Value("string", "x")),
        (Key("_nobody"), Value("string", "x")),
        (Key("status"), Value("string", "x")),
    ):
        with pytest.raises(Malformed), site.change() as change:
            values.keep(change.unit, change.resolve("s1"), key, [value])


def test_an_address_that_is_taken_is_refused(site: Inventory) -> None:
    with site.change() as change:
        claims.hold(change.unit, change.resolve("s1"), "10.0.0.1")
        with pytest.raises(Refused, match=r"10\.0\.0\.1 is taken: s1 holds it"):
            claims.hold(change.unit, change.resolve("s2"), "10.0.0.1")
    with pytest.raises(Malformed, match="not an IP address"), site.change() as change:
        claims.hold(change.unit, change.resolve("s1"), "not an address")


# --- Things ----------------------------------------------------------------------------------------------------------


def test_what_is_gone_cannot_be_changed(site: Inventory) -> None:
    with site.read() as reader:
        server, part = reader.resolve("s1"), reader.resolve("s1:eth0")
    for thing in (server, part, "s1", "s1:eth0"):
        for use in (
            lambda change, thing: change.set_values(thing, "a", 1),
            lambda change, thing: change.put(thing, "pool1"),
            lambda change, thing: change.connect(thing, "s2:eth0"),
            lambda change, thing: change.rename(thing, "s9"),
            lambda change, thing: change.remove(thing),
            lambda change, thing: change.set_values("s2", "rel", change.resolve(thing)),
        ):
            with site.change(dry_run=True) as change:
                change.remove("s1")
                with pytest.raises(NotFound, match=r"no such (thing|part): s1"):
                    use(change, thing)
    with site.change() as change:
        change.rename("s1", "s9")
        with pytest.raises(NotFound):
            change.set_values("s1", "a", 1)


def test_what_a_value_of_the_same_change_names_is_not_removed(site: Inventory) -> None:
    with site.change() as change:
        change.set_values("s1", "rel", change.resolve("s2"))
        with pytest.raises(Refused, match="s1 names it: rel=@s2"):
            change.remove("s2")
        change.delete_values("s1", "rel")
        change.remove("s2")


def test_a_call_that_fails_has_done_nothing(site: Inventory) -> None:
    before = picture(site)
    calls: list[Callable[[Transaction], object]] = [
        lambda change: change.add("Server", "s3", parents=["rack1", "nowhere"]),
        lambda change: change.add("Server", "s3", parents=["pool1", "s1:eth0"]),
        lambda change: change.add("Server", "s3", attributes={"a": 1, "_in": 2}),
        lambda change: change.set_values("s1", "tag", ["z", None]),
        lambda change: change.add_values("s1", "tag", ["z", None]),
        lambda change: change.remove_all(["s1", "nowhere"]),
        lambda change: change.delete_values([change.resolve("s1")], "nokey"),
    ]
    with site.change() as change:
        for call in calls:
            with pytest.raises(ClustoError):
                call(change)
    assert picture(site) == before


@pytest.mark.parametrize(
    "counts", [{"nic": "eth0"}, {"nic": b"x"}, {"nic": {"a"}}, {"nic": 2.5}, {"nic": [5]}, {"nic": True}]
)
def test_parts_are_counted_or_listed(site: Inventory, counts: Any) -> None:
    with pytest.raises(Malformed), site.change() as change:
        change.add("Server", "s3", part_counts=counts)


def test_one_parent_or_several(site: Inventory) -> None:
    with site.change() as change:
        change.add("Server", "s3", parents="rack1")
        change.add("Server", "s4", parents=["rack1", change.resolve("pool1")])
    assert [each.name for each in site.find("driver:Server in name:rack1")] == ["s3", "s4"]


# --- protection ------------------------------------------------------------------------------------------------------


def test_what_is_protected_goes_by_force_alone(site: Inventory) -> None:
    with site.change() as change:
        change.set_values("pool1", "protected", True)
        change.put("s1", "pool1")
    for name in ("s1", "s1:eth0", "pool1"):
        with pytest.raises(Refused, match="protected"), site.change() as change:
            change.remove(name)
    with site.change() as change:
        change.rename("s1", "s9")
        change.connect("s9:eth0", "s2:eth0")
        change.disconnect("s9")
        change.remove_all(["pool1", "s9"], force=True)
    assert [each.name for each in site.find("driver:Server")] == ["s2"]


def test_protection_of_the_same_change_counts(site: Inventory) -> None:
    with site.change() as change:
        change.set_values("s1", protection.PROTECTED, True)
        with pytest.raises(Refused, match="s1 is protected"):
            change.remove("s1")


# --- changes in changes ----------------------------------------------------------------------------------------------


def test_a_change_inside_a_change_joins_it(site: Inventory) -> None:
    with site.change("outer", "first") as change:
        change.add("Server", "s3")
        with site.change("inner", "second") as inner:
            inner.set_values("s3", "status", "new")
        change.set_values("s3", "seen", inner.resolve("s3").name)
    with site.read() as reader:
        (newest, _) = history.entries(reader)
        assert (newest.id, newest.command, newest.message) == (change.id, "outer", "first; second")
    assert held(site, "s3", "status") == ["new"]


def test_a_change_that_failed_inside_takes_the_outer_one_with_it(site: Inventory) -> None:
    def attempt() -> None:
        with site.change() as change:
            change.add("Server", "s3")
            with pytest.raises(NotFound), site.change() as inner:
                inner.remove_all([inner.add("Server", "s4"), "nowhere"])

    before = picture(site)
    with pytest.raises(Refused, match=r"half of it was done \(no such thing: nowhere\)"):
        attempt()
    assert picture(site) == before


def test_what_is_done_wholly_or_not_at_all_is_not_kept_by_half(site: Inventory) -> None:
    with site.change() as change:
        change.add("Server", "s3")
        change.put("s3", change.add("Pool", "pool2"))
    number = change.id or 0

    def attempt(call: Callable[[Transaction], object]) -> None:
        with site.change() as change:
            with pytest.raises(ClustoError):
                call(change)
            change.set_values("s2", "status", "kept?")

    def spoiled(change: Transaction) -> None:
        change.set_values("s3", "a", 1)
        revert(change.unit, number)

    attempt(lambda change: revert(change.unit, 99))
    assert held(site, "s2", "status") == ["kept?"], "what had not begun is no half"
    before = picture(site)
    files = [{"name": "s4", "driver": "Server"}, {"name": "s5", "driver": "Servr"}]
    calls: list[Callable[[Transaction], object]] = [
        lambda change: change.remove_all(["s1", change.add("Pool", "pool3"), "pool2"]),
        spoiled,
        lambda change: load(change, [document(each, "file", 1) for each in files]),
    ]
    for call in calls:
        with pytest.raises(Refused, match="nothing was changed: a part of the change failed"):
            attempt(call)
        assert picture(site) == before


def test_what_cannot_be_kept_apart_does_not_join(site: Inventory) -> None:
    with site.change() as change:
        with pytest.raises(Refused, match="dry run"), site.change(dry_run=True):
            pass
        with pytest.raises(Refused, match="undone by a change of its own"), site.change(reverts=1):
            pass
        change.set_values("s1", "status", "kept")
    assert held(site, "s1", "status") == ["kept"]


def test_another_inventory_on_the_same_store_is_refused_at_once(site: Inventory, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(site.settings.url.removeprefix("sqlite:///"))
    for url in (site.settings.url, f"sqlite:///{link}"):
        other = Inventory(Settings(url))
        with site.change() as change:
            with pytest.raises(Refused, match="would wait for itself"), other.change():
                pass
            change.set_values("s1", "status", "kept")
    with other.change() as change:
        change.set_values("s1", "status", "later")
    assert held(site, "s1", "status") == ["later"]


def test_another_thread_waits_for_its_turn(site: Inventory) -> None:
    began = threading.Event()

    def other() -> None:
        began.set()
        with site.change() as change:
            change.add_values("s1", "by", "other")

    thread = threading.Thread(target=other)
    with site.change() as change:
        thread.start()
        began.wait()
        change.add_values("s1", "by", "first")
    thread.join()
    assert held(site, "s1", "by") == ["first", "other"]


# --- types -----------------------------------------------------------------------------------------------------------

TYPED = """
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key, Value

with Inventory.open().change() as change:
    change.set_values("s1", "status", "spare")
    change.set_values("s1", Key("status"), ["spare"])
    change.add_values(change.resolve("s1"), "n", (1, 2.5, True, Value("string", "x"), change.resolve("s2")))
    change.delete_values("s1", "n", 1)
    change.remove("s1", force=True)
"""
MISTYPED = [
    'change.set_values("s1", "status", b"spare")',
    'change.set_values("s1", "status", {"spare"})',
    'change.set_values("s1", "status", None)',
    'change.set_values("s1", "status", iter(["spare"]))',
    'change.set_values("s1", 5, "spare")',
    'change.add("Server", "s3", part_counts={"nic": "eth0"})',
    "change.remove(5)",
]


def test_mypy_knows_a_value_from_what_is_none(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    file = tmp_path / "program.py"
    start = TYPED.count("\n") + 1
    file.write_text(TYPED + "".join(f"    {line}\n" for line in MISTYPED))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(file)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    errors = [line.split(":") for line in done.stdout.splitlines() if ": error:" in line]
    told = {int(number) for name, number, *_ in errors if name == file.name}
    assert told == set(range(start, start + len(MISTYPED))), done.stdout


# --- db check --------------------------------------------------------------------------------------------------------

DAMAGE = [
    ("UPDATE attributes SET key = 'a b' WHERE key = 'status'", "s1 has a key that cannot be"),
    ("UPDATE attributes SET key = '_in' WHERE key = 'status'", "s1 has a value of the type string under _in"),
    ("UPDATE attributes SET key = '_nobody' WHERE key = 'status'", "s1 has a key that cannot be"),
    ("UPDATE attributes SET key = '_given' WHERE key = 'status'", "s1 has _given, which only a NameRange has"),
    ("UPDATE attributes SET key = '_ip' WHERE key = 'status'", "s1 holds an address that is not marked as taken"),
    ("UPDATE attributes SET type = 'integer' WHERE key = 'status'", "s1 has under status what is no value"),
    ("UPDATE attributes SET integer_value = 6 WHERE key = 'n'", "s1 has under n a value that is not found"),
    ("UPDATE attributes SET claim = 'ip4:0a000001' WHERE key = 'status'", "s1 has a value that is marked as an"),
    ("UPDATE attributes SET head = '010.0.0.9' WHERE key = '_ip'", "s1 holds an address"),
    ("UPDATE things SET name = 's 1' WHERE name = 's1'", "malformed name 's 1'"),
    ("UPDATE things SET driver = 'NIC' WHERE name = 'pool1'", "pool1 is a NIC, and belongs to no Thing"),
    ("UPDATE things SET number = 5 WHERE name = 's1:eth0'", "s1:eth0 does not have the number"),
    ("UPDATE attributes SET ref_id = (SELECT id FROM things WHERE name = 'rack2') WHERE ref_id = "
     "(SELECT id FROM things WHERE name = 'pool1')", "s1 is in 2 places"),
    ("UPDATE attributes SET ref_id = (SELECT id FROM things WHERE name = 'rack1') WHERE ref_id = "
     "(SELECT id FROM things WHERE name = 'pool1')", "s1 is in the same Thing twice"),
    ("UPDATE attributes SET ref_id = (SELECT id FROM things WHERE name = 's2:eth0') WHERE ref_id = "
     "(SELECT id FROM things WHERE name = 'pool1')", "s1 is a part, or is in a part"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "told"), DAMAGE, ids=[each[1] for each in DAMAGE])
def test_db_check_proves_what_only_rules_can(site: Inventory, statement: str, told: str) -> None:
    from clusto_core.store import database

    with site.change() as change:
        change.add("Rack", "rack2")
        change.put("s1", "pool1")
        change.put("s1", "rack1")
        change.set_values("s1", "n", 5)
        claims.hold(change.unit, change.resolve("s1"), "10.0.0.9")
    with site.read() as reader:
        assert list(integrity.problems(reader)) == []
    store = database.connect_to_write(site.settings.url)
    store.execute("PRAGMA foreign_keys = OFF")
    store.execute(statement)
    store.close()
    with site.read() as reader:
        found = list(integrity.problems(reader))
    assert any(told in line for line in found), found
