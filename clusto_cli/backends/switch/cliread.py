"""What a switch's command line prints about its ports and VLANs, read by a profile's rules.

What the rules do not understand is an error that shows the line: a port is in no VLAN only where its switch says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from clusto_cli.backends.errors import NoSuchPort
from clusto_cli.backends.switch.clijson import linux_bridge, names_in, open_vswitch
from clusto_cli.backends.switch.clitables import (
    mac_address,
    portless,
    read_neighbours,
    read_sockets,
    read_stations,
    unread,
    unread_station,
)
from clusto_cli.backends.switch.model import VLAN_MAX, VLAN_MIN, PortMode, PortState
from clusto_cli.backends.switch.names import same_port
from clusto_cli.backends.switch.profiles import ReadRules
from clusto_cli.backends.switch.vlanlists import ALL_VLANS, PATTERN, NotUnderstood, vlan_ids

__all__ = [
    "ALL_VLANS",
    "NotUnderstood",
    "blocks",
    "mac_address",
    "names_in",
    "not_understood",
    "portless",
    "read_mode",
    "read_neighbours",
    "read_port",
    "read_sockets",
    "read_stations",
    "read_vlans",
    "unread",
    "unread_station",
    "vlan_ids",
    "vlans_off",
]

Membership = tuple[int | None, frozenset[int], frozenset[int]]
_NONE: Membership = (None, frozenset(), frozenset())


def read_vlans(rules: ReadRules, output: str) -> dict[int, str]:
    """VLAN id -> name, of every row that the profile's pattern finds."""
    found = {}
    for row in re.finditer(rules.vlan, output, re.MULTILINE):
        vlan = int(row["id"])
        if VLAN_MIN <= vlan <= VLAN_MAX:
            found[vlan] = (row.groupdict().get("name") or "").strip().strip('"')
    return found


def vlans_off(rules: ReadRules, output: str) -> dict[int, str]:
    """VLAN id -> the switch's own word for it, of VLANs that exist and whose frames it does not pass on."""
    if not rules.vlan_off:
        return {}
    return {int(row["id"]): row["state"] for row in re.finditer(rules.vlan_off, output, re.MULTILINE)}


def blocks(rules: ReadRules, output: str) -> dict[str, str]:
    """The answer about every port, cut where anything begins: the switch's name of a port -> its part.

    What begins with the name of no port (`rules.virtual`: a VLAN's interface, a loopback) ends the part before it.
    """
    starts = list(re.finditer(rules.block, output, re.MULTILINE))
    ends = [start.start() for start in starts[1:]] + [len(output)]
    found: dict[str, str] = {}
    for start, end in zip(starts, ends, strict=False):
        if not (rules.virtual and re.match(rules.virtual, start["port"])):
            found[start["port"]] = found.get(start["port"], "") + output[start.start() : end]
    return found


def read_mode(rules: ReadRules, port: str, output: str) -> PortMode:
    """What a port is by an answer about it, before its VLANs are looked at."""
    return _Answer(rules, port, _own(rules, port, output), {}).mode


def read_port(rules: ReadRules, port: str, output: str, vlans: Mapping[int, str]) -> PortState:
    """One port from what the switch printed about it.

    NoSuchPort when it printed nothing about such a port; NotUnderstood, with the line, for what no rule is for.
    """
    if rules.form == "ovs":
        return open_vswitch(port, output)
    if rules.form == "bridge":
        return linux_bridge(port, output)
    answer = _Answer(rules, port, _own(rules, port, output), {name: vlan for vlan, name in vlans.items() if name})
    if rules.exists and not answer.text(rules.exists):
        raise NoSuchPort(f"the switch says nothing of a port {port}")
    mode = answer.mode
    pvid, untagged, tagged = _membership(answer, mode)
    if not rules.mode and mode is PortMode.UNKNOWN:
        mode = PortMode.HYBRID if tagged and untagged else PortMode.TRUNK if tagged else PortMode.ACCESS
    voice, lag = min(answer.vlans(rules.voice), default=None), answer.text(rules.lag)
    if voice is not None:
        tagged |= {voice}
    return PortState(
        answer.text(rules.block) or port,
        mode,
        pvid,
        untagged,
        tagged,
        voice,
        lag or None,
        bool(answer.text(rules.link)) if rules.link else None,
        _note(answer, mode, lag),
        answer.text(rules.description).strip(),
    )


def _own(rules: ReadRules, port: str, output: str) -> str:
    """What of an answer is about the port, where it runs on about others."""
    parts = blocks(rules, output) if rules.block else {}
    return "".join(part for name, part in parts.items() if same_port(name, port)) or output


def _note(answer: _Answer, mode: PortMode, lag: str) -> str:
    """The switch's word for the mode, where that is the mode it is in."""
    if mode is PortMode.ROUTED:
        return ""
    return answer.note or (f"a member of {lag}" if lag and mode is PortMode.UNKNOWN else "")


def not_understood(name: str, error: NotUnderstood) -> PortState:
    """The state of a port among others whose part of an answer is not understood."""
    return PortState(name, PortMode.UNKNOWN, None, note=str(error), fault=str(error))


@dataclass
class _Answer:
    """What was printed about one port; `ids` are the VLANs by name."""

    rules: ReadRules
    port: str
    output: str
    ids: Mapping[str, int]

    @cached_property
    def note(self) -> str:
        """The switch's own word for the mode."""
        return self.text(self.rules.mode).strip()

    @cached_property
    def mode(self) -> PortMode:
        rules = self.rules
        if rules.mode and not self.note and self.text(rules.lag):
            # Only the aggregate has a mode and VLANs.
            return PortMode.UNKNOWN
        if any(self.text(pattern) for pattern in rules.modes.get("routed", ())):
            return PortMode.ROUTED
        if not rules.mode:
            return PortMode.UNKNOWN
        if not self.note:
            if rules.default_mode == "unknown":
                raise NotUnderstood(f"{self.output.strip().partition(chr(10))[0]} (it tells no mode)")
            return PortMode(rules.default_mode)
        kind, told = self._kind(self.note), rules.mode
        if kind == "dynamic":
            kind, told = self._kind(self.text(rules.oper).strip()), rules.oper
        if kind in list(PortMode):
            return PortMode(kind)
        if found := self._match(told):
            raise NotUnderstood(self._line(found))
        return PortMode.UNKNOWN

    def text(self, pattern: str) -> str:
        """The first group of the first match, or the whole of it; empty when there is none."""
        found = self._match(pattern)
        if not found:
            return ""
        return next((group for group in found.groups() if group), "") if found.re.groups else found[0]

    def vlans(self, pattern: str, missing: str | None = "") -> frozenset[int]:
        """The VLANs of every match; those of the list `missing` without a match, which is an error where it is None."""
        found: set[int] = set()
        matches = list(re.finditer(self._pattern(pattern), self.output, re.MULTILINE)) if pattern else []
        if not matches and missing is None:
            raise NotUnderstood(f"{self.output.strip().partition(chr(10))[0]} (without {pattern})")
        for match in matches:
            try:
                found |= vlan_ids(next((group for group in match.groups() if group), ""), self.ids)
            except NotUnderstood as error:
                raise NotUnderstood(self._line(match)) from error
        return frozenset(found) if matches else vlan_ids(missing or "")

    def _kind(self, text: str) -> str:
        """The mode that a text stands for; `dynamic` when the operational state has to be asked; empty for none."""
        for kind, patterns in self.rules.modes.items():
            if kind != "routed" and any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns):
                return kind
        return ""

    def _match(self, pattern: str) -> re.Match[str] | None:
        return re.search(self._pattern(pattern), self.output, re.MULTILINE) if pattern else None

    def _pattern(self, pattern: str) -> str:
        return pattern.replace("{port}", re.escape(self.port)).replace("{vlans}", PATTERN)

    def _line(self, match: re.Match[str]) -> str:
        start = self.output.rfind("\n", 0, match.start(match.lastindex or 0)) + 1
        return self.output[start : match.end()]


def _membership(answer: _Answer, mode: PortMode) -> Membership:
    rules = answer.rules
    if mode is PortMode.ROUTED:
        return _NONE
    if mode in (PortMode.ACCESS, PortMode.TUNNEL) and rules.access:
        return _access(answer)
    if mode is PortMode.TRUNK and rules.native:
        return _trunk(answer)
    needed: dict[PortMode, str | None] = {PortMode.ACCESS: None, PortMode.HYBRID: None, PortMode.TUNNEL: None}
    told = needed.get(mode, "") if rules.mode else ""
    untagged = answer.vlans(rules.untagged, told) if rules.untagged else frozenset()
    tagged = answer.vlans(rules.tagged, None if mode is PortMode.TRUNK and rules.tagged else "")
    pvid = min(answer.vlans(rules.pvid, told), default=None) if rules.pvid else min(untagged, default=None)
    if pvid and (not rules.untagged or mode is PortMode.TUNNEL) and pvid not in tagged:
        untagged |= {pvid}
    return pvid, untagged - tagged, tagged


def _access(answer: _Answer) -> Membership:
    default = answer.rules.default_vlan
    vlans = answer.vlans(answer.rules.access, None if default is None else str(default))
    return min(vlans) if len(vlans) == 1 else None, vlans, frozenset()


def _trunk(answer: _Answer) -> Membership:
    """A trunk's lists; frames of its native VLAN are passed where the list has it, on platforms that say so."""
    rules = answer.rules
    native = min(answer.vlans(rules.native, ""), default=rules.default_vlan)
    carried = answer.vlans(rules.allowed, rules.default_allowed) if rules.allowed else frozenset()
    own = frozenset({native} if native else ())
    if rules.native_tagged and answer.text(rules.native_tagged):
        return native, frozenset(), carried
    return native, own & carried if rules.native_listed else own, carried - own
