"""From the Things of a command to their management controllers, and many of those asked side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

from clusto_cli.backends.base import BmcControl
from clusto_cli.backends.bmc import open_machine
from clusto_cli.backends.errors import DeviceError, Unusable
from clusto_cli.backends.machine import MachineControl
from clusto_cli.backends.power import GROUPS, open_boot_control
from clusto_cli.backends.runner import Interruption, Operation, Outcome, enter, side_by_side
from clusto_core.answers.devicesettings import DeviceSettings, reached
from clusto_core.errors import ClustoError, Malformed, Refused
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader

Answer = TypeVar("Answer")
Control = TypeVar("Control")


@dataclass
class Machine:
    """A machine, and the settings by which its controller is reached."""

    thing: Thing
    settings: DeviceSettings
    refusal: ClustoError | None = None
    """Why its controller cannot be asked, as far as the inventory and the configuration say."""

    @property
    def name(self) -> str:
        return self.thing.name

    async def telling(self, stack: AsyncExitStack) -> MachineControl:
        """Its controller, for as long as the stack lasts. Raises DeviceError."""
        return await enter(stack, self._adapter(open_machine))

    async def booting(self, stack: AsyncExitStack) -> BmcControl:
        """The same, to choose what it boots from. Raises DeviceError."""
        return await enter(stack, self._adapter(open_boot_control))

    def _adapter(self, opened: Callable[[str, DeviceSettings], Control]) -> Control:
        if self.refusal is None:
            try:
                return opened(self.name, self.settings)
            except ClustoError as error:
                self.refusal = error
            except ValueError as error:
                self.refusal = Malformed(f"{self.name}: {error}")
        raise Unusable(str(self.refusal))


@dataclass
class Told(Generic[Answer]):
    """What one machine's controller answered, or why it did not. refused: nothing was sent to it."""

    machine: Machine
    answer: Answer | None
    failure: DeviceError | None

    @property
    def refused(self) -> bool:
        return self.machine.refusal is not None

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def line(self) -> str:
        """Why it failed, for people."""
        said = str(self.failure)
        return said if said.startswith(f"{self.name}: ") else f"{self.name}: {said}"


Question = Callable[[Machine, AsyncExitStack, Interruption], Awaitable[Answer]]
"""Asks one machine's controller, which it opens on the stack."""


def machines(reader: Reader, things: Iterable[Thing]) -> list[Machine]:
    """The machines with a controller (bmc.host); the others have a refusal. A part stands for what it is of."""
    wanted = list(things)
    owners = reader.by_ids([thing.entity_id for thing in wanted])
    whole = list(dict.fromkeys(owners[thing.entity_id] for thing in wanted))
    settings = reached(reader, whole, GROUPS)
    found = [Machine(thing, settings[thing.id].settings) for thing in whole]
    for machine in found:
        if "bmc.host" not in machine.settings:
            machine.refusal = Refused(f"{machine.name} has no management controller (bmc.host is not set)")
    return found


async def ask(
    asked: Sequence[Machine],
    question: Question[Answer],
    interruption: Interruption,
    *,
    parallel: int,
    tell: Callable[[Told[Answer]], None] = lambda told: None,
) -> list[Told[Answer]]:
    """Asks every machine's controller, at most `parallel` at once; what they answered in the order of the machines.

    Each is told as soon as it is there. One that fails fails alone.
    """

    def operation(machine: Machine) -> Operation[Answer]:
        async def conversation(interruption: Interruption) -> Answer:
            async with AsyncExitStack() as stack:
                return await question(machine, stack, interruption)
            raise AssertionError("the stack swallows nothing")

        return conversation

    def told(outcome: Outcome[str, Answer]) -> None:
        found[outcome.device] = Told(by_name[outcome.device], outcome.result, outcome.failure)
        tell(found[outcome.device])

    by_name = {machine.name: machine for machine in asked}
    found: dict[str, Told[Answer]] = {}
    queues = {machine.name: [operation(machine)] for machine in asked}
    await side_by_side(queues, parallel=parallel, interruption=interruption, on_outcome=told)
    return [found[machine.name] for machine in asked]


def refuse_all(told: Sequence[Told[Answer]]) -> None:
    """Raises what stands against the machines when that is so for every one: then nothing was sent anywhere."""
    against = [each.machine.refusal for each in told if each.machine.refusal is not None]
    if against and len(against) == len(told):
        reasons = list(dict.fromkeys(map(str, against)))
        more = f" (and {len(reasons) - 5} more)" if len(reasons) > 5 else ""
        raise type(against[0])(f"{'; '.join(reasons[:5])}{more}")


def within(question: Callable[[MachineControl], Awaitable[Answer]]) -> Question[Answer]:
    """A question that changes nothing, and is given up soon after an interrupt."""

    async def asked(machine: Machine, stack: AsyncExitStack, interruption: Interruption) -> Answer:
        control = await machine.telling(stack)
        return await interruption.within(question(control))

    return asked
