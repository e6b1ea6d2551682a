"""`clusto shell` on a real terminal, with Python's own console and with IPython; and from a pipe."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

import clusto_core
from clusto_cli.shell.completing import complete
from clusto_cli.shell.session import Session
from tests.conftest import Run
from tests.library.conftest import fill

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|[>=]|\(B|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_ANSWERS = {"\x1b[6n": "\x1b[1;1R"}
"""What a terminal answers to the question where its cursor is."""


@pytest.fixture
def site(sqlite_url: str) -> clusto_core.Inventory:
    inventory = clusto_core.open(sqlite_url)
    with inventory.change() as change:
        fill(change)
    return inventory


class Terminal:
    """A shell on a terminal."""

    def __init__(self, site: clusto_core.Inventory, home: Path, *options: str) -> None:
        self._shown = ""
        self.plain = "--plain" in options
        program = str(Path(sys.executable).with_name("clusto"))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
            "HOME": str(home),
            "IPYTHONDIR": str(home / "ipython"),
            "CLUSTO_DB": site.url,
            "TERM": "dumb" if self.plain else "xterm",
        }
        arguments = ["shell", *options]
        self.child = pexpect.spawn(
            program, arguments, env=environment, encoding="utf-8", dimensions=(50, 200), timeout=60, cwd=str(home)
        )

    def until(self, text: str) -> str:
        """What is shown up to a text that is expected, without what steers the terminal."""
        while text not in (seen := _ESCAPES.sub("", self._shown)):
            found = self.child.read_nonblocking(4096, timeout=60)
            for question, answer in _ANSWERS.items():
                self.child.send(answer * found.count(question))
            self._shown += found
        before, _, self._shown = seen.partition(text)
        return before

    def say(self, line: str, expected: str, prompt: str = "clusto> ") -> None:
        """Types a line, and waits for what it prints and for the prompt."""
        self.child.send(line + "\r")
        self.until(expected)
        self.until(prompt)

    def end(self) -> str:
        """Leaves the shell; gives what it said at last."""
        self.child.sendeof()
        self.child.expect(pexpect.EOF)
        said = self.child.before or ""
        self.child.close()
        assert self.child.exitstatus == 0, said
        return said


@pytest.fixture(params=["plain", "ipython"])
def terminal(request: pytest.FixtureRequest, site: clusto_core.Inventory, tmp_path: Path) -> Iterator[Terminal]:
    if request.param == "ipython":
        pytest.importorskip("IPython", reason="IPython is not installed")
    terminal = Terminal(site, tmp_path, *(["--plain"] if request.param == "plain" else []))
    terminal.until('commit("why")')
    terminal.until("clusto> ")
    yield terminal
    terminal.child.close(force=True)


def test_what_is_changed_is_kept_by_commit_only(terminal: Terminal, site: clusto_core.Inventory) -> None:
    terminal.say('inventory["s1"].parts["eth0"].far', "<Port sw1:1>")
    terminal.say('inventory["s99"]', "error: no such thing: s99")
    terminal.say('change["s1"].attrs["status"] = "used"', "nobody else can write", "clusto*> ")
    terminal.say("changes()", "+ s1 status=used", "clusto*> ")
    terminal.say('find("attr:status,spare and name:s1")', "<Server s1>", "clusto*> ")
    terminal.say('change["s1"].connect("pdu1:9", "x")', "error: no such kind of connection: x", "clusto*> ")
    terminal.say("rollback()", "rollback()")
    terminal.say("commit()", "error: nothing is changed")
    assert site["s1"].attrs["status"] == "spare"
    terminal.say('change["s1"].attrs["status"] = "used"', "nobody else can write", "clusto*> ")
    terminal.say('commit("by hand")', "2")
    assert (site["s1"].attrs["status"], site.history()[0].message) == ("used", "by hand")
    assert site.history()[0].command == "clusto shell"
    terminal.say('change["s1"].attrs["status"] = "lost"', "nobody else can write", "clusto*> ")
    assert "the change was not committed" in terminal.end()
    assert site["s1"].attrs["status"] == "used"


def test_names_in_quotes_are_completed(terminal: Terminal) -> None:
    # Readline closes the quote behind the one text that there is; IPython leaves that to the typist.
    quote = "" if terminal.plain else '"'
    terminal.child.send('inventory["sw\t')
    terminal.until("sw1")
    terminal.say(f"{quote}].name", "'sw1'")
    terminal.child.send('inventory["s1"].attrs["stat\t')
    terminal.until("status")
    terminal.say(f"{quote}]", "'spare'")


def test_what_a_quote_may_become(site: clusto_core.Inventory) -> None:
    names = {"server": site["s1"]}
    for line, expected in (
        ('inventory["s', ["s1", "s2", "s3", "s4", "s5", "s6", "sw1"]),
        ("change.connect('sw1:4", ["sw1:4", *[f"sw1:4{digit}" for digit in range(9)]]),
        ('inventory["s1"].attrs["st', ["status"]),
        ('x = server.inherited.one("n', ["ntp"]),
        ('server.parts["e', ["eth0", "eth1"]),
        ('inventory["s1"].parts["psu', ["psu1", "psu2"]),
        ('find("driver:Rac', ["driver:Rack", "driver:RackUnit"]),
        ('change.allocate(2, "name:rack', ["name:rack1", "name:rack2"]),
        ('find(driver="Patch', ["PatchPanel"]),
        ('inventory["s1"] == inventory["rack', ["rack1", "rack2"]),
        ("inventory[", []),
        ('print("nothing begins so', []),
        ('unknown.parts["e', []),
    ):
        assert complete(site, line, names) == expected, line


def test_looking_at_a_change_begins_none(site: clusto_core.Inventory) -> None:
    session = Session(site, lambda line: None, interactive=False)
    change = session.names()["change"]
    for name in dir(change):
        getattr(change, name)
    assert (session.change, change.changes, repr(change)) == (None, [], "<change: not begun>")
    assert not hasattr(change, "fnid")
    assert [each.name for each in change.find("name:s1")] == ["s1"]
    assert session.change is not None
    change.message = "said before"
    change["s1"].attrs["status"] = "used"
    assert session.commit() == 2
    assert site.history()[0].message == "said before"


def test_a_program_from_a_pipe(clusto: Run, site: clusto_core.Inventory) -> None:
    done = clusto("shell", "-c", 'print(inventory["s1"].rack)')
    assert (done.out, done.err, done.code) == ("rack2\n", "", 0)
    done = clusto("shell", stdin='change["s1"].attrs["status"] = "used"\nprint(commit())\n')
    assert (done.out, done.code) == ("2\n", 0)
    done = clusto("shell", "-c", 'change["s1"].attrs["status"] = "lost"')
    assert "not committed" in done.err
    done = clusto("shell", "-c", 'change["s1"].attrs["status"] = "lost"; inventory["s99"]')
    assert done.code == 3
    assert done.err.splitlines()[-1] == "clusto: error: no such thing: s99"
    assert site["s1"].attrs["status"] == "used"
