"""What was seen, as it was said: plain records, of which `reasoning` makes a proposal.

`at` is who said it: the name of a Thing, or the address of what is no Thing yet. Texts are a device's own words without
control characters; MAC addresses are spelled `52:54:00:00:00:01`.
"""

from __future__ import annotations

from typing import NamedTuple

from clusto_core.answers.hardware import Said


class Identity(NamedTuple):
    """What a device says of itself over SNMP. switch, pdu: the profile that it is recognised by, empty where by none.
    ports: the names of what has a socket, of a switch; outlets: of a PDU.
    """

    at: str
    address: str
    name: str = ""
    serial: str = ""
    maker: str = ""
    model: str = ""
    macs: tuple[str, ...] = ()
    switch: str = ""
    pdu: str = ""
    ports: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()


class Surveyed(NamedTuple):
    """A switch whose neighbours and learned addresses were read."""

    at: str


class Heard(NamedTuple):
    """Who announces himself on a switch's port (LLDP, CDP): as `backends.switch.model.Neighbour` has it."""

    at: str
    port: str
    system: str
    remote_port: str = ""
    remote_description: str = ""
    chassis: str = ""
    passes_on: bool | None = None


class Learned(NamedTuple):
    """An address that a switch has learned on a port."""

    at: str
    port: str
    mac: str
    vlan: int | None = None


class Resolved(NamedTuple):
    """An IP address and the MAC that a device resolves it to (ARP, neighbour discovery)."""

    at: str
    address: str
    mac: str


class Lease(NamedTuple):
    """An address that a DHCP server has lent: by which file, to which MAC, and what its client calls itself."""

    at: str
    address: str
    mac: str
    host: str = ""


class Controller(NamedTuple):
    """A Redfish service that answers, and what it says to everybody."""

    at: str
    address: str
    vendor: str = ""
    product: str = ""
    uuid: str = ""


class Machine(NamedTuple):
    """What a management controller says of its machine."""

    at: str
    address: str
    said: Said
    bmc_macs: tuple[str, ...] = ()
    hears: tuple[tuple[str, str, str], ...] = ()
    """MAC of a port, and system and port of who is heard there by LLDP."""


class HostKey(NamedTuple):
    """The key by which an SSH server proves who it is."""

    at: str
    address: str
    kind: str
    fingerprint: str


class Label(NamedTuple):
    """What somebody wrote on an outlet, in its PDU. part: the outlet in the inventory, empty where it is not there."""

    at: str
    outlet: str
    text: str
    part: str = ""


class Banner(NamedTuple):
    """The host name that came back on a console server's port. part: the port's name in the inventory."""

    at: str
    part: str
    host: str


Evidence = Identity | Surveyed | Heard | Learned | Resolved | Lease | Controller | Machine | HostKey | Label | Banner


class Failure(NamedTuple):
    """Who could not be asked, and why. switch: what it would have said of the wiring is missing."""

    at: str
    text: str
    switch: bool = False


class Found(NamedTuple):
    """All that was seen, and who could not be asked."""

    evidence: tuple[Evidence, ...]
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
