"""What controllers said, as lines for people and as records for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from clusto_cli.backends.machine import CardPort, Component, Entry, Facts, Sensor
from clusto_cli.bmc.machines import Answer, Told
from clusto_core.model.ranges import fold
from clusto_core.spelling import natural_key

_SHORT = (
    ("vendor", "vendor"),
    ("model", "model"),
    ("serial", "serial"),
    ("asset", "asset tag"),
    ("uuid", "UUID"),
    ("bios", "BIOS"),
    ("firmware", "controller"),
)


def record(
    told: Told[Answer], content: Callable[[Answer], Mapping[str, Any]], empty: Mapping[str, Any]
) -> dict[str, Any]:
    """One machine's answer, or why there is none: then what `empty` has in its place."""
    said = empty if told.answer is None else content(told.answer)
    failure = None if told.failure is None else str(told.failure)
    return {"name": told.name, **said, "refused": told.refused, "failure": failure}


# --- sensors ---------------------------------------------------------------------------------------------------------


def sensor_lines(told: Sequence[tuple[str, Sequence[Sensor]]], several: bool) -> list[str]:
    """Aligned columns: the machine, where there are several, the sensor, what it reads, its state."""
    rows = [
        (*([name] if several else []), sensor.name, _reading(sensor), _stated(sensor))
        for name, sensors in told
        for sensor in sensors
    ]
    return columns(rows)


def _reading(sensor: Sensor) -> str:
    if sensor.reading is None:
        return "-"
    return f"{sensor.reading:g}" + {"": "", "%": "%"}.get(sensor.unit, f" {sensor.unit}")


def _stated(sensor: Sensor) -> str:
    return f"{sensor.state}" + (f" ({sensor.said})" if sensor.said else "")


def sensor_record(sensors: Sequence[Sensor]) -> dict[str, Any]:
    """As `-o json` has it."""
    return {"sensors": [{**each._asdict(), "state": str(each.state)} for each in sensors]}


# --- logs ------------------------------------------------------------------------------------------------------------


def entry_line(name: str, entry: Entry, several: bool) -> str:
    """`2026-11-29T15:40:00Z  warning   SEL 1a  Temperature Inlet, Upper Non-critical going high`."""
    moment = entry.time or "no time"
    words = f"{moment:<20}  {entry.state:<8}  {entry.log} {entry.id}  {entry.text}"
    return f"{name}  {words}" if several else words


def entries_record(entries: Sequence[Entry], cleared: bool = False) -> dict[str, Any]:
    """As `-o json` has it."""
    return {"entries": [{**each._asdict(), "state": str(each.state)} for each in entries], "cleared": cleared}


# --- facts -----------------------------------------------------------------------------------------------------------


def facts_lines(name: str, facts: Facts) -> Iterator[str]:
    """The machine, what is known of it as a whole, and each of its pieces."""
    yield name
    for field, words in _SHORT:
        if (said := getattr(facts, field)) is not None:
            yield f"  {words:<11} {said}"
    if facts.mib is not None:
        yield f"  {'memory':<11} {_gib(facts.mib)}"
    for kind, words in _pieces(facts):
        yield f"  {kind:<11} {words}"
    for mac in facts.bmc_macs:
        yield f"  {'bmc':<11} {mac}"
    for reason in facts.unread:
        yield f"  {'not read':<11} {reason}"


def _pieces(facts: Facts) -> Iterator[tuple[str, str]]:
    for cpu in facts.processors:
        yield "cpu", _joined(cpu.slot, cpu.model, _counted(cpu.cores, "cores"), _counted(cpu.threads, "threads"))
    for module in facts.modules:
        yield "module", _joined(module.slot, _gib(module.mib), module.model, _serial(module.serial))
    for disk in facts.disks:
        size = None if disk.octets is None else f"{disk.octets / 1e9:.0f} GB"
        yield "disk", _joined(disk.slot, size, disk.kind, disk.model, _serial(disk.serial))
    for card in facts.cards:
        if card.slot:
            yield "card", _joined(card.slot, card.model, _serial(card.serial))
        for port in card.ports:
            hears = f"hears {' '.join(port.hears)}" if port.hears else None
            yield "port", _joined(port.names[0] if port.names else "", ", ".join(port.macs), *port.names[1:], hears)


def _joined(slot: str, *words: str | None) -> str:
    return f"{slot}: {', '.join(filter(None, words))}" if slot else ", ".join(filter(None, words))


def _counted(count: int | None, what: str) -> str | None:
    return None if count is None else f"{count} {what}"


def _serial(serial: str | None) -> str | None:
    return None if serial is None else f"serial {serial}"


def _gib(mib: int | None) -> str | None:
    return None if mib is None else f"{mib / 1024:g} GiB"


def facts_record(facts: Facts) -> dict[str, Any]:
    """As `-o json` has it; sizes of memory in MiB, of disks in octets."""
    plain = {field: getattr(facts, field) for field, _ in _SHORT}
    return {
        **plain,
        "memory_mib": facts.mib,
        "processors": [each._asdict() for each in facts.processors],
        "modules": [each._asdict() for each in facts.modules],
        "disks": [each._asdict() for each in facts.disks],
        "cards": [{**card._asdict(), "ports": [_port_record(port) for port in card.ports]} for card in facts.cards],
        "bmc_macs": list(facts.bmc_macs),
        "unread": list(facts.unread),
    }


def _port_record(port: CardPort) -> dict[str, Any]:
    hears = dict(zip(("system", "port"), port.hears, strict=True)) if port.hears else None
    return {"names": list(port.names), "macs": list(port.macs), "hears": hears}


# --- firmware --------------------------------------------------------------------------------------------------------


def firmware_lines(told: Sequence[tuple[str, Sequence[Component]]], differing: bool) -> list[str]:
    """Each component with its versions, and who has which; where there is more than one, marked with `!`."""
    by_name: dict[str, dict[str, list[str]]] = {}
    for name, components in told:
        for component in components:
            by_name.setdefault(component.name, {}).setdefault(component.version or "?", []).append(name)
    rows = []
    for component_name in sorted(by_name, key=natural_key):
        versions = by_name[component_name]
        if len(versions) > 1 or not differing:
            mark = "!" if len(versions) > 1 else ""
            rows += [
                (component_name, version, mark, ",".join(fold(dict.fromkeys(versions[version]))))
                for version in sorted(versions, key=natural_key)
            ]
    return columns(rows if len(told) > 1 else [row[:2] for row in rows])


def firmware_record(components: Sequence[Component]) -> dict[str, Any]:
    """As `-o json` has it."""
    return {"components": [each._asdict() for each in components]}


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows in aligned columns."""
    every = list(rows)
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in every]
