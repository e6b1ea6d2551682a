"""The whole of a dump, or of a NetBox that was read in its shape, as transfer objects."""

from __future__ import annotations

from clusto_core.transfer.netbox import cables, devices, hardware, networks, places
from clusto_core.transfer.netbox.dump import Dump
from clusto_core.transfer.netbox.translation import ORIGINAL, Translation

_BOOKKEEPING = ("admin", "auth", "contenttypes", "sessions", "users", "account", "core", "django_rq", "social_django")
"""The parts of NetBox that hold no inventory: accounts, sessions, jobs, its own log."""


TRANSLATION = 2
"""Another one whenever the same NetBox becomes something else here: what is in step is then looked at again."""


def translated(dump: Dump) -> Translation:
    """What a dump becomes. Raises Malformed, and KeyError, TypeError, ValueError or AttributeError for whatever it
    lacks that every NetBox has."""
    translation = Translation(dump)
    translation.name_all([*places.candidates(dump), *devices.candidates(dump), *networks.candidates(dump)])
    places.translate(translation)
    devices.translate(translation)
    devices.translate_machines(translation)
    hardware.translate(translation)
    networks.translate(translation)
    cables.translate(translation)
    translation.keep_to_themselves()
    return translation


def remarks(translation: Translation) -> list[str]:
    """What is to be said of a translation: what could not be as it is in NetBox, and what has no place in clusto."""
    notes = list(translation.remarks)
    renamed = [data for data in translation.things.values() if ORIGINAL in data["attrs"]]
    if renamed:
        examples = ", ".join(f"{each['attrs'][ORIGINAL]!a} is {each['name']}" for each in renamed[:3])
        notes.append(f"{len(renamed)} names are others in clusto ({examples}, ...); attribute {ORIGINAL} has the old")
    left_out = dict(translation.left_out)
    for model, count in (*translation.dump.counts(), *translation.counts.items()):
        if count and model.partition(".")[0] not in _BOOKKEEPING and model not in translation.used:
            left_out[model] = left_out.get(model, 0) + count
    if left_out:
        listed = ", ".join(f"{count} {model}" for model, count in sorted(left_out.items()))
        notes.append(f"left out, as clusto has no place for them: {listed}")
    return notes
