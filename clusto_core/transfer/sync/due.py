"""What has to be looked at of a reading: all of it, as little as has to be known of each while it is not looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clusto_core.drivers import Equipment, registry
from clusto_core.drivers.equipment import PLACES
from clusto_core.drivers.resources import VRF, DeviceType, Network
from clusto_core.errors import ClustoError
from clusto_core.model.attributes import Key, Value
from clusto_core.model.grammars import Mac
from clusto_core.model.origins import Origin
from clusto_core.records.sources import Ledger, Remembered
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sync.reading import Reading

SERIAL = Key("serial")
MAC = Key("mac")
SPACES = (Network.__name__, VRF.__name__)
"""The drivers of what says which space an address is in."""


@dataclass(slots=True, eq=False)
class Due:
    """An object that has to be looked at. place: where its Document is in the reading. thing: the id of the Thing that
    it is, 0 while there is none. heir_of: the object that is gone, whose Thing it is now. removed: its Thing was taken
    out here. done: it is brought in, and no longer in memory."""

    place: int
    origin: Origin
    known: Remembered | None
    name: str
    driver: str
    serials: tuple[str, ...]
    macs: tuple[str, ...]
    thing: int = 0
    heir_of: Remembered | None = None
    removed: bool = False
    done: bool = False

    @property
    def is_first_seen(self) -> bool:
        """Whether the source never spoke of what is its Thing: whatever is here then, nothing of it is taken away."""
        return self.known is None and self.heir_of is None

    @property
    def defines(self) -> bool:
        """Whether others are made after it."""
        return self.driver == DeviceType.__name__

    @property
    def holds_others(self) -> bool:
        """Whether others may be in it, or are read by what it says: all but equipment that is no place."""
        try:
            driver = registry.of(self.driver) if self.driver else Equipment
        except ClustoError:
            return False
        return issubclass(driver, PLACES) or not issubclass(driver, Equipment)


def due(reading: Reading, ledger: Ledger) -> Iterator[Due]:
    """What is new or otherwise, or was held back; in the order of the reading."""
    for place, document in enumerate(reading.documents):
        assert document.origin is not None
        known = ledger.objects.get(document.origin)
        if known is None or _is_due(known, document.stamp):
            said = (document.name, document.driver, tuple(_serials(document)), tuple(_macs(document)))
            yield Due(place, document.origin, known, *said)


def _is_due(known: Remembered, stamp: str) -> bool:
    return known.stamp != stamp or bool(known.held) or known.gone is not None or known.thing is None


def _serials(document: Document) -> list[str]:
    cells = document.columns.get(str(SERIAL), ())
    return [value.text for value in (*document.attrs.get(SERIAL, ()), *cells)]


def _macs(document: Document) -> list[str]:
    return [mac for found in document.part_attrs.values() for mac in macs(found.get(MAC, ()))]


def macs(given: Iterable[Value]) -> list[str]:
    """MAC addresses as the store spells them."""
    return [read.text for value in given if (read := Mac().read(value)) is not None]
