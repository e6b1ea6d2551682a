"""DHCP and TFTP for machines that are rebuilt over the network, as dnsmasq reads them: export only.

Every card with a MAC gets a `dhcp-host` line of its own, with its own addresses: two cards that are up at once must not
share one. A machine's own address goes to its first card. The first card that has an address is called by the machine's
name, others by that and the card's, as in a hosts file. Every Network with an IPv4 block has a `dhcp-range` that serves
known machines only. What dnsmasq would take for one (a MAC or an address of two machines, names that differ only in
case) is left out and told.

Boot loaders are chosen as dnsmasq(8) does, by the client's architecture (RFC 4578, IANA's registry of processor
architecture types): an iPXE that asks is sent to `boot.ipxe` over HTTP; a BIOS gets PXELINUX and an UEFI firmware GRUB,
over TFTP, and over HTTP where it boots that way. Which directory TFTP serves, and where iPXE and HTTP boot from, are
dnsmasq's own settings: they are written where `leaving` permits `rebuild.dir` and `rebuild.url`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network
from typing import NamedTuple, TextIO

from clusto_core.answers.recipes import Recipe, recipes
from clusto_core.answers.view import Spaces, whole
from clusto_core.drivers import Equipment
from clusto_core.drivers.resources import Network
from clusto_core.errors import NotFound
from clusto_core.model import addresses
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing
from clusto_core.rules.spaces import SPACE
from clusto_core.store.reader import Reader
from clusto_core.transfer.collisions import collisions, others
from clusto_core.transfer.leaving import SAFE, Leaving, comment

_CIDR, _GATEWAY = Key("cidr"), Key("gateway")
_ROOT, _URL = "rebuild.dir", "rebuild.url"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# What dnsmasq(8) takes for a lease time, an address or a word of its own where a name may stand in `dhcp-host`.
_NO_NAME = re.compile(r"(?i:ignore|infinite|[0-9.]+|[0-9]+[smhdw])")
_PLAIN = re.compile(r"[A-Za-z0-9_./:\[\]-]+")
# Tags by client architecture, and the loader that each is told: by TFTP (x64 has two numbers, since what RFC 4578 says
# and what firmware sends differ), and by HTTP (UEFI 2.5 and later).
_TFTP = {"efi64": ((7, 9), "bootnetx64.efi"), "arm64": ((11,), "bootnetaa64.efi")}
_HTTP = {"http64": (16, "bootnetx64.efi"), "httparm64": (19, "bootnetaa64.efi")}
_LOADERS = (
    "dhcp-match=set:ipxe,175",
    # iPXE waits seconds for other servers' answers unless it is told that there are none (its option no-pxedhcp).
    "dhcp-option=encap:175,176,1b",
    *(f"dhcp-match=set:{tag},option:client-arch,{arch}" for tag, (archs, _) in _TFTP.items() for arch in archs),
    *(f"dhcp-match=set:{tag},option:client-arch,{arch}" for tag, (arch, _) in _HTTP.items()),
    f"dhcp-boot=tag:!ipxe,{','.join(f'tag:!{tag}' for tag in (*_TFTP, *_HTTP))},pxelinux.0",
    *(f"dhcp-boot=tag:!ipxe,tag:{tag},{loader}" for tag, (_, loader) in _TFTP.items()),
)


class _Host(NamedTuple):
    """One card: whose, what it is called, its MAC and its addresses."""

    machine: str
    name: str
    mac: str
    addresses: tuple[str, ...]

    @property
    def line(self) -> str:
        return ",".join([f"dhcp-host={self.mac}", *map(_bracketed, self.addresses), self.name])


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """The lines for these Things; those that cannot boot or hold addresses are passed over."""
    chosen = whole(reader, things)
    machines = [thing for thing in chosen if thing.is_a(Equipment)]
    out.write("# Written by clusto export --format dnsmasq. Machines that are not named here get no answer.\n")
    networks = [thing for thing in chosen if thing.is_a(Network)]
    out.writelines(f"{line}\n" for line in _networks(reader, networks, leaving.spaces))
    roots: set[str] = set()
    urls: set[str] = set()
    hosts: list[_Host] = []
    told: list[str] = []
    for found in recipes(reader, machines, leaving.spaces):
        if isinstance(found, NotFound):
            told.append(str(found))
            continue
        hosts += _hosts(found, told)
        if found.macs:
            roots.update(filter(None, [found.values.written(_ROOT)]))
            urls.update(filter(None, [found.values.written(_URL)]))
    out.writelines(f"{line}\n" for line in _LOADERS)
    leaving.leave_out("dnsmasq", [key for key, values in ((_ROOT, roots), (_URL, urls)) if values], out)
    for url in sorted(urls) if leaving.permits(_URL) else ():
        if _PLAIN.fullmatch(url) and len(urls) == 1:
            out.write(f"dhcp-boot=tag:ipxe,{url}/boot.ipxe\n")
            for tag, (_, loader) in _HTTP.items():
                # A firmware takes an answer for one to its HTTP boot only with this vendor class (UEFI 2.10, 24.7.3).
                out.write(f"dhcp-option-force=tag:!ipxe,tag:{tag},60,HTTPClient\n")
                out.write(f"dhcp-boot=tag:!ipxe,tag:{tag},{url}/{loader}\n")
        else:
            out.write(f"# rebuild.url {_comment(url)}: say which machines boot from it with a tag\n")
    for root in sorted(roots) if leaving.permits(_ROOT) else ():
        if root.startswith("/") and _PLAIN.fullmatch(root) and len(roots) == 1:
            out.write(f"enable-tftp\ntftp-root={root}\n")
        else:
            out.write(f"# rebuild.dir {_comment(root)}: TFTP is served from one local directory\n")
    out.writelines(map(comment, told))
    out.writelines(_lines(hosts))


def _networks(reader: Reader, networks: Iterable[Thing], spaces: Spaces) -> Iterator[str]:
    first: dict[object, str] = {}
    for thing in networks:
        own = reader.attributes(thing.id)
        if spaces is not None and next((each.value.ref for each in own if each.key == SPACE), None) not in spaces:
            continue
        values = {each.key: each.value.text for each in own}
        try:
            block = ip_network(values.get(_CIDR, ""), strict=False)
        except ValueError:
            yield f"# {thing.name}: no block of addresses (attribute cidr)"
            continue
        if (other := first.setdefault(block, thing.name)) != thing.name:
            yield f"# {thing.name}: left out, {other} is {block} too, in another address space (--vrf)"
            continue
        if block.version == 6:
            yield f"dhcp-range={block.network_address},ra-only"
            continue
        tag = re.sub("[^A-Za-z0-9]", "-", thing.name)
        yield f"dhcp-range=set:{tag},{block.network_address},static,{block.netmask}"
        gateway = addresses.parse(values.get(_GATEWAY, ""))
        if gateway is not None:
            yield f"dhcp-option=tag:{tag},option:router,{gateway}"


def _hosts(found: Recipe, told: list[str]) -> Iterator[_Host]:
    """The cards of a machine; `told` gets a line for what cannot be one."""
    name = found.thing.name
    if not _NAME.fullmatch(name) or _NO_NAME.fullmatch(name):
        told.append(f"{_comment(name)} cannot be a host's name")
        return
    own = {card: _usable(found.held.get(card, ())) for card in found.macs}
    if not any(own.values()) and found.macs:
        own[next(iter(found.macs))] = _usable(found.held.get(None, ()))
    first = next((card for card, held in own.items() if held), next(iter(own), None))
    for card, mac in found.macs.items():
        digits = addresses.parse_mac(mac)
        if digits is None:
            told.append(f"{name}: malformed MAC address {_comment(mac)}")
            continue
        called = name if card == first else f"{name}-{re.sub('[^A-Za-z0-9]+', '-', card).strip('-')}"
        yield _Host(name, called, addresses.mac_spellings(digits)[0], own[card])


def _usable(held: Iterable[str]) -> tuple[str, ...]:
    """The first address of each version."""
    parsed = {each.version: str(each) for text in reversed(tuple(held)) if (each := addresses.parse(text)) is not None}
    return tuple(parsed[version] for version in sorted(parsed))


def _lines(hosts: Sequence[_Host]) -> Iterator[str]:
    by_mac = collisions((host.mac, host.name) for host in hosts)
    by_address = collisions((address, host.name) for host in hosts for address in host.addresses)
    by_name = collisions((host.name.casefold(), f"{host.machine} ({host.mac})") for host in hosts)
    for host in hosts:
        reasons = [f"{host.mac} is also that of {each}" for each in [others(by_mac, host.mac, host.name)] if each]
        shared = [(address, others(by_address, address, host.name)) for address in host.addresses]
        reasons += [f"{address} is also that of {each}" for address, each in shared if each]
        alike = others(by_name, host.name.casefold(), f"{host.machine} ({host.mac})")
        reasons += [f"its name is also, but for case, that of {alike}"] if alike else []
        yield comment(f"{host.name}: left out, {'; '.join(reasons)}") if reasons else f"{host.line}\n"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _comment(text: str) -> str:
    return repr(text[:100])
