"""What is changed by HTTP: as by verbs, whole or not, in the name of whoever asks, and not over what others changed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import clusto_core
from tests.web.site import API, Site, running


@pytest.fixture
def writer(site: Site) -> str:
    return site.token("bob", "writer")


def _patch(site: Site, token: str, values: object, name: str = "s1", **headers: str) -> tuple[int, dict[str, object]]:
    given = {"Content-Type": "application/merge-patch+json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    answer = site.ask(f"{API}/things/{name}", "PATCH", token=token, content=json.dumps(values), headers=given)
    return answer.status_code, answer.json()


def _attributes(site: Site, key: str, name: str = "s1") -> list[object]:
    return [each["value"] for each in site.api(f"/things/{name}")["attributes"] if each["key"] == key]


def test_lines_are_done_all_or_none(site: Site, writer: str) -> None:
    done = site.batch(
        "# what follows\nadd Server new9\nattr set status ok -t new9\n", writer, params={"message": "why"}
    )
    assert [each["line"] for each in done.json()] == [2, 3]
    assert done.json()[0]["said"] == ["added Server new9"]
    entry = site.api(f"/history/{done.headers['clusto-transaction']}")
    assert (entry["user"], entry["command"]) == ("bob", "clusto batch -")
    assert entry["message"].startswith("why\n")
    failed = site.batch("attr set status spare -t new9\nattr set status ok -t s10\n", writer)
    assert failed.status_code == 404
    assert failed.json()["detail"] == "standard input:2: no such thing: s10"
    assert _attributes(site, "status", "new9") == ["ok"]


def test_what_would_be_asked_is_a_refusal(site: Site, writer: str) -> None:
    refused = site.batch("remove s6", writer)
    assert refused.status_code == 409
    assert "not confirmed" in refused.json()["detail"]
    assert site.batch("remove s6", writer, params={"yes": "true"}).status_code == 200


def test_a_dry_run_keeps_nothing(site: Site, writer: str) -> None:
    before = site.api("/history")
    done = site.batch("attr set dry ok -t s1", writer, params={"dry_run": "true"})
    assert done.status_code == 200
    assert "clusto-transaction" not in done.headers
    assert site.api("/history") == before


@pytest.mark.parametrize(
    "line",
    [
        "import /etc/passwd",
        "sync anything",
        "power off s1",
        "locate s1",
        "batch x",
        "--db /tmp/x add Server a",
        "config allow path /",
    ],
)
def test_what_is_of_the_server_is_left_alone(site: Site, writer: str, line: str) -> None:
    answer = site.batch(line, writer)
    assert answer.status_code in (400, 409)
    assert "root:" not in answer.text


def test_attributes_are_set_and_taken_out(site: Site, writer: str) -> None:
    status, told = _patch(site, writer, {"status": "ok", "tag": ["a", 1], "ram": None, "size": {"u": 2}, "free": True})
    assert status == 200
    assert told["name"] == "s1"
    found = {key: _attributes(site, key) for key in ("status", "tag", "ram", "size", "free")}
    assert found == {"status": ["ok"], "tag": ["a", 1], "ram": [], "size": [{"u": 2}], "free": [True]}
    assert site.api("/history?limit=1")[0]["user"] == "bob"


@pytest.mark.parametrize(
    "values",
    [{}, [], 1, {"_in": "rack2"}, {"a b": 1}, {"x": []}, {"x": [[1]]}, {"x": [None]}, {"": 1}],
    ids=str,
)
def test_what_no_attribute_can_be_is_refused(site: Site, writer: str, values: object) -> None:
    assert _patch(site, writer, values)[0] == 400


def test_what_others_changed_meanwhile_is_not_lost(site: Site, writer: str) -> None:
    tag = site.ask(f"{API}/things/s1").headers["etag"]
    site.batch("attr set other yes -t s2", writer)
    assert _patch(site, writer, {"x": 1}, If_Match=tag)[0] == 200
    assert _patch(site, writer, {"x": 2}, If_Match=tag)[0] == 412
    assert _patch(site, writer, {"x": 2}, If_Match="*")[0] == 200
    assert _patch(site, writer, {"x": 3}, If_Match='W/"1"')[0] == 412
    assert _attributes(site, "x") == [2]


def test_many_write_at_once(site: Site, writer: str) -> None:
    with ThreadPoolExecutor(6) as threads:
        done = list(threads.map(lambda number: site.batch(f"attr set n{number} 1 -t s1", writer), range(12)))
    assert [each.status_code for each in done] == [200] * 12
    numbers = [int(each.headers["clusto-transaction"]) for each in done]
    assert len(set(numbers)) == 12
    assert all(len(each.json()) == 1 for each in done)


def test_secrets_go_in_and_do_not_come_out(site: Site, writer: str) -> None:
    assert _patch(site, writer, {"bmc.password": "hunter2", "url": "https://u:hunter2@x"})[0] == 200
    assert site.batch("attr set bmc.password hunter2 -t s2", writer).status_code == 200
    paths = ("/things/s1", "/things/s1/attributes", "/things/s1/history?patch=true", "/changes", "/things/s1/blame")
    columns = "/things?columns=name,attr:bmc.password&sort=attr:bmc.password"
    for path in (*paths, columns, "/groups?by=bmc.password", "/attributes/bmc.password?where=driver:Server"):
        assert "hunter2" not in site.ask(API + path).text, path
    assert "hunter2" not in site.said()
    for test in (
        "attr:bmc.password,hunter2",
        "attr:bmc.*,hunter2",
        "attr:bmc.password>a",
        "attrs={bmc.password=hunter2}",
    ):
        for asked in (f"{API}/things?where={test}", f"{API}/things?where=not+{test}", f"{API}/check?where={test}"):
            answer = site.ask(asked)
            assert answer.status_code in (400, 409), answer.text
        lines = f"attr set x 1 --where '{test}'"
        assert site.batch(lines, writer, params={"dry_run": "true"}).status_code in (400, 409)
    assert site.api("/count?where=haskey(bmc.password)") == {"count": 2}


@pytest.mark.parametrize(
    "words",
    ["--regex h.*", "--choices hunter2,x", "--type number --min 1", "--type number --max 9", "--unique", "--type date"],
)
def test_a_declaration_asks_for_no_secret(site: Site, writer: str, words: str) -> None:
    lines = "attr set vault.token hunter2 -t s4\nattr set vault.token hunter3 -t s5"
    assert site.batch(lines, writer).status_code == 200
    dry = {"dry_run": "true"}
    said = {
        site.batch(f"key define {key} {words}", writer, params=dry).text.replace(key, "")
        for key in ("vault.token", "no.token")
    }
    assert len(said) == 1
    assert "holds secrets" in said.pop()
    allowed = site.batch("key define vault.token --on Server", writer, params=dry)
    assert allowed.status_code == 200, allowed.text


@pytest.mark.parametrize(
    "line",
    [
        "attr set bmc.password {} -t g1",
        "attr set bmc.password {} other -t g1",
        "attr add bmc.password {} -t g1",
        "attr del bmc.password {} -t g1",
        "attr del bmc.* {} -t g1",
        "attr del disk#*.password {} -t g1",
        "attr set disk#0.password {} -t g1",
        "attr set disk#+.password {} -t g1",
        "attr set unlike {} -t g2",
        "attr add unlike {} -t g2",
        "add Server g3 --attr unlike={}",
        "add Server g3 --attr bmc.password={}",
    ],
)
def test_nothing_tells_whether_a_secret_was_guessed(site: Site, writer: str, line: str) -> None:
    if "g1" not in {each["name"] for each in site.api("/things")}:
        with clusto_core.open(site.store).change() as change:
            attrs = {"bmc.password": "hunter2", "disk#0.password": "hunter2", "unlike": "hunter2"}
            change.add("Server", "g1", attrs=attrs)
            change.add("Server", "g2")
            change.define_key("unlike", {"type": "text", "secret": True, "unique": True})

    def told(guess: str, **given: str) -> tuple[int, str, bool]:
        words = {"words": [*line.format(guess).split(), *(["--dry-run"] if given else [])]}
        by_command = site.ask(f"{API}/command", "POST", token=writer, json=words) if given else None
        answer = site.batch(line.format(guess), writer, params=given)
        text = answer.text + (by_command.text if by_command is not None else "")
        return answer.status_code, text.replace(guess, "GUESS"), "clusto-transaction" in answer.headers

    assert told("hunter2", dry_run="true") == told("hunter3", dry_run="true")
    # What is kept is a change of the history, whether it was one or not.
    status, _, is_new = told("hunter2")
    assert is_new == (status == 200)


def test_nothing_is_in_the_order_of_secrets(site: Site, writer: str) -> None:
    lines = [f"add Server o{place} --attr bmc.pin={pin}" for place, pin in ((1, 9), (2, 1), (3, 9), (4, 5))]
    assert site.batch("\n".join(lines), writer).status_code == 200
    for sort in ("attr:bmc.pin", "inherited:bmc.pin"):
        found = site.api("/things", params={"where": "name:o*", "sort": sort})
        assert [each["name"] for each in found] == ["o1", "o2", "o3", "o4"]
    assert [each["count"] for each in site.api("/groups", params={"where": "name:o*", "by": "attr:bmc.pin"})] == [4]
    answer = site.ask(f"{API}/complete", "POST", json={"words": ["find"], "last": "attr:bmc.pin,"})
    assert answer.json() == []


@pytest.mark.parametrize(
    "line",
    ["key define quiet --type text", "key forget quiet", "remove =quiet --force --yes", "revert {} --yes", "import -"],
)
def test_what_a_site_declared_secret_stays_so(site: Site, writer: str, line: str) -> None:
    inventory = clusto_core.open(site.store)
    with inventory.change() as change:
        change.define_key("quiet", {"secret": True})
    number = site.api("/history?limit=1")[0]["transaction"]
    document = json.dumps({"name": "=quiet", "driver": "SiteKey", "attrs": {"_definition": {"type": "any"}}})
    words = {"words": line.format(number).split(), "stdin": document}
    told = site.ask(f"{API}/command", "POST", token=writer, json=words).text
    assert json.loads(told.splitlines()[-1])["exit"] in (2, 3, 4), told
    assert [each["secret"] for each in site.api("/keys") if each["name"] == "quiet"] == [True]
    # At a shell it may be.
    with inventory.change() as change:
        change.define_key("quiet", {"type": "text"})
    assert site.batch("key define quiet --type any --secret", writer).status_code == 200


def test_what_is_not_kept_makes_no_key_secret(site: Site, writer: str) -> None:
    team = site.token("team", "writer", "name:s4")
    assert site.batch("key define ram --secret", writer, params={"dry_run": "true"}).status_code == 200
    assert site.batch("key define ram --secret\nadd Server s4", writer).status_code == 409
    assert site.batch("key define ram --secret", team).status_code == 403
    assert _attributes(site, "ram", "s4") == [128]
    assert site.batch("key define hush --secret", writer).status_code == 200
    assert site.batch("attr set hush hunter2 -t s4", writer).status_code == 200
    assert _attributes(site, "hush", "s4") == ["****"]


def test_it_serves_every_database(store_url: str, tmp_path: Path) -> None:
    with clusto_core.open(store_url).change() as change:
        change.add("Server", "s1", attrs={"status": "spare"})
    with running(store_url, tmp_path / "log") as site:
        writer, team = site.token("bob", "writer"), site.token("team", "writer", "name:s1")
        for number in range(3):
            assert site.batch(f"attr set n {number} -t s1", writer).status_code == 200
            assert _attributes(site, "n") == [number]
        assert site.batch("attr set n 3 -t s1", team).status_code == 200
        assert site.batch("add Server s2", team).status_code == 403
        assert site.api("/things/s1?at=1")["attributes"] == [{"key": "status", "value": "spare", "type": "string"}]
        assert [each["user"] for each in site.api("/history")[:4]] == ["team", "bob", "bob", "bob"]
        with clusto_core.open(store_url).change() as change:
            change["s1"].attrs["n"] = 4
        assert _attributes(site, "n") == [4]
        site.stop()
