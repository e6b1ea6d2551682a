"""What the boot server hears of machines, brought to the store: call-backs, and fetches of machines' own files.

Whoever answers machines must not wait for the store: it is read by a few threads, and written by one, since writers
would only wait for one another. What comes while it writes is written together next. What cannot be written now is
tried again where nobody can be told to come back.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

from clusto_cli.hosting.limits import Buckets, client_of
from clusto_cli.rebuild import fetches
from clusto_core.config import Settings
from clusto_core.errors import ClustoError, NotFound, Refused
from clusto_core.records import rebuilds
from clusto_core.records.rebuilds import ONCE, Journal, Rebuild
from clusto_core.store.reader import Reader, open_reader

Say = Callable[[str], None]
Disarm = Callable[[Rebuild], Awaitable[None]]
"""Puts a machine's boot files back to local; whatever it raises, it is called again later."""
T = TypeVar("T")

_EVERY = 1.0
"""Seconds between two looks at which rebuilds there are; what was fetched meanwhile is written down together."""
_CALLS_PER_SECOND, _CALLS_AT_ONCE = 2.0, 50
"""How often one machine may call back: installers do so some ten times in all."""
_DISARMED_WITHIN = 5.0
"""Seconds that the answer to a call-back waits for the boot files to be local: a quick installer reboots at once."""


class UnknownToken(NotFound):
    """No rebuild has this token."""

    def __init__(self) -> None:
        super().__init__("no rebuild has this token")


class TooMuch(Refused):
    """A machine calls back more often than any installer does."""


class _Call(NamedTuple):
    """What a machine calls back; `taken` is the rebuild once that is written down."""

    token: str
    event: str
    message: str | None
    taken: asyncio.Future[Rebuild]


class Incoming:
    """Brings to the store what machines say and fetch, and has their boot files disarmed once they have begun.

    Used by one event loop; `say` gets a line for people.
    """

    def __init__(self, settings: Settings, say: Say, disarm: Disarm) -> None:
        self._settings = settings
        self._journal = Journal(settings)
        self._say = say
        self._disarm = disarm
        self._readers = ThreadPoolExecutor(4, "reader")
        self._writer = ThreadPoolExecutor(1, "writer")
        self._disarming: dict[int, asyncio.Task[None]] = {}
        self._calls: list[_Call] = []
        self._taking: asyncio.Task[None] | None = None
        self._fetched: dict[str, float] = {}
        self._writing_down: asyncio.Task[None] | None = None
        self._looked = 0.0
        self._heard: dict[tuple[int, str], float] = {}
        self._said = Buckets(_CALLS_PER_SECOND, _CALLS_AT_ONCE)

    async def addresses(self, path: str) -> set[str]:
        """Whose a machine's own file is: the addresses of those that are being rebuilt and have it in their plans."""
        owners = fetches.owners(await self._read(rebuilds.unfinished))
        return {client_of(each) for rebuild in owners.get(path, ()) for each in rebuild.plan.get("addresses", ())}

    async def prune(self) -> None:
        """Has what was heard of rebuilds that ended long ago forgotten."""
        try:
            if count := await self._write(self._journal.prune):
                self._say(f"forgot {count} events of rebuilds that ended more than {rebuilds.KEPT_DAYS} days ago")
        except ClustoError as error:
            self._say(f"old events are not forgotten yet: {error}")

    async def known(self, token: str) -> Rebuild:
        """The rebuild with that token, ended or not. Raises UnknownToken; StoreBroken and others of the store."""
        rebuild = await self._read(partial(_by_token, token=token))
        if rebuild is None:
            raise UnknownToken
        return rebuild

    async def call_back(self, token: str, event: str, message: str | None) -> Rebuild:
        """Writes down what a machine calls back; raises as `known` and `Journal.call_back`.

        With the first word of its installer, the machine's boot files are put back to local. Raises TooMuch.
        """
        if not self._said.take(token):
            raise TooMuch("too many call-backs")
        call = _Call(token, event, message, asyncio.get_running_loop().create_future())
        self._calls.append(call)
        if self._taking is None or self._taking.done():
            self._taking = asyncio.create_task(self._take())
        rebuild = await call.taken
        if event in ONCE:
            await asyncio.wait([self._disarmed(rebuild)], timeout=_DISARMED_WITHIN)
        return rebuild

    def fetched(self, path: str) -> None:
        """Takes note that a file was fetched, by its path below the boot directory; written down within a second or so
        when it belongs to a rebuild that has not ended, once a phase.
        """
        self._fetched[path] = time.time()
        if self._writing_down is None or self._writing_down.done():
            self._writing_down = asyncio.create_task(self._write_down())

    async def resume(self) -> None:
        """Disarms the machines whose installers have begun: a server that ended in between may have left that."""
        for rebuild in await self._read(_begun):
            self._disarmed(rebuild)

    async def close(self) -> None:
        """Finishes what can be finished within seconds."""
        tasks = [*self._disarming.values(), *(task for task in (self._taking, self._writing_down) if task)]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_DISARMED_WITHIN)
            for task in late:
                task.cancel()
        for executor in (self._readers, self._writer):
            executor.shutdown(wait=False, cancel_futures=True)

    def _disarmed(self, rebuild: Rebuild) -> asyncio.Task[None]:
        """The task that disarms a machine."""
        task = self._disarming.get(rebuild.id)
        if task is None:
            task = self._disarming[rebuild.id] = asyncio.create_task(self._keep_disarming(rebuild))
        return task

    async def _keep_disarming(self, rebuild: Rebuild) -> None:
        try:
            await self._until_disarmed(rebuild)
        finally:
            del self._disarming[rebuild.id]

    async def _until_disarmed(self, rebuild: Rebuild) -> None:
        for pause in _pauses():
            try:
                await self._disarm(rebuild)
                return
            except Exception as error:
                self._say(
                    f"{rebuild.name} may install once more: its boot files could not be put back to local: {error}"
                )
            await asyncio.sleep(pause)
            try:
                begun = await self._read(_begun)
            except ClustoError:
                continue
            if rebuild.id not in {each.id for each in begun}:
                return

    async def _write_down(self) -> None:
        loop = asyncio.get_running_loop()
        pauses = _pauses()
        while self._fetched:
            await asyncio.sleep(self._looked + _EVERY - loop.time())
            self._looked = loop.time()
            paths, self._fetched = self._fetched, {}
            try:
                # What is read now is later than the fetches, so that no rebuild is missed that they belong to.
                unfinished = await self._read(rebuilds.unfinished)
                numbers = {rebuild.id for rebuild in unfinished}
                self._heard = {key: at for key, at in self._heard.items() if key[0] in numbers}
                owners = fetches.owners(unfinished)
                new = {
                    (rebuild.id, path): fetches.fetched(rebuild, path, at)
                    for path, at in paths.items()
                    for rebuild in owners.get(path, ())
                    if fetches.is_news(rebuild, at, self._heard.get((rebuild.id, path)))
                }
                if new:
                    await self._write(partial(self._journal.add, list(new.values())))
                self._heard.update((key, paths[key[1]]) for key in new)
                pauses = _pauses()
            except ClustoError as error:
                self._fetched = {**paths, **self._fetched}
                self._say(f"fetches are not written down yet: {error}")
                await asyncio.sleep(next(pauses))

    async def _take(self) -> None:
        """Writes down what machines call back, as much as there is at a time."""
        while self._calls:
            calls, self._calls = self._calls, []
            results: Sequence[Rebuild | Exception]
            try:
                results = await self._write(partial(self._write_calls, calls))
            except Exception as error:
                results = [error] * len(calls)
            for call, result in zip(calls, results, strict=True):
                if call.taken.cancelled():
                    continue
                if isinstance(result, Exception):
                    call.taken.set_exception(result)
                else:
                    call.taken.set_result(result)

    def _write_calls(self, calls: Sequence[_Call]) -> list[Rebuild | ClustoError]:
        """The rebuild of each, or why it was not taken."""
        with open_reader(self._settings.url) as reader:
            found = [rebuilds.by_token(reader, call.token) for call in calls]
        known = [(rebuild, call.event, call.message) for rebuild, call in zip(found, calls, strict=True) if rebuild]
        results = iter(self._journal.call_backs(known) if known else ())
        told: list[Rebuild | ClustoError] = []
        for rebuild in found:
            result = next(results) if rebuild else None
            told.append(result if isinstance(result, ClustoError) else rebuild or UnknownToken())
        return told

    async def _read(self, question: Callable[[Reader], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._ask, question)

    def _ask(self, question: Callable[[Reader], T]) -> T:
        with open_reader(self._settings.url) as reader:
            return question(reader)

    async def _write(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)


def _pauses() -> Iterator[float]:
    """Seconds to wait before one tries again, and again."""
    return itertools.chain((1.0, 5.0, 15.0), itertools.repeat(60.0))


def _by_token(reader: Reader, token: str) -> Rebuild | None:
    return rebuilds.by_token(reader, token)


def _begun(reader: Reader) -> list[Rebuild]:
    """The rebuilds whose machines have called back, with the tokens they have now, and that have not ended."""
    unfinished = rebuilds.unfinished(reader)
    said = rebuilds.called_back(reader, [rebuild.id for rebuild in unfinished])
    return [rebuild for rebuild in unfinished if rebuild.id in said]
