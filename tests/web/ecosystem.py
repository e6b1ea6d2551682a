"""A site that other programs ask about, with names and values that mean something to each of them."""

from __future__ import annotations

from pathlib import Path

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key, string
from clusto_core.query import policies
from clusto_core.rules import claims
from tests.web.conftest import filled

HOSTILE = 'q" } 1\n\\ x'
TEMPLATE = "{{ lookup('pipe', 'touch owned') }}"


def peopled(directory: Path) -> str:
    """The URL of a new store: addresses of both versions, a policy that fails, hostile text."""
    url = filled(directory)
    with Inventory(Settings(url)).change() as change:
        held = (("s1:eth0", "10.0.0.1"), ("s2:eth0", "10.0.0.2"), ("s3:eth0", "2001:db8::3"), ("sw1", "10.0.0.254"))
        for holder, address in held:
            claims.hold(change.unit, change.resolve(holder), address)
        change.set_values(change.resolve("s2"), Key("status"), [string(HOSTILE)])
        change.set_values(change.resolve("s2"), Key("note"), [string(TEMPLATE)])
        policies.define(change.unit, policies.Policy("small", "driver:Server and attr:ram < 100", level="warning"))
    return url
