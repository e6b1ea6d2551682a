"""What a management controller tells of its machine, in one shape for every protocol, and what it can be told to do.

Texts are a device's own words, whatever they hold: who prints them cleans them. What it did not say is None, or absent
from a list.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

LONGEST = 400
"""Characters of one text that are handed on."""


class State(enum.StrEnum):
    """How a sensor is, or how grave an entry of a log. ABSENT: nothing is there, or it is switched off."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    ABSENT = "absent"
    UNKNOWN = "unknown"

    @property
    def bad(self) -> bool:
        return self in (State.WARNING, State.CRITICAL)


class Sensor(NamedTuple):
    """One sensor. reading: a number in `unit` (as the device writes it: Cel, RPM, V, W), where it measures one. said:
    its own words for its state, where it has any.
    """

    name: str
    kind: str
    reading: float | None
    unit: str
    state: State
    said: str = ""


class Entry(NamedTuple):
    """One entry of a log. id: as its log numbers it; time: ISO 8601 in UTC, or what the controller wrote instead, None
    where its clock was not set.
    """

    log: str
    id: str
    time: str | None
    state: State
    text: str


class Component(NamedTuple):
    """A piece of firmware; an empty version is one that it does not tell."""

    name: str
    version: str


class Processor(NamedTuple):
    """A processor in its socket."""

    slot: str
    model: str | None
    cores: int | None
    threads: int | None
    serial: str | None = None


class Module(NamedTuple):
    """A memory module in its slot; its size in MiB."""

    slot: str
    mib: int | None
    model: str | None
    serial: str | None


class Disk(NamedTuple):
    """A drive in its bay; its size in octets; kind: HDD, SSD, as it says itself."""

    slot: str
    model: str | None
    serial: str | None
    octets: int | None
    kind: str | None


class CardPort(NamedTuple):
    """A port of a card: all names that the controller has for it, the best first, and its addresses, as
    `52:54:00:00:00:01`. hears: who announces himself there by LLDP: system and port.
    """

    names: tuple[str, ...]
    macs: tuple[str, ...]
    hears: tuple[str, str] | None = None


class Card(NamedTuple):
    """A network card; one that is not told of as a card, but by its ports alone, has an empty slot."""

    slot: str
    model: str | None
    serial: str | None
    ports: tuple[CardPort, ...]


class Facts(NamedTuple):
    """What a machine consists of. mib: all of its memory; bmc_macs: of the controller itself. unread: what could not
    be asked for, and why.
    """

    vendor: str | None = None
    model: str | None = None
    serial: str | None = None
    asset: str | None = None
    uuid: str | None = None
    bios: str | None = None
    firmware: str | None = None
    mib: int | None = None
    processors: tuple[Processor, ...] = ()
    modules: tuple[Module, ...] = ()
    disks: tuple[Disk, ...] = ()
    cards: tuple[Card, ...] = ()
    bmc_macs: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@runtime_checkable
class MachineControl(Protocol):
    """A management controller that tells of its machine. Every method raises DeviceError."""

    async def __aenter__(self) -> MachineControl: ...

    async def __aexit__(self, *exception: object) -> None: ...

    async def light(self) -> bool | None:
        """Whether the light that one looks for in the aisle is on; None where the controller does not tell."""
        ...

    async def set_light(self, on: bool) -> None:
        """Turns it on, until it is turned off, or off. An acknowledgement proves nothing: `light` does."""
        ...

    async def sensors(self) -> list[Sensor]:
        """Every sensor, in the controller's order."""
        ...

    async def log(self, which: str | None = None) -> list[Entry]:
        """What is in the logs of hardware events, oldest first; with `which` in the one log of that name (`all`: in
        every one).
        """
        ...

    async def clear_log(self, which: str | None = None) -> None:
        """Empties the logs that `log` reads."""
        ...

    async def facts(self) -> Facts:
        """What the machine consists of."""
        ...

    async def components(self) -> list[Component]:
        """The firmware that is in force, controller and BIOS among it."""
        ...

    async def restart(self) -> None:
        """Has the controller itself start anew; its machine runs on."""
        ...

    async def awake(self) -> str:
        """An answer that takes little, to see whether it answers: when it started last, where it tells that."""
        ...


def macs_of(texts: Sequence[object]) -> tuple[str, ...]:
    """The Ethernet addresses among texts of any spelling, each once: neither those of Fibre Channel or InfiniBand nor
    those that stand for none.
    """
    found: dict[str, None] = {}
    for text in texts:
        digits = "".join(each for each in str(text).lower() if each not in ":-. ") if isinstance(text, str) else ""
        if len(digits) == 12 and all(each in "0123456789abcdef" for each in digits) and len(set(digits)) > 1:
            found[":".join(digits[at : at + 2] for at in range(0, 12, 2))] = None
    return tuple(found)


def shortened(text: str | None) -> str | None:
    """A text without what no name needs: blanks around it, and more than so many characters."""
    stripped = " ".join(text.split())[:LONGEST] if text else ""
    return stripped or None
