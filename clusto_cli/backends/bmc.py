"""Management controllers that tell of their machines: which adapter one takes, from its settings (the group `bmc`)."""

from __future__ import annotations

from clusto_cli.backends.machine import MachineControl
from clusto_cli.backends.power import ipmitool, open_bmc, protocol_of, redfish_system
from clusto_cli.backends.settings import Settings


def open_machine(name: str, settings: Settings) -> MachineControl:
    """The adapter for the controller at `bmc.host`. Raises ValueError for settings that cannot be, and for an adapter
    of another package that only switches power.
    """
    protocol = protocol_of(settings)
    if protocol == "ipmi":
        from clusto_cli.backends.ipmi.machine import IpmiMachine

        return IpmiMachine(ipmitool(settings))
    if protocol == "redfish":
        from clusto_cli.backends.redfish.machine import RedfishMachine

        return RedfishMachine(redfish_system(settings))
    control = open_bmc(name, settings)
    if not isinstance(control, MachineControl):
        raise ValueError(f"bmc.protocol {protocol} cannot tell of its machine")
    return control
