"""What every verb is given: the settings, the store, and how to speak to the person on the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import click

from clusto_core import config as config_
from clusto_core.config import Settings, settings

if TYPE_CHECKING:
    from clusto_core.inventory import Transaction
    from clusto_core.model.attributes import Key, Value
    from clusto_core.records.history import Author
    from clusto_core.store.database import Database
    from clusto_core.store.reader import Reader


T = TypeVar("T")


class App:
    """One run of the program; `ctx.obj` of every verb."""

    committed: ClassVar[int | None] = None
    """The last transaction that this process has done: what it says of it must reach somebody."""
    opened: ClassVar[str | None] = None
    """The URL of the store that this process has read."""

    def __init__(self, db: str | None = None, config: str | None = None, verbose: int = 0, debug: bool = False) -> None:
        config_.name_file(config)
        if config:
            # A clusto that is started from this one is allowed the same.
            os.environ["CLUSTO_CONFIG"] = os.path.abspath(config)
        config_.tell_insecure = self._insecure
        self._db = db
        self.config = config
        self._settings: Settings | None = None
        self.verbose = verbose
        self.debug = debug
        self.at: str | None = None
        """The moment that a verb that reads is asked about; None for the present."""
        self.words: Sequence[str] | None = None
        """The command line that is done; None for the one of this process."""
        self.author: Author | None = None
        """For whom it is done; None for the user of this process."""
        self.overseer: Callable[[Transaction], None] | None = None
        """Looks at each change before it is kept, and may raise."""
        self.afar = False
        """Whether it is done for somebody elsewhere: no device is asked, no file and no other system of this machine
        is read."""
        self._told: set[str] = set()
        self._within: Transaction | None = None
        self._reader: Reader | None = None
        self._past: Callable[[str], AbstractContextManager[Reader]] | None = None
        self._hidden: list[str] = []

    @property
    def settings(self) -> Settings:
        """Where the inventory is. Raises NotFound and Malformed as `clusto_core.config.settings`."""
        if self._settings is None:
            self._settings = settings(self._db, self.config)
            App.opened = self._settings.url
        return self._settings

    @property
    def is_within(self) -> bool:
        """Whether what is changed is part of a larger change, which may yet come to nothing."""
        return self._within is not None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """A consistent view of the inventory, as it is, or was at the moment `at`. An SQLite store of an older clusto
        is upgraded first, after a copy; while another command upgrades the store, it is waited for."""
        if self._within is not None:
            yield self._within.unit.reader
            return
        if self._reader is not None:
            with self._then() as reader:
                yield reader
            return
        from clusto_core.store.database import OutdatedSchema, connect
        from clusto_core.store.reader import Reader

        url = self.settings.url
        try:
            database = connect(url)
        except OutdatedSchema:
            from clusto_core.store.opening import bring_up

            bring_up(url, self.say)
            database = connect(url)
        with contextlib.closing(database):
            self._tell_age(database)
            if self.at is None:
                yield Reader(database)
                return
        from clusto_core.records import moments
        from clusto_core.store.past import open_past

        with open_past(url, moments.finder(self.at)) as past:
            yield Reader(past)

    @contextlib.contextmanager
    def reading_at(self, moment: str) -> Iterator[Reader]:
        """The inventory as it was at a moment, whichever is asked about. Raises as `reading`."""
        asked, self.at = self.at, moment
        try:
            with self.reading() as reader:
                yield reader
        finally:
            self.at = asked

    @contextlib.contextmanager
    def _then(self) -> Iterator[Reader]:
        """What somebody else reads from, at the moment that he asks about."""
        assert self._reader is not None
        if self.at is None or self._past is None:
            yield self._reader
            return
        present, open_past = self._reader, self._past
        with open_past(self.at) as reader:
            # What reads while it reads has the same.
            self._reader, self._past = reader, None
            try:
                yield reader
            finally:
                self._reader, self._past = present, open_past

    def _tell_age(self, database: Database) -> None:
        """Says once, where the store is a mirror, of which one, and how old it is."""
        from clusto_core.store.database import mirror_of

        if database.dialect != "sqlite" or "mirror" in self._told or (found := mirror_of(database)) is None:
            return
        self._told.add("mirror")
        age = f"{_age(found.taken)} old" if found.taken else "not whole yet"
        self.say(f"a mirror of {found.origin}, {age}")

    @contextlib.contextmanager
    def changing(
        self,
        message: str | None = None,
        *,
        dry_run: bool = False,
        reverts: int | None = None,
        strict: bool = False,
        written: Sequence[tuple[Key, Value]] = (),
    ) -> Iterator[Transaction]:
        """A transaction whose history has this command line, without those of the values written that are secret: what
        the site declared so is known when its store is open."""
        if (outer := self._within) is not None:
            self._hidden.extend(_concealed(written))
            with outer.joined(message, dry_run=dry_run, reverts=reverts):
                outer.strict = outer.strict or strict
                yield outer
            return
        from clusto_core.inventory import Inventory
        from clusto_core.secrecy import masked

        inventory = Inventory(self.settings)
        message = masked(message) if message else message
        options: dict[str, Any] = {"dry_run": dry_run, "reverts": reverts, "strict": strict, "author": self.author}
        with inventory.change("", message, notify=self.say, **options) as change:
            change.command = command_line(_concealed(written), self.words)
            if self._reader is not None:
                change.unit.reader.discreet = self._reader.discreet
            yield change
            if self.overseer is not None:
                self.overseer(change)
        for note in change.notes:
            self.say(f"note: {note}")
        App.committed = change.id or App.committed

    def try_out(self, action: Callable[[Transaction], T]) -> T | None:
        """Does something that is not kept, before anybody is asked about it: what is refused is refused first. None
        within a larger change, where it is done next, before anybody is asked."""
        if self._within is not None:
            return None
        with self.changing(dry_run=True) as trial:
            return action(trial)

    @contextlib.contextmanager
    def within(self, change: Transaction) -> Iterator[list[str]]:
        """What is read and changed meanwhile is read and changed in that transaction; gives the texts that are to be
        hidden in what is told of it."""
        self._within, self._hidden = change, []
        try:
            yield self._hidden
        finally:
            self._within = None

    def on_behalf(
        self,
        settings: Settings,
        reader: Reader,
        words: Sequence[str],
        author: Author,
        past: Callable[[str], AbstractContextManager[Reader]],
    ) -> App:
        """The same for one command line that somebody else has this process do: it reads from that reader, of that
        store, or what `past` opens of a moment, and from nowhere else."""
        from copy import copy

        other = copy(self)
        other._settings, other._reader, other._past, other._told = settings, reader, past, set()
        other.words, other.author, other.afar = words, author, True
        return other

    def heed(self) -> None:
        """Says what adapters have to tell beside their results."""
        from clusto_cli.backends import telling

        telling.listen(self.say)

    def say(self, line: str) -> None:
        """A message for the person, on stderr."""
        from clusto_cli.output import clean
        from clusto_core.secrecy import redacted

        print(f"clusto: {clean(redacted(line))}", file=sys.stderr)

    def _insecure(self, kind: str, words: str) -> None:
        """Told once to each user, and always at -v."""
        from clusto_cli.told import first_time

        if first_time(kind) or (self.verbose and words not in self._told):
            self._told.add(words)
            self.say(f"insecure: {words}")


def _age(taken: int) -> str:
    """How long ago a moment in microseconds since 1970 was, roughly."""
    seconds = max(0, int(time.time() - taken / 1_000_000))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _concealed(written: Sequence[tuple[Key, Value]]) -> list[str]:
    return [value.text for key, value in written if value.concealed(key)]


_PLAIN = str.maketrans("", "", "@%+=:,./-_")


def _quoted(word: str) -> str:
    """A word as a shell reads it."""
    if word.isascii() and word.translate(_PLAIN).isalnum():
        return word  # as nearly every one, and `shlex` is not imported for nothing
    from shlex import quote

    return quote(word)


def command_line(hidden: Sequence[str] = (), typed: Sequence[str] | None = None) -> str:
    """The command as it was typed, by default the one that this process runs, quoted for a shell, with `****` for
    passwords and for what is to be hidden."""
    from clusto_core.secrecy import MASK, masked, masked_url

    words = []
    for argument in sys.argv[1:] if typed is None else typed:
        shown = masked_url(argument) if "://" in argument else masked(argument)
        for text in hidden:
            if text and text in shown:
                shown = shown.replace(text, MASK)
        words.append(shown if MASK in shown else _quoted(shown))
    return " ".join(["clusto", *words]).encode(errors="replace").decode()


pass_app = click.make_pass_decorator(App)
