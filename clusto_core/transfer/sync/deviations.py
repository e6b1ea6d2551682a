"""What is otherwise here than the source says, once it is in step: what people changed here, and what stays so."""

from __future__ import annotations

from collections.abc import Iterator

from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing
from clusto_core.rules import claims, containment
from clusto_core.transfer.sync import addressing
from clusto_core.transfer.sync.exchange import shown
from clusto_core.transfer.sync.facts import Facts, PartFacts, Said, canonical
from clusto_core.transfer.sync.joining import Place, position, spelled
from clusto_core.transfer.sync.work import Work


def of(work: Work, thing: Thing, said: Facts) -> list[str]:
    """Each in words, for the one Thing."""
    source = work.ledger.name
    found = [f"{what} is {here} here, {there} in {source}" for what, here, there in _differences(work, thing, said)]
    return sorted(found)


def _differences(work: Work, thing: Thing, said: Facts) -> Iterator[tuple[str, str, str]]:
    if said.name and said.name != thing.name:
        yield "its name", thing.name, said.name
    if said.driver and said.driver != thing.driver:
        yield "its driver", thing.driver, said.driver
    yield from _parents(work, thing, said)
    here = position(work, thing)
    if said.at is not None and said.at != here:
        yield "its position", _words(work, here), _words(work, said.at)
    yield from _values(work, thing, "", said.attrs)
    yield from _addresses(work, thing, "", said.addresses)
    for part in said.parts.values():
        yield from _part(work, thing, part)
    for one, far in said.cables:
        yield from _cable(work, one, far)


def _parents(work: Work, thing: Thing, said: Facts) -> Iterator[tuple[str, str, str]]:
    for id in said.parents:
        parent = work.unit.find(id)
        if parent is None:
            yield "what it is in", "removed", "something else"
        elif not containment.is_in(work.unit, thing, parent):
            yield f"being in {parent.name}", "false", "true"


def _part(work: Work, thing: Thing, said: PartFacts) -> Iterator[tuple[str, str, str]]:
    part = work.unit.find(said.id)
    if part is None or part.entity_id != thing.id:
        yield f"part {said.name}", "removed", "there"
        return
    if said.driver and part.part_name != said.name:
        yield f"the name of {part.part_name}", part.part_name, said.name
    if said.driver and part.driver != said.driver:
        yield f"the driver of {part.part_name}", part.driver, said.driver
    yield from _values(work, part, f" of {part.part_name}", said.attrs)
    yield from _addresses(work, part, f" of {part.part_name}", said.addresses)


def _values(work: Work, thing: Thing, whose: str, said: Said) -> Iterator[tuple[str, str, str]]:
    for text, values in said.items():
        key = Key.parse(text)
        here = canonical(each.value for each in work.unit.attributes(thing) if each.key == key)
        if set(here) != set(values):
            yield f"{key}{whose}", shown(work, key, here), shown(work, key, values)


def _addresses(work: Work, thing: Thing, whose: str, said: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    held = claims.held(work.unit, thing) if said else []
    for text in said:
        if not any(addressing.is_among(each, (text,)) for each in held):
            yield f"{addressing.shown(work, text)}{whose}", "not held", "held"


def _cable(work: Work, one: int, far: int) -> Iterator[tuple[str, str, str]]:
    part = work.unit.find(one)
    if part is None:
        return
    cable = work.unit.cable_of(part)
    across = cable.across(part.id) if cable is not None else None
    if across is None:
        yield f"the cable of {part.part_name}", "out", f"to {work.called(far)}"
    elif far not in (across, work.unit.by_id(across).owner_id):
        yield f"the cable of {part.part_name}", f"to {work.called(across)}", f"to {work.called(far)}"


def _words(work: Work, place: Place | None) -> str:
    return "none" if place is None else f"{work.called(place[0])}:{spelled(place)}"
