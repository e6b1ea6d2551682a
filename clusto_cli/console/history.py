"""Who was attached to which console, when and how long: one transaction a session, in the history of each machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clusto_cli.context import App
from clusto_core.answers.consoles import ConsoleWay
from clusto_core.errors import ClustoError
from clusto_core.model.attributes import structure
from clusto_core.model.reserved import CONSOLE_LAST
from clusto_core.rules import values


@dataclass(frozen=True)
class Attended:
    """One console that somebody was attached to; started in seconds since 1970, UTC."""

    way: ConsoleWay
    started: float
    seconds: float
    manner: str = "attached"


def record(app: App, sessions: Sequence[Attended]) -> None:
    """Records them in one transaction. That it cannot, is said: the session itself is over and was what it was."""
    if not sessions:
        return
    import getpass

    told = "; ".join(f"{each.way.thing.name}, {each.way.words}, {duration(each.seconds)}" for each in sessions[:20])
    more = f"; {len(sessions) - 20} more" if len(sessions) > 20 else ""
    try:
        with app.changing(f"console {sessions[0].manner}: {told}{more}") as change:
            for each in sessions:
                entry = {
                    "user": getpass.getuser(),
                    "way": each.way.words,
                    "manner": each.manner,
                    "start": int(each.started),
                    "seconds": round(each.seconds),
                }
                values.keep(change.unit, change.resolve(each.way.thing.name), CONSOLE_LAST, [structure(entry)])
    except (ClustoError, OSError) as error:
        app.say(f"the session is not in the history: {error}")


def duration(seconds: float) -> str:
    """`42 s`, `3 min 12 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
