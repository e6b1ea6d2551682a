"""The PDU adapter: any family that a profile describes, over SNMP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusto_cli.backends.base import Concern, LoadReading, OutletReading, Relay, Step
from clusto_cli.backends.errors import DeviceError, NoSuchPort, NotVerified, Refused
from clusto_cli.backends.power.addressing import Address, Addresses
from clusto_cli.backends.power.profile import Meaning, Profile
from clusto_cli.backends.power.template import OidTemplate
from clusto_cli.backends.snmp import NoAnswer, Oid, SnmpDevice, Tag, Value, Varbind, format_oid

# What values take in an answer: the code of a state, an outlet's label, one string for all outlets of a unit.
_CODE_OCTETS = 2
_LABEL_OCTETS = 14
_STRING_OCTETS = 200
_STRING_TRIES = 5


class SnmpPower:
    """The outlets of one PDU. `model` is the number that families keep inside their identifiers (GUDE)."""

    def __init__(self, device: SnmpDevice, profile: Profile, model: int | None = None) -> None:
        self.profile = profile
        self._device = device
        self._model = model
        self._addresses = Addresses(profile, device, model)
        self._delays: dict[Oid, Value] = {}
        moving = (column for column in profile.signs if any(map(_may_change, column.codes.values())))
        # The columns beside the state, by whether a reading is brief: what an operator alone changes is read once.
        self._signs = {False: profile.signs, True: tuple(moving)}

    async def __aenter__(self) -> SnmpPower:
        await self._device.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._device.__aexit__(*exception)

    async def outlets(self) -> list[OutletReading]:
        table = await self._addresses.table()
        addresses = {address.text: address for address in table}
        readings = self._readings(addresses, await self._values(addresses, brief=False), brief=False)
        return [
            reading
            for reading in readings.values()
            if isinstance(reading, OutletReading) and reading.relay is not Relay.ABSENT
        ]

    async def read(self, outlets: Sequence[str], *, brief: bool = False) -> dict[str, OutletReading | DeviceError]:
        guess = self._addresses.guess(outlets)
        if guess is not None and guess.addresses.keys() >= set(outlets):
            values = await self._values(guess.addresses, brief, guess.proof)
            if self._addresses.confirm(guess, values):
                return self._readings(guess.addresses, values, brief)
        found = await self._addresses.find(outlets)
        addresses = {outlet: address for outlet, address in found.items() if isinstance(address, Address)}
        readings = self._readings(addresses, await self._values(addresses, brief), brief)
        missing = {outlet: error for outlet, error in found.items() if isinstance(error, DeviceError)}
        return {outlet: missing.get(outlet) or readings[outlet] for outlet in outlets}

    async def loads(self) -> list[LoadReading]:
        from clusto_cli.backends.power.metering import read_loads

        return await read_loads(self._device, self.profile, self._model)

    async def steps(self, outlets: Sequence[str], on: bool) -> dict[str, list[Step]]:
        found = await self._addresses.find(outlets)
        steps: dict[str, list[Step]] = {}
        for outlet, address in found.items():
            if not isinstance(address, Address):
                steps[outlet] = []
            elif self.profile.command.separator is not None:
                template, _ = self._verb(on)
                where = format_oid(self._addresses.oid(template, address))
                steps[outlet] = [Step(outlet, where, f"the whole string, part {address.outlet} = {self._verb(on)[1]}")]
            else:
                varbinds = [*self._unlocks(address), self._varbind(address, on)]
                steps[outlet] = [
                    Step(outlet, format_oid(varbind.oid), f"{Tag(varbind.tag).name} {_printed(varbind.value)}")
                    for varbind in varbinds
                ]
        return steps

    async def switch(self, outlets: Sequence[str], on: bool) -> dict[str, DeviceError]:
        found = await self._addresses.find(outlets)
        failures = {outlet: error for outlet, error in found.items() if isinstance(error, DeviceError)}
        addresses = {outlet: address for outlet, address in found.items() if isinstance(address, Address)}
        command = self.profile.command
        if command.separator is not None:
            return failures | await self._switch_string(addresses, on)
        if command.unlock is not None:
            for outlet, address in addresses.items():
                try:
                    await self._device.set(self._unlocks(address))
                    await self._device.set([self._varbind(address, on)])
                except DeviceError as error:
                    failures[outlet] = error
            return failures
        writes = {outlet: self._varbind(address, on) for outlet, address in addresses.items()}
        at_most = 1 if command.one_by_one else None
        refused = await self._device.set_many(list(writes.values()), at_most=at_most)
        return failures | {outlet: refused[write.oid] for outlet, write in writes.items() if write.oid in refused}

    async def settle_times(self, outlets: Sequence[str], on: bool) -> dict[str, float]:
        times = dict.fromkeys(outlets, self.profile.command.settle)
        delay = self.profile.delays.get(on)
        if delay is None:
            return times
        found = await self._addresses.find(outlets)
        oids = {
            outlet: self._addresses.oid(delay.oid, address)
            for outlet, address in found.items()
            if isinstance(address, Address)
        }
        unread = [oid for oid in oids.values() if oid not in self._delays]
        if unread:
            self._delays |= await self._device.get_many(unread)
        waits = {outlet: delay.seconds(self._delays[oid]) for outlet, oid in oids.items()}
        if delay.each:
            waits = dict.fromkeys(waits, sum(waits.values()))
        return {outlet: seconds + waits.get(outlet, 0.0) for outlet, seconds in times.items()}

    async def _values(self, addresses: dict[str, Address], brief: bool, also: Iterable[Oid] = ()) -> dict[Oid, Value]:
        """What the device says of these outlets; what it adds of delays is kept."""
        profile = self.profile
        columns = (profile.state, *self._signs[brief])
        wanted = [self._addresses.oid(column.oid, address) for column in columns for address in addresses.values()]
        wanted += also
        if not brief:
            delays = [self._addresses.oid(d.oid, a) for d in profile.delays.values() for a in addresses.values()]
            wanted += [*self._count_oids(addresses.values()), *delays]
        strings = any(column.separator for column in columns)
        labels: dict[Oid, int] = {}
        if not brief and profile.label is not None:
            label = profile.label
            labels = {self._addresses.label_oid(label, address): _LABEL_OCTETS for address in addresses.values()}
        value_octets = _STRING_OCTETS if strings else _CODE_OCTETS
        values = await self._device.get_many([*wanted, *labels], value_octets, labels)
        if not brief:
            self._delays |= {oid: values[oid] for oid in delays}
        return values

    def _readings(
        self, addresses: dict[str, Address], values: dict[Oid, Value], brief: bool
    ) -> dict[str, OutletReading | DeviceError]:
        return {outlet: self._reading(outlet, address, values, brief) for outlet, address in addresses.items()}

    def _count_oids(self, addresses: Iterable[Address]) -> list[Oid]:
        if self.profile.search:
            return []
        oids = (self._addresses.count_oid(address.unit) for address in addresses)
        return [oid for oid in oids if oid is not None]

    def _reading(
        self, outlet: str, address: Address, values: dict[Oid, Value], brief: bool
    ) -> OutletReading | DeviceError:
        profile = self.profile
        count_oid = None if profile.search else self._addresses.count_oid(address.unit)
        count = values.get(count_oid) if count_oid else None
        if isinstance(count, int) and 0 < count < (address.outlet or 0) and profile.rows is None:
            return NoSuchPort(f"no outlet {outlet}: it has {count} outlets")
        value = values.get(self._addresses.oid(profile.state.oid, address))
        position = self._addresses.position(profile.state, address)
        code = profile.state.text(value, position)
        if code is None:
            return NoSuchPort(f"no outlet {outlet}: {profile.name} has no state for it")
        meaning = profile.state.codes.get(code, profile.state.otherwise) or Meaning()
        relay = meaning.relay or Relay.UNKNOWN
        found = [meaning]
        for column in self._signs[brief]:
            sign = column.meaning(
                values.get(self._addresses.oid(column.oid, address)), self._addresses.position(column, address)
            )
            if sign is not None:
                found.append(sign)
        if relay is not Relay.ABSENT and any(sign.relay is Relay.CHANGING for sign in found):
            relay = Relay.CHANGING
        if relay is Relay.ABSENT:
            return NoSuchPort(f"no outlet {outlet}: {profile.name} says it is absent (code {code})")
        label = None
        if profile.label is not None and not brief:
            label = profile.label.text(values.get(self._addresses.label_oid(profile.label, address)), 1)
        concerns = tuple((sign.concern, sign.text) for sign in found if sign.concern is not None)
        return OutletReading(outlet, relay, code, label or None, concerns, self._never(address))

    def _never(self, address: Address) -> dict[bool, str]:
        """In which directions the device is set never to turn an outlet, in words."""
        never: dict[bool, str] = {}
        for on, delay in self.profile.delays.items():
            value = self._delays.get(self._addresses.oid(delay.oid, address))
            if value is not None and value == delay.never:
                way = "on" if on else "off"
                never[on] = f"the device is set never to turn it {way} (its delay is {value})"
        return never

    def _verb(self, on: bool) -> tuple[OidTemplate, int | str]:
        return self.profile.command.on if on else self.profile.command.off

    def _varbind(self, address: Address, on: bool) -> Varbind:
        template, value = self._verb(on)
        content: Value = value.encode() if isinstance(value, str) else value
        return Varbind(self._addresses.oid(template, address), self.profile.command.tag, content)

    def _unlocks(self, address: Address) -> list[Varbind]:
        if self.profile.command.unlock is None:
            return []
        template, value = self.profile.command.unlock
        return [Varbind(self._addresses.oid(template, address), Tag.INTEGER, value)]

    async def _switch_string(self, addresses: dict[str, Address], on: bool) -> dict[str, DeviceError]:
        """Families where one string holds all outlets of a unit, and writing it writes them all.

        Read, changed and written at once; then read again, because whatever another client wrote in between is
        overwritten by this, or this by that. A write that is not answered is not repeated blindly but begun anew from
        what stands there.
        """
        failures: dict[str, DeviceError] = {}
        for unit in sorted({address.unit for address in addresses.values()}):
            ours = {outlet: address for outlet, address in addresses.items() if address.unit == unit}
            try:
                await self._write_string(ours, on)
            except DeviceError as error:
                failures |= dict.fromkeys(ours, error)
        return failures

    async def _write_string(self, addresses: dict[str, Address], on: bool) -> None:
        command = self.profile.command
        template, value = self._verb(on)
        oid = self._addresses.oid(template, next(iter(addresses.values())))
        separator = command.separator or ","
        mine = {(address.outlet or 0) - 1 for address in addresses.values()}
        for _ in range(_STRING_TRIES):
            before = await self._parts(oid, separator)
            if max(mine) >= len(before):
                raise NoSuchPort(f"no outlet {max(mine) + 1}: it has {len(before)} outlets")
            wanted = [str(value) if place in mine else part for place, part in enumerate(before)]
            if before == wanted:
                return
            try:
                await self._device.set([Varbind(oid, Tag.OCTET_STRING, separator.join(wanted).encode())], repeat=False)
            except NoAnswer:
                continue
            after = await self._parts(oid, separator)
            changed = [
                str(place + 1) for place, part in enumerate(after) if place not in mine and part != before[place]
            ]
            if changed:
                raise NotVerified(f"another client changed outlet {', '.join(changed)} at the same time: check them")
            return
        raise Refused(f"no write of {format_oid(oid)} was answered in {_STRING_TRIES} tries")

    async def _parts(self, oid: Oid, separator: str) -> list[str]:
        value = await self._device.get(oid)
        if not isinstance(value, bytes):
            raise Refused(f"{format_oid(oid)} does not hold the outlets of a unit")
        return [part.strip() for part in value.decode("utf-8", "replace").split(separator)]


def _may_change(meaning: Meaning) -> bool:
    """Whether a code speaks of what a command has set going, and not of what an operator has decided."""
    return meaning.relay is Relay.CHANGING or meaning.concern is Concern.FAULT


def _printed(value: Value) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
