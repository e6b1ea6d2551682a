"""Asking a source: everything that it yields, sorted by what it says, while nobody waits for the store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from hashlib import blake2b

from clusto_core.errors import Malformed, Refused
from clusto_core.model.attributes import Key, Value
from clusto_core.model.origins import Origin
from clusto_core.records.sources import Ledger
from clusto_core.store import collector
from clusto_core.store.database import EmptyStore
from clusto_core.store.reader import Reader
from clusto_core.transfer import pile
from clusto_core.transfer.documents import GONE, SAME, Document, Values, attribute_key, plain, tagged
from clusto_core.transfer.mentions.mention import Mention
from clusto_core.transfer.pile import Pile
from clusto_core.transfer.sources.protocol import Progress, Source
from clusto_core.transfer.sync.facts import Facts


@dataclass
class Reading:
    """What a source said. documents: what may have changed, and places: where among them, by identity; same: what is as
    it was; gone: what it has no more, as far as it says so itself. broken: objects that cannot be understood, with what
    is wrong with each."""

    ledger: Ledger
    complete: bool = True
    state: str = ""
    documents: Pile = field(default_factory=lambda: Pile(batch=pile.BATCH, few=pile.FEW))
    places: dict[Origin, int] = field(default_factory=dict)
    names: dict[str, Origin] = field(default_factory=dict)
    """Whose each name is: of several that have it, the first has it."""
    same: set[Origin] = field(default_factory=set)
    gone: set[Origin] = field(default_factory=set)
    broken: dict[Origin, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def objects(self) -> int:
        """How many objects the source spoke of."""
        return len(self.places) + len(self.same)

    def called(self, origin: Origin) -> str | None:
        """The name in the Document of an object; None where there is none."""
        place = self.places.get(origin)
        return self.documents.at(place).name if place is not None else None


Looking = Callable[[], AbstractContextManager[Reader]]
"""How the inventory is opened to look something up in it."""


def read(
    source: Source, ledger: Ledger, mapping: Mapping[str, str], progress: Progress, looking: Looking | None = None
) -> Reading:
    """Reads a source to its end. Raises what it raises, Malformed for what is said of no object in particular.

    `looking` is for sources that mention hosts: without it, or with an empty store, none of them is there.
    """
    reading = Reading(ledger)
    mentions: list[Mention] = []
    with collector.paused():
        same = reading.same.add
        for said in source.read(ledger, progress):
            if type(said) is Origin:
                same(said)
            elif isinstance(said, Mention):
                mentions.append(said)
            elif isinstance(said, Document):
                _sort(reading, said, mapping)
        for document in _settled(ledger, mentions, looking):
            _sort(reading, document, mapping)
    reading.complete, reading.state = source.complete, source.state
    known = [each for each in ledger.objects.values() if each.gone is None]
    if reading.complete and known and not reading.objects:
        raise Refused(f"{ledger.name} says nothing of any object, and had {len(known)}: nothing was changed")
    return reading


def _settled(ledger: Ledger, mentions: list[Mention], looking: Looking | None) -> list[Document]:
    """The Documents of what hosts were mentioned."""
    if not mentions:
        return []
    from clusto_core.transfer.mentions.settling import settled

    if looking is not None:
        with contextlib.suppress(EmptyStore), looking() as reader:
            current = ledger.current(reader.database)
            known = {each.thing: each.id for each in current.objects.values() if each.thing is not None}
            return list(settled(reader, current, mentions, lambda thing: _ends_said(current, known.get(thing))))
    return list(settled(None, ledger, mentions, lambda thing: frozenset()))


def _ends_said(ledger: Ledger, known: int | None) -> frozenset[int]:
    """The parts that the source said to be connected when it spoke of an object last, at both ends."""
    every = [Facts.load(found) for found in ledger.facts([known] if known is not None else []).values()]
    return frozenset(end for facts in every for pair in facts.cables for end in pair)


def _sort(reading: Reading, document: Document, mapping: Mapping[str, str]) -> None:
    reading.notes.extend(document.notes)
    origin = document.origin
    if origin is None:
        if document.problems or document.name:
            wrong = document.problems[0].text if document.problems else f"{document.name} has no identity"
            raise Malformed(f"{document.file}:{document.line}: {wrong}")
    elif document.form == GONE:
        reading.gone.add(origin)
    elif document.form == SAME:
        reading.same.add(origin)
    elif origin in reading.places:
        reading.broken.setdefault(origin, []).append(f"{document.name} is there twice ({origin})")
    else:
        wrongs = [f"{document.file}:{problem.line}: {problem.text}" for problem in document.problems]
        if document.evidence:
            # A source says what is, and its word may overwrite; a proposal may not.
            wrongs.append(f"{document.file}:{document.line}: a proposal is imported by itself, and is no source")
        if not document.name:
            wrongs = wrongs or [f"{origin} has no name"]
        elif (first := reading.names.setdefault(document.name, origin)) != origin:
            wrongs.append(f"{document.name} is the name of {first} too")
        if wrongs:
            reading.broken.setdefault(origin, []).extend(wrongs)
        _keep(reading, origin, _mapped(document, mapping) if mapping else document)


def _keep(reading: Reading, origin: Origin, document: Document) -> None:
    _stamp(document)
    reading.places[origin] = len(reading.documents)
    reading.documents.append(document)


def _stamp(document: Document) -> None:
    """A digest for what has no stamp of its own."""
    if document.stamp:
        return
    origins = sorted((part, str(origin)) for part, origin in document.part_origins.items())
    columns = {header: list(map(tagged, cells)) for header, cells in document.columns.items()}
    said = [plain(document, tagged), origins, columns, document.called, document.if_there]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    document.stamp = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


# --- the keys that are others here -----------------------------------------------------------------------------------


def _mapped(document: Document, mapping: Mapping[str, str]) -> Document:
    attrs = dict(_renamed(document.attrs, mapping))
    parts = {name: dict(_renamed(found, mapping)) for name, found in document.part_attrs.items()}
    return replace(document, attrs=attrs, part_attrs=parts)


def _renamed(values: Values, mapping: Mapping[str, str]) -> Iterator[tuple[Key, tuple[Value, ...]]]:
    for key, found in values.items():
        to = _target(str(key), mapping)
        if to:
            yield attribute_key(to), found


def _target(key: str, mapping: Mapping[str, str]) -> str:
    if key in mapping:
        return mapping[key]
    patterns: Iterable[str] = (each for each in mapping if "*" in each)
    return next((mapping[each] for each in patterns if fnmatchcase(key, each)), key)
