"""HAProxy by its runtime socket, at level admin: servers are added, drained, weighed and deleted while it serves.

Sources: HAProxy's management.txt (9.3, "add server", "del server", "set server", "show servers state", "show stat")
and configuration.txt (5.2). Servers are added at run time since HAProxy 2.6 without its experimental mode; where it
does not, the configuration is written and reloaded instead.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Self

from clusto_cli.backends.balancer.haproxy_socket import LONGEST_LINE, Where, ask
from clusto_cli.backends.balancer.host import AtHost, Host
from clusto_cli.backends.balancer.model import (
    Backend,
    Goal,
    Member,
    Order,
    Reading,
    Rotation,
    at,
    canonical,
    checked,
    found,
    verify,
    wanted,
)
from clusto_cli.backends.errors import NotVerified, Refused, Unreachable, Unusable
from clusto_cli.visible import one_line

if TYPE_CHECKING:
    from clusto_cli.backends.balancer.section import ConfigFile, Section

# management.txt, "show servers state": srv_admin_state is a mask. Maintenance is forced, inherited, or for want of an
# address; drain is forced or inherited. Other bits say how it came about, and stay: 0x04, that the configuration had it
# so, is there after it is ready too.
_MAINT = 0x01 | 0x02 | 0x20
_DRAIN = 0x08 | 0x10
_UP = ("1", "2")
"""srv_op_state: 0 stopped, 1 starting, 2 running, 3 stopping."""
_ADD = "add server"
_LOOK = 0.1
_SAID = 200


class Haproxy(AtHost):
    """`file` is the configuration that is kept in step, where one is; `reload`, whether it is used at once."""

    def __init__(
        self, host: Host, where: Where, *, check: bool, timeout: float, file: ConfigFile | None, reload: bool
    ) -> None:
        super().__init__(host)
        self._where = where
        self._check = check
        self._timeout = timeout
        self._file = file
        self._reload = reload

    def __enter__(self) -> Self:
        if not self._where.port:
            self._where = Where(self._host.socket(self._where.path))
        return super().__enter__()

    def members(self, backend: Backend) -> list[Reading]:
        checked(backend)
        return self._read(backend, self._ask(_question(backend)))

    def orders(self, backend: Backend, goals: Sequence[Goal]) -> list[Order]:
        checked(backend, goals)
        readings = self.members(backend)
        orders = [Order(str(self._where), line) for goal in goals for line in self._lines(backend, readings, goal)]
        if self._file is not None:
            orders += self._file.orders(self._section(backend, wanted(readings, goals)), reload=self._reload)
            if not self._reload and any(order.what.startswith(_ADD) for order in orders):
                orders.append(Order("run, where it adds no server while it runs", self._file.reload))
        return orders

    def apply(self, backend: Backend, goals: Sequence[Goal]) -> list[Reading]:
        checked(backend, goals)
        readings = self.members(backend)
        after, said = self._tell(backend, readings, goals)
        if self._file is not None:
            after = self._keep(backend, readings, after, goals)
        verify(backend, after, goals, said)
        return after

    def _tell(self, backend: Backend, readings: list[Reading], goals: Sequence[Goal]) -> tuple[list[Reading], str]:
        """Sends what is missing; the members then, and what was answered."""
        lines = [line for goal in goals for line in self._lines(backend, readings, goal)]
        if not lines:
            return readings, ""
        said, after = [], readings
        for part in _pieces(lines):
            answered, _, shown = self._ask(f"{part};{_question(backend)}").partition(_FIRST)
            said.append(one_line(answered))
            after = self._read(backend, _FIRST + shown)
        return self._until_gone(backend, after, goals), "; ".join(filter(None, said))[:_SAID]

    def _until_gone(self, backend: Backend, readings: list[Reading], goals: Iterable[Goal]) -> list[Reading]:
        """Deletes again what still has a connection that HAProxy holds ready for the next request."""
        leaving = [goal for goal in goals if goal.rotation is Rotation.ABSENT]
        deadline = time.monotonic() + self._timeout
        while any(found(readings, goal.member) for goal in leaving) and time.monotonic() < deadline:
            time.sleep(_LOOK)
            lines = [line for goal in leaving for line in self._lines(backend, readings, goal)]
            for part in _pieces(lines):
                self._ask(part)
            readings = self.members(backend)
        return readings

    def _keep(
        self, backend: Backend, before: list[Reading], after: list[Reading], goals: Sequence[Goal]
    ) -> list[Reading]:
        """Writes the configuration, and has it used where that is wanted, or where HAProxy adds no server without."""
        assert self._file is not None
        added = [goal for goal in goals if goal.rotation is not Rotation.ABSENT and found(after, goal.member) is None]
        members = wanted(after, goals if added else ())
        reload = self._reload or bool(added)
        process = self._process() if reload else ""
        kept = self._file.keep(self._section(backend, members), reload=reload)
        if added and not kept:
            # The configuration has had them all along, and this process began before that.
            self._file.use()
        elif not kept or not reload:
            return after
        self._wait_for_another(process)
        return self._restore(backend, members)

    def _process(self) -> str:
        """The id of the process that answers now."""
        said = self._ask("show info")
        return next((line for line in said.splitlines() if line.startswith("Pid: ")), "")

    def _wait_for_another(self, process: str) -> None:
        """A reload is over when a new process answers: until then what is told may be told to the old one."""
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            with contextlib.suppress(Unreachable):
                if self._process() not in ("", process):
                    return
            time.sleep(_LOOK)
        raise NotVerified(f"{self._where}: it was reloaded, and no new process answers within {self._timeout:g} s")

    def _restore(self, backend: Backend, members: Sequence[Reading]) -> list[Reading]:
        """Tells the new process what no configuration says: what is drained, for one."""
        known = (each for each in members if each.rotation is not Rotation.UNKNOWN)
        goals = [Goal(Member(each.name, each.address, each.port), each.rotation, each.weight) for each in known]
        return self._tell(backend, self.members(backend), goals)[0]

    def _lines(self, backend: Backend, readings: Sequence[Reading], goal: Goal) -> list[str]:
        """The commands that bring one member from what it is to what is wanted."""
        server = f"{backend.name}/{goal.member.name}"
        reading = next((each for each in readings if each.name == goal.member.name), None)
        if goal.rotation is Rotation.ABSENT:
            return [f"set server {server} state maint", f"del server {server}"] if reading is not None else []
        address = canonical(goal.member.address)
        lines = []
        if reading is None:
            weight = "" if goal.weight is None else f" weight {goal.weight}"
            lines.append(f"{_ADD} {server} {at(address, goal.member.port)}{weight}{' check' * self._check}")
            lines += [f"enable health {server}"] * self._check
        elif reading.place != goal.member.place:
            lines.append(f"set server {server} addr {address} port {goal.member.port}")
        if reading is not None and goal.weight is not None and goal.weight != reading.weight:
            lines.append(f"set server {server} weight {goal.weight}")
        rotation = goal.rotation or (Rotation.READY if reading is None else None)
        if rotation is not None and (reading is None or reading.rotation is not rotation):
            lines.append(f"set server {server} state {rotation}")
        return lines

    def _section(self, backend: Backend, members: Iterable[Reading]) -> Section:
        from clusto_cli.backends.balancer.section import Section

        lines = []
        for each in members:
            words = [f"server {each.name} {at(each.address, each.port)}"]
            words += [f"weight {each.weight}"] if each.weight is not None else []
            words += ["check"] * self._check
            # Nothing that begins has sessions to end, so what was drained starts without requests.
            words += ["disabled"] if each.rotation in (Rotation.DRAIN, Rotation.MAINT) else []
            lines.append(" ".join(words))
        return Section(backend.name, lines, [f"backend {backend.name}"])

    def _ask(self, line: str) -> str:
        said = ask(self._where, line, self._timeout)
        if "Permission denied" in said:
            raise Refused(f"{self._where}: permission denied (its `stats socket` needs `level admin`)")
        return said

    def _read(self, backend: Backend, said: str) -> list[Reading]:
        states, _, stats = said.partition("\n\n")
        if not states.startswith(_FIRST):
            words = one_line(states)[:_SAID]
            if "an't find backend" in words or "such backend" in words or "such proxy" in words:
                raise Unusable(f"HAProxy has no backend {backend.name}: {words} (balancer.backend says which)")
            raise Refused(f"{self._where}: no HAProxy answers so: {words!r}")
        try:
            return _readings(backend, states, stats)
        except (ValueError, KeyError, IndexError) as error:
            raise Refused(f"{self._where}: its answer makes no sense here ({type(error).__name__}: {error})") from error


_FIRST = "1\n# be_id"
"""How `show servers state` begins: the version of its format, and the names of its columns."""


def _question(backend: Backend) -> str:
    return f"show servers state {backend.name};show stat {backend.name} 4 -1"


def _pieces(lines: Iterable[str]) -> list[str]:
    """Commands joined to lines that HAProxy takes."""
    pieces: list[str] = []
    for line in lines:
        if pieces and len(pieces[-1]) + len(line) < LONGEST_LINE:
            pieces[-1] += f";{line}"
        else:
            pieces.append(line)
    return pieces


def _readings(backend: Backend, states: str, stats: str) -> list[Reading]:
    seen = {row["svname"]: row for row in _table(stats.strip("\n"), ",")}
    found = []
    for row in _table(states.partition("\n")[2], " "):
        if row["be_name"] == backend.name:
            found.append(_reading(row, seen.get(row["srv_name"], {})))
    return found


def _table(text: str, separator: str) -> list[dict[str, str]]:
    lines = [line.lstrip("# ") if line.startswith("# ") else line for line in text.splitlines() if line]
    columns = lines[0].split(separator) if lines else []
    return [dict(zip(columns, _cells(line, separator), strict=False)) for line in lines[1:]]


def _cells(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split(separator)
    import csv

    return next(csv.reader([line], delimiter=separator))


def _reading(row: dict[str, str], stat: dict[str, str]) -> Reading:
    admin = int(row["srv_admin_state"])
    rotation = Rotation.MAINT if admin & _MAINT else Rotation.DRAIN if admin & _DRAIN else Rotation.READY
    status, checked_by = stat.get("status", ""), stat.get("check_status", "")
    health = "unknown" if not checked_by or status == "no check" else "up" if row["srv_op_state"] in _UP else "down"
    words = (status, checked_by, stat.get("last_chk", ""))
    sessions = int(stat["scur"]) + int(stat.get("qcur") or 0) if stat.get("scur") else None
    return Reading(
        one_line(row["srv_name"]),
        _address(row["srv_addr"]),
        int(row["srv_port"]),
        rotation,
        int(row["srv_uweight"]),
        sessions,
        health if rotation is not Rotation.MAINT else "unknown",
        one_line(" ".join(filter(None, words)))[:_SAID],
    )


def _address(said: str) -> str:
    try:
        return canonical(said)
    except Unusable:
        return one_line(said)[:_SAID]
