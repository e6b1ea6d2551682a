"""Machines of the lab are installed by hand: boot files, power, and what comes of it; and their faults."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pexpect
import pytest
from lab.alive import alive
from lab.bmc import Bmc
from lab.chassis import ask as ask_chassis
from lab.room import Room, mac_of
from lab.vm import Boot, Machine, UserNetwork

from clusto_cli.main import invoke
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from tests.conftest import Run
from tests.console.lab import find, until
from tests.power_room import record_room
from tests.rebuild.lab import (
    BootDirectory,
    WebServer,
    boot_directory,
    long,
    needs_machines,
    needs_uefi,
    uefi_system_image,
    unheard_url,
    web_server,
)
from tests.rebuild.segment import ADDRESS, segment

MAC = "52:54:00:aa:bb:01"


@pytest.fixture
def machine(tmp_path: Path, boot: BootDirectory) -> Machine:
    """server1, which finds PXELINUX when it boots from the network."""
    return Machine("server1", tmp_path / "server1", MAC, UserNetwork(boot.folder))


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    """A machine with an empty disk and no network."""
    needs_machines()
    return Machine("server1", tmp_path / "server1", MAC, None)


def chassis(machine: Machine, request: str) -> str:
    return ask_chassis(str(machine.control), request)


def says(machine: Machine, text: str, seconds: float = 60) -> None:
    """Waits until the console has shown this."""
    until(lambda: text in machine.said, f"{machine.name} says {text!r}", seconds)


def ipmitool(bmc: Bmc, *words: str) -> list[str]:
    """The command line that asks the controller."""
    access = ["-I", "lanplus", "-C", "3", "-H", "127.0.0.1", "-p", str(bmc.port), "-U", bmc.user, "-P", bmc.password]
    return [find("ipmitool", "ipmitool"), *access, *words]


def ask(bmc: Bmc, *words: str) -> str:
    return subprocess.run(ipmitool(bmc, *words), capture_output=True, text=True, check=True, timeout=20).stdout


def installed(machine: Machine, image: bytes) -> bool:
    """Whether the disk begins with all of this image."""
    return machine.disk_image.read_bytes()[: len(image)] == image


def test_behind_a_controller(machine: Machine, boot: BootDirectory, web: WebServer, image: bytes) -> None:
    find("ipmi_sim", "openipmi")
    bmc = Bmc(machine)
    with alive(machine, bmc):
        boot.install(MAC)
        assert ask(bmc, "chassis", "power", "status") == "Chassis Power is off\n"
        ask(bmc, "chassis", "bootdev", "pxe")
        assert "Force PXE" in ask(bmc, "chassis", "bootparam", "get", "5")
        program, *words = ipmitool(bmc, "sol", "activate")
        console = pexpect.spawn(program, words, timeout=60)
        console.expect_exact("SOL Session operational")
        ask(bmc, "chassis", "power", "on")
        assert "No override" in ask(bmc, "chassis", "bootparam", "get", "5")
        web.wait("started")
        boot.local(MAC)
        for line in ("started", "writing", "written", "finished", "rebooting"):
            console.expect_exact(f"clusto-installer: {line}")
        console.expect_exact("\r\nserver1 login: ")
        console.send("root")
        console.expect_exact("root")
        assert ask(bmc, "chassis", "power", "status") == "Chassis Power is on\n"
        bmc.stop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
            port.bind(("127.0.0.1", bmc.port))  # nothing of it has got into the machine
        assert machine.powered
    assert not machine.powered
    assert web.told() == ["started", "finished"]
    assert machine.said.count("clusto-installer: started") == 1
    assert installed(machine, image)


def test_fed_by_pdus(
    sqlite_url: str,
    machine: Machine,
    boot: BootDirectory,
    web: WebServer,
    image: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a controller: the firmware boots from the network first, and each boot does what the file then says."""
    room = Room(2, 1)
    machine.first, machine.mains = Boot.NETWORK, lambda: room.powered("server1")
    for pdu in room.pdus:
        pdu.outlets[0].on = False
    monkeypatch.setenv("CLUSTO_DB", sqlite_url)
    with alive(room, machine):
        record_room(Inventory(Settings(sqlite_url)), room)
        boot.install(MAC)
        assert not machine.powered
        assert invoke(["power", "on", "server1"]) == 0
        web.wait("started")
        boot.local(MAC)
        says(machine, "\r\nserver1 login: ")
        assert web.told() == ["started", "finished"]
        assert installed(machine, image)
        room["pdu1a"].outlets[0].command(False)
        time.sleep(0.2)
        assert machine.powered
        assert invoke(["power", "off", "server1", "--yes"]) == 0
        until(lambda: not machine.powered, "no power")
    assert machine.said.count("clusto-installer: started") == 1
    assert len(machine.starts) == 1


def test_a_room_with_a_machine(tmp_path: Path, clusto: Run, boot: BootDirectory, image: bytes) -> None:
    """`python -m lab --machine` from a shell: its inventory leads to the machine's console and its power."""
    boot.local(mac_of(1))
    disk, room = tmp_path / "machines" / "server1" / "disk.img", tmp_path / "room.jsonl"
    disk.parent.mkdir(parents=True)
    disk.write_bytes(image)
    words = ["--pdus", "2", "--port", "0", "--no-switches", "--inventory", str(room)]
    words += ["--machine", "server1", "--tftp", str(boot.folder), "--machines", str(disk.parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    lab = subprocess.Popen([sys.executable, "-m", "lab", *words], env=environment, stderr=subprocess.PIPE)
    with lab:
        try:
            until(lambda: room.exists() and room.read_text().endswith("\n"), "the lab is there", 30)
            assert clusto("import", str(room)).code == 0
            until(lambda: b"server1 login: " in disk.with_name("console.log").read_bytes(), "the system is up", 60)
            typed = clusto("console", "server1", "--send", "root", "--expect", "root", "--timeout", "10")
            assert typed.code == 0, typed.err
            assert clusto("power", "off", "server1", "--yes").code == 0
            until(lambda: not disk_users(disk), "no power")
        finally:
            lab.terminate()


def test_ipxe_on_a_segment(tmp_path: Path, installer: Path, image: bytes) -> None:
    """iPXE over HTTP, by its own file for each card, beside a DHCP server that is told nothing of installing."""
    (tmp_path / "web" / "system.img.gz").write_bytes(gzip.compress(image))
    with ExitStack() as stack:
        lan = stack.enter_context(segment(tmp_path / "lan"))
        web = stack.enter_context(web_server(tmp_path / "web", host=ADDRESS, listener=lan.listener()))
        boot = boot_directory(web, installer)
        stack.enter_context(lan.dnsmasq(boot.folder, f"{boot.url}/boot.ipxe", {MAC: "10.77.0.11"}))
        machine = Machine("server1", tmp_path / "server1", MAC, lan.plug("tap1"), first=Boot.NETWORK)
        stack.enter_context(alive(machine))
        # By name and compressed: the installer asks DNS, and sums up what it has unpacked.
        url = f"http://boot.test:{web.port}/system.img.gz"
        boot.install(MAC, image=url, sha256=hashlib.sha256(image).hexdigest())
        chassis(machine, "set power 1")
        web.wait("started")
        boot.local(MAC)
        says(machine, "\r\nserver1 login: ")
        assert installed(machine, image)
        assert "network: 10.77.0.11 on eth0" in machine.said
    assert web.told() == ["started", "finished"]
    assert web.requests.count("/boot/ipxe/mac-525400aabb01.ipxe") == 2
    assert f"add {MAC} 10.77.0.11" in lan.hooked()


@long
def test_uefi_and_grub_on_a_segment(tmp_path: Path, installer: Path) -> None:
    """UEFI fetches GRUB, whose one file for all leads to the machine's own."""
    needs_uefi()
    (tmp_path / "web").mkdir()
    image = tmp_path / "web" / "system.img"
    uefi_system_image("server1", image)
    with ExitStack() as stack:
        lan = stack.enter_context(segment(tmp_path / "lan"))
        web = stack.enter_context(web_server(tmp_path / "web", host=ADDRESS, listener=lan.listener()))
        boot = boot_directory(web, installer)
        boot.add_grub()
        stack.enter_context(lan.dnsmasq(boot.folder, f"{boot.url}/boot.ipxe", {MAC: "10.77.0.11"}))
        machine = Machine("server1", tmp_path / "server1", MAC, lan.plug("tap1"), first=Boot.NETWORK, uefi=True)
        stack.enter_context(alive(machine))
        boot.install(MAC)
        chassis(machine, "set power 1")
        web.wait("started", seconds=180)
        boot.local(MAC)
        says(machine, "server1 login: ", 180)
        assert installed(machine, image.read_bytes())
    assert web.told() == ["started", "finished"]
    assert len([line for line in lan.hooked() if line.endswith(f"grub.cfg-{MAC}")]) == 2


def test_dnsmasq_tells_of_files_that_were_fetched(tmp_path: Path, installer: Path, image: bytes) -> None:
    with ExitStack() as stack:
        lan = stack.enter_context(segment(tmp_path / "lan"))
        web = stack.enter_context(web_server(tmp_path / "web", host=ADDRESS, listener=lan.listener()))
        boot = boot_directory(web, installer)
        stack.enter_context(lan.dnsmasq(boot.folder, "pxelinux.0", {MAC: "10.77.0.11"}))
        machine = Machine("server1", tmp_path / "server1", MAC, lan.plug("tap1"), first=Boot.NETWORK)
        stack.enter_context(alive(machine))
        machine.disk_image.write_bytes(image)
        boot.local(MAC)
        chassis(machine, "set power 1")
        says(machine, "\r\nserver1 login: ")
        file = boot.pxelinux(MAC)
        until(lambda: f"tftp {file.stat().st_size} 10.77.0.11 {file}" in lan.hooked(), "the hook has run")


def test_a_lost_callback_keeps_nobody_from_installing(
    machine: Machine, boot: BootDirectory, web: WebServer, image: bytes
) -> None:
    machine.network = UserNetwork(boot.folder, "boot.ipxe")
    with alive(machine):
        boot.install(MAC, event=unheard_url())
        chassis(machine, "set boot pxe power 1")
        says(machine, "\r\nserver1 login: ")
    said = [line.partition("clusto-installer: ")[2] for line in machine.said.splitlines() if "clusto-inst" in line]
    assert [line for line in said if "lost" in line] == ["call-back lost: started", "call-back lost: finished"]
    assert said.count("started") == 1
    assert installed(machine, image)
    assert not web.events


def test_what_the_installer_does_not_take(tmp_path: Path, boot: BootDirectory, web: WebServer, image: bytes) -> None:
    """It says why, and stands still. Three machines at once."""
    (web.folder / "page.html").write_text("<p>It works!</p>")
    cases = {
        "server1": ({"image": f"{web.url}/nothing.img"}, "wget: server returned error: HTTP/1.0 404 File not found"),
        "server2": ({"image": f"{web.url}/page.html"}, f"{web.url}/page.html is no image of a boot disk"),
        "server3": ({"sha256": "0" * 64}, f"/dev/vda has the sha256 {hashlib.sha256(image).hexdigest()}"),
    }
    machines = []
    for number, (name, (arguments, _)) in enumerate(cases.items(), 1):
        mac = f"52:54:00:aa:bb:0{number}"
        machines.append(Machine(name, tmp_path / name, mac, UserNetwork(boot.folder, "boot.ipxe"), first=Boot.NETWORK))
        boot.install(mac, **{"event": f"{web.url}/rebuild/{name}", **arguments})
    with alive(*machines):
        before = os.urandom(1 << 20)
        for machine in machines:
            machine.disk_image.write_bytes(before * machine.disk)
            chassis(machine, "set power 1")
        for machine in machines:
            reason = cases[machine.name][1]
            assert web.wait("failed", machine.name).message == reason
            says(machine, f"clusto-installer: failed: {reason}\r\nclusto-installer: stopped\r\n")
            assert web.told(machine.name) == ["started", "failed"]
            assert machine.said.count("clusto-installer: started") == 1
        assert machines[0].disk_image.read_bytes() == before * machines[0].disk
        # What was written stays; the end of the disk is cleared of what was there.
        after = machines[2].disk_image.read_bytes()
        assert after == image + before * (machines[2].disk - 2) + bytes(1 << 20)


def test_a_machine_that_boots_nothing(bare: Machine) -> None:
    with alive(bare):
        assert chassis(bare, "get power boot") == "power:0\nboot:none\n"
        chassis(bare, "set power 1")
        says(bare, "No bootable device.")
        assert bare.powered


def test_an_override_is_for_one_boot(bare: Machine, tmp_path: Path) -> None:
    """Unless the controller is one of those that ignore it, or keep it."""
    bare.network = UserNetwork(tmp_path)
    with alive(bare):
        for kept, ignored, boots, then in (
            (False, False, "Booting from ROM", "none"),
            (True, False, "Booting from ROM", "pxe"),
            (False, True, "Booting from Hard Disk", "none"),
        ):
            bare.override_kept, bare.override_ignored = kept, ignored
            chassis(bare, "set boot pxe")
            before = len(bare.said)
            assert chassis(bare, "get boot") == "boot:pxe\n"
            chassis(bare, "set power 1")
            until(lambda: "Booting from" in bare.said[before:], "it boots")  # noqa: B023 -- asked at once
            until(lambda: boots in bare.said[before:], boots)  # noqa: B023
            assert chassis(bare, "get boot") == f"boot:{then}\n"
            chassis(bare, "set power 0")
        assert chassis(bare, "set boot floppy").startswith("refused")


def test_power_that_does_not_obey(bare: Machine) -> None:
    with alive(bare):
        chassis(bare, "set power 1")
        bare.power_stuck = True
        assert chassis(bare, "set power 0") == ""
        assert chassis(bare, "get power") == "power:1\n"
        chassis(bare, "set reset 1")
        assert len(bare.starts) == 1


def test_machines_die_with_the_lab(bare: Machine) -> None:
    program = (
        "import sys; from pathlib import Path; from lab.alive import alive; from lab.vm import Machine\n"
        f"with alive(Machine('server1', Path({str(bare.folder)!r}), {MAC!r}, None)):\n"
        "    print('ready', flush=True); sys.stdin.read()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "examples")}
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, process.stdin, process.stdout:
        assert process.stdout.readline() == "ready\n"
        chassis(bare, "set power 1")
        says(bare, "SeaBIOS")
        assert disk_users(bare.disk_image)
        process.send_signal(signal.SIGKILL)
        until(lambda: not disk_users(bare.disk_image), "QEMU is gone")


def disk_users(disk: Path) -> list[str]:
    """The processes that have this disk open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == str(disk):
                found.append(link.parts[2])
    return found
