"""One power command from its plan to its results: sessions, stories, progress, interruption, history."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import NamedTuple

from clusto_cli.backends.runner import Interruption, run
from clusto_cli.power.actions import Actions, LabelCheck, Result
from clusto_cli.power.targets import Plan, Target

Story = Callable[[Actions, Target], Awaitable[Result]]
Tell = Callable[[Result], None]


class Manner(NamedTuple):
    """How a command goes about it: times in seconds, `parallel` the number of devices at once."""

    parallel: int = 64
    stagger: float = 0.0
    settle: float | None = None
    pause: float = 5.0
    force: bool = False


def perform(
    plan: Plan,
    story: Story,
    manner: Manner,
    contradicts: LabelCheck,
    tell: Tell,
    meanwhile: Callable[[], None],
) -> tuple[list[Result], bool]:
    """The results of every target, and whether the run was interrupted. Each result is told as soon as it is there.

    `meanwhile` is called while devices have something to answer.
    """
    flushing = False

    def flush() -> None:
        nonlocal flushing
        flushing = False
        try:
            sys.stdout.flush()
        except OSError as error:
            unheard.append(error)

    unheard: list[OSError] = []

    def told(result: Result) -> None:
        """Tells a result; what comes at one time goes out in one piece. Devices are not left half way when nobody
        listens any more.
        """
        nonlocal flushing
        try:
            tell(result)
        except OSError as error:
            unheard.append(error)
        if not flushing:
            flushing = True
            asyncio.get_running_loop().call_soon(flush)

    async def main(interruption: Interruption) -> list[Result]:
        async with AsyncExitStack() as stack:
            sessions = await plan.open(
                stack, interruption, parallel=manner.parallel, stagger=manner.stagger, settle=manner.settle
            )
            actions = Actions(sessions, interruption, pause=manner.pause, force=manner.force, contradicts=contradicts)
            return await actions.all(plan.targets, lambda target: story(actions, target), told, meanwhile)

    done = run(main)
    if unheard:
        raise unheard[0]
    return done
