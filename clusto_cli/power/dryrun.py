"""What a power command would do: its own story, told to devices that are read and sent nothing.

Each target is refused, or fails, for the very reasons that the real run has, up to where something would be sent; from
there on every device is taken to do as it is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from clusto_cli.backends.base import GracefulControl, OutletReading, Relay, Step
from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.power.session import PowerSession, Switching
from clusto_cli.backends.runner import Interruption, run
from clusto_cli.power.actions import Actions, LabelCheck, Result, state_of
from clusto_cli.power.report import line
from clusto_cli.power.run import Manner, Story
from clusto_cli.power.targets import Plan


class Rehearsal(PowerSession):
    """A session that reads its device, and remembers what it would have told it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._shown: dict[str, Relay] = {}

    def switch(self, outlet: str, on: bool, group: str) -> tuple[Switching, asyncio.Future[Switching]]:
        wanted = Relay.ON if on else Relay.OFF
        known = self._readings.get(outlet)
        before = self._shown.get(outlet, known.relay if isinstance(known, OutletReading) else Relay.UNKNOWN)
        self._shown[outlet] = wanted
        switching = Switching(outlet, on, asked=before is not wanted, verified=True, relay=wanted)
        done: asyncio.Future[Switching] = asyncio.get_running_loop().create_future()
        done.set_result(switching)
        return switching, done

    async def shut_down(self, outlet: str) -> DeviceError | None:
        if not isinstance(self._control, GracefulControl):
            return await super().shut_down(outlet)
        self._shown[outlet] = Relay.OFF
        return None

    async def look(self, outlet: str) -> OutletReading | DeviceError:
        reading = (await self.read([outlet]))[outlet]
        shown = self._shown.get(outlet)
        return reading._replace(relay=shown) if shown and isinstance(reading, OutletReading) else reading

    async def steps(self, outlet: str, on: bool) -> list[Step]:
        """What telling an outlet would send."""
        return (await self._interruption.within(self._control.steps([outlet], on))).get(outlet, [])

    async def shutdown_steps(self, outlet: str) -> list[Step]:
        """What asking the system behind an outlet to shut down would send."""
        if not isinstance(self._control, GracefulControl):
            return []
        return (await self._interruption.within(self._control.graceful_steps([outlet]))).get(outlet, [])


class Rehearsed(NamedTuple):
    """A target, what would come of it, and what it would be sent, in order."""

    result: Result
    steps: list[tuple[str, Step]]
    """The outlet, by its name in the inventory, and what it would be sent."""

    def lines(self) -> list[str]:
        """A line a step: target, outlet, its state now, and what would be written where."""
        result, name = self.result, self.result.target.name
        if not result.done:
            return [line(result)]
        states = {each.point.part: each.before.relay for each in result.points if each.before is not None}
        told = [
            _line(name, part, str(states.get(part, "")), f"{step.where} = {step.what}") for part, step in self.steps
        ]
        untouched = [part for part in states if part not in dict(self.steps)]
        return told + [_line(name, part, str(states[part]), "nothing to do") for part in untouched]

    def record(self, action: str) -> dict[str, Any]:
        """The same for programs."""
        result = self.result
        return {
            "name": result.target.name,
            "action": action,
            "dry_run": True,
            "state": state_of([each.before.relay if each.before else Relay.UNKNOWN for each in result.points]),
            "refused": result.refused,
            "steps": [{"outlet": part, "where": step.where, "what": step.what} for part, step in self.steps],
            "notes": list(result.target.notes),
            "failures": list(result.failures),
        }


def rehearse(plan: Plan, story: Story, manner: Manner, contradicts: LabelCheck) -> tuple[list[Rehearsed], bool]:
    """What would be done to every target, and whether the run was interrupted. Raises as `perform` does."""

    async def main(interruption: Interruption) -> list[Rehearsed]:
        async with AsyncExitStack() as stack:
            sessions = await plan.open_as(Rehearsal, stack, interruption, parallel=manner.parallel)
            actions = Actions(sessions, interruption, pause=0.0, force=manner.force, contradicts=contradicts)
            results = await actions.all(plan.targets, lambda target: story(actions, target), lambda result: None)
            return [Rehearsed(result, await _steps(plan, result, sessions)) for result in results]

    return run(main)


async def _steps(plan: Plan, result: Result, sessions: Mapping[str, Rehearsal]) -> list[tuple[str, Step]]:
    """What a target's devices would be sent, in the order in which they would be told."""
    found: list[tuple[str, Step]] = []
    if result.told_system:
        system = plan.systems[result.target.name]
        found += [(system.part, step) for step in await sessions[system.device].shutdown_steps(system.outlet)]
    rounds = max((len(each.switchings) for each in result.points), default=0)
    for turn in range(rounds):
        for each in result.points:
            if turn < len(each.switchings) and (switching := each.switchings[turn]).asked:
                steps = await sessions[each.point.device].steps(switching.outlet, switching.on)
                found += [(each.point.part, step) for step in steps]
    return found


def _line(*words: str) -> str:
    return "  ".join(filter(None, words))


def lines_of(rehearsed: Sequence[Rehearsed]) -> list[str]:
    """What would be done, then what would not."""
    return [text for done in (True, False) for each in rehearsed if each.result.done is done for text in each.lines()]
