"""Which parts a new Thing gets: what its driver says, changed by counts and names (`nic=4,outlet=A[1-8]`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from clusto_core.drivers import Driver, Part, Parts, registry
from clusto_core.drivers.equipment import PatchPanel
from clusto_core.drivers.parts import Port
from clusto_core.errors import Malformed, Refused, did_you_mean
from clusto_core.names import MalformedName, check_part_name, suggest
from clusto_core.ranges import MalformedRange, expand

LIMIT = 10_000
"""The most parts of one kind that an equipment may have."""

Counts = Mapping[str, int | Sequence[str]]
"""By kind of part: how many, or how they are called."""


class NewPart(NamedTuple):
    """A part to be made."""

    name: str
    driver: type[Part]


def parse(text: str) -> dict[str, int | list[str]]:
    """`KIND=COUNT` or `KIND=NAME...`, comma-separated: `nic=4,outlet=48`, `nic=eno[1-2],mgmt0`. Raises Malformed."""
    found: dict[str, int | list[str]] = {}
    kind = ""
    for item in _split(text):
        head, equals, tail = item.partition("=")
        if equals:
            kind, item = head.strip(), tail
            if kind in found:
                raise Malformed(f"parts of the kind {kind} are given twice")
            if item.isascii() and item.isdigit():
                found[kind] = int(item)
                continue
        names = found.setdefault(kind, []) if kind else None
        if not isinstance(names, list) or not item:
            raise Malformed(f"malformed parts: {text[:60]!r} (write KIND=COUNT or KIND=NAME, as nic=4,outlet=48)")
        names.extend(_expanded(item))
    return found


def _split(text: str) -> list[str]:
    """The items between commas that are in no brackets."""
    items, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            items.append(text[start:at])
            start = at + 1
    return [*items, text[start:]]


def _expanded(text: str) -> list[str]:
    try:
        return list(expand(text, LIMIT))
    except MalformedRange as error:
        raise Malformed(str(error)) from None


def kind(name: str) -> type[Part]:
    """The part driver that `--parts` calls by that name: its kind, its name or an alias. Raises Malformed."""
    wanted = name.lower()
    for driver in registry:
        if (
            issubclass(driver, Part)
            and driver is not Part
            and wanted in (driver.kind, driver.__name__.lower(), *map(str.lower, driver.__dict__.get("aliases", ())))
        ):
            return driver
    kinds = sorted({driver.kind for driver in registry if issubclass(driver, Part) and driver is not Part})
    raise Malformed(
        f"no such kind of part: {name[:40]}{did_you_mean(suggest(name, kinds))} (known: {', '.join(kinds)})"
    )


def plan(driver: type[Driver], counts: Counts) -> list[NewPart]:
    """The parts of a new Thing of that driver, counts and names overriding what the driver says.

    Raises Malformed for unknown kinds and malformed names, Refused when two parts would have one name.
    """
    wanted = {kind(name): value for name, value in counts.items()}
    if issubclass(driver, PatchPanel) and Port in wanted:
        both = wanted.pop(Port)
        if not isinstance(both, int):
            raise Malformed("a patch panel's ports are counted (port=48), or named as front and rear")
        wanted |= {run.driver: both for run in driver.parts}
    found: list[NewPart] = []
    given = dict(wanted)
    for run in driver.parts:
        value = given.pop(run.driver, None)
        found.extend(NewPart(name, run.driver) for name in _names(run, value))
    for part_driver, value in given.items():
        run = Parts(part_driver, part_driver.pattern, 0, part_driver.first)
        found.extend(NewPart(name, part_driver) for name in _names(run, value))
    seen: dict[str, type[Part]] = {}
    for part in found:
        if part.name in seen:
            raise Refused(
                f"two parts would be called {part.name}: a {seen[part.name].noun} and a {part.driver.noun} "
                f"(name them, as {part.driver.kind}=NAME)"
            )
        seen[part.name] = part.driver
    return found


def _names(run: Parts, value: int | Sequence[str] | None) -> list[str]:
    if value is None or isinstance(value, int):
        if value is not None and not 0 <= value <= LIMIT:
            raise Malformed(f"an equipment has 0 to {LIMIT} parts of a kind, not {value}")
        return run.names(value)
    for name in value:
        checked_part_name(name)
    return list(value)


def checked_part_name(name: str) -> str:
    """The name itself. Raises Malformed when no part can be called so."""
    try:
        check_part_name(name)
    except MalformedName as error:
        raise Malformed(str(error)) from None
    return name
