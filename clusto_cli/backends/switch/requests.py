"""What is sent to a switch over SNMP, as steps of a plan: SETs, and waiting for what a SET began."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.snmp import Oid, SnmpDevice, SnmpRefused, Tag, Value, Varbind, format_oid
from clusto_cli.backends.switch.model import Rejected, Step

# What fits into one datagram of Ethernet beside the headers; an agent that takes less answers tooBig.
_MOST_OCTETS = 1200
# Statuses after which other requests may reach the same end (RFC 3416, 3): tooBig, genErr, wrongValue,
# inconsistentValue, resourceUnavailable, commitFailed, undoFailed, inconsistentName.
_TRY_OTHERWISE = {1, 5, 10, 12, 13, 14, 15, 18}
_LETTERS = {Tag.INTEGER: "i", Tag.GAUGE32: "u", Tag.OCTET_STRING: "x", Tag.IP_ADDRESS: "a"}


@dataclass(frozen=True, slots=True)
class SetRequest:
    """Variables written in one request. `tolerant` where an error status proves nothing and only reading does."""

    varbinds: tuple[Varbind, ...]
    tolerant: bool = False

    def lines(self) -> tuple[str, ...]:
        """Each as snmpset(1) takes it: the OID, the letter of its type, the value."""
        return tuple(f"{format_oid(bind.oid)} {_LETTERS[Tag(bind.tag)]} {_shown(bind.value)}" for bind in self.varbinds)


@dataclass(frozen=True, slots=True)
class Await:
    """A variable that is asked until it has one of the values in `done`; in `failed` ends the plan."""

    oid: Oid
    done: tuple[int, ...]
    failed: tuple[int, ...]
    what: str
    seconds: float = 30.0

    def lines(self) -> tuple[str, ...]:
        return (f"# until {format_oid(self.oid)} is {' or '.join(map(str, self.done))}",)


def integer(oid: Oid, value: int) -> Varbind:
    return Varbind(oid, Tag.INTEGER, value)


def unsigned(oid: Oid, value: int) -> Varbind:
    return Varbind(oid, Tag.GAUGE32, value)


def octets(oid: Oid, value: bytes) -> Varbind:
    return Varbind(oid, Tag.OCTET_STRING, value)


def together(varbinds: Iterable[Varbind]) -> list[Step]:
    """As few requests as possible, in this order: a new one where a message would be too long or name an OID twice."""
    requests: list[list[Varbind]] = []
    room = 0
    for bind in varbinds:
        size = len(bind.oid) + 8 + (len(bind.value) if isinstance(bind.value, bytes) else 4)
        if not requests or size > room or any(bind.oid == other.oid for other in requests[-1]):
            requests.append([])
            room = _MOST_OCTETS
        requests[-1].append(bind)
        room -= size
    return [SetRequest(tuple(request)) for request in requests]


def singly(varbinds: Iterable[Varbind]) -> list[Step]:
    """One request for each variable: for agents that acknowledge several and apply only the first."""
    return [SetRequest((bind,)) for bind in varbinds]


async def send(device: SnmpDevice, steps: Sequence[Step]) -> None:
    """Send the steps in order. Rejected at the first that the agent does not take, saying whether to try otherwise."""
    for step in steps:
        if isinstance(step, Await):
            await _await(device, step)
        elif isinstance(step, SetRequest):
            try:
                await device.set(step.varbinds)
            except SnmpRefused as error:
                if not step.tolerant:
                    again = error.status in _TRY_OTHERWISE
                    raise Rejected(device.settings.where, f"it {error}", again=again) from error
        else:
            raise TypeError(f"not a step for SNMP: {step!r}")


async def _await(device: SnmpDevice, step: Await) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + step.seconds
    where = device.settings.where
    pause = 0.05
    while True:
        value = await device.get(step.oid)
        if value in step.done:
            return
        if value in step.failed:
            raise Refused(f"{where}: {step.what} failed: {format_oid(step.oid)} is {_shown(value)}")
        if loop.time() + pause > deadline:
            raise DeviceError(
                f"{where}: {step.what} did not end within {step.seconds:g} s: {format_oid(step.oid)} is {_shown(value)}"
            )
        await asyncio.sleep(pause)
        pause = min(pause * 2, 1.0)


def _shown(value: Value) -> str:
    if isinstance(value, bytes):
        return value.hex() or '""'
    return ".".join(map(str, value)) if isinstance(value, tuple) else str(value)
