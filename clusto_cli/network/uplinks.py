"""The way up: from a switch over its cables towards the routers, and whether a VLAN is there all along."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.runner import attempt, failure_of
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.backends.switch.path import missing_on, not_carried, read_uplinks
from clusto_cli.network.devices import devices, told
from clusto_cli.network.jobs import port_names
from clusto_cli.network.run import Opened
from clusto_core.answers.network import uplinks_of
from clusto_core.drivers.equipment import Switch
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader


@dataclass(frozen=True)
class Hop:
    """A cable from a switch to the one above it: what each calls its end."""

    port: str
    above: Thing
    far_port: str


@dataclass
class WayUp:
    """The cables between switches and routers, and how far each is from where they all lead.

    That is the routers; without any in the inventory, the switches with the most cables to others.
    """

    hops: dict[int, list[Hop]] = field(default_factory=dict)
    distance: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, reader: Reader) -> WayUp:
        made = cls()
        routers = reader.all(["Router"])
        nodes = [*reader.all(["Switch"]), *routers]
        for node in nodes:
            made.hops[node.id] = _hops(reader, node)
        most = max((len(hops) for hops in made.hops.values()), default=0)
        tops = [router.id for router in routers if made.hops[router.id]]
        tops = tops or [node.id for node in nodes if most and len(made.hops[node.id]) == most]
        made._measure(tops)
        return made

    def up(self, switch: Thing) -> list[Hop]:
        """The cables that lead nearer to the top."""
        here = self.distance.get(switch.id, 0)
        return [hop for hop in self.hops.get(switch.id, []) if self.distance.get(hop.above.id, here) < here]

    def _measure(self, tops: Iterable[int]) -> None:
        reached = dict.fromkeys(tops, 0)
        edge = list(reached)
        while edge:
            following = []
            for node in edge:
                for hop in self.hops.get(node, []):
                    if hop.above.id not in reached:
                        reached[hop.above.id] = reached[node] + 1
                        following.append(hop.above.id)
            edge = following
        self.distance = reached


def path_follower(reader: Reader) -> Callable[[Sequence[Opened]], Awaitable[list[str]]]:
    """Warns of VLANs that are suspended, shut or missing on the way up from switches on which ports are to be moved."""
    way = WayUp.of(reader)

    async def follow(opened: Sequence[Opened]) -> list[str]:
        found: list[str] = []
        controls = {one.device.thing.id: one.control for one in opened if one.control is not None}
        for one in opened:
            goals = one.prepared.goals.values() if one.prepared is not None else ()
            for vlan in sorted({goal.pvid for goal in goals if goal.pvid}):
                found += await _followed(reader, way, one.device.thing, vlan, controls)
        return list(dict.fromkeys(found))

    return follow


async def _followed(
    reader: Reader, way: WayUp, start: Thing, vlan: int, controls: Mapping[int, SwitchControl]
) -> list[str]:
    found: list[str] = []
    asked = {start.id}
    edge = [(start, hop) for hop in way.up(start)]
    while edge:
        below, hop = edge.pop(0)
        if hop.above.id in asked or not hop.above.is_a(Switch):
            continue
        asked.add(hop.above.id)
        found += await _asked(reader, below, [one for one in way.up(below) if one.above == hop.above], vlan, controls)
        edge += [(hop.above, further) for further in way.up(hop.above)]
    return found


async def _asked(
    reader: Reader, below: Thing, hops: Sequence[Hop], vlan: int, controls: Mapping[int, SwitchControl]
) -> list[str]:
    """What is wrong with a VLAN on one switch of the way, and on its ports towards the one below."""
    above = hops[0].above
    control = controls.get(above.id)
    opened = None
    try:
        if control is None:
            control = opened = await devices(reader, [above])[above.id].open()
        now = await control.read([hops[0].far_port])
        if wrong := missing_on(now, vlan):
            return [f"on the way up from {below.name}, {above.name} {wrong}"]
        ports, failures = await read_uplinks(control, now, [hop.far_port for hop in hops])
        if names := not_carried(ports.values(), vlan):
            failures.append(f"VLAN {vlan} is not on its port towards {below.name} ({names})")
        return [f"on the way up, {above.name}: {text}" for text in failures]
    except Exception as error:
        return [f"the way up could not be followed on {above.name}: {told(failure_of(error))}"]
    finally:
        if opened is not None:
            with contextlib.suppress(DeviceError):
                await attempt(opened.close())


def uplink_names(reader: Reader, switch: Thing, moved: Iterable[str]) -> list[str]:
    """What a switch calls its ports towards other switches and routers, without those that are to be moved."""
    ends = uplinks_of(reader, switch)
    if not ends:
        return []
    names = port_names(reader, reader.by_ids(list(ends)).values())
    return sorted(set(names.values()) - set(moved))


def _hops(reader: Reader, node: Thing) -> list[Hop]:
    ends = uplinks_of(reader, node)
    if not ends:
        return []
    here = port_names(reader, reader.by_ids(list(ends)).values())
    far = port_names(reader, [end for end in ends.values() if end.is_part])
    owners = reader.by_ids([end.entity_id for end in ends.values()])
    return [Hop(here[port], owners[end.entity_id], far.get(end.id, "")) for port, end in ends.items()]
