"""Files below one directory, sent over HTTP: nothing outside, no listings, whole or a range, by the kernel.

Boot loaders and installers ask for them, hundreds at once; each download costs two descriptors and next to no memory.
A file is sent as it was when it was opened, whatever takes its place meanwhile.
"""

from __future__ import annotations

import asyncio
import errno
import io
import os
import stat
from email.utils import formatdate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from aiohttp import web

STALLED = 60.0
"""Seconds without progress after which a download is given up: a machine that was turned off says no goodbye."""
_PORTION = 1 << 20
_PUBLIC = (".treeinfo", ".discinfo", ".disk")
"""Dot files that installers ask for: Red Hat's trees say with them what is where, Debian's and Ubuntu's discs who
they are. All others are somebody's own, such as files that are being written."""
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO)


class NoFile(Exception):
    """There is nothing of that name to send; `denied` when there is and it cannot be read."""

    def __init__(self, *, denied: bool = False) -> None:
        super().__init__()
        self.denied = denied


class Download(NamedTuple):
    """What came of sending a file: how many bytes of how many, and whether that was all of the file."""

    response: web.StreamResponse
    sent: int
    wanted: int
    complete: bool


def relative(path: str) -> str | None:
    """The path below the directory that a URL's decoded path names; None when there can be none.

    Boot loaders double slashes, which mean nothing; `..` and hidden names are none.
    """
    segments = [segment for segment in path.split("/") if segment]
    if not segments or path.endswith("/") or "\0" in path or any(map(_hidden, segments)):
        return None
    return "/".join(segments)


def _hidden(segment: str) -> bool:
    return segment.startswith(".") and segment not in _PUBLIC


def inside(directory: str, path: str) -> str:
    """Where below the directory a file really is, when all links are followed; `..` where that is outside."""
    return os.path.relpath(os.path.realpath(os.path.join(directory, path)), os.path.realpath(directory))


def open_below(directory: str, path: str) -> io.FileIO:
    """Opens a file by its `relative` path. Raises NoFile; OSError when the file cannot be looked for just now.

    Symbolic links may lead to other files below the directory that are not hidden.
    """
    if any(map(_hidden, inside(directory, path).split("/"))):
        raise NoFile
    real = os.path.realpath(os.path.join(directory, path))
    try:
        # Whoever puts a link there between the two calls gets nothing; a pipe must not hold us up.
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        raise NoFile(denied=True) from None
    except OSError as error:
        if error.errno in _NO_FILE:
            raise NoFile from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NoFile
    return os.fdopen(descriptor, "rb", buffering=0)


async def send(request: web.Request, file: io.FileIO) -> Download:
    """Answers a GET or HEAD with an open file, or the range that was asked for (RFC 9110, section 14).

    A range that is malformed, or several at once, are answered by the whole file. When a client goes away, or takes
    nothing for STALLED seconds, or the file turns out to be shorter, the connection is cut.
    """
    from aiohttp import web

    status = os.fstat(file.fileno())
    size = status.st_size
    validators = {
        "ETag": f'"{status.st_mtime_ns:x}-{size:x}"',
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
    }
    chosen = _range(request, size, validators)
    # A proxy that hands out yesterday's boot file installs a machine once more.
    response = web.StreamResponse(headers={**validators, "Accept-Ranges": "bytes", "Cache-Control": "no-cache"})
    response.content_type = "application/octet-stream"
    if chosen is None:
        start, count = 0, size
    elif not chosen:
        response.set_status(416)
        response.headers["Content-Range"] = f"bytes */{size}"
        start = count = 0
    else:
        response.set_status(206)
        response.headers["Content-Range"] = f"bytes {chosen.start}-{chosen.stop - 1}/{size}"
        start, count = chosen.start, len(chosen)
    response.content_length = count
    await response.prepare(request)
    if request.method == "HEAD":
        return Download(response, 0, 0, False)
    sent = await _pass_on(request, file, start, count)
    if sent < count and request.transport is not None:
        request.transport.abort()
    return Download(response, sent, count, sent == count == size)


def _range(request: web.Request, size: int, validators: dict[str, str]) -> range | None:
    """The bytes asked for; None for the whole file, an empty range when the file has none of them."""
    condition = request.headers.get("If-Range")
    if request.method != "GET" or (condition is not None and condition not in validators.values()):
        return None
    try:
        asked = request.http_range
    except ValueError:
        return None
    if asked.start is None:
        return None
    return range(size)[asked]


async def _pass_on(request: web.Request, file: io.FileIO, start: int, count: int) -> int:
    """Has the kernel send so much of a file; how many bytes it took."""
    loop = asyncio.get_running_loop()
    sent = 0
    try:
        while sent < count:
            transport = request.transport
            if transport is None or transport.is_closing():
                break
            async with asyncio.timeout(STALLED):
                portion = await loop.sendfile(transport, file, start + sent, min(_PORTION, count - sent))
            if not portion:
                break
            sent += portion
    except (OSError, TimeoutError):
        return file.tell() - start
    return sent
