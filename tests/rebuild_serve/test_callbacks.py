"""What machines call back: taken once, from who has the token, and written down or asked for again."""

from __future__ import annotations

import concurrent.futures
import contextlib
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from clusto_cli import __version__
from clusto_core.records.rebuilds import BOOTING, DONE, FETCHED, INSTALLING, Heard
from tests.console.lab import find, until
from tests.rebuild_serve.lab import INSTALL, BootServer, Store
from tests.rebuild_serve.server import LOCAL


def test_an_installer_tells_its_whole_story_with_busybox(boot: BootServer, tmp_path: Path) -> None:
    busybox = find("busybox", "busybox-static")
    rebuild, token = boot.store.begin()
    (tmp_path / "log").write_text("partman: 20%\n\x1b[31mbase-installer: 40%\n")

    def say(event: str, *options: str) -> tuple[int, str]:
        url = boot.url(f"/rebuild/{token}/{event}")
        command = [busybox, "wget", "-q", "-O", "-", *options, url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    assert say("check") == (0, f"{rebuild.name}\n")
    assert say("started?message=preseed+read%0Aeth0%20up") == (0, "ok\n")
    assert say("progress", "--post-data", "partitions & file systems = 20 %") == (0, "ok\n")
    assert say("progress", "--post-file", str(tmp_path / "log")) == (0, "ok\n")
    assert say("finished") == (0, "ok\n")
    assert say("finished")[0] == 1
    assert say("up") == (0, "ok\n")
    assert boot.store.heard(rebuild) == [
        ("started", "preseed read\neth0 up"),
        ("progress", "partitions & file systems = 20 %"),
        ("progress", "partman: 20%\n\x1b[31mbase-installer: 40%\n"),
        ("finished", None),
        ("up", None),
    ]


def test_curl_sends_the_log_of_what_failed(boot: BootServer, tmp_path: Path) -> None:
    curl = find("curl", "curl")
    rebuild, token = boot.store.begin()
    (tmp_path / "log").write_text("no disk\n" * 8192)
    command = [curl, "-fsS", "-H", "Expect: 100-continue", "--data-binary", f"@{tmp_path}/log"]
    done = subprocess.run([*command, boot.url(f"/rebuild/{token}/failed")], capture_output=True, text=True, check=True)
    assert done.stdout == "ok\n"
    assert boot.store.heard(rebuild) == [("failed", "no disk\n" * 512)]


def test_who_this_is(boot: BootServer) -> None:
    assert boot.ask(b"/rebuild") == (200, f"clusto rebuild {__version__}\n".encode())
    assert boot.ask(b"/rebuild/") == (200, f"clusto rebuild {__version__}\n".encode())
    assert boot.ask(b"/rebuild", b"HEAD") == (200, b"")
    assert boot.ask(b"/rebuild", b"POST")[0] == 405
    assert boot.ask(b"/rebuild/x")[0] == 404
    assert boot.ask(b"/rebuild/x/started/more")[0] == 404


def test_a_second_time_is_a_conflict_and_so_is_anything_after_the_end(boot: BootServer) -> None:
    rebuild, token = boot.store.begin()
    other, another = boot.store.begin()
    path = f"/rebuild/{token}/".encode()
    assert boot.ask(path + b"started") == (200, b"ok\n")
    assert boot.ask(path + b"started") == (409, f"{rebuild.name} has called back started already\n".encode())
    assert boot.ask(path + b"check") == (200, f"{rebuild.name}\n".encode())
    boot.store.journal.add([Heard(rebuild.id, "clusto", "done", phase=DONE)])
    ended = f"the rebuild of {rebuild.name} has ended: done\n".encode()
    for event in (b"check", b"progress", b"finished"):
        assert boot.ask(path + event) == (409, ended)
    assert boot.store.heard(rebuild) == [("started", None), ("done", None)]
    assert boot.ask(f"/rebuild/{another}/started".encode()) == (200, b"ok\n")
    assert boot.store.heard(other) == [("started", None)]


def test_a_new_token_is_the_only_one(boot: BootServer) -> None:
    rebuild, old = boot.store.begin()
    assert boot.ask(f"/rebuild/{old}/started".encode())[0] == 200
    new = boot.store.journal.renew_token(rebuild)
    for event in ("started", "check"):
        assert boot.ask(f"/rebuild/{old}/{event}".encode()) == (403, b"no rebuild has this token\n")
    assert boot.ask(f"/rebuild/{new}/started".encode()) == (200, b"ok\n")
    assert boot.store.heard(rebuild) == [("started", None), ("started", None)]


def test_only_get_and_post_tell_something(boot: BootServer) -> None:
    rebuild, token = boot.store.begin()
    for method in (b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"):
        status, _ = boot.ask(f"/rebuild/{token}/started".encode(), method)
        assert status == 405
    assert boot.ask(f"/rebuild/{token}/check".encode(), b"HEAD") == (200, b"")
    assert boot.ask(f"/rebuild/{token}/check".encode(), b"POST")[0] == 405
    assert boot.store.heard(rebuild) == []


def test_events_that_there_are_not(boot: BootServer) -> None:
    rebuild, token = boot.store.begin()
    for event in (
        b"fetched",
        b"Started",
        b"started%00",
        b"%00",
        b"start%65d%20",
        b"..",
        b"x" * 3000,
        b"%F0%9F%96%A5",
        b"%ff",
    ):
        status, body = boot.ask(f"/rebuild/{token}/".encode() + event)
        assert (status, body[:14]) == (404, b"no such event:"), event
        assert body[:-1].decode().isprintable()
    assert boot.store.heard(rebuild) == []


def test_hostile_tokens(boot: BootServer) -> None:
    rebuild, token = boot.store.begin()
    known = token.encode()
    tokens = [
        b"x",
        b"..",
        b"%2e%2e",
        b"%00",
        known[:-1] + b"%00",
        known + b"%00",
        known[:-1],
        known + b"A",
        known.swapcase(),
        b"%20" + known,
        b"A" * 43,
        b"%27%20OR%201=1%20--" + b"A" * 26,
        b"%F0%9F%96%A5" * 43,
        b"%ED%A0%80" * 43,
        b"%ff" * 43,
        b"*",
        b"%25" * 43,
        b"x" * 4000,
    ]
    for each in tokens:
        for event in (b"started", b"check"):
            assert boot.ask(b"/rebuild/" + each + b"/" + event) == (403, b"no rebuild has this token\n"), each
    for long in (b"x" * 10_000, b"%41" * 10_000):
        assert boot.ask(b"/rebuild/" + long + b"/started")[0] == 400
    # Slashes are no part of a token, however they are spelled.
    assert boot.ask(b"/rebuild/%2e%2e%2fx/started")[0] == 404
    assert boot.store.heard(rebuild) == []
    # The token itself, as another client may spell it.
    spelled = "".join(f"%{ord(letter):02x}" for letter in token)
    assert boot.ask(f"//rebuild/{spelled}//%73tarted".encode()) == (200, b"ok\n")


def test_messages_up_to_64_kib(boot: BootServer) -> None:
    rebuild, token = boot.store.begin()
    url = boot.url(f"/rebuild/{token}/progress")

    def blocks(size: int) -> Iterator[bytes]:
        yield from (b"x" * 1024 for _ in range(size // 1024))
        yield b"x" * (size % 1024)

    for size, status in ((65536, 200), (65537, 413)):
        assert httpx.post(url, content=b"x" * size).status_code == status
        assert httpx.post(url, content=blocks(size)).status_code == status
    for content in (b"x" * 10_000_000, blocks(10_000_000)):
        # Whoever sends far beyond that is hung up on, perhaps before the answer reaches him.
        with contextlib.suppress(httpx.TransportError):
            assert httpx.post(url, content=content).status_code == 413
    assert boot.store.heard(rebuild) == [("progress", "x" * 4096)] * 2


def test_messages_of_any_bytes(boot: BootServer) -> None:
    rebuild, token = boot.store.begin()
    url = boot.url(f"/rebuild/{token}/progress")
    for body in (b"\xff\xfe\x00", "Größe 🖥".encode(), b"", b"\xed\xa0\x80"):
        assert httpx.post(url, content=body).status_code == 200
    for query in (
        "",
        "?message=",
        "?message=%00%ff&x=1",
        "?message=a&message=b",
        "?" + "&" * 500,
        "?message=%0d%0aX:%201",
    ):
        assert boot.ask(f"/rebuild/{token}/progress{query}".encode())[0] == 200
    assert httpx.post(f"{url}?message=query", content=b"body").status_code == 200
    assert httpx.post(f"{url}?message=query").status_code == 200
    assert [message for _, message in boot.store.heard(rebuild)] == [
        *("��?", "Größe 🖥", None, "���"),
        *(None, "", "?�", "a", None, "\r\nX: 1"),
        *("body", "query"),
    ]


def test_a_message_that_never_ends_is_not_waited_for(own: Callable[..., BootServer]) -> None:
    server = own("from clusto_cli.rebuild import serve; serve._SLOWEST_MESSAGE = 0.3")
    rebuild, token = server.store.begin()
    with server.connect() as connection:
        request = f"POST /rebuild/{token}/failed HTTP/1.1\r\nHost: boot\r\nContent-Length: 100\r\n\r\nno d"
        connection.sendall(request.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
    assert server.store.heard(rebuild) == []


def test_a_machine_that_does_not_wait_for_the_answer_is_heard(boot: BootServer) -> None:
    rebuild, token = boot.store.begin()
    with boot.connect() as connection:
        connection.sendall(f"GET /rebuild/{token}/finished HTTP/1.0\r\n\r\n".encode())
    until(lambda: boot.store.heard(rebuild) == [("finished", None)], "it is written down")


def test_what_is_said_has_no_token_and_moves_no_cursor(own: Callable[..., BootServer]) -> None:
    server = own()
    rebuild, token = server.store.begin()
    known = token.encode()
    server.ask(b"/rebuild/" + known + b"/started?message=%1b[31m%0d%0aclusto:%20error%e2%80%ae")
    server.ask(b"/rebuild/" + known + b"/started")
    server.ask(b"//rebuild//" + known + b"/check")
    server.ask(b"/rebuild/%20" + known + b"/check")
    server.ask(b"/prefix/" + known + b"/check")
    server.ask(b"/boot.ipxe?token=" + known)
    server.ask(b"/%1b]0;title%07%0aclusto:%20forged")
    server.ask(b"/rebuild/" + known + b"/" + b"x" * 5000)
    for broken in (
        b"GET /rebuild/" + known + b"/check NONSENSE\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
        b"\x1b[2J / HTTP/1.1\r\n\r\n",
    ):
        with server.connect() as connection:
            connection.sendall(broken)
            assert connection.recv(10_000).startswith(b"HTTP/1.0 400 ")
    until(lambda: server.said().count(" UNKNOWN / 400") == 3, "all is said")
    lines = server.said().splitlines()
    assert token not in server.said()
    assert all(line.isprintable() and len(line) < 1000 for line in lines), lines
    assert "127.0.0.1 GET /rebuild/****/started 409 " + f"{rebuild.name} has called back started already" in lines
    assert any(line.endswith(f"200 {rebuild.name}: started: \\x1b[31m\\x0d\\nclusto: error\\u202e") for line in lines)
    assert not any(line.startswith("clusto:") or "Traceback" in line for line in lines)


# --- boot files ------------------------------------------------------------------------------------------------------


def armed(server: BootServer, name: str) -> Path:
    """A boot file that has its machine install."""
    path = server.directory / "ipxe" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(INSTALL)
    return path


@pytest.mark.parametrize("event", ["started", "finished", "failed", "up"])
def test_whoever_has_begun_to_install_finds_local_boot_files_by_the_answer(boot: BootServer, event: str) -> None:
    file = armed(boot, f"mac-{event}.ipxe")
    _, token = boot.store.begin(files=[f"ipxe/{file.name}"])
    assert boot.ask(f"/rebuild/{token}/progress".encode())[0] == 200
    assert boot.ask(f"/rebuild/{token}/check".encode())[0] == 200
    assert boot.ask(f"/rebuild/{'A' * 43}/{event}".encode())[0] == 403
    assert file.read_bytes() == INSTALL
    assert boot.ask(f"/rebuild/{token}/{event}".encode()) == (200, b"ok\n")
    assert file.read_bytes() == LOCAL


def test_disarming_is_tried_until_it_succeeds(own: Callable[..., BootServer]) -> None:
    server = own("from clusto_cli.rebuild import incoming; incoming._DISARMED_WITHIN = 0.3")
    file, stuck = armed(server, "mac-1.ipxe"), server.directory / ".stuck"
    rebuild, token = server.store.begin(files=["ipxe/mac-1.ipxe"])
    stuck.touch()
    assert server.ask(f"/rebuild/{token}/started".encode()) == (200, b"ok\n")
    warning = f"{rebuild.name} may install once more: its boot files could not be put back to local: the disk is full"
    until(lambda: warning in server.said(), "it is said")
    assert file.read_bytes() == INSTALL
    stuck.unlink()
    until(lambda: file.read_bytes() == LOCAL, "the boot file is local")


def test_disarming_ends_with_the_rebuild_or_with_a_new_token(own: Callable[..., BootServer]) -> None:
    server = own("from clusto_cli.rebuild import incoming; incoming._pauses = lambda: iter([1.0, 0.2, 0.2, 0.2])")
    stuck = server.directory / ".stuck"
    stuck.touch()
    begun = [server.store.begin(files=[f"ipxe/mac-{number}.ipxe"]) for number in (1, 2, 3)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = pool.map(lambda one: server.ask(f"/rebuild/{one[1]}/started".encode()), begun)
        until(lambda: server.said().count("may install once more") == 3, "all three are tried")
        server.store.journal.add([Heard(begun[0][0].id, "clusto", "cancelled", phase=DONE)])
        server.store.journal.renew_token(begun[1][0])
        until(lambda: server.said().count(f"{begun[2][0].name} may install once more") == 3, "the third is tried again")
        assert [status for status, _ in answers] == [200] * 3
    assert [server.said().count(f"{rebuild.name} may install once more") for rebuild, _ in begun[:2]] == [1, 1]


def test_a_server_that_starts_disarms_who_has_begun(own: Callable[..., BootServer]) -> None:
    server = own()
    assert server.stop() == 0
    files = [armed(server, f"mac-{number}.ipxe") for number in range(5)]
    begun = [server.store.begin(files=[f"ipxe/{file.name}"]) for file in files]
    journal = server.store.journal
    for rebuild, _ in begun[:3]:
        journal.call_back(rebuild, "started", None)
    journal.renew_token(begun[1][0])
    journal.add([Heard(begun[2][0].id, "clusto", "cancelled", phase=DONE)])
    journal.call_back(begun[3][0], "progress", None)
    server.start()
    until(lambda: files[0].read_bytes() == LOCAL, "the boot file is local")
    assert server.stop() == 0
    assert [file.read_bytes() for file in files[1:]] == [INSTALL] * 4


# --- fetches ---------------------------------------------------------------------------------------------------------


def test_a_machine_s_own_files_are_heard_once_a_phase(boot: BootServer, folder: Path) -> None:
    boot_file, answer, kernel = (f"{folder.name}/{name}" for name in ("mac-1.ipxe", "preseed.cfg", "linux"))
    for path in (boot_file, answer, kernel):
        (boot.directory / path).write_bytes(INSTALL)
    rebuild, _ = boot.store.begin(files=[boot_file], answers=[answer, boot_file])
    other, _ = boot.store.begin(files=[f"{folder.name}/mac-2.ipxe"])
    for path in (boot_file, boot_file, answer, kernel):
        assert boot.ask(f"//{path}".encode()) == (200, INSTALL)
    fetched = [(FETCHED, boot_file), (FETCHED, answer)]
    until(lambda: sorted(boot.store.heard(rebuild)) == sorted(fetched), "both are written down")
    # Written down by now, if it were news: it waits for others a second at most.
    assert boot.ask(f"/{answer}".encode())[0] == 200
    time.sleep(1.5)
    assert sorted(boot.store.heard(rebuild)) == sorted(fetched)
    boot.store.journal.add([Heard(rebuild.id, "clusto", "power", phase=BOOTING)])
    before = time.time()
    assert boot.ask(f"/{boot_file}".encode())[0] == 200
    until(lambda: boot.store.heard(rebuild)[2:] == [("power", None), (FETCHED, boot_file)], "again in the new phase")
    assert before <= boot.store.events(rebuild)[-1].time <= time.time()
    assert boot.store.heard(other) == []
    assert {event.source for event in boot.store.events(rebuild)} == {"fetch", "clusto"}


def test_only_a_whole_file_that_was_got_is_heard(boot: BootServer, folder: Path) -> None:
    paths = [f"{folder.name}/{name}" for name in ("head", "part", "unchanged", "gone", "ended", "whole")]
    head, part, tail, broken, ended, whole = paths
    for path in paths:
        (boot.directory / path).write_bytes(bytes(16 << 20) if path == broken else INSTALL)
    rebuild, _ = boot.store.begin(files=[head, part, tail, broken], answers=[whole])
    over, _ = boot.store.begin(files=[ended])
    boot.store.journal.add([Heard(over.id, "clusto", "done", phase=DONE)])
    boot.ask(f"/{head}".encode(), b"HEAD")
    assert boot.get(f"/{part}", Range="bytes=0-3").status_code == 206
    assert boot.get(f"/{tail}", Range="bytes=1-").status_code == 206
    assert boot.get(f"/{ended}").status_code == 200
    with boot.connect() as connection:
        connection.sendall(f"GET /{broken} HTTP/1.1\r\nHost: boot\r\n\r\n".encode())
        assert connection.recv(1000)
    until(lambda: f"/{broken} 200 broken off" in boot.said(), "it is broken off")
    assert boot.get(f"/{whole}", Range="bytes=0-").status_code == 206
    until(lambda: boot.store.heard(rebuild) != [], "the whole file is written down")
    assert boot.store.heard(rebuild) == [(FETCHED, whole)]
    assert boot.store.heard(over) == [("done", None)]


def test_a_file_of_two_rebuilds_is_heard_for_both(boot: BootServer, folder: Path) -> None:
    path = f"{folder.name}/grub.cfg"
    (boot.directory / path).write_bytes(INSTALL)
    begun = [boot.store.begin(files=[path])[0] for _ in range(2)]
    assert boot.get(f"/{path}").status_code == 200
    until(lambda: [boot.store.heard(rebuild) for rebuild in begun] == [[(FETCHED, path)]] * 2, "it is written down")


def test_a_fetch_before_a_rebuild_began_is_none_of_it(boot: BootServer, folder: Path) -> None:
    paths = [f"{folder.name}/{name}" for name in ("mac-1.ipxe", "mac-2.ipxe")]
    for path in paths:
        (boot.directory / path).write_bytes(INSTALL)
    # Two at once: of what comes so quickly, the second is looked at when the rebuild has begun.
    for path in paths:
        assert boot.get(f"/{path}").status_code == 200
    rebuild, _ = boot.store.begin(files=paths)
    other, _ = boot.store.begin(files=paths[1:])
    time.sleep(1.1)
    assert boot.get(f"/{paths[0]}").status_code == 200
    until(lambda: boot.store.heard(rebuild) == [(FETCHED, paths[0])], "the later fetch is written down")
    assert boot.store.heard(other) == []


# --- a store that is away, locked, or cannot be written --------------------------------------------------------------


def refuse(store: Store, message: str) -> None:
    """Has the database refuse new events with this message."""
    with sqlite3.connect(store.path) as connection:
        connection.execute(
            f"CREATE TRIGGER full BEFORE INSERT ON rebuild_events BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )


def accept(store: Store) -> None:
    with sqlite3.connect(store.path) as connection:
        connection.execute("DROP TRIGGER full")


def test_what_cannot_be_written_is_to_be_said_again(own: Callable[..., BootServer]) -> None:
    server = own()
    file = armed(server, "mac-1.ipxe")
    rebuild, token = server.store.begin(files=["ipxe/mac-1.ipxe"])
    refuse(server.store, "database or disk is full")
    answer = server.get(f"/rebuild/{token}/started")
    assert (answer.status_code, answer.text) == (503, "not written down: try again\n")
    assert answer.headers["Retry-After"] == "5"
    reason = "/started 503 no space is left for the store: nothing was changed"
    until(lambda: reason in server.said(), "it is said why")
    assert file.read_bytes() == INSTALL
    accept(server.store)
    assert server.get(f"/rebuild/{token}/started").status_code == 200
    assert server.store.heard(rebuild) == [("started", None)]


def test_a_fetch_that_cannot_be_written_is_written_later(own: Callable[..., BootServer]) -> None:
    server = own()
    armed(server, "mac-1.ipxe")
    rebuild, _ = server.store.begin(files=["ipxe/mac-1.ipxe"])
    refuse(server.store, "database or disk is full")
    assert server.get("/ipxe/mac-1.ipxe").status_code == 200
    until(lambda: "fetches are not written down yet: no space is left" in server.said(), "it is said")
    accept(server.store)
    until(lambda: server.store.heard(rebuild) == [(FETCHED, "ipxe/mac-1.ipxe")], "it is written down")


def test_a_store_that_is_away_for_a_while(own: Callable[..., BootServer]) -> None:
    server = own()
    armed(server, "mac-1.ipxe")
    rebuild, token = server.store.begin(files=["ipxe/mac-1.ipxe"])
    away = server.store.path.with_name("away")
    server.store.path.rename(away)
    assert server.get("/ipxe/mac-1.ipxe").content == INSTALL
    for event in ("check", "started"):
        answer = server.get(f"/rebuild/{token}/{event}")
        assert (answer.status_code, answer.text) == (503, "not written down: try again\n")
    until(lambda: "fetches are not written down yet: there is no inventory" in server.said(), "it is said")
    assert not server.store.path.exists()
    away.rename(server.store.path)
    assert server.get(f"/rebuild/{token}/started").status_code == 200
    until(lambda: len(server.store.heard(rebuild)) == 2, "the fetch is written down")


def test_a_store_that_is_locked_for_a_while(own: Callable[..., BootServer]) -> None:
    server = own()
    begun = [server.store.begin() for _ in range(10)]
    lock = sqlite3.connect(server.store.path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(server.get, f"/rebuild/{token}/started") for _, token in begun]
        assert concurrent.futures.wait(answers, timeout=1).done == set()
        # Meanwhile files go out, and the store can be read.
        assert server.get("/boot.ipxe").status_code == 200
        assert server.get(f"/rebuild/{begun[0][1]}/check").status_code == 200
        lock.execute("ROLLBACK")
        assert [answer.result().status_code for answer in answers] == [200] * 10
    lock.close()
    assert [server.store.heard(rebuild) for rebuild, _ in begun] == [[("started", None)]] * 10


def test_a_store_that_stays_locked(own: Callable[..., BootServer]) -> None:
    server = own("from clusto_core.store import database; database.BUSY_SECONDS = 0.5")
    begun = [server.store.begin() for _ in range(5)]
    lock = sqlite3.connect(server.store.path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = pool.map(server.get, [f"/rebuild/{token}/started" for _, token in begun])
        assert [answer.status_code for answer in answers] == [503] * 5
    until(lambda: server.said().count("503 another command has been writing to the store") == 5, "it is said why")
    lock.execute("ROLLBACK")
    lock.close()
    # What was answered by 503 was not written down behind the machine's back.
    assert [server.get(f"/rebuild/{token}/progress").status_code for _, token in begun] == [200] * 5
    assert [server.store.heard(rebuild) for rebuild, _ in begun] == [[("progress", None)]] * 5


def test_a_phase_that_moves_while_a_machine_calls_back(boot: BootServer) -> None:
    rebuild, token = boot.store.begin()
    journal = boot.store.journal
    with concurrent.futures.ThreadPoolExecutor() as pool:
        moving = [pool.submit(journal.add, [Heard(rebuild.id, "clusto", "phase", phase=INSTALLING)]) for _ in range(20)]
        assert [boot.get(f"/rebuild/{token}/progress").status_code for _ in range(20)] == [200] * 20
    assert all(future.exception() is None for future in moving)
    heard = boot.store.heard(rebuild)
    assert (heard.count(("phase", None)), heard.count(("progress", None))) == (20, 20)
