"""The inventory that Ansible takes, by the script and by the plugin, from a store and from a server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key, string
from tests.web.ecosystem import TEMPLATE, peopled
from tests.web.site import Site, running

PLUGINS = Path(__file__).parents[2] / "packaging" / "ansible"
UNSAFE = {"__ansible_unsafe": TEMPLATE}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("ansible")
    with running(peopled(directory), directory / "log") as site:
        yield site


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The program `clusto-ansible`, of this clusto."""
    path = tmp_path / "clusto-ansible"
    path.write_text(f"#!{sys.executable}\nfrom clusto_cli.ansible import run\nrun()\n")
    path.chmod(0o755)
    return path


def said(script: Path, db: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, "CLUSTO_DB": db, "XDG_CACHE_HOME": str(script.parent / "cache"), **env}
    known["PYTHONPATH"] = str(Path(__file__).parents[2])
    return subprocess.run([script, *words], env=known, capture_output=True, text=True, timeout=120, check=False)


def listed(script: Path, db: str, *words: str, **env: str) -> dict[str, Any]:
    done = said(script, db, *words, **env)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def kept(script: Path) -> list[Path]:
    return sorted((script.parent / "cache" / "clusto" / "ansible").iterdir())


def ansible(script: Path, db: str, source: Path) -> dict[str, Any]:
    """What `ansible-inventory --list` has of a source."""
    found: dict[str, Any] = json.loads(run_ansible("ansible-inventory", script, db, "-i", str(source), "--list"))
    return found


def run_ansible(name: str, script: Path, db: str, *words: str) -> str:
    """What a program of Ansible's says, which must go well and start nothing."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed (Debian: ansible-core)")
    known = {
        **os.environ,
        "CLUSTO_DB": db,
        "HOME": str(script.parent),
        "XDG_CACHE_HOME": str(script.parent / "cache"),
        "PATH": f"{script.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "ANSIBLE_INVENTORY_PLUGINS": str(PLUGINS),
        "ANSIBLE_LOCALHOST_WARNING": "False",
    }
    done = subprocess.run(
        [program, *words],
        env=known,
        cwd=script.parent,
        # Ansible refuses a standard input that does not block, and other tests' children may have left ours so.
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (script.parent / "owned").exists()
    return done.stdout


def test_the_script_prints_hosts_and_groups(script: Path, served: Site) -> None:
    found = listed(script, served.store, "--list")
    hosts = found["_meta"]["hostvars"]
    assert set(found["all"]["hosts"]) == set(hosts) >= {"s1", "s2", "sw1"}
    assert hosts["s1"]["ansible_host"] == "10.0.0.1"
    assert hosts["s1"]["ntp"] == ["a", "b"]
    assert hosts["s2"]["note"] == UNSAFE
    assert "snmp_community" not in hosts["s1"]
    assert found["web"] == {"hosts": ["s1"]}
    assert listed(script, served.store, "--host", "s1") == hosts["s1"]
    assert said(script, served.store, "--host", "nobody").returncode == 3
    assert said(script, served.store, "--where", "driver:(").returncode == 2


def test_a_server_gives_the_same_as_its_store(script: Path, served: Site) -> None:
    words = ("--list", "--where", "driver:Server")
    assert listed(script, served.url, *words) == listed(script, served.store, *words)
    exported = subprocess.run(
        [sys.executable, "-m", "clusto_cli.main", "--db", served.store, "export", "--format", "ansible-json"],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert json.loads(exported.stdout) == listed(script, served.url)
    assert set(listed(script, served.url, CLUSTO_ANSIBLE_WHERE="name:s1")["_meta"]["hostvars"]) == {"s1"}


@pytest.mark.parametrize("by", ["store", "server"])
def test_what_has_not_changed_is_not_worked_out_anew(script: Path, tmp_path: Path, by: str) -> None:
    store = peopled(tmp_path)
    with running(store, tmp_path / "log") as site:
        db = store if by == "store" else site.url
        first = listed(script, db)
        (path,) = kept(script)
        assert path.stat().st_mode & 0o077 == 0
        state, _, _ = path.read_text().partition("\n")
        path.write_text(f"{state}\n{json.dumps({'_meta': {'hostvars': {'kept': {}}}})}\n")
        assert listed(script, db, "--host", "kept") == {}
        assert listed(script, db, "--refresh-cache") == first
        with Inventory(Settings(store)).change() as change:
            change.set_values(change.resolve("s1"), Key("note"), [string("new")])
        assert listed(script, db)["_meta"]["hostvars"]["s1"]["note"] == "new"


def test_a_setting_of_ansible_is_left_out_and_told(script: Path, tmp_path: Path) -> None:
    store = peopled(tmp_path)
    with Inventory(Settings(store)).change() as change:
        change.set_values(change.resolve("s1"), Key("ansible_ssh_common_args"), [string("-o ProxyCommand=x")])
    done = said(script, store)
    assert "ProxyCommand" not in done.stdout
    assert "clusto config allow export ansible ansible_ssh_common_args" in done.stderr
    config = tmp_path / "config.toml"
    config.write_text('[exports]\nansible = ["ansible_ssh_common_args"]\n')
    hosts = listed(script, store, "--config", str(config))["_meta"]["hostvars"]
    assert hosts["s1"]["ansible_ssh_common_args"] == "-o ProxyCommand=x"


def test_ansible_takes_the_script(script: Path, served: Site) -> None:
    found = ansible(script, served.store, script)
    hosts = found["_meta"]["hostvars"]
    assert hosts["s1"]["ansible_host"] == "10.0.0.1"
    assert hosts["s2"]["note"] == UNSAFE
    assert found["web"]["hosts"] == ["s1"]
    assert {"s1", "s2", "sw1"} <= set(found["ungrouped"]["hosts"]) | set(found["web"]["hosts"])


def test_ansible_finds_the_plugin(script: Path, served: Site) -> None:
    source = script.parent / "lab.clusto.yml"
    source.write_text(
        "plugin: clusto\nwhere: driver:Server\nkeyed_groups:\n  - key: status\n    prefix: is\n"
        "compose:\n  shown: note | default('none')\ncache: true\ncache_plugin: jsonfile\n"
        f"cache_connection: {script.parent / 'facts'}\n"
    )
    found = ansible(script, served.url, source)
    hosts = found["_meta"]["hostvars"]
    assert set(hosts) == {f"s{number}" for number in range(1, 7)}
    assert hosts["s1"]["ansible_host"] == "10.0.0.1"
    assert (hosts["s2"]["note"], hosts["s2"]["shown"]) == (UNSAFE, UNSAFE)
    assert hosts["s1"]["shown"] == "none"
    assert found["web"]["hosts"] == ["s1"]
    assert "s1" in found["is_spare"]["hosts"]
    script.write_text("#!/bin/sh\nexit 1\n")
    assert ansible(script, served.url, source) == found, "the cache of Ansible has it"


@pytest.mark.parametrize("by", ["script", "plugin"])
def test_no_attribute_is_a_template(script: Path, served: Site, by: str) -> None:
    source = script
    if by == "plugin":
        source = script.parent / "clusto.yml"
        source.write_text("plugin: clusto\n")
    words = ("-i", str(source), "s2", "-m", "debug", "-a", "msg={{ note }}")
    assert TEMPLATE in run_ansible("ansible", script, served.store, *words)


def complaint(script: Path, line: str, **env: str) -> str:
    """What Ansible says of a file for the plugin with that line, without blanks: it folds its warnings, at hyphens
    too."""
    program = shutil.which("ansible-inventory")
    if program is None:
        pytest.skip("ansible-inventory is not installed (Debian: ansible-core)")
    source = script.parent / "clusto.yml"
    source.write_text(f"plugin: clusto\nprogram: {script}\n{line}\n")
    known = {**os.environ, "ANSIBLE_INVENTORY_PLUGINS": str(PLUGINS), "HOME": str(script.parent), **env}
    known["PYTHONPATH"] = str(Path(__file__).parents[2])
    words, quiet = [program, "-i", source, "--list"], subprocess.DEVNULL
    done = subprocess.run(words, stdin=quiet, env=known, capture_output=True, text=True, timeout=120, check=False)
    return "".join(done.stderr.split())


def test_what_the_program_says_reaches_the_caller(script: Path, served: Site) -> None:
    assert "clusto-ansible:error:" in complaint(script, "where: 'driver:('", CLUSTO_DB=served.store)


def test_a_file_that_names_another_server_gets_no_token(script: Path, served: Site) -> None:
    env = {"CLUSTO_DB": "https://inventory.example", "CLUSTO_TOKEN": served.token("ann")}
    assert "CLUSTO_TOKENisfortheserverinCLUSTO_DB" in complaint(script, f"db: {served.url}", **env)
    assert " ann" not in served.said()
