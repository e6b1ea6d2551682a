"""Who is on which port of a switch, as `clusto network verify` asks it, and what the switch says of itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.runner import attempt
from clusto_cli.backends.snmp import SnmpDevice
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.backends.switch.model import Survey
from clusto_cli.discovery.collectors import snmp
from clusto_cli.discovery.evidence import Evidence, Heard, Learned, Surveyed
from clusto_cli.network.devices import Device


async def of_thing(device: Device) -> tuple[list[Evidence], Survey]:
    """All that a switch of the inventory says. Raises DeviceError."""
    control = await device.open()
    try:
        survey = await control.survey()
    finally:
        await closed(control)
    found = list(told(device.name, survey))
    _, settings = device.settings()
    if settings is not None:
        async with SnmpDevice(settings) as asked:
            # Who does not speak SNMP, or of this, has said who is on its ports all the same.
            with contextlib.suppress(DeviceError):
                found.append(await attempt(snmp.identity(asked, device.name, device.reached.address)))
                found += await attempt(snmp.resolved(asked, device.name))
    return found, survey


async def closed(control: SwitchControl) -> None:
    """Ends a session, whatever becomes of that."""
    with contextlib.suppress(DeviceError):
        await attempt(control.close())


def told(at: str, survey: Survey) -> Iterator[Evidence]:
    """A survey as evidence."""
    yield Surveyed(at)
    for each in survey.neighbours:
        told = (each.port, each.system, each.remote_port, each.remote_description)
        yield Heard(at, *told, each.chassis, each.passes_on)
    yield from (Learned(at, each.port, each.mac, each.vlan) for each in survey.stations)
