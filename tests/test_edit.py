"""`clusto edit`: Things as a text, in a scripted editor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Result, Run

Edit = Callable[..., Result]


@pytest.fixture
def edit(clusto: Run, tmp_path: Path) -> Edit:
    """Runs `clusto edit` with an editor that does one line of shell each time it is opened, nothing when there is none
    left, and keeps what it saw as `seen1`, `seen2`..."""

    def run(*arguments: str, steps: list[str]) -> Result:
        for old in tmp_path.glob("s[ten]*[0-9]"):
            old.unlink()
        for number, step in enumerate(steps, 1):
            (tmp_path / f"step{number}").write_text(step)
        editor = tmp_path / "editor"
        editor.write_text(
            f'#!/bin/sh\ncd {tmp_path}\nn=$(($(ls | grep -c "^seen") + 1))\ncp "$1" seen$n\n'
            "[ ! -e step$n ] || . ./step$n\n"
        )
        editor.chmod(0o700)
        environment = {"VISUAL": "", "EDITOR": str(editor), "TMPDIR": str(tmp_path)}
        return clusto("edit", *arguments, env=environment)

    return run


@pytest.fixture(autouse=True)
def site(clusto: Run) -> None:
    lines = """
    add Rack rack1
    add Switch tor1
    add Server s1 s2
    connect s1 rack1:RU3
    connect s1:eth0 tor1:1
    attr set owner ops -t s1
    attr set note x -t s1
    pool create web
    pool add web s1
    """
    assert clusto("batch", stdin=lines).code == 0


def test_what_the_text_says_otherwise_is_changed(clusto: Run, edit: Edit) -> None:
    step = 'sed -i "s/RU3/RU7/; s/owner: ops/owner: dba/; s/tor1:1/tor1:9/" "$1"'
    done = edit("s1", "--yes", "-m", "moved", steps=[step])
    assert done.code == 0, done.err
    assert "~ s1 owner: ops -> dba" in done.out
    assert "+ s1 -- rack1:RU7" in done.out
    assert done.err == "clusto: edited, as transaction 2\n"
    assert clusto("locate", "s1").out == "s1 -> connected to port 9 on tor1\ns1 -> connected to RU7 in rack1\n"
    assert "moved" in clusto("log", "-n", "1").out


def test_what_is_taken_out_of_the_text_is_taken_out(clusto: Run, edit: Edit) -> None:
    kept = 'printf "things:\\n- {name: s1, driver: Server, attrs: {owner: ops}}\\n" > "$1"'
    done = edit("s1", "--yes", steps=[kept])
    assert done.code == 0, done.err
    assert sorted(done.out.splitlines()) == ["- s1 -- rack1:RU3", "- s1 in web", "- s1 note=x", "- s1:eth0 -- tor1:1"]
    assert clusto("locate", "s1").out == "s1 -> not connected\n"
    assert clusto("revert", "2").code == 0
    assert "RU3" in clusto("locate", "s1").out


def test_a_thing_taken_out_of_the_text_stays(clusto: Run, edit: Edit) -> None:
    done = edit("s1", "s2", "--yes", steps=['sed -i "/name: s2/d; s/ops/dba/" "$1"'])
    assert done.code == 0
    assert "s2 is in the text no more, and stays as it is (clusto remove s2)" in done.err
    assert clusto("find", "driver:Server").out == "s1\ns2\n"


def test_nothing_changed_is_nothing_done(clusto: Run, edit: Edit) -> None:
    done = edit("s1", steps=["true"])
    assert (done.code, done.out) == (0, "")
    assert "nothing was done" in done.err
    assert edit("s1", steps=[': > "$1"']).code == 0
    assert len(clusto("log", "--oneline").out.splitlines()) == 1


def test_errors_open_the_text_again_with_them_on_top(clusto: Run, edit: Edit, tmp_path: Path) -> None:
    done = edit("s1", "--yes", steps=['sed -i "s/RU3/RU99/" "$1"', 'sed -i "s/RU99/RU9/" "$1"'])
    assert done.code == 0, done.err
    again = (tmp_path / "seen2").read_text().splitlines()
    told = next(line for line in again if line.startswith("# line "))
    assert "rack1 has no RU99" in told
    assert "RU99" in again[int(told.split()[2].rstrip(":")) - 1]
    assert "RU9 in rack1" in clusto("locate", "s1").out


def test_a_text_left_wrong_is_kept_and_told(clusto: Run, edit: Edit) -> None:
    done = edit("s1", "--yes", steps=['sed -i "s/RU3/RU99/" "$1"'])
    assert done.code == 4
    assert "rack1 has no RU99" in done.err
    kept = Path(done.err.rpartition("your text is in ")[2].strip().rstrip(")"))
    assert "RU99" in kept.read_text()
    assert kept.stat().st_mode & 0o77 == 0
    assert len(clusto("log", "--oneline").out.splitlines()) == 1


def test_a_text_that_is_none_is_kept_and_told(clusto: Run, edit: Edit, tmp_path: Path) -> None:
    done = edit("s1", "--yes", steps=[r"printf '# \377\n' >>$1"])
    assert done.code == 2, done.err
    assert "not text in UTF-8" in done.err
    assert "your text is in" in done.err
    assert not (tmp_path / "seen2").exists()


def test_new_names_in_the_text_are_refused(edit: Edit) -> None:
    done = edit("s1", "--yes", steps=['sed -i "s/name: s1/name: s9/" "$1"'])
    assert done.code == 2
    assert "s9 was not in the text" in done.err


def test_what_was_changed_meanwhile_is_not_written_over(clusto: Run, edit: Edit, sqlite_url: str) -> None:
    other = f'sed -i "s/ops/dba/" "$1"; CLUSTO_DB={sqlite_url} {_program()} attr set note y -t s1'
    done = edit("s1", "--yes", steps=[other])
    assert done.code == 4, done.err
    assert "s1 was changed meanwhile, by transaction 2" in done.err
    assert "your text is in" in done.err
    assert clusto("attr", "get", "owner", "-t", "s1").out.strip().endswith("ops")


def test_it_asks_and_needs_yes_elsewhere(edit: Edit) -> None:
    done = edit("s1", steps=['sed -i "s/ops/dba/" "$1"'])
    assert done.code == 4
    assert "not confirmed: make 1 change?" in done.err
    assert "~ s1 owner: ops -> dba" in done.out


def test_what_an_expression_selects(edit: Edit, tmp_path: Path) -> None:
    done = edit("driver:Server in name:web", "--dry-run", steps=['sed -i "s/ops/dba/" "$1"'])
    assert done.code == 0
    assert done.out == "~ s1 owner: ops -> dba\n"
    assert "s2" not in (tmp_path / "seen1").read_text()


@pytest.mark.parametrize(
    ("editor", "code", "message"),
    [
        ("no-such-editor", 3, "no such editor: no-such-editor"),
        ("'", 2, "malformed editor"),
        ("false", 4, "ended with code 1"),
        ("sh -c 'kill -9 $$'", 4, "ended with code -9: nothing was done"),
    ],
)
def test_editors_that_do_not_work(clusto: Run, editor: str, code: int, message: str) -> None:
    done = clusto("edit", "s1", env={"VISUAL": "", "EDITOR": editor})
    assert done.code == code
    assert message in done.err


def _program() -> str:
    import sys

    return f"{sys.executable} -m clusto_cli.main"
