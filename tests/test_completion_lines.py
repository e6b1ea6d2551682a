"""Completion never changes what was typed: the line behind a tabulator, in the three real shells, on a terminal.

Each row is tried unquoted, in both quotations while they are open, and where the quotation is closed already.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusto_cli.shellwords import Word, extended, split
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.rules import claims
from tests.shells import Shell
from tests.test_completion import fill

WHOLE = [
    ("", "loca", "locate"),
    ("locate ", "server1:con", "server1:console"),
    ("locate server1 ", "serv", "server2"),
    ("locate server1:eth0 ", "server1:eth1", "server1:eth1"),
    ("connect server2:eth1 ", "switch2a:mg", "switch2a:mgmt"),
    ("put server2 --in ", "ra", "rack101"),
    ("add Server x --attr ", "status=una", "status=unallocated"),
    ("add Server x --attr ", "owner=w", "owner=web team"),
    ("attr set owner ", "w", "web team"),
    ("attr set rack ", "@ra", "@rack101"),
    ("attr set status spare -- ", "server2", "server2"),
    ("show ", "web-p", "web-pool"),
    ("free ", "switch2", "switch2a"),
    ("free rack101 --kind ", "posi", "position"),
    ("completion ", "ba", "bash"),
    ("help ", "pow", "power"),
    ("add ", "Datac", "Datacenter"),
    ("attr get ", "disk#*.ser", "disk#*.serial"),
    ("attr get ", "disk#0.siz", "disk#0.size"),
    ("attr set ", "disk#+.ser", "disk#+.serial"),
    ("attr set disk#+.serial ", "W", "WD-1"),
    ("add Server x --attr ", "env=pr", "env=prod"),
    ("attr set env ", "te", "test"),
    ("ip free ", "10.9.0.1@b", "10.9.0.1@blue"),
    ("locate ", "10.9.0.1@", "10.9.0.1@blue"),
    ("help keys ", "en", "env"),
    ("key show ", "e", "env"),
]
PARTIAL = [
    ("trace ", "swi", "switch2a:"),
    ("add Server x --attr ", "sta", "status="),
    ("locate ", "serv", "server"),
    ("locate ", "switch2a:Gig", "switch2a:GigabitEthernet0/"),
]
EXPRESSIONS = [
    ("driver:Datac", "driver:Datacenter"),
    ("driver:Serv", "driver:Serv"),
    ("attr:sta", "attr:status,"),
    ("attr:status,una", "attr:status,unallocated"),
    ("driver:Server and attr:sta", "driver:Server and attr:status,"),
    ("driver:Server and attr:status,una", "driver:Server and attr:status,unallocated"),
    ("attr:ram>=64 and attr:sta", "attr:ram>=64 and attr:status,"),
    ("not (attr:status,al", "not (attr:status,allocated"),
    ("haskey(sta", "haskey(status) "),
    ("driver:Server conn", "driver:Server connected to "),
    ("driver:Server connected to name:sw", "driver:Server connected to name:switch2a"),
    ("driver:Server in name:ra", "driver:Server in name:rack101"),
    ("attr:status={una", "attr:status={una"),
    ("attr:disk#*.ser", "attr:disk#*.serial,"),
    ("attr:disk#*.serial,W", "attr:disk#*.serial,WD-1"),
    ("attr:env,pr", "attr:env,prod"),
    ("_ip:10.9.0.0/16@b", "_ip:10.9.0.0/16@blue"),
    ("driver:Port and fr", "driver:Port and free"),
    ("driver:Switch and free(net", "driver:Switch and free(network) "),
    ("driver:Server and not cab", "driver:Server and not cabled"),
]
ASKING = ["find ", "attr set x y --where "]


@pytest.fixture(params=["bash", "zsh", "fish"], scope="module")
def shell(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    """Each shell in turn, on the site."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    home = tmp_path_factory.mktemp(request.param)
    url = f"sqlite:///{shutil.copy(sqlite_template, home / 'clusto.db')}"
    inventory = Inventory(Settings(url))
    fill(inventory)
    with inventory.change() as change:
        change.define_key("env", {"type": "choice", "choices": ["prod", "test"], "on": ["Server"]})
        change.add("Server", "stock", attributes=[("disk#0.serial", "WD-1"), ("disk#0.size", 4)])
        claims.hold(change.unit, change.resolve("stock"), "10.9.0.1", change.add("VRF", "blue"))
    started = Shell(request.param, url, home)
    yield started
    started.close()


def unquoted(text: str) -> str:
    """A word without quotation marks."""
    raw = extended(Word("", ""), text)
    assert raw is not None
    return raw


def same(line: str, expected: str) -> None:
    """Holds two lines to be the same words: shells differ in what they escape outside of quotations."""
    assert [word.text for word in split(line) if word.raw] == [word.text for word in split(expected) if word.raw]


@pytest.mark.parametrize(("before", "typed", "becomes"), WHOLE)
def test_a_whole_word(shell: Shell, before: str, typed: str, becomes: str) -> None:
    start = f"clusto {before}"
    same(shell.line(start + unquoted(typed)), f"{start}{unquoted(becomes)} ")
    for mark in "'\"":
        assert shell.line(f"{start}{mark}{typed}") == f"{start}{mark}{becomes}{mark} "
        assert shell.line(f"{start}{mark}{typed}{mark}").rstrip() == f"{start}{mark}{becomes}{mark}"


@pytest.mark.parametrize(("before", "typed", "becomes"), PARTIAL)
def test_a_word_that_is_not_whole_yet(shell: Shell, before: str, typed: str, becomes: str) -> None:
    start = f"clusto {before}"
    same(shell.line(start + unquoted(typed)), start + unquoted(becomes))
    for mark in "'\"":
        assert shell.line(f"{start}{mark}{typed}") == f"{start}{mark}{becomes}"
        assert shell.line(f"{start}{mark}{typed}{mark}") == f"{start}{mark}{becomes}{mark}"


@pytest.mark.parametrize("before", ASKING)
@pytest.mark.parametrize(("typed", "becomes"), EXPRESSIONS)
def test_an_expression_goes_on_in_its_quotation(shell: Shell, before: str, typed: str, becomes: str) -> None:
    start = f"clusto {before}"
    for mark in "'\"":
        once = shell.line(f"{start}{mark}{typed}")
        assert once.startswith(f"{start}{mark}{becomes}")
        assert split(once)[-1].quote == mark
        assert once.rstrip() == f"{start}{mark}{becomes}".rstrip()


@pytest.mark.parametrize(("typed", "becomes"), EXPRESSIONS)
def test_an_expression_without_quotation_stays_one_word(shell: Shell, typed: str, becomes: str) -> None:
    same(shell.line(f"clusto find {unquoted(typed)}"), f"clusto find {unquoted(becomes)}")


@pytest.mark.parametrize(("typed", "becomes"), EXPRESSIONS)
def test_more_tabulators_never_take_the_quotation_away(shell: Shell, typed: str, becomes: str) -> None:
    before = "attr set x y --where "
    for line in (f"clusto {before}'{typed}", f"clusto {before}'{becomes}'"):
        words = split(shell.line(line, tabs=3))
        assert [word.text for word in words[:-2]] == [word.text for word in split(f"clusto {before}")[:-1]][
            : len(words) - 2
        ]
        assert sum(word.text.startswith(typed) for word in words) == 1
