"""Network interfaces: which have a socket that a cable fits into, and which serve management alone.

An interface says what it is by its attribute `kind`; else its `connector`, as NetBox has it, says it; else its name
does, as Linux and the makers of switches call what is in software. All of it is about one part, without a store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from clusto_core.model.attributes import Key
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from clusto_core.model.things import Attribute

KIND = Key("kind")
PARENT = Key("parent")
"""The part that a part is of: of a sub-interface the interface, of a leg the port that its breakout cable is in."""
MGMT_ONLY = Key("mgmt_only")
OCCUPIED = Key("occupied")
"""Why no cable may go into a part that has none of ours: a circuit, a cable that is planned or not yet taken out."""
BROKEN_OUT = "broken out into "
"""How it begins of a port that has legs."""
CONNECTOR = Key("connector")

PHYSICAL, LEG, SUB, VLAN, LAG, BRIDGE, WIRELESS, VIRTUAL = KINDS = (
    *("physical", "leg", "sub", "vlan", "lag", "bridge", "wireless", "virtual"),
)
WHAT = {
    SUB: "a sub-interface",
    VLAN: "a VLAN interface",
    LAG: "a link aggregation",
    BRIDGE: "a bridge",
    WIRELESS: "a wireless interface",
    VIRTUAL: "a virtual interface",
}
"""The kinds without a socket, as they are told."""

# Compiled when they are first needed, and not to draw a rack.
# NetBox, dcim/choices.py: the interface types of the groups virtual, wireless and cellular.
_CONNECTORS = (
    r"(?P<virtual>virtual)|(?P<lag>lag)|(?P<bridge>bridge)"
    r"|(?P<wireless>ieee802\.1[15].*|other-wireless|gsm|cdma|lte|4g|5g)"
)
# Linux (systemd.net-naming-scheme(7), ip-link(8)), IOS, NX-OS, EOS, Junos, EXOS.
_NAMES = (
    r"(?i)(?P<lag>(?:bond|team|po|port-?channel|bundle-ether|ae|lag|trk)-?[0-9]+)"
    r"|(?P<vlan>(?:vlan|vlanif|svi|irb|bdi|bvi)[-_.]?[0-9]+)"
    r"|(?P<bridge>(?:br|virbr|vmbr|xenbr|docker|lxcbr|lxdbr)-?[0-9]+|br-[0-9a-z-]+)"
    r"|(?P<wireless>wlan[0-9]+|wl[px][0-9a-z]+|cellular[0-9/]+|wwan[0-9]+)"
    r"|(?P<virtual>lo[0-9]*|loopback[0-9]+|(?:tun|tap|dummy|veth|vxlan|nve|gre|sit|wg|ifb|vti|vrf|tunnel|null)[-_]?[0-9]+)"
)
# Baseboard controllers as their makers call them, and management ports of switches (NX-OS, EOS, IOS XR, Junos).
_MANAGEMENT = (
    r"(?i)(?:mgmt|mgt|management|mgmteth|oob|bmc|ipmi|ipmi-?lan|ilo|ilom|i?drac|imm|xcc|xclarity|cimc|irmc|fxp|vme|me)"
    r"[-_.:]?[0-9]*(?:/[0-9a-z]+)*"
)
_SUB = r"(?P<parent>.+)[.][0-9]{1,4}"


class Interface(NamedTuple):
    """What is said about one interface: see the keys."""

    kind: str
    connector: str
    mgmt_only: str
    occupied: str


NOTHING = Interface("", "", "", "")
_FIELDS = {KIND.key: 0, CONNECTOR.key: 1, MGMT_ONLY.key: 2, OCCUPIED.key: 3}


def said(attributes: Iterable[Attribute]) -> Interface:
    """What the attributes of a part say; empty where they do not."""
    found: list[str] | None = None
    for attribute in attributes:
        key, number, subkey = attribute.key
        if key in _FIELDS and number is None and subkey is None:
            found = found or [*NOTHING]
            found[_FIELDS[key]] = attribute.value.text
    return Interface(*found) if found else NOTHING


@lru_cache(10_000)
def kind_of_connector(connector: str) -> str:
    """The kind of an interface with that NetBox type; empty for those with a socket."""
    found = re.fullmatch(_CONNECTORS, connector)
    return found.lastgroup or "" if found else ""


@lru_cache(10_000)
def kind_of_name(name: str) -> str:
    """The kind that an interface's name tells; empty where it tells none."""
    found = re.fullmatch(_NAMES, name)
    return found.lastgroup or "" if found else ""


@lru_cache(10_000)
def parent_of_name(name: str) -> str:
    """`eth0` for `eth0.100`, a sub-interface where there is such a part; empty for other names."""
    found = re.fullmatch(_SUB, name)
    return found["parent"] if found else ""


@lru_cache(10_000)
def is_management_name(name: str) -> bool:
    """Whether an interface is called as those that serve management alone: mgmt, bmc, iDRAC, Management1."""
    return re.fullmatch(_MANAGEMENT, name) is not None


def kind(name: str, told: Interface, has: Callable[[str], bool]) -> str:
    """What an interface is: one of KINDS. `has` says whether its owner has a part of some name."""
    if told.kind:
        return told.kind
    if told.connector and told.connector != "other":
        return kind_of_connector(told.connector) or PHYSICAL
    return kind_of_name(name) or (SUB if (parent := parent_of_name(name)) and has(parent) else PHYSICAL)


def has_socket(kind: str) -> bool:
    """Whether a cable fits into interfaces of a kind."""
    return kind not in WHAT


def is_management(name: str, told: Interface) -> bool:
    """Whether an interface serves management alone: nothing is connected to it, nor booted from it, by itself."""
    return told.mgmt_only == "true" if told.mgmt_only else is_management_name(name)
