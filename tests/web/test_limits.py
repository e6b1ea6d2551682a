"""Size, time, number: nobody takes more of a server than there is for him, and long answers take no memory."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

import clusto_core
from clusto_cli.web import threads
from clusto_cli.web.threads import Work
from tests.console.lab import until
from tests.web.site import API, Site, with_limits

LONG_TESTS = os.environ.get("CLUSTO_LONG_TESTS")


def _memory(site: Site) -> int:
    """The most memory that a server has had, in MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{site.process.pid}/status").read_text())
    assert found
    return int(found[1]) >> 10


def test_a_large_body_is_not_taken(site: Site) -> None:
    writer = site.token("bob", "writer")
    answer = site.batch("#" * (5 << 20), writer)
    assert answer.status_code == 413


def test_a_compressed_body_is_not_taken(site: Site) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
    assert site.ask(f"{API}/batch", "POST", content=b"\x1f\x8b", headers=headers).status_code in (400, 415)


def test_whoever_asks_too_often_is_told_to_wait(serving: Callable[..., Site]) -> None:
    site = serving(setup=with_limits(rates="Rates(per_second=0.001, at_once=3)"))
    answers = [site.ask(f"{API}/count") for _ in range(5)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].headers["retry-after"]


def test_what_takes_too_long_is_broken_off(serving: Callable[..., Site]) -> None:
    slow = (
        "import clusto_cli.commands.find as f, time; usual = f.search.stream;"
        " f.search.stream = lambda *a, **k: (time.sleep(3) if 'slow' in a[1] else None, usual(*a, **k))[1]"
    )
    site = serving(setup=f"{with_limits(bounds='Bounds(threads=1, waiting=1, seconds=1.0)')}\n{slow}")
    with ThreadPoolExecutor(3) as threads:
        asked = f"{API}/things?where=name:slow&allow_unknown=true"
        statuses = sorted(each.status_code for each in threads.map(lambda _: site.ask(asked), range(3)))
    assert statuses == [503, 503, 503]
    until(lambda: site.ask(f"{API}/count").status_code == 200, "its thread is free again", 30)


def test_whoever_stops_reading_is_given_up(serving: Callable[..., Site], tmp_path: Path) -> None:
    site = serving(setup=with_limits(bounds="Bounds(threads=1, stalled=1.0)"))
    with clusto_core.open(site.store).change() as change:
        for number in range(4000):
            change.add("Server", f"long-name-of-a-server-{number:05}", parts={"nic": 0})
    with socket.create_connection(("127.0.0.1", site.port)) as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.sendall(
            f"GET {API}/things?where=name:*&columns=name,in,ip,attr:status HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        assert stalled.recv(10)
        until(lambda: site.ask(f"{API}/count").status_code == 200, "others are answered", 30)


def test_whoever_reads_slowly_all_the_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_SLOWEST", 0.0)

    async def read_slowly() -> None:
        work = Work(asyncio.get_running_loop(), 0.3)

        async def take() -> None:
            while True:
                await work.pieces.get()
                await asyncio.sleep(0.1)

        reader = asyncio.ensure_future(take())
        try:
            await asyncio.to_thread(lambda: [work.write(bytes(64 * 1024)) for _ in range(100)])
        finally:
            reader.cancel()

    with pytest.raises(BrokenPipeError):
        asyncio.run(read_slowly())


def test_nobody_s_body_is_read(serving: Callable[..., Site]) -> None:
    site = serving("--no-anonymous")
    with socket.create_connection(("127.0.0.1", site.port)) as asking:
        asking.sendall(f"POST {API}/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\nx".encode())
        asking.settimeout(10)
        assert b" 401 " in asking.recv(100)


@pytest.mark.parametrize("given", [{"words": ["find"] * 100_001}, {"words": ["find", "x" * (2 << 20) + "x"]}])
def test_more_words_than_are_asked_at_once(site: Site, given: dict[str, list[str]]) -> None:
    assert site.ask(f"{API}/command", "POST", json=given).status_code == 400


def test_no_pattern_takes_for_ever(site: Site) -> None:
    for text in ("^(([^!])+)+!", "(a*)*b", "(.*.*.*.*)*!"):
        assert site.ask(f"{API}/history", params={"grep": text}).status_code == 200


def test_what_is_long_flows_and_is_whole(fresh: Site) -> None:
    with clusto_core.open(fresh.store).change() as change:
        for number in range(4000):
            change.add("Server", f"n{number:05}", parts={"nic": 0})
    answer = fresh.ask(f"{API}/things?where=driver:Server")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert len(answer.json()) == 4006
    assert answer.headers["etag"]
    until(lambda: "streamed" in fresh.said(), "it is told", 30)
    lines = fresh.ask(f"{API}/things?where=driver:Server", headers={"Accept": "application/x-ndjson"}).text
    assert len(lines.splitlines()) == 4006


def test_the_past_waits_for_no_reader(serving: Callable[..., Site]) -> None:
    site = serving()
    with clusto_core.open(site.store).change() as change:
        for number in range(4000):
            change.add("Server", f"n{number:05}", parts={"nic": 0})
    with clusto_core.open(site.store).change() as change:
        change["s1"].attrs["status"] = "ok"
    answer = site.ask(f"{API}/things?where=driver:Server&at=2")
    assert "content-length" in answer.headers
    assert len(answer.json()) == 4006


def test_it_ends_when_it_is_told_to(fresh: Site) -> None:
    with httpx.stream("GET", f"{fresh.url}{API}/changes/stream", timeout=60):
        fresh.stop()


@pytest.mark.skipif(not LONG_TESTS, reason="slow: set CLUSTO_LONG_TESTS=1")
def test_memory_stays_within_bounds(fresh: Site) -> None:
    with clusto_core.open(fresh.store).change() as change:
        for number in range(20_000):
            change.add("Server", f"n{number:05}")
    token = fresh.token("team", "reader", "driver:Server and name:n0*")

    def ask(number: int) -> int:
        path = ("/things", f"/things/n{number:05}", "/history?patch=true", "/things?where=name:n0*")[number % 4]
        return fresh.ask(API + path, token=token if number % 7 == 0 else None).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(400))) == {200}
    assert _memory(fresh) < 200
