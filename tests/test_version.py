"""`clusto --version -v`: what this clusto is made of, and what it can use here."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
import tomllib
from pathlib import Path

import pytest

from clusto_cli import __version__
from clusto_cli.parts import PROGRAMS
from tests.conftest import Run

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("words", [["--version", "-v"], ["-v", "--version"], ["--version", "-v", "locate"]])
def test_it_lists_packages_databases_and_programs(clusto: Run, tmp_path: Path, words: list[str]) -> None:
    program = tmp_path / "ipmitool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    done = clusto(*words, env={"PATH": str(tmp_path)})
    assert (done.code, done.err) == (0, "")
    first, *lines = done.out.splitlines()
    assert first == f"clusto {__version__}"
    rows = {tuple(re.split(r"  +", line)[:2]): re.split(r"  +", line)[2:] for line in lines}
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgresql"]]
    for line in wanted:
        name = re.match(r"[\w-]+", line)
        assert name is not None
        assert ("package", name[0]) in rows or ("database", name[0]) in rows, line
    assert rows["database", "SQLite"] == [sqlite3.sqlite_version]
    assert rows["program", "ipmitool"][0] == str(program)
    assert rows["program", "conman"][0] == "missing"
    assert ("python", sys.executable) in rows
    assert not [name for _, name in rows if name in ("pytest", "mypy", "hypothesis")]


def test_a_missing_database_driver_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch, clusto: Run) -> None:
    from clusto_cli import parts

    known = parts._version
    monkeypatch.setattr(parts, "_version", lambda name: None if name.startswith("psycopg2") else known(name))
    [missing] = [each for each in parts.parts() if each.name == "psycopg2-binary"]
    assert (missing.kind, missing.found) == ("database", None)
    assert missing.note == "PostgreSQL, pip install 'clusto[postgresql]'"


def test_every_program_of_a_profile_is_listed() -> None:
    named = set()
    for path in (ROOT / "clusto_cli" / "backends" / "profiles" / "console").glob("*.toml"):
        named |= set(re.findall(r'^(?:argv|release|before_force) = \["([^"]+)"', path.read_text(), re.MULTILINE))
    assert named
    assert named <= PROGRAMS.keys()


def test_it_needs_no_store(clusto: Run, tmp_path: Path) -> None:
    done = clusto("--version", env={"CLUSTO_DB": f"sqlite:///{tmp_path}/none.db", "CLUSTO_CONFIG": "/no/such/file"})
    assert (done.code, done.out) == (0, f"clusto {__version__}\n")
    assert not os.path.exists(tmp_path / "none.db")


def test_for_programs(clusto: Run) -> None:
    done = clusto("--version", "-v", "-o", "json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert {each["kind"] for each in told} >= {"python", "clusto", "database", "package", "program"}
    assert {"kind": "database", "name": "SQLite", "found": sqlite3.sqlite_version, "note": ""} in told
    assert clusto("-o", "json", "find", "driver:Server").code == 2
