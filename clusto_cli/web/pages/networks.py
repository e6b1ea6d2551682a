"""Networks: which there are, who holds their addresses, and which may be given out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from clusto_cli.web.answering import Answer
from clusto_cli.web.asking import Asked
from clusto_cli.web.pages.rendering import page
from clusto_cli.web.routing import Route
from clusto_core.resources import ipam
from clusto_core.resources.ipam import Block
from clusto_core.store.reader import Reader

_HELD = 1000
_SPANS = 200


def routes() -> Iterator[Route]:
    """All of them, and one."""
    yield Route("/networks", _networks)
    yield Route("/networks/{name}", _network)


class Summary(NamedTuple):
    """A Network: how many of its addresses are held, and how many may be given out."""

    block: Block
    used: int
    free: int


def _networks(asked: Asked) -> Answer:
    found = [_summary(asked.reader, block) for block in ipam.blocks(asked.reader)]
    return page(asked, "networks.html", title="Networks", networks=found, live=True)


def _summary(reader: Reader, block: Block) -> Summary:
    free = sum(last - first + 1 for first, last in ipam.spans(reader, block))
    return Summary(block, len(ipam.held(reader, block)), free)


def _network(asked: Asked) -> Answer:
    thing = asked.reader.resolve(asked.request.path["name"])
    block = ipam.block_of(asked.reader, thing)
    held = ipam.held(asked.reader, block)
    spans = list(islice(ipam.unused(asked.reader, block), _SPANS + 1))
    return page(
        asked,
        "network.html",
        title=thing.name,
        thing=thing,
        summary=_summary(asked.reader, block),
        held=held[:_HELD],
        more=max(0, len(held) - _HELD),
        spans=spans[:_SPANS],
        more_spans=len(spans) > _SPANS,
        live=True,
    )
