"""Loads as lines for people, as records for programs, and as metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from clusto_cli.backends.base import LoadReading
from clusto_cli.power.loads import FeedLoad, PduLoad, Watts
from clusto_cli.power.metering import PointLoad, Result
from clusto_cli.power.redundancy import Failing

_FEW = 5
_QUANTITIES = ("watts", "volt_amperes", "amperes", "volts", "power_factor", "kilowatt_hours", "limit_amperes")
_HELP = {
    "watts": "Active power, as the PDU measures it.",
    "volt_amperes": "Apparent power, as the PDU measures it.",
    "amperes": "Current, as the PDU measures it.",
    "volts": "Voltage, as the PDU measures it.",
    "power_factor": "Power factor, as the PDU measures it.",
    "kilowatt_hours": "Energy since the PDU's counter was last reset.",
    "limit_amperes": "The current that the PDU itself takes for an overload.",
}


# --- for people -------------------------------------------------------------------------------------------------------


def lines(result: Result, verbose: bool) -> Iterator[str]:
    """A target with its feeds or PDU; with `verbose` all that the PDUs measure."""
    name = result.target.thing.name
    if result.pdu is not None:
        yield f"{name} {pdu_words(result.pdu)}"
        yield from _readings(result.pdu, verbose)
        return
    yield _head(name, result)
    if result.target.kind == "rack":
        worst = result.worst
        for feed in result.feeds:
            yield f"{name} {feed.feed} {feed_words(feed, worst.get(feed.feed))}{_alone_words(result, feed)}"
            if verbose:
                yield from (f"  {pdu.name} {pdu_words(pdu)}" for pdu in feed.pdus)
    yield from (f"  {_point_line(point)}" for point in result.points)


def _head(name: str, result: Result) -> str:
    missing = bool(result.failures) and result.load is not None
    text = f"{name} {_said(result.load, missing)}"
    if result.target.notes:
        text += f" ({'; '.join(result.target.notes)})"
    return text + (f": {'; '.join(result.failures)}" if result.failures and result.target.kind == "rack" else "")


def feed_words(feed: FeedLoad, worst: Failing | None) -> str:
    """`3.1 kW of 3.6, B fails -> 6.0: over`."""
    text = _said(feed.load, feed.partial and feed.load is not None)
    text += f" of {_amount(feed.limit, feed.load)}" if feed.limit is not None else ""
    if worst is None:
        return text
    verdict = {True: ": over", False: "", None: ""}[worst.over]
    return f"{text}, {worst.feed} fails -> {_amount(worst.watts, feed.load)}{verdict}"


def _alone_words(result: Result, feed: FeedLoad) -> str:
    """`; alone on it: server7, server9`: what a rack of several feeds has that goes dark with one."""
    alone = result.alone_on(feed.feed) if len(result.feeds) > 1 else []
    if not alone:
        return ""
    more = f" and {len(alone) - _FEW} more" if len(alone) > _FEW else ""
    return f"; alone on it: {', '.join(alone[:_FEW])}{more}"


def watts_words(load: Watts) -> str:
    """`1.2 kW`, `about 160 W`."""
    return _said(load)


def pdu_words(pdu: PduLoad) -> str:
    """`1.2 kW of 4.8, 1951.6 kWh (phase 1 near)`."""
    if pdu.failure is not None:
        return f"unknown: {pdu.failure}"
    text = _said(pdu.load)
    text += f" of {_amount(pdu.limit, pdu.load)}" if pdu.limit is not None and pdu.load is not None else ""
    text += f", {pdu.kilowatt_hours:g} kWh" if pdu.kilowatt_hours is not None else ""
    told = [*pdu.states, *pdu.notes]
    return text + (f" ({'; '.join(told)})" if told else "")


def _readings(pdu: PduLoad, outlets: bool) -> Iterator[str]:
    for reading in pdu.readings:
        if outlets or reading.of != "outlet":
            yield f"  {reading.of} {reading.name}  {_values(reading)}"


def _point_line(point: PointLoad) -> str:
    inlet = f"{point.point.inlet}: " if point.point.inlet else ""
    if point.reading is None or point.load is None:
        return f"{inlet}{point.point.part} unknown: {point.failure}"
    return f"{inlet}{point.point.part} {_values(point.reading)}"


def _values(reading: LoadReading) -> str:
    values = reading.values
    said = [f"{values['watts']:g} W"] if "watts" in values else []
    said += [f"{values['volt_amperes']:g} VA"] if "volt_amperes" in values else []
    if "amperes" in values:
        limit = f" of {values['limit_amperes']:g}" if "limit_amperes" in values else ""
        said.append(f"{values['amperes']:g} A{limit}")
    said += [f"{values['volts']:g} V"] if "volts" in values else []
    said += [f"pf {values['power_factor']:g}"] if "power_factor" in values else []
    said += [f"{values['kilowatt_hours']:g} kWh"] if "kilowatt_hours" in values else []
    said += [reading.state] if reading.state is not None else []
    return ", ".join([*said, *reading.notes])


def _said(load: Watts | None, partial: bool = False) -> str:
    if load is None:
        return "unknown"
    text = f"{load.watts / 1000:.1f} kW" if load.watts >= 1000 else f"{load.watts:.0f} W"
    return f"{'at least ' if partial else ''}{'' if load.exact else 'about '}{text}"


def _amount(watts: float | None, beside: Watts | None) -> str:
    """A number in the unit that stands before it, where that is known."""
    if watts is None:
        return "unknown"
    if beside is not None and beside.watts >= 1000:
        return f"{watts / 1000:.1f}"
    return _said(Watts(watts)) if watts >= 1000 or beside is None else f"{watts:.0f}"


# --- for programs -----------------------------------------------------------------------------------------------------


def record(result: Result, at: str) -> dict[str, Any]:
    """A target with all that is known of it; `at` is when the devices were asked."""
    load = result.load
    return {
        "name": result.target.thing.name,
        "kind": result.target.kind,
        "time": at,
        **_load(load),
        "partial": bool(result.failures),
        "feeds": _feed_records(result),
        "points": [_point_record(point) for point in result.points],
        "pdus": [_pdu_record(pdu) for pdu in result.pdus],
        "notes": list(result.target.notes),
        "failures": result.failures,
    }


def _load(load: Watts | None) -> dict[str, Any]:
    return {"watts": None if load is None else load.watts, "exact": load is not None and load.exact}


def _feed_records(result: Result) -> list[dict[str, Any]]:
    worst = result.worst
    return [
        {
            "feed": feed.feed,
            **_load(feed.load),
            "limit_watts": feed.limit,
            "partial": feed.partial,
            "pdus": [pdu.name for pdu in feed.pdus],
            "fails": worst[feed.feed]._asdict() if feed.feed in worst else None,
            "alone": result.alone_on(feed.feed),
        }
        for feed in result.feeds
    ]


def _point_record(point: PointLoad) -> dict[str, Any]:
    return {
        "inlet": point.point.inlet,
        "outlet": point.point.part,
        "pdu": point.point.pdu,
        **_load(point.load),
        "measured": None if point.reading is None else _reading_record(point.reading),
        "failure": point.failure,
    }


def _pdu_record(pdu: PduLoad) -> dict[str, Any]:
    return {
        "name": pdu.name,
        **_load(pdu.load),
        "limit_watts": pdu.limit,
        "kilowatt_hours": pdu.kilowatt_hours,
        "states": pdu.states,
        "loads": [_reading_record(reading) for reading in pdu.readings],
        "failure": pdu.failure,
    }


def _reading_record(reading: LoadReading) -> dict[str, Any]:
    return {
        "of": reading.of,
        "name": reading.name,
        "state": reading.state,
        "notes": list(reading.notes),
        **reading.values,
    }


# --- for Prometheus ---------------------------------------------------------------------------------------------------


def metrics(results: Sequence[Result], loads: Iterable[PduLoad]) -> Iterator[str]:
    """The text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4)."""
    pdus = list(loads)
    answered = (({"pdu": pdu.name}, float(pdu.failure is None)) for pdu in pdus)
    yield from _metric("clusto_pdu_answered", "Whether the PDU said what it measures.", answered)
    for quantity in _QUANTITIES:
        samples = (
            ({"pdu": pdu.name, "of": each.of, "name": each.name}, each.values[quantity])
            for pdu in pdus
            for each in pdu.readings
            if quantity in each.values
        )
        yield from _metric(f"clusto_pdu_{quantity}", _HELP[quantity], samples)
    named = [({"name": each.target.thing.name, "kind": each.target.kind}, each.load) for each in results]
    known = ((labels, load.watts) for labels, load in named if load is not None)
    yield from _metric("clusto_load_watts", "The load of a rack, a PDU or a Thing, as far as it is known.", known)
    yield from _feed_metrics(results)


def _feed_metrics(results: Sequence[Result]) -> Iterator[str]:
    racks = [(each.target.thing.name, each.feeds, each.worst) for each in results if each.feeds]
    feeds = [
        ({"rack": rack, "feed": feed.feed}, feed, worst.get(feed.feed)) for rack, own, worst in racks for feed in own
    ]
    drawn = ((labels, load.watts) for labels, feed, _ in feeds if (load := feed.load) is not None)
    yield from _metric("clusto_feed_watts", "What a feed of a rack carries.", drawn)
    limits = ((labels, feed.limit) for labels, feed, _ in feeds if feed.limit is not None)
    yield from _metric("clusto_feed_limit_watts", "What a feed of a rack may carry.", limits)
    failed = ((labels, worst.watts) for labels, _, worst in feeds if worst is not None)
    yield from _metric("clusto_feed_failover_watts", "What a feed carries when the worst other one fails.", failed)


def _metric(name: str, meaning: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Iterator[str]:
    each = list(samples)
    if each:
        yield f"# HELP {name} {meaning}"
        yield f"# TYPE {name} gauge"
        for labels, value in each:
            inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
            yield f"{name}{{{inside}}} {value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
