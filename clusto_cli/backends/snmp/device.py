"""A device spoken to over SNMP: get, walk and set, in messages no larger than it takes."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeVar

from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, Refused, Unreachable
from clusto_cli.backends.snmp.bounds import MOST_ROWS, Walk, WalkBudget
from clusto_cli.backends.snmp.message import (
    Kind,
    Oid,
    Value,
    Varbind,
    can_exist,
    encode_oid,
    format_oid,
    varbind_octets,
)
from clusto_cli.backends.snmp.pace import SHORTEST, SHORTEST_SIGNED, Pace
from clusto_cli.backends.snmp.runs import Rows, by_rows, taken
from clusto_cli.backends.snmp.settings import SnmpSettings

TOO_BIG, NO_SUCH_NAME, GEN_ERR, NO_CREATION = 1, 2, 5, 11
ERROR_STATUS = (
    *("noError", "tooBig", "noSuchName", "badValue", "readOnly", "genErr", "noAccess", "wrongType", "wrongLength"),
    *("wrongEncoding", "wrongValue", "noCreation", "inconsistentValue", "resourceUnavailable", "commitFailed"),
    *("undoFailed", "authorizationError", "notWritable", "inconsistentName"),
)
AUTHORIZATION_ERROR = 16
_HINTS = {
    2: "it has no such variable, or the community may not write",
    4: "is the community read-only?",
    6: "is the community read-only?",
    16: "the credentials may not do this",
    17: "is the community read-only?",
}
# Statuses that speak of the request as a whole, so that a smaller one may succeed (RFC 3416 section 4.2.5).
_SPLITTABLE = {TOO_BIG, GEN_ERR, 13, 14, 15}

ANSWER_OCTETS = 1400
"""How much of a table is asked for at once: what an Ethernet frame holds. It is the device that fills the answer, as
far as it can; where snmp.max_octets is set, that holds for answers too."""
_USUAL_OCTETS = 484
_ROW_OCTETS = 8
"""Of a variable in an answer, beside its column and its value."""
_COPIES_OF_LARGE = 4
"""How often a request of more variables than the device has ever answered is sent before a smaller one is tried."""
_T = TypeVar("_T")
_request_ids = itertools.count(int.from_bytes(os.urandom(4)) >> 2)


class SnmpRefused(Refused):
    """The device answered a request with an error status (RFC 3416 section 3)."""

    def __init__(self, status: int, oid: Oid | None) -> None:
        self.status = status
        self.oid = oid
        name = ERROR_STATUS[status] if 0 < status < len(ERROR_STATUS) else f"error status {status}"
        where = f" for {format_oid(oid)}" if oid else ""
        hint = f" ({_HINTS[status]})" if status in _HINTS else ""
        super().__init__(f"answered {name}{where}{hint}")


class NoAnswer(Unreachable):
    """A request that may not be repeated was not answered: the device may or may not have done it."""


class _Unanswered(Exception):
    """A request of several variables got no answer from a device that may only answer smaller ones."""


class Link(Protocol):
    """One version's way to the device; see CommunityLink.attempt."""

    @property
    def overhead(self) -> int: ...

    @property
    def alive(self) -> bool:
        """Whether something has come from the device."""

    @property
    def hint(self) -> str | None:
        """What is known of a silence."""

    async def attempt(
        self, request_id: int, kind: int, varbinds: Sequence[Varbind], first: int, second: int, timeout: float
    ) -> tuple[int, int, Sequence[Varbind]] | None: ...

    def close(self) -> None: ...


class SnmpDevice:
    """One device. Use it as an asynchronous context manager, inside one event loop.

    Every method raises Unreachable when the device stays silent for `settings.patience` seconds, AuthenticationFailed
    when it rejects the credentials, SnmpRefused when it answers with an error. Requests are repeated until then
    unless told otherwise.
    """

    def __init__(self, settings: SnmpSettings) -> None:
        self.settings = settings
        self.requests = 0
        self._link: Link = _open_link(settings, self._stray)
        self._window = asyncio.Semaphore(settings.window)
        self._set_order = asyncio.Lock()
        shortest = SHORTEST_SIGNED if settings.version == "3" else SHORTEST
        self._pace = Pace(settings.timeout, settings.retries, shortest)
        self._budget = WalkBudget()
        self._most = 1 << 16
        self._answered_most = 1
        self._answers_rows = settings.version != "1"
        self._silent_since: float | None = None
        self._answers_reads = False
        self._takes_writes = False
        self._given_up_at = float("-inf")

    async def __aenter__(self) -> SnmpDevice:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._link.close()

    async def get(self, oid: Oid) -> Value:
        """The value of one variable; None when the device has no such variable."""
        return (await self.get_many([oid]))[oid]

    async def get_many(
        self, oids: Iterable[Oid], value_octets: int = 6, octets_of: Mapping[Oid, int] = MappingProxyType({})
    ) -> dict[Oid, Value]:
        """The values of any number of variables, None for each that the device lacks.

        `value_octets`, or `octets_of` for single ones, is what a value is expected to take in the answer, so that no
        answer exceeds `max_octets`.
        """
        values: dict[Oid, Value] = dict.fromkeys(oids)
        # A name made of what the device said may be one that no variable has.
        wanted = list(map(Varbind, filter(can_exist, values)))
        chunks = self._chunks(wanted, value_octets, octets_of=octets_of)
        rows: list[Rows] = []
        if len(chunks) > 1 and self._answers_rows:
            octets = {
                varbind.oid: varbind_octets(varbind) + octets_of.get(varbind.oid, value_octets) for varbind in wanted
            }
            rows, rest = by_rows(octets, octets.__getitem__, self._answer_room)
            chunks = self._chunks(list(map(Varbind, rest)), value_octets, octets_of=octets_of)
        asked = [*(self._get_rows(each, value_octets, octets_of) for each in rows), *map(self._get_chunk, chunks)]
        for answer in await _together(asked):
            values.update((oid, value) for oid, _, value in answer if oid in values)
        return values

    async def get_next(self, oid: Oid) -> Varbind | None:
        """The first variable after `oid`; None at the end of what the device shows."""
        status, _, varbinds = await self._request(Kind.GET_NEXT, [Varbind(oid)])
        if status == NO_SUCH_NAME or (not status and not varbinds):
            return None
        if status:
            raise _refusal(status, oid)
        return varbinds[0] if varbinds[0].exists else None

    async def walk(self, *columns: Oid, value_octets: int = 12, most: int = MOST_ROWS) -> dict[Oid, Value]:
        """Every variable below each of `columns`, in the device's order; several columns are walked side by side.

        Raises Refused for tables that do not end, or have more than `most` rows: see WalkBudget.
        """
        parts = await _together(self._walk_column(column, value_octets, most) for column in columns)
        return {oid: value for part in parts for oid, value in part.items()}

    async def table(self, columns: Sequence[Oid], value_octets: int = 4, most: int = MOST_ROWS) -> dict[Oid, Value]:
        """Every variable below each of `columns`, which have rows of about the same numbers, all asked together.

        The device is asked for as many rows as ANSWER_OCTETS hold, and answers with as many as it can (RFC 3416 section
        4.2.3); one that cannot cope is asked for fewer. Raises Refused as `walk` does.
        """
        if self.settings.version == "1":
            return await self.walk(*columns, value_octets=value_octets, most=most)
        found: dict[Oid, Value] = {}
        last = {column: column for column in columns}
        limits = {column: self._budget.begin(column, most) for column in columns}
        many = self._rows_in(columns, value_octets)
        while last:
            try:
                status, _, answer = await self._request(Kind.GET_BULK, list(map(Varbind, last.values())), 0, many)
            except _Unanswered:
                status, answer = TOO_BIG, ()
            if status in _SPLITTABLE and many > 1:
                many //= 2
            elif status in _SPLITTABLE:
                return found | await self.walk(*last, value_octets=value_octets, most=most)
            elif status:
                raise _refusal(status, next(iter(last)))
            elif not answer:
                break
            else:
                self._take_rows(answer, last, limits, found)
        return found

    def asks_together(self, columns: Sequence[Oid]) -> bool:
        """Whether a request for the next rows of all these columns is none too large."""
        octets = sum(varbind_octets(Varbind(column)) + _ROW_OCTETS for column in columns)
        return octets <= self.settings.max_octets - self._link.overhead - len(self.settings.community)

    def _rows_in(self, columns: Sequence[Oid], value_octets: int) -> int:
        """How many rows of these columns an answer holds."""
        octets = sum(len(encode_oid(column)) + _ROW_OCTETS + value_octets for column in columns)
        return max(1, self._answer_room // octets)

    @property
    def _answer_room(self) -> int:
        """Octets for the variables of an answer that the device fills."""
        limit = ANSWER_OCTETS if self.settings.max_octets == _USUAL_OCTETS else self.settings.max_octets
        return limit - self._link.overhead - len(self.settings.community)

    @staticmethod
    def _take_rows(
        answer: Sequence[Varbind], last: dict[Oid, Oid], limits: Mapping[Oid, Walk], found: dict[Oid, Value]
    ) -> None:
        """Sorts the rows of an answer into columns; `last` keeps where each column goes on, and loses those at their
        end.
        """
        asked = list(last)
        for place, varbind in enumerate(answer):
            column = asked[place % len(asked)]
            if column not in last:
                continue
            if not varbind.exists or varbind.oid[: len(column)] != column:
                del last[column]
                continue
            if varbind.oid <= last[column]:
                raise Refused(f"its table does not advance after {format_oid(last[column])}")
            limits[column].take(varbind)
            found[varbind.oid] = varbind.value
            last[column] = varbind.oid

    async def set(self, varbinds: Sequence[Varbind], *, repeat: bool = True) -> None:
        """Writes all of `varbinds` in one request, which a device does wholly or not at all.

        With `repeat` false the request is sent once; NoAnswer then means that nobody knows. Raises SnmpRefused.
        """
        async with self._set_order:
            status, index, _ = await self._request(Kind.SET, varbinds, repeat=repeat)
        if status:
            raise _refusal(status, _named(varbinds, index))

    async def set_many(
        self, varbinds: Sequence[Varbind], *, repeat: bool = True, at_most: int | None = None
    ) -> dict[Oid, DeviceError]:
        """Writes any number of independent variables in order, `at_most` in a request; returns those that failed and
        why.

        A request that the device refuses for its size is split, and a variable that it refuses is left out of the next.
        Requests that may not be repeated (`repeat` false) carry one variable each.
        """
        failures: dict[Oid, DeviceError] = {
            varbind.oid: SnmpRefused(NO_CREATION, varbind.oid) for varbind in varbinds if not can_exist(varbind.oid)
        }
        possible = [varbind for varbind in varbinds if varbind.oid not in failures]
        async with self._set_order:
            for chunk in self._chunks(possible, 0, at_most if repeat else 1):
                await self._set_chunk(chunk, repeat, failures)
        return failures

    def _chunks(
        self,
        varbinds: Sequence[Varbind],
        value_octets: int,
        at_most: int | None = None,
        octets_of: Mapping[Oid, int] = MappingProxyType({}),
    ) -> list[list[Varbind]]:
        room = self.settings.max_octets - self._link.overhead - len(self.settings.community)
        most = min(self._most, at_most or self._most)
        chunks: list[list[Varbind]] = []
        used = room
        for varbind in varbinds:
            octets = varbind_octets(varbind) + octets_of.get(varbind.oid, value_octets)
            if used + octets > room or len(chunks[-1]) >= most:
                chunks.append([])
                used = 0
            chunks[-1].append(varbind)
            used += octets
        return chunks

    async def _get_chunk(self, varbinds: Sequence[Varbind]) -> Sequence[Varbind]:
        try:
            status, index, answer = await self._request(Kind.GET, varbinds)
        except _Unanswered:
            return await self._get_halves(varbinds)
        if not status:
            return answer
        if status == NO_SUCH_NAME and 0 < index <= len(varbinds):
            rest = [*varbinds[: index - 1], *varbinds[index:]]
            return await self._get_chunk(rest) if rest else []
        if len(varbinds) > 1 and status in _SPLITTABLE:
            return await self._get_halves(varbinds)
        if status == NO_SUCH_NAME and len(varbinds) == 1:
            return []
        raise _refusal(status, _named(varbinds, index))

    async def _get_rows(self, rows: Rows, value_octets: int, octets_of: Mapping[Oid, int]) -> Sequence[Varbind]:
        """The variables of some rows; what an answer does not tell of is asked by name."""
        try:
            status, _, answer = await self._request(Kind.GET_BULK, rows.before, 0, rows.many)
        except _Unanswered:
            status, answer = TOO_BIG, ()
        known = None if status else taken(rows, answer)
        self._answers_rows = self._answers_rows and known is not None
        found, silent = known or ([], rows.oids)
        chunks = self._chunks(list(map(Varbind, silent)), value_octets, octets_of=octets_of)
        more = await _together(map(self._get_chunk, chunks))
        return [*found, *(varbind for part in more for varbind in part)]

    async def _get_halves(self, varbinds: Sequence[Varbind]) -> Sequence[Varbind]:
        half = self._halve(len(varbinds))
        first = await self._get_chunk(varbinds[:half])
        return [*first, *await self._get_chunk(varbinds[half:])]

    async def _set_chunk(self, varbinds: Sequence[Varbind], repeat: bool, failures: dict[Oid, DeviceError]) -> None:
        try:
            status, index, _ = await self._request(Kind.SET, varbinds, repeat=repeat)
        except _Unanswered:
            status, index = TOO_BIG, 0
        except DeviceError as error:
            failures.update(dict.fromkeys((varbind.oid for varbind in varbinds), error))
            return
        if not status:
            return
        if len(varbinds) == 1:
            failures[varbinds[0].oid] = _refusal(status, varbinds[0].oid)
        elif status in _SPLITTABLE or not 0 < index <= len(varbinds):
            half = self._halve(len(varbinds))
            await self._set_chunk(varbinds[:half], repeat, failures)
            await self._set_chunk(varbinds[half:], repeat, failures)
        else:
            failures[varbinds[index - 1].oid] = _refusal(status, varbinds[index - 1].oid)
            await self._set_chunk([*varbinds[: index - 1], *varbinds[index:]], repeat, failures)

    def _halve(self, count: int) -> int:
        """Half of a request that was too much; what the device has never taken is not tried again."""
        half = (count + 1) // 2
        if count > self._answered_most:
            self._most = min(self._most, max(half, self._answered_most))
        return half

    async def _walk_column(self, column: Oid, value_octets: int, most: int) -> dict[Oid, Value]:
        rows: dict[Oid, Value] = {}
        room = self.settings.max_octets - self._link.overhead - len(self.settings.community)
        many = max(1, room // (len(encode_oid(column)) + 6 + value_octets))
        last = column
        limit = self._budget.begin(column, most)
        while True:
            if self.settings.version == "1" or many == 1:
                following = await self.get_next(last)
                answer: Sequence[Varbind] = [] if following is None else [following]
            else:
                try:
                    status, _, answer = await self._request(Kind.GET_BULK, [Varbind(last)], 0, many)
                except _Unanswered:
                    many //= 2
                    continue
                if status in _SPLITTABLE:
                    many //= 2
                    continue
                if status:
                    raise _refusal(status, last)
            if not answer:
                return rows
            for varbind in answer:
                if not varbind.exists or varbind.oid[: len(column)] != column:
                    return rows
                if varbind.oid <= last:
                    raise Refused(f"its table does not advance after {format_oid(last)}")
                limit.take(varbind)
                rows[varbind.oid] = varbind.value
                last = varbind.oid

    async def _request(
        self, kind: int, varbinds: Sequence[Varbind], first: int = 0, second: int = 0, *, repeat: bool = True
    ) -> tuple[int, int, Sequence[Varbind]]:
        loop = asyncio.get_running_loop()
        request_id = next(_request_ids) & 0x7FFFFFFF
        size = max(len(varbinds), second if kind == Kind.GET_BULK else 1)
        asked_at = loop.time()
        async with self._window:
            began = loop.time()
            for copies in itertools.count(1):
                if self._given_up_at >= asked_at:
                    raise self._silence(kind)
                if self._silent_since is None:
                    self._silent_since = loop.time()
                self.requests += 1
                answer = await self._link.attempt(request_id, kind, varbinds, first, second, self._pace.wait(copies))
                if answer is not None:
                    self._pace.answered(loop.time() - began, copies)
                    self._note_answer(kind, answer[0], size)
                    return answer
                if not repeat:
                    raise NoAnswer("no answer; whether it was done is not known")
                silent = loop.time() - (self._silent_since or loop.time())
                if self._pace.is_over(silent, loop.time() - began, copies, self._link.alive):
                    if self._pace.is_silence(silent):
                        self._given_up_at = loop.time()
                    raise self._silence(kind)
                if copies >= _COPIES_OF_LARGE and size > self._answered_most:
                    raise _Unanswered
        raise AssertionError("unreachable")

    def _note_answer(self, kind: int, status: int, size: int) -> None:
        self._silent_since = None
        if kind == Kind.SET:
            self._takes_writes = True
        else:
            self._answers_reads = True
        if not status:
            self._answered_most = max(self._answered_most, size)

    def _stray(self) -> None:
        """An answer that nobody waits for any more: the device lives, and was asked again too soon."""
        self._silent_since = None
        self._pace.too_soon()

    def _silence(self, kind: int) -> Unreachable:
        settings = self.settings
        seconds = f"{self._pace.patience:g} s"
        if kind == Kind.SET and self._answers_reads:
            silent = f"{settings.where}: no answer to a write in {seconds}, while it answers reads"
            if self._takes_writes or settings.version == "3":
                return Unreachable(silent)
            guess = "may this community write?" if settings.write_community is None else "another write community?"
            return Unreachable(f"{silent} ({guess})")
        silent = f"{settings.where}: no answer in {seconds}"
        if self._link.hint:
            return Unreachable(f"{silent}: {self._link.hint}")
        credentials = "user or keys" if settings.version == "3" else "community"
        return Unreachable(f"{silent} (down, filtered, or another {credentials})")


def _open_link(settings: SnmpSettings, stray: Callable[[], None]) -> Link:
    if settings.version == "3":
        from clusto_cli.backends.snmp.usm import UserLink

        return UserLink(settings)
    from clusto_cli.backends.snmp.community import CommunityLink

    return CommunityLink(settings, stray)


def _named(varbinds: Sequence[Varbind], index: int) -> Oid | None:
    return varbinds[index - 1].oid if 0 < index <= len(varbinds) else None


def _refusal(status: int, oid: Oid | None) -> DeviceError:
    if status == AUTHORIZATION_ERROR:
        return AuthenticationFailed(str(SnmpRefused(status, oid)))
    return SnmpRefused(status, oid)


async def _together(jobs: Iterable[Coroutine[None, None, _T]]) -> list[_T]:
    """The results in order; the first failure ends the others, so that nothing is sent after it."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
