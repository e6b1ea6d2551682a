"""Command lines of a clusto elsewhere (`clusto --db https://...`), done here: what is offered, what comes back.

What comes back are lines of JSON: `out` and `err` are what the verb writes, `exit` its exit code, and `error` what is
to be said of it, with `details`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from clusto_cli import misuse
from clusto_cli.calling import Called
from clusto_cli.options import changes_the_inventory, check_afar
from clusto_cli.web.answering import JSON, NDJSON, Answer, Forbidden, Unsupported
from clusto_cli.web.api import reading, verbs
from clusto_cli.web.api.declaring import Body, Operation, Schema, json_answer, parsed
from clusto_cli.web.asking import Asked
from clusto_core.errors import ClustoError, Malformed, Refused
from clusto_core.records.tokens import WRITER

_BESIDE = ("ip next", "query show", "type list", "batch")
"""Verbs that are done for others, beside those of the API and all that change the inventory and nothing else."""
_NEVER = ("reveal",)
_LONGEST = 2 << 20
_WORDS: Schema = {"type": "array", "items": {"type": "string", "maxLength": _LONGEST}, "maxItems": 100_000}
_ASKED: Schema = {
    "type": "object",
    "properties": {
        "words": {
            **_WORDS,
            "minItems": 1,
            "description": "the command line, without `clusto` and what is before the verb",
        },
        "stdin": {"type": "string", "description": "what is on standard input"},
    },
    "required": ["words"],
    "additionalProperties": False,
}
_SAID: Schema = {
    "type": "object",
    "properties": {
        "out": {"type": "string"},
        "err": {"type": "string"},
        "exit": {"type": "integer"},
        "error": {"type": "string"},
        "details": {"type": "array", "items": {"type": "string"}},
    },
    "additionalProperties": False,
}
_COMPLETE: Schema = {
    "type": "object",
    "properties": {"words": _WORDS, "last": {"type": "string", "maxLength": 10_000}},
    "required": ["words", "last"],
    "additionalProperties": False,
}
_ITEM: Schema = {
    "type": "object",
    "properties": {
        "value": {"type": "string"},
        "type": {"type": "string"},
        "help": {"type": ["string", "null"]},
        "partial": {"type": "boolean"},
        "expression": {"type": "boolean"},
    },
    "required": ["value", "type", "help", "partial", "expression"],
    "additionalProperties": False,
}


def operations() -> Iterator[Operation]:
    """All of them."""
    yield Operation(
        f"{reading.PREFIX}/command",
        "Do a command line for a clusto elsewhere",
        _command,
        {NDJSON: _SAID},
        method="POST",
        body=Body(JSON, _ASKED, "the command line"),
        statuses=(403, 409, 415),
        words="What `clusto --db https://...` asks. Verbs that change the inventory are for writers.",
        fresh=True,
    )
    yield Operation(
        f"{reading.PREFIX}/complete",
        "What the last word of a command line may become",
        _complete,
        {JSON: {"type": "array", "items": _ITEM}},
        method="POST",
        body=Body(JSON, _COMPLETE, "the words before, and what was typed of the last one"),
        statuses=(403, 415),
        fresh=True,
    )


def _command(asked: Asked, values: Mapping[str, list[Any]]) -> Answer:
    given = _object(asked, _ASKED)
    words, stdin = given["words"], given.get("stdin", "")
    write = asked.begin(Answer(b"", NDJSON))

    def say(**said: Any) -> None:
        write(json.dumps(said).encode() + b"\n")

    try:
        code = _run(asked, words, lambda text: say(out=text), lambda text: say(err=text), stdin)
    except ClustoError as error:
        say(exit=_code(error), error=str(error), details=list(error.details))
    else:
        say(exit=code)
    return Answer(b"", NDJSON, note=f"clusto {' '.join(words[:2])}")


def _run(asked: Asked, words: list[str], out: verbs.Write, err: verbs.Write, stdin: str) -> int:
    from clusto_cli.context import command_line

    verb = verbs.call(asked, words)
    changing = changes_the_inventory(verb.command) or verb.path == ["batch"]
    check_offered(verb)
    if not changing:
        return verbs.run(verb, out, err, stdin.encode())
    if not asked.caller.may(WRITER):
        raise Forbidden(
            f"{asked.caller.name} is a {asked.caller.role}, and {command_line((), words)} is for a {WRITER}"
        )

    def do(attempt: Asked) -> tuple[int, list[tuple[verbs.Write, str]]]:
        said: list[tuple[verbs.Write, str]] = []
        called = verbs.call(attempt, words)
        code = verbs.run(
            called, lambda text: said.append((out, text)), lambda text: said.append((err, text)), stdin.encode()
        )
        return code, said

    code, said = verbs.change(asked, do).result
    for write, text in said:
        write(text)
    return code


def check_offered(verb: Called) -> None:
    """Raises Refused for what is not done for others, Malformed for what cannot be understood."""
    if not _is_offered(verb):
        name = " ".join(filter(None, verb.path))
        raise Refused(f"clusto {name} is not done by a server: run it where the inventory itself can be reached")
    try:
        ctx = verb.context()
    except click.exceptions.Exit:
        return
    except click.ClickException as error:
        raise Malformed(misuse.told(error)) from None
    check_afar(ctx)
    if shown := next((each for each in _NEVER if ctx.params.get(each)), None):
        raise Refused(f"--{shown}: secrets are never served")


def _is_offered(verb: Called) -> bool:
    name = " ".join(filter(None, verb.path))
    return changes_the_inventory(verb.command) or name in _BESIDE or name in {each.verb for each in reading.READINGS}


def _code(error: ClustoError) -> int:
    from clusto_cli.main import code_of

    return code_of(error)


def _complete(asked: Asked, values: Mapping[str, list[Any]]) -> Answer:
    from click.shell_completion import ShellComplete

    from clusto_cli.main import main

    given = _object(asked, _COMPLETE)
    _check_completed(asked, given["words"])
    app = verbs.app_for(asked, given["words"])
    found = ShellComplete(main, {"obj": app}, "clusto", "").get_completions(given["words"], given["last"])
    return json_answer(
        [
            {
                "value": item.value,
                "type": item.type,
                "help": item.help,
                "partial": bool(item.partial),
                "expression": bool(item.expression),
            }
            for item in found
        ]
    )


def _check_completed(asked: Asked, words: list[str]) -> None:
    """Raises Refused for what is not done for others: what completes there may be of this machine."""
    if not words or words[0].startswith("-"):
        raise Malformed("words begin with a verb")
    try:
        verb = verbs.call(asked, words)
    except Malformed:
        # Of a verb that has others below it, which are to be completed.
        return
    if not _is_offered(verb):
        raise Refused(f"clusto {' '.join(verb.path)} is not done by a server")


def _object(asked: Asked, schema: Schema) -> dict[str, Any]:
    """The body, as its schema has it. Raises Unsupported, Malformed."""
    if asked.request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != JSON:
        raise Unsupported(f"the body is not {JSON}")
    found = parsed(asked.request.body)
    known = schema["properties"]
    if not isinstance(found, dict) or found.keys() - known.keys() or set(schema["required"]) - found.keys():
        raise Malformed(f"the body is an object with {', '.join(known)}")
    for name, value in found.items():
        texts = [value] if known[name]["type"] == "string" else value
        if not isinstance(texts, list) or not all(isinstance(text, str) and _is_text(text) for text in texts):
            raise Malformed(f"{name} is not as it should be: {known[name]['type']}")
        if len(texts) < known[name].get("minItems", 0):
            raise Malformed(f"{name} is empty")
        if len(texts) > known[name].get("maxItems", len(texts)) or any(map(_is_long(known[name]), texts)):
            raise Malformed(f"{name} is longer than what is asked at once")
    return found


def _is_long(schema: Schema) -> Callable[[str], bool]:
    most = schema.get("items", schema).get("maxLength", sys.maxsize)
    return lambda text: len(text) > most


def _is_text(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)
