"""Cards and addresses that hosts files, ethers, dnsmasq and dhcpd know."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusto_core.config import Settings
from clusto_core.errors import Malformed
from clusto_core.inventory import Inventory
from clusto_core.rules import claims
from clusto_core.transfer.sources.file import FileSource
from clusto_core.transfer.sources.protocol import Declared, quiet
from clusto_core.transfer.sync import running
from clusto_core.transfer.sync.engine import Options
from tests.transfer.mentions.conftest import Sync, written
from tests.transfer.sync.sites import exported

HOSTS = """\
127.0.0.1 localhost srv1
ff02::1 ip6-allnodes
10.0.0.1\tsrv1.example.net srv1   # where it is already
10.0.1.1 srv1-eth1
fe80::1%eth0 srv2
2001:DB8::2 SRV2
10.0.0.9 stranger
10.0.0.8 srv1.elsewhere.test
"""


def test_a_hosts_file(site: Inventory, sync: Sync) -> None:
    """Addresses stay where they are; others go to the part that the name is of, or to the machine."""
    report = sync("hosts", HOSTS)
    assert (report.in_step, report.unknown) == (True, 2)
    assert exported(site)["srv1"]["ip"] == [{"eth0": ["10.0.0.1"], "eth1": ["10.0.1.1"]}]
    assert sorted(exported(site)["srv2"]["ip"]) == ["2001:db8::2", "fe80::1"]


def test_an_address_that_changes(site: Inventory, sync: Sync) -> None:
    """Hands, and altogether; one that people gave stays."""
    sync("hosts", HOSTS)
    with site.change() as change:
        claims.hold(change.unit, change.resolve("srv2"), "10.9.9.9")
    assert sync("hosts", HOSTS.replace("2001:DB8::2 SRV2", "10.0.1.1 srv2").replace("10.0.1.1 srv1-eth1\n", "")).in_step
    assert exported(site)["srv1"]["ip"] == [{"eth0": ["10.0.0.1"]}]
    assert sorted(exported(site)["srv2"]["ip"]) == ["10.0.1.1", "10.9.9.9", "fe80::1"]


def test_an_address_of_another_machine_is_a_conflict(site: Inventory, sync: Sync) -> None:
    report = sync("hosts", "10.0.0.1 srv2\n")
    assert [each.name for each in (*report.conflicts, *report.held)] == ["srv2"]
    assert exported(site)["srv1"]["ip"] == [{"eth0": ["10.0.0.1"]}]


ETHERS = "52:54:0:0:0:1 srv1\n5254.0000.0002 10.0.0.1  # by its address\n52-54-00-00-00-03 srv2-eth1\n"
DNSMASQ = """\
dhcp-range=10.0.0.0,static
domain-needed
dhcp-host=52:54:00:00:00:01,set:red,srv1,12h   # no address
dhcp-host=52:54:00:00:00:02,10.0.0.1
dhcp-host=06-52:54:00:00:00:09,ignore
52:54:00:00:00:03,[2001:db8::3],10.0.0.3,srv2-eth1
dhcp-host=52:54:*:*:*:*,infinite
dhcp-host=id:01:02:03,srv2
host-record=srv2.example.net,srv2,10.0.0.4,300
"""
DHCPD = """\
option domain-name "example.net";
subnet 10.0.0.0 netmask 255.255.255.0 {
  range 10.0.0.100 10.0.0.200;
  group { # a comment }
    host srv1 { hardware ethernet 52:54:00:00:00:01; }
    host "x" { hardware ethernet 52:54:00:00:00:02; fixed-address 10.0.0.1; option host-name "srv1"; }
  }
}
host srv2-eth1 {
  hardware
    ethernet 52:54:00:00:00:03;
  fixed-address 10.0.0.3, 10.0.0.5;
}
host six { fixed-address6 2001:db8::6; fixed-address srv2.example.net; }
"""


@pytest.mark.parametrize(("name", "text"), [("ethers", ETHERS), ("dnsmasq", DNSMASQ), ("dhcpd", DHCPD)])
def test_cards(site: Inventory, sync: Sync, name: str, text: str) -> None:
    """A MAC goes to the part with the address beside it, to the one of the name, or to the first without one."""
    report = sync(name, text)
    assert report.in_step, report.held
    found = exported(site)
    assert {part: said["mac"] for part, said in found["srv1"]["part_attrs"].items()} == {
        "eth0": "52:54:00:00:00:02",
        "eth1": "52:54:00:00:00:01",
    }
    assert found["srv2"]["part_attrs"]["eth1"]["mac"] == "52:54:00:00:00:03"
    ip = {
        "ethers": set(),
        "dnsmasq": {"10.0.0.4", "eth1 10.0.0.3", "eth1 2001:db8::3"},
        "dhcpd": {"2001:db8::6", "eth1 10.0.0.3", "eth1 10.0.0.5"},
    }[name]
    assert _held(found["srv2"]) == ip
    assert sync(name, text).transaction is None


def _held(found: dict[str, Any]) -> set[str]:
    of_parts = [each for each in found.get("ip", ()) if isinstance(each, dict)]
    own = {each for each in found.get("ip", ()) if isinstance(each, str)}
    return own | {f"{part} {address}" for each in of_parts for part, held in each.items() for address in held}


def test_a_card_that_is_changed(site: Inventory, sync: Sync) -> None:
    """The part that had the old MAC has the new one."""
    sync("ethers", "52:54:00:00:00:01 srv1-eth1\n")
    assert sync("ethers", "52:54:00:00:00:02 srv1-eth1\n").in_step
    assert exported(site)["srv1"]["part_attrs"] == {"eth1": {"mac": "52:54:00:00:00:02"}}


def test_more_cards_than_there_are_parts(site: Inventory, sync: Sync) -> None:
    """Three MACs, and three parts in all, of which two are named."""
    report = sync("ethers", "".join(f"52:54:00:00:00:0{number} srv1\n" for number in range(1, 5)))
    assert "srv1 has no card without a MAC for 52:54:00:00:00:03" in report.held[0].text


FORMATS = ["hosts", "ethers", "dnsmasq", "dhcpd"]
CARDS = st.dictionaries(
    st.sampled_from(["eth0", "eth1", "Gi0/1", "a-b"]),
    st.tuples(st.booleans(), st.lists(st.sampled_from(["v4", "v6"]), max_size=2)),
    max_size=3,
)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(machines=st.lists(st.tuples(CARDS, st.booleans()), min_size=1, max_size=3), domain=st.booleans())
def test_what_is_exported_is_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, name: str, machines: list[Any], domain: bool
) -> None:
    """Whatever cards and addresses machines have: nothing is to do."""
    directory = tmp_path_factory.mktemp("any")
    inventory = Inventory(Settings(f"sqlite:///{directory}/clusto.db"))
    free = iter(range(1, 200))
    with inventory.change() as change:
        change.add("Pool", "pool", attributes=[("dns.domain", "example.net")] if domain else [])
        for number, (cards, own) in enumerate(machines):
            change.add("Server", f"srv{number}", parents=["pool"], part_counts={"nic": list(cards)} if cards else {})
            for part, (mac, held) in cards.items():
                each = change.resolve(f"srv{number}:{part}")
                if mac:
                    change.set_values(each, "mac", [f"52:54:00:00:00:{next(free):02x}"])
                for version in held:
                    claims.hold(change.unit, each, f"{'10.0.0.' if version == 'v4' else '2001:db8::'}{next(free)}")
            if own:
                claims.hold(change.unit, change.resolve(f"srv{number}"), f"10.0.1.{next(free)}")
    before = exported(inventory)
    path = directory / "file"
    path.write_text(written(inventory, name), encoding="utf-8")
    store = running.Store(inventory.read, inventory.change, inventory.change)
    report = running.run(store, Declared("a", name), FileSource((str(path),), name), Options(), quiet)
    assert (report.in_step, report.unknown, exported(inventory)) == (True, 0, before)


def test_what_was_exported_is_there_again(site: Inventory, sync: Sync) -> None:
    """MACs and addresses that were lost since."""
    with site.change() as change:
        for part, mac in (("srv1:eth0", "52:54:00:00:00:01"), ("srv1:eth1", "52:54:00:00:00:02")):
            change.set_values(change.resolve(part), "mac", [mac])
    before, texts = exported(site), {name: written(site, name) for name in FORMATS[1:]}
    for name, text in texts.items():
        with site.change() as change:
            for part in ("srv1:eth0", "srv1:eth1"):
                change.set_values(change.resolve(part), "mac", [])
        assert sync(name, text).in_step
        assert exported(site) == before


def test_dnsmasq_itself_reads_what_is_read(tmp_path: Path) -> None:
    program = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin") or pytest.skip("dnsmasq is not installed")
    path = tmp_path / "dnsmasq.conf"
    path.write_text("\n".join(line for line in DNSMASQ.splitlines() if not line.startswith("52:")) + "\n")
    done = subprocess.run(
        [program, "--test", "-C", path], capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_dhcpd_itself_reads_what_is_written_and_read(site: Inventory, tmp_path: Path) -> None:
    program = shutil.which("dhcpd", path="/usr/sbin:/usr/bin") or pytest.skip(
        "dhcpd is not installed (isc-dhcp-server)"
    )
    with site.change() as change:
        change.set_values(change.resolve("srv1:eth0"), "mac", ["52:54:00:00:00:01"])
    for text in (written(site, "dhcpd"), DHCPD.replace("host six", "# host six")):
        path = tmp_path / "dhcpd.conf"
        path.write_text(text)
        done = subprocess.run(
            [program, "-t", "-cf", path], capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("hosts", "10.0.0.1 a\n10.0.0.300 b", "2: expected an address and names"),
        ("hosts", "10.0.0.1", "1: expected an address and names"),
        ("hosts", "10.0.0.1 \udcff", "1: bytes that are no text"),
        ("hosts", "10.0.0.1 " + "a" * (1 << 20), "1: a line of more than"),
        ("ethers", "srv1 52:54:00:00:00:01", "1: malformed MAC address: 'srv1'"),
        ("ethers", "52:54:00:00:00:01", "1: expected a MAC and a host"),
        ("dnsmasq", "dhcp-host=52:54:00:00:00:01,a,b", "1: expected the MACs, addresses and name"),
        ("dnsmasq", "\nhost-record=10.0.0.1", "2: expected names and addresses"),
        ("dhcpd", "host a { hardware ethernet x; }", "1: malformed MAC address: 'x'"),
        ("dhcpd", "\nhost a { hardware ethernet", "2: a block or a statement without an end"),
        ("dhcpd", "}", "1: expected ; before }"),
        ("dhcpd", 'host "a', '1: a " without another one'),
        ("dhcpd", "{" * 100000, "1: a block or a statement without an end"),
    ],
)
def test_a_file_that_means_ill(sync: Sync, name: str, text: str, told: str) -> None:
    """One line, with the line of the file."""
    with pytest.raises(Malformed) as error:
        sync(name, text)
    assert f"/{name}:{told}" in str(error.value)
    assert "\n" not in str(error.value)
