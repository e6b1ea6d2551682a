"""What Open vSwitch and Linux bridges print of their ports: JSON."""

from __future__ import annotations

import json
from typing import Any

from clusto_cli.backends.errors import NoSuchPort
from clusto_cli.backends.switch.model import PortMode, PortState
from clusto_cli.backends.switch.profiles import ReadRules
from clusto_cli.backends.switch.vlanlists import ALL_VLANS, NotUnderstood


def json_from(output: str) -> Any:
    """The JSON value in an answer. NotUnderstood when there is none."""
    try:
        return json.loads(output)
    except json.JSONDecodeError as error:
        raise NotUnderstood(output.strip()[:60]) from error


def names_in(rules: ReadRules, output: str) -> dict[str, str]:
    """The names of all ports in a listing that is JSON, each with the listing."""
    table = json_from(output)
    if rules.form == "ovs":
        at = table["headings"].index("name")
        return {row[at]: output for row in table["data"]}
    return {row["ifname"]: output for row in table}


def open_vswitch(port: str, output: str) -> PortState:
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
    if mode == "dot1q-tunnel":
        return PortState(port, PortMode.TUNNEL, pvid, untagged, lag=lag, note=mode)
    carried = trunks or ALL_VLANS
    if mode == "native-tagged":
        return PortState(port, PortMode.TRUNK, pvid, frozenset(), carried | untagged, lag=lag, note=mode)
    if mode == "native-untagged":
        return PortState(port, PortMode.TRUNK, pvid, untagged, carried - untagged, lag=lag, note=mode)
    if mode not in ("", "trunk"):
        raise NotUnderstood(f"vlan_mode {mode}")
    return PortState(
        port, PortMode.TRUNK, None, frozenset(), carried, lag=lag, note=mode or "no tag: carries all VLANs"
    )


def _ovs_set(value: Any) -> list[Any]:
    """A value of OVSDB's JSON (RFC 7047, 5.1): an atom, or `["set", [...]]`."""
    if isinstance(value, list) and value[:1] == ["set"]:
        return list(value[1])
    return [value] if value != "" else []


def linux_bridge(port: str, output: str) -> PortState:
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
