"""A switch by its command line: SwitchControl over whatever session carries lines to it and answers back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from clusto_cli.backends.errors import DeviceError, NoSuchPort
from clusto_cli.backends.runner import attempt
from clusto_cli.backends.switch import cliread, cliwrite
from clusto_cli.backends.switch.cliwrite import Line, command, port_name
from clusto_cli.backends.switch.model import (
    Plan,
    PortMode,
    PortState,
    Rejected,
    Step,
    Survey,
    SwitchSettings,
    SwitchState,
)
from clusto_cli.backends.switch.names import same_port, with_sockets
from clusto_cli.backends.switch.profiles import Profile, SshRules, TableRules
from clusto_cli.backends.switch.rejection import judged

# More ports than this are read with the one command that lists all, where a platform has it.
_SINGLY = 4


class _NoListing(DeviceError):
    """A listing of all ports has none in it."""


class Session(Protocol):
    """Carries lines to a switch. Blocking; each method raises DeviceError."""

    def send(self, line: Line) -> str:
        """What the switch printed in answer, without the line's echo and the prompt. It is not judged here."""
        ...

    def close(self) -> None:
        """End the session, leaving configuration mode."""
        ...


class CliSwitch:
    """SwitchControl by commands and answers, as a profile describes them."""

    def __init__(self, profile: Profile, rules: SshRules, settings: SwitchSettings, session: Session) -> None:
        self._profile, self._rules, self._settings, self._session = profile, rules, settings, session
        self._listings: dict[str, str] = {}

    @property
    def experimental(self) -> str:
        return self._rules.experimental

    @property
    def orders(self) -> tuple[str, ...]:
        return (cliwrite.ORDER,)

    @property
    def restoring(self) -> tuple[str, ...]:
        return self.orders

    async def read(self, ports: Sequence[str] = ()) -> SwitchState:
        return await attempt(asyncio.to_thread(self._read, ports))

    def plan(
        self,
        now: SwitchState,
        goals: Mapping[str, PortState],
        *,
        order: str,
        create: Mapping[int, str] | None = None,
        drop: Sequence[int] = (),
    ) -> Plan:
        return cliwrite.lines_for(self._rules, self._settings, now, goals, create or {}, drop)

    async def apply(self, plan: Plan) -> None:
        await asyncio.to_thread(self._apply, plan.steps)

    async def save(self, plan: Plan) -> None:
        await asyncio.to_thread(self._send_all, plan.save)

    async def survey(self) -> Survey:
        return await attempt(asyncio.to_thread(self._survey))

    async def close(self) -> None:
        await asyncio.to_thread(self._session.close)

    def _read(self, ports: Sequence[str]) -> SwitchState:
        rules = self._rules.read
        self._listings.clear()
        listing = self._ask(rules.vlans) if rules.vlan else ""
        vlans = cliread.read_vlans(rules, listing) if rules.vlan else dict.fromkeys(cliread.ALL_VLANS, "")
        states: dict[str, PortState] | None = None
        if not (ports and rules.port) or (rules.all and len(ports) > _SINGLY):
            try:
                states = self._read_all(ports, vlans)
            except (Rejected, _NoListing):
                if not (ports and rules.port):
                    raise
        if states is None:
            states = {port: self._read_one(port, vlans) for port in ports}
        return SwitchState(states, vlans, off=cliread.vlans_off(rules, listing))

    def _read_all(self, ports: Sequence[str], vlans: Mapping[int, str]) -> dict[str, PortState]:
        """Every port out of one listing, or the ones that are wanted."""
        rules = self._rules.read
        if not rules.all:
            raise DeviceError(f"{self._profile.title} has no command that lists all ports: name one")
        output = self._ask(rules.all)
        sockets = self._sockets() if not ports or not (rules.block or rules.form != "text") else {}
        parts = self._cut(output, sockets)
        if not parts:
            first = output.strip().partition("\n")[0] or "nothing"
            raise _NoListing(f"no port is in its answer to {'; '.join(rules.all)!r}: it begins with {first[:80]!r}")
        if not ports:
            return with_sockets({name: self._among(name, part, vlans) for name, part in parts.items()}, sockets)
        states = {}
        for port in ports:
            name = next((name for name in parts if same_port(name, port)), None)
            if name is None:
                raise NoSuchPort(f"the switch has no port called {port}")
            states[port] = self._state(name, parts[name], vlans)
        return states

    def _cut(self, output: str, sockets: Mapping[str, PortState]) -> dict[str, str]:
        """The part of a listing for each port; the whole where its lines name the ports that they are about."""
        rules = self._rules.read
        if rules.form != "text":
            return cliread.names_in(rules, output)
        return cliread.blocks(rules, output) if rules.block else dict.fromkeys(sockets, output)

    def _among(self, name: str, part: str, vlans: Mapping[int, str]) -> PortState:
        """One port of many, whose odd answer does not hide the others."""
        try:
            return self._state(name, part, vlans)
        except NoSuchPort:
            return PortState(name, PortMode.ROUTED, None, note="no port of the bridge")
        except Rejected as error:
            return PortState(name, PortMode.UNKNOWN, None, note=error.said)
        except cliread.NotUnderstood as error:
            return cliread.not_understood(name, error)

    def _read_one(self, port: str, vlans: Mapping[int, str]) -> PortState:
        values = {"port": port_name(port), "bridge": self._settings.bridge}
        try:
            output = "\n".join(
                self._checked(Line(command(text, self._rules, values), config=False)) for text in self._rules.read.port
            )
        except Rejected as error:
            raise NoSuchPort(f"{error.where}: asked for port {port}, {error.said}") from error
        return self._state(port, output, vlans)

    def _state(self, port: str, part: str, vlans: Mapping[int, str]) -> PortState:
        rules = self._rules.read
        if rules.more and rules.form == "text":
            for text in rules.more.get(cliread.read_mode(rules, port, part), ()):
                part += "\n" + self._more(port, text)
        return cliread.read_port(rules, port, part, vlans)

    def _more(self, port: str, text: str) -> str:
        """What a further command says of a port: all of its answer, or the port's part where it lists them all."""
        values = {"port": port_name(port), "bridge": self._settings.bridge}
        asked = command(text, self._rules, values)
        if asked not in self._listings:
            self._listings[asked] = self._checked(Line(asked, config=False))
        if "{port}" in text:
            return self._listings.pop(asked)
        parts = cliread.blocks(self._rules.read, self._listings[asked])
        return next((part for name, part in parts.items() if same_port(name, port)), "")

    def _sockets(self) -> dict[str, PortState]:
        """All that has a socket, in VLANs or not, by the listing of interfaces; empty where the platform has none."""
        table = self._rules.interfaces
        if not table.known:
            return {}
        try:
            output = self._ask(table.commands)
        except Rejected:
            return {}
        return cliread.read_sockets(table, output)

    def _ask(self, commands: Sequence[str]) -> str:
        values = {"bridge": self._settings.bridge}
        lines = [Line(command(text, self._rules, values), config=False) for text in commands]
        return "\n".join(self._checked(line) for line in lines)

    def _apply(self, steps: Sequence[Step]) -> None:
        try:
            self._send_all(steps)
        except Rejected:
            for text in self._rules.write.abort:
                self._session.send(Line(text))
            raise

    def _send_all(self, steps: Sequence[Step]) -> None:
        for step in steps:
            assert isinstance(step, Line)
            self._checked(step)

    def _checked(self, line: Line) -> str:
        """The answer, unless it says that the line was rejected: the transport knows of no such thing."""
        return judged(self._rules, self._settings.ssh_address, line.text, self._session.send(line))

    def _survey(self) -> Survey:
        missing: list[str] = []
        faults: list[str] = []
        neighbours = self._table("LLDP neighbours", self._rules.lldp, missing)
        stations = self._table("learned addresses", self._rules.fdb, missing)
        if nowhere := cliread.portless(self._rules.lldp, neighbours):
            missing.append(f"LLDP does not say on which port {', '.join(nowhere)} is")
        for what, line in (
            ("LLDP neighbours", cliread.unread(self._rules.lldp, neighbours)),
            ("learned addresses", cliread.unread_station(self._rules.fdb, stations)),
        ):
            if line:
                faults.append(f"its {what}: {cliread.NotUnderstood(line)}")
        return Survey(
            cliread.read_neighbours(self._rules.lldp, neighbours),
            cliread.read_stations(self._rules.fdb, stations),
            tuple(missing),
            tuple(faults),
        )

    def _table(self, what: str, table: TableRules, missing: list[str]) -> str:
        """What the listing prints; empty, and said in `missing`, where there is none: LLDP may be switched off."""
        if not table.known:
            missing.append(f"{what} cannot be read over ssh on {self._profile.title}")
            return ""
        try:
            return self._ask(table.commands)
        except Rejected as error:
            missing.append(f"{what}: {error}")
            return ""
