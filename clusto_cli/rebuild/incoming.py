"""What the boot server hears of machines, brought to the store: call-backs, and fetches of machines' own files.

Whoever answers machines must not wait for the store: it is read by a few threads, and written by one, since writers
would only wait for one another. What cannot be written now is tried again where nobody can be told to come back.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from clusto_cli.rebuild import fetches
from clusto_core import rebuilds
from clusto_core.config import Settings
from clusto_core.errors import ClustoError, NotFound, StoreBroken
from clusto_core.reader import Reader, open_reader
from clusto_core.rebuilds import ONCE, Journal, Rebuild

Say = Callable[[str], None]
Disarm = Callable[[Rebuild], Awaitable[None]]
"""Puts a machine's boot files back to local; whatever it raises, it is called again later."""
T = TypeVar("T")

PATIENCE = 60.0
"""Seconds for which a call-back waits for others to be written before it."""
_EVERY = 1.0
"""Seconds between two looks at which rebuilds there are; what was fetched meanwhile is written down together."""
_DISARMED_WITHIN = 5.0
"""Seconds that the answer to a call-back waits for the boot files to be local: a quick installer reboots at once."""


class UnknownToken(NotFound):
    """No rebuild has this token."""


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
        self._fetched: dict[str, None] = {}
        self._writing_down: asyncio.Task[None] | None = None
        self._looked = 0.0
        self._heard: set[tuple[int, str, str]] = set()

    async def known(self, token: str) -> Rebuild:
        """The rebuild with that token, ended or not. Raises UnknownToken; StoreBroken and others of the store."""
        rebuild = await self._read(partial(_by_token, token=token))
        if rebuild is None:
            raise UnknownToken("no rebuild has this token")
        return rebuild

    async def call_back(self, token: str, event: str, message: str | None) -> Rebuild:
        """Writes down what a machine calls back; raises as `known` and `Journal.call_back`.

        With the first word of its installer, the machine's boot files are put back to local.
        """
        rebuild = await self.known(token)
        await self._write(partial(self._journal.call_back, rebuild, event, message))
        if event in ONCE:
            await asyncio.wait([self._disarmed(rebuild)], timeout=_DISARMED_WITHIN)
        return rebuild

    def fetched(self, path: str) -> None:
        """Takes note that a file was fetched, by its path below the boot directory; written down within a second or so
        when it belongs to a rebuild that has not ended, once a phase.
        """
        self._fetched[path] = None
        if self._writing_down is None or self._writing_down.done():
            self._writing_down = asyncio.create_task(self._write_down())

    async def resume(self) -> None:
        """Disarms the machines whose installers have begun: a server that ended in between may have left that."""
        for rebuild in await self._read(_begun):
            self._disarmed(rebuild)

    async def close(self) -> None:
        """Finishes what can be finished within seconds."""
        tasks = [*self._disarming.values(), *([self._writing_down] if self._writing_down else [])]
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
                self._heard &= {each for each in self._heard if each[0] in {rebuild.id for rebuild in unfinished}}
                owners = fetches.owners(unfinished)
                new = {
                    (rebuild.id, rebuild.phase, path): fetches.fetched(rebuild, path)
                    for path in paths
                    for rebuild in owners.get(path, ())
                    if (rebuild.id, rebuild.phase, path) not in self._heard
                }
                if new:
                    await self._write(partial(self._journal.add, list(new.values())))
                self._heard.update(new)
                pauses = _pauses()
            except ClustoError as error:
                self._fetched = {**paths, **self._fetched}
                self._say(f"fetches are not written down yet: {error}")
                await asyncio.sleep(next(pauses))

    async def _read(self, question: Callable[[Reader], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._ask, question)

    def _ask(self, question: Callable[[Reader], T]) -> T:
        with open_reader(self._settings.url) as reader:
            return question(reader)

    async def _write(self, work: Callable[[], T]) -> T:
        """Does it when those before it are done. Raises StoreBroken when they take too long: then it is not done."""
        queued = self._writer.submit(work)
        done = asyncio.wrap_future(queued)
        await asyncio.wait([done], timeout=PATIENCE)
        if queued.cancel():
            raise StoreBroken(f"the store has been busy for {PATIENCE:.0f} s")
        return await done


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
