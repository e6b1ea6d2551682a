"""The orders of SETs by which switches let a port be moved: the same end, and each agent takes only some of them.

A VLAN's members are two lists of ports (egress, and untagged among them), a port's PVID a number. Agents differ in
whether a port may be untagged in two VLANs for a moment, whether they move the membership with the PVID by
themselves, and how many variables they apply of one request. Sources: SNMP::Info, NAV, PacketFence and openl2m by
what they send to which vendor; RFC 4363 says nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from clusto_cli.backends.errors import Refused
from clusto_cli.backends.snmp import Varbind
from clusto_cli.backends.switch import oids
from clusto_cli.backends.switch.model import PortState, Step
from clusto_cli.backends.switch.portlist import Form, ports_in, with_ports
from clusto_cli.backends.switch.requests import SetRequest, integer, octets, singly, together, unsigned

ORDERS = ("pvid", "pvid-leave", "join-leave", "join-pvid-leave", "leave-join", "single")
CREATE_AND_GO, DESTROY = 4, 6


@dataclass(frozen=True)
class Lists:
    """The members of every VLAN (id -> list of bridge ports, as the agent sent it), and how its lists are written.

    `writable` is false where only the tables of what is current were there.
    """

    egress: Mapping[int, bytes]
    untagged: Mapping[int, bytes]
    form: Form = Form.BITS
    writable: bool = True

    def members(self, port: int) -> tuple[frozenset[int], frozenset[int]]:
        """The VLANs that a bridge port is in untagged, and tagged."""
        untagged = frozenset(vlan for vlan, octets in self.untagged.items() if port in ports_in(octets, self.form))
        egress = frozenset(vlan for vlan, octets in self.egress.items() if port in ports_in(octets, self.form))
        return untagged, egress - untagged


@dataclass(frozen=True)
class _Change:
    """What becomes of one VLAN's lists: ports added and removed, for egress and for untagged."""

    vlan: int
    egress_in: frozenset[int]
    egress_out: frozenset[int]
    untagged_in: frozenset[int]
    untagged_out: frozenset[int]


def steps(
    order: str,
    lists: Lists,
    numbers: Mapping[str, int],
    pvids: Mapping[str, int | None],
    goals: Mapping[str, PortState],
    keep: Sequence[int] = (),
) -> list[Step]:
    """The requests, in that order, after which each port is as its goal; `numbers` are the bridge ports.

    Ports in VLANs of `keep` are not taken out of them. Refused where the lists cannot be written.
    """
    pvid = [
        unsigned((*oids.Q_PVID, numbers[port]), goal.pvid)
        for port, goal in goals.items()
        if goal.pvid is not None and goal.pvid != pvids[port]
    ]
    if order == "pvid":
        return together(pvid)
    if not lists.writable or lists.form not in (Form.BITS, Form.REVERSED):
        raise Refused("its lists of a VLAN's ports can be read over SNMP and not written")
    changes = list(_changes(lists, numbers, goals, keep))
    if order == "pvid-leave":
        tagged = [_only_tagged(change, numbers, goals) for change in changes]
        return [*together(pvid), *together(_joining(lists, tagged)), *together(_egress_leaving(lists, changes))]
    join, leave = _joining(lists, changes), _leaving(lists, changes)
    if order == "join-leave":
        return together([*join, *leave, *pvid])
    if order == "join-pvid-leave":
        return [*together([*join, *pvid]), *together(leave)]
    leave, join = _leaving_first(lists, changes), _joining_last(lists, changes)
    if order == "leave-join":
        return together([*leave, *join, *pvid])
    if order == "single":
        return singly([*pvid, *leave, *join])
    raise ValueError(f"no such order: {order}")


def creation(vlans: Mapping[int, str]) -> list[Step]:
    """Rows for VLANs that are to exist; the name apart, because some agents refuse it and the VLAN matters."""
    made: list[Step] = []
    for vlan, name in vlans.items():
        made.append(SetRequest((integer((*oids.Q_ROW_STATUS, vlan), CREATE_AND_GO),)))
        if name:
            made.append(SetRequest((octets((*oids.Q_NAME, vlan), name.encode("ascii", "replace")),), tolerant=True))
    return made


def removal(vlans: Sequence[int]) -> list[Step]:
    return [SetRequest((integer((*oids.Q_ROW_STATUS, vlan), DESTROY),)) for vlan in vlans]


def with_new(lists: Lists, vlans: Iterable[int]) -> Lists:
    """The lists with those of VLANs that are about to be made: empty, and as long as the others."""
    length = max((len(octets) for octets in lists.egress.values()), default=0)
    new = {vlan: bytes(length) for vlan in vlans}
    return Lists({**new, **lists.egress}, {**new, **lists.untagged}, lists.form, lists.writable)


def _changes(
    lists: Lists, numbers: Mapping[str, int], goals: Mapping[str, PortState], keep: Sequence[int]
) -> Iterable[_Change]:
    for vlan in sorted({*lists.egress, *lists.untagged}):
        egress = ports_in(lists.egress.get(vlan, b""), lists.form)
        untagged = ports_in(lists.untagged.get(vlan, b""), lists.form)
        in_egress = {numbers[port] for port, goal in goals.items() if vlan in goal.untagged | goal.tagged}
        in_untagged = {numbers[port] for port, goal in goals.items() if vlan in goal.untagged}
        ours = {numbers[port] for port in goals}
        stay = ours if vlan in keep else set()
        yield _Change(
            vlan,
            frozenset(in_egress - egress),
            frozenset((ours - in_egress - stay) & egress),
            frozenset(in_untagged - untagged),
            frozenset((ours - in_untagged - stay) & untagged),
        )


def _only_tagged(change: _Change, numbers: Mapping[str, int], goals: Mapping[str, PortState]) -> _Change:
    """The tagged members to be added: with the PVID the agent moves only the untagged ones by itself."""
    tagged = frozenset(numbers[port] for port, goal in goals.items() if change.vlan in goal.tagged)
    none: frozenset[int] = frozenset()
    return _Change(change.vlan, change.egress_in & tagged, none, none, change.untagged_out & tagged)


def _write(lists: Lists, vlan: int, egress: bool, add: Iterable[int], remove: Iterable[int]) -> Varbind:
    column, table = (oids.Q_EGRESS, lists.egress) if egress else (oids.Q_UNTAGGED, lists.untagged)
    return octets((*column, vlan), with_ports(table.get(vlan, b""), add, remove, lists.form))


def _joining(lists: Lists, changes: Sequence[_Change]) -> list[Varbind]:
    """Egress before untagged: a list of untagged ports must be part of the egress list."""
    written = []
    for change in changes:
        if change.egress_in:
            written.append(_write(lists, change.vlan, True, change.egress_in, ()))
        if change.untagged_in:
            written.append(_write(lists, change.vlan, False, change.untagged_in, ()))
    return written


def _leaving(lists: Lists, changes: Sequence[_Change]) -> list[Varbind]:
    written = []
    for change in changes:
        if change.untagged_out:
            written.append(_write(lists, change.vlan, False, change.untagged_in, change.untagged_out))
        if change.egress_out:
            written.append(_write(lists, change.vlan, True, change.egress_in, change.egress_out))
    return written


def _egress_leaving(lists: Lists, changes: Sequence[_Change]) -> list[Varbind]:
    return [
        _write(lists, change.vlan, True, change.egress_in, change.egress_out) for change in changes if change.egress_out
    ]


def _leaving_first(lists: Lists, changes: Sequence[_Change]) -> list[Varbind]:
    written = []
    for change in changes:
        if change.untagged_out:
            written.append(_write(lists, change.vlan, False, (), change.untagged_out))
        if change.egress_out:
            written.append(_write(lists, change.vlan, True, (), change.egress_out))
    return written


def _joining_last(lists: Lists, changes: Sequence[_Change]) -> list[Varbind]:
    written = []
    for change in changes:
        if change.egress_in:
            written.append(_write(lists, change.vlan, True, change.egress_in, change.egress_out))
        if change.untagged_in:
            written.append(_write(lists, change.vlan, False, change.untagged_in, change.untagged_out))
    return written
