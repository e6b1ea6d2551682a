"""The wiring of power that a powerman.conf knows."""

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

FILE = """\
include "/etc/powerman/apcpdu3.dev"   # the specification
tcpwrappers yes
device "pdu-a" "apcpdu3" "127.0.0.1:1"
device "left" "apcpdu3" "10.0.9.7:23"
node "srv[1-2]" "pdu-a" "[3-4]"
node "srv1-b" "left" "7"
node "stranger" "left" "8"
alias "srv1" "srv1,srv1-b"
alias "all" "srv[1-2],stranger"
"""


@pytest.fixture(autouse=True)
def addresses(site: Inventory) -> None:
    """The file calls one PDU otherwise than the inventory."""
    from clusto_core.rules import claims

    with site.change() as change:
        claims.hold(change.unit, change.resolve("pdu-b:mgmt"), "10.0.9.7")


def test_the_wiring_of_power(site: Inventory, sync: Sync) -> None:
    """Lists of nodes and plugs, PDUs by name and by address, and a second feed that an alias tells of."""
    report = sync("powerman", FILE.replace('alias "srv1" "srv1,srv1-b"', 'alias "srv1" "srv1-b"'))
    assert wires(site, "srv1", "srv2") == {"srv1:psu1": "pdu-a:3", "srv1:psu2": "pdu-b:7", "srv2:psu1": "pdu-a:4"}
    assert (report.in_step, report.unknown) == (True, 1)


def test_a_feed_moves_and_one_goes(site: Inventory, sync: Sync) -> None:
    """The power supply that was on the old outlet gets the new one."""
    sync("powerman", FILE)
    moved = FILE.replace('node "srv1-b" "left" "7"', 'node "srv1-b" "left" "9"').replace(
        '"srv[1-2]" "pdu-a" "[3-4]"', '"srv1" "pdu-a" "3"'
    )
    assert sync("powerman", moved).in_step
    assert wires(site, "srv1", "srv2") == {"srv1:psu1": "pdu-a:3", "srv1:psu2": "pdu-b:9"}


def test_what_is_not_here_is_told(site: Inventory, sync: Sync) -> None:
    report = sync("powerman", FILE.replace('"[3-4]"', '"[25-26]"'))
    assert [each.text.rpartition("/")[2] for each in report.held] == [
        "powerman:5: no such outlet: pdu-a:25",
        "powerman:5: no such outlet: pdu-a:26",
    ]


@pytest.mark.parametrize("spec", [None, "apcpdu3"])
def test_what_is_exported_is_what_is_there(site: Inventory, sync: Sync, spec: str | None) -> None:
    """Through clusto's own specification, and one of PowerMan's."""
    with site.change() as change:
        change.add("PatchPanel", "pp1")
        change.add("Inlet", "srv1:Power/3")
        for end, outlet in (("srv1:psu1", "pdu-a:1"), ("srv1:Power/3", "pdu-b:1"), ("srv2:psu2", "pdu-b:24")):
            change.connect(end, outlet)
        if spec is not None:
            change.set_values(change.resolve("dc"), Key.parse("powerman.spec"), [spec])
    before, text = exported(site), written(site, "powerman", "powerman.spec")
    assert ('device "pdu-a" "apcpdu3"' in text) is (spec is not None)
    assert sync("powerman", text).in_step
    assert exported(site) == before
    with site.change() as change:
        for end in ("srv1:psu1", "srv1:Power/3", "srv2:psu2"):
            change.disconnect(end)
    assert sync("powerman", text, source="anew").in_step
    assert exported(site) == before


def test_powermand_itself_reads_what_is_read(tmp_path: Path) -> None:
    powermand = shutil.which("powermand", path="/usr/sbin:/usr/bin:/sbin")
    if powermand is None or not Path("/etc/powerman/apcpdu3.dev").exists():
        pytest.skip("powermand is not installed (Debian: powerman)")
    path = tmp_path / "powerman.conf"
    path.write_text(FILE.replace("10.0.9.7:23", "127.0.0.1:1").replace("tcpwrappers yes\n", ""), encoding="utf-8")
    done = subprocess.run(
        [powermand, "-c", path, "-f", "-s", "-1"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('node "a" "b" "1"', "1: no such device before this line: 'b'"),
        ('device "b" "x" "y"\nnode "a[1-3]" "b" "[1-2]"', "2: 3 nodes, and 2 plugs"),
        ('device "b" "x" "y"\nnode "a[1-999999999]" "b"', "2: malformed range"),
        ('device "b', '1: a " without another one'),
        ("\nnonsense", "2: expected device, node or alias"),
        ("node \udcff", "1: bytes that are no text"),
    ],
)
def test_a_file_that_means_ill(sync: Sync, text: str, told: str) -> None:
    """One line, with the line of the file."""
    with pytest.raises(Malformed) as error:
        sync("powerman", text)
    assert f"powerman:{told}" in str(error.value)
    assert "\n" not in str(error.value)
