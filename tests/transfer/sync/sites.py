"""A source that is what a test says, and a site that one describes: two racks, a switch, two servers, a PDU."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from clusto_core.inventory import Inventory
from clusto_core.model.origins import Origin
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sources.protocol import Declared, Last, Progress, quiet, whole
from clusto_core.transfer.sync.engine import Options
from clusto_core.transfer.sync.report import Report
from clusto_core.transfer.sync.running import Store, run

State = dict[str, dict[str, Any]]
"""What a source has: transfer objects by identity; identities of parts are under `part_ids`."""


class Fake:
    """A source with whatever is in `state`; it breaks before the object of the identity `dies`."""

    complete = True

    def __init__(self, state: State, dies: str = "", then: Callable[[], None] = lambda: None) -> None:
        self.objects = state
        self.dies = dies
        self.state = ""
        self.then = then

    def read(self, last: Last, progress: Progress) -> Iterator[Document]:
        """All objects."""
        for id, data in self.objects.items():
            if id == self.dies:
                raise ConnectionResetError("the source died")
            data = dict(data)
            parts = {part: Origin("port", str(each)) for part, each in data.pop("part_ids", {}).items()}
            called = data.pop("called", "")
            yield whole(data, Origin("device", id), parts, called=called, where=("state", 1))
        self.then()


def sync(
    inventory: Inventory, state: State, *, prefer: Any = "", prune: bool = False, dry_run: bool = False,
    mapping: Mapping[str, str] | None = None, source: Any = None, name: str = "site",
) -> Report:  # fmt: skip
    """One sync of an inventory with such a source."""
    store = Store(
        inventory.read,
        lambda: inventory.change("clusto sync site", dry_run=dry_run),
        lambda: inventory.change("", dry_run=dry_run),
    )
    declared = Declared(name, "fake", mapping=mapping or {})
    return run(store, declared, source or Fake(state), Options(prefer, prune), quiet)


SITE: State = {
    "dc": {"name": "DC", "driver": "Datacenter", "attrs": {"city": "Ulm"}},
    "dc2": {"name": "DC2", "driver": "Datacenter"},
    "role": {"name": "web", "driver": "Role"},
    "role2": {"name": "db", "driver": "Role"},
    "r1": {"name": "R1", "driver": "Rack", "in": ["DC"], "parts": {"ru": 20}},
    "r2": {"name": "R2", "driver": "Rack", "in": ["DC"], "parts": {"ru": 20}},
    "sw": {
        "name": "sw1", "driver": "Switch", "at": "R1:RU20", "parts": {"port": ["Gi1", "Gi2", "Gi3"]},
        "part_ids": {"Gi1": 11, "Gi2": 12, "Gi3": 13},
    },
    "s1": {
        "name": "srv1", "driver": "Server", "at": "R1:RU10", "in": ["web"], "parts": {"nic": ["eth0", "eth1"]},
        "attrs": {"status": "active", "tag": ["x", "y"], "serial": "A1", "height": 1, "peer": {"ref": "srv2"}},
        "part_attrs": {"eth0": {"mac": "52:54:00:00:00:01", "label": "one"}}, "ip": [{"eth0": ["10.0.0.1"]}],
        "connect": {"eth0": "sw1:Gi1"}, "part_ids": {"eth0": 21, "eth1": 22},
    },
    "s2": {
        "name": "srv2", "driver": "Server", "at": "R1:RU11", "parts": {"nic": ["eth0", "eth1"]},
        "attrs": {"status": "active", "serial": "A2"}, "ip": [{"eth0": ["10.0.0.2"]}],
        "connect": {"eth0": "sw1:Gi2"}, "part_ids": {"eth0": 31, "eth1": 32},
    },
}  # fmt: skip


def site() -> State:
    """A copy to change."""
    return copy.deepcopy(SITE)


def exported(inventory: Inventory) -> dict[str, Any]:
    """The inventory as transfer objects by name, without what sync itself keeps there."""
    from clusto_core.transfer.documents import plain, tagged
    from clusto_core.transfer.exporter import documents

    found = {}
    with inventory.read() as reader:
        for document in documents(reader, reader.all()):
            data = plain(document, tagged)
            for attrs in (data.get("attrs", {}), *data.get("part_attrs", {}).values()):
                for key in [key for key in attrs if key.startswith(("_source", "_gone"))]:
                    del attrs[key]
                for key, values in attrs.items():
                    attrs[key] = sorted(values, key=str) if isinstance(values, list) else values
            data["part_attrs"] = {name: attrs for name, attrs in data.get("part_attrs", {}).items() if attrs}
            found[document.name] = {key: content for key, content in data.items() if content}
    return found
