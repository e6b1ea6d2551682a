"""Which parts a new Thing gets: what its driver says, changed by counts and names (`nic=4,outlet=A[1-8]`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from clusto_core.drivers import Driver, Part, Parts, registry
from clusto_core.drivers.equipment import PatchPanel
from clusto_core.drivers.parts import Port
from clusto_core.errors import Malformed, NotFound, Refused, did_you_mean
from clusto_core.model.attributes import Key
from clusto_core.model.names import MalformedName, check_part_name, trailing_number
from clusto_core.model.ranges import MalformedRange, expand
from clusto_core.model.wiring import is_panel
from clusto_core.spelling import suggest
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from clusto_core.model.things import Thing
    from clusto_core.store.unit import UnitOfWork

LIMIT = 10_000
"""The most parts of one kind that an equipment may have."""

LABEL = Key("label")
"""What the device itself calls a part."""

Counts = Mapping[str, int | list[str] | tuple[str, ...]]
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


@lru_cache
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
    given = kinds(driver, counts)
    found: list[NewPart] = []
    for run in driver.parts:
        value = given.get(run.driver)
        if value is None:
            found.extend(NewPart(name, run.driver) for name in run.names())
        elif all(part.driver is not run.driver for part in found):
            found.extend(NewPart(name, run.driver) for name in _names(driver, run.driver, value))
    usual = {run.driver for run in driver.parts}
    for part_driver, value in given.items():
        if part_driver not in usual:
            found.extend(NewPart(name, part_driver) for name in _names(driver, part_driver, value))
    check_unique(found)
    return found


def frozen(counts: Counts) -> tuple[tuple[str, int | tuple[str, ...]], ...]:
    """The same as something that can be looked up by. Raises Malformed for what is neither a number nor names."""
    found = []
    for kind_name, value in counts.items():
        if type(value) is not int and not isinstance(value, list | tuple):
            raise Malformed(f"parts of the kind {kind_name} are a number or a list of names, not {value!r:.60}")
        found.append((kind_name, value if isinstance(value, int) else tuple(value)))
    return tuple(found)


def kinds(driver: type[Driver], counts: Counts) -> dict[type[Part], int | Sequence[str]]:
    """Counts and names by the driver of the part. The ports of a patch panel that are counted are its front and rear.

    Raises Malformed for unknown kinds.
    """
    wanted: dict[type[Part], int | Sequence[str]] = {kind(name): value for name, value in counts.items()}
    if issubclass(driver, PatchPanel) and isinstance(both := wanted.get(Port), int):
        del wanted[Port]
        for run in driver.parts:
            wanted.setdefault(run.driver, both)
    return wanted


def labelled(unit: UnitOfWork, owner: Thing, label: str) -> Thing:
    """The part that the device itself calls so, kept as its attribute `label`. Raises NotFound, Malformed."""
    own = unit.parts(owner)
    found = [
        part for part in own if any(each.key == LABEL and each.value.text == label for each in unit.attributes(part))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise Malformed(f"several parts of {owner.name} have the label {label}")
    guess = suggest(label, [part.part_name for part in own])
    raise NotFound(f"no such part: {owner.name}:{label}{did_you_mean(guess and f'{owner.name}:{guess}')}")


class _Planned(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def driver(self) -> type[Part]: ...


def check_unique(planned: Iterable[_Planned]) -> None:
    """Raises Refused when two parts would have one name, or two ports of one side of a panel one number."""
    seen: dict[str, type[Part]] = {}
    sides: dict[tuple[type[Part], int], str] = {}
    for part in planned:
        number = trailing_number(part.name)
        if is_panel(part.driver) and number is not None:
            other = sides.setdefault((part.driver, number), part.name)
            if other != part.name:
                raise Refused(f"{other} and {part.name} would have one number on one side of the panel")
        if part.name in seen:
            raise Refused(
                f"two parts would be called {part.name}: a {seen[part.name].noun} and a {part.driver.noun} "
                f"(name them, as {part.driver.kind}=NAME)"
            )
        seen[part.name] = part.driver


def _names(driver: type[Driver], part: type[Part], value: int | Sequence[str]) -> list[str]:
    return default_names(driver, part, value) if isinstance(value, int) else [checked_part_name(name) for name in value]


def default_names(driver: type[Driver], part: type[Part], number: int) -> list[str]:
    """How so many parts of a kind are called on equipment of a driver. Raises Malformed for an impossible number."""
    if not 0 <= number <= LIMIT:
        raise Malformed(f"an equipment has 0 to {LIMIT} parts of a kind, not {number}")
    run = next((run for run in driver.parts if run.driver is part), Parts(part, part.pattern, 0, part.first))
    return run.names(number)


def checked_part_name(name: str) -> str:
    """The name itself. Raises Malformed when no part can be called so."""
    if not isinstance(name, str):
        raise Malformed(f"a part's name is text, not {name!r:.60}")
    try:
        check_part_name(name)
    except MalformedName as error:
        raise Malformed(str(error)) from None
    return name
