"""From a switch in the inventory to a session with it: its settings, and what is kept about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clusto_cli.backends.errors import DeviceError, Unusable
from clusto_cli.backends.openssh import SHA1
from clusto_cli.backends.power import snmp_settings
from clusto_cli.backends.settings import boolean, integer, seconds
from clusto_cli.backends.snmp import SnmpSettings
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.backends.switch.model import SwitchSettings
from clusto_cli.backends.switch.opening import open_switch
from clusto_core.answers.devicesettings import ReachedDevice, reached
from clusto_core.errors import ClustoError, Malformed, Refused
from clusto_core.model.reserved import SWITCH_ORDER, SWITCH_PROFILE
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader

GROUPS = ("snmp", "ssh", "switch")
"""The first words of all settings that matter to a switch."""
_OCTETS = 1400
"""Switches take what fits into one frame, and their lists of ports are long; `snmp.max_octets` says otherwise."""


class NotAllowed(Unusable):
    """The operator's configuration does not allow what its settings ask for."""


@dataclass
class Device:
    """A switch, how it is reached, and what was learned of it in this run."""

    reached: ReachedDevice
    kept_order: str = ""
    kept_profile: str = ""
    recognised: str = ""
    experimental: str = ""
    legacy: bool = False

    @property
    def thing(self) -> Thing:
        return self.reached.thing

    @property
    def name(self) -> str:
        return self.reached.thing.name

    async def open(self) -> SwitchControl:
        """A session with it. Raises DeviceError, Unusable among them for settings that cannot be."""
        try:
            settings, snmp = self.settings()
        except Refused as error:
            raise NotAllowed(str(error)) from error
        except ClustoError as error:
            raise Unusable(str(error)) from error
        opened = await open_switch(settings, snmp)
        self.recognised = opened.profile.name
        self.experimental = opened.control.experimental
        old = settings.legacy or (opened.profile.ssh is not None and opened.profile.ssh.legacy)
        self.legacy = old and opened.via == "ssh"
        return opened.control

    @property
    def note(self) -> str:
        """What a person should know of a switch of this kind; empty when all about it is verified, and up to date."""
        words = [f"{self.recognised} is experimental: {self.experimental}"] if self.experimental else []
        words += [SHA1] if self.legacy else []
        return f"{self.name}: {'; '.join(words)}" if words else ""

    def settings(self) -> tuple[SwitchSettings, SnmpSettings | None]:
        """The settings of the groups `switch`, `ssh` and `snmp`, checked. Raises Malformed, naming the switch."""
        given = self.reached.settings
        via = given.get("switch.via") or ""
        # A secret of a way that is not taken is neither read nor sent.
        secrets = given if via != "snmp" else given.of(("switch",))
        try:
            settings = SwitchSettings(
                given.get("ssh.host") or self.reached.address,
                profile=given.get("switch.profile") or self.kept_profile,
                via=via,
                order=self.kept_order,
                bridge=given.get("switch.bridge") or "",
                user=given.get("ssh.user") or "",
                password=secrets.get("ssh.password") or "",
                enable=secrets.get("ssh.enable_secret") or "",
                key_file=given.get("ssh.identity") or "",
                known_hosts=given.get("ssh.known_hosts") or "",
                ssh_port=integer(given, "ssh.port", 22),
                legacy=boolean(given, "ssh.legacy") or False,
                timeout=seconds(given, "ssh.timeout", 10.0),
            )
            snmp = None
            if any(key in given for key in ("snmp.community", "snmp.write_community", "snmp.user")):
                # What the settings refer to (env:, file:) is read here, and only where SNMP is spoken.
                plain = {key: given[key] for key in given if key.startswith("snmp.")}
                snmp = snmp_settings(self.reached.address, {"snmp.max_octets": str(_OCTETS), **plain})
        except ValueError as error:
            raise Malformed(f"{self.name}: {error}") from None
        return settings, snmp


def devices(reader: Reader, switches: Iterable[Thing]) -> dict[int, Device]:
    """How these switches are reached, by id."""
    things = {switch.id: switch for switch in switches}
    found = {id: Device(device) for id, device in reached(reader, things.values(), GROUPS).items()}
    for attribute in reader.attributes(*things):
        if attribute.key == SWITCH_ORDER:
            found[attribute.thing_id].kept_order = attribute.value.text
        elif attribute.key == SWITCH_PROFILE:
            found[attribute.thing_id].kept_profile = attribute.value.text
    return found


def told(error: DeviceError) -> str:
    """An error as one line for people."""
    return " ".join(str(error).split())
