"""Whatever the command line refuses, the library refuses: with the same error, and nothing is changed."""

from __future__ import annotations

import re

import pytest

from clusto_cli.output import clean
from clusto_core.config import Settings
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.inventory import Inventory
from tests.records.test_history import picture
from tests.refusals import REFUSALS, SITE, Refusal
from tests.test_cli import COMMANDS, built, program

CODES: dict[type[ClustoError], int] = {Malformed: 2, NotFound: 3, Refused: 4}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store that no test of this module changes."""
    return built(f"sqlite:///{tmp_path_factory.mktemp('site')}/clusto.db", COMMANDS + SITE)


@pytest.fixture(scope="module")
def site_picture(site: str) -> list[str]:
    return picture(Inventory(Settings(site)))


@pytest.mark.parametrize("refusal", REFUSALS, ids=[" ".join(each.words)[:40] for each in REFUSALS])
def test_it_gets_one_line_and_changes_nothing(site: str, site_picture: list[str], refusal: Refusal) -> None:
    result = program(site, *refusal.words)
    assert result.code == refusal.code, result.err
    assert result.err.startswith("clusto: error: ")
    assert result.err.count("\n") == 1
    assert result.err.endswith("\n")
    assert re.search(refusal.message, result.err), result.err
    assert "\x1b" not in result.err
    assert "\x1b" not in result.out
    assert len(result.err) < 1000
    assert picture(Inventory(Settings(site))) == site_picture
    if refusal.call is not None:
        code, text = from_the_library(site, refusal)
        assert code == refusal.code
        assert re.search(refusal.message, text), text
        assert f"clusto: error: {clean(text)}\n" == result.err
        assert picture(Inventory(Settings(site))) == site_picture


def from_the_library(url: str, refusal: Refusal) -> tuple[int, str]:
    assert refusal.call is not None
    try:
        with Inventory(Settings(url)).change() as change:
            refusal.call(change)
    except ClustoError as error:
        return CODES[type(error)], str(error)
    return 0, ""
