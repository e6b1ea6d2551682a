"""Controllers that tell nonsense of their machines: no hang, no traceback, no terminal taken, and nothing of it written
where it does not belong.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clusto_cli.backends import ipmi, program
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.ipmi import Ipmitool
from clusto_cli.backends.ipmi.machine import IpmiMachine
from clusto_cli.backends.machine import Component, Entry, Facts, MachineControl, Sensor
from clusto_cli.backends.redfish.machine import RedfishMachine
from clusto_cli.backends.redfish.service import Service
from clusto_cli.backends.redfish.system import System
from clusto_cli.bmc import report
from clusto_cli.bmc.holding import learn, said_by
from clusto_cli.context import App
from clusto_cli.output import clean
from clusto_core.answers.hardware import compare
from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.inventory import Inventory
from tests.bmc.mockup import SYSTEM, Document, machine
from tests.fuzz.mutations import HOSTILE, bounded, fuzz, harmless, mutated

SDR = (
    b"CPU Temp         | 01h | ok  |  7.1 | 40 degrees C\nInlet, front     | 02h | unc |  7.1 | 85 degrees C\n"
    b"PS1 Status       | 04h | ok  | 10.4 | Presence detected, Failure detected\n"
    b"Fan 2            | 05h | ns  |  7.1 | No Reading\n"
)
SEL = (
    b"1,11/30/2026,12:00:00,Temperature Inlet,Upper Critical going high,Asserted,Reading 85 > Threshold 80\n"
    b"2, Pre-Init ,0000025659,Event Logging Disabled SEL,Log area reset/cleared,Asserted\n"
)
FRU = (
    b"FRU Device Description : Builtin FRU Device (ID 0)\n Product Manufacturer  : ACME\n Product Serial        : S1\n"
)
PRINTED = (
    SDR,
    SEL,
    FRU,
    b"Firmware Revision         : 9.08\n",
    b"MAC Address : 52:54:00:00:00:01\n",
    b" 01 00 40\n",
    b"",
)
WORDS = [each.decode("utf-8", "replace") for each in HOSTILE]
TRAP = "http://192.0.2.1/redfish/v1/Systems/1"
values = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            -1,
            0,
            1e308,
            float("nan"),
            float("inf"),
            10**40,
            [],
            {},
            [[]],
            "\ud800",
            "",
            TRAP,
            "x" * 5000,
            SYSTEM,
        ]
    ),
    st.sampled_from(WORDS),
    st.sampled_from([{"@odata.id": SYSTEM}, {"@odata.id": TRAP}, [{"@odata.id": SYSTEM}] * 3, [None] * 9, "@server1"]),
    st.text(max_size=5),
)
SERVERS = itertools.count(1)
changes = st.lists(st.tuples(st.integers(0, 2000), values), min_size=1, max_size=8)


class Nonsense:
    """A service that keeps its resources in memory, some of their values being others."""

    url = "https://bad"

    def __init__(self, resources: Document) -> None:
        self.resources = resources
        self.asked = 0

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def get(self, path: str) -> Mapping[str, Any]:
        self.asked += 1
        if self.asked > 5000:
            raise AssertionError("it asks without an end")
        place = Service.path_of(cast(Service, self), path)
        found = self.resources.get(place.partition("?")[0])
        if not isinstance(found, dict):
            raise Refused(f"{self.url}: 404 {place[:80]!a}")
        return found

    async def send(self, method: str, path: str, body: object = None, tag: str | None = None) -> None:
        Service.path_of(cast(Service, self), path)

    @property
    def _origin(self) -> tuple[str, str, int]:
        return ("https", "bad", 443)


def places(value: object) -> Iterator[tuple[Any, Any]]:
    """Each place in a document at which something stands."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(pairs):
        yield value, key
        yield from places(each)


def changed(told: Sequence[tuple[int, Any]]) -> Document:
    resources = copy.deepcopy(machine())
    every = list(places(resources))
    for place, value in told:
        holder, key = every[place % len(every)]
        holder[key] = value
    return resources


async def everything(control: MachineControl) -> list[object]:
    """All that it can be asked, each answer or failure; anything else is raised."""
    answers: list[object] = []
    async with control as entered:
        for ask in (
            entered.light,
            lambda: entered.set_light(True),
            entered.sensors,
            entered.log,
            lambda: entered.log("all"),
            entered.facts,
            entered.components,
            entered.awake,
            entered.restart,
            entered.clear_log,
        ):
            try:
                answers.append(await ask())  # type: ignore[no-untyped-call]
            except DeviceError as error:
                answers.append(error)
    return answers


def told(answers: Sequence[object]) -> Iterator[str]:
    """All of it as people and programs see it, before it is cleaned."""
    for answer in answers:
        if isinstance(answer, DeviceError):
            yield str(answer)
        elif isinstance(answer, Facts):
            yield from report.facts_lines("bad", answer)
            json.dumps(report.facts_record(answer))
        elif isinstance(answer, list):
            yield from report.sensor_lines([("bad", [each for each in answer if isinstance(each, Sensor)])], True)
            yield from (report.entry_line("bad", each, True) for each in answer if isinstance(each, Entry))
            yield from report.firmware_lines([("bad", [each for each in answer if isinstance(each, Component)])], False)


def check(answers: Sequence[object], inventory: Inventory) -> None:
    for line in told(answers):
        assert harmless(clean(line))
        assert len(line) < 5000
    for facts in answers:
        if isinstance(facts, Facts):
            with inventory.read() as reader:
                compare(reader, reader.resolve("bad"), said_by(facts), whole=True)


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    found = Inventory(Settings(f"sqlite:///{tmp_path_factory.mktemp('bmc') / 'clusto.db'}"))
    with found.change() as change:
        change.add("Server", "bad", attributes=[("serial", "S1"), ("disk#0.serial", "S1-D0")])
    return found


@fuzz(share=4)
@given(changes)
@example([(0, {"@odata.id": TRAP}), (5, [None])])
@example([(201, "\ud800")])
def test_a_service_that_tells_anything(inventory: Inventory, told: list[tuple[int, Any]]) -> None:
    service = cast(Service, Nonsense(changed(told)))
    with bounded():
        check(asyncio.run(everything(RedfishMachine(System(service, timeout=2)))), inventory)


def test_without_a_change_all_is_answered(inventory: Inventory) -> None:
    """So that what the others try is more than failures."""
    answers = asyncio.run(everything(RedfishMachine(System(cast(Service, Nonsense(changed([])))))))
    assert [each for each in answers if isinstance(each, DeviceError)] == []
    assert len(list(told(answers))) > 30


@fuzz(share=20)
@given(changes)
def test_nonsense_is_written_as_what_it_is(inventory: Inventory, told: list[tuple[int, Any]]) -> None:
    """Whatever it holds: text, under the keys of hardware; or refused."""
    app = App(inventory.settings.url)
    number = next(SERVERS)
    with inventory.change() as change:
        thing = change.add("Server", f"bad{number}")
    control = RedfishMachine(System(cast(Service, Nonsense(changed(told))), timeout=2))
    for each in asyncio.run(everything(control)):
        if isinstance(each, Facts):
            with contextlib.suppress(ClustoError):
                learn(app, {thing: each}, None, force=False, dry_run=False)
    with inventory.read() as reader:
        found = [*reader.attributes(thing.id), *reader.attributes_of_parts(thing.id)]
    tables = ("serial", "memory", "cpu", "disk", "card", "mac", "label", "bmc")
    assert {each.key.key for each in found} <= set(tables)
    assert {each.value.type for each in found} <= {"string", "integer"}


@fuzz(share=2)
@given(st.lists(mutated(PRINTED), min_size=6, max_size=6), st.sampled_from([0, 0, 0, 1]))
@example([SDR, SEL, FRU, b"", b" 00 00 ff", b""], 0)
def test_a_program_that_tells_anything(inventory: Inventory, printed: list[bytes], status: int) -> None:
    turns = itertools.cycle(printed)

    async def run(argv: Sequence[str], timeout: float, environment: dict[str, str] | None = None) -> str:
        return program.outcome(argv[0], status, next(turns), b"")

    with bounded(), mock.patch.object(ipmi, "run_program", run):
        check(asyncio.run(everything(IpmiMachine(Ipmitool("bad", "a", "b")))), inventory)
