"""An Ansible inventory in JSON, as inventory scripts print it: what the format `ansible` has, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TextIO

from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.formats.ansible import listing
from clusto_core.transfer.leaving import SAFE, Leaving

PROGRAM = "ansible"


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes hosts, their variables and groups: see `ansible.listing`."""
    json.dump(listing(reader, things, leaving), out, indent=1)
    out.write("\n")
