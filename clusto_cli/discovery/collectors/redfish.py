"""Redfish services: that one answers, which anybody may ask (DSP0266, the service root), and, where there are
credentials for it, what its machine consists of."""

from __future__ import annotations

from contextlib import AsyncExitStack

from clusto_cli.backends.bmc import open_machine
from clusto_cli.backends.errors import Refused
from clusto_cli.backends.machine import Facts
from clusto_cli.backends.redfish.address import origin
from clusto_cli.backends.redfish.document import text
from clusto_cli.backends.redfish.service import ROOT, Service
from clusto_cli.backends.runner import enter
from clusto_cli.bmc.holding import said_by
from clusto_cli.discovery.evidence import Controller, Machine
from clusto_cli.visible import one_line
from clusto_core.answers.devicesettings import DeviceSettings

_LONGEST = 100


async def root(at: str, address: str, port: int | None, timeout: float) -> Controller:
    """What the service says to everybody. Raises DeviceError where none answers.

    Its certificate is not looked at: nothing is sent to it that anybody might not know.
    """
    service = Service(origin(address, port), "", "", verify=False, timeout=timeout)
    await service.open()
    try:
        found = await service.public(ROOT)
    finally:
        await service.close()
    if not text(found.get("RedfishVersion")):
        raise Refused(f"{service.url}: answers, and is no Redfish service")
    said = (one_line(text(found.get(key)) or "")[:_LONGEST] for key in ("Vendor", "Product", "UUID"))
    return Controller(at, address, *said)


async def machine(at: str, address: str, settings: DeviceSettings) -> Machine:
    """What a controller says of its machine. Raises DeviceError, ValueError for settings that cannot be."""
    async with AsyncExitStack() as stack:
        control = await enter(stack, open_machine(at, settings))
        facts = await control.facts()
    return Machine(at, address, said_by(facts), facts.bmc_macs, tuple(_hears(facts)))


def _hears(facts: Facts) -> list[tuple[str, str, str]]:
    ports = (port for card in facts.cards for port in card.ports)
    return [(port.macs[0], *port.hears) for port in ports if port.hears is not None and port.macs]
