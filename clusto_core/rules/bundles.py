"""Cables that join more than two parts: breakout cables, and trunks of several fibres.

The legs of a breakout cable are parts of their own, as switches have them, each in a cable of its own: `tor1:49/1` has
`kind=leg` and `parent=@tor1:49`, and the port itself is occupied. A socket of several fibres (MPO) is as many parts of
its panel, whose labels are its name and the position.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from clusto_core.drivers import registry
from clusto_core.drivers.parts import RearPort
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.model.attributes import Key, string
from clusto_core.model.interfaces import BROKEN_OUT, KIND, LEG, OCCUPIED, PARENT
from clusto_core.model.names import split_part
from clusto_core.model.ranges import MalformedRange, expand, fold, is_range
from clusto_core.model.reserved import NETWORK_LAST, NETWORK_TRIED
from clusto_core.model.things import Thing, in_order
from clusto_core.rules import sockets, things, values
from clusto_core.rules.cabling import Joined, connect, disconnect
from clusto_core.rules.lookup import resolve
from clusto_core.rules.parts import LABEL, LIMIT
from clusto_core.store.unit import UnitOfWork

# How makers name the legs of a port, and from which number on: Junos et-0/0/49:0, Cumulus swp49s0, others 49/1.
_LEG_NAMES = (
    (r"(?:et|xe|ge)-[0-9]+/[0-9]+/[0-9]+", ":{}", 0),
    (r"swp[0-9]+", "s{}", 0),
    (r"(?s).*", "/{}", 1),
)
_LEG = r"[/:.s-][0-9]{1,2}"


def join_all(unit: UnitOfWork, one: str | Thing, other: str | Thing, kind: str | None, breakout: bool) -> list[Joined]:
    """Joins what two ends mean, each a Thing, a part, a range of them or a socket of several fibres: one to one, or
    with `breakout` the legs of one port to several. A port whose breakout cable leads nowhere takes another cable.

    Raises Refused when they are not as many, and as `cabling.connect`; Malformed, NotFound.
    """
    left, right = (ends(unit, each, new_legs=breakout) for each in (one, other))
    if breakout:
        if len(left) == 1 < len(right):
            left = legs(unit, left[0], len(right))
        elif len(right) == 1 < len(left):
            right = legs(unit, right[0], len(left))
    else:
        for port in (*left, *right):
            if port.is_part and not any(unit.cable_of(leg) for leg in legs_of(unit, port)):
                make_whole(unit, port)
    if len(left) != len(right):
        what = "--breakout joins one port to several" if 1 in (len(left), len(right)) else "a cable joins two"
        raise Refused(f"{_told(one)} means {len(left)} and {_told(other)} {len(right)}: {what}")
    return [each for pair in zip(left, right, strict=True) for each in connect(unit, *pair, kind)]


def part_all(unit: UnitOfWork, one: str | Thing, other: str | Thing | None) -> list[Joined]:
    """Takes out the cables of what `one` means, or those to `other`; a port whose breakout cable goes is whole again.

    Raises Refused when there are none, Malformed, NotFound.
    """
    left = ends(unit, one)
    right = ends(unit, other) if other is not None else [None]
    if len(right) == 1:
        right *= len(left)
    if len(left) != len(right):
        raise Refused(f"{_told(one)} means {len(left)} and {_told(other or '')} {len(right)}: a cable joins two")
    return [each for here, there in zip(left, right, strict=True) for each in _part(unit, here, there)]


def _part(unit: UnitOfWork, one: Thing, other: Thing | None) -> list[Joined]:
    own = legs_of(unit, one) if one.is_part else []
    parted = [each for leg in own if unit.cable_of(leg) for each in _leg_parted(unit, leg, other)]
    if not own:
        parted = disconnect(unit, one, other)
    elif other is not None and not parted:
        raise Refused(f"{one.name} is not connected to {other.name}")
    if other is None:
        for port in [one] if one.is_part else unit.parts(one):
            make_whole(unit, port)
    return parted


def _leg_parted(unit: UnitOfWork, leg: Thing, other: Thing | None) -> list[Joined]:
    cable = unit.cable_of(leg)
    across = cable.across(leg.id) if cable is not None else None
    if other is None or (across is not None and other.id in (across, unit.by_id(across).entity_id)):
        return disconnect(unit, leg)
    return []


# --- what a text means -----------------------------------------------------------------------------------------------


def ends(unit: UnitOfWork, given: str | Thing, *, new_legs: bool = False) -> list[Thing]:
    """The Things and parts that one end of a connection means, in order. With `new_legs`, legs that are named and not
    there are made. Raises NotFound, Malformed."""
    if not isinstance(given, str) or not is_range(given):
        return _end(unit, given, new_legs)
    try:
        names = list(expand(given, LIMIT))
    except MalformedRange as error:
        raise Malformed(str(error)) from None
    return [each for name in names for each in _end(unit, name, new_legs)]


def _end(unit: UnitOfWork, given: str | Thing, new_legs: bool) -> list[Thing]:
    try:
        return [resolve(unit, given)]
    except NotFound:
        if not isinstance(given, str):
            raise
        if found := fibres(unit, given):
            return found
        if new_legs and (leg := _named_leg(unit, given)) is not None:
            return [leg]
        raise


def fibres(unit: UnitOfWork, text: str) -> list[Thing]:
    """The parts that a panel's socket of several fibres is, in order; the rear one where both sides have one."""
    owner_name, socket = split_part(text)
    owner = unit.get(owner_name) if socket else None
    if owner is None:
        return []
    found: dict[str, dict[int, Thing]] = {}
    for part in unit.parts(owner):
        for attribute in unit.attributes(part):
            if attribute.key == LABEL and attribute.value.text.startswith(f"{socket}:"):
                position = attribute.value.text.rpartition(":")[2]
                if attribute.value.text == f"{socket}:{position}" and position.isdecimal():
                    found.setdefault(part.driver, {})[int(position)] = part
    chosen = found.get(RearPort.__name__) or next(iter(found.values()), {})
    return [chosen[position] for position in sorted(chosen)]


def _told(given: str | Thing) -> str:
    return given if isinstance(given, str) else given.name


# --- legs ------------------------------------------------------------------------------------------------------------


def legs_of(unit: UnitOfWork, port: Thing) -> list[Thing]:
    """The legs of a port, in natural order."""
    found = [
        part
        for part in unit.parts(unit.by_id(port.entity_id))
        if any(each.key == PARENT and each.value.ref == port.id for each in unit.attributes(part))
        and sockets.kind(unit, part) == LEG
    ]
    return in_order(found)


def legs(unit: UnitOfWork, port: Thing, number: int) -> list[Thing]:
    """So many free legs of a port: those that it has, or else new ones. Raises Refused when they are not as many."""
    own = legs_of(unit, port)
    free = [leg for leg in own if unit.cable_of(leg) is None]
    if own:
        if len(free) < number:
            raise Refused(f"{port.name} has {len(own)} legs, {len(free)} of them free: {number} are needed")
        return free[:number]
    return _break_out(unit, port, list(_leg_names(port.part_name, number)))


def _leg_names(port: str, number: int) -> Sequence[str]:
    pattern, first = next((tail, first) for names, tail, first in _LEG_NAMES if re.fullmatch(names, port))
    return [port + pattern.format(each) for each in range(first, first + number)]


def _break_out(unit: UnitOfWork, port: Thing, names: Sequence[str]) -> list[Thing]:
    """Legs of these names, of a port that becomes occupied by them."""
    if not port.is_part or not sockets.is_interface(port):
        raise Refused(f"{port.name} is no network port: a breakout cable goes into one, and its legs into several")
    if (reason := sockets.occupied(unit, port)) is None or not reason.startswith(BROKEN_OUT):
        sockets.check(unit, port)
    if (cable := unit.cable_of(port)) is not None:
        across = unit.by_id(cable.across(port.id) or cable.thing)
        raise Refused(f"{port.name} is connected to {across.name}: disconnect it first")
    made = []
    for name in names:
        full = f"{port.owner_name}:{name}"
        leg = unit.get(full) or things.add_part(unit, registry.part(port.driver), full)
        values.put(unit, leg, KIND, [string(LEG)])
        values.put(unit, leg, PARENT, [values.relation(port)])
        made.append(leg)
    _occupy(unit, port)
    return made


def _occupy(unit: UnitOfWork, port: Thing) -> None:
    names = ",".join(fold([leg.part_name for leg in legs_of(unit, port)]))
    values.put(unit, port, OCCUPIED, [string(BROKEN_OUT + names)])


def _named_leg(unit: UnitOfWork, text: str) -> Thing | None:
    """The leg of that name, made new: of the port that its name begins with."""
    owner_name, name = split_part(text)
    owner = unit.get(owner_name)
    if owner is None or not name:
        return None
    ports = [part for part in unit.parts(owner) if name.startswith(part.part_name)]
    port = max(ports, key=lambda part: len(part.name), default=None)
    if port is None or re.fullmatch(_LEG, name[len(port.part_name) :]) is None:
        return None
    return _break_out(unit, port, [name])[0]


def make_whole(unit: UnitOfWork, port: Thing) -> None:
    """Takes the free legs of a port away that nothing else is known of; without any, it is occupied no longer."""
    if (reason := sockets.occupied(unit, port)) is None or not reason.startswith(BROKEN_OUT):
        return
    for leg in legs_of(unit, port):
        if unit.cable_of(leg) is None and not _own(unit, leg):
            things.remove(unit, leg)
    if legs_of(unit, port):
        _occupy(unit, port)
    else:
        values.put(unit, port, OCCUPIED, [])


def _own(unit: UnitOfWork, leg: Thing) -> set[Key]:
    """The keys of what is known of a leg besides that it is one, and what verbs noted of it."""
    return {each.key for each in unit.attributes(leg)} - {KIND, PARENT, LABEL, NETWORK_LAST, NETWORK_TRIED}
