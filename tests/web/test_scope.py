"""Who sees a part of the inventory sees nothing of the rest: in no answer, count, error, history, and by no writing."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import clusto_core
from clusto_core.config import Settings
from clusto_core.errors import Refused
from clusto_core.records import tokens
from clusto_core.records.sight import Sights
from clusto_core.store.reader import open_reader
from tests.library.conftest import fill
from tests.web.site import API, Site
from tests.web.test_reading import SAME

SCOPE = "name:s1 or name:s2 or name:rack1"
HIDDEN = (
    "s3",
    "s4",
    "s5",
    "s6",
    "sw1",
    "pdu1",
    "cs1",
    "pp1",
    "dc1",
    "rack2",
    "net1",
    "web",
    "web team",
    "names",
    "ops",
)
"""Names and values of what is not in scope, none of which stands in another word of an answer."""


@pytest.fixture(scope="module")
def scoped(reading: Site) -> Callable[[str], str]:
    token = reading.token("team", "reader", SCOPE)

    def text(path: str) -> str:
        answer = reading.ask(API + path, token=token)
        return json.dumps(dict(answer.headers)) + answer.text

    return text


def _mentions(text: str) -> list[str]:
    return [word for word in HIDDEN if f'"{word}"' in text or f"{word}:" in text or f" {word} " in text]


@pytest.mark.parametrize(
    "path", [*SAME, "/changes", "/things/s1/history?patch=true", "/things?columns=name,in,ip,connected:Driver"]
)
def test_nothing_of_the_rest_is_told(scoped: Callable[[str], str], path: str) -> None:
    typed = path.partition("?")[0]
    assert not [word for word in _mentions(scoped(path)) if word not in typed]


def test_the_rest_would_be_seen(reading: Site) -> None:
    answers = "".join(reading.ask(API + path).text for path in SAME)
    assert set(_mentions(answers)) == set(HIDDEN)


def test_what_is_in_scope_is_told_as_it_is(scoped: Callable[[str], str], reading: Site) -> None:
    whole = reading.api("/things/s1")
    seen = json.loads(scoped("/things/s1").partition("}")[2])
    assert seen["attributes"] == whole["attributes"]
    assert seen["at"] == whole["at"] == "rack2:RU1" or seen["at"] is None
    assert [part["name"] for part in seen["parts"]] == [part["name"] for part in whole["parts"]]
    assert all(part["to"] is None for part in seen["parts"])
    assert json.loads(scoped("/count").partition("}")[2]) == {"count": 3}


def test_names_that_are_hidden_are_as_names_that_are_not(scoped: Callable[[str], str]) -> None:
    def failed(path: str) -> str:
        return scoped(path).partition("}")[2]

    assert failed("/things/s3").replace("s3", "s9") == failed("/things/s9")
    assert failed("/things?where=name:net1").replace("net1", "net9") == failed("/things?where=name:net9")
    assert "snmp.community" not in failed("/things?where=haskey(snmp.communit)")


@pytest.fixture(scope="module")
def outsider(reading: Site) -> str:
    return reading.token("outsider", "writer", SCOPE)


@pytest.fixture
def team(site: Site) -> str:
    return site.token("team", "writer", SCOPE)


def test_it_writes_within_what_it_sees(site: Site, team: str) -> None:
    assert site.batch("attr set seen ok -t s1\nattr set seen ok -t rack1", team).status_code == 200
    assert site.api("/things/s1/attributes/seen")[0]["value"] == "ok"
    assert site.api("/things/s1/attributes/seen", token=team)[0]["value"] == "ok"
    [entry] = site.api("/history?limit=1", token=team)
    assert entry["user"] == "team"


@pytest.mark.parametrize(
    "line",
    [
        "attr set status ok -t s3",
        "remove --yes s1",  # its cables go to what is hidden
        "connect s2:eth1 sw1:5",
        "disconnect s1:eth0",
        "put s1 --in web",
        "add Server s9",  # would not be seen afterwards
        "rename s1 s7",
        "revert 1",
        "add Server s3",
        "connect s1:eth0 s2:eth0",  # the port is taken, which it does not see
    ],
)
def test_it_changes_nothing_beyond(reading: Site, outsider: str, line: str) -> None:
    before = reading.api("/history")
    answer = reading.batch(line, outsider)
    assert answer.status_code in (400, 403, 404, 409), answer.text
    assert not [word for word in _mentions(answer.text) if word not in line.split() and f"{word}:" not in line]
    assert reading.api("/history") == before


def test_what_it_sees_follows_the_inventory(fresh: Site) -> None:
    writer, ours = fresh.token("bob", "writer"), fresh.token("spare", "reader", "attr:status,spare and driver:Server")
    first = fresh.ask(f"{API}/things", token=ours)
    assert len(first.json()) == 6
    fresh.batch("attr set status ok -t s1", writer)
    second = fresh.ask(f"{API}/things", token=ours, headers={"If-None-Match": first.headers["etag"]})
    assert [each["name"] for each in second.json()] == ["s2", "s3", "s4", "s5", "s6"]


def test_an_older_copy_that_was_put_back_is_noticed(fresh: Site, tmp_path: Path) -> None:
    writer, ours = fresh.token("bob", "writer"), fresh.token("ours", "writer", "driver:Server")
    path, headers = f"{API}/things/s1/attributes/edition", {"Content-Type": "application/merge-patch+json"}
    with closing(sqlite3.connect(tmp_path / "site.db")) as store, closing(sqlite3.connect(tmp_path / "copy")) as copy:
        store.backup(copy)
        assert fresh.batch("attr set edition first -t s1", writer).status_code == 200
        before = {token: fresh.ask(path, token=token).headers["etag"] for token in (writer, ours)}
        copy.backup(store)
    assert fresh.ask(path, token=ours).status_code == 404
    assert fresh.batch("attr set edition other -t s1", writer).status_code == 200
    for token, tag in before.items():
        answer = fresh.ask(path, token=token, headers={"If-None-Match": tag})
        assert [each["value"] for each in answer.json()] == ["other"]
        assert answer.headers["etag"].partition("-")[0] == tag.partition("-")[0]
    changed = {**headers, "If-Match": before[writer]}
    answer = fresh.ask(f"{API}/things/s1", "PATCH", token=writer, headers=changed, json={"edition": "third"})
    assert answer.status_code == 412


def test_it_is_the_same_on_every_database(store_url: str) -> None:
    with clusto_core.open(store_url).change("site") as change:
        fill(change)
    tokens.create(Settings(store_url), "team", "reader", SCOPE)
    with contextlib.closing(Sights(store_url)) as sights, open_reader(store_url) as whole:
        with sights.of(whole, SCOPE) as sight:
            seen = clusto_core.open(sight.url)
            assert [each.name for each in seen.find("name:*")] == ["rack1", "s1", "s2"]
            assert seen["s2"].attrs["ram"] == 64
            assert seen["s1"].parts["eth0"].far is None
        with sights.of(whole, SCOPE) as again:
            assert again is sight


def test_a_change_beyond_is_refused(store_url: str) -> None:
    inventory = clusto_core.open(store_url)
    with inventory.change("site") as change:
        fill(change)
    with (
        contextlib.closing(Sights(store_url)) as sights,
        open_reader(store_url) as whole,
        sights.of(whole, SCOPE) as sight,
        inventory.change() as change,
        open_reader(store_url) as before,
    ):
        change["s2"].attrs["status"] = "ok"
        sight.check(change.transaction.unit, before)
        change["s3"].attrs["status"] = "ok"
        with pytest.raises(Refused):
            sight.check(change.transaction.unit, before)


def test_a_change_widens_no_sight(site: Site) -> None:
    token = site.token("widening", "writer", "name:rack2 or (driver:Server and attr:row,9 inherited)")
    assert site.batch("attr set row 9 -t rack2", token).status_code == 403
    assert [each["name"] for each in site.api("/things", token=token)] == ["rack2"]
    assert site.batch("attr set row 8 -t rack2", token).status_code == 200


@pytest.mark.parametrize(
    ("held", "vain"),
    [
        ("attr:owner,web*", "attr:owner,bbb*"),
        ("attr:owner,ops inherited", "attr:owner,bbb inherited"),
        ("(name:s1 and connected to name:sw1)", "(name:s1 and connected to name:bbb)"),
        ("attr:ram,96", "attr:ram,97"),
        ("attr:ram>100", "attr:ram>999"),
    ],
)
@pytest.mark.parametrize("dry", ["true", "false"])
def test_an_expression_asks_of_nothing_else(site: Site, team: str, held: str, vain: str, dry: str) -> None:
    def told(test: str) -> tuple[list[int], str]:
        lines = [f"attr set asked {dry} --where '{wanted}'" for wanted in (f"name:s2 or {test}", test)]
        answers = [site.batch(line, team, params={"dry_run": dry}) for line in lines]
        return [answer.status_code for answer in answers], "".join(answer.text.replace(test, "") for answer in answers)

    (first, words), (second, other) = told(held), told(vain)
    assert first == second
    assert "s3" not in words + other


def test_an_expression_changes_what_is_seen(site: Site, team: str) -> None:
    assert site.batch("attr set swept ok --where driver:Server", team).status_code == 200
    assert [each["name"] for each in site.api("/things?where=attr:swept,ok")] == ["s1", "s2"]


def test_what_is_made_in_sight_is_made_in_the_whole(site: Site) -> None:
    token = site.token("makers", "writer", "name:made*")
    lines = "add Rack made1\nadd Server made2 --in made1 --attr ram=1\nadd Switch made3\nconnect made2:eth0 made3:1"
    done = site.batch(lines, token)
    assert done.status_code == 200, done.text
    entry = site.api(f"/history/{done.headers['clusto-transaction']}")
    assert (entry["user"], entry["command"]) == ("makers", "clusto batch -")
    assert site.api("/things/made2") == site.api("/things/made2", token=token)
    for line in ("disconnect made2:eth0", "rename made2 made4", "attr set ram 2 -t made4", "remove --yes made3"):
        assert site.batch(line, token).status_code == 200, line
    assert site.api("/things/made4")["attributes"][0]["value"] == 2
    assert [each["name"] for each in site.api("/things?where=name:made*")] == ["made1", "made4"]


def test_what_only_the_whole_protects_is_protected(site: Site) -> None:
    token, writer = site.token("kept", "writer", "name:kept*"), site.token("bob", "writer")
    assert site.batch("add Pool guard --attr protected=true\nadd Rack kept1 --in guard", writer).status_code == 200
    assert site.batch("attr set x 1 -t kept1", token).status_code == 200
    assert site.batch("remove --yes kept1", token).status_code == 403
