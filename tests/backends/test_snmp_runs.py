"""Variables asked by rows: the same values as asked by name, whatever a device has and wherever it ends an answer."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab.agent import GEN_ERR, Agent
from snmpd import READ, WRITE

from clusto_cli.backends.snmp import Oid, SnmpDevice, Tag, Varbind, parse_oid
from clusto_cli.backends.snmp.message import Kind, Message, varbind_octets
from clusto_cli.backends.snmp.runs import Rows, by_rows, taken
from tests.backends.test_snmp import OUTLETS, agent_port, settings_for

__all__ = ["agent_port"]
TABLE = parse_oid("1.3.6.1.4.1.99999.1")
COLUMNS = st.integers(1, 4)
NUMBERS = st.integers(0, 20)
NAMES = st.sets(st.tuples(COLUMNS, NUMBERS).map(lambda cell: (*TABLE, *cell)))


def bulk(values: Mapping[Oid, int], rows: Rows, cut: int) -> list[Varbind]:
    """What a device answers that ends its answers after so many variables (RFC 3416 section 4.2.3)."""
    names, last, answer = sorted(values), [each.oid for each in rows.before], []
    for _ in range(rows.many):
        for place, oid in enumerate(last):
            after = bisect_right(names, oid)
            last[place] = names[after] if after < len(names) else oid
            ended = after == len(names)
            answer.append(Varbind(last[place], Tag.END_OF_MIB_VIEW if ended else Tag.INTEGER, values.get(last[place])))
    return answer[:cut]


@settings(deadline=None)
@given(NAMES, NAMES, st.integers(0, 90), st.integers(100, 2000))
def test_rows_have_the_values_that_names_have(wanted: set[Oid], known: set[Oid], cut: int, room: int) -> None:
    values = {oid: sum(oid) for oid in known}
    rows, rest = by_rows(wanted, lambda oid: varbind_octets(Varbind(oid)), room)
    asked = [oid for each in rows for oid in each.oids]
    assert sorted([*asked, *rest]) == sorted(wanted), "each variable is asked once"
    found: dict[Oid, object] = {}
    for each in rows:
        told, silent = taken(each, bulk(values, each, cut)) or ([], each.oids)
        found |= {varbind.oid: varbind.value for varbind in told}
        assert not {varbind.oid for varbind in told} & set(silent)
        found |= {oid: values[oid] for oid in silent if oid in values}
    assert {oid: value for oid, value in found.items() if oid in wanted} == {
        oid: values[oid] for oid in asked if oid in values
    }


@pytest.mark.parametrize(
    "answer",
    [
        [(*TABLE, 1, 2), (*TABLE, 2, 1), (*TABLE, 1, 1), (*TABLE, 2, 2)],
        [(*TABLE, 1, 1), (*TABLE, 1, 2), (*TABLE, 2, 1), (*TABLE, 2, 2)],
    ],
    ids=["rows that go back", "columns one after the other"],
)
def test_what_is_no_answer_to_rows_is_none(answer: list[Oid]) -> None:
    rows = Rows([(*TABLE, 1), (*TABLE, 2)], 1, 2)
    assert taken(rows, [Varbind(oid, Tag.INTEGER, 1) for oid in answer]) is None


@pytest.mark.parametrize("version", ["1", "2c", "3"])
def test_forty_outlets_at_snmpd(agent_port: int, version: str) -> None:
    async def scenario() -> int:
        async with SnmpDevice(settings_for(agent_port, version)) as device:
            absent = (*OUTLETS[0][:-1], 41)
            values = await device.get_many([*OUTLETS, absent])
            assert values == {**dict.fromkeys(OUTLETS, 1), absent: None}
            return device.requests

    assert asyncio.run(scenario()) <= (5 if version == "1" else 2)


def test_a_device_that_answers_no_rows_is_asked_by_name() -> None:
    class Table:
        def names(self) -> list[Oid]:
            return OUTLETS

        def read(self, oid: Oid) -> Varbind | None:
            return Varbind(oid, Tag.INTEGER, 7) if oid in OUTLETS else None

        def write(self, varbinds: object) -> tuple[int, int]:
            raise AssertionError("nothing is written")

    class Without(Agent):
        rows = 0

        def _handle(self, request: Message) -> tuple[int, int, object]:  # type: ignore[override]
            if request.kind == Kind.GET_BULK:
                Without.rows += 1
                return GEN_ERR, 0, request.varbinds
            return super()._handle(request)

    async def scenario() -> None:
        agent = Without(Table(), read=READ, write=WRITE)
        port = await agent.start()
        async with SnmpDevice(settings_for(port, "2c")) as device:
            for _ in range(2):
                assert set((await device.get_many(OUTLETS)).values()) == {7}
        agent.stop()
        assert Without.rows == 1, "it is not asked so again"

    asyncio.run(scenario())
