"""Which addresses may be asked: those inside Networks of the inventory, and those that the operator allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from clusto_core.answers.devicesettings import DeviceSettings, settings_of_networks
from clusto_core.boundary import destinations, permissions
from clusto_core.errors import Malformed, Refused
from clusto_core.model import addresses
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.files import opened

GROUPS = ("snmp", "bmc", "ssh")
MOST = 65_536
"""Addresses that one command asks."""
_CIDR, _RESERVED = Key("cidr"), Key("reserved")

Block = IPv4Network | IPv6Network


class Scope:
    """The Networks of an inventory, and what is allowed besides."""

    def __init__(self, reader: Reader) -> None:
        self._networks: list[tuple[Block, Thing]] = []
        things = {thing.id: thing for thing in reader.all(["Network"])}
        for id, values in reader.values_under(_CIDR, list(things)).items():
            for value in values:
                self._networks.append((ip_network(value.text, strict=False), things[id]))
        # Of several that have an address the smallest says how what is there is asked.
        self._networks.sort(key=lambda each: -each[0].prefixlen)
        self._allowed = permissions.in_force().networks
        self._settings = settings_of_networks(reader, things.values(), GROUPS) if things else {}

    def network_of(self, address: str) -> Thing | None:
        """The smallest Network that has an address."""
        found = ip_address(address)
        return next((thing for block, thing in self._networks if found in block), None)

    def is_within(self, address: str) -> bool:
        """Whether an address may be asked."""
        return self.network_of(address) is not None or destinations.permitted(address, self._allowed)

    def settings(self, address: str) -> DeviceSettings:
        """How what is at an address is asked."""
        network = self.network_of(address)
        known = self._settings[network.id] if network is not None else DeviceSettings.plain({})
        return known.at(address, network)

    def hosts(self, network: Thing) -> list[str]:
        """All addresses that a device of a Network may have. Raises Malformed, Refused for too many."""
        blocks = [block for block, thing in self._networks if thing == network]
        if not blocks:
            raise Malformed(f"{network.name} has no block of addresses (attribute cidr)")
        if sum(block.num_addresses for block in blocks) > MOST:
            raise Refused(
                f"{network.name} has more than {MOST:,} addresses: name a smaller Network, or a file of addresses"
            )
        return [str(address) for block in blocks for address in block.hosts()]

    def checked(self, wanted: Iterable[str]) -> list[str]:
        """Addresses of a file, in order. Raises Refused where none may be asked, or one may not."""
        found = list(dict.fromkeys(wanted))
        outside = [address for address in found if not self.is_within(address)]
        if outside:
            more = f" (and {len(outside) - 3} more)" if len(outside) > 3 else ""
            raise Refused(
                f"{', '.join(outside[:3])}{more}: in no Network of the inventory, and not allowed"
                " (clusto config allow network ADDRESS)"
            )
        if len(found) > MOST:
            raise Refused(f"more than {MOST:,} addresses")
        return found


def listed(path: str) -> Iterator[str]:
    """The addresses of a file, one or more a line, without comments. Raises NotFound, Malformed."""
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            for word in line.partition("#")[0].replace(",", " ").split():
                address = addresses.parse(word)
                if address is None:
                    raise Malformed(f"{path}:{number}: not an IP address: {word[:60]!a}")
                yield str(address)
