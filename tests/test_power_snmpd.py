"""`clusto power` against net-snmp's snmpd, which serves an outlet table: v1, v2c, and v3 with SHA-256 and AES."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from tests.backends.snmpd import READ, V3_KEY, V3_USER, WRITE, snmpd
from tests.conftest import Run

TABLE = ".1.3.6.1.4.1.318.1.1.4.4.2.1"
OUTLETS = 8
CREDENTIALS = {
    "1": {"snmp.community": READ, "snmp.write_community": "env:CLUSTO_PDU_COMMUNITY"},
    "2c": {"snmp.community": READ, "snmp.write_community": "env:CLUSTO_PDU_COMMUNITY"},
    "3": {"snmp.user": V3_USER, "snmp.auth_key": "env:CLUSTO_PDU_KEY", "snmp.priv_key": "env:CLUSTO_PDU_KEY"},
}


@pytest.fixture
def power(here: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CLUSTO_PDU_COMMUNITY", WRITE)
    monkeypatch.setenv("CLUSTO_PDU_KEY", V3_KEY)
    return partial(here, "power")


@pytest.mark.parametrize("version", ["1", "2c", "3"])
def test_a_master_switch_served_by_snmpd(sqlite_url: str, power: Run, tmp_path: Path, version: str) -> None:
    """A family that writes the column it reads, so that an agent without code behind it behaves as a PDU."""
    numbers = range(1, OUTLETS + 1)
    lines = [f"override -rw {TABLE}.3.{number} integer 1" for number in numbers]
    lines += [f"override -rw {TABLE}.4.{number} octet_str server{number}" for number in numbers]
    lines.append(f"override .1.3.6.1.4.1.318.1.1.4.4.1.0 integer {OUTLETS}")
    inventory = Inventory(Settings(sqlite_url))
    with snmpd(tmp_path, lines, "1.3.6.1.4.1.318.1.3.4.2") as port:
        with inventory.change() as change:
            settings = {"snmp.host": "127.0.0.1", "snmp.port": port, "snmp.version": version, **CREDENTIALS[version]}
            for pdu in ("a", "b"):
                attributes = list(settings.items())
                change.add("PDU", f"pdu{pdu}", part_counts={"outlet": 10}, attributes=attributes)
            for number in range(1, 5):
                change.add("Server", f"server{number}")
                change.connect(f"server{number}:psu1", f"pdua:{number}")
                change.connect(f"server{number}:psu2", f"pdub:{number + 4}")
        assert power("status", "server1", "-v")[0] == 0
        code, out, _ = power("off", "server1", "--yes")
        assert (code, out.splitlines()[0]) == (0, "server1 off")
        assert power("status", "server[1-2]")[1].splitlines() == [
            "server1  off      pdua:1 off, pdub:5 off",
            "server2  on       pdua:2 on, pdub:6 on",
        ]
        assert power("cycle", "server[1-4]", "--yes", "--pause", "0")[0] == 0
        assert power("off", "pdua:9", "--yes")[1].startswith("pdua:9 unknown: pdua:9: no outlet 9: it has 8 outlets")
        with inventory.change() as change:
            for pdu in ("pdua", "pdub"):
                for key in {"snmp.write_community", "snmp.auth_key"} & CREDENTIALS[version].keys():
                    change.delete_values(change.resolve(pdu), Key.parse(key))
            change.add_values(change.resolve("pdua"), Key.parse("snmp.auth_key"), ["not the key"])
            change.add_values(change.resolve("pdub"), Key.parse("snmp.auth_key"), ["not the key"])
        code, out, _ = power("off", "server1", "--yes")
        assert code == 5
        assert ("Wrong SNMP PDU digest" if version == "3" else "is the community read-only?") in out or (
            version == "1" and "may not write" in out
        )
