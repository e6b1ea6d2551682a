"""Cables: which parts they join, and what they lead to that has no place in clusto."""

from __future__ import annotations

from collections import Counter
from typing import Any

from clusto_core.model import wiring
from clusto_core.transfer.netbox.dump import Dump, Reference, Row
from clusto_core.transfer.netbox.translation import MadePart, Translation

CABLE = "dcim.cable"
_ENDS = "dcim.cabletermination"
_TERMINATION = "circuits.circuittermination"
_CIRCUIT = "circuits.circuit"
_FEED = "dcim.powerfeed"
_OUTSIDE = {_TERMINATION: ("circuit", "circuits"), _FEED: ("power_feed", "power feeds")}
"""What a cable may lead to that is no part: under which attribute the part at the other end keeps it."""


def translate(translation: Translation) -> None:
    """Joins the parts at the two ends of every cable that is laid; a circuit with both its ends is one cable."""
    dump = translation.dump
    ends = _ends(dump)
    skipped: Counter[str] = Counter()
    circuits: dict[int, dict[str, list[Reference]]] = {}
    for pk, row in sorted(dump.rows(CABLE).items()):
        if row.get("status") not in (None, "", "connected"):
            skipped[f"{row['status']}: not laid"] += 1
            continue
        near, far = ends.get(pk, {}).get("A", []), ends.get(pk, {}).get("B", [])
        if not near or not far:
            skipped["with one end only"] += 1
        elif any(key.model in _OUTSIDE for key in (*near, *far)):
            _lead_outside(translation, near, far, circuits, skipped)
        else:
            _join(translation, row, near, far, skipped)
    for _, sides in sorted(circuits.items()):
        if len(sides) == 2:
            _join(translation, {}, sides["A"], sides["Z"], skipped)
        else:
            skipped["to circuits of which the other end is not known: kept as an attribute of the part"] += 1
    for reason, count in sorted(skipped.items()):
        translation.remarks.append(f"{count} cables are left out, {reason}")
    translation.used |= {CABLE, _ENDS, "dcim.cablepath", _TERMINATION, _CIRCUIT}


def _lead_outside(
    translation: Translation,
    near: list[Reference],
    far: list[Reference],
    circuits: dict[int, dict[str, list[Reference]]],
    skipped: Counter[str],
) -> None:
    """Notes at a part what its cable leads to, and by circuit and side which ports are at its ends."""
    for one, other in ((near, far), (far, near)):
        ports = [key for key in one if key.model not in _OUTSIDE]
        for across in other:
            if across.model not in _OUTSIDE:
                continue
            attribute, _ = _OUTSIDE[across.model]
            called = _outside(translation.dump, across)
            for key in ports:
                for part in translation.parts.get(key, ()):
                    translation.part_attrs(part.owner, part.name, {attribute: called})
            row = translation.dump.row(across.model, across.pk)
            if across.model == _TERMINATION and ports and isinstance(row.get("circuit"), int):
                circuits.setdefault(row["circuit"], {})[str(row.get("term_side"))] = ports
            else:
                skipped[f"to {_OUTSIDE[across.model][1]}: kept as an attribute of the part"] += 1


def _outside(dump: Dump, key: Reference) -> str:
    row = dump.row(key.model, key.pk)
    if key.model == _FEED:
        return str(row.get("name") or key.pk)
    return dump.text(_CIRCUIT, row.get("circuit"), "cid") or str(key.pk)


def _ends(dump: Dump) -> dict[int, dict[str, list[Reference]]]:
    """By cable, the ports at its ends A and B."""
    found: dict[int, dict[str, list[Reference]]] = {}
    for _, row in sorted(dump.rows(_ENDS).items()):
        key = dump.generic(row.get("termination_type"), row.get("termination_id"))
        if key is not None and row.get("cable_end") in ("A", "B"):
            found.setdefault(row["cable"], {}).setdefault(row["cable_end"], []).append(key)
    for pk, row in dump.rows(CABLE).items():  # before NetBox 3.3 a cable had one port at each end, and named them
        for side in ("a", "b"):
            key = dump.generic(row.get(f"termination_{side}_type"), row.get(f"termination_{side}_id"))
            if key is not None:
                found.setdefault(pk, {}).setdefault(side.upper(), []).append(key)
    return found


def _join(
    translation: Translation, row: Row, near: list[Reference], far: list[Reference], skipped: Counter[str]
) -> None:
    """Joins port with port in order, of rear ports position with position."""
    if len(near) != len(far):
        skipped["ends beyond those that the other side has"] += abs(len(near) - len(far))
    for one, other in zip(near, far, strict=False):
        left, right = translation.parts.get(one, []), translation.parts.get(other, [])
        if not left or not right:
            missing = one if not left else other
            skipped[f"to a {missing.model}, which is no part"] += 1
            continue
        for a, b in zip(left, right, strict=False):
            if wiring.cable_kind(a.driver, b.driver) is None:
                skipped[f"from a {a.driver.__name__} to a {b.driver.__name__}, which do not fit"] += 1
                continue
            _connect(translation, a, b)
            attrs = {f"cable.{field}": row.get(field) for field in ("label", "type", "color", "description")}
            if row.get("length") and row.get("length_unit"):
                attrs["cable.length"] = f"{float(row['length']):g} {row['length_unit']}"
            translation.part_attrs(a.owner, a.name, attrs)


def _connect(translation: Translation, a: MadePart, b: MadePart) -> None:
    data: dict[str, Any] = translation.things[a.owner]
    data.setdefault("connect", {})[a.name] = f"{b.owner}:{b.name}"
