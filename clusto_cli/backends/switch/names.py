"""Names of ports: what the inventory calls a port and what the switch calls it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from clusto_cli.backends.errors import NoSuchPort
from clusto_cli.backends.switch.model import PortState

# What Comware and VRP call their ports in tables, beside the words that they are shortened from otherwise.
_SHORT = {
    "ge": ("gigabitethernet",),
    "xge": ("ten-gigabitethernet", "xgigabitethernet"),
    "wge": ("twenty-fivegige",),
    "fge": ("fortygige",),
    "hge": ("hundredgige",),
    "mge": ("m-gigabitethernet", "multige"),
    "bagg": ("bridge-aggregation",),
    "ragg": ("route-aggregation",),
}
_AGGREGATE = re.compile(
    r"(?i)(?:ae|po|port-?channel|trk|trunk|lag|lg|bond|team|bagg|bridge-aggregation|eth-trunk|ch|static) ?\d+"
)
_NUMBERS = re.compile(r"[0-9]+(?:[/:][0-9]+)*")
_PARTS = re.compile(r"^([A-Za-z][A-Za-z .-]*?)[ -]?(\d.*)$")


def same_port(one: str, other: str) -> bool:
    """Whether two names mean one port: `Gi1/0/4` and `GigabitEthernet1/0/4` do, `Te1/0/4` is another.

    Switches shorten the words of a name, never its numbers.
    """
    one, other = one.strip().casefold(), other.strip().casefold()
    if one == other:
        return True
    left, right = _PARTS.match(one), _PARTS.match(other)
    if not left or not right or left[2] != right[2]:
        return False
    short, long = sorted((left[1], right[1]), key=len)
    return (len(short) >= 2 and long.startswith(short)) or long in _SHORT.get(short, ())


def with_sockets(ports: Mapping[str, PortState], sockets: Mapping[str, PortState]) -> dict[str, PortState]:
    """The ports with what a listing of all interfaces adds: descriptions, links, and sockets that are in no VLAN."""
    found = dict(ports)
    for name, socket in sockets.items():
        same = name if name in found else next((port for port in found if same_port(port, name)), None)
        if same is None:
            found[name] = socket
            continue
        port = found[same]
        link = socket.link if port.link is None else port.link
        found[same] = replace(port, link=link, description=port.description or socket.description)
    return found


def is_aggregate(name: str) -> bool:
    """Whether a port goes by the name of an aggregate of others: whoever is seen on it is on one of its members."""
    return _AGGREGATE.fullmatch(name.strip()) is not None


def may_mean(wanted: str, name: str) -> bool:
    """Whether the inventory's `wanted` may be the switch's port `name`: `same_port`, or its number at the end; of a leg
    of a breakout cable its port's number too (`49/1`).

    A number is never an aggregate's: port 1 is not Trk1, though it may be a member of it.
    """
    if same_port(wanted, name):
        return True
    if not _NUMBERS.fullmatch(wanted):
        return False
    number = str(int(wanted)) if wanted.isdigit() else wanted
    return re.search(rf"(?<!\d){re.escape(number)}$", name) is not None and not is_aggregate(name)


def find_port(wanted: str, names: Mapping[int, str], descriptions: Mapping[int, str]) -> int:
    """The ifIndex of the port that the inventory calls `wanted`.

    Looks at ifName, then at ifDescr, each exactly and then shortened, then, for a bare number, for the only port whose
    name ends in it. NoSuchPort when there is none, or more than one, naming them.
    """
    for table in (names, descriptions):
        for same in (_equal, same_port):
            found = [index for index, name in table.items() if same(name, wanted)]
            if len(found) == 1:
                return found[0]
            if found:
                raise NoSuchPort(f"several ports are called {wanted}: set the part's label to one of {_listed(found)}")
    if _NUMBERS.fullmatch(wanted):
        table = names or descriptions
        ends = [index for index, name in table.items() if may_mean(wanted, name)]
        if len(ends) == 1:
            return ends[0]
        if ends:
            several = ", ".join(sorted(table[index] for index in ends)[:6])
            raise NoSuchPort(f"port {wanted} could be any of {several}: set the part's label")
    raise NoSuchPort(f"the switch has no port called {wanted}")


def _equal(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _listed(indexes: Iterable[int]) -> str:
    return ", ".join(f"ifIndex {index}" for index in sorted(indexes))
