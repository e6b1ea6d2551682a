"""Octets that are no text in UTF-8, on every way in: one line that says where; and no way in beside the known ones."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import clusto_cli
import clusto_core
from tests.conftest import Run

NO_TEXT = b"b\xffd"
LOCALES = [{"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
FILES = {
    "names": b"s1\nb\xffd\n",
    "a.batch": b"add Server a1\nadd Server b\xffd\n",
    "a.jsonl": b'{"name":"z1","driver":"Server"}\n{"name":"b\xffd","driver":"Server"}\n',
    "a.yaml": b"things:\n- name: z1\n  driver: Server\n- name: b\xffd\n  driver: Server\n",
    "type.yaml": b"manufacturer: X\nmodel: b\xffd\nslug: x\n",
    "config.toml": b'# x\ndb = "sqlite:///b\xffd"\n',
    "program": b'print(1)\n"b\xffd"\n',
}
WAYS = [
    (["locate", "-"], "names", "standard input:2: not text in UTF-8: octet 2 of the line is 0xff"),
    (["show", "-"], "names", "standard input:2: not text"),
    (["remove", "-"], "names", "standard input:2: not text"),
    (["attr", "get", "-t", "-"], "names", "standard input:2: not text"),
    (["shell"], "program", "standard input:2: not text"),
    (["batch", "-"], "a.batch", "standard input:2: malformed name 'b\\udcffd': it is not UTF-8"),
    (["batch", "{a.batch}"], None, "a.batch:2: malformed name 'b\\udcffd': it is not UTF-8"),
    (["import", "{a.jsonl}"], None, "a.jsonl:2: malformed name 'b\\udcffd': it is not UTF-8"),
    (["import", "-"], "a.jsonl", "standard input:2: malformed name 'b\\udcffd': it is not UTF-8"),
    (["import", "{a.yaml}"], None, "a.yaml:4: not YAML: the text is not UTF-8"),
    (["import", "{type.yaml}"], None, "type.yaml:2: not YAML: the text is not UTF-8"),
    (["--config", "{config.toml}", "find", "driver:Server"], None, "config.toml:2: not text in UTF-8: octet 18"),
    (["locate", os.fsdecode(NO_TEXT)], None, "not text in UTF-8: 'b\\udcffd'"),
    (["add", "Server", os.fsdecode(NO_TEXT)], None, "malformed name 'b\\udcffd': it is not UTF-8"),
    (["attr", "set", "k", os.fsdecode(NO_TEXT), "-t", "s1"], None, "this is not UTF-8: 'b\\udcffd'"),
]


@pytest.mark.parametrize(("words", "stdin", "said"), WAYS, ids=[" ".join(words)[:24] for words, _, _ in WAYS])
def test_what_is_no_text_is_told_in_one_line(
    sqlite_url: str, tmp_path: Path, words: list[str], stdin: str | None, said: str
) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    for locale in LOCALES:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "clusto_cli.main",
                *(word.format(**paths(tmp_path)) if "." in word else word for word in words),
            ],
            input=FILES[stdin] if stdin else b"",
            capture_output=True,
            env={**os.environ, "CLUSTO_DB": sqlite_url, **locale},
            check=False,
        )
        err = done.stderr.decode("ascii")
        assert (done.returncode, done.stdout) == (2, b""), err
        [line] = err.splitlines()
        assert line.startswith("clusto: error: ")
        assert said in line


def paths(folder: Path) -> dict[str, object]:
    """For `{a.yaml}`: the files, by their names."""

    class Folder:
        def __init__(self, stem: str) -> None:
            self.stem = stem

        def __getattr__(self, suffix: str) -> str:
            return str(folder / f"{self.stem}.{suffix}")

    return {stem: Folder(stem) for stem in ("a", "type", "config")}


def test_an_environment_that_is_no_text_is_kept_as_far_as_it_is(clusto: Run) -> None:
    name = os.fsdecode(NO_TEXT)
    for number, variable in enumerate(("USER", "LOGNAME", "SUDO_USER")):
        environment = {"USER": "ann", "LOGNAME": "ann", variable: name}
        done = clusto("add", "Pool", f"p{number}", "-m", name, env=environment)
        assert done.code == 0, done.err
    told = clusto("log", "-o", "json").out
    assert "b?d" in told
    assert "udcff" not in told


# --- no other way in -------------------------------------------------------------------------------------------------

TEXT_IN = {
    # Our own files, which are text because we wrote them.
    "clusto_cli/main.py": "the first lines of our own modules",
    "clusto_cli/documentation.py": "our own pages",
    "clusto_cli/commands/completion.py": "our own scripts",
    "clusto_cli/told.py": "our own notes of what was told",
    "clusto_cli/ansible.py": "our own copy of an answer",
    "clusto_cli/web/api/reading.py": "our own schemas",
    "clusto_cli/web/pages/static.py": "our own style sheet and script",
    "clusto_core/store/replicas.py": "our own notes of what was written",
    # What is told line by line with all else that is wrong in it, or by the adapter that reads it.
    "clusto_cli/commands/edit.py": "what an editor left",
    "clusto_core/transfer/files.py": "files of imports",
    "clusto_core/library/trust.py": "a token, whose text is not told",
    # A descriptor that was closed, opened on nothing.
    "clusto_cli/streams.py": "nothing",
    "clusto_core/transfer/netbox/keeping.py": "our own copy of what a NetBox said",
}
STDIN = {
    "clusto_cli/remote.py",
    "clusto_cli/targets.py",
    "clusto_cli/commands/shell.py",
    "clusto_cli/commands/batch.py",
    "clusto_cli/confirm.py",
    "clusto_cli/streams.py",
    "clusto_cli/rebuild/guardian.py",
    "clusto_core/transfer/files.py",
}


def sources() -> list[tuple[str, ast.AST]]:
    """All modules, by their paths; adapters speak to devices, and have readers of their own."""
    roots = [Path(package.__file__ or "").parent for package in (clusto_core, clusto_cli)]
    files = [(path, root.parent) for root in roots for path in root.rglob("*.py") if "backends" not in path.parts]
    return [(str(path.relative_to(base)), ast.parse(path.read_text(encoding="utf-8"))) for path, base in files]


def reads_text(call: ast.Call) -> bool:
    """Whether a call opens a file to read text from it, or reads all of its text."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name == "read_text":
        return True
    of_a_module = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") in ("gzip", "io", "os")
    if name not in ("open", "fdopen") or (isinstance(call.func, ast.Attribute) and not of_a_module):
        return False
    if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "os" and name == "open":
        return False
    mode = next(
        (word.value for word in call.keywords if word.arg == "mode"), call.args[1] if len(call.args) > 1 else None
    )
    text = mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else "r"
    return not {"b", "w", "x"}.intersection(text) and bool(call.args)


def test_text_comes_in_by_the_known_doors_alone() -> None:
    opened, piped = set(), set()
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and reads_text(node):
                opened.add(path)
            if isinstance(node, ast.Attribute) and node.attr == "stdin" and getattr(node.value, "id", "") == "sys":
                piped.add(path)
    asking = {path for path in piped if path not in STDIN and only_asks_for_a_terminal(path)}
    # Others: clusto_core.reading, which names line and octet.
    assert opened - TEXT_IN.keys() == set()
    assert piped - STDIN - asking == set()


def only_asks_for_a_terminal(path: str) -> bool:
    """Whether a module does nothing with standard input but ask whether it is a terminal."""
    text = (Path(clusto_core.__file__ or "").parent.parent / path).read_text(encoding="utf-8")
    return text.count("sys.stdin") == text.count("sys.stdin.isatty()") + text.count("sys.stdin.fileno()")
