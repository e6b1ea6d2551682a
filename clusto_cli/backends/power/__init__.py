"""Power switches: which adapter a device takes, from its settings.

`power.driver` names it (`snmp`, `command`, or one that another package gives under the entry point group
`clusto.power`); without it, a device with a `power.command` takes that, and any other is a PDU that speaks SNMP.
Management controllers are `ipmi` and `redfish` (`bmc.protocol`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from clusto_cli.backends.base import BmcControl, PowerControl
from clusto_cli.backends.endpoint import Endpoint, endpoint
from clusto_cli.backends.settings import Settings, boolean, integer, limits, number, trust

if TYPE_CHECKING:
    from clusto_cli.backends.ipmi import Ipmitool
    from clusto_cli.backends.redfish.system import System
    from clusto_cli.backends.snmp import SnmpSettings

ENTRY_POINTS = "clusto.power"
GROUPS = ("snmp", "power", "bmc")
"""The first words of all settings that an adapter may ask for."""
_SNMP_TEXTS = {
    "version": "snmp.version",
    "community": "snmp.community",
    "write_community": "snmp.write_community",
    "user": "snmp.user",
    "context": "snmp.context",
    "auth_protocol": "snmp.auth_protocol",
    "auth_key": "snmp.auth_key",
    "priv_protocol": "snmp.priv_protocol",
    "priv_key": "snmp.priv_key",
}
_SNMP_NUMBERS = {
    "port": "snmp.port",
    "retries": "snmp.retries",
    "max_octets": "snmp.max_octets",
    "window": "snmp.window",
}


def open_pdu(
    name: str, address: str, settings: Settings, kept: str | None, keep: Callable[[str], None]
) -> PowerControl:
    """The adapter for a PDU at `address`.

    `kept` is what a former recognition of its family found, and `keep` is called with what a new one finds. Raises
    ValueError for settings that cannot be.
    """
    driver = settings.get("power.driver") or ("command" if "power.command" in settings else "snmp")
    if driver == "snmp":
        from clusto_cli.backends.power.recognising import RecognisingPower

        return RecognisingPower(snmp_settings(address, settings), settings.get("power.profile"), kept, keep)
    if driver == "command":
        from clusto_cli.backends.power.command import CommandPower
        from clusto_cli.backends.program import command_line

        argv = command_line("power.command", settings.get("power.command", ""))
        times = limits(settings, timeout="power.timeout", settle="power.settle")
        return CommandPower(argv, host=settings.get("snmp.host") or address, name=name, **times)
    return _third_party(driver, name, address, settings)


def open_bmc(name: str, settings: Settings) -> PowerControl:
    """The adapter for a server's management controller at `bmc.host`. Raises ValueError for settings that cannot be."""
    protocol = protocol_of(settings)
    if protocol == "ipmi":
        return _ipmi(settings)
    if protocol == "redfish":
        return _redfish(settings)
    return _third_party(protocol, name, settings["bmc.host"], settings)


def protocol_of(settings: Settings) -> str:
    """How a controller is spoken to. Raises ValueError where it cannot be, for want of settings."""
    missing = [key for key in ("bmc.host", "bmc.user", "bmc.password") if key not in settings]
    if missing:
        raise ValueError(f"{missing[0]} is not set")
    return settings.get("bmc.protocol") or "ipmi"


def open_boot_control(name: str, settings: Settings) -> BmcControl:
    """The adapter that `open_bmc` gives, as one that also chooses what the server boots from.

    Raises ValueError as that does, and for an adapter of another package that only switches power.
    """
    control = open_bmc(name, settings)
    if not isinstance(control, BmcControl):
        raise ValueError(f"bmc.protocol {settings['bmc.protocol']} cannot choose what a server boots from")
    return control


def snmp_settings(address: str, settings: Settings) -> SnmpSettings:
    """The settings of the group `snmp`, checked. Raises ValueError."""
    from clusto_cli.backends.snmp import SnmpSettings

    texts = {name: settings[key] for name, key in _SNMP_TEXTS.items() if key in settings}
    numbers = {name: integer(settings, key, 0) for name, key in _SNMP_NUMBERS.items() if key in settings}
    times = limits(settings, timeout="snmp.timeout")
    any_source = boolean(settings, "snmp.any_source") or False
    host = settings.get("snmp.host") or address
    return SnmpSettings(host, any_source=any_source, **texts, **numbers, **times)  # type: ignore[arg-type]


def _ipmi(settings: Settings) -> BmcControl:
    from clusto_cli.backends.power.ipmi import IpmiPower

    settling = limits(settings, settle="bmc.settle")
    return IpmiPower(ipmitool(settings), efi=boolean(settings, "bmc.efi") or False, **settling)


def ipmitool(settings: Settings) -> Ipmitool:
    """ipmitool before a controller, by the group `bmc`. Raises ValueError."""
    from clusto_cli.backends.ipmi import Ipmitool

    where = controller_endpoint(settings, 623)
    return Ipmitool(
        where.host,
        settings["bmc.user"],
        settings["bmc.password"],
        port=where.port or 623,
        cipher_suite=number(settings, "bmc.cipher_suite"),
        **limits(settings, timeout="bmc.timeout"),
    )


def controller_endpoint(settings: Settings, usual: int) -> Endpoint:
    """Where a controller listens, by `bmc.host` and `bmc.port`. Raises ValueError."""
    if "://" in settings["bmc.host"]:
        raise ValueError(f"bmc.host is the URL {settings['bmc.host'][:80]!r}: set bmc.protocol to redfish, or a host")
    said = endpoint("bmc.host", settings["bmc.host"])
    port = integer(settings, "bmc.port", said.port or usual)
    if said.port not in (None, port):
        raise ValueError(f"bmc.host says port {said.port}, and bmc.port {port}")
    if not 0 < port < 65536:
        raise ValueError(f"bmc.port is {port}: a port is from 1 to 65535")
    return Endpoint(said.host, port)


def _redfish(settings: Settings) -> BmcControl:
    from clusto_cli.backends.redfish.power import RedfishPower

    settling = limits(settings, settle="bmc.settle")
    return RedfishPower(redfish_system(settings), efi=boolean(settings, "bmc.efi"), **settling)


def redfish_system(settings: Settings) -> System:
    """The system behind a Redfish service, by the group `bmc`. Raises ValueError."""
    from clusto_cli.backends.redfish.address import origin
    from clusto_cli.backends.redfish.service import Service
    from clusto_cli.backends.redfish.system import System
    from clusto_cli.backends.tls import fingerprint

    believed = trust(settings, "bmc.verify")
    pinned = settings.get("bmc.fingerprint")
    try:
        pinned = fingerprint(pinned) if pinned else None
    except ValueError as error:
        raise ValueError(f"bmc.fingerprint: {error}") from None
    times = limits(settings, timeout="bmc.timeout")
    service = Service(
        origin(settings["bmc.host"], integer(settings, "bmc.port", 0) or None),
        settings["bmc.user"],
        settings["bmc.password"],
        verify=believed if isinstance(believed, bool) else _readable(believed),
        pinned=pinned,
        **times,
    )
    return System(service, settings.get("bmc.system"), **times)


def _readable(path: str) -> str:
    """The file of `bmc.verify`. Raises ValueError where there is none."""
    try:
        with open(path, "rb"):
            return path
    except OSError as error:
        raise ValueError(f"bmc.verify is true, false, or a file of certificates: {path}: {error.strerror}") from None


def _third_party(driver: str, name: str, address: str, settings: Settings) -> PowerControl:
    """An adapter of another package: called with the device's name, its address and its settings."""
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS, name=driver):
        control: PowerControl = entry.load()(name, address, settings)
        return control
    known = sorted({"snmp", "command", "ipmi", "redfish", *(entry.name for entry in entry_points(group=ENTRY_POINTS))})
    raise ValueError(f"unknown power driver {driver!r}: there are {', '.join(known)}")
