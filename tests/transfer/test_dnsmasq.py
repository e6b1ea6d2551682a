"""The configuration of dnsmasq, as dnsmasq itself reads it."""

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


def test_dnsmasq_takes_it(inventory: Inventory, tmp_path: Path) -> None:
    with inventory.change() as change:
        change.add(
            "Datacenter", "dc1", attributes=[("rebuild.dir", str(tmp_path)), ("rebuild.url", "http://10.0.0.1:8080")]
        )
        change.add("Network", "lan", attributes=[("cidr", "10.0.0.0/24"), ("gateway", "10.0.0.254")])
        for number, mac in enumerate(("52-54-00-AA-00-01", "5254.00aa.0002", "zz\tdhcp-script=/bin/sh"), 1):
            change.add("Server", f"server{number}", parents=["dc1"])
            change.set_values(change.resolve(f"server{number}:eth0"), _key("mac"), [mac])
        change.set_values(change.resolve("server1"), _key("rebuild.nic"), ["eth0"])
        hold(change.unit, change.resolve("server1:eth0"), "10.0.0.11")
    out = io.StringIO()
    with inventory.read() as reader:
        write(reader, reader.all(), out, Leaving(frozenset(["rebuild.dir", "rebuild.url"])))
    text = out.getvalue()
    lines = text.splitlines()
    assert "dhcp-host=52:54:00:aa:00:01,10.0.0.11,server1" in lines
    assert "dhcp-host=52:54:00:aa:00:02,server2" in lines
    assert "dhcp-range=set:lan,10.0.0.0,static,255.255.255.0" in lines
    assert "dhcp-option=tag:lan,option:router,10.0.0.254" in lines
    assert "dhcp-boot=tag:ipxe,http://10.0.0.1:8080/boot.ipxe" in lines
    assert not any(line.startswith("dhcp-script") for line in lines)
    dnsmasq = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin:/sbin")
    if dnsmasq is None:
        pytest.skip("dnsmasq is not installed (Debian package dnsmasq-base)")
    path = tmp_path / "dnsmasq.conf"
    path.write_text(text)
    done = subprocess.run([dnsmasq, "--test", "-C", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _key(text: str) -> Key:
    return Key.parse(text)
