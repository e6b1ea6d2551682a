"""Keys that a site declares as secret are masked wherever those are that sound so."""

from __future__ import annotations

import json

import pytest

from clusto_core import secrecy
from clusto_core.model import reserved
from tests.conftest import Run

VALUE = "n0b0dy-sees-this"
TELLING = (
    ("attr", "get", "-t", "server1"),
    ("attr", "get", "hush", "-t", "server1", "-o", "json"),
    ("attr", "get", "hush", "--inherited", "-t", "server1"),
    ("show", "server1"),
    ("show", "server1", "-o", "json"),
    ("find", "attr:hush,*", "--columns", "name,attr:hush"),
    ("find", "attr:hush,*", "-o", "csv", "--columns", "attr:hush"),
    ("find", "attr:hush,*", "--group-by", "hush"),
    ("log", "-p"),
    ("log", "-o", "json"),
    ("blame", "server1"),
    ("diff", "1", "server1"),
    ("revert", "3", "--dry-run"),
    ("export", "--format", "ansible"),
    ("export", "--format", "genders"),
    ("key", "define", "hush", "--secret", "--type", "date"),
    ("attr", "set", "hush", "x", "-t", "server1", "--dry-run"),
    ("attr", "del", "hush", "other", "-t", "server1"),
    ("completion", "fish", "--line", "clusto attr del hush "),
    ("completion", "fish", "--line", "clusto find attr:hush,"),
)
"""What prints values, or says something of them; the last transaction wrote them."""


@pytest.fixture
def site(clusto: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs commands that know nothing of each other, beside a server with secrets."""

    def run(*arguments: str, **more: object) -> object:
        monkeypatch.setattr(secrecy, "_declared", set())
        return clusto(*arguments, **more)  # type: ignore[arg-type]

    run("add", "Server", "server1")
    run("key", "define", "hush", "--secret", "--on", "Server")
    run("attr", "set", "hush", VALUE, "-t", "server1")
    run("attr", "set", "hush#2", VALUE, "-t", "server1")
    return run  # type: ignore[return-value]


@pytest.mark.parametrize("told", TELLING, ids=" ".join)
def test_nothing_tells_them(site: Run, told: tuple[str, ...]) -> None:
    done = site(*told)
    assert done.code != 1
    assert VALUE not in done.out + done.err


def test_the_history_has_no_command_line_with_them(site: Run) -> None:
    site("add", "Server", "server2", "--attr", f"hush={VALUE}")
    site("batch", "-", stdin=f"attr set hush {VALUE} -t server2\nattr add hush#3 {VALUE} -t server2\n")
    for entry in json.loads(site("log", "-o", "json").out):
        assert VALUE not in json.dumps(entry)


def test_a_batch_that_declares_one_hides_what_follows(clusto: Run) -> None:
    clusto("add", "Server", "server1")
    done = clusto("batch", "-", stdin=f"key define hush --secret\nattr set hush {VALUE} -t server1\n")
    assert done.code == 0, done.err
    assert VALUE not in clusto("log", "-p").out


def test_an_export_of_clusto_itself_has_them(site: Run) -> None:
    assert VALUE in site("export", "server1").out


def test_what_clusto_keeps_is_no_secret(site: Run) -> None:
    assert not [key for key in reserved.TYPES if key.secret]
    assert '"secret":true' in site("log", "-p").out
