"""The API: /api/v1, its description, and a page that shows it.

declaring   what an operation is: its parameters, what it answers; requests are read by that
verbs       runs a verb for whoever asks
listing     what a verb writes, as a document, lines or a page of either
reading     what may be read, a verb each
changing    what may be changed: command lines, attributes
feed        what has happened since
describing  the description: OpenAPI 3.1, and the page
"""

from __future__ import annotations

from collections.abc import Iterator

from clusto_cli.web.api import reading
from clusto_cli.web.routing import Events, Route, Static


def routes() -> Iterator[Route | Static | Events]:
    """All of it."""
    yield from (each.route() for each in reading.operations())
