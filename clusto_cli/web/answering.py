"""What a request is answered with, and what goes wrong, by status (RFC 9110, problems as RFC 9457 has them)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from clusto_core.errors import ClustoError, Malformed, NotFound, Refused, StoreBroken

HTML = "text/html; charset=utf-8"
JSON = "application/json"
NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"
PROBLEM = "application/problem+json"
NO_HEADERS: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What is answered. `styles` are the contents of `style` elements in it: the content security policy lets these
    in, by their hashes, and no others. `note` is what the log says of it."""

    body: bytes
    media: str = JSON
    status: int = 200
    headers: Mapping[str, str] = NO_HEADERS
    styles: tuple[str, ...] = ()
    note: str = ""


class Trouble(Refused):
    """What goes wrong with a request rather than with the inventory."""

    status = 400
    headers: Mapping[str, str] = NO_HEADERS


class Unknown(Trouble):
    """Nobody knows who asks."""

    status = 401


class Forbidden(Trouble):
    """Who asks may not do that."""

    status = 403


class Moved(Trouble):
    """The inventory has changed since the first page of a list: its next page would not fit."""

    status = 410


class Changed(Trouble):
    """What was to be changed has been changed meanwhile (If-Match)."""

    status = 412


class Unsupported(Trouble):
    """The body is of a kind that is not read here."""

    status = 415


class Misdirected(Trouble):
    """The request names another server than this one (RFC 9110, 15.5.20)."""

    status = 421


class TooMuch(Trouble):
    """Somebody asks too often."""

    status = 429
    headers: Mapping[str, str] = {"Retry-After": "10"}


class Busy(Trouble):
    """Too many requests are being answered, or one takes too long."""

    status = 503
    headers: Mapping[str, str] = {"Retry-After": "5"}


_STATUS: tuple[tuple[type[ClustoError], int], ...] = (
    (Malformed, 400),
    (NotFound, 404),
    (Refused, 409),
    (StoreBroken, 503),
)
_TITLES = {
    400: "Malformed",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Not by this method",
    409: "Refused",
    410: "Begin anew",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not of this kind",
    421: "Not here",
    429: "Too often",
    500: "Failed",
    503: "Try again",
}


def status_of(error: ClustoError) -> int:
    """The status that says what the caller can do about it."""
    if isinstance(error, Trouble):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def words_of(error: ClustoError) -> str:
    """What the caller is told. Where the store is, and what is wrong with it, concerns nobody who asks."""
    return "the inventory cannot be read now" if isinstance(error, StoreBroken) else str(error)


def title_of(status: int) -> str:
    """A status in words."""
    return _TITLES.get(status, "Failed")


def problem(status: int, detail: str, lines: tuple[str, ...] = (), headers: Mapping[str, str] = NO_HEADERS) -> Answer:
    """What went wrong, for programs."""
    told: dict[str, Any] = {"title": title_of(status), "status": status, "detail": detail}
    if lines:
        told["lines"] = list(lines)
    return Answer(json.dumps(told).encode(), PROBLEM, status, {"Cache-Control": "no-store", **headers}, note=detail)
