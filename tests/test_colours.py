"""NO_COLOR: neither colour nor bold, whatever the way out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest

import clusto_cli
from clusto_cli.main import main as root
from tests.conftest import Run
from tests.terminals import at_terminal

ROOT = Path(__file__).parent.parent
_STYLE = re.compile(r"\x1b\[[0-9;:]*m")

SHOWING: dict[str, list[list[str]]] = {
    "attr": [["attr", "get", "status", "-t", "server1"], ["attr", "get", "nothing", "-t", "server1"]],
    "config": [["config"]],
    "db": [["db", "check"]],
    "export": [["export"]],
    "find": [["find", "driver:Server"], ["find", "driver:Server", "--columns", "name,rack"], ["find", "driver:("]],
    "help": [["help"], ["help", "expressions"], ["help", "keys"]],
    "import": [["import", str(ROOT / "examples" / "datacenter.yaml"), "--dry-run"]],
    "locate": [["locate", "server1", "-v"], ["locate", "servr1"]],
    "log": [["log", "-p"], ["log", "--oneline"]],
    "power": [["power"], ["power", "impact", "pdu3:7"], ["power", "status", "server1"]],
    "rebuild": [["rebuild", "recipes"]],
    "show": [["show", "server1"], ["show", "rack101"], ["show", "pdu3"], ["show", "datacenterZ"]],
    "trace": [["trace", "server1:eth0"]],
    "tree": [["tree", "datacenterZ"]],
}
"""What verbs show; of all others their help."""
VERBS = root.list_commands(click.Context(root))
COMMANDS = [words for verb in VERBS for words in SHOWING.get(verb, [[verb, "--help"]])]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with the example site in a store."""
    environment = {"CLUSTO_DB": f"sqlite:///{tmp_path_factory.mktemp('site')}/clusto.db", "CLUSTO_PAGER": "cat"}
    assert at_terminal(["import", str(ROOT / "examples" / "datacenter.yaml")], environment)[0] == 0
    return environment


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_verb_styles_anything(site: dict[str, str], words: list[str]) -> None:
    code, shown = at_terminal(words, {**site, "NO_COLOR": "1"})
    assert shown
    assert code in (0, 2, 3, 4, 5)
    assert not _STYLE.search(shown)


@pytest.mark.parametrize("words", [["show", "server1"], ["help", "expressions"]], ids=" ".join)
def test_without_it_there_is_something_that_it_takes_away(site: dict[str, str], words: list[str]) -> None:
    assert _STYLE.search(at_terminal(words, site)[1])
    # https://no-color.org: one that is empty says nothing.
    assert _STYLE.search(at_terminal(words, {**site, "NO_COLOR": ""})[1])


def test_consoles_are_made_in_one_place() -> None:
    for path in Path(clusto_cli.__file__).parent.rglob("*.py"):
        made = [
            node.lineno
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("Console", "Progress")
        ]
        assert not made or path.name == "colours.py", f"{path.name}:{made[0]}"


@pytest.mark.parametrize("columns", [20, 40])
def test_a_narrow_terminal_is_no_failure(site: dict[str, str], columns: int) -> None:
    for words in ([], ["help"], ["show", "server1"], ["locate", "server1"], ["help", "expressions"], ["power"]):
        code, shown = at_terminal(words, {**site, "NO_COLOR": "1"}, columns=columns)
        assert code == (2 if words == ["power"] else 0), words
        assert "Traceback" not in shown


def test_a_pipe_is_plain(clusto: Run) -> None:
    clusto("add", "Server", "server1")
    for words in (["show", "server1"], ["help", "expressions"], ["log"]):
        assert not _STYLE.search(clusto(*words).out)
