"""All routes as one application of aiohttp: who asks, limits, conditional requests, headers, what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from clusto_cli.hosting.limits import Buckets, Gate, client_of
from clusto_cli.web.answering import (
    EVENTS,
    Answer,
    Busy,
    Forbidden,
    TooMuch,
    Unknown,
    Unsupported,
    problem,
    status_of,
    title_of,
    words_of,
)
from clusto_cli.web.asking import Asked, Desk, Request
from clusto_cli.web.callers import Caller, Doors, check_host, check_origin, check_site, credentials, is_among, unknown
from clusto_cli.web.routing import Events, Route, Static
from clusto_cli.web.threads import Threads, Work
from clusto_core.errors import ClustoError

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Middleware

T = TypeVar("T")
_POLICY = (
    "default-src 'none'; style-src 'self'{styles}; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_POLL = 1.0
_QUIET = 15
"""Seconds between two looks for news, and how many without any until a comment keeps the connection alive."""
_PROGRAMS = ("/api/", "/sd/", "/metrics")
_SAFE = ("GET", "HEAD")
_MOMENTS = ("at", "from", "to", "since", "until")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Server": "clusto",
}


Failed = Callable[[int, str, str, tuple[str, ...]], Answer]
"""What a person sees of what went wrong: the status, its title, what to do, further lines."""


class Rates(NamedTuple):
    """What one client may ask a second, and at once; how many wrong tokens it may bring; bytes of a body, the
    seconds in which it must come, and how many may be on their way; and for how long one may wait for news."""

    per_second: float = 1000.0
    at_once: int = 2000
    wrong_per_second: float = 1.0
    wrong_at_once: int = 20
    body: int = 4 << 20
    body_seconds: float = 30.0
    bodies: int = 16
    wait: float = 60.0


class Site:
    """What answers requests."""

    def __init__(self, desk: Desk, doors: Doors, threads: Threads, gate: Gate, rates: Rates, failed: Failed) -> None:
        self._desk, self._doors, self._threads, self._gate, self._rates = desk, doors, threads, gate, rates
        self._failed = failed
        self._asked = Buckets(rates.per_second, rates.at_once)
        self._wrong = Buckets(rates.wrong_per_second, rates.wrong_at_once)
        self._bodies = asyncio.Semaphore(rates.bodies)
        self.ending = asyncio.Event()
        """Set when those that listen for news are to go."""

    def application(self, routes: Iterable[Route | Static | Events]) -> web.Application:
        """All of it. A path that nothing has is answered as what goes wrong is."""
        from aiohttp import web

        application = web.Application(client_max_size=self._rates.body, middlewares=[self._middleware()])
        for route in routes:
            method = route.method if isinstance(route, Route) else "GET"
            application.router.add_route(method, route.path, self._handler(route))
            if method == "GET" and not isinstance(route, Events):
                application.router.add_route("HEAD", route.path, self._handler(route))
        return application

    def _middleware(self) -> Middleware:
        from aiohttp import web

        @web.middleware
        async def around(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            guard = self._gate.guard_of(request.transport)
            if guard is not None:
                guard.began()
            try:
                check_host(request, self._doors.names)
                return await handler(request)
            except web.HTTPException as error:
                headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
                return self._response(self._told(request, error.status, error.reason.lower(), (), headers))
            except ClustoError as error:
                return self._response(self._failure(request, error))
            finally:
                if guard is not None:
                    guard.ended()

        return around

    def _failure(self, request: web.Request, error: ClustoError) -> Answer:
        client = client_of(request.remote)
        if isinstance(error, Unknown) and "Authorization" in request.headers and not self._is_proxy(client):
            self._wrong.take(client)
        answer = self._told(request, status_of(error), words_of(error), error.details, getattr(error, "headers", {}))
        return answer._replace(note=str(error))

    def _is_proxy(self, client: str) -> bool:
        """Whether an address is that of many: wrong tokens of one must not keep the others out."""
        return is_among(client, self._doors.proxies)

    def _told(
        self, request: web.Request, status: int, words: str, lines: tuple[str, ...], headers: Mapping[str, str]
    ) -> Answer:
        """What went wrong: a page for a person, else a problem."""
        if request.path.startswith(_PROGRAMS) or "text/html" not in request.headers.get("Accept", ""):
            return problem(status, words, lines, headers)
        page = self._failed(status, title_of(status), words, lines)
        return page._replace(status=status, headers={"Cache-Control": "no-store", **headers}, note=words)

    def _handler(self, route: Route | Static | Events) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        if isinstance(route, Static):
            return self._static(route)
        answer = self._events if isinstance(route, Events) else self._answer

        async def handle(request: web.Request) -> web.StreamResponse:
            client = client_of(request.remote)
            if not self._asked.take(client) or (self._wrong.full(client) and not self._is_proxy(client)):
                raise TooMuch("too many requests: come again later")
            (check_site if request.method in _SAFE else check_origin)(request)
            return await answer(request, await self._read(request), route)  # type: ignore[arg-type]

        return handle

    def _static(self, route: Static) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        tag = f'"{hashlib.sha256(route.answer.body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "public, max-age=300", **route.answer.headers}

        async def handle(request: web.Request) -> web.StreamResponse:
            if tag in request.headers.get("If-None-Match", ""):
                return self._response(Answer(b"", "", 304, headers))
            return self._response(route.answer._replace(headers=headers))

        return handle

    async def _answer(self, request: web.Request, asked: Request, route: Route) -> web.StreamResponse:
        if route.waits is not None:
            if route.check is not None:
                route.check(asked)
            if (waited := route.waits(asked)) is not None:
                await self._wait(_Look(route, asked, waited[0]), min(waited[1], self._rates.wait))
        async with self._threads.working(lambda work: self._worked(route, asked, work)) as (work, future):
            if work.flowing.is_set():
                return await self._streamed(request, work, future)
            return self._response(await future)

    def _worked(self, route: Route, asked: Request, work: Work) -> Answer:
        """In a thread: the answer, or that its asker has it already."""
        asks = _Asking(route, asked)
        if route.check is not None:
            route.check(asked)

        def answer(given: Asked) -> Answer:
            work.prepare = asks.finished
            return route.answer(given)

        found = self._desk.answered(asked, work, answer, asks.allowed)
        if found is None:
            return asks.finished(Answer(b"", "", 304))
        # Whoever reads slowly holds no connection to the store.
        return asks.finished(found._replace(body=found.body + work.finish()))

    async def _streamed(self, request: web.Request, work: Work, future: asyncio.Future[Answer]) -> web.StreamResponse:
        """Passes on what the thread writes, as it is taken. A connection whose answer ends before its end is cut."""
        from aiohttp import web

        assert work.head is not None
        head = work.prepare(work.head)
        response = web.StreamResponse(status=head.status, headers=self.headers(head))
        if work.body is not None:
            response.content_length = work.body.size
        response["note"] = f"{head.note} streamed"
        await response.prepare(request)
        while (piece := await work.next_piece(future)) is not None:
            async with asyncio.timeout(self._threads.bounds.stalled):
                await response.write(piece)
        await asyncio.wait({future})
        if future.exception() is None:
            await response.write_eof()
        elif request.transport is not None:
            response["note"] = f"{head.note} broken off"
            request.transport.abort()
        return response

    async def _events(self, request: web.Request, asked: Request, route: Events) -> web.StreamResponse:
        """Sends what comes, until its reader goes."""
        from aiohttp import web

        news = _News(route, asked)
        sent = await self._threads.done(lambda work: news.look(self._desk, work))
        headers = self.headers(Answer(b"", EVENTS, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}))
        response = web.StreamResponse(headers=headers)
        response["note"] = f"{news.caller} events"
        await response.prepare(request)
        # Whose token is no more is told nothing more; he finds out why when he comes again.
        with contextlib.suppress(ClustoError):
            while request.transport is not None and not self.ending.is_set():
                async with asyncio.timeout(self._threads.bounds.stalled):
                    await response.write(sent or b": still here\n\n")
                sent = await self._wait_for_news(news)
        return response

    async def _wait_for_news(self, news: _News) -> bytes:
        """What came meanwhile; nothing after a while without."""
        return await self._until(lambda work: news.look(self._desk, work), _QUIET * _POLL) or b""

    async def _wait(self, look: _Look, seconds: float) -> None:
        """Waits until something has come, or for so long. Holds no thread meanwhile."""
        if not await self._threads.done(lambda work: look.has_come(self._desk, work)):
            await self._until(lambda work: look.has_come(self._desk, work), seconds)

    async def _until(self, look: Callable[[Work], T], seconds: float) -> T | None:
        """What is found at last, looked for again and again for so long; None for nothing, and at the end of all."""
        until = asyncio.get_running_loop().time() + seconds
        while (left := until - asyncio.get_running_loop().time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(_POLL, left)):
                    await self.ending.wait()
                return None
            if found := await self._threads.done(look):
                return found
        return None

    async def _read(self, request: web.Request) -> Request:
        """What is asked, with its body. Raises Unsupported for one that is compressed."""
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise Unsupported("compressed bodies are not read")
        brought = credentials(request, self._doors)
        body = b""
        if request.can_read_body and request.method not in _SAFE:
            if brought.token is None and brought.caller is None:
                raise unknown(brought.reason)
            body = await self._body(request)
        address = client_of(request.remote)
        return Request(
            request.method, request.match_info, request.query, request.headers, body, address, brought, request.path_qs
        )

    async def _body(self, request: web.Request) -> bytes:
        """The body; so many are in memory at a time. Raises Busy for one that takes too long."""
        try:
            async with asyncio.timeout(self._rates.body_seconds), self._bodies:
                return await request.read()
        except TimeoutError:
            raise Busy("the body takes too long to come") from None

    def _response(self, answer: Answer) -> web.StreamResponse:
        from aiohttp import web

        response = web.Response(body=answer.body, status=answer.status, headers=self.headers(answer))
        response["note"] = answer.note
        return response

    def headers(self, answer: Answer) -> dict[str, str]:
        """The headers of an answer, with those that all have."""
        hashes = "".join(
            f" 'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" for style in answer.styles
        )
        found = {
            **_HEADERS,
            "Content-Security-Policy": _POLICY.format(styles=hashes),
            "Cache-Control": "private, no-cache",
            "Vary": "Accept, Authorization",
            **answer.headers,
        }
        if answer.media:
            found["Content-Type"] = answer.media
        return found


class _Asking:
    """One request to a route: whether its caller may, and what all answers to it say."""

    def __init__(self, route: Route, asked: Request) -> None:
        self._route, self._asked = route, asked
        self._conditional = not route.fresh and asked.method in _SAFE and _is_settled(asked)
        self._caller = self._tag = ""

    def allowed(self, caller: Caller, tag: str) -> bool:
        """Whether an answer is to be worked out. Raises Forbidden."""
        self._caller, self._tag = caller.name, tag
        permit(caller, self._route.role)
        return not (self._conditional and _has(self._asked, tag))

    def finished(self, answer: Answer) -> Answer:
        """With what all answers say."""
        tag = {"ETag": f'"{self._tag}"'} if self._conditional else {}
        return answer._replace(headers={**tag, **answer.headers}, note=f"{self._caller} {answer.note}".rstrip())


class _Look:
    """Whether something came after some transaction, for one who waits for it."""

    def __init__(self, route: Route, asked: Request, since: int) -> None:
        self._route, self._asked, self._since = route, asked, since

    def has_come(self, desk: Desk, work: Work) -> bool:
        """In a thread. Raises Unknown, Forbidden: also for a token that is no more."""
        found: list[int] = []

        def allowed(caller: Caller, tag: str) -> bool:
            permit(caller, self._route.role)
            found.append(int(tag.partition("-")[0]))
            return False

        desk.answered(self._asked, work, lambda given: Answer(b""), allowed)
        return found[0] > self._since


class _News:
    """What came after some transaction, for one who listens."""

    def __init__(self, route: Events, asked: Request) -> None:
        self._route, self._asked = route, asked
        last = asked.headers.get("Last-Event-ID") or asked.query.get("since", "")
        self._since = int(last) if last.isascii() and last.isdecimal() and len(last) <= 18 else None
        self.caller = ""

    def look(self, desk: Desk, work: Work) -> bytes:
        """In a thread: what is to be sent now. Raises Unknown, Forbidden: also for a token that is no more."""
        found: list[bytes] = []

        def allowed(caller: Caller, tag: str) -> bool:
            permit(caller, self._route.role)
            self.caller = caller.name
            number = int(tag.partition("-")[0])
            if self._since is None:
                self._since = number
            return number > self._since

        def answer(given: Asked) -> Answer:
            news = self._route.news(given, self._since or 0)
            found.extend(f"id: {number}\nevent: {name}\ndata: {data}\n\n".encode() for name, data, number in news)
            # What is not told yet comes at the next look.
            self._since = news[-1][2] if news else given.number
            return Answer(b"")

        desk.answered(self._asked, work, answer, allowed)
        return b"".join(found)


def permit(caller: Caller, role: str) -> None:
    """Raises Forbidden for who has not that role."""
    if not caller.may(role):
        raise Forbidden(f"{caller.name} is a {caller.role}, and this is for a {role}")


def _is_settled(asked: Request) -> bool:
    """Whether the moments that are asked about are the same tomorrow: now, as of a transaction; the number of one."""
    moments = (each for name in _MOMENTS for each in asked.query.getall(name, ()))
    return all(not moment or moment.lstrip("@").isdecimal() for moment in moments)


def _has(asked: Request, tag: str) -> bool:
    """Whether the asker has the answer with that tag (RFC 9110, 13.1.2: a weak comparison)."""
    tags = asked.headers.get("If-None-Match", "")
    return tags.strip() == "*" or f'"{tag}"' in (tag.strip().removeprefix("W/") for tag in tags.split(","))
