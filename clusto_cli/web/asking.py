"""What a function that answers is given: the inventory as its caller may see it, of now or of then."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from clusto_cli.context import App
from clusto_cli.web.answering import Answer, Busy
from clusto_cli.web.callers import Caller, Credentials, identify
from clusto_cli.web.keeping import Body, Keeping
from clusto_cli.web.threads import Work
from clusto_core import secrecy
from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.records import history
from clusto_core.records.sight import Sight, Sights
from clusto_core.store import seals
from clusto_core.store.database import Database, connect, is_of_driver
from clusto_core.store.reader import Reader, open_reader

if TYPE_CHECKING:
    from multidict import MultiMapping

    from clusto_core.inventory import Transaction
    from clusto_core.records.rehearsal import Performance, Rehearsed


_PATIENCE = 20.0
"""Seconds that one waits for others who look at the past."""


class Request(NamedTuple):
    """What is asked, without the connection: for a thread. `path` are the parts of the path that have names, decoded;
    `query` and `headers` may have several values under a name."""

    method: str
    path: Mapping[str, str]
    query: MultiMapping[str]
    headers: MultiMapping[str]
    body: bytes
    address: str
    credentials: Credentials
    url: str
    """Path and query as they were asked."""


class Asked(NamedTuple):
    """A request, and what answers it: `reader` is one consistent read of the inventory as it is, or as it was at the
    query's `at`, with nothing in it but what its caller may see. `number` is the newest transaction in it, `seal` what
    tells it from another one of that number; `settings` where the same is found again. `sight` is what a caller sees
    who does not see all."""

    request: Request
    caller: Caller
    reader: Reader
    number: int
    seal: str
    settings: Settings
    work: Work
    desk: Desk
    sight: Sight | None = None
    tried: list[Rehearsed] | None = None

    @property
    def moment(self) -> str | None:
        """The moment that is asked about; None for now."""
        return self.request.query.get("at") or None

    @property
    def tag(self) -> str:
        """The entity tag of what is in the inventory for this caller. It is another one, too, when the store was put
        back to an older copy."""
        return f"{self.number}-{self.seal[:12]}" if self.seal else str(self.number)

    def begin(self, head: Answer) -> Callable[[bytes], None]:
        """Begins an answer that may be long; gives what takes its parts, one after the other, and raises
        BrokenPipeError when nobody reads them any more. The function that answers then returns `head`."""
        self.work.head = head
        return self.work.write

    def kept(self, how: Hashable, make: Callable[[Body], Answer]) -> Answer:
        """A long answer, that another one who sees the same has had already or that `make` works out, writing its body
        and giving its head; `how` is whatever it depends on beside what is asked and the inventory."""
        question = (self.request.url, self.tag, self.caller.scope, how)
        kept = self.desk.keeping.of(question, make)
        self.work.head, self.work.body = kept.head, kept.body
        return kept.head

    @contextlib.contextmanager
    def then(self) -> Iterator[Asked]:
        """The same at the moment that is asked about. Raises as `past`."""
        if self.moment is None:
            yield self
            return
        with self.past(self.moment) as reader:
            yield self._replace(reader=reader)

    @contextlib.contextmanager
    def past(self, moment: str) -> Iterator[Reader]:
        """What the caller sees, as it was; one at a time. Raises Busy, and as `moments.finder`. Writers may have to
        wait for it, so that it waits for nobody: its answer is passed on when it is whole."""
        from clusto_core.records import moments
        from clusto_core.store.past import open_past

        if not self.desk.past.acquire(timeout=_PATIENCE):
            raise Busy("others look at the past: try again")
        try:
            self.work.body = Body()
            with open_past(self.settings.url, moments.finder(moment)) as past, self.work.asking(past):
                reader = Reader(past)
                reader.discreet = True
                yield reader
        finally:
            self.desk.past.release()

    def oversee(self, change: Transaction) -> None:
        """Looks at a change that is only tried out, before that ends."""
        if self.tried is not None:
            from clusto_core.records.rehearsal import Rehearsed

            told = (change.command, change.message, change.reverts, change.strict, change.dry_run)
            self.tried.append(Rehearsed(list(history.pending(change.unit)), change.unit.first_id, *told))

    @contextlib.contextmanager
    def rehearsing(self) -> Iterator[Asked]:
        """The same, of a copy of what the caller sees, in which something can be tried; `tried` is what was."""
        assert self.sight is not None
        with self.sight.scratch() as url, open_reader(url) as reader, secrecy.proposing():
            reader.discreet = True
            yield self._replace(reader=reader, settings=Settings(url), tried=[])

    def perform(self, tried: Sequence[Rehearsed]) -> int | None:
        """Does in the whole inventory what was tried out; gives the number of the last transaction. Raises Busy where
        what it touches has changed since then, Refused where it goes beyond what the caller sees."""
        from clusto_core.records.rehearsal import Performance

        performance = Performance(self.reader)
        kept = [each for each in tried if not each.dry_run] or list(tried[-1:])
        number = None
        for place, each in enumerate(kept):
            number = self._perform(performance, each, fresh=not place) or number
        return number

    def _perform(self, performance: Performance, tried: Rehearsed, *, fresh: bool) -> int | None:
        from clusto_core.inventory import Inventory

        assert self.sight is not None
        author = history.Author(self.caller.name, self.request.address)
        command, message, reverts, strict, dry_run = tried[2:]
        options: dict[str, Any] = {"dry_run": dry_run, "reverts": reverts, "strict": strict, "author": author}
        with Inventory(self.desk.settings).change(command, message, **options) as change:
            reader = change.unit.reader
            reader.discreet = True
            touched = [each.thing_id for each in tried.changes]
            number, seal = self.sight.state
            changed = history.changed_since(reader, touched, number) is not None
            if fresh and (changed or seals.seal_of(reader.database, number) != seal):
                raise Busy("others changed the same meanwhile: try again")
            performance.perform(change.unit, tried)
            assert change.before is not None
            with change.before() as before:
                self.sight.check(change.unit, before)
        return change.id


class Desk:
    """The inventory that is served."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.settings = app.settings
        self._sights = Sights(app.settings.url)
        self._kept = threading.local()
        self.keeping = Keeping()
        self.past = threading.Lock()
        """Held by who looks at the inventory as it was."""

    def answered(
        self, request: Request, work: Work, answer: Callable[[Asked], Answer], allowed: Callable[[Caller, str], bool]
    ) -> Answer | None:
        """The answer to who may have it; None where `allowed`, told who asks and the tag of what he sees, says so.
        Raises ClustoError."""
        with self._reading() as whole, work.asking(whole.database):
            caller = identify(whole, request.credentials)
            with self._seen(whole, caller, request, work) as asked:
                if not allowed(caller, asked.tag):
                    return None
                with asked.then() as then:
                    return answer(then)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Reader]:
        """The whole inventory as it is now, by a connection that the thread keeps. Raises as `database.connect`."""
        url = self.settings.url
        kept: Database | None = self._kept.__dict__.pop("database", None)
        database = _renewed(kept, url) or connect(url)
        try:
            yield Reader(database)
            database.rest()
        except BaseException:
            database.close()
            raise
        self._kept.database = database

    @contextlib.contextmanager
    def _seen(self, whole: Reader, caller: Caller, request: Request, work: Work) -> Iterator[Asked]:
        """What a caller sees, as it is now."""
        if caller.scope is None:
            whole.discreet = True
            yield Asked(request, caller, whole, *seals.state(whole.database), self.settings, work, self)
            return
        with self._sights.of(whole, caller.scope) as sight, open_reader(sight.url) as reader:
            reader.discreet = True
            with work.asking(reader.database):
                number = history.latest(reader)
                yield Asked(request, caller, reader, number, sight.digest, Settings(sight.url), work, self, sight)

    @contextlib.contextmanager
    def again(self, asked: Asked) -> Iterator[Asked]:
        """The same, of now: after a change."""
        with (
            open_reader(self.settings.url) as whole,
            self._seen(whole, asked.caller, asked.request, asked.work) as now,
        ):
            yield now

    def close(self) -> None:
        """Ends what it has open."""
        self._sights.close()


def _renewed(kept: Database | None, url: str) -> Database | None:
    """The connection again, as the store is now; None for one that is of no use any more, which is closed."""
    if kept is None:
        return None
    try:
        if kept.renew(url):
            return kept
    except Exception as error:
        if not (isinstance(error, ClustoError) or is_of_driver(error)):
            raise
    kept.close()
    return None
