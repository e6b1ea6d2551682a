"""Controllers that answer what no controller should: whatever they say ends in time, costs little, goes to nobody else
and harms no other machine.

The answers of a good service are mutated on their way, as JSON, as octets and as HTTP. CLUSTO_FUZZ_CASES is how many
cases are tried; cases that once went wrong are tried first, and always.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clusto_cli.backends.base import BmcControl, BootDevice
from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.power import open_bmc
from clusto_cli.backends.power.session import PowerSession
from clusto_cli.backends.redfish import service as http
from clusto_cli.backends.runner import Interruption, enter
from clusto_cli.commands.power import _exit_code
from clusto_cli.output import clean
from clusto_cli.power.actions import Actions, Result
from clusto_cli.power.history import entry
from clusto_cli.power.report import feed_lines, line, record
from clusto_cli.power.targets import Point, Target
from clusto_core.model.things import Thing
from tests.fuzz.mutations import fuzz
from tests.redfish.service import RESET, SYSTEM, SYSTEMS, TYPES

AT_ONCE = 64
"""Cases that are tried side by side, since some wait for answers that do not come."""
LIMIT, PATIENCE = 10.0, 0.3
"""Seconds for a round of cases, and those that a controller has for one answer."""
MEMORY = 200 << 20
OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal may act on."""
GOOD = AT_ONCE
"""The number of the service whose answers are left as they are."""


class Reply(NamedTuple):
    """What goes over the line: the parts of an answer, or, with `raw`, something else."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes | None = None
    pause: float = 0.0

    @property
    def octets(self) -> bytes:
        if self.raw is not None:
            return self.raw
        head = [f"HTTP/1.1 {self.status} Said"]
        given = {name.lower() for name, _ in self.headers}
        head += [] if given & {"content-length", "transfer-encoding"} else [f"Content-Length: {len(self.body)}"]
        head += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*head, "", ""]).encode("latin-1", "replace") + self.body


# --- mutations ---------------------------------------------------------------------------------------------------


class Json(NamedTuple):
    """Another value at the `place`th key or member of the document; none there at all with Ellipsis."""

    place: int
    value: Any

    def __call__(self, reply: Reply, trap: str) -> Reply:
        try:
            document = json.loads(reply.body)
        except (ValueError, RecursionError):
            return reply
        places = list(_places(document))
        if not places:
            return reply
        holder, key = places[self.place % len(places)]
        if self.value is ...:
            del holder[key]
        else:
            holder[key] = f"{trap}{SYSTEM}" if self.value == "TRAP" else self.value
        return reply._replace(body=json.dumps(document).encode())


class Octets(NamedTuple):
    """Octets in the middle of the body are gone, and others there."""

    place: float
    gone: int
    new: bytes
    times: int = 1

    def __call__(self, reply: Reply, trap: str) -> Reply:
        at = int(self.place * len(reply.body))
        return reply._replace(body=reply.body[:at] + self.new * self.times + reply.body[at + self.gone :])


class Header(NamedTuple):
    """One more header."""

    name: str
    value: str

    def __call__(self, reply: Reply, trap: str) -> Reply:
        return reply._replace(headers=(*reply.headers, (self.name, self.value.replace("TRAP", trap))))


class Status(NamedTuple):
    """Another status, with words and an id of its own."""

    status: int
    message: Any
    id: Any = "Base.1.8.GeneralError"

    def __call__(self, reply: Reply, trap: str) -> Reply:
        error = {"error": {"@Message.ExtendedInfo": [{"Message": self.message, "MessageId": self.id}]}}
        return reply._replace(status=self.status, body=json.dumps(error).encode())


class Line(NamedTuple):
    """What is no HTTP: these octets so many times; none at all for long with `silent`."""

    octets: bytes
    times: int = 1
    silent: bool = False

    def __call__(self, reply: Reply, trap: str) -> Reply:
        return reply._replace(raw=self.octets * self.times, pause=2 * PATIENCE if self.silent else 0.0)


Mutation = Json | Octets | Header | Status | Line


class Mutated(NamedTuple):
    """Answers from the `first` on, `times` of them."""

    first: int
    times: int
    change: Mutation


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    keys: list[Any] = list(document) if isinstance(document, dict) else []
    keys = list(range(len(document))) if isinstance(document, list) else keys
    for key in keys:
        yield document, key
        yield from _places(document[key])


texts = st.one_of(
    st.sampled_from(
        ["TRAP", "", "\x1b]52;c;aGk=\x07", "\u202egnp", "\ud800", "//h", "http://[", SYSTEMS, SYSTEM, RESET]
    ),
    st.sampled_from(["On", "Off", "PoweringOff", "Paused", "ForceOff", "Pxe", "Once", "x" * 9_000]),
    st.text(max_size=8),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), texts)
values = st.one_of(
    scalars,
    st.just(...),
    st.lists(scalars, max_size=3),
    st.dictionaries(st.one_of(texts, st.just("@odata.id")), scalars, max_size=3),
    st.sampled_from([[{"@odata.id": SYSTEM}] * 900, [[[[[]]]]], {"Message": 5}]),
)
statuses = st.one_of(st.sampled_from([int(each) for each in HTTPStatus]), st.integers(100, 999))
headers = st.one_of(
    st.tuples(
        st.just("Location"), st.one_of(st.sampled_from(["TRAP/x", "//h/x", SYSTEM, "http://[::1", "x" * 70_000]), texts)
    ),
    st.tuples(st.sampled_from(["ETag", "X-Auth-Token", "WWW-Authenticate", "Set-Cookie", "Content-Type"]), texts),
    st.tuples(
        st.just("Retry-After"), st.sampled_from(["0", "-1", "1e9", "9" * 400, "Sun, 99 Nov 9999 08:49:37 GMT", "\xb2"])
    ),
    st.tuples(st.sampled_from(["Content-Length"]), st.sampled_from(["0", "-1", "5", "99999999999", "x", "2, 2"])),
    st.tuples(st.just("Transfer-Encoding"), st.sampled_from(["chunked", "gzip", "chunked, chunked", ""])),
    st.tuples(st.just("Content-Encoding"), st.sampled_from(["gzip", "br", "zstd", "x"])),
)
ids = st.sampled_from(["Base.1.8.AccessDenied", "IDRAC.1.6.SWC0700", "Base.1.8.SessionLimitExceeded", "", None, 5])
lines = st.one_of(
    st.tuples(st.binary(max_size=20), st.just(1), st.booleans()),
    st.tuples(st.just(b"HTTP/1.1 100 Continue\r\n\r\n"), st.sampled_from([1, 300]), st.booleans()),
    st.tuples(st.just(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000), st.sampled_from([1, 1000]), st.just(False)),
    st.tuples(st.just(b"HTTP/1.1 200 OK\r\n\r\n{" + b" " * 1000), st.sampled_from([1, 3000]), st.just(False)),
)
mutations: st.SearchStrategy[Mutation] = st.one_of(
    st.builds(Json, st.integers(0, 60), values),
    st.builds(Json, st.integers(0, 60), values),
    st.builds(
        Octets,
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 400),
        st.one_of(st.binary(max_size=8), st.sampled_from([b"[", b'{"a":', b'"', b"9", b"\x00", b"\xff"])),
        st.sampled_from([1, 1, 1, 3, 9_000]),
    ),
    headers.map(lambda pair: Header(*pair)),
    st.builds(Status, statuses, scalars, ids),
    lines.map(lambda parts: Line(*parts)),
)
conversations = st.lists(
    st.builds(Mutated, st.integers(0, 6), st.sampled_from([1, 2, 99]), mutations), min_size=1, max_size=2
)


# --- services ----------------------------------------------------------------------------------------------------


class Services:
    """So many services on addresses of the loopback network, each with its mutations, and one that answers well; and a
    trap that nobody may speak to.
    """

    def __init__(self) -> None:
        self.port = self.trap = 0
        self.trapped = 0
        self.plan: Sequence[Sequence[Mutated]] = ()
        self.power: dict[int, str] = {}
        self.asked: dict[int, int] = {}
        self._running: list[asyncio.Server] = []

    async def start(self) -> None:
        self._running = [
            await asyncio.start_server(self._serve, "0.0.0.0", 0),
            await asyncio.start_server(self._caught, "127.0.0.1", 0),
        ]
        self.port, self.trap = (server.sockets[0].getsockname()[1] for server in self._running)

    def host(self, number: int) -> str:
        return f"http://127.1.{number >> 8}.{number & 255}:{self.port}"

    def begin(self, plan: Sequence[Sequence[Mutated]]) -> None:
        self.plan, self.trapped = plan, 0
        self.power, self.asked = {}, {}

    async def _caught(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.trapped += 1
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parts = writer.get_extra_info("sockname")[0].split(".")
        number = int(parts[2]) * 256 + int(parts[3])
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = [line for line in head.lower().splitlines() if line.startswith("content-length:")]
                body = await reader.readexactly(int(length[0].split(":")[1])) if length else b""
                method, path, _ = head.splitlines()[0].split(" ", 2)
                reply = self._mutated(number, self._usual(number, method, path, body))
                await asyncio.sleep(reply.pause)
                writer.write(reply.octets)
                await writer.drain()
                if reply.raw is not None:
                    break
        writer.close()

    def _mutated(self, number: int, reply: Reply) -> Reply:
        turn = self.asked[number] = self.asked.get(number, -1) + 1
        for mutated in self.plan[number] if number < len(self.plan) else ():
            if mutated.first <= turn < mutated.first + mutated.times:
                reply = mutated.change(reply, f"http://127.0.0.1:{self.trap}")
        return reply

    def _usual(self, number: int, method: str, path: str, body: bytes) -> Reply:
        found: dict[str, object] | None = None
        if method == "GET" and path.rstrip("/") == SYSTEMS:
            found = {"Members": [{"@odata.id": SYSTEM}], "Members@odata.count": 1}
        elif method == "GET" and path == SYSTEM:
            found = self._system(number)
        elif method == "POST" and path == RESET:
            self.power[number] = "On" if b"On" in body else "Off"
            return Reply(204, (), b"")
        elif method == "PATCH":
            return Reply(200, (), b"{}")
        return Reply(200 if found else 404, (("ETag", '"7"'),), json.dumps(found or {}).encode())

    def _system(self, number: int) -> dict[str, object]:
        override = {"Enabled": "Disabled", "Target": "None", "Mode": "UEFI", "Target@Redfish.AllowableValues": ["Pxe"]}
        reset = {"target": RESET, "ResetType@Redfish.AllowableValues": TYPES}
        return {
            "@odata.id": SYSTEM,
            "Id": "1",
            "Name": "System",
            "PowerState": self.power.get(number, "On"),
            "Actions": {"#ComputerSystem.Reset": reset},
            "Boot": {f"BootSourceOverride{key}": value for key, value in override.items()},
            "@Redfish.Settings": {"SettingsObject": {"@odata.id": f"{SYSTEM}/Settings"}},
        }


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def services(loop: asyncio.Runner) -> Services:
    made = Services()
    loop.run(made.start())
    return made


async def switched_off(services: Services, count: int) -> list[Result]:
    """What becomes of these machines and of the good one when they are told to go off, as the verb does it."""
    limits = {"bmc.settle": "0.05", "bmc.user": "operator", "bmc.password": "s3cret-pass"}
    interruption, places = Interruption(), asyncio.Semaphore(AT_ONCE + 1)
    targets, sessions = [], {}
    async with AsyncExitStack() as stack:
        for number in (*range(count), GOOD):
            name = f"server{number}"
            timeout = f"{LIMIT if number == GOOD else PATIENCE}"
            known = {"bmc.protocol": "redfish", "bmc.host": services.host(number), "bmc.timeout": timeout, **limits}
            control = open_bmc(name, known)
            sessions[name] = PowerSession(await enter(stack, control), interruption, places)
            stack.push_async_callback(sessions[name].close)
            targets.append(Target(Thing(number, name, "Server"), [Point(None, name, "server", name)]))
        actions = Actions(sessions, interruption)
        return await actions.all(targets, lambda target: actions.turn(target, False), lambda result: None)
    raise AssertionError("the stack swallows nothing")


async def overridden(services: Services, count: int) -> None:
    """What a rebuild asks of them. Raises nothing but DeviceError within."""

    async def one(number: int) -> None:
        known = {"bmc.timeout": f"{PATIENCE}", "bmc.user": "operator", "bmc.password": "s3cret-pass"}
        control = open_bmc("x", {"bmc.protocol": "redfish", "bmc.host": services.host(number), **known})
        assert isinstance(control, BmcControl)
        async with control as entered:
            for work in (entered.boot_override(), entered.set_boot_override(BootDevice.NETWORK, once=True)):
                with contextlib.suppress(DeviceError):
                    await work

    await asyncio.gather(*map(one, range(count)))


def told(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        yield from (clean(text) for text in (line(result), *feed_lines(result)))
        yield json.dumps(record(result, "off"))
        assert json.loads(entry("off", result).text)["done"] is result.done


class _Kept:
    """The pauses of the adapter, as short as its patience here."""

    def __enter__(self) -> None:
        self.pause, http._PAUSE = http._PAUSE, PATIENCE / 2

    def __exit__(self, *exception: object) -> None:
        http._PAUSE = self.pause


plans = st.lists(conversations, min_size=AT_ONCE, max_size=AT_ONCE)


@fuzz(AT_ONCE)
@given(plan=plans)
@example(plan=[[Mutated(0, 1, Octets(0.99, 9, b""))], [Mutated(0, 99, Octets(0, 0, b"[", 100_000))]])
@example(plan=[[Mutated(1, 99, Json(4, 5))], [Mutated(1, 99, Json(6, "TRAP"))], [Mutated(0, 1, Json(2, "TRAP"))]])
@example(plan=[[Mutated(2, 99, Status(400, "\ud800\u200b"))], [Mutated(1, 1, Status(400, "x" * 9_000, "\ud800"))]])
@example(plan=[[Mutated(2, 1, Status(500, None))], [Mutated(2, 1, Header("Location", "TRAP"))]])
@example(plan=[[Mutated(0, 99, Line(b"HTTP/1.1 100 Continue\r\n\r\n", 5_000))], [Mutated(0, 99, Line(b"", 1, True))]])
def test_hostile_controllers(plan: list[list[Mutated]], loop: asyncio.Runner, services: Services) -> None:
    began, before = time.monotonic(), _peak()
    services.begin(plan)
    with _Kept():
        results = loop.run(switched_off(services, len(plan)))
        good = results[-1]
        assert (good.done, good.failures, services.power[GOOD]) == (True, [], "Off")
    assert len(results) == len(plan) + 1
    assert [record(result, "off") for result in results if not (result.done or result.failures)] == []
    assert _exit_code(results, False) in (0, 4, 5)
    assert [text for text in told(results) if OBEYED.search(text)] == []
    assert services.trapped == 0
    assert time.monotonic() - began < LIMIT
    assert _peak() < max(MEMORY, before + (20 << 20))


@fuzz(8 * AT_ONCE)
@given(plan=plans)
@example(
    plan=[[Mutated(1, 99, Json(9, []))], [Mutated(1, 99, Json(13, "TRAP"))], [Mutated(2, 9, Header("ETag", "\u20ac"))]]
)
def test_hostile_boot_overrides(plan: list[list[Mutated]], loop: asyncio.Runner, services: Services) -> None:
    began, before = time.monotonic(), _peak()
    services.begin(plan)
    with _Kept():
        loop.run(overridden(services, len(plan)))
    assert services.trapped == 0
    assert time.monotonic() - began < LIMIT
    assert _peak() < max(MEMORY, before + (20 << 20))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
