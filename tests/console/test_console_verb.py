"""`clusto console` as operators and scripts use it: the inventory, the wiring, and real console servers behind it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from clusto_cli.main import invoke
from tests.conftest import Run
from tests.console import lab as labs
from tests.console.lab import Lab, SshServer, free_ports

ESCAPE = "\x1d"
Do = Callable[[str], None]


@pytest.fixture
def do(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Runs commands, a line each, in this process: a whole site is built in the time of one start of the program."""
    monkeypatch.setenv("CLUSTO_DB", sqlite_url)

    def run(commands: str) -> None:
        for line in commands.strip().splitlines():
            assert invoke(line.split()) == 0, (line, capsys.readouterr().err)

    return run


@pytest.fixture
def site(clusto: Run, do: Do, ssh_server: SshServer) -> SshServer:
    """Three servers on cs1, which is the sshd of the lab; server2 is cabled by way of a patch panel."""
    do(
        f"""
        add ConsoleServer cs1 --parts consoleport=8
        add Server server[1-5]
        add PatchPanel pp1
        attr set console.profile generic-ssh-port -t cs1
        attr set console.host 127.0.0.1 -t cs1
        attr set console.base {ssh_server.base} -t cs1
        connect server1:console cs1:1
        connect server2:console pp1:7
        connect pp1:rear7 cs1:2
        connect server3:console cs1:3
        connect server4:console pp1:9
        """,
    )
    return ssh_server


def terminal(clusto: Run, *arguments: str, url: str) -> pexpect.spawn[bytes]:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "clusto_cli.main", "console", *arguments],
        env=os.environ | {"CLUSTO_DB": url},
        dimensions=(30, 100),
        timeout=15,
    )
    child.delaybeforesend = None
    return child


def test_attach_through_a_patch_panel_and_be_remembered(clusto: Run, do: Do, site: SshServer, sqlite_url: str) -> None:
    child = terminal(clusto, "server2", url=sqlite_url)
    child.expect_exact("[server2: port 2 on cs1 by way of pp1:7; Ctrl-] . leaves, Ctrl-] ? helps]")
    child.expect("server2 login: ")
    child.send("root\rhostname\r")
    child.expect("server2\r\n")
    child.send(ESCAPE + ".")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    log = clusto("log", "server2", "-n", "1").out
    assert re.search(r"console attached: server2, port 2 on cs1 by way of pp1:7, \d+ s", log)
    (recorded,) = json.loads(clusto("attr", "get", "_console.last", "-t", "server2", "-o", "json").out)
    entry = recorded["value"]
    assert entry["manner"] == "attached"
    assert entry["way"] == "port 2 on cs1 by way of pp1:7"


def test_show_connects_to_nothing(clusto: Run, do: Do, site: SshServer) -> None:
    site.process.terminate()
    site.process.wait()
    shown = clusto("console", "server2", "--show")
    assert shown.code == 0
    assert shown.out.splitlines() == [
        "server2 -> port 2 on cs1 by way of pp1:7",
        "  server2:console -- pp1:7 == pp1:rear7 -- cs1:2",
        f"  ssh -t -e '^]' -p {site.base + 2} -- 127.0.0.1",
    ]
    (record,) = json.loads(clusto("console", "cs1:3", "--show", "-o", "json").out)
    assert record["name"] == "server3"
    assert record["kind"] == "cable"
    assert record["argv"][:2] == ["ssh", "-t"]


def test_what_has_no_console_says_what_was_looked_for(clusto: Run, do: Do, site: SshServer) -> None:
    result = clusto("console", "server5", "--show")
    assert (result.code, result.err) == (
        4,
        "clusto: error: server5 has no console: no serial cable, no management controller (bmc.host is not set)\n",
    )
    result = clusto("console", "server4", "--show")
    assert result.code == 4
    assert "the cable of server4:console ends at pp1:rear9" in result.err
    assert clusto("console", "cs1:2:x", "--show").code == 3
    assert clusto("console", "server1:eth0", "--show").code == 2
    assert clusto("console", "server9", "--show").code == 3


def test_settings_that_cannot_be(clusto: Run, do: Do, site: SshServer) -> None:
    do("attr set console.profile nosuch -t cs1")
    result = clusto("console", "server1", "--show")
    assert result.code == 3
    assert "there is no console profile 'nosuch' (there are: avocent-acs, " in result.err
    do("attr del console.profile -t cs1")
    result = clusto("console", "server1", "--show")
    assert result.code == 3
    assert "clusto attr set console.profile" in result.err
    do("attr set console.profile opengear -t cs1")
    do("attr set -t cs1 -- console.host -oProxyCommand=x")
    result = clusto("console", "server1", "--show")
    assert result.code == 2
    assert "is not a host name" in result.err


def test_not_on_a_terminal(clusto: Run, do: Do, site: SshServer) -> None:
    result = clusto("console", "server1")
    assert result.code == 2
    assert result.err == "clusto: error: not on a terminal: use --send, --expect or --capture, or --show\n"


def test_steps_in_order(clusto: Run, do: Do, site: SshServer) -> None:
    steps = ["--expect", "login:", "--send", r"root\n", "--expect", "/root@\\S+# $/", "--send", r"hostname\n"]
    result = clusto("console", "server1", *steps, "--expect", "server1\r\n", "--timeout", "10")
    assert result.code == 0, result.err
    assert "Welcome to server1." in result.out
    result = clusto("console", "server1", *steps, "--expect", "no such thing", "--timeout", "1", "-o", "json")
    assert result.code == 5
    assert "no such thing has not come in 1 s, but: hostname server1 root@server1:~#" in result.err
    (record,) = json.loads(result.out)
    assert record["outcome"] == "not expected"
    assert record["transcript"].count("server1 login: ") == 1


def test_raw_gives_every_byte(clusto: Run, do: Do, site: SshServer) -> None:
    result = clusto("console", "server3", "--raw", "--expect", "login: ", "--capture", "0.2")
    assert result.code == 0
    assert result.out.endswith("\n\nserver3 login: ")
    assert clusto("console", "server3", "--raw").code == 2
    assert clusto("console", "server[2-3]", "--raw", "--capture", "0.2").code == 2


def test_several_side_by_side(clusto: Run, do: Do, site: SshServer) -> None:
    result = clusto("console", "server[1-3]", "--expect", "login: ")
    assert result.code == 0, result.err
    for name in ("server1", "server2", "server3"):
        assert f"{name}: Debian GNU/Linux 12 {name} ttyS0\n" in result.out
    result = clusto("console", "server[1-3]", "--send", r"\n")
    assert result.code == 2
    assert "typing to 3 consoles at once needs --broadcast" in result.err
    result = clusto("console", "server[1-3]", "--broadcast", "--send", r"root\n")
    assert result.code == 4
    assert "type to 3 consoles at once: server[1-3]?" in result.err
    result = clusto("console", "server[1-3]", "--broadcast", "--yes", "--send", r"root\n", "--expect", "~#")
    assert result.code == 0
    assert "server2: Welcome to server2." in result.out


def test_a_board_of_consoles(clusto: Run, do: Do, site: SshServer, sqlite_url: str) -> None:
    child = terminal(clusto, "server[1-3]", url=sqlite_url)
    child.expect_exact("[3 consoles; read only; Ctrl-] . leaves]")
    child.expect("server3: server3 login: ")
    child.send("root\r" + ESCAPE + ".")
    child.expect(pexpect.EOF)
    assert b"Welcome" not in child.before
    child = terminal(clusto, "server[1-3]", "--broadcast", url=sqlite_url)
    child.expect_exact("type to 3 consoles at once: server[1-3]? [y/N] ")
    child.send("y\r")
    child.expect_exact("[3 consoles; what you type goes to all of them; Ctrl-] . leaves]")
    child.expect("login: ")
    child.send("root\r")
    seen: set[bytes] = set()
    while len(seen) < 3:
        child.expect(rb"Welcome to (server\d)\.")
        seen.add(child.match[1])
    child.send(ESCAPE + ".")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_check_finds_swapped_cables(clusto: Run, do: Do, site: SshServer) -> None:
    result = clusto("console", "--check", "server[1-3]")
    assert result.code == 0, result.out
    do(
        """
        disconnect server1:console
        disconnect server3:console
        connect server1:console cs1:3
        connect server3:console cs1:1
        """,
    )
    assert clusto("console", "--check", "driver:Server connected to name:cs1").code == 5
    assert clusto("console", "--check", "--where", "name:server2").code == 0
    result = clusto("console", "--check", "server[1-3]", "server5")
    assert result.code == 5
    lines = result.out.splitlines()
    assert lines[0] == "server1  port 3 on cs1: answers as server3: the cable is another one than the inventory says"
    assert lines[1] == "server2  port 2 on cs1 by way of pp1:7: answers as server2"
    assert lines[3].startswith("server5  server5 has no console")
    found = {
        record["name"]: record for record in json.loads(clusto("console", "--check", "server[1-3]", "-o", "json").out)
    }
    assert (found["server3"]["state"], found["server3"]["says"]) == ("other", "server1")


def test_list_and_outcomes_of_a_conserver(clusto: Run, do: Do, lab: Lab, sqlite_url: str) -> None:
    port = labs.conserver(lab, {"web1": lab.machine("web1"), "db1": lab.machine("db1")})
    do(
        f"""
        add ConsoleServer cs1 --parts consoleport=3
        add Server web1 db1 web2
        attr set console.profile conserver -t cs1
        attr set console.method console-plain -t cs1
        attr set console.host 127.0.0.1 -t cs1
        attr set console.user ann -t cs1
        attr set console.port {port} -t cs1
        connect web1:console cs1:1
        connect web2:console cs1:2
        """,
    )
    child = terminal(clusto, "web1", url=sqlite_url)
    child.expect("helps")
    result = clusto("console", "--list", "cs1")
    assert result.code == 0, result.err
    rows = [line.split() for line in result.out.splitlines()]
    assert rows[1] == ["cs1:1", "web1", "web1:console", "up", "ann@localhost"]
    assert rows[2] == ["cs1:2", "-", "web2:console", "-", "-"]
    assert rows[4] == ["cs1:db1", "db1", "-", "up", "-"]
    busy = clusto("console", "web1", "--send", "x", "--timeout", "2")
    assert busy.code == 4
    assert "ann@localhost is attached" in busy.err
    unknown = clusto("console", "web2", "--capture", "1")
    assert unknown.code == 3
    assert "not found" in unknown.err
    watched = terminal(clusto, "web1", "--read-only", url=sqlite_url)
    watched.expect("also on it: ann@localhost; read only")
    forced = terminal(clusto, "web1", "--force", url=sqlite_url)
    forced.expect("helps")
    child.expect("forced to `spy' mode by ann@localhost")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 5


def test_serial_over_lan_where_there_is_no_cable(clusto: Run, do: Do, lab: Lab, sqlite_url: str) -> None:
    port = labs.ipmi_sim(lab, lab.machine("server1"))
    do(
        f"""
        add Server server1
        attr set bmc.host 127.0.0.1 -t server1
        attr set bmc.port {port} -t server1
        attr set bmc.user admin -t server1
        attr set bmc.cipher_suite 3 -t server1
        attr set bmc.password env:CLUSTO_BMC -t server1
        """,
    )
    do("attr set bmc.host [::1]:6230 -t server1\nattr del bmc.port -t server1")
    assert "-H ::1 -p 6230" in clusto("console", "server1", "--show", env={"CLUSTO_BMC": "right"}).out
    do("attr set bmc.host https://127.0.0.1:8443 -t server1\nattr set bmc.protocol redfish -t server1")
    assert "-H 127.0.0.1 -p 623" in clusto("console", "server1", "--show", env={"CLUSTO_BMC": "right"}).out
    do("attr set bmc.host 127.0.0.1 -t server1\nattr set bmc.protocol ipmi -t server1")
    do(f"attr set bmc.port {port} -t server1")
    shown = clusto("console", "server1", "--show", env={"CLUSTO_BMC": "right"})
    assert shown.out.splitlines()[0] == (
        "server1 -> serial over LAN of its management controller 127.0.0.1 (no serial cable)"
    )
    assert "right" not in shown.out
    result = clusto("console", "server1", "--send", r"\n", "--expect", "server1 login:", env={"CLUSTO_BMC": "right"})
    assert result.code == 0, result.err
    stopped = subprocess.Popen(
        [sys.executable, "-m", "clusto_cli.main", "console", "server1", "--send", "x", "--capture", "60"],
        env=os.environ | {"CLUSTO_DB": sqlite_url, "CLUSTO_BMC": "right"},
        stdout=subprocess.PIPE,
    )
    assert stopped.stdout is not None
    while b"SOL Session operational" not in (line := stopped.stdout.readline()):
        assert line, "it ended"
    stopped.terminate()
    assert stopped.wait(20) == 128 + 15
    stopped.stdout.close()
    result = clusto("console", "server1", "--capture", "0.5", env={"CLUSTO_BMC": "right"})
    assert result.code == 0, "the session of the one that was stopped is still there: " + result.err
    assert "right" not in clusto("log", "-v").out
    result = clusto("console", "server1", "--send", r"\n", env={"CLUSTO_BMC": "wrong"})
    assert result.code == 5
    assert "RAKP 2 HMAC is invalid" in result.err
    assert "bmc.password is not the one of bmc.user" in result.err


def test_virtual_machine_on_a_socket(clusto: Run, do: Do, lab: Lab) -> None:
    path = labs.qemu(lab, "vm1")
    do(
        f"""
        add Server server1
        add VirtualServer vm1 vm2 --in server1
        attr set console.profile qemu-serial -t vm1
        attr set console.path {path} -t vm1
        """,
    )
    result = clusto("console", "vm1", "--expect", "vm1 login: ", "--send", "abc", "--expect", "abc", "--timeout", "10")
    assert result.code == 0, result.err
    shown = clusto("console", "vm2", "--show").out.splitlines()
    assert shown[0].startswith("vm2 -> its hypervisor server1 (no serial cable")
    assert shown[1].strip() == "virsh -c qemu+ssh://server1/system -e '^_' console --safe -- vm2"


def test_outcomes_of_raw_tcp(clusto: Run, do: Do) -> None:
    port = free_ports()
    do(
        f"""
        add ConsoleServer cs1 --parts consoleport=2
        add Server server1
        connect server1:console cs1:1
        attr set console.profile generic-tcp -t cs1
        attr set console.host 127.0.0.1 -t cs1
        attr set console.port {port} -t cs1:1
        """,
    )
    result = clusto("console", "server1", "--capture", "1")
    assert result.code == 5
    assert "Connection refused" in result.err
    assert clusto("console", "server1", "--force", "--capture", "1").code == 5


def test_replay(clusto: Run, do: Do, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(
        b"2026-11-22T10:00:00.000Z # attached to server1\n2026-11-22T10:00:01.500Z | \x1b[2J\x1b[31mlogin:\x07\r\n"
    )
    result = clusto("console", "--replay", str(log))
    assert result.out == "2026-11-22 10:00:00.000 -- attached to server1\n2026-11-22 10:00:01.500 login:\\x07\n"
    assert clusto("console", "--replay", str(tmp_path / "none")).code == 1
    assert clusto("console", "--replay", str(log), "server1").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["server1", "--send", r"\q"],
        ["server1", "--expect", "/(/"],
        ["server1", "--force", "--read-only", "--capture", "1"],
        ["server1", "--send", "x", "--log", "f"],
        ["server1", "--send", "x", "--read-only"],
        ["--list", "server1"],
    ],
)
def test_wrong_usage(clusto: Run, do: Do, site: SshServer, arguments: list[str]) -> None:
    result = clusto("console", *arguments)
    assert result.code == 2, result.err
    assert result.err.startswith("clusto: error: ")


def test_completion(clusto: Run, do: Do) -> None:
    do(
        """
        add ConsoleServer cs1 --parts consoleport=2
        add Server server1
        connect server1:console cs1:1
        attr set console.profile opengear -t cs1
        """
    )
    methods = clusto("completion", "bash", "--line", "clusto console server1 --method ssh")
    assert [line for line in methods.out.split() if line.startswith("ssh")] == ["ssh", "ssh-user", "ssh-label"]
    assert "controller" in clusto("completion", "bash", "--line", "clusto console server1 --via ").out
    assert "server1" in clusto("completion", "bash", "--line", "clusto console ser").out
