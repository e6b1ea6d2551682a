"""How the lanes of a cable run: a cable with a profile has connectors at each side, and positions on each connector.

Source: https://github.com/netbox-community/netbox, `netbox/dcim/cable_profiles.py` (since 4.5). The names say it all:
`single-1c4p`, `trunk-2c4p` are straight, `breakout-1c4p-4c1p` counts the lanes through on both sides, and `shuffle`
deals the positions of each connector out to the connectors of the other side.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_PROFILE = re.compile(r"[a-z]+-(\d+)c(\d+)p(?:-(\d+)c(\d+)p)?(-shuffle)?")


class _Profile(NamedTuple):
    connectors: int
    positions: int
    far_positions: int
    shuffled: bool


@lru_cache(64)
def _parsed(name: str) -> _Profile | None:
    match = _PROFILE.fullmatch(name)
    if match is None or int(match[2]) == 0 or int(match[4] or 1) == 0:
        return None
    return _Profile(int(match[1]), int(match[2]), int(match[4] or match[2]), bool(match[5]))


def across(profile: str, connector: int, position: int) -> tuple[int, int]:
    """The connector and the position at side B for those at side A; the same ones for a profile that is not known."""
    about = _parsed(profile)
    if about is None:
        return connector, position
    if about.shuffled and about.positions % about.connectors == 0:
        size = about.positions // about.connectors
        group, within = divmod(position - 1, size)
        connector, position = group + 1, (connector - 1) * size + within + 1
    lane = (connector - 1) * about.positions + position - 1
    return lane // about.far_positions + 1, lane % about.far_positions + 1
