"""A simulated room and its inventory, for tests of what stands on power."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab.room import Room

from clusto_cli.backends.power import profile as profiles
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key


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


def apc_delayed() -> str:
    """A site's own profile, which leaves it to the PDU when its outlets are turned (PowerNet-MIB, delayedOn)."""
    text = Path(profiles.__file__).parents[1].joinpath("profiles/power/apc-rpdu.toml").read_text()
    delays = [
        f'[delay.{way}]\noid = "1.3.6.1.4.1.318.1.1.12.3.4.1.1.{column}"\nnever = -1\n'
        for way, column in (("on", 4), ("off", 5))
    ]
    return text.replace("\non = 1\noff = 2\n", "\non = 4\noff = 5\nsettle = 0.3\n") + "\n".join(["", *delays])
