"""The settings that discovery reads: see `clusto_core.model.keys`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEYS: Mapping[str, Mapping[str, Any]] = {
    "discover.names": {
        "type": "relation",
        "to": "NameRange",
        "on": ["Switch", "Router", "Network"],
        "meaning": "the NameRange that `clusto discover` names new machines from",
    },
}
