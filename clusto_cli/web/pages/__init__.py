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
