"""Reading many switches side by side, without changing any."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from clusto_cli.backends.base import DeviceError, SwitchControl
from clusto_cli.network.devices import Device, told

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
    """Asks every switch, at most `parallel` at once. A switch that fails fails alone."""
    asked: Asked[Answer] = Asked()

    async def one(device: Device, places: asyncio.Semaphore) -> None:
        async with places:
            try:
                control = await device.open()
                try:
                    asked.answers[device.name] = await question(control, device)
                finally:
                    await control.close()
            except DeviceError as error:
                asked.failures[device.name] = told(error)

    async def main() -> None:
        places = asyncio.Semaphore(parallel)
        await asyncio.gather(*(one(device, places) for device in devices))

    asyncio.run(main())
    asked.notes = [device.note for device in devices if device.note]
    return asked
