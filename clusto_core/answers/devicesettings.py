"""How a device is reached: the settings among its attributes, its own or inherited, and its address.

A setting is an attribute of a group: `snmp.community`, `bmc.user`, `power.profile`. What a value refers to (`env:NAME`,
`file:PATH`) is read when the setting is used, so that one that is not needed need not be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clusto_core.answers.view import view_of
from clusto_core.model.attributes import IP, resolve_secret
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader


class DeviceSettings(Mapping[str, str]):
    """Settings by key; reading one resolves what it refers to. Raises NotFound when that is not there."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: str) -> str:
        return resolve_secret(self._values[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def over(self, others: DeviceSettings) -> DeviceSettings:
        """These settings, and where they lack a key those others."""
        return DeviceSettings({**others._values, **self._values})


class ReachedDevice(NamedTuple):
    """A device, the address it is at (its own `_ip`, else its management port's, else its name), and its settings."""

    thing: Thing
    address: str
    settings: DeviceSettings


def reached(reader: Reader, things: Iterable[Thing], groups: Iterable[str]) -> dict[int, ReachedDevice]:
    """How each of these devices is reached, by id; `groups` are the first words of the settings that matter."""
    wanted = set(groups)
    devices = {thing.id: thing for thing in things}
    held = [attribute for attribute in reader.attributes_of_parts(*devices) if attribute.key.key == IP]
    parts = reader.by_ids({attribute.thing_id for attribute in held})
    of_parts: dict[int, str] = {}
    for attribute in held:
        of_parts.setdefault(parts[attribute.thing_id].entity_id, attribute.value.text)
    view = view_of(reader, devices.values())
    found = {}
    for thing in devices.values():
        values: dict[str, str] = {}
        address = None
        for attribute, _ in view.effective(thing):
            key = attribute.key
            if key.key == IP:
                address = address or attribute.value.text
            elif key.key in wanted and key.number is None and key.subkey is not None:
                values.setdefault(f"{key.key}.{key.subkey}", attribute.value.text)
        address = (address or of_parts.get(thing.id) or thing.name).partition("/")[0]
        found[thing.id] = ReachedDevice(thing, address, DeviceSettings(values))
    return found
