"""Cables: which parts they join, and what they lead to that has no place in clusto."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from clusto_core.model import interfaces, wiring
from clusto_core.transfer.netbox import breakouts
from clusto_core.transfer.netbox.dump import Dump, Reference, Row, numbers
from clusto_core.transfer.netbox.profiles import across
from clusto_core.transfer.netbox.translation import MadePart, Translation

CABLE = "dcim.cable"
_ENDS = "dcim.cabletermination"
_TERMINATION = "circuits.circuittermination"
_CIRCUIT = "circuits.circuit"
_FEED = "dcim.powerfeed"
_OUTSIDE = {_TERMINATION: ("circuit", "circuits"), _FEED: ("power_feed", "power feeds")}
"""What a cable may lead to that is no part: under which attribute the part at the other end keeps it."""
_LAID = (None, "", "connected", "decommissioning")
"""The states of a cable that is there: one that is to go is still in its ports."""
OCCUPIED = "occupied"
"""Under which key a port has why no cable may go into it, though none of clusto's is in it."""


class End(NamedTuple):
    """A port at one side of a cable; with a profile, which connector of the cable it takes, and which positions."""

    port: Reference
    connector: int = 0
    positions: tuple[int, ...] = ()


Sides = dict[str, list[End]]
Pair = tuple[MadePart, MadePart]


def translate(translation: Translation) -> None:
    """Joins the parts at the two ends of every cable that is there; a circuit with both its ends is one cable."""
    dump = translation.dump
    ends = _ends(dump)
    _Cables(translation, ends).translate()
    translation.used |= {CABLE, _ENDS, "dcim.cablepath", _TERMINATION, _CIRCUIT, _FEED}


class _Cables:
    def __init__(self, translation: Translation, ends: dict[int, Sides]) -> None:
        self.translation = translation
        self.dump = translation.dump
        self.ends = ends
        self.skipped: Counter[str] = Counter()
        self.circuits: dict[int, dict[str, list[End]]] = {}
        self.joined: set[tuple[str, str]] = set()

    def translate(self) -> None:
        for pk, row in sorted(self.dump.rows(CABLE).items()):
            near, far = self.ends.get(pk, {}).get("A", []), self.ends.get(pk, {}).get("B", [])
            if row.get("status") not in _LAID:
                self.skipped[f"{row['status']}: not laid"] += 1
                self._occupy([*near, *far], f"{row['status']} cable {row.get('label') or pk}")
            elif not near or not far:
                self.skipped["with one end only"] += 1
                self._occupy([*near, *far], f"a cable with one end, {row.get('label') or pk}")
            elif any(end.port.model in _OUTSIDE for end in (*near, *far)):
                self._lead_outside(near, far)
            else:
                self._join(row, near, far)
        self._join_circuits()
        self._mark_connected()
        for reason, count in sorted(self.skipped.items()):
            self.translation.remarks.append(f"{count} cables are left out, {reason}")

    def _join_circuits(self) -> None:
        for pk, sides in sorted(self.circuits.items()):
            if len(sides) == 2:
                self._join({}, sides["A"], sides["Z"])
            else:
                self.skipped["to circuits of which the other end is not known: kept as an attribute of the part"] += 1
                called = self.dump.text(_CIRCUIT, pk, "cid") or str(pk)
                self._occupy([end for side in sides.values() for end in side], f"circuit {called}")

    def _mark_connected(self) -> None:
        for key in self.translation.parts:
            if self.dump.row(key.model, key.pk).get("mark_connected"):
                self._occupy([End(key)], "marked connected")

    def _occupy(self, ends: list[End], reason: str) -> None:
        """Says of ports that nothing goes into them, those that no cable of clusto's is in."""
        for end in ends:
            for part in self.translation.parts.get(end.port, ()):
                if (part.owner, part.name) not in self.joined:
                    self.translation.part_attrs(part.owner, part.name, {OCCUPIED: reason})

    # --- what is no part ---------------------------------------------------------------------------------------------

    def _lead_outside(self, near: list[End], far: list[End]) -> None:
        """Notes at a part what its cable leads to, and by circuit and side which ports are at its ends."""
        for one, other in ((near, far), (far, near)):
            ports = [end for end in one if end.port.model not in _OUTSIDE]
            for beyond in (end.port for end in other if end.port.model in _OUTSIDE):
                attribute, plural = _OUTSIDE[beyond.model]
                self._note(ports, attribute, called := _outside(self.dump, beyond))
                row = self.dump.row(beyond.model, beyond.pk)
                if beyond.model == _TERMINATION and ports and isinstance(row.get("circuit"), int):
                    self.circuits.setdefault(row["circuit"], {})[str(row.get("term_side"))] = ports
                else:
                    self.skipped[f"to {plural}: kept as an attribute of the part"] += 1
                    self._occupy(ports, f"{attribute.replace('_', ' ')} {called}")

    def _note(self, ports: list[End], attribute: str, called: str) -> None:
        for end in ports:
            for part in self.translation.parts.get(end.port, ()):
                self.translation.part_attrs(part.owner, part.name, {attribute: called})

    # --- joining -----------------------------------------------------------------------------------------------------

    def _join(self, row: Row, near: list[End], far: list[End]) -> None:
        for end in (*near, *far):
            if not self.translation.parts.get(end.port):
                self.skipped[f"to a {end.port.model}, which is no part"] += 1
            if not self._has_socket(end.port):
                self.skipped["to an interface that has no socket"] += 1
                return
        profile = row.get("profile")
        pairs = self._by_profile(str(profile), near, far) if profile else self._in_order(near, far)
        for a, b in pairs:
            if wiring.cable_kind(a.driver, b.driver) is None:
                self.skipped[f"from a {a.driver.__name__} to a {b.driver.__name__}, which do not fit"] += 1
                continue
            self._connect(a, b)
            attrs = {f"cable.{field}": row.get(field) for field in ("label", "type", "color", "description")}
            attrs["cable.status"] = None if row.get("status") == "connected" else row.get("status")
            if row.get("length") and row.get("length_unit"):
                attrs["cable.length"] = f"{float(row['length']):g} {row['length_unit']}"
            self.translation.part_attrs(a.owner, a.name, attrs)

    def _has_socket(self, port: Reference) -> bool:
        """NetBox refuses such cables, but lets an interface become virtual that has one."""
        connector = str(self.dump.row(port.model, port.pk).get("type") or "")
        return interfaces.has_socket(interfaces.kind_of_connector(connector))

    def _connect(self, a: MadePart, b: MadePart) -> None:
        data: dict[str, Any] = self.translation.things[a.owner]
        data.setdefault("connect", {})[a.name] = f"{b.owner}:{b.name}"
        self.joined |= {(a.owner, a.name), (b.owner, b.name)}

    def _in_order(self, near: list[End], far: list[End]) -> list[Pair]:
        """Part with part in order: of rear ports position with position; one interface has a leg for each other."""
        left = [part for end in near for part in self.translation.parts.get(end.port, ())]
        right = [part for end in far for part in self.translation.parts.get(end.port, ())]
        if len(left) == 1 < len(right) and breakouts.splits(left[0]):
            left = breakouts.legs(self.translation, near[0].port, range(1, len(right) + 1))
        elif len(right) == 1 < len(left) and breakouts.splits(right[0]):
            right = breakouts.legs(self.translation, far[0].port, range(1, len(left) + 1))
        if left and right and len(left) != len(right) and len(near) != len(far):
            self.skipped["ends beyond those that the other side has"] += abs(len(left) - len(right))
        return list(zip(left, right, strict=False))

    def _by_profile(self, profile: str, near: list[End], far: list[End]) -> list[Pair]:
        """Position with position, as the profile of the cable has it."""
        at_far_side = {(end.connector, position): end for end in far for position in end.positions}
        lanes = [
            (one, position, at_far_side[meeting], meeting[1])
            for one in near
            for position in one.positions
            if (meeting := across(profile, one.connector, position)) in at_far_side
        ]
        if not lanes:
            return self._in_order(near, far)
        meets: dict[Reference, set[Reference]] = {}
        for one, _, other, _ in lanes:
            meets.setdefault(one.port, set()).add(other.port)
            meets.setdefault(other.port, set()).add(one.port)
        pairs = (
            (self._part(one.port, position, meets), self._part(other.port, far_position, meets))
            for one, position, other, far_position in lanes
        )
        return list(dict.fromkeys((a, b) for a, b in pairs if a is not None and b is not None))

    def _part(self, port: Reference, position: int, meets: dict[Reference, set[Reference]]) -> MadePart | None:
        """What is at a position: of a port with several parts that one, of a port that meets several others a leg."""
        parts = self.translation.parts.get(port, [])
        if len(parts) > 1:
            return parts[position - 1] if position <= len(parts) else None
        if parts and len(meets[port]) > 1 and breakouts.splits(parts[0]):
            return breakouts.legs(self.translation, port, [position])[0]
        return parts[0] if parts else None


def _outside(dump: Dump, key: Reference) -> str:
    row = dump.row(key.model, key.pk)
    if key.model == _FEED:
        return str(row.get("name") or key.pk)
    return dump.text(_CIRCUIT, row.get("circuit"), "cid") or str(key.pk)


def _ends(dump: Dump) -> dict[int, Sides]:
    """By cable, the ports at its ends A and B, in the order of their connectors."""
    found: dict[int, Sides] = {}
    for _, row in sorted(dump.rows(_ENDS).items()):
        key = dump.generic(row.get("termination_type"), row.get("termination_id"))
        if key is not None and row.get("cable_end") in ("A", "B"):
            end = End(key, row.get("connector") or 0, tuple(numbers(row.get("positions"))))
            found.setdefault(row["cable"], {}).setdefault(row["cable_end"], []).append(end)
    for pk, side, key in _older(dump):
        found.setdefault(pk, {}).setdefault(side, []).append(End(key))
    for sides in found.values():
        for ends in sides.values():
            ends.sort(key=lambda end: end.connector)
    return found


def _older(dump: Dump) -> Iterator[tuple[int, str, Reference]]:
    """Before NetBox 3.3 a cable had one port at each end, and named them."""
    for pk, row in dump.rows(CABLE).items():
        for side in ("a", "b"):
            key = dump.generic(row.get(f"termination_{side}_type"), row.get(f"termination_{side}_id"))
            if key is not None:
                yield pk, side.upper(), key
