"""What people see: server-rendered pages of the inventory."""

from __future__ import annotations

from collections.abc import Iterator

from clusto_cli.web.answering import HTML, Answer
from clusto_cli.web.asking import Asked
from clusto_cli.web.routing import Events, Route, Static


def routes() -> Iterator[Route | Static | Events]:
    """All of them."""
    yield Route("/", _start)


def _start(asked: Asked) -> Answer:
    from html import escape

    name = escape(asked.caller.name)
    return Answer(f"<!doctype html><title>clusto</title><p>clusto, for {name}</p>\n".encode(), HTML)


def failed(status: int, title: str, words: str, lines: tuple[str, ...]) -> Answer:
    """What went wrong, for a person."""
    from html import escape

    more = "".join(f"{escape(line)}\n" for line in lines)
    head = f"<!doctype html><title>{escape(title)}</title><h1>{escape(title)}</h1>"
    text = f"{head}<p>{escape(words)}</p><pre>{more}</pre>\n"
    return Answer(text.encode(), HTML, status)
