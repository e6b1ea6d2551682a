"""A site's own command as a power switch: any device for which somebody has written a program.

The command is an argument list, never a shell line. `{outlet}` and `{action}` (`on`, `off`, `status`) are replaced in
each argument, and `{host}` and `{name}` by the device's. For `status` it prints `on` or `off`; another exit code than
0 is a failure, and the last line it wrote to standard error says why.
"""

from __future__ import annotations

from collections.abc import Sequence

from clusto_cli.backends.base import OutletReading, Relay, Step
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.program import filled, run_program

_WORDS = {"on": Relay.ON, "off": Relay.OFF}


class CommandPower:
    """`argv` is the command with its places.

    `timeout` is what one run of it may take, `settle` how long the relay may take to show a change; both in seconds.
    """

    def __init__(
        self, argv: Sequence[str], *, host: str, name: str, timeout: float = 30.0, settle: float = 10.0
    ) -> None:
        if not argv:
            raise ValueError("power.command is empty")
        self._argv = list(argv)
        self._known = {"host": host, "name": name}
        self._timeout = timeout
        self._settle = settle

    async def __aenter__(self) -> CommandPower:
        return self

    async def __aexit__(self, *exception: object) -> None:
        return None

    async def outlets(self) -> list[OutletReading]:
        raise Refused("a power.command cannot list outlets")

    async def read(self, outlets: Sequence[str], *, brief: bool = False) -> dict[str, OutletReading | DeviceError]:
        readings: dict[str, OutletReading | DeviceError] = {}
        for outlet in outlets:
            try:
                said = (await self._run(outlet, "status")).split()
            except DeviceError as error:
                readings[outlet] = error
                continue
            word = said[-1].lower() if said else ""
            readings[outlet] = OutletReading(outlet, _WORDS.get(word, Relay.UNKNOWN), word or "nothing")
        return readings

    async def steps(self, outlets: Sequence[str], on: bool) -> dict[str, list[Step]]:
        action = "on" if on else "off"
        return {outlet: [Step(outlet, self._argv[0], " ".join(self._filled(outlet, action)))] for outlet in outlets}

    async def switch(self, outlets: Sequence[str], on: bool) -> dict[str, DeviceError]:
        failures: dict[str, DeviceError] = {}
        for outlet in outlets:
            try:
                await self._run(outlet, "on" if on else "off")
            except DeviceError as error:
                failures[outlet] = error
        return failures

    async def settle_times(self, outlets: Sequence[str], on: bool) -> dict[str, float]:
        return dict.fromkeys(outlets, self._settle)

    def _filled(self, outlet: str, action: str) -> list[str]:
        return filled(self._argv, {**self._known, "outlet": outlet, "action": action})

    async def _run(self, outlet: str, action: str) -> str:
        argv = self._filled(outlet, action)
        return await run_program(argv, self._timeout, own=True)
