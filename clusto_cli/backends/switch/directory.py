"""Which interface of a switch is which over SNMP: its ifIndex, its bridge port, its names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from clusto_cli.backends.errors import NoSuchPort, Refused
from clusto_cli.backends.snmp import Oid, SnmpDevice, Value
from clusto_cli.backends.switch import oids
from clusto_cli.backends.switch.names import find_port, may_mean


@dataclass(frozen=True)
class Directory:
    """Names by ifIndex, and the two ways between ifIndex and bridge port, which are never assumed to be equal.

    `switchports` are the interfaces that can be in a VLAN, where another table than the bridge's tells.
    """

    names: dict[int, str]
    descriptions: dict[int, str]
    bridge_port: dict[int, int] = field(default_factory=dict)
    switchports: frozenset[int] = frozenset()

    @property
    def if_index(self) -> dict[int, int]:
        """Bridge port -> ifIndex."""
        return {number: index for index, number in self.bridge_port.items()}

    def find(self, wanted: str) -> int:
        """The ifIndex of the port that goes by this name. NoSuchPort."""
        among = self.switchports or self.bridge_port
        if wanted.isdigit() and among:
            # A bare number means a port of the bridge, not a VLAN's or the loopback interface of that number; only
            # where the bridge has none, as for a member of an aggregate, the interface that is called just that.
            names = {index: name for index, name in self.names.items() if index in among}
            descriptions = {index: text for index, text in self.descriptions.items() if index in among}
            if any(may_mean(wanted, text) for text in (*names.values(), *descriptions.values())):
                return find_port(wanted, names, descriptions)
            same = [index for index, name in self.names.items() if name == wanted]
            return same[0] if len(same) == 1 else find_port(wanted, names, descriptions)
        return find_port(wanted, self.names, self.descriptions)

    def name(self, index: int) -> str:
        """ifName, else ifDescr, else the number."""
        return self.names.get(index) or self.descriptions.get(index) or str(index)

    def bridge(self, index: int) -> int:
        """The bridge port of an interface. NoSuchPort when it is none; Refused when the switch does not tell."""
        if not self.bridge_port:
            raise Refused("it does not tell over SNMP which interface its bridge ports are: use switch.via=ssh")
        if index not in self.bridge_port:
            raise NoSuchPort(f"{self.name(index)} is no port of the bridge")
        return self.bridge_port[index]

    def on_bridge_port(self, number: int) -> str:
        """The name of the interface on a bridge port; the number where the switch does not tell."""
        index = self.if_index.get(number)
        return self.name(index) if index is not None else str(number)


async def read_directory(device: SnmpDevice, wanted: Sequence[str] = ()) -> Directory:
    """The switch's own names of its ports. ifDescr is only asked for where ifName does not have all that is wanted."""
    columns = await asyncio.gather(device.walk(oids.IF_NAME), device.walk(oids.BASE_PORT_IF_INDEX, value_octets=5))
    names = texts(columns[0])
    bridge = {int(index): oid[-1] for oid, index in columns[1].items() if isinstance(index, int)}
    directory = Directory(names, {}, bridge)
    if names and all(_is_found(directory, port) for port in wanted):
        return directory
    return Directory(names, texts(await device.walk(oids.IF_DESCR, value_octets=24)), bridge)


def _is_found(directory: Directory, port: str) -> bool:
    try:
        directory.find(port)
    except NoSuchPort:
        return False
    return True


def texts(column: dict[Oid, Value]) -> dict[int, str]:
    """A column of texts by the last number of its index; empty ones left out."""
    found = {}
    for oid, value in column.items():
        if isinstance(value, bytes) and (text := text_of(value)):
            found[oid[-1]] = text
    return found


def text_of(value: Value) -> str:
    """What an agent sent as text, without anything that would move a terminal's cursor."""
    if not isinstance(value, bytes):
        return ""
    return "".join(char for char in value.decode("utf-8", "replace") if char.isprintable()).strip()
