"""What a switch's command line prints of neighbours and learned addresses, read by a profile's rules.

A listing is read row by row, or, where each entry takes many lines, cut into the parts of ports and of the neighbours
on each. What looks like an entry and is none by the rules is told, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from clusto_cli.backends.switch.model import Neighbour, PortMode, PortState, Station
from clusto_cli.backends.switch.profiles import TableRules

_MAC = (
    r"(?<![0-9A-Fa-f:.-])(?:[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(?: [0-9A-Fa-f]{2}){5}"
    r"|[0-9A-Fa-f]{4}(?:[.:-][0-9A-Fa-f]{4}){2}|[0-9A-Fa-f]{6}[:-][0-9A-Fa-f]{6})(?![0-9A-Fa-f:.-])"
)
_NOTHING = frozenset({"-", "--", "n/a", "null", "(none)", "not advertised", "not-advertised"})


def read_neighbours(rules: TableRules, output: str) -> tuple[Neighbour, ...]:
    """The neighbours in an answer; those without a system name are kept by their chassis id."""
    found = []
    for entry in _entries(rules, output):
        chassis = identity(entry.get("chassis", ""))
        if not entry.get("port") or not (entry.get("system") or chassis):
            continue
        found.append(
            Neighbour(
                entry["port"],
                entry.get("system", "") or chassis,
                identity(entry.get("remote_port", "")),
                entry.get("description", ""),
                chassis,
            )
        )
    return tuple(found)


def portless(rules: TableRules, output: str) -> list[str]:
    """The neighbours of whom the switch does not tell on which port they are: their system names, else chassis ids."""
    entries = [entry for entry in _entries(rules, output) if not entry.get("port")]
    return sorted({entry.get("system", "") or entry.get("chassis", "") for entry in entries} - {""})


def read_stations(rules: TableRules, output: str) -> tuple[Station, ...]:
    """The learned addresses in an answer; what a switch lists as its own CPU's is no port and matches nobody.

    Where the pattern has groups `number` and `name`, such rows say what the port numbers of the others stand for. An
    address on several ports has a row for each.
    """
    found: list[Station] = []
    names: dict[str, str] = {}
    if not rules.row:
        return ()
    for row in re.finditer(rules.row, output, re.MULTILINE):
        if number := row.groupdict().get("number"):
            names[number] = row["name"]
            continue
        vlan = row.groupdict().get("vlan") or row.groupdict().get("vlan_behind") or ""
        for port in re.split(r",\s*", row["port"].strip()):
            found.append(Station(mac_address(row["mac"]), names.get(port, port), int(vlan) if vlan.isdigit() else None))
    return tuple(found)


def unread(rules: TableRules, output: str, mark: str = "") -> str:
    """The first line that looks like an entry (`rules.mark`, else `mark`) and is in none; empty when all are read."""
    looks = rules.mark or mark
    if not rules.known:
        return ""
    if rules.fields:
        for part, entry in _records(rules, output):
            if not entry.get("port") or not (entry.get("system") or entry.get("chassis")):
                return part.strip().partition("\n")[0]
        return ""
    rest = re.sub(rules.row, "", output, flags=re.MULTILINE)
    for line in rest.splitlines() if looks else ():
        if re.search(looks, line) and not (rules.ignore and re.search(rules.ignore, line)):
            return line.strip()
    return ""


def unread_station(rules: TableRules, output: str) -> str:
    """The first line with a MAC address that no row is made of, and that the rules do not leave out knowingly."""
    return unread(rules, output, _MAC)


def mac_address(text: str) -> str:
    """A MAC address in whatever way it is written, as `52:54:00:00:00:01`. ValueError for anything else."""
    digits = re.sub(r"[^0-9a-fA-F]", "", text).lower()
    if len(digits) != 12:
        raise ValueError(f"not a MAC address: {text}")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def identity(text: str) -> str:
    """An id of a chassis or port: a MAC address in one spelling, anything else as it is."""
    return mac_address(text) if re.fullmatch(_MAC, text) else text


def read_sockets(rules: TableRules, output: str) -> dict[str, PortState]:
    """All interfaces of a listing, by the switch's name, as ports that no VLAN is known of yet."""
    found = {}
    for row in re.finditer(rules.row, output, re.MULTILINE):
        group = {key: (value or "").strip() for key, value in row.groupdict().items()}
        link = group["link"].casefold().lstrip("*(").startswith("up") if group.get("link") else None
        text = _value(group.get("description", ""))
        found[group["port"]] = PortState(
            group["port"], PortMode.ROUTED, None, link=link, note="no port of the bridge", description=text
        )
    return found


def _entries(rules: TableRules, output: str) -> Iterator[dict[str, str]]:
    if not rules.known:
        return
    if rules.fields:
        yield from (entry for _, entry in _records(rules, output))
        return
    for row in re.finditer(rules.row, output, re.MULTILINE):
        yield {key: _value(value or "") for key, value in row.groupdict().items()}


def _records(rules: TableRules, output: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each neighbour's part of the answer, and what it says by field."""
    for port, section in _parts(rules.section, output):
        for _, part in _parts(rules.record, section) if rules.record else [("", section)]:
            entry = {"port": port} | {name: _field(pattern, part) for name, pattern in rules.fields.items()}
            yield part, entry


def _parts(start: str, text: str) -> Iterator[tuple[str, str]]:
    """The group `port` of each match, and the text from there to the next."""
    starts = list(re.finditer(start, text, re.MULTILINE))
    ends = [following.start() for following in starts[1:]] + [len(text)]
    for one, end in zip(starts, ends, strict=False):
        yield (one.groupdict().get("port") or "").strip(), text[one.start() : end]


def _field(pattern: str, part: str) -> str:
    found = re.search(pattern, part, re.MULTILINE)
    return _value(next((group for group in found.groups() if group), "")) if found else ""


def _value(text: str) -> str:
    bare = text.strip().strip('"').strip()
    return "" if bare.casefold() in _NOTHING else bare
