"""A simulated room and its inventory, for tests of what stands on power."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lab.room import Room

from clusto_core.attributes import Key
from clusto_core.inventory import Inventory


def record_room(inventory: Inventory, room: Room, extra: Iterable[tuple[str, str, object]] = ()) -> None:
    """Puts a running room into an inventory; `extra` are further attributes: (Thing, key, value)."""
    record_objects(inventory, room.inventory(), extra)


def record_objects(
    inventory: Inventory, things: Iterable[dict[str, Any]], extra: Iterable[tuple[str, str, object]] = ()
) -> None:
    """Puts objects of the transfer format, as far as rooms use it, into an inventory."""
    with inventory.change("room") as change:
        cables = []
        for thing in things:
            change.add(
                thing["driver"],
                thing["name"],
                parents=thing.get("in", ()),
                attributes=list(thing.get("attrs", {}).items()),
                part_counts=thing.get("parts"),
            )
            cables += [(f"{thing['name']}:{part}", other) for part, other in thing.get("connect", {}).items()]
        for one, other in cables:
            change.connect(one, other)
        for name, key, value in extra:
            change.add_values(change.resolve(name), Key.parse(key), [value])
