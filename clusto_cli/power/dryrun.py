"""What a power command would do, step by step, beside the state now. Devices are read, and nothing is sent."""

from __future__ import annotations

from contextlib import AsyncExitStack

from clusto_cli.backends.base import GracefulControl, OutletReading, PowerControl, Step
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.runner import Interruption, run
from clusto_cli.power.run import Manner
from clusto_cli.power.targets import Plan, Target

_DIRECTIONS = {"on": (True,), "off": (False,), "cycle": (False, True), "feed cycle": (False, True), "revert": ()}


def steps(plan: Plan, action: str, manner: Manner) -> list[str]:
    """A line a step: target, outlet, its state now, and what would be written where."""

    async def main(interruption: Interruption) -> list[str]:
        async with AsyncExitStack() as stack:
            lines: dict[str, list[str]] = {}
            for name in plan.devices:
                control = await plan.entered(stack, name)
                await _systems(control, name, plan, lines, interruption)
                await _device(control, name, plan, action, lines, interruption)
            plan.refuse_unusable()
            return [line for target in plan.targets for line in lines.get(target.name, [])]

    lines, _ = run(main)
    return lines


async def _systems(
    control: PowerControl, name: str, plan: Plan, lines: dict[str, list[str]], interruption: Interruption
) -> None:
    """How operating systems would be asked to shut down, where that is asked for."""
    for target, point in ((each, plan.systems[each.name]) for each in plan.targets if each.name in plan.systems):
        if point.device != name:
            continue
        try:
            if not isinstance(control, GracefulControl):
                raise Refused("it cannot ask a system to shut down")
            planned = (await interruption.within(control.graceful_steps([point.outlet])))[point.outlet]
            told = [f"{step.where} = {step.what}" for step in planned]
        except DeviceError as error:
            told = [f"not possible ({error})"]
        # First of all that is done to the target, whichever device is asked first.
        lines[target.name] = [*(_line(target, point.part, "", step) for step in told), *lines.get(target.name, [])]


async def _device(
    control: PowerControl, name: str, plan: Plan, action: str, lines: dict[str, list[str]], interruption: Interruption
) -> None:
    wanted = [(target, point) for target in plan.targets for point in target.points if point.device == name]
    outlets = list(dict.fromkeys(point.outlet for _, point in wanted))
    directions = _DIRECTIONS[action]
    readings: dict[str, OutletReading | DeviceError]
    planned: list[dict[str, list[Step]]]
    try:
        readings = await interruption.within(control.read(outlets))
        planned = [await interruption.within(control.steps(outlets, on)) for on in directions]
    except DeviceError as error:
        readings, planned = dict.fromkeys(outlets, error), []
    for target, point in wanted:
        reading = readings[point.outlet]
        state = str(reading.relay) if isinstance(reading, OutletReading) else f"unknown ({reading})"
        told = [f"{step.where} = {step.what}" for each in planned for step in each.get(point.outlet, [])]
        for step in told or [f"{action}"]:
            lines.setdefault(target.name, []).append(_line(target, point.part, state, step))


def _line(target: Target, part: str, state: str, step: str) -> str:
    return "  ".join(filter(None, (target.name, part, state, step)))
