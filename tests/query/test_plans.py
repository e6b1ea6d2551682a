"""The statements use indexes: no table that grows with the site is read from end to end."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.query import saving
from clusto_core.query.binding import bind
from clusto_core.query.compiler import Compiler
from clusto_core.query.parser import parse

EXPRESSIONS = """
driver:Console connected to name:server2
driver:Server
driver:Server connected to name:rack002
attr:foo,12 and driver:Server
driver:Server in name:datacenterZ and not attr:status,allocated
driver:NIC and attr:mac,52:54:*
(driver:Server in name:web-pool) and haskey(serial) and name:/^s0[0-9]+$/
driver:PDU connected to (driver:Server in name:rack101)
not (name:web* or name:db*) and driver:Server
driver:Server and attr:_ip,10.2.0.0/16
driver:Server and count(connected to driver:PDU) < 2
driver:Server and not (connected to driver:PDU via power)
name:server1 in name:datacenterZ
name:server1:eth0 in name:rack001
_ip:10.0.0.0/24
attr:serial,SN*
attr:status={spare}
connected to name:switch1a:4
driver:PatchPanel connected to name:switch1a:48
name:panel1b connected to driver:Switch
name:server[1-20] and count(in driver:Rack) = 1
driver:Switch connected to (not driver:Server)
@spares or name:rack*
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Inventory:
    import shutil

    path = tmp_path_factory.mktemp("large") / "clusto.db"
    shutil.copy(sqlite_template, path)
    inventory = Inventory(Settings(f"sqlite:///{path}"))
    with inventory.change() as change:
        change.add("Datacenter", "datacenterZ")
        change.add("Pool", "web-pool")
        for rack in range(1, 4):
            name = f"rack{rack:03}"
            change.add("Rack", name, parents=["datacenterZ"])
            change.add("Switch", f"switch{rack}a")
            change.add("PDU", f"pdu{rack}", part_counts={"outlet": 48})
            for panel in (f"panel{rack}a", f"panel{rack}b"):
                change.add("PatchPanel", panel, part_counts={"port": 4})
            change.connect(f"panel{rack}a:1", f"switch{rack}a:48")
            change.connect(f"panel{rack}a:rear1", f"panel{rack}b:rear1")
            change.connect(f"panel{rack}b:1", f"panel{rack}a:2")
            for number in range(1, 41):
                server = f"server{(rack - 1) * 40 + number}"
                attributes = [("status", "spare"), ("serial", f"SN{rack}-{number}"), ("foo", 12)]
                change.add("Server", server, attributes=attributes)
                change.connect(server, f"{name}:RU{number}")
                change.connect(f"{server}:eth0", f"switch{rack}a:{number}")
                change.connect(f"{server}:psu1", f"pdu{rack}:{number}")
                mac = f"52:54:00:00:{rack:02x}:{number:02x}"
                change.add_values(change.resolve(f"{server}:eth0"), Key("mac"), [mac])

        saving.save(change.unit, "spares", "attr:status,spare", allow_unknown=True)
    return inventory


@pytest.mark.parametrize("expression", EXPRESSIONS.strip().splitlines())
def test_no_large_table_is_scanned(large: Inventory, expression: str) -> None:
    with large.read() as reader:
        bound = bind(reader, parse(expression), allow_unknown=True)
        sql, parameters = Compiler(reader).compile(bound.tree, ("id",))
        plan = [row[3] for row in reader.database.rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
    tables = {"things", "attributes", "connections"}
    aliases = {alias for word, alias in zip(sql.split(), sql.split()[1:], strict=False) if word in tables}
    scans = [step for step in plan if step.startswith("SCAN") and (step.split()[1] in aliases | tables)]
    assert not scans, (sql, plan)
    assert not [step for step in plan if "AUTOMATIC" in step], (sql, plan)
