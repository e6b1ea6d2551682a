"""Whether a VLAN leads anywhere: what one switch says of it, and of its ports towards the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from clusto_cli.backends.errors import DeviceError, NoSuchPort, Refused
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.backends.switch.model import PortMode, PortState, SwitchState
from clusto_cli.backends.switch.vlanlists import NotUnderstood


async def read_with_uplinks(switch: SwitchControl, ports: Sequence[str], uplinks: Sequence[str]) -> SwitchState:
    """The ports, and those towards other switches in the same questions where the switch knows all their names."""
    if uplinks:
        try:
            return await switch.read(list(dict.fromkeys([*ports, *uplinks])))
        except (NoSuchPort, NotUnderstood, Refused):
            # Perhaps for one of the uplinks, which is no reason to refuse the others.
            pass
    return await switch.read(ports)


async def path_warnings(
    switch: SwitchControl, now: SwitchState, vlans: Iterable[int], uplinks: Sequence[str]
) -> list[str]:
    """Why frames of these VLANs would not get off the switch."""
    wanted = sorted(vlans)
    found = [f"VLAN {vlan} is {now.off[vlan]} on it" for vlan in wanted if vlan in now.off]
    if not wanted or not uplinks:
        return found
    ports, failures = await read_uplinks(switch, now, uplinks)
    for vlan in wanted:
        if names := not_carried(ports.values(), vlan):
            found.append(f"VLAN {vlan} is on none of its ports towards other switches ({names})")
    return [*found, *failures]


async def read_uplinks(
    switch: SwitchControl, now: SwitchState, uplinks: Sequence[str]
) -> tuple[dict[str, PortState], list[str]]:
    """The ports towards other switches, or for a member of an aggregate the aggregate; and what could not be read."""
    found: dict[str, PortState] = {}
    failures = []
    for port in uplinks:
        try:
            state = now.ports[port] if port in now.ports else (await switch.read([port])).ports[port]
            if state.lag and not state.untagged and not state.tagged:
                state = (await switch.read([state.lag])).ports[state.lag]
            found[port] = state
        except DeviceError as error:
            failures.append(f"what its port {port} carries, towards another switch, could not be read: {error}")
    return found, failures


def not_carried(ports: Collection[PortState], vlan: int) -> str:
    """The names of the ports, if none of them carries a VLAN; empty where one does, or one does not tell."""
    if any(_may_carry(port, vlan) for port in ports):
        return ""
    return ", ".join(port.name for port in ports)


def _may_carry(port: PortState, vlan: int) -> bool:
    return port.untold or port.mode is PortMode.UNKNOWN or vlan in port.untagged or vlan in port.tagged


def missing_on(now: SwitchState, vlan: int) -> str:
    """What is wrong with a VLAN on a switch that is on the way, in words; empty when nothing is."""
    if vlan not in now.vlans:
        return f"has no VLAN {vlan}"
    return f"has VLAN {vlan} {now.off[vlan]}" if vlan in now.off else ""
