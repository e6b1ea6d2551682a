"""`clusto --db https://...` and `clusto_core.open("https://...")`: the same as of the inventory itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import clusto_core
from clusto_core.errors import Malformed, NotFound, Refused, StoreBroken
from clusto_core.library.server import Server
from clusto_core.library.trust import token_for
from tests.conftest import Result, said
from tests.security.certificates import Authority
from tests.web.site import Site, running

SAME = (
    "locate s1 s2:eth0",
    "locate -v s1",
    "find driver:Server --columns name,attr:ram",
    "find --count driver:Server",
    "show rack1 s1",
    "show s1 -o yaml",
    "tree dc1",
    "trace s2:eth0",
    "attr get -t s1 --inherited",
    "ip list",
    "log -n 3",
    "capacity",
    "check",
    "show nowhere",
    "find driver:(",
    "find --nothing",
    "diff 0 1",
    "diff 0 --stat",
    "diff 0 1 s1",
    "diff 0 1 name:s1",
    "power impact pdu1",
    "name list",
    "role check",
    "locate",
    "attr get nothing -t s1",
)


def _clusto(db: str, *words: str, stdin: str = "", **env: str) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "clusto_cli.main", "--db", db, *words],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100", **env},
        timeout=120,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("line", SAME)
def test_verbs_say_the_same(reading: Site, line: str) -> None:
    here, there = (said(db, *line.split()) for db in (reading.store, reading.url))
    assert there.code == here.code
    assert there.out == here.out
    assert there.err.partition(" (see ")[0].rstrip() == here.err.partition(" (see ")[0].rstrip()


def test_names_come_from_standard_input(reading: Site) -> None:
    assert _clusto(reading.url, "locate", "-", stdin="s1\ns2\n") == _clusto(reading.store, "locate", "s1", "s2")


@pytest.mark.parametrize(
    "line",
    [
        "attr get moment -t s1",
        "attr get moment -t s1 --at 1",
        "find attr:moment,new",
        "find driver:Server --at 0",
        "find driver:Server --at 1",
        "show s1 --at 1",
        "locate s1 --at 99999",
        "locate s1 --at someday",
    ],
)
def test_the_past_is_the_same(moments: Site, line: str) -> None:
    here, there = (said(db, *line.split()) for db in (moments.store, moments.url))
    assert there == here


@pytest.fixture(scope="module")
def moments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server of an inventory whose past is another one."""
    from tests.web.conftest import filled

    directory = tmp_path_factory.mktemp("moments")
    store = filled(directory)
    with clusto_core.open(store).change() as change:
        change["s1"].attrs["moment"] = "new"
        change.add("Server", "new1")
    with running(store, directory / "log") as site:
        yield site


def test_what_a_server_does_not_do_says_so(reading: Site) -> None:
    for words, message in (
        (("power", "on", "s1"), "is not done by a server"),
        (("console", "s1"), "is not done by a server"),
        (("export",), "is not done by a server"),
        (("db", "check"), "is not done by a server"),
        (("attr", "get", "-t", "s1", "--reveal"), "secrets are never served"),
        (("attr", "set", "x", "1", "-t", "s1"), "is for a writer"),
        (("import", "/etc/passwd"), "opens no files for others"),
    ):
        done = said(reading.url, *words)
        assert done.code == 4, words
        assert message in done.err


def test_what_switches_would_say_is_not_known(fresh: Site) -> None:
    with clusto_core.open(fresh.store).change() as change:
        change.define_policy("cables", check="cables", level="warning")
    done = said(fresh.url, "check", "--policy", "cables")
    assert (done.code, done.out) == (5, "%cables\tcables\twarning\tnot known: no switch is asked here\n")
    assert [each["known"] for each in fresh.api("/check?policy=cables")] == [False]
    assert "not known: no switch" in fresh.ask("/policies", headers={"Accept": "text/html"}).text
    assert 'policy="cables"' not in fresh.ask("/metrics").text


def test_writers_write(site: Site, tmp_path: Path) -> None:
    token = {"CLUSTO_TOKEN": site.token("bob", "writer"), "CLUSTO_DB": site.url}
    lines = tmp_path / "lines"
    lines.write_text("attr set remote ok -t s2\n")
    for words, stdin in (
        (("attr", "set", "remote", "ok", "-t", "s1"), ""),
        (("batch", str(lines), "-m", "why"), ""),
        (("batch",), "attr set remote ok -t s3\n"),
        (("import", "-", "--format", "csv"), "name,driver\nimported,Server\n"),
    ):
        done = _clusto(site.url, *words, stdin=stdin, **token)
        assert done.code == 0, done.err
    assert site.api("/count?where=attr:remote,ok") == {"count": 3}
    assert site.api("/count?where=name:imported") == {"count": 1}
    assert {each["user"] for each in site.api("/history?limit=4")} == {"bob"}


def test_completion_is_the_servers(reading: Site) -> None:
    for line in ("locate s", "attr get st", "find driver:Ser", "show rack1:RU1", "find attr:status,"):
        here, there = (
            said(db, "completion", "bash", "--line", f"clusto --db {db} {line}") for db in (reading.store, reading.url)
        )
        assert there.out == here.out
        assert there.code == 0
    answer = reading.ask("/api/v1/complete", "POST", json={"words": ["console"], "last": ""})
    assert answer.status_code == 409
    answer = reading.ask("/api/v1/complete", "POST", json={"words": ["--config", "/etc/passwd", "locate"], "last": ""})
    assert answer.status_code == 400


def test_handles_tell_the_same(reading: Site) -> None:
    here, there = clusto_core.open(reading.store), clusto_core.open(reading.url)
    asked = [{"driver": "Server"}, {"wanted": "attr:ram>=64"}, {"driver": "Server", "inside": "rack1"}]
    for question in asked:
        assert [each.name for each in there.find(**question)] == [each.name for each in here.find(**question)]  # type: ignore[arg-type]
    for name in ("s1", "rack1", "s2:eth0", "sw1"):
        one, other = here[name], there[name]
        assert (one.name, one.driver, one.is_part) == (other.name, other.driver, other.is_part)
        assert one.attrs.lists() == other.attrs.lists()
        masked = {"snmp.community": ["****"]}
        assert one.inherited.lists() | masked == other.inherited.lists() | masked
        assert one.addresses == other.addresses
        assert one.owner.name == other.owner.name
    assert there["s1"].parts["eth0"].far == there["sw1:1"]
    assert there["s1"].attrs.one("ram", int) == 32
    assert "s9" not in there
    assert there.get("s9") is None
    assert there.one("name:s1").location == there.locate("s1")  # type: ignore[attr-defined]
    with there.at(0) as then:
        assert then.get("s1") is None
    with pytest.raises(NotFound, match="no such thing: s9"):
        there["s9"]
    with pytest.raises(Malformed, match="malformed expression"):
        there.find("driver:(")
    for refused in (lambda: there["s2:eth0"].path, there.change, there.read, lambda: there.capacity("rack1")):
        with pytest.raises(Refused):
            refused()


def test_a_server_is_believed_that_the_authorities_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.web.conftest import filled

    authority = Authority(tmp_path, "authority")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for file, content in zip((certificate, key), authority.issue("localhost"), strict=True):
        file.write_bytes(content)
    options = ("--tls-cert", str(certificate), "--tls-key", str(key), "--no-anonymous")
    with running(filled(tmp_path), tmp_path / "log", *options) as site:
        secret = tmp_path / "token"
        secret.write_text(site.token("ann") + "\n")
        config = tmp_path / "config.toml"
        config.write_text(f'db = "{site.url}"\n[server]\nca = "{authority.certificate}"\ntoken = "file:{secret}"\n')
        assert _clusto(site.url, "find", "name:s1").err.endswith("(ca in [server] names its authorities)\n")
        done = subprocess.run(
            [sys.executable, "-m", "clusto_cli.main", "--config", config, "find", "name:s1"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == "s1\n", done.stderr
        config.write_text(f'[server]\nca = "{authority.certificate}"\n')
        assert "bring a token" in _clusto(site.url, "find", "name:s1", CLUSTO_CONFIG=str(config)).err


@pytest.mark.parametrize(
    ("named", "written", "asked", "sent"),
    [
        ("https://a.example", "", "https://a.example", "of the environment"),
        ("https://A.example:443/", "", "https://a.example", "of the environment"),
        ("https://a.example", "", "https://b.example", Refused),
        ("https://a.example", "", "https://a.example:8420", Refused),
        ("https://a.example", 'db = "https://b.example"', "https://b.example", Refused),
        ("sqlite:////a.db", "", "https://a.example", Refused),
        ("", "", "https://a.example", Refused),
        ("", 'db = "https://a.example"', "https://a.example", "of the environment"),
        ("sqlite:////a.db", 'db = "https://a.example"', "https://a.example", "of the environment"),
        ("https://a.example", '[server."https://b.example"]\ntoken = "file:{}"', "https://b.example", "of the file"),
        (None, 'db = "https://a.example"\n[server]\ntoken = "file:{}"', "https://a.example", "of the file"),
        (None, 'db = "https://a.example"\n[server]\ntoken = "file:{}"', "https://b.example", None),
        (None, '[server]\ntoken = "file:{}"', "https://b.example", None),
        (None, '[server."https://b.example"]\ntoken = "file:{}"', "https://b.example:8420", None),
        (None, '[server."https://b.example"]\ntoken = "of b"', "https://b.example", Malformed),
        (None, '[server]\n"https://b.example" = "of b"', "https://b.example", Malformed),
    ],
)
def test_a_token_goes_where_it_was_meant_to_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: str | None,
    written: str,
    asked: str,
    sent: str | type[Exception] | None,
) -> None:
    """`named` is CLUSTO_DB, beside a token of the environment; None for neither."""
    (tmp_path / "token").write_text("of the file\n")
    (tmp_path / "config.toml").write_text(written.format(tmp_path / "token"))
    monkeypatch.setenv("CLUSTO_CONFIG", str(tmp_path / "config.toml"))
    for name, value in (("CLUSTO_DB", named), ("CLUSTO_TOKEN", named if named is None else "of the environment")):
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    if isinstance(sent, type):
        with pytest.raises(sent):
            token_for(asked)
    else:
        assert token_for(asked) == sent


def test_a_token_does_not_go_in_the_clear() -> None:
    with pytest.raises(Refused, match="in the clear"):
        Server("http://inventory.example")
    for url in ("https://", "https://user@host", "https://host/path", "https://host:x"):
        with pytest.raises(Malformed):
            Server(url)
    with pytest.raises(StoreBroken, match="cannot reach"):
        Server("http://127.0.0.1:1").get("/count")


def test_what_a_server_says_is_cleaned() -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Hostile(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"out": "a\\u001b[31mb\\n"}\n{"exit": 2, "error": "c\\u001b[2Jd"}\n'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *given: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hostile) as server:
        Thread(target=server.handle_request).start()
        done = _clusto(f"http://127.0.0.1:{server.server_port}", "locate", "s1")
    assert done.out == "a\\x1b[31mb\n"
    assert done.err == "clusto: error: c\\x1b[2Jd\n"
    assert done.code == 2
