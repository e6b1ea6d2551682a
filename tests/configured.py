"""The operator's configuration as tests have it: their devices and folders are all on this computer."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_DEVICES = f"""\
[devices]
networks = ["127.0.0.0/8", "::1", "localhost", "10.77.0.0/24"]
paths = [{json.dumps(tempfile.gettempdir())}]
"""


def write(home: Path, commands: Mapping[str, Sequence[str]] | None = None) -> Path:
    """The configuration file below a user's XDG_CONFIG_HOME, with commands that attributes may name."""
    path = home / "clusto" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(name)} = {json.dumps(list(argv))}\n" for name, argv in (commands or {}).items()]
    path.write_text(_DEVICES + "[commands]\n" + "".join(lines))
    return path
