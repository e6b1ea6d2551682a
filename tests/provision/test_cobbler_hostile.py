"""A Cobbler that answers what none should: whatever it says ends in time, costs little, and fails its machine alone.

The answers of a good one are mutated on their way, as values, as XML and as HTTP. CLUSTO_FUZZ_CASES is how many cases
are tried; cases that once went wrong are tried first, and always.
"""

from __future__ import annotations

import asyncio
import resource
import socketserver
import threading
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clusto_cli.backends.base import BootMachine, BootState
from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.provision.cobbler import CobblerProvisioner, CobblerSettings
from clusto_cli.backends.runner import run
from tests.fuzz.mutations import fuzz

LIMIT, PATIENCE = 10.0, 0.2
MEMORY = 200 << 20
AT_ONCE = 60
MAC = "52:54:00:aa:bb:01"


def machine(number: int) -> BootMachine:
    return BootMachine(f"server{number}", (MAC,), None, "", {}, {}, {}, "http://192.0.2.1:8080/t0ken")


class Value(NamedTuple):
    """Another value instead of the answer, or at the `place`th key of it."""

    place: int
    value: Any

    def __call__(self, good: Any) -> bytes:
        if isinstance(good, dict) and self.place < len(good):
            good = {**good, sorted(good)[self.place]: self.value}
        else:
            good = self.value
        return _http(xmlrpc.client.dumps((good,), methodresponse=True, allow_none=True).encode("utf-8", "replace"))


class Octets(NamedTuple):
    """Octets of the answer are gone, and others there; with `head` of what comes before the XML."""

    place: float
    gone: int
    new: bytes
    times: int
    head: bool

    def __call__(self, good: Any) -> bytes:
        body = xmlrpc.client.dumps((good,), methodresponse=True, allow_none=True).encode()
        whole = _http(body)
        text = whole[: -len(body)] if self.head else body
        at = int(self.place * len(text))
        text = text[:at] + self.new * self.times + text[at + self.gone :]
        return text + body if self.head else _http(text)


class Line(NamedTuple):
    """What is no answer: these octets so many times."""

    octets: bytes
    times: int

    def __call__(self, good: Any) -> bytes:
        return self.octets * self.times


class Mutated(NamedTuple):
    """Answers from the `first` on, `times` of them; `drip`: each in pieces, for longer than there is patience."""

    first: int
    times: int
    change: Value | Octets | Line
    drip: bool = False


def _http(body: bytes, status: int = 200) -> bytes:
    return b"HTTP/1.1 %d Said\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(),
    st.sampled_from(["~", "", "\x1b]52;c;aGk=\x07", "x" * 9_000, "<<inherit>>", "server0"]),
    st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)), max_size=8),
)
values = st.one_of(
    scalars, st.lists(scalars, max_size=3), st.dictionaries(st.sampled_from(["eth0", "a", "b"]), scalars, max_size=3)
)
BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><a>&b;</a>'
pieces = st.sampled_from(
    [b"<", b"</value>", b"<array><data>", b"<value><i4>", b"&x;", b"\x00", b"\xff", b"9", b"]]>", BOMB]
)
lines = [
    b"",
    b"\x00",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n<",
    b"X: y\r\n",
    _http(b"x", 302),
    _http(b"", 500),
]
changes = st.one_of(
    st.builds(Value, st.integers(0, 6), values),
    st.builds(
        Octets,
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 200),
        pieces,
        st.sampled_from([1, 1, 500]),
        st.booleans(),
    ),
    st.builds(Line, st.sampled_from(lines), st.sampled_from([1, 2, 2000])),
)
drips = st.integers(0, 999).map(lambda number: number == 0)
conversations = st.lists(
    st.builds(Mutated, st.integers(0, 10), st.sampled_from([1, 99]), changes, drips), min_size=1, max_size=2
)


class Cobbler(socketserver.ThreadingTCPServer):
    """Answers for systems of any name; mutated for those that have a plan."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.plan: list[list[Mutated]] = []
        self.asked: dict[str, int] = {}
        self.systems: dict[str, dict[str, Any]] = {}

    def begin(self, plan: list[list[Mutated]]) -> None:
        self.plan, self.asked, self.systems = plan, {}, {}

    def answer(self, request: bytes, user: str) -> tuple[bytes, bool]:
        arguments, method = xmlrpc.client.loads(request)
        good = self.usual(str(method), arguments, user)
        number = int(user.removeprefix("server"))
        turn = self.asked[user] = self.asked.get(user, -1) + 1
        for mutated in self.plan[number] if number < len(self.plan) else ():
            if mutated.first <= turn < mutated.first + mutated.times:
                return mutated.change(good), mutated.drip
        return _http(xmlrpc.client.dumps((good,), methodresponse=True, allow_none=True).encode()), False

    def usual(self, method: str, arguments: tuple[Any, ...], user: str) -> Any:
        system = self.systems.setdefault(
            user,
            {
                "name": user,
                "profile": "web",
                "netboot_enabled": False,
                "kernel_options": "<<inherit>>",
                "autoinstall_meta": {},
                "interfaces": {"eth0": {"mac_address": MAC}},
            },
        )
        if method == "modify_system":
            system[arguments[1]] = arguments[2]
        answers = {
            "login": "token",
            "get_system": system,
            "get_system_handle": "handle",
            "get_profile": {"name": "web"},
        }
        return answers.get(method, True)


class _Handler(socketserver.StreamRequestHandler):
    server: Cobbler

    def handle(self) -> None:
        with suppress(Exception):
            while head := self._head():
                length = int(next(line for line in head if line.lower().startswith(b"content-length:")).split(b":")[1])
                user = head[0].split(b" ")[1].rpartition(b"/")[2].decode()
                answer, drip = self.server.answer(self.rfile.read(length), user)
                for octet in answer if drip else b"":
                    self.wfile.write(bytes([octet]))
                    time.sleep(0.05)
                if not drip:
                    self.wfile.write(answer)

    def _head(self) -> list[bytes]:
        lines: list[bytes] = []
        while (line := self.rfile.readline(9000).rstrip()) != b"":
            lines.append(line)
        return lines


@pytest.fixture(scope="module")
def cobbler() -> Iterator[Cobbler]:
    with Cobbler() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def rebuilt(port: int, number: int, timeout: float) -> str:
    """What a rebuild does with one machine's boot server. Raises nothing but DeviceError within."""
    url = f"http://127.0.0.1:{port}/server{number}"
    told = machine(number)
    async with CobblerProvisioner(CobblerSettings(url, "ops", "s3cret-pass", timeout=timeout)) as server:
        try:
            await server.check(told)
            await server.install(told)
            assert await server.state(told) in set(BootState)
            await server.local(told)
        except DeviceError as error:
            return str(error)
        return "done"


async def all_of(port: int, count: int) -> list[str]:
    hostile = (rebuilt(port, number, PATIENCE) for number in range(count))
    return await asyncio.gather(*hostile, rebuilt(port, AT_ONCE, LIMIT))


@fuzz(AT_ONCE)
@given(plan=st.lists(conversations, min_size=AT_ONCE, max_size=AT_ONCE))
@example(
    plan=[[Mutated(0, 99, Line(b"HTTP/1.1 100 Continue\r\n\r\n", 2000))], [Mutated(1, 99, Value(2, 5), drip=True)]]
)
@example(plan=[[Mutated(1, 9, Value(2, {"eth0": 5}))], [Mutated(1, 9, Value(2, "eth0"))], [Mutated(0, 1, Value(9, 5))]])
@example(plan=[[Mutated(1, 99, Value(4, "x" * 9_000))], [Mutated(5, 9, Value(3, "y" * 9_000))]])
@example(plan=[[Mutated(0, 9, Line(b"HTTP/1.1 200 OK\r\n\r\n" + b"<" * 900, 1), drip=True)]])
@example(plan=[[Mutated(0, 9, Octets(0.5, 0, b"<value><array><data>", 9000, False))], [Mutated(0, 9, Line(BOMB, 1))]])
def test_hostile_cobblers(plan: list[list[Mutated]], cobbler: Cobbler) -> None:
    began, before = time.monotonic(), _peak()
    cobbler.begin(plan)
    said, _ = run(lambda interruption: all_of(cobbler.server_address[1], len(plan)))
    assert said[-1] == "done"
    assert len(said) == len(plan) + 1
    assert "s3cret-pass" not in "".join(said)
    assert all(len(words) < 2000 for words in said)
    assert time.monotonic() - began < LIMIT
    assert _peak() < max(MEMORY, before + (20 << 20))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
