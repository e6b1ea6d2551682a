"""What power commands leave in the inventory: on each target its last action, with outcome and the states before it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

from clusto_cli.context import App
from clusto_cli.power.actions import Result
from clusto_core.errors import NotFound
from clusto_core.model.attributes import Value, string, structure
from clusto_core.model.reserved import POWER_LAST, POWER_PROFILE
from clusto_core.model.things import Thing
from clusto_core.rules import values
from clusto_core.store.reader import Reader


def record(
    app: App,
    action: str,
    results: Sequence[Result],
    entries: Mapping[str, Value],
    recognised: Mapping[str, str],
    message: str | None = None,
) -> None:
    """One transaction for a whole command: the entry of every target that has one, and what PDUs were recognised as."""
    acted = [result for result in results if result.target.name in entries]
    if not acted and not recognised:
        return
    outcome = _outcome(action, acted)
    with app.changing("; ".join(filter(None, (message, outcome))) or None) as change:
        for name, profile in recognised.items():
            values.keep(change.unit, change.resolve(name), POWER_PROFILE, [string(profile)])
        # What was removed from the inventory meanwhile is told in the message alone.
        present = change.unit.load_attributes(result.target.thing.id for result in acted)
        for result in acted:
            if (thing := present.get(result.target.thing.id)) is not None:
                values.keep(change.unit, thing, POWER_LAST, [entries[result.target.name]])


def states_before(reader: Reader, thing: Thing) -> dict[str, str]:
    """The states, by outlet, before the last action on a target. Raises NotFound when there was none."""
    for attribute in reader.attributes(thing.id):
        if attribute.key == POWER_LAST:
            before: dict[str, str] = json.loads(attribute.value.text)["before"]
            return before
    raise NotFound(f"no power action on {thing.name} is recorded")


def entry(action: str, result: Result) -> Value:
    """What is kept of an action on one target that is over."""
    before = {point.point.part: str(point.before.relay) for point in result.points if point.before is not None}
    return structure(
        {
            "action": action,
            "time": int(time.time()),
            "state": result.state,
            "done": result.done,
            "failures": result.failures,
            "before": before,
            "after": {point.point.part: str(point.relay) for point in result.points},
        }
    )


def _outcome(action: str, results: Sequence[Result]) -> str | None:
    """`power off: 38 done; server7 failed: pdu3:7: ...`."""
    if not results:
        return None
    done = [result for result in results if result.done]
    failed = [result for result in results if not result.done]
    parts = [f"{len(done)} done"] if done else []
    parts += [f"{result.target.name} failed: {'; '.join(result.failures)}" for result in failed[:10]]
    if len(failed) > 10:
        parts.append(f"{len(failed) - 10} more failed")
    return f"power {action}: {'; '.join(parts)}"
