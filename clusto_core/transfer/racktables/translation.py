"""What the tables of a RackTables become: places, equipment with its ports and cables, networks and addresses.

Objects are known by their ids, ports by theirs. Of what has no place in clusto, a count is told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, NamedTuple

from clusto_core.errors import Malformed
from clusto_core.model import addresses
from clusto_core.model.names import check_part_name
from clusto_core.model.origins import Origin
from clusto_core.rules.ports import cleaned
from clusto_core.transfer.documents import Document, parse
from clusto_core.transfer.netbox.dump import Reference
from clusto_core.transfer.netbox.naming import Candidate, unique
from clusto_core.transfer.netbox.translation import clean
from clusto_core.transfer.racktables.tables import Row, Tables

OBJECT, NETWORK = "object", "network"
RACK, ROW, LOCATION = 1560, 1561, 1562
"""The numbers of types that RackTables itself goes by (`wwwroot/inc/config.php`)."""
_NUMBERED = {2: "pdu", 4: "server", 7: "router", 8: "network switch", 9: "patchpanel", 12: "ups", 1504: "vm"}
_DRIVERS = {
    "server": "Server", "pdu": "PDU", "router": "Router", "network switch": "Switch", "fc switch": "Switch",
    "network chassis": "Switch", "virtual switch": "Switch", "network security": "Firewall", "patchpanel": "PatchPanel",
    "patch panel": "PatchPanel", "load balancer": "LoadBalancer", "serial console server": "ConsoleServer",
    "vm": "VirtualServer", "vm cluster": "Pool", "vm resource pool": "Pool",
}  # fmt: skip
"""What becomes of the types of objects; all others are appliances."""
_PLACES = ("Datacenter", "Room", "Cage")
_UNITS = 27
"""The attribute that says how high a rack is."""
_KEYS = {1: "serial", 2: "model", 3: "fqdn", 4: "os", 25: "uuid"}
_HELD = ("regular", "router", "point2point")
_NETWORK_KINDS = {"Switch": "port", "Router": "port", "Firewall": "port", "PatchPanel": "front"}
_KINDS = {
    "Server": ("nic", "inlet", "serial"), "Appliance": ("nic", "inlet"), "PDU": ("outlet", "nic"),
    "ConsoleServer": ("consoleport", "inlet", "nic"), "PatchPanel": ("front", "rear"), "VirtualServer": ("nic",),
    "LoadBalancer": ("nic", "inlet", "serial"),
}  # fmt: skip
"""The kinds of parts that a driver has by itself; of network equipment those of `_OF_NETWORK`."""
_OF_NETWORK = ("port", "inlet", "serial", "nic")
_PAIRS = ({"inlet", "outlet"}, {"serial", "consoleport"}, {"nic"}, {"port"}, {"nic", "port"}, {"front"},
          {"front", "nic"}, {"front", "port"})  # fmt: skip


class _Port(NamedTuple):
    owner: int
    name: str
    kind: str


class Translation:
    """The documents for all that the tables say; `remarks` tells, when they are read, what is not in them."""

    def __init__(self, tables: Tables, file: str) -> None:
        self.left_out: Counter[str] = Counter()
        self._tables = tables
        self._file = file
        self._objects = {row["id"]: row for row in tables["Object"]}
        self._types = {row["dict_key"]: row["dict_value"] for row in tables["Dictionary"] if row["chapter_id"] == 1}
        self._words = {row["dict_key"]: row["dict_value"] for row in tables["Dictionary"]}
        self._parents = _parents(tables["EntityLink"])
        self._values = self._attributes()
        self._tags = self._tagged()
        self._names = self._named()
        self._heights = {
            row["object_id"]: row["uint_value"] for row in tables["AttributeValue"] if row["attr_id"] == _UNITS
        }
        self._ports = self._all_ports()
        self._ports_of: dict[int, list[Row]] = {}
        for row in tables["Port"]:
            if row["id"] in self._ports:
                self._ports_of.setdefault(row["object_id"], []).append(row)
        self._cables = self._all_cables()
        self._held = self._addresses()
        self._mounted = self._positions()

    def documents(self) -> Iterator[Document]:
        """A Document for each object and network, and last one for what was left out."""
        for id in sorted(self._objects):
            if self._type(id) != ROW:
                yield self._document(id)
        yield from self._networks()
        if self.left_out:
            listed = ", ".join(f"{count} {what}" for what, count in sorted(self.left_out.items()))
            yield Document("", self._file, 1, notes=(f"{self._file}: left out, or not as it was: {listed}",))

    # --- what there is -----------------------------------------------------------------------------------------------

    def _type(self, id: int) -> int:
        return int(self._objects[id]["objtype_id"])

    def _driver(self, id: int) -> str:
        kind = self._type(id)
        if kind == RACK:
            return "Rack"
        if kind == LOCATION:
            return _PLACES[min(len(self._locations(id)), 2)]
        name = str(self._types.get(kind) or _NUMBERED.get(kind, "")).lower()
        return _DRIVERS.get(_plain(name), "Appliance")

    def _parent(self, id: int, realm: str) -> int | None:
        found = [parent for kind, parent in self._parents.get(id, ()) if kind == realm and parent in self._objects]
        return found[0] if found else None

    def _locations(self, id: int) -> list[int]:
        """The locations that something is in, nearest first."""
        found: list[int] = []
        above = self._parent(id, "location")
        while above is not None and above not in found and above != id:
            found.append(above)
            above = self._parent(above, "location")
        return found

    def _named(self) -> dict[Reference, str]:
        every = []
        for id, row in self._objects.items():
            above = self._parent(id, "row") or self._parent(id, "location") or self._parent(id, "rack")
            inside = str(self._objects[above]["name"] or "") if above is not None else ""
            every.append(Candidate(Reference(OBJECT, id), str(row["name"] or ""), inside, self._driver(id).lower()))
        for realm in ("IPv4Network", "IPv6Network"):
            every += [Candidate(Reference(realm, row["id"]), _block(row)) for row in self._tables[realm]]
        return unique(every)

    def _name(self, id: int) -> str:
        return self._names[Reference(OBJECT, id)]

    # --- objects -----------------------------------------------------------------------------------------------------

    def _document(self, id: int) -> Document:
        row, driver = self._objects[id], self._driver(id)
        data: dict[str, Any] = {"name": self._name(id), "driver": driver, "attrs": self._attrs(id, row)}
        data["in"] = list(self._inside(id, driver))
        if id in self._mounted and driver not in ("Rack", "Pool", "VirtualServer"):
            data["at"] = self._mounted[id]
        origins: dict[str, Origin] = {}
        if driver == "Rack":
            data["parts"] = {"ru": self._units(id)}
        elif driver not in (*_PLACES, "Pool"):
            self._fill(id, driver, data, origins)
        elif self._held.get(id):
            self.left_out["addresses of what has none"] += 1
        filled = {key: content for key, content in data.items() if content or key == "parts"}
        return self._whole(filled, Origin(OBJECT, str(id)), origins, str(row["name"] or ""))

    def _whole(self, data: dict[str, Any], origin: Origin, parts: dict[str, Origin], called: str) -> Document:
        document = parse(data, self._file, 1)
        document.origin, document.part_origins, document.called = origin, parts, called
        return document

    def _fill(self, id: int, driver: str, data: dict[str, Any], origins: dict[str, Origin]) -> None:
        """The ports, what they have, and their cables."""
        parts: dict[str, Any] = dict.fromkeys(_KINDS.get(driver, _OF_NETWORK), 0)
        of_parts: dict[str, dict[str, Any]] = {}
        connect: dict[str, str] = {}
        for row in self._ports_of.get(id, ()):
            port = self._ports[row["id"]]
            parts[port.kind] = [*(parts.get(port.kind) or ()), port.name]
            origins[port.name] = Origin("port", str(row["id"]))
            if attrs := self._part_attrs(row, port):
                of_parts[port.name] = attrs
            if row["id"] in self._cables:
                connect[port.name] = self._cables[row["id"]]
        held = self._held.get(id, {})
        own, of_ports = held.get("", []), {part: texts for part, texts in held.items() if part}
        data |= {"parts": parts, "part_attrs": of_parts, "connect": connect}
        data["ip"] = [*own, of_ports] if of_ports else own

    def _attrs(self, id: int, row: Row) -> dict[str, Any]:
        found: dict[str, Any] = dict(self._values.get(id, {}))
        found["asset.tag"], found["label"], found["comment"] = row["asset_no"], row["label"], row["comment"]
        found["problems"] = True if row["has_problems"] == "yes" else None
        found["tag"] = self._tags.get((self._realm(id), id))
        kind = _plain(str(self._types.get(self._type(id)) or ""))
        found["racktables.type"] = kind if self._driver(id) == "Appliance" else None
        if self._type(id) == RACK:
            in_row = self._parent(id, "row")
            found["row"] = self._objects[in_row]["name"] if in_row is not None else None
        chassis = self._parent(id, "object")
        if chassis is not None and self._driver(id) not in ("VirtualServer", "Pool"):
            found["chassis"] = {"ref": self._name(chassis)}
        return {key: clean(value) for key, value in found.items() if value not in (None, "", [])}

    def _realm(self, id: int) -> str:
        return {RACK: "rack", ROW: "row", LOCATION: "location"}.get(self._type(id), "object")

    def _inside(self, id: int, driver: str) -> Iterator[str]:
        """What something is in: a place, a rack without rack units, a cluster or a hypervisor."""
        if driver == "Rack":
            in_row = self._parent(id, "row")
            above = self._parent(in_row, "location") if in_row is not None else self._parent(id, "location")
            if above is not None:
                yield self._name(above)
        elif driver in _PLACES:
            yield from [self._name(each) for each in self._locations(id) if self._driver(each) != driver][:1]
        else:
            rack = self._parent(id, "rack")
            if rack is not None and id not in self._mounted:
                yield self._name(rack)
            above_it = self._parent(id, "object")
            if above_it is not None and driver in ("VirtualServer", "Pool"):
                if self._driver(above_it) == "Pool" or (driver, self._driver(above_it)) == ("VirtualServer", "Server"):
                    yield self._name(above_it)
                else:
                    self.left_out["parents of virtual machines"] += 1

    def _units(self, rack: int) -> int:
        found = self._heights.get(rack)
        return found if isinstance(found, int) and 0 < found < 200 else 42

    # --- attributes and tags -----------------------------------------------------------------------------------------

    def _attributes(self) -> dict[int, dict[str, object]]:
        known = {row["id"]: row for row in self._tables["Attribute"]}
        found: dict[int, dict[str, object]] = {}
        for row in self._tables["AttributeValue"]:
            attribute = known.get(row["attr_id"])
            if attribute is None or row["attr_id"] == _UNITS:
                continue
            key = _KEYS.get(row["attr_id"]) or re.sub(r"[^a-z0-9]+", "_", str(attribute["name"]).lower()).strip("_")
            if key:
                found.setdefault(row["object_id"], {})[key] = self._value(row, str(attribute["type"]))
        return found

    def _value(self, row: Row, kind: str) -> object:
        if kind == "dict":
            return _plain(str(self._words.get(row["uint_value"]) or ""))
        if kind == "date" and row["uint_value"] is not None:
            return {"time": datetime.fromtimestamp(int(row["uint_value"]), UTC).strftime("%Y-%m-%d")}
        if kind == "float" and row["float_value"] is not None:
            return float(row["float_value"])
        return row["uint_value"] if kind == "uint" else row["string_value"]

    def _tagged(self) -> dict[tuple[str, int], list[str]]:
        words = {row["id"]: str(row["tag"] or "") for row in self._tables["TagTree"]}
        found: dict[tuple[str, int], list[str]] = {}
        for row in self._tables["TagStorage"]:
            if words.get(row["tag_id"]):
                found.setdefault((row["entity_realm"], row["entity_id"]), []).append(words[row["tag_id"]])
        return {key: sorted(every) for key, every in found.items()}

    # --- ports and cables --------------------------------------------------------------------------------------------

    def _all_ports(self) -> dict[int, _Port]:
        types = {row["id"]: str(row["oif_name"]) for row in self._tables["PortOuterInterface"]}
        types = types or {key: str(word) for key, word in self._words.items()}
        taken: set[tuple[int, str]] = set()
        found: dict[int, _Port] = {}
        for row in sorted(self._tables["Port"], key=lambda row: row["id"]):
            owner = row["object_id"]
            driver = self._driver(owner) if owner in self._objects else ""
            kind = _kind(types.get(row["type"], ""), driver)
            if not kind:
                self.left_out["ports that are none here"] += 1
                continue
            name = _part_name(str(row["name"]), row["id"])
            if (owner, name) in taken:
                name = f"{name}-{row['id']}"
            taken.add((owner, name))
            found[row["id"]] = _Port(owner, name, kind)
        return found

    def _part_attrs(self, row: Row, port: _Port) -> dict[str, Any]:
        found: dict[str, Any] = {"label": row["label"], "reservation": row["reservation_comment"]}
        if row["name"] != port.name and not row["label"]:
            found["label"] = row["name"]
        digits = addresses.parse_mac(str(row["l2address"] or ""), bare=True)
        if digits is not None:
            found["mac"] = addresses.mac_spellings(digits)[0]
        elif row["l2address"]:
            found["wwn"] = row["l2address"]
        return {key: clean(value) for key, value in found.items() if value not in (None, "")}

    def _all_cables(self) -> dict[int, str]:
        """By port, what the cable in it leads to; each cable at one of its ends."""
        found: dict[int, str] = {}
        for row in self._tables["Link"]:
            one, other = self._ports.get(row["porta"]), self._ports.get(row["portb"])
            if one is None or other is None or not any({one.kind, other.kind} == pair for pair in _PAIRS):
                self.left_out["cables between ports that do not fit"] += 1
            else:
                found[row["porta"]] = f"{self._name(other.owner)}:{other.name}"
        return found

    # --- positions ---------------------------------------------------------------------------------------------------

    def _positions(self) -> dict[int, str]:
        """Where objects are mounted; of several in one unit, the first has it, and of several pieces, the lowest."""
        units: dict[int, dict[int, set[int]]] = {}
        for row in self._tables["RackSpace"]:
            if row["object_id"] in self._objects and row["rack_id"] in self._objects and row["state"] == "T":
                units.setdefault(row["object_id"], {}).setdefault(row["rack_id"], set()).add(row["unit_no"])
        taken: set[tuple[int, int]] = set()
        found: dict[int, str] = {}
        for id, racks in sorted(units.items()):
            rack, numbers = min(racks.items())
            low = high = min(numbers)
            while high + 1 in numbers:
                high += 1
            if len(racks) > 1 or high - low + 1 < len(numbers):
                self.left_out["pieces of what is in several places of racks"] += 1
            span = {(rack, number) for number in range(low, high + 1)}
            if taken & span or high > self._units(rack):
                self.left_out["positions in units that another one has"] += 1
                self._parents.setdefault(id, []).append(("rack", rack))
                continue
            taken |= span
            found[id] = f"{self._name(rack)}:RU{low}" + (f"-{high}" if high > low else "")
        return found

    # --- networks and addresses --------------------------------------------------------------------------------------

    def _networks(self) -> Iterator[Document]:
        for table, realm in (("IPv4Network", "ipv4net"), ("IPv6Network", "ipv6net")):
            for row in self._tables[table]:
                attrs = {"cidr": _block(row), "description": row["name"], "comment": row["comment"]}
                attrs["tag"] = self._tags.get((realm, row["id"]))
                kept = {key: clean(value) for key, value in attrs.items() if value not in (None, "", [])}
                data = {"name": self._names[Reference(table, row["id"])], "driver": "Network", "attrs": kept}
                yield self._whole(data, Origin(realm, str(row["id"])), {}, _block(row))

    def _addresses(self) -> dict[int, dict[str, list[str]]]:
        """By object and port, the addresses; those that several share are no one's."""
        ports = {
            (port.owner, row["name"]): port.name for row in self._tables["Port"] if (port := self._ports.get(row["id"]))
        }
        found: dict[int, dict[str, list[str]]] = {}
        given: set[str] = set()
        for row in (*self._tables["IPv4Allocation"], *self._tables["IPv6Allocation"]):
            text = _address(row["ip"])
            if row["type"] not in _HELD or text in given or row["object_id"] not in self._objects:
                self.left_out["addresses that are shared or virtual"] += 1
                continue
            given.add(text)
            part = ports.get((row["object_id"], row["name"]), "")
            found.setdefault(row["object_id"], {}).setdefault(part, []).append(text)
        return found


def _parents(links: list[Row]) -> dict[int, list[tuple[str, int]]]:
    found: dict[int, list[tuple[str, int]]] = {}
    for row in links:
        found.setdefault(row["child_entity_id"], []).append((row["parent_entity_type"], row["parent_entity_id"]))
    return found


def _plain(text: str) -> str:
    """A word of the dictionary without RackTables' own marks: `Dell%GPASS%R650%L1,2H%`, `[[IOS | http://...]]`."""
    text = re.sub(r"\[\[\s*(.*?)\s*(?:\|.*?)?\]\]", r"\1", text)
    text = re.sub(r"%(?:GPASS|GSKIP|GPAGE)%", " ", text)
    return re.sub(r"%L[^%]*%.*$", "", text).strip()


def _kind(type_name: str, driver: str) -> str:
    """The kind of part that a port of that outer interface is; empty for one that clusto has no part for."""
    if driver in ("", "Rack", "Pool", *_PLACES):
        return ""
    name = type_name.lower()
    if driver == "PatchPanel":
        return "front"
    if name.startswith(("ac-", "dc", "avdc")) or "power" in name:
        return ("outlet" if name == "ac-out" or (driver == "PDU" and name != "ac-in") else "inlet") * (
            driver != "VirtualServer"
        )
    if name.startswith("rs-232"):
        return "consoleport" if driver == "ConsoleServer" else "serial" * (driver != "VirtualServer")
    if name.startswith(("kvm", "usb", "dvi", "vga", "hdmi", "scsi")):
        return ""
    return _NETWORK_KINDS.get(driver, "nic")


def _part_name(text: str, id: int) -> str:
    try:
        return cleaned(text, check_part_name)[:100]
    except Malformed:
        return f"port-{id}"


def _address(ip: int | bytes | str) -> str:
    """An address as the tables have it: a number for v4, sixteen bytes for v6."""
    return str(ip_address(ip if isinstance(ip, int | bytes) else ip.encode("utf-8", "surrogateescape")))


def _block(row: Row) -> str:
    return f"{_address(row['ip'])}/{row['mask']}"
