"""`clusto discover` on the lab's site: emptied, and found again. How much of it comes back is asserted here."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.alive import alive
from lab.wiring import Neighbour, Site, found_again

from clusto_cli.main import invoke
from clusto_core.inventory import Inventory
from clusto_core.store.opening import create
from clusto_core.transfer import importer
from clusto_core.transfer.documents import parse
from tests.conftest import Result

Thing = dict[str, Any]

SERVERS = 10
SHARE = 0.95


Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    # This seed has machines that say nothing and a hypervisor among its ten.
    found = Site(SERVERS, seed=2, per_rack=5)
    with alive(found):
        yield found


@pytest.fixture(scope="module")
def template(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The equipment of the site, without what is to be found."""
    path = tmp_path_factory.mktemp("site") / "clusto.db"
    create(f"sqlite:///{path}")
    fill(f"sqlite:///{path}", site.things())
    return path


def fill(url: str, things: list[Thing]) -> None:
    with Inventory.open(url).change() as change:
        importer.load(change, [parse(thing, "site", line) for line, thing in enumerate(things, 1)])


@pytest.fixture
def url(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store of the test's own."""
    shutil.copy(template, tmp_path / "clusto.db")
    monkeypatch.setenv("CLUSTO_DB", f"sqlite:///{tmp_path / 'clusto.db'}")
    return f"sqlite:///{tmp_path / 'clusto.db'}"


@pytest.fixture
def clusto(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Runs a command in this process; `file=` is the text of a file that it is given last."""

    def command(*words: str, file: str | None = None) -> Result:
        if file is not None:
            (tmp_path / "given.yaml").write_text(file)
            words = (*words, str(tmp_path / "given.yaml"))
        monkeypatch.setattr(sys, "argv", ["clusto", *words])
        capsys.readouterr()
        code = invoke(list(words))
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return command


def exported(clusto: Invoke) -> list[Thing]:
    return [json.loads(line) for line in clusto("export", "--format", "jsonl").out.splitlines()]


def test_the_site_has_all_sorts_of_machines(site: Site) -> None:
    assert {machine.speaks for machine in site.machines} == {True, False}
    assert any(machine.guests for machine in site.machines)
    assert len(site.cables) == 4 * SERVERS + 2 * len(site.leaves) + 1


def test_the_cables_of_equipment_come_back(site: Site, clusto: Invoke, tmp_path: Path) -> None:
    proposal = str(tmp_path / "found.yaml")
    done = clusto("discover", "--write", proposal)
    assert done.code == 0, done.err
    tried = clusto("import", proposal, "--dry-run").out
    assert "+ leaf01a:8 -- spine1:1\n" in tried
    assert "leaf01a connect 8: sure (LLDP of leaf01a swp8 and of spine1 swp1 agree)" in tried
    assert clusto("import", proposal).code == 0
    right, wrong = found_again(site, exported(clusto))
    assert not wrong
    assert len(right) >= SHARE * len(site.cables), sorted(site.cables - right)
    again = clusto("discover", "-o", "jsonl")
    assert (again.code, again.out) == (0, "")


def test_all_comes_back_from_two_networks(
    site: Site, clusto: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = f"sqlite:///{tmp_path / 'empty.db'}"
    create(empty)
    fill(empty, narrowed(site))
    monkeypatch.setenv("CLUSTO_DB", empty)
    leases = tmp_path / "leases"
    leases.write_text(site.leases())
    first = clusto(
        "discover", "mgmt", "oob", "--leases", str(leases), "--ask", "snmp", "--ask", "redfish", "-o", "yaml"
    )
    assert first.code == 0, first.err
    assert clusto("import", file=first.out).code == 0
    second = clusto("discover", "--leases", str(leases), "-o", "yaml")
    assert second.code == 0, second.err
    assert clusto("import", file=second.out).code == 0
    things = exported(clusto)
    right, wrong = found_again(site, things)
    assert not wrong
    assert len(right) >= SHARE * len(site.cables), sorted(site.cables - right)
    serials = {each["name"]: each["attrs"]["serial"] for each in things if each.get("attrs", {}).get("serial")}
    assert len(serials) == SERVERS + len(site.switches)
    assert serials["leaf01a"] == "SW00001"
    assert set(serials) >= {machine.name for machine in site.machines}


def narrowed(site: Site) -> list[Thing]:
    """The Networks no larger than they need to be: what is nobody's costs its time."""
    things = site.place()
    blocks = {"mgmt": "127.77.0.0/28", "oob": "127.77.1.0/28"}
    for thing in things:
        if thing["name"] in blocks:
            thing["attrs"] = {"cidr": blocks[thing["name"]]}
    return things


def test_what_is_recorded_otherwise_is_told_and_not_proposed(site: Site, clusto: Invoke, tmp_path: Path) -> None:
    speaking = next(machine for machine in site.machines if machine.speaks)
    _, at, port = speaking.cards["eth0"]
    assert clusto("connect", f"{speaking.name}:eth0", f"{at}:9").code == 0
    assert clusto("attr", "set", "serial", "OTHER", "-t", "spine1").code == 0
    done = clusto("discover", at, "spine1")
    assert done.code == 4
    told = [line for line in done.out.splitlines() if line.startswith("!")]
    assert told == [
        f"! {speaking.name}:eth0 -> {at}:9: contradicted (LLDP sees it on {at} swp{port})",
        f"! spine1 serial: OTHER is recorded, the device says {site.switches['spine1'].serial}",
    ]
    assert clusto("network", "verify", at).code == 4
    assert f"{speaking.name}:eth0 --" not in done.out
    # The same where they are met by their addresses.
    addresses = tmp_path / "addresses"
    addresses.write_text(f"{site.address(at)}\n")
    assert clusto("attr", "set", "snmp.host", site.address(at), "-t", at).code == 0
    assert clusto("ip", "allocate", site.address(at), at).code == 0
    met = clusto("discover", "--addresses", str(addresses), "--ask", "snmp")
    assert met.code == 4, met
    assert told[0] in met.out.splitlines()
    record = clusto("discover", at, "spine1", "-o", "jsonl")
    assert record.code == 4
    assert f"clusto: contradicted: {told[0][2:]}" in record.err


def test_a_machine_that_is_plugged_in_becomes_a_server(site: Site, clusto: Invoke, tmp_path: Path) -> None:
    proposal = str(tmp_path / "found.yaml")
    clusto("discover", "leaf02b", "--write", proposal)
    clusto("import", proposal)
    switch = site.switches["leaf02b"]
    switch.learned["3c:ec:ef:99:00:01"] = 7
    switch._table = None
    try:
        assert "server999" not in clusto("discover", "leaf02b", "--known").out
        done = clusto("discover", "leaf02b", "-o", "jsonl")
    finally:
        del switch.learned["3c:ec:ef:99:00:01"]
        switch._table = None
    (new,) = [json.loads(line) for line in done.out.splitlines() if "99:00:01" in line and '"driver"' in line]
    assert new["name"] == "server011"
    assert new["connect"] == {"eth0": "leaf02b:7"}
    assert new["in"] == ["site"]
    assert clusto("import", "--format", "jsonl", file=done.out).code == 0
    # Two who found it at once: what the second says of it is refused, and nothing is overwritten.
    other = done.out.replace("99:00:01", "99:00:02")
    refused = clusto("import", "--format", "jsonl", file=other)
    assert refused.code == 4
    assert "a proposal overwrites nothing" in refused.err
    assert "3c:ec:ef:99:00:01" in clusto("show", "server011").out


def test_a_room_that_is_being_filled(site: Site, clusto: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look tells what is new alone, until ^C."""
    switch, looks = site.switches["leaf02b"], 0

    def wait(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise KeyboardInterrupt
        switch.learned["3c:ec:ef:99:00:01"] = 7
        switch._table = None

    monkeypatch.setattr("clusto_cli.commands.discover.time.sleep", wait)
    try:
        done = clusto("discover", "leaf02b", "--watch", "5", "-o", "jsonl")
    finally:
        del switch.learned["3c:ec:ef:99:00:01"]
        switch._table = None
    assert done.code == 130
    told = [json.loads(line) for line in done.out.splitlines()]
    new = [each["name"] for each in told if "99:00:01" in json.dumps(each) and each.get("driver")]
    assert new == ["server011"]
    assert len({json.dumps(each) for each in told}) == len(told)


def test_half_of_them_are_silent(site: Site, clusto: Invoke) -> None:
    dead = ("leaf01b", "leaf02b", "spine2")
    for name in dead:
        site.agents[name].manners.dead = True
    try:
        clusto("attr", "set", "snmp.timeout", "0.1", "-t", "site")
        done = clusto("discover")
    finally:
        for name in dead:
            site.agents[name].manners.dead = False
    assert done.code == 5
    assert sum(line.startswith("clusto: error: ") for line in done.err.splitlines()) == len(dead)
    assert "+ leaf01a:8 -- spine1:1  sure" in done.out
    assert "leaf01b, leaf02b, spine2 did not answer, and may be in between" in done.out
    assert not [line for line in done.out.splitlines() if "only address learned" in line and "  likely  " in line]


def test_what_devices_say_stays_text(site: Site, clusto: Invoke) -> None:
    """Names with control characters, 10,000 addresses on a port, a thousand neighbours on one."""
    switch = site.switches["leaf01a"]
    heard, learned = dict(switch.heard), dict(switch.learned)
    switch.heard[3] = Neighbour("3c:ec:ef:66:66:66", "evil\x1b]0;owned\x07\nname", "eth0\x1b[2J")
    switch.heard[4] = Neighbour("3c:ec:ef:66:66:67", "$(reboot)", "'; drop table")
    for number in range(10_000):
        switch.learned[f"3c:ec:ee:00:{number >> 8:02x}:{number & 255:02x}"] = 7
    switch._table = None
    try:
        done = clusto("discover", "leaf01a", "-o", "yaml", "-v")
    finally:
        switch.heard, switch.learned, switch._table = heard, learned, None
    assert done.code == 0, done.err
    assert "\x1b" not in done.out + done.err
    assert not [line for line in done.out.splitlines() if "3c:ec:ee:" in line]
    assert clusto("import", "--dry-run", file=done.out).code == 0


def test_an_interrupt_concludes_nothing(site: Site, url: str, tmp_path: Path) -> None:
    path = tmp_path / "found.yaml"
    command = [sys.executable, "-m", "clusto_cli.main", "discover", "--write", str(path)]
    environment = {**os.environ, "CLUSTO_DB": url}
    before = sum(agent.requests for agent in site.agents.values())
    for agent in site.agents.values():
        agent.manners.dead = True
    try:
        started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        while sum(agent.requests for agent in site.agents.values()) == before:
            assert started.poll() is None
            time.sleep(0.05)
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=60)
    finally:
        for agent in site.agents.values():
            agent.manners.dead = False
    assert started.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert not path.exists()
