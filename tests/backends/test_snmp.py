"""The transport against net-snmp's snmpd, and against agents whose network loses, repeats and delays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.agent import NOT_WRITABLE, Agent, Manners
from snmpd import READ, V3_KEY, V3_USER, WRITE, answering_from, snmpd

from clusto_cli.backends import telling
from clusto_cli.backends.errors import AuthenticationFailed, Refused, Unreachable
from clusto_cli.backends.snmp import (
    NoAnswer,
    Oid,
    SnmpDevice,
    SnmpRefused,
    SnmpSettings,
    Tag,
    Value,
    Varbind,
    bounds,
    parse_oid,
)
from clusto_cli.backends.snmp.pace import Pace

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


@pytest.mark.parametrize("version", ["1", "2c", "3"])
def test_answers_from_another_address_are_told_and_taken_where_that_is_set(agent_port: int, version: str) -> None:
    """Devices of several addresses, and routers that share one, answer from whichever their routing chooses."""

    async def scenario(port: int, any_source: bool) -> Value:
        async with SnmpDevice(settings_for(port, version, any_source=any_source)) as device:
            return await device.get((*SYSTEM, 2, 0))

    with answering_from("127.0.0.9", agent_port) as port:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.9.*snmp\.any_source=true"):
            asyncio.run(scenario(port, False))
        assert asyncio.run(scenario(port, True)) == parse_oid("1.3.6.1.4.1.8072.3.2.10")


@pytest.mark.parametrize(("user", "takes"), [("blumenthal", "AES-256-BLUMENTHAL"), ("reeder", "AES-256")])
def test_the_other_way_to_extend_a_key_is_tried_and_told(tmp_path: Path, user: str, takes: str) -> None:
    heard: list[str] = []
    telling.listen(heard.append)
    wrong = ({"AES-256", "AES-256-BLUMENTHAL"} - {takes}).pop()

    async def scenario(port: int, protocol: str) -> Value:
        keys = {"user": user, "auth_protocol": "SHA", "auth_key": "authentic", "priv_key": "grünes€xx"}
        async with SnmpDevice(settings_for(port, "3", priv_protocol=protocol, **keys)) as device:
            return await device.get((*SYSTEM, 2, 0))

    lines = [
        'createUser blumenthal SHA "authentic" AES256 "grünes€xx"',
        'createUser reeder SHA "authentic" AES256C "grünes€xx"',
        f"rwuser {user} priv",
    ]
    with snmpd(tmp_path, lines) as port:
        expected = parse_oid("1.3.6.1.4.1.8072.3.2.10")
        assert asyncio.run(scenario(port, takes)) == expected
        assert heard == []
        assert asyncio.run(scenario(port, wrong)) == expected
        assert heard == [f"127.0.0.1:{port} encrypts with {takes}, not {wrong}: set snmp.priv_protocol"]
        with pytest.raises(Unreachable, match="not what is encrypted with AES"):
            asyncio.run(scenario(port, "AES"))


def test_a_host_that_is_not_there_says_what_to_set() -> None:
    async def scenario(version: str) -> None:
        settings = SnmpSettings("no-such.invalid", 161, version, user="u")
        async with SnmpDevice(settings) as device:
            await device.get(SYSTEM)

    for version in ("2c", "3"):
        with pytest.raises(Unreachable, match=r"no-such\.invalid.*set snmp\.host"):
            asyncio.run(scenario(version))


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


def test_at_a_loss_of_a_third_each_way_nothing_is_given_up() -> None:
    """Writes are repeated as reads are, as long as the device lives; four networks, each bad in its own way."""

    async def scenario(seed: int) -> None:
        cells = Cells(OUTLETS[:4])
        agent = Agent(cells, manners=Manners(loss=0.3, seed=seed))
        port = await agent.start()
        async with SnmpDevice(SnmpSettings("127.0.0.1", port, community="private")) as device:
            for value in range(2, 5):
                for oid in OUTLETS[:4]:
                    await device.set([integer(oid, value)])
            assert set((await device.get_many(OUTLETS[:4])).values()) == {4}
        agent.stop()

    async def all_at_once() -> None:
        await asyncio.gather(*map(scenario, range(4)))

    asyncio.run(all_at_once())


@pytest.mark.parametrize("took", [True, False])
def test_another_write_community_is_guessed_only_where_no_write_was_taken(took: bool) -> None:
    class Deafened(Cells):
        def write(self, varbinds: Sequence[Varbind]) -> tuple[int, int]:
            agent.manners.deaf_over = 44  # a read of one variable is heard, a write is not
            return super().write(varbinds)

    async def scenario() -> str:
        port = await agent.start()
        settings = SnmpSettings("127.0.0.1", port, "2c", "public", "private", timeout=0.1, retries=2)
        async with SnmpDevice(settings) as device:
            await device.get(OUTLETS[0])
            if took:
                await device.set([integer(OUTLETS[0], 2)])
            else:
                agent.manners.deaf_over = 44
            with pytest.raises(Unreachable) as caught:
                await device.set([integer(OUTLETS[0], 3)])
        agent.stop()
        return str(caught.value)

    agent = Agent(Deafened(OUTLETS))
    message = asyncio.run(scenario())
    assert "no answer to a write in 0.3 s, while it answers reads" in message
    assert ("another write community?" in message) is not took


def test_a_slow_agent_is_not_asked_over_and_over() -> None:
    """Its first answer tells how long it takes: after that, one packet a question."""

    async def scenario() -> int:
        agent = Agent(Cells(OUTLETS), manners=Manners(latency=0.3))
        port = await agent.start()
        async with SnmpDevice(SnmpSettings("127.0.0.1", port, community="private", window=1)) as device:
            for oid in OUTLETS[:10]:
                await device.get(oid)
            return device.requests

    assert asyncio.run(scenario()) <= 14


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


def test_a_name_that_cannot_be_is_a_variable_that_is_not_there() -> None:
    """Names are made of numbers that devices say, and a negative one was encoded for ever."""
    impossible = [(*COLUMN, -1), (*COLUMN, 1 << 32), (*COLUMN, *range(130))]

    async def scenario() -> None:
        agent = Agent(Cells(OUTLETS))
        port = await agent.start()
        async with SnmpDevice(SnmpSettings("127.0.0.1", port, community="private")) as device:
            assert await device.get_many([*impossible, OUTLETS[0]]) == {**dict.fromkeys(impossible), OUTLETS[0]: 1}
            failures = await device.set_many([integer(oid, 2) for oid in (*impossible, OUTLETS[0])])
            assert set(failures) == set(impossible)
            assert await device.get(OUTLETS[0]) == 2
        agent.stop()

    asyncio.run(scenario())


class Endless(Cells):
    """Each variable has another one after it; `size` octets each."""

    def __init__(self, size: int) -> None:
        super().__init__([])
        self._content = bytes(size)

    def names(self) -> Sequence[Oid]:
        return _After()

    def read(self, oid: Oid) -> Varbind | None:
        return Varbind(oid, Tag.OCTET_STRING, self._content)


class _After(Sequence[Oid]):
    """The names COLUMN.0, COLUMN.1 and so on: Agent bisects them."""

    def __len__(self) -> int:
        return 1 << 31

    def __getitem__(self, place: object) -> Oid:  # type: ignore[override]
        assert isinstance(place, int)
        return (*COLUMN, place)


@pytest.mark.parametrize("version", ["1", "2c"])
@pytest.mark.parametrize(("limit", "size"), [("MOST_ROWS", 1), ("MOST_OCTETS", 300), ("MOST_SECONDS", 1)])
def test_a_table_without_an_end_is_read_so_far(
    monkeypatch: pytest.MonkeyPatch, version: str, limit: str, size: int
) -> None:
    monkeypatch.setattr(bounds, limit, {"MOST_ROWS": 500, "MOST_OCTETS": 100_000, "MOST_SECONDS": 0.5}[limit])

    async def scenario() -> None:
        agent = Agent(Endless(size))
        port = await agent.start()
        async with SnmpDevice(SnmpSettings("127.0.0.1", port, version)) as device:
            await device.walk(COLUMN)

    with pytest.raises(Refused, match="does not end"):
        asyncio.run(scenario())


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
        ({"version": "3", "user": "u" * 33}, "snmp.user.*32"),
        ({"version": "3", "user": "ü" * 17}, "snmp.user.*32"),
        ({"port": 0}, "port"),
        ({"timeout": 0}, "out of range"),
    ],
)
def test_settings_that_cannot_work_say_so(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SnmpSettings("pdu", **changes)  # type: ignore[arg-type]


@given(st.floats(0.01, 60), st.integers(0, 20), st.lists(st.tuples(st.floats(0, 60), st.integers(1, 30)), max_size=30))
def test_whatever_a_device_did_its_next_copy_waits_no_longer_than_is_set_and_silence_ends(
    longest: float, retries: int, answers: list[tuple[float, int]]
) -> None:
    pace = Pace(longest, retries)
    for seconds, copies in answers:
        pace.answered(seconds, copies)
        pace.too_soon()
    silent, copies = 0.0, 0
    while not pace.is_over(silent, silent, copies, bool(answers)):
        copies += 1
        waited = pace.wait(copies)
        assert 0 < waited <= longest
        silent += waited
    assert silent >= 0.9 * pace.patience
    assert silent <= 4 * pace.patience + longest


def test_a_copy_waits_for_as_long_as_the_device_takes() -> None:
    quick, slow = Pace(5, 4), Pace(5, 4)
    for _ in range(20):
        quick.answered(0.01, 1)
        slow.answered(1.5, 1)
    assert quick.wait(1) == 0.2
    assert 1.5 < slow.wait(1) < 3


def test_secrets_are_not_in_what_is_printed() -> None:
    settings = SnmpSettings(
        "pdu", version="3", user="u", community="s3cret", auth_key="s3cret-auth", priv_key="s3cret-priv"
    )
    assert "s3cret" not in repr(settings)
