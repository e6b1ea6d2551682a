"""The description of the API (OpenAPI 3.1, https://spec.openapis.org/oas/v3.1.0), made of what its operations declare,
and a page that shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from clusto_cli import __version__
from clusto_cli.web.answering import HTML, JSON, PROBLEM, Answer, title_of
from clusto_cli.web.api.declaring import IN_PATH, Operation, Parameter, Schema
from clusto_cli.web.routing import Static

_PATH = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_VERSIONED = re.compile("^/api/v[0-9]+")
_ALWAYS = (400, 401, 404, 421, 429, 503)
_PROBLEM: Schema = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["title", "status", "detail"],
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{background:#8882;padding:0 .2em}h2{margin-top:2em;font-size:1.1rem}td,th{text-align:left;padding:.1em .8em"
    " .1em 0;vertical-align:top}td:last-child,h2{overflow-wrap:anywhere}:root{color-scheme:light dark}"
)


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The description."""
    paths: dict[str, dict[str, Any]] = {}
    definitions: dict[str, Any] = {}
    for operation in operations:
        path = _PATH.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _described(operation, path, definitions)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "clusto",
            "version": __version__,
            "description": "The inventory: what `clusto VERB -o json` prints, and changes to it.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **definitions},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{"token": []}, {"basic": []}, {}],
    }


def _described(operation: Operation, path: str, definitions: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": "-".join([operation.method.lower(), *re.findall("[a-z0-9]+", _VERSIONED.sub("", path))]),
        "summary": operation.summary,
        "description": operation.words,
        "parameters": [*map(_in_path, re.findall(r"\{(\w+)\}", path)), *map(_in_query, operation.parameters)],
        "responses": {"200": _answered(operation, definitions)},
    }
    statuses = {*_ALWAYS, *operation.statuses, *((304,) if operation.method == "GET" and not operation.fresh else ())}
    statuses |= {403, 409} if operation.method != "GET" else {409}
    for status in sorted(statuses):
        content = {} if status == 304 else {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        found["responses"][str(status)] = {
            "description": "Not changed" if status == 304 else title_of(status),
            **content,
        }
    if operation.method == "PATCH":
        found["parameters"].append(_in_header("If-Match", "the ETag of what was read: refused if it has changed since"))
    elif "304" in found["responses"]:
        found["parameters"].append(_in_header("If-None-Match", "the ETag of what is known: not sent again"))
    if operation.body is not None:
        body = operation.body
        found["requestBody"] = {
            "description": body.words,
            "required": True,
            "content": {body.media: {"schema": _moved(body.schema, definitions)}},
        }
    return found


def _answered(operation: Operation, definitions: dict[str, Any]) -> dict[str, Any]:
    content = {media: {"schema": _moved(schema, definitions)} for media, schema in operation.answers.items()}
    return {"description": operation.summary, "content": content}


def _moved(schema: Schema, definitions: dict[str, Any]) -> Schema:
    """A schema whose definitions are the document's."""
    found = dict(schema)
    for name, definition in found.pop("$defs", {}).items():
        definitions[name] = json.loads(json.dumps(definition).replace("#/$defs/", "#/components/schemas/"))
    text = json.dumps(found).replace("#/$defs/", "#/components/schemas/")
    moved: Schema = json.loads(text)
    return moved


def _in_path(name: str) -> dict[str, Any]:
    return {**_in_query(IN_PATH[name]), "in": "path"}


def _in_query(parameter: Parameter) -> dict[str, Any]:
    schema = {"type": "array", "items": parameter.schema} if parameter.many else parameter.schema
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.words,
        "schema": schema,
    }


def _in_header(name: str, words: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": words, "schema": {"type": "string"}}


def statics(operations: Iterable[Operation], prefix: str) -> Iterator[Static]:
    """The description, and the page."""
    described = document(operations)
    yield Static(f"{prefix}/openapi.json", Answer(json.dumps(described, indent=1).encode() + b"\n", JSON))
    yield Static(f"{prefix}/docs", Answer("".join(_page(described)).encode(), HTML, styles=(_STYLE,)))


def _page(described: Mapping[str, Any]) -> Iterator[str]:
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>clusto: API</title><style>{_STYLE}</style>'
    yield '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><h1>API</h1>'
    yield f"<p>{_shown(described['info']['description'])} As OpenAPI: <a href=openapi.json>openapi.json</a>.</p>"
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield f"<h2 id={escape(operation['operationId'])}><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{_shown(operation['summary'])}. {_shown(operation['description'])}</p><table>"
            for each in operation["parameters"]:
                yield f"<tr><th><code>{escape(each['name'])}</code><td>{each['in']}<td>{_shown(each['description'])}"
            if body := operation.get("requestBody"):
                yield f"<tr><th>body<td>{escape(', '.join(body['content']))}<td>{_shown(body['description'])}"
            yield "</table>"
    yield "</html>\n"


def _shown(text: str) -> str:
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(text))
