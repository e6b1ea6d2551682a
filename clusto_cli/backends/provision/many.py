"""Many machines, for boot servers that are asked for each of them by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from clusto_cli.backends.base import BootMachine
from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.runner import attempt

_AT_ONCE = 16


async def one_by_one(
    machines: Sequence[BootMachine], do: Callable[[BootMachine], Awaitable[None]]
) -> dict[str, DeviceError]:
    """Does it for each, some at a time; those for which it failed, and why, by name."""
    places = asyncio.Semaphore(_AT_ONCE)
    failures: dict[str, DeviceError] = {}

    async def one(machine: BootMachine) -> None:
        async with places:
            try:
                await attempt(do(machine))
            except DeviceError as error:
                failures[machine.name] = error

    await asyncio.gather(*map(one, machines))
    return failures
