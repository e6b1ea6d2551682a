"""A PDU of any profile: its command variables move relays, its state variables show them, some time later or never."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from clusto_cli.backends.base import Concern, Relay
from clusto_cli.backends.power.profile import Column, Meaning, Profile
from clusto_cli.backends.power.template import OidTemplate
from clusto_cli.backends.snmp import Oid, Tag, Value, Varbind, parse_oid
from lab.agent import NO_ACCESS, NOT_WRITABLE

SYS_DESCR, SYS_OBJECT_ID, SYS_NAME = (parse_oid(f"1.3.6.1.2.1.1.{number}.0") for number in (1, 2, 5))
NET_SNMP = parse_oid("1.3.6.1.4.1.8072.3.2.10")
"""How a device identifies itself whose maker left net-snmp as it was."""
WRONG_TYPE, WRONG_VALUE, INCONSISTENT_VALUE = 7, 10, 12
UNLOCKED_FOR = 10.0
"""Seconds for which an unlocked outlet takes a command (SCHLEIFENBAUER-DATABUS-MIB, sdbDevOutSwUnlock)."""


@dataclass
class Outlet:
    """One relay and how it behaves."""

    number: int
    unit: int
    row: Oid
    label: str
    on: bool = True
    moves_after: float = 0.0
    """Seconds from the command to the movement."""
    stuck: bool = False
    """The command is acknowledged and the relay does not move."""
    locked: bool = False
    switchable: bool = True
    delays: dict[bool, int] = field(default_factory=dict)
    """What the device's variables say that it waits before turning on (True) or off, in the unit of its profile."""
    waits: Callable[[Outlet, bool], float | None] = lambda outlet, on: 0.0
    """How long the device waits before it turns the outlet, in seconds; None when it never does."""
    commands: list[tuple[float, bool]] = field(default_factory=list)
    """When it was told, on the monotonic clock, and what: on is True."""
    unlocked_until: float = 0.0
    _moves_at: float = 0.0
    _target: bool | None = None

    def command(self, on: bool) -> None:
        self.commands.append((time.monotonic(), on))
        wait = self.waits(self, on)
        if not self.stuck and not self.locked and wait is not None:
            self._target, self._moves_at = on, time.monotonic() + wait + self.moves_after

    @property
    def relay(self) -> Relay:
        if self._target is not None and time.monotonic() >= self._moves_at:
            self.on, self._target = self._target, None
        if self._target is not None and self._target != self.on:
            return Relay.CHANGING
        return Relay.ON if self.on else Relay.OFF


class _Variable(NamedTuple):
    """How a variable is read; where it can be written, whether it takes a value (an error status if not) and what
    then.
    """

    read: Callable[[], tuple[int, Value]]
    refuses: Callable[[Varbind], int] | None = None
    apply: Callable[[Varbind], None] = lambda varbind: None


class Pdu:
    """The variables of one device. `outlets`, by the text the inventory names them, may be changed while it runs."""

    def __init__(
        self,
        profile: Profile,
        outlets: int = 8,
        *,
        units: int = 1,
        name: str = "pdu",
        row: Callable[[int, int], Oid] = lambda unit, number: (1, 1, number),
        phantoms: int = 0,
        sysobjectid: Oid | None = None,
        refuses_locked: bool = False,
        delay: int = 0,
    ) -> None:
        """`row` gives the rows of families whose rows are looked up; `phantoms` are rows beyond the number of outlets;
        `delay` stands in every variable that holds a delay."""
        self.profile = profile
        self.outlets: dict[str, Outlet] = {}
        self._refuses_locked = refuses_locked
        self._next_free = 0.0
        self._model = 7 if profile.model else None
        self._variables: dict[Oid, _Variable] = {}
        self._codes = {
            meaning.relay: code for code, meaning in reversed(profile.state.codes.items()) if not meaning.concern
        }
        identity = next(iter(profile.sysobjectids), NET_SNMP) + ((7,) if profile.model else ())
        self._constant(SYS_DESCR, Tag.OCTET_STRING, f"{profile.vendor} {profile.family}".encode())
        self._constant(SYS_OBJECT_ID, Tag.OBJECT_IDENTIFIER, sysobjectid or identity)
        self._constant(SYS_NAME, Tag.OCTET_STRING, name.encode())
        if profile.probe is not None:
            self._constant(profile.probe[0], Tag.OCTET_STRING, profile.probe[1].encode())
        for position in range(units):
            unit = profile.unit + position
            if profile.count is not None:
                self._constant(profile.count.fill(unit=unit, model=self._model), Tag.INTEGER, outlets)
            for number in range(1, outlets + phantoms + 1):
                flat = position * outlets + number
                if profile.rows is not None:
                    where: Oid = (flat,)
                elif profile.named is not None:
                    where = (unit, 10 * number)
                elif profile.index is not None:
                    where = profile.index.fill(outlet=number, unit=unit, model=self._model)
                else:
                    where = row(unit, number)
                if number > outlets:
                    self._constant(self._oid(profile.state.oid, number, unit, where), Tag.INTEGER, 0)
                else:
                    self._add(Outlet(number, unit, where, f"Outlet {flat}"), delay)
        if profile.state.separator is not None:
            self._add_string()
        self._names = sorted(self._variables)

    def names(self) -> Sequence[Oid]:
        return self._names

    def read(self, oid: Oid) -> Varbind | None:
        variable = self._variables.get(oid)
        return None if variable is None else Varbind(oid, *variable.read())

    def write(self, varbinds: Sequence[Varbind]) -> tuple[int, int]:
        for position, varbind in enumerate(varbinds, 1):
            variable = self._variables.get(varbind.oid)
            status = NOT_WRITABLE if variable is None or variable.refuses is None else variable.refuses(varbind)
            if status:
                return status, position
        for varbind in varbinds:
            self._variables[varbind.oid].apply(varbind)
        return 0, 0

    def show(self, template: OidTemplate, row: Oid, read: Callable[[], tuple[int, Value]]) -> None:
        """Adds a variable that is only read: that of a row, or the one of a template that is whole."""
        oid = template.fill(model=self._model)
        self._variables.setdefault(oid + row if template.is_column else oid, _Variable(read))
        self._names = sorted(self._variables)

    def _add(self, outlet: Outlet, delay: int) -> None:
        profile = self.profile
        text = str(outlet.number) if outlet.unit == profile.unit else f"{outlet.unit}.{outlet.number}"
        if profile.outlet_id is not None:
            text = f"AA{outlet.number}"
            self._constant(self._place(profile.outlet_id, outlet), Tag.OCTET_STRING, text.encode())
        elif profile.search:
            text = ".".join(map(str, outlet.row))
        self.outlets[text] = outlet
        if profile.rows is not None:
            self._constant(self._place(profile.rows.unit, outlet), Tag.INTEGER, outlet.unit)
            self._constant(self._place(profile.rows.number, outlet), Tag.INTEGER, outlet.number)
        label_row = outlet.row
        if profile.named is not None:
            label_row = (*outlet.row[:-1], outlet.row[-1] + 1)
            for pattern, row in ((profile.named.outlet, outlet.row), (profile.named.label, label_row)):
                name = (
                    "" if pattern is None else re.sub(r"\(.*\)", str(outlet.number), pattern.pattern).replace("\\", "")
                )
                self._constant(profile.named.oid.fill() + row, Tag.OCTET_STRING, name.encode())
        if profile.label is not None:
            label = self._place(profile.label.oid, replace(outlet, row=label_row))
            self._variables[label] = _Variable(lambda: (Tag.OCTET_STRING, outlet.label.encode()))
        outlet.waits = self._waits
        for on, each in profile.delays.items():
            outlet.delays[on] = delay

            def reads(on: bool = on) -> tuple[int, Value]:
                return Tag.INTEGER, outlet.delays[on]

            self._variables[self._place(each.oid, outlet)] = _Variable(reads)
        for column in profile.signs:
            self._add_sign(column, outlet)
        if profile.state.separator is None:
            state = self._place(profile.state.oid, outlet)
            self._variables[state] = _Variable(lambda: (Tag.INTEGER, int(self._state_code(outlet))))
            self._add_command(outlet)

    def _waits(self, outlet: Outlet, on: bool) -> float | None:
        """What the device waits: the outlet's own delay, or those of the outlets that it turned before."""
        delay = self.profile.delays.get(on)
        if delay is None:
            return 0.0
        if outlet.delays[on] == delay.never:
            return None
        seconds = delay.seconds(outlet.delays[on])
        if not delay.each:
            return seconds
        now = time.monotonic()
        starts = max(now, self._next_free)
        self._next_free = starts + seconds
        return starts - now

    def _add_command(self, outlet: Outlet) -> None:
        command = self.profile.command
        values: dict[Oid, dict[Value, bool]] = {}
        for on, (template, value) in ((True, command.on), (False, command.off)):
            values.setdefault(self._place(template, outlet), {})[value] = on
        for oid, meanings in values.items():
            reads = self._variables[oid].read if oid in self._variables else lambda: (command.tag, 0)

            def refuses(varbind: Varbind, meanings: dict[Value, bool] = meanings) -> int:
                if varbind.tag != command.tag:
                    return WRONG_TYPE
                if not outlet.switchable:
                    return NO_ACCESS
                if outlet.locked and self._refuses_locked:
                    return INCONSISTENT_VALUE
                return 0 if varbind.value in meanings else WRONG_VALUE

            def apply(varbind: Varbind, meanings: dict[Value, bool] = meanings) -> None:
                if command.unlock is None or time.monotonic() < outlet.unlocked_until:
                    outlet.command(meanings[varbind.value])

            self._variables[oid] = _Variable(reads, refuses, apply)
        if command.unlock is not None:

            def unlock(varbind: Varbind) -> None:
                outlet.unlocked_until = time.monotonic() + UNLOCKED_FOR

            self._variables[self._place(command.unlock[0], outlet)] = _Variable(
                lambda: (Tag.INTEGER, 0), lambda varbind: 0, unlock
            )

    def _add_string(self) -> None:
        """The one variable of families that keep all outlets in one string."""
        profile = self.profile
        separator = profile.state.separator or ","
        outlets = list(self.outlets.values())

        def read() -> tuple[int, Value]:
            return Tag.OCTET_STRING, separator.join(self._state_code(outlet) for outlet in outlets).encode()

        def refuses(varbind: Varbind) -> int:
            if varbind.tag != Tag.OCTET_STRING or not isinstance(varbind.value, bytes):
                return WRONG_TYPE
            parts = varbind.value.decode().split(separator)
            known = {str(profile.command.on[1]), str(profile.command.off[1])}
            return 0 if len(parts) == len(outlets) and set(parts) <= known else WRONG_VALUE

        def apply(varbind: Varbind) -> None:
            assert isinstance(varbind.value, bytes)
            for outlet, part in zip(outlets, varbind.value.decode().split(separator), strict=True):
                if part != self._state_code(outlet):
                    outlet.command(part == str(profile.command.on[1]))

        oid = profile.state.oid.fill(unit=profile.unit, model=self._model)
        self._variables[oid] = _Variable(read, refuses, apply)

    def _add_sign(self, column: Column, outlet: Outlet) -> None:
        moving = next((code for code, meaning in column.codes.items() if meaning.relay is Relay.CHANGING), None)
        quiet = next((code for code, meaning in column.codes.items() if meaning == Meaning()), "2147483647")
        concerns = {meaning.concern: code for code, meaning in reversed(column.codes.items())}
        if column.otherwise is not None:
            concerns.setdefault(column.otherwise.concern, "2147483647")

        def code() -> str:
            if moving is not None and outlet.relay is Relay.CHANGING:
                return moving
            wanted = Concern.BAR if not outlet.switchable else Concern.LOCK if outlet.locked else None
            return concerns.get(wanted, quiet) if wanted is not None else quiet

        oid = self._place(column.oid, outlet)
        if column.separator is not None:
            everyone = self.outlets

            def words() -> tuple[int, Value]:
                moving = [each.relay is Relay.CHANGING for each in everyone.values()]
                codes = {meaning.relay: code for code, meaning in column.codes.items()}
                said = [codes[Relay.CHANGING] if moves else codes[None] for moves in moving]
                return Tag.OCTET_STRING, str(column.separator).join(said).encode()

            self._variables[oid] = _Variable(words)
        elif column.bit is not None:
            bit = column.bit
            self._variables[oid] = _Variable(lambda: (Tag.OCTET_STRING, bytes([0x80 >> bit if code() == "1" else 0])))
        elif oid not in self._variables:
            self._variables[oid] = _Variable(lambda: (Tag.INTEGER, int(code())))

    def _state_code(self, outlet: Outlet) -> str:
        """The plainest code for what the relay does; a family that cannot say "changing" shows the state before."""
        code = self._codes.get(outlet.relay)
        return code if code is not None else self._codes[Relay.ON if outlet.on else Relay.OFF]

    def _place(self, template: OidTemplate, outlet: Outlet) -> Oid:
        return self._oid(template, outlet.number, outlet.unit, outlet.row)

    def _oid(self, template: OidTemplate, number: int, unit: int, row: Oid) -> Oid:
        filled = template.fill(outlet=number, unit=unit, model=self._model)
        return filled + row if template.is_column else filled

    def _constant(self, oid: Oid, tag: Tag, value: Value) -> None:
        self._variables[oid] = _Variable(lambda: (tag, value))
