"""Programs that clusto starts: looked for where nobody plants one, given what they need; no file beside them is run."""

from __future__ import annotations

import ast
import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

import clusto_cli
from clusto_cli import children
from clusto_cli.backends.program import run_program
from tests.conftest import Run

ROOT = Path(clusto_cli.__file__).parent
EVIL = "import os; open(os.environ['PLANTED'], 'w').write('owned')\n"
MODULES = ("click", "json", "asyncio", "clusto_core", "clusto_cli", "sitecustomize", "logging")


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory full of what somebody else planted; gives the file that betrays that any of it ran."""
    folder = tmp_path / "trap"
    folder.mkdir()
    planted = tmp_path / "planted"
    for module in MODULES:
        (folder / f"{module}.py").write_text(EVIL)
    for program in ("clusto-evil", "ssh", "ipmitool", "sh"):
        path = folder / program
        path.write_text(f"#!/bin/sh\necho owned >'{planted}'\n")
        path.chmod(0o755)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PLANTED", str(planted))
    monkeypatch.setenv("PATH", f".::trap:{os.environ['PATH']}:")
    return planted


def test_python_runs_no_module_of_the_current_directory(trap: Path) -> None:
    for module in ("clusto_cli.main", "clusto_cli.rebuild.guardian"):
        done = subprocess.run(
            children.python(module, "--version"),
            env=children.environment(own=True),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not trap.exists()
    # What is prevented is real.
    subprocess.run([sys.executable, "-m", "clusto_cli.main", "--version"], capture_output=True, check=False)
    assert trap.exists()


def test_no_program_is_found_in_the_current_directory(trap: Path) -> None:
    assert children.find("clusto-evil") is None
    assert children.find("./clusto-evil") is None
    assert os.path.isabs(children.find("sh") or "")
    assert all(map(os.path.isabs, children.environment()["PATH"].split(":")))
    assert asyncio.run(run_program(["sh", "-c", "echo fine"], 30)) == "fine\n"
    assert not trap.exists()


def test_no_verb_is_found_there(trap: Path) -> None:
    start = f"import sys; sys.path.insert(0, {str(ROOT.parent)!r}); from clusto_cli.main import run; run()"
    for words in (["evil"], ["evil", "--help"], ["help"], ["completion", "fish", "--line", "clusto ev"]):
        done = subprocess.run([sys.executable, "-P", "-c", start, *words], capture_output=True, text=True, check=False)
        assert "evil" not in done.stdout, words
    assert not trap.exists()


def test_programs_do_not_get_what_is_clusto_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTO_DB", "postgresql://ann:secret@db1/clusto")
    monkeypatch.setenv("CLUSTO_SNMP", "secret")
    assert "secret" not in asyncio.run(run_program(["env"], 30, {"IPMI_PASSWORD": "other"}))
    assert "IPMI_PASSWORD=other" in asyncio.run(run_program(["env"], 30, {"IPMI_PASSWORD": "other"}))
    assert "CLUSTO_DB=" in asyncio.run(run_program(["env"], 30, own=True))


def test_a_verb_from_outside_gets_the_store(clusto: Run, tmp_path: Path) -> None:
    program = tmp_path / "clusto-which"
    program.write_text('#!/bin/sh\necho "$CLUSTO_DB"\n')
    program.chmod(0o755)
    done = clusto("which", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.out.startswith("sqlite:///")


# --- the class of slip -----------------------------------------------------------------------------------------------

STARTS = {
    "run", "Popen", "call", "check_call", "check_output", "create_subprocess_exec", "create_subprocess_shell", "spawn",
    "execv", "execve", "execvp", "execvpe", "system", "popen", "posix_spawn",
}  # fmt: skip
OF = {"subprocess", "asyncio", "os", "PtyProcess", "pty", "pexpect"}


def _calls(path: Path) -> list[tuple[str, ast.Call]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTS:
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            if name in OF and not (name == "asyncio" and node.func.attr == "run"):
                found.append((f"{path.name}:{node.lineno}", node))
    return found


def test_whoever_starts_a_program_says_what_it_gets() -> None:
    """Every place that starts one hands it an environment of `children`'s making, and no shell."""
    starts = [call for path in ROOT.rglob("*.py") for call in _calls(path)]
    assert len(starts) >= 8
    for where, call in starts:
        given = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "env"]
        given += [ast.unparse(argument) for argument in call.args[2:]]
        assert given, where
        assert "environment(" in given[0] or given[0] == "given", where
        assert "shell" not in {keyword.arg for keyword in call.keywords}, where


def test_temporary_files_are_private() -> None:
    """Made by functions that make them of mode 0600 or 0700, never by a name that another may take first."""
    for path in ROOT.parent.joinpath("clusto_core").rglob("*.py"):
        assert "mktemp(" not in path.read_text(), path
    for path in ROOT.rglob("*.py"):
        text = path.read_text()
        assert not [word for word in ("mktemp(", "gettempdir", '"/tmp') if word in text], path
