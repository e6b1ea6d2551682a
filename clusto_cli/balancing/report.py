"""What became of members, as lines for people and as records for programs."""

from __future__ import annotations

from typing import Any

from clusto_cli.backends.balancer.model import Reading
from clusto_cli.balancing.work import Done, Job


def state(reading: Reading | None) -> str:
    """`ready, up, weight 1, 12 sessions`: what is known."""
    if reading is None:
        return "no member"
    words = [str(reading.rotation)]
    words += [reading.health] if reading.health != "unknown" else []
    words += [f"weight {reading.weight}"] if reading.weight is not None else []
    if reading.sessions is not None:
        words.append(f"{reading.sessions} session{'' if reading.sessions == 1 else 's'}")
    return ", ".join(words)


def line(done: Done) -> str:
    """`server1 behind lb1:shop: drain, 0 sessions`."""
    return f"{done.machine} behind {done.job.vip}: {state(done.reading)}"


def record(done: Done) -> dict[str, Any]:
    return {
        **member_record(done.job, done.machine, done.reading),
        "done": done.failure is None,
        "refused": done.refused,
        "failure": done.failure,
    }


def member_record(job: Job, name: str, reading: Reading | None) -> dict[str, Any]:
    """A member as its balancer has it; what is not known is null."""
    known = reading._asdict() if reading is not None else {}
    return {
        "name": name,
        "service": job.at.behind.service.name,
        "vip": job.vip,
        "balancer": job.at.balancer.name,
        "backend": job.at.backend,
        "rotation": str(reading.rotation) if reading is not None else None,
        **{key: known.get(key) for key in ("address", "port", "weight", "sessions", "health", "said")},
    }
