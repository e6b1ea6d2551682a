"""Proposals: objects with evidence, which add what is missing and overwrite nothing."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import pytest

from clusto_core.inventory import Inventory
from clusto_core.transfer import importer
from clusto_core.transfer.documents import Document, parse, plain, tagged
from clusto_core.transfer.evidence import Confidence
from clusto_core.transfer.faults import Faulty
from clusto_core.transfer.formats import jsonl, yaml
from clusto_core.transfer.packing import packed, unpacked
from clusto_core.transfer.proposed import lines, sure_enough
from tests.conftest import Run
from tests.inventories import content

SURE, LIKELY, POSSIBLE = ({"confidence": each, "seen": [f"it is {each}"]} for each in ("sure", "likely", "possible"))
OBJECT: dict[str, Any] = {
    "name": "server1",
    "driver": "Server",
    "attrs": {"serial": "A1"},
    "connect": {"eth0": "switch1:3", "eth1": "switch1:4"},
    "part_attrs": {"eth0": {"mac": "52:54:00:00:00:01"}},
    "evidence": {
        "driver": LIKELY,
        "attrs": {"serial": SURE},
        "connect": {"eth0": LIKELY, "eth1": POSSIBLE},
        "part_attrs": {"eth0": {"mac": SURE}},
    },
}


def document(**changes: Any) -> Document:
    said = {key: each for key, each in {**copy.deepcopy(OBJECT), **changes}.items() if each}
    found = parse(said, "found.yaml", 1)
    assert not found.problems, found.problems
    return found


def test_formats_and_packing_keep_the_evidence() -> None:
    found = document()
    assert plain(found, tagged) == OBJECT
    assert unpacked(packed(found)).evidence == found.evidence
    for form in (yaml, jsonl):
        out = io.StringIO()
        form.write_documents([found], out)
        out.seek(0)
        (again,) = form.read(out, "found")
        assert plain(again, tagged) == OBJECT


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({"connect": {"eth7": SURE}}, "evidence: the object says nothing of 'connect eth7'"),
        ({"connect": {"eth0": {"confidence": "certain"}}}, "no such confidence: 'certain'"),
        ({"connect": {"eth0": {"confidence": "shure"}}}, r"no such confidence: 'shure' (did you mean sure?)"),
        ({"connect": {"eth0": {"seen": []}}}, "no such confidence: 'None'"),
        ({"connect": {"eth0": {**SURE, "by": "me"}}}, "connect eth0: unknown key: 'by'"),
        ({"connect": {"eth0": {"confidence": "sure", "seen": [1]}}}, "connect eth0: seen is a list of texts"),
        ({"connect": {"eth0": "sure"}}, "connect eth0: expected a mapping"),
        ({"colour": SURE}, "nothing is proposed under 'colour'"),
        ([], "evidence: expected a mapping"),
    ],
)
def test_evidence_that_is_none(evidence: object, words: str) -> None:
    (problem,) = parse({**OBJECT, "evidence": evidence}, "found.yaml", 1).problems
    assert words in problem.text


def test_what_is_sure_enough() -> None:
    found = document()
    assert sure_enough(found, Confidence.POSSIBLE) == found
    likely = sure_enough(found, Confidence.LIKELY)
    assert likely is not None
    assert dict(likely.connect) == {"eth0": "switch1:3"}
    assert [each.path for each in likely.evidence if each.path[0] == "connect"] == [("connect", "eth0")]
    # Whoever is not sure that it is there need not be told what it has.
    assert sure_enough(found, Confidence.SURE) is None
    there = document(driver="", evidence={key: each for key, each in OBJECT["evidence"].items() if key != "driver"})
    sure = sure_enough(there, Confidence.SURE)
    assert sure is not None
    assert (dict(sure.connect), len(sure.attrs), len(sure.part_attrs)) == ({}, 1, 1)
    plainly = parse({"name": "server1"}, "site.yaml", 1)
    assert sure_enough(plainly, Confidence.SURE) is plainly
    assert next(iter(lines(found))) == "server1 driver: likely (it is likely)"


def load(inventory: Inventory, *found: Document) -> list[str]:
    """What stands against it."""
    try:
        with inventory.change() as change:
            importer.load(change, found)
    except Faulty as error:
        return [fault.text for fault in error.faults]
    return []


@pytest.fixture
def room(sqlite_url: str) -> Inventory:
    inventory = Inventory.open(sqlite_url)
    with inventory.change() as change:
        change.add("Switch", "switch1")
        change.add("Server", "server2")
    return inventory


def test_a_proposal_adds_and_the_same_again_changes_nothing(room: Inventory) -> None:
    assert load(room, document()) == []
    before = content(room)
    assert load(room, document()) == []
    assert content(room) == before


@pytest.mark.parametrize(
    ("done", "against"),
    [
        (("set", "server1", "serial", "B2"), "serial of server1 is B2, and A1 is proposed"),
        (("set", "server1:eth0", "mac", "52:54:00:00:00:09"), "mac of server1:eth0 is 52:54:00:00:00:09, and"),
        (
            ("connect", "server1:eth0", "switch1:9"),
            "server1:eth0 is connected to switch1:9: a proposal overwrites nothing",
        ),
        (
            ("connect", "server2:eth0", "switch1:3"),
            "switch1:3 is connected to server2:eth0: a proposal overwrites nothing",
        ),
    ],
)
def test_a_proposal_overwrites_nothing(room: Inventory, done: tuple[str, ...], against: str) -> None:
    with room.change() as change:
        change.add("Server", "server1")
        verb, *words = done
        if verb == "set":
            change.set_values(*words)
        else:
            change.connect(*words)
    (told,) = load(room, document())
    assert against in told


def test_of_what_is_there_no_parts_or_addresses_are_replaced(room: Inventory) -> None:
    with room.change() as change:
        change.add("Server", "server1")
    found = document(parts={"nic": ["eth0", "eth1"]}, evidence={**OBJECT["evidence"], "parts": SURE})
    assert load(room, found)[0] == "server1 is there already, and a proposal changes no parts"


def test_import_takes_what_is_likely_and_tells_the_evidence(clusto: Run) -> None:
    clusto("add", "Switch", "switch1")
    text = json.dumps(OBJECT) + "\n"
    tried = clusto("import", "--format", "jsonl", "-", "--dry-run", stdin=text)
    assert "+ server1:eth0 -- switch1:3\n" in tried.out
    assert "server1 connect eth0: likely (it is likely)\n" in tried.out
    assert "eth1" not in tried.out
    assert tried.err == "clusto: left out 1 lines that are less than likely (--confidence)\n"
    assert clusto("import", "--format", "jsonl", "-", "--confidence", "possible", stdin=text).code == 0
    assert "switch1:4" in clusto("trace", "server1:eth1").out
    other = text.replace("A1", "B1").replace("switch1:4", "switch1:5")
    refused = clusto("import", "--format", "jsonl", "-", stdin=other)
    assert refused.code == 4
    assert "serial of server1 is A1, and B1 is proposed: a proposal overwrites nothing" in refused.err
    as_source = clusto("import", "--format", "jsonl", "-", "--source", "x", stdin=other)
    assert as_source.code == 4
    assert "standard input:1: a proposal is imported by itself, and is no source" in as_source.out + as_source.err
    assert "A1" in clusto("show", "server1").out
    source = clusto("import", "--format", "jsonl", "-", "--confidence", "sure", "--source", "x", stdin=text)
    assert source.code == 2
