"""Results of power commands as lines for people and as records for programs."""

from __future__ import annotations

from typing import Any

from clusto_cli.backends.base import OutletReading
from clusto_cli.power.actions import PointResult, Result


def line(result: Result) -> str:
    """`server1 off`; what is not known of it in brackets, why it failed behind a colon."""
    text = f"{result.target.name} {result.state}"
    if result.target.notes:
        text += f" ({'; '.join(result.target.notes)})"
    if result.failures:
        text += f": {'refused, ' if result.refused else ''}{'; '.join(result.failures)}"
    return text


def feed_lines(result: Result) -> list[str]:
    """A line a feed: the inlet, the outlet, its state and label, what the device warns of."""
    return [f"  {_feed(point)}" for point in result.points]


def table(results: list[Result]) -> list[str]:
    """The results in aligned columns: name, state, feeds, failures."""
    width = max((len(result.target.name) for result in results), default=0)
    lines = []
    for result in results:
        feeds = ", ".join(f"{point.point.part} {point.relay}" for point in result.points)
        problems = [*result.target.notes, *result.failures]
        text = f"{result.target.name:<{width}}  {result.state:<7}  {feeds}"
        lines.append(text + (f"  ({'; '.join(problems)})" if problems else ""))
    return lines


def record(result: Result, action: str) -> dict[str, Any]:
    """A result with all that is known of it; times are in seconds."""
    return {
        "name": result.target.name,
        "action": action,
        "state": result.state,
        "done": result.done,
        "refused": result.refused,
        "asked": result.asked,
        "seconds": round(result.seconds, 3),
        "feeds": [_feed_record(point) for point in result.points],
        "notes": list(result.target.notes),
        "failures": list(result.failures),
    }


def _feed(result: PointResult) -> str:
    inlet = f"{result.point.inlet}: " if result.point.inlet else ""
    feeder = f" on {result.point.feeder}" if result.point.feeder else ""
    text = f"{inlet}{result.point.part}{feeder} {result.relay}"
    if result.before is not None:
        details = [f'"{result.before.label}"'] if result.before.label else []
        details += [warning for _, warning in result.before.concerns]
        text += f" ({', '.join(details)})" if details else ""
    return text + (f": {result.unread}" if result.unread is not None else "")


def _feed_record(result: PointResult) -> dict[str, Any]:
    last = result.switchings[-1] if result.switchings else None
    reading: OutletReading | None = result.before
    return {
        "inlet": result.point.inlet,
        "outlet": result.point.part,
        "device": result.point.device,
        "number": result.point.outlet,
        "feeder": result.point.feeder or None,
        "label": reading.label if reading else None,
        "before": str(reading.relay) if reading else None,
        "state": str(result.relay),
        "warnings": [text for _, text in reading.concerns] if reading else [],
        "asked": any(switching.asked for switching in result.switchings),
        "acknowledged": bool(last and last.acknowledged),
        "verified": bool(last and last.verified),
        "seconds": round(last.seconds, 3) if last else None,
        "failure": result.failure,
    }
