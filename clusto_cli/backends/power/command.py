"""A site's own command as a power switch: any device for which somebody has written a program.

The command is an argument list, never a shell line. `{outlet}` and `{action}` (`on`, `off`, `status`) are replaced in
each argument, and `{host}` and `{name}` by the device's. For `status` it prints `on` or `off`; another exit code than
0 is a failure, and the last line it wrote to standard error says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from clusto_cli.backends.base import DeviceError, OutletReading, Refused, Relay, Step, Unreachable

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
        self._known = {"{host}": host, "{name}": name}
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
        known = {**self._known, "{outlet}": outlet, "{action}": action}
        filled = []
        for argument in self._argv:
            for place, text in known.items():
                argument = argument.replace(place, text)
            filled.append(argument)
        return filled

    async def _run(self, outlet: str, action: str) -> str:
        argv = self._filled(outlet, action)
        return await run_program(argv, self._timeout)


class ProgramFailed(Refused):
    """A program ended with another exit code than 0. `said` are the lines that it wrote to standard error."""

    def __init__(self, message: str, said: Sequence[str]) -> None:
        super().__init__(message)
        self.said = said


async def run_program(argv: Sequence[str], timeout: float, environment: dict[str, str] | None = None) -> str:
    """What a program prints.

    Raises ProgramFailed, Refused when it cannot be run, Unreachable when it is not done in `timeout` seconds.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
        )
    except OSError as error:
        raise Refused(f"cannot run {argv[0]}: {error.strerror}") from error
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError:
        raise Unreachable(f"{argv[0]} was not done in {timeout:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = [line.strip() for line in err.decode(errors="replace").splitlines() if line.strip()]
        raise ProgramFailed(f"{argv[0]}: {lines[-1] if lines else f'exit code {process.returncode}'}", lines)
    return out.decode(errors="replace")
