"""The way in: `open`."""

from __future__ import annotations

from clusto_core.config import settings
from clusto_core.library.inventory import Inventory
from clusto_core.library.server import is_server


def open(url: str | None = None, config: str | None = None) -> Inventory:
    """The inventory at that URL, or at the place that the environment (CLUSTO_DB, CLUSTO_CONFIG) and the configuration
    file name, as the command line finds it. Raises NotFound and Malformed for a configuration that is not there or is
    wrong; whether there is an inventory shows when it is first asked.

    `https://HOST` is one that `clusto serve` has there: see `library.remote` for what it tells."""
    found = settings(url, config)
    if is_server(found.url):
        from clusto_core.library.remote import Remote

        return Remote(found)
    return Inventory(found)
