"""DHCP and TFTP for machines that are rebuilt over the network, as dnsmasq reads them: export only.

Every machine with a MAC gets a `dhcp-host` line, with its name and, where it has one, its address; every Network with
an IPv4 block a `dhcp-range` that serves known machines only. Boot loaders are chosen as dnsmasq(8) does: an iPXE that
asks is sent to `boot.ipxe` over HTTP; a BIOS gets PXELINUX and an UEFI firmware GRUB, over TFTP. Which directory TFTP
serves, and where iPXE boots from, are dnsmasq's own settings: they are written where `leaving` permits `rebuild.dir`
and `rebuild.url`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import TextIO

from clusto_core.answers.recipes import recipes
from clusto_core.answers.view import whole
from clusto_core.drivers import Equipment
from clusto_core.drivers.resources import Network
from clusto_core.errors import NotFound
from clusto_core.model import addresses
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.leaving import SAFE, Leaving, comment

_CIDR, _GATEWAY = Key("cidr"), Key("gateway")
_ROOT, _URL = "rebuild.dir", "rebuild.url"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# What dnsmasq(8) takes for a lease time, an address or a word of its own where a name may stand in `dhcp-host`.
_NO_NAME = re.compile(r"(?i:ignore|infinite|[0-9.]+|[0-9]+[smhdw])")
_PLAIN = re.compile(r"[A-Za-z0-9_./:\[\]-]+")
_LOADERS = (
    "dhcp-match=set:ipxe,175",
    # iPXE waits seconds for other servers' answers unless it is told that there are none (its option no-pxedhcp).
    "dhcp-option=encap:175,176,1b",
    "dhcp-match=set:efi64,option:client-arch,7",
    "dhcp-match=set:efi64,option:client-arch,9",
    "dhcp-boot=tag:!ipxe,tag:!efi64,pxelinux.0",
    "dhcp-boot=tag:!ipxe,tag:efi64,bootnetx64.efi",
)


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """The lines for these Things; those that cannot boot or hold addresses are passed over."""
    chosen = whole(reader, things)
    machines = [thing for thing in chosen if thing.is_a(Equipment)]
    out.write("# Written by clusto export --format dnsmasq. Machines that are not named here get no answer.\n")
    out.writelines(f"{line}\n" for line in _networks(reader, [thing for thing in chosen if thing.is_a(Network)]))
    roots: set[str] = set()
    urls: set[str] = set()
    hosts: list[str] = []
    for found in recipes(reader, machines):
        if isinstance(found, NotFound):
            hosts.append(comment(str(found)).rstrip("\n"))
            continue
        hosts += _host(found.thing.name, found.macs.values(), found.address)
        if found.macs:
            roots.update(filter(None, [found.values.written(_ROOT)]))
            urls.update(filter(None, [found.values.written(_URL)]))
    out.writelines(f"{line}\n" for line in _LOADERS)
    leaving.leave_out("dnsmasq", [key for key, values in ((_ROOT, roots), (_URL, urls)) if values], out)
    for url in sorted(urls) if leaving.permits(_URL) else ():
        if _PLAIN.fullmatch(url) and len(urls) == 1:
            out.write(f"dhcp-boot=tag:ipxe,{url}/boot.ipxe\n")
        else:
            out.write(f"# rebuild.url {_comment(url)}: say which machines boot from it with a tag\n")
    for root in sorted(roots) if leaving.permits(_ROOT) else ():
        if root.startswith("/") and _PLAIN.fullmatch(root) and len(roots) == 1:
            out.write(f"enable-tftp\ntftp-root={root}\n")
        else:
            out.write(f"# rebuild.dir {_comment(root)}: TFTP is served from one local directory\n")
    out.writelines(f"{line}\n" for line in hosts)


def _networks(reader: Reader, networks: Iterable[Thing]) -> Iterator[str]:
    for thing in networks:
        values = {each.key: each.value.text for each in reader.attributes(thing.id)}
        try:
            block = ip_network(values.get(_CIDR, ""), strict=False)
        except ValueError:
            yield f"# {thing.name}: no block of addresses (attribute cidr)"
            continue
        if block.version == 6:
            yield f"dhcp-range={block.network_address},ra-only"
            continue
        tag = re.sub("[^A-Za-z0-9]", "-", thing.name)
        yield f"dhcp-range=set:{tag},{block.network_address},static,{block.netmask}"
        gateway = addresses.parse(values.get(_GATEWAY, ""))
        if gateway is not None:
            yield f"dhcp-option=tag:{tag},option:router,{gateway}"


def _host(name: str, macs: Iterable[str], address: str | None) -> Iterator[str]:
    if not _NAME.fullmatch(name) or _NO_NAME.fullmatch(name):
        yield f"# {_comment(name)} cannot be a host's name"
        return
    found = []
    for mac in macs:
        digits = addresses.parse_mac(mac)
        if digits is None:
            yield f"# {name}: malformed MAC address {_comment(mac)}"
        else:
            found.append(addresses.mac_spellings(digits)[0])
    given = addresses.parse(address.partition("/")[0]) if address else None
    if found:
        yield ",".join([f"dhcp-host={','.join(found)}", *([_bracketed(str(given))] if given else []), name])


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _comment(text: str) -> str:
    return repr(text[:100])
