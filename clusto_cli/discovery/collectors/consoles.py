"""Who answers on the ports of console servers that no cable is recorded of: Enter is pressed, and the prompt read.

Nothing else is typed, and no port is taken from anybody: a port that somebody is on is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from clusto_cli.console.check import check
from clusto_cli.console.ways import access_of
from clusto_cli.discovery.evidence import Banner, Failure
from clusto_core.answers.consoles import console_of, ports_of
from clusto_core.errors import ClustoError
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader


def banners(reader: Reader, servers: Iterable[Thing], parallel: int) -> tuple[list[Banner], list[Failure]]:
    """The host names that came back, and what could not be opened."""
    ways, failures = [], []
    for server in servers:
        free = [port for port, far in ports_of(reader, server) if far is None]
        try:
            for port in free:
                way = console_of(reader, port)
                ways.append((way, access_of(way)))
        except ClustoError as error:
            failures.append(Failure(server.name, str(error)))
    owners = {way.thing.name: way.thing.owner_name for way, _ in ways}
    found = check(ways, dict.fromkeys(owners, ()), lambda host: None, parallel)
    banners = [Banner(owners[each.name], each.name, each.says) for each in found if each.says]
    silent = {owners[each.name] for each in found if each.says or each.good or each.state == "silent"}
    mute = [each for each in found if owners[each.name] not in silent]
    failures += [Failure(owners[each.name], f"{each.name}: {each.words}") for each in mute]
    return banners, failures
