"""`clusto batch`: many command lines as one change."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_cli.batch import work
from clusto_cli.batch.lines import read
from tests.conftest import Run

RACK = """\
# one rack
clusto add Rack rack1
add Switch tor1 --in rack1        # no `clusto` needed
add Server 'srv[01-03]' --attr 'note=a "b" # c'
connect srv01:eth0 \\
    tor1:1
attr set nic#2.mac 52:54:00:00:00:01 -t srv01
"""


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=4)))
def test_lines_are_read_as_a_shell_would(commands: list[list[str]]) -> None:
    commands = [words for words in commands if words[0] != "clusto"]
    text = "\n".join(map(shlex.join, commands))
    assert [list(line.words) for line in read(text)] == commands


@pytest.mark.parametrize(
    "text",
    ["a b#c", "a 'b\nc' d", 'a "b \\" \\\\ \\x"', "a\\\n b", "a \\  b", "# x\n\n  a", "a ''", "a b\\ c # d", "a \\#b"],
)
def test_quotation_and_comments_are_the_shell_s(text: str) -> None:
    script = f'a() {{ printf "%s\\0" a "$@"; }}\n{text}'
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    said = done.stdout.decode().split("\0")[:-1]
    assert [list(line.words) for line in read(text)] == [said]


@pytest.mark.parametrize("text", ["a; b", "a | b", "a > b", "a $b", 'a "$b"', "a `b`", "a & b", "(a)", "a 'b", 'a "b'])
def test_what_a_shell_would_do_something_with_is_told(text: str) -> None:
    lines = list(read(f"{text}\n"))
    assert lines[0].problem
    assert lines[0].number == 1


def test_the_line_behind_one_that_is_wrong_is_read() -> None:
    first, second = read("a; b\nok")
    assert first.problem
    assert (second.number, second.words) == (2, ("ok",))


def test_each_line_sees_what_those_before_it_did(clusto: Run, tmp_path: Path) -> None:
    file = tmp_path / "rack.clusto"
    file.write_text(RACK)
    assert clusto("batch", str(file), "--dry-run").out.splitlines()[0] == "would add Rack rack1"
    assert clusto("find", "driver:Server").code == 0
    assert not clusto("find", "driver:Server").out
    done = clusto("batch", str(file), "-m", "first rack")
    assert done.code == 0, done.err
    assert "connected srv01:eth0 to tor1:1" in done.out
    note = "clusto: note: nic.mac: new key (did you mean bmc.mac?)\n"
    assert done.err == note + "clusto: did 5 commands, as transaction 1\n"
    assert clusto("locate", "srv01").out == "srv01 -> connected to port 1 on tor1\n"
    assert "nic#2.mac" in clusto("show", "srv01").out
    logged = json.loads(clusto("log", "-o", "json").out)
    assert len(logged) == 1
    assert logged[0]["message"].splitlines()[0] == "first rack"
    assert "clusto connect srv01:eth0 tor1:1" in logged[0]["message"].splitlines()
    assert clusto("log", "--oneline").out.endswith(": first rack\n")
    assert clusto("revert", "1").code == 0
    assert not clusto("find", "driver:Server").out


def test_all_or_none_with_errors_by_line(clusto: Run) -> None:
    done = clusto(
        "batch", "-", stdin="add Server a\nconnect a:eth0 nowhere:1\nlocate a\nadd\nadd Server b; add Server c\n"
    )
    assert done.code == 2
    assert done.err.splitlines()[-5:] == [
        "clusto: error: 4 lines cannot be done: nothing was changed",
        "standard input:2: no such thing: nowhere",
        "standard input:3: locate has no place in a batch: only verbs that change the inventory, and nothing else",
        "standard input:4: missing argument 'DRIVER' (see clusto add --help)",
        "standard input:5: ; means something to a shell, and nothing here: put it in quotation marks",
    ]
    assert not clusto("find", "driver:Server").out
    assert not clusto("log").out


def test_one_error_has_its_own_code(clusto: Run) -> None:
    done = clusto("batch", stdin="add Server a\nadd Server a\n")
    assert (done.code, done.err.splitlines()[-1]) == (4, "clusto: error: standard input:2: the name is taken: a")
    done = clusto("batch", stdin="rename a b\n")
    assert (done.code, done.err) == (3, "clusto: error: standard input:1: no such thing: a\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("power on a", "power on has no place in a batch"),
        ("batch other", "batch has no place in a batch"),
        ("edit a", "edit has no place in a batch"),
        ("console a", "console has no place in a batch"),
        ("network setvlan a eth0 2", "network setvlan has no place in a batch"),
        ("add Server a --dry-run", "a dry run is of the whole batch"),
        ("add --help", "help has no place in a batch"),
        ("pool", "a verb is missing after pool"),
        ("--db x add Server a", "a verb is missing (what is for all of clusto stands before batch)"),
        ("revert 1", "a transaction is undone by a change of its own"),
        ("nosuch a", "no such verb: nosuch"),
    ],
)
def test_what_has_no_place_in_a_batch(clusto: Run, line: str, message: str) -> None:
    clusto("add", "Server", "z")
    done = clusto("batch", stdin=line + "\n")
    assert done.code in (2, 4)
    assert done.out == ""
    assert f"standard input:1: {message}" in done.err


def test_questions_are_asked_once_for_all(clusto: Run) -> None:
    clusto("add", "Server", "a", "b")
    for more in ((), ("--dry-run",)):
        done = clusto("batch", *more, stdin="remove a\nattr set x 1 -t b\nremove b\n")
        assert (done.code, done.out) == (4, "")
        assert done.err.splitlines()[-3:] == [
            "clusto: error: 2 lines cannot be done: nothing was changed",
            "standard input:1: not confirmed: remove a? (--yes goes ahead)",
            "standard input:3: not confirmed: remove b? (--yes goes ahead)",
        ]
    done = clusto("batch", "--dry-run", stdin="remove a --yes\n")
    assert (done.code, done.out) == (0, "would remove Server a\n")
    assert clusto("batch", "--dry-run", "--yes", stdin="remove a\n").out == "would remove Server a\n"
    assert clusto("find", "driver:Server").out == "a\nb\n"
    assert clusto("batch", "--yes", stdin="remove a\nremove b\n").code == 0
    assert not clusto("find", "driver:Server").out


def test_json_has_each_line(clusto: Run) -> None:
    done = clusto("batch", "-o", "json", stdin="\nadd Server a\nattr set x 1 -t a\n")
    assert json.loads(done.out) == [
        {"line": 2, "command": "clusto add Server a", "said": ["added Server a"]},
        {"line": 3, "command": "clusto attr set x 1 -t a", "said": []},
    ]


def test_secrets_are_in_no_history(clusto: Run) -> None:
    assert clusto("batch", stdin="add Server a\nattr set bmc.password hunter2 -t a\n").code == 0
    assert "hunter2" not in clusto("log", "-p").out


def test_an_empty_batch_is_wrong_usage(clusto: Run) -> None:
    done = clusto("batch", stdin="# nothing\n")
    assert (done.code, done.err) == (2, "clusto: error: there is no command in standard input\n")


def test_aliases_are_followed(clusto: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[alias]\nmk = "add Server"\n')
    config.chmod(0o600)
    assert clusto("--config", str(config), "batch", stdin="mk a\n").code == 0
    assert "clusto add Server a" in clusto("log").out


def test_a_dry_run_does_its_lines_once(here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[bool] = []
    run = work.run

    def counted(*arguments: Any, trying: bool) -> list[work.Done]:
        tried.append(trying)
        return run(*arguments, trying=trying)

    monkeypatch.setattr(work, "run", counted)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"add Server a\nattr set x 1 -t a\n")))
    assert here("batch", "--dry-run").lines[0] == "would add Server a"
    assert tried == [True]
