"""A PDU whose family is found out when it is first spoken to, and remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from clusto_cli.backends.base import LoadReading, OutletReading, Step
from clusto_cli.backends.errors import DeviceError, NoSuchPort
from clusto_cli.backends.power import profile as profiles
from clusto_cli.backends.power.profile import ProfileError
from clusto_cli.backends.power.recognise import SYS_OBJECT_ID, Recognition, model_of, recognise
from clusto_cli.backends.power.snmp import SnmpPower
from clusto_cli.backends.snmp import SnmpDevice, SnmpSettings


class RecognisingPower:
    """`chosen` is the profile that somebody set; `kept` what was recognised before.

    A kept answer that fits no outlet any more
    (the PDU was replaced) is found out anew, a chosen one never. Raises ValueError for a profile that is not there.
    """

    def __init__(
        self, settings: SnmpSettings, chosen: str | None, kept: str | None, keep: Callable[[str], None]
    ) -> None:
        self._device = SnmpDevice(settings)
        self._keep = keep
        self._opening = asyncio.Lock()
        self._power: SnmpPower | None = None
        self._chosen: Recognition | None = None
        self._recognised = False
        if chosen:
            self._chosen = Recognition.parse(chosen)
            profiles.load(self._chosen.profile)
        elif kept:
            try:
                self._power = self._with(Recognition.parse(kept))
            except ProfileError:
                self._power = None

    async def __aenter__(self) -> RecognisingPower:
        await self._device.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._device.__aexit__(*exception)

    async def outlets(self) -> list[OutletReading]:
        power = await self._opened()
        return await power.outlets() or await (await self._anew(power)).outlets()

    async def read(self, outlets: Sequence[str], *, brief: bool = False) -> dict[str, OutletReading | DeviceError]:
        power = await self._opened()
        readings = await power.read(outlets, brief=brief)
        if not brief and all(isinstance(reading, NoSuchPort) for reading in readings.values()):
            again = await self._anew(power)
            if again is not power:
                return await again.read(outlets)
        return readings

    async def loads(self) -> list[LoadReading]:
        power = await self._opened()
        readings = await power.loads()
        if readings:
            return readings
        again = await self._anew(power)
        return readings if again is power else await again.loads()

    async def steps(self, outlets: Sequence[str], on: bool) -> dict[str, list[Step]]:
        return await (await self._opened()).steps(outlets, on)

    async def switch(self, outlets: Sequence[str], on: bool) -> dict[str, DeviceError]:
        return await (await self._opened()).switch(outlets, on)

    async def settle_times(self, outlets: Sequence[str], on: bool) -> dict[str, float]:
        return await (await self._opened()).settle_times(outlets, on)

    async def _opened(self) -> SnmpPower:
        async with self._opening:
            if self._power is None:
                if self._chosen is not None:
                    self._power = await self._choose(self._chosen)
                else:
                    self._power = await self._recognise()
            return self._power

    async def _choose(self, chosen: Recognition) -> SnmpPower:
        profile = profiles.load(chosen.profile)
        if profile.model and chosen.model is None:
            identity = await self._device.get(SYS_OBJECT_ID)
            chosen = Recognition(chosen.profile, model_of(profile, identity if isinstance(identity, tuple) else ()))
        return self._with(chosen)

    async def _recognise(self) -> SnmpPower:
        found = await recognise(self._device, [profiles.load(name) for name in profiles.names()])
        self._recognised = True
        self._keep(str(found))
        return self._with(found)

    async def _anew(self, power: SnmpPower) -> SnmpPower:
        """The power switch after a second look at what the device is; the one that there was where that changes
        nothing.
        """
        async with self._opening:
            if self._chosen is None and not self._recognised:
                self._power = await self._recognise()
            return self._power or power

    def _with(self, recognition: Recognition) -> SnmpPower:
        return SnmpPower(self._device, profiles.load(recognition.profile), recognition.model)
