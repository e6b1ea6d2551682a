"""Networks: which there are, who holds their addresses, and which may be given out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from clusto_cli.web.answering import Answer
from clusto_cli.web.asking import Asked
from clusto_cli.web.pages.rendering import page
from clusto_cli.web.routing import Route
from clusto_core.resources import ipam

_HELD = 1000
_SPANS = 200


def routes() -> Iterator[Route]:
    """All of them, and one."""
    yield Route("/networks", _networks)
    yield Route("/networks/{name}", _network)


def _networks(asked: Asked) -> Answer:
    found = [(block, ipam.usage(asked.reader, block)) for block in ipam.blocks(asked.reader)]
    return page(asked, "networks.html", title="Networks", networks=found, live=True)


def _network(asked: Asked) -> Answer:
    thing = asked.reader.resolve(asked.request.path["name"])
    block = ipam.block_of(asked.reader, thing)
    usage = ipam.usage(asked.reader, block)
    held = ipam.held(asked.reader, block, _HELD)
    spans = list(islice(ipam.unused(asked.reader, block), _SPANS + 1))
    return page(
        asked,
        "network.html",
        title=thing.name,
        thing=thing,
        network=str(block.network),
        usage=usage,
        held=held,
        more=usage.held - len(held),
        spans=spans[:_SPANS],
        more_spans=len(spans) > _SPANS,
        live=True,
    )
