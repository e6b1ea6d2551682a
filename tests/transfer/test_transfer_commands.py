"""`clusto import` and `clusto export`, as they are used: real processes, also killed, without space, two at once."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.records.integrity import problems
from tests.conftest import Run
from tests.inventories import Content, content


def site(servers: int) -> Iterator[dict[str, Any]]:
    """Servers with a switch for every 40 of them, in racks."""
    for number in range(servers):
        group, place = divmod(number, 40)
        if place == 0:
            yield {"name": f"rack{group}", "driver": "Rack"}
            yield {"name": f"switch{group}", "driver": "Switch", "at": f"rack{group}:RU41"}
        yield {
            "name": f"server{number}",
            "driver": "Server",
            "at": f"rack{group}:RU{place + 1}",
            "attrs": {"serial": f"S{number}"},
            "ip": {"eth0": f"10.1.{group}.{place}"},
            "connect": {"eth0": f"switch{group}:{place + 1}"},
        }


def write(path: Path, objects: Iterator[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in objects))
    return path


def sound(url: str) -> Content:
    """What the store holds; that it is sound is proved."""
    inventory = Inventory(Settings(url))
    with inventory.read() as reader:
        assert list(problems(reader)) == []
    return content(inventory)


def start(url: str, *arguments: str | Path, limit: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "clusto_cli.main", "--db", url, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit)


# --- the store is as before or as after ------------------------------------------------------------------------------


@pytest.fixture
def started(clusto: Run, sqlite_url: str, tmp_path: Path) -> str:
    """A store that holds something."""
    assert clusto("import", str(write(tmp_path / "first.jsonl", site(80)))).code == 0
    return sqlite_url


def test_a_killed_import_leaves_the_store_as_before_or_as_after(started: str, tmp_path: Path) -> None:
    file = write(tmp_path / "second.jsonl", site(2000))
    before = sound(started)
    begun = time.monotonic()
    process = start(started, "import", file, "--dry-run")
    process.communicate(timeout=120)
    takes = time.monotonic() - begun
    # From before anything is written to where all is: each a moment of its own, on a machine as fast as this.
    for part in (0.5, 0.8, 0.95, 1.05, 1.2):
        process = start(started, "import", file)
        try:
            process.wait(takes * part)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)
        after = sound(started)
        if after != before:
            assert len([name for name, driver, _, _ in after["things"] if driver == "Server"]) == 2000
            break
    done = start(started, "import", file)
    _, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert sum(driver == "Server" for _, driver, _, _ in sound(started)["things"]) == 2000


def test_killed_while_it_writes_it_leaves_the_store_as_before(started: str, tmp_path: Path) -> None:
    file = write(tmp_path / "second.jsonl", site(3000))
    before = sound(started)
    log = Path(started.removeprefix("sqlite:///") + "-wal")
    process = start(started, "import", file)
    deadline = time.monotonic() + 120
    # The write-ahead log grows as soon as rows no longer fit the cache: long before the commit.
    while process.poll() is None and time.monotonic() < deadline:
        if log.exists() and log.stat().st_size > 100_000:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert sound(started) == before


def test_without_space_nothing_is_changed(started: str, tmp_path: Path) -> None:
    file = write(tmp_path / "second.jsonl", site(2000))
    before = sound(started)
    size = Path(started.removeprefix("sqlite:///")).stat().st_size

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, size + 200_000))

    process = start(started, "import", file, limit=limit)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert err.count("\n") == 1
    assert err.startswith("clusto: error: ")
    assert sound(started) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted: {mounted.stderr.decode().strip()}")
    url = f"sqlite:///{disk}/clusto.db"
    try:
        assert start(url, "import", write(tmp_path / "first.jsonl", site(40))).wait(120) == 0
        before = sound(url)
        process = start(url, "import", write(tmp_path / "second.jsonl", site(3000)))
        _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (1, "clusto: error: no space is left for the store: nothing was changed\n")
        assert sound(url) == before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_two_imports_at_once_come_one_after_the_other(store_url: str, tmp_path: Path) -> None:
    file = write(tmp_path / "site.jsonl", site(80))
    other = write(tmp_path / "other.jsonl", iter([{"name": "server1", "attrs": {"serial": "other"}}]))
    first = start(store_url, "import", file)
    second = start(store_url, "import", file)
    ended = [(process.communicate(timeout=120), process.returncode) for process in (first, second)]
    assert [code for _, code in ended] == [0, 0], ended
    assert sorted(out.split(":")[0] for (out, _), _ in ended) == [
        "imported 84 Things, 84 new, as transaction 1\n",
        "nothing to change",
    ]
    third, fourth = start(store_url, "import", other), start(store_url, "import", file)
    assert [process.communicate(timeout=120) and process.returncode for process in (third, fourth)] == [0, 0]
    sound(store_url)


# --- the verbs -------------------------------------------------------------------------------------------------------


def test_import_tells_what_it_does_and_how_it_ended(clusto: Run, tmp_path: Path) -> None:
    file = str(write(tmp_path / "site.jsonl", site(2)))
    dry = clusto("import", "--dry-run", file)
    assert dry.code == 0
    assert "+ Server server0 with 5 parts\n" in dry.out
    assert "+ server0:eth0 -- switch0:1\n" in dry.out
    assert dry.out.endswith("would import 4 Things, 4 new\n")
    assert clusto("import", "--dry-run", file).out == dry.out
    assert clusto("import", "-m", "the site", file).out == "imported 4 Things, 4 new, as transaction 1\n"
    assert clusto("import", file).out == "nothing to change: 4 Things, 0 new\n"
    assert "the site" in clusto("log").out
    again = clusto("import", "-", "--format", "jsonl", stdin='{"name": "server1", "attrs": {"serial": "S9"}}')
    assert again.out == "imported 1 Thing, 0 new, as transaction 2\n"
    packed = tmp_path / "site.yaml.gz"
    packed.write_bytes(gzip.compress(b"things:\n- {name: server1, attrs: {serial: S1}}\n"))
    assert clusto("import", str(packed)).code == 0
    assert clusto("attr", "get", "serial", "-t", "server1").out == "S1\n"


def test_import_ends_with_the_code_of_the_worst_fault(clusto: Run, tmp_path: Path) -> None:
    def ended(*objects: object) -> tuple[int, str]:
        result = clusto("import", "-", "--format", "jsonl", stdin="\n".join(map(json.dumps, objects)))
        assert result.out == ""
        return result.code, result.err

    assert ended({"name": "a"}) == (
        3,
        "clusto: error: standard input:1: a is not in the inventory: say its driver if it is new\n",
    )
    pool = {"name": "a", "driver": "Pool"}
    assert ended(pool, {"name": "b", "driver": "Pool", "in": ["a", "b"]})[0] == 4
    code, err = ended(pool, {"name": "b"}, {"name": "c", "colour": "red"})
    assert code == 2
    assert err.splitlines()[0].startswith("clusto: error: standard input:2: b is not in the inventory")
    assert err.splitlines()[1].startswith("clusto: error: standard input:3: unknown key: 'colour'")
    assert err.splitlines()[2:] == ["clusto: error: 2 errors: nothing was imported"]
    code, err = ended(*({"name": f"a{number}\x1b"} for number in range(250)))
    assert code == 2
    assert len(err.splitlines()) == 102
    assert err.splitlines()[-2:] == [
        "clusto: error: ... and 150 more",
        "clusto: error: 250 errors: nothing was imported",
    ]
    assert "\x1b" not in err
    for arguments, expected in (
        (["import", str(tmp_path / "none.yaml")], 3),
        (["import", str(tmp_path)], 2),
        (["import", "--format", "yaml", str(tmp_path)], 2),
        (["import", "--format", "yml", "-"], 2),
        (["import", "--format", "dot", "-"], 2),
        (["export", "--format", "netbox"], 2),
        (["export", "nothing"], 3),
        (["import"], 2),
    ):
        result = clusto(*arguments)
        assert (result.code, result.err.count("\n")) == (expected, 1), (arguments, result)


@pytest.mark.parametrize("format_name", ["yaml", "jsonl", "csv"])
def test_standard_input_says_itself_which_of_our_formats_it_is(clusto: Run, tmp_path: Path, format_name: str) -> None:
    clusto("import", str(write(tmp_path / "site.jsonl", site(3))))
    exported = clusto("export", "--format", format_name).out
    assert clusto("import", "-", stdin=exported).out == "nothing to change: 5 Things, 0 new\n"
    nameless = tmp_path / "site"
    nameless.write_text(exported)
    assert clusto("import", str(nameless)).out == "nothing to change: 5 Things, 0 new\n"


def test_standard_input_in_no_format_of_ours(clusto: Run) -> None:
    for text in ("", '[{"model": "dcim.site"}]', "server1 server2\n"):
        found = clusto("import", "-", stdin=text)
        assert (found.code, found.out) == (2, "")
        assert found.err.startswith("clusto: error: what format has standard input? say it with --format (")


def test_export_of_some_names_only_them(clusto: Run, tmp_path: Path) -> None:
    clusto("import", str(write(tmp_path / "site.jsonl", site(3))))
    lines = clusto("export", "--format", "jsonl", "server[0-1]", "switch0:3").out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["server0", "server1", "switch0"]
    switch = json.loads(lines[2])
    assert switch["connect"] == {"3": "server2:eth0"}
    for selected in (["driver:Switch"], ["--where", "driver:Switch"], ["not driver:Server and not driver:Rack"]):
        lines = clusto("export", "--format", "jsonl", *selected).out.splitlines()
        assert [json.loads(line)["name"] for line in lines] == ["switch0"]
    whole = clusto("export").out
    assert whole.startswith("things:\n- {name: rack0, driver: Rack}\n- name: server0\n")
    assert clusto("import", "-", "--format", "yaml", stdin=whole).out == "nothing to change: 5 Things, 0 new\n"


def test_an_export_into_a_closed_pipe_ends_quietly(started: str) -> None:
    command = f"{sys.executable} -m clusto_cli.main --db {started} export --format jsonl | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
