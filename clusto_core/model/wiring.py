"""What fits what, and where a path ends: the rules of cables, without a store."""

from __future__ import annotations

from functools import lru_cache

from clusto_core.drivers import Driver, Part, registry
from clusto_core.drivers.parts import NIC, ConsolePort, FrontPort, Inlet, Outlet, Port, RackUnit, RearPort, SerialPort

NETWORK = "network"
POWER = "power"
CONSOLE = "console"
POSITION = "position"
PATCH = "patch"
"""A cable between panels whose path has no end yet that would say what it carries."""
KINDS = (NETWORK, POWER, CONSOLE, POSITION)

_FAMILIES: tuple[tuple[str, tuple[type[Part], ...], tuple[type[Part], ...]], ...] = (
    (NETWORK, (NIC, Port), (NIC, Port)),
    (POWER, (Inlet,), (Outlet,)),
    (CONSOLE, (SerialPort,), (ConsolePort,)),
)


def is_panel(driver: type[Driver]) -> bool:
    """Whether a part of that driver passes on what comes in: the front or rear port of a patch panel."""
    return issubclass(driver, (FrontPort, RearPort))


@lru_cache(1000)
def passes_on(driver: str) -> bool:
    """As `is_panel`, of a driver as the store names it."""
    return is_panel(registry.of(driver))


@lru_cache(10_000)
def fit(one: str, other: str) -> str | None:
    """As `cable_kind`, of drivers as the store names them."""
    return cable_kind(registry.of(one), registry.of(other))


@lru_cache(1000)
def is_interface(driver: str) -> bool:
    """Whether a part of a driver, as the store names it, is a network interface, and no port of a panel, whose sockets
    are all there is of it."""
    kind = registry.of(driver)
    return issubclass(kind, (NIC, Port)) and not is_panel(kind)


def kind_of(driver: type[Driver]) -> str | None:
    """What kind of cable goes into a part of that driver; None for panel ports, which take any, and for rack units."""
    if is_panel(driver):
        return None
    for kind, one, other in _FAMILIES:
        if issubclass(driver, one + other):
            return kind
    return None


def taken_by(driver: type[Driver]) -> str | None:
    """What kind of connection a part of that driver is for: that of its cable, `position` for a rack unit, `network`
    for a panel's port, which takes any; None for what nothing can be joined to."""
    if is_panel(driver):
        return NETWORK
    return POSITION if issubclass(driver, RackUnit) else kind_of(driver)


def cable_kind(one: type[Driver], other: type[Driver]) -> str | None:
    """The kind of the cable that can join two ends of a path, None when they do not fit.

    NIC and Port fit each other, an Inlet an Outlet, a SerialPort a ConsolePort; a panel's port any of them.
    """
    if is_panel(one) or is_panel(other):
        if is_panel(one) and is_panel(other):
            return PATCH
        return kind_of(other if is_panel(one) else one)
    for kind, left, right in _FAMILIES:
        if (issubclass(one, left) and issubclass(other, right)) or (issubclass(one, right) and issubclass(other, left)):
            return kind
    return None
