"""What a rebuild leaves in the inventory: what is installed, how it went, and the lock on a finished machine."""

from __future__ import annotations

from clusto_cli.context import App
from clusto_cli.rebuild.run import Begun
from clusto_cli.rebuild.story import Outcome
from clusto_core.model.attributes import Key, structure
from clusto_core.model.keys import is_true
from clusto_core.model.reserved import REBUILD_LAST
from clusto_core.records.history import user
from clusto_core.rules import values
from clusto_core.rules.protection import PROTECTED, PROTECTED_REASON

INSTALLED_KEY = Key("os", None, "installed")


def record(app: App, begun: Begun, outcome: Outcome, message: str | None) -> None:
    """One transaction for each machine, as soon as it has ended."""
    said = f"rebuild: {outcome.name} {begun.installs if outcome.done else '; '.join(outcome.failures)}"
    with app.changing("; ".join(filter(None, (message, said)))) as change:
        thing = change.unit.by_id(begun.job.thing.id)
        values.keep(change.unit, thing, REBUILD_LAST, [structure(_entry(begun, outcome))])
        if not outcome.done:
            return
        change.set_values(thing, INSTALLED_KEY, [begun.installs])
        if is_true(begun.job.recipe.values.get("rebuild.autolock", "")):
            change.set_values(thing, PROTECTED, [True])
            change.set_values(thing, PROTECTED_REASON, [f"installed by clusto rebuild {outcome.rebuild_id}"])


def _entry(begun: Begun, outcome: Outcome) -> dict[str, object]:
    return {
        "rebuild": outcome.rebuild_id,
        "installs": begun.installs,
        "who": user(),
        "began": int(outcome.began),
        "ended": int(outcome.ended),
        "phase": outcome.phase,
        "done": outcome.done,
        "confirmed": list(outcome.confirmed),
        "missing": list(outcome.missing),
        "failures": list(outcome.failures),
    }
