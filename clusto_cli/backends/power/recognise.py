"""Which family a PDU is of: by its sysObjectID, and where several share that, by which table it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.power.profile import Profile, ProfileError
from clusto_cli.backends.snmp import Oid, SnmpDevice, format_oid, parse_oid

SYS_OBJECT_ID = parse_oid("1.3.6.1.2.1.1.2.0")


class NotRecognised(DeviceError):
    """The device answers and no profile fits it."""


class Recognition(NamedTuple):
    """A profile and, for families that keep it in their identifiers, the model. As text it can be kept: `gude-
    epc/43`.
    """

    profile: str
    model: int | None = None

    def __str__(self) -> str:
        return self.profile if self.model is None else f"{self.profile}/{self.model}"

    @classmethod
    def parse(cls, text: str) -> Recognition:
        name, slash, model = text.partition("/")
        if slash and not model.isdecimal():
            raise ProfileError(f"not a PDU profile: {text!r} (NAME, or NAME/MODEL)")
        return cls(name, int(model) if slash else None)


async def recognise(device: SnmpDevice, profiles: Iterable[Profile]) -> Recognition:
    """The best of `profiles` for a device; raises NotRecognised.

    That is the first whose table the device has: of those that claim its sysObjectID, the closest claim first, or
    else of all.
    """
    profiles = list(profiles)
    identity = await device.get(SYS_OBJECT_ID)
    own = identity if isinstance(identity, tuple) else ()
    claims = [(claim, profile) for profile in profiles if (claim := _claim(profile, own))]
    claims.sort(key=lambda pair: (-pair[0], -pair[1].priority))
    others = [profile for profile in profiles if not _claim(profile, own)]
    for group in ([profile for _, profile in claims], sorted(others, key=lambda profile: -profile.priority)):
        fits = await asyncio.gather(*(_fits(device, profile, own) for profile in group))
        for profile, fit in zip(group, fits, strict=True):
            if fit:
                return Recognition(profile.name, model_of(profile, own))
    raise NotRecognised(
        f"{device.settings.where}: no PDU profile fits it (sysObjectID {format_oid(own) or 'none'}); "
        "set power.profile, or add a profile"
    )


async def claiming(device: SnmpDevice, profiles: Iterable[Profile]) -> list[Profile]:
    """Those of `profiles` that claim a device's sysObjectID: what is asked of everything that answers."""
    identity = await device.get(SYS_OBJECT_ID)
    return [each for each in profiles if isinstance(identity, tuple) and _claim(each, identity)]


def model_of(profile: Profile, own: Oid) -> int | None:
    """The number that follows the profile's claim in a sysObjectID, where the profile needs it."""
    if not profile.model:
        return None
    claim = profile.sysobjectids[0]
    return own[len(claim)] if own[: len(claim)] == claim and len(own) > len(claim) else None


def _claim(profile: Profile, own: Oid) -> int:
    """How many numbers of the longest fitting claim; 0 when none fits."""
    return max((len(claim) for claim in profile.sysobjectids if own[: len(claim)] == claim), default=0)


async def _fits(device: SnmpDevice, profile: Profile, own: Oid) -> bool:
    table = profile.table
    if profile.model:
        model = model_of(profile, own)
        if model is None:
            return False
        table = profile.state.oid.fill(model=model)
    first = await device.get_next(table)
    if first is None or first.oid[: len(table)] != table:
        return False
    if profile.probe is None:
        return True
    oid, starts = profile.probe
    value = await device.get(oid)
    return isinstance(value, bytes) and value.decode("utf-8", "replace").startswith(starts)
