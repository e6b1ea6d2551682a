"""docs/library.md is true: its sessions give what it says, and its code is what mypy --strict accepts."""

from __future__ import annotations

import ast
import doctest
import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sessions

import clusto_core

PAGE = Path(__file__).parent.parent.parent / "docs" / "library.md"
_SESSION = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> list[doctest.Example]:
    """What the sessions of the page say, in their order."""
    parser = doctest.DocTestParser()
    return [example for block in _SESSION.findall(PAGE.read_text()) for example in parser.get_examples(block)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the example site in it."""
    return sessions.template(tmp_path_factory.mktemp("site"))


@pytest.fixture
def copied(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of its own, which is the one in force."""
    store = tmp_path / "clusto.db"
    shutil.copy(site, store)
    monkeypatch.setenv("CLUSTO_DB", str(store))
    return store


def played(given: list[doctest.Example]) -> str:
    """What doctest has against the examples."""
    told = io.StringIO()
    test = doctest.DocTest(given, {}, PAGE.name, str(PAGE), None, None)
    doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(test, out=told.write)
    return told.getvalue()


@pytest.mark.usefixtures("copied")
def test_the_sessions_give_what_the_page_says() -> None:
    assert len(examples()) > 40
    assert played(examples()) == ""


@pytest.mark.usefixtures("copied")
def test_a_session_that_is_not_true_is_noticed() -> None:
    wrong = doctest.DocTestParser().get_examples(
        ">>> import clusto_core\n>>> clusto_core.open()['server1']\n<Server s2>\n"
    )
    assert "<Server server1>" in played(wrong)


def typed(directory: Path, code: str) -> str:
    """What mypy --strict says of a script of a site."""
    script = directory / "script.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(directory / "cache"), str(script)],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "MYPYPATH": str(PAGE.parent.parent)},
    )
    return done.stdout


def test_the_code_of_the_page_is_typed(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    code = "".join(example.source for example in examples())
    revealed = {
        "server.attrs.one('ram', int)": "int",
        "inventory.find('driver:Server')[0].parts['eth0'].far": "clusto_core.library.handle.Handle | None",
        "server.inherited.all('ntp.server', str)": "list[str]",
        "server.inherited.origin('x')": "clusto_core.library.handle.Handle",
    }
    said = typed(tmp_path, code + "".join(f"reveal_type({each})\n" for each in revealed) + "server.nmae\n")
    errors = [line for line in said.splitlines() if ": error:" in line]
    assert len(errors) == 1, said
    assert 'has no attribute "nmae"' in errors[0]
    kinds = [found.replace("builtins.", "") for found in re.findall(r'Revealed type is "(.*)"', said)]
    assert [kind.replace("Union[", "").replace(", None]", " | None") for kind in kinds] == list(revealed.values())


def public() -> Iterator[tuple[str, object]]:
    for name in clusto_core.__all__:
        yield name, getattr(clusto_core, name)


def test_all_that_is_public_is_told() -> None:
    prose = re.sub(r"^```.*?^```$", "", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    told = {word for span in re.findall(r"`([^`]+)`", prose) for word in re.findall(r"\w+", span)}
    assert [name for name, _ in public() if name not in told] == []
    for name in ("Handle", "Change", "Attributes", "View", "Inventory"):
        kind = getattr(clusto_core, name)
        below = {"thing", "batch", "source", "writing", "transaction", "reading", "resolve", "current", "at", "meant"}
        members = {each for each in vars(kind) if not each.startswith("_")} - below - {"value"}
        assert members <= told, f"{name}: {members - told}"


def test_what_is_public_is_what_is_typed() -> None:
    source = Path(clusto_core.__file__).read_text()
    branch = next(node for node in ast.parse(source).body if isinstance(node, ast.If))
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(imported) == sorted(clusto_core.__all__)
    for name, found in public():
        assert found.__doc__, name
        module, _, there = imported[name].rpartition(".")
        assert getattr(sys.modules[module], there) is found
