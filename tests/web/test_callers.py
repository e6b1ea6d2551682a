"""Who may: tokens, a trusted proxy, whoever is on this machine; and what pages of other sites may have a browser do."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from multidict import CIMultiDict

import clusto_core
from clusto_cli.web.answering import Misdirected
from clusto_cli.web.callers import Doors, check_host
from clusto_cli.web.serving import names_of
from clusto_core.config import Settings
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.records import tokens
from clusto_core.store.database import connect
from clusto_core.store.reader import open_reader
from tests.conftest import Run
from tests.security.certificates import Authority
from tests.web.site import API, Site, with_limits

LINES = "attr set asked yes -t s1"


def test_a_token_is_kept_as_its_hash_alone(store_url: str) -> None:
    clusto_core.open(store_url)
    settings = Settings(store_url)
    text = tokens.create(settings, "monitoring", "reader")
    with closing(connect(store_url)) as database:
        assert text not in str(database.rows("SELECT k.name, k.hash, k.role, k.maker FROM tokens k"))
    with open_reader(store_url) as reader:
        token = tokens.known(reader, text)
        assert token is not None
        assert (token.name, token.role, token.scope) == ("monitoring", "reader", None)
        for other in (text[:-1], text + "x", text.swapcase(), "", "clusto_monitoring_" + "A" * 43, "clusto_x_y"):
            assert tokens.known(reader, other) is None
    with pytest.raises(Refused, match="there is a token monitoring"):
        tokens.create(settings, "monitoring", "writer")
    tokens.revoke(settings, "monitoring")
    with open_reader(store_url) as reader:
        assert tokens.known(reader, text) is None
    with pytest.raises(NotFound, match="no such token"):
        tokens.revoke(settings, "monitoring")


@pytest.mark.parametrize("name", ["", "a b", "-x", "a\n", "x" * 61, "ä"])
def test_a_token_has_a_name(sqlite_url: str, name: str) -> None:
    with pytest.raises(Malformed):
        tokens.create(Settings(sqlite_url), name, "reader")


def test_tokens_are_made_listed_and_taken_back(clusto: Run) -> None:
    clusto("add", "Server", "s1")
    text = clusto("serve", "token", "create", "team", "--role", "writer", "--where", "name:s1").out.strip()
    assert text.startswith("clusto_team_")
    listed = clusto("serve", "token", "list")
    assert listed.out.startswith("team\twriter\t")
    assert listed.out.endswith("\tname:s1\n")
    assert text[-43:] not in listed.out
    assert '"where": "name:s1"' in clusto("serve", "token", "list", "-o", "json").out
    assert clusto("serve", "token", "create", "other", "--role", "reader", "--where", "driver:(").code == 2
    assert clusto("serve", "token", "create", "other", "--role", "reader", "--where", "driver:NIC").code == 2
    assert clusto("serve", "token", "revoke", "team").code == 0
    assert clusto("serve", "token", "list").out == ""


def test_whoever_is_here_reads_and_does_not_write(site: Site) -> None:
    assert site.ask(f"{API}/things/s1").status_code == 200
    for path, method in (("/batch", "POST"), ("/things/s1", "PATCH")):
        assert site.ask(API + path, method, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 403
    passed_on = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "X-Client-IP", "CF-Ray", "Via")
    for headers in ({name: "for=192.0.2.1"} for name in passed_on):
        answer = site.ask(f"{API}/things/s1", headers=headers)
        assert answer.status_code == 401, headers
        assert "Basic" in answer.headers["www-authenticate"]


def test_a_proxy_that_says_nothing_of_itself_is_nobody_here(site: Site) -> None:
    """nginx asks in HTTP/1.0, with the address that it was told, unless it is told otherwise."""
    with socket.create_connection(("127.0.0.1", site.port)) as asking:
        asking.sendall(f"GET {API}/count HTTP/1.0\r\nHost: 127.0.0.1:{site.port}\r\n\r\n".encode())
        assert b" 401 " in asking.recv(100)


def test_a_token_opens_and_what_is_none_does_not(site: Site) -> None:
    reader, writer = site.token("ann", "reader"), site.token("bob", "writer")
    assert site.batch(LINES, reader).status_code == 403
    assert site.batch("attr set opened yes -t s1", writer).status_code == 200
    [entry] = site.api("/history?limit=1")
    assert (entry["user"], entry["host"]) == ("bob", "127.0.0.1")
    basic = base64.b64encode(f"anything:{reader}".encode()).decode()
    assert site.ask(f"{API}/things/s1", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    for wrong in ("Bearer x", f"Bearer {reader}x", "Bearer", "Basic !", f"Digest {reader}", reader):
        # Who brings a wrong one is not let in as somebody who brings none.
        assert site.ask(f"{API}/things/s1", headers={"Authorization": wrong}).status_code == 401, wrong
    tokens.revoke(site.settings, "ann")
    assert site.ask(f"{API}/things/s1", token=reader).status_code == 401


def test_a_listener_hears_nothing_more_without_his_token(site: Site) -> None:
    token = site.token("listener")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.stream("GET", f"{site.url}{API}/changes/stream?since=0", headers=headers, timeout=60) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("id:")
        tokens.revoke(site.settings, "listener")
        assert list(lines)[-1:] == [""]


def test_wrong_tokens_are_not_tried_for_ever(serving: Callable[..., Site]) -> None:
    site = serving(setup=with_limits(rates="Rates(wrong_per_second=0.001, wrong_at_once=3)"))
    statuses = [site.ask(f"{API}/count", token="wrong").status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    # Nor is whoever floods it told what else there is.
    assert site.ask(f"{API}/count").status_code == 429


def test_wrong_tokens_behind_a_proxy_keep_nobody_out(serving: Callable[..., Site]) -> None:
    site = serving(
        *("--auth-header", "X-Remote-User", "--trusted-proxy", "127.0.0.1"),
        setup=with_limits(rates="Rates(wrong_per_second=0.001, wrong_at_once=3)"),
    )
    assert [site.ask(f"{API}/count", token="wrong").status_code for _ in range(6)] == [401] * 6
    assert site.ask(f"{API}/count", token=site.token("ann")).status_code == 200
    assert site.ask(f"{API}/count", headers={"X-Remote-User": "bob"}).status_code == 200


def test_without_anonymous_everybody_brings_a_token(serving: Callable[..., Site]) -> None:
    site = serving("--no-anonymous")
    assert site.ask(f"{API}/things/s1").status_code == 401
    assert site.ask(f"{API}/openapi.json").status_code == 200
    assert site.ask(f"{API}/things/s1", token=site.token("ann")).status_code == 200


def test_a_proxy_names_who_asks(serving: Callable[..., Site]) -> None:
    site = serving("--auth-header", "X-Remote-User", "--trusted-proxy", "127.0.0.0/8", "--auth-role", "writer")
    assert site.ask(f"{API}/things/s1").status_code == 401
    headers = {"X-Remote-User": "ann@example.org", "Content-Type": "text/plain"}
    assert site.ask(f"{API}/batch", "POST", headers=headers, content=LINES).status_code == 200
    assert site.api("/history?limit=1", headers=headers)[0]["user"] == "ann@example.org"
    twice = [("X-Remote-User", "ann"), ("X-Remote-User", "root")]
    assert httpx.get(f"{site.url}{API}/things/s1", headers=twice).status_code == 401


_BY_PROXY = ("--auth-header", "X-Remote-User", "--trusted-proxy", "127.0.0.1", "--name", "Inventory.example.")


@pytest.mark.parametrize("options", [(), _BY_PROXY])
def test_no_other_name_leads_here(serving: Callable[..., Site], options: tuple[str, ...]) -> None:
    site = serving(*options)
    brought = {"Authorization": f"Bearer {site.token('ann', 'writer')}", "X-Remote-User": "ann"}
    known = ["localhost", f"127.0.0.1:{site.port}", "[::1]:8420", "192.0.2.7", "LOCALHOST.", socket.gethostname()]
    strange = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "a@localhost", "localhost:x", ""]
    (known if options == _BY_PROXY else strange).append("inventory.example:443")
    with httpx.Client(base_url=site.url) as client:
        for path in ("/", f"{API}/count", "/metrics", "/sd/ansible", "/live", "/static/style.css", "/nothing"):
            for host in strange:
                answer = client.get(path, headers={**brought, "Host": host})
                assert answer.status_code == 421, (path, host)
        for host in known:
            assert client.get("/static/style.css", headers={"Host": host}).status_code == 200, host
    # What asks by HTTP/1.0 without a name is no browser; what does by HTTP/1.1, or names two, is wrong.
    twice = "Host: localhost\r\nHost: evil.example\r\n"
    for version, hosts, statuses in (("1.0", "", (200, 401)), ("1.1", "", (400, 421)), ("1.1", twice, (400, 421))):
        with socket.create_connection(("127.0.0.1", site.port)) as asking:
            asking.sendall(f"GET {API}/count HTTP/{version}\r\n{hosts}\r\n".encode())
            assert int(asking.recv(12).split()[1]) in statuses


def test_a_server_answers_to_the_names_of_its_certificate(tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    file.write_bytes(Authority(tmp_path, "authority").issue("Inventory.example")[0])
    names = names_of(["inv"], str(file))
    assert names == {"inv", "inventory.example", socket.gethostname().lower()}
    doors = Doors(names=frozenset({"*.dc.example"}))
    for host, is_known in (("a.dc.example:8420", True), ("a.b.dc.example", False), ("dc.example", False)):
        request = SimpleNamespace(headers=CIMultiDict({"Host": host}), version=(1, 1))
        with nullcontext() if is_known else pytest.raises(Misdirected):
            check_host(request, doors.names)  # type: ignore[arg-type]


def test_only_a_trusted_proxy_does(serving: Callable[..., Site]) -> None:
    site = serving("--auth-header", "X-Remote-User", "--trusted-proxy", "192.0.2.1")
    # Who is here reads without a name; the header gives none.
    headers = {"X-Remote-User": "ann", "Content-Type": "text/plain"}
    assert site.ask(f"{API}/batch", "POST", headers=headers, content=LINES).status_code == 403


def test_pages_of_other_sites_change_nothing(site: Site) -> None:
    writer = site.token("bob", "writer")
    own = {"Origin": site.url, "Sec-Fetch-Site": "same-origin"}
    others = (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": site.url.replace("127.0.0.1", "localhost")},
    )
    for headers, status in ((own, 200), *((other, 403) for other in others)):
        given = {"Content-Type": "text/plain", **headers}
        assert site.ask(f"{API}/batch", "POST", token=writer, content=LINES, headers=given).status_code == status


def test_pages_of_other_sites_ask_nothing_but_by_links(site: Site) -> None:
    followed = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for where, more, status in (
        ("cross-site", {}, 403),
        ("same-site", {"Sec-Fetch-Mode": "no-cors"}, 403),
        ("cross-site", {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ("cross-site", followed, 200),
        ("same-origin", {}, 200),
        ("none", {}, 200),
    ):
        assert site.ask(f"{API}/count", headers={"Sec-Fetch-Site": where, **more}).status_code == status, (where, more)


def test_what_a_form_can_send_is_not_read(site: Site) -> None:
    writer = site.token("bob", "writer")
    for media in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        headers = {"Content-Type": media} if media else {}
        assert site.ask(f"{API}/batch", "POST", token=writer, content=LINES, headers=headers).status_code == 415


def test_it_speaks_tls(serving: Callable[..., Site], tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for file, content in zip((certificate, key), authority.issue("localhost"), strict=True):
        file.write_bytes(content)
    site = serving("--tls-cert", str(certificate), "--tls-key", str(key))
    context = ssl.create_default_context(cafile=str(authority.certificate))
    assert httpx.get(f"{site.url}{API}/count", verify=context).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{site.url}{API}/count")


def test_what_would_be_open_is_not_begun(clusto: Run) -> None:
    clusto("add", "Server", "s1")
    for words, message in (
        (["--bind", "0.0.0.0"], "in the clear"),
        (["--bind", "127.0.0.1:x"], "malformed address"),
        (["--tls-cert", "/nowhere"], "go together"),
        (["--tls-cert", "/nowhere", "--tls-key", "/nowhere"], "no certificate and key"),
        (["--auth-header", "X-User"], "go together"),
        (["--name", "https://inventory.example"], "malformed name of a server"),
        (["--auth-header", "X-User", "--trusted-proxy", "everybody"], "malformed address of a proxy"),
        (["--rebuild", ":8080"], "go together"),
    ):
        done = clusto("serve", *words)
        assert done.code in (2, 4), words
        assert message in done.err, done.err


def test_one_server_does_both_jobs(serving: Callable[..., Site], tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / "file").write_text("install\n")
    site = serving("--rebuild", "127.0.0.1:0", "--dir", str(tmp_path / "boot"))
    from tests.console.lab import until

    until(lambda: site.said().count("listening on") == 2, "both listen", 30)
    addresses = [line.rpartition(" ")[2] for line in site.said().splitlines() if "listening on" in line]
    statuses = sorted(
        (httpx.get(f"{address}/file").status_code, httpx.get(f"{address}{API}/count").status_code)
        for address in addresses
    )
    assert statuses == [(200, 404), (404, 200)]
    site.stop()


def test_requests_are_told_in_a_line_each(fresh: Site) -> None:
    token = fresh.token("ann")
    fresh.ask(f"{API}/things/s1", token=token)
    fresh.ask(f"{API}/things?where=name:%0aevil%1b[31m&x=y", token=token)
    fresh.stop()
    lines = fresh.said().splitlines()
    assert "clusto: 127.0.0.1 GET /api/v1/things/s1 200 ann" in lines
    assert token not in fresh.said()
    assert all(line.startswith("clusto: ") and line.isprintable() for line in lines)
