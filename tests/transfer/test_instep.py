"""Files that are imported again: what was in step, and has nothing to do with what changed since, is not looked at."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.inventory import Inventory, Transaction
from clusto_core.records import imported, integrity
from clusto_core.records.revert import revert
from clusto_core.store.schema import metadata
from clusto_core.transfer import importer, instep
from clusto_core.transfer.documents import parse
from clusto_core.transfer.faults import Faulty
from clusto_core.transfer.packing import digest
from clusto_core.transfer.pile import Pile
from tests.conftest import Run
from tests.inventories import content
from tests.transfer.test_batches import RACKS, server

FILES = "files"
SEEDS = 60 if os.environ.get("CLUSTO_LONG_TESTS") else 5
SITE = [
    *copy.deepcopy(RACKS[:-1]),
    *map(server, range(1, 7)),
    {"name": "room2", "driver": "Room", "in": ["dc1"]},
    {"name": "rack2", "driver": "Rack", "in": ["room2"]},
    {"name": "vm1", "driver": "VirtualServer", "in": ["blade1"], "ip": ["10.0.0.99"]},
    {"name": "s9", "driver": "Server", "in": ["dc1"], "at": "rack1:RU9", "parts": {"nic": 2}},
    {"name": "net1", "driver": "Network", "attrs": {"cidr": "10.0.0.0/24"}},
    *({"name": f"t{n}", "driver": "Server", "in": ["rack2"], "ip": [f"10.0.1.{n}"]} for n in range(1, 9)),
    *(
        {"name": f"u{n}", "driver": "Server", "in": ["web-pool"], "attrs": {"twin": {"ref": f"t{n}"}}}
        for n in range(1, 9)
    ),
]


def load(inventory: Inventory, objects: list[Any], size: int, files: str = FILES) -> str:
    """What comes of an import, in words."""
    pile = Pile((parse(each, "site", line) for line, each in enumerate(objects, 1)), size, size)
    try:
        with inventory.change("import") as change:
            counts = importer.load(change, pile, files=files)
    except Faulty as error:
        return "\n".join(map(str, error.faults))
    except ClustoError as error:
        return str(error)
    return f"{counts.named} {counts.added} {change.id is not None}"


Edit = Callable[[dict[str, Any], random.Random], None]

EDITS: list[Edit] = [
    lambda each, random_: each.setdefault("attrs", {}).update(ram=random_.choice([1, 2, [1, 2]])),
    lambda each, random_: each.update(at=f"rack{random_.choice('12')}:RU{random_.randrange(1, 9)}"),
    lambda each, random_: each.update({"in": random_.choice([["web-pool"], ["dc1"], ["rack2"], ["room2"]])}),
    lambda each, random_: each.update(ip=[f"10.0.0.{random_.randrange(1, 8)}"]),
    lambda each, random_: each.update(connect={"eth0": f"sw1:{random_.randrange(1, 8)}"}),
    lambda each, random_: each.update(parts={"nic": random_.randrange(1, 4)}),
    lambda each, random_: each.update(attrs={"twin": {"ref": f"s{random_.randrange(1, 7)}"}}),
]
STEPS: list[Callable[[Transaction, random.Random], object]] = [
    lambda change, random_: change.set_values(_any(random_), "ram", random_.randrange(9)),
    lambda change, random_: change.set_values(_any(random_), "other", random_.randrange(9)),
    lambda change, random_: change.disconnect(_any(random_)),
    lambda change, random_: change.connect(_any(random_), "sw1"),
    lambda change, random_: change.put(_any(random_), random_.choice(["room2", "web-pool", "rack2"])),
    lambda change, random_: change.move(random_.choice(["rack1", "blade1", "s1"]), random_.choice(["room2", "rack2"])),
    lambda change, random_: change.rename(_any(random_), f"new{random_.randrange(3)}"),
    lambda change, random_: change.rename_all([("s1", "s2"), ("s2", "s1")]),
    lambda change, random_: change.remove("vm1"),
    lambda change, random_: change.define_key("ram", {"type": "integer"}),
    lambda change, random_: change.set_values("net1", "cidr", "10.0.0.0/8"),
]


def _any(random_: random.Random) -> str:
    return str(random_.choice(SITE)["name"])


def test_what_is_not_looked_at_makes_no_difference(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was changed in the file and in the inventory, an import comes to what it comes to where nothing is
    remembered: the same inventory, or the same words."""
    alone = []
    decide = instep.due

    def noting(*given: Any) -> Any:
        found = decide(*given)
        alone.append(None if found is None else len(found))
        return found

    monkeypatch.setattr(instep, "due", noting)
    for seed in range(SEEDS):
        random_ = random.Random(seed)
        objects, path = copy.deepcopy(SITE), tmp_path / f"{seed}.db"
        shutil.copy(sqlite_template, path)
        inventory = Inventory(Settings(f"sqlite:///{path}"))
        for _ in range(12):
            size = random_.choice([3, 100])
            other = tmp_path / "other.db"
            shutil.copy(path, other)
            expected = load(Inventory(Settings(f"sqlite:///{other}")), objects, size, "others")
            before = len(alone)
            assert load(inventory, objects, size) == expected, (seed, alone[before:])
            assert content(inventory) == content(Inventory(Settings(f"sqlite:///{other}")))
            _disturb(inventory, objects, random_)
    assert len([each for each in alone if each]) > 5
    assert alone.count(0) > 3


def _disturb(inventory: Inventory, objects: list[dict[str, Any]], random_: random.Random) -> None:
    if random_.random() < 0.3:
        return
    if random_.random() < 0.6:
        objects[:] = copy.deepcopy(SITE)
    for _ in range(random_.choice([0, 0, 1, 1, 2])):
        random_.choice(EDITS)(random_.choice(objects), random_)
    for _ in range(random_.choice([0, 1, 1, 2])):
        try:
            with inventory.change("by hand") as change:
                random_.choice(STEPS)(change, random_)
        except ClustoError:
            continue
    with inventory.read() as reader:
        assert list(integrity.problems(reader)) == []


def test_what_was_done_in_the_same_change_is_not_taken_for_imported(inventory: Inventory) -> None:
    """On each database; neither is what was undone since."""
    load(inventory, SITE, 100)
    with inventory.change() as change:
        importer.load(change, Pile(map(_parsed, SITE[:3])), files="others")
        change.set_values("s1", "serial", "other")
    assert load(inventory, SITE, 100) == f"{len(SITE)} 0 True"
    assert load(inventory, SITE, 100) == f"{len(SITE)} 0 False"
    with inventory.read() as reader:
        assert imported.of_files(reader.database, "others") == imported.NOTHING
        assert len(imported.of_files(reader.database, FILES).digests) == len(SITE)
    with inventory.change() as change:
        revert(change.unit, 3)
    assert load(inventory, SITE, 100) == f"{len(SITE)} 0 True"


def _parsed(each: dict[str, Any]) -> Any:
    return parse(each, "site", 1)


def test_what_is_known_of_another_history_is_not_believed(sqlite_url: str) -> None:
    inventory = Inventory(Settings(sqlite_url))
    load(inventory, SITE, 100)
    with inventory.read() as reader:
        assert imported.of_files(reader.database, FILES).number == 1
    with inventory.change() as change:
        change.unit.database.execute("UPDATE imported SET seal = 'x'")
        change.unit.noted = True
    with inventory.read() as reader:
        assert imported.of_files(reader.database, FILES) == imported.NOTHING


def test_files_that_were_not_imported_for_long_are_forgotten(inventory: Inventory) -> None:
    for number in range(imported.KEPT + 3):
        load(inventory, [{"name": f"pool{number}", "driver": "Pool"}], 100, f"files{number}")
    with inventory.read() as reader:
        known = [bool(imported.of_files(reader.database, f"files{n}").digests) for n in range(imported.KEPT + 3)]
    assert known == [False] * 3 + [True] * imported.KEPT


def test_a_digest_is_of_what_is_said(tmp_path: Path) -> None:
    """Not of where it stands."""
    one = parse(SITE[8], "one", 1)
    assert digest(one) == digest(parse(json.loads(json.dumps(SITE[8])), "other", 7))
    every = {digest(parse(each, "one", 1)) for each in SITE}
    assert len(every) == len(SITE)
    assert digest(one) not in {digest(parse({**SITE[8], "at": "rack1:RU1-4"}, "one", 1)), 0}


def test_the_same_file_again_reads_nothing_of_the_inventory(clusto: Run, tmp_path: Path) -> None:
    """By the command: also in another format, and where others have changed something else."""
    assert "imported" in metadata.tables
    for name, text in (
        ("site.jsonl", "".join(json.dumps(each) + "\n" for each in SITE)),
        ("site.json.yaml", json.dumps({"things": SITE})),
    ):
        (tmp_path / name).write_text(text)
        clusto("import", str(tmp_path / name))
        clusto("attr", "set", "note", name, "-t", "web-pool")
        again = clusto("import", str(tmp_path / name))
        assert again.out == f"nothing to change: {len(SITE)} Things, 0 new\n"
    clusto("attr", "set", "serial", "other", "-t", "s1")
    assert clusto("import", str(tmp_path / "site.jsonl")).out.startswith(f"imported {len(SITE)} Things, 0 new")
    assert clusto("attr", "get", "serial", "-t", "s1").out == "001\n"
