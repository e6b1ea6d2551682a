"""Names that a NameRange gave out: whose they are, and how they come back.

A name belongs to the Thing that it was given to, and to the Thing that is called so. When that is removed, the name
comes back in the same transaction, and with it when that is reverted; the time is kept, so that it need not be given
again at once.
"""

from __future__ import annotations

from clusto_core.model import reserving
from clusto_core.model.attributes import string, structure
from clusto_core.model.reserved import GIVEN, GIVEN_BACK, OWNED_NAME, SOURCE
from clusto_core.model.things import Attribute, Thing
from clusto_core.rules import values
from clusto_core.store.unit import UnitOfWork


def give_back(unit: UnitOfWork) -> None:
    """Takes back the names of what was removed in a transaction; those of a range that a source keeps are the source's
    to take back."""
    owned = [each.value.text for each in unit.attributes_changed(OWNED_NAME)[1] if unit.is_gone(each.thing_id)]
    called = [thing.name for thing in unit.gone_things()]
    wanted = list(dict.fromkeys([*owned, *called]))
    for attribute in given(unit, wanted) if wanted else ():
        range_ = unit.by_id(attribute.thing_id)
        if unit.get(attribute.value.text) is None and not any(
            each.key.key == SOURCE for each in unit.attributes(range_)
        ):
            take_back(unit, range_, attribute.value.text)


def given(unit: UnitOfWork, names: list[str]) -> list[Attribute]:
    """What says of these names that they were given out."""
    if len(names) > 100:
        wanted = set(names)
        return [each for each in unit.reader.attributes_under(GIVEN) if each.value.text in wanted]
    return [each for name in names for each in unit.reader.attributes_with(GIVEN, string(name))]


def take_back(unit: UnitOfWork, range_: Thing, name: str) -> None:
    """Takes one name back, now."""
    values.forget(unit, range_, GIVEN, string(name))
    forget(unit, range_, name)
    now = reserving.now().isoformat(timespec="seconds")
    values.keep_more(unit, range_, GIVEN_BACK, [structure({"name": name, "at": now})])
    for attribute in unit.reader.attributes_with(OWNED_NAME, string(name)):
        values.forget(unit, unit.by_id(attribute.thing_id), OWNED_NAME, attribute.value)


def forget(unit: UnitOfWork, range_: Thing, *names: str) -> None:
    """Forgets when names came back, as they are given out again."""
    for attribute in list(unit.attributes(range_)):
        if attribute.key == GIVEN_BACK and attribute.value.python()["name"] in names:
            unit.delete_attribute(attribute)
