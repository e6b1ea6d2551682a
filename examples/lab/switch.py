"""A switch with Q-BRIDGE-MIB (RFC 4363): writing its lists of ports moves them between VLANs, as its counters show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from clusto_cli.backends.snmp import Oid, Tag, Varbind, parse_oid
from lab.agent import NOT_WRITABLE

SYSTEM = parse_oid("1.3.6.1.2.1.1")
IF_NAME = parse_oid("1.3.6.1.2.1.31.1.1.1.1")
IF_OPER_STATUS = parse_oid("1.3.6.1.2.1.2.2.1.8")
BASE_PORT_IF_INDEX = parse_oid("1.3.6.1.2.1.17.1.4.1.2")
FDB_PORT = parse_oid("1.3.6.1.2.1.17.7.1.2.2.1.2")
VLAN = parse_oid("1.3.6.1.2.1.17.7.1.4.3.1")
NAME, EGRESS, UNTAGGED, ROW_STATUS = ((*VLAN, column) for column in (1, 2, 4, 5))
PVID = parse_oid("1.3.6.1.2.1.17.7.1.4.5.1.1")
IDENTITY = parse_oid("1.3.6.1.4.1.8072.3.2.255")

WRONG_TYPE, WRONG_LENGTH, WRONG_VALUE, INCONSISTENT_VALUE = 7, 8, 10, 12
ACTIVE, CREATE_AND_GO, DESTROY = 1, 4, 6
IF_INDEX_OF_PORT_1 = 1001
"""Interfaces are numbered otherwise than ports of the bridge, as on one in three real switches."""


class _Refusal(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


@dataclass
class Members:
    """One VLAN: the lists of ports whose frames leave it, and leave it untagged."""

    name: str
    egress: bytes
    untagged: bytes


@dataclass
class Switch:
    """Ports 1 to `ports`, at first all untagged in the first of `vlans`; `hosts` are MAC addresses by port."""

    ports: int = 48
    vlans: dict[int, str] = field(default_factory=lambda: {1: "default", 10: "office", 203: "vlan203"})
    hosts: dict[int, str] = field(default_factory=dict)
    port_names: dict[int, str] = field(default_factory=dict)
    model: str = "a switch of the lab"
    pvids: dict[int, int] = field(init=False)
    members: dict[int, Members] = field(init=False)
    _table: dict[Oid, Varbind] | None = field(init=False, default=None)
    _names: Sequence[Oid] = field(init=False, default=())

    def __post_init__(self) -> None:
        first = next(iter(self.vlans))
        every = self.list_of(range(1, self.ports + 1))
        none = bytes(len(every))
        self.members = {
            vlan: Members(name, every if vlan == first else none, every if vlan == first else none)
            for vlan, name in self.vlans.items()
        }
        self.pvids = dict.fromkeys(range(1, self.ports + 1), first)

    def list_of(self, ports: Sequence[int]) -> bytes:
        """A list of ports: port 1 is the most significant bit of the first octet."""
        octets = bytearray((self.ports + 7) // 8)
        for port in ports:
            octets[(port - 1) // 8] |= 0x80 >> (port - 1) % 8
        return bytes(octets)

    def vlan(self, port: int) -> int | None:
        """The VLAN of whose untagged frames a port takes and gives; None where PVID and members disagree."""
        pvid, bit = self.pvids[port], self.list_of([port])
        inside = [
            vlan for vlan, one in self.members.items() if any(a & b for a, b in zip(one.egress, bit, strict=True))
        ]
        return pvid if inside == [pvid] else None

    # -- what the agent asks ------------------------------------------------------------------------------------------

    def names(self) -> Sequence[Oid]:
        self._built()
        return self._names

    def read(self, oid: Oid) -> Varbind | None:
        return self._built().get(oid)

    def write(self, varbinds: Sequence[Varbind]) -> tuple[int, int]:
        members = {vlan: Members(one.name, one.egress, one.untagged) for vlan, one in self.members.items()}
        before = members, dict(self.pvids)
        for position, varbind in enumerate(varbinds, 1):
            try:
                self._write(varbind)
            except _Refusal as refusal:
                self.members, self.pvids = before
                return refusal.status, position
        self._table = None
        return 0, 0

    def _write(self, varbind: Varbind) -> None:
        column, index, value = varbind.oid[:-1], varbind.oid[-1], varbind.value
        if column == PVID:
            if varbind.tag != Tag.GAUGE32:
                raise _Refusal(WRONG_TYPE)
            if value not in self.members or index not in self.pvids or not isinstance(value, int):
                raise _Refusal(INCONSISTENT_VALUE)
            self.pvids[index] = value
        elif column == ROW_STATUS:
            self._row(index, value)
        elif column in (NAME, EGRESS, UNTAGGED):
            if not isinstance(value, bytes):
                raise _Refusal(WRONG_TYPE)
            if index not in self.members:
                raise _Refusal(INCONSISTENT_VALUE)
            self._list(self.members[index], column, value)
        else:
            raise _Refusal(NOT_WRITABLE)

    def _list(self, vlan: Members, column: Oid, value: bytes) -> None:
        if column == NAME:
            vlan.name = value.decode("utf-8", "replace")
            return
        if len(value) != len(vlan.egress):
            raise _Refusal(WRONG_LENGTH)
        if column == EGRESS:
            vlan.egress = value
            vlan.untagged = bytes(a & b for a, b in zip(vlan.untagged, value, strict=True))
        elif any(a & ~b for a, b in zip(value, vlan.egress, strict=True)):
            raise _Refusal(INCONSISTENT_VALUE)
        else:
            vlan.untagged = value

    def _row(self, vlan: int, value: object) -> None:
        if value == CREATE_AND_GO and vlan not in self.members and 1 <= vlan <= 4094:
            none = self.list_of([])
            self.members[vlan] = Members("", none, none)
        elif value == DESTROY and vlan in self.members:
            del self.members[vlan]
        else:
            raise _Refusal(WRONG_VALUE)

    def _built(self) -> dict[Oid, Varbind]:
        if self._table is None:
            rows = [
                Varbind((*SYSTEM, 1, 0), Tag.OCTET_STRING, self.model.encode()),
                Varbind((*SYSTEM, 2, 0), Tag.OBJECT_IDENTIFIER, IDENTITY),
            ]
            for port in range(1, self.ports + 1):
                interface = IF_INDEX_OF_PORT_1 + port - 1
                rows.append(
                    Varbind((*IF_NAME, interface), Tag.OCTET_STRING, self.port_names.get(port, f"port{port}").encode())
                )
                rows.append(Varbind((*IF_OPER_STATUS, interface), Tag.INTEGER, 1 if port in self.hosts else 2))
                rows.append(Varbind((*BASE_PORT_IF_INDEX, port), Tag.INTEGER, interface))
                rows.append(Varbind((*PVID, port), Tag.GAUGE32, self.pvids[port]))
            for vlan, one in self.members.items():
                rows.append(Varbind((*NAME, vlan), Tag.OCTET_STRING, one.name.encode()))
                rows.append(Varbind((*EGRESS, vlan), Tag.OCTET_STRING, one.egress))
                rows.append(Varbind((*UNTAGGED, vlan), Tag.OCTET_STRING, one.untagged))
                rows.append(Varbind((*ROW_STATUS, vlan), Tag.INTEGER, ACTIVE))
            for port, mac in self.hosts.items():
                octets = bytes.fromhex(mac.replace(":", ""))
                rows.append(Varbind((*FDB_PORT, self.pvids[port], *octets), Tag.INTEGER, port))
            self._table = {row.oid: row for row in rows}
            self._names = sorted(self._table)
        return self._table
