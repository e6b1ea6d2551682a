"""What every adapter to a switch promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from clusto_cli.backends.switch.model import Plan, PortState, Survey, SwitchState


class SwitchControl(Protocol):
    """One switch, for as long as one session with it lasts. Not safe for use by two tasks at once.

    Every method raises DeviceError: Unreachable, AuthenticationFailed, Refused, NoSuchPort.
    """

    @property
    def experimental(self) -> str:
        """What about this kind of switch nobody has verified, in words; empty when all is."""
        ...

    @property
    def orders(self) -> tuple[str, ...]:
        """The ways in which this switch may be told to move a port, the likeliest first."""
        ...

    @property
    def restoring(self) -> tuple[str, ...]:
        """The ways in which a port may be put back: those, and whatever else leads to any state."""
        ...

    async def read(self, ports: Sequence[str] = ()) -> SwitchState:
        """The state of these ports, by the names asked for, or of all; and the VLANs that exist."""
        ...

    def plan(
        self,
        now: SwitchState,
        goals: Mapping[str, PortState],
        *,
        order: str,
        create: Mapping[int, str] | None = None,
        drop: Sequence[int] = (),
    ) -> Plan:
        """What to send, from the state that was read, so that each port is as its goal.

        `create` are VLANs (id -> name) made first, `drop` those removed last. Refused when this cannot be said to
        the switch.
        """
        ...

    async def apply(self, plan: Plan) -> None:
        """Send the plan, stopping at the first thing that the switch rejects."""
        ...

    async def save(self, plan: Plan) -> None:
        """Make what was applied outlast a restart of the switch."""
        ...

    async def survey(self) -> Survey:
        """Who is on which port: neighbours by LLDP or CDP, and learned addresses."""
        ...

    async def close(self) -> None:
        """End the session."""
        ...
