"""The verb `sync`: sources of the configuration, what is told, and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Result, Run

Sync = Callable[..., Result]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What the source has, as JSON lines."""
    path = tmp_path / "site.jsonl"
    write(path, {"id": 1, "name": "R1", "driver": "Rack"}, server())
    return path


@pytest.fixture
def run(source: Path, clusto: Run, tmp_path: Path) -> Sync:
    """The program with that source declared as `site`."""
    config = tmp_path / "config.toml"
    config.write_text(f'[source.site]\ntype = "file"\nfile = "{source}"\nschedule = "daily"\n')
    return lambda *words, **more: clusto(*words, env={"CLUSTO_CONFIG": str(config)}, **more)


def server(**more: Any) -> dict[str, Any]:
    """A server in the rack, and what is otherwise."""
    return {"id": 2, "name": "srv1", "driver": "Server", "at": "R1:RU3", "attrs": {"status": "a"}, **more}


def write(path: Path, *objects: dict[str, Any]) -> None:
    """Makes these all that the source has."""
    path.write_text("".join(json.dumps(each) + "\n" for each in objects))


def test_from_the_first_sync_to_the_last(run: Sync, source: Path) -> None:
    """In step, in conflict, decided, gone, pruned: each with its words and its exit code."""
    assert run("sync", "--list").out == f"site\tfile\t{source}\tdaily\n"
    assert run("sync", "site").out == "in step with site: 2 objects, 2 looked at, 2 new, as transaction 1\n"
    assert run("sync", "site").out == "in step with site: 2 objects, 0 looked at, 0 new\n"
    run("attr", "set", "status", "b", "-t", "srv1")
    assert run("sync", "site").out.splitlines()[0] == "kept: srv1: status is b here, a in site"
    write(source, {"id": 1, "name": "R1", "driver": "Rack"}, server(attrs={"status": "c"}))
    left = run("sync", "site")
    assert (left.code, left.out.splitlines()[0]) == (4, "conflict: srv1: status is c in site and b here")
    status = run("sync", "--status", "site", "-o", "json")
    [record] = json.loads(status.out)
    assert (record["outcome"], record["left"]["held"]) == (
        "conflicts",
        [{"name": "srv1", "text": "status is c in site and b here"}],
    )
    done = run("sync", "site", "--prefer", "source", "-o", "json")
    assert (done.code, json.loads(done.out)[0]["in_step"]) == (0, True)
    assert run("attr", "get", "status", "-t", "srv1").out == "c\n"
    write(source, {"id": 1, "name": "R1", "driver": "Rack"})
    assert run("sync", "site").out.splitlines()[0] == "gone: srv1 is not in site any more"
    assert "1 gone" in run("sync", "--status").out
    assert run("sync", "site", "--prune").out.splitlines()[0] == "removed: srv1"
    assert run("locate", "srv1").code == 3


def test_a_dry_run_tells_what_would_be(run: Sync, source: Path) -> None:
    """A line a change, names and drivers among them; nothing is done."""
    run("sync", "site")
    write(source, {"id": 1, "name": "R2", "driver": "Rack"}, server(name="fw1", driver="Firewall", at="R2:RU3"))
    told = run("sync", "site", "--dry-run").out.splitlines()
    assert {"~ R1 -> R2", "~ srv1 -> fw1", "~ fw1: Server -> Firewall"} <= set(told)
    assert told[-1] == "would be in step with site: 2 objects, 2 looked at, 0 new"
    assert run("locate", "srv1").out == "srv1 -> connected to RU3 in R1\n"


def test_an_import_may_be_all_that_a_source_has(run: Sync, source: Path) -> None:
    """Then it is a sync."""
    first = run("import", str(source), "--source", "nightly")
    assert first.out == "in step with nightly: 2 objects, 2 looked at, 2 new, as transaction 1\n"
    write(source, {"id": 1, "name": "R1", "driver": "Rack"})
    assert run("import", str(source), "--source", "nightly", "--prune").out.startswith("removed: srv1\n")
    assert run("import", str(source), "--prune").code == 2


def test_what_a_sync_keeps_is_hidden(run: Sync) -> None:
    """It is found by those who ask, and goes along in an export."""
    run("sync", "site")
    assert "_source" not in run("show", "srv1").out
    assert run("attr", "get", "_source.site", "-t", "srv1").out == "thing:2\n"
    assert '"_source.site": "thing:2"' in run("export", "--format", "jsonl").out


def test_how_it_failed_is_kept(run: Sync, source: Path) -> None:
    """A source that cannot be read."""
    run("sync", "site")
    source.write_text("{")
    assert run("sync", "site").code == 2
    assert "failed (" in run("sync", "--status").out
    source.unlink()
    assert run("sync", "site").code == 3
    assert run("locate", "srv1").code == 0


@pytest.mark.parametrize(
    ("words", "table", "code", "message"),
    [
        (("sync", "sit"), "", 3, "no such source: sit (did you mean site?)"),
        (("sync",), "", 2, "name the source to be in step with"),
        (("sync", "--list", "--status"), "", 2, "are two questions"),
        (("sync", "--status", "site"), "", 3, "was never synced"),
        (("sync", "bad"), '[source.bad]\ntype = "fil"\n', 2, "no such type of source: fil (did you mean file?)"),
        (("sync", "bad"), "[source.bad]\n", 3, "has no type"),
        (("sync", "bad"), '[source.bad]\ntype = "file"\n', 3, "has no file"),
        (("sync", "bad"), '[source.bad]\ntype = "file"\nfile = 3\n', 2, "source.bad.file is text, not 3"),
        (("sync", "bad"), '[source.bad]\ntype = "file"\nfil = "x"\n', 2, "unknown (did you mean file?)"),
        (("sync", "bad"), '[source.bad]\ntype = "file"\nmapping = 3\n', 2, "mapping is a table"),
    ],
)
def test_what_cannot_be_is_told(
    words: tuple[str, ...], table: str, code: int, message: str, run: Sync, tmp_path: Path
) -> None:
    """With the setting that is wrong."""
    with (tmp_path / "config.toml").open("a") as file:
        file.write(table)
    run("add", "Pool", "pool1")
    done = run(*words)
    assert done.code == code
    assert message in done.err


def test_names_of_sources_are_completed(run: Sync) -> None:
    """From the configuration."""
    assert "site" in run("completion", "bash", "--line", "clusto sync s").out


def test_a_spreadsheet_is_a_source(run: Sync, tmp_path: Path) -> None:
    """Its columns are parts or keys, and its rows are known by their names."""
    sheet = tmp_path / "site.csv"
    sheet.write_text("name,driver,status,eth0,serial\nsw1,Switch,,,\nsrv1,Server,new,sw1:4,A1\n")
    assert "2 new" in run("import", str(sheet), "--source", "sheet").out
    sheet.write_text("name,driver,status,eth0,serial\nsw1,Switch,,,\nsrv9,Server,,sw1:5,A1\n")
    assert run("import", str(sheet), "--source", "sheet").out.startswith("in step with sheet: 2 objects, 1 looked at")
    assert run("locate", "srv9").out == "srv9 -> connected to port 5 on sw1\n"
    assert run("attr", "get", "status", "-t", "srv9").out == ""


def test_every_form_of_its_json_is_as_documented(run: Sync) -> None:
    """Of a run, of the list, of what is left: held against the schema as all that tests print is."""
    for words in (("site",), ("--list",), ("--status",), ("--status", "site")):
        [record] = json.loads(run("sync", *words, "-o", "json").out)
        assert record["name"] == "site"


def test_standard_input_may_be_a_source(run: Sync, source: Path) -> None:
    """It says itself which of our formats it is."""
    assert "2 new" in run("import", "-", "--source", "piped", stdin=source.read_text()).out
