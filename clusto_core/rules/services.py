"""Services: what runs on machines, on which port, and behind which virtual addresses.

A machine that runs a Service is put in it. Behind a VIP of a LoadBalancer, a Service has a Pool of the machines that
serve it there: the VIP names its Pools under `pool`, and each Pool its Service under `service` and the port under
`port`. That is what an adapter that programs the balancer is to be given.
"""

from __future__ import annotations

from clusto_core.drivers import Equipment
from clusto_core.drivers.categories import Pool, Role, Service
from clusto_core.drivers.equipment import LoadBalancer
from clusto_core.drivers.parts import Vip
from clusto_core.errors import Malformed, Refused
from clusto_core.model import addresses
from clusto_core.model.attributes import Key, Value, from_python
from clusto_core.model.things import Attribute, Thing, in_order
from clusto_core.rules import containment, kinds, things, values
from clusto_core.rules.lookup import resolve
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork
from clusto_core.tuples import NamedTuple

PORT = Key("port")
ROLE = Key("role")
"""On a Service: the Role of the machines that may run it."""
POOL = Key("pool")
SERVICE = Key("service")


class Running(NamedTuple):
    """A Service on a machine: its port, and the VIPs that it is behind there."""

    service: Thing
    machine: Thing
    port: int | None
    vips: list[Thing]


def vip_named(unit: UnitOfWork, name: str) -> Thing:
    """The VIP of that name (lb1:vip1) or address. Raises Malformed for what is none, NotFound."""
    return checked_vip(resolve(unit, part_holding(unit.reader, name)))


def part_holding(reader: Reader, name: str) -> Thing:
    """The Thing or part of that name, or that itself holds that address. Raises NotFound, Malformed."""
    wanted = addresses.sought(name)
    holders = [each.holder for each in reader.holders(wanted)] if wanted is not None else []
    return holders[0] if len(holders) == 1 else reader.resolve(name)


def checked_vip(thing: Thing) -> Thing:
    """The VIP itself. Raises Malformed for another kind of Thing."""
    if not thing.is_a(Vip):
        raise Malformed(f"{thing.name} is a {thing.driver}, not a VIP (clusto add Vip LOADBALANCER:vip1)")
    return thing


def create(unit: UnitOfWork, name: str, port: int | None = None, role: Thing | None = None) -> Thing:
    """A new Service, on a TCP or UDP port, that only machines in a Role run.

    Raises Malformed for a name or port that cannot be and for a Thing that is no Role, Refused for a name that is
    taken.
    """
    attributes: list[tuple[Key, Value]] = []
    if port is not None:
        attributes.append((PORT, from_python(checked_port(port))))
    if role is not None:
        attributes.append((ROLE, values.relation(kinds.checked(role, Role))))
    return things.add(unit, Service, name, attributes)


def checked_port(port: int) -> int:
    """The port itself. Raises Malformed when there is none of that number."""
    if not 1 <= port <= 65535:
        raise Malformed(f"no such port: {port} (write 1 to 65535)")
    return port


def add(unit: UnitOfWork, service: Thing, machine: Thing, vip: Thing | None = None) -> bool:
    """Records that a machine runs a Service, behind a VIP; False when all that was so.

    Raises Malformed for Things of other kinds and for a Service without a port behind a VIP; Refused when the machine
    lacks the Role of the Service, or the VIP is not of a LoadBalancer.
    """
    kinds.checked(service, Service)
    if not machine.is_a(Equipment):
        raise Malformed(f"{machine.name} is a {machine.driver}, and runs no Service")
    attributes = unit.attributes(service)
    for role in (unit.by_id(each.value.ref) for each in attributes if each.key == ROLE and each.value.ref):
        if not containment.is_in(unit, machine, role):
            raise Refused(
                f"{service.name} needs machines in the role {role.name}: clusto role add {role.name} {machine.name}"
            )
    port = _port(unit, service, checked_vip(vip)) if vip is not None else 0
    with unit.wholly():
        changed = containment.put(unit, machine, service)
        if vip is not None:
            changed |= containment.put(unit, machine, _pool(unit, vip, service, port))
    return changed


def _port(unit: UnitOfWork, service: Thing, vip: Thing) -> int:
    if not unit.by_id(vip.entity_id).is_a(LoadBalancer):
        raise Refused(f"{vip.owner_name} is no LoadBalancer")
    port = next((each.value.integer for each in unit.attributes(service) if each.key == PORT), None)
    if port is None:
        raise Malformed(f"{service.name} has no port: clusto attr set port 443 -t {service.name}")
    return port


def _pool(unit: UnitOfWork, vip: Thing, service: Thing, port: int) -> Thing:
    """The Pool of a Service behind a VIP; made when there is none."""
    for pool in (unit.by_id(each.value.ref) for each in unit.attributes(vip) if each.key == POOL and each.value.ref):
        if any(each.key == SERVICE and each.value.ref == service.id for each in unit.attributes(pool)):
            return pool
    name = f"{vip.owner_name}-{vip.part_name.replace('/', '-').replace(':', '-')}-{service.name}"
    made = things.add(unit, Pool, name, [(SERVICE, values.relation(service)), (PORT, from_python(port))])
    values.add(unit, vip, POOL, [values.relation(made)])
    return made


def remove(unit: UnitOfWork, service: Thing, machine: Thing) -> None:
    """Records that a machine runs a Service no more, behind no VIP. Raises Refused when it did not run it."""
    if containment.membership(unit, machine, service) is None:
        raise Refused(f"{machine.name} does not run {service.name}")
    containment.take(unit, machine, service)
    for pool in containment.parents(unit, machine):
        if any(each.key == SERVICE and each.value.ref == service.id for each in unit.attributes(pool)):
            containment.take(unit, machine, pool)


def running(reader: Reader, service: Thing | None = None, vip: Thing | None = None) -> list[Running]:
    """What runs where: of one Service or of all; only what is behind one VIP, when that is given."""
    services = [service] if service is not None else in_order(reader.all([Service.__name__]))
    ports = {each.thing_id: each.value.integer for each in reader.attributes(*_ids(services)) if each.key == PORT}
    behind = _behind(reader)
    found = []
    for each in services:
        for machine in reader.members(each):
            vips = behind.get((each.id, machine.id), [])
            if vip is None or vip in vips:
                found.append(Running(each, machine, ports.get(each.id), vips))
    return found


def _behind(reader: Reader) -> dict[tuple[int, int], list[Thing]]:
    """The VIPs of each Service on each machine, by their ids."""
    relations = [each for each in reader.attributes_under(POOL) if each.value.ref is not None]
    vips = {id: thing for id, thing in reader.by_ids({each.thing_id for each in relations}).items() if thing.is_a(Vip)}
    pools = reader.by_ids({_ref(each) for each in relations if each.thing_id in vips})
    services = {each.thing_id: _ref(each) for each in reader.attributes(*pools) if each.key == SERVICE}
    found: dict[tuple[int, int], list[Thing]] = {}
    for each in relations:
        if each.thing_id in vips and _ref(each) in services:
            for machine in reader.members(pools[_ref(each)]):
                found.setdefault((services[_ref(each)], machine.id), []).append(vips[each.thing_id])
    return {key: in_order(things) for key, things in found.items()}


def _ref(attribute: Attribute) -> int:
    return attribute.value.ref or 0


def _ids(things: list[Thing]) -> list[int]:
    return [thing.id for thing in things]
