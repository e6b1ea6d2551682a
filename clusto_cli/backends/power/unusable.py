"""A power switch that cannot be spoken to, and says why whenever it is asked: other devices go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clusto_cli.backends.base import OutletReading, Step
from clusto_cli.backends.errors import DeviceError


class UnusablePower:
    """Raises `why` for every question."""

    def __init__(self, why: DeviceError) -> None:
        self._why = why

    async def __aenter__(self) -> UnusablePower:
        return self

    async def __aexit__(self, *exception: object) -> None:
        return None

    async def outlets(self) -> list[OutletReading]:
        raise self._why

    async def read(self, outlets: Sequence[str], *, brief: bool = False) -> dict[str, OutletReading | DeviceError]:
        raise self._why

    async def steps(self, outlets: Sequence[str], on: bool) -> dict[str, list[Step]]:
        raise self._why

    async def switch(self, outlets: Sequence[str], on: bool) -> dict[str, DeviceError]:
        raise self._why

    async def settle_times(self, outlets: Sequence[str], on: bool) -> Mapping[str, float]:
        raise self._why
