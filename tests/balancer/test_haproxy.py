"""Services at a real HAProxy: every operation by its runtime socket, its configuration kept in step."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import configured
from tests.balancer.lab import BACKEND, Haproxy, Load, answering, get, reload_by, setting, site, webs
from tests.conftest import Run
from tests.console.lab import Lab, find, free_ports, ssh_client, sshd, until


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.stop()


@pytest.fixture
def haproxy(lab: Lab) -> Haproxy:
    return Haproxy(lab)


def states(clusto: Run, env: dict[str, str] | None = None) -> dict[str, str]:
    done = clusto("service", "status", "shop", "-o", "json", env=env)
    assert done.code == 0, done.err
    return {each["name"]: each["rotation"] for each in json.loads(done.out)}


def test_a_member_is_added_drained_made_ready_weighed_and_removed(clusto: Run, haproxy: Haproxy) -> None:
    with webs(2) as (port, _):
        site(clusto, port)
        setting(clusto, socket=haproxy.socket)
        done = clusto("service", "add", "shop", "server[1-2]", "--vip", "lb1:shop")
        assert (done.code, done.err) == (0, "")
        assert done.out.splitlines()[0].startswith("added shop on server1 to lb1:shop (ready, up, weight 1, 0 session")
        assert answering(haproxy.url) == {"127.0.0.11", "127.0.0.12"}
        assert clusto("service", "verify").code == 0

        done = clusto("service", "drain", "shop", "server1")
        assert (done.code, done.out) == (0, "server1 behind lb1:shop: drain, up, weight 1, 0 sessions\n")
        assert answering(haproxy.url) == {"127.0.0.12"}
        done = clusto("service", "verify", "shop")
        assert (done.code, done.out) == (4, "shop\tserver1\tlb1:shop\tit is drain, not ready\n")
        done = clusto("service", "drain", "shop", "server2")
        assert done.code == 4
        assert "nothing else would serve shop behind lb1:shop" in done.err
        assert clusto("service", "add", "shop", "server1", "--vip", "lb1:shop").code == 0
        assert states(clusto) == {"server1": "drain", "server2": "ready"}, "what is drained stays so"

        assert clusto("service", "ready", "shop", "server1").code == 0
        assert answering(haproxy.url) == {"127.0.0.11", "127.0.0.12"}
        assert clusto("service", "weight", "shop", "50", "server1").out.endswith("ready, up, weight 50, 0 sessions\n")
        assert clusto("attr", "get", "balancer.weight", "-t", "server1").out.strip().endswith("50")
        assert clusto("service", "verify").code == 0

        done = clusto("service", "remove", "shop", "server1")
        assert (done.code, done.out, done.err) == (0, "removed shop from server1\n", "")
        assert states(clusto) == {"server2": "ready"}
        assert answering(haproxy.url) == {"127.0.0.12"}
        assert clusto("service", "list", "shop").out.split()[1] == "server2"


def test_draining_waits_for_sessions_with_a_limit(clusto: Run, haproxy: Haproxy) -> None:
    with webs(2) as (port, machines):
        site(clusto, port)
        setting(clusto, socket=haproxy.socket)
        assert clusto("service", "add", "shop", "server1", "--vip", "lb1:shop").code == 0
        answers: list[str] = []
        request = threading.Thread(target=lambda: answers.append(get(f"{haproxy.url}hold")))
        request.start()
        until(machines[0].held.is_set, "a session at server1")
        assert clusto("service", "add", "shop", "server2", "--vip", "lb1:shop").code == 0

        done = clusto("service", "drain", "shop", "server1", "--wait", "0.3")
        assert done.code == 5
        assert "drained, and 1 session had not ended after 0.3 s" in done.err
        done = clusto("service", "remove", "shop", "server1", "--wait", "0.1")
        assert done.code == 5
        assert "server1" in clusto("service", "list", "shop").out, "what a balancer still has stays recorded"
        threading.Timer(0.5, machines[0].release.set).start()
        assert clusto("service", "drain", "shop", "server1", "--wait", "15").code == 0
        request.join()
        assert answers == ["127.0.0.11"]
        assert clusto("service", "remove", "shop", "server1").code == 0


def test_what_differs_is_told_and_brought_in_line(clusto: Run, haproxy: Haproxy) -> None:
    with webs(2) as (port, _):
        site(clusto, port)
        setting(clusto, socket=haproxy.socket)
        done = clusto("service", "add", "shop", "server[1-2]", "--vip", "lb1:shop", "--no-balancer")
        assert done.out == "added shop on server1 to lb1:shop\nadded shop on server2 to lb1:shop\n"
        haproxy.ask(f"add server {BACKEND}/server1 127.0.0.77:1;add server {BACKEND}/other 127.0.0.9:1")
        done = clusto("service", "verify", "-o", "json")
        assert done.code == 4
        assert {each["name"]: each["difference"] for each in json.loads(done.out)} == {
            "server1": f"it is at 127.0.0.77:1, not 127.0.0.11:{port}",
            "server2": "it is no member",
            "other": "the inventory does not have it here",
        }
        dry = clusto("service", "apply", "--remove-others", "--dry-run").out
        assert f"set server {BACKEND}/server1 addr 127.0.0.11 port {port}\n" in dry
        assert f"del server {BACKEND}/other\n" in dry
        assert clusto("service", "verify").code == 4, "a dry run changes nothing"
        assert clusto("service", "apply", "--remove-others").code == 0
        assert clusto("service", "ready", "shop", "server1").code == 0
        assert clusto("service", "verify").code == 0


def test_a_balancer_that_does_not_do_it_is_told_and_the_same_command_tries_again(clusto: Run, lab: Lab) -> None:
    site(clusto, 8443)
    setting(clusto, socket=lab.folder / "admin.sock")
    done = clusto("service", "add", "shop", "server1", "--vip", "lb1:shop")
    assert (done.code, done.out) == (5, "")
    assert "server1 behind lb1:shop is recorded, and its balancer is not as that says" in done.err
    assert "No such file or directory (balancer.socket)" in done.err
    assert clusto("service", "verify").code == 5
    haproxy = Haproxy(lab)
    done = clusto("service", "add", "shop", "server1", "--vip", "lb1:shop")
    assert done.code == 0, done.err
    assert done.out.startswith("already: shop on server1 to lb1:shop (ready")
    setting(clusto, backend="nix")
    done = clusto("service", "verify")
    assert done.code == 5
    assert "HAProxy has no backend nix" in done.err
    haproxy.process.kill()


def test_its_configuration_is_kept_in_step_and_no_request_is_lost_in_reloads(
    clusto: Run, haproxy: Haproxy, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    configured.write(home, {"reload": reload_by(haproxy.process.pid)})
    env = {"XDG_CONFIG_HOME": str(home)}
    with webs(3) as (port, _):
        site(clusto, port, 3)
        setting(clusto, socket=haproxy.socket, file=haproxy.config, config=haproxy.config)
        setting(clusto, reload="true", reload_command="reload")
        assert clusto("service", "add", "shop", "server1", "--vip", "lb1:shop", env=env).code == 0
        with Load(haproxy.url) as load:
            for words in (
                ["add", "shop", "server[2-3]", "--vip", "lb1:shop"],
                ["drain", "shop", "server2"],
                ["weight", "shop", "7", "server3"],
                ["remove", "shop", "server1"],
                ["ready", "shop", "server2"],
            ):
                load.more(20)
                done = clusto("service", *words, env=env)
                assert done.code == 0, done.err
                load.more(20)
        assert load.failures == []
        assert haproxy.members().splitlines() == [
            f"    server server2 127.0.0.12:{port} weight 1 check",
            f"    server server3 127.0.0.13:{port} weight 7 check",
        ]
        assert states(clusto, env) == {"server2": "ready", "server3": "ready"}


def test_a_configuration_that_haproxy_refuses_is_taken_back(clusto: Run, haproxy: Haproxy) -> None:
    site(clusto, 8443)
    setting(clusto, socket=haproxy.socket, file=haproxy.config, config=haproxy.config)
    wrong = haproxy.config.read_text() + "nonsense here\n"
    haproxy.config.write_text(wrong)
    done = clusto("service", "add", "shop", "server1", "--vip", "lb1:shop")
    assert done.code == 5
    assert "haproxy does not find it right" in done.err
    assert "the file is as it was" in done.err
    assert haproxy.config.read_text() == wrong
    haproxy.config.write_text(wrong.replace("nonsense here\n", "").replace("# clusto: begin", "# begin"))
    assert "are not one '# clusto: begin" in clusto("service", "add", "shop", "server1", "--vip", "lb1:shop").err


def test_over_ssh_all_is_that_of_the_balancer(
    clusto: Run, haproxy: Haproxy, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    find("sshd", "openssh-server")
    server = sshd(lab, "AllowStreamLocalForwarding yes")
    # The lab's first port has a menu; another sshd of its keys has a shell.
    config = lab.folder / "sshd_config"
    port = free_ports()
    plain = [line for line in config.read_text().splitlines() if not line.lstrip().startswith(("Match", "Force"))]
    plain = [line for line in plain if not line.startswith("ListenAddress")]
    (lab.folder / "plain").write_text(
        "\n".join([f"ListenAddress 127.0.0.1:{port}", *plain, ""]).replace("sshd.pid", "plain.pid")
    )
    lab.start([find("sshd", "openssh-server"), "-D", "-e", "-f", str(lab.folder / "plain")], port=port)
    folder = ssh_client(lab, [server.base, port])
    env = {"PATH": f"{folder}:{os.environ['PATH']}:/usr/sbin"}
    with webs(1) as (web, _):
        site(clusto, web, 1)
        setting(clusto, via="ssh", socket=haproxy.socket, file=haproxy.config, config=haproxy.config)
        for key, value in (("ssh.host", "127.0.0.1"), ("ssh.port", str(port))):
            assert clusto("attr", "set", key, value, "-t", "lb1").code == 0
        done = clusto("service", "add", "shop", "server1", "--vip", "lb1:shop", env=env)
        assert (done.code, done.err) == (0, "")
        assert answering(haproxy.url, 2) == {"127.0.0.11"}
        assert f"server server1 127.0.0.11:{web}" in haproxy.members()


def test_its_runtime_socket_may_be_tcp(clusto: Run, lab: Lab) -> None:
    port = free_ports()
    haproxy = Haproxy(lab, f"    stats socket ipv4@127.0.0.1:{port} level admin")
    with webs(2) as (web, _):
        site(clusto, web)
        setting(clusto, driver="haproxy", socket=f"127.0.0.1:{port}")
        done = clusto("service", "add", "shop", "server[1-2]", "--vip", "lb1:shop")
        assert (done.code, done.err) == (0, "")
        assert clusto("service", "drain", "shop", "server1").code == 0
        assert answering(haproxy.url) == {"127.0.0.12"}
        assert clusto("service", "remove", "shop", "server1").code == 0
        assert states(clusto) == {"server2": "ready"}
    setting(clusto, socket=f"127.0.0.1:{free_ports()}")
    assert "Connection refused (balancer.socket)" in clusto("service", "verify").err


def test_where_no_server_is_added_at_run_time_the_configuration_is_written_and_reloaded(
    clusto: Run, lab: Lab, tmp_path: Path
) -> None:
    """HAProxy adds servers to backends that balance dynamically alone (management.txt, "add server")."""
    haproxy = Haproxy(lab, balance="static-rr")
    configured.write(tmp_path / "home", {"reload": reload_by(haproxy.process.pid)})
    env = {"XDG_CONFIG_HOME": str(tmp_path / "home")}
    with webs(3) as (port, _):
        site(clusto, port, 3)
        setting(clusto, socket=haproxy.socket)
        done = clusto("service", "add", "shop", "server1", "--vip", "lb1:shop")
        assert done.code == 5
        assert "it is no member (it says: " in done.err
        assert "dynamic" in done.err
        setting(clusto, file=haproxy.config, config=haproxy.config, reload_command="reload")
        add = ("service", "add", "shop", "server[1-3]", "--vip", "lb1:shop")
        dry = clusto(*add, "--dry-run", env=env).out
        assert f"run, where it adds no server while it runs: {' '.join(reload_by(haproxy.process.pid))}\n" in dry
        done = clusto(*add, env=env)
        assert (done.code, done.err) == (0, "")
        assert clusto("service", "drain", "shop", "server2", env=env).code == 0
        assert answering(haproxy.url) == {"127.0.0.11", "127.0.0.13"}
        assert clusto("service", "remove", "shop", "server3", env=env).code == 0
        with Load(haproxy.url) as load:
            assert clusto(*add, env=env).code == 0
            load.more(20)
        assert load.failures == []
        assert states(clusto, env) == {"server1": "ready", "server2": "drain", "server3": "ready"}
        assert answering(haproxy.url) == {"127.0.0.11", "127.0.0.13"}


def test_what_its_configuration_has_and_its_process_lacks_comes_with_a_reload(
    clusto: Run, lab: Lab, tmp_path: Path
) -> None:
    haproxy = Haproxy(lab, balance="static-rr")
    configured.write(tmp_path / "home", {"reload": reload_by(haproxy.process.pid)})
    with webs(1) as (port, _):
        site(clusto, port, 1)
        setting(clusto, socket=haproxy.socket, file=haproxy.config, config=haproxy.config, reload_command="reload")
        mark = f"# clusto: begin {BACKEND}\n"
        line = f"    server server1 127.0.0.11:{port} weight 1 check\n"
        haproxy.config.write_text(haproxy.config.read_text().replace(mark, mark + line))
        add = ("service", "add", "shop", "server1", "--vip", "lb1:shop")
        done = clusto(*add, env={"XDG_CONFIG_HOME": str(tmp_path / "home")})
        assert (done.code, done.err) == (0, "")
        assert answering(haproxy.url, 2) == {"127.0.0.11"}


def test_a_rehearsed_removal_drains_first_and_refuses_as_the_real_one(clusto: Run, haproxy: Haproxy) -> None:
    with webs(2) as (port, _):
        site(clusto, port)
        setting(clusto, socket=haproxy.socket)
        assert clusto("service", "add", "shop", "server[1-2]", "--vip", "lb1:shop").code == 0
        done = clusto("service", "remove", "shop", "server1", "--dry-run")
        assert done.code == 0, done.err
        server = f"would send to {haproxy.socket}: %s server {BACKEND}/server1%s"
        assert done.out.splitlines() == [
            "would remove shop from server1",
            server % ("set", " state drain"),
            server % ("set", " state maint"),
            server % ("del", ""),
        ]
        done = clusto("service", "drain", "shop", "server[1-2]", "--dry-run")
        assert done.code == 4
        assert "nothing else would serve shop behind lb1:shop" in done.err
        assert states(clusto) == {"server1": "ready", "server2": "ready"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "no HAProxy answers so"),
        (b"\x1b]0;owned\x07 hello", "no HAProxy answers so"),
        (b"1\n# be_id be_name srv_name\n1 lb1-shop-shop x\n\n", "makes no sense here"),
        (
            b"1\n# be_id be_name srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_port\n"
            b"1 lb1-shop-shop x 1.2.3.4 2 many 1 80\n\n",
            "makes no sense here",
        ),
        (b"x" * 34_000_000, "answers more than"),
    ],
)
def test_hostile_answers_are_bounded_and_fail_alone(clusto: Run, tmp_path: Path, answer: bytes, told: str) -> None:
    listener = socket.create_server(str(tmp_path / "s"), family=socket.AF_UNIX)

    def serve() -> None:
        stream = listener.accept()[0]
        stream.recv(65536)
        with contextlib.suppress(OSError):
            stream.sendall(answer)
        stream.close()

    threading.Thread(target=serve, daemon=True).start()
    site(clusto, 8443)
    setting(clusto, socket=tmp_path / "s")
    assert clusto("service", "add", "shop", "server1", "--vip", "lb1:shop", "--no-balancer").code == 0
    done = clusto("service", "status", "shop")
    listener.close()
    assert done.code == 5
    assert told in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize("name", ["a;shutdown sessions server x", "a b", "a\nshow info", "é", "a/b", ""])
def test_hostile_names_never_reach_a_balancer(name: str) -> None:
    from clusto_cli.backends.balancer.model import Backend, Goal, Member, checked
    from clusto_cli.backends.errors import Unusable

    with pytest.raises(Unusable):
        checked(Backend(name, None, 80))
    with pytest.raises(Unusable):
        checked(Backend("b", None, 80), [Goal(Member(name, "10.0.0.1", 80))])
    with pytest.raises(Unusable):
        checked(Backend("b", None, 80), [Goal(Member("a", f"10.0.0.1 {name}x", 80))])
