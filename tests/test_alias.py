"""`clusto alias`: the operator's own words for command lines."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.conftest import Run

PATH = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"


@pytest.fixture
def here(clusto: Run, tmp_path: Path) -> dict[str, str]:
    """An environment with a configuration file of its own, and a store with two servers."""
    clusto("add", "Server", "server[1-2]", "--attr", "status=spare")
    return {"CLUSTO_CONFIG": str(tmp_path / "config.toml"), "PATH": PATH}


def config(here: dict[str, str], *lines: str) -> None:
    Path(here["CLUSTO_CONFIG"]).write_text("\n".join(("[alias]", *lines)) + "\n")


@pytest.mark.parametrize(
    ("command", "behind", "meant"),
    [
        (["find", "attr:status,spare"], ["--fold"], ["find", "attr:status,spare", "--fold"]),
        (["find 'name:server* and attr:status,spare'"], [], ["find", "name:server* and attr:status,spare"]),
        (["attr", "get"], ["status", "-t", "server1"], ["attr", "get", "status", "-t", "server1"]),
        (["-v", "locate"], ["server2"], ["-v", "locate", "server2"]),
        (["locate"], ["nothing"], ["locate", "nothing"]),
        (["power"], [], ["power"]),
        (["locate", "--nonsense"], [], ["locate", "--nonsense"]),
    ],
)
def test_an_alias_does_what_it_stands_for(
    clusto: Run, here: dict[str, str], command: list[str], behind: list[str], meant: list[str]
) -> None:
    assert clusto("alias", "short", *command, env=here).code == 0
    assert clusto("short", *behind, env=here) == clusto(*meant, env=here)


def test_clusto_s_own_options_go_before_it_and_behind_it(clusto: Run, here: dict[str, str], tmp_path: Path) -> None:
    assert clusto("alias", "there", "locate", "--db", f"{tmp_path}/elsewhere.db", env=here).code == 0
    assert "elsewhere.db" in clusto("there", "server1", env=here).err
    clusto("alias", "where", "locate", env=here)
    assert clusto("where", "server1", "--db", f"{tmp_path}/elsewhere.db", env=here).code != 0
    assert clusto("--config", here["CLUSTO_CONFIG"], "where", "server1", env={"CLUSTO_CONFIG": ""}).code == 0


def test_it_is_listed_shown_changed_and_forgotten(clusto: Run, here: dict[str, str]) -> None:
    clusto("alias", "b", "find driver:Server", env=here)
    clusto("alias", "a", "--db", "postgresql://ops:geheim@db1/x", "locate", env=here)
    assert json.loads(clusto("alias", "-o", "json", env=here).out) == [
        {"name": "a", "command": "--db postgresql://ops:****@db1/x locate"},
        {"name": "b", "command": "find driver:Server"},
    ]
    assert clusto("alias", "b", env=here).out == "b\tfind driver:Server\n"
    clusto("alias", "b", "find driver:Rack", env=here)
    assert clusto("alias", "b", env=here).out == "b\tfind driver:Rack\n"
    assert clusto("alias", "--delete", "b", env=here).out == "deleted alias b\n"
    assert [clusto("alias", *words, env=here).code for words in (["b"], ["--delete", "b"])] == [3, 3]
    assert "geheim" in Path(here["CLUSTO_CONFIG"]).read_text()
    assert "geheim" not in clusto("help", "a", env=here).out


def test_what_else_is_in_the_file_stays(clusto: Run, here: dict[str, str]) -> None:
    path = Path(here["CLUSTO_CONFIG"])
    path.write_text('# mine\n[devices]\npaths = ["/tank"]  # the boot server\n')
    clusto("alias", "a", "find", env=here)
    assert path.read_text().startswith('# mine\n[devices]\npaths = ["/tank"]  # the boot server\n')


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["locate", "find"], 4, "locate is a verb"),
        (["import", "find"], 4, "import is a verb"),
        (["x y", "find"], 2, "not 'x y'"),
        (["-x", "find"], 2, "-x"),
        (["x", ""], 2, "what does x stand for"),
        (["x", "!"], 2, "what does x stand for"),
        (["x", "find 'a"], 2, "no closing quotation"),
        (["x", "fnd"], 2, "did you mean find?"),
        (["x", "x"], 2, "x -> x"),
        (["x", "--db", "y"], 2, "needs a verb"),
        (["x", "!clusto", "find"], 2, "one word"),
    ],
)
def test_what_cannot_be_an_alias_is_refused(
    clusto: Run, here: dict[str, str], words: list[str], code: int, told: str
) -> None:
    done = clusto("alias", *words, env=here)
    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert not Path(here["CLUSTO_CONFIG"]).exists()


def test_a_circle_is_refused_when_it_is_made_and_when_it_is_met(clusto: Run, here: dict[str, str]) -> None:
    clusto("alias", "a", "find", env=here)
    clusto("alias", "b", "a", "driver:Server", env=here)
    assert clusto("b", env=here).out == "server1\nserver2\n"
    assert "a -> b -> a" in clusto("alias", "a", "b", env=here).err
    config(here, 'a = "b"', 'b = "a"', 'c = "!clusto d"', 'd = "!clusto c"')
    for name, told in (("a", "a -> b -> a"), ("c", "c -> d -> c")):
        done = clusto(name, env=here)
        assert (done.code, done.out) == (2, "")
        assert told in done.err


def test_a_verb_and_a_program_are_never_hidden(clusto: Run, here: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "clusto-hello"
    program.write_text("#!/bin/sh\necho the program\n")
    program.chmod(0o755)
    config(here, 'locate = "find"', 'hello = "find"')
    reached = {**here, "PATH": f"{tmp_path}:{PATH}"}
    assert clusto("locate", "server1", env=reached).out == "server1 -> not connected\n"
    assert clusto("hello", env=reached).out == "the program\n"
    told = clusto("alias", env=reached).err
    assert "the alias locate has no effect: locate is a verb" in told
    assert "the alias hello has no effect: hello is the program" in told
    assert clusto("alias", "hello", "find", env=reached).code == 4


def test_a_line_for_the_shell(clusto: Run, here: dict[str, str], sqlite_url: str) -> None:
    clusto("alias", "count", '!clusto find "$1" | wc -l; echo', env=here)
    assert clusto("count", "driver:Server", env=here).out == "2\ndriver:Server\n"
    clusto("alias", "store", '!echo "$CLUSTO_DB $CLUSTO_CONFIG"; exit 7', env=here)
    done = clusto("store", env=here)
    assert (done.code, done.out.strip()) == (7, f"{sqlite_url} {here['CLUSTO_CONFIG']}")
    assert clusto("help", "count", env=here).out.startswith("count is an alias of: !clusto find")


def test_the_history_has_what_it_stands_for(clusto: Run, here: dict[str, str]) -> None:
    clusto("alias", "mark", "attr", "set", "status", "used", env=here)
    assert clusto("mark", "-t", "server1", env=here).code == 0
    assert "Command: clusto attr set status used -t server1\n" in clusto("log", "-n", "1", env=here).out


def test_it_completes_as_what_it_stands_for(clusto: Run, here: dict[str, str]) -> None:
    clusto("alias", "where", "locate", env=here)
    clusto("alias", "lines", "!wc -l", env=here)

    def offered(line: str) -> list[str]:
        return clusto("completion", "fish", "--line", line, env=here).out.splitlines()

    assert offered("clusto where serv") == ["plain", "server1", "server2"]
    assert offered("clusto lines x") == ["file"]
    assert "where\tlocate" in offered("clusto wh")
    assert offered("clusto alias new locate serv") == ["plain", "server1", "server2"]
    assert [each.partition("\t")[0] for each in offered("clusto alias l")] == ["plain", "lines"]
    config(here, "where = 3")
    assert "locate" in [each.partition("\t")[0] for each in offered("clusto lo")]


@pytest.mark.parametrize("line", ["a = 3", 'a = ""', 'a = "!"', "a = [1]", '"a b" = "find"', "a = [[]]"])
def test_what_is_written_wrong_in_the_file_is_told(clusto: Run, here: dict[str, str], line: str) -> None:
    config(here, line)
    for words in (["a"], ["alias"], ["alias", "b", "find"]):
        done = clusto(*words, env=here)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert here["CLUSTO_CONFIG"] in done.err


def test_a_file_that_anybody_may_write_is_not_believed(clusto: Run, here: dict[str, str]) -> None:
    config(here, 'a = "find driver:Server"')
    os.chmod(here["CLUSTO_CONFIG"], 0o666)
    for words in (["a"], ["alias"], ["alias", "b", "find"]):
        done = clusto(*words, env=here)
        assert (done.code, done.out) == (4, "")
        assert "anybody may write" in done.err


def test_a_verb_reads_no_configuration(clusto: Run, here: dict[str, str]) -> None:
    config(here, "nonsense")
    assert clusto("locate", "server1", env=here).code == 0
    assert clusto("lcate", "server1", env=here).code == 2
