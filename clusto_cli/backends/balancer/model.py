"""What every adapter to a load balancer promises: members of a pool, as they are and as they are wanted.

A goal is a state: adding, removing, draining and weighing a member are one thing, what is wanted of it. Adapters block;
whoever speaks to several balancers gives each a thread. They raise DeviceError alone.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from clusto_cli.backends.errors import NotVerified, Unusable

_NAME = r"[A-Za-z0-9_.:-]{1,200}"
"""What HAProxy takes for a name (configuration.txt, 1.4), and what is syntax for none of the others."""
_OCTETS = frozenset(map(str, range(256)))
HEAVIEST = 256
"""The largest weight that all balancers take (HAProxy: 0 to 256)."""


class Rotation(enum.StrEnum):
    """Whether a member is given requests: READY; DRAIN, what has a session alone; MAINT, none at all.

    ABSENT: it is no member. UNKNOWN: the balancer's word for it is none that is known.
    """

    READY = "ready"
    DRAIN = "drain"
    MAINT = "maint"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Backend(NamedTuple):
    """A pool as its balancer has it: its name there, and the virtual address, which some have instead of a name."""

    name: str
    vip: str | None
    port: int
    service: str = ""


class Member(NamedTuple):
    """A machine that serves: its name, and where it does."""

    name: str
    address: str
    port: int

    @property
    def place(self) -> tuple[str, int]:
        """The address and port, as readings have them."""
        return self.address, self.port


class Goal(NamedTuple):
    """What is wanted of a member; None: as it is, or a balancer's default for a new one."""

    member: Member
    rotation: Rotation | None = None
    weight: int | None = None


class Reading(NamedTuple):
    """A member as its balancer reports it.

    name: empty where the balancer knows addresses alone. sessions: those it has now, None where nobody counts them.
    health: up, down, or unknown where nothing checks it; said: the balancer's own words for all that.
    """

    name: str
    address: str
    port: int
    rotation: Rotation
    weight: int | None = None
    sessions: int | None = None
    health: str = "unknown"
    said: str = ""

    @property
    def place(self) -> tuple[str, int]:
        return self.address, self.port


class Order(NamedTuple):
    """One thing that is sent, as `--dry-run` shows it: where (a socket, a program, a file) and what."""

    where: str
    what: str


class BalancerControl(Protocol):
    """The pools of one load balancer."""

    def __enter__(self) -> BalancerControl: ...

    def __exit__(self, *exception: object) -> None: ...

    def members(self, backend: Backend) -> list[Reading]:
        """All members of a pool, in the balancer's order. Raises Unusable where it has no such pool."""
        ...

    def orders(self, backend: Backend, goals: Sequence[Goal]) -> list[Order]:
        """What `apply` would send now. Nothing is changed."""
        ...

    def apply(self, backend: Backend, goals: Sequence[Goal]) -> list[Reading]:
        """Has members be as they are wanted, and the balancer's configuration in step with that; gives all members as
        they are read back then, since what is acknowledged proves nothing.

        Safe to call again. Raises NotVerified where a member is not as it is wanted.
        """
        ...


def checked(backend: Backend, goals: Iterable[Goal] = ()) -> None:
    """Raises Unusable for a name, an address or a weight that a balancer could take for something else."""
    for name in (backend.name, *(goal.member.name for goal in goals)):
        if not re.fullmatch(_NAME, name):
            raise Unusable(
                f"{name[:80]!a} is no name that a balancer takes: letters, digits and _.:- (balancer.backend)"
            )
    for goal in goals:
        canonical(goal.member.address)
        if goal.weight is not None and not 0 <= goal.weight <= HEAVIEST:
            raise Unusable(f"no such weight: {goal.weight} (write 0 to {HEAVIEST})")


def canonical(address: str) -> str:
    """An IP address in its one spelling. Raises Unusable."""
    if _is_dotted(address):
        return address
    from ipaddress import ip_address

    try:
        return str(ip_address(address))
    except ValueError:
        raise Unusable(f"{address[:80]!a} is no IP address that a balancer could send requests to") from None


def _is_dotted(address: str) -> bool:
    """Whether it is a v4 address in its one spelling: nearly all are, and importing ipaddress takes as long as asking a
    balancer."""
    octets = address.split(".")
    return len(octets) == 4 and all(each in _OCTETS for each in octets)


def at(address: str, port: int) -> str:
    """`10.0.0.11:8443`, `[2001:db8::1]:8443`: how HAProxy, ipvsadm and nginx write it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def parted(text: str) -> tuple[str, int]:
    """What `at` made. Raises ValueError."""
    host, _, port = text.rpartition(":")
    try:
        return canonical(host.strip("[]")), int(port)
    except Unusable as error:
        raise ValueError(str(error)) from None


def found(readings: Iterable[Reading], member: Member) -> Reading | None:
    """The reading of a member: by its name, and by its place alone where a balancer has no names."""
    known = list(readings)
    named = next((each for each in known if each.name == member.name), None)
    return named or next((each for each in known if not each.name and each.place == member.place), None)


def shortfall(reading: Reading | None, goal: Goal) -> str | None:
    """In what a member is not as it is wanted, in words; None where it is."""
    if goal.rotation is Rotation.ABSENT:
        return None if reading is None else "it is still a member"
    if reading is None:
        return "it is no member"
    if reading.place != goal.member.place:
        return f"it is at {at(*reading.place)}, not {at(*goal.member.place)}"
    if goal.rotation is not None and reading.rotation is not goal.rotation:
        return f"it is {reading.rotation}, not {goal.rotation}"
    if goal.weight is not None and reading.weight not in (None, goal.weight):
        return f"its weight is {reading.weight}, not {goal.weight}"
    return None


def verify(backend: Backend, after: Sequence[Reading], goals: Iterable[Goal], said: str = "") -> None:
    """Raises NotVerified for the first member that is not as it is wanted; `said`: what the balancer said to it."""
    for goal in goals:
        if (lacking := shortfall(found(after, goal.member), goal)) is not None:
            words = f" (it says: {said})" if said else ""
            raise NotVerified(f"{goal.member.name} in {backend.name}: {lacking}{words}")


def wanted(readings: Sequence[Reading], goals: Iterable[Goal]) -> list[Reading]:
    """The members as they will be once goals are reached: what a file is written from."""
    after = list(readings)
    for goal in goals:
        before = found(after, goal.member)
        place = after.index(before) if before is not None else len(after)
        after[place : place + 1] = [] if goal.rotation is Rotation.ABSENT else [_reached(before, goal)]
    return after


def _reached(before: Reading | None, goal: Goal) -> Reading:
    name, address, port = goal.member
    known = before or Reading(name, address, port, Rotation.READY, 1)
    rotation, weight = goal.rotation or known.rotation, known.weight if goal.weight is None else goal.weight
    return known._replace(name=name, address=address, port=port, rotation=rotation, weight=weight)


Opener = Callable[[str, str, Mapping[str, str]], BalancerControl]
"""What another package gives under the entry point group `clusto.balancer`: called with the balancer's name, its
address and its settings."""
