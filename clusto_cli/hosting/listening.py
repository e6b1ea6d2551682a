"""An application of aiohttp that listens at some addresses, its connections guarded, with a line a request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import resource
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

from clusto_cli.hosting.limits import Gate, Log, client_of
from clusto_core.errors import Malformed, Refused

if TYPE_CHECKING:
    import ssl

    from aiohttp import web
    from aiohttp.abc import AbstractAccessLogger

LOOPBACK = "127.0.0.1"
_WINDING_UP = 5.0
_DESCRIPTORS = 8192
_LONGEST_LINE = 8190


def listening(text: str) -> tuple[str, int]:
    """The address and port of `ADDRESS:PORT` or `[ADDRESS]:PORT`; `:PORT` is this machine alone. Raises Malformed."""
    address, separator, port = text.rpartition(":")
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    if not separator or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535 or (":" in bare and bare == address):
        raise Malformed(f"malformed address: {text[:60]!a} (write ADDRESS:PORT, as 10.0.0.1:8080 or [::]:8080)")
    return bare or LOOPBACK, int(port)


@contextlib.asynccontextmanager
async def hosted(
    application: web.Application,
    places: Sequence[tuple[str, int]],
    gate: Gate,
    told: Log,
    *,
    name: str,
    tls: ssl.SSLContext | None = None,
    winding_up: float = _WINDING_UP,
    longest_line: int = _LONGEST_LINE,
) -> AsyncIterator[None]:
    """The application listens at each address and port until the block ends; port 0 is any that is free. `name` is
    that of its log, `longest_line` the octets that what is asked for may have. Raises Refused when it cannot listen
    there."""
    from aiohttp import web

    log = logging.Logger(name)
    log.addHandler(_Lines(told.tell))
    runner = web.AppRunner(
        application,
        logger=log,
        access_log=log,
        access_log_class=_access_log(told),
        keepalive_timeout=gate.limits.idle,
        shutdown_timeout=winding_up,
        max_line_size=longest_line,
    )
    await runner.setup()
    assert runner.server is not None
    listeners: list[asyncio.Server] = []
    try:
        for address, port in places:
            listeners.append(await _listener(gate.guarding(runner.server), address, port, tls))
        for place in (socket.getsockname() for listener in listeners for socket in listener.sockets):
            told.tell(f"listening on {'https' if tls else 'http'}://{bracketed(place[0])}:{place[1]}")
        yield
    finally:
        for listener in listeners:
            listener.close()
        await runner.cleanup()


async def _listener(
    protocol: Callable[[], asyncio.Protocol], address: str, port: int, tls: ssl.SSLContext | None
) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(protocol, address, port, backlog=1024, ssl=tls)
    except (OSError, UnicodeError) as error:
        raise Refused(f"cannot listen on {bracketed(address)}:{port}: {_reason(error)}") from None


class _Lines(logging.Handler):
    """What aiohttp has to say, a line each."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._tell(record.getMessage() + (f": {error!r}" if error else ""))


def _access_log(told: Log) -> type[AbstractAccessLogger]:
    """A line for each request: who, what, the answer, and what came of it."""
    from aiohttp.abc import AbstractAccessLogger

    class AccessLog(AbstractAccessLogger):
        def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
            query = f"?{request.query_string}" if request.query_string else ""
            note = str(response.get("note", ""))[:300]
            asked = f"{request.method} {request.path[:200]}{query[:100]}"
            told.tell(f"{request.remote} {asked} {response.status} {note}".rstrip(), client_of(request.remote))

    return AccessLog


def _reason(error: OSError | UnicodeError) -> str:
    """The system's words: asyncio's own repeat the address, those of a name that is none have a number of their own."""
    number = getattr(error, "errno", None) or 0
    return os.strerror(number) if number > 0 else str(error)


def bracketed(address: str) -> str:
    """An address as it stands before a port."""
    return f"[{address}]" if ":" in address else address


def problem(context: dict[str, object]) -> str:
    """What an event loop tells its exception handler, in a line."""
    error = context.get("exception")
    return f"{context.get('message')}" + (f": {error!r}" if error else "")


def allow_connections() -> None:
    """A download takes two descriptors, and many systems give a program 1024 unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
