"""A session with a switch, by what its settings say and what it says of itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.snmp import Oid, SnmpDevice, SnmpSettings, format_oid, parse_oid
from clusto_cli.backends.switch import oids, profiles
from clusto_cli.backends.switch.cli import CliSwitch, Session
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.backends.switch.model import SwitchSettings
from clusto_cli.backends.switch.profiles import Profile
from clusto_cli.backends.switch.snmp_switch import SnmpSwitch

_LOGIN = "ssh.user and ssh.password or ssh.identity"


@dataclass(frozen=True)
class Opened:
    """A switch that can be spoken to, the profile that was chosen, and the way: `snmp` or `ssh`."""

    control: SwitchControl
    profile: Profile
    via: str


async def open_switch(settings: SwitchSettings, snmp: SnmpSettings | None) -> Opened:
    """Choose the profile by `settings.profile`, else by sysObjectID, and the way by `settings.via`, else as it prefers.

    `snmp` is None where no credentials for it are known. DeviceError when the switch cannot be recognised or cannot be
    spoken to that way, naming the setting that is missing.
    """
    device = SnmpDevice(snmp) if snmp is not None else None
    try:
        profile = _named(settings.profile) if settings.profile else await _recognised(settings, device)
        via = settings.via or _way(profile, settings, snmp)
        if via == "snmp":
            control: SwitchControl = _over_snmp(profile, settings, device)
            device = None
            return Opened(control, profile, via)
        if via != "ssh":
            raise DeviceError(f"switch.via is {via!r}: use snmp or ssh")
        return Opened(_over_ssh(profile, settings), profile, via)
    finally:
        if device is not None:
            await device.__aexit__(None, None, None)


def _over_snmp(profile: Profile, settings: SwitchSettings, device: SnmpDevice | None) -> SnmpSwitch:
    if device is None:
        raise DeviceError("no credentials for SNMP are known: set snmp.community, or switch.via=ssh")
    if profile.snmp is None:
        raise Refused(f"{profile.title} is not spoken to over SNMP: set switch.via=ssh")
    return SnmpSwitch(profile, profile.snmp, device, settings.order, "" if _has_login(settings) else _LOGIN)


def _over_ssh(profile: Profile, settings: SwitchSettings) -> CliSwitch:
    if profile.ssh is None:
        raise Refused(f"{profile.title} is not spoken to over ssh: set switch.via=snmp")
    if profile.ssh.driver != "system" and not settings.user:
        raise DeviceError(f"no login for ssh is known: set {_LOGIN}")
    return CliSwitch(profile, profile.ssh, settings, _session(profile, settings))


def _session(profile: Profile, settings: SwitchSettings) -> Session:
    assert profile.ssh is not None
    if profile.ssh.driver == "system":
        from clusto_cli.backends.switch.ssh_session import SshSession

        return SshSession(settings, legacy=settings.legacy or profile.ssh.legacy)
    from clusto_cli.backends.switch.netmiko_session import NetmikoSession

    return NetmikoSession(profile.ssh, settings)


def _way(profile: Profile, settings: SwitchSettings, snmp: SnmpSettings | None) -> str:
    """What the profile prefers, where the credentials for it are known; else the other way.

    SNMP that can only be read is taken where nothing is set of ssh: who wants to change something is told what to set.
    """
    snmp_possible = profile.snmp is not None and snmp is not None
    system = profile.ssh is not None and profile.ssh.driver == "system" and not snmp_possible
    ssh_possible = profile.ssh is not None and (system or _has_login(settings))
    if ssh_possible and snmp_possible and profile.snmp is not None and not profile.snmp.orders:
        return "ssh"
    if ssh_possible is not snmp_possible:
        return "ssh" if ssh_possible else "snmp"
    return profile.prefer


def _has_login(settings: SwitchSettings) -> bool:
    return bool(settings.user or settings.key_file)


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
    telling = profiles.telling(text)
    answers = await asyncio.gather(*(_answers(device, parse_oid(subtree)) for subtree in telling))
    name = profiles.recognise(text, says, [subtree for subtree, has in zip(telling, answers, strict=True) if has])
    if not name:
        generic = await _answers(device, oids.Q_PVID) or await _answers(device, oids.Q_EGRESS)
        hint = "switch.profile=qbridge would do, since it has Q-BRIDGE-MIB" if generic else "set switch.profile"
        raise DeviceError(f"its kind is not known (sysObjectID {text}): {hint}")
    return profiles.load(name)


async def _answers(device: SnmpDevice, subtree: Oid) -> bool:
    """Whether anything is below an object identifier."""
    following = await device.get_next(subtree)
    return following is not None and following.exists and following.oid[: len(subtree)] == subtree
