"""Records as they come from a verb, one a line, made a JSON document, JSON lines, or one page of either."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, quote, urlencode

from clusto_cli.web.answering import JSON, NDJSON, Answer, Moved
from clusto_cli.web.api.declaring import Parameter
from clusto_cli.web.asking import Asked
from clusto_core.errors import Malformed

LIMIT = Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 10000}, "at most so many: the rest by pages")
CURSOR = Parameter(
    "cursor", {"type": "string", "pattern": "^[0-9]{1,18}\\.[0-9]{1,18}$"}, "where a page goes on: see the Link header"
)
_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")
_NOTES = 2000


class Enough(Exception):
    """Ends a verb that would say more than is wanted."""


class Listing:
    """Takes what a verb writes, a record a line; gives the answer. It flows as soon as it is long, unless it is a page:
    what is behind a page is told in a header, which goes first."""

    def __init__(self, asked: Asked, limit: int | None, cursor: str | None) -> None:
        self._asked = asked
        self._lines = bool(re.search(r"\bapplication/x-ndjson\b", asked.request.headers.get("Accept", "")))
        self._limit = limit
        self._skip = self._first = _begins(cursor, asked.number)
        self._taken = 0
        self._more = False
        self._rest = ""
        self._notes: list[str] = []
        self._page: list[str] = []
        self._write: Callable[[bytes], None] | None = None

    def out(self, text: str) -> None:
        """What the verb writes. Raises Enough when a page is full."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._record(line)

    @property
    def begun(self) -> bool:
        """Whether there is any record."""
        return self._taken > 0

    def err(self, text: str) -> None:
        """What the verb has to say besides."""
        self._notes.append(text)

    def _record(self, line: str) -> None:
        if self._skip:
            self._skip -= 1
            return
        if self._limit is not None and self._taken == self._limit:
            self._more = True
            raise Enough
        self._taken += 1
        if self._limit is not None:
            self._page.append(line)
            return
        if self._write is None:
            self._write = self._asked.begin(self._head())
            self._write(b"" if self._lines else b"[")
        self._write(self._separator(self._taken == 1) + line.encode() + (b"\n" if self._lines else b""))

    def _separator(self, first: bool) -> bytes:
        return b"" if self._lines else b"\n" if first else b",\n"

    def _head(self) -> Answer:
        notes = [line.removeprefix("clusto: ") for line in "".join(self._notes).splitlines()]
        headers = {"Clusto-Note": quote("; ".join(notes), safe=" ;:,/()='@*<>!?[]\"+&")[:_NOTES]} if notes else {}
        if self._more:
            headers["Link"] = f'<{self._following()}>; rel="next"'
        return Answer(b"", NDJSON if self._lines else JSON, headers=headers)

    def _following(self) -> str:
        path, _, query = self._asked.request.url.partition("?")
        pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "cursor"]
        return f"{path}?{urlencode([*pairs, ('cursor', f'{self._asked.number}.{self._first + self._taken}')])}"

    def finished(self) -> Answer:
        """The answer, or its head where the rest has been passed on."""
        if self._write is not None:
            self._write(b"" if self._lines else b"\n]\n")
            return self._head()
        if self._lines:
            body = "".join(f"{line}\n" for line in self._page)
        else:
            body = "[" + ",".join(f"\n{line}" for line in self._page) + "\n]\n"
        return self._head()._replace(body=body.encode())


def _begins(cursor: str | None, number: int) -> int:
    """How many records are before a page. Raises Moved where the inventory has changed since the first page."""
    if cursor is None:
        return 0
    shape = _CURSOR.fullmatch(cursor)
    if shape is None:
        raise Malformed(f"malformed cursor: {cursor[:60]!a} (the Link header has it)")
    if int(shape[1]) != number:
        raise Moved(f"the inventory has changed since the first page, of transaction {shape[1]}: begin anew")
    return int(shape[2])
