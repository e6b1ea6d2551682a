"""A site's own command as a load balancer: any for which somebody has written a program.

The command is an argument list, never a shell line. `{action}` (`set`, `remove`, `status`), `{backend}`, `{vip}`,
`{port}`, `{service}`, `{member}`, `{address}`, `{member_port}`, `{rotation}` (`ready`, `drain`, `maint`), `{weight}`
and the balancer's `{host}` and `{name}` are replaced in each argument, by nothing where there is none. For `status` it
prints a line a member: name, address, port, rotation, weight, sessions and health (`up`, `down`), with `-` for what is
not known.
"""

from __future__ import annotations

from collections.abc import Sequence

from clusto_cli.backends.balancer.host import AtHost, Host
from clusto_cli.backends.balancer.model import (
    Backend,
    Goal,
    Order,
    Reading,
    Rotation,
    canonical,
    checked,
    found,
    shortfall,
    verify,
)
from clusto_cli.backends.errors import Refused
from clusto_cli.backends.program import filled

_HEALTH = ("up", "down")


class CommandBalancer(AtHost):
    """`argv` is the command with its places."""

    def __init__(self, host: Host, argv: Sequence[str], *, address: str, name: str) -> None:
        super().__init__(host)
        self._argv = list(argv)
        self._known = {"host": address, "name": name}

    def members(self, backend: Backend) -> list[Reading]:
        checked(backend)
        said = self._host.run(self._filled(backend, "status"))
        return [_reading(line) for line in said.splitlines() if line.strip()]

    def orders(self, backend: Backend, goals: Sequence[Goal]) -> list[Order]:
        checked(backend, goals)
        readings = self.members(backend)
        lacking = [goal for goal in goals if shortfall(found(readings, goal.member), goal) is not None]
        return [Order("run", " ".join(self._ordered(backend, goal))) for goal in lacking]

    def apply(self, backend: Backend, goals: Sequence[Goal]) -> list[Reading]:
        checked(backend, goals)
        readings = self.members(backend)
        for goal in goals:
            if shortfall(found(readings, goal.member), goal) is not None:
                self._host.run(self._ordered(backend, goal))
        after = self.members(backend)
        verify(backend, after, goals)
        return after

    def _ordered(self, backend: Backend, goal: Goal) -> list[str]:
        return self._filled(backend, "remove" if goal.rotation is Rotation.ABSENT else "set", goal)

    def _filled(self, backend: Backend, action: str, goal: Goal | None = None) -> list[str]:
        values = {**self._known, "action": action, "backend": backend.name, "vip": backend.vip or ""}
        values |= {"port": str(backend.port), "service": backend.service}
        values |= dict.fromkeys(("member", "address", "member_port", "rotation", "weight"), "")
        if goal is not None:
            member = goal.member
            values |= {"member": member.name, "address": member.address, "member_port": str(member.port)}
            values |= {"rotation": goal.rotation or "", "weight": "" if goal.weight is None else str(goal.weight)}
        return filled(self._argv, values)


def _reading(line: str) -> Reading:
    words = line.split()
    try:
        name, address, port, rotation, weight, sessions, health = words
        return Reading(
            name,
            canonical(address),
            int(port),
            Rotation(rotation),
            _number(weight),
            _number(sessions),
            health if health in _HEALTH else "unknown",
            " ".join(words[3:]),
        )
    except ValueError:
        raise Refused(
            f"balancer.command prints a line that is not `name address port rotation weight sessions health`:"
            f" {line.strip()[:100]!r}"
        ) from None


def _number(word: str) -> int | None:
    return None if word == "-" else int(word)
