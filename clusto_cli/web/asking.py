"""What a function that answers is given: the inventory as its caller may see it, of now or of then."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from clusto_cli.context import App
from clusto_cli.web.answering import Answer
from clusto_cli.web.callers import Caller, Credentials, identify
from clusto_cli.web.threads import Work
from clusto_core.config import Settings
from clusto_core.records import history
from clusto_core.store.reader import Reader, open_reader

if TYPE_CHECKING:
    from multidict import MultiMapping


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
    query's `at`, with nothing in it but what its caller may see. `number` is the newest transaction in it, which
    ETags are; `settings` where the same is found again. `write` passes on a part of a long answer."""

    request: Request
    caller: Caller
    reader: Reader
    number: int
    settings: Settings
    work: Work
    desk: Desk

    @property
    def moment(self) -> str | None:
        """The moment that is asked about; None for now."""
        return self.request.query.get("at") or None

    def begin(self, head: Answer) -> Callable[[bytes], None]:
        """Begins an answer that may be long; gives what takes its parts, one after the other, and raises
        BrokenPipeError when nobody reads them any more. The function that answers then returns `head`."""
        self.work.head = head
        return self.work.write


class Desk:
    """The inventory that is served."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.settings = app.settings

    def answered(
        self, request: Request, work: Work, answer: Callable[[Asked], Answer], allowed: Callable[[Caller, int], bool]
    ) -> Answer | None:
        """The answer to who may have it; None where `allowed`, told who asks and the newest transaction, says so.
        Raises ClustoError."""
        with open_reader(self.settings.url) as whole, work.asking(whole.database):
            caller = identify(whole, request.credentials)
            number = history.latest(whole)
            if not allowed(caller, number):
                return None
            with self._seen(whole, caller, request.query.get("at"), work) as (reader, settings):
                return answer(Asked(request, caller, reader, number, settings, work, self))

    @contextlib.contextmanager
    def _seen(self, whole: Reader, caller: Caller, moment: str | None, work: Work) -> Iterator[tuple[Reader, Settings]]:
        """What a caller sees, and where that is found again."""
        if not moment:
            yield whole, self.settings
            return
        from clusto_core.records import moments
        from clusto_core.store.past import open_past

        with open_past(self.settings.url, moments.finder(moment)) as past, work.asking(past):
            yield Reader(past), self.settings
