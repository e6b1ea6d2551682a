"""A copy of a NetBox, read by REST and kept up: all of it once, and then what its log of changes names.

Where the log does not reach back to the last reading, or may not be seen, the numbers and times of all objects are
read, and those objects whose time is another. A reading takes a while and NetBox changes meanwhile, so the log is read
before it and again after it, until nothing more has changed: a cable and its ends are of one moment.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.transfer.netbox.client import Client
from clusto_core.transfer.netbox.models import CHANGES, MODELS, UNPLACED, Model, fields_of
from clusto_core.transfer.netbox.rest import UPDATED, flat

CONNECTIONS = 4
_WINDOW = 200
"""Changes are numbered when they are made and seen when their transaction ends: so many are looked at again."""
_MOST = 20_000
"""More changes than that are not looked up one by one."""
_ROUNDS = 5
_WITHOUT_TRACE = frozenset(("extras.customfield",))
"""What changes other objects and leaves no trace at them: the fields of objects are renamed and taken out with it."""
_ALONG = {
    "dcim.cable": ("dcim.cabletermination",),
    "dcim.rearport": ("dcim.frontport",),
    "dcim.rearporttemplate": ("dcim.frontporttemplate",),
}
"""What is changed with an object of a model, and may not be in the log itself."""

Tables = dict[str, dict[int, Mapping[str, Any]]]
Progress = Callable[[str, int, int], None]


class Feed(NamedTuple):
    """How far the log of changes has been read: its place, the last number, and those shortly before it."""

    path: str
    last: int
    seen: frozenset[int]


@dataclass
class Copy:
    """What a NetBox holds: rows by model and number. feed: None where the log may not be seen. serial: another one
    whenever anything in the tables is. notes: for people."""

    address: str
    tables: Tables = field(default_factory=dict)
    feed: Feed | None = None
    version: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    serial: str = field(default_factory=lambda: uuid.uuid4().hex)
    notes: list[str] = field(default_factory=list)


def read_all(client: Client, progress: Progress) -> Copy:
    """All of a NetBox."""
    copy = Copy(client.address, feed=_beginning(client))
    _side_by_side(client, MODELS.values(), copy.tables, progress)
    copy.counts = {name: count for name, path in UNPLACED.items() if (count := client.count(path))}
    _settle(client, copy, progress)
    return copy


def bring_up(client: Client, copy: Copy, progress: Progress) -> bool:
    """Makes a copy what the NetBox is now; whether anything was changed."""
    changed = _follow(client, copy) if copy.feed is not None else None
    if changed is None:
        copy.feed = _beginning(client)
        changed = _sweep(client, copy, progress)
    if changed:
        _settle(client, copy, progress)
        copy.serial = uuid.uuid4().hex
    return changed


def _settle(client: Client, copy: Copy, progress: Progress) -> None:
    for _ in range(_ROUNDS):
        if copy.feed is None or not _follow(client, copy):
            return
    copy.notes.append("NetBox goes on changing while it is read: the next sync has the rest")


# --- the log of changes ----------------------------------------------------------------------------------------------


def _beginning(client: Client) -> Feed | None:
    """Where the log of changes ends now; None where it may not be seen."""
    for path in CHANGES:
        try:
            last = client.last(path)
            seen = [row["id"] for rows, _ in client.pages(path, ("id",), max(0, last - _WINDOW)) for row in rows]
        except NotFound:
            continue
        except Refused:
            return None
        return Feed(path, max(seen, default=last), frozenset(seen))
    return None


def is_as_it_was(client: Client, feed: Feed | None) -> bool:
    """Whether the log says that nothing that is read has changed; False where it does not reach so far."""
    found = _logged(client, feed) if feed is not None else None
    return found is not None and not MODELS.keys() & found[0].keys()


def _follow(client: Client, copy: Copy) -> bool | None:
    """Reads what the log names since it was read last; None where it does not reach back so far, or is too long."""
    found = _logged(client, copy.feed) if copy.feed is not None else None
    if found is None:
        return None
    named, copy.feed = found
    if _WITHOUT_TRACE & named.keys():
        fresh: Tables = {}
        _side_by_side(client, MODELS.values(), fresh, lambda *_: None)
        copy.tables = fresh
    else:
        _look_up(client, copy, named)
    return bool(MODELS.keys() & named.keys())


def _logged(client: Client, feed: Feed) -> tuple[dict[str, set[int]], Feed] | None:
    """What the log names, the numbers of objects by model, and how far it was read; None as `_follow`."""
    path, last, seen = feed
    named: dict[str, set[int]] = {}
    numbers: set[int] = set()
    try:
        if last and not list(client.some(path, ("id",), [last])):
            return None
        wanted = ("id", "changed_object_type", "changed_object_id")
        for rows, count in client.pages(path, wanted, max(0, last - _WINDOW)):
            if count > _MOST:
                return None
            numbers.update(row["id"] for row in rows)
            for row in rows:
                if row["id"] not in seen:
                    named.setdefault(str(row.get("changed_object_type")), set()).add(row.get("changed_object_id") or 0)
    except (NotFound, Refused):
        return None
    newest = max(numbers, default=last)
    return named, Feed(path, newest, frozenset(each for each in numbers if each > newest - _WINDOW))


def _look_up(client: Client, copy: Copy, named: Mapping[str, set[int]]) -> None:
    for name in MODELS.keys() & named.keys():
        table = copy.tables.setdefault(name, {})
        for pk in named[name]:
            table.pop(pk, None)
        _take(table, MODELS[name], client.some(MODELS[name].path, fields_of(MODELS[name]), sorted(named[name])))
    along = {each for name in named for each in _ALONG.get(name, ())}
    _side_by_side(client, [MODELS[name] for name in sorted(along)], copy.tables, lambda *_: None)


# --- numbers and times -----------------------------------------------------------------------------------------------


def _sweep(client: Client, copy: Copy, progress: Progress) -> bool:
    """Reads the numbers and times of all objects, and the objects whose time is another; whether there were any."""
    changed = False
    for at, model in enumerate(MODELS.values()):
        progress(f"looking over {model.path}", at, len(MODELS))
        table = copy.tables.setdefault(model.name, {})
        times = _times(client, model)
        missing = table.keys() - times.keys()
        newer = [pk for pk, time in times.items() if pk not in table or not time or table[pk].get(UPDATED) != time]
        for pk in missing:
            del table[pk]
        _take(table, model, client.some(model.path, fields_of(model), newer))
        changed |= bool(missing or newer)
    along = set().union(*_ALONG.values()) if changed else set()
    _side_by_side(client, [MODELS[name] for name in sorted(along)], copy.tables, lambda *_: None)
    return changed


def _times(client: Client, model: Model) -> dict[int, str]:
    try:
        return {
            row["id"]: row.get(UPDATED) or "" for rows, _ in client.pages(model.path, ("id", UPDATED)) for row in rows
        }
    except NotFound:
        if model.optional:
            return {}
        raise


# --- lists -----------------------------------------------------------------------------------------------------------


def _take(table: dict[int, Mapping[str, Any]], model: Model, objects: Iterable[Mapping[str, Any]]) -> None:
    for each in objects:
        try:
            pk, row = flat(model.name, each)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Malformed(f"no {model.name} as NetBox writes it: {type(error).__name__}: {error}") from None
        table[pk] = row


def _side_by_side(client: Client, models: Iterable[Model], tables: Tables, progress: Progress) -> None:
    """Reads lists anew, a few at a time. What goes wrong with one ends the others after their page."""
    given_up = threading.Event()
    read: dict[str, tuple[int, int]] = {}

    def all_of(model: Model) -> dict[int, Mapping[str, Any]]:
        table: dict[int, Mapping[str, Any]] = {}
        for page, count in _lists(client, model):
            read[model.path] = (len(table), len(table) + count)
            _take(table, model, page)
            if given_up.is_set():
                break
        return table

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        running = {pool.submit(all_of, model): model for model in models}
        try:
            _watch(running, read, progress)
        finally:
            given_up.set()
            for each in running:
                each.cancel()
    tables |= {model.name: future.result() for future, model in running.items()}


def _lists(client: Client, model: Model) -> Iterator[tuple[list[dict[str, Any]], int]]:
    try:
        yield from client.pages(model.path, fields_of(model))
    except NotFound:
        if not model.optional:
            raise


def _watch(running: Mapping[Future[Any], Model], read: Mapping[str, tuple[int, int]], progress: Progress) -> None:
    waiting: set[Future[Any]] = set(running)
    while waiting:
        done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_EXCEPTION)
        for each in done:
            if isinstance(error := each.exception(), ClustoError):
                raise error
            each.result()
        progress("reading NetBox", sum(done for done, _ in read.values()), sum(total for _, total in read.values()))
