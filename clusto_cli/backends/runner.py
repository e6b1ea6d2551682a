"""Runs operations on many devices side by side, in order on each, and keeps what goes wrong with one to that one.

An operation is an asynchronous function; a library that blocks is wrapped in `asyncio.to_thread` by its adapter. The
first interrupt (^C, or a termination) asks everything under way to wind up: no further operation starts, and those
that run see `Interruption.asked` and finish in their own time, or in GRACE seconds where they are `within` it. A
second one cancels them.

A device is hostile until it has answered well: whatever its adapter raises is made a DeviceError here (`failure_of`,
`attempt`), and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Generic, NamedTuple, TypeVar

from clusto_cli.backends.errors import DeviceError, Unreachable

Device = TypeVar("Device", bound=Hashable)
Result = TypeVar("Result")

GRACE = 0.7
"""Seconds in which what was sent may still be read back, once winding up was asked for."""
_CANCELLING = 0.1
"""Seconds for what was given up to clean up behind itself."""
_THREADS = 64
_SAID = 200


def _endings() -> list[signal.Signals]:
    """^C, a termination, a terminal that is closed; the last not for what `nohup` has started."""
    closed = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else []
    return [signal.SIGINT, signal.SIGTERM, *closed]


class Interrupted(DeviceError):
    """The operation was not begun, or not finished, because the run was interrupted."""


class Unexpected(DeviceError):
    """The adapter could not deal with what its device, or a setting, said."""


def failure_of(error: Exception) -> DeviceError:
    """Whatever an adapter raised, as the failure of its device alone; what nobody expected is shown by `--debug`."""
    if isinstance(error, DeviceError):
        return error
    failure: DeviceError
    if isinstance(error, TimeoutError):
        failure = Unreachable("no answer in time")
    elif isinstance(error, OSError) and error.strerror:
        failure = Unreachable(f"{error.strerror}: {error.filename}" if error.filename else error.strerror)
    else:
        import logging

        logging.getLogger(__name__).debug("what an adapter raised", exc_info=error)
        said = " ".join(str(error).split())[:_SAID]
        what = f"{type(error).__name__}: {said}" if said else type(error).__name__
        failure = Unexpected(f"what it says makes no sense here ({what}; --debug shows where)")
    failure.__cause__ = error
    return failure


async def attempt(work: Awaitable[Result]) -> Result:
    """What `work` comes to. Raises nothing but DeviceError, and CancelledError when the caller itself is cancelled."""
    try:
        return await work
    except asyncio.CancelledError:
        caller = asyncio.current_task()
        if caller is not None and caller.cancelling():
            raise
        raise Unexpected("it was given up by its own adapter") from None
    except DeviceError:
        raise
    except Exception as error:
        raise failure_of(error) from error


async def enter(stack: AsyncExitStack, resource: AbstractAsyncContextManager[Result]) -> Result:
    """Enters a device for as long as the stack lasts. Raises DeviceError alone, and nothing when it is left: what was
    to be done is done by then.
    """
    entered = await attempt(resource.__aenter__())

    async def leave(*exception: object) -> None:
        with contextlib.suppress(DeviceError):
            await attempt(resource.__aexit__(None, None, None))

    stack.push_async_exit(leave)
    return entered


class Interruption:
    """Whether the run has been asked to wind up. Operations look at it between steps and before they wait."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._over = asyncio.Event()
        self._wake: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        return self._event.is_set()

    def ask(self) -> None:
        if not self.asked:
            self._event.set()
            asyncio.get_running_loop().call_later(GRACE, self._over.set)
            for wake in self._wake:
                wake()

    def when_asked(self, wake: Callable[[], None]) -> None:
        """Calls this as soon as winding up is asked for."""
        self._wake.append(wake)

    async def within(self, work: Awaitable[Result]) -> Result:
        """`attempt`, given up GRACE seconds after winding up was asked for, with Interrupted."""
        task = asyncio.ensure_future(attempt(work))
        over = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Interrupted("interrupted before it had answered")
            return task.result()
        finally:
            over.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=_CANCELLING)

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

    Whatever an operation raises ends that operation alone: the device's next one still runs, and no other device
    notices. Operations that were never begun have the failure Interrupted. What `on_outcome` raises ends the run.
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
                        result = await attempt(operation(interruption))
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


class _Threads(ThreadPoolExecutor):
    """Where libraries that block run. Those that are stuck when the run is given up are not waited for."""

    given_up = False

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait and not self.given_up, cancel_futures=cancel_futures or self.given_up)


def run(main: Callable[[Interruption], Awaitable[Result]]) -> tuple[Result, bool]:
    """Runs `main` in an event loop of its own; its result, and whether winding up was asked for.

    SIGINT, SIGTERM and SIGHUP ask for it; a second one raises KeyboardInterrupt out of `main`.
    """

    async def guarded() -> tuple[Result, bool]:
        interruption = Interruption()
        loop = asyncio.get_running_loop()
        threads = _Threads(_THREADS, "devices")
        loop.set_default_executor(threads)
        task = asyncio.ensure_future(main(interruption))

        def interrupt() -> None:
            if interruption.asked:
                threads.given_up = True
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
            threads.given_up = interruption.asked
            for number in endings:
                loop.remove_signal_handler(number)

    return asyncio.run(guarded())
