"""`power load` from its targets to what is said: once, or again and again."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from clusto_cli.backends.runner import Interruption, run
from clusto_cli.context import App
from clusto_cli.output import write_lines, write_records
from clusto_cli.power import loadreport
from clusto_cli.power.loads import PduLoad
from clusto_cli.power.metering import Result, Target, all_pdus, conclude, plan_targets, ratings, read_all
from clusto_cli.power.targets import Plan
from clusto_cli.progress import progress
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.model.attributes import Key, instant, string
from clusto_core.model.attributes import from_python as value_of
from clusto_core.model.reserved import POWER_PROFILE
from clusto_core.model.things import Thing
from clusto_core.rules import values
from clusto_core.store.reader import Reader

_MEASURED, _MEASURED_AT = Key("draw", None, "measured"), Key("draw", None, "measured_at")
_REPEATED = ("text", "jsonl")


class Wish(NamedTuple):
    """How loads are told, in which form; None for not at all. `every` is in seconds; None for once."""

    output: str | None
    verbose: bool
    parallel: int
    every: float | None


class Told(NamedTuple):
    """The loads that were said last, whether that was interrupted, and what PDUs were recognised as, by their names."""

    results: list[Result]
    interrupted: bool
    recognised: Mapping[str, str]


def tell(reader: Reader, things: Sequence[Thing] | None, wish: Wish) -> Told:
    """Reads the loads of these, or of all racks and PDUs, and says them.

    Raises Malformed for forms that cannot be repeated, NotFound where there is no PDU, Refused where nothing that was
    named hangs on one.
    """
    if wish.every is not None and wish.output not in _REPEATED:
        raise Malformed(f"--watch goes with -o {' or '.join(_REPEATED)}")
    targets = plan_targets(reader, things if things is not None else _all(reader))
    if not any(target.pdus for target in targets):
        told = ", ".join(target.thing.name for target in targets[:5])
        raise Refused(f"{told}: no PDU is recorded there (`clusto connect` records what hangs on one)")
    pdus = {pdu.id: pdu for target in targets for pdu in target.pdus}
    plan = Plan(reader, [], None)
    plan.add_devices(reader, pdus.values())
    known = ratings(reader, pdus.values())
    names = [pdu.name for pdu in pdus.values()]

    async def main(interruption: Interruption) -> list[Result]:
        while True:
            loads = await read_all(plan, names, known, wish.parallel, interruption)
            results = conclude(targets, loads)
            _say(results, loads, wish)
            if wish.every is None or interruption.asked or await interruption.pause(wish.every):
                return results

    with progress(f"asking {len(names)} PDU{'s' if len(names) != 1 else ''}"):
        results, interrupted = run(main)
    return Told(results, interrupted, plan.recognised)


def remember(app: App, told: Told, message: str | None) -> None:
    """Keeps the watts that were measured, with the time: of PDUs and Things, where they are known wholly; and what PDUs
    were recognised as.
    """
    found: dict[Thing, float] = {}
    for result in told.results:
        found |= _measured(result.target, result)
    if not found:
        return
    with app.changing(message or "power load --record") as change:
        for name, profile in told.recognised.items():
            values.keep(change.unit, change.resolve(name), POWER_PROFILE, [string(profile)])
        now = instant(_now())
        present = change.unit.load_attributes(thing.id for thing in found)
        for thing, watts in found.items():
            if (own := present.get(thing.id)) is not None:
                values.put(change.unit, own, _MEASURED, [value_of(round(watts, 1))])
                values.put(change.unit, own, _MEASURED_AT, [now])


def _measured(target: Target, result: Result) -> dict[Thing, float]:
    pdus = {pdu.name: pdu for pdu in target.pdus}
    if target.kind != "thing":
        return {pdus[each.name]: load.watts for each in result.pdus if (load := each.load) is not None}
    if target.thing.is_part or result.failures or target.notes or result.load is None:
        return {}
    return {target.thing: result.load.watts}


def _all(reader: Reader) -> list[Thing]:
    found = all_pdus(reader)
    if not found:
        raise NotFound("there is no PDU in the inventory")
    return found


def _say(results: Sequence[Result], loads: Mapping[str, PduLoad], wish: Wish) -> None:
    if wish.output == "prometheus":
        write_lines(loadreport.metrics(results, loads.values()))
    elif wish.output == "text":
        if wish.every is not None:
            write_lines([_now()])
        write_lines(line for result in results for line in loadreport.lines(result, wish.verbose))
    elif wish.output is not None:
        now = _now()
        write_records(wish.output, [loadreport.record(result, now) for result in results])
    sys.stdout.flush()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
