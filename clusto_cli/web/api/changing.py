"""What may be changed: by command lines, all or none; and the attributes of a Thing. Each is one transaction, in the
name of whoever asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from clusto_cli.context import App
from clusto_cli.diversion import diverted
from clusto_cli.web.answering import JSON, Answer, Changed, Unsupported
from clusto_cli.web.api import reading, verbs
from clusto_cli.web.api.declaring import FLAG, TEXT, Body, Operation, Parameter, Schema, parsed
from clusto_cli.web.asking import Asked
from clusto_core.errors import Malformed
from clusto_core.records.tokens import WRITER

MERGE = "application/merge-patch+json"
_MESSAGE = Parameter("message", TEXT, "why, for the history")
_DRY_RUN = Parameter("dry_run", FLAG, "check, and say what would be done; nothing is kept")
_TAG = re.compile(r'"([0-9]{1,18})(?:-([0-9a-f]{12}))?"')
_VALUES: Schema = {
    "type": "object",
    "minProperties": 1,
    "description": "by key: the value, a list of several, or null to take out all there are; an object is one value",
}


def operations() -> Iterator[Operation]:
    """All of them."""
    yield Operation(
        f"{reading.PREFIX}/batch",
        "Do command lines, all or none",
        _batch,
        {JSON: reading.documented("batch")},
        (_MESSAGE, _DRY_RUN, Parameter("yes", FLAG, "go on where clusto would ask")),
        "POST",
        WRITER,
        Body("text/plain", {"type": "string"}, "lines as `clusto batch` takes them: `attr set status ok -t server1`"),
        statuses=(403, 409, 415),
        words="As `clusto batch -o json`. The header Clusto-Transaction has the number in the history.",
        fresh=True,
    )
    yield Operation(
        f"{reading.PREFIX}/things/{{name}}",
        "Set attributes of a Thing",
        _patch,
        {JSON: reading.documented("show")["items"]},
        (_MESSAGE, _DRY_RUN),
        "PATCH",
        WRITER,
        Body(MERGE, _VALUES, "values by key (RFC 7396)"),
        statuses=(403, 409, 412, 415),
        words="Answers as GET does, of afterwards. With If-Match nothing is done if the Thing has changed since then.",
        fresh=True,
    )


def _first(values: list[Any]) -> Any:
    return values[0] if values else None


def _batch(asked: Asked, values: Mapping[str, list[Any]]) -> Answer:
    _expect(asked, "text/plain")
    options = [f"--{name.replace('_', '-')}" for name in ("yes", "dry_run") if _first(values[name])]
    words = ["batch", "-", "--output=jsonl", *options, *(f"--message={text}" for text in values["message"])]

    def do(attempt: Asked) -> list[str]:
        said: list[str] = []
        verb = verbs.call(attempt, words, told=["batch", "-"])
        verbs.run(verb, said.append, lambda text: None, asked.request.body)
        return said

    done = verbs.change(asked, do)
    records = [json.loads(line) for line in "".join(done.result).splitlines()]
    return Answer(json.dumps(records).encode() + b"\n", headers=_numbered(done.number))


def _numbered(number: int | None) -> Mapping[str, str]:
    return {"Clusto-Transaction": str(number)} if number is not None else {}


def _expect(asked: Asked, *media: str) -> None:
    """Raises Unsupported for a body of another kind: what forms of other sites could send is among those."""
    kind = asked.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in media:
        raise Unsupported(f"the body is {kind[:60] or 'of no kind'}, not {media[0]}")


def _patch(asked: Asked, values: Mapping[str, list[Any]]) -> Answer:
    _expect(asked, MERGE, JSON)
    wanted = _object(asked.request.body)
    name = asked.request.path["name"]
    told = ["attr", "set", "-t", name, *wanted]
    message, dry_run = _first(values["message"]), bool(_first(values["dry_run"]))

    def do(attempt: Asked) -> None:
        with diverted(stderr=verbs.Says(lambda text: None)):
            _set(verbs.app_for(attempt, told), attempt, name, wanted, message, dry_run)

    done = verbs.change(asked, do)
    with asked.desk.again(asked) as now:
        answer = reading.one(now, ["show", "--output=jsonl", "--", name])
        return answer._replace(headers={"ETag": f'"{now.tag}"', **_numbered(done.number)})


def _set(app: App, asked: Asked, name: str, wanted: Mapping[str, Any], message: str | None, dry_run: bool) -> None:
    from clusto_core.library.change import Change

    with app.changing(message, dry_run=dry_run) as change:
        handle = Change(change, app.settings.url)[name]
        _match(asked, change.unit.reader, handle.thing.entity_id)
        for key, value in wanted.items():
            if value is not None:
                handle.attrs[key] = value
            elif key in handle.attrs:
                del handle.attrs[key]


def _match(asked: Asked, reader: Any, thing_id: int) -> None:
    """Raises Changed where a Thing has changed since what its asker knows (RFC 9110, 13.1.1)."""
    from clusto_core.records import history
    from clusto_core.store import seals

    given = asked.request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return
    shapes = [_TAG.fullmatch(tag.strip()) for tag in given.split(",")]
    known = [(int(shape[1]), shape[2] or "") for shape in shapes if shape is not None]
    number, seal = max(known, default=(0, ""))
    # What a part of the inventory is tagged with is no seal of the whole.
    is_other = asked.sight is None and not seals.seal_of(reader.database, number).startswith(seal)
    if not known or is_other or history.changed_since(reader, [thing_id], number) is not None:
        raise Changed("it has changed since then: read it again")


def _object(body: bytes) -> dict[str, Any]:
    found = parsed(body)
    if not isinstance(found, dict) or not found:
        raise Malformed("the body is an object of values by key")
    for value in found.values():
        if isinstance(value, list) and (not value or any(isinstance(each, list) or each is None for each in value)):
            raise Malformed("a list has at least one value, and no list or null among them")
    return found
