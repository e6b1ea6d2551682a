"""What a controller tells of its machine over IPMI 2.0, as ipmitool prints it: sensors, event log, FRU data.

IPMI knows nothing of processors, memory, disks and network cards, so facts have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from clusto_cli.backends.errors import NoSuchPort, Refused
from clusto_cli.backends.ipmi import Ipmitool
from clusto_cli.backends.ipmi.words import of_code, of_words
from clusto_cli.backends.machine import (
    LONGEST,
    Component,
    Entry,
    Facts,
    Sensor,
    State,
    macs_of,
    shortened,
)
from clusto_cli.visible import one_line

_LOG = "SEL"
_MANY = 6.0
"""What a whole repository or log may take, in times of what one answer may: each of its records is an answer."""
_MOST = 10_000
"""The most sensors or entries that are taken: an event log has some thousand at most."""
# ipmitool(1), sdr elist: name, number, state, entity, reading or discrete states.
_SENSOR = re.compile(r"(.{1,80}?) *\| [0-9A-F]{2}h \| (\w{1,4}) *\| *[0-9.]{1,8} \| ?(.*)")
_READING = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) (.+)")
_UNITS = {"degrees C": "Cel", "Volts": "V", "Watts": "W", "Amps": "A", "percent": "%"}
"""Redfish's spelling of units (UCUM) for ipmitool's, so that one machine is as another."""
_KINDS = {"Cel": "temperature", "RPM": "fan", "V": "voltage", "W": "power", "A": "current"}
_DATE = re.compile(r"([0-9]{2})/([0-9]{2})/((?:[0-9]{2})?[0-9]{2})")
_CLOCK = re.compile(r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?: UTC)?")
_FIELD = re.compile(r" *([A-Za-z][A-Za-z ./-]{0,30}?) *: (.*)")
_STATED, _LIT = 0x40, 0x30
"""Get Chassis Status, the third octet (IPMI 2.0, 28.2): whether the state of the light is told, and the state."""


class IpmiMachine:
    """One controller, and the machine behind it."""

    def __init__(self, tool: Ipmitool) -> None:
        self._tool = tool

    async def __aenter__(self) -> IpmiMachine:
        return self

    async def __aexit__(self, *exception: object) -> None:
        return None

    async def light(self) -> bool | None:
        said = (await self._tool.run("raw", "0x00", "0x01")).split()[-4:]
        try:
            misc = [int(octet, 16) for octet in said][2]
        except (ValueError, IndexError):
            return None
        return bool(misc & _LIT) if misc & _STATED else None

    async def set_light(self, on: bool) -> None:
        await self._tool.run("chassis", "identify", "force" if on else "0")

    async def sensors(self) -> list[Sensor]:
        said = await self._tool.run("sdr", "elist", "all", quiet=True, times=_MANY)
        return [sensor for line in said.splitlines()[:_MOST] if (sensor := _sensor(one_line(line))) is not None]

    async def log(self, which: str | None = None) -> list[Entry]:
        self._check(which)
        said = await self._tool.run("-c", "sel", "elist", quiet=True, times=_MANY)
        return [entry for line in said.splitlines()[:_MOST] if (entry := _entry(one_line(line))) is not None]

    async def clear_log(self, which: str | None = None) -> None:
        self._check(which)
        await self._tool.run("sel", "clear")

    async def facts(self) -> Facts:
        controller = dict(_fields(await self._tool.run("mc", "info")))
        unread = ["over IPMI: no processors, memory, disks and cards"]
        product, lan = await self._asked(unread, "fru", "print", "0"), await self._asked(unread, "lan", "print")
        return Facts(
            vendor=product.get("Product Manufacturer") or product.get("Board Mfg"),
            model=product.get("Product Name") or product.get("Board Product"),
            serial=product.get("Product Serial") or product.get("Chassis Serial") or product.get("Board Serial"),
            asset=product.get("Product Asset Tag"),
            firmware=controller.get("Firmware Revision"),
            bmc_macs=macs_of([lan.get("MAC Address")]),
            unread=tuple(unread),
        )

    async def components(self) -> list[Component]:
        controller = dict(_fields(await self._tool.run("mc", "info")))
        if "Firmware Revision" not in controller:
            raise Refused(f"{self._tool.where}: it does not tell its firmware")
        return [Component("BMC", controller["Firmware Revision"])]

    async def restart(self) -> None:
        await self._tool.run("mc", "reset", "cold")

    async def awake(self) -> str:
        await self._tool.run("mc", "info")
        return ""

    async def _asked(self, unread: list[str], *words: str) -> dict[str, str]:
        """The fields of an answer; none where the controller has no such thing, which is added to `unread`."""
        try:
            fields = dict(_fields(await self._tool.run(*words, quiet=True, times=_MANY)))
        except Refused as error:
            unread.append(str(error))
            return {}
        if not fields:
            unread.append(f"{' '.join(words[:1])}: it tells nothing")
        return fields

    def _check(self, which: str | None) -> None:
        if which is not None and which.casefold() not in (_LOG.casefold(), "all"):
            raise NoSuchPort(f"{self._tool.where}: over IPMI there is one log, {_LOG}")


def _sensor(line: str) -> Sensor | None:
    found = _SENSOR.fullmatch(line)
    if found is None:
        return None
    name, code, said = found[1], found[2], found[3].strip()[:LONGEST]
    state = of_code(code)
    measured = _READING.fullmatch(said)
    if measured is not None:
        unit = _UNITS.get(measured[2], measured[2])
        return Sensor(name, _KINDS.get(unit, "other"), float(measured[1][:20]), unit, state)
    if state is State.OK:
        state = of_words(said)
    return Sensor(name, "state", None, "", state, said)


def _entry(line: str) -> Entry | None:
    """`1a,11/29/2026,15:40:00,Temperature Inlet,Upper Critical going high,Asserted,Reading 85 > Threshold 80`."""
    columns = [column.strip() for column in line.split(",")]
    if len(columns) < 4 or not re.fullmatch("[0-9a-f]{1,8}", columns[0]):
        return None
    words = [column for column in columns[3:] if column]
    gone = "Deasserted" in words
    text = ", ".join(words)[:LONGEST]
    return Entry(_LOG, columns[0], _moment(columns[1], columns[2]), State.OK if gone else of_words(text), text)


def _moment(date: str, clock: str) -> str | None:
    """A time of ipmitool, which has the month first."""
    day, hour = _DATE.fullmatch(date), _CLOCK.fullmatch(clock)
    if day is None or hour is None:
        return None
    year = day[3] if len(day[3]) == 4 else f"20{day[3]}"
    return f"{year}-{day[1]}-{day[2]}T{hour[1]}Z"


def _fields(said: str) -> Iterator[tuple[str, str]]:
    """The fields of a listing, `Product Name : Box`, those of the first device alone; empty ones are left out."""
    seen = set()
    for line in said.splitlines()[:_MOST]:
        found = _FIELD.fullmatch(one_line(line))
        value = shortened(found[2]) if found else None
        if found and value and found[1] not in seen and value not in ("Unspecified", "Unknown", "0"):
            seen.add(found[1])
            yield found[1], value
