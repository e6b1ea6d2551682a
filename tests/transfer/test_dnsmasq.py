"""The configuration of dnsmasq: as text, and as dnsmasq itself reads it."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.rules.claims import hold
from clusto_core.transfer.formats.dnsmasq import write
from clusto_core.transfer.leaving import Leaving

NETWORK = [("cidr", "127.10.0.0/24"), ("gateway", "127.10.0.254")]


def exported(inventory: Inventory) -> str:
    out = io.StringIO()
    with inventory.read() as reader:
        write(reader, reader.all(), out, Leaving(frozenset(["rebuild.dir", "rebuild.url"])))
    return out.getvalue()


def add_server(inventory: Inventory, name: str, **cards: tuple[str, str | None]) -> None:
    """A server whose cards have these MACs and addresses."""
    with inventory.change() as change:
        change.add("Server", name, parents=["dc1"])
        for card, (mac, address) in cards.items():
            part = change.resolve(f"{name}:{card}")
            change.set_values(part, Key.parse("mac"), [mac])
            if address is not None:
                hold(change.unit, part, address)


@pytest.fixture
def site(inventory: Inventory, tmp_path: Path) -> Inventory:
    with inventory.change() as change:
        settings = [("rebuild.dir", str(tmp_path)), ("rebuild.url", "http://127.10.0.254:8080")]
        change.add("Datacenter", "dc1", attributes=settings)
        change.add("Network", "lan", attributes=NETWORK)
    return inventory


def test_dnsmasq_takes_it(site: Inventory, tmp_path: Path) -> None:
    add_server(site, "server1", eth0=("52-54-00-AA-00-01", "127.10.0.11"))
    add_server(site, "server2", eth0=("5254.00aa.0002", None))
    text = exported(site)
    lines = text.splitlines()
    assert "dhcp-host=52:54:00:aa:00:01,127.10.0.11,server1" in lines
    assert "dhcp-host=52:54:00:aa:00:02,server2" in lines
    assert "dhcp-range=set:lan,127.10.0.0,static,255.255.255.0" in lines
    assert "dhcp-option=tag:lan,option:router,127.10.0.254" in lines
    assert "dhcp-boot=tag:ipxe,http://127.10.0.254:8080/boot.ipxe" in lines
    path = tmp_path / "dnsmasq.conf"
    path.write_text(text)
    done = subprocess.run([dnsmasq(), "--test", "-C", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def hosts(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("dhcp-host", "# ")) and "clusto" not in line]


def test_each_card_has_a_line_and_its_own_address(site: Inventory) -> None:
    add_server(site, "two", eth0=("52:54:00:00:00:01", "127.10.0.1"), eth1=("52:54:00:00:00:02", "127.20.0.1"))
    add_server(site, "second", eth0=("52:54:00:00:00:03", None), eth1=("52:54:00:00:00:04", "127.10.0.4"))
    add_server(site, "whole", eth0=("52:54:00:00:00:05", None), eth1=("52:54:00:00:00:06", None))
    with site.change() as change:
        hold(change.unit, change.resolve("whole"), "127.10.0.5")
        hold(change.unit, change.resolve("two:eth1"), "2001:db8::2")
    assert sorted(hosts(exported(site))) == [
        "dhcp-host=52:54:00:00:00:01,127.10.0.1,two",
        "dhcp-host=52:54:00:00:00:02,127.20.0.1,[2001:db8::2],two-eth1",
        "dhcp-host=52:54:00:00:00:03,second-eth0",
        "dhcp-host=52:54:00:00:00:04,127.10.0.4,second",
        "dhcp-host=52:54:00:00:00:05,127.10.0.5,whole",
        "dhcp-host=52:54:00:00:00:06,whole-eth1",
    ]


def test_what_is_there_twice_is_told_and_left_out(site: Inventory) -> None:
    add_server(site, "one", eth0=("52:54:00:00:00:01", "127.10.0.1"), eth1=("52:54:00:00:00:09", "127.10.0.9"))
    add_server(site, "other", eth0=("52-54-00-00-00-01", "127.10.0.2"))
    add_server(site, "Web", eth0=("52:54:00:00:00:03", "127.10.0.3"))
    add_server(site, "web", eth0=("52:54:00:00:00:04", "127.10.0.4"))
    add_server(site, "one-eth1", eth0=("52:54:00:00:00:05", "127.10.0.5"))
    found = hosts(exported(site))
    assert "# one: left out, 52:54:00:00:00:01 is also that of other" in found
    assert "# other: left out, 52:54:00:00:00:01 is also that of one" in found
    assert "# web: left out, its name is also, but for case, that of Web (52:54:00:00:00:03)" in found
    assert "# one-eth1: left out, its name is also, but for case, that of one (52:54:00:00:00:09)" in found
    assert not [line for line in found if line.startswith("dhcp-host")]


def dnsmasq() -> str:
    program = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin:/sbin")
    if program is None:
        pytest.skip("dnsmasq is not installed (Debian package dnsmasq-base)")
    return program


def test_each_architecture_is_told_its_own_file(site: Inventory) -> None:
    """What a client of each architecture (IANA's registry) is told, by dnsmasq's rule: the line whose tags all hold."""
    add_server(site, "one", eth0=("52:54:00:00:00:01", "127.10.0.1"))
    lines = exported(site).splitlines()
    tags = {
        int(arch): tag
        for line in lines
        if line.startswith("dhcp-match=") and "client-arch" in line
        for tag, _, arch in [line.removeprefix("dhcp-match=set:").split(",")]
    }
    found = {}
    for arch in (0, 7, 9, 11, 16, 19):
        for ipxe in (False, True):
            held = {tags.get(arch), "ipxe" if ipxe else None}
            fitting = [line for line in lines if _fit(line, held)]
            found[arch, ipxe] = [line.split(",")[-1] for line in fitting if line.startswith("dhcp-boot=")]
            forced = any(line.startswith("dhcp-option-force=") for line in fitting)
            assert forced is (arch >= 16 and not ipxe)
    url = "http://127.10.0.254:8080"
    plain = {0: "pxelinux.0", 7: "bootnetx64.efi", 9: "bootnetx64.efi", 11: "bootnetaa64.efi"}
    over_http = {16: f"{url}/bootnetx64.efi", 19: f"{url}/bootnetaa64.efi"}
    assert found == {
        (arch, ipxe): [f"{url}/boot.ipxe" if ipxe else file]
        for arch, file in (plain | over_http).items()
        for ipxe in (False, True)
    }


def _fit(line: str, held: set[str | None]) -> bool:
    """Whether a line is for a client with these tags."""
    tags = [word.removeprefix("tag:") for word in line.partition("=")[2].split(",") if word.startswith("tag:")]
    return all((tag[1:] not in held) if tag.startswith("!") else (tag in held) for tag in tags)
