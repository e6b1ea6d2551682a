"""Sensors of a machine over Redfish: the schemas Sensor, PowerSupply and Fan of DSP0268, and Thermal and Power, which
were in their place before 2020.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from clusto_cli.backends.machine import Sensor, State, shortened
from clusto_cli.backends.redfish.document import Document, listing, mapping, text
from clusto_cli.backends.redfish.parts import chassis_of
from clusto_cli.backends.redfish.tree import Tree

_HEALTH = {"OK": State.OK, "Warning": State.WARNING, "Critical": State.CRITICAL}
_GONE = ("Absent", "Disabled", "UnavailableOffline", "StandbyOffline")
_KINDS = {
    "Temperature": "temperature",
    "Rotational": "fan",
    "AirFlow": "fan",
    "Voltage": "voltage",
    "Current": "current",
    "Power": "power",
}
_FEATURES = ((("Fans", "fan"), ("ThermalSubsystem",)), (("PowerSupplies", "supply"), ("PowerSubsystem",)))


async def sensors_of(tree: Tree, system: Document) -> list[Sensor]:
    """All sensors of what the system stands in, and how it is itself."""
    found = [_state("system", "system", system)]
    for chassis in await chassis_of(tree, system):
        new = [sensor for each in await tree.all(chassis.get("Sensors")) for sensor in _sensor(each)]
        if new:
            new += await _states(tree, chassis)
        else:
            new = [*_thermal(await tree.get(chassis.get("Thermal"))), *_power(await tree.get(chassis.get("Power")))]
        found += new
    return found


async def _states(tree: Tree, chassis: Document) -> list[Sensor]:
    """Fans and power supplies, whose health no sensor says."""
    found = []
    for (members, kind), (subsystem,) in _FEATURES:
        place = (await tree.get(chassis.get(subsystem))).get(members)
        found += [_state(_name(each), kind, each) for each in await tree.all(place)]
    return found


def _sensor(said: Document) -> Iterator[Sensor]:
    kind = _KINDS.get(text(said.get("ReadingType")) or "", "other")
    reading = _number(said.get("Reading"))
    unit = shortened(text(said.get("ReadingUnits"))) or ""
    yield Sensor(_name(said), kind, reading, unit, _state_of(said, reading, _limits(said)))


def _limits(said: Document) -> Document:
    """The thresholds of a Sensor, by the names that Thermal and Power have for them."""
    thresholds = mapping(said.get("Thresholds"))
    return {
        f"{side}Threshold{grade}": mapping(thresholds.get(f"{side}{named}")).get("Reading")
        for side in ("Upper", "Lower")
        for grade, named in (("Critical", "Critical"), ("NonCritical", "Caution"))
    }


def _thermal(said: Document) -> Iterator[Sensor]:
    for each in map(mapping, listing(said.get("Temperatures"))):
        reading = _number(each.get("ReadingCelsius"))
        yield Sensor(_name(each), "temperature", reading, "Cel", _state_of(each, reading, each))
    for each in map(mapping, listing(said.get("Fans"))):
        # CurrentReading, FanName: HPE's iLO 4.
        reading = _number(each.get("Reading", each.get("CurrentReading")))
        unit = {"Percent": "%"}.get(str(each.get("ReadingUnits"))[:20], shortened(text(each.get("ReadingUnits"))) or "")
        yield Sensor(_name(each), "fan", reading, unit, _state_of(each, reading, each))


def _power(said: Document) -> Iterator[Sensor]:
    for each in map(mapping, listing(said.get("Voltages"))):
        reading = _number(each.get("ReadingVolts"))
        yield Sensor(_name(each), "voltage", reading, "V", _state_of(each, reading, each))
    for each in map(mapping, listing(said.get("PowerSupplies"))):
        yield Sensor(_name(each), "supply", _number(each.get("LastPowerOutputWatts")), "W", _state_of(each, None, {}))
    for each in map(mapping, listing(said.get("PowerControl"))):
        reading = _number(each.get("PowerConsumedWatts"))
        if reading is not None:
            yield Sensor(_name(each), "power", reading, "W", _state_of(each, None, {}))


def _state(name: str, kind: str, resource: Document) -> Sensor:
    status = mapping(resource.get("Status"))
    said = shortened(text(status.get("State"))) or ""
    return Sensor(name, kind, None, "", _state_of(resource, None, {}), said)


def _state_of(said: Document, reading: float | None, limits: Document) -> State:
    """By its health, where it says that; else by its reading's limits."""
    status = mapping(said.get("Status"))
    if status.get("State") in _GONE:
        return State.ABSENT
    health = text(status.get("Health")) or text(status.get("HealthRollup"))
    if health in _HEALTH:
        return _HEALTH[health]
    return State.UNKNOWN if reading is None else _within(reading, limits)


def _within(reading: float, limits: Document) -> State:
    known = False
    for grade, state in (("Critical", State.CRITICAL), ("NonCritical", State.WARNING)):
        upper, lower = (_number(limits.get(f"{side}Threshold{grade}")) for side in ("Upper", "Lower"))
        known = known or upper is not None or lower is not None
        if (upper is not None and reading >= upper) or (lower is not None and reading <= lower):
            return state
    return State.OK if known else State.UNKNOWN


def _name(said: Document) -> str:
    names = (shortened(text(said.get(key))) for key in ("Name", "FanName", "MemberId", "Id"))
    return next((name for name in names if name), "?")


def _number(value: object) -> float | None:
    usual = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if usual and -1e15 < value < 1e15 else None  # type: ignore[operator, arg-type]
