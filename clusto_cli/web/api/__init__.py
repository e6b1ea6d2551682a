"""The API: /api/v1, its description, and a page that shows it.

declaring   what an operation is: its parameters, what it answers; requests are read by that
verbs       runs a verb for whoever asks
listing     what a verb writes, as a document, lines or a page of either
reading     what may be read, a verb each
changing    what may be changed: command lines, attributes
feed        what has happened since
ecosystem   what other programs ask in forms of their own
commanding  command lines of a clusto elsewhere, and their completion
describing  the description: OpenAPI 3.1, and the page
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from clusto_cli.web.api import changing, commanding, describing, ecosystem, feed, reading
from clusto_cli.web.api.declaring import Operation
from clusto_cli.web.routing import Events, Route, Static


def operations() -> list[Operation]:
    """All that may be asked."""
    rooms = (reading, feed, changing, commanding, ecosystem)
    return list(chain.from_iterable(room.operations() for room in rooms))


def routes() -> Iterator[Route | Static | Events]:
    """All of it."""
    declared = operations()
    yield from describing.statics(declared, reading.PREFIX)
    yield from feed.streams()
    yield from (each.route() for each in declared)
