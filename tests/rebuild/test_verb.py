"""What the verb prints, asks and refuses, on simulated machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from clusto_cli.main import invoke
from clusto_cli.rebuild.machines import known_recipes
from tests.before import had
from tests.rebuild.site import Site, site


@pytest.fixture
def lab(tmp_path: Path, sqlite_url: str) -> Iterator[Site]:
    with site(tmp_path, sqlite_url) as found:
        yield found


def snapshot(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_show_prints_every_file_and_no_secret(lab: Site) -> None:
    for key, value in {
        "os.profile": "debian",
        "os.release": "bookworm",
        "os.mirror": "http://192.0.2.5/debian",
        "os.root_password": "$6$salt$hash",
    }.items():
        lab.set("lab", key, value)
    before = snapshot(lab.directory)
    code, out, err = lab.clusto("rebuild", "--show", "server1")
    assert code == 0, err
    assert "==> hosts/server1/preseed.cfg (install)" in out
    assert "==> pxelinux.cfg/01-52-54-00-00-00-01 (local)" in out
    assert "$6$" not in out
    assert "****" in out
    assert "$6$salt$hash" in lab.clusto("rebuild", "--show", "server1", "--reveal")[1]
    shown = json.loads(lab.clusto("rebuild", "--show", "server1", "-o", "json")[1])
    assert {file["when"] for file in shown[0]["files"]} == {"install", "local"}
    assert snapshot(lab.directory) == before
    # What a secret refers to need not be there to be shown.
    lab.set("lab", "os.root_password", "env:CLUSTO_NOBODY_HAS_SET_THIS")
    assert lab.clusto("rebuild", "--show", "server1")[0] == 0


def test_a_dry_run_shows_each_step_and_changes_nothing(lab: Site) -> None:
    lab.serve()
    before = snapshot(lab.directory)
    code, out, err = lab.clusto("rebuild", "--dry-run", "server1")
    assert code == 0, err
    lines = [line for line in out.splitlines() if line.startswith("server1  ")]
    assert "write" in lines[0]
    assert "pdu1a:1  on" in lines[1]
    assert "boot the machine's own disk" in lines[-1]
    code, out, err = lab.clusto("rebuild", "--dry-run", "-o", "json", "server1")
    (record,) = json.loads(out)
    assert (code, record["name"], record["failures"], len(record["steps"]) > 3) == (0, "server1", [], True)
    assert snapshot(lab.directory) == before
    assert lab.machines["server1"].boots == 1
    assert lab.clusto("rebuild", "--status", "server1")[0] == 3


def test_all_that_is_missing_is_told_at_once(lab: Site) -> None:
    """Of every machine, in the inventory and on the wire; one mistake hides no other."""
    for key in ("os.disk", "os.image"):
        lab.set("lab", key)
    had(lab.store, "server1", "rebuild.signs", "many")
    had(lab.store, "server1", "rebuild.timeout", "soon")
    had(lab.store, "server1", "rebuild.nic", "eth9")
    had(lab.store, "server2", "rebuild.probe", "smell")
    code, out, err = lab.clusto("rebuild", "--dry-run", "server1", "server2")
    assert (code, out) == (4, "")
    bad = [" ".join(line.split()[1:]) for line in err.splitlines() if line.startswith("  BAD")]
    for words in (
        "mac server1 has no card eth9 with a MAC",
        "recipe image needs os.image, which is not set",
        "recipe image needs os.disk, which is not set",
        "signs rebuild.signs of server1 is a whole number from 1 to 3, not 'many'",
        "times rebuild.timeout of server1 is a number from 0.001 to 604799 in s, not 'soon'",
        "call-back http://",
        "probe ",
    ):
        assert [line for line in bad if line.startswith(words)], (words, bad)
    assert len([line for line in bad if "os.disk" in line]) == 2
    assert err.splitlines()[-1].endswith("more): nothing was changed")
    code, out, _ = lab.clusto("rebuild", "--dry-run", "-o", "json", "server1", "server2")
    assert code == 4
    first, second = json.loads(out)
    assert len([check for each in (first, second) for check in each["checks"] if check["ok"] is False]) == len(bad)
    assert (first["steps"], second["name"]) == ([], "server2")


@pytest.mark.parametrize("recipe", [each.name for each in known_recipes()])
def test_a_preflight_says_what_it_took_and_from_where(lab: Site, recipe: str) -> None:
    lab.set("lab", "os.profile", recipe)
    lab.set("server1", "os.timezone", "Europe/Paris")
    lab.set("lab", "os.root_password", "$6$salt$hash")
    _, _, err = lab.clusto("rebuild", "--dry-run", "server1")
    took = [line.strip() for line in err.partition("server1 took\n")[2].splitlines() if line.startswith("  ")]
    assert f"os.profile={recipe}  (from lab)" in took
    assert "os.timezone=Europe/Paris  (its own)" in took
    assert "os.root_password=****  (from lab)" in took
    assert any(line.startswith("rebuild.dir=") and line.endswith("(from lab)") for line in took)
    system = next(each for each in known_recipes() if each.name == recipe)
    for key, value in system.defaults.items():
        if value and key not in ("os.timezone", "os.disk", "os.image"):
            assert f"{key}={value}  (default of {recipe})" in took
    missing = system.missing({**dict.fromkeys(("os.root_password", "os.image", "os.disk", "rebuild.url"), "x")})
    assert [line for line in err.splitlines() if line.endswith(", which is not set")] == [
        f"  BAD  recipe       {recipe} needs {each}, which is not set" for each in missing
    ]


def test_a_recipe_that_lacks_something_says_what(lab: Site) -> None:
    lab.serve()
    lab.set("lab", "os.disk")
    code, _, err = lab.rebuild("server1")
    assert (code, err.splitlines()[-1]) == (
        4,
        "clusto: error: server1: recipe: image needs os.disk, which is not set: nothing was changed",
    )
    lab.set("lab", "os.profile", "beos")
    assert "there is no OS recipe 'beos'" in lab.rebuild("server1")[2]
    lab.set("lab", "os.profile")
    assert "os.profile is not set" in lab.rebuild("server1")[2]


@pytest.mark.parametrize("value", ["x\ny", "a; rm -rf /", "$(reboot)", "../../etc", "a{b}", "--- x"])
def test_hostile_arguments_of_the_kernel(lab: Site, value: str) -> None:
    """Refused, or one word of the kernel's command line."""
    lab.set("lab", "os.args", value)
    code, out, err = lab.clusto("rebuild", "--show", "server1")
    if code == 0:
        appended = [line for line in out.splitlines() if line.startswith("  APPEND ")]
        assert len(appended) == 1
        assert "clusto.event=" in appended[0]
    else:
        assert code == 2
        assert len(err.splitlines()) == 1


def test_local_boot_files_for_all(lab: Site) -> None:
    code, out, err = lab.clusto("rebuild", "local", "--where", "driver:Server")
    assert (code, out) == (0, "wrote local boot files of 2 machines\n"), err
    assert lab.is_local("server1")
    assert lab.is_local("server2")
    assert lab.clusto("rebuild", "local", "server1", "--dry-run")[1] == "would write local boot files of 1 machine\n"


def test_local_boot_files_that_cannot_be_written_are_told(lab: Site) -> None:
    assert lab.clusto("add", "Server", "bare")[0] == 0
    for options, verb in (((), "wrote"), (("--dry-run",), "would write")):
        assert lab.clusto("rebuild", "local", "bare", "server1", *options) == (
            4,
            f"{verb} local boot files of 1 machine\n",
            "clusto: error: bare: no card has a MAC\n",
        )
    had(lab.store, "server1", "rebuild.local_boot", "cloud")
    code, _, err = lab.clusto("rebuild", "local", "server1", "--dry-run")
    told = "clusto: error: server1: rebuild.local_boot of server1 is one of next, disk, not 'cloud'\n"
    assert (code, err) == (4, told)


def test_recipes_are_listed() -> None:
    assert invoke(["rebuild", "recipes", "-o", "names"]) == 0


def test_what_does_not_go_together(lab: Site) -> None:
    assert lab.clusto("rebuild", "--show", "--cancel", "server1")[0] == 2
    assert lab.clusto("rebuild", "--resume", "--dry-run", "server1")[0] == 2
    assert lab.clusto("rebuild", "--cancel", "--dry-run", "server1")[0] == 2
    assert lab.clusto("rebuild")[0] == 2
    assert lab.clusto("rebuild", "server1:eth0", "--yes")[0] == 2
    assert lab.clusto("rebuild", "nobody", "--yes")[0] == 3
    assert lab.clusto("rebuild", "--resume", "server1")[0] == 3
    # A machine may be called as a subcommand is.
    assert lab.clusto("add", "Server", "serve")[0] == 0
    assert lab.clusto("rebuild", "--yes", "--", "serve")[0] == 4


def test_on_a_terminal_the_name_is_typed(lab: Site) -> None:
    lab.serve()

    def asked() -> pexpect.spawn[str]:
        command = ["-m", "clusto_cli.main", "rebuild", "server1", "--pause", "0.2"]
        environment = {**lab.environment, "TERM": "xterm", "LINES": "40", "COLUMNS": "120"}
        child = pexpect.spawn(sys.executable, command, env=environment, encoding="utf-8", timeout=60)
        child.expect_exact("Type server1 to go ahead: ")
        return child

    for typed in ("y", "server2", ""):
        child = asked()
        child.sendline(typed)
        child.expect_exact("not confirmed: nothing was done")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 4
    assert lab.machines["server1"].boots == 1
    child = asked()
    child.sendline("server1")
    child.expect_exact("machine")
    child.expect_exact("server1 installed in ")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_events_as_json_lines(lab: Site) -> None:
    lab.serve()
    code, out, err = lab.rebuild("server1", "-o", "jsonl")
    assert code == 0, err
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["kind"] for record in records].count("outcome") == 1
    assert records[-1]["done"] is True
    phases = [record["phase"] for record in records if record["kind"] == "event" and record["source"] == "clusto"]
    assert phases == ["arming", "off", "booting", "installing", "starting", "done"]


def test_a_full_boot_server(lab: Site) -> None:
    """Nothing is left armed, whenever space runs out."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    lab.serve()
    disk = lab.directory.parent / "small"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mounting, check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        (disk / "filler").write_bytes(b"x" * 60 * 1024)
        lab.set("lab", "rebuild.dir", str(disk))
        code, _, err = lab.rebuild("server1")
        assert code == 5
        assert "nothing was changed" in err
        assert not list(disk.glob("pxelinux.cfg/01*"))
        assert lab.machines["server1"].boots == 1
    finally:
        subprocess.run(["umount", str(disk)], check=True)
