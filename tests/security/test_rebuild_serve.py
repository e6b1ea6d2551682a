"""The boot server on a network that means ill: what one client can take of it, and what it can read."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from clusto_cli.hosting.limits import Buckets, Limits, Log, client_of
from clusto_core.config import Settings
from clusto_core.records import rebuilds
from clusto_core.records.rebuilds import FAILED, PROGRESS, Heard, Journal
from clusto_core.store.reader import open_reader
from tests.rebuild_serve.lab import BootServer, Store

USUAL = "import tests.rebuild_serve.server as s; from clusto_cli.hosting.limits import Limits; s.LIMITS = Limits({})"


@pytest.fixture
def server(sqlite_url: str, tmp_path: Path) -> Iterator[Callable[[str], BootServer]]:
    """Starts a server with the limits that are usual, but for those that are given."""
    running: list[BootServer] = []

    def start(limits: str = "") -> BootServer:
        (tmp_path / "tftp").mkdir(exist_ok=True)
        running.append(BootServer(Store(sqlite_url), tmp_path / "tftp", USUAL.format(limits)))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            each.stop()


def _from(server: BootServer, address: str, path: str) -> httpx.Response:
    """An answer to another client: loopback has many addresses."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=30) as client:
        return client.get(server.url(path))


def test_thousands_of_idle_connections_of_one_client_shut_nobody_out(server: Callable[[str], BootServer]) -> None:
    """8,400 connections of one client emptied it."""
    boot = server("")
    rebuild, token = boot.store.begin()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(10_000, hard), hard))
    try:
        with contextlib.ExitStack() as stack:
            count = min(8400, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500)
            for _ in range(count):
                stack.enter_context(socket.create_connection(("127.0.0.1", boot.port), timeout=60))
            assert _from(boot, "127.0.0.2", "/boot.ipxe").status_code == 200
            assert _from(boot, "127.0.0.2", f"/rebuild/{token}/started").status_code == 200
            # Who attacks is not served less than his due either: his oldest idle connection makes room.
            assert boot.get("/boot.ipxe").status_code == 200
            open_now = len(list(Path(f"/proc/{boot.process.pid}/fd").iterdir()))
            assert open_now < 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert boot.store.heard(rebuild) == [("started", None)]
    assert len(boot.said()) < 100_000


def test_many_clients_together_do_not_shut_out_another(server: Callable[[str], BootServer]) -> None:
    boot = server("connections=100, per_client=20")
    with contextlib.ExitStack() as stack:
        for number in range(400):
            place = (f"127.0.1.{number % 50 + 1}", 0)
            stack.enter_context(socket.create_connection(("127.0.0.1", boot.port), 60, source_address=place))
        assert _from(boot, "127.0.0.9", "/boot.ipxe").status_code == 200


def test_who_does_not_ask_in_time_is_sent_away(server: Callable[[str], BootServer]) -> None:
    boot = server("ask=0.5, idle=0.5")
    with boot.connect() as silent, boot.connect() as slow, boot.connect() as asked:
        asked.sendall(b"GET /boot.ipxe HTTP/1.1\r\nHost: boot\r\n\r\n")

        def trickle() -> None:
            with contextlib.suppress(OSError):
                while slow.send(b"G"):
                    time.sleep(0.05)

        thread = threading.Thread(target=trickle)
        thread.start()
        for connection in (silent, asked):
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(1000):
                    pass
        thread.join(60)
        assert not thread.is_alive()
    assert boot.get("/boot.ipxe").status_code == 200


def test_a_request_without_end_is_broken_off(server: Callable[[str], BootServer]) -> None:
    boot = server("")
    body = (b"1000\r\n" + bytes(4096) + b"\r\n") * 2000
    with boot.connect() as connection:
        connection.sendall(b"POST /rebuild/x/started HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError, match=r"(?i)reset|broken"):
            connection.sendall(body)
    assert boot.get("/boot.ipxe").status_code == 200


def test_the_log_cannot_be_flooded(server: Callable[[str], BootServer]) -> None:
    """35 MB of log in 15 seconds were seen."""
    boot = server("")
    target = b"GET /" + b"x" * 300 + b" HTTP/1.1\r\nHost: boot\r\n\r\n"
    asked = 0
    with boot.connect() as connection:
        for _ in range(100):
            connection.sendall(target * 30)
            asked += 30
            connection.recv(1 << 20)
    junk = b"\x16\x03\x01 not HTTP\r\n\r\n"
    for _ in range(300):
        with boot.connect() as connection, contextlib.suppress(OSError):
            connection.sendall(junk)
            connection.recv(1000)
    assert _from(boot, "127.0.0.2", "/boot.ipxe").status_code == 200
    assert boot.stop() == 0
    said = boot.said()
    assert asked == 3000
    assert len(said.splitlines()) < 1200
    assert "127.0.0.2 GET /boot.ipxe 200" in said
    assert "more lines were left out" in said


def test_who_holds_a_token_cannot_fill_the_store(server: Callable[[str], BootServer]) -> None:
    """4 MB of events a second were seen."""
    boot = server("")
    rebuild, token = boot.store.begin()
    statuses = []
    with httpx.Client(timeout=60) as client:
        for _ in range(300):
            statuses.append(client.post(boot.url(f"/rebuild/{token}/progress"), content="x" * 60_000).status_code)
    assert set(statuses) == {200, 429}
    assert statuses[:50] == [200] * 50
    assert len(boot.store.heard(rebuild)) == statuses.count(200) < 150
    # The limit is one token's.
    _other, fresh = boot.store.begin()
    assert boot.get(f"/rebuild/{fresh}/started").status_code == 200


def test_what_is_kept_of_one_rebuild_is_bounded_and_its_end_is_still_heard(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    rebuild, _ = store.begin()
    said = store.journal.call_backs([(rebuild, PROGRESS, "x" * 5000)] * 1500)
    assert sum(isinstance(each, rebuilds.Event) for each in said) == 1000
    assert "no more is kept" in str(said[-1])
    assert store.journal.call_back(rebuild, "finished", None).event == "finished"
    assert len(store.events(rebuild)) == 1001


def test_old_events_are_forgotten_and_no_number_is_given_twice(store_url: str) -> None:
    store = Store(store_url)
    journal = Journal(Settings(store_url))
    (old, _), (going, _) = store.begin(), store.begin()
    journal.add([Heard(old.id, "callback", PROGRESS, "x")] * 3 + [Heard(going.id, "callback", PROGRESS, "y")])
    journal.add([Heard(old.id, "clusto", FAILED, None, FAILED)])
    with open_reader(store_url) as reader:
        last = rebuilds.last_event(reader)
    assert journal.prune() == 0
    assert journal.prune(days=-1) == 3
    assert [each.event for each in store.events(going)] == [PROGRESS]
    assert [each.event for each in store.events(old)] == [FAILED]
    [event] = journal.add([Heard(going.id, "callback", PROGRESS, "z")])
    assert event.id == last + 1


def test_wrong_tokens_do_not_reach_the_store_for_ever(server: Callable[[str], BootServer]) -> None:
    boot = server("")
    _, token = boot.store.begin()
    statuses = [boot.get(f"/rebuild/{'x' * 43}/started").status_code for _ in range(60)]
    assert statuses[:20] == [403] * 20
    assert statuses[-1] == 429
    assert _from(boot, "127.0.0.2", f"/rebuild/{token}/started").status_code == 200


# --- whose the answers are -------------------------------------------------------------------------------------------


def _answer(boot: BootServer) -> tuple[str, str]:
    """The path of a machine's answer, for the machine 127.0.0.1; and its token."""
    rebuild, token = boot.store.begin()
    path = f"hosts/{rebuild.name}/preseed.cfg"
    plan = {**rebuild.plan, "answers": [path]}
    token = boot.store.journal.renew_token(rebuild, plan)
    (boot.directory / path).parent.mkdir(parents=True)
    (boot.directory / path).write_text("secret\n")
    (boot.directory / f"hosts/{rebuild.name}/other").write_text("not in the plan\n")
    return path, token


def test_a_machine_s_answers_are_for_it_alone(server: Callable[[str], BootServer]) -> None:
    boot = server("")
    path, token = _answer(boot)
    assert boot.get(f"/{path}").text == "secret\n"
    for spelled in (f"/{path}", f"//{path}", f"/{path.replace('hosts', '%68osts')}", f"/{path.replace('/', '//')}"):
        refused = _from(boot, "127.0.0.2", spelled)
        assert (refused.status_code, refused.text) == (403, "not yours\n"), spelled
    assert _from(boot, "127.0.0.2", f"/rebuild/{token}/answers/preseed.cfg").text == "secret\n"
    assert _from(boot, "127.0.0.2", f"/rebuild/{token}/answers/other").status_code == 404
    assert _from(boot, "127.0.0.2", f"/rebuild/{'y' * 43}/answers/preseed.cfg").status_code == 403
    assert token not in boot.said()


def test_no_link_leads_round_that(server: Callable[[str], BootServer]) -> None:
    boot = server("")
    path, _ = _answer(boot)
    (boot.directory / "link").symlink_to(path)
    (boot.directory / "folder").symlink_to(Path(path).parent)
    assert _from(boot, "127.0.0.2", "/link").status_code == 403
    assert _from(boot, "127.0.0.2", "/folder/preseed.cfg").status_code == 403


@pytest.mark.parametrize(("answers", "address", "status"), [("token", "127.0.0.1", 403), ("any", "127.0.0.2", 200)])
def test_who_gets_them_is_settable(
    server: Callable[[str], BootServer], answers: str, address: str, status: int
) -> None:
    boot = server(f'); s.ANSWERS = "{answers}"; (')
    path, _ = _answer(boot)
    assert _from(boot, address, f"/{path}").status_code == status


def test_a_rebuild_that_has_ended_gives_none(server: Callable[[str], BootServer]) -> None:
    boot = server("")
    rebuild, token = boot.store.begin()
    boot.store.journal.add([Heard(rebuild.id, "clusto", FAILED, None, FAILED)])
    assert boot.get(f"/rebuild/{token}/answers/preseed.cfg").status_code == 403


# --- the pieces ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "client"),
    [("10.0.0.1", "10.0.0.1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("fe80::1%eth0", "fe80::1"), (None, "")],
)
def test_who_a_client_is(address: str | None, client: str) -> None:
    assert client_of(address) == client


def test_buckets_are_each_client_s_and_forgotten_in_the_end() -> None:
    buckets = Buckets(0.0, 2, remembered=3)
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]
    assert buckets.take("b")
    assert buckets.full("a")
    for name in "cde":
        buckets.take(name)
    assert not buckets.full("a")


def test_a_log_says_how_much_it_left_out() -> None:
    said: list[str] = []
    log = Log(said.append, Limits(client_lines_per_second=0, client_lines_at_once=2))
    for _ in range(5):
        log.tell("x", "a")
    log.tell("y", "b")
    log.sum_up()
    assert said == ["x", "x", "y", "3 more lines were left out: there were too many"]
