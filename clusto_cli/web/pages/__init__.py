"""What people see: server-rendered pages of the inventory, which work without any program in the browser."""

from __future__ import annotations

from collections.abc import Iterator

from clusto_cli.web.answering import HTML, Answer
from clusto_cli.web.routing import Events, Route, Static


def routes() -> Iterator[Route | Static | Events]:
    """All of them."""
    from clusto_cli.web.pages import history, labels, live, networks, policies, search, static, things

    for room in (search, things, networks, history, policies, labels, live, static):
        yield from room.routes()


def failed(status: int, title: str, words: str, lines: tuple[str, ...]) -> Answer:
    """What went wrong, for a person."""
    from clusto_cli.web.pages.rendering import rendered

    text = rendered("failed.html", {"title": title, "words": words, "lines": lines})
    return Answer(text.encode(), HTML, status)
