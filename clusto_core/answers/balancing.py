"""What serves behind load balancers: the members of the Pools behind VIPs, and where requests to them go.

A VIP names its Pools under `pool`, a Pool the Service that it serves and the port; its members are the machines that
are in it. How the balancer is reached is said by settings of the LoadBalancer, and over those by its VIP's and Pool's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusto_core.answers.devicesettings import DeviceSettings, own_settings, reached
from clusto_core.drivers.parts import NIC, Vip
from clusto_core.model import interfaces
from clusto_core.model.attributes import IP, Key
from clusto_core.model.things import Attribute, Thing, in_order
from clusto_core.store.reader import Reader
from clusto_core.tuples import NamedTuple

_POOL, _SERVICE, _PORT = Key("pool"), Key("service"), Key("port")
_IP = Key(IP)
_GROUP = "balancer"
_BACKEND = "balancer.backend"
ADDRESS = Key(_GROUP, None, "address")
WEIGHT = Key(_GROUP, None, "weight")


class PoolBehind(NamedTuple):
    """A Pool behind a VIP: the Service that it serves, and the port."""

    vip: Thing
    pool: Thing
    service: Thing
    port: int


class Served(NamedTuple):
    """A machine in a Pool behind a VIP.

    address: where requests to it go, None where none is known; weight: None where the inventory says nothing of it.
    """

    behind: PoolBehind
    machine: Thing
    address: str | None
    weight: int | None


class Balanced(NamedTuple):
    """A Pool at its balancer: what it is called there, the VIP's own address, how the balancer is reached."""

    behind: PoolBehind
    balancer: Thing
    address: str
    backend: str
    vip_address: str | None
    settings: DeviceSettings


def pools_behind(reader: Reader, *, service: Thing | None = None, vip: Thing | None = None) -> list[PoolBehind]:
    """The Pools behind VIPs, in the order of the VIPs; only those of one Service or behind one VIP, where given."""
    relations = [each for each in reader.attributes_under(_POOL) if each.value.ref is not None]
    if vip is not None:
        relations = [each for each in relations if each.thing_id == vip.id]
    if not relations:
        return []
    things = reader.by_ids({each.thing_id for each in relations} | {_ref(each) for each in relations})
    of_pools = reader.attributes(*{_ref(each) for each in relations})
    served = {each.thing_id: _ref(each) for each in of_pools if each.key == _SERVICE and each.value.ref is not None}
    ports = {each.thing_id: each.value.integer for each in of_pools if each.key == _PORT}
    services = reader.by_ids(set(served.values()))
    found = []
    for each in relations:
        holder, pool = things[each.thing_id], things[_ref(each)]
        port, of = ports.get(pool.id), served.get(pool.id)
        if holder.is_a(Vip) and port is not None and of is not None and service in (None, services[of]):
            found.append(PoolBehind(holder, pool, services[of], port))
    order = {thing.id: place for place, thing in enumerate(in_order({each.vip for each in found}))}
    return sorted(found, key=lambda each: order[each.vip.id])


def served(
    reader: Reader,
    machines: Sequence[Thing] | None = None,
    *,
    service: Thing | None = None,
    vip: Thing | None = None,
) -> list[Served]:
    """Which machines serve behind which VIPs; only these machines, of one Service, behind one VIP, where given."""
    pools = pools_behind(reader, service=service, vip=vip)
    if machines is not None and pools:
        within = reader.parents_of([each.id for each in machines])
        pairs = [(pool, each) for pool in pools for each in machines if pool.pool in within.get(each.id, [])]
    else:
        pairs = [(pool, each) for pool in pools for each in reader.members(pool.pool)]
    things = {each.id: each for _, each in pairs}
    own = reader.attributes(*things, *{pool.pool.id for pool, _ in pairs})
    weights = {each.thing_id: each.value.integer for each in own if each.key == WEIGHT}
    addresses = {each.thing_id: each.value.text for each in own if each.key == ADDRESS}
    addresses |= _addresses(reader, {id: each for id, each in things.items() if id not in addresses})
    return [
        Served(pool, each, addresses.get(each.id), weights.get(each.id, weights.get(pool.pool.id)))
        for pool, each in pairs
    ]


def balanced(reader: Reader, pools: Iterable[PoolBehind]) -> list[Balanced]:
    """How the balancers of these Pools are reached."""
    wanted = list(pools)
    owners = reader.by_ids({each.vip.entity_id for each in wanted})
    devices = reached(reader, owners.values(), (_GROUP, "ssh")) if wanted else {}
    addresses = {
        each.thing_id: each.value.text for each in reader.attributes(*{p.vip.id for p in wanted}) if each.key == _IP
    }
    found = []
    for each in wanted:
        device = devices[each.vip.entity_id]
        own = own_settings(reader, each.pool, (_GROUP,)).over(own_settings(reader, each.vip, (_GROUP,)))
        settings = own.over(device.settings)
        vip_address = addresses.get(each.vip.id)
        found.append(
            Balanced(
                each,
                device.thing,
                device.address,
                settings.get(_BACKEND) or each.pool.name,
                vip_address.partition("/")[0] if vip_address else None,
                settings,
            )
        )
    return found


def _addresses(reader: Reader, machines: dict[int, Thing]) -> dict[int, str]:
    """Each machine's own address, else that of its first card which does not serve management alone."""
    of_parts: dict[int, list[Attribute]] = {}
    for each in reader.attributes_of_parts(*machines):
        of_parts.setdefault(each.thing_id, []).append(each)
    with_address = [id for id, known in of_parts.items() if any(each.key == _IP for each in known)]
    found: dict[int, str] = {}
    for part in in_order(reader.by_ids(with_address).values()):
        known = of_parts[part.id]
        if part.is_a(NIC) and not interfaces.is_management(part.part_name, interfaces.said(known)):
            found.setdefault(part.entity_id, _first(known))
    own = [each for each in reader.attributes(*machines) if each.key == _IP]
    return found | {each.thing_id: each.value.text.partition("/")[0] for each in reversed(own)}


def _first(attributes: Iterable[Attribute]) -> str:
    return next(each.value.text for each in attributes if each.key == _IP).partition("/")[0]


def _ref(attribute: Attribute) -> int:
    return attribute.value.ref or 0
