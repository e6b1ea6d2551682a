"""Asking all that a command names, side by side and not too fast; what fails fails alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial

from clusto_cli.backends.base import OutletReading, PowerControl
from clusto_cli.backends.errors import DeviceError, Unreachable, Unusable
from clusto_cli.backends.power import profile as pdu_profiles
from clusto_cli.backends.power import snmp_settings
from clusto_cli.backends.power.recognise import NotRecognised, claiming, recognise
from clusto_cli.backends.power.recognising import RecognisingPower
from clusto_cli.backends.runner import Interruption, Operation, Outcome, attempt, enter, run, side_by_side
from clusto_cli.backends.settings import integer
from clusto_cli.backends.snmp import SnmpDevice, SnmpSettings
from clusto_cli.backends.switch import sockets
from clusto_cli.backends.switch.directory import read_directory
from clusto_cli.backends.switch.model import Survey, SwitchSettings
from clusto_cli.backends.switch.oids import BASE_PORT_IF_INDEX
from clusto_cli.backends.switch.opening import open_switch
from clusto_cli.discovery.collectors import outlets, redfish, snmp, sshkeys, switches
from clusto_cli.discovery.evidence import Evidence, Failure, Found
from clusto_cli.network.devices import Device, told
from clusto_core.answers.devicesettings import ADDRESS, DeviceSettings
from clusto_core.errors import ClustoError
from clusto_core.spelling import natural_key

SNMP, REDFISH, SSH = "snmp", "redfish", "ssh"
WAYS = (SNMP, REDFISH, SSH)
_RETRIES = "1"
"""Most addresses of a Network are nobody's, and each costs the patience of one that is."""
_TIMEOUT = 2.0

Names = Callable[[Sequence[OutletReading]], Mapping[str, str]]
"""By what a PDU calls its outlets, their names in the inventory."""


@dataclass(frozen=True)
class Pdu:
    """A PDU of the inventory: its adapter, not yet entered, and the names of its outlets."""

    name: str
    control: Callable[[], PowerControl]
    parts: Names


@dataclass
class Asked:
    """Whom to ask. addresses: with the settings for each; controllers: machines with the settings of theirs."""

    switches: Sequence[Device] = ()
    pdus: Sequence[Pdu] = ()
    controllers: Mapping[str, DeviceSettings] = field(default_factory=dict)
    addresses: Mapping[str, DeviceSettings] = field(default_factory=dict)
    ways: Sequence[str] = WAYS


@dataclass
class Answers:
    """What came back; surveys of switches, as `network verify` takes them, by their names or addresses."""

    said: dict[str, list[Evidence]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    surveys: dict[str, Survey] = field(default_factory=dict)

    @property
    def found(self) -> Found:
        """The same in an order that does not depend on who was quicker."""
        evidence = tuple(each for at in sorted(self.said, key=natural_key) for each in self.said[at])
        return Found(evidence, tuple(sorted(self.failures)), tuple(self.notes))

    def add(self, at: str, evidence: Iterable[Evidence]) -> None:
        """Adds what somebody, or something, said."""
        self.said.setdefault(at, []).extend(evidence)


class Pace:
    """So many a second, and no more."""

    def __init__(self, rate: float) -> None:
        self._pause = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        """Waits until it is one's turn."""
        now = asyncio.get_running_loop().time()
        due = max(now, self._next)
        self._next = due + self._pause
        await asyncio.sleep(due - now)


def ask(asked: Asked, *, parallel: int, rate: float, tell: Callable[[int, int], None]) -> Answers:
    """Asks everybody, at most `parallel` at once and `rate` a second; `tell` is told how many of how many are done.

    Raises KeyboardInterrupt once it is interrupted: half of what is there says things that the whole does not.
    """
    answers = Answers()
    surveyors = {device.name for device in asked.switches}

    done, total = 0, len(asked.switches) + len(asked.pdus) + len(asked.controllers) + len(asked.addresses)

    def note(outcome: Outcome[str, list[Evidence]]) -> None:
        nonlocal done
        done += 1
        tell(done, total)
        if outcome.failure is None:
            answers.add(outcome.device, outcome.result or ())
        elif outcome.device not in asked.addresses:
            answers.failures.append(Failure(outcome.device, told(outcome.failure), outcome.device in surveyors))

    async def main(interruption: Interruption) -> None:
        pace = Pace(rate)
        queues = {key: [_paced(pace, each)] for key, each in _operations(asked, answers).items()}
        await side_by_side(queues, parallel=parallel, interruption=interruption, on_outcome=note)

    _, interrupted = run(main)
    if interrupted:
        raise KeyboardInterrupt
    answers.notes += [device.note for device in asked.switches if device.note]
    return answers


Asking = Callable[[], Awaitable[list[Evidence]]]


def _paced(pace: Pace, asking: Asking) -> Operation[list[Evidence]]:
    async def operation(interruption: Interruption) -> list[Evidence]:
        await interruption.within(pace.turn())
        return await interruption.within(asking())

    return operation


def _operations(asked: Asked, answers: Answers) -> dict[str, Asking]:
    found: dict[str, Asking] = {}
    for device in asked.switches:
        found[device.name] = partial(_switch, device, answers)
    for pdu in asked.pdus:
        found[pdu.name] = partial(_pdu, pdu)
    for name, settings in asked.controllers.items():
        found[name] = partial(_controller, name, settings)
    for address, settings in asked.addresses.items():
        found[address] = partial(_address, address, settings, asked.ways, answers)
    return found


async def _switch(device: Device, answers: Answers) -> list[Evidence]:
    found, survey = await switches.of_thing(device)
    answers.surveys[device.name] = survey
    return found


async def _pdu(pdu: Pdu) -> list[Evidence]:
    async with AsyncExitStack() as stack:
        control = await enter(stack, pdu.control())
        _, labels = await outlets.labels(pdu.name, control, pdu.parts)
    return [*labels]


async def _controller(name: str, settings: DeviceSettings) -> list[Evidence]:
    try:
        return [await redfish.machine(name, settings.get("bmc.host") or "", settings)]
    except (ClustoError, ValueError) as error:
        raise Unusable(str(error)) from None


# --- what is at an address -------------------------------------------------------------------------------------------


async def _address(address: str, settings: DeviceSettings, ways: Sequence[str], answers: Answers) -> list[Evidence]:
    """All that answers there. Who does not answer is nobody, and no failure."""
    asking: dict[str, Asking] = {
        SNMP: lambda: _snmp(address, settings, answers),
        REDFISH: lambda: _redfish(address, settings),
        SSH: lambda: _ssh(address, settings),
    }
    found: list[Evidence] = []
    for way, work in zip(ways, await asyncio.gather(*(_tried(asking[way]) for way in ways)), strict=True):
        if isinstance(work, ClustoError | Unusable):
            text = f"{way} is not asked: {work}"
            answers.notes += [] if text in answers.notes else [text]
        elif not isinstance(work, DeviceError):
            found += work
    return found


async def _tried(asking: Asking) -> list[Evidence] | DeviceError | ClustoError:
    try:
        return await attempt(asking())
    except DeviceError as error:
        cause = error.__cause__
        return cause if isinstance(cause, ClustoError) else error


async def _snmp(address: str, settings: DeviceSettings, answers: Answers) -> list[Evidence]:
    if not {"snmp.community", "snmp.user"} & set(settings):
        return []
    spoken = {"snmp.retries": _RETRIES, "snmp.max_octets": "1400"}
    spoken |= {key: settings[key] for key in settings if key.startswith("snmp.")}
    try:
        snmp_of = snmp_settings(address, spoken)
    except ValueError as error:
        raise Unusable(str(error)) from None
    async with SnmpDevice(snmp_of) as device:
        identity = await snmp.identity(device, address, address)
        found: list[Evidence] = []
        with contextlib.suppress(DeviceError):
            found += await attempt(snmp.resolved(device, address))
    patient = replace(snmp_of, retries=max(snmp_of.retries, 4))
    switch = await _as_switch(address, patient)
    if switch is not None:
        profile, ports, survey = switch
        answers.surveys[address] = survey
        return [identity._replace(switch=profile, ports=ports), *found, *switches.told(address, survey)]
    pdu = await _as_pdu(address, patient)
    if pdu is not None:
        profile, names, labels = pdu
        return [identity._replace(pdu=profile, outlets=names), *found, *labels]
    return [identity, *found]


async def _as_switch(address: str, settings: SnmpSettings) -> tuple[str, tuple[str, ...], Survey] | None:
    """The profile, the ports and the survey of a switch; None for what is none."""
    # What is of no kind that is known is a switch where it has a table of its bridge's ports (BRIDGE-MIB).
    for profile in ("", "qbridge") if await _is_bridge(settings) else ("",):
        with contextlib.suppress(DeviceError):
            opened = await attempt(open_switch(SwitchSettings(address, profile=profile, via="snmp"), settings))
            try:
                survey = await attempt(opened.control.survey())
            finally:
                await switches.closed(opened.control)
            return opened.profile.name, await _ports(settings), survey
    return None


async def _is_bridge(settings: SnmpSettings) -> bool:
    async with SnmpDevice(settings) as device:
        first = await device.get_next(BASE_PORT_IF_INDEX)
    return first is not None and first.oid[: len(BASE_PORT_IF_INDEX)] == BASE_PORT_IF_INDEX


async def _ports(settings: SnmpSettings) -> tuple[str, ...]:
    """The names of all that has a socket."""
    async with SnmpDevice(settings) as device:
        directory = await read_directory(device)
        found = await sockets.read_sockets(device, directory)
    indexes = sorted({*found.indexes, *directory.bridge_port})
    return tuple(dict.fromkeys(directory.name(index) for index in indexes))


async def _as_pdu(address: str, settings: SnmpSettings) -> tuple[str, tuple[str, ...], list[Evidence]] | None:
    """The profile, the outlets and their labels of a PDU; None for what is none."""
    async with SnmpDevice(settings) as device:
        profiles = await claiming(device, map(pdu_profiles.load, pdu_profiles.names()))
        if not profiles:
            return None
        try:
            recognised = await recognise(device, profiles)
        except NotRecognised:
            return None
    async with AsyncExitStack() as stack:
        control = await enter(stack, RecognisingPower(settings, None, str(recognised), lambda name: None))
        names, labels = await outlets.labels(address, control, lambda readings: {})
    return recognised.profile, tuple(names), [*labels]


async def _redfish(address: str, settings: DeviceSettings) -> list[Evidence]:
    port = integer(settings.picked("bmc.port"), "bmc.port", 0) or None
    await _listens(address, port or 443)
    found: list[Evidence] = [await redfish.root(address, address, port, _TIMEOUT * 2)]
    if {"bmc.user", "bmc.password"} <= set(settings):
        spoken = settings.derived("bmc.host", address, ADDRESS).derived("bmc.protocol", "redfish", "bmc.protocol")
        # Whoever does not let us in is there all the same.
        with contextlib.suppress(DeviceError):
            found.append(await attempt(redfish.machine(address, address, spoken)))
    return found


async def _ssh(address: str, settings: DeviceSettings) -> list[Evidence]:
    port = integer(settings.picked("ssh.port"), "ssh.port", 22)
    await _listens(address, port)
    return [*await sshkeys.keys(address, address, port, _TIMEOUT)]


async def _listens(address: str, port: int) -> None:
    """Raises Unreachable where nobody listens."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError):
        raise Unreachable(f"{address} port {port}: nobody listens") from None
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
