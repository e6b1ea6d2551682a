"""What a verb says, run here for whoever asks: it reads what he may see, and changes things in his name."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import click

from clusto_cli import misuse
from clusto_cli.calling import Called, called
from clusto_cli.context import App
from clusto_cli.diversion import diverted
from clusto_cli.grouping import Aliased
from clusto_cli.web.answering import Busy, Forbidden
from clusto_cli.web.asking import Asked
from clusto_core.errors import ClustoError, Malformed
from clusto_core.records.history import Author

_writers = threading.Lock()
_PATIENCE = 20.0
"""Seconds that a writer waits for others of this server."""

Write = Callable[[str], None]
T = TypeVar("T")


class Says(io.TextIOBase):
    """A standard stream that hands on what is written."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, text: str) -> int:
        self._write(text)
        return len(text)

    def writable(self) -> bool:
        return True


def app_for(asked: Asked, words: Sequence[str]) -> App:
    """What a verb is given that is done for whoever asks; `words` is how the history has it."""
    author = Author(asked.caller.name, asked.request.address)
    app = asked.desk.app.on_behalf(asked.settings, asked.reader, words, author, asked.past)
    app.overseer = asked.oversee
    return app


def call(asked: Asked, words: Sequence[str], *, told: Sequence[str] | None = None) -> Called:
    """The verb that words call for whoever asks; `told` is how the history has it. Raises Malformed."""
    from clusto_cli.main import main

    root = click.Context(main, info_name="clusto", obj=app_for(asked, words if told is None else told))
    try:
        return called(root, words)
    except Aliased as alias:
        raise Malformed(f"no such verb: {alias.name} (an alias is of the machine that it is made on)") from None
    except click.ClickException as error:
        raise Malformed(misuse.told(error)) from None


def run(verb: Called, out: Write, err: Write, stdin: bytes = b"") -> int:
    """Does it: its exit code. What it writes goes to these. Raises ClustoError as the verb does."""
    streams = {"stdout": Says(out), "stderr": Says(err), "stdin": io.TextIOWrapper(io.BytesIO(stdin), "utf-8")}
    try:
        with diverted(**streams), verb.parent, verb.context() as ctx:
            code = verb.command.invoke(ctx)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        raise Malformed(misuse.told(error)) from None
    return code if isinstance(code, int) else 0


class Changed(NamedTuple, Generic[T]):
    """What was done: what came of it, and the number of the transaction, None where nothing has changed."""

    result: T
    number: int | None


def change(asked: Asked, do: Callable[[Asked], T]) -> Changed[T]:
    """Has something done that changes the inventory. One writer at a time, as the store has it: the others wait here,
    not within the store.

    Who sees only a part of the inventory has it tried out in that part, and the rows that this changes are changed in
    the whole: what he asks, and what he is told, is of what he sees. Raises Busy, Forbidden, and as `do`.
    """
    if not _writers.acquire(timeout=_PATIENCE):
        raise Busy("others are writing: try again")
    try:
        if asked.sight is None:
            return _done(asked, do)
        with asked.rehearsing() as rehearsing:
            result = do(rehearsing)
        try:
            App.committed = asked.perform(rehearsing.tried or ())
        except Busy:
            raise
        except ClustoError:
            raise Forbidden(f"{asked.caller.name} may not do that: it touches more than it sees") from None
        return Changed(result, App.committed)
    finally:
        _writers.release()


def _done(asked: Asked, do: Callable[[Asked], T]) -> Changed[T]:
    App.committed = None
    return Changed(do(asked), App.committed)
