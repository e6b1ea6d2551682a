"""Protection: Things that nothing disrupts or removes without force."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.errors import Refused
from clusto_core.model.attributes import Key
from clusto_core.model.keys import is_true
from clusto_core.model.things import Inherited, Thing, in_force
from clusto_core.rules import containment
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

PROTECTED = Key("protected")
PROTECTED_REASON = Key("protected", None, "reason")


def protection(reader: Reader, thing: Thing) -> str | None:
    """Why a Thing must not be disrupted without force, by an attribute `protected=true` of its own or inherited, with
    what `protected.reason` says: `server1 is protected by rack1 (audit)`; None when it is not protected."""
    return _reason(thing, reader.effective(thing))


def check_removal(unit: UnitOfWork, thing: Thing) -> None:
    """Raises Refused for a Thing that is protected, as things are in this transaction."""
    check(unit, thing, "removes")


def check(unit: UnitOfWork, thing: Thing, does: str) -> None:
    """Raises Refused for a Thing that is protected, with what `--force` does to it all the same."""
    effective = in_force([thing, *containment.ancestors(unit, thing)], unit.attributes)
    if reason := _reason(thing, effective):
        raise Refused(f"{reason}: --force {does} it all the same")


def _reason(thing: Thing, every: Iterable[Inherited]) -> str | None:
    told = list(every)
    # A store may have values from before they were read on their way in, several even: one that says so is enough.
    said_so = [each.origin for each in told if each.attribute.key == PROTECTED and is_true(each.attribute.value.text)]
    if not said_so:
        return None
    origin = said_so[0]
    effective = {attribute.key: (attribute.value.text, holder) for attribute, holder in told}
    reason, said_of = effective.get(PROTECTED_REASON, ("", origin))
    by = "" if origin == thing else f" by {origin.name}"
    return f"{thing.name} is protected{by}" + (f" ({reason})" if reason and said_of == origin else "")
