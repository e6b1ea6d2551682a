"""The rounds that bring in values: attributes, and what Things are in."""

from __future__ import annotations

from collections.abc import Mapping

from clusto_core.errors import ClustoError
from clusto_core.model import keys
from clusto_core.model.attributes import IN, IP, Key, Value, instant, string
from clusto_core.model.reserved import GONE
from clusto_core.model.things import Thing
from clusto_core.rules import containment, declared, references, values
from clusto_core.transfer.documents import Values
from clusto_core.transfer.sync.facts import Said, canonical
from clusto_core.transfer.sync.merging import Merged, Verdict, several, single
from clusto_core.transfer.sync.work import Item, Work

# --- attributes ------------------------------------------------------------------------------------------------------


def attributes(work: Work) -> None:
    """Values of Things and of their parts, and which object of the source each of them is."""
    for item in work.active:
        if item.thing is None:
            continue
        own: Values = {**_typed(item), **item.document.attrs}
        item.said.attrs = _merge(work, item, item.present, own, item.base.attrs, fresh=item.new)
        for name, key in item.part_keys.items():
            _part_attributes(work, item, name, key)
        _silenced(work, item)
        _remember(work, item)


def _typed(item: Item) -> Values:
    """What its device type says of a Thing, beside what the document says."""
    return _several(item.model.attributes) if item.model is not None and item.document.type else {}


def _several(found: Mapping[Key, Value]) -> Values:
    return {key: (value,) for key, value in found.items()}


def _part_attributes(work: Work, item: Item, name: str, key: str) -> None:
    said = item.said.parts[key]
    part = work.unit.find(said.id)
    before = item.before(key)
    base = before.attrs if before is not None else {}
    planned = item.planned.get(name, {}) if said.driver else {}
    typed = _several(dict(references.of_parts_present(work.unit, item.present, planned)))
    own: Values = {**typed, **item.document.part_attrs.get(name, {})}
    if not own and not base:
        return
    if part is None:
        said.attrs = {str(key): canonical(given) for key, given in own.items() if given}
        return
    fresh = item.new or part.id in work.added_parts
    said.attrs = _merge(work, item, part, own, base, fresh=fresh)


def _silenced(work: Work, item: Item) -> None:
    """Parts that the source gave values to, and does not speak of any more."""
    spoken = {said.id for said in item.said.parts.values()}
    for before in item.base.parts.values():
        part = work.unit.find(before.id) if before.attrs and before.id not in spoken else None
        if part is not None and part.entity_id == item.present.id:
            _merge(work, item, part, {}, before.attrs, fresh=False)


def _merge(work: Work, item: Item, thing: Thing, own: Values, base: Said, *, fresh: bool) -> Said:
    """Brings the values of a Thing or part together, key by key; gives those that the source said."""
    said: Said = {}
    here = _present(work, thing)
    given: dict[str, Key] = {str(key): key for key in own} | {text: Key.parse(text) for text in base}
    for text, key in given.items():
        if key == work.key:
            continue
        try:
            found = _resolved(work, thing, key, own.get(key, ()))
            if found:
                said[text] = found
            before = here.get(key, ()) if fresh else base.get(text, ())
            merged = several(before, found, here.get(key, ()), work.prefer)
            _write(work, item, thing, key, merged, found, here.get(key, ()))
        except ClustoError as error:
            work.fault(item, f"{f'{thing.part_name} ' if thing.is_part else ''}{key}: {error}")
    return said


def _present(work: Work, thing: Thing) -> dict[Key, tuple[Value, ...]]:
    found: dict[Key, list[Value]] = {}
    for each in work.unit.attributes(thing):
        if each.key.key not in (IN, IP):
            found.setdefault(each.key, []).append(each.value)
    return {key: canonical(every) for key, every in found.items()}


def _resolved(work: Work, thing: Thing, key: Key, given: tuple[Value, ...]) -> tuple[Value, ...]:
    meant = work.resolved(given) if key not in keys.references() else [work.named(thing, key, each) for each in given]
    return canonical(dict.fromkeys(declared.checked(work.unit, thing, key, meant)))


def _write(
    work: Work, item: Item, thing: Thing, key: Key, merged: Merged, said: tuple[Value, ...], here: tuple[Value, ...]
) -> None:
    if merged.verdict is Verdict.SETTLED or merged.verdict is Verdict.KEEP:
        return
    texts = (shown(work, key, said), shown(work, key, here))
    what = f"{key} of {thing.part_name}" if thing.is_part else str(key)
    if work.takes_values(item, merged, what, *texts):
        write = values.keep if key.reserved else values.put
        write(work.unit, thing, key, work.full(value for value in merged.wanted if isinstance(value, Value)))


def shown(work: Work, key: Key, given: tuple[Value, ...]) -> str:
    """Values for people, secrets masked."""
    texts = [f"@{work.called(value.ref)}" if value.ref else value.shown(key) for value in given]
    return ", ".join(texts) or "none"


def _remember(work: Work, item: Item) -> None:
    """A Thing and its parts remember what they are in the source."""
    values.keep(work.unit, item.present, work.key, [string(str(item.origin))])
    gone = Key(GONE, None, work.ledger.name)
    if any(each.key == gone for each in work.unit.attributes(item.present)):
        values.forget(work.unit, item.present, gone)
    for key, said in item.said.parts.items():
        part = work.unit.find(said.id) if not key.startswith("=") else None
        if part is not None:
            values.keep(work.unit, part, work.key, [string(key)])


def mark_gone(work: Work, thing: Thing, when: str) -> None:
    """Marks a Thing as one that the source has no more."""
    key = Key(GONE, None, work.ledger.name)
    if not any(each.key == key for each in work.unit.attributes(thing)):
        values.keep(work.unit, thing, key, [instant(when)])


# --- what Things are in ----------------------------------------------------------------------------------------------


def leave(work: Work) -> None:
    """Takes Things out of what the source says that they are in no more."""
    for item in work.active:
        if item.thing is None:
            continue
        try:
            item.said.parents = tuple(dict.fromkeys(map(work.lookup, item.document.parents)))
        except ClustoError as error:
            work.fault(item, error)
            continue
        for id in set(item.base.parents) - set(item.said.parents):
            parent = work.unit.find(id)
            if parent is not None and containment.membership(work.unit, item.present, parent) is not None:
                containment.take(work.unit, item.present, parent)


def enter(work: Work) -> None:
    """Puts Things into what the source says that they are in since. Places come first: what stands in a rack may say
    where the rack is, less exactly."""
    for item in sorted(work.active, key=lambda item: item.thing is None or not containment.is_place(item.thing)):
        if item.thing is None:
            continue
        for id in item.said.parents:
            if id in item.base.parents and not item.new and item not in work.unmounted:
                continue  # who took it out here meant it
            try:
                _enter(work, item, work.thing(id))
            except ClustoError as error:
                work.fault(item, error)


def _enter(work: Work, item: Item, parent: Thing) -> None:
    thing = item.present
    place = containment.standing(work.unit, thing) if containment.is_place(parent) else None
    if place is not None and place != parent and not containment.is_in(work.unit, thing, parent):
        verdict = single(None, parent.name, place.name, work.prefer)
        if not work.takes(item, verdict, "its place", parent.name, place.name):
            return
        _out_of(work, thing, place)
    containment.put(work.unit, thing, parent)


def _out_of(work: Work, thing: Thing, place: Thing) -> None:
    from clusto_core.rules import cabling

    for cable in cabling.positions(work.unit, thing):
        work.unit.delete_cable(cable)
    if containment.membership(work.unit, thing, place) is not None:
        containment.take(work.unit, thing, place)
