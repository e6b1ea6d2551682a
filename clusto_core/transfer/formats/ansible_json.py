"""An Ansible inventory in JSON, as inventory scripts print it: what the format `ansible` has, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TextIO

from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.formats.ansible import listed
from clusto_core.transfer.leaving import SAFE, Leaving

ADDRESSES = True
PROGRAM = "ansible"
_BEFORE, _AFTER = '{\n "_meta": {\n  "hostvars": {\n', "\n  }\n }\n}"
"""What stands around the variables of some hosts."""


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes hosts, their variables and groups: see `ansible.listing`. A portion of the variables is in memory at a
    time, as the lines that it has in the whole."""
    variables, groups = listed(reader, things, leaving)
    out.write('{\n "_meta": {\n  "hostvars": {')
    between = "\n"
    for portion in variables:
        whole = json.dumps({"_meta": {"hostvars": portion}}, indent=1)
        out.write(between + whole.removeprefix(_BEFORE).removesuffix(_AFTER))
        between = ",\n"
    out.write(("}" if between == "\n" else "\n  }") + "\n },")
    out.write(json.dumps(groups, indent=1).removeprefix("{") + "\n")
