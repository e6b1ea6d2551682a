"""The API: /api/v1, its description, and a page that shows it."""

from __future__ import annotations

from collections.abc import Iterator

from clusto_cli.web.routing import Events, Route, Static


def routes() -> Iterator[Route | Static | Events]:
    """All of it."""
    yield from ()
