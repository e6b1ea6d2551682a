"""Group Things in pools."""

from __future__ import annotations

from clusto_cli.categories import group
from clusto_core.drivers.categories import Pool

command = group(Pool, "Group Things in pools: any grouping, of any Things, in any number.")
