"""Keys with a meaning: what their values may be, which Things have them, and whether there can be several.

A value is read by the grammar of its key on every way in, so that whoever uses it later need not guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from clusto_core.drivers import Driver, Part
from clusto_core.drivers.equipment import Mounted
from clusto_core.drivers.resources import VLAN, DeviceType, Network
from clusto_core.errors import Malformed, Refused
from clusto_core.model import interfaces
from clusto_core.model.attributes import Key, Value
from clusto_core.model.grammars import Address, Block, Boolean, Choice, Grammar, Integer, Mac, RackUnits, Reference
from clusto_core.model.things import Thing

VLAN_IDS = Integer(1, 4094)
"""IEEE 802.1Q, 9.6: 0 is for frames without a VLAN, 4095 is reserved."""


class Declared(NamedTuple):
    """A key that clusto reads: what it means, on which Things it is read so, and whether it has several values."""

    grammar: Grammar
    meaning: str
    on: type[Driver] = Driver
    several: bool = False


DECLARED: Mapping[Key, Declared] = {
    Key("protected"): Declared(Boolean(), "nothing disrupts or removes it, or what is in it, without --force"),
    Key("height"): Declared(RackUnits(), "how many rack units it takes", Mounted),
    Key("full_depth"): Declared(Boolean(), "it takes both faces of its rack units", Mounted),
    Key("mac"): Declared(Mac(), "the MAC addresses of a card", several=True),
    Key("cidr"): Declared(Block(), "the addresses of a Network", Network),
    Key("gateway"): Declared(Address(), "the way out of a Network", Network, several=True),
    Key("vid"): Declared(VLAN_IDS, "the id of a VLAN", VLAN),
    Key("rebuild", None, "autolock"): Declared(Boolean(), "a machine that was rebuilt is protected from then on"),
    interfaces.KIND: Declared(
        Choice(interfaces.KINDS), "what an interface is: with a socket of its own, or without", Part
    ),
    interfaces.PARENT: Declared(Reference(), "the part that a sub-interface or a leg of a breakout cable is of", Part),
    interfaces.MGMT_ONLY: Declared(
        Boolean(), "it serves management alone: no cable, no boot file goes to it by itself", Part
    ),
}


def checked(thing: Thing, key: Key, values: Iterable[Value]) -> Iterable[Value]:
    """The values as they are kept under a key of a Thing. Raises Malformed for what the key cannot have."""
    declared = DECLARED.get(key)
    if declared is None or not thing.is_a(declared.on) or thing.is_a(DeviceType):
        return values
    return [read(declared.grammar, f"{key} of {thing.name}", value) for value in values]


def check_number(thing: Thing, key: Key, count: int) -> None:
    """Raises Refused where a Thing would have several values under a key that has one."""
    declared = DECLARED.get(key)
    if count > 1 and declared is not None and not declared.several and thing.is_a(declared.on):
        raise Refused(f"{thing.name} would have {count} values under {key}, which has one: attr set replaces it")


def read(grammar: Grammar, what: str, value: Value) -> Value:
    """A value as a grammar keeps it. Raises Malformed, saying what is expected."""
    found = grammar.read(value)
    if found is None:
        raise Malformed(f"{what} is {grammar.expects}, not {value.text[:40]!r}")
    return found


def is_true(text: str) -> bool:
    """Whether a stored value says yes, in whatever spelling it came in."""
    found = Boolean().read(Value("string", text))
    return found is not None and found.text == "true"
