"""Lists of VLANs as switches print them, read whole: a word that is no VLAN is an error and never an empty list."""

from __future__ import annotations

import re
from collections.abc import Mapping

from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.switch.model import VLAN_MAX, VLAN_MIN

ALL_VLANS = frozenset(range(VLAN_MIN, VLAN_MAX + 1))
# A list as a profile's pattern takes it with `{vlans}`: to the end of its line, and on over lines of nothing but ids.
PATTERN = r"([^\n]*(?:\n[ \t]+\d[\d,\- \t]*(?:\([^)\n]*\)[\d,\- \t]*)*(?=\n|$))*)"
_NOWHERE = frozenset({"", "none", "-", "--", "n/a", "unassigned", "inactive"})
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


class NotUnderstood(DeviceError):
    """A switch's answer is not what the platform's rules expect; the message shows the line."""

    def __init__(self, line: str) -> None:
        super().__init__(f"its answer is not understood: {line.strip()[:160]!r}")


def vlan_ids(text: str, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """The VLANs of a list: `1,10-12`, `2 to 4`, `ALL`, `none`, `10 (servers)`, `[ a b ]`, or names that are known.

    NotUnderstood for any other word.
    """
    found: set[int] = set()
    bare = re.sub(r"\([^)]*\)", " ", text)
    bare = re.sub(r"\s*-\s*(?=\d)", "-", re.sub(r"\s+to\s+", "-", bare))
    for word in re.split(r"[,\s\[\]]+", bare.strip()):
        if spans := _RANGE.fullmatch(word):
            found.update(range(int(spans[1]), min(int(spans[2] or spans[1]), VLAN_MAX) + 1))
        elif word.casefold() == "all":
            return ALL_VLANS
        elif names and word in names:
            found.add(names[word])
        elif word.casefold() not in _NOWHERE:
            raise NotUnderstood(text)
    return frozenset(vlan for vlan in found if VLAN_MIN <= vlan <= VLAN_MAX)
