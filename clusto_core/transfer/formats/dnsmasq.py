"""DHCP and TFTP for machines that are rebuilt over the network, as dnsmasq reads them.

Every card with a MAC gets a `dhcp-host` line of its own, with its own addresses: two cards that are up at once must not
share one. A machine's own address goes to its first card. The first card that has an address is called by the machine's
name, others by that and the card's, as in a hosts file. Every Network with an IPv4 block has a `dhcp-range` that serves
known machines only. What dnsmasq would take for one (a MAC or an address of two machines, names that differ only in
case) is left out and told.

Boot loaders are chosen as dnsmasq(8) does, by the client's architecture (RFC 4578, IANA's registry of processor
architecture types): an iPXE that asks is sent to `boot.ipxe` over HTTP; a BIOS gets PXELINUX and an UEFI firmware GRUB,
over TFTP, and over HTTP where it boots that way. Which directory TFTP serves, and where iPXE and HTTP boot from, are
dnsmasq's own settings: they are written where `leaving` permits `rebuild.dir` and `rebuild.url`.

Read, it is the MACs and addresses of machines: of `dhcp-host` and `host-record` in a configuration, and of the lines of
a `dhcp-hostsfile`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import TextIO

from clusto_core.answers.recipes import recipes
from clusto_core.answers.view import Spaces, whole
from clusto_core.drivers import Equipment
from clusto_core.drivers.resources import Network
from clusto_core.errors import NotFound
from clusto_core.model import addresses
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing
from clusto_core.rules.spaces import SPACE
from clusto_core.store.reader import Reader
from clusto_core.transfer.cards import Card, cards, shown, sorted_out
from clusto_core.transfer.documents import Document
from clusto_core.transfer.leaving import SAFE, Leaving, comment
from clusto_core.transfer.mentions.mention import Mention, card, mention
from clusto_core.transfer.mentions.reading import BrokenAtError, numbered, told

ADDRESSES = True
SOURCE = "dnsmasq"
_CIDR, _GATEWAY = Key("cidr"), Key("gateway")
_ROOT, _URL = "rebuild.dir", "rebuild.url"
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


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """The lines for these Things; those that cannot boot or hold addresses are passed over."""
    chosen = whole(reader, things)
    machines = [thing for thing in chosen if thing.is_a(Equipment)]
    out.write("# Written by clusto export --format dnsmasq. Machines that are not named here get no answer.\n")
    networks = [thing for thing in chosen if thing.is_a(Network)]
    out.writelines(f"{line}\n" for line in _networks(reader, networks, leaving.spaces))
    roots: set[str] = set()
    urls: set[str] = set()
    found_cards: list[Card] = []
    left_out: list[str] = []
    for found in recipes(reader, machines, leaving.spaces):
        if isinstance(found, NotFound):
            left_out.append(str(found))
            continue
        found_cards += cards(found, left_out)
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
            out.write(f"# rebuild.url {shown(url)}: say which machines boot from it with a tag\n")
    for root in sorted(roots) if leaving.permits(_ROOT) else ():
        if root.startswith("/") and _PLAIN.fullmatch(root) and len(roots) == 1:
            out.write(f"enable-tftp\ntftp-root={root}\n")
        else:
            out.write(f"# rebuild.dir {shown(root)}: TFTP is served from one local directory\n")
    out.writelines(map(comment, left_out))
    for each in sorted_out(found_cards):
        out.write(comment(each) if isinstance(each, str) else f"{_line(each)}\n")


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


def _line(card: Card) -> str:
    return ",".join([f"dhcp-host={card.mac}", *map(_bracketed, card.addresses), card.name])


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


# --- import ----------------------------------------------------------------------------------------------------------

_OPTION = re.compile(r"(?P<option>[a-z0-9-]+)\s*(?:=\s*(?P<value>.*))?")
# An Ethernet MAC, with the type of the hardware before it or without, as dnsmasq(8) has it.
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}-)?(?P<mac>[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){5})")
_LEASE = re.compile(r"(?i:infinite|[0-9]+[smhdw]?)")


def read(file: TextIO, name: str) -> Iterator[Document]:
    """What a configuration, or a file of hosts, says of machines."""
    return told(_read, file, name)


def _read(file: TextIO, name: str) -> Iterator[Document]:
    for number, line in numbered(file):
        text = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        option = _OPTION.fullmatch(text)
        found = None
        if option is None and text:
            found = _host(text, name, number)
        elif option is not None and option["option"] == "dhcp-host":
            found = _host(option["value"] or "", name, number)
        elif option is not None and option["option"] == "host-record":
            found = _record(option["value"] or "", name, number)
        if found is not None:
            yield found


def _host(text: str, file: str, line: int) -> Mention | None:
    """`MAC,...,set:TAG,ADDRESS,NAME,LEASE`; None for one that is of no machine in particular."""
    words = [word.strip() for word in text.split(",")]
    macs = [spelled["mac"] for word in words if (spelled := _MAC.fullmatch(word)) is not None]
    held = [each for word in words if (each := addresses.parse(word.strip("[]"))) is not None]
    rest = [word for word in words if word and not _MAC.fullmatch(word) and addresses.parse(word.strip("[]")) is None]
    names = [word for word in rest if not _LEASE.fullmatch(word) and ":" not in word and word != "ignore"]
    if any(not re.fullmatch(r"[A-Za-z0-9_.-]+", each) for each in names) or len(names) > 1:
        raise BrokenAtError(line, f"expected the MACs, addresses and name of a host, found {text[:60]!a}")
    if not macs and not held:
        return None
    called = names or [*macs, *map(str, held)]
    found = mention(called[0], file, line)
    found.aliases = tuple(called[1:])
    first = [card(macs[0] if macs else "", map(str, held))]
    found.cards = (*first, *(card(mac) for mac in macs[1:]))
    return found


def _record(text: str, file: str, line: int) -> Mention | None:
    """`NAME,...,ADDRESS,...,TTL`"""
    words = [word.strip() for word in text.split(",")]
    held = [word for word in words if addresses.parse(word) is not None]
    names = [word for word in words if word not in held and not word.isdecimal()]
    if not names or not all(names):
        raise BrokenAtError(line, f"expected names and addresses of a host, found {text[:60]!a}")
    found = mention(names[0], file, line)
    found.aliases = tuple(names[1:])
    found.cards = (card("", held),) if held else ()
    return found if held else None
