"""Agents that answer what no agent should: whatever they say ends in time, costs little and harms no other device.

Answers of simulated devices (v1, v2c) and of net-snmp's snmpd (v3) are mutated on their way. CLUSTO_FUZZ_CASES is how
many cases are tried (2,000); cases that once went wrong are tried first, and always.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lab.agent import Agent
from lab.pdu import Pdu
from lab.room import Room
from lab.switch import Switch
from snmpd import V3_KEY, V3_USER, snmpd

from clusto_cli.backends.base import OutletReading, Relay
from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.power import profile as profiles
from clusto_cli.backends.power.recognising import RecognisingPower
from clusto_cli.backends.snmp import SnmpDevice, SnmpSettings, Tag, Varbind, parse_oid
from clusto_cli.backends.snmp.message import MalformedMessage, decode, encode
from clusto_cli.backends.switch.model import SwitchSettings
from clusto_cli.backends.switch.opening import open_switch
from clusto_cli.main import invoke
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from tests.fuzz.mutations import SECONDS, fuzz
from tests.fuzz.mutations import bounded as within_bounds
from tests.power_room import record_room

CASES = int(os.environ.get("CLUSTO_FUZZ_CASES", "2000"))
SIGNED: dict[str, Any] = {"user": V3_USER, "auth_key": V3_KEY, "priv_key": V3_KEY}
OPEN: dict[str, Any] = {"user": "open"}
QUICK: dict[str, Any] = {"timeout": 0.01, "retries": 2}

integers = st.one_of(
    st.sampled_from([-1, -(1 << 31), (1 << 31) - 1, 1 << 32, (1 << 64) - 1, 0, 1, 2, 3, 65536]), st.integers(-9, 300)
)
contents = st.one_of(
    integers.map(lambda number: number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)),
    st.binary(max_size=12),
    st.sampled_from([b"\x1b]52;c;eA==\x07", "\u202egnp\n".encode(), b"\xff" * 70, b"a," * 700, b"\x00" * 1300]),
)
tags = st.one_of(st.sampled_from(list(Tag)), st.integers(0, 255))
names = st.lists(st.one_of(st.integers(0, 40), st.sampled_from([0xFFFF_FFFF, 16384])), min_size=2, max_size=30).map(
    lambda arcs: (1, 3, *arcs)
)


class Mutation(NamedTuple):
    """What becomes of the answers from the `first` on, `times` of them."""

    first: int
    times: int
    change: Callable[[bytes], Sequence[bytes]]
    shown: str

    def __repr__(self) -> str:
        return f"Mutation({self.first}, {self.times}, {self.shown})"


def spliced(place: float, gone: int, new: bytes) -> Callable[[bytes], Sequence[bytes]]:
    def change(data: bytes) -> Sequence[bytes]:
        at = int(place * len(data))
        return [data[:at] + new + data[at + gone :]]

    return change


def revalued(index: int, tag: int, content: bytes) -> Callable[[bytes], Sequence[bytes]]:
    return _varbinds(
        lambda varbinds: [
            v if n != index % len(varbinds) else Varbind(v.oid, tag, content) for n, v in enumerate(varbinds)
        ]
    )


def renamed(index: int, oid: tuple[int, ...]) -> Callable[[bytes], Sequence[bytes]]:
    return _varbinds(
        lambda varbinds: [v if n != index % len(varbinds) else v._replace(oid=oid) for n, v in enumerate(varbinds)]
    )


def advanced() -> Callable[[bytes], Sequence[bytes]]:
    """Each table has one row more."""
    return _varbinds(
        lambda varbinds: [
            *varbinds[:-1],
            varbinds[-1]._replace(
                oid=(*varbinds[-1].oid[:-1], min(varbinds[-1].oid[-1] + 1, 0xFFFF_FFFF)), tag=Tag.INTEGER, value=1
            ),
        ]
    )


def repeated(count: int) -> Callable[[bytes], Sequence[bytes]]:
    return _varbinds(lambda varbinds: list(varbinds) * count)


def refused(status: int, index: int) -> Callable[[bytes], Sequence[bytes]]:
    return lambda data: [encode(decode(data)._replace(error_status=status, error_index=index))]


def renumbered(number: int) -> Callable[[bytes], Sequence[bytes]]:
    return lambda data: [encode(decode(data)._replace(request_id=number))]


def sent(count: int) -> Callable[[bytes], Sequence[bytes]]:
    return lambda data: [data] * count


def _varbinds(change: Callable[[Sequence[Varbind]], Sequence[Varbind]]) -> Callable[[bytes], Sequence[bytes]]:
    def whole(data: bytes) -> Sequence[bytes]:
        message = decode(data)
        return [encode(message._replace(varbinds=change(message.varbinds)))] if message.varbinds else [data]

    return whole


def _called(function: Callable[..., Any], *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, str]]:
    return st.tuples(*arguments).map(lambda given: (function(*given), f"{function.__name__}{given}"))


raw = st.one_of(
    _called(spliced, st.floats(0, 1), st.integers(0, 3), st.binary(max_size=3)),
    _called(spliced, st.floats(0, 1), st.just(65535), st.just(b"")),
    _called(sent, st.integers(0, 4)),
)
changes = st.one_of(
    raw,
    _called(revalued, st.integers(0, 20), tags, contents),
    _called(renamed, st.integers(0, 20), names),
    _called(repeated, st.integers(0, 30)),
    _called(refused, integers, integers),
    _called(renumbered, integers),
    _called(advanced),
)


def mutations(of: st.SearchStrategy[tuple[Any, str]]) -> st.SearchStrategy[list[Mutation]]:
    one = st.builds(
        lambda first, times, change: Mutation(first, times, *change),
        st.integers(0, 12),
        st.sampled_from([1, 1, 1, 3, 1000]),
        of,
    )
    return st.lists(one, min_size=1, max_size=3)


class Hostile(Agent):
    """Its answers are mutated; `prepare` begins a case."""

    _program: Sequence[Mutation] = ()
    _answered = 0

    def prepare(self, program: Sequence[Mutation]) -> None:
        self._program, self._answered = program, 0

    def _send(self, data: bytes, addr: Any) -> None:
        for piece in mutated(self._program, self._answered, data):
            super()._send(piece, addr)
        self._answered += 1


def mutated(program: Sequence[Mutation], place: int, data: bytes) -> list[bytes]:
    """What comes of the answer at that place."""
    pieces = [data]
    for mutation in program:
        if mutation.first <= place < mutation.first + mutation.times:
            pieces = [new for piece in pieces for new in _applied(mutation, piece)]
    return [piece[:65_000] for piece in pieces[:16]]


def _applied(mutation: Mutation, piece: bytes) -> Sequence[bytes]:
    try:
        return mutation.change(piece)
    except (MalformedMessage, ValueError, AttributeError):
        return [piece]  # an earlier mutation has left nothing that this one could change


@contextmanager
def bounded() -> Iterator[None]:
    """A case, as others are, that leaves nothing behind in the event loop."""
    with within_bounds():
        yield
        assert _unhandled == []


_unhandled: list[str] = []
"""What was raised in a callback of the event loop, which would print a traceback."""


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(lambda _, context: _unhandled.append(repr(context)))
        yield runner


class Devices(NamedTuple):
    """Agents whose answers are mutated, with their ports, and the port of one beside that answers well."""

    hostile: list[Hostile]
    ports: list[int]
    good: int


AT_ONCE = 32
"""Cases that are tried side by side, since each waits for answers that do not come."""


@contextmanager
def devices(loop: asyncio.Runner, make: Callable[[], Any]) -> Iterator[Devices]:
    hostile, good = [Hostile(make()) for _ in range(AT_ONCE)], Agent(make())

    async def start() -> Devices:
        return Devices(hostile, [await agent.start() for agent in hostile], await good.start())

    yield loop.run(start())
    for agent in (*hostile, good):
        agent.stop()


@pytest.fixture(scope="module")
def pdus(loop: asyncio.Runner) -> Iterator[Devices]:
    with devices(loop, lambda: Pdu(profiles.load("apc-rpdu2"), 4)) as found:
        yield found


@pytest.fixture(scope="module")
def switches(loop: asyncio.Runner) -> Iterator[Devices]:
    with devices(loop, lambda: Switch(8, hosts={1: "52:54:00:00:00:01"})) as found:
        yield found


async def work(port: int, version: str, kept: str | None) -> None:
    """All that is asked of a PDU. Raises DeviceError."""
    settings = SnmpSettings("127.0.0.1", port, version, write_community="private", **QUICK)
    async with RecognisingPower(settings, None, kept, lambda found: None) as power:
        for reading in await power.outlets():
            assert isinstance(reading, OutletReading)
        await power.read(["1", "2", "9"])
        await power.settle_times(["1", "2"], True)
        await power.switch(["1", "2"], True)
        await power.steps(["3"], False)


async def other(port: int) -> None:
    """What a good PDU says beside."""
    settings = SnmpSettings("127.0.0.1", port, write_community="private", timeout=2)
    async with RecognisingPower(settings, None, "apc-rpdu2", lambda found: None) as power:
        reading = (await power.read(["2"]))["2"]
        assert isinstance(reading, OutletReading)
        assert reading.relay is Relay.ON


def several(case: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(case, min_size=AT_ONCE, max_size=AT_ONCE)


pdu_cases = st.tuples(
    mutations(changes), st.sampled_from(["1", "2c"]), st.sampled_from([None, "apc-rpdu2", "raritan-px2"])
)
ALWAYS = 1000


@given(several(pdu_cases))
@example([([Mutation(0, ALWAYS, revalued(0, Tag.INTEGER, b"\xff"), "-1")], "2c", "raritan-px2")])
@example([([Mutation(0, ALWAYS, advanced(), "advanced")], version, "apc-rpdu2") for version in ("1", "2c")])
@example([([Mutation(0, ALWAYS, advanced(), "advanced")], "1", None)])
@example([([Mutation(0, ALWAYS, revalued(0, Tag.INTEGER, b"\x7f" * 1300), "a long number")], "2c", None)])
@fuzz(AT_ONCE, CASES)
def test_a_pdu_may_say_anything(
    loop: asyncio.Runner, pdus: Devices, cases: list[tuple[list[Mutation], str, str | None]]
) -> None:
    async def all_cases() -> None:
        asked = []
        for (program, version, kept), hostile, port in zip(cases, pdus.hostile, pdus.ports, strict=False):
            hostile.prepare(program)
            asked.append(work(port, version, kept))
        *bad, good = await asyncio.gather(*asked, other(pdus.good), return_exceptions=True)
        assert good is None, good
        for failure in bad:
            assert failure is None or isinstance(failure, DeviceError), failure

    with bounded():
        loop.run(asyncio.wait_for(all_cases(), SECONDS))


@given(several(st.tuples(mutations(changes), st.sampled_from(["qbridge", ""]))))
@example([([Mutation(0, ALWAYS, revalued(0, Tag.INTEGER, b"\xff"), "-1")], "qbridge")])
@fuzz(10 * AT_ONCE, CASES)
def test_a_switch_may_say_anything(
    loop: asyncio.Runner, switches: Devices, cases: list[tuple[list[Mutation], str]]
) -> None:
    async def ask(port: int, profile: str) -> None:
        settings = SnmpSettings("127.0.0.1", port, **QUICK)
        control = (await open_switch(SwitchSettings("127.0.0.1", profile, "snmp"), settings)).control
        try:
            await control.read()
            await control.survey()
        finally:
            await control.close()

    async def all_cases() -> None:
        asked = []
        for (program, profile), hostile, port in zip(cases, switches.hostile, switches.ports, strict=False):
            hostile.prepare(program)
            asked.append(ask(port, profile))
        for failure in await asyncio.gather(*asked, return_exceptions=True):
            # What is no DeviceError is made one where all adapters are run.
            assert not isinstance(failure, TimeoutError | asyncio.CancelledError | MemoryError), failure

    with bounded():
        loop.run(asyncio.wait_for(all_cases(), SECONDS))


class Relayed(asyncio.DatagramProtocol):
    """A way to a real agent on which its answers are mutated."""

    def __init__(self, agent: int) -> None:
        self._agent = ("127.0.0.1", agent)
        self._asking: Any = None
        self._transport: asyncio.DatagramTransport | None = None
        self.program: Sequence[Mutation] = ()
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        assert self._transport is not None
        if addr != self._agent:
            self._asking = addr
            self._transport.sendto(data, self._agent)
            return
        for piece in mutated(self.program, self.answered, data):
            self._transport.sendto(piece, self._asking)
        self.answered += 1


@pytest.fixture(scope="module")
def relayed(loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Relayed, int]]:
    lines = ["createUser open", "rouser open noauth", "rouser operator auth"]
    with snmpd(tmp_path_factory.mktemp("hostile"), lines) as agent:

        async def start() -> tuple[Relayed, int]:
            running = asyncio.get_running_loop()
            transport, relay = await running.create_datagram_endpoint(
                lambda: Relayed(agent), local_addr=("127.0.0.1", 0)
            )
            port: int = transport.get_extra_info("sockname")[1]
            # pysnmp's engine is shared by the devices of one user, and takes long to make.
            for keys in (SIGNED, OPEN):
                device = SnmpDevice(SnmpSettings("127.0.0.1", port, "3", **keys))
                await device.get(parse_oid("1.3.6.1.2.1.1.2.0"))
                kept.append(device)
            return relay, port

        kept: list[SnmpDevice] = []
        yield loop.run(start())


@given(mutations(raw), st.booleans())
@example([Mutation(0, 1000, spliced(0.0, 0, b"\x30\x80" * 400), "spliced(0, 0, nested)")], False)
@fuzz(50, CASES)
def test_an_agent_of_version_3_may_say_anything(
    loop: asyncio.Runner, relayed: tuple[Relayed, int], program: list[Mutation], signed: bool
) -> None:
    relay, port = relayed
    keys = SIGNED if signed else OPEN

    async def case() -> None:
        relay.program, relay.answered = program, 0
        try:
            async with SnmpDevice(SnmpSettings("127.0.0.1", port, "3", **keys, **QUICK)) as device:
                await device.walk(parse_oid("1.3.6.1.2.1.1.9"))
        except DeviceError:
            pass

    with bounded():
        loop.run(asyncio.wait_for(case(), SECONDS))


@pytest.fixture
def room(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Room, Hostile]]:
    monkeypatch.setenv("CLUSTO_DB", sqlite_url)
    made = Room(2, 4)
    hostile = made.pdus[0].agent = Hostile(made.pdus[0].pdu)
    with made.running():
        record_room(
            Inventory(Settings(sqlite_url)), made, (("pdu1a", "snmp.timeout", 0.05), ("pdu1a", "snmp.retries", 1))
        )
        yield made, hostile


@given(mutations(changes))
@example([Mutation(0, 1000, revalued(0, Tag.OCTET_STRING, b"\x1b]52;c;eA==\x07"), "revalued(OSC 52)")])
@fuzz(100, CASES)
def test_the_command_says_what_is_so_of_the_others_and_nothing_that_steers_a_terminal(
    room: tuple[Room, Hostile], capfd: pytest.CaptureFixture[str], program: list[Mutation]
) -> None:
    _, hostile = room
    hostile.prepare(program)
    capfd.readouterr()
    sys.argv = ["clusto", "power", "status", "pdu1a:1", "pdu1b:1", "-v"]
    with bounded():
        code = invoke(sys.argv[1:])
    out, err = capfd.readouterr()
    assert code in (0, 4, 5), (code, err)
    assert "pdu1b:1 on" in out
    assert "Traceback" not in err
    assert all(character.isprintable() or character == "\n" for character in out + err), repr(out + err)
