"""Command lines that are done by a server (`clusto --db https://...`): sent there, and what it says is said here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clusto_cli.context import App
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused, StoreBroken
from clusto_core.library.server import Server

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_ERRORS: dict[int, type[ClustoError]] = {2: Malformed, 3: NotFound, 4: Refused}


def run(app: App, words: Sequence[str]) -> int:
    """Has the server do a command line, and says what it says; its exit code. Raises ClustoError as the verb does."""
    words = list(words)
    given = {"words": _with_content(words), "stdin": _stdin(words)}
    if given["stdin"] is None:
        del given["stdin"]
    code: int | None = None
    for said in Server(app.settings.url).lines("/command", given):
        _say(said)
        if "error" in said:
            error = _ERRORS.get(said["exit"], StoreBroken)(str(said["error"]))
            error.details = tuple(map(str, said.get("details", ())))
            raise error
        code = said.get("exit", code)
    if code is None:
        raise StoreBroken("the server broke off before it was done")
    return code


def _say(said: dict[str, Any]) -> None:
    """A server is not believed: what it says is cleaned as what any device says is."""
    from clusto_cli.visible import clean

    for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
        if text := said.get(name):
            stream.write("\n".join(map(clean, str(text).split("\n"))))


def _with_content(words: list[str]) -> list[str]:
    """The words, with standard input for the file of a batch: the server has not this machine's files."""
    place = _batch_file(words)
    return words if place is None else [*words[:place], "-", *words[place + 1 :]]


def _stdin(words: list[str]) -> str | None:
    """What is on standard input, or in the file of a batch, where the words ask for it."""
    place = _batch_file(words)
    if place is not None and words[place] != "-":
        from clusto_core.transfer.files import opened

        with opened(words[place]) as file:
            return file.read()
    if "-" in words[1:] or words == ["batch"] or (words[0] == "batch" and place is None):
        from clusto_core.reading import decoded

        return decoded(sys.stdin.buffer.read(), "standard input")
    return None


def _batch_file(words: list[str]) -> int | None:
    """Where the words of a batch name its file."""
    if words[0] != "batch":
        return None
    valued = ("-m", "--message", "-o", "--output")
    places = (place for place in range(1, len(words)) if words[place] == "-" or not words[place].startswith("-"))
    return next((place for place in places if words[place - 1] not in valued), None)


def complete(url: str, words: Sequence[str], last: str) -> list[CompletionItem]:
    """What the last word of a command line may become, as the server says."""
    from click.shell_completion import CompletionItem

    found = Server(url).post("/complete", _json({"words": list(words), "last": last}), "application/json")
    return [
        CompletionItem(
            each["value"], each["type"], each["help"], partial=each["partial"], expression=each["expression"]
        )
        for each in found
    ]


def _json(given: object) -> bytes:
    import json

    return json.dumps(given).encode()
