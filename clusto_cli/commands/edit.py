"""Edit Things as a text, in your own editor."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from clusto_cli import completion
from clusto_cli.confirm import confirm
from clusto_cli.context import App, pass_app
from clusto_cli.options import dry_run_option, message_option, yes_option
from clusto_cli.output import write_lines
from clusto_cli.targets import names_or_expressions, targets, where_option, with_where

if TYPE_CHECKING:
    from clusto_core.errors import ClustoError
    from clusto_core.transfer.documents import Document
    from clusto_core.transfer.editing import Draft

_HEAD = """\
# What you change here is changed in the inventory, what you take out of a Thing is taken out of it; a Thing that is
# taken out whole stays as it is. You see the difference first. Leave the text as it is to do nothing.
"""


@click.command("edit")
@click.argument("names", metavar="EXPR|NAME...", nargs=-1, callback=with_where, shell_complete=completion.things)
@where_option
@yes_option
@dry_run_option
@message_option
@pass_app
def command(app: App, names: tuple[str, ...], yes: bool, dry_run: bool, message: str | None) -> None:
    """Open each NAME, or what an expression selects, in your editor ($VISUAL, $EDITOR) as `clusto export` writes it,
    and make the inventory agree with the text that comes back, in one transaction. The difference is shown first.

    A text that cannot be done is opened again, with what is wrong with it on top. What somebody else has changed
    meanwhile is never written over: that is refused, and the text kept.

    \b
        clusto edit server1
        clusto edit 'driver:Switch in name:rack101' -m 'new uplinks'
    """
    from clusto_core.transfer import editing

    with app.reading() as reader:
        draft = editing.draft(reader, targets(reader, names_or_expressions(reader, names)))
    with _kept(draft.text) as path:
        edited = _edited(app, draft, path)
        if edited is None:
            app.say("the text is as it was: nothing was done")
            return
        for name in editing.left_out(draft, edited):
            app.say(f"note: {name} is in the text no more, and stays as it is (clusto remove {name})")
        lines = _difference(app, draft, edited)
        write_lines(lines)
        if not lines or dry_run:
            app.say("nothing differs: nothing was done" if not lines else "nothing was done: a dry run")
            return
        confirm(f"make {len(lines)} change{'s' if len(lines) > 1 else ''}?", yes)
        with app.changing(message) as change:
            editing.apply(change, draft, edited)
    app.say(f"edited, as transaction {change.id}")


@contextlib.contextmanager
def _kept(text: str) -> Iterator[str]:
    """A file of one's own with the text; it stays when something goes wrong after it was edited, and is told."""
    descriptor, path = tempfile.mkstemp(prefix="clusto-", suffix=".yaml")
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(_HEAD + text)
    try:
        yield path
    except BaseException as error:
        if _body(path) == text:
            os.unlink(path)
        else:
            error.args = (f"{error} (your text is in {path})", *error.args[1:])
        raise
    os.unlink(path)


def _edited(app: App, draft: Draft, path: str) -> Sequence[Document] | None:
    """What the text says once it can be done; None when it is as it was. Raises what is wrong with a text that was
    opened again, and left as it was."""
    from clusto_cli import editor
    from clusto_core.reading import decoded
    from clusto_core.transfer import editing
    from clusto_core.transfer.faults import Faulty

    before = draft.text
    problem: ClustoError | None = None
    while True:
        editor.edit(path)
        text = _body(path)
        if text == draft.text or not text.strip():
            return None
        decoded(text.encode("utf-8", "surrogateescape"), path)
        if problem is not None and text == before:
            raise problem
        before = text
        edited = editing.read(text)
        try:
            _difference(app, draft, edited)
        except Faulty as faulty:
            problem = faulty.single
            _put_on_top(path, text, [(fault.line, fault.text) for fault in faulty.faults])
        else:
            return edited


def _difference(app: App, draft: Draft, edited: Sequence[Document]) -> list[str]:
    from clusto_core.transfer import difference, editing

    with app.changing(dry_run=True) as trial:
        editing.apply(trial, draft, edited)
        return list(difference.lines(trial.unit))


def _body(path: str) -> str:
    """The text without the comments that it begins with."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        lines = file.read().splitlines(keepends=True)
    while lines and lines[0].startswith("#"):
        del lines[0]
    return "".join(lines)


def _put_on_top(path: str, text: str, faults: Sequence[tuple[int, str]]) -> None:
    """Writes the text anew, below what is wrong with it and where."""
    from clusto_cli.output import clean

    above = _HEAD.count("\n") + len(faults) + 1
    told = [f"# line {line + above}: {clean(words)}\n" for line, words in faults]
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(_HEAD + "#\n" + "".join(told) + text)
