"""An SNMP agent of the tests that presents a bridge over UDP: Q-BRIDGE-MIB with the quirks that agents have.

Encoding and decoding are pysnmp's, so that the transport under test meets another implementation. What moves is a
`Bridge`: in memory here, Open vSwitch in ovsagent.py.
"""

from __future__ import annotations

import bisect
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api, rfc1902, rfc1905
from pysnmp.proto.api import v2c

Oid = tuple[int, ...]

NO_ACCESS, WRONG_TYPE, WRONG_LENGTH, WRONG_VALUE, INCONSISTENT, COMMIT_FAILED, NOT_WRITABLE = 6, 7, 8, 10, 12, 14, 17
GEN_ERR, NO_CREATION, TOO_BIG = 5, 11, 1

SYSTEM = (1, 3, 6, 1, 2, 1, 1)
IF_DESCR = (1, 3, 6, 1, 2, 1, 2, 2, 1, 2)
IF_OPER = (1, 3, 6, 1, 2, 1, 2, 2, 1, 8)
IF_NAME = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1)
BASE = (1, 3, 6, 1, 2, 1, 17, 1, 4, 1, 2)
Q = (1, 3, 6, 1, 2, 1, 17, 7, 1)
FDB = (*Q, 2, 2, 1, 2)
CURRENT = (*Q, 4, 2, 1)
STATIC = (*Q, 4, 3, 1)
NAME, EGRESS, UNTAGGED, STATUS = (*STATIC, 1), (*STATIC, 2), (*STATIC, 4), (*STATIC, 5)
PVID = (*Q, 4, 5, 1, 1)


class Fault(Exception):
    """An error status for one variable."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Vlan:
    """Bridge ports that are members, and those of them that send untagged."""

    name: str
    egress: set[int] = field(default_factory=set)
    untagged: set[int] = field(default_factory=set)


@dataclass
class Bridge:
    """The state of a switch: `ports` are names by bridge port; ifIndex is bridge port + `offset`."""

    ports: dict[int, str]
    vlans: dict[int, Vlan]
    pvid: dict[int, int]
    offset: int = 100
    learned: dict[tuple[int, str], int] = field(default_factory=dict)
    link: dict[int, bool] = field(default_factory=dict)

    def moved(self) -> None:
        """Called after a change: where frames are really moved, now."""

    def addresses(self) -> dict[tuple[int, str], int]:
        """(VLAN, MAC address) -> bridge port."""
        return self.learned

    @classmethod
    def of(cls, count: int, vlans: Iterable[int] = (1, 10, 203), **more: Any) -> Bridge:
        """Ports swp1..N, all untagged in VLAN 10."""
        members = set(range(1, count + 1))
        made = {vlan: Vlan(f"vlan{vlan}") for vlan in vlans}
        made[10].egress, made[10].untagged = set(members), set(members)
        return cls({port: f"swp{port}" for port in members}, made, dict.fromkeys(members, 10), **more)


@dataclass
class Quirks:
    """What an agent does otherwise.

    `strict`: a port is untagged in one VLAN only, at every moment of a request. `first_only`: all variables are
    acknowledged and the first is applied. `pvid_moves`: the membership follows the PVID, and the old VLAN stays
    tagged with `leaves_tagged`. `length` of the lists that are sent. `deaf_after` SETs that are answered, the rest is
    refused. `lose`: every how manieth datagram is lost. `ignores`: VLANs whose lists are acknowledged and not kept.
    """

    strict: bool = False
    first_only: bool = False
    pvid_moves: bool = False
    leaves_tagged: bool = False
    pvid_lies: bool = False
    length: int = 8
    deaf_after: int = -1
    refuse_with: int = COMMIT_FAILED
    lose: int = 0
    one_variable: bool = False
    no_base: bool = False
    current_only: bool = False
    save_fails: bool = False


class QBridgeAgent:
    """Serves a Bridge at 127.0.0.1; communities `public` to read and `private` to write.

    `contexts` are tables apart, by the name that version 3 has for them: `vlan-10` is `public@10` before it.
    """

    def __init__(self, bridge: Bridge, quirks: Quirks | None = None, identity: str = "1.3.6.1.4.1.99999") -> None:
        self.bridge, self.quirks = bridge, quirks or Quirks()
        self.identity = identity
        self.extra: dict[Oid, Any] = {}
        self.contexts: dict[str, dict[Oid, Any]] = {}
        self.writable: dict[Oid, Callable[[Any], None]] = {}
        self.sets: list[list[tuple[Oid, Any]]] = []
        self.datagrams = 0
        self.overlapping = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> QBridgeAgent:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    # -- the tables --------------------------------------------------------------------------------------------

    def table(self) -> dict[Oid, Any]:
        """Everything that can be read, as pysnmp values."""
        bridge, quirks = self.bridge, self.quirks
        rows: dict[Oid, Any] = {
            (*SYSTEM, 1, 0): rfc1902.OctetString("a bridge of the tests"),
            (*SYSTEM, 2, 0): rfc1902.ObjectIdentifier(self.identity),
        }
        for port, name in bridge.ports.items():
            index = port + bridge.offset
            rows[(*IF_DESCR, index)] = rfc1902.OctetString(f"Port {port} of the bridge")
            rows[(*IF_NAME, index)] = rfc1902.OctetString(name)
            rows[(*IF_OPER, index)] = rfc1902.Integer32(1 if bridge.link.get(port, True) else 2)
            if not quirks.no_base:
                rows[(*BASE, port)] = rfc1902.Integer32(index)
            rows[(*PVID, port)] = rfc1902.Unsigned32(bridge.pvid[port])
        for number, vlan in bridge.vlans.items():
            lists = (self._octets(vlan.egress), self._octets(vlan.untagged))
            rows[(*CURRENT, 3, 0, number)] = rfc1902.Unsigned32(number)
            rows[(*CURRENT, 4, 0, number)], rows[(*CURRENT, 5, 0, number)] = lists
            rows[(*NAME, number)] = rfc1902.OctetString(vlan.name)
            if not quirks.current_only:
                rows[(*EGRESS, number)], rows[(*UNTAGGED, number)] = lists
                rows[(*STATUS, number)] = rfc1902.Integer32(1)
        for (number, mac), port in bridge.addresses().items():
            rows[(*FDB, number, *bytes.fromhex(mac.replace(":", "")))] = rfc1902.Integer32(port)
        return {**rows, **self.extra}

    def _octets(self, ports: set[int]) -> Any:
        octets = bytearray(self.quirks.length)
        for port in ports:
            if (port - 1) // 8 < len(octets):
                octets[(port - 1) // 8] |= 0x80 >> (port - 1) % 8
        return rfc1902.OctetString(hexValue=octets.hex())

    # -- writing -----------------------------------------------------------------------------------------------

    def write(self, oid: Oid, value: Any) -> None:
        """Apply one variable; Fault when the agent refuses it."""
        bridge, quirks = self.bridge, self.quirks
        if oid in self.writable:
            self.writable[oid](value)
            return
        if oid[:-1] == STATUS:
            self._row(oid[-1], int(value))
            return
        if oid[:-1] == PVID:
            if value.tagSet != rfc1902.Unsigned32.tagSet:
                raise Fault(WRONG_TYPE)
            if int(value) not in bridge.vlans or oid[-1] not in bridge.pvid:
                raise Fault(INCONSISTENT)
            self._set_pvid(oid[-1], int(value))
            return
        if oid[:-1] not in (NAME, EGRESS, UNTAGGED):
            raise Fault(NOT_WRITABLE)
        if value.tagSet != rfc1902.OctetString.tagSet:
            raise Fault(WRONG_TYPE)
        if oid[-1] not in bridge.vlans:
            raise Fault(INCONSISTENT)
        vlan, octets = bridge.vlans[oid[-1]], bytes(value)
        if oid[:-1] == NAME:
            vlan.name = octets.decode()
            return
        if len(octets) != quirks.length:
            raise Fault(WRONG_LENGTH)
        ports = {place * 8 + bit + 1 for place, octet in enumerate(octets) for bit in range(8) if octet & 0x80 >> bit}
        if oid[:-1] == EGRESS:
            vlan.egress = ports
            vlan.untagged &= ports
        elif not ports <= vlan.egress:
            raise Fault(INCONSISTENT)
        else:
            vlan.untagged = ports
        if quirks.strict and any(
            port in one.untagged and port in other.untagged
            for port in bridge.ports
            for one in bridge.vlans.values()
            for other in bridge.vlans.values()
            if one is not other
        ):
            raise Fault(INCONSISTENT)

    def _row(self, number: int, status: int) -> None:
        if status == 4 and number not in self.bridge.vlans:
            self.bridge.vlans[number] = Vlan("")
        elif status == 6 and number in self.bridge.vlans:
            del self.bridge.vlans[number]
        else:
            raise Fault(INCONSISTENT)

    def _set_pvid(self, port: int, vlan: int) -> None:
        bridge, quirks = self.bridge, self.quirks
        old = bridge.pvid[port]
        if quirks.pvid_lies:
            bridge.pvid[port] = vlan
            return
        bridge.pvid[port] = vlan
        if quirks.pvid_moves:
            bridge.vlans[old].untagged.discard(port)
            if not quirks.leaves_tagged:
                bridge.vlans[old].egress.discard(port)
            bridge.vlans[vlan].egress.add(port)
            bridge.vlans[vlan].untagged.add(port)

    def _set(self, binds: list[tuple[Oid, Any]]) -> tuple[int, int]:
        """Error status and index. All variables are applied or none; the order inside the request counts."""
        import copy

        quirks = self.quirks
        self.sets.append(binds)
        if quirks.deaf_after >= 0 and len(self.sets) > quirks.deaf_after:
            return quirks.refuse_with, 1
        if quirks.one_variable and len(binds) > 1:
            return TOO_BIG, 0
        before = copy.deepcopy((self.bridge.vlans, self.bridge.pvid))
        for position, (oid, value) in enumerate(binds[:1] if quirks.first_only else binds, 1):
            try:
                self.write(oid, value)
            except Fault as fault:
                self.bridge.vlans, self.bridge.pvid = before
                return fault.status, position
        self.bridge.moved()
        return 0, 0

    # -- the protocol ------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            try:
                data, peer = self._socket.recvfrom(65535)
            except OSError:
                return
            self.datagrams += 1
            if self.quirks.lose and self.datagrams % self.quirks.lose == 0:
                continue
            answer = self._answer(data)
            if answer is not None:
                try:
                    self._socket.sendto(answer, peer)
                except OSError:
                    return

    def _answer(self, data: bytes) -> bytes | None:
        module = api.PROTOCOL_MODULES[api.decodeMessageVersion(data)]
        message, _ = decoder.decode(data, asn1Spec=module.Message())
        community, _, vlan = bytes(module.apiMessage.get_community(message)).decode().partition("@")
        if community not in ("public", "private") or (vlan and f"vlan-{vlan}" not in self.contexts):
            return None
        reply = module.apiMessage.get_response(message)
        answer = module.apiMessage.get_pdu(reply)
        within = f"vlan-{vlan}" if vlan else ""
        status, index, binds = self.respond(
            module.apiMessage.get_pdu(message), within, may_write=community == "private", module=module
        )
        if status:
            module.apiPDU.set_error_status(answer, status)
            module.apiPDU.set_error_index(answer, index)
        module.apiPDU.set_varbinds(answer, binds)
        return encoder.encode(reply)

    def respond(
        self, request: Any, context: str = "", *, may_write: bool, module: Any = v2c
    ) -> tuple[int, int, list[tuple[Oid, Any]]]:
        """Error status, error index and variables of the answer to a request within a context."""
        binds = [(tuple(oid), value) for oid, value in module.apiPDU.get_varbinds(request)]
        if request.isSameTypeWith(module.SetRequestPDU()):
            return (*(self._set(binds) if may_write else (NO_ACCESS, 1)), binds)
        rows = self.contexts[context] if context else self.table()
        if request.isSameTypeWith(module.GetRequestPDU()):
            return 0, 0, [(oid, rows.get(oid, rfc1905.noSuchInstance)) for oid, _ in binds]
        many = 1
        if request.isSameTypeWith(module.GetBulkRequestPDU()):
            many = int(module.apiBulkPDU.get_max_repetitions(request))
        return 0, 0, self._next(rows, [oid for oid, _ in binds], many)

    def _next(self, rows: dict[Oid, Any], asked: list[Oid], many: int) -> list[tuple[Oid, Any]]:
        order = sorted(rows)
        found = []
        for oid in asked:
            place = bisect.bisect_right(order, oid)
            for following in order[place : place + many]:
                found.append((following, rows[following]))
            if place + many > len(order):
                found.append((oid, rfc1905.endOfMibView))
        return found
