"""Equipment: what stands in a datacenter, from the building down to the server."""

from __future__ import annotations

from typing import ClassVar

from clusto_core.drivers.base import Equipment, Parts
from clusto_core.drivers.parts import NIC, ConsolePort, FrontPort, Inlet, Outlet, Port, RackUnit, RearPort, SerialPort

_MANAGEMENT = Parts(NIC, "mgmt", 1)
_CONSOLE = Parts(SerialPort, "console", 1)
_ONE_FEED = Parts(Inlet, "psu{}", 1)
_TWO_FEEDS = Parts(Inlet, "psu{}", 2)


class Datacenter(Equipment):
    """A site."""

    within: ClassVar[tuple[str, ...]] = ("Category",)


class Room(Equipment):
    """A room of a site, or of another room."""

    within: ClassVar[tuple[str, ...]] = ("Category", "Datacenter", "Room")


class Cage(Equipment):
    """A fenced part of a room."""

    within: ClassVar[tuple[str, ...]] = ("Category", "Datacenter", "Room")


class Rack(Equipment):
    """A rack or cabinet; its rack units are numbered from the floor up."""

    within: ClassVar[tuple[str, ...]] = ("Category", "Datacenter", "Room", "Cage")
    parts = (Parts(RackUnit, "RU{}", 42),)


PLACES = (Datacenter, Room, Cage, Rack)
"""What a Thing can be in only one of, directly."""


class Mounted(Equipment):
    """Equipment that takes rack units."""

    group = True
    mountable = True


class Server(Mounted):
    """A computer."""

    parts = (Parts(NIC, "eth{}", 2, first=0), _TWO_FEEDS, _CONSOLE)


class Appliance(Mounted):
    """A closed box that is none of the others: storage, KVM, clock, UPS."""

    parts = (Parts(NIC, "eth{}", 1, first=0), _ONE_FEED)


class Switch(Mounted):
    """An Ethernet switch."""

    aliases = ("NetworkSwitch",)
    parts = (Parts(Port, "{}", 48), _TWO_FEEDS, _CONSOLE, _MANAGEMENT)


class Router(Mounted):
    """A router."""

    parts = (Parts(Port, "{}", 8), _TWO_FEEDS, _CONSOLE, _MANAGEMENT)


class Firewall(Mounted):
    """A firewall."""

    parts = (Parts(Port, "{}", 8), _TWO_FEEDS, _CONSOLE, _MANAGEMENT)


class LoadBalancer(Mounted):
    """A load balancer; the virtual addresses it serves are parts of it too."""

    parts = (Parts(NIC, "eth{}", 2, first=0), _TWO_FEEDS, _CONSOLE, _MANAGEMENT)


class ConsoleServer(Mounted):
    """A console server (terminal server): serial ports reached over the network."""

    aliases = ("Console",)
    parts = (Parts(ConsolePort, "{}", 48), _ONE_FEED, _MANAGEMENT)


class PDU(Mounted):
    """A power distribution unit; one whose own feed is recorded has an Inlet too (`--parts inlet=1`)."""

    aliases = ("PowerStrip",)
    parts = (Parts(Outlet, "{}", 24), _MANAGEMENT)


class PatchPanel(Mounted):
    """A patch panel: front n and rear n are one path."""

    parts = (Parts(FrontPort, "{}", 24), Parts(RearPort, "rear{}", 24))


class VirtualServer(Equipment):
    """A virtual machine; it is in the Server, or the Pool of Servers, that runs it."""

    within: ClassVar[tuple[str, ...]] = ("Category", "Datacenter", "Room", "Mounted", "VirtualServer")
    parts = (Parts(NIC, "eth{}", 1, first=0),)
