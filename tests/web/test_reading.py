"""What the API answers is what verbs print with `-o json`, with its entity tag, in pages, in lines."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from typing import Any

import pytest

from clusto_cli.main import invoke
from clusto_cli.web import api
from clusto_cli.web.api.reading import READINGS
from clusto_core.records import tokens
from tests.web.site import API, Site

SAME: dict[str, str] = {
    "/things?where=driver:Server": "find driver:Server",
    "/things?where=driver:Server&columns=name,attr:ram&sort=attr:ram&reverse=true": (
        "find driver:Server --columns name,attr:ram --sort attr:ram --reverse"
    ),
    "/things/rack1": "show rack1",
    "/things/s1%3Aeth0": "show s1:eth0",
    "/things/s1/location": "locate s1",
    "/locate?name=s1&name=s2:eth0": "locate s1 s2:eth0",
    "/things/dc1/tree?level=1": "tree dc1 --level 1",
    "/things/s2%3Aeth0/trace": "trace s2:eth0",
    "/things/pdu1/impact": "power impact pdu1",
    "/diff?from=0": "diff 0",
    "/diff?from=0&to=1": "diff 0 1",
    "/roles/check": "role check",
    "/names": "name list",
    "/names?name=names": "name list names",
    "/things/s1/attributes?inherited=true": "attr get --inherited -t s1",
    "/things/s1/attributes/tag": "attr get tag -t s1",
    "/attributes/ram?where=driver:Server": "attr get ram --where driver:Server",
    "/things/s1/history?patch=true": "log s1 -p",
    "/things/s1/blame": "blame s1",
    "/things/sw1/free": "free sw1",
    "/count?where=driver:Server": "find driver:Server --count",
    "/groups?where=driver:Server&by=tag": "find driver:Server --group-by tag",
    "/networks": "find driver:Network",
    "/networks/net1/addresses": "ip list net1",
    "/networks/net1/free": "ip list net1 --free",
    "/addresses": "ip list",
    "/vlans": "vlan list",
    "/capacity?name=rack1": "capacity rack1",
    "/capacity?for=units%3D2": "capacity --for units=2",
    "/check": "check",
    "/policies": "policy list",
    "/queries": "query list",
    "/keys": "key list",
    "/reservations": "reservations",
    "/pools?name=web": "pool list web",
    "/pools": "pool list",
    "/classes": "class list",
    "/roles": "role list",
    "/services": "service list",
    "/history": "log",
    "/history/1": "log 1",
    "/addresses?at=1": "ip list --at 1",
}


def _printed(site: Site, line: str) -> Any:
    said = io.StringIO()
    with redirect_stdout(said):
        invoke(["--db", site.store, *line.split(), "-o", "json"])
    return json.loads(said.getvalue())


@pytest.mark.parametrize("path", SAME)
def test_it_answers_what_verbs_print(reading: Site, path: str) -> None:
    answered, printed = reading.api(path), _printed(reading, SAME[path])
    assert answered == printed or [answered] == printed


def test_every_reading_is_held_to_its_verb() -> None:
    paths = {path.partition("?")[0].replace("%3A", ":") for path in SAME}
    for each in READINGS:
        parts = each.path.split("/")
        same = (path.split("/") for path in paths)
        assert any(
            len(path) == len(parts) and all(a == b or b.startswith("{") for a, b in zip(path, parts, strict=True))
            for path in same
        ), each.path


def test_what_there_is_not_is_a_problem(reading: Site) -> None:
    for path, status, words in (
        ("/things/s9", 404, "no such thing: s9"),
        ("/things?where=driver:(", 400, "malformed expression"),
        ("/things?where=driver:Servr", 400, "Servr"),
        ("/things?nothing=1", 400, "no such parameter"),
        ("/things?limit=0", 400, "limit"),
        ("/things?reverse=maybe", 400, "true or false"),
        ("/things?where=a&where=b", 400, "given 2 times"),
        ("/things/s1?at=tomorrow", 400, "tomorrow"),
        ("/things?cursor=x", 400, "cursor"),
        ("/nothing", 404, "not found"),
    ):
        answer = reading.ask(API + path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert words in answer.json()["detail"]
        assert answer.json()["status"] == status


def test_a_bad_expression_says_where(reading: Site) -> None:
    assert reading.ask(f"{API}/things?where=driver:(").json()["lines"] == ["  driver:(", "         ^"]


def test_what_is_known_is_not_sent_again(site: Site) -> None:
    token = site.token("writer", "writer")
    first = site.ask(f"{API}/things/s1")
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        assert site.ask(f"{API}/things/s1", headers={"If-None-Match": known}).status_code == 304
    assert site.ask(f"{API}/things/s1", headers={"If-None-Match": '"0"'}).status_code == 200
    assert site.batch("attr set known yes -t s2", token).status_code == 200
    assert site.ask(f"{API}/things/s1", headers={"If-None-Match": tag}).status_code == 200
    settled, moving = (site.ask(f"{API}/things/s1?at={at}").headers for at in ("1", "1+second+ago"))
    assert "etag" in settled
    assert "etag" not in moving
    for path, has_one in (("/history?since=yesterday", False), ("/diff?from=1&to=now", False), ("/diff?from=0", True)):
        assert ("etag" in site.ask(API + path).headers) == has_one, path


def test_pages_follow_each_other(site: Site) -> None:
    everything = site.api("/things?where=driver:Server")
    found, path = [], f"{API}/things?where=driver:Server&limit=4"
    while path:
        answer = site.ask(path)
        found += answer.json()
        path = answer.links.get("next", {}).get("url", "")
    assert found == everything
    following = site.ask(f"{API}/things?where=driver:Server&limit=4").links["next"]["url"]
    site.batch("attr set paged yes -t s2", site.token("writer", "writer"))
    assert site.ask(following).status_code == 410


def test_lines_are_the_same_records(reading: Site) -> None:
    answer = reading.ask(f"{API}/things", headers={"Accept": "application/x-ndjson"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == reading.api("/things")


def test_notes_are_told(reading: Site) -> None:
    answer = reading.ask(f"{API}/things?where=attr:status,nothing")
    assert answer.json() == []
    assert "nothing has status=nothing" in answer.headers["clusto-note"]


def test_names_with_slashes_are_found(site: Site) -> None:
    site.batch("attr set label GigabitEthernet0/4 -t sw1:4", site.token("writer", "writer"))
    assert site.api("/things/sw1%3AGigabitEthernet0%2F4")["name"] == "sw1:4"


def test_an_argument_is_never_an_option(reading: Site) -> None:
    for path in ("/things/--help", "/things?where=--count", "/locate?name=--output%3Dyaml", "/things/-"):
        assert reading.ask(API + path).status_code in (400, 404), path


def test_a_head_has_no_body(reading: Site) -> None:
    answer = reading.ask(f"{API}/things/s1", "HEAD")
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["etag"]


@pytest.mark.parametrize("path", ["/", f"{API}/docs", f"{API}/things/s1", f"{API}/things/s9", "/nothing"])
def test_every_answer_is_guarded(reading: Site, path: str) -> None:
    headers = reading.ask(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_feed_goes_on(site: Site) -> None:
    token = site.token("writer", "writer")
    before = site.api("/history")[0]["transaction"]
    for number in range(3):
        site.batch(f"attr set fed {number} -t s2", token)
    first = site.ask(f"{API}/changes?since={before}&limit=2")
    assert [each["transaction"] for each in first.json()] == [before + 1, before + 2]
    assert first.json()[0]["changes"][0]["lines"] == ["+ s2 fed=0"]
    rest = site.ask(first.links["next"]["url"])
    assert [each["transaction"] for each in rest.json()] == [before + 3]
    assert "next" not in rest.links


def test_the_stream_tells_what_comes(site: Site) -> None:
    import httpx

    token = site.token("writer", "writer")
    last = site.api("/history?limit=1")[0]["transaction"]
    with httpx.stream("GET", f"{site.url}{API}/changes/stream?since={last - 1}", timeout=60) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("id:")) == f"id: {last}"
        site.batch(f"attr set streamed {last} -t s2", token)
        assert next(line for line in lines if line.startswith("id:")) == f"id: {last + 1}"
        told = json.loads(next(line for line in lines if line.startswith("data:")).removeprefix("data: "))
        assert told["user"] == "writer"


def test_every_operation_is_described_once() -> None:
    described = [(each.method, each.path) for each in api.operations()]
    assert len(set(described)) == len(described)


def test_the_feed_waits_for_what_comes(site: Site) -> None:
    writer = site.token("bob", "writer")
    last = site.api("/history?limit=1")[0]["transaction"]
    waiting = f"/changes?since={last}&wait=60"
    with ThreadPoolExecutor(6) as threads:
        # More wait than there are threads that answer.
        asked = [threads.submit(site.api, waiting) for _ in range(6)]
        assert site.api(f"/changes?since={last}&wait=1") == []
        assert not any(each.done() for each in asked)
        assert site.batch("attr set came yes -t s1", writer).status_code == 200
        answers = [each.result(30) for each in asked]
    assert [each["transaction"] for each in answers[0]] == [last + 1]
    assert all(each == answers[0] for each in answers)
    assert site.api(waiting) == answers[0]
    for wrong in ("wait=-1", "wait=61", "wait=x"):
        assert site.ask(f"{API}/changes?{wrong}").status_code == 400
    revoked = site.token("gone")
    tokens.revoke(site.settings, "gone")
    assert site.ask(f"{API}{waiting}", token=revoked).status_code == 401


def test_a_transaction_of_very_many_things_is_told_in_part(serving: Callable[..., Site]) -> None:
    site = serving(setup="import clusto_cli.transactions as t; t.MOST = 2")
    every = transactions_of(site.store, 1)
    for told in (site.api("/history/1"), site.api("/changes")[0], site.api("/history?patch=true")[0]):
        assert told["changes"] == every[:2]
        assert told["left_out"] == len(every) - 2
    [own] = site.api("/things/s1/history?patch=true")
    assert own["changes"] == [each for each in every if each["name"] == "s1"]
    assert "left_out" not in own


def transactions_of(store: str, number: int) -> list[object]:
    """What a transaction did, as the verb says it to whoever has the store."""
    out = io.StringIO()
    with redirect_stdout(out):
        assert invoke(["--db", store, "log", str(number), "-o", "json"]) == 0
    found: list[object] = json.loads(out.getvalue())[0]["changes"]
    return found
