"""What a look came to, for people and for programs; with `--watch`, what is new of it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from clusto_cli.context import App
from clusto_cli.discovery.proposal import words
from clusto_cli.discovery.run import Outcome
from clusto_cli.output import write_lines, write_pieces, write_records
from clusto_core.errors import Malformed
from clusto_core.transfer.documents import Document, plain, tagged

EXIT_REFUSED, EXIT_DEVICE = 4, 5
REMARKS = 20
"""How many things that do not follow are told one by one, where nobody wants all."""


class Telling:
    """Tells looks, one after the other, each thing once."""

    def __init__(self, app: App, output: str, path: str | None, verbose: bool) -> None:
        self._app, self._output, self._path, self._verbose = app, output, path, verbose
        self._told: set[str] = set()
        self._looks = 0

    def tell(self, outcome: Outcome) -> int:
        """Tells what is new of a look; the exit code for all of it."""
        self._say(outcome)
        if self._path is not None:
            _write(self._path, yaml_text(outcome.documents))
        if self._output == "text":
            write_lines(self._new([*map(words, outcome.lines), *(f"! {each}" for each in outcome.contradictions)]))
        else:
            for each in self._new(outcome.contradictions):
                self._app.say(f"contradicted: {each}")
            self._write_documents(outcome.documents)
        self._looks += 1
        return EXIT_DEVICE if outcome.failures else EXIT_REFUSED if outcome.contradictions else 0

    def _write_documents(self, documents: Sequence[Document]) -> None:
        fresh = [each for each in documents if list(self._new([repr(plain(each, tagged))]))]
        if self._output != "yaml":
            write_records(self._output, map(_record, fresh))
        elif fresh or not self._looks:
            write_pieces([*(["---\n"] if self._looks else []), yaml_text(fresh)])

    def _say(self, outcome: Outcome) -> None:
        for each in self._new(outcome.notes):
            self._app.say(each)
        for failure in self._new(f"error: {each.at}: {each.text}" for each in outcome.failures):
            self._app.say(failure)
        strangers = list(self._new(f"unknown machine {each}" for each in outcome.strangers))
        if strangers and not self._looks:
            self._app.say("there are machines without a name: --names RANGE makes Servers of them")
        remarks = [*strangers, *self._new(outcome.remarks)]
        for remark in remarks if self._verbose else remarks[:REMARKS]:
            self._app.say(remark)
        if len(remarks) > REMARKS and not self._verbose:
            self._app.say(f"... and {len(remarks) - REMARKS} more (-v tells all)")

    def _new(self, texts: Iterable[str]) -> Iterator[str]:
        for text in list(texts):
            if text not in self._told:
                self._told.add(text)
                yield text


def _record(document: Document) -> dict[str, Any]:
    return plain(document, tagged)


def yaml_text(documents: Iterable[Document]) -> str:
    """The objects as a file that `clusto import` takes."""
    from clusto_core.transfer.formats.yaml import write_documents

    out = io.StringIO()
    write_documents(documents, out)
    return out.getvalue()


def _write(path: str, text: str) -> None:
    """A file whole or not at all."""
    beside = f"{path}.{os.getpid()}.new"
    try:
        with open(beside, "x", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as error:
        raise Malformed(f"cannot write {path}: {error.strerror}") from None
