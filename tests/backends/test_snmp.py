"""The transport against net-snmp's snmpd, and against agents whose network loses, repeats and delays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from lab.agent import NOT_WRITABLE, Agent, Manners
from snmpd import READ, V3_KEY, V3_USER, WRITE, snmpd

from clusto_cli.backends.base import AuthenticationFailed, Unreachable
from clusto_cli.backends.snmp import (
    NoAnswer,
    Oid,
    SnmpDevice,
    SnmpRefused,
    SnmpSettings,
    Tag,
    Value,
    Varbind,
    parse_oid,
)

COLUMN = parse_oid("1.3.6.1.4.1.318.1.1.4.4.2.1.3")
SYSTEM = parse_oid("1.3.6.1.2.1.1")
OUTLETS = [(*COLUMN, number) for number in range(1, 41)]


def integer(oid: Oid, value: int) -> Varbind:
    return Varbind(oid, Tag.INTEGER, value)


@pytest.fixture(scope="module")
def agent_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    lines = [f"override -rw .{'.'.join(map(str, oid))} integer 1" for oid in OUTLETS]
    with snmpd(tmp_path_factory.mktemp("snmpd"), lines) as port:
        yield port


def settings_for(port: int, version: str, **changes: object) -> SnmpSettings:
    known: dict[str, object] = {"timeout": 0.5, "retries": 3}
    if version == "3":
        known |= {"user": V3_USER, "auth_key": V3_KEY, "priv_key": V3_KEY}
    else:
        known |= {"community": READ, "write_community": WRITE}
    return SnmpSettings("127.0.0.1", port, version, **(known | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("version", ["1", "2c", "3"])
def test_get_walk_and_set_on_snmpd(agent_port: int, version: str) -> None:
    async def scenario() -> None:
        async with SnmpDevice(settings_for(agent_port, version)) as device:
            assert await device.get((*SYSTEM, 2, 0)) == parse_oid("1.3.6.1.4.1.8072.3.2.10")
            assert await device.get((*SYSTEM, 99, 0)) is None
            rows = await device.walk(COLUMN, SYSTEM)
            assert [oid for oid in rows if oid[: len(COLUMN)] == COLUMN] == OUTLETS
            assert isinstance(rows[(*SYSTEM, 1, 0)], bytes)
            await device.set([integer(OUTLETS[0], 2), integer(OUTLETS[1], 3)])
            absent = (*COLUMN, 99)
            failures = await device.set_many([integer(oid, 4) for oid in (OUTLETS[2], absent, *OUTLETS[3:])])
            assert set(failures) == {absent}
            assert isinstance(failures[absent], SnmpRefused)
            values = await device.get_many([absent, *OUTLETS])
            assert list(values.values()) == [None, 2, 3, *[4] * 38]
            await device.set_many([integer(oid, 1) for oid in OUTLETS])

    asyncio.run(scenario())


@pytest.mark.parametrize("version", ["2c", "3"])
def test_forty_variables_take_few_packets_each_within_484_octets(agent_port: int, version: str) -> None:
    async def scenario() -> int:
        async with SnmpDevice(settings_for(agent_port, version)) as device:
            await device.get_many(OUTLETS)
            return device.requests

    assert asyncio.run(scenario()) <= 4


@pytest.mark.parametrize(
    "changes",
    [
        {"auth_key": "another key"},
        {"user": "nobody"},
        {"priv_key": None},
        {"auth_key": None, "priv_key": None},
    ],
)
def test_version_3_rejects_what_is_not_its_user(agent_port: int, changes: dict[str, object]) -> None:
    async def scenario() -> None:
        async with SnmpDevice(settings_for(agent_port, "3", **changes)) as device:
            await device.get((*SYSTEM, 2, 0))

    with pytest.raises(AuthenticationFailed):
        asyncio.run(scenario())


def test_two_users_of_one_name_on_two_agents(agent_port: int, tmp_path: Path) -> None:
    """Keys belong to a device: the engine that is shared must not mix them up."""

    async def scenario(other_port: int) -> list[Value]:
        right, wrong = settings_for(agent_port, "3"), settings_for(other_port, "3", auth_key="another key")
        async with SnmpDevice(right) as first, SnmpDevice(wrong) as second, SnmpDevice(right) as third:
            answers = [await first.get((*SYSTEM, 2, 0))]
            with pytest.raises(AuthenticationFailed):
                await second.get((*SYSTEM, 2, 0))
            answers.append(await third.get((*SYSTEM, 2, 0)))
            return answers

    with snmpd(tmp_path, []) as other_port:
        assert len(set(asyncio.run(scenario(other_port)))) == 1


@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_read_only_community_is_refused_by_name(agent_port: int, version: str) -> None:
    async def scenario() -> None:
        async with SnmpDevice(settings_for(agent_port, version, write_community=None)) as device:
            await device.set([integer(OUTLETS[0], 2)])

    with pytest.raises(SnmpRefused, match=r"1\.3\.6.*community"):
        asyncio.run(scenario())


def test_another_community_is_silence_for_the_time_allowed(agent_port: int) -> None:
    async def scenario() -> int:
        async with SnmpDevice(settings_for(agent_port, "2c", community="wrong", timeout=0.1, retries=2)) as device:
            with pytest.raises(Unreachable, match=r"no answer in 0\.3 s"):
                await device.get_many(OUTLETS)
            return device.requests

    # One request is repeated until patience ends; the others of the same call are not sent into the void one by one.
    assert asyncio.run(scenario()) <= 8


def test_nothing_listening_is_known_at_once() -> None:
    async def scenario() -> int:
        async with SnmpDevice(SnmpSettings("127.0.0.1", 1, timeout=60)) as device:
            with pytest.raises(Unreachable, match="nothing listens"):
                await device.get(SYSTEM)
            return device.requests

    assert asyncio.run(scenario()) == 1


class Cells:
    """Writable integers. Counts how often each is written."""

    def __init__(self, names: Sequence[Oid]) -> None:
        self.values = dict.fromkeys(names, 1)
        self.writes = dict.fromkeys(names, 0)
        self._names = sorted(names)

    def names(self) -> Sequence[Oid]:
        return self._names

    def read(self, oid: Oid) -> Varbind | None:
        return integer(oid, self.values[oid]) if oid in self.values else None

    def write(self, varbinds: Sequence[Varbind]) -> tuple[int, int]:
        for position, varbind in enumerate(varbinds, 1):
            if varbind.oid not in self.values:
                return NOT_WRITABLE, position
        for varbind in varbinds:
            assert isinstance(varbind.value, int)
            self.values[varbind.oid] = varbind.value
            self.writes[varbind.oid] += 1
        return 0, 0


async def switch_all(manners: Manners, version: str = "2c") -> tuple[Cells, Agent, SnmpDevice, dict[Oid, Value]]:
    """Sets all forty to 2 and reads them back."""
    cells = Cells(OUTLETS)
    agent = Agent(cells, manners=manners)
    port = await agent.start()
    settings = SnmpSettings("127.0.0.1", port, version, "public", "private", timeout=0.1, retries=9)
    try:
        async with SnmpDevice(settings) as device:
            assert await device.set_many([integer(oid, 2) for oid in OUTLETS]) == {}
            return cells, agent, device, await device.get_many(OUTLETS)
    finally:
        agent.stop()


@pytest.mark.parametrize("version", ["1", "2c"])
@pytest.mark.parametrize(
    "manners",
    [
        Manners(),
        Manners(max_octets=120),
        Manners(max_varbinds=1),
        Manners(max_varbinds=7),
        Manners(deaf_over=150),
        Manners(latency=0.005, late=0.3, late_by=0.12),
        Manners(loss=0.2, duplicates=0.2, seed=4),
    ],
    ids=["good", "tooBig", "one by one", "genErr", "deaf to long ones", "late", "lossy"],
)
def test_all_are_written_whatever_the_agent_takes(manners: Manners, version: str) -> None:
    cells, _, _, values = asyncio.run(switch_all(manners, version))
    assert set(cells.values.values()) == {2}
    assert values == dict.fromkeys(OUTLETS, 2)


def test_the_size_that_an_agent_takes_is_remembered() -> None:
    _, agent, _, _ = asyncio.run(switch_all(Manners(max_varbinds=5)))
    # 40 variables by 5, written and read: 16, and the few that found the size.
    assert agent.requests <= 16 + 12


def test_what_may_not_be_repeated_is_sent_once() -> None:
    async def scenario() -> tuple[Cells, int]:
        cells = Cells(OUTLETS)
        agent = Agent(cells, manners=Manners(late=1.0, late_by=5))
        port = await agent.start()
        async with SnmpDevice(SnmpSettings("127.0.0.1", port, community="private", timeout=0.05)) as device:
            with pytest.raises(NoAnswer):
                await device.set([integer(OUTLETS[0], 2)], repeat=False)
        agent.stop()
        return cells, agent.requests

    cells, requests = asyncio.run(scenario())
    assert (cells.writes[OUTLETS[0]], requests) == (1, 1)


def test_a_table_that_runs_in_circles_ends() -> None:
    class Circle(Cells):
        def read(self, oid: Oid) -> Varbind | None:
            return integer(OUTLETS[0], 1)

    async def scenario() -> None:
        agent = Agent(Circle(OUTLETS))
        port = await agent.start()
        async with SnmpDevice(SnmpSettings("127.0.0.1", port)) as device:
            await device.walk(COLUMN)

    with pytest.raises(Exception, match="does not advance"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "2"}, "1, 2c or 3"),
        ({"version": "3"}, "snmp.user"),
        ({"version": "3", "user": "u", "priv_key": "long enough"}, "auth_key"),
        ({"version": "3", "user": "u", "auth_key": "short"}, "8 characters"),
        ({"version": "3", "user": "u", "auth_protocol": "SHA-3"}, "SHA-256"),
        ({"port": 0}, "port"),
        ({"timeout": 0}, "out of range"),
    ],
)
def test_settings_that_cannot_work_say_so(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SnmpSettings("pdu", **changes)  # type: ignore[arg-type]


def test_secrets_are_not_in_what_is_printed() -> None:
    settings = SnmpSettings(
        "pdu", version="3", user="u", community="s3cret", auth_key="s3cret-auth", priv_key="s3cret-priv"
    )
    assert "s3cret" not in repr(settings)
