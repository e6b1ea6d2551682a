"""The rounds of addresses: what the source gives a holder no more is freed before anything is given.

An address of a source is `ADDRESS[+SHARED][@VRF]`, with the id of the VRF once it is known (see `addresses.Assigned`).
Where the source says no VRF, the address is meant wherever its holder has it; which space it is given in first, the
Networks around it say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clusto_core.drivers.resources import VRF
from clusto_core.errors import ClustoError, NotFound, Refused
from clusto_core.model import addresses
from clusto_core.model.addresses import Assigned
from clusto_core.model.things import Attribute, Thing
from clusto_core.rules import claims
from clusto_core.transfer.sync.facts import Facts, PartFacts
from clusto_core.transfer.sync.work import Item, Work


def release(work: Work) -> None:
    """Takes away the addresses that the source does not give to a holder any more, so that they can change hands."""
    for item in work.active:
        if item.thing is None:
            continue
        try:
            holders = _holders(work, item)
        except ClustoError as error:
            work.fault(item, error)
            continue
        for holder, before, said in holders:
            _let_go(work, holder, set(before).difference(said), said)


def release_all(work: Work, thing: Thing, said: Facts) -> None:
    """Takes away all addresses that the source gave a Thing and its parts."""
    _let_go(work, thing, said.addresses)
    for part in said.parts.values():
        if part.addresses and (found := work.unit.find(part.id)) is not None:
            _let_go(work, found, part.addresses)


def _let_go(work: Work, holder: Thing, gone: Iterable[str], kept: Iterable[str] = ()) -> None:
    if gone := list(gone):
        for each in claims.held(work.unit, holder):
            if is_among(each, gone) and not is_among(each, kept):
                work.unit.delete_attribute(each)


def is_among(held: Attribute, given: Iterable[str]) -> bool:
    """Whether an address that is held is one of those that a source gives."""
    address, space, shared = held.value.text, str(held.value.ref or ""), held.key.subkey
    return any(
        said.address == address and said.shared == shared and said.space in (None, space)
        for said in map(addresses.assigned, given)
    )


def _holders(work: Work, item: Item) -> list[tuple[Thing, tuple[str, ...], tuple[str, ...]]]:
    """Who holds addresses: the Thing and its parts, each with what the source said of it, and says now."""
    document = item.document
    item.said.addresses = _said(work, document.addresses.get("", ()))
    found = [(item.present, item.base.addresses, item.said.addresses)]
    spoken: set[int] = set()
    for name, key in item.part_keys.items():
        said: PartFacts = item.said.parts[key]
        said.addresses = _said(work, document.addresses.get(name, ()))
        before = item.before(key)
        spoken.add(said.id)
        if not said.addresses and (before is None or not before.addresses):
            continue
        if (part := work.unit.find(said.id)) is not None:
            found.append((part, before.addresses if before is not None else (), said.addresses))
    for before in item.base.parts.values():
        if before.id not in spoken and before.addresses and (part := work.unit.find(before.id)) is not None:
            found.append((part, before.addresses, ()))
    return found


def _said(work: Work, texts: Iterable[str]) -> tuple[str, ...]:
    """Addresses as they are remembered: with the id of the VRF, which the source may call otherwise tomorrow."""
    return tuple(text if "@" not in text else _with_id(work, addresses.assigned(text)) for text in texts)


def _with_id(work: Work, said: Assigned) -> str:
    if not said.space:
        return str(said)
    id = work.lookup(said.space)
    found = work.unit.find(id)
    if found is not None and not found.is_a(VRF):
        raise NotFound(f"no such VRF: {said.space[:60]}")
    return str(said._replace(space=str(id)))


def hold(work: Work) -> None:
    """Gives the addresses that the source gives to a holder since."""
    for item in work.active:
        if item.thing is None:
            continue
        for holder, before, said in _holders(work, item):
            for text in said:
                if item.new or text not in before:
                    _hold(work, item, holder, text)


def _hold(work: Work, item: Item, holder: Thing, text: str) -> None:
    if any(is_among(each, (text,)) for each in claims.held(work.unit, holder)):
        return
    try:
        said, space = _placed(work, text)
        if work.prefer == "source":
            _free(work, holder, said, space)
        claims.hold(work.unit, holder, said, space)
    except Refused as refusal:
        if work.prefer != "here":
            work.fault(item, refusal, conflict=True)
    except ClustoError as error:
        work.fault(item, error)


def _placed(work: Work, text: str) -> tuple[Assigned, Thing | None]:
    """An address with the VRF that it is to be in; None for the space without a name."""
    said = addresses.assigned(text)
    if said.space:
        return said, work.thing(int(said.space))
    return said, work.space_around(said)


def _free(work: Work, holder: Thing, wanted: Assigned, space: Thing | None) -> None:
    """Takes an address from whoever holds it here and keeps it from its holder, unless the source says so too."""
    for each in list(_in_the_way(work, wanted, space)):
        other = work.unit.by_id(each.thing_id)
        item = work.of_thing.get(other.entity_id)
        if other != holder and not (item is not None and _is_said(work, item, each)):
            work.unit.delete_attribute(each)


def _in_the_way(work: Work, wanted: Assigned, space: Thing | None) -> Iterator[Attribute]:
    claim = addresses.claimed(addresses.claim_of(wanted.address) or "", space.id if space is not None else None)
    sole = work.unit.claimant(claim)
    if sole is not None:
        here = (wanted.address, space.id if space is not None else None, None)
        held = claims.held(work.unit, sole)
        yield from (each for each in held if (each.value.text, each.value.ref, each.key.subkey) == here)
    yield from (each for each in work.unit.sharers(claim) if each.key.subkey != wanted.shared)


def _is_said(work: Work, item: Item, held: Attribute) -> bool:
    return any(is_among(held, _said(work, given)) for given in item.document.addresses.values())


def shown(work: Work, text: str) -> str:
    """An address for people."""
    said = addresses.assigned(text)
    return str(said._replace(space=work.called(int(said.space)))) if said.space else text
