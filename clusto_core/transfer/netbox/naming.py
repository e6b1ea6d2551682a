"""What the objects of a NetBox are called in clusto, where a name is one word and no two Things share one.

The rule does not depend on the order of the dump:

1. Each run of characters that cannot be in a name becomes one dash: `Comms closet` is `Comms-closet`.
2. Where several objects, of whatever kind, have one name, those that are in something get its name before theirs:
   `DM-Akron-Comms-closet`; roles, clusters and sites get what they are: `router-role`.
3. Those that still have one name get their NetBox number behind it: `router-17`; and if that is not enough, also what
   they are: `router-17-device-17`.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from clusto_core.errors import Malformed
from clusto_core.model.names import check_name
from clusto_core.rules.ports import cleaned
from clusto_core.transfer.netbox.dump import Reference


class Candidate(NamedTuple):
    """An object to be named: what it is called, what it is in, and what it is where it is in nothing."""

    key: Reference
    wanted: str
    inside: str = ""
    kind: str = ""


def unique(candidates: list[Candidate]) -> dict[Reference, str]:
    """A name for each object, no two the same."""
    names = {each.key: _word(each.wanted, each.key) for each in candidates}
    doubled = _doubled(names)
    for each in candidates:
        if names[each.key] in doubled:
            if each.inside:
                names[each.key] = f"{_word(each.inside, each.key)}-{names[each.key]}"
            elif each.kind:
                names[each.key] = f"{names[each.key]}-{each.kind}"
    tail = "-{pk}"
    while doubled := _doubled(names):
        for each in candidates:
            if names[each.key] in doubled:
                names[each.key] += tail.format(pk=each.key.pk, model=each.key.model.rpartition(".")[2])
        tail = "-{model}-{pk}"
    return names


def _doubled(names: dict[Reference, str]) -> set[str]:
    return {name for name, count in Counter(names.values()).items() if count > 1}


def _word(text: str, key: Reference) -> str:
    try:
        return cleaned(text, check_name)[:100]
    except Malformed:
        return f"{key.model.rpartition('.')[2]}-{key.pk}"
