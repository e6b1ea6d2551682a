"""One machine's rebuild from its boot file to a system that is up, and the way back from wherever it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from clusto_cli.backends.base import BootControl, BootDevice, BootMachine, BootOverride, Provisioner
from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.runner import Interruption, attempt
from clusto_cli.power.actions import Actions
from clusto_cli.power.targets import Target
from clusto_cli.rebuild.guardian import Guardian
from clusto_cli.rebuild.hearing import Followed, Hearing, news
from clusto_cli.rebuild.listening import Listening
from clusto_cli.rebuild.probe import Probe
from clusto_cli.rebuild.signs import words
from clusto_cli.rebuild.watching import LocalFetches
from clusto_core.errors import ClustoError
from clusto_core.records.rebuilds import (
    ARMING,
    BOOTING,
    CANCELLED,
    DONE,
    FAILED,
    INSTALLING,
    OFF,
    PROBE,
    STARTING,
    UP,
    WAITING,
)

_GRACE = 10.0
"""Seconds after its boot file was fetched before it becomes local without a word of the installer: GRUB reads twice."""
_LATE = 30.0
"""Seconds in which an installer may still be heard of after a system has come up."""
_LOOK = 0.5
"""Seconds between two looks at the clock."""
_LOOKS = 3
"""How often a controller is asked whether it has taken an order in."""
_AGAIN = 5.0
"""Seconds before a boot server that does not answer is tried again."""


class Stopped(Exception):
    """The story ends here; the message says why."""


class Left(Exception):
    """The command goes; the rebuild stays as it is, to be resumed."""


@dataclass
class Work:
    """What one rebuild is done with. directory: the boot directory, where that is on this computer. timeout: seconds
    for all of it; boot_timeout: from power on to the installer."""

    target: Target
    machine: BootMachine
    server: Provisioner
    server_settings: Mapping[str, str]
    directory: str | None
    actions: Actions
    override: BootControl | None
    probe: Probe | None
    timeout: float
    boot_timeout: float


@dataclass
class Outcome:
    """What became of a rebuild. failures say why it is not done; tail: its console's last words."""

    name: str
    rebuild_id: int
    phase: str
    done: bool = False
    refused: bool = False
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True)
class Ears:
    """How a command hears of its machines: from the store, on consoles, by the reads of boot files on this computer."""

    hearing: Hearing
    listening: Listening
    fetches: LocalFetches


class Story:
    """Rebuilds one machine. Whatever happens, its boot file says local in the end, or the outcome says why not."""

    def __init__(
        self,
        work: Work,
        followed: Followed,
        ears: Ears,
        guardian: Guardian,
        interruption: Interruption,
    ) -> None:
        self._work = work
        self._followed = followed
        self._evidence = followed.evidence
        self._hearing = ears.hearing
        self._listening = ears.listening
        self._fetches = ears.fetches
        self._guardian = guardian
        self._interruption = interruption
        self._name = followed.rebuild.name
        self._armed = False
        self._is_local = False
        self._overridden = False
        self._continuous = False
        self._ends = time.monotonic() + work.timeout
        self.outcome = Outcome(self._name, followed.rebuild.id, followed.phase)

    async def tell(self, resumed: bool = False) -> Outcome:
        """From the beginning; or, resumed, from where the installer already runs."""
        outcome = self.outcome
        outcome.began = time.time()
        try:
            if not resumed:
                await self._arm()
                await self._cycle()
            else:
                self._armed = True
                self._guardian.arm(self._followed.rebuild.id, self._work.machine, self._work.server_settings)
                self._listening.begin(self._name)
                self._followed.open = True
            if self._followed.phase in (INSTALLING, STARTING):
                await self._put_back(keep_answers=True)
            else:
                await self._installer()
            await self._system()
            outcome.done = True
            self._hearing.enter(self._followed, DONE, words(self._evidence.confirmed))
        except Left as left:
            outcome.failures.append(str(left))
            if self._followed.phase == WAITING:
                self._hearing.enter(self._followed, CANCELLED, "its turn never came")
        except (Stopped, DeviceError, ClustoError, OSError) as error:
            outcome.failures.append(str(error))
            self._hearing.enter(self._followed, FAILED, str(error))
        finally:
            if not self._followed.lost:
                # What was left while its installer runs still needs its answers.
                await asyncio.shield(self._put_back(keep_answers=self._followed.phase in (INSTALLING, STARTING)))
            outcome.phase = self._followed.phase
            outcome.ended = time.time()
            outcome.confirmed, outcome.missing = self._evidence.confirmed, self._evidence.missing
            if not outcome.done:
                outcome.tail = self._listening.tail(self._name)
                deaf = {"its console": self._listening.trouble(self._name), "the store": self._hearing.trouble}
                outcome.notes += [f"{what} cannot be read: {why}" for what, why in deaf.items() if why]
            self._listening.leave(self._name)
        return outcome

    async def _arm(self) -> None:
        """Writes the boot files. The guardian knows first: what is half written is put back too."""
        self._checked()
        self._hearing.enter(self._followed, ARMING)
        self._armed = True
        self._guardian.arm(self._followed.rebuild.id, self._work.machine, self._work.server_settings)
        await attempt(self._work.server.install(self._work.machine))
        if self._work.directory is not None:
            try:
                self._fetches.begin(self._followed.rebuild.id, self._work.directory, self._work.machine.install)
            except ClustoError as error:
                self._hearing.remark(self._followed, f"nobody sees when its boot file is fetched: {error}")

    async def _cycle(self) -> None:
        """Off, verified; boot from the network once, read back; on, verified."""
        given_up: list[Exception] = []
        self._checked()

        async def while_off() -> None:
            try:
                self._hearing.enter(self._followed, OFF)
                self._checked()
                await self._while_off()
                self._listening.begin(self._name)
                self._followed.open = True
            except Exception as error:
                # It goes on again as it was: the boot file must be back before that.
                given_up.append(error)
                await self._put_back()

        result = await self._work.actions.cycle(self._work.target, while_off)
        self.outcome.refused = result.refused
        if self._interruption.asked and not result.done:
            raise Left(f"{self._resumable()}; power: {'; '.join(result.failures)}")
        for error in given_up:
            self.outcome.notes += [f"power: {failure}" for failure in result.failures]
            raise error
        if not result.done:
            raise Stopped(f"power: {'; '.join(result.failures)}")
        self._hearing.enter(self._followed, BOOTING)

    async def _while_off(self) -> None:
        if self._work.override is not None:
            self._overridden = True
            await self._work.override.set_boot_override(BootDevice.NETWORK, once=True)
            found = await self._shown(self._work.override)
            self._continuous = found.device == BootDevice.NETWORK and not found.once
            if self._continuous:
                self._note("its controller was told to boot from the network once, and will do so until told otherwise")
            elif found.device != BootDevice.NETWORK:
                # Some forget it, some only do not show it: whether the boot file is fetched will tell.
                self._note(f"its controller took the order to boot from the network, and shows {found.code}")
        if self._work.probe is not None and await self._work.probe.answers():
            self._note(f"{self._work.probe} answers while the machine is off: somebody else has its address")
            self._work.probe = None
            self._evidence.possible -= {PROBE}
            if len(self._evidence.possible) < self._evidence.needed:
                raise Stopped(f"only {words(self._evidence.possible)} could say that it is done")

    async def _shown(self, override: BootControl) -> BootOverride:
        """What the controller will boot from, as it says once it has had the time to take an order in."""
        found = await override.boot_override()
        for _ in range(_LOOKS):
            if found.device == BootDevice.NETWORK:
                break
            await asyncio.sleep(_LOOK)
            found = await override.boot_override()
        return found

    async def _installer(self) -> None:
        """Waits until the installer runs, and makes the boot file local at once."""
        evidence = self._evidence
        ends = min(self._ends, time.monotonic() + self._work.boot_timeout)
        fetched_at: float | None = None
        while not evidence.started:
            if evidence.fetched and fetched_at is None:
                fetched_at = time.monotonic()
            if fetched_at is not None and time.monotonic() > fetched_at + _GRACE:
                break
            if evidence.stale and not evidence.fetched:
                raise Stopped(
                    "a system came up that nobody installed: the boot file was never fetched "
                    "(is the network first in its boot order, and does DHCP name the boot server?)"
                )
            if time.monotonic() > ends:
                what = "the boot file was never fetched" if not evidence.fetched else "the installer never started"
                raise Stopped(f"{what} in {min(self._work.boot_timeout, self._work.timeout):g} s")
            await self._more()
        self._hearing.enter(self._followed, INSTALLING, None if evidence.started else "the boot file was fetched")
        await self._put_back(keep_answers=True)

    async def _system(self) -> None:
        """Waits until enough signs say that the new system is up."""
        evidence = self._evidence
        stale_at: float | None = None
        probing: asyncio.Task[None] | None = None
        try:
            while not evidence.complete:
                if evidence.over and self._followed.phase == INSTALLING:
                    self._hearing.enter(self._followed, STARTING)
                if evidence.over and probing is None and self._work.probe is not None:
                    probing = asyncio.create_task(self._probe(self._work.probe))
                if evidence.stale and not evidence.started:
                    stale_at = stale_at or time.monotonic()
                    if time.monotonic() > stale_at + _LATE:
                        raise Stopped("the boot file was fetched and a system came up, and no installer was heard of")
                if time.monotonic() > self._ends:
                    said = words(evidence.confirmed)
                    raise Stopped(
                        f"not done in {self._work.timeout:g} s: "
                        + (
                            f"{said} only, {words(evidence.missing)} missing"
                            if said
                            else "no sign of an installed system"
                        )
                    )
                await self._more()
        finally:
            if probing is not None:
                probing.cancel()

    async def _probe(self, probe: Probe) -> None:
        while True:
            if await probe.answers():
                self._hearing.hear(self._followed, PROBE, UP, str(probe))
                return
            await asyncio.sleep(1)

    async def _more(self) -> None:
        """Waits a moment for news. Raises Stopped when the machine says that it failed, or somebody cancels."""
        await news(self._followed, _LOOK)
        self._checked()
        if self._evidence.failure is not None:
            raise Stopped(f"the installer failed: {self._evidence.failure}")

    def _checked(self) -> None:
        if self._followed.cancelled:
            self._followed.phase = CANCELLED
            raise Left("cancelled by another command")
        if self._followed.lost:
            raise Left("another command has its lock now: this one slept too long, and lets go")
        if self._interruption.asked:
            raise Left(self._resumable())

    def _resumable(self) -> str:
        return (
            f"interrupted while {self._followed.phase} "
            f"(clusto rebuild --resume {self._name} goes on with it, --cancel ends it)"
        )

    async def _put_back(self, *, keep_answers: bool = False) -> None:
        """The boot file to local, and an override that stays to the disk; tried again for as long as there is time.

        With `keep_answers` the installer may still fetch its own.
        """
        if not self._armed:
            return
        if self._work.directory is not None:
            self._fetches.end(self._work.directory, self._work.machine.install)
        while True:
            try:
                await attempt(self._work.server.local(self._work.machine, keep_answers=keep_answers))
                self._is_local = True
                self._guardian.disarm(self._followed.rebuild.id)
                break
            except DeviceError as error:
                if self._is_local:
                    self._note(f"its answers are still on the boot server: {error}")
                    break
                if time.monotonic() > self._ends or self._interruption.asked:
                    self.outcome.failures.append(f"THE BOOT FILE STILL SAYS INSTALL: {error}")
                    return
                self._hearing.remark(self._followed, f"the boot file could not be put back, trying again: {error}")
                await asyncio.sleep(_AGAIN)
        if self._work.override is not None and self._overridden:
            self._overridden = False
            try:
                if self._continuous:
                    await attempt(self._work.override.set_boot_override(BootDevice.DISK, once=False))
                elif not (self._evidence.started or self._evidence.fetched):
                    await attempt(self._work.override.set_boot_override(BootDevice.DEFAULT, once=False))
            except DeviceError as error:
                self._note(f"its controller may still have it boot from the network: {error}")

    def _note(self, text: str) -> None:
        self.outcome.notes.append(text)
        self._hearing.remark(self._followed, text)
