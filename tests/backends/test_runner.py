"""Operations side by side: order on a device, limits, failures that stay where they are, winding up."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from clusto_cli.backends.errors import DeviceError, Unreachable
from clusto_cli.backends.runner import Interrupted, Interruption, Operation, Outcome, run, side_by_side


def test_order_on_a_device_and_limit_over_devices() -> None:
    begun: list[tuple[str, int]] = []
    under_way = most = 0

    def operation(device: str, number: int) -> Operation[int]:
        async def operate(_: Interruption) -> int:
            nonlocal under_way, most
            begun.append((device, number))
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1
            return number

        return operate

    async def main() -> list[Outcome[str, int]]:
        queues = {f"pdu{n}": [operation(f"pdu{n}", number) for number in range(4)] for n in range(9)}
        return await side_by_side(queues, parallel=3, interruption=Interruption())

    outcomes = asyncio.run(main())
    assert most == 3
    assert len(outcomes) == 36
    for n in range(9):
        assert [number for device, number in begun if device == f"pdu{n}"] == [0, 1, 2, 3]
        assert [outcome.result for outcome in outcomes if outcome.device == f"pdu{n}"] == [0, 1, 2, 3]


def test_a_dead_device_delays_no_other_and_its_failure_is_its_own() -> None:
    async def dead(_: Interruption) -> str:
        await asyncio.sleep(0.2)
        raise Unreachable("no answer")

    async def good(_: Interruption) -> str:
        return "done"

    seen: list[tuple[str, object]] = []

    async def main() -> None:
        await side_by_side(
            {"dead": [dead, good], "a": [good], "b": [good]},
            parallel=8,
            interruption=Interruption(),
            on_outcome=lambda outcome: seen.append((outcome.device, outcome.result or str(outcome.failure))),
        )

    asyncio.run(main())
    assert seen == [("a", "done"), ("b", "done"), ("dead", "no answer"), ("dead", "done")]


@pytest.mark.parametrize(
    "raised", [ZeroDivisionError(), KeyError("@odata.id"), RecursionError("too deep"), OSError(5, "Input/output error")]
)
def test_whatever_an_adapter_raises_is_its_device_s_failure(raised: Exception) -> None:
    async def broken(_: Interruption) -> str:
        raise raised

    async def given_up(_: Interruption) -> str:
        raise asyncio.CancelledError

    async def good(_: Interruption) -> str:
        return "done"

    async def main() -> list[Outcome[str, str]]:
        queues = {"a": [good], "b": [broken, given_up, good]}
        return await side_by_side(queues, parallel=8, interruption=Interruption())

    outcomes = asyncio.run(main())
    assert [outcome.result for outcome in outcomes] == ["done", None, None, "done"]
    assert all(isinstance(outcome.failure, DeviceError) for outcome in outcomes if outcome.result is None)
    assert str(raised.args[-1] if raised.args else "ZeroDivisionError") in str(outcomes[1].failure)


def test_what_is_within_an_interrupt_ends_soon_after_it() -> None:
    async def limited() -> None:
        interruption = Interruption()
        interruption.ask()
        with pytest.raises(Interrupted):
            await interruption.within(asyncio.sleep(3600))

    asyncio.run(limited())


def test_a_thread_that_is_stuck_holds_nobody_up() -> None:
    stuck = threading.Event()

    async def main(interruption: Interruption) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await interruption.pause(30)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.to_thread(stuck.wait)

    try:
        with pytest.raises(KeyboardInterrupt):
            run(main)
    finally:
        stuck.set()


def test_an_interrupt_begins_nothing_more_and_lets_what_runs_finish() -> None:
    async def first(interruption: Interruption) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        assert await interruption.pause(30)
        return "read back"

    async def never(_: Interruption) -> str:
        raise DeviceError("was begun")

    async def main(interruption: Interruption) -> list[Outcome[str, str]]:
        return await side_by_side({"a": [first, never], "b": [never]}, parallel=1, interruption=interruption)

    outcomes, interrupted = run(main)
    assert interrupted
    assert outcomes[0].result == "read back"
    assert [type(outcome.failure) for outcome in outcomes[1:]] == [Interrupted, Interrupted]


def test_a_second_interrupt_stops_at_once() -> None:
    async def main(interruption: Interruption) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await interruption.pause(30)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        run(main)


def test_without_an_interrupt_the_result_is_whole() -> None:
    async def main(interruption: Interruption) -> bool:
        return await interruption.pause(0.001)

    assert run(main) == (False, False)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("10.0.0.9: refused", "10.0.0.9: refused"),
        ("two\nlines\tand \x1b]52;c;eA==\x07", "two lines and \\x1b]52;c;eA==\\x07"),
        ("\ud800 \u202egnp", "\\ud800 \\u202egnp"),
        ("x" * 5000, f"{'x' * 2000}..."),
    ],
)
def test_what_a_device_said_is_harmless_in_an_error(said: str, shown: str) -> None:
    assert str(DeviceError(said)) == shown
    assert str(Unreachable(said)) == shown
