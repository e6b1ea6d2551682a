"""What a switch's command line prints about its ports, VLANs, neighbours and addresses, read by a profile's rules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from clusto_cli.backends.base import NoSuchPort
from clusto_cli.backends.switch.model import VLAN_MAX, VLAN_MIN, Neighbour, PortMode, PortState, Station
from clusto_cli.backends.switch.profiles import ReadRules, TableRules

ALL_VLANS = frozenset(range(VLAN_MIN, VLAN_MAX + 1))


def vlan_ids(text: str, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """The VLANs of a list as switches print them: `1,10-12`, `ALL`, `none`, `10 (servers)`, or names that are known."""
    found: set[int] = set()
    text = re.sub(r"\([^)]*\)", " ", text)
    for word in re.split(r"[,\s]+", text.strip()):
        first, dash, last = word.partition("-")
        if first.isdigit() and (not dash or last.isdigit()):
            found.update(range(int(first), int(last or first) + 1))
        elif word.casefold() == "all":
            return ALL_VLANS
        elif names and word in names:
            found.add(names[word])
    return frozenset(vlan for vlan in found if VLAN_MIN <= vlan <= VLAN_MAX)


def read_vlans(rules: ReadRules, output: str) -> dict[int, str]:
    """VLAN id -> name, of every row that the profile's pattern finds."""
    found = {}
    for row in re.finditer(rules.vlan, output, re.MULTILINE):
        vlan = int(row["id"])
        if VLAN_MIN <= vlan <= VLAN_MAX:
            found[vlan] = (row.groupdict().get("name") or "").strip().strip('"')
    return found


def blocks(rules: ReadRules, output: str) -> dict[str, str]:
    """The answer about every port, cut where the next port begins: the switch's name of a port -> its part."""
    starts = list(re.finditer(rules.block, output, re.MULTILINE))
    ends = [start.start() for start in starts[1:]] + [len(output)]
    return {start["port"]: output[start.start() : end] for start, end in zip(starts, ends, strict=True)}


def names_in(rules: ReadRules, output: str) -> dict[str, str]:
    """The names of all ports in a listing that is JSON, each with the listing."""
    table = json_from(output)
    if rules.form == "ovs":
        at = table["headings"].index("name")
        return {row[at]: output for row in table["data"]}
    return {row["ifname"]: output for row in table}


def read_port(rules: ReadRules, port: str, output: str, vlans: Mapping[int, str]) -> PortState:
    """One port from what the switch printed about it. NoSuchPort when it printed nothing about such a port."""
    if rules.form == "ovs":
        return _open_vswitch(port, output)
    if rules.form == "bridge":
        return _linux_bridge(port, output)
    if rules.exists and not _search(rules.exists, port, output):
        raise NoSuchPort(f"the switch says nothing of a port {port}")
    ids = {name: vlan for vlan, name in vlans.items()}
    note = _search(rules.mode, port, output).strip() if rules.mode else ""
    name = _search(rules.block, port, output) if rules.block else ""
    lag = _search(rules.lag, port, output) if rules.lag else ""
    voice = min(vlan_ids(_search(rules.voice, port, output)), default=None) if rules.voice else None
    mode = _mode(rules, port, output, note)
    pvid, untagged, tagged = _membership(rules, mode, port, output, ids)
    if not rules.mode:
        mode = PortMode.HYBRID if tagged and untagged else PortMode.TRUNK if tagged else PortMode.ACCESS
    if voice is not None:
        tagged |= {voice}
    link = bool(_search(rules.link, port, output)) if rules.link else None
    return PortState(name or port, mode, pvid, untagged, tagged, voice, lag or None, link, note)


def read_neighbours(rules: TableRules, output: str) -> tuple[Neighbour, ...]:
    """The neighbours in an answer; rows without a system name are kept by their chassis id."""
    found = []
    for row in re.finditer(rules.row, output, re.MULTILINE):
        group = {key: (value or "").strip() for key, value in row.groupdict().items()}
        found.append(
            Neighbour(
                group["port"],
                group.get("system", "") or group.get("chassis", ""),
                group.get("remote_port", ""),
                group.get("description", ""),
                group.get("chassis", ""),
            )
        )
    return tuple(found)


def read_stations(rules: TableRules, output: str) -> tuple[Station, ...]:
    """The learned addresses in an answer; what a switch lists as its own CPU's is no port and matches nobody.

    Where the pattern has groups `number` and `name`, such rows say what the port numbers of the others stand for.
    """
    found = []
    names: dict[str, str] = {}
    for row in re.finditer(rules.row, output, re.MULTILINE):
        if number := row.groupdict().get("number"):
            names[number] = row["name"]
            continue
        vlan, port = row.groupdict().get("vlan") or "", row["port"].strip()
        found.append(Station(mac_address(row["mac"]), names.get(port, port), int(vlan) if vlan.isdigit() else None))
    return tuple(found)


def mac_address(text: str) -> str:
    """A MAC address in whatever way it is written, as `52:54:00:00:00:01`. ValueError for anything else."""
    digits = re.sub(r"[^0-9a-fA-F]", "", text).lower()
    if len(digits) != 12:
        raise ValueError(f"not a MAC address: {text}")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def json_from(output: str) -> Any:
    """The JSON value in an answer. ValueError when there is none."""
    try:
        return json.loads(output)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON but {output.strip()[:60]!r}") from error


def _mode(rules: ReadRules, port: str, output: str, note: str) -> PortMode:
    if not rules.mode:
        return PortMode.UNKNOWN
    for routed in rules.modes.get("routed", ()):
        if _search(routed, port, output):
            return PortMode.ROUTED
    mode = _classified(rules, note)
    if mode is None:
        oper = _search(rules.oper, port, output).strip() if rules.oper else ""
        mode = _classified(rules, oper) or PortMode.UNKNOWN
    return mode


def _classified(rules: ReadRules, text: str) -> PortMode | None:
    """The mode that a text stands for; None when the operational state has to be asked."""
    if any(re.search(pattern, text, re.IGNORECASE) for pattern in rules.modes.get("dynamic", ())):
        return None
    for mode in (PortMode.TRUNK, PortMode.HYBRID, PortMode.ACCESS):
        if any(re.search(pattern, text, re.IGNORECASE) for pattern in rules.modes.get(mode, ())):
            return mode
    return PortMode(rules.default_mode) if not text else PortMode.UNKNOWN


def _membership(
    rules: ReadRules, mode: PortMode, port: str, output: str, ids: Mapping[str, int]
) -> tuple[int | None, frozenset[int], frozenset[int]]:
    if mode is PortMode.ACCESS and rules.access:
        found = vlan_ids(_search(rules.access, port, output), ids)
        vlan = min(found) if len(found) == 1 else rules.default_vlan if not found else None
        return vlan, frozenset({vlan} if vlan else ()), frozenset()
    if mode is PortMode.TRUNK and rules.native:
        native = min(vlan_ids(_search(rules.native, port, output), ids), default=rules.default_vlan)
        allowed = _all(rules.allowed, port, output, ids) if rules.allowed else frozenset()
        return native, frozenset({native} if native else ()), allowed - {native}
    untagged = _all(rules.untagged, port, output, ids) if rules.untagged else frozenset()
    tagged = _all(rules.tagged, port, output, ids) if rules.tagged else frozenset()
    pvid = min(_all(rules.pvid, port, output, ids), default=None) if rules.pvid else min(untagged, default=None)
    if not rules.untagged and pvid:
        untagged = frozenset({pvid})
    return pvid, untagged - tagged, tagged


def _pattern(pattern: str, port: str) -> str:
    return pattern.replace("{port}", re.escape(port))


def _search(pattern: str, port: str, output: str) -> str:
    """The first group of the first match, or the whole of it; empty when there is none."""
    found = re.search(_pattern(pattern, port), output, re.MULTILINE) if pattern else None
    if not found:
        return ""
    return next((group for group in found.groups() if group), "") if found.re.groups else found[0]


def _all(pattern: str, port: str, output: str, ids: Mapping[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for match in re.finditer(_pattern(pattern, port), output, re.MULTILINE):
        found |= vlan_ids(next((group for group in match.groups() if group), ""), ids)
    return frozenset(found)


def _open_vswitch(port: str, output: str) -> PortState:
    """A row of the Port table (ovs-vswitchd.conf.db(5)); no tag and no trunks means every VLAN, tagged."""
    table = json_from(output)
    rows = [dict(zip(table["headings"], row, strict=True)) for row in table["data"]]
    row = next((row for row in rows if row["name"] == port), None)
    if row is None:
        raise NoSuchPort(f"the switch has no port {port}")
    tag, mode = _ovs_set(row["tag"]), "".join(str(value) for value in _ovs_set(row["vlan_mode"]))
    trunks = frozenset(int(value) for value in _ovs_set(row["trunks"]))
    untagged = frozenset(int(value) for value in tag)
    pvid = min(untagged, default=None)
    lag = port if len(_ovs_set(row.get("interfaces", ""))) > 1 else None
    if mode == "access" or (not mode and untagged):
        return PortState(port, PortMode.ACCESS, pvid, untagged, lag=lag, note=mode)
    carried = trunks or ALL_VLANS
    if mode.startswith("native"):
        in_tag = mode == "native-tagged"
        return PortState(
            port, PortMode.TRUNK, pvid, frozenset() if in_tag else untagged, carried - untagged, lag=lag, note=mode
        )
    return PortState(
        port, PortMode.TRUNK, None, frozenset(), carried, lag=lag, note=mode or "no tag: carries all VLANs"
    )


def _ovs_set(value: Any) -> list[Any]:
    """A value of OVSDB's JSON (RFC 7047, 5.1): an atom, or `["set", [...]]`."""
    if isinstance(value, list) and value[:1] == ["set"]:
        return list(value[1])
    return [value] if value != "" else []


def _linux_bridge(port: str, output: str) -> PortState:
    """What `bridge -j vlan show` prints: one object a port, its VLANs with the flags PVID and Egress Untagged."""
    row = next((row for row in json_from(output) if row.get("ifname") == port), None)
    if row is None:
        raise NoSuchPort(f"no bridge has a port {port}")
    pvid: int | None = None
    untagged: set[int] = set()
    tagged: set[int] = set()
    for entry in row.get("vlans", []):
        flags = entry.get("flags", [])
        span = range(int(entry["vlan"]), int(entry.get("vlanEnd", entry["vlan"])) + 1)
        (untagged if "Egress Untagged" in flags else tagged).update(span)
        if "PVID" in flags:
            pvid = span[0]
    mode = PortMode.ACCESS if not tagged else PortMode.HYBRID if untagged else PortMode.TRUNK
    return PortState(port, mode, pvid, frozenset(untagged), frozenset(tagged))
