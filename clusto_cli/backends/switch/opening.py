"""A session with a switch, by what its settings say and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from clusto_cli.backends.base import DeviceError, Refused, SwitchControl
from clusto_cli.backends.snmp import SnmpDevice, SnmpSettings, format_oid
from clusto_cli.backends.switch import oids, profiles
from clusto_cli.backends.switch.cli import CliSwitch, Session
from clusto_cli.backends.switch.model import SwitchSettings
from clusto_cli.backends.switch.profiles import Profile
from clusto_cli.backends.switch.snmp_switch import SnmpSwitch


@dataclass(frozen=True)
class Opened:
    """A switch that can be spoken to, the profile that was chosen, and the way: `snmp` or `ssh`."""

    control: SwitchControl
    profile: Profile
    via: str


async def open_switch(settings: SwitchSettings, snmp: SnmpSettings | None) -> Opened:
    """Choose the profile by `settings.profile`, else by sysObjectID, and the way by `settings.via`, else as it prefers.

    `snmp` is None where no credentials for it are known. DeviceError when the switch cannot be recognised or cannot be
    spoken to that way.
    """
    device = SnmpDevice(snmp) if snmp is not None else None
    try:
        profile = _named(settings.profile) if settings.profile else await _recognised(settings, device)
        via = settings.via or _way(profile, settings, snmp)
        if via == "snmp":
            if device is None:
                raise DeviceError("no credentials for SNMP are known: set snmp.community, or switch.via=ssh")
            rules = profile.snmp
            if rules is None:
                raise Refused(f"{profile.title} is not spoken to over SNMP: set switch.via=ssh")
            control: SwitchControl = SnmpSwitch(profile, rules, device, settings.order)
            device = None
            return Opened(control, profile, via)
        if via != "ssh":
            raise DeviceError(f"switch.via is {via!r}: use snmp or ssh")
        if profile.ssh is None:
            raise Refused(f"{profile.title} is not spoken to over ssh: set switch.via=snmp")
        return Opened(CliSwitch(profile, profile.ssh, settings, _session(profile, settings)), profile, via)
    finally:
        if device is not None:
            await device.__aexit__(None, None, None)


def _session(profile: Profile, settings: SwitchSettings) -> Session:
    assert profile.ssh is not None
    if profile.ssh.driver == "system":
        from clusto_cli.backends.switch.ssh_session import SshSession

        return SshSession(settings, legacy=settings.legacy or profile.ssh.legacy)
    from clusto_cli.backends.switch.netmiko_session import NetmikoSession

    return NetmikoSession(profile.ssh, settings)


def _way(profile: Profile, settings: SwitchSettings, snmp: SnmpSettings | None) -> str:
    """What the profile prefers, where the credentials for it are known; else the other way."""
    ssh_possible = profile.ssh is not None and bool(settings.user or profile.ssh.driver == "system")
    snmp_possible = profile.snmp is not None and bool(profile.snmp.orders) and snmp is not None
    if profile.prefer == "ssh":
        return "ssh" if ssh_possible or not snmp_possible else "snmp"
    return "snmp" if snmp_possible or not ssh_possible else "ssh"


def _named(name: str) -> Profile:
    import difflib

    try:
        return profiles.load(name)
    except KeyError:
        near = difflib.get_close_matches(name, profiles.names(), 1)
        hint = f" (did you mean {near[0]}?)" if near else f": one of {', '.join(profiles.names())}"
        raise DeviceError(f"there is no switch profile {name!r}{hint}") from None


async def _recognised(settings: SwitchSettings, device: SnmpDevice | None) -> Profile:
    if device is None:
        raise DeviceError("what kind of switch it is cannot be asked: set switch.profile, or snmp.community")
    got = await device.get_many([oids.SYS_OBJECT_ID, oids.SYS_DESCR], value_octets=80)
    identity, description = got[oids.SYS_OBJECT_ID], got[oids.SYS_DESCR]
    text = format_oid(identity) if isinstance(identity, tuple) else "nothing"
    says = description.decode("utf-8", "replace") if isinstance(description, bytes) else ""
    name = profiles.recognise(text, says)
    if not name:
        raise DeviceError(f"its kind is not known (sysObjectID {text}): set switch.profile")
    return profiles.load(name)
