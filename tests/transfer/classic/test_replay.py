"""Versions taken over one by one end where the present alone does, whatever happened on the way."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.records import history
from tests.transfer.classic import stores
from tests.transfer.classic.test_classic import checked, taken


class Life:
    """A small site to which anything may happen."""

    def __init__(self, classic: stores.Classic, seed: int) -> None:
        self.classic = classic
        self.chance = random.Random(seed)
        classic.begin("ann", "the beginning")
        self.racks = [classic.entity(name, "rack") for name in ("r1", "r2")]
        self.switch = classic.entity("sw", "networkswitch")
        self.pdus = [classic.entity(name, "powerstrip") for name in ("p1", "p2")]
        self.pools = [classic.entity(name, "pool", "pool") for name in ("a", "b")]
        self.net = classic.entity("net", "resourcemanager", "ipmanager")
        self.vlans = classic.entity("vlans", "resourcemanager", "sitevlans")
        self.servers: dict[int, str] = {}
        self.made: dict[int, list[int]] = {}
        self.used: dict[tuple[str, int], int] = {}

    def version(self) -> None:
        """Some changes in one version."""
        self.classic.begin(self.chance.choice(("ann", "bob", None)), "whatever")
        happenings: list[Callable[[], None]] = [
            *[self.birth] * 4, self.death, self.rename, self.cable, self.power, self.uncable, self.mount,
            self.unmount, self.address, self.pool, self.vlan, self.note, self.port_name,
        ]  # fmt: skip
        for happening in self.chance.choices(happenings, k=self.chance.randint(1, 5)):
            if self.servers or happening == self.birth:
                happening()

    def one(self) -> int:
        return self.chance.choice(list(self.servers))

    def keep(self, server: int, *attributes: int) -> None:
        self.made.setdefault(server, []).extend(attributes)

    def birth(self, name: str = "") -> None:
        name = name or f"s {self.chance.randint(1, 9)}"
        if name not in self.servers.values():
            server = self.classic.entity(name, "server")
            self.servers[server] = name
            self.keep(server, self.classic.attr(server, "serialnum", f"S{server}", subkey="property"))

    def death(self) -> None:
        server = self.one()
        self.classic.delete(server)
        del self.servers[server], self.made[server]
        self.used = {key: holder for key, holder in self.used.items() if holder != server}

    def rename(self) -> None:
        """As the classic clusto does it: another entity."""
        self.death()
        self.birth(f"renamed {self.chance.randint(1, 9)}")

    def cable(self) -> None:
        self._cable("nic-eth", self.switch, self.chance.randint(1, 4))

    def power(self) -> None:
        self._cable("pwr-nema-5", self.chance.choice(self.pdus), self.chance.randint(1, 3))

    def _cable(self, type: str, other: int, port: int) -> None:
        server, number = self.one(), self.chance.randint(1, 2)
        ends = ((f"{type} {server}", number), (f"{type} {other}", port))
        if not any(end in self.used for end in ends):
            self.used |= dict.fromkeys(ends, server)
            self.keep(server, *self.classic.cable(type, server, number, other, port))

    def uncable(self) -> None:
        """Whatever is dropped: half a cable, too, which is none."""
        server = self.one()
        if self.made[server]:
            self.classic.drop(self.made[server].pop(self.chance.randrange(len(self.made[server]))))

    def mount(self) -> None:
        server, rack, unit = self.one(), self.chance.choice(self.racks), self.chance.randint(1, 6)
        for each in (unit, unit + 1)[: self.chance.randint(1, 2)]:
            self.keep(server, self.classic.attr(rack, "_contains", number=each, subkey="ru", relation=server))

    unmount = uncable

    def address(self) -> None:
        number = self.chance.randint(1, 3)
        self.classic.address(self.one(), f"10.9.0.{number}", self.net, self.classic._ids, "eth0")

    def pool(self) -> None:
        server = self.one()
        attribute = self.classic.attr(
            self.chance.choice(self.pools), "_contains", number=self.classic._ids, relation=server
        )
        self.keep(server, attribute)

    def vlan(self) -> None:
        self.classic.given(self.one(), "vlan", self.chance.randint(100, 102), self.vlans, self.classic._ids)

    def note(self) -> None:
        server = self.one()
        self.keep(server, self.classic.attr(server, "note", self.chance.choice("xyz")))

    def port_name(self) -> None:
        server = self.one()
        name = self.chance.choice(("eth1", "em1", "mgmt"))
        self.keep(server, self.classic.attr(server, "port-nic-eth", name, number=1, subkey="osportname"))


@pytest.mark.parametrize("seed", range(int(os.environ.get("CLUSTO_REPLAYS", "4"))))
def test_any_history_ends_at_the_present(tmp_path: Path, sqlite_template: Path, seed: int) -> None:
    classic = stores.new(tmp_path / "classic.db")
    life = Life(classic, seed)
    for _ in range(25):
        life.version()
    classic.close()
    inventories = []
    for name in ("replayed", "at-once"):
        shutil.copy(sqlite_template, tmp_path / name)
        inventories.append(Inventory(Settings(f"sqlite:///{tmp_path}/{name}", None)))
    drivers = {"sitevlans": "Pool"}
    report = taken(inventories[0], classic.url, drivers=drivers)
    alone = taken(inventories[1], classic.url, drivers=drivers, history=False)
    assert (report.held, report.conflicts, report.gone) == (alone.held, alone.conflicts, alone.gone) == ([], [], [])
    assert checked(inventories[0]) == checked(inventories[1])
    assert report.past > 10
    with inventories[0].read() as reader:
        ours = [each for each in history.entries(reader) if each.host != "classic"]
        told = [line for each in ours for change in history.changes(reader, each.id)
                for line in history.told(change, set())]  # fmt: skip
    assert told == []
