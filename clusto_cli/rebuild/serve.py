"""The boot server over HTTP: boot files, what installers fetch, and what machines call back.

    GET /PATH                        a file below the directory
    GET, POST /rebuild/TOKEN/EVENT   a machine says how far it is, `?message=` or the body of a POST says more
    GET /rebuild/TOKEN/answers/FILE  an answer of that machine's
    GET /rebuild/TOKEN/check         whether that would be heard
    GET /rebuild                     who this is

A call-back is answered by 200 when it is written down, and by 503 when it cannot be now: then the machine tries again.
The answers of a machine (`hosts/NAME/FILE`) are for it alone: it knows its token, or has its address.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from clusto_cli import __version__
from clusto_cli.backends.runner import Interruption, run
from clusto_cli.hosting.limits import Buckets, Gate, Limits, Log, client_of
from clusto_cli.hosting.listening import allow_connections, hosted, problem
from clusto_cli.output import clean
from clusto_cli.rebuild import files
from clusto_cli.rebuild.incoming import Disarm, Incoming, Say, TooMuch, UnknownToken
from clusto_core.config import Settings
from clusto_core.errors import ClustoError, Malformed, NotFound
from clusto_core.records.rebuilds import NotTaken, Rebuild
from clusto_core.secrecy import MASK
from clusto_core.store.reader import open_reader

if TYPE_CHECKING:
    from aiohttp import web

OWN = "hosts"
"""Below it each machine has a folder of its own, with its answers."""
BOOT_IPXE = """#!ipxe
# Written by clusto: what it has for the card that booted; where it has nothing, the machine's own disk.
chain --replace --autofree ipxe/mac-${netX/mac:hexraw}.ipxe || exit
"""
"""What iPXE gets for `boot.ipxe` where the directory has none."""

_LONGEST_MESSAGE = 64 * 1024
_SLOWEST_MESSAGE = 30.0
_WINDING_UP = 5.0
ADDRESS, TOKEN, ANYBODY = "address", "token", "any"
ANSWERS = (ADDRESS, TOKEN, ANYBODY)
_USUAL = Limits()
_PRUNE_EVERY = 86400.0
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_SECRET = re.compile(r"(?<=/rebuild/)/*[^/?\s]+|(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
_LONGEST_LINE = 400


def serve(
    settings: Settings,
    places: Sequence[tuple[str, int]],
    directory: str,
    say: Say,
    disarm: Disarm,
    *,
    answers: str = ADDRESS,
    limits: Limits = _USUAL,
) -> None:
    """Serves at each address and port until it is interrupted or terminated. Port 0 is any that is free.

    `answers` says who gets a machine's answers: whoever has its ADDRESS or its token, its TOKEN only, or ANYBODY.

    `say` gets a line for each request and each problem, without tokens and control characters. `disarm` is awaited
    when a machine calls back that its installer has begun, and on starting for those that have. Raises NotFound where
    there is no such directory or no store, StoreBroken as `open_reader`, Refused when it cannot listen there.
    """
    check(settings, directory)
    allow_connections()

    async def main(interruption: Interruption) -> None:
        log = Log(partial(write, say), limits)
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: log.tell(problem(context)))
        try:
            await answering(settings, places, directory, log, disarm, interruption, answers=answers, limits=limits)
        finally:
            log.sum_up()

    run(main)


def check(settings: Settings, directory: str) -> None:
    """Raises NotFound where there is no such directory or no store, StoreBroken; loads what the first machine that
    calls back would wait for."""
    if not os.path.isdir(directory):
        raise NotFound(f"no such directory: {directory}")
    with open_reader(settings.url):
        pass
    _load_writing(settings)


def write(say: Say, line: str) -> None:
    """Says a line without tokens and control characters. A server goes on when nobody reads what it says any more."""
    with contextlib.suppress(OSError, ValueError):
        say(clean(_SECRET.sub(MASK, line)[:_LONGEST_LINE]))


async def answering(
    settings: Settings,
    places: Sequence[tuple[str, int]],
    directory: str,
    log: Log,
    disarm: Disarm,
    interruption: Interruption,
    *,
    answers: str = ADDRESS,
    limits: Limits = _USUAL,
) -> None:
    """Answers machines until it is to end, beside whatever else the loop does. Raises Refused as `serve`."""
    incoming = Incoming(settings, log.tell, disarm)
    gate = Gate(limits, log.tell)
    server = BootServer(directory, incoming, gate, answers)
    try:
        async with hosted(server.application(), places, gate, log, name="clusto.rebuild.serve", winding_up=_WINDING_UP):
            await server.attend(interruption)
    finally:
        await incoming.close()


class BootServer:
    """What each request is answered."""

    def __init__(self, directory: str, incoming: Incoming, gate: Gate, answers: str) -> None:
        self.incoming = incoming
        self.gate = gate
        self._directory = directory
        self._answers = answers
        limits = gate.limits
        self._wrong = Buckets(limits.wrong_tokens_per_second, limits.wrong_tokens_at_once)

    def application(self) -> web.Application:
        """What answers every request with what it has."""
        from aiohttp import web

        # One more byte than is taken: versions of aiohttp differ in whether they take as much as that themselves.
        application = web.Application(client_max_size=_LONGEST_MESSAGE + 1)
        application.router.add_route("*", "/{path:.*}", self.answer)
        return application

    async def attend(self, interruption: Interruption) -> None:
        """Goes on with what was heard before, and clears up now and then, until it is to end."""
        await self.incoming.resume()
        while True:
            await self.incoming.prune()
            if await interruption.pause(_PRUNE_EVERY):
                break

    async def answer(self, request: web.Request) -> web.StreamResponse:
        guard = self.gate.guard_of(request.transport)
        if guard is None:
            return await self._answered(request)
        guard.began()
        try:
            return await self._answered(request)
        finally:
            guard.ended()

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        segments = [segment for segment in request.path.split("/") if segment]
        if segments[:1] != ["rebuild"]:
            return await self._file(request, files.relative(request.path))
        if len(segments) == 1:
            return _only(request, "GET", "HEAD") or _text(f"clusto rebuild {__version__}")
        if len(segments) == 4 and segments[2] == "answers":
            return await self._answer_of(request, segments[1], segments[3])
        if len(segments) != 3:
            return _text("no such page", 404)
        _, token, event = segments
        allowed = ("GET", "HEAD") if event == "check" else ("GET", "POST")
        return _only(request, *allowed) or await self._heard(request, token, event)

    async def _heard(self, request: web.Request, token: str, event: str) -> web.StreamResponse:
        message = await _message(request)
        client = client_of(request.remote)
        if self._wrong.full(client):
            return _text("too many tokens that there are not", 429, headers={"Retry-After": "60"})
        try:
            if not _TOKEN.fullmatch(token):
                raise UnknownToken
            if event == "check":
                rebuild = await self._of_token(token)
                return _text(rebuild.name)
            rebuild = await self.incoming.call_back(token, event, message)
        except UnknownToken as error:
            self._wrong.take(client)
            return _text(str(error), 403, note=str(error))
        except TooMuch as error:
            return _text(str(error), 429, note=str(error), headers={"Retry-After": "60"})
        except NotTaken as error:
            return _text(str(error), 409, note=str(error))
        except Malformed as error:
            return _text(str(error), 404, note=str(error))
        except ClustoError as error:
            # Where the store is, and what is wrong with it, concerns no machine.
            return _text("not written down: try again", 503, note=str(error), headers={"Retry-After": "5"})
        return _text("ok", note=f"{rebuild.name}: {event}" + (f": {message[:100]}" if message else ""))

    async def _of_token(self, token: str) -> Rebuild:
        rebuild = await self.incoming.known(token)
        if rebuild.ended:
            raise NotTaken(f"the rebuild of {rebuild.name} has ended: {rebuild.phase}")
        return rebuild

    async def _answer_of(self, request: web.Request, token: str, name: str) -> web.StreamResponse:
        """An answer of the machine with that token."""
        client = client_of(request.remote)
        if self._wrong.full(client):
            return _text("too many tokens that there are not", 429, headers={"Retry-After": "60"})
        try:
            if not _TOKEN.fullmatch(token):
                raise UnknownToken
            rebuild = await self._of_token(token)
        except (UnknownToken, NotTaken) as error:
            self._wrong.take(client)
            return _text(str(error), 403, note=str(error))
        except ClustoError as error:
            return _text("try again", 503, note=str(error), headers={"Retry-After": "5"})
        path = f"{OWN}/{rebuild.name}/{name}"
        if path not in rebuild.plan.get("answers", ()):
            return _text("no such file", 404)
        return await self._file(request, path, own=True)

    async def _is_own(self, request: web.Request, path: str) -> bool:
        """Whether a file may be given to who asks: what is below `hosts` only to the machine whose it is."""
        if self._answers == ANYBODY:
            return True
        path = await asyncio.to_thread(files.inside, self._directory, path)
        if path.split("/")[0] != OWN:
            return True
        if self._answers == TOKEN:
            return False
        return client_of(request.remote) in await self.incoming.addresses(path)

    async def _file(self, request: web.Request, path: str | None, *, own: bool = False) -> web.StreamResponse:
        if refusal := _only(request, "GET", "HEAD"):
            return refusal
        if path is None:
            return _text("no such file", 404)
        try:
            if not own and not await self._is_own(request, path):
                return _text("not yours", 403, note="only for the machine whose it is, by its address or its token")
        except ClustoError as error:
            return _text("try again", 503, note=str(error), headers={"Retry-After": "5"})
        try:
            file = await asyncio.to_thread(files.open_below, self._directory, path)
        except files.NoFile as error:
            if path == "boot.ipxe" and not error.denied:
                return _text(BOOT_IPXE.rstrip("\n"), note="written for it")
            return _text("not readable", 403) if error.denied else _text("no such file", 404)
        except OSError as error:
            return _text("try again", 503, note=str(error.strerror), headers={"Retry-After": "5"})
        with file:
            download = await files.send(request, file)
        if download.complete:
            self.incoming.fetched(path)
        response = download.response
        if download.sent < download.wanted:
            response["note"] = f"broken off after {download.sent} of {download.wanted} bytes"
        elif request.method == "GET":
            response["note"] = f"{download.sent} bytes"
        return response


def _only(request: web.Request, *methods: str) -> web.StreamResponse | None:
    """What a request by another method is answered."""
    if request.method in methods:
        return None
    return _text("not by this method", 405, headers={"Allow": ", ".join(methods)})


def _text(text: str, status: int = 200, *, note: str = "", headers: dict[str, str] | None = None) -> web.StreamResponse:
    from aiohttp import web

    response = web.Response(text=f"{text}\n", status=status, headers={"Cache-Control": "no-store", **(headers or {})})
    response["note"] = note
    return response


async def _message(request: web.Request) -> str | None:
    """What the machine says besides: the body of a POST, else what the query has. Raises HTTPRequestEntityTooLarge."""
    from aiohttp import web

    if request.method == "POST":
        size = request.content_length or 0
        if size <= _LONGEST_MESSAGE:
            try:
                async with asyncio.timeout(_SLOWEST_MESSAGE):
                    body = await request.read()
            except TimeoutError:
                raise web.HTTPRequestTimeout from None
            size = len(body)
        if size > _LONGEST_MESSAGE:
            raise web.HTTPRequestEntityTooLarge(_LONGEST_MESSAGE, size)
        if body:
            return body.decode(errors="replace")
    return request.query.get("message")


def _load_writing(settings: Settings) -> None:
    """Loads what the first machine that calls back would wait for."""
    import clusto_core.store.schema  # noqa: F401
    from clusto_core.store.opening import engine_for

    engine_for(settings.url).dispose()
