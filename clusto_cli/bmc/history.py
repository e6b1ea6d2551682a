"""What was told to controllers, as the inventory keeps it: on each machine the last of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from clusto_cli.bmc.machines import Answer, Told
from clusto_cli.context import App
from clusto_core.model.attributes import structure
from clusto_core.model.reserved import BMC_LAST
from clusto_core.rules import values


def keep(app: App, action: str, told: Sequence[Told[Answer]], message: str | None) -> None:
    """One transaction for a whole command; what was not asked leaves nothing."""
    asked = {each.machine.thing.id: each for each in told if not each.refused}
    if not asked:
        return
    outcome = _outcome(action, list(asked.values()))
    with app.changing("; ".join(filter(None, (message, outcome)))) as change:
        # What was removed from the inventory meanwhile is told in the message alone.
        present = change.unit.load_attributes(asked)
        for id, each in asked.items():
            if (thing := present.get(id)) is not None:
                values.keep(change.unit, thing, BMC_LAST, [structure(_entry(action, each))])


def _entry(action: str, told: Told[Answer]) -> Mapping[str, object]:
    failure = None if told.failure is None else str(told.failure)
    return {"action": action, "time": int(time.time()), "done": failure is None, "failure": failure}


def _outcome(action: str, told: Sequence[Told[Answer]]) -> str:
    """`bmc boot network: 12 done; server7: ... failed`."""
    failed = [each for each in told if each.failure is not None]
    parts = [f"{len(told) - len(failed)} done"] if len(failed) < len(told) else []
    parts += [f"{each.name} failed: {each.failure}" for each in failed[:10]]
    parts += [f"{len(failed) - 10} more failed"] if len(failed) > 10 else []
    return f"bmc {action}: {'; '.join(parts)}"
