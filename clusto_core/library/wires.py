"""What a machine lives on and speaks through, with handles: feeds and consoles."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from clusto_core.answers.consoles import ConsoleWay
    from clusto_core.library.batch import Batch
    from clusto_core.library.handle import Handle


class Feed(NamedTuple):
    """An inlet of a Thing and the outlet at the other end of its cable, through patch panels; None where no cable, or
    no end of it, is recorded."""

    inlet: Handle | None
    outlet: Handle | None


class Console(NamedTuple):
    """The way to a console: see `clusto_core.answers.consoles`.

    kind: by a `cable`, `direct`, by the machine's `controller` or its `hypervisor`. host: what is spoken to. profile:
    how, None where the settings name none. server, port: the console server (or hypervisor) and its port.
    """

    kind: str
    words: str
    host: str
    profile: str | None
    server: Handle | None
    port: Handle | None


def console_from(way: ConsoleWay, batch: Batch) -> Console:
    """A way to a console, with handles."""
    server = batch.handle(way.device) if way.device is not None else None
    port = batch.handle(way.port) if way.port is not None else None
    return Console(way.kind, way.words, way.host, way.profile, server, port)
