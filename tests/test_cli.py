"""The command line as an operator and a script see it: output, exit codes, and refusals that change nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.store.opening import create
from tests.conftest import Result, Run
from tests.records.changing import picture

COMMANDS = """
add Datacenter datacenterZ
add Room room1 --in datacenterZ
add Rack rack101 --in room1 --parts ru=12 --attr snmp.community=public
add Pool web-pool
add Server server[1-3] --attr status=unallocated --attr height=2 --in web-pool
add Switch switch2a
add PatchPanel pp12 --parts port=12
add PDU pdu3 pdu4 --in rack101
add ConsoleServer cs1
connect server1:eth0 pp12:7
connect pp12:rear7 switch2a:4
connect server1 rack101:RU5
connect server1:psu1 pdu3:7
connect server1:psu2 pdu4:7
connect server1:console cs1:12
attr set protected true -t pdu4
attr set mac 52:54:00:00:00:01 -t server1:eth0
attr set serial X1 -t server1 -t server2
attr set label GigabitEthernet0/4 -t switch2a:4
"""


def program(url: str, *arguments: str, stdin: str | None = "") -> Result:
    """Runs the real program."""
    done = subprocess.run(
        [sys.executable, "-m", "clusto_cli.main", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        env={**os.environ, "CLUSTO_DB": url},
        timeout=120,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def built(url: str, commands: str) -> str:
    """A store that these commands, a line each, have furnished; its URL."""
    create(url)
    for line in filter(None, commands.splitlines()):
        result = program(url, *line.split())
        assert result.code == 0, (line, result.err)
    return url


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store that no test of this module changes."""
    return built(f"sqlite:///{tmp_path_factory.mktemp('site')}/clusto.db", COMMANDS)


@pytest.fixture(scope="module")
def site_picture(site: str) -> list[str]:
    return picture(Inventory(Settings(site)))


def test_locate_prints_a_line_a_connection(site: str) -> None:
    expected = """\
server1 -> connected to port 4 on switch2a
server1 -> connected to RU5 in rack101
server1 -> connected to RU6 in rack101
server1 -> connected to outlet 7 on pdu3
server1 -> connected to outlet 7 on pdu4
server1 -> connected to port 12 on cs1
"""
    for name in ("server1", "52:54:00:00:00:01"):
        assert program(site, "locate", name) == (0, expected, "")
    assert program(site, "locate", "-v", "server1:eth0").out == (
        "server1:eth0 -> connected to port 4 on switch2a (via pp12:7)\n"
    )
    verbose = program(site, "locate", "server1", "-v").out.splitlines()
    assert verbose[0] == "server1 -> connected to port 4 on switch2a (eth0, via pp12:7)"
    assert program(site, "-v", "locate", "server1").out.splitlines() == verbose
    assert program(site, "locate", "rack101", "server3").out == "rack101 -> in room1\nserver3 -> in web-pool\n"
    assert (
        program(site, "locate", "switch2a:GigabitEthernet0/4").out == "switch2a:4 -> connected to NIC eth0 on server1\n"
    )


def test_outputs_for_programs(site: str) -> None:
    records = json.loads(program(site, "locate", "server1", "-o", "json").out)
    assert records[0] == {
        "name": "server1",
        "kind": "network",
        "part": "eth0",
        "to": "switch2a",
        "to_part": "4",
        "via": ["pp12:7"],
        "half": None,
        "face": None,
    }
    lines = program(site, "locate", "server1", "-o", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == records
    assert yaml.safe_load(program(site, "locate", "server1", "-o", "yaml").out) == records
    assert program(site, "locate", "server[1-2]", "-o", "names").out == "server1\nserver2\n"
    shown = json.loads(program(site, "show", "server1", "-o", "json").out)[0]
    assert shown["position"] == ["rack101:RU5", "rack101:RU6"]
    assert shown["places"] == ["rack101", "room1", "datacenterZ"]
    assert shown["inherited"] == [{"key": "snmp.community", "value": "****", "type": "string", "from": "rack101"}]


def test_trace_shows_every_hop(site: str) -> None:
    assert program(site, "trace", "server1:eth0").out == "server1:eth0\n-- pp12:7\n== pp12:rear7\n-- switch2a:4\n"
    assert program(site, "trace", "switch2a:4", "-o", "names").out.split() == [
        "switch2a:4",
        "pp12:rear7",
        "pp12:7",
        "server1:eth0",
    ]


def test_tree_draws_what_is_contained(site: str) -> None:
    expected = """\
datacenterZ
`-- room1 (Room)
    `-- rack101 (Rack)
        |-- pdu3 (PDU)
        |-- pdu4 (PDU)
        `-- server1 (Server, RU5-6)
"""
    assert program(site, "tree", "datacenterZ").out == expected
    assert program(site, "tree", "datacenterZ", "-L", "1").out == "datacenterZ\n`-- room1 (Room)\n"
    nested = json.loads(program(site, "tree", "room1", "-o", "json").out)
    assert nested[0]["contains"][0]["contains"][-1] == {
        "name": "server1",
        "driver": "Server",
        "position": "RU5-6",
        "contains": [],
    }


def test_show_draws_a_rack_from_the_front(site: str) -> None:
    page = program(site, "show", "rack101").out
    drawing = page[page.index("front view") : page.index("holds")].splitlines()
    assert drawing[0] == "front view  12 units, 2 in use"
    assert [line[2:] for line in drawing if re.match(r" *\d+ \|", line)][6:9] == [
        " 6 | server1 (Server)     |",
        " 5 |                      |",
        " 4 |                      |",
    ]


def test_show_is_a_page_with_origins_and_far_ends(site: str) -> None:
    page = program(site, "show", "server1").out
    for line in (
        "server1  Server",
        "  position   RU5-6 in rack101",
        "  in         rack101 < room1 < datacenterZ",
        "  member of  web-pool (Pool)",
        "  snmp.community  ****         from rack101",
        "  eth0     NIC         -> port 4 on switch2a via pp12:7  mac=52:54:00:00:00:01",
        "  eth1     NIC         free",
    ):
        assert line in page.splitlines()


def test_attr_get_is_bare_for_one_thing_and_tabbed_for_several(site: str) -> None:
    assert program(site, "attr", "get", "status", "-t", "server1").out == "unallocated\n"
    assert program(site, "attr", "get", "status", "-t", "server[1-2]").out == (
        "server1\tunallocated\nserver2\tunallocated\n"
    )
    assert program(site, "attr", "get", "status", "-", stdin="server2\nserver1\n").out == (
        "server2\tunallocated\nserver1\tunallocated\n"
    )
    assert program(site, "attr", "get", "snmp.community", "-t", "server1").code == 3
    assert program(site, "attr", "get", "snmp.community", "-t", "server1", "--inherited").out == "****\n"
    revealed = program(site, "attr", "get", "snmp.community", "-t", "rack101", "--reveal")
    assert revealed.out == "public\n"
    partly = program(site, "attr", "get", "serial", "-t", "server[1-3]")
    assert partly == (3, "server1\tX1\nserver2\tX1\n", "clusto: error: no such key: serial on server3\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "Server", "new[1-3]", "--in", "web-pool"],
        ["remove", "server2", "--yes"],
        ["rename", "server1", "other"],
        ["connect", "server2", "rack101:RU1"],
        ["disconnect", "server1"],
        ["put", "server1", "--in", "web-pool"],
        ["take", "server1", "--from", "web-pool"],
        ["attr", "add", "tag", "a", "-t", "server1"],
        ["attr", "del", "status", "-t", "server1"],
        ["revert", "19"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_dry_run_changes_nothing(site: str, site_picture: list[str], arguments: list[str]) -> None:
    result = program(site, *arguments, "--dry-run")
    assert result.code == 0, result.err
    assert picture(Inventory(Settings(site))) == site_picture


def test_values_of_each_type_from_the_command_line(clusto: Run) -> None:
    clusto("add", "Server", "server1")
    clusto("add", "Rack", "rack101")
    for arguments in (
        ["set", "n", "5"],
        ["set", "f", "1.5"],
        ["set", "b", "true"],
        ["set", "t", "2026-01-31T10:00:00+01:00"],
        ["set", "r", "@rack101"],
        ["set", "j", "--json", '{"a": [1, 2]}'],
        ["set", "s", "--string", "5"],
        ["add", "many", "x", "y"],
        ["add", "many", "y", "z"],
        ["set", "slot#2.type", "ssd"],
    ):
        assert clusto("attr", *arguments, "-t", "server1").code == 0
    assert clusto("attr", "get", "-t", "server1").out.splitlines() == [
        "n=5",
        "f=1.5",
        "b=true",
        "t=2026-01-31T09:00:00Z",
        "r=@rack101",
        'j={"a":[1,2]}',
        "s=5",
        "many=x",
        "many=y",
        "many=z",
        "slot#2.type=ssd",
    ]
    types = {
        record["key"]: record["type"] for record in json.loads(clusto("attr", "get", "-t", "server1", "-o", "json").out)
    }
    assert types == {
        "n": "integer",
        "f": "float",
        "b": "boolean",
        "t": "datetime",
        "r": "relation",
        "j": "json",
        "s": "string",
        "many": "string",
        "slot#2.type": "string",
    }
    clusto("rename", "rack101", "rack9")
    assert clusto("attr", "get", "r", "-t", "server1").out == "@rack9\n"
    assert clusto("remove", "rack9", "--yes") == (4, "", "clusto: error: server1 names it: r=@rack9\n")
    assert clusto("attr", "del", "many", "y", "-t", "server1").code == 0
    assert clusto("attr", "get", "many", "-t", "server1").out == "x\nz\n"


@pytest.mark.parametrize(
    "words", ["attr get k", "attr set k w", "attr add k w", "attr del k", "locate", "show", "power status", "remove -y"]
)
def test_standard_input_is_read_only_where_it_is_named(clusto: Run, words: str) -> None:
    clusto("add", "Server", "server[1-2]", "--attr", "k=v")
    refused = clusto(*words.split(), stdin="server1\n")
    assert refused.code == 2
    assert refused.out == ""
    assert clusto("attr", "get", "k", "server[1-2]").out == "server1\tv\nserver2\tv\n"


def test_attributes_of_names_behind_two_dashes(clusto: Run) -> None:
    clusto("add", "Server", "server[1-3]")
    assert clusto("attr", "set", "k", "1", "2", "--", "server[1-2]").code == 0
    assert clusto("attr", "add", "k", "3", "--", "-", stdin="server2\n").code == 0
    assert clusto("attr", "get", "k", "server1", "server2").out == (
        "server1\t1\nserver1\t2\nserver2\t1\nserver2\t2\nserver2\t3\n"
    )
    assert clusto("attr", "del", "k", "2", "--", "server1").code == 0
    assert clusto("attr", "get", "k", "-t", "server1").out == "1\n"
    assert clusto("attr", "set", "k", "-t", "server3", "--", "-5", "x").code == 0
    assert clusto("attr", "get", "k", "server3").out == "-5\nx\n"


def test_piped_names_are_targets(clusto: Run) -> None:
    clusto("add", "Server", "server[1-3]")
    assert clusto("attr", "set", "status", "allocated", "-t", "-", stdin="server1\nserver2\n").code == 0
    assert clusto("attr", "get", "status", "-t", "server1", "-t", "server2").out.count("allocated") == 2
    assert (
        clusto("remove", "-", "--yes", stdin="server1 server2\n").out
        == "removed Server server1\nremoved Server server2\n"
    )


def test_a_dry_run_of_remove_lists_the_cables_that_go(clusto: Run) -> None:
    clusto("add", "Server", "server1", "server2")
    clusto("add", "Switch", "sw1")
    clusto("connect", "server1:eth0", "sw1:1")
    clusto("connect", "server1:eth1", "sw1:2")
    assert clusto("remove", "server1", "server2", "--dry-run").out.splitlines() == [
        "would remove Server server1",
        "would disconnect server1:eth0 from sw1:1",
        "would disconnect server1:eth1 from sw1:2",
        "would remove Server server2",
    ]


@pytest.mark.parametrize("words", [("remove", "server1"), ("disconnect", "server1"), ("disconnect", "server1:eth0")])
def test_cables_that_stay_behind_a_panel_are_told(clusto: Run, words: tuple[str, ...]) -> None:
    clusto("add", "Server", "server1", "server2")
    clusto("add", "Switch", "sw1")
    clusto("add", "PatchPanel", "pp1", "pp2")
    for one, other in (("server1:eth0", "pp1:1"), ("pp1:rear1", "pp2:rear1"), ("pp2:1", "sw1:1"), ("server1", "pp1:2")):
        assert clusto("connect", one, other, "--kind", "network").code == 0
    told = [
        f"clusto: note: the cable from {one} to {other} stays (clusto disconnect {one})"
        for one, other in (("sw1:1", "pp2:1"), ("pp2:rear1", "pp1:rear1"))
    ]
    for options in (("--dry-run",), ("--yes",) if words[0] == "remove" else ()):
        found = clusto(*words, *options)
        assert (found.code, found.err.splitlines()) == (0, told)
    assert clusto("remove", "server2", "--yes").err == ""


def test_cables_that_go_too_do_not_stay(clusto: Run) -> None:
    clusto("add", "Server", "server1")
    clusto("add", "Switch", "sw1")
    clusto("add", "PatchPanel", "pp1")
    clusto("connect", "server1:eth0", "pp1:1")
    clusto("connect", "pp1:rear1", "sw1:1")
    found = clusto("remove", "server1", "sw1", "--yes")
    assert (found.code, found.err) == (0, "")


def test_no_message_suggests_what_was_typed(clusto: Run) -> None:
    clusto("add", "Server", "server1", "server2")
    clusto("attr", "set", "status", "spare", "-t", "server1")
    found = clusto("attr", "get", "status", "-t", "server2")
    assert (found.code, found.err) == (3, "clusto: error: no such key: status on server2\n")
    assert "did you mean" not in clusto("find", "attr:status,12 or attr:status=spare inherited").err


@pytest.mark.parametrize(
    ("target", "because"),
    [
        ("server1:eth0", "server1:eth0 is connected to sw1:1: disconnect it first"),
        ("rack1:RU1", "rack1:RU1 is connected to server1: disconnect it first"),
        ("rack1", "rack1 has server1 in it: take it out first"),
        ("sw1", "sw1 is protected: --force removes it all the same"),
    ],
)
def test_nobody_is_asked_about_what_would_be_refused(clusto: Run, target: str, because: str) -> None:
    clusto("add", "Server", "server1")
    clusto("add", "Switch", "sw1", "--attr", "protected=true")
    clusto("add", "Rack", "rack1")
    clusto("connect", "server1:eth0", "sw1:1")
    clusto("connect", "server1", "rack1:RU1")
    for options in ((), ("--dry-run",), ("--yes",)):
        assert clusto("remove", target, *options) == (4, "", f"clusto: error: {because}\n")


def test_what_is_in_another_target_is_removed_first(clusto: Run) -> None:
    clusto("add", "Room", "room1")
    clusto("add", "Rack", "rack1", "--in", "room1")
    clusto("add", "Server", "server1", "--in", "rack1")
    assert clusto("remove", "room1", "rack1", "server1", "--yes").out.split()[2::3] == ["server1", "rack1", "room1"]
    assert clusto("revert", "4").code == 0
    assert clusto("locate", "server1").out == "server1 -> in rack1\n"


def test_the_log_reads_like_gits_and_keeps_secrets(clusto: Run) -> None:
    clusto("add", "Server", "server1", "-m", "the first")
    clusto("attr", "set", "bmc.password", "hunter2", "-t", "server1")
    clusto("rename", "server1", "web1")
    text = clusto("log", "-p").out
    assert re.search(r"^transaction 3\nUser:    \S+@\S+\nDate:    \d{4}-", text, re.MULTILINE)
    assert "    the first\n" in text
    assert "Command: clusto attr set bmc.password '****' -t server1".replace("'", "") in text.replace("'", "")
    assert "hunter2" not in text
    assert "- Server server1\n" in text
    assert "+ Server web1\n" in text
    assert len(clusto("log", "web1", "--oneline").out.splitlines()) == 3
    assert len(clusto("log", "server1", "--oneline").out.splitlines()) == 3
    assert [record["transaction"] for record in json.loads(clusto("log", "-n", "2", "-o", "json").out)] == [3, 2]


def test_asking_on_a_terminal(sqlite_url: str) -> None:
    pexpect = pytest.importorskip("pexpect")
    program(sqlite_url, "add", "Server", "server1", "server2")
    for answer, code in (("\x03", 130), ("\x04", 4), ("n\n", 4), ("y\n", 0)):
        child = pexpect.spawn(
            sys.executable,
            ["-m", "clusto_cli.main", "remove", "server1"],
            env={**os.environ, "CLUSTO_DB": sqlite_url},
            encoding="utf-8",
            timeout=30,
        )
        child.expect(r"remove server1\? \[y/N\] ")
        child.send(answer)
        child.expect(pexpect.EOF)
        # What the shell prints next begins a line.
        assert child.before.endswith("\n")
        child.close()
        assert child.exitstatus == code


def test_usage_names_the_verb_as_it_is_typed(clusto: Run) -> None:
    for verb in ("serve", "find", "power on", "config"):
        assert f"(see clusto {verb} --help)" in clusto(*verb.split(), "--nosuch").err
    # The words before are click's, and differ from one version to the next.
    for line, meant in (("show --att", "--at"), ("policy enabel", "enable")):
        verb = line.partition(" ")[0]
        (told,) = clusto(*line.split()).err.splitlines()
        assert told.endswith(f" (did you mean {meant}?) (see clusto {verb} --help)"), told


def test_who_is_to_type_is_told_so(sqlite_url: str) -> None:
    pexpect = pytest.importorskip("pexpect")
    for words, told in (
        (("import", "-"), "Things"),
        (("batch", "-"), "command lines"),
        (("locate", "-"), "names, one a line,"),
    ):
        environment = {**os.environ, "CLUSTO_DB": sqlite_url}
        child = pexpect.spawn(
            sys.executable, ["-m", "clusto_cli.main", *words], env=environment, encoding="utf-8", timeout=60
        )
        child.expect_exact(f"clusto: {told} on standard input; end with Ctrl-D\r\n")
        child.sendintr()
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 130


def test_control_characters_never_reach_the_terminal(sqlite_url: str) -> None:
    """A value that got into the store by another way than clusto is spelled out."""
    import sqlite3

    program(sqlite_url, "add", "Server", "server1", "--attr", "note=x")
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    connection.execute("UPDATE attributes SET head = ?", ("a\x1b]0;owned\x07\nb",))
    connection.commit()
    connection.close()
    for arguments in (["show", "server1"], ["attr", "get", "note", "-t", "server1"], ["log", "-p"]):
        out = program(sqlite_url, *arguments).out
        assert not re.search("[\x00-\x09\x0b-\x1f]", out)
    assert program(sqlite_url, "attr", "get", "note", "-t", "server1").out == "a\\x1b]0;owned\\x07\\nb\n"


def test_a_reader_that_goes_away_is_no_error(site: str) -> None:
    command = f"{sys.executable} -m clusto_cli.main locate server1 | true"
    done = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "CLUSTO_DB": site}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_a_full_disk_for_the_output_is_said(site: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "clusto_cli.main", "locate", "server1"],
            env={**os.environ, "CLUSTO_DB": site},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "clusto: error: No space left on device: standard output\n")


def test_settings_come_from_the_option_the_environment_and_the_file(tmp_path: Path, site: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'db = "{site}"\n')
    environment = {key: value for key, value in os.environ.items() if key != "CLUSTO_DB"}

    def run(*arguments: str, **more: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "clusto_cli.main", *arguments],
            env={**environment, "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data"), **more},
            capture_output=True,
            text=True,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    assert run("--config", str(config), "locate", "server3").code == 0
    assert run("locate", "server3", CLUSTO_CONFIG=str(config)).code == 0
    assert run("--db", site, "locate", "server3").code == 0
    missing = run("locate", "server3")
    assert missing.code == 3
    assert f"there is no inventory at {tmp_path}/data/clusto/clusto.db yet" in missing.err
    assert run("add", "Pool", "p").err == f"clusto: made a new inventory: sqlite:///{tmp_path}/data/clusto/clusto.db\n"
    config.write_text("db = 3\n")
    assert run("--config", str(config), "locate", "server3").code == 2
    config.write_text("bd = 'x'\n")
    assert "unknown setting" in run("--config", str(config), "locate", "server3").err
    config.write_text("db = \n")
    assert "malformed configuration file" in run("--config", str(config), "locate", "server3").err
