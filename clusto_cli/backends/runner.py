"""Runs operations on many devices side by side, in order on each device.

An operation is an asynchronous function; a library that blocks is wrapped in `asyncio.to_thread` by its adapter. The
first interrupt (^C, or a termination) asks everything under way to wind up: no further operation starts, and those
that run see `Interruption.asked` and finish in their own time, reading back what they sent. A second one cancels
them.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from clusto_cli.backends.base import DeviceError

Device = TypeVar("Device", bound=Hashable)
Result = TypeVar("Result")


def _endings() -> list[signal.Signals]:
    """^C, a termination, a terminal that is closed; the last not for what `nohup` has started."""
    closed = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else []
    return [signal.SIGINT, signal.SIGTERM, *closed]


class Interrupted(DeviceError):
    """The operation was not begun, or not finished, because the run was interrupted."""


class Interruption:
    """Whether the run has been asked to wind up. Operations look at it between steps and before they wait."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def asked(self) -> bool:
        return self._event.is_set()

    def ask(self) -> None:
        self._event.set()

    async def pause(self, seconds: float) -> bool:
        """Waits; True when the wait was cut short because winding up was asked for."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        return self.asked


Operation = Callable[[Interruption], Awaitable[Result]]


class Outcome(NamedTuple, Generic[Device, Result]):
    """What became of one operation: its result or the failure that ended it, and its place in the device's order."""

    device: Device
    position: int
    result: Result | None
    failure: DeviceError | None


async def side_by_side(
    queues: Mapping[Device, Sequence[Operation[Result]]],
    *,
    parallel: int,
    interruption: Interruption,
    on_outcome: Callable[[Outcome[Device, Result]], None] = lambda outcome: None,
) -> list[Outcome[Device, Result]]:
    """Runs every device's operations in order, at most `parallel` devices at once; the outcomes, in the order they
    came.

    A DeviceError ends its own operation alone: the device's next one still runs, and no other device notices. Any other
    exception is a bug: it cancels the run and is raised. Operations that were never begun have the failure Interrupted.
    """
    if parallel < 1:
        raise ValueError("at least one device at a time")
    outcomes: list[Outcome[Device, Result]] = []
    places = asyncio.Semaphore(parallel)

    async def work(device: Device, operations: Sequence[Operation[Result]]) -> None:
        async with places:
            for position, operation in enumerate(operations):
                result: Result | None = None
                failure: DeviceError | None = None
                if interruption.asked:
                    failure = Interrupted("interrupted before it was begun")
                else:
                    try:
                        result = await operation(interruption)
                    except DeviceError as error:
                        failure = error
                outcome = Outcome(device, position, result, failure)
                outcomes.append(outcome)
                on_outcome(outcome)

    tasks = [asyncio.ensure_future(work(device, operations)) for device, operations in queues.items()]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return outcomes


def run(main: Callable[[Interruption], Awaitable[Result]]) -> tuple[Result, bool]:
    """Runs `main` in an event loop of its own; its result, and whether winding up was asked for.

    SIGINT, SIGTERM and SIGHUP ask for it; a second one raises KeyboardInterrupt out of `main`.
    """

    async def guarded() -> tuple[Result, bool]:
        interruption = Interruption()
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(main(interruption))

        def interrupt() -> None:
            if interruption.asked:
                task.cancel()
            interruption.ask()

        endings = _endings()
        for number in endings:
            loop.add_signal_handler(number, interrupt)
        try:
            return await task, interruption.asked
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            for number in endings:
                loop.remove_signal_handler(number)

    return asyncio.run(guarded())
