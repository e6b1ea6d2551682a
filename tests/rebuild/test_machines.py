"""`clusto rebuild` on computers in QEMU: real firmware, kernels and disks, behind a controller or simulated PDUs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lab import chassis
from lab.alive import alive
from lab.bmc import Bmc
from lab.room import Room
from lab.system import system_image
from lab.vm import Boot, Machine, UserNetwork

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.rules.claims import hold
from tests import configured
from tests.console.lab import find, free_ports, until
from tests.power_room import record_room
from tests.rebuild.lab import HOST, LOADER
from tests.rebuild.segment import ADDRESS, segment

MAC = "52:54:00:aa:bb:01"


@dataclass
class Boots:
    """A boot directory, clusto's own server of it, and the inventory; `prefix` runs programs in another namespace."""

    folder: Path
    store: str
    listen: str
    prefix: Sequence[str] = ()
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.allow({})

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "CLUSTO_DB": self.store, "XDG_CONFIG_HOME": str(self.folder.parent / "config")}

    def allow(self, commands: Mapping[str, Sequence[str]]) -> None:
        """Lets attributes name these commands."""
        configured.write(self.folder.parent / "config", commands)

    def clusto(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*self.prefix, sys.executable, "-m", "clusto_cli.main", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=240, check=False)

    def rebuild(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.clusto("rebuild", *arguments, "--yes", "--pause", "0.2")

    @contextmanager
    def serving(self) -> Iterator[None]:
        command = [*self.prefix, sys.executable, "-m", "clusto_cli.main", "rebuild", "serve"]
        with (self.folder.parent / "serve.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--listen", self.listen, "--dir", str(self.folder)],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        try:
            until(lambda: "listening" in (self.folder.parent / "serve.log").read_text(), "it listens", 30)
            yield
        finally:
            process.terminate()
            process.wait(20)

    def heard(self, name: str) -> list[tuple[str, str]]:
        found = json.loads(self.clusto("rebuild", "--status", name, "-o", "json").stdout)[0]
        return [(event["source"], event["event"]) for event in found["events"]]


def boot_folder(tmp_path: Path, installer: Path, *names: str) -> Path:
    """What machines fetch besides their own files: the loader, the installer, the image of each one's system."""
    folder = tmp_path / "boot"
    (folder / "images").mkdir(parents=True)
    (folder / "installer").mkdir()
    for path in LOADER:
        shutil.copy(path, folder)
    for name in ("linux", "initrd.gz"):
        shutil.copy(installer / name, folder / "installer")
    for name in names:
        (folder / "images" / f"{name}.img").write_bytes(system_image(name, f"{name} of {tmp_path}".encode()))
    return folder


def recorded(store: str, name: str, mac: str, settings: Mapping[str, object], *, add: bool = True) -> None:
    shared = {
        "os.profile": "image",
        "os.image": f"images/{name}.img",
        "os.kernel": "installer/linux",
        "os.initrd": "installer/initrd.gz",
        "os.disk": "/dev/vda",
        "os.console": "ttyS0,115200n8",
    }
    with Inventory(Settings(store)).change() as change:
        if add:
            change.add("Server", name)
        for key, value in {**shared, **settings}.items():
            change.set_values(change.resolve(name), Key.parse(key), [value])
        change.set_values(change.resolve(f"{name}:eth0"), Key.parse("mac"), [mac])


def installed(machine: Machine, folder: Path) -> bool:
    image = (folder / "images" / f"{machine.name}.img").read_bytes()
    return machine.disk_image.read_bytes()[: len(image)] == image


@pytest.fixture
def local(tmp_path: Path, sqlite_url: str, installer: Path) -> Iterator[Boots]:
    """Serving on loopback, which is another address for machines in QEMU's own network."""
    found = Boots(boot_folder(tmp_path, installer, "server1"), sqlite_url, f"127.0.0.1:{free_ports()}")
    with found.serving():
        yield found


def reached(boots: Boots) -> dict[str, object]:
    port = boots.listen.rpartition(":")[2]
    return {
        "rebuild.dir": str(boots.folder),
        "rebuild.url": f"http://{HOST}:{port}",
        "rebuild.check_url": f"http://{boots.listen}",
        "rebuild.loaders": "pxelinux",
    }


def test_behind_a_controller(tmp_path: Path, local: Boots) -> None:
    """Power, boot device and console by IPMI 2.0; call-back and serial over LAN agree."""
    find("ipmi_sim", "openipmi")
    find("ipmitool", "ipmitool")
    machine = Machine("server1", tmp_path / "server1", MAC, UserNetwork(local.folder))
    bmc = Bmc(machine)
    with alive(machine, bmc):
        controller = {"bmc.host": "127.0.0.1", "bmc.port": bmc.port, "bmc.user": bmc.user, "bmc.cipher_suite": 3}
        recorded(local.store, "server1", MAC, {**reached(local), **controller, "bmc.password": bmc.password})
        done = local.rebuild("server1")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "(call-back, console)" in done.stdout
        assert installed(machine, local.folder)
        assert machine.said.count("clusto-installer: started") == 1
        heard = local.heard("server1")
        assert heard.index(("fetch", "fetched")) < heard.index(("callback", "started")) < heard.index(("console", "up"))
        # The next boot is from the disk, and installs nothing.
        assert local.clusto("power", "cycle", "server1", "--via", "bmc", "--yes").returncode == 0
        until(lambda: machine.said.count("server1 login:") == 2, "it boots", 60)
        assert machine.said.count("clusto-installer: started") == 1


def test_fed_by_pdus_and_booting_from_the_network_first(tmp_path: Path, local: Boots) -> None:
    """No controller: two feeds, and the boot file alone steers it. No call-back arrives: console and probe agree."""
    room = Room(2, 1)
    machine = Machine("server1", tmp_path / "server1", MAC, UserNetwork(local.folder), first=Boot.NETWORK)
    machine.mains = lambda: room.powered("server1")
    with alive(room, machine):
        record_room(Inventory(Settings(local.store)), room)
        console = {"console.profile": "generic-tcp", "console.host": "127.0.0.1", "console.port": machine.console_port}
        recorded(local.store, "server1", MAC, {**reached(local), **console}, add=False)
        done = local.rebuild("server1")
        assert done.returncode == 0, done.stdout + done.stderr
        assert installed(machine, local.folder)
        assert machine.said.count("clusto-installer: started") == 1
        heard = local.heard("server1")
        # The machine came for its boot file twice: to install, and when it had installed.
        assert ("fetch", "fetched") in heard
        assert ("callback", "finished") in heard


def test_ipxe_with_what_clusto_tells_dnsmasq(tmp_path: Path, sqlite_url: str, installer: Path) -> None:
    """A segment of its own: DHCP from `clusto export`, iPXE over HTTP, power by a site's own command."""
    with ExitStack() as stack:
        lan = stack.enter_context(segment(tmp_path / "lan"))
        boots = Boots(boot_folder(tmp_path, installer, "server1"), sqlite_url, f"{ADDRESS}:8080", lan.inside())
        stack.enter_context(boots.serving())
        machine = Machine("server1", tmp_path / "server1", MAC, lan.plug("tap1"), first=Boot.NETWORK)
        stack.enter_context(alive(machine))
        chassis.ask(str(machine.control), "set power 1")
        boots.allow({"chassis": [sys.executable, "-SE", chassis.__file__, str(machine.control), "outlet", "{action}"]})
        settings = {
            "rebuild.dir": str(boots.folder),
            "rebuild.url": f"http://{ADDRESS}:8080",
            "rebuild.loaders": "pxelinux ipxe",
            "console.profile": "qemu-serial",
            "console.path": str(machine.console),
            "rebuild.probe": "none",
        }
        with Inventory(Settings(sqlite_url)).change() as change:
            change.add("PDU", "pdu1", attributes=[("power.command", "chassis")])
            change.add("Network", "lan", attributes=[("cidr", "10.77.0.0/24")])
        recorded(sqlite_url, "server1", MAC, settings)
        with Inventory(Settings(sqlite_url)).change() as change:
            change.connect("server1:psu1", "pdu1:1")
            hold(change.unit, change.resolve("server1:eth0"), "10.77.0.11")
        config = tmp_path / "config.toml"
        config.write_text('exports.dnsmasq = ["rebuild.dir", "rebuild.url"]\n')
        exported = boots.clusto("--config", str(config), "export", "--format", "dnsmasq")
        assert exported.returncode == 0, exported.stderr
        stack.enter_context(_dnsmasq(tmp_path, lan.inside(), exported.stdout, sqlite_url))
        done = boots.rebuild("server1")
        assert done.returncode == 0, done.stdout + done.stderr
        assert installed(machine, boots.folder)
        assert machine.said.count("clusto-installer: started") == 1
        assert {("fetch", "fetched"), ("callback", "finished"), ("console", "up")} <= set(boots.heard("server1"))


@contextmanager
def _dnsmasq(tmp_path: Path, inside: Sequence[str], exported: str, store: str) -> Iterator[None]:
    """dnsmasq with the configuration that clusto wrote, and clusto's hook."""
    program = find("dnsmasq", "dnsmasq-base")
    folder = tmp_path / "dnsmasq"
    folder.mkdir()
    hook = folder / "hook"
    hook.write_text(f'#!/bin/sh\nCLUSTO_DB={store} exec {sys.executable} -m clusto_cli.main rebuild hook "$@"\n')
    hook.chmod(0o755)
    extra = ["interface=br0", "bind-interfaces", "port=0", "no-ping", "enable-ra", "dhcp-range=fd77::,ra-only"]
    extra += ["user=root", f"dhcp-script={hook}", f"dhcp-leasefile={folder}/leases"]
    extra += [f"log-facility={folder}/log", f"pid-file={folder}/pid"]
    (folder / "conf").write_text(exported + "\n".join(extra) + "\n")
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", *inside, program, "--keep-in-foreground", "-C", str(folder / "conf")],
    )
    try:
        until(lambda: process.poll() is not None or (folder / "pid").exists(), "dnsmasq runs")
        assert process.poll() is None, (folder / "log").read_text()
        yield
    finally:
        process.terminate()
        process.wait()
