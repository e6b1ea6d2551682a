"""A boot server that cannot be reached, and says why whenever it is asked: machines of other servers go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clusto_cli.backends.base import BootMachine, BootState, Step
from clusto_cli.backends.errors import DeviceError


class UnusableProvisioner:
    """Raises `why` for every question."""

    def __init__(self, why: DeviceError) -> None:
        self._why = why

    async def __aenter__(self) -> UnusableProvisioner:
        return self

    async def __aexit__(self, *exception: object) -> None:
        return None

    async def check(self, machine: BootMachine) -> str:
        raise self._why

    async def state(self, machine: BootMachine) -> BootState:
        raise self._why

    async def install(self, machine: BootMachine) -> None:
        raise self._why

    async def local(self, machine: BootMachine, *, keep_answers: bool = False) -> None:
        raise self._why

    async def local_many(self, machines: Sequence[BootMachine]) -> Mapping[str, DeviceError]:
        return {machine.name: self._why for machine in machines}

    async def steps(self, machine: BootMachine, install: bool) -> list[Step]:
        raise self._why
