"""The inventory as metrics: how many Things there are, what is free in racks, what breaks policies, when sources were
taken in.

Source of the format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, 0.0.4), as Prometheus and the
textfile collector of its node exporter read it. Policies that devices answer are not asked here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

from clusto_core.answers.census import census
from clusto_core.answers.view import whole
from clusto_core.drivers.equipment import Rack
from clusto_core.model.things import Thing, in_order
from clusto_core.query import policies
from clusto_core.records import history, sources
from clusto_core.resources import capacity
from clusto_core.store.reader import Reader
from clusto_core.transfer.leaving import SAFE, Leaving

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Sample(NamedTuple):
    """One value, with its labels."""

    labels: dict[str, str]
    value: float


class Metric(NamedTuple):
    """A gauge."""

    name: str
    help: str
    samples: list[Sample]


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the metrics of these Things, those of the whole inventory's history and sources besides."""
    out.writelines(lines(reader, whole(reader, things)))


def lines(reader: Reader, things: list[Thing] | None = None) -> Iterator[str]:
    """The metrics of some whole Things, or of all."""
    for metric in _metrics(reader, things):
        yield f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n"
        for labels, value in metric.samples:
            told = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels.items())
            yield f"{metric.name}{{{told}}} {_number(value)}\n" if told else f"{metric.name} {_number(value)}\n"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"


def _metrics(reader: Reader, things: list[Thing] | None) -> Iterator[Metric]:
    ids = None if things is None else [thing.id for thing in things]
    counted = [
        Sample({"driver": driver, "status": status}, count)
        for (driver, status), count in sorted(census(reader, ids).items())
    ]
    yield Metric("clusto_things", "Things by driver and status; one of several statuses is in each.", counted)
    racks = reader.all([Rack.__name__]) if things is None else [thing for thing in things if thing.is_a(Rack)]
    yield Metric("clusto_rack_units", "Rack units by rack and state.", list(_units(reader, racks)))
    broken = list(_violations(reader, ids))
    yield Metric("clusto_policy_violations", "Things that break a policy now.", broken)
    yield from _synced(reader)
    yield Metric("clusto_transaction", "Number of the newest transaction.", [Sample({}, history.latest(reader))])
    newest = history.newest(reader)
    changed = [] if newest is None else [Sample({}, newest)]
    yield Metric("clusto_transaction_timestamp_seconds", "When the newest transaction was.", changed)


def _units(reader: Reader, racks: Iterable[Thing]) -> Iterator[Sample]:
    named = {rack.id: rack.name for rack in in_order(racks)}
    found = capacity.units(reader, named)
    for id, name in named.items():
        amount = found.get(id, capacity.Amount())
        for state in ("free", "used", "reserved"):
            yield Sample({"rack": name, "state": state}, getattr(amount, state) or 0)


def _violations(reader: Reader, ids: list[int] | None) -> Iterator[Sample]:
    known = policies.policies(reader)
    counts = {policy.name: 0 for policy in known}
    unknown = set()
    for each in policies.check(reader, known, None if ids is None else set(ids)):
        counts[each.policy.name] += 1
        if not each.known:
            unknown.add(each.policy.name)
    for policy in known:
        if policy.name in unknown:
            continue
        yield Sample({"policy": policy.name, "level": policy.level}, counts[policy.name])


def _synced(reader: Reader) -> Iterator[Metric]:
    """When each source was taken in last, and how its last try ended: those that never were have no age."""
    every = sorted(sources.summaries(reader.database), key=lambda each: each.name)
    taken = [(each.name, each.taken) for each in every if each.taken is not None]
    ages = [Sample({"source": name}, max(0.0, time.time() - moment)) for name, moment in taken]
    yield Metric("clusto_sync_age_seconds", "How long ago a source was taken in.", ages)
    moments = [Sample({"source": name}, moment) for name, moment in taken]
    yield Metric("clusto_sync_timestamp_seconds", "When a source was taken in.", moments)
    failed = [Sample({"source": each.name}, each.outcome == sources.FAILED) for each in every]
    yield Metric("clusto_sync_failed", "1 where the last sync with a source failed.", failed)
