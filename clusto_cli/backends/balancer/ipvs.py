"""IPVS, the balancer in Linux, by ipvsadm(8); with keepalived.conf(5) kept in step where keepalived runs it.

A member of weight 0 gets no new connection and keeps those that it has: that is how one is drained. ipvsadm knows
addresses alone, and virtual services by theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from clusto_cli.backends.balancer.host import AtHost, Host
from clusto_cli.backends.balancer.model import (
    Backend,
    Goal,
    Order,
    Reading,
    Rotation,
    at,
    canonical,
    checked,
    found,
    parted,
    verify,
    wanted,
)
from clusto_cli.backends.balancer.section import ConfigFile, Section
from clusto_cli.backends.errors import DeviceError, Refused, Unusable

FORWARDING = {"gateway": ("-g", "DR"), "masquerade": ("-m", "NAT"), "tunnel": ("-i", "TUN")}
"""How packets reach members: ipvsadm's option, and keepalived's lb_kind."""
# ipvsadm -L -n: "  -> 10.0.0.11:8443           Masq    1      0          0"
_SERVICE = re.compile(r"(?P<protocol>TCP|UDP)\s+(?P<place>\S+:\d+)(\s|$)")
_MEMBER = re.compile(
    r"\s+->\s+(?P<place>\S+:\d+)\s+(?P<way>\S+)\s+(?P<weight>\d+)\s+(?P<active>\d+)\s+(?P<inactive>\d+)\s*$"
)
_DEFAULT_WEIGHT = 1


class Ipvs(AtHost):
    """`protocol` is tcp or udp, `forwarding` of FORWARDING; `file` keepalived's configuration, where it is kept."""

    def __init__(self, host: Host, *, protocol: str, forwarding: str, file: ConfigFile | None, reload: bool) -> None:
        super().__init__(host)
        self._protocol = protocol
        self._forwarding = forwarding
        self._file = file
        self._reload = reload

    def members(self, backend: Backend) -> list[Reading]:
        return parse(self._host.run(["ipvsadm", "-L", "-n"]), self._protocol, self._place(backend))

    def orders(self, backend: Backend, goals: Sequence[Goal]) -> list[Order]:
        checked(backend, goals)
        readings = self.members(backend)
        orders = [Order("run", " ".join(argv)) for goal in goals for argv in self._commands(backend, readings, goal)]
        if self._file is not None:
            weighed = [_weighed(found(readings, goal.member), goal) for goal in goals]
            orders += self._file.orders(self._section(backend, wanted(readings, weighed)), reload=self._reload)
        return orders

    def apply(self, backend: Backend, goals: Sequence[Goal]) -> list[Reading]:
        checked(backend, goals)
        readings = self.members(backend)
        for goal in goals:
            for argv in self._commands(backend, readings, goal):
                try:
                    self._host.run(argv)
                except DeviceError as error:
                    error.extend(f"{goal.member.name} in {backend.name} is not as it was wanted")
                    raise
        after = self.members(backend)
        if self._file is not None:
            self._file.keep(self._section(backend, after), reload=self._reload)
        verify(backend, after, map(_in_weights, goals))
        return after

    def _place(self, backend: Backend) -> tuple[str, int]:
        if backend.vip is None:
            raise Unusable(f"the VIP of {backend.name} has no address (clusto ip allocate)")
        return canonical(backend.vip), backend.port

    def _commands(self, backend: Backend, readings: Sequence[Reading], goal: Goal) -> list[list[str]]:
        reading = found(readings, goal.member)
        service = [f"-{self._protocol[0]}", at(*self._place(backend))]
        real = ["-r", at(canonical(goal.member.address), goal.member.port)]
        if goal.rotation is Rotation.ABSENT:
            return [["ipvsadm", "-d", *service, *real]] if reading is not None else []
        weight = _weight(reading, goal)
        way = FORWARDING[self._forwarding][0]
        if reading is None:
            return [["ipvsadm", "-a", *service, *real, way, "-w", str(weight)]]
        return [] if weight == reading.weight else [["ipvsadm", "-e", *service, *real, way, "-w", str(weight)]]

    def _section(self, backend: Backend, members: Iterable[Reading]) -> Section:
        vip, port = self._place(backend)
        lines = []
        for each in members:
            lines += [
                f"real_server {each.address} {each.port} {{",
                f"    weight {0 if each.rotation is not Rotation.READY else each.weight}",
                *(("    TCP_CHECK {", "        connect_timeout 3", "    }") if self._protocol == "tcp" else ()),
                "}",
            ]
        head = [f"virtual_server {vip} {port} {{", "    lb_algo wlc", f"    lb_kind {FORWARDING[self._forwarding][1]}"]
        return Section(backend.name, lines, [*head, f"    protocol {self._protocol.upper()}"], ["}"])


def parse(said: str, protocol: str, place: tuple[str, int]) -> list[Reading]:
    """The members of one virtual service in what `ipvsadm -L -n` prints. Raises Unusable where it has none such."""
    readings: list[Reading] | None = None
    inside = False
    for line in said.splitlines():
        if service := _SERVICE.match(line):
            inside = service["protocol"].lower() == protocol and _parted(service["place"]) == place
            readings = [] if inside else readings
        elif inside and readings is not None and (member := _MEMBER.match(line)):
            readings.append(_reading(member))
        elif inside and line.strip():
            raise Refused(f"ipvsadm prints a line that is not known here: {line.strip()[:100]!r}")
    if readings is None:
        where = at(*place)
        raise Unusable(f"IPVS has no virtual service {where} (ipvsadm -A -{protocol[0]} {where}, or keepalived)")
    return readings


def _reading(member: re.Match[str]) -> Reading:
    weight = int(member["weight"])
    rotation = Rotation.READY if weight else Rotation.DRAIN
    sessions = int(member["active"])
    return Reading("", *_parted(member["place"]), rotation, weight, sessions, said=f"{member['way']} {weight}")


def _parted(text: str) -> tuple[str, int]:
    try:
        return parted(text)
    except ValueError:
        raise Refused(f"ipvsadm prints what is no address: {text[:100]!r}") from None


def _weight(reading: Reading | None, goal: Goal) -> int:
    if goal.rotation in (Rotation.DRAIN, Rotation.MAINT):
        return 0
    kept = reading.weight if reading is not None and reading.weight else _DEFAULT_WEIGHT
    weight = kept if goal.weight is None else goal.weight
    if goal.rotation is None and reading is not None and reading.rotation is not Rotation.READY:
        return 0
    return weight


def _weighed(reading: Reading | None, goal: Goal) -> Goal:
    """A goal with the weight that a member has once it is reached."""
    return goal if goal.rotation is Rotation.ABSENT else goal._replace(weight=_weight(reading, goal))


def _in_weights(goal: Goal) -> Goal:
    """What IPVS can show of a goal: what is drained has no other weight, and maintenance is no more than that."""
    if goal.rotation is Rotation.MAINT:
        goal = goal._replace(rotation=Rotation.DRAIN)
    return goal._replace(weight=None) if goal.rotation in (Rotation.DRAIN, None) else goal
