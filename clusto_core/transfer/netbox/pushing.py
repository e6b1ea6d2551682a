"""Writes back to a NetBox what it lacks: cables that clusto has acted through, and values in custom fields.

Nothing is changed but the custom fields that the declaration of the source names, and nothing is taken away: a cable is
made where both of its ports have none, as NetBox says at that moment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from clusto_core.errors import Malformed, NotFound
from clusto_core.model.attributes import Key
from clusto_core.model.origins import Origin
from clusto_core.model.reserved import CONSOLE_LAST, NETWORK_LAST, POWER_LAST
from clusto_core.model.things import Link, Thing
from clusto_core.records.sources import Ledger
from clusto_core.secrecy import is_secret
from clusto_core.store.reader import Reader
from clusto_core.transfer.netbox.client import Client
from clusto_core.transfer.netbox.models import MODELS

CABLES: Mapping[str, tuple[str, ...]] = {"outlets": ("power",), "cables": ("network", "console")}
"""What `push` may name besides keys of attributes: the kinds of connection that are written back with it."""


class Back(NamedTuple):
    """One thing to write: what people are told, and where which fields go; pk is None for an object to make."""

    words: str
    path: str
    data: dict[str, Any]
    pk: int | None = None


def check(wanted: Mapping[str, Any], where: str) -> None:
    """Raises Malformed for a table `push` that cannot be."""
    for key, value in wanted.items():
        if key in CABLES:
            if not isinstance(value, bool):
                raise Malformed(f"{where}.{key} is true or false")
            continue
        if Key.parse(key).reserved or is_secret(key):
            raise Malformed(f"{where}: {key} is not given away")
        if not isinstance(value, str) or not value:
            raise Malformed(f'{where}: "{key}" = "the name of the custom field that it goes to"')


def missing(reader: Reader, client: Client, name: str, wanted: Mapping[str, Any]) -> Iterator[Back]:
    """What the source of that name lacks, of what is wanted. Raises NotFound before the first sync."""
    known = _Known(reader, name)
    kinds = {kind for key, found in CABLES.items() if wanted.get(key) for kind in found}
    if kinds:
        yield from _cables(reader, client, known, kinds)
    for key, field in wanted.items():
        if key not in CABLES:
            yield from _values(reader, client, known, Key.parse(key), field)


def write(client: Client, back: Back) -> None:
    """Writes one of them."""
    if back.pk is None:
        client.make(back.path, back.data)
    else:
        client.change(back.path, back.pk, back.data)


class _Known:
    """Which Things and parts are which objects of a source, and what the source says is cabled."""

    def __init__(self, reader: Reader, name: str) -> None:
        ledger = Ledger(reader.database, name)
        if not ledger.summary.id:
            raise NotFound(f"{name} was never synced with this inventory: clusto sync {name}")
        here = [each for each in ledger.objects.values() if each.thing is not None and each.gone is None]
        self.things = {each.thing: each.origin for each in here if each.thing is not None}
        self.parts: dict[int, Origin] = {}
        self.said: set[frozenset[int]] = set()
        for facts in ledger.facts([each.id for each in here]).values():
            for identity, (id, *_) in facts.get("p", {}).items():
                if id and not identity.startswith("="):
                    self.parts[id] = Origin.parse(identity)
            self.said.update(frozenset(pair) for pair in facts.get("x", ()))


# --- cables ----------------------------------------------------------------------------------------------------------


def _cables(reader: Reader, client: Client, known: _Known, kinds: set[str]) -> Iterator[Back]:
    found: dict[frozenset[int], Link] = {}
    for link in reader.links_of_parts(*known.parts):
        if link.part is None or link.kind not in kinds or link.other.id not in known.parts:
            continue
        ends = frozenset((link.part.id, link.other.id))
        if ends not in known.said and _is_proven(reader, link):
            found.setdefault(ends, link)
    free = _free_ports(client, {known.parts[id] for ends in found for id in ends})
    for ends, link in found.items():
        one, other = (known.parts[id] for id in sorted(ends))
        if one in free and other in free and link.part is not None:
            data = {"a_terminations": [_end(one)], "b_terminations": [_end(other)], "status": "connected"}
            yield Back(f"cable {link.part.name} -- {link.other.name}", MODELS["dcim.cable"].path, data)


def _end(origin: Origin) -> dict[str, Any]:
    return {"object_type": origin.kind, "object_id": int(origin.id)}


def _is_proven(reader: Reader, link: Link) -> bool:
    """Whether clusto has acted through a cable, and it did what it should."""
    assert link.part is not None
    ends = (link.part, link.other)
    if link.kind == "power":
        return any(_powered(reader, one, other) for one, other in (ends, ends[::-1]))
    key = NETWORK_LAST if link.kind == "network" else CONSOLE_LAST
    holders = [id for end in ends for id in (end.id, end.owner_id) if id is not None]
    return any(each.key == key for each in reader.attributes(*holders))


def _powered(reader: Reader, outlet: Thing, inlet: Thing) -> bool:
    """Whether the last action on an outlet, or on what hangs on it, was done with this outlet."""
    for each in reader.attributes(*(id for id in (outlet.id, inlet.owner_id) if id is not None)):
        if each.key == POWER_LAST:
            entry = json.loads(each.value.text)
            if entry.get("done") and (each.thing_id == outlet.id or outlet.name in entry.get("before", {})):
                return True
    return False


def _free_ports(client: Client, ports: Iterable[Origin]) -> set[Origin]:
    """Those of the ports in which NetBox has no cable, and which it does not say to be connected to something else."""
    return {
        origin
        for origin, row in _asked(client, ports, ("id", "cable", "mark_connected"))
        if not row.get("cable") and not row.get("mark_connected")
    }


def _asked(client: Client, origins: Iterable[Origin], fields: Sequence[str]) -> Iterator[tuple[Origin, dict[str, Any]]]:
    ids: dict[str, list[int]] = {}
    for origin in origins:
        # What has no number there was made here: the leg of a breakout cable.
        if origin.id.isdigit() and origin.kind in MODELS:
            ids.setdefault(origin.kind, []).append(int(origin.id))
    for kind, numbers in sorted(ids.items()):
        for row in client.some(MODELS[kind].path, fields, sorted(numbers)):
            yield Origin(kind, str(row["id"])), row


# --- values ----------------------------------------------------------------------------------------------------------


def _values(reader: Reader, client: Client, known: _Known, key: Key, field: str) -> Iterator[Back]:
    own = {
        known.things[thing]: values[0].python()
        for thing, values in reader.values_under(key, list(known.things)).items()
        if len(values) == 1 and values[0].type in ("string", "integer", "float", "boolean")
    }
    names = reader.by_ids(known.things)
    called = {origin: names[id].name for id, origin in known.things.items() if id in names}
    for origin, row in _asked(client, own, ("id", "custom_fields")):
        fields = row.get("custom_fields") or {}
        if field not in fields:
            raise NotFound(f"NetBox has no custom field {field} for {origin.kind}: make it there, as text")
        if fields[field] != own[origin]:
            words = f"{called[origin]} {key}={own[origin]} as custom field {field}"
            yield Back(words, MODELS[origin.kind].path, {"custom_fields": {field: own[origin]}}, int(origin.id))
