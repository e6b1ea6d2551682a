"""What another tool's file says of one host, before it is known which Thing that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from clusto_core.drivers import Part
from clusto_core.errors import Malformed
from clusto_core.model import addresses
from clusto_core.model.attributes import Value
from clusto_core.model.origins import Origin
from clusto_core.transfer.documents import Document

KIND = "host"
"""The kind of objects that are known by the name of a host."""


class Card(NamedTuple):
    """A network card. part: what the file calls it. mac, addresses: as the store spells them; empty for not said."""

    part: str = ""
    mac: str = ""
    addresses: tuple[str, ...] = ()


class Far(NamedTuple):
    """A port of other equipment that leads to the host.

    host: the equipment, by a name or an address. port: what the file calls the port; empty where it is only said by
    `tcp`, the TCP port through which it is reached. own: the part of the host that it leads to, where that is said.
    address: another name of the equipment, for one that is not called so in the inventory.
    """

    host: str
    kind: type[Part]
    port: str = ""
    tcp: int = 0
    own: str = ""
    address: str = ""


@dataclass(slots=True)
class Mention(Document):
    """A host of a file. Several of one host are taken together.

    aliases: other names of it. cards: what it has of the network. ports: what leads to it. groups: what it is a member
    of; those that are no category in the inventory are kept under `groups_key`. values: by the name of their key.
    rack, units: where it is mounted, and its lowest and highest unit.
    spelled: what names of groups and keys are in the file, where they are not themselves (`spelling.identifier`).
    """

    aliases: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    ports: tuple[Far, ...] = ()
    groups: tuple[str, ...] = ()
    groups_key: str = ""
    values: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    spelled: bool = False
    rack: str = ""
    units: tuple[int, int] = (0, 0)

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the host, the first one first."""
        return (self.name, *self.aliases)


def mention(name: str, file: str, line: int) -> Mention:
    """What a line of a file says of a host."""
    return Mention(name, file, line, origin=Origin(KIND, name), if_there=True)


def card(mac: str = "", held: Iterable[str] = (), part: str = "") -> Card:
    """A card, its MAC and addresses as the store spells them. Raises Malformed."""
    padded = ":".join(each.zfill(2) for each in mac.split(":"))  # 0:1b:... is how ethers(5) has them
    digits = addresses.parse_mac(padded) if mac else ""
    if digits is None:
        raise Malformed(f"malformed MAC address: {mac[:60]!a}")
    spelled = addresses.mac_spellings(digits)[0] if digits else ""
    return Card(part, spelled, tuple(dict.fromkeys(map(addresses.canonical, held))))
