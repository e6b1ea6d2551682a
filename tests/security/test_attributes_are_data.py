"""No attribute runs a program, opens a file or reads the environment, but what the configuration allows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clusto_core.boundary import references
from clusto_core.boundary.permissions import Permissions, local_path
from clusto_core.errors import Malformed, NotFound, Refused
from tests.security.plain import Plain, plain, stranger

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nthe operator's own\n-----END OPENSSH PRIVATE KEY-----\n"
DEBIAN = {
    "os.profile": "debian",
    "os.release": "bookworm",
    "os.mirror": "http://192.0.2.5/debian",
    "os.root_password": "$6$salt$hash",
    "rebuild.url": "http://192.0.2.1",
    "rebuild.dir": "/srv/tftp",
    "console.profile": "qemu-serial",
    "console.path": "/run/qemu/server1",
}


@pytest.fixture
def operator(tmp_path: Path) -> Plain:
    found = plain(tmp_path / "home")
    found.has("server1:eth0", {"mac": "52:54:00:00:00:01"})
    return found


# --- programs


@pytest.mark.parametrize("verb", ["power status server1", "power off server1 --dry-run", "power off server1 --yes"])
@pytest.mark.parametrize("shape", ["words", "json", "name"])
def test_power_command_runs_no_program_of_the_writers_choice(operator: Plain, verb: str, shape: str) -> None:
    mark = operator.home / "mark"
    value = {"words": f"touch {mark}", "json": f'["touch", "{mark}"]', "name": "touch"}[shape]
    operator.has("pdu1", {"power.command": value})
    refused = operator(verb)
    assert refused.code == 4
    assert "power.command of pdu1" in refused.err
    assert "clusto config allow command" in refused.err
    assert refused.out == ""
    assert not mark.exists()


@pytest.mark.parametrize("verb", ["rebuild server1 --dry-run", "rebuild server1 --yes", "rebuild local server1"])
def test_rebuild_command_runs_no_program_of_the_writers_choice(operator: Plain, verb: str) -> None:
    mark = operator.home / "mark"
    operator.has("server1", DEBIAN)
    operator.has("server1", {"rebuild.command": f"touch {mark}"})
    refused = operator(verb)
    assert refused.code == 4, refused
    assert "clusto config allow command" in refused.err
    assert not mark.exists()


def test_the_line_that_the_error_asks_for_is_all_it_takes(operator: Plain) -> None:
    operator.has("pdu1", {"power.command": "relay"})
    asked = operator("power status server1")
    assert "clusto config allow command relay -- PROGRAM ARGUMENT..." in asked.err
    operator.does("config allow command relay -- echo on")
    assert operator("power status server1").out == "server1 on\n"


def test_a_value_that_fills_a_command_never_becomes_an_option(operator: Plain) -> None:
    operator.does("config allow command relay -- echo {host} on")
    operator.has("pdu1", {"power.command": "relay"})
    operator.has("pdu1", {"snmp.host": "--config=/evil"})
    failed = operator("power status server1")
    assert failed.code != 0
    assert "would be taken for an option" in failed.out + failed.err


# --- files and the environment


@pytest.mark.parametrize(
    ("reference", "line"),
    [
        ("file:{home}/.ssh/id_rsa", "clusto config allow file"),
        ("file:~/.ssh/id_rsa", "clusto config allow file"),
        ("file:.ssh/id_rsa", "clusto config allow file"),
        ("file:{home}/.config/clusto/secrets/../../../.ssh/id_rsa", "clusto config allow file"),
        ("file:{home}/.config/clusto/secrets/link", "clusto config allow file"),
        ("file:/dev/zero", "clusto config allow file"),
        ("file:/proc/self/environ", "clusto config allow file"),
        ("env:HOME", "clusto config allow env HOME"),
        ("env:AWS_SECRET_ACCESS_KEY", "clusto config allow env AWS_SECRET_ACCESS_KEY"),
        ("env:CLUSTO_DB", "clusto config allow env CLUSTO_DB"),
        ("secret:../../../.ssh/id_rsa", "a name that cannot be"),
        ("secret:/etc/passwd", "a name that cannot be"),
    ],
)
def test_a_community_reads_nothing_that_is_not_allowed(operator: Plain, reference: str, line: str) -> None:
    (operator.home / ".ssh").mkdir()
    (operator.home / ".ssh" / "id_rsa").write_text(KEY)
    (operator.secrets / "link").symlink_to(operator.home / ".ssh" / "id_rsa")
    with stranger() as listening:
        community = reference.format(home=operator.home)
        operator.has("pdu1", {"snmp.host": "127.0.0.1", "snmp.port": listening.port, "snmp.community": community})
        refused = operator("power status server1", AWS_SECRET_ACCESS_KEY="theirs")
        assert listening.heard == b""
    assert refused.code == 4
    assert line in refused.err
    assert "operator's own" not in refused.err + refused.out


def test_devices_and_fifos_are_neither_read_nor_waited_for(operator: Plain) -> None:
    os.mkfifo(operator.secrets / "fifo", 0o600)
    operator.does("config allow file /dev/zero")
    for reference in (f"file:{operator.secrets}/fifo", "secret:fifo", "file:/dev/zero"):
        operator.has("pdu1", {"snmp.community": reference})
        refused = operator("power status server1", seconds=20)
        assert refused.code == 4
        assert "is no regular file" in refused.err


@pytest.mark.parametrize(
    ("mode", "text", "says"),
    [(0o644, "x", "others may read or change"), (0o620, "x", "others may"), (0o600, "x" * 20000, "longer than 16384")],
)
def test_secrets_that_others_see_and_that_are_none(operator: Plain, mode: int, text: str, says: str) -> None:
    operator.secret("community", text, mode)
    operator.has("pdu1", {"snmp.community": "secret:community"})
    refused = operator("power status server1")
    assert refused.code == 4
    assert says in refused.err


@pytest.mark.parametrize("key", ["os.packages", "os.mirror", "os.release", "os.profile", "rebuild.url"])
def test_settings_that_are_no_secrets_read_nothing(operator: Plain, key: str) -> None:
    """What they read would be in a preseed that anybody fetches, in an error message, or a question to DNS."""
    operator.secret("id", "the operator's own")
    operator.has("server1", DEBIAN)
    for reference in (f"file:{operator.secrets}/id", "secret:id", "env:CLUSTO_X"):
        operator.has("server1", {key: reference})
        refused = operator("rebuild --show server1", CLUSTO_X="the operator's own")
        assert refused.code == 4, (key, refused)
        assert f"{key} of server1 refers to a secret" in refused.err
        assert "operator's own" not in refused.out + refused.err


@pytest.mark.parametrize("key", ["snmp.host", "power.profile", "power.driver"])
def test_a_host_or_a_choice_reads_nothing(operator: Plain, key: str) -> None:
    operator.has("pdu1", {key: "env:CLUSTO_X"})
    refused = operator("power status server1", CLUSTO_X="stolen.example.com")
    assert refused.code == 4
    assert "stolen" not in refused.err


def test_a_shown_answer_has_no_secret(operator: Plain) -> None:
    operator.has("server1", DEBIAN)
    operator.secret("root", "the operator's own")
    operator.has("server1", {"os.root_password": "secret:root"})
    for more in ("", "--reveal"):
        shown = operator(f"rebuild --show server1 {more}")
        assert shown.code == 0, shown.err
        assert "operator's own" not in shown.out
    operator.has("server1", {"os.root_password": "$6$salt$hash"})
    assert "$6$" not in operator("rebuild --show server1").out


@pytest.mark.parametrize(
    ("settings", "verb"),
    [
        ({"rebuild.dir": "{home}/.ssh"}, "rebuild local server1"),
        ({"console.profile": "qemu-serial", "console.path": "{home}/agent.sock"}, "console server1 --capture 1"),
        ({"console.profile": "local-tty", "console.path": "/dev/mem"}, "console server1 --capture 1"),
    ],
)
def test_paths_of_this_computer_are_those_that_are_allowed(
    operator: Plain, settings: dict[str, str], verb: str
) -> None:
    operator.has("server1", DEBIAN)
    operator.has("server1", {key: value.format(home=operator.home) for key, value in settings.items()})
    refused = operator(verb)
    assert refused.code == 4, refused
    assert "clusto config allow path" in refused.err
    assert not (operator.home / ".ssh").exists()


def test_the_configuration_is_read_for_a_path_only_where_it_has_a_say(
    operator: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.config.parent.mkdir(parents=True)
    operator.config.write_text("[devices")
    monkeypatch.setenv("CLUSTO_CONFIG", str(operator.config))
    usual = "/run/haproxy/admin.sock"
    assert local_path("balancer.socket", usual, "lb1") == usual
    with pytest.raises(Malformed):
        local_path("balancer.socket", "/tmp/admin.sock", "lb1")


# --- what is allowed works


def permissions(operator: Plain) -> Permissions:
    from clusto_core.boundary import permissions as module
    from clusto_core.config import section

    tables = {name: section(name, str(operator.config)) for name in ("commands", "devices", "secrets")}
    return module.parse(tables, str(operator.config))


def read(operator: Plain, reference: str) -> str:
    if not operator.config.exists():
        operator.secrets.parent.joinpath("config.toml").touch()
    return references.resolve(reference, "snmp.community of pdu1", permissions(operator))


def test_what_is_allowed_is_read(operator: Plain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = operator.secret("bmc", "s3cret\n")
    assert read(operator, "secret:bmc") == "s3cret"
    assert read(operator, f"file:{path}") == "s3cret"
    monkeypatch.setenv("CLUSTO_SNMP", "comm")
    assert read(operator, "env:CLUSTO_SNMP") == "comm"
    monkeypatch.setenv("PDU_READ", "other")
    with pytest.raises(Refused, match="clusto config allow env PDU_READ"):
        read(operator, "env:PDU_READ")
    operator.does("config allow env PDU_READ")
    assert read(operator, "env:PDU_READ") == "other"
    public = tmp_path / "ops.pub"
    public.write_text("ssh-ed25519 AAAA")
    with pytest.raises(Refused, match=f"clusto config allow file {public}"):
        read(operator, f"file:{public}")
    operator.does(f"config allow file {public}")
    assert read(operator, f"file:{public}") == "ssh-ed25519 AAAA"


def test_what_is_not_there_is_not_found(operator: Plain) -> None:
    for reference in ("secret:none", f"file:{operator.secrets}/none", "env:CLUSTO_NONE"):
        with pytest.raises(NotFound, match=r"which snmp\.community of pdu1 refers to"):
            read(operator, reference)


def test_a_helper_is_asked_by_name(operator: Plain) -> None:
    helper = operator.home / "vault.py"
    helper.write_text("import sys\nsys.exit(1) if sys.argv[1] == 'none' else print('of ' + sys.argv[1])\n")
    operator.does(f"config helper -- {sys.executable} {helper} {{name}}")
    assert read(operator, "secret:site/bmc") == "of site/bmc"
    with pytest.raises(NotFound, match="has no secret none"):
        read(operator, "secret:none")
    operator.secret("mine", "a file goes before")
    assert read(operator, "secret:mine") == "a file goes before"


def test_the_desktop_keyring_is_asked_where_there_is_one(operator: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring", reason="the library keyring is not installed")
    from keyring.backend import KeyringBackend

    class Memory(KeyringBackend):
        priority = 1.0

        def get_password(self, service: str, username: str) -> str | None:
            return "kept" if (service, username) == ("clusto", "bmc") else None

        def set_password(self, service: str, username: str, password: str) -> None:
            raise NotImplementedError

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    try:
        assert read(operator, "secret:bmc") == "kept"
        with pytest.raises(NotFound):
            read(operator, "secret:other")
        operator.config.write_text("[secrets]\nkeyring = false\n")
        with pytest.raises(NotFound):
            read(operator, "secret:bmc")
    finally:
        keyring.set_keyring(before)


# --- the configuration itself


def test_a_configuration_that_anybody_may_write_is_not_believed(operator: Plain) -> None:
    operator.does("config allow command relay -- echo on")
    operator.has("pdu1", {"power.command": "relay"})
    assert operator("power status server1").code == 0
    operator.config.chmod(0o602)
    refused = operator("power status server1")
    assert refused.code == 4
    assert "chmod o-w" in refused.err


def test_config_keeps_what_else_is_in_the_file(operator: Plain) -> None:
    operator.config.parent.mkdir(parents=True)
    operator.config.write_text(
        '# ours\ndb = "/var/lib/clusto.db"  # shared\n\n[devices]\nnetworks = [\n  "10.0.0.0/8", # all\n]\n'
    )
    operator.does("config allow network 192.0.2.0/24 192.0.2.0/24")
    operator.does("config deny network 10.0.0.0/8")
    text = operator.config.read_text()
    assert "# ours" in text
    assert 'db = "/var/lib/clusto.db"  # shared' in text
    assert operator("config -o names").out.splitlines().count("192.0.2.0/24") == 1
    assert "10.0.0.0/8" not in operator("config").out


def test_what_is_denied_is_spelled_as_it_was_allowed(operator: Plain) -> None:
    given = {"network": "10.1.2.3/16 PDU*", "file": "keys/", "path": "~/boot", "env": "PDU_*", "requirement": "tls"}
    before = operator("config").out
    for kind, names in given.items():
        operator.does(f"config require {names}" if kind == "requirement" else f"config allow {kind} {names}")
        assert operator("config").out != before
        operator.does(f"config deny {kind} {names}")
        assert operator("config").out == before


def test_config_shows_whether_the_keyring_is_asked(operator: Plain) -> None:
    assert "keyring\tclusto\talways" in operator("config").out.splitlines()
    operator.config.parent.mkdir(parents=True)
    operator.config.write_text("[secrets]\nkeyring = false\n")
    assert "keyring" not in operator("config").out


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("config allow network 'a b'", 2),
        ("config allow network 10.0.0.0/33", 2),
        ("config allow command 'a b' echo", 2),
        ("config allow command relay /no/such/program", 3),
        ("config allow command relay --", 2),
        ("config allow env 'A B'", 2),
        ("config require everything", 2),
        ("config deny env NOT_THERE", 3),
        ("config allow network 10.0.0.0/8 --for bmc", 2),
        ("config allow export csv note", 2),
        ("config allow export ansible 'a b'", 2),
        ("config deny export ansible", 2),
        ("config deny export ansible ansible_user", 3),
    ],
)
def test_what_cannot_be_allowed(operator: Plain, line: str, code: int) -> None:
    assert operator(line).code == code
    assert not operator.config.exists()


@pytest.mark.parametrize(
    "text",
    [
        "[commands]\nrelay = 'touch x'",
        "[commands]\nrelay = []",
        "[devices]\nrequire = ['everything']",
        "[devices]\nnetwork = ['10.0.0.0/8']",
        "[secrets]\nkeyring = 'yes'",
        "[secrets]\nhosts = ['x']",
        "devices = 5",
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(operator: Plain, text: str) -> None:
    operator.config.parent.mkdir(parents=True)
    operator.config.write_text(text)
    wrong = operator("config")
    assert wrong.code == 2
    assert str(operator.config) in wrong.err


def test_locate_reads_no_permissions(operator: Plain) -> None:
    """Quick commands do not pay for the boundary."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "clusto_cli.main", "locate", "server1"],
        env=operator.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "clusto_core.boundary" not in done.stderr


def test_the_server_that_machines_call_back_runs_nothing_either(
    operator: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`rebuild serve` and the guardian put boot files back by way of the same door."""
    from clusto_cli.rebuild.machines import Machines
    from clusto_core.answers.recipes import recipe
    from clusto_core.store.reader import open_reader

    monkeypatch.setenv("CLUSTO_CONFIG", str(operator.config))
    operator.has("server1", {**DEBIAN, "rebuild.command": f"touch {operator.home}/mark"})
    with open_reader(f"sqlite:///{operator.home}/clusto.db") as reader:
        known = recipe(reader, reader.resolve("server1"))
    with pytest.raises(Refused, match=r"rebuild\.command of server1 is a command line"):
        Machines().server(known)
    operator.does("config allow command boots -- echo {action}")
    operator.has("server1", {"rebuild.command": "boots"})
    with open_reader(f"sqlite:///{operator.home}/clusto.db") as reader:
        Machines().server(recipe(reader, reader.resolve("server1")))


def test_a_clusto_that_is_started_from_this_one_is_allowed_the_same(operator: Plain) -> None:
    """The power keys of a console session are a program of their own, as verbs from outside are."""
    program = operator.home / "bin" / "clusto-again"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -m clusto_cli.main config -o names\n")
    program.chmod(0o755)
    (operator.home / "other.toml").write_text('[devices]\nnetworks = ["192.0.2.0/24"]\n')
    path = f"{program.parent}:{os.environ['PATH']}"
    assert "192.0.2.0/24" in operator(f"--config {operator.home}/other.toml again", PATH=path).out
