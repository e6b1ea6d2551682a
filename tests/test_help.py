"""`clusto help`: topics beside verbs, and the search in both."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
import pytest

from clusto_cli import settings
from clusto_cli.documentation import pages
from clusto_cli.main import main as root
from clusto_cli.topics import topics
from clusto_core.drivers import registry
from clusto_core.transfer import formats
from tests.conftest import Run

ROOT = Path(__file__).parent.parent
TOPICS = sorted(topics())


def verbs() -> set[str]:
    return set(root.list_commands(click.Context(root)))


@pytest.mark.parametrize("name", TOPICS)
def test_each_topic_is_plain_text_no_wider_than_a_terminal(clusto: Run, name: str) -> None:
    done = clusto("help", name, env={"COLUMNS": "80"})
    assert (done.code, done.err) == (0, "")
    assert not re.search(r"\x1b|\]\(|^#", done.out, re.MULTILINE)
    prose = [line for line in done.out.splitlines() if not line.startswith("    ")]
    assert prose
    assert all(len(line) <= 80 for line in prose)


def test_there_is_a_topic_for_each_page_and_each_format() -> None:
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md", "architecture.md", "reference.md"}
    heads = {(ROOT / "docs" / page).read_text().partition("\n")[0] for page in pages}
    assert heads <= {line for topic in topics().values() for line in topic.text().splitlines()}
    assert set(formats.names()) | {"drivers", "exit-codes", "expressions", "formats"} <= set(TOPICS)


def test_lists_are_the_programs_own(clusto: Run) -> None:
    listed = clusto("help", "drivers").out.partition("Adding drivers")[0]
    assert {driver.__name__ for driver in registry} - {"Driver"} <= set(re.findall(r"\w+", listed))
    rows = dict(
        re.findall(r"^ +([\w-]+) +((?:import|export)(?:, export)?) *$", clusto("help", "formats").out, re.MULTILINE)
    )
    assert rows == {name: ", ".join(formats.ways(name)) for name in formats.names()}


def test_no_verb_hides_a_topic() -> None:
    assert verbs().isdisjoint(TOPICS)


def test_a_program_that_is_a_verb_goes_before_a_topic(clusto: Run, tmp_path: Path) -> None:
    program = tmp_path / "clusto-drivers"
    program.write_text("#!/bin/sh\necho the screws: $1\n")
    program.chmod(0o755)
    assert clusto("help", "drivers", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}).out == "the screws: --help\n"


def test_all_topics_are_listed_and_completed(clusto: Run) -> None:
    listed = clusto("help").out.partition("\nTopics:\n")[2]
    assert re.findall(r"^  (\S+)", listed, re.MULTILINE) == TOPICS
    offered = [
        line.partition("\t")[0] for line in clusto("completion", "fish", "--line", "clusto help ").out.splitlines()
    ]
    assert (set(TOPICS) - set(formats.names())) | verbs() <= set(offered)
    assert len(offered) == len(set(offered))


def test_help_keys_lists_what_is_checked_and_all_settings(clusto: Run) -> None:
    listed = clusto("help", "keys", env={"COLUMNS": "110"}).out
    assert settings.meanings().keys() <= set(re.findall(r"^ +(\S+)", listed, re.MULTILINE))
    assert "true or false" in listed


@pytest.mark.parametrize("spelled", [r'"((?:%s)\.[a-z][a-z0-9_]*)"', r"[`(]((?:%s)\.[a-z][a-z0-9_]*)[`= ]"])
def test_every_setting_that_is_read_or_spoken_of_is_declared(spelled: str) -> None:
    pattern = spelled % "|".join(settings.groups())
    modules = [path.read_text() for name in ("clusto_core", "clusto_cli") for path in (ROOT / name).rglob("*.py")]
    texts = modules if spelled.startswith('"') else pages()
    named = {key for text in texts for key in re.findall(pattern, text)}
    assert named
    assert named - settings.meanings().keys() <= {"powerman.conf"}  # a file


@pytest.mark.parametrize(
    ("typed", "near"), [("expresions", "expressions"), ("exit-code", "exit-codes"), ("lcate", "locate")]
)
def test_a_slip_is_told_what_is_near(clusto: Run, typed: str, near: str) -> None:
    done = clusto("help", typed)
    assert (done.code, done.out) == (2, "")
    assert f"did you mean {near}?" in done.err


@pytest.mark.parametrize("word", ["lldp", "RU13", "--dry-run", "haskey(", "DESTROYS"])
def test_search_names_where_each_hit_is(clusto: Run, word: str) -> None:
    hits = clusto("help", "--search", word).out.splitlines()
    assert hits
    shown: dict[str, str] = {}
    for hit in hits:
        where, _, line = hit.partition(": ")
        assert word.lower() in line.lower()
        shown.setdefault(where, clusto("help", *where.split()).out)
    assert all(word.lower() in text.lower() for text in shown.values())


def test_search_that_finds_nothing_is_not_silent(clusto: Run) -> None:
    assert clusto("help", "--search", "xyzzy").code == 3
    assert clusto("help", "--search", "").code == 3
    assert clusto("help", "--search", "x", "attr").code == 2
