"""A site's own command as a boot server: fai-chboot, hammer, maas, or whatever somebody has written.

The command is an argument list, never a shell line. `{action}` is `check`, `state`, `install` or `local`; `{name}`,
`{mac}` (of the first card), `{macs}` (with commas between), `{address}`, `{profile}` and `{events}` (the URL below
which the installer is to say how far it is) are the machine's. For `state` it prints `install`, `local`, `absent` or
`foreign`; for `check` it may print a line for people. Another exit code than 0 is a failure, and the last line it
wrote to standard error says why.
"""

from __future__ import annotations

from collections.abc import Sequence

from clusto_cli.backends.base import BootMachine, BootState, Step
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.program import filled, run_program
from clusto_cli.backends.provision.many import one_by_one


class CommandProvisioner:
    """`argv` is the command with its places, `timeout` what one run of it may take, in seconds."""

    def __init__(self, argv: Sequence[str], *, timeout: float = 60.0) -> None:
        if not argv:
            raise ValueError("rebuild.command is empty")
        self._argv = list(argv)
        self._timeout = timeout

    async def __aenter__(self) -> CommandProvisioner:
        return self

    async def __aexit__(self, *exception: object) -> None:
        return None

    async def check(self, machine: BootMachine) -> str:
        said = (await self._run(machine, "check")).split("\n")[0].strip()
        return said or f"{self._argv[0]} agrees"

    async def state(self, machine: BootMachine) -> BootState:
        words = (await self._run(machine, "state")).split()
        try:
            return BootState(words[-1].lower() if words else "")
        except ValueError:
            said = words[-1] if words else "nothing"
            raise Refused(f"{self._argv[0]}: {said[:60]!r} is none of {', '.join(BootState)}") from None

    async def install(self, machine: BootMachine) -> None:
        try:
            await self._run(machine, "install")
        except BaseException:
            await self._run(machine, "local")
            raise

    async def local(self, machine: BootMachine, *, keep_answers: bool = False) -> None:
        await self._run(machine, "local")

    async def local_many(self, machines: Sequence[BootMachine]) -> dict[str, DeviceError]:
        return await one_by_one(machines, self.local)

    async def steps(self, machine: BootMachine, install: bool) -> list[Step]:
        argv = self._filled(machine, "install" if install else "local")
        return [Step(machine.name, argv[0], " ".join(argv))]

    async def _run(self, machine: BootMachine, action: str) -> str:
        return await run_program(self._filled(machine, action), self._timeout, own=True)

    def _filled(self, machine: BootMachine, action: str) -> list[str]:
        values = {
            "action": action,
            "name": machine.name,
            "mac": machine.macs[0] if machine.macs else "",
            "macs": ",".join(machine.macs),
            "address": machine.address or "",
            "profile": machine.profile,
            "events": machine.events or "",
        }
        for place, value in values.items():
            used = any(f"{{{place}}}" in argument for argument in self._argv)
            if used and not value and (place in ("mac", "macs", "address") or action == "install"):
                raise Refused(f"rebuild.command wants {{{place}}}, which {machine.name} does not have")
        return filled(self._argv, values)
