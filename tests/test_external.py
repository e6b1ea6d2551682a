"""Verbs from outside: `clusto NAME` runs `clusto-NAME`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.fixture
def path(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH has the programs clusto-hello and clusto-locate, and some that are none."""
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "clusto-hello").write_text(
        '#!/bin/sh\nprintf "<%s>" "$@"; echo; echo "$CLUSTO_DB $CLUSTO_CONFIG"; exit 42\n'
    )
    (directory / "clusto-locate").write_text("#!/bin/sh\necho not me\n")
    (directory / "clusto-notes").write_text("not a program\n")
    (directory / "clusto-").write_text("#!/bin/sh\necho nameless\n")
    for name in ("clusto-hello", "clusto-locate", "clusto-"):
        (directory / name).chmod(0o755)
    (directory / "clusto-folder").mkdir()
    return {"PATH": f"{tmp_path / 'nowhere'}:{directory}:{os.environ['PATH']}", "CLUSTO_CONFIG": ""}


def test_it_gets_its_arguments_the_store_and_passes_on_its_exit_code(
    clusto: Run, path: dict[str, str], sqlite_url: str, tmp_path: Path
) -> None:
    done = clusto("hello", "--db", "-x", "a b", "--help", env=path)
    assert done.code == 42
    assert done.out == f"<--db><-x><a b><--help>\n{sqlite_url} \n"
    config = tmp_path / "config.toml"
    config.write_text(f'db = "{sqlite_url}"\n')
    done = clusto("--config", str(config), "hello", env={**path, "CLUSTO_DB": ""})
    assert done.out == f"<>\n{sqlite_url} {config}\n"
    done = clusto("--db", "sqlite:////elsewhere", "hello", env=path)
    assert done.out == "<>\nsqlite:////elsewhere \n"


def test_a_verb_of_clusto_wins(clusto: Run, path: dict[str, str]) -> None:
    clusto("add", "Server", "server1")
    assert clusto("locate", "server1", env=path).out == "server1 -> not connected\n"


def test_help_lists_them_and_asks_them(clusto: Run, path: dict[str, str]) -> None:
    listed = clusto("help", env=path).out
    section = listed.partition("Verbs from programs on PATH:")[2].split()
    assert section[0] == "hello"
    assert not {"locate", "notes", "folder"} & set(section)
    done = clusto("help", "hello", env=path)
    assert done.out.startswith("<--help>")
    assert done.code == 42
    assert "Verbs from programs" not in clusto("help").out


def test_completion_offers_them_and_then_files(clusto: Run, path: dict[str, str]) -> None:
    assert clusto("completion", "fish", "--line", "clusto hel", env=path).out.splitlines()[2].startswith("hello\t/")
    assert clusto("completion", "fish", "--line", "clusto hello x", env=path).out == "file\n"


def test_a_program_that_is_none_is_no_verb(clusto: Run, path: dict[str, str]) -> None:
    for name in ("notes", "folder", "./hello", "../bin/hello"):
        assert clusto(name, env=path).code == 2, name


def test_a_broken_program_is_said_in_one_line(clusto: Run, path: dict[str, str], tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "clusto-broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    done = clusto("broken", env=path)
    assert done.code == 1
    assert done.err.startswith("clusto: error: ")
    assert done.err.count("\n") == 1
