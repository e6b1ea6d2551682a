"""What the resource managers of a classic clusto give out: addresses, names, numbers, VLANs.

What an entity was given is an attribute of its own, `KEY#NUMBER`, beside `KEY#NUMBER.manager`, which names the manager.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from clusto_core.transfer.classic.rows import OFFSET, Content, Entity, Row
from clusto_core.transfer.classic.state import ADDRESS, MANAGER, State

VLAN = "vlan"
_NUMBERS = "simplenummanager"
_NAME_KEYS = ("simplename", "simplenum")
_MOST = 10_000
"""How many names are remembered as given out one by one."""
_UNBOUNDED = 999_999


def managers(content: Content) -> dict[int, str]:
    """The key of what each resource manager has ever given out, by its id: that tells what it is of where its driver is
    a site's own, whether or not somebody has such a thing at the moment."""
    found: dict[int, str] = {}
    for row in content.rows:
        if row.subkey == MANAGER and row.relation is not None:
            found.setdefault(row.relation, row.key)
    return found


def given(state: State, manager: int) -> Iterator[tuple[Row, Any]]:
    """What a manager has given out: the row that names the manager, and the value."""
    for row in state.naming(manager, subkey=MANAGER):
        for value in (each for each in state.own(row.entity) if (each.key, each.number) == (row.key, row.number)):
            if value.subkey is None:
                yield row, value.value


def is_given_out(row: Row) -> bool:
    """Whether a row says who gave something out, of what is kept in clusto's own way."""
    return row.subkey == MANAGER and row.key in (ADDRESS, VLAN, *_NAME_KEYS)


def network(state: State, entity: int) -> dict[str, Any]:
    """The `cidr` and `gateway` of an IP manager; empty without a base address."""
    base, mask = state.value(entity, "baseip", "property"), state.value(entity, "netmask", "property")
    found: dict[str, Any] = {}
    try:
        if base:
            found["cidr"] = str(ipaddress.ip_network(f"{base}/{mask}" if mask else str(base), strict=False))
    except ValueError:
        return {}
    return found


def address(value: object) -> str | None:
    """The address that an IP manager's number stands for; None where it is none."""
    if isinstance(value, int) and -OFFSET <= value < OFFSET:
        return str(ipaddress.IPv4Address(value + OFFSET))
    return None


def name_range(state: State, entity: Entity) -> dict[str, Any]:
    """The `pattern` of a manager of names or numbers, and under `_given` what it has given out. Where that is too many,
    the pattern begins behind it."""
    first = _integer(state, entity.id, "next", 0 if entity.driver == _NUMBERS else 1)
    following = state.content.counters.get((entity.id, "next"), first)
    base, width = str(state.value(entity.id, "basename", "property") or ""), 0
    if entity.driver == _NUMBERS:
        last = _integer(state, entity.id, "maxnum", 0) or _UNBOUNDED
    else:
        digits = min(max(_integer(state, entity.id, "digits", 2), 1), 9)
        last = 10**digits - 1
        width = digits if _integer(state, entity.id, "leadingZeros", 1) else 0
    many = following - first > _MOST
    begin = min(following if many else first, last)
    spelled = [str(number).rjust(width, "0") for number in (begin, last)]
    names = {f"{base}{str(number).rjust(width, '0')}" for number in range(first, first if many else following)}
    names |= {str(value) for row, value in given(state, entity.id) if row.key in _NAME_KEYS and value is not None}
    return {"pattern": f"{base}[{'-'.join(spelled)}]", "_given": sorted(names)}


def _integer(state: State, entity: int, key: str, usual: int) -> int:
    found = state.value(entity, key, "property")
    return found if isinstance(found, int) and found >= 0 else usual


def vlans(state: State, manager: int) -> list[int]:
    """The VLANs that a manager has given out, each once."""
    every = {_vid(value) for row, value in given(state, manager) if row.key == VLAN}
    return sorted(each for each in every if each is not None)


def _vid(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and 1 <= int(text) <= 4094 else None


def vlan_of(state: State, row: Row) -> tuple[int, int] | None:
    """The manager and the id of the VLAN that a row gives to its entity; None where it gives none."""
    vid = _vid(row.value) if row.key == VLAN and row.subkey is None else None
    if vid is None:
        return None
    for each in state.own(row.entity):
        if (each.key, each.number, each.subkey) == (VLAN, row.number, MANAGER) and each.relation in state.entities:
            return each.relation or 0, vid
    return None
