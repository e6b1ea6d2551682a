"""Ranges that go together: told before they are done, and asked about on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.conftest import Result, Run

PAIRS = "clusto: 3 pairs: s1:eth0 to tor1:1, s2:eth0 to tor1:2, s3:eth0 to tor1:3\n"


@pytest.fixture(autouse=True)
def site(clusto: Run) -> None:
    assert (
        clusto("batch", stdin="add Server s[1-9]\nadd Switch tor1\nadd PatchPanel pp1 pp2 --parts port=24\n").code == 0
    )


def at_a_terminal(url: str, answer: str, *words: str) -> Result:
    """Runs clusto with a terminal as standard input, on which somebody types."""
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    try:
        done = subprocess.run(
            [sys.executable, "-m", "clusto_cli.main", *words],
            stdin=theirs,
            capture_output=True,
            text=True,
            env={**os.environ, "CLUSTO_DB": url},
            check=False,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return Result(done.returncode, done.stdout, done.stderr)


def test_pairs_are_counted_and_shown(clusto: Run) -> None:
    done = clusto("connect", "s[1-3]:eth0", "tor1:[1-3]")
    assert (done.code, done.err) == (0, PAIRS)
    assert done.out.splitlines()[-1] == "connected s3:eth0 to tor1:3"
    done = clusto("connect", "pp1:rear[1-24]", "pp2:rear[1-24]")
    assert done.err.startswith("clusto: 24 pairs: pp1:rear1 to pp2:rear1, pp1:rear2 to pp2:rear2, ..., pp1:rear24 ")
    assert len(clusto("trace", "pp1:[1-24]").out.split("\n\n")) == 24
    done = clusto("disconnect", "s[1-3]:eth0", "tor1:[1-3]")
    assert done.err == PAIRS.replace(" to ", " from ")


def test_a_person_is_asked(clusto: Run, sqlite_url: str) -> None:
    before = "3 commands"
    for words in (["connect", "s[1-3]:eth0", "tor1:[1-3]"], ["rename", "s[1-3]", "t[1-3]"]):
        done = at_a_terminal(sqlite_url, "n\n", *words)
        assert done.code == 4
        assert f"{words[0]} 3 pairs? [y/N]" in done.err
        assert clusto("log", "-n", "1", "--oneline").out.endswith(f": {before}\n")
        before = f"clusto {words[0]} '{words[1]}' '{words[2]}' --yes"
        assert at_a_terminal(sqlite_url, "", *words, "--yes").code == 0
    assert clusto("locate", "t3").out == "t3 -> connected to port 3 on tor1\n"
    done = at_a_terminal(sqlite_url, "y\n", "disconnect", "t[1-3]:eth0")
    assert done.code == 0, done.err


def test_what_would_be_refused_is_refused_before_anybody_is_asked(clusto: Run, sqlite_url: str) -> None:
    clusto("connect", "s9:eth0", "tor1:2")
    done = at_a_terminal(sqlite_url, "", "connect", "s[1-3]:eth0", "tor1:[1-3]")
    assert (done.code, done.err) == (4, "clusto: error: tor1:2 is connected to s9:eth0: disconnect it first\n")


def test_one_by_one_nobody_is_asked(clusto: Run, sqlite_url: str) -> None:
    assert at_a_terminal(sqlite_url, "", "connect", "s1:eth0", "tor1:1").code == 0
    assert clusto("batch", stdin="rename s[2-4] u[2-4]\n").err == "clusto: did 1 command, as transaction 3\n"


def test_moves_of_a_range_to_a_range_of_units(clusto: Run) -> None:
    clusto("add", "Rack", "r1", "r2")
    assert clusto("connect", "s[1-3]", "r1:RU[1-3]").code == 0
    done = clusto("move", "s[1-3]", "--to", "r2:RU[5-7]")
    assert done.out.splitlines() == ["moved s1 to r2:RU5", "moved s2 to r2:RU6", "moved s3 to r2:RU7"]


def test_what_is_done_is_told_as_json(clusto: Run) -> None:
    clusto("add", "Rack", "r1", "r2")
    clusto("batch", stdin="put tor1 --in r1\nconnect s1 r1:RU1\nconnect s1:eth0 tor1:1\nadd Switch tor2 --in r2\n")
    assert '"cable": "still"' in clusto("move", "s1", "--to", "r2:RU1", "--dry-run", "-o", "json").out
    done = clusto("move", "s1", "--to", "r2:RU1", "--recable", "-o", "json")
    assert '"tor2:1"' in done.out
    assert clusto("replace", "tor2", "tor1", "--yes", "-o", "json").code == 0
    for verb in ("deallocate", "retire"):
        assert clusto(verb, "s1", "--yes", "-o", "json").code == 0
