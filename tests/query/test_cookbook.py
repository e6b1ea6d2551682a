"""Every expression of the documentation runs on the example site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.query.binding import bind
from clusto_core.query.memory import Memory
from clusto_core.query.parser import parse
from clusto_core.store.opening import create
from clusto_core.transfer.formats import reader_of
from clusto_core.transfer.importer import load

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "expressions.md"
COOKBOOK = re.findall(r"^\| ([^|]*\?) \| `([^|]*)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    url = f"sqlite:///{tmp_path_factory.mktemp('example') / 'clusto.db'}"
    create(url)
    inventory = Inventory(Settings(url))
    path = ROOT / "examples" / "datacenter.yaml"
    with path.open(encoding="utf-8") as file, inventory.change("import") as change:
        load(change, reader_of("yaml")(file, path.name))
    return inventory


def test_the_cookbook_has_thirty_questions() -> None:
    assert len(COOKBOOK) >= 30


@pytest.mark.parametrize(("question", "expression"), COOKBOOK, ids=[question for question, _ in COOKBOOK])
def test_each_is_answered_alike_by_store_and_memory(example: Inventory, question: str, expression: str) -> None:
    with example.read() as reader:
        memory = Memory.load(reader)
        bound = bind(reader, parse(expression)).tree
    assert example.find(expression) == memory.select(bound)


def test_the_grammar_of_the_page_is_the_parser_s() -> None:
    import clusto_core.query.parser as parser

    page = PAGE.read_text(encoding="utf-8")
    grammar = (parser.__doc__ or "").partition("\n\n")[2].strip("\n")
    assert grammar.count(":=") == 6
    assert " ".join(grammar.split()) in " ".join(page.split())
