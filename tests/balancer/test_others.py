"""Services at nginx, at IPVS, and at a site's own program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusto_cli.backends.balancer.ipvs import parse
from clusto_cli.backends.balancer.model import Reading, Rotation
from clusto_cli.backends.errors import Refused, Unusable
from tests import configured
from tests.balancer.lab import BACKEND, Load, answering, setting, site, webs
from tests.conftest import Run
from tests.console.lab import Lab, find, free_ports, until

NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/upstreams.conf;
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://lb1-shop-shop; }} }}
}}
"""
SITE_PROGRAM = """\
import json, sys
path, action, member, address, port, rotation, weight = sys.argv[1:]
try:
    members = json.load(open(path))
except FileNotFoundError:
    members = {}
if action == "status":
    for name, words in members.items():
        print(name, *words)
elif action == "remove":
    del members[member]
else:
    before = members.get(member, [address, port, "ready", "1", "-", "up"])
    members[member] = [address, port, rotation or before[2], weight or before[3], *before[4:]]
json.dump(members, open(path, "w"))
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.stop()


def allowing(tmp_path: Path, **commands: list[str]) -> dict[str, str]:
    """The environment of a user whose configuration has these commands."""
    configured.write(tmp_path / "home", commands)
    return {"XDG_CONFIG_HOME": str(tmp_path / "home"), "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


def test_nginx_takes_its_file_of_upstreams_and_no_request_is_lost(clusto: Run, lab: Lab, tmp_path: Path) -> None:
    program = find("nginx", "nginx-light")
    port, upstreams, config = free_ports(), tmp_path / "upstreams.conf", tmp_path / "nginx.conf"
    config.write_text(NGINX.format(folder=tmp_path, port=port))
    with webs(2) as (web, _):
        upstreams.write_text(
            f"upstream {BACKEND} {{\n    server 127.0.0.1:1 backup;\n    # clusto: begin {BACKEND}\n"
            f"    server 127.0.0.11:{web} weight=1;  # server1\n    # clusto: end {BACKEND}\n}}\n"
        )
        nginx = lab.start([program, "-c", str(config), "-e", str(tmp_path / "error.log")], port=port)
        env = allowing(tmp_path, reload=["kill", "-HUP", str(nginx.pid)])
        url = f"http://127.0.0.1:{port}/"
        site(clusto, web)
        setting(clusto, driver="nginx", file=upstreams, config=config, reload_command="reload")
        with Load(url) as load:
            for words, members in (
                (["add", "shop", "server[1-2]", "--vip", "lb1:shop"], {"127.0.0.11", "127.0.0.12"}),
                (["drain", "shop", "server1"], {"127.0.0.12"}),
                (["ready", "shop", "server1"], {"127.0.0.11", "127.0.0.12"}),
                (["weight", "shop", "3", "server2"], {"127.0.0.11", "127.0.0.12"}),
                (["remove", "shop", "server2"], {"127.0.0.11"}),
            ):
                load.more(5)
                done = clusto("service", *words, env=env)
                assert done.code == 0, done.err
                load.more(30)
                # Workers of before the reload end what they have begun.
                until(lambda: answering(url) == members, str(words))  # noqa: B023 -- called at once
        assert load.failures == []
        assert clusto("service", "verify", env=env).code == 0
        before = upstreams.read_text()
        assert clusto("service", "weight", "shop", "0", "server1", env=env).code == 5
        assert upstreams.read_text() == before
        upstreams.write_text(before.replace("server 127.0.0.11", "server unix:/x"))
        assert "a server without an address" in clusto("service", "verify", env=env).err


def test_a_site_s_own_program_is_a_balancer(clusto: Run, tmp_path: Path) -> None:
    program = tmp_path / "balancer.py"
    program.write_text(SITE_PROGRAM)
    places = ("{action}", "{member}", "{address}", "{member_port}", "{rotation}", "{weight}")
    env = allowing(tmp_path, balancer=[sys.executable, str(program), str(tmp_path / "members"), *places])
    site(clusto, 8443)
    setting(clusto, command="balancer")
    done = clusto("service", "add", "shop", "server[1-2]", "--vip", "lb1:shop", env=env)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "added shop on server1 to lb1:shop (ready, up, weight 1)"
    assert clusto("service", "drain", "shop", "server1", env=env).code == 0
    assert clusto("service", "weight", "shop", "9", "server2", env=env).code == 0
    said = json.loads((tmp_path / "members").read_text())
    assert said["server1"][2:4] == ["drain", "1"]
    assert said["server2"][:4] == ["127.0.0.12", "8443", "ready", "9"]
    assert clusto("service", "remove", "shop", "server1", env=env).code == 0
    assert list(json.loads((tmp_path / "members").read_text())) == ["server2"]
    program.write_text("print('server2 is fine')")
    done = clusto("service", "status", env=env)
    assert done.code == 5
    assert "balancer.command prints a line that is not" in done.err
    program.write_text("import sys; sys.exit('the box is off')")
    assert "the box is off" in clusto("service", "status", env=env).err


def test_what_serves_is_told_before_it_goes_dark_and_drained_where_that_is_wished(clusto: Run, tmp_path: Path) -> None:
    program, members, relays = tmp_path / "balancer.py", tmp_path / "members", tmp_path / "relays"
    program.write_text(SITE_PROGRAM)
    places = ("{action}", "{member}", "{address}", "{member_port}", "{rotation}", "{weight}")
    relay = f"case $1 in status) cat {relays} 2>/dev/null || echo on;; *) echo $1 >{relays};; esac"
    env = allowing(
        tmp_path,
        balancer=[sys.executable, str(program), str(members), *places],
        relay=["sh", "-c", relay, "sh", "{action}"],
    )
    site(clusto, 8443)
    setting(clusto, command="balancer")
    for words in (
        ["add", "PDU", "pdu1"],
        ["connect", "server1:psu1", "pdu1:1"],
        ["attr", "set", "power.command", "relay", "-t", "pdu1"],
        ["service", "add", "shop", "server[1-2]", "--vip", "lb1:shop"],
    ):
        assert clusto(*words, env=env).code == 0
    told = "warning: server1 serves shop behind lb1:shop (--drain drains it before the power off)"
    assert told in clusto("power", "off", "server1", "--dry-run", env=env).err
    assert told.replace("power off", "rebuild") in clusto("rebuild", "server1", "--dry-run", env=env).err

    said = json.loads(members.read_text())
    said["server1"][4] = "2"
    members.write_text(json.dumps(said))
    off = ("power", "off", "server1", "--yes", "--drain", "--drain-wait", "0.1")
    done = clusto(*off, env=env)
    assert done.code == 4
    assert "it still serves: behind lb1:shop: drained, and 2 sessions had not ended after 0.1 s" in done.out + done.err
    assert not relays.exists(), "its power was not cut"
    assert json.loads(members.read_text())["server1"][2] == "drain"

    said["server1"][2:5] = ["ready", "1", "0"]
    said["server2"][2] = "drain"
    members.write_text(json.dumps(said))
    assert "nothing else would serve shop" in clusto(*off, env=env).out
    assert clusto("service", "ready", "shop", "server2", env=env).code == 0
    done = clusto(*off, env=env)
    assert done.code == 0, done.err
    assert "when it serves again, clusto service ready shop server1" in done.err
    assert "warning" not in done.err
    assert relays.read_text() == "off\n"
    assert json.loads(members.read_text())["server1"][2] == "drain"


IPVSADM = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.0.0.1:80 wlc
  -> 10.0.0.11:8080               Route   1      3          7
  -> 10.0.0.12:8080               Route   0      2          0
UDP  10.0.0.1:80 rr
TCP  [2001:db8::1]:443 wlc persistent 360
  -> [2001:db8::11]:443           Masq    5      0          0
"""


def test_what_ipvsadm_prints_is_understood_or_an_error() -> None:
    drained = Reading("", "10.0.0.12", 8080, Rotation.DRAIN, 0, 2, said="Route 0")
    assert parse(IPVSADM, "tcp", ("10.0.0.1", 80)) == [
        Reading("", "10.0.0.11", 8080, Rotation.READY, 1, 3, said="Route 1"),
        drained,
    ]
    assert parse(IPVSADM, "udp", ("10.0.0.1", 80)) == []
    assert [each.place for each in parse(IPVSADM, "tcp", ("2001:db8::1", 443))] == [("2001:db8::11", 443)]
    with pytest.raises(Unusable, match="no virtual service"):
        parse(IPVSADM, "tcp", ("10.0.0.2", 80))
    with pytest.raises(Refused, match="not known here"):
        parse(IPVSADM + "  -> who knows\n", "tcp", ("2001:db8::1", 443))


def test_ipvs_in_a_network_of_its_own(clusto: Run, tmp_path: Path) -> None:
    env = ipvs_site(clusto, tmp_path)
    if subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    if subprocess.run(["ipvsadm", "-L", "-n"], check=False, capture_output=True, env={**os.environ, **env}).returncode:
        pytest.skip("this kernel lacks ip_vs")
    service = f"{sys.executable} -m clusto_cli.main service"
    script = (
        f"ipvsadm -A -t 10.0.0.1:8443; {service} add shop 'server[1-2]' --vip lb1:shop;"
        f" {service} drain shop server1; ipvsadm -L -n"
    )
    done = subprocess.run(
        ["unshare", "--net", "sh", "-ec", script],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **env, "CLUSTO_DB": f"sqlite:///{tmp_path}/clusto.db"},
    )
    assert done.returncode == 0, done.stderr
    assert [(each.address, each.weight) for each in parse(done.stdout, "tcp", ("10.0.0.1", 8443))] == [
        ("127.0.0.11", 0),
        ("127.0.0.12", 1),
    ]


def ipvs_site(clusto: Run, tmp_path: Path) -> dict[str, str]:
    if shutil.which("ipvsadm", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
        pytest.skip("ipvsadm is not installed (Debian package ipvsadm)")
    site(clusto, 8443)
    assert clusto("add", "Network", "vips", "--attr", "cidr=10.0.0.0/24").code == 0
    assert clusto("ip", "allocate", "10.0.0.1", "lb1:shop").code == 0
    setting(clusto, driver="ipvs")
    return allowing(tmp_path)


def test_ipvsadm_and_keepalived_are_given_what_they_take(clusto: Run, tmp_path: Path) -> None:
    """ipvsadm is a program that remembers here, so that this is tested on kernels without ip_vs; keepalived is real."""
    find("keepalived", "keepalived")
    env = ipvs_site(clusto, tmp_path)
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "ipvsadm").write_text(f"#!{sys.executable}\n{REMEMBERS}")
    (bin / "ipvsadm").chmod(0o755)
    env |= {"PATH": f"{bin}:{env['PATH']}", "IPVS": str(tmp_path / "ipvs")}
    path = tmp_path / "keepalived.conf"
    setting(clusto, file=path, config=path, forwarding="masquerade", reload="false")
    for words in (
        ["add", "shop", "server[1-2]", "--vip", "lb1:shop"],
        ["drain", "shop", "server1"],
        ["weight", "shop", "4", "server2"],
    ):
        done = clusto("service", *words, env=env)
        assert done.code == 0, done.err
    assert (tmp_path / "ipvs").read_text().splitlines() == [
        "-a -t 10.0.0.1:8443 -r 127.0.0.11:8443 -m -w 1",
        "-a -t 10.0.0.1:8443 -r 127.0.0.12:8443 -m -w 1",
        "-e -t 10.0.0.1:8443 -r 127.0.0.11:8443 -m -w 0",
        "-e -t 10.0.0.1:8443 -r 127.0.0.12:8443 -m -w 4",
    ]
    text = path.read_text()
    assert "virtual_server 10.0.0.1 8443 {" in text
    assert "weight 4" in text
    assert clusto("service", "ready", "shop", "server1", env=env).code == 0
    assert clusto("service", "remove", "shop", "server1", env=env).code == 0
    assert "127.0.0.11" not in path.read_text()


@pytest.mark.parametrize("reload", ["true", "false"])
def test_a_dry_run_is_what_is_done_then(clusto: Run, tmp_path: Path, reload: str) -> None:
    env = ipvs_site(clusto, tmp_path)
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "ipvsadm").write_text(f"#!{sys.executable}\n{REMEMBERS}")
    (bin / "ipvsadm").chmod(0o755)
    remembered, path = tmp_path / "ipvs", tmp_path / "keepalived.conf"
    ran = ["sh", "-c", f'echo "$*" >>{remembered}', "sh"]
    configured.write(tmp_path / "home", {"check": [*ran, "check"], "reload": [*ran, "reload"]})
    env |= {"PATH": f"{bin}:{env['PATH']}", "IPVS": str(remembered)}
    setting(clusto, file=path, check_command="check", reload_command="reload", reload=reload)
    remembered.touch()
    for words in (
        ["add", "shop", "server[1-2]", "--vip", "lb1:shop"],
        ["add", "shop", "server[1-2]", "--vip", "lb1:shop"],
        ["drain", "shop", "server1"],
        ["ready", "shop", "server1"],
        ["weight", "shop", "4", "server2"],
        ["remove", "shop", "server1"],
        ["drain", "shop", "server2"],
    ):
        before = remembered.read_text().splitlines(), path.read_text() if path.exists() else None
        dry = clusto("service", *words, "--dry-run", env=env)
        assert (remembered.read_text().splitlines(), path.read_text() if path.exists() else None) == before
        done = clusto("service", *words, env=env)
        assert dry.code == done.code, (words, dry.err, done.err)
        told = [line.removeprefix("would send to run: ") for line in dry.out.splitlines() if " to run: " in line]
        commands = [line.removeprefix("ipvsadm ").removeprefix(" ".join(ran) + " ") for line in told]
        assert commands == remembered.read_text().splitlines()[len(before[0]) :], words
        assert ("reload" in commands) == (reload == "true" and bool(commands)), words


REMEMBERS = """
import os, sys
path, words = os.environ["IPVS"], sys.argv[1:]
lines = open(path).read().splitlines() if os.path.exists(path) else []
if words == ["-L", "-n"]:
    members = {}
    for line in lines:
        if not line.startswith("-"):
            continue
        told = line.split()
        members[told[4]] = told[-1]
        if told[0] == "-d":
            del members[told[4]]
    print("IP Virtual Server version 1.2.1 (size=4096)\\nTCP  10.0.0.1:8443 wlc")
    for place, weight in members.items():
        print(f"  -> {place}   Masq    {weight}      0          0")
else:
    open(path, "a").write(" ".join(words) + "\\n")
"""
