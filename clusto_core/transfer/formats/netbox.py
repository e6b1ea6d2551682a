"""NetBox's own JSON: what `manage.py dumpdata` writes, plain or compressed by gzip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from clusto_core.errors import Malformed
from clusto_core.transfer.documents import Document, broken, parse
from clusto_core.transfer.netbox import cables, devices, networks, places
from clusto_core.transfer.netbox.dump import load
from clusto_core.transfer.netbox.translation import ORIGINAL, Translation

_BOOKKEEPING = ("admin", "auth", "contenttypes", "sessions", "users", "account", "core", "django_rq", "social_django")
"""The parts of NetBox that hold no inventory: accounts, sessions, jobs, its own log."""


def read(file: TextIO, name: str) -> Iterator[Document]:
    """The Things that a dump tells of, and last what has no place in clusto, counted by kind."""
    try:
        translation = _translation(file)
    except Malformed as error:
        yield broken(name, 1, str(error))
        return
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # Whatever a dump lacks that every NetBox has: the models are the contract, and are not checked field by field.
        yield broken(name, 1, f"not a NetBox dump as expected: {type(error).__name__}: {error}")
        return
    for data in translation.things.values():
        document = parse(data, name, 1)
        yield document
    notes = _notes(translation)
    yield Document("", name, 1, notes=tuple(f"{name}: {note}" for note in notes))


def _translation(file: TextIO) -> Translation:
    dump = load(file)
    translation = Translation(dump)
    translation.name_all([*places.candidates(dump), *devices.candidates(dump), *networks.candidates(dump)])
    places.translate(translation)
    devices.translate(translation)
    devices.translate_machines(translation)
    networks.translate(translation)
    cables.translate(translation)
    return translation


def _notes(translation: Translation) -> list[str]:
    notes = list(translation.remarks)
    renamed = [data for data in translation.things.values() if ORIGINAL in data["attrs"]]
    if renamed:
        examples = ", ".join(f"{each['attrs'][ORIGINAL]!a} is {each['name']}" for each in renamed[:3])
        notes.append(f"{len(renamed)} names are others in clusto ({examples}, ...); attribute {ORIGINAL} has the old")
    left_out = dict(translation.left_out)
    for model, count in translation.dump.counts():
        if model.partition(".")[0] not in _BOOKKEEPING and model not in translation.used:
            left_out[model] = left_out.get(model, 0) + count
    if left_out:
        listed = ", ".join(f"{count} {model}" for model, count in sorted(left_out.items()))
        notes.append(f"left out, as clusto has no place for them: {listed}")
    return notes
