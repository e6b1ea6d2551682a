"""Lists that are longer than the screen are read in a pager, as git's are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pexpect
import pytest

from clusto_cli.defaulting import DefaultGroup
from clusto_cli.main import main as root
from clusto_cli.output import PAGED
from tests.conftest import Run
from tests.schemas import verbs
from tests.terminals import CLUSTO, at_terminal, open_terminal


@pytest.fixture
def here(clusto: Run, sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    """An environment with a store of 60 servers, and a pager that writes down what it reads."""
    clusto("add", "Server", "server[1-60]", "--attr", "status=spare")
    pager = tmp_path / "bin" / "pager"
    pager.parent.mkdir()
    pager.write_text(f'#!/bin/sh\necho "PAGER LESS=$LESS DB=$CLUSTO_DB"; tee {tmp_path}/read\n')
    pager.chmod(0o755)
    path = f"{os.path.dirname(sys.executable)}:{pager.parent}:{os.environ['PATH']}"
    return {"CLUSTO_DB": sqlite_url, "PATH": path, "CLUSTO_PAGER": "pager"}


LISTS = (
    ["find", "driver:Server"],
    ["find", "driver:Server", "-o", "json"],
    ["locate", "server[1-60]"],
    ["show", "server[1-20]"],
    ["attr", "get", "status", "--where", "driver:Server"],
    ["export"],
    ["log", "-p"],
    ["help"],
    ["help", "expressions"],
    ["power", "profiles"],
)


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_what_is_longer_than_the_screen_is_read_in_the_pager(
    here: dict[str, str], tmp_path: Path, words: list[str]
) -> None:
    code, shown = at_terminal(words, here)
    assert code == 0
    assert shown.startswith("PAGER LESS=FRX DB=\r\n")
    read = (tmp_path / "read").read_text()
    plain = subprocess.run(
        [CLUSTO, *words], env={**os.environ, **here, "COLUMNS": "80"}, capture_output=True, text=True
    )
    bare = "".join(re.sub(r"\x1b\[[0-9;]*m", "", read).split())
    assert bare == "".join(plain.stdout.split())


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (["locate", "server1"], {}),
        (["--no-pager", "find", "driver:Server"], {}),
        (["find", "driver:Server", "--no-pager"], {}),
        (["find", "driver:Server"], {"CLUSTO_PAGER": ""}),
        (["find", "driver:Server"], {"CLUSTO_PAGER": "cat", "PAGER": "pager"}),
        (["find", "driver:Server"], {"TERM": "dumb"}),
    ],
)
def test_no_pager_is_started(here: dict[str, str], words: list[str], more: dict[str, str]) -> None:
    code, shown = at_terminal(words, here | more)
    assert code == 0
    assert "PAGER" not in shown
    assert "server1" in shown


def test_exactly_a_screen_needs_no_pager_and_a_line_more_does(here: dict[str, str]) -> None:
    assert "PAGER" not in at_terminal(["find", "driver:Server"], here, rows=61)[1]
    assert "PAGER" in at_terminal(["find", "driver:Server"], here, rows=60)[1]
    # A line that is wider than the screen takes several of its lines.
    folded = ["find", "name:server[1-60]", "--columns", "name,attr:status", "--no-header"]
    assert "PAGER" not in at_terminal(folded, here, rows=61)[1]
    assert "PAGER" in at_terminal(folded, here, rows=61, columns=10)[1]


def test_a_pipe_has_none(clusto: Run, here: dict[str, str]) -> None:
    assert clusto("find", "driver:Server", env=here).out.count("\n") == 60


def test_whose_pager_it_is(here: dict[str, str]) -> None:
    words = ["find", "driver:Server"]
    assert "PAGER" in at_terminal(words, {**here, "CLUSTO_PAGER": "pager", "PAGER": "cat"})[1]
    here.pop("CLUSTO_PAGER")
    assert "PAGER" in at_terminal(words, {**here, "PAGER": "pager"})[1]
    assert "LESS=-S" in at_terminal(words, {**here, "PAGER": "LESS=-S pager | cat"})[1]
    shown = at_terminal(words, {**here, "PAGER": "no-such-pager -x"})[1]
    assert "there is no pager 'no-such-pager -x', which PAGER names" in shown
    assert "server60" in shown


@pytest.mark.parametrize(("words", "code"), [(["find", "driver:Server"], 0), (["role", "check"], 0), (["help"], 0)])
def test_leaving_it_early_is_no_failure(here: dict[str, str], words: list[str], code: int) -> None:
    got, shown = at_terminal(words, {**here, "CLUSTO_PAGER": "head -n 3"})
    assert got == code
    assert "error" not in shown


def test_the_exit_code_is_the_command_s(here: dict[str, str], clusto: Run) -> None:
    clusto("class", "create", "big")
    clusto("role", "create", "web")
    clusto("role", "add", "web", "server[1-60]")
    clusto("role", "require", "web", "big", "--force")
    code, shown = at_terminal(["role", "check"], here)
    assert code == clusto("role", "check").code
    assert ("PAGER" in shown) is (code == 1)
    # Errors are told behind what was listed.
    assert at_terminal(["locate", "server1", "nothing"], here)[0] == 3


def test_less_as_git_starts_it(here: dict[str, str]) -> None:
    if shutil.which("less") is None:
        pytest.skip("less is not installed (Debian: less)")
    here.pop("CLUSTO_PAGER")
    child = open_terminal(["find", "driver:Server"], here)
    child.expect("server20")
    assert "server40" not in (child.before or "")
    # An interrupt is the pager's own, and leaves it as it was.
    child.send("\x03")
    child.send("G")
    child.expect("server60")
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus, child.signalstatus) == (0, None)
    assert "Traceback" not in (child.before or "")


def test_an_interrupt_ends_a_command_that_still_writes(here: dict[str, str]) -> None:
    if shutil.which("less") is None:
        pytest.skip("less is not installed (Debian: less)")
    here.pop("CLUSTO_PAGER")
    # More than a pipe holds: the command waits for its reader.
    child = open_terminal(["find", ":".join(("driver", "Server")), "-o", "json"], {**here, "LESS": "RX"})
    child.expect("server1")
    child.sendintr()
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus in (0, 130)
    assert "Traceback" not in (child.before or "")


ACTING = {
    *("bmc boot", "bmc identify", "bmc log", "bmc reset"),
    *("allocate", "batch", "console", "deallocate", "move", "network setvlan", "network undo", "network verify"),
    *("power cycle", "power feed cycle", "power off", "power load", "power on", "power revert", "power status"),
    "power trust",
    *("service apply", "service drain", "service ready", "service weight"),
    *("discover", "rebuild", "replace", "retire", "sync"),
}
"""What says how it goes while it goes, and lists nothing to be read."""
PARTLY = {"config"}
"""What has verbs of its own that are none."""


def listing(words: tuple[str, ...]) -> click.Command:
    """The verb of these words; of one that is verbs' too, what it does itself."""
    ctx = click.Context(root, info_name="clusto")
    for word in words:
        found = ctx.command.get_command(ctx, word) if isinstance(ctx.command, click.Group) else None
        assert found is not None
        ctx = click.Context(found, info_name=word, parent=ctx)
    return ctx.command.without_subcommand if isinstance(ctx.command, DefaultGroup) else ctx.command


def test_every_list_is_read_in_the_pager() -> None:
    unpaged = {" ".join(words) for words in verbs() if not getattr(listing(words).callback, PAGED, False)}
    assert unpaged == ACTING | PARTLY
