"""What a TFTP server tells of complete transfers: dnsmasq runs its `dhcp-script` with `tftp SIZE ADDRESS FILE`.

It runs the same program for every lease (`add`, `old`, `del` and others), and once as `init`, whose output it reads;
one at a time, so that all others wait (dnsmasq(8), --dhcp-script). FILE is the absolute path of what was sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from clusto_cli.rebuild import fetches
from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.records import rebuilds
from clusto_core.records.rebuilds import FETCH, Heard, Journal
from clusto_core.store.reader import Reader, open_reader


def hear(arguments: Sequence[str], settings: Callable[[], Settings]) -> str | None:
    """Writes down that a machine took a file of its own, once a phase; the problem, in one line, where that fails.

    Nothing is raised: the TFTP server has done its work and can do nothing about ours. What is not about a transfer
    asks the store nothing; a file that is no machine's costs a look at which rebuilds there are.
    """
    if len(arguments) < 4 or arguments[0] != "tftp":
        return None
    _, _, address, file = arguments[:4]
    try:
        found = settings()
        with open_reader(found.url) as reader:
            heard = _news(reader, file)
        if heard:
            Journal(found).add(heard)
    except (ClustoError, OSError) as error:
        return f"{address} took {file}, which could not be written down: {error}"
    return None


def _news(reader: Reader, file: str) -> list[Heard]:
    """What is to be written down of a file that was taken."""
    match = fetches.named(fetches.owners(rebuilds.unfinished(reader)), file)
    if match is None:
        return []
    path, owners = match
    last = {
        event.rebuild_id: event.time
        for event in rebuilds.events(reader, [rebuild.id for rebuild in owners])
        if event.source == FETCH and event.message == path
    }
    now = time.time()
    return [
        fetches.fetched(rebuild, path, now) for rebuild in owners if fetches.is_news(rebuild, now, last.get(rebuild.id))
    ]
