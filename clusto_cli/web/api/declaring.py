"""What an operation of the API is: declared once; by that its requests are read, and its description is made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from clusto_cli.web.answering import JSON, Answer
from clusto_cli.web.asking import Asked, Request
from clusto_cli.web.routing import Route
from clusto_core.errors import Malformed
from clusto_core.records.tokens import READER

Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 4000}
FLAG: Schema = {"type": "boolean"}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 600}
_TRUE, _FALSE = ("true", "1"), ("false", "0")
_WHOLE = re.compile("[0-9]{1,18}")


def parsed(body: bytes) -> Any:
    """What a body says in JSON. Raises Malformed."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is no JSON: {error}") from None


class Parameter(NamedTuple):
    """One of a query; `many` may be given several times. `schema` is that of each."""

    name: str
    schema: Schema
    words: str
    many: bool = False
    required: bool = False

    def read(self, texts: list[str]) -> list[Any]:
        """The values, as the schema has them. Raises Malformed."""
        if len(texts) > 1 and not self.many:
            raise Malformed(f"{self.name} is given {len(texts)} times")
        if self.required and not texts:
            raise Malformed(f"{self.name} is missing")
        return [self._value(text) for text in texts]

    def _value(self, text: str) -> Any:
        kind = self.schema.get("type")
        if kind == "boolean":
            if text not in (*_TRUE, *_FALSE):
                raise Malformed(f"{self.name} is true or false, not {text[:60]!a}")
            return text in _TRUE
        if kind == "integer":
            low, high = self.schema.get("minimum", 0), self.schema.get("maximum", 10**18)
            if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
                raise Malformed(f"{self.name} is a whole number from {low} to {high}, not {text[:60]!a}")
            return int(text)
        if (known := self.schema.get("enum")) and text not in known:
            raise Malformed(f"{self.name} is one of {', '.join(known)}, not {text[:60]!a}")
        if len(text) < self.schema.get("minLength", 0) or len(text) > self.schema.get("maxLength", len(text)):
            raise Malformed(f"{self.name} is empty, or too long")
        if "\0" in text:
            raise Malformed(f"{self.name} holds a NUL")
        return text


IN_PATH = {
    each.name: each
    for each in (
        Parameter("name", NAME, "a Thing or part, by name, address, MAC or serial number", required=True),
        Parameter("key", {**NAME, "maxLength": 300}, "a key, as `status` or `snmp.community`", required=True),
        Parameter(
            "transaction",
            {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
            "the number of a transaction",
            required=True,
        ),
    )
}
"""What the parts of paths are that have names."""
AT = Parameter("at", TEXT, "as it was: a moment (`yesterday`, `2026-11-02T14:30`) or the number of a transaction")


class Body(NamedTuple):
    """What a request brings: its media type, its schema, and what it is."""

    media: str
    schema: Schema
    words: str


class Operation(NamedTuple):
    """One thing that may be asked. `answer` is given what was asked and the values of its parameters. `answers` are the
    schemas of what it answers, by media type; `statuses` what else may come of it, beside what may of all."""

    path: str
    summary: str
    answer: Callable[[Asked, Mapping[str, list[Any]]], Answer]
    answers: Mapping[str, Schema]
    parameters: tuple[Parameter, ...] = ()
    method: str = "GET"
    role: str = READER
    body: Body | None = None
    headers: Mapping[str, str] = {}
    statuses: tuple[int, ...] = ()
    words: str = ""
    fresh: bool = False
    waits: Callable[[Request], tuple[int, float] | None] | None = None

    def route(self) -> Route:
        """How it is asked."""
        return Route(self.path, self._answered, self.method, self.role, self.fresh, self._read, self.waits)

    def _read(self, request: Request) -> dict[str, list[Any]]:
        return read(self.parameters, request)

    def _answered(self, asked: Asked) -> Answer:
        return self.answer(asked, self._read(asked.request))


def read(parameters: tuple[Parameter, ...], request: Request) -> dict[str, list[Any]]:
    """The values of a query by their names, none where none is given. Raises Malformed, also for what there is not."""
    for name, text in request.path.items():
        IN_PATH[name].read([text])
    known = {parameter.name: parameter for parameter in parameters}
    for name in request.query:
        if name not in known:
            raise Malformed(f"no such parameter: {name[:60]} (known: {', '.join(known) or 'none'})")
    return {name: each.read(request.query.getall(name, [])) for name, each in known.items()}


def json_answer(document: Any, **more: Any) -> Answer:
    """A document."""
    import json

    return Answer(json.dumps(document).encode() + b"\n", JSON, **more)
