"""Exports to other tools, proved by the tools themselves where they are installed, on an inventory that means ill."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.rules import claims
from clusto_core.transfer.formats import writer_of
from clusto_core.transfer.formats.ansible import identifiers
from clusto_core.transfer.formats.dot import quoted
from clusto_core.transfer.leaving import Leaving

SECRET = "s3cr3t-community"


@pytest.fixture
def store(sqlite_url: str) -> Inventory:
    """A small site: two servers with two feeds, one through a panel, a PDU pair, a console server, groupings."""
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        change.add("Datacenter", "dc", attributes=[("snmp.community", SECRET), ("dns.domain", "example.net")])
        change.add("Rack", "rack1", parents=["dc"])
        for name in ("web-pool", "all", "BigMem", "server1-team"):
            change.add("Pool" if name != "BigMem" else "Class", name)
        change.add("Role", "web", parents=["web-pool"])
        change.add("Switch", "sw1", part_counts={"port": ["Gi1/0/1", "Gi1/0/2"]})
        change.add("PatchPanel", "pp1")
        for name in ("pdu-a", "pdu-b"):
            change.add("PDU", name, parents=["rack1"], attributes=[("height", 0)])
        change.add("ConsoleServer", "cs1")
        for number, name in enumerate(("server1", "server2"), 1):
            change.add(
                "Server", name, parents=["web", "BigMem", "all"], attributes=[("ram", 64), ("tag", "x"), ("tag", "y")]
            )
            change.connect(name, f"rack1:RU{number}")
            change.connect(f"{name}:psu1", f"pdu-a:{number}")
            change.connect(f"{name}:psu2", f"pdu-b:{number}")
            change.connect(f"{name}:console", f"cs1:{number}")
        change.connect("server1:eth0", "pp1:rear1")
        change.connect("pp1:1", "sw1:Gi1/0/1")
        change.connect("server2:eth0", "sw1:Gi1/0/2")
        change.add("VirtualServer", "vm1", parents=["server2"])
        for holder, address in (
            ("server1:eth0", "10.0.0.1"),
            ("server1:eth0", "2001:db8::1"),
            ("server1:eth1", "10.0.1.1"),
            ("server2", "10.0.0.2"),
            ("cs1:mgmt", "10.0.9.1"),
        ):
            claims.hold(change.unit, change.resolve(holder), address)
    return inventory


def exported(inventory: Inventory, name: str, *things: str, allowed: Sequence[str] = ()) -> str:
    out = io.StringIO()
    with inventory.read() as reader:
        chosen = [reader.resolve(each) for each in things] or reader.all()
        writer_of(name)(reader, chosen, out, Leaving(frozenset(allowed)))
    return out.getvalue()


def set_values(inventory: Inventory, name: str, **values: object) -> None:
    with inventory.change() as change:
        for key, value in values.items():
            change.set_values(change.resolve(name), Key.parse(key.replace("__", ".")), [value])


def run(*arguments: str | Path, stdin: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, input=stdin, capture_output=True, text=True, timeout=60, check=False, **options
    )  # fmt: skip


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: {package})")
    return found


@pytest.mark.parametrize("name", ["ansible", "ansible-json", "hosts", "powerman", "conserver", "dot"])
def test_secrets_are_never_written(store: Inventory, name: str) -> None:
    text = exported(store, name)
    assert "server1" in text
    assert SECRET not in text
    assert exported(store, name) == text


def test_addresses_are_those_of_the_parts(inventory: Inventory) -> None:
    with inventory.change() as change:
        for name in ("server1", "server2"):
            change.add("Server", name)
        for holder, address in (("server1:eth1", "10.0.0.2"), ("server1:eth0", "10.0.0.1"), ("server2", "10.0.0.3")):
            claims.hold(change.unit, change.resolve(holder), address)
    with inventory.read() as reader:
        ids = [reader.resolve(name).id for name in ("server1", "server2")]
        found = [(part.name, address) for part, address, _, _ in reader.addresses_of_parts(*ids)]
    assert found == [("server1:eth0", "10.0.0.1"), ("server1:eth1", "10.0.0.2")]


# --- Ansible ---------------------------------------------------------------------------------------------------------

HOSTILE = [
    "{{ lookup('pipe', 'touch /tmp/clusto-was-here') }}",
    "{% for x in () %}",
    "a: b\n- c",
    "!unsafe 'x'",
    "'\"",
    "yes",
    "007",
    "#",
    "ü\t",
]


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!unsafe", lambda loader, node: ("unsafe", loader.construct_scalar(node)))


def test_ansible_inventory(store: Inventory) -> None:
    inventory = yaml.load(exported(store, "ansible"), Loader=_Loader)["all"]
    assert set(inventory["hosts"]) == {"server1", "server2", "vm1", "cs1"}
    assert inventory["hosts"]["server1"] == {
        "ansible_host": "10.0.0.1",
        "ram": 64,
        "tag": ["x", "y"],
        "dns_domain": "example.net",
    }
    assert inventory["hosts"]["server2"]["ansible_host"] == "10.0.0.2"
    assert inventory["children"] == {
        "BigMem": {"hosts": {"server1": {}, "server2": {}}},
        "all_2": {"hosts": {"server1": {}, "server2": {}}},
        "web": {"hosts": {"server1": {}, "server2": {}}},
        "web_pool": {"children": {"web": {}}},
    }


def test_ansible_takes_attributes_that_may_be_its_own_settings(store: Inventory) -> None:
    set_values(store, "server1", ansible_host="jump.example.net", ansible_user="root")
    host = yaml.load(exported(store, "ansible", allowed=["ansible_host", "ansible_user"]), Loader=_Loader)["all"][
        "hosts"
    ]["server1"]
    assert (host["ansible_host"], host["ansible_user"]) == ("jump.example.net", "root")


def test_ansible_does_not_evaluate_values(store: Inventory) -> None:
    for number, text in enumerate(HOSTILE):
        set_values(store, "server1", **{f"evil{number}": text})
    from clusto_core.model.attributes import structure

    set_values(store, "server1", deep=structure({"a": [HOSTILE[0]], "password": SECRET}))
    text = exported(store, "ansible")
    assert SECRET not in text
    host = yaml.load(text, Loader=_Loader)["all"]["hosts"]["server1"]
    assert [host[f"evil{number}"] for number in range(len(HOSTILE))] == [
        ("unsafe", HOSTILE[0]),
        ("unsafe", HOSTILE[1]),
        *HOSTILE[2:],
    ]
    assert host["deep"] == {"a": [("unsafe", HOSTILE[0])]}


def test_names_of_variables_and_groups_are_told_apart() -> None:
    assert identifiers(["a-b", "a.b", "a_b", "1st", "é"], ["a_b_2"]) == {
        "a_b": "a_b",
        "1st": "_1st",
        "a-b": "a_b_3",
        "a.b": "a_b_4",
        "é": "_",
    }


def test_ansible_itself_reads_the_inventory(store: Inventory, tmp_path: Path) -> None:
    ansible = program("ansible-inventory", "ansible-core")
    for number, text in enumerate(HOSTILE):
        set_values(store, "server1", **{f"evil{number}": text})
    path = tmp_path / "inventory.yml"
    path.write_text(exported(store, "ansible"), encoding="utf-8")
    env = {**os.environ, "ANSIBLE_HOME": str(tmp_path), "ANSIBLE_LOCAL_TEMP": str(tmp_path), "HOME": str(tmp_path),
           "LC_ALL": "C.UTF-8"}  # fmt: skip
    done = run(ansible, "-i", path, "--list", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    hosts = found["_meta"]["hostvars"]
    values = [hosts["server1"][f"evil{number}"] for number in range(len(HOSTILE))]
    assert [value["__ansible_unsafe"] if isinstance(value, dict) else value for value in values] == HOSTILE
    assert hosts["server2"]["ram"] == 64
    assert found["web"]["hosts"] == ["server1", "server2"]
    assert found["web_pool"]["children"] == ["web"]


# --- hosts -----------------------------------------------------------------------------------------------------------


def test_hosts_file(store: Inventory) -> None:
    assert exported(store, "hosts") == (
        "10.0.9.1\tcs1\n"
        "10.0.0.1\tserver1.example.net server1\n"
        "2001:db8::1\tserver1.example.net server1\n"
        "10.0.1.1\tserver1-eth1.example.net server1-eth1\n"
        "10.0.0.2\tserver2.example.net server2\n"
    )


def test_hosts_file_of_names_that_are_no_host_names(store: Inventory) -> None:
    with store.change() as change:
        change.add("Server", "büro+1", attributes=[("dns.domain", "evil\n6.6.6.6 bank.example")])
        claims.hold(change.unit, change.resolve("büro+1"), "10.0.0.9")
        change.add("Server", "plain", attributes=[("dns.domain", "evil\n6.6.6.6 bank.example")])
        claims.hold(change.unit, change.resolve("plain"), "10.0.0.8")
    assert exported(store, "hosts", "büro+1", "plain") == "# 10.0.0.9\tbüro+1 is no host name\n10.0.0.8\tplain\n"


def test_hosts_file_tells_of_names_that_several_have(store: Inventory) -> None:
    """Host names do not differ in case, and a card's may be a machine's."""
    with store.change() as change:
        for name, address in (("Twin", "10.0.0.20"), ("twin", "10.0.0.21"), ("server1-eth1", "10.0.0.22")):
            change.add("Server", name)
            claims.hold(change.unit, change.resolve(name), address)
    lines = exported(store, "hosts", "Twin", "twin", "server1", "server1-eth1").splitlines()
    assert "# 10.0.0.20\tTwin: left out, it would also be twin" in lines
    assert "# 10.0.0.21\ttwin: left out, it would also be Twin" in lines
    assert "# 10.0.0.22\tserver1-eth1: left out, it would also be server1" in lines
    assert [line for line in lines if not line.startswith("#")] == [
        "10.0.0.1\tserver1.example.net server1",
        "2001:db8::1\tserver1.example.net server1",
    ]


def test_ansible_inventory_tells_of_hosts_that_may_be_mixed_up(store: Inventory) -> None:
    with store.change() as change:
        for name in ("Twin", "twin"):
            change.add("Server", name)
            change.add_values(change.resolve(name), Key.parse("note"), ["x"])
    assert exported(store, "ansible").startswith("# Twin, twin: these names differ only in case\n")


# --- PowerMan --------------------------------------------------------------------------------------------------------


def test_powerman_nodes(store: Inventory) -> None:
    lines = exported(store, "powerman", "server2").splitlines()
    assert lines[-5:] == [
        'device "pdu-a" "clusto" "/bin/sh |&"',
        'device "pdu-b" "clusto" "/bin/sh |&"',
        'node "server2-psu1" "pdu-a" "pdu-a:2"',
        'node "server2-psu2" "pdu-b" "pdu-b:2"',
        'alias "server2" "server2-psu1,server2-psu2"',
    ]


SETTINGS = ("powerman.spec", "powerman.device")


def test_powerman_s_own_specifications(store: Inventory) -> None:
    set_values(store, "rack1", powerman__spec="apcpdu3")
    set_values(store, "pdu-b", powerman__device="/usr/bin/ssh {host} |&")
    assert exported(store, "powerman", "server2", allowed=SETTINGS).splitlines() == [
        'include "/etc/powerman/apcpdu3.dev"',
        'device "pdu-a" "apcpdu3" "pdu-a:23"',
        'device "pdu-b" "apcpdu3" "/usr/bin/ssh pdu-b |&"',
        'node "server2-psu1" "pdu-a" "2"',
        'node "server2-psu2" "pdu-b" "2"',
        'alias "server2" "server2-psu1,server2-psu2"',
    ]


def test_powerman_settings_cannot_break_out(store: Inventory) -> None:
    set_values(store, "pdu-a", powerman__spec='x"\ninclude "/etc/passwd')
    set_values(store, "pdu-b", powerman__spec="apc", powerman__device='x"\nnode "a" "b" "c')
    assert exported(store, "powerman", "server2", allowed=SETTINGS).splitlines() == [
        'include "/etc/powerman/apc.dev"',
        "# pdu-a: left out, powerman.spec or powerman.device has a character that PowerMan's files cannot hold",
        "# pdu-b: left out, powerman.spec or powerman.device has a character that PowerMan's files cannot hold",
    ]


def test_powerman_never_takes_one_machine_for_another(store: Inventory) -> None:
    with store.change() as change:
        change.add("Server", "server2-psu1")
        change.connect("server2-psu1:psu1", "pdu-a:9")
    lines = exported(store, "powerman", "server2", "server2-psu1").splitlines()
    assert lines[-3:] == [
        "# server2: left out, two nodes would be called server2-psu1, server2-psu2",
        'node "server2-psu1-psu1" "pdu-a" "pdu-a:9"',
        'alias "server2-psu1" "server2-psu1-psu1"',
    ]


FAKE = """\
#!/bin/sh
# Keeps one state, and what it was asked.
echo "$*" >> "$FAKE_DIR/log"
if [ "$2" = status ]; then
    echo "$3 $(cat "$FAKE_DIR/state")"
else
    echo "$2" > "$FAKE_DIR/state"
fi
"""


def test_powermand_drives_clusto(store: Inventory, tmp_path: Path) -> None:
    """The real daemon reads the file, and what a client asks of a server reaches clusto for both its feeds."""
    powermand = program("powermand", "powerman")
    (tmp_path / "clusto").write_text(FAKE, encoding="utf-8")
    (tmp_path / "clusto").chmod(0o755)
    (tmp_path / "state").write_text("off", encoding="utf-8")
    path = tmp_path / "powerman.conf"
    path.write_text(exported(store, "powerman"), encoding="utf-8")
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "FAKE_DIR": str(tmp_path)}
    with subprocess.Popen(
        [powermand, "-c", path, "-f", "-s", "-1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env,
    ) as daemon:  # fmt: skip
        assert daemon.stdin is not None
        assert daemon.stdout is not None
        watch = threading.Timer(60, daemon.kill)
        watch.start()
        try:
            for command in ("on server1", "status server1", "off server[1-2]", "status server2"):
                daemon.stdin.write(command + "\n")
                daemon.stdin.flush()
                reply = _reply(daemon.stdout)
                if command == "status server1":
                    assert "302 on:      server1-psu[1-2]" in reply
                if command == "status server2":
                    assert "302 off:     server2-psu[1-2]" in reply
        finally:
            watch.cancel()
            daemon.kill()
    asked = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert sorted(asked[:2]) == ["power on --yes pdu-a:1", "power on --yes pdu-b:1"]
    assert {"power off --yes pdu-a:[1-2]", "power off --yes pdu-b:[1-2]"} <= set(asked)


def _reply(stream: Any) -> str:
    """What the daemon says up to the end of one command's answer: a line that begins with 102, 103 or 2xx."""
    lines = []
    for line in iter(stream.readline, ""):
        lines.append(line)
        if re.match(r"(powerman> )*(10[23]|2\d\d) ", line):
            break
    return "".join(lines)


def test_powermand_knows_its_own_specifications(store: Inventory, tmp_path: Path) -> None:
    powermand = program("powermand", "powerman")
    if not Path("/etc/powerman/apcpdu3.dev").exists():
        pytest.skip("PowerMan's specifications are not installed (Debian: powerman)")
    set_values(store, "rack1", powerman__spec="apcpdu3", powerman__device="127.0.0.1:1")
    path = tmp_path / "powerman.conf"
    path.write_text(exported(store, "powerman", allowed=SETTINGS), encoding="utf-8")
    assert run(powermand, "-c", path, "-f", "-s", "-1").returncode == 0
    with path.open("a", encoding="utf-8") as file:
        file.write('node "more" "pdu-a" "25"\n')
    assert run(powermand, "-c", path, "-f", "-s", "-1").returncode != 0


# --- conserver -------------------------------------------------------------------------------------------------------


def test_conserver(store: Inventory) -> None:
    text = exported(store, "conserver", "server1")
    assert text.endswith(
        'console "server1" {\n    include clusto;\n    type exec;\n    exec "clusto console server1";\n}\n'
    )
    set_values(store, "dc", console__base=3000)
    with store.change() as change:
        change.put("cs1", "rack1")
    assert exported(store, "conserver", "server2").endswith(
        'console "server2" {\n    include clusto;\n    type host;\n    host "10.0.9.1";\n    port 3002;\n'
        "    protocol telnet;\n}\n"
    )


def test_conserver_settings_cannot_break_out(store: Inventory) -> None:
    set_values(store, "cs1", console__base=3000, console__host='x"; exec "rm -rf /')
    assert "rm" not in exported(store, "conserver")
    set_values(store, "cs1", console__base=65535, console__host="cs1")
    assert "type host" not in exported(store, "conserver")


def test_a_machine_with_two_consoles(store: Inventory) -> None:
    with store.change() as change:
        change.add("SerialPort", "server1:com2")
        change.connect("server1:com2", "cs1:9")
    text = exported(store, "conserver", "server1")
    assert re.findall('console "(.*)"', text) == ["server1-com2", "server1-console"]
    assert 'exec "clusto console server1:console"' in text


def test_no_name_stands_for_two_consoles(store: Inventory) -> None:
    with store.change() as change:
        change.add("Server", "server1-com2")
        change.connect("server1-com2:console", "cs1:10")
        change.add("SerialPort", "server1:com2")
        change.connect("server1:com2", "cs1:9")
    text = exported(store, "conserver", "server1", "server1-com2")
    assert re.findall('console "(.*)"', text) == ["server1-console"]
    assert text.count("left out, two consoles would be called server1-com2") == 2


def test_conserver_itself_reads_the_configuration(store: Inventory, tmp_path: Path) -> None:
    conserver = program("conserver", "conserver-server")
    for base in (None, 3000):
        if base:
            set_values(store, "cs1", console__base=base, console__method="raw")
        path = tmp_path / "conserver.cf"
        path.write_text(exported(store, "conserver") + "access * { trusted 127.0.0.1; }\n", encoding="utf-8")
        done = run(conserver, "-S", "-C", path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "ERROR" not in done.stdout + done.stderr


# --- Graphviz --------------------------------------------------------------------------------------------------------


def test_dot(store: Inventory) -> None:
    text = exported(store, "dot")
    assert '  "server1" -- "pp1" [taillabel="eth0", headlabel="rear1", color="#1f6feb"];\n' in text
    assert text.count(" -- ") == 9
    assert 'subgraph "cluster_rack1" {' in text
    partly = exported(store, "dot", "server1")
    assert partly.count(" -- ") == 4
    assert '  "pp1" [tooltip="PatchPanel", style="dashed"];\n' in partly
    assert '    "pdu-a" [tooltip="PDU", style="dashed"];\n' in partly
    assert 'style="dashed"' not in text


def test_text_cannot_leave_its_quotes() -> None:
    assert quoted('a"b\\') == '"a\\"b\\\\"'


def test_dot_itself_draws_the_graph(store: Inventory) -> None:
    done = run(program("dot", "graphviz"), "-Tplain", stdin=exported(store, "dot"))
    assert (done.returncode, done.stderr) == (0, "")
    rows = done.stdout.splitlines()
    assert sum(row.startswith("edge ") for row in rows) == 9
    assert {row.split()[1] for row in rows if row.startswith("node ")} >= {"server1", "sw1", "vm1", '"pdu-a"'}
