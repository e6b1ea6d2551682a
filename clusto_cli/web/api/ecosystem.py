"""What other programs ask in their own forms: targets and metrics for Prometheus, an inventory for Ansible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TextIO, cast
from urllib.parse import quote

from clusto_cli.web.answering import JSON, Answer
from clusto_cli.web.api.declaring import TEXT, Operation, Parameter
from clusto_cli.web.api.verbs import Says
from clusto_cli.web.asking import Asked
from clusto_cli.web.keeping import Body
from clusto_core.boundary.permissions import in_force
from clusto_core.library.server import ANSIBLE
from clusto_core.query import search
from clusto_core.transfer import formats
from clusto_core.transfer.formats import metrics
from clusto_core.transfer.leaving import Leaving

_NOTES = 2000
_WHERE = Parameter("where", TEXT, "an expression: only what it selects")
_PORT = Parameter("port", {"type": "integer", "minimum": 1, "maximum": 65535}, "the port of each target")
_LABEL = Parameter("label", TEXT, "a label of each target: `COLUMN` or `NAME=COLUMN`, as of find, or a key", many=True)
_TARGETS: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "targets": {"type": "array", "items": {"type": "string"}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["targets", "labels"],
        "additionalProperties": False,
    },
}
_GROUP = {
    "type": "object",
    "properties": {name: {"type": "array", "items": {"type": "string"}} for name in ("hosts", "children")},
    "additionalProperties": False,
}
_INVENTORY: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "_meta": {
            "type": "object",
            "properties": {"hostvars": {"type": "object", "additionalProperties": {"type": "object"}}},
            "required": ["hostvars"],
        },
        "all": _GROUP,
    },
    "required": ["_meta", "all"],
    "additionalProperties": _GROUP,
}


def operations() -> Iterator[Operation]:
    """All of them."""
    yield Operation(
        "/sd/prometheus",
        "The targets of Prometheus (http_sd)",
        _targets,
        {JSON: _TARGETS},
        (_WHERE, _PORT, _LABEL),
        words="As `clusto export --format prometheus`.",
    )
    yield Operation(
        ANSIBLE,
        "The inventory of Ansible, as inventory scripts print it",
        _ansible,
        {JSON: _INVENTORY},
        (_WHERE,),
        words="As `clusto export --format ansible-json`; `clusto-ansible` asks for it.",
    )
    yield Operation(
        "/metrics",
        "The inventory as metrics",
        _metrics,
        {metrics.MEDIA: {"type": "string"}},
        words="As `clusto export --format metrics`: of what the caller sees.",
        fresh=True,
    )


def _targets(asked: Asked, values: Mapping[str, list[Any]]) -> Answer:
    port = (values["port"] or [None])[0]
    return exported(asked, "prometheus", values, Leaving(port=port, labels=values["label"]))


def _ansible(asked: Asked, values: Mapping[str, list[Any]]) -> Answer:
    allowed = frozenset(in_force().exports.get("ansible", ()))
    return exported(asked, "ansible-json", values, Leaving(allowed))


def exported(asked: Asked, format_name: str, values: Mapping[str, list[Any]], leaving: Leaving) -> Answer:
    """An export of what the query selects, as JSON; what it has to say besides is in a header."""

    def make(body: Body) -> Answer:
        said: list[str] = []
        reader = asked.reader
        things = search.find(reader, values["where"][0]).things if values["where"] else reader.all()
        out = cast(TextIO, Says(lambda text: body.write(text.encode())))
        formats.writer_of(format_name)(reader, things, out, leaving._replace(tell=said.append))
        headers = {"Clusto-Note": quote("; ".join(said), safe=" ;:,/()='@")[:_NOTES]} if said else {}
        return Answer(b"", JSON, headers=headers)

    return asked.kept(leaving.allowed, make)


def _metrics(asked: Asked, values: Mapping[str, list[Any]]) -> Answer:
    return Answer("".join(metrics.lines(asked.reader)).encode(), metrics.MEDIA)
