"""Values from before they were read on their way in: a store may have them, and nothing lets them in now."""

from __future__ import annotations

from clusto_core.config import Settings
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.attributes import Key, Value
from clusto_core.model.things import Attribute, Thing


def has(change: Transaction, thing: Thing, key: str, text: str) -> None:
    """Gives a Thing one value under a key, whatever that can have."""
    for attribute in [each for each in change.unit.attributes(thing) if each.key == Key.parse(key)]:
        change.unit.delete_attribute(attribute)
    change.unit.insert_attribute(Attribute(change.unit.new_id(), thing.id, Key.parse(key), Value("string", text)))


def had(url: str, name: str, key: str, text: str) -> None:
    """The same, in a transaction of its own."""
    with Inventory(Settings(url)).change() as change:
        has(change, change.resolve(name), key, text)
