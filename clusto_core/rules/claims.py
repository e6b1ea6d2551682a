"""Which addresses Things and parts hold: each is one holder's alone."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.errors import Refused
from clusto_core.model import addresses
from clusto_core.model.attributes import IP, Key, string
from clusto_core.model.things import Attribute, Thing
from clusto_core.store.unit import UnitOfWork

IP_KEY = Key(IP)


def held(unit: UnitOfWork, thing: Thing) -> list[str]:
    """The addresses that a Thing or part holds itself, in their one spelling."""
    return [each.value.text for each in unit.attributes(thing) if each.key == IP_KEY]


def release(unit: UnitOfWork, thing: Thing, keep: Iterable[str] = ()) -> bool:
    """Takes all addresses but those to keep from a Thing or part; False when it had no other."""
    kept = set(keep)
    gone = [each for each in unit.attributes(thing) if each.key == IP_KEY and each.value.text not in kept]
    for attribute in gone:
        unit.delete_attribute(attribute)
    return bool(gone)


def hold(unit: UnitOfWork, thing: Thing, text: str) -> bool:
    """Gives an address to a Thing or part; False when it held it.

    Raises Malformed, Refused when another one holds it.
    """
    spelled = addresses.canonical(text)
    if not check_free(unit, thing, spelled):
        return False
    unit.insert_attribute(Attribute(unit.new_id(), thing.id, IP_KEY, string(spelled)))
    return True


def check_free(unit: UnitOfWork, thing: Thing, spelled: str) -> bool:
    """Whether a Thing or part may be given an address; False when it holds it. Raises Refused when another holds it."""
    claim = addresses.claim_of(spelled)
    holder = unit.claimant(claim) if claim else None
    if holder is not None and holder != thing:
        raise Refused(f"{spelled} is taken: {holder.name} holds it")
    return holder is None
