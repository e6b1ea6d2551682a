"""What every adapter to a device promises, and the errors it raises.

Adapters take plain settings and values, never a Thing or a store: whoever calls them has resolved the wiring.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol, runtime_checkable

from clusto_cli.backends.errors import DeviceError


class Relay(enum.StrEnum):
    """What a PDU says of a relay. CHANGING: it has been told and has not moved yet, so ask again."""

    ON = "on"
    OFF = "off"
    CHANGING = "changing"
    UNKNOWN = "unknown"
    ABSENT = "absent"


class Concern(enum.StrEnum):
    """Why an outlet is not switched: LOCK, somebody decided so; BAR, it cannot be; FAULT, it is broken. NOTE is no
    reason, but worth knowing.
    """

    LOCK = "lock"
    BAR = "bar"
    FAULT = "fault"
    NOTE = "note"


class OutletReading(NamedTuple):
    """One outlet as its device reports it: the relay, the device's own word for that, its label, and what it warns
    of.
    """

    outlet: str
    relay: Relay
    code: str
    label: str | None = None
    concerns: tuple[tuple[Concern, str], ...] = ()
    never: Mapping[bool, str] = MappingProxyType({})
    """Why the device, as it is set, will never turn it on (True) or off (False), though it takes the command."""

    def concern(self, kind: Concern) -> str | None:
        """The texts of one kind of concern, joined; None when there is none."""
        return ", ".join(text for found, text in self.concerns if found is kind) or None


class LoadReading(NamedTuple):
    """What flows through one inlet, phase, bank or outlet of a device, as it measures that itself.

    `values` has what it measures, by quantity: `watts`, `volt_amperes`, `amperes`, `volts`, `power_factor` (1 at most),
    `kilowatt_hours` (since its counter was last reset), and its own limits `limit_amperes`, `warn_amperes`,
    `limit_watts`. `state` is its own judgement (ok, low, near, over, or its words), None where it gives none. `notes`
    are what it says that cannot be.
    """

    of: str
    name: str
    values: Mapping[str, float]
    state: str | None = None
    notes: tuple[str, ...] = ()


class Step(NamedTuple):
    """One thing that switching an outlet sends, as `--dry-run` shows it: where (an object identifier, a URL) and
    what.
    """

    outlet: str
    where: str
    what: str


class PowerControl(Protocol):
    """Outlets of one device, or the one power switch of a management controller.

    An outlet is named by the text that stands in the inventory: its number, `UNIT.NUMBER` on a chain, or the device's
    own name for it. Methods that take several outlets answer for each by itself; what they raise is about the device
    as a whole.
    """

    async def __aenter__(self) -> PowerControl: ...

    async def __aexit__(self, *exception: object) -> None: ...

    async def outlets(self) -> list[OutletReading]:
        """Every outlet that the device has, in its order."""

    async def read(self, outlets: Sequence[str], *, brief: bool = False) -> dict[str, OutletReading | DeviceError]:
        """What each outlet does. `brief` leaves out labels and locks: it is for asking again."""

    async def steps(self, outlets: Sequence[str], on: bool) -> dict[str, list[Step]]:
        """What `switch` would send. Nothing is changed."""

    async def switch(self, outlets: Sequence[str], on: bool) -> dict[str, DeviceError]:
        """Tells each outlet to turn on or off; those that the device did not acknowledge, and why.

        Safe to call again with the same arguments. An acknowledgement proves nothing: `read` does.
        """

    async def settle_times(self, outlets: Sequence[str], on: bool) -> Mapping[str, float]:
        """Seconds within which `read` shows the change of each outlet, delays configured in the device included.

        `outlets` are all that go the same way, since a device may put delays between them.
        """


@runtime_checkable
class MeteredControl(Protocol):
    """A device that measures what is drawn from it. An optional capability of a PowerControl."""

    async def loads(self) -> list[LoadReading]:
        """All that it measures: inlets, phases, banks, outlets, in this order. Outlets are called as in the inventory.

        Raises Refused where its family measures nothing that is known.
        """
        ...


@runtime_checkable
class GracefulControl(Protocol):
    """A power switch that can also ask the operating system behind it to shut down. An optional capability of a
    PowerControl: those that lack it are only turned off.
    """

    async def shutdown_gracefully(self, outlets: Sequence[str]) -> dict[str, DeviceError]:
        """Asks each outlet's operating system to shut down and turn its machine off; those that the device did not
        take this for, and why.

        An acknowledgement proves nothing, since a system may never heed it: `read` shows when it is off.
        """
        ...

    async def graceful_steps(self, outlets: Sequence[str]) -> dict[str, list[Step]]:
        """What `shutdown_gracefully` would send. Nothing is changed."""
        ...


class BootDevice(enum.StrEnum):
    """What a server is to boot from; DEFAULT: whatever its firmware is set to, without an override."""

    NETWORK = "network"
    DISK = "disk"
    DEFAULT = "default"


class BootOverride(NamedTuple):
    """What a management controller will have its server boot from, as it was read back.

    device: a BootDevice's word, or the controller's own for anything else. once: for the next boot only. code: the
    controller's own words.
    """

    device: str
    once: bool
    code: str


class BootControl(Protocol):
    """A management controller that chooses what its server boots from. Every method raises DeviceError."""

    async def boot_override(self) -> BootOverride:
        """The override in force. Acknowledgements prove nothing: some controllers accept Once and do Continuous."""
        ...

    async def set_boot_override(self, device: BootDevice, *, once: bool) -> None:
        """Boot from there next time, or from now on. DEFAULT takes an override back."""
        ...


@runtime_checkable
class BmcControl(PowerControl, BootControl, Protocol):
    """A management controller that switches its server and chooses what it boots from."""

    async def __aenter__(self) -> BmcControl: ...


class BootMachine(NamedTuple):
    """All that a boot server is told of one machine.

    macs: of the cards it may boot from, lower case with colons. profile: the operating system's. install: the boot
    files that start the installer, by their paths below the boot directory; local: the same paths with files that
    tell the loader to go on with the machine's own disk. answers: what the installer fetches, by path. events: the URL
    below which it says how far it is (`EVENTS/started`), None where nobody listens.
    """

    name: str
    macs: tuple[str, ...]
    address: str | None
    profile: str
    install: Mapping[str, str]
    local: Mapping[str, str]
    answers: Mapping[str, str]
    events: str | None = None


class BootState(enum.StrEnum):
    """What the boot server tells a machine now; FOREIGN: something that clusto did not write."""

    INSTALL = "install"
    LOCAL = "local"
    ABSENT = "absent"
    FOREIGN = "foreign"


class Provisioner(Protocol):
    """A boot server: what tells machines, when they boot from the network, to install or to go on with their disk.

    Methods may be called for many machines at once; each raises DeviceError.
    """

    async def __aenter__(self) -> Provisioner: ...

    async def __aexit__(self, *exception: object) -> None: ...

    async def check(self, machine: BootMachine) -> str:
        """Whether `install` can succeed, as one line for people (`/srv/tftp is writable`). Nothing is changed."""
        ...

    async def state(self, machine: BootMachine) -> BootState:
        """What the machine would be told now."""
        ...

    async def install(self, machine: BootMachine) -> None:
        """Has the machine install from now on. When anything fails, everything is back at local, and it raises."""
        ...

    async def local(self, machine: BootMachine, *, keep_answers: bool = False) -> None:
        """Has the machine boot its own disk, by an explicit file, never by a missing one; takes its answers away, but
        with `keep_answers` not yet, since an installer that runs may still ask for them.

        Works after `install` whatever has become of the boot server's space. Harmless to repeat.
        """
        ...

    async def local_many(self, machines: Sequence[BootMachine]) -> Mapping[str, DeviceError]:
        """`local` for many machines that are not being installed; those that it could not do, and why, by name."""
        ...

    async def steps(self, machine: BootMachine, install: bool) -> list[Step]:
        """What `install` or `local` would do, for `--dry-run`."""
        ...


class Attach(enum.Enum):
    """How to attach to a console: typing and waiting one's turn, only looking, or taking it from who has it."""

    NORMAL = "normal"
    READ_ONLY = "read_only"
    FORCE = "force"


class ConsoleLine(Protocol):
    """A serial line that is being opened or is open: bytes both ways, none of them changed.

    Nothing here blocks. A caller polls what `waits_for` names, calls `read()` when something of it has come or, until
    the line is ready, a moment has passed, and `close()` in the end, whatever happened.
    """

    @property
    def ready(self) -> bool:
        """The port is attached: what is typed reaches it."""

    @property
    def backlog(self) -> int:
        """How many bytes `write` has taken that are not passed on yet."""

    def waits_for(self, *, reading: bool = True) -> dict[int, int]:
        """Descriptors and the poll events for which there is something to read or to pass on; none may be left.

        Without `reading`, what the other side says may wait.
        """

    def read(self) -> bytes:
        """What has come since the last call, `b""` when nothing has.

        Raises a DeviceError when the port cannot be attached, and LineLost when it was and is no more.
        """

    def write(self, data: bytes) -> None:
        """Types these bytes; passed on by `read` as fast as the other side takes them.

        Raises Refused for a byte that the program in between would take for a command and has no way to pass on.
        """

    def send_break(self) -> None:
        """A serial break of about a quarter of a second. Raises Refused where it cannot be sent, saying why."""

    def resize(self, rows: int, columns: int) -> None: ...

    def leave(self) -> None:
        """Begins to leave, and waits for nothing: so that many lines leave side by side before each is closed."""

    def close(self) -> None:
        """Leaves in good order, so that the port is free for the next one; never raises, may be called again.

        A port that was never attached, or that somebody else has by now, is left alone.
        """


class ConsoleAccess(Protocol):
    """The way to one serial port."""

    @property
    def command(self) -> str:
        """What is run or dialled, as a shell would take it, without secrets."""

    def open(self, attach: Attach, *, rows: int, columns: int, interactive: bool) -> ConsoleLine:
        """Starts to attach. `interactive` when somebody is there to answer a question such as for a password.

        Raises a DeviceError where that is known at once, Refused where this way has no such mode of attaching.
        """
