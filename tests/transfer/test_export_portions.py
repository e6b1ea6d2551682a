"""What is written does not depend on how many Things are read at a time, and --vrf holds for all that has addresses."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pytest

from clusto_core.answers import view
from clusto_core.errors import Malformed
from clusto_core.inventory import Inventory
from clusto_core.model.things import Thing
from clusto_core.store.database import portions
from clusto_core.store.reader import Reader
from clusto_core.transfer import exporter, formats, importer
from clusto_core.transfer.leaving import Leaving
from tests.transfer.test_batches import SITE, documents

SPACES: list[dict[str, Any]] = [
    {"name": "red", "driver": "VRF"},
    {"name": "both", "driver": "Server", "ip": ["192.0.2.1@red", {"eth0": ["192.0.2.2@"], "eth1": ["192.0.2.9+vip"]}]},
    {"name": "other", "driver": "Server", "ip": ["192.0.2.1@", {"eth1": ["192.0.2.9+vip"]}], "in": ["web-pool"]},
    {
        "name": "cs9",
        "driver": "ConsoleServer",
        "ip": ["198.51.100.1@red", "198.51.100.2@"],
        "attrs": {"console.base": 7000},
    },
    {"name": "pdu9", "driver": "PDU", "ip": ["198.51.100.3@red", "198.51.100.4@"], "attrs": {"powerman.spec": "x"}},
    {"name": "fed", "driver": "Server", "connect": {"console": "cs9:1", "psu1": "pdu9:1"}},
    {"name": "S1", "driver": "VirtualServer", "attrs": {"motd": "{{ x }}", "disks": [1, 2], "dns.domain": "a.example"}},
    {"name": "é-1", "driver": "Server", "attrs": {"motd": "ü\u202e", "ansible_user": "ann"}},
]


def _written() -> Iterator[str]:
    for name in formats.names():
        try:
            formats.writer_of(name)
        except Malformed:
            continue
        yield name


def exported(
    inventory: Inventory,
    name: str,
    leaving: Leaving = Leaving(),  # noqa: B008
    of: Callable[[Reader], Iterable[Thing]] = Reader.all,
) -> tuple[bytes, list[str]]:
    """What a format writes, and what it tells."""
    told: list[str] = []
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with inventory.read() as reader:
        formats.writer_of(name)(reader, of(reader), out, leaving._replace(tell=told.append))
    return out.buffer.getvalue(), told


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    from clusto_core.config import Settings
    from clusto_core.store.opening import create

    url = f"sqlite:///{tmp_path_factory.mktemp('exports')}/clusto.db"
    create(url)
    inventory = Inventory(Settings(url))
    with inventory.change() as change:
        importer.load(change, documents([*SITE, *SPACES], 100))
    return inventory


@pytest.mark.parametrize("name", sorted(_written()))
def test_portions_do_not_show(site: Inventory, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in what is written, nor in what is told; nor whether all Things are there at once or come one by one."""
    whole = exported(site, name)
    assert whole[0]
    assert exported(site, name, of=view.Everything) == whole
    few: Any = partial(_few, size=2)
    monkeypatch.setattr(view, "portions", few)
    monkeypatch.setattr(exporter, "portions", few)
    assert exported(site, name) == exported(site, name, of=view.Everything) == whole


def _few(things: Iterable[Any], size: int) -> Iterator[list[Any]]:
    return portions(things, size)


def test_nothing_is_exported_whole(site: Inventory) -> None:
    """JSON of no hosts is JSON, and YAML of no hosts an inventory."""
    import yaml

    with site.read() as reader:
        for name, load in (("ansible-json", json.loads), ("ansible", yaml.safe_load)):
            out = io.StringIO()
            formats.writer_of(name)(reader, [], out)
            found = load(out.getvalue())
            assert found == (
                {"_meta": {"hostvars": {}}, "all": {"hosts": [], "children": []}}
                if name == "ansible-json"
                else {"all": {"hosts": {}}}
            )


def test_ansible_reaches_hosts_in_the_address_space_that_is_said(site: Inventory) -> None:
    """As hosts and dnsmasq have it: a host without an address in it has none."""
    with site.read() as reader:
        red = reader.resolve("red").id
    addresses = {}
    for space in (red, None):
        leaving = Leaving(spaces=frozenset([space]))
        (text, _), (hosts, _) = exported(site, "ansible-json", leaving), exported(site, "hosts", leaving)
        known = json.loads(text)["_meta"]["hostvars"]
        addresses[space] = {name: known[name].get("ansible_host") for name in ("both", "other")}
        for name, address in addresses[space].items():
            assert (address is not None) == any(line.endswith(f"\t{name}") for line in hosts.decode().splitlines())
    assert addresses == {
        red: {"both": "192.0.2.1", "other": None},
        None: {"both": "192.0.2.2", "other": "192.0.2.1"},
    }


def test_every_format_with_addresses_keeps_to_the_address_space(site: Inventory) -> None:
    """What is in another one is in none of them; the others say which one each address is in, or write none."""
    of_red, of_none = ("192.0.2.1", "198.51.100.1", "198.51.100.3"), ("192.0.2.2", "198.51.100.2", "198.51.100.4")
    with site.read() as reader:
        red = reader.resolve("red").id
    kept = set()
    for name in _written():
        if formats.has_addresses(name):
            text, _ = exported(site, name, Leaving(frozenset("*"), spaces=frozenset([red])))
            assert not any(re.search(rf"{re.escape(each)}(?!\\d)", text.decode()) for each in of_none), name
            kept |= {name for each in of_red if each in text.decode()}
    assert kept >= {"ansible", "ansible-json", "conserver", "hosts", "powerman", "prometheus"}


def test_the_verb_says_which(clusto: Any) -> None:
    """`clusto export --format ansible --vrf`; an option that would mean nothing is refused."""
    assert clusto("add", "VRF", "red").code == 0
    assert clusto("add", "Network", "net", "--attr", "cidr=192.0.2.0/24", "--attr", "vrf=@red").code == 0
    assert clusto("add", "Server", "server1").code == 0
    assert clusto("ip", "allocate", "192.0.2.1@red", "server1").code == 0
    assert "ansible_host: 192.0.2.1" in clusto("export", "--format", "ansible", "--vrf", "red").out
    assert "ansible_host" not in clusto("export", "--format", "ansible", "--vrf", "").out
    refused = clusto("export", "--format", "jsonl", "--vrf", "red")
    assert (refused.code, refused.out) == (2, "")
    assert "--vrf is said of addresses without their address space: jsonl has none such" in refused.err
