"""A switch by its command line: SwitchControl over whatever session carries lines to it and answers back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from clusto_cli.backends.base import DeviceError, NoSuchPort
from clusto_cli.backends.switch import cliread, cliwrite
from clusto_cli.backends.switch.cliwrite import Line, command, port_name
from clusto_cli.backends.switch.model import Plan, PortState, Rejected, Step, Survey, SwitchSettings, SwitchState
from clusto_cli.backends.switch.names import same_port
from clusto_cli.backends.switch.profiles import Profile, SshRules, TableRules
from clusto_cli.backends.switch.understood import understood

# More ports than this are read with the one command that lists all, where a platform has it.
_SINGLY = 4


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
        self._failures = [re.compile(pattern, re.MULTILINE) for pattern in rules.failures]

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
        return await understood(self._read, ports)

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
        return await understood(self._survey)

    async def close(self) -> None:
        await asyncio.to_thread(self._session.close)

    def _read(self, ports: Sequence[str]) -> SwitchState:
        rules = self._rules.read
        vlans = (
            cliread.read_vlans(rules, self._ask(rules.vlans)) if rules.vlan else dict.fromkeys(cliread.ALL_VLANS, "")
        )
        if ports and rules.port and (len(ports) <= _SINGLY or not rules.all):
            return SwitchState({port: self._read_one(port, vlans) for port in ports}, vlans)
        if not rules.all:
            raise DeviceError(f"{self._profile.title} has no command that lists all ports: name one")
        output = self._ask(rules.all)
        parts = cliread.blocks(rules, output) if rules.form == "text" else cliread.names_in(rules, output)
        if not ports:
            return SwitchState(
                {name: cliread.read_port(rules, name, part, vlans) for name, part in parts.items()}, vlans
            )
        states = {}
        for port in ports:
            name = next((name for name in parts if same_port(name, port)), None)
            if name is None:
                raise NoSuchPort(f"the switch has no port called {port}")
            states[port] = cliread.read_port(rules, name, parts[name], vlans)
        return SwitchState(states, vlans)

    def _read_one(self, port: str, vlans: Mapping[int, str]) -> PortState:
        values = {"port": port_name(port), "bridge": self._settings.bridge}
        try:
            output = "\n".join(
                self._checked(Line(command(text, self._rules, values), config=False)) for text in self._rules.read.port
            )
        except Rejected as error:
            raise NoSuchPort(f"asked for port {port}, {error}") from error
        return cliread.read_port(self._rules.read, port, output, vlans)

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
        answer = self._session.send(line)
        for failure in self._failures:
            if found := failure.search(answer):
                start = answer.rfind("\n", 0, found.start()) + 1
                said = answer[start:].partition("\n")[0].strip()
                raise Rejected(f"it answered {said[:120]!r} to {line.text!r}")
        return answer

    def _survey(self) -> Survey:
        missing = []
        neighbours = self._table(self._rules.lldp)
        stations = self._table(self._rules.fdb)
        if neighbours is None:
            missing.append(f"LLDP neighbours cannot be read over ssh on {self._profile.title}")
        if stations is None:
            missing.append(f"learned addresses cannot be read over ssh on {self._profile.title}")
        return Survey(
            cliread.read_neighbours(self._rules.lldp, neighbours) if neighbours else (),
            cliread.read_stations(self._rules.fdb, stations) if stations else (),
            tuple(missing),
        )

    def _table(self, table: TableRules) -> str | None:
        """What the listing prints; None where the platform has none, or rejects it: LLDP may be switched off."""
        if not table.row:
            return None
        try:
            return self._ask(table.commands)
        except Rejected:
            return None
