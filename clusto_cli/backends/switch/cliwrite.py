"""The lines that bring a port from one state to another, by a profile's rules.

Nothing that came from a device or an inventory gets into a line unless it has the form of a port's or a VLAN's name.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clusto_cli.backends.errors import NoSuchPort, Refused
from clusto_cli.backends.switch.model import Plan, PortMode, PortState, Step, SwitchSettings, SwitchState, describe
from clusto_cli.backends.switch.profiles import SshRules

ORDER = "cli"
_PORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9/.:_@-]*( [0-9][A-Za-z0-9/.:_-]*)?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


@dataclass(frozen=True, slots=True)
class Line:
    """A line for the switch, in configuration mode or at its ordinary prompt; `expect` is the question it ends in.

    `echoed` is false for the answer to such a question, which some platforms do not print.
    """

    text: str
    config: bool = True
    expect: str = ""
    echoed: bool = True

    def lines(self) -> tuple[str, ...]:
        return (self.text,)


def port_name(name: str) -> str:
    """The name itself. NoSuchPort when it cannot be the name of a port, and so might be read as more than that."""
    if len(name) > 64 or not _PORT.fullmatch(name):
        raise NoSuchPort(f"{name[:64]!r} is not the name of a port")
    return name


def vlan_name(name: str, vlan: int) -> str:
    """The name as a switch can take it, `VLAN0203` when there is none. Refused for one that it cannot take."""
    if name and not _NAME.fullmatch(name):
        raise Refused(f"a VLAN on a switch cannot be called {name[:40]!r}: use up to 32 letters, digits, _ . -")
    return name or f"VLAN{vlan:04d}"


def command(text: str, rules: SshRules, values: Mapping[str, object]) -> str:
    """A profile's line with its placeholders filled in; quoted for a shell where the other end is one."""
    quoted = {key: shlex.quote(str(value)) if rules.driver in SHELLS else value for key, value in values.items()}
    return text.format(**quoted)


SHELLS = ("system", "linux")


def lines_for(
    rules: SshRules,
    settings: SwitchSettings,
    now: SwitchState,
    goals: Mapping[str, PortState],
    create: Mapping[int, str],
    drop: Sequence[int],
) -> Plan:
    """The plan that makes each port as its goal. Refused when this platform has no lines for that."""
    steps: list[Step] = []
    names = {**now.vlans, **create}
    for vlan, name in create.items():
        _in_range(rules, vlan)
        if not rules.write.create:
            raise Refused("VLANs are not created on this platform")
        values = {"vlan": vlan, "name": vlan_name(name, vlan), "bridge": settings.bridge}
        steps += [Line(command(text, rules, values), not rules.write.create_exec) for text in rules.write.create]
    for port, goal in goals.items():
        state = now.ports[port]
        steps += [Line(text) for text in _port_lines(rules, settings, state, goal, names)]
    for vlan in drop:
        values = {"vlan": vlan, "name": _known_name(names, vlan), "bridge": settings.bridge}
        steps += [Line(command(text, rules, values), not rules.write.create_exec) for text in rules.write.drop]
    steps += [Line(text) for text in rules.write.commit]
    asked = ("", *(answer.expect for answer in rules.write.save))
    save = tuple(
        Line(answer.line, False, answer.expect, echoed=not question)
        for answer, question in zip(rules.write.save, asked, strict=False)
    )
    return Plan(ORDER, dict(goals), tuple(steps), save)


def _port_lines(
    rules: SshRules, settings: SwitchSettings, state: PortState, goal: PortState, names: Mapping[int, str]
) -> list[str]:
    write = rules.write
    if goal.mode is not PortMode.ACCESS or (goal.note in write.modes and goal.note != state.note):
        if goal.note not in write.modes:
            raise Refused(f"there are no lines to make a port {describe(goal)} on this platform")
        mode_lines: Sequence[str] = write.modes[goal.note]
    else:
        mode_lines = ()
    values: dict[str, object] = {"port": port_name(state.name), "bridge": settings.bridge}
    lines: list[str] = []
    leave: list[str] = []
    if goal.mode is PortMode.ACCESS:
        if goal.pvid is None:
            raise Refused(f"{state.name} was in no VLAN, which cannot be said to this platform")
        _in_range(rules, goal.pvid)
        values |= {"vlan": goal.pvid, "name": _known_name(names, goal.pvid)}
        for old in sorted(state.untagged - {goal.pvid}):
            if old != 1 or write.leave_default:
                old_values = values | {"old_vlan": old, "old_name": _known_name(names, old)}
                leave += [command(text, rules, old_values) for text in write.leave]
        for old in sorted(state.tagged - goal.tagged) if write.leave_tagged else ():
            old_values = values | {"old_vlan": old, "old_name": _known_name(names, old)}
            leave += [command(text, rules, old_values) for text in write.leave_tagged]
        if state.mode is not PortMode.ACCESS:
            lines += [command(text, rules, values) for text in write.from_trunk]
        join = [command(text, rules, values) for text in write.access]
        lines += [*join, *leave] if write.leave_last else [*leave, *join]
    values |= {"vlan": goal.pvid or 1}
    return [*lines, *(command(text, rules, values) for text in mode_lines)]


def _known_name(names: Mapping[int, str], vlan: int) -> str:
    """The name of a VLAN for a line; one that is no plain word is only a hindrance on platforms that need names."""
    name = names.get(vlan, "")
    return name if _NAME.fullmatch(name) else f"VLAN{vlan:04d}"


def _in_range(rules: SshRules, vlan: int) -> None:
    if not rules.vlan_min <= vlan <= rules.vlan_max:
        raise Refused(f"VLAN {vlan}: this platform takes {rules.vlan_min} to {rules.vlan_max}")
