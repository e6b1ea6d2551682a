"""Simulated machines that boot from the network, fed by simulated PDUs, with clusto's own server beside them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from lab.alive import alive
from lab.netboot import Netboot
from lab.netboot import inventory as netboot_inventory
from lab.room import Room, mac_of

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.rules import claims
from tests import configured
from tests.console.lab import free_ports, until
from tests.power_room import record_room

QUICK: tuple[tuple[str, object], ...] = (
    ("snmp.timeout", 0.3),
    ("snmp.retries", 5),
    ("os.profile", "image"),
    ("os.image", "images/system.img"),
    ("os.disk", "/dev/vda"),
    ("os.kernel", "installer/linux"),
    ("os.initrd", "installer/initrd.gz"),
    ("os.console", "ttyS0,115200n8"),
    ("rebuild.loaders", "pxelinux"),
)


@dataclass
class Site:
    """Everything that a rebuild needs, alive."""

    room: Room
    machines: dict[str, Netboot]
    store: str
    directory: Path
    url: str
    environment: dict[str, str]
    server: subprocess.Popen[bytes] | None = None
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def clusto(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """Runs the real program to its end."""
        process = self.begin(*arguments)
        out, err = process.communicate(stdin, timeout=60)
        return process.returncode, out, err

    def rebuild(self, *arguments: str) -> tuple[int, str, str]:
        return self.clusto("rebuild", *arguments, "--yes", "--pause", "0.2")

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts the real program in a session of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "clusto_cli.main", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def boot_file(self, name: str) -> Path:
        return self.directory / "pxelinux.cfg" / f"01-{self.machines[name].mac.replace(':', '-')}"

    def is_local(self, name: str) -> bool:
        return "boots its own disk" in self.boot_file(name).read_text()

    def is_armed(self, name: str) -> bool:
        """Whether it would install; one without a boot file of its own boots what there is for everybody."""
        path = self.boot_file(name)
        return path.exists() and not self.is_local(name)

    def set(self, name: str, key: str, *values: object) -> None:
        with Inventory(Settings(self.store)).change() as change:
            change.set_values(change.resolve(name), Key.parse(key), values)

    def attribute(self, name: str, key: str) -> list[str]:
        with Inventory(Settings(self.store)).read() as reader:
            thing = reader.resolve(name)
            return [each.value.text for each in reader.attributes(thing.id) if str(each.key) == key]

    def status(self, name: str) -> dict[str, Any]:
        code, out, err = self.clusto("rebuild", "--status", name, "-o", "json")
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)[0]
        return found

    def heard(self, name: str) -> list[tuple[str, str]]:
        return [(event["source"], event["event"]) for event in self.status(name)["events"]]

    def serve(self, port: int | None = None) -> None:
        """Starts `clusto rebuild serve`, and waits until it answers."""
        address = self.url.removeprefix("http://")
        log = (self.directory.parent / "serve.log").open("ab")
        self.server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "clusto_cli.main",
                "rebuild",
                "serve",
                "--listen",
                address,
                "--dir",
                str(self.directory),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=self.environment,
        )
        until(self._answers, "clusto rebuild serve answers", 30)

    def end(self) -> None:
        """Ends whatever still runs."""
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        if self.server is not None:
            self.server.kill()
            self.server.wait(10)

    def _answers(self) -> bool:
        assert self.server is not None
        assert self.server.poll() is None, (self.directory.parent / "serve.log").read_text()
        try:
            with urlopen(f"{self.url}/rebuild", timeout=1):
                return True
        except OSError:
            return False

    def stop_serving(self) -> None:
        if self.server is not None:
            self.server.terminate()
            assert self.server.wait(10) == 0
            self.server = None


@contextmanager
def site(tmp_path: Path, store: str, *, machines: int = 2, extra: Sequence[tuple[str, object]] = ()) -> Iterator[Site]:
    """So many machines on two PDUs, recorded in the store; the server is not started yet."""
    directory = tmp_path / "boot"
    (directory / "installer").mkdir(parents=True)
    for name in ("linux", "initrd.gz"):
        (directory / "installer" / name).write_bytes(b"installer")
    room = Room(2, machines)
    url = f"http://127.0.0.1:{free_ports()}"
    netboots = {}
    for number, name in enumerate(room.servers(), 1):
        address = f"127.1.{number >> 8}.{number & 255}"
        netboots[name] = Netboot(name, mac_of(number), address, directory, partial(room.powered, name))
    environment = {**os.environ, "CLUSTO_DB": store, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    found = Site(room, netboots, store, directory, url, environment)
    with alive(room, *netboots.values()):
        try:
            configured.write(tmp_path / "config")
            _record(found, extra)
            yield found
        finally:
            found.end()


def _record(site: Site, extra: Sequence[tuple[str, object]]) -> None:
    """Everything that clusto needs to know of the site."""
    inventory = Inventory(Settings(site.store))
    record_room(inventory, site.room)
    with inventory.change() as change:
        for key, value in (*QUICK, ("rebuild.dir", str(site.directory)), ("rebuild.url", site.url), *extra):
            change.set_values(change.resolve("lab"), Key.parse(key), [value])
        for thing in netboot_inventory(site.machines.values()):
            server = change.resolve(thing["name"])
            for key, value in thing["attrs"].items():
                change.set_values(server, Key.parse(key), [value])
            nic = change.resolve(f"{thing['name']}:eth0")
            change.set_values(nic, Key.parse("mac"), [thing["part_attrs"]["eth0"]["mac"]])
            for address in thing["ip"]:
                claims.hold(change.unit, server, address)
