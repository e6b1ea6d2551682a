"""How many round trips the loads of 40 PDUs take, beside what `snmpbulkget` needs for the same variables.

    python benchmarks/load.py [--quick] [--pdus 40]

Each simulated PDU has 24 outlets, and counts the datagrams that reach it. `bulkget` are the requests that one makes who
asks with `snmpbulkget -Cr25 COLUMN...`, table by table (the scalars by one `snmpget`), and goes on where an answer ends
before its table does; `bulkwalk` are those of `snmpbulkwalk -Cr25` for each column. Both are made here, as those
programs make them. The families are known: recognising one takes a few requests more, once.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from lab.agent import Agent
from lab.meter import Meter
from lab.pdu import Pdu
from table import Row, amount, arguments, beside, tell

from clusto_cli.backends.power import profile as profiles
from clusto_cli.backends.power.metering import _templates
from clusto_cli.backends.power.profile import Profile
from clusto_cli.backends.power.snmp import SnmpPower
from clusto_cli.backends.snmp import Oid, SnmpDevice, SnmpSettings, Varbind
from clusto_cli.backends.snmp.message import Kind

TITLE = "Requests for loads"
OUTLETS, MOST = 24, 1.1
FAMILIES = (
    *("apc-rpdu2", "apc-rpdu", "raritan-px2", "servertech-sentry3", "servertech-sentry4", "eaton-epdu", "hpe-g2-pdu3"),
    *("cyberpower-epdu2", "vertiv-geist-v5", "vertiv-mph", "enlogic", "dell-rpdu"),
)


async def row(family: str, pdus: int) -> Row:
    agents = []
    for _ in range(pdus):
        pdu = Pdu(profiles.load(family), OUTLETS)
        Meter(pdu)
        agents.append(Agent(pdu))
    ports = [await agent.start() for agent in agents]
    began = time.perf_counter()
    await asyncio.gather(*(loads(family, port) for port in ports))
    seconds = time.perf_counter() - began
    ours = sum(agent.requests for agent in agents)
    tables, scalars = columns_of(profiles.load(family))
    bulkget = pdus * (sum([await bulk(ports[0], table) for table in tables]) + bool(scalars))
    bulkwalk = pdus * (sum([await bulk(ports[0], [each]) for table in tables for each in table]) + len(scalars))
    for agent in agents:
        agent.stop()
    besides = f"bulkwalk {bulkwalk}, {amount(seconds)} by the clock"
    return beside(f"{family}, beside bulkget", ours, bulkget, "", most=MOST, besides=besides)


async def loads(family: str, port: int) -> None:
    async with SnmpPower(SnmpDevice(SnmpSettings("127.0.0.1", port)), profiles.load(family)) as power:
        assert await power.loads()


def columns_of(profile: Profile) -> tuple[list[list[Oid]], list[Oid]]:
    """The columns of each table that holds loads, and all scalars."""
    each = [list(dict.fromkeys(_templates(table))) for table in profile.loads]
    tables = [list(dict.fromkeys(template.fill() for template in table if template.is_column)) for table in each]
    scalars = [template.fill() for table in each for template in table if not template.is_column]
    return [table for table in tables if table], scalars


async def bulk(port: int, columns: Sequence[Oid]) -> int:
    """How many GETBULK requests of 25 repetitions reach the end of all these columns."""
    requests, last = 0, {column: column for column in columns}
    async with SnmpDevice(SnmpSettings("127.0.0.1", port)) as device:
        while last:
            asked = list(last)
            _, _, answer = await device._request(Kind.GET_BULK, list(map(Varbind, last.values())), 0, OUTLETS + 1)
            requests += 1
            for place, found in enumerate(answer):
                column = asked[place % len(asked)]
                if column in last and found.exists and found.oid[: len(column)] == column:
                    last[column] = found.oid
                else:
                    last.pop(column, None)
    return requests


def main() -> None:
    given = arguments(__doc__, pdus=(40, 5))
    tell(f"{TITLE} of {given.pdus} PDUs", [asyncio.run(row(family, given.pdus)) for family in FAMILIES])


if __name__ == "__main__":
    main()
