"""Pages without a browser: every link leads somewhere, what is told is right, and nothing that is held can run."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

import clusto_core
from tests.web.site import Site, running

BROWSER = {"Accept": "text/html"}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202e</title></style>javascript:alert(3){{7*7}}'


class Page(HTMLParser):
    """What a browser would find on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "a":
            self.links.append(found.get("href") or "")
        if found.get("id"):
            self.ids.append(found["id"] or "")


def check_inert(answer: httpx.Response) -> Page:
    """No program but the one that is shipped, no address of elsewhere, no style or handler in an attribute; and a
    policy that says so to the browser."""
    page = Page(answer.text)
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "object", "embed", "base", "style", "img")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert tag != "script" or attributes == {"src": "/static/clusto.js", "defer": None}
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in page.links), page.links
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert len(page.ids) == len(set(page.ids)), "ids are unique"
    return page


def get(site: Site, path: str, status: int = 200) -> httpx.Response:
    answer = site.ask(path, headers=BROWSER)
    assert answer.status_code == status, (path, answer.text)
    return answer


def text_of(answer: httpx.Response) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text.partition("<main")[2]))


def kind(path: str) -> str:
    """Which page an address is of, whatever Thing it is about, but for parts by their drivers' first letters."""
    return re.sub(r"(?<=/things/)([a-z]+)\w*(%3A[a-z]*)?\w*", r"\1\2", re.sub(r"\d+", "0", path))


def test_every_link_leads_to_a_page(reading: Site) -> None:
    seen: set[str] = set()
    waiting = ["/", "/?q=driver:Server", "/history", "/policies", "/labels?q=s1"]
    while waiting:
        path = waiting.pop()
        if kind(path) in seen or len(seen) > 80:
            continue
        seen.add(kind(path))
        answer = site_answer(reading, path)
        if answer is not None:
            waiting += [urljoin(path, link) for link in check_inert(answer).links if not link.startswith("#")]
    paths = {urlsplit(path).path for path in seen}
    assert {"/", "/networks", "/networks/net", "/history", "/history/0", "/policies", "/labels"} <= {
        re.sub(r"(?<=net)\d$", "", path) for path in paths
    }
    assert {path.rpartition("/")[2] for path in paths} >= {"trace", "impact", "capacity"}


def site_answer(site: Site, path: str) -> httpx.Response | None:
    """A page; None where there is nothing to draw, which is said so: what has no cable has no path."""
    answer = site.ask(path, headers=BROWSER)
    if answer.status_code == 409:
        assert "connected" in answer.text
        return None
    assert answer.status_code == 200, (path, answer.text)
    return answer


def test_a_search_is_a_name_an_address_or_an_expression(reading: Site) -> None:
    for text, name in (("s1", "s1"), ("s1:eth0", "s1%3Aeth0")):
        answer = reading.ask("/", params={"q": text}, headers=BROWSER)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/things/{name}")
    found = text_of(get(reading, "/?q=driver:Server and attr:ram>64"))
    assert re.findall(r"\bs\d\b", found) == ["s3", "s4", "s5", "s6"]
    assert "did you mean Server?" in text_of(get(reading, "/?q=driver:Sever", 400))
    assert "no such thing" in text_of(get(reading, "/things/s9", 404))


def test_completion_is_that_of_expressions_and_of_names(reading: Site) -> None:
    assert {"driver:Server", "driver:Service"} <= set(reading.ask("/complete?q=driver:Ser").json())
    assert "s1" in reading.ask("/complete?q=s").json()
    assert "driver:Server and attr:ram," in reading.ask("/complete", params={"q": "driver:Server and attr:ra"}).json()


def test_a_thing_says_what_show_says_with_far_ends_as_links(reading: Site) -> None:
    answer = get(reading, "/things/s1")
    page, words = Page(answer.text), text_of(answer)
    assert {"/things/sw1%3A1", "/things/pdu1%3A1", "/things/cs1%3A1", "/things/rack2", "/things/web"} <= set(page.links)
    assert "RU1 in rack2" in words
    assert "owner web team web" in words
    assert "env:CLUSTO_COMMUNITY" in words
    assert 'data-live="s1"' in answer.text


def test_a_path_is_told_hop_by_hop_too(reading: Site) -> None:
    words = text_of(get(reading, "/things/s2%3Aeth0/trace"))
    assert "s2:eth0 by cable to pp1:1 through pp1:rear1 by cable to sw1:2" in re.sub(r" +", " ", words)


def test_as_it_was_stays_as_it_was_from_page_to_page(fresh: Site) -> None:
    with clusto_core.open(fresh.store).change() as change:
        change["s1"].attrs["status"] = "broken"
    now, then = (get(fresh, f"/things/s1{query}") for query in ("", "?at=1"))
    assert "status broken" in text_of(now)
    assert "status spare" in text_of(then)
    assert "- s1 status=spare" in text_of(now)
    for page in (then, get(fresh, "/?at=1")):
        # What happened later had not happened yet.
        assert "/history/1" in Page(page.text).links
        assert "/history/2" not in Page(page.text).links
    things = [link for link in Page(then.text).links if link.startswith("/things/")]
    assert [link for link in things if not link.endswith("at=1")] == ["/things/s1"], "the way back to the present"
    words = text_of(get(fresh, "/diff?from=1&to=2"))
    assert "- s1 status=spare + s1 status=broken" in words
    assert fresh.ask("/things/s1", headers={**BROWSER, "If-None-Match": now.headers["ETag"]}).status_code == 304


def test_nothing_that_is_held_can_run(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/hostile.db"
    with clusto_core.open(url).change(HOSTILE) as change:
        change.add("Rack", "r1", attrs={"row": HOSTILE, "status": HOSTILE})
        change.add("Server", "s1", at="r1:RU1", attrs={"status": HOSTILE, "serial": HOSTILE, "x.y": HOSTILE})
        change.add("Server", "Ünï", at="r1:RU2")
        change.add("Switch", "sw1", at="r1:RU3")
        change.add("Port", "sw1:xe-0/0/0:1")
        change["s1"].parts["eth0"].connect("sw1:xe-0/0/0:1")
        change["s1"].parts["eth0"].attrs.update({"cable.label": HOSTILE, "cable.color": HOSTILE, "label": HOSTILE})
    with running(url, tmp_path / "log") as site:
        for path in (
            "/", "/things/s1", "/things/r1", "/things/r1?by=status", "/things/%C3%9Cn%C3%AF", "/things/s1/trace",
            "/history", "/history/1", "/diff?from=0", "/labels?q=s1", "/?q=driver:Server", "/things/s1/impact",
            "/things/sw1%3Axe-0%2F0%2F0%3A1", "/things/sw1%3Axe-0%2F0%2F0%3A1/trace",
        ):  # fmt: skip
            page = check_inert(get(site, path))
            assert {"html", "main", "title"} <= {tag for tag, _ in page.tags}
        for path in ("/", "/labels", "/things/r1", "/history", "/diff"):
            for name in ("q", "at", "by", "thing", "from", "base"):
                answer = site.ask(path, params={name: HOSTILE}, headers=BROWSER)
                assert answer.status_code < 500, answer.text
                check_inert(answer)
        assert site.ask("/things/" + "%3Cscript%3E", headers=BROWSER).status_code in (400, 404)


def test_what_is_very_long_is_cut_or_in_a_frame(fresh: Site) -> None:
    with clusto_core.open(fresh.store).change() as change:
        change["s1"].attrs["note"] = "x" * 10_000
    page = get(fresh, "/things/s1").text
    assert page.count("x" * 10_000) == 1
    assert ('div class="long" tabindex="0" role="region" aria-label="note"') in page
    assert "x" * 10_000 in get(fresh, "/history/2").text


@pytest.mark.parametrize("base", ["javascript:alert(1)", "https://x/?a", "//x", "ftp://x"])
def test_labels_lead_to_web_addresses_only(reading: Site, base: str) -> None:
    assert reading.ask("/labels", params={"q": "s1", "base": base}, headers=BROWSER).status_code == 400


def test_a_token_sees_what_it_may(serving: Callable[..., Site]) -> None:
    site = serving("--no-anonymous")
    assert site.ask("/", headers=BROWSER).status_code == 401
    token = site.token("ann", where="driver:Server in name:rack2")
    words = {name: site.ask(f"/things/{name}", token=token, headers=BROWSER).status_code for name in ("s2", "s1")}
    assert sorted(words.values()) == [200, 404]
    assert "pdu1" not in site.ask("/", token=token, headers=BROWSER).text


def test_a_page_of_a_rack_of_forty_two_devices_is_small(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/full.db"
    with clusto_core.open(url).change() as change:
        change.add("Rack", "r1")
        for unit in range(1, 43):
            change.add("Server", f"a-server-with-a-long-name-{unit}", at=f"r1:RU{unit}", attrs={"status": "live"})
    with running(url, tmp_path / "log") as site:
        answer = get(site, "/things/r1")
    assert len(answer.content) < 150 * 1024
    assert answer.text.count("<svg") == 2
