"""Reading many switches side by side, without changing any."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.runner import Interruption, Operation, Outcome, attempt, run, side_by_side
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.network.devices import Device, NotAllowed, told
from clusto_core.errors import Refused

Answer = TypeVar("Answer")


@dataclass
class Asked(Generic[Answer]):
    """What each switch answered, by name, why others did not, and what to know of their kinds."""

    answers: dict[str, Answer] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def ask(
    devices: Sequence[Device], question: Callable[[SwitchControl, Device], Awaitable[Answer]], parallel: int
) -> Asked[Answer]:
    """Asks every switch, at most `parallel` at once. A switch that fails fails alone. Raises Refused when none is
    allowed to be asked."""
    asked: Asked[Answer] = Asked()
    refused: list[str] = []

    async def conversation(device: Device) -> Answer:
        control = await device.open()
        try:
            return await question(control, device)
        finally:
            with contextlib.suppress(DeviceError):
                await attempt(control.close())

    def operation(device: Device) -> Operation[Answer]:
        return lambda interruption: interruption.within(conversation(device))

    def note(outcome: Outcome[str, Answer]) -> None:
        if outcome.failure is None:
            asked.answers[outcome.device] = cast(Answer, outcome.result)
            return
        asked.failures[outcome.device] = told(outcome.failure)
        if isinstance(outcome.failure, NotAllowed):
            refused.append(asked.failures[outcome.device])

    async def main(interruption: Interruption) -> None:
        queues = {device.name: [operation(device)] for device in devices}
        await side_by_side(queues, parallel=parallel, interruption=interruption, on_outcome=note)

    _, interrupted = run(main)
    if interrupted:
        raise KeyboardInterrupt
    if refused and len(refused) == len(devices):
        raise Refused("; ".join(dict.fromkeys(refused)))
    asked.notes = [device.note for device in devices if device.note]
    return asked
