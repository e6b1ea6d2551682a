"""What the tables of xCAT say of machines that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusto_core.errors import Malformed
from clusto_core.inventory import Inventory
from clusto_core.transfer.mentions.xcat_tables import worked_out
from tests.conftest import Run
from tests.transfer.mentions.conftest import Sync, wires
from tests.transfer.sync.sites import exported

TABLES = r"""#node,groups,status,statustime,primarysn,hidden,zonename,comments,disable
"srv1","all,web,compute",,,,,,,
"srv2","all,compute",,,,,,"says ""hi"",
and more",
"srv3","all",,,,,,,"1"
"stranger","all,compute",,,,,,,
#node,ip,hostnames,otherinterfaces,comments,disable
"compute","|\D+(\d+)|10.0.7.($1+100)|","|srv$1.cluster|","|\D+(\d+)|-eth1:10.1.0.($1*2+1)|",,
"srv1","10.0.0.1",,,,
#node,interface,mac,comments,disable
"srv1","eth0","52:54:00:00:00:01|52:54:00:00:00:02!srv1-eth1",,
#node,power,mgt,cons,termserver,termport,conserver,serialport,serialspeed,serialflow,getmac,comments,disable
"compute","ipmi","ipmi",,"cs1","|7000+$1|",,,,,,,
"srv1",,,,,"7004",,,,,,,
"srv2",,,,,"|(7000+$1)|",,,,,,,
#node,bmc,bmcport,taggedvlan,bmcid,username,password,comments,disable
"compute","/srv/bmc/",,,,"ADMIN","s3cr3t",,
#node,pdu,comments,disable
"srv1","pdu-a:3,pdu-b:3",,
#node,switch,vlan,port,interface,comments,disable
"srv1","sw1",,"7","eth1",,
#node,serial,mtm,side,asset,uuid,comments,disable
"srv2","S-2","8231",,"A7",,,
#node,rack,u,chassis,slot,room,height,comments,disable
"srv1","r1","5",,,,"2",,
#key,value,comments,disable
"domain","example.net",,
"""


def test_nodes(site: Inventory, sync: Sync) -> None:
    """Rows of nodes and of groups, values that are worked out, all wiring; what is disabled is passed over."""
    with site.change() as change:
        change.add("Rack", "r1", parents=["dc"])
    report = sync("xcat", TABLES)
    assert (report.in_step, report.unknown) == (True, 1), report.held
    assert wires(site, "srv1") == {
        "srv1:console": "cs1:4", "srv1:psu1": "pdu-a:3", "srv1:psu2": "pdu-b:3", "srv1:eth1": "sw1:7",
    }  # fmt: skip
    assert wires(site, "srv2") == {"srv2:console": "cs1:2"}
    found = exported(site)
    assert (found["srv1"]["at"], sorted(found["srv1"]["in"])) == ("r1:RU5-6", ["web"])
    assert found["srv1"]["ip"] == [{"eth0": ["10.0.0.1"], "eth1": ["10.1.0.3"]}]
    assert found["srv1"]["part_attrs"] == {
        "eth0": {"mac": "52:54:00:00:00:01"}, "eth1": {"mac": "52:54:00:00:00:02"},
    }  # fmt: skip
    assert found["srv2"]["ip"] == ["10.0.7.102", {"eth1": ["10.1.0.5"]}]
    assert found["srv2"]["attrs"] == {"asset.tag": "A7", "bmc.host": "bmc2", "group.xcat": "compute", "serial": "S-2"}
    assert "s3cr3t" not in str(found)
    assert sync("xcat", TABLES).transaction is None


def test_tables_in_files_of_their_own(clusto: Run, tmp_path: Path) -> None:
    """A directory of them, as dumpxCATdb writes it, or each by its name."""
    for name in ("srv1", "srv2"):
        clusto("add", "Server", name)
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "nodelist.csv").write_text('#node,groups,disable\n"srv1","rack",\n"srv2","rack",\n')
    (tmp_path / "db" / "hosts.csv").write_text('#node,ip,hostnames,disable\n"rack","|10.0.0.$1|",,\n')
    (tmp_path / "db" / "site.csv").write_text('#key,value,disable\n"a","b",\n')
    done = clusto("import", "--format", "xcat", str(tmp_path / "db"))
    assert done.code == 0, done.err
    assert "tables that are not read" in done.err
    assert clusto("show", "srv2").out.count("10.0.0.2") == 1
    files = [str(tmp_path / "db" / f"{name}.csv") for name in ("hosts", "nodelist")]
    assert "in step" in clusto("import", "--format", "xcat", *files).out


@pytest.mark.parametrize(
    ("text", "node", "value"),
    [
        ("10.0.0.1", "n1", "10.0.0.1"),
        (r"|\D+(\d+)|10.0.0.($1+0)|", "node007", "10.0.0.7"),
        (r"|\D+(\d+)\D+(\d+)|10.$1.($2/2).((20-$2)*3)|", "r2n9", "10.2.4.33"),
        ("|10.($1-1).$2.1|", "rack02-node11", "10.1.11.1"),
        ("/node/bmc/", "node7", "bmc7"),
        ("/node$/-bmc/", "x", "x"),
        (r"|r(\d+)|($1%3)|", "r10", "1"),
    ],
)
def test_values_that_are_worked_out(text: str, node: str, value: str) -> None:
    assert worked_out(text, node, 1) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("srv1,web", "1: expected what tabdump writes"),
        ('#node,groups,disable\n"srv1', "malformed CSV"),
        ("#node,groups,disable\na,b,c,d", "2: 4 cells, and 3 columns"),
        ("#node,ip,hostnames\nsrv1,|(a+)+$|x|,", "2: srv1: a pattern that repeats too much"),
        ("#node,ip,hostnames\nsrv1,|(|x|,", "2: srv1: malformed pattern"),
        ("#node,ip,hostnames\nsrv1,|s|(1/0)|,", "2: srv1: not a sum"),
        ("#node,interface,mac\nsrv1,,zz", "2: srv1: malformed MAC address"),
        ("#node,pdu\nsrv1,pdu1", "2: srv1: expected PDU:OUTLET"),
        ("#node,groups\n\udcff", "2: bytes that are no text"),
    ],
)
def test_a_file_that_means_ill(sync: Sync, text: str, told: str) -> None:
    """One line, with the line of the file."""
    with pytest.raises(Malformed) as error:
        sync("xcat", text)
    assert told in str(error.value)
    assert "/xcat:" in str(error.value)
    assert "\n" not in str(error.value)
