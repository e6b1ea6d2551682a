"""What is told to controllers, each proved by what is read back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

from clusto_cli.backends.base import BootDevice, BootOverride
from clusto_cli.backends.errors import DeviceError, NotVerified
from clusto_cli.backends.machine import Entry, MachineControl
from clusto_cli.backends.runner import Interrupted, Interruption, attempt
from clusto_cli.bmc.machines import Machine, Question, Told, ask

SLOW = 5.0
"""Seconds within which a controller shows what it has acknowledged."""
_POLL = 0.2
_POLLS = 2.0
"""Seconds between two looks at a controller that starts anew."""
_GOING = 30.0
"""Seconds within which a controller that starts anew falls silent."""


class Restarted(NamedTuple):
    """A controller that was told to start anew and answers. seen: whether it was seen to have done so. seconds: how
    long that took.
    """

    seen: bool
    seconds: float


async def lit(control: MachineControl, on: bool) -> bool | None:
    """Turns the light on or off, and reads it back; None where the controller does not tell. Raises DeviceError."""
    await control.set_light(on)
    ends = time.monotonic() + SLOW
    while (found := await control.light()) is not on and found is not None:
        if time.monotonic() > ends:
            raise NotVerified(f"acknowledged, and its light is still {'on' if found else 'off'}")
        await asyncio.sleep(_POLL)
    return found


def light(on: bool) -> Question[bool | None]:
    """Turns the light of each on or off. An interrupt lets what was begun be read back."""

    async def asked(machine: Machine, stack: AsyncExitStack, interruption: Interruption) -> bool | None:
        return await attempt(lit(await machine.telling(stack), on))

    return asked


async def light_for(
    machines: Sequence[Machine],
    seconds: float,
    interruption: Interruption,
    *,
    parallel: int,
    tell: Callable[[Told[bool | None]], None],
) -> list[Told[bool | None]]:
    """Turns all lights on, waits, and turns off those that may be on, also when the waiting is interrupted."""
    found = await ask(machines, light(True), interruption, parallel=parallel, tell=tell)
    # One that did not answer may have heard all the same; one that was not asked has no light on.
    begun = [told.machine for told in found if not told.refused and not isinstance(told.failure, Interrupted)]
    try:
        if any(told.failure is None for told in found):
            await interruption.pause(seconds)
    finally:
        # Whoever gave it up wants the lights off all the more.
        after = await ask(begun, light(False), Interruption(), parallel=parallel)
    ended = {told.name: told for told in after}
    return [told if told.failure else ended.get(told.name, told) for told in found]


def booting(device: BootDevice) -> Question[BootOverride]:
    """Chooses what each boots from next time, and reads it back."""

    async def asked(machine: Machine, stack: AsyncExitStack, interruption: Interruption) -> BootOverride:
        control = await machine.booting(stack)
        once = device is not BootDevice.DEFAULT
        await attempt(control.set_boot_override(device, once=once))
        found = await attempt(control.boot_override())
        if found.device != device:
            raise NotVerified(f"acknowledged, and it will boot from {found.device} ({found.code})")
        if once and not found.once:
            raise NotVerified(f"it will boot from {found.device} every time, not once ({found.code})")
        return found

    return asked


async def overridden(machine: Machine, stack: AsyncExitStack, interruption: Interruption) -> BootOverride:
    """What a machine will boot from next."""
    control = await machine.booting(stack)
    return await interruption.within(control.boot_override())


def clearing(which: str | None) -> Question[list[Entry]]:
    """Empties the logs of each; what was in them. What comes meanwhile may be lost with the rest."""

    async def asked(machine: Machine, stack: AsyncExitStack, interruption: Interruption) -> list[Entry]:
        control = await machine.telling(stack)
        before = await interruption.within(control.log(which))
        await attempt(control.clear_log(which))
        left = set(await _cleared(control, which)).intersection(before)
        if left:
            raise NotVerified(f"acknowledged, and {len(left)} of {len(before)} entries are still there")
        return before

    return asked


async def _cleared(control: MachineControl, which: str | None) -> list[Entry]:
    """What is in the logs once they are empty, but for the word that they were cleared; some take a moment for it."""
    ends = time.monotonic() + SLOW
    while len(found := await attempt(control.log(which))) > 1 and time.monotonic() < ends:
        await asyncio.sleep(_POLL)
    return found


def restarting(patience: float) -> Question[Restarted]:
    """Has the controller start anew, and waits until it answers again. Raises NotVerified where it does not in so many
    seconds.
    """

    async def asked(machine: Machine, stack: AsyncExitStack, interruption: Interruption) -> Restarted:
        async with AsyncExitStack() as first:
            control = await machine.telling(first)
            before = await interruption.within(control.awake())
            began = time.monotonic()
            await attempt(control.restart())
        return await _back(machine, before, began, patience, interruption)

    return asked


async def _back(machine: Machine, before: str, began: float, patience: float, interruption: Interruption) -> Restarted:
    silent = False
    while True:
        if await interruption.pause(_POLLS):
            raise Interrupted("acknowledged; interrupted before it answered again")
        said = await _awake(machine, interruption)
        since = time.monotonic() - began
        silent = silent or said is None
        if said is not None and (silent or said != before):
            return Restarted(True, since)
        if said is not None and since > min(_GOING, patience):
            return Restarted(False, since)
        if said is None and since > patience:
            raise NotVerified(f"acknowledged, and it has not answered again for {since:.0f} s")


async def _awake(machine: Machine, interruption: Interruption) -> str | None:
    """What it says of its start; None while it says nothing, or lets nobody in yet."""
    try:
        async with AsyncExitStack() as stack:
            return await interruption.within((await machine.telling(stack)).awake())
    except Interrupted:
        raise
    except DeviceError:
        return None
