"""The wiring of consoles that a conserver.cf knows."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from clusto_core.errors import Malformed
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from tests.transfer.mentions.conftest import Sync, wires, written
from tests.transfer.sync.sites import exported

FILE = r"""
#include /etc/conserver/access.cf
access * { trusted 127.0.0.1; }
default * { master localhost; rw *; }
default cs { type host; host cs1.example.net; portbase 7000; }
console srv1 { include cs; port 3; aliases web1,web2; }
console "srv2.example.net" { type exec; exec "telnet 10.0.9.1 7012"; }  # by its address
console stranger { include cs; port 9; }
con\sole lab { type noop; initspinner "}{;#"; }
"""


def test_the_wiring_of_consoles(site: Inventory, sync: Sync) -> None:
    """By the name of a console server in its domain, and by its address; by port and by TCP port."""
    report = sync("conserver", FILE)
    assert wires(site, "cs1") == {"cs1:3": "srv1:console", "cs1:12": "srv2:console"}
    assert (report.in_step, report.unknown) == (True, 2)
    assert report.notes[0].endswith("1 consoles do not say by which port or controller")


def test_the_same_again_is_no_change(site: Inventory, sync: Sync) -> None:
    sync("conserver", FILE)
    again = sync("conserver", FILE)
    assert (again.changed, again.transaction) == (2, None)  # the strangers are asked for again


def test_a_console_moves_to_another_port(site: Inventory, sync: Sync) -> None:
    sync("conserver", FILE)
    assert sync("conserver", FILE.replace("port 3;", "port 5;")).in_step
    assert wires(site, "cs1") == {"cs1:5": "srv1:console", "cs1:12": "srv2:console"}


def test_what_was_connected_here_is_a_conflict(site: Inventory, sync: Sync) -> None:
    """Until somebody decides it."""
    with site.change() as change:
        change.connect("srv1:console", "cs1:8")
    report = sync("conserver", FILE)
    assert [(each.name, each.text) for each in report.conflicts] == [
        ("srv1", "what is connected to srv1:console is cs1:3 in conserver and cs1:8 here")
    ]
    assert sync("conserver", FILE, prefer="source").in_step
    assert wires(site, "srv1") == {"srv1:console": "cs1:3"}


def test_what_is_behind_a_panel_is_connected(site: Inventory, sync: Sync) -> None:
    """The file knows nothing of panels."""
    with site.change() as change:
        change.add("PatchPanel", "pp1")
        change.connect("pp1:rear1", "cs1:3")
        change.connect("srv1:console", "pp1:1")
    before = exported(site)
    assert sync("conserver", FILE.replace('console "srv2', 'console "other')).in_step
    assert exported(site) == before


def test_a_controller_is_one_of_the_machine_s(site: Inventory, sync: Sync) -> None:
    """Whether conserver speaks to it itself, or starts what does."""
    sync(
        "conserver",
        'console srv1 { type ipmi; host bmc1; }\nconsole srv2 { type exec; exec "ipmitool -H b2 sol activate"; }',
    )
    with site.read() as reader:
        found = {each.name: reader.setting(each, "bmc.host") for each in map(reader.resolve, ("srv1", "srv2"))}
    assert found == {"srv1": "bmc1", "srv2": "b2"}


def test_what_cannot_be_is_told_of_that_machine_alone(site: Inventory, sync: Sync) -> None:
    """A console server that nobody knows, a port that it has not."""
    text = "default x { type host; }\nconsole srv1 { include x; host cs9; port 7001; }\n"
    report = sync("conserver", text + "console srv2 { include x; host cs1; port 7999; }\n")
    assert [each.name for each in report.held] == ["srv1", "srv2"]
    assert "conserver:2: no such thing: cs9, which has the port for srv1" in report.held[0].text
    assert "which port of cs1 has TCP port 7999? set console.base" in report.held[1].text


@pytest.mark.parametrize("base", [None, 3000])
def test_what_is_exported_is_what_is_there(site: Inventory, sync: Sync, base: int | None) -> None:
    """Of machines with one console and with two, whichever way conserver reaches them."""
    with site.change() as change:
        change.add("SerialPort", "srv1:com/2")
        for port, end in ((3, "srv1:console"), (4, "srv1:com/2"), (5, "srv2:console")):
            change.connect(end, f"cs1:{port}")
        if base is not None:
            change.set_values(change.resolve("cs1"), Key.parse("console.base"), [base])
    before = exported(site)
    report = sync("conserver", written(site, "conserver"))
    assert report.in_step
    assert exported(site) == before


def test_what_was_exported_is_connected_again(site: Inventory, sync: Sync) -> None:
    """The names of consoles say which of a machine's serial ports they are."""
    with site.change() as change:
        change.add("SerialPort", "srv1:com/2")
        change.set_values(change.resolve("cs1"), Key.parse("console.base"), [3000])
        for port, end in ((3, "srv1:console"), (4, "srv1:com/2"), (5, "srv2:console")):
            change.connect(end, f"cs1:{port}")
    before, text = exported(site), written(site, "conserver")
    with site.change() as change:
        for end in ("srv1:console", "srv1:com/2", "srv2:console"):
            change.disconnect(end)
    assert sync("conserver", text).in_step
    assert exported(site) == before


def test_conserver_itself_reads_what_is_read(site: Inventory, tmp_path: Path) -> None:
    conserver = shutil.which("conserver", path="/usr/sbin:/usr/bin:/usr/local/sbin") or pytest.skip(
        "conserver is not installed (Debian: conserver-server)"
    )
    path = tmp_path / "conserver.cf"
    text = FILE.replace("#include /etc/conserver/access.cf", "").replace("type noop; ", "type noop; ")
    path.write_text(text.replace(' initspinner "}{;#";', ""), encoding="utf-8")
    done = subprocess.run([conserver, "-S", "-C", path], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("console a {\n  type host\n}", "2: expected ; behind 'type'"),
        ("console a {", "1: console 'a' has no }"),
        ('\nconsole "a {', '2: a " without another one'),
        ("console a { include b; }", "1: no such default before this line: 'b'"),
        ("console a { type host; host h; portbase x; port 1; }", "1: portbase, portinc and port are numbers"),
        ("\n\n}", "3: expected a word, found }"),
        ("console a { \udcff; }", "1: bytes that are no text"),
        ("console a { {{{{", "1: expected a word, found {"),
    ],
)
def test_a_file_that_means_ill(sync: Sync, text: str, told: str) -> None:
    """One line, with the line of the file."""
    with pytest.raises(Malformed) as error:
        sync("conserver", text)
    assert f"conserver:{told}" in str(error.value)
    assert "\n" not in str(error.value)
