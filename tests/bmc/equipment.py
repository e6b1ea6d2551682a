"""Sensors, FRU data and events for OpenIPMI's simulator, in octets (IPMI 2.0, 43.1 and 32.1; FRU information 1.0)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

TEMPERATURE, FAN, POWER_SUPPLY = 0x01, 0x04, 0x08
CELSIUS, RPM = 0x01, 0x12
_THRESHOLD, _SENSOR_SPECIFIC = 0x01, 0x6F
_UPPER, _LOWER = (100, 90, 80), (0, 5, 10)
"""Non-recoverable, critical and non-critical."""


def sensor(number: int, name: str, kind: int, unit: int, value: int) -> str:
    """A sensor with thresholds, which reads a value of one octet as it is."""
    said = name.encode()
    full = [
        *(0x20, 0, number, 7, 1, 0x7F, 0x68, kind, _THRESHOLD, 0x95, 0x7A, 0x95, 0x7A, 0x3F, 0x3F, 0, unit, 0),
        *(0, 1, 0, 0, 0, 0, 0, 0, 25, 30, 20, 0xFF, 0),
        *(*_UPPER, *_LOWER, 2, 2, 0, 0, 0, 0xC0 | len(said), *said),
    ]
    return _lines(
        f"main_sdr_add 0x20 {_octets([0, 0, 0x51, 1, len(full), *full])}",
        f"sensor_add 0x20 0 {number} {kind} {_THRESHOLD}",
        f"sensor_set_threshold 0x20 0 {number} settable 111111 {_octets([*_UPPER, *_LOWER])}",
        f"sensor_set_value 0x20 0 {number} {value} 0",
    )


def discrete(number: int, name: str, kind: int, bits: Sequence[int]) -> str:
    """A sensor of states, those of `bits` (table 42-3) in force."""
    said = name.encode()
    compact = [
        *(0x20, 0, number, 10, number, 0x67, 0x40, kind, _SENSOR_SPECIFIC, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xC0, 0, 0),
        *(1, 0, 0, 0, 0, 0, 0, 0, 0xC0 | len(said), *said),
    ]
    return _lines(
        f"main_sdr_add 0x20 {_octets([0, 0, 0x51, 2, len(compact), *compact])}",
        f"sensor_add 0x20 0 {number} {kind} {_SENSOR_SPECIFIC}",
        *(f"sensor_set_bit 0x20 0 {number} {bit} 1 0" for bit in bits),
    )


def event(number: int, offset: int, *, reading: int = 0, threshold: int = 0) -> str:
    """An event of a temperature sensor going over one of its thresholds, before the controller's clock was set."""
    octets = [0, 0, 0, 0, 0x20, 0, 4, TEMPERATURE, number, _THRESHOLD, 0x50 | offset]
    return _lines(f"sel_add 0x20 0x02 {_octets([*octets, reading, threshold])}")


def fru(maker: str, product: str, serial: str, asset: str) -> str:
    """The board and the product, as they are kept in a machine's own FRU device."""
    board = _area([0, 0, 0, 0], [f"{maker} boards", "MB-7", "BOARD-1", "BPN1", ""])
    area = _area([0], [maker, product, "PPN1", "2", serial, asset, ""])
    head = _summed([1, 0, 0, 1, 1 + len(board) // 8, 0, 0])
    data = [*head, *board, *area]
    return _lines(f"mc_add_fru_data 0x20 0 {len(data)} data {_octets(data)}")


def _area(begin: Sequence[int], fields: Iterable[str]) -> list[int]:
    octets = [1, 0, *begin]
    for field in fields:
        octets += [0xC0 | len(field), *field.encode()]
    octets += [0xC1]
    octets += [0] * (-(len(octets) + 1) % 8)
    octets[1] = (len(octets) + 1) // 8
    return _summed(octets)


def _summed(octets: list[int]) -> list[int]:
    return [*octets, -sum(octets) & 0xFF]


def _octets(values: Iterable[int]) -> str:
    return " ".join(f"{value:#04x}" for value in values)


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
