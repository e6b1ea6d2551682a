"""Mappings of columns that are kept in the inventory: Things of the driver SheetMap, whose attribute `mapping` is the
mapping with what else is said of such sheets, as JSON. So they are exported, logged and reverted as all else is.
"""

from __future__ import annotations

from typing import Any

from clusto_core.drivers.resources import SheetMap
from clusto_core.errors import Malformed, NotFound, Refused, did_you_mean
from clusto_core.model.attributes import Key, structure
from clusto_core.rules import kinds, things, values
from clusto_core.spelling import suggest
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork
from clusto_core.transfer.sheets import mapping
from clusto_core.transfer.sheets.how import How

MAPPING = Key("mapping")
_SAID = ("sheet", "driver", "dates", "decimal", "encoding")


def save(unit: UnitOfWork, name: str, how: How) -> bool:
    """Keeps a mapping under a name, instead of what that was; False when it was that already.

    Raises Malformed for a name that cannot be, Refused for one that is something else.
    """
    thing = unit.get(kinds.checked_name(name))
    if thing is None:
        thing = things.add(unit, SheetMap, name)
    elif not thing.is_a(SheetMap):
        raise Refused(f"{name} is a {thing.driver} already: save the mapping under another name")
    said = {key: getattr(how, key) for key in _SAID if getattr(how, key)}
    return values.put(unit, thing, MAPPING, [structure({"columns": dict(how.columns), **said})])


def named(reader: Reader, name: str) -> How:
    """The mapping that is kept under that name: no other columns count. Raises NotFound, Malformed."""
    thing = reader.get(name)
    if thing is None or not thing.is_a(SheetMap):
        known = [each.name for each in reader.all([SheetMap.__name__])]
        raise NotFound(
            f"no mapping of columns is saved as {name[:60]}{did_you_mean(suggest(name, known))} "
            "(write COLUMN=WHAT, or save one with --save)"
        )
    found: list[Any] = [each.value.python() for each in reader.attributes(thing.id) if each.key == MAPPING]
    if len(found) != 1 or not isinstance(found[0], dict) or not isinstance(found[0].get("columns"), dict):
        raise Malformed(f"{name} has lost its mapping: save it again")
    said = {key: str(found[0][key]) for key in _SAID if key in found[0]}
    columns = {mapping.folded(title): mapping.checked(str(target)) for title, target in found[0]["columns"].items()}
    return How(columns=columns, only=True, **said)
