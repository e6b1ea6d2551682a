"""What a driver is: the kind of a Thing, its place in the tree of kinds, the parts and attributes a new one gets."""

from __future__ import annotations

from typing import ClassVar

from clusto_core.tuples import NamedTuple


class Parts(NamedTuple):
    """A run of parts that a new Thing gets: `Parts(NIC, "eth{}", 2, first=0)` is eth0 and eth1.

    A pattern without `{}` names one part; a second and later one get their number behind it (mgmt, mgmt2).
    """

    driver: type[Part]
    pattern: str
    number: int
    first: int = 1

    def names(self, number: int | None = None) -> list[str]:
        """The names of so many such parts (default: as many as the driver says)."""
        numbers = range(self.first, self.first + (self.number if number is None else number))
        if "{}" in self.pattern:
            return [self.pattern.format(each) for each in numbers]
        return [self.pattern if each == self.first else f"{self.pattern}{each}" for each in numbers]


class Driver:
    """The root of the tree. A driver's name is its class's name; aliases are other spellings of it."""

    aliases: ClassVar[tuple[str, ...]] = ()
    parts: ClassVar[tuple[Parts, ...]] = ()
    attributes: ClassVar[dict[str, object]] = {}
    """Attributes of a new Thing that are not given otherwise: key as spelled on the command line, plain values."""
    group: ClassVar[bool] = True
    """Whether the class only groups the drivers below it; every class says so for itself."""
    mountable: ClassVar[bool] = False
    """Whether it takes rack units."""
    within: ClassVar[tuple[str, ...]] = ("Category",)
    """The drivers, by name, of what it may be put in; those below them in the tree count too."""
    holds: ClassVar[tuple[str, ...]] = ()
    """The drivers of what may be put in it besides those that say so themselves under `within`."""

    @classmethod
    def abstract(cls) -> bool:
        """Whether no Thing can have this driver, because it only groups others."""
        return bool(cls.__dict__.get("group", False))


PLACES = ("Datacenter", "Room", "Cage", "Rack")
"""The drivers of places, by name."""


class Equipment(Driver):
    """Something that stands somewhere."""

    group = True
    within: ClassVar[tuple[str, ...]] = ("Category", *PLACES, "Mounted")


class Resource(Driver):
    """Something that is handed out."""

    group = True
    within: ClassVar[tuple[str, ...]] = ("Category", *PLACES)


class Category(Driver):
    """A grouping of Things. One that is in a place belongs there; that makes no place of it for what is in it."""

    group = True
    within: ClassVar[tuple[str, ...]] = ("Category", *PLACES)


class Part(Driver):
    """A piece of one equipment, joined to others by a connection."""

    group = True
    kind: ClassVar[str] = "part"
    """What it is called where parts are counted: `--parts nic=4`."""
    noun: ClassVar[str] = "part"
    """What it is called in a sentence: `connected to port 4 on switch2a`."""
    pattern: ClassVar[str] = "part{}"
    """How such parts are named on equipment whose driver does not say."""
    first: ClassVar[int] = 1
