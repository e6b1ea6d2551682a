"""A balancer of which nothing is changed: what would be sent is noted, and members are as that would make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from clusto_cli.backends.balancer.model import Backend, BalancerControl, Goal, Order, Reading, Rotation, wanted


class Rehearsal:
    """One pool of a balancer that is open; `sent` are the orders so far. Sessions of what is drained end at once."""

    def __init__(self, control: BalancerControl) -> None:
        self.sent: list[Order] = []
        self._control = control
        self._goals: list[Goal] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def members(self, backend: Backend) -> list[Reading]:
        after = wanted(self._control.members(backend), self._goals)
        return [each if each.rotation is Rotation.READY else each._replace(sessions=0) for each in after]

    def orders(self, backend: Backend, goals: Sequence[Goal]) -> list[Order]:
        return self._control.orders(backend, goals)

    def apply(self, backend: Backend, goals: Sequence[Goal]) -> list[Reading]:
        self.sent += self.orders(backend, goals)
        self._goals += goals
        return self.members(backend)
