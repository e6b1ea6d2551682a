"""Leases of DHCP servers: dnsmasq's `dnsmasq.leases`, and the CSV files of Kea's memfile backend.

dnsmasq writes `EXPIRY MAC ADDRESS NAME CLIENT-ID` a line, EXPIRY in seconds since 1970 and 0 for never, `*` for no name
(dnsmasq(8), src/lease.c); after a line `duid ...` come leases of DHCPv6, which have no MAC. Kea's memfile is a journal
(Kea ARM, "Why Is Lease File Cleanup Necessary?"): the last line of an address counts, `expire` is in seconds since
1970, `state` 0 a lease in force, and a name may
end in a dot.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Iterator

from clusto_cli.backends.machine import macs_of
from clusto_cli.discovery.evidence import Lease
from clusto_cli.visible import one_line
from clusto_core.errors import Malformed
from clusto_core.model import addresses

LONGEST = 100_000
"""Leases that are read of a file."""
_KEA = ("address", "hwaddr")


def read(lines: Iterable[str], name: str, now: float | None = None) -> Iterator[Lease]:
    """The leases in force. Raises Malformed for a file that is of neither server."""
    found: dict[str, Lease | None] = {}
    moment = time.time() if now is None else now
    texts = iter(lines)
    first = next(texts, "")
    if first.split(",")[:2] == list(_KEA):
        rows: Iterable[tuple[str, Lease | None]] = _kea(first, texts, name, moment)
    else:
        rows = _dnsmasq([first, *texts] if first else [], name, moment)
    for address, lease in rows:
        found[address] = lease
        if len(found) > LONGEST:
            raise Malformed(f"{name}: more than {LONGEST:,} leases")
    return (lease for lease in found.values() if lease is not None)


def _kea(head: str, lines: Iterator[str], name: str, now: float) -> Iterator[tuple[str, Lease | None]]:
    columns = head.strip().split(",")
    for row in csv.DictReader(lines, columns):
        address, macs = addresses.parse(row["address"] or ""), macs_of([row["hwaddr"]])
        if address is None:
            continue
        expires, state = row.get("expire") or "", row.get("state") or "0"
        lapsed = expires.isdecimal() and float(expires) < now
        held = macs and state == "0" and not lapsed
        host = one_line((row.get("hostname") or "").rstrip("."))
        yield str(address), Lease(name, str(address), macs[0], host) if held else None


def _dnsmasq(lines: Iterable[str], name: str, now: float) -> Iterator[tuple[str, Lease | None]]:
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if words[0] == "duid":
            return
        if len(words) < 4 or not words[0].isdecimal() or addresses.parse(words[2]) is None:
            raise Malformed(f"{name}:{number}: neither a lease of dnsmasq nor a memfile of Kea: {line[:60]!a}")
        lapsed = words[0] != "0" and float(words[0][:15]) < now
        # Of other hardware than Ethernet the type comes first: 06-00:11:...
        macs = macs_of([words[1].rpartition("-")[2] if ":" in words[1] else words[1]])
        host = "" if words[3] == "*" else one_line(words[3])
        held = macs and not lapsed
        yield words[2], Lease(name, str(addresses.parse(words[2])), macs[0], host) if held else None
