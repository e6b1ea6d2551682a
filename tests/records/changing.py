"""Random changes to a small inventory, and a picture of all that it then is."""

from __future__ import annotations

import random

from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.attributes import Key
from clusto_core.store.reader import Reader


def picture(inventory: Inventory) -> list[str]:
    """Everything that is in the store but its history, as lines."""
    with inventory.read() as reader:
        return sorted(lines(reader))


def lines(reader: Reader) -> list[str]:
    """As `picture`, of an inventory that is being read, in no order."""
    database = reader.database
    tables = {
        "things": "SELECT x.id, x.name, x.driver, x.owner_id, x.number FROM things x",
        "attributes": "SELECT x.id, x.thing_id, x.key, x.number, x.subkey, x.type, x.head, x.rest, x.integer_value, "
        "x.float_value, x.ref_id, x.claim FROM attributes x",
        "connections": "SELECT x.cable_id, x.side, x.kind, x.part_id, x.thing_id, x.other_part_id, x.other_thing_id, "
        "x.far_part_id, x.far_thing_id, x.slot FROM connections x",
    }
    return [f"{table} {row}" for table, sql in tables.items() for row in database.rows(sql)]


def step(change: Transaction, random_: random.Random) -> None:
    """One random change; may be refused."""
    names = [f"{kind}{number}" for kind in ("server", "switch", "rack", "panel", "pool") for number in (1, 2)]
    present = [name for name in names if change.unit.get(name) is not None]
    one, other = (random_.choice(present or names) for _ in range(2))
    match random_.randrange(8):
        case 0 | 1 | 2:
            name = random_.choice(names)
            driver = {"server": "Server", "switch": "Switch", "rack": "Rack", "panel": "PatchPanel", "pool": "Pool"}
            if change.unit.get(name) is None:
                change.add(driver[name[:-1]], name, part_counts={"ru": 4} if name.startswith("rack") else None)
        case 3:
            parts = [part for name in (one, other) for part in change.unit.parts(change.resolve(name))]
            if len(parts) > 1:
                change.connect(*random_.sample(parts, 2))
        case 4:
            change.connect(one, other, random_.choice(["network", "position", None]))
        case 5:
            change.set_values(change.resolve(one), Key.parse(random_.choice(["a", "b.c"])), [random_.randrange(3)])
        case 6:
            change.put(one, other)
        case 7:
            if random_.random() < 0.3:
                change.remove(one)
            elif random_.random() < 0.5:
                change.rename(one, next((name for name in names if change.unit.get(name) is None), other))
            else:
                change.disconnect(one)
