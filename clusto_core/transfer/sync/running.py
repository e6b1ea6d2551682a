"""One sync from its beginning to its end, whichever it is: the source is read, taken in, and how that ended is kept."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from clusto_core.errors import ClustoError
from clusto_core.inventory import Transaction
from clusto_core.records import sources
from clusto_core.records.history import Signature, newest
from clusto_core.records.sources import Ledger
from clusto_core.store import collector
from clusto_core.store.database import EmptyStore
from clusto_core.store.reader import Reader
from clusto_core.transfer.sources.declared import checked_name
from clusto_core.transfer.sources.protocol import Declared, Progress, Source, quiet
from clusto_core.transfer.sync.engine import Options, take_in
from clusto_core.transfer.sync.reading import Reading, read
from clusto_core.transfer.sync.report import Report


@dataclass(frozen=True)
class Store:
    """How the inventory is opened to read it, and to change it; `tell` is called within the change, when it is made."""

    reading: Callable[[], AbstractContextManager[Reader]]
    changing: Callable[[], AbstractContextManager[Transaction]]
    noting: Callable[[], AbstractContextManager[Transaction]]
    tell: Callable[[Transaction], None] = lambda change: None


def run(store: Store, declared: Declared, source: Source, options: Options, progress: Progress) -> Report:
    """Brings the inventory in step with a source. What ends it, an interrupt too, is kept as how the last try ended."""
    checked_name(declared.name)
    with collector.paused():
        return _run(store, declared, source, options, progress)


def _run(store: Store, declared: Declared, source: Source, options: Options, progress: Progress) -> Report:
    try:
        earlier = list(_replay(store, declared, source, options, progress))
        reading = _read(store, declared, source, progress)
        with store.changing() as change:
            report = take_in(change, reading, options, progress)
            store.tell(change)
            progress("writing", 0, 0)
    except BaseException as error:
        with contextlib.suppress(Exception):
            _failed(store, declared.name, error)
        raise
    report.transaction = change.id
    report.after(earlier)
    return report


def _replay(store: Store, declared: Declared, source: Source, options: Options, progress: Progress) -> Iterator[Report]:
    """Takes over what the source remembers of its own past, entry by entry, each signed by who made it. Each is kept by
    itself, so that an end halfway goes on from there next time. What is gone again in the past of a source that was
    never taken in before goes without asking: nobody here has had it."""
    past = getattr(source, "past", None)
    if past is None:
        return
    ledger, since = _ledger(store, declared)
    options = replace(options, prune=options.prune or ledger.time is None)
    for done, each in enumerate(past(ledger, since)):
        progress("taking over the history", done, 0)
        reading = read(each.source, _ledger(store, declared)[0], declared.mapping, quiet, store.reading)
        with store.changing() as change:
            if change.dry_run:
                return
            change.signed = Signature(each.time, each.user, declared.name, each.command, each.message)
            report = take_in(change, reading, options, quiet)
        yield report


def _read(store: Store, declared: Declared, source: Source, progress: Progress) -> Reading:
    return read(source, _ledger(store, declared)[0], declared.mapping, progress, store.reading)


def _ledger(store: Store, declared: Declared) -> tuple[Ledger, float | None]:
    """What is remembered of a source, and when anything was changed last; it is read, and the store closed again."""
    settings = json.dumps([declared.type, dict(declared.settings), dict(declared.mapping)], sort_keys=True, default=str)
    try:
        with store.reading() as reader:
            ledger = Ledger(reader.database, declared.name, settings)
            ledger.load()
            return ledger, newest(reader)
    except EmptyStore:
        return Ledger(None, declared.name, settings), None


def _failed(store: Store, name: str, error: BaseException) -> None:
    with store.reading():
        pass  # no store is made for this
    text = str(error) if isinstance(error, ClustoError) else type(error).__name__
    with store.noting() as change:
        sources.failed(change.unit, name, text)
