"""`clusto power` before several controllers of which some are broken, hostile or wrongly set: the others go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from tests import controllers
from tests.conftest import Run
from tests.redfish.service import PASSWORD, SYSTEM, USER, Habit, Reply, Service, certificate, refusal

Start = Callable[..., Service]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda habit=lambda *_: None, cert=None: stack.enter_context(Service(habit).running(cert))


@pytest.fixture
def clusto(here: Run) -> Run:
    return here


def record(sqlite_url: str, **servers: dict[str, object]) -> None:
    known = {"protocol": "redfish", "user": USER, "password": PASSWORD, "timeout": 3, "settle": 2}
    with Inventory(Settings(sqlite_url)).change() as change:
        for name, settings in servers.items():
            change.add("Server", name, attributes=[(f"bmc.{key}", value) for key, value in (known | settings).items()])


def always(reply: Reply, method: str = "GET") -> Habit:
    return lambda _, request: reply if request.method == method else None


BROKEN = {
    "malformed": always(Reply(octets=b'{"Members": [')),
    "deep": always(Reply(octets=b"[" * 900_000)),
    "large": always(Reply(octets=b" " * 3_000_000)),
    "actions5": lambda service, request: Reply(200, service.system(Actions=5)) if request.path == SYSTEM else None,
    "posterr": always(Reply(500, {"error": "Internal error"}), "POST"),
    "drip": always(Reply(octets=b" " * 1000, drip=0.05)),
    "elsewhere": always(Reply(308, None, {"Location": "http://192.0.2.1/"})),
    "terminal": always(refusal(400, "\x1b]52;c;aGk=\x07\u202e")),
}


def test_broken_controllers_leave_the_others_alone(start: Start, clusto: Run, sqlite_url: str) -> None:
    services = {name: start(habit) for name, habit in BROKEN.items()} | {"good": start()}
    record(sqlite_url, **{name: {"host": service.url} for name, service in services.items()})
    for output in ("text", "json"):
        services["good"].power = "On"
        result = clusto("power", "off", "--yes", "-o", output, *services)
        assert result.code == 5
        lines = [line.split()[0] for line in result.out.splitlines()]
        told = lines if output == "text" else [each["name"] for each in json.loads(result.out)]
        assert sorted(told) == sorted(services)
        assert services["good"].power == "Off"
        assert not {"\x1b", "\u202e"} & set(result.out + result.err)
        history = clusto("log", "good").out
        assert "power off" in history
    assert services["actions5"].power == "Off"


def test_settings_of_one_controller(start: Start, clusto: Run, sqlite_url: str, tmp_path: Path) -> None:
    service = start()
    wrong: dict[str, dict[str, object]] = {
        "s1": {"host": service.url, "verify": "/nonesuch.pem"},
        "s2": {"host": "https://a b"},
        "s3": {"host": "[::1"},
        "s4": {"host": service.url, "password": "env:CLUSTO_NOT_SET"},
        "s5": {"host": service.url, "fingerprint": "12"},
        "s6": {"host": "https://127.0.0.1:1", "verify": str(certificate(tmp_path)) + "x"},
    }
    record(sqlite_url, good={"host": service.url}, **wrong)
    result = clusto("power", "off", "--yes", "good", *wrong)
    assert (result.code, service.power) == (5, "Off")
    lines = {line.split()[0]: line for line in result.out.splitlines()}
    assert set(lines) == {"good", *wrong}
    for name, key in (("s1", "bmc.verify"), ("s2", "bmc.host"), ("s3", "bmc.host"), ("s5", "bmc.fingerprint")):
        assert key in lines[name]
    alone = clusto("power", "status", "s2", "s5")
    assert (alone.code, "s2: bmc.host" in alone.err, "s5: bmc.fingerprint" in alone.err) == (2, True, True)


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]])
def test_interrupted_it_ends_soon_with_what_was_done(start: Start, sqlite_url: str, signals: list[int]) -> None:
    stuck, good = start(always(Reply(204), "POST")), start()
    silent = start(always(Reply(octets=b" " * 10_000, drip=0.05)))
    servers = {"stuck": stuck, "good": good, "silent": silent}
    record(sqlite_url, **{name: {"host": each.url, "timeout": 300, "settle": 600} for name, each in servers.items()})
    command = [sys.executable, "-m", "clusto_cli.main", "power", "off", "--yes", *servers]
    environment = {**os.environ, "CLUSTO_DB": sqlite_url}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        while not (stuck.resets and good.power == "Off"):
            time.sleep(0.02)
        time.sleep(0.3)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.1)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert {line.split()[0] for line in out.splitlines()} == set(servers)
    if len(signals) == 1:
        assert "acknowledged, and not seen off yet" in out
    log = subprocess.run(
        [sys.executable, "-m", "clusto_cli.main", "log", "stuck"], env=environment, capture_output=True
    )
    assert b"power off" in log.stdout


def test_nobody_reads_what_is_printed(start: Start, clusto: Run, sqlite_url: str) -> None:
    services = {f"s{number}": start() for number in range(8)}
    record(sqlite_url, **{name: {"host": service.url} for name, service in services.items()})
    command = [sys.executable, "-m", "clusto_cli.main", "power", "off", "--yes", *services]
    read, write = os.pipe()
    os.close(read)
    subprocess.run(
        command, env={**os.environ, "CLUSTO_DB": sqlite_url}, stdout=write, stderr=subprocess.PIPE, timeout=60
    )
    os.close(write)
    assert {service.power for service in services.values()} == {"Off"}
    assert "8 done" in clusto("log", "s0").out


# --- graceful shutdown -------------------------------------------------------------------------------------------


def resets_of(services: Sequence[Service]) -> list[list[str]]:
    return [service.resets for service in services]


def test_graceful_and_then_off(start: Start, clusto: Run, sqlite_url: str) -> None:
    heeds, ignores, _, isoff = services = [
        start(),
        start(),
        start(lambda service, request: refusal(400, "No ACPI.") if "GracefulShutdown" in str(request.body) else None),
        start(),
    ]
    heeds.shutdown_takes, ignores.shutdown_takes, isoff.power = 0.5, None, "Off"
    names = ("heeds", "ignores", "refuses", "isoff")
    record(sqlite_url, **{name: {"host": each.url} for name, each in zip(names, services, strict=True)})
    dry = clusto("power", "off", "--graceful", "--dry-run", "heeds")
    assert "ResetType GracefulShutdown" in dry.out
    result = clusto("power", "off", "--graceful", "--wait", "2", "--yes", *names)
    lines = {line.split()[0]: line for line in result.out.splitlines()}
    assert (result.code, lines["heeds"], lines["ignores"], lines["isoff"]) == (
        5,
        "heeds off",
        "ignores off",
        "isoff off",
    )
    assert "400 No ACPI.; its power was not cut" in lines["refuses"]
    assert resets_of(services)[1:] == [["GracefulShutdown", "ForceOff"], ["GracefulShutdown"], []]
    assert resets_of(services)[0] == ["GracefulShutdown"]
    assert clusto("power", "off", "--wait", "2", "--yes", "heeds").code == 2
    assert "power off" in clusto("log", "refuses").out


def test_graceful_over_ipmi(clusto: Run, sqlite_url: str, tmp_path: Path) -> None:
    with controllers.ipmi_bmc(tmp_path, controllers.chassis(tmp_path)) as port:
        ipmi = {"protocol": "ipmi", "host": "127.0.0.1", "port": port, "cipher_suite": 3, "timeout": 20}
        ipmi |= {"user": controllers.USER, "password": controllers.PASSWORD}
        record(sqlite_url, s1=ipmi)
        assert "chassis power soft" in clusto("power", "off", "--graceful", "--dry-run", "s1").out
        result = clusto("power", "off", "--graceful", "--wait", "1", "--yes", "s1")
        assert (result.code, result.out) == (0, "s1 off\n")
        assert [(tmp_path / name).read_text() for name in ("soft", "power")] == ["1\n", "0\n"]


def test_graceful_needs_somebody_to_ask(clusto: Run, sqlite_url: str) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        change.add("PDU", "pdu1")
        change.add("Server", "s1")
        change.connect("s1:psu1", "pdu1:1")
    for target, said in (("s1", "no management controller (bmc.host is not set)"), ("pdu1:1", "is a part")):
        result = clusto("power", "off", "--graceful", "--yes", target)
        assert (result.code, said in result.err) == (4, True)


# --- pinned certificates -----------------------------------------------------------------------------------------


def test_trust(start: Start, clusto: Run, sqlite_url: str, tmp_path: Path) -> None:
    first, second = (start(cert=certificate(tmp_path, name)) for name in ("one", "two"))
    record(
        sqlite_url,
        s1={"host": f"127.0.0.1:{first.port}"},
        s2={"host": "127.0.0.1:1"},
        s3={"host": first.url},
        s4={"protocol": "ipmi", "host": "127.0.0.1"},
    )
    assert "is not trusted" in clusto("power", "status", "s1").out
    assert (clusto("power", "trust", "s1", "--dry-run").code, "fingerprint" in clusto("show", "s1").out) == (0, False)
    told = clusto("power", "trust", "s1", "s2", "s3", "s4", "-m", "as read at the console")
    lines = {line.split()[0]: line for line in told.out.splitlines()}
    assert told.code == 5
    assert (lines["s1"].split()[1], "CN=one, signed by itself, until 20" in lines["s1"]) == ("pinned", True)
    assert [lines[name].split()[1] for name in ("s2", "s3", "s4")] == ["failed:"] * 3
    assert "as read at the console" in clusto("log", "s1").out
    assert first.requests == []
    assert clusto("power", "off", "s1", "--yes")[:2] == (0, "s1 off\n")
    assert clusto("power", "trust", "s1").out.split()[1] == "unchanged"
    clusto("attr", "set", "bmc.host", f"127.0.0.1:{second.port}", "-t", "s1")
    assert "was pinned" in clusto("power", "status", "s1").out
    assert clusto("power", "trust", "s1").code == 4
    assert "was pinned" in clusto("power", "status", "s1").out
    assert clusto("power", "trust", "s1", "--yes").out.split()[1] == "changed"
    assert clusto("power", "status", "s1").out == "s1 on\n"
    assert PASSWORD not in str(first.requests[0].body)
