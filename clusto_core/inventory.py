"""The inventory: opened on a store, read through a Reader, changed in Transactions.

inventory = Inventory.open("sqlite:////var/lib/clusto/clusto.db")
with inventory.change("new machines") as change:
    server = change.add("Server", "server1", parents=["rack101"])
    change.connect("server1:eth0", "switch2a:4")
with inventory.read() as reader:
    reader.links(reader.resolve("server1").id)
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from clusto_core import secrecy
from clusto_core.config import Settings, settings
from clusto_core.drivers import Driver, Part
from clusto_core.drivers.resources import Policy, Query, SiteKey
from clusto_core.errors import Malformed, Refused
from clusto_core.model import mounting
from clusto_core.model.attributes import Key
from clusto_core.model.reserved import EXPRESSION, writable
from clusto_core.model.things import Thing
from clusto_core.records import history
from clusto_core.rules import (
    cabling,
    categories,
    containment,
    kinds,
    names,
    newkeys,
    parts,
    protection,
    reservations,
    sitekeys,
    sockets,
    spaces,
    things,
    values,
)
from clusto_core.rules.cabling import Joined
from clusto_core.rules.lookup import resolve
from clusto_core.rules.values import S
from clusto_core.store import collector, opening
from clusto_core.store.reader import Reader, open_reader
from clusto_core.store.unit import UnitOfWork

if TYPE_CHECKING:
    from datetime import datetime

    from clusto_core.query.matching import Match, Pairs
    from clusto_core.query.tree import Node
    from clusto_core.rules import devicetypes, relocation, succession, typeupdates
    from clusto_core.rules.values import Scalar


class Inventory:
    """One store."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._open: dict[int, Transaction] = {}
        # The change that each thread is in, by the thread's number.

    @classmethod
    def open(cls, url: str | None = None, config: str | None = None) -> Inventory:
        """The inventory at that URL, or at the place that the environment and the configuration name."""
        return cls(settings(url, config))

    @contextlib.contextmanager
    def read(self) -> Iterator[Reader]:
        """One consistent view of the store, read-only."""
        with open_reader(self.settings.url) as reader:
            yield reader

    @contextlib.contextmanager
    def at(self, moment: str | int, *, scratch: bool = False) -> Iterator[Reader]:
        """The store as it was, read-only: after the transaction of that number, or at a moment as `records.moments`
        reads it. Writers wait meanwhile where the store is larger than 32 MB, or on a server. Raises Malformed,
        NotFound. `scratch`: one may try something in it, of which nothing is kept."""
        from clusto_core.records import moments
        from clusto_core.store.past import open_past

        with open_past(self.settings.url, moments.finder(str(moment)), scratch=scratch) as database:
            yield Reader(database)

    def find(self, wanted: str | Node | Pairs, how: Match | None = None, *, allow_unknown: bool = False) -> list[Thing]:
        """What an expression selects, or has the pairs of keys and values in one of the ways of `Match`; in natural
        order. Raises Malformed and NotFound as `query.find` does."""
        from clusto_core.query.search import find

        with self.read() as reader:
            return find(reader, wanted, how, allow_unknown=allow_unknown).things

    @contextlib.contextmanager
    def change(
        self,
        command: str = "",
        message: str | None = None,
        *,
        dry_run: bool = False,
        reverts: int | None = None,
        strict: bool = False,
        notify: Callable[[str], None] = lambda line: None,
        author: history.Author | None = None,
    ) -> Iterator[Transaction]:
        """A transaction: all that is done in it, with its history, or nothing; without changes it leaves no trace.

        `command` and `message` go into the history; with `dry_run` everything is checked and nothing is kept.
        With `strict` a key that is new to the store, and that nobody declared, is refused. `author` is for whom it is
        done, where that is not the user of this program.

        A change inside another of the same Inventory joins it: it is kept when the outer one is, with both messages in
        one entry of the history. When it fails halfway, the outer one is not kept either, whoever catches the error.
        One of another Inventory on the same store in the same thread would wait for itself, and raises Refused at once.
        """
        thread = threading.get_ident()
        if (outer := self._open.get(thread)) is not None:
            with outer.joined(message, dry_run=dry_run, reverts=reverts):
                outer.strict = outer.strict or strict
                yield outer
            return
        with (
            secrecy.proposing() as keep_proposed,
            opening.or_scratch(self.settings, only_trying=dry_run) as settings,
            opening.write_transaction(settings, notify) as database,
            collector.paused(),
        ):
            change = self._open[thread] = Transaction(UnitOfWork(Reader(database)), message, dry_run=dry_run)
            change.command, change.strict, change.author, change.reverts = command, strict, author, reverts
            change.before = partial(open_reader, settings.url)
            try:
                yield change
            finally:
                del self._open[thread]
            change.check()
            if dry_run or not (change.unit.changed or change.unit.noted):
                # Something may be written already, so that an expression saw it.
                database.rollback()
            else:
                if change.unit.changed:
                    change.id = history.record(
                        change.unit, change.command, change.message, reverts, change.signed, author
                    )
                change.unit.flush()
                change.unit.touched.seal(database)
                change.finish()
                keep_proposed()


class Transaction:
    """Changes to an inventory. Things are given by name (resolved as an operator means it) or as Thing.

    Whatever is refused to a verb of the command line is refused here, with the same error, before anything is kept:
    the rules are those of `clusto_core.rules`. Reserved keys have verbs of their own, and are not written here.
    """

    def __init__(self, unit: UnitOfWork, message: str | None = None, *, dry_run: bool = False) -> None:
        self.unit = unit
        self.message = message
        """Why it is done, for the history."""
        self.command = ""
        """By what command, for the history."""
        self.dry_run = dry_run
        self.strict = False
        """Whether a new key that nobody declared is refused."""
        self.reverts: int | None = None
        """The transaction that it undoes."""
        self.signed: history.Signature | None = None
        """Who did elsewhere what is only taken over here; None for what is done here."""
        self.author: history.Author | None = None
        """For whom it is done; None for the user of this program."""
        self.before: Callable[[], AbstractContextManager[Reader]] | None = None
        """Opens the store as it was before: only this transaction sees what it has changed."""
        self.id: int | None = None
        """The number of the transaction in the history, once it is done; None when nothing changed."""
        self.notes: list[str] = []
        """What its author should know, once it is done: keys that nothing had before and that are like a known one."""
        self.allocated: set[int] = set()
        """The ids of what `allocation.allocate` has handed out in it."""
        self._exchanged: set[int] = set()
        # The ids of what has exchanged names in it.
        self._shapes: dict[tuple[object, ...], devicetypes.Model] = {}
        self._at_last: list[tuple[int, Callable[[int], None]]] = []

    @contextlib.contextmanager
    def joined(self, message: str | None, *, dry_run: bool = False, reverts: int | None = None) -> Iterator[None]:
        """A change inside this one. Raises Refused for one that is not to be kept, or undoes a transaction: neither
        can be said of a part of a change."""
        if dry_run and not self.dry_run:
            raise Refused("a dry run inside a change that is kept: what it does could not be taken back alone")
        if reverts is not None:
            raise Refused("a transaction is undone by a change of its own, not inside another")
        with self.unit.wholly():
            yield
        self.message = "; ".join(dict.fromkeys(filter(None, (self.message, message)))) or None

    @contextlib.contextmanager
    def attempts(self) -> Iterator[Callable[[], None]]:
        """Work that may have to begin anew: what is given takes back all that was done in it.

        Raises Refused in a change that has changed something already, which would be lost with it.
        """
        if self.unit.changed or self.unit.failed is not None:
            raise Refused("this must be a change of its own: what was changed before could not be told from it")
        database, discreet = self.unit.database, self.unit.reader.discreet
        database.execute("SAVEPOINT attempt")

        def begin_anew() -> None:
            database.execute("ROLLBACK TO SAVEPOINT attempt")
            self.unit = UnitOfWork(Reader(database))
            self.unit.reader.discreet = discreet
            self._shapes.clear()

        yield begin_anew

    def settle(self) -> None:
        """Writes what was done so far, and forgets what was read for it: for changes that are larger than memory should
        hold. What is looked at when all is done, of Things one by one, is looked at now; what does not hold, then."""
        wrong = (*cabling.wrong_sizes(self.unit), *sockets.wrongly_said(self.unit))
        self.unit.settle(attribute for attribute, _ in wrong)

    def at_last(self, action: Callable[[int], None]) -> None:
        """Has something beside the inventory written when all is done, if nothing is changed until then: it is given
        the number of the last transaction in the history."""
        self._at_last.append((self.unit.version, action))
        self.unit.noted = True

    def finish(self) -> None:
        """Does what waited for all to be written."""
        for version, action in self._at_last:
            if version == self.unit.version:
                action(self.unit.next_transaction - 1)

    def check(self) -> None:
        """What is looked at when all is done. Raises Refused for what cannot stay so."""
        if (failed := self.unit.failed) is not None:
            raise Refused(f"nothing was changed: a part of the change failed when half of it was done ({failed})")
        if self.unit.changed:
            sitekeys.check(self.unit)
            self.notes = list(newkeys.notes(self.unit, strict=self.strict))
            categories.check(self.unit)
            cabling.check_sizes(self.unit)
            spaces.check(self.unit)
            names.give_back(self.unit)
            if self.unit.renamed() or self.unit.changed_under({EXPRESSION})[0]:
                from clusto_core.query import saving

                saving.check(self.unit, self._exchanged)
            sockets.check_said(self.unit)
            self._check_policies()

    def _check_policies(self) -> None:
        if self.before is not None and self.unit.reader.all([Policy.__name__]):
            from clusto_core.query import enforcing

            self.notes += enforcing.check(self.unit, self.before, self._exchanged)

    # --- Things ------------------------------------------------------------------------------------------------------

    def resolve(self, name: str | Thing) -> Thing:
        """The Thing or part that a name means: see `lookup.resolve`. Raises NotFound, Malformed."""
        return resolve(self.unit, name)

    def add(
        self,
        driver: str | type[Driver],
        name: str,
        *,
        parents: str | Thing | Sequence[str | Thing] = (),
        attributes: Mapping[str, Any] | Iterable[tuple[str | Key, Any]] = (),
        part_counts: parts.Counts | None = None,
        device_type: str | None = None,
    ) -> Thing:
        """A new Thing with the parts and attributes of its driver or device type; or a new part, named `owner:part`.

        Attributes are a mapping, or pairs of keys and values; a list or tuple is several values.

        Raises Malformed for names, drivers, keys and values that cannot be, Refused for a name that is taken, NotFound
        for a device type, a parent or what an attribute names that is not there.
        """
        kind = kinds.named(driver)
        if kind is Query:
            raise Malformed("an expression is saved by clusto query save NAME EXPR")
        if kind is Policy:
            raise Malformed("a policy is defined by clusto policy define NAME")
        if kind is SiteKey:
            raise Malformed("a key is declared by clusto key define KEY")
        pairs = attributes.items() if isinstance(attributes, Mapping) else attributes
        given = [(writable(Key.written(key)), value) for key, said in pairs for value in values.parse(self.unit, said)]
        if issubclass(kind, Part):
            return things.add_part(self.unit, kind, name, given)
        model = self.shape(kind, part_counts or {}, device_type)
        places = [parents] if isinstance(parents, str | Thing) else parents
        return things.add(self.unit, kind, name, given, model=model, parents=list(map(self.resolve, places)))

    def shape(self, driver: type[Driver], counts: parts.Counts, device_type: str | None) -> devicetypes.Model:
        """What a new Thing gets: see `devicetypes.shape`; worked out once for all Things that are alike."""
        from clusto_core.rules import devicetypes

        key = (driver, parts.frozen(counts), device_type)
        if key not in self._shapes:
            self._shapes[key] = devicetypes.shape(self.unit, driver, counts, device_type)
        return self._shapes[key]

    def update_type(self, name: str | None = None) -> list[typeupdates.Step]:
        """Brings a device type, or all of them, to the Things made after it: see `typeupdates.update`."""
        from clusto_core.rules import typeupdates

        with self.unit.wholly():
            return typeupdates.update(self.unit, name)

    def insert_module(self, device_type: str, owner: str | Thing, bay: str) -> list[Thing]:
        """Puts a module into a bay of equipment, which gets its parts: see `modules.insert`."""
        from clusto_core.rules import modules

        with self.unit.wholly():
            return modules.insert(self.unit, device_type, self.resolve(owner), bay)

    def remove(self, name: str | Thing, *, force: bool = False) -> Thing:
        """Takes a Thing out, with its parts, attributes and cables; or one part that has no cable.

        Raises Refused while something is in it or an attribute of another Thing names it, or the part is connected;
        without `force` also for what is protected.
        """
        return self.remove_all([name], force=force)[0]

    def remove_all(self, names: Sequence[str | Thing], *, force: bool = False) -> list[Thing]:
        """Takes several Things out as `remove` does, all or none; what is in another of them goes first. Gives them in
        that order."""
        every = list(map(self.resolve, _several(names)))
        for thing in every:
            if not force:
                protection.check_removal(self.unit, thing)
            if thing.is_a(Query):
                from clusto_core.query import saving

                saving.check_unused(self.unit, thing)
        with self.unit.wholly():
            return things.remove_all(self.unit, every)

    def rename(self, old: str | Thing, new: str) -> Thing:
        """Gives a Thing, and with it its parts, or one part, another name. Raises Malformed, Refused."""
        return self.rename_all([(old, new)])[0]

    def rename_all(self, pairs: Iterable[tuple[str | Thing, str]]) -> list[Thing]:
        """Gives several Things or parts other names at once, all or none: a name may pass from one to another. Raises
        as `rename`."""
        renamed = [(self._renameable(old), new) for old, new in pairs]
        with self.unit.wholly():
            things.rename_all(self.unit, renamed)
        return [thing for thing, _ in renamed]

    def _renameable(self, old: str | Thing) -> Thing:
        thing = self.resolve(old)
        if thing.is_a(SiteKey):
            raise Refused(f"{thing.name} declares the key {thing.name[1:]}: declare another one (clusto key define)")
        if thing.is_a(Query):
            from clusto_core.query import saving

            saving.check_unused(self.unit, thing)
        return thing

    def replace(
        self, old: str | Thing, new: str | Thing, *, partial: bool = False, force: bool = False
    ) -> succession.Succession:
        """Has equipment take another's place, with its cables and its name: see `succession.replace`. Raises Refused,
        without `force` also for what is protected."""
        from clusto_core.rules import succession

        failed, successor = self.resolve(old), self.resolve(new)
        for each in (failed, successor):
            if not force:
                protection.check(self.unit, each, "replaces")
        self._exchanged |= {part.id for each in (failed, successor) for part in (each, *self.unit.parts(each))}
        with self.unit.wholly():
            return succession.replace(self.unit, failed, successor, partial=partial)

    # --- attributes --------------------------------------------------------------------------------------------------

    def set_values(self, thing: str | Thing, key: str | Key, given: Scalar | list[S] | tuple[S, ...]) -> bool:
        """Makes the values under a key exactly those in a list or tuple, or the one; False when they were. Values that
        stay are not touched.

        Raises Malformed for keys and values that cannot be and for reserved keys, NotFound.
        """
        return values.put(self.unit, self.resolve(thing), Key.of(key), values.parse(self.unit, given))

    def add_values(self, thing: str | Thing, key: str | Key, given: Scalar | list[S] | tuple[S, ...]) -> bool:
        """Adds the values in a list or tuple, or the one, to those under a key; False when all were there. Raises as
        `set_values`."""
        return values.add(self.unit, self.resolve(thing), Key.of(key), values.parse(self.unit, given))

    def delete_values(self, thing: str | Thing | Sequence[Thing], key: str | Key, given: Scalar | None = None) -> int:
        """Takes out all values under a key, or the one, of one Thing or of several; gives how many there were.

        Raises NotFound when there were none; else as `set_values`.
        """
        every = list(map(self.resolve, _several(thing)))
        wanted = None if given is None else values.parse(self.unit, (given,))[0]
        return values.delete(self.unit, every, Key.of(key), wanted)

    def delete_under(
        self, thing: str | Thing | Sequence[Thing], key: Key, given: Scalar | None = None
    ) -> list[tuple[Thing, Key]]:
        """Takes out what a key means, a pattern or a table of numbers too: see `values.delete_under`."""
        every = list(map(self.resolve, _several(thing)))
        wanted = None if given is None else values.parse(self.unit, (given,))[0]
        return values.delete_under(self.unit, every, key, wanted)

    def numbered(self, thing: str | Thing, given: Iterable[tuple[str | Key, Any]]) -> list[tuple[str | Key, Any]]:
        """Keys and values that are to be written, with a number for each `#+` (`disk#+.serial`): see
        `values.numbered`."""
        pairs = list(given)
        if not any("#+" in str(key) for key, _ in pairs):
            return pairs
        written = [(Key.written(key), value) for key, said in pairs for value in values.parse(self.unit, said)]
        return [*values.numbered(self.unit, self.resolve(thing), written)]

    def next_number(self, thing: str | Thing, key: str) -> int:
        """The number behind the highest that a Thing has under a key, with whatever subkey; 0 where it has none. Two
        transactions never get one number: the store has one writer at a time."""
        return values.next_number(self.unit, self.resolve(thing), key)

    # --- reservations ------------------------------------------------------------------------------------------------

    def reserve(self, wanted: str | Thing | Sequence[str | Thing], until: datetime, purpose: str = "") -> None:
        """Keeps Things or parts from being picked until then: see `reservations.reserve`. Raises Refused for one that
        is reserved for something else, Malformed for a time that is over."""
        every = list(map(self.resolve, _several(wanted)))
        with self.unit.wholly():
            reservations.reserve(self.unit, every, until, purpose, self.author.user if self.author else history.user())

    def extend(self, wanted: str | Thing | Sequence[str | Thing], until: datetime) -> None:
        """Has reservations end at another time. Raises NotFound for what is not reserved, Malformed as `reserve`."""
        with self.unit.wholly():
            reservations.extend(self.unit, list(map(self.resolve, _several(wanted))), until)

    def release(self, wanted: str | Thing | Sequence[str | Thing]) -> None:
        """Ends reservations. Raises NotFound for what is not reserved."""
        with self.unit.wholly():
            reservations.release(self.unit, list(map(self.resolve, _several(wanted))))

    # --- keys --------------------------------------------------------------------------------------------------------

    def define_key(self, key: str | Key, declaration: Mapping[str, Any], *, convert: bool = False) -> int:
        """Declares a key of the site: see `model.keys.declare` for what may be said; gives how many values of before
        were converted, which is done where asked for. Raises Malformed, Refused as `rules.sitekeys.define`."""
        with self.unit.wholly():
            return sitekeys.define(self.unit, Key.of(key), declaration, convert=convert)

    def forget_key(self, key: str | Key) -> None:
        """Takes the declaration of a key away; its values stay. Raises NotFound."""
        sitekeys.forget(self.unit, Key.of(key))

    def set_strict(self, strict: bool) -> None:
        """Has the store refuse new keys that nobody declared, from the next change on, or take them again."""
        sitekeys.set_strict(self.unit, strict)

    # --- containment and wiring --------------------------------------------------------------------------------------

    def put(self, thing: str | Thing, parent: str | Thing) -> bool:
        """See `containment.put`."""
        return containment.put(self.unit, self.resolve(thing), self.resolve(parent))

    def take(self, thing: str | Thing, parent: str | Thing) -> None:
        """See `containment.take`."""
        containment.take(self.unit, self.resolve(thing), self.resolve(parent))

    def move(
        self, thing: str | Thing, to: str | Thing, *, recable: bool = False, force: bool = False
    ) -> relocation.Relocated:
        """Takes a Thing out of its rack units and of the place it is in, and puts it into another: into rack units
        (`rack101:RU13-14`), or into a place. Its groupings stay, and its other cables; those that led to equipment in
        the rack it was in go with `recable` to the equipment of the other rack: see `relocation.recable`.

        Raises as `connect` and `put`; Refused without `force` for what is protected.
        """
        from clusto_core.rules import relocation

        moved = self.resolve(thing)
        if not force:
            protection.check(self.unit, moved, "moves")
        span = mounting.parse_span(to) if isinstance(to, str) else None
        goal = self.resolve(to) if span is None else None
        before = containment.standing(self.unit, moved)
        with self.unit.wholly():
            for cable in cabling.positions(self.unit, moved):
                self.unit.delete_cable(cable)
            while (place := containment.standing(self.unit, moved)) is not None:
                containment.take(self.unit, moved, place)
            if goal is None or goal.is_part:
                self.connect(moved, to)
            else:
                self.put(moved, goal)
            return relocation.relocated(self.unit, moved, before, recable=recable)

    def connect(
        self, one: str | Thing, other: str | Thing, kind: str | None = None, *, breakout: bool = False
    ) -> list[Joined]:
        """Joins two Things or parts, or equipment and rack units (`rack101:RU13-14`): see `cabling.connect`; ranges and
        sockets of several fibres one to one, or with `breakout` one port to several: see `bundles.join_all`."""
        from clusto_core.rules import bundles

        spans = [mounting.parse_span(each) if isinstance(each, str) else None for each in (one, other)]
        for span, across in zip(spans, (other, one), strict=True):
            if span is not None:
                rack, thing = self.resolve(span.rack), self.resolve(across)
                return cabling.mount(self.unit, thing, rack, span)
        with self.unit.wholly():
            return bundles.join_all(self.unit, one, other, kind, breakout)

    def disconnect(self, one: str | Thing, other: str | Thing | None = None) -> list[Joined]:
        """See `cabling.disconnect`; also of ranges, sockets of several fibres, and breakout cables: see
        `bundles.part_all`."""
        from clusto_core.rules import bundles

        with self.unit.wholly():
            return bundles.part_all(self.unit, one, other)


def _several(given: str | Thing | Sequence[str | Thing]) -> Sequence[str | Thing]:
    return [given] if isinstance(given, str | Thing) else given
