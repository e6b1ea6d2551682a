"""Which driver a classic one becomes, and how many ports it has: that stands in the classic classes only.

Sites have drivers of their own below the built-in ones, whose type they inherit; so the type decides where the driver
is not known. Ports: `_portmeta` of clusto 0.7.9's drivers, those of contrib/diggext too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from clusto_core.drivers import Driver, Part, registry
from clusto_core.errors import Malformed

if TYPE_CHECKING:
    from clusto_core.transfer.classic.rows import Entity

META = "clustometa"
"""The entity that classic clusto keeps its own numbers at."""

_DRIVERS: Mapping[str, str] = {
    "basicvirtualserver": "VirtualServer",
    "kvmvirtualserver": "VirtualServer",
    "xenvirtualserver": "VirtualServer",
    "ec2virtualserver": "VirtualServer",
    "ec2server": "VirtualServer",
    "basicfirewall": "Firewall",
    "basicloadbalancer": "LoadBalancer",
    "netscaler": "LoadBalancer",
    "ipmanager": "Network",
    "ec2ipmanager": "Network",
    "simplenamemanager": "NameRange",
    "simpleentitynamemanager": "NameRange",
    "simplenummanager": "NameRange",
    "vmmanager": "Pool",
    "ec2vmmanager": "Pool",
    "xenvmmanager": "Pool",
    "kvmvmmanager": "Pool",
}
_TYPES: Mapping[str, str] = {
    "server": "Server",
    "virtualserver": "VirtualServer",
    "networkswitch": "Switch",
    "powerstrip": "PDU",
    "consoleserver": "ConsoleServer",
    "firewall": "Firewall",
    "loadbalancer": "LoadBalancer",
    "appliance": "Appliance",
    "router": "Router",
    "rack": "Rack",
    "cage": "Cage",
    "datacenter": "Datacenter",
    "ec2region": "Datacenter",
    "zone": "Pool",
    "ec2zone": "Pool",
    "pool": "Pool",
    "exclusive_pool": "Pool",
    "unique_pool": "Pool",
}
EXCLUSIVE = ("exclusive_pool", "unique_pool")
"""Pools with a rule that clusto has not: a Thing is in no other one, or in one of a kind."""
PLAIN = (
    *("pool", "ipmanager", "simplenamemanager", "simpleentitynamemanager"),
    *("basicserver", "basicvirtualserver", "basicnetworkswitch", "basicpowerstrip", "basicconsoleserver"),
    *("basicfirewall", "basicloadbalancer", "basicappliance", "basicrack", "basicdatacenter", "basiccage"),
)
"""Drivers that say no more than what they become does."""

Ports = Mapping[str, int]
_SERVER: Ports = {"pwr-nema-5": 1, "nic-eth": 2, "console-serial": 1}
_TWO_FEEDS: Ports = {"pwr-nema-5": 2, "nic-eth": 2, "console-serial": 1}
_48_PORTS: Ports = {"pwr-nema-5": 1, "console-serial": 1, "nic-eth": 48}
_PORTS: Mapping[str, Ports] = {
    "basicserver": _SERVER,
    "basicvirtualserver": {"nic-eth": 1},
    "penguinserver2u": _TWO_FEEDS,
    "basicnetworkswitch": {"pwr-nema-5": 1, "nic-eth": 24},
    "cisco2960": _48_PORTS,
    "cisco3560": {**_48_PORTS, "nic-fiber10g": 4},
    "cisco4948": {**_48_PORTS, "nic-fiber10g": 2},
    "basicpowerstrip": {"pwr-nema-5": 8},
    "powertowerxm": {"pwr-nema-L5": 2, "pwr-nema-5": 16, "nic-eth": 1, "console-serial": 1},
    "basicconsoleserver": {"pwr-nema-5": 1, "nic-eth": 1, "console-serial": 24},
    "opengearcm4148": {"pwr-nema-5": 1, "nic-eth": 1, "console-serial": 48},
    "basicappliance": {"pwr-nema-5": 1, "nic-eth": 1, "console-serial": 1},
    "netscaler": {"pwr-nema-5": 1, "nic-eth": 8, "console-serial": 1},
}
_BY_TYPE: Mapping[str, Ports] = {
    "Server": _SERVER,
    "Switch": _PORTS["basicnetworkswitch"],
    "ConsoleServer": _PORTS["basicconsoleserver"],
    "Appliance": _PORTS["basicappliance"],
    "VirtualServer": _PORTS["basicvirtualserver"],
}


class Drivers:
    """What each classic driver becomes at a site. `own`: by the name of a classic driver or type, the driver that it
    becomes, empty for nothing at all; `ports`: by classic driver, its ports by type."""

    def __init__(self, own: Mapping[str, str] | None = None, ports: Mapping[str, Ports] | None = None) -> None:
        self._own = {classic: registry.get(driver) if driver else None for classic, driver in (own or {}).items()}
        self._ports = {**_PORTS, **(ports or {})}
        for classic, kind in self._own.items():
            if kind is not None and issubclass(kind, Part):
                raise Malformed(f"{classic} cannot become a {kind.__name__}, which is a part")

    def of(self, entity: Entity, hands_out: str | None = None) -> type[Driver] | None:
        """The driver that an entity gets; None for what becomes nothing. hands_out: the key of what a resource manager
        has given out. Raises Malformed for one that nobody has said anything of."""
        for word in (entity.driver, entity.type):
            if word in self._own:
                return self._own[word]
        if entity.driver == META:
            return None
        name = _DRIVERS.get(entity.driver) or _TYPES.get(entity.driver) or _TYPES.get(entity.type)
        if name is None and hands_out in ("vlan", "ip"):
            name = "Pool" if hands_out == "vlan" else "Network"
        if name is None:
            raise Malformed(
                f"the classic driver {entity.driver!a} (of type {entity.type!a}) has no counterpart: say what it "
                f'becomes (drivers = {{ {entity.driver} = "Server" }}, or --driver {entity.driver}=Server)'
            )
        return _driver(name)

    def ports(self, entity: Entity, kind: type[Driver]) -> Ports:
        """How many ports of each type an entity has by its class, as far as that is known."""
        known = self._ports.get(entity.driver)
        return known if known is not None else _BY_TYPE.get(kind.__name__, {})


@lru_cache
def _driver(name: str) -> type[Driver]:
    return registry.get(name)
