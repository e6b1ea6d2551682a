"""The order of every change to one switch: read, refuse, plan, set, verify the membership, put back or save.

A switch is changed whole or not at all: when one port does not come to be as it should, every port of the change is
put back as it was, and nothing is saved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from clusto_cli.backends.errors import DeviceError, NotVerified, Refused, Unreachable
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.backends.switch.model import (
    CannotSave,
    Plan,
    PortMode,
    PortState,
    Survey,
    SwitchState,
    access_port,
    describe,
    ranges,
)
from clusto_cli.backends.switch.path import path_warnings, read_with_uplinks
from clusto_cli.backends.switch.refusal import Known, Move, reasons


@dataclass(frozen=True)
class Prepared:
    """What was read and decided before anything is set. Ports appear by the name in their Move.

    `refused` maps a port to the reasons; `already` are ports that are in their VLAN and in no other; `unseen` says
    what could not be looked at of those who are on the ports; `warnings` why a move may not do what is wanted.
    """

    now: SwitchState
    goals: Mapping[str, PortState]
    already: tuple[str, ...] = ()
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    create: Mapping[int, str] = field(default_factory=dict)
    plan: Plan | None = None
    unseen: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """A change that was made and verified: the state after it, and the order of requests that led there.

    `unsaved` is what went wrong with saving, `caution` why nothing was saved where that cannot be done.
    """

    order: str
    now: SwitchState
    unsaved: str = ""
    caution: str = ""


async def prepare(
    switch: SwitchControl,
    moves: Sequence[Move],
    *,
    create: Mapping[int, str] | None = None,
    known: Callable[[Survey], Known] | None = None,
    force: bool = False,
    uplinks: Sequence[str] = (),
) -> Prepared:
    """Read the ports and say which moves can be made, and how. Touches nothing.

    `create` names the VLANs that may be made when the switch lacks them; `known` tells what the inventory holds of
    those that are seen on the switch, without which nobody is looked for. `uplinks` are its ports towards other
    switches, of which one should carry the VLAN.
    """
    now = await read_with_uplinks(switch, [move.port for move in moves], uplinks)
    already = tuple(move.port for move in moves if now.ports[move.port].vlan == move.vlan)
    wanted = [move for move in moves if move.port not in already]
    refused: dict[str, tuple[str, ...]] = {}
    missing: dict[int, str] = {}
    survey, holds = Survey(), Known()
    if known is not None and wanted and not force:
        survey = await switch.survey()
        holds = known(survey)
    goals: dict[str, PortState] = {}
    for move in wanted:
        state = now.ports[move.port]
        against = [] if force else reasons(move, state, survey, holds)
        if move.vlan not in now.vlans and move.vlan not in (create or {}):
            against.append(f"there is no VLAN {move.vlan} on it")
        if against:
            refused[move.port] = tuple(against)
            continue
        if move.vlan not in now.vlans:
            missing[move.vlan] = (create or {})[move.vlan]
        goal = access_port(state.name, move.vlan)
        if state.voice is not None:
            goal = replace(goal, voice=state.voice, tagged=frozenset({state.voice}))
        if state.vlan is None and (hindrance := _cannot_put_back(switch, now, move.port)):
            refused[move.port] = (hindrance,)
            continue
        goals[move.port] = goal
    plan = switch.plan(now, goals, order=switch.orders[0], create=missing) if goals else None
    warnings = await path_warnings(switch, now, {goal.pvid for goal in goals.values() if goal.pvid}, uplinks)
    unseen = (*survey.missing, *survey.faults)
    return Prepared(now, goals, already, refused, missing, plan, unseen, tuple(warnings))


async def prepare_back(
    switch: SwitchControl, before: Mapping[str, PortState], after: Mapping[str, PortState], *, force: bool = False
) -> Prepared:
    """Say how ports come back to the states `before`; those that are no longer as `after` are refused, without force.

    Touches nothing.
    """
    now = await switch.read(list(before))
    already = tuple(port for port, state in before.items() if not differences({port: state}, now))
    refused: dict[str, tuple[str, ...]] = {}
    goals: dict[str, PortState] = {}
    for port, state in before.items():
        if port in already:
            continue
        if state.mode is PortMode.UNKNOWN:
            refused[port] = (f"what it was is not known ({state.note or 'its mode could not be told'})",)
        elif not force and differences({port: after[port]}, now):
            refused[port] = (f"it was changed since: it is {describe(now.ports[port])}, not {describe(after[port])}",)
        elif lost := sorted((state.untagged | state.tagged) - set(now.vlans)):
            refused[port] = (f"there is no VLAN {ranges(frozenset(lost))} on it any more",)
        else:
            goals[port] = state
    plan = switch.plan(now, goals, order=switch.orders[0]) if goals else None
    return Prepared(now, goals, already, refused, {}, plan)


async def carry_out(switch: SwitchControl, prepared: Prepared) -> Done:
    """Set, verify, save. On anything else the ports are put back as they were and the error says so.

    A save that fails does not undo what is set and verified: `unsaved` says what the switch answered.
    """
    assert prepared.plan is not None, "nothing is to be changed"
    before = {port: prepared.now.ports[port] for port in prepared.goals}
    try:
        done, plan = await bring(switch, prepared.now, prepared.goals, create=prepared.create)
    except BaseException as error:
        # Also when interrupted: a port between two VLANs is worse than a moment more.
        outcome = await asyncio.shield(put_back(switch, before, drop=tuple(prepared.create)))
        if isinstance(error, DeviceError):
            error.extend(outcome)
        raise
    try:
        await switch.save(plan)
    except CannotSave as error:
        return Done(done.order, done.now, caution=str(error))
    except DeviceError as error:
        return Done(done.order, done.now, unsaved=str(error))
    return done


async def put_back(switch: SwitchControl, before: Mapping[str, PortState], *, drop: Sequence[int] = ()) -> str:
    """Bring the ports back to the states `before` and say in words how that went."""
    ports = _named(before)
    try:
        now = await switch.read(list(before))
        if not differences(before, now):
            present = [vlan for vlan in drop if vlan in now.vlans]
            if present:
                await switch.apply(switch.plan(now, {}, order=switch.orders[0], drop=present))
            return f"{ports} as before"
        await bring(switch, now, before, orders=switch.restoring, drop=[vlan for vlan in drop if vlan in now.vlans])
    except DeviceError as error:
        return f"and the state before could not be put back on {ports}: {error}"
    return f"{ports} put back as before"


async def bring(
    switch: SwitchControl,
    now: SwitchState,
    goals: Mapping[str, PortState],
    *,
    orders: Sequence[str] = (),
    create: Mapping[int, str] | None = None,
    drop: Sequence[int] = (),
) -> tuple[Done, Plan]:
    """Try the orders (the switch's, when none are given) one after the other until what is read back is as wanted."""
    answers: list[str] = []
    for order in orders or switch.orders:
        missing = {vlan: name for vlan, name in (create or {}).items() if vlan not in now.vlans}
        plan = switch.plan(now, goals, order=order, create=missing, drop=drop)
        failed: DeviceError | None = None
        try:
            await switch.apply(plan)
        except Unreachable as error:
            # The request or its answer was lost; only reading tells which.
            failed = error
        except Refused as error:
            failed = error
            if not getattr(error, "again", False):
                raise
        now = await switch.read(list(goals))
        wrong = differences(goals, now)
        if not wrong:
            return Done(order, now), plan
        answers.append(f"{failed}" if failed else f"it acknowledged, and {'; '.join(wrong)}")
    said = "; then ".join(dict.fromkeys(answers))
    raise NotVerified(said) if "acknowledged" in said else Refused(said)


def differences(goals: Mapping[str, PortState], now: SwitchState) -> list[str]:
    """How the ports read differ from what they should be, in words: PVID, untagged and tagged membership, mode."""
    wrong = []
    for port, goal in goals.items():
        state = now.ports.get(port)
        if state is None:
            wrong.append(f"{goal.name} is gone")
            continue
        if state.pvid != goal.pvid:
            wrong.append(f"{goal.name} gives untagged frames VLAN {state.pvid}, not {goal.pvid}")
        if state.untagged != goal.untagged:
            there, wanted = ranges(state.untagged) or "no VLAN", ranges(goal.untagged) or "none"
            wrong.append(f"{goal.name} is untagged in {there}, not {wanted}")
        if state.tagged != goal.tagged:
            wrong.append(f"{goal.name} is tagged in {ranges(state.tagged) or 'no VLAN'}")
        if goal.mode is not state.mode and PortMode.UNKNOWN not in (goal.mode, state.mode):
            wrong.append(f"{goal.name} is {describe(state)}, not {describe(goal)}")
    return wrong


def _cannot_put_back(switch: SwitchControl, now: SwitchState, port: str) -> str:
    """Why a port that is more than an access port could not be made again what it is, should the change fail."""
    if now.ports[port].mode is PortMode.UNKNOWN:
        return f"what it is cannot be told ({now.ports[port].note}), and so not be put back"
    try:
        switch.plan(now, {port: now.ports[port]}, order=switch.orders[0])
    except Refused as error:
        return f"it is {describe(now.ports[port])}, and could not be put back: {error}"
    return ""


def _named(states: Mapping[str, PortState]) -> str:
    names = [state.name for state in states.values()]
    return names[0] if len(names) == 1 else f"{len(names)} ports"
