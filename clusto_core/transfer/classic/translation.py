"""Makes transfer objects of what a classic clusto says: the whole of it, or of what one of its versions touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from clusto_core.drivers import Driver
from clusto_core.drivers.equipment import Rack, Switch
from clusto_core.drivers.parts import NIC
from clusto_core.drivers.resources import NameRange, Network
from clusto_core.errors import Malformed
from clusto_core.model import addresses, wiring
from clusto_core.model.attributes import Key
from clusto_core.model.origins import Origin
from clusto_core.transfer.classic import places, resources
from clusto_core.transfer.classic.drivers import EXCLUSIVE, PLAIN, Drivers
from clusto_core.transfer.classic.keys import KEPT, Attributes
from clusto_core.transfer.classic.naming import Names
from clusto_core.transfer.classic.ports import (
    CONNECTION,
    FAR_NUMBER,
    OS_NAME,
    Ports,
    Socket,
    counts,
    type_of,
)
from clusto_core.transfer.classic.remarks import Remarks
from clusto_core.transfer.classic.rows import Row
from clusto_core.transfer.classic.state import ADDRESS, CONTAINS, MANAGER, State
from clusto_core.transfer.documents import Document, Problem, parse

ENTITY, PORT, VLAN = "entity", "port", "vlan"
"""The kinds of objects: an entity by its id, a port by its type and number, a VLAN by its manager and number."""
_OF_ADDRESS = ("ipstring", "cidr", MANAGER, OS_NAME, "porttype", "portnum")
"""What is kept beside an address and follows from it, or says which port holds it."""


class Translation:
    """A State as Documents. `names` outlives the state's changes, so that a name is given once."""

    def __init__(self, state: State, drivers: Drivers, remarks: Remarks) -> None:
        self.state = state
        self.remarks = remarks
        self.names = Names()
        self._drivers = drivers
        self._kinds: dict[int, type[Driver] | None] = {}
        self._vlans: dict[int, list[int]] = {}
        self._managers = resources.managers(state.content)
        self.ports = Ports(state, drivers, self.kind)

    # --- what there is -----------------------------------------------------------------------------------------------

    def kind(self, id: int) -> type[Driver] | None:
        """The driver that an entity gets here; None for what is not there, or becomes nothing."""
        if id not in self._kinds:
            entity = self.state.entities.get(id)
            try:
                self._kinds[id] = self._drivers.of(entity, self._hands_out(id)) if entity is not None else None
            except Malformed:
                self._kinds[id] = None
        return self._kinds[id]

    def _hands_out(self, id: int) -> str | None:
        return self._managers.get(id) if self.state.entities[id].type == "resourcemanager" else None

    def name_all(self, ids: Iterable[int]) -> None:
        """Gives names to entities that have none, in the order in which they were made."""
        for id in sorted(ids):
            entity = self.state.entities[id]
            if self.kind(id) is not None:
                self.names.give(id, entity.name, f"{ENTITY}-{id}")

    def name(self, id: int | None) -> str | None:
        """What an entity is called here; None for what is not here."""
        return self.names.of(id) if id is not None and self.kind(id) is not None else None

    def forget(self, ids: Iterable[int]) -> None:
        """These entities may be otherwise now."""
        every = list(ids)
        for id in every:
            self._kinds.pop(id, None)
        self.ports.forget(every)

    # --- Documents ---------------------------------------------------------------------------------------------------

    def documents(self, id: int) -> Iterator[Document]:
        """The Documents of an entity: its own, and those of the VLANs that it gives out."""
        entity = self.state.entities[id]
        origin = Origin(ENTITY, str(id))
        try:
            kind = self._drivers.of(entity, self._hands_out(id))
        except Malformed as error:
            # Its name is its own to be told by; nothing refers to it.
            yield Document(entity.name, ENTITY, id, problems=(Problem(id, str(error)),), origin=origin)
            return
        if kind is None:
            return
        if self._hands_out(id) == resources.VLAN:
            yield from self._of_vlans(id)
        yield _Entity(self, id, kind).document(origin)

    def _of_vlans(self, manager: int) -> Iterator[Document]:
        for vid in self._vlans.get(manager, ()):
            data: dict[str, Any] = {"name": self.vlan(manager, vid), "driver": "VLAN", "attrs": {"vid": vid}}
            data["in"] = [self.name(manager) or ""]
            document = parse(data, ENTITY, manager)
            document.origin, document.called = Origin(VLAN, f"{manager}:{vid}"), f"vlan{vid}"
            yield document

    def vlan(self, manager: int, vid: int) -> str:
        """The name of a VLAN."""
        return self.names.give((manager, vid), f"vlan{vid}", f"vlan{vid}")

    def vlan_called(self, number: object) -> str | None:
        """The name of the one VLAN of that number; None where there is none, or several."""
        found = [(manager, vid) for manager, vids in self._vlans.items() for vid in vids if str(vid) == str(number)]
        return self.vlan(*found[0]) if len(found) == 1 else None

    def find_vlans(self, ids: Iterable[int]) -> set[Origin]:
        """Finds the VLANs of managers before what names them; gives those that are gone."""
        gone = set()
        for id in sorted(ids):
            gives = id in self.state.entities and self._hands_out(id) == resources.VLAN
            before, now = self._vlans.get(id, ()), resources.vlans(self.state, id) if gives else []
            self._vlans[id] = now
            for vid in set(before).difference(now):
                self.names.take((id, vid))
                gone.add(Origin(VLAN, f"{id}:{vid}"))
        return gone


class _Entity:
    """One entity on its way."""

    def __init__(self, translation: Translation, id: int, kind: type[Driver]) -> None:
        self.translation = translation
        self.state = translation.state
        self.id = id
        self.kind = kind
        self.entity = self.state.entities[id]
        self.name = translation.name(id) or ""
        self.attributes = Attributes(self.name, kind, translation.remarks)
        self.parts = translation.ports.parts(id)
        self.part_attributes: dict[str, Attributes] = {}
        self.data: dict[str, Any] = {"name": self.name, "driver": kind.__name__}
        self.held: dict[str, list[str]] = {}

    def _lose(self, kind: str, detail: str = "") -> None:
        self.translation.remarks.lose(self.name, kind, detail)

    def document(self, origin: Origin) -> Document:
        """All of it as a Document."""
        self._own_values()
        self._places()
        self._ports()
        self._cables()
        self._resource()
        self._origin()
        self.data["attrs"] = self.attributes.plain()
        self.data["part_attrs"] = {
            part: plain for part, found in self.part_attributes.items() if (plain := found.plain())
        }
        if self.held:
            of_parts = {part: texts for part, texts in self.held.items() if part}
            self.data["ip"] = [*self.held.get("", ()), *([of_parts] if of_parts else [])]
        # The others are called after their numbers.
        origins = {
            part.name: Origin(PORT, f"{self.id}:{socket.type}:{socket.number}")
            for socket, part in self.parts.items()
            if part.kind is NIC
        }
        document = parse(self.data, ENTITY, self.id)
        document.origin, document.part_origins, document.called = origin, origins, self.entity.name
        document.notes = tuple(self.translation.remarks.told())
        return document

    def _part(self, name: str) -> Attributes:
        if name not in self.part_attributes:
            kind = next(part.kind for part in self.parts.values() if part.name == name)
            who = f"{self.name}:{name}"
            self.part_attributes[name] = Attributes(who, kind, self.translation.remarks)
        return self.part_attributes[name]

    def _origin(self) -> None:
        """What it was in the classic clusto, where that is not what it is now."""
        if self.entity.name != self.name:
            self.attributes.add(f"{KEPT}.name", self.entity.name)
        if self.entity.driver not in PLAIN:
            self.attributes.add(f"{KEPT}.driver", self.entity.driver)
        if self.entity.driver in EXCLUSIVE or self.entity.type in EXCLUSIVE:
            self._lose("an exclusive pool is one as any other", "that a Thing is in no other is not kept")

    # --- values ------------------------------------------------------------------------------------------------------

    def _own_values(self) -> None:
        for row in self.state.own(self.id):
            if row.key == CONTAINS or (type_of(row) is not None and self._socket(row) in self.parts):
                continue
            if row.key == ADDRESS and row.number is not None and self._address(row):
                continue
            if (vlan := resources.vlan_of(self.state, row)) is not None and vlan[0] in self.state.entities:
                self.attributes.add("vlan", {"ref": self.translation.vlan(*vlan)})
            elif not resources.is_given_out(row) and not self._given(row) and not self._units(row):
                self._value(row)

    @staticmethod
    def _socket(row: Row) -> Socket:
        return Socket(type_of(row) or "", row.number or 0)

    def _units(self, row: Row) -> bool:
        return issubclass(self.kind, Rack) and row.subkey == "property" and row.key in ("minu", "maxu")

    def _value(self, row: Row) -> None:
        if row.relation is None:
            if row.type != "relation":
                self.attributes.add_row(row, row.value)
            return
        name = self.translation.name(row.relation)
        if name is None:
            self._lose("a relation to what is not here", str(row))
        elif (type_of(row)) is not None:
            self.attributes.add_row(row, name)
        else:
            self.attributes.add_row(row, {"ref": name})

    def _given(self, row: Row) -> bool:
        """Whether a row is a name or a number that a manager gave out: it is kept under the manager's name."""
        if row.subkey is not None or row.number is None:
            return False
        for each in self.state.own(self.id):
            if (each.key, each.number, each.subkey) == (row.key, row.number, MANAGER) and resources.is_given_out(each):
                manager = self.translation.name(each.relation)
                try:
                    key = str(Key.of(Key(manager or "")))
                except Malformed:
                    return False
                self.attributes.add(key, row.value)
                return True
        return False

    # --- addresses ---------------------------------------------------------------------------------------------------

    def _address(self, row: Row) -> bool:
        """Whether a row is an address, or follows from one."""
        if row.subkey in _OF_ADDRESS:
            return self.state.value(self.id, ADDRESS, None, row.number) is not None
        text = _address(row.value) if row.subkey is None else None
        if text is None:
            return False
        first = next((each for each in self.state.holding(row.value) if self.translation.name(each.entity)), row)
        if first.id != row.id:
            self._lose("an address that another one has", f"{text}, of {self.translation.name(first.entity)}")
            self.attributes.add(f"{KEPT}.{ADDRESS}", text)
            return True
        self.held.setdefault(self._holder(row), []).append(text)
        return True

    def _holder(self, row: Row) -> str:
        """The part that has an address, empty for the Thing itself."""
        value = {each.subkey: each.value for each in self.state.own(self.id) if _beside(each, row)}
        socket = Socket(str(value.get("porttype")), value.get("portnum") or 0)
        if socket in self.parts:
            return self.parts[socket].name
        wanted = value.get(OS_NAME)
        for part in self.parts.values():
            if wanted and wanted in (part.name, part.label):
                return part.name
        if wanted:
            self._lose("an address of a port that is not there", f"{_address(row.value)} of {wanted}")
        return ""

    # --- places ------------------------------------------------------------------------------------------------------

    def _places(self) -> None:
        holders = [row.entity for row in self.state.naming(self.id, CONTAINS)]
        holders += [row.relation for row in self.state.own(self.id) if row.relation is not None]
        kinds = {each: kind for each in holders if (kind := self.translation.kind(each)) is not None}
        found = places.placed(self.state, self.id, self.kind, kinds)
        inside = [name for each in found.inside if (name := self.translation.name(each))]
        if inside:
            self.data["in"] = inside
        if found.rack is not None:
            self._mounted(found)
        for unit in found.loose:
            self.attributes.add("position", unit)
        if found.loose:
            units = ", ".join(map(str, found.loose))
            self._lose("units that are no position (not adjacent, shared, or not of the rack)", f"position={units}")
        for each in found.other:
            self._lose("a second place", f"{self.translation.name(each)}, kept as {KEPT}.in")
            self.attributes.add(f"{KEPT}.in", {"ref": self.translation.name(each)})

    def _mounted(self, found: places.Placed) -> None:
        low, high = found.units[0], found.units[-1]
        span = f"RU{low}" if low == high else f"RU{low}-{high}"
        self.data["at"] = f"{self.translation.name(found.rack)}:{span}"
        for other in self.attributes.take("height"):
            if other != len(found.units):
                self.attributes.add(f"{KEPT}.height", other)
        self.attributes.add("height", len(found.units))

    # --- ports and cables --------------------------------------------------------------------------------------------

    def _ports(self) -> None:
        if issubclass(self.kind, Rack):
            units = places.units_of(self.state, self.id)
            self.data["parts"] = {"ru": [f"RU{unit}" for unit in units]}
            return
        if not self.parts and not self.kind.parts:
            return
        self.data["parts"] = counts(self.kind, self.parts.values())
        rows = self.translation.ports.rows(self.id)
        for socket, part in self.parts.items():
            if part.label:
                self._part(part.name).add("label", part.label)
            for row in rows.get(socket, ()):
                if row.subkey not in (CONNECTION, FAR_NUMBER, OS_NAME):
                    self._port_value(part.name, row)

    def _port_value(self, part: str, row: Row) -> None:
        subkey = row.subkey or "value"
        if subkey == "mac" and isinstance(row.value, str):
            self._part(part).add("mac", row.value.lower())
        elif subkey == "ipmi-mac":
            self.attributes.add("bmc.mac", row.value)
        elif row.relation is not None:
            if (name := self.translation.name(row.relation)) is not None:
                self._part(part).add_row(row._replace(key=subkey, number=None, subkey=None), {"ref": name})
        elif subkey == resources.VLAN and issubclass(self.kind, Switch):
            name = self.translation.vlan_called(row.value)
            self._part(part).add("vlan", {"ref": name} if name else row.value)
        elif row.type != "relation":
            self._part(part).add_row(row._replace(key=subkey, number=None, subkey=None), row.value)

    def _cables(self) -> None:
        """The cables whose other end came later; a cable is said once."""
        connect: dict[str, str] = {}
        ports = self.translation.ports
        for socket, part in self.parts.items():
            claimed, far = ports.claimed(self.id, socket), ports.cable(self.id, socket)
            if claimed is not None and far is None and claimed[0] in self.state.entities:
                there = f"{self.translation.name(claimed[0])} {claimed[1].type} {claimed[1].number}"
                self._lose("a cable that one end alone tells of", f"{part.name} to {there}")
            if far is None or (self.id, socket) > far:
                continue
            other = ports.parts(far[0]).get(far[1])
            if other is None:
                self._lose("a cable to what is not here", f"{part.name} to {self.state.entities[far[0]].name}")
            elif wiring.cable_kind(part.kind, other.kind) is None:
                name = f"{self.translation.name(far[0])}:{other.name}"
                self._lose("a cable that fits nowhere", f"{part.name} to {name}, kept as {KEPT}.connection")
                self._part(part.name).add(f"{KEPT}.connection", {"ref": name})
            else:
                connect[part.name] = f"{self.translation.name(far[0])}:{other.name}"
                if ports.both_give(self.id, socket) and ports.both_give(*far):
                    self._lose("the direction of a cable is worked out", f"{part.name} to {connect[part.name]}")
        if connect:
            self.data["connect"] = connect

    # --- resources ---------------------------------------------------------------------------------------------------

    def _resource(self) -> None:
        if issubclass(self.kind, Network):
            self._network()
        elif issubclass(self.kind, NameRange):
            for key in ("next", "digits", "basename", "leadingZeros", "maxnum"):
                self.attributes.take(key)
            found = resources.name_range(self.state, self.entity)
            self.attributes.add("pattern", found["pattern"])
            for name in found["_given"]:
                self.attributes.add("_given", name)

    def _network(self) -> None:
        found = resources.network(self.state, self.id)
        for key in ("baseip", "netmask"):
            if found or key == "netmask":
                self.attributes.take(key)
        if found:
            self.attributes.add("cidr", found["cidr"])
        else:
            self._lose("a Network without cidr, as the IP manager has no base address")


def _beside(one: Row, row: Row) -> bool:
    return (one.key, one.number) == (row.key, row.number)


def _address(value: object) -> str | None:
    """The address that a value is: a number as IP managers keep it, or text."""
    if not isinstance(value, str):
        return resources.address(value)
    try:
        return addresses.canonical(value)
    except Malformed:
        return None
