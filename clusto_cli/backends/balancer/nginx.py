"""nginx by its file of upstreams: written, found right by `nginx -t`, and used by a reload that ends no request.

Source: ngx_http_upstream_module, the directive `server`: `weight`, `down`. What is `down` gets no new request, and the
workers of before the reload end theirs: that is drained. Nobody counts sessions, and none but requests check health.
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
    checked,
    parted,
    verify,
    wanted,
)
from clusto_cli.backends.balancer.section import ConfigFile, Section
from clusto_cli.backends.errors import Refused

_LINE = re.compile(r"server (?P<place>\S+) weight=(?P<weight>\d+)(?P<down> down)?;\s+# (?P<name>[A-Za-z0-9_.:-]+)")
LIGHTEST = 1
"""nginx refuses a weight of 0."""


class Nginx(AtHost):
    """The file is all that nginx has of a pool."""

    def __init__(self, host: Host, file: ConfigFile) -> None:
        super().__init__(host)
        self._file = file

    def members(self, backend: Backend) -> list[Reading]:
        checked(backend)
        return [self._reading(line) for line in self._file.lines(_section(backend, ())) or ()]

    def orders(self, backend: Backend, goals: Sequence[Goal]) -> list[Order]:
        checked(backend, goals)
        return self._file.orders(_section(backend, wanted(self.members(backend), goals)), reload=True)

    def apply(self, backend: Backend, goals: Sequence[Goal]) -> list[Reading]:
        checked(backend, goals)
        self._file.keep(_section(backend, wanted(self.members(backend), goals)), reload=True)
        after = self.members(backend)
        verify(backend, after, map(_as_shown, goals))
        return after

    def _reading(self, line: str) -> Reading:
        if (matched := _LINE.fullmatch(line)) is None:
            raise Refused(f"{self._file.path} has a line between the marks that clusto did not write: {line[:100]!r}")
        try:
            address, port = parted(matched["place"])
        except ValueError:
            raise Refused(f"{self._file.path} has a server without an address: {line[:100]!r}") from None
        rotation = Rotation.DRAIN if matched["down"] else Rotation.READY
        return Reading(matched["name"], address, port, rotation, int(matched["weight"]), said=line.partition(";")[0])


def _as_shown(goal: Goal) -> Goal:
    """nginx has one word for what gets no request."""
    return goal._replace(rotation=Rotation.DRAIN) if goal.rotation is Rotation.MAINT else goal


def _section(backend: Backend, members: Iterable[Reading]) -> Section:
    lines = []
    for each in members:
        if each.weight is not None and each.weight < LIGHTEST:
            raise Refused(f"{each.name}: nginx takes no weight below {LIGHTEST}")
        down = " down" if each.rotation in (Rotation.DRAIN, Rotation.MAINT) else ""
        lines.append(f"server {at(each.address, each.port)} weight={each.weight or LIGHTEST}{down};  # {each.name}")
    return Section(backend.name, lines, [f"upstream {backend.name} {{"], ["}"])
