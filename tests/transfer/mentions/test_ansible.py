"""What Ansible inventories say of machines that are there."""

from __future__ import annotations

import json
import os
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
from clusto_core.model.attributes import Key, structure
from clusto_core.rules import claims
from tests.transfer.mentions.conftest import Sync, written
from tests.transfer.sync.sites import exported

INI = """\
; a comment
stranger
[web]
srv[1:2].example.net ansible_user=root rack_note='top # row'  # a range
[db]
srv2.example.net ansible_host=10.0.0.2 ram=64
[prod:children]
web
db
[prod:vars]
ntp = ntp1
snmp_community=s3cr3t
[web:vars]
ntp=ntp2
"""
YAML = """\
all:
  children:
    prod:
      vars: {ntp: ntp1, snmp_community: s3cr3t}
      children:
        web:
          vars: {ntp: ntp2}
          hosts:
            srv[1:2].example.net: {ansible_user: root, rack_note: !unsafe 'top # row'}
        db:
          hosts:
            srv2.example.net: {ansible_host: 10.0.0.2, ram: 64}
  hosts:
    stranger:
"""


def ansible_inventory(path: Path) -> str:
    """What Ansible itself makes of a file."""
    program = shutil.which("ansible-inventory") or pytest.skip("ansible is not installed (Debian: ansible-core)")
    home = path.parent / "home"
    env = {**os.environ, "ANSIBLE_HOME": str(home), "ANSIBLE_LOCAL_TEMP": str(home), "HOME": str(home)}
    done = subprocess.run(
        [program, "-i", path, "--list"],
        env={**env, "LC_ALL": "C.UTF-8"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def values(site: Inventory, name: str) -> dict[str, Any]:
    """The own attributes of a Thing, and what it is in."""
    found = exported(site)[name]
    return {**found.get("attrs", {}), "in": sorted(found.get("in", []))}


@pytest.mark.parametrize("kind", ["ini", "yaml", "list"])
def test_the_three_formats_say_the_same(site: Inventory, sync: Sync, tmp_path: Path, kind: str) -> None:
    """Groups that are there, groups that are not, the variable that is nearest, an address; secrets stay out."""
    text = INI if kind == "ini" else YAML
    if kind == "list":
        path = tmp_path / "hosts.ini"
        path.write_text(INI)
        text = ansible_inventory(path)
    report = sync("ansible", text)
    assert (report.in_step, report.unknown) == (True, 1)
    own = {"ntp": "ntp2", "rack_note": "top # row", "in": ["dc", "web"]}
    assert values(site, "srv1") == {**own, "group.ansible": "prod"}
    assert values(site, "srv2") == {**own, "ntp": "ntp2", "ram": 64, "group.ansible": ["db", "prod"]}
    assert exported(site)["srv2"]["ip"] == ["10.0.0.2"]
    assert "ansible_user" in report.notes[0]
    assert "snmp_community" in report.notes[0]
    assert sync("ansible", text).transaction is None


def test_what_is_gone_from_the_file_goes(site: Inventory, sync: Sync) -> None:
    """A variable, a group, an address; what people set stays."""
    sync("ansible", INI)
    with site.change() as change:
        change.set_values(change.resolve("srv2"), Key.parse("note"), ["mine"])
    assert sync("ansible", "[web]\nsrv1\nsrv2\n").in_step
    assert values(site, "srv2") == {"note": "mine", "in": ["dc", "web"]}
    assert "ip" not in exported(site)["srv2"]


@pytest.mark.parametrize("through", [False, True])
def test_what_is_exported_is_what_is_there(site: Inventory, sync: Sync, tmp_path: Path, through: bool) -> None:
    """Inherited attributes, several values, structures, names that are alike as identifiers, groups in groups; also
    after Ansible has read it."""
    with site.change() as change:
        change.put("srv1", "web")
        for name in ("a-b", "a.b", "all", "srv2-team"):
            change.add("Pool", name)
            change.put("srv1", name)
        thing = change.resolve("srv1")
        for key, given in (
            ("tag", ["x", "y"]), ("a.b", [1]), ("a_b", [2]), ("evil", ["{{ 7*7 }}"]), ("up", [True]),
            ("deep", [structure({"a": [1, None], "password": "x"})]), ("list", [structure(["b", "a"])]),
            ("ansible.user", ["root"]),
        ):  # fmt: skip
            change.set_values(thing, Key.parse(key), given)
    before, text = exported(site), written(site, "ansible", "*")
    if through:
        path = tmp_path / "inventory.yml"
        path.write_text(text)
        text = ansible_inventory(path)
    assert sync("ansible", text).in_step
    assert exported(site) == before


KEYS = st.sampled_from(["ram", "a.b", "a-b", "a_b", "a_b_2", "tag", "x.y", "1st"])
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, st.lists(SCALARS, min_size=1, max_size=3, unique_by=str), min_size=1, max_size=5))
def test_whatever_attributes_there_are(
    tmp_path_factory: pytest.TempPathFactory, attributes: dict[str, list[Any]]
) -> None:
    """Export, then read: nothing to do."""
    from clusto_core.transfer.sources.file import FileSource
    from clusto_core.transfer.sources.protocol import Declared, quiet
    from clusto_core.transfer.sync import running
    from clusto_core.transfer.sync.engine import Options

    directory = tmp_path_factory.mktemp("any")
    inventory = Inventory(Settings(f"sqlite:///{directory}/clusto.db"))
    with inventory.change() as change:
        change.add("Pool", "pool")
        for number, (key, given) in enumerate(attributes.items()):
            thing = change.add("Server", f"srv{number}", parents=["pool"])
            change.set_values(change.resolve("pool") if number % 2 else thing, Key.parse(key), given)
            claims.hold(change.unit, change.resolve(f"srv{number}:eth1"), f"10.0.0.{number + 1}")
    before = exported(inventory)
    path = directory / "inventory.yml"
    path.write_text(written(inventory, "ansible", "*"), encoding="utf-8")
    store = running.Store(inventory.read, inventory.change, inventory.change)
    report = running.run(store, Declared("a", "ansible"), FileSource((str(path),), "ansible"), Options(), quiet)
    assert (report.in_step, exported(inventory)) == (True, before)


LAUGHS = "all:\n  vars:\n    a0: &a0 [x]\n" + "".join(
    f"    a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[web]\nsrv1 ram", "2: expected variable=value, found 'ram'"),
        ("[web]\nsrv1 'ram", "2: no closing quotation"),
        ("[web]\nsrv[1:99999999]", "2: malformed range"),
        ("[web]\nsrv[9:1]", "2: malformed range"),
        ("all:\n  hosts: [a]", "2: 'hosts of all' is no mapping"),
        ("all:\n  host: {}", "2: 'host' of the group all is none of"),
        ("plugin: aws_ec2\n", "1: the configuration of a plugin: pipe what ansible-inventory --list"),
        ("all:\n  hosts: {a: *b}", "2: not YAML"),
        ("all: &x\n  children: {web: *x}", "1: an alias of what it stands in"),
        (LAUGHS, "with its aliases written out"),
        ('{"all": {"hosts": [1]}}', "1: what is in 'all' is no list of names"),
        ('{"all":\n[}', "2: not JSON"),
        ("[web]\n\udcff", "2: bytes that are no text"),
        ("all: " + "{a: " * 3000, "nest"),
    ],
)
def test_a_file_that_means_ill(sync: Sync, text: str, told: str) -> None:
    """One line, with the line of the file."""
    with pytest.raises(Malformed) as error:
        sync("ansible", text)
    assert told in str(error.value)
    assert "/ansible:" in str(error.value)
    assert "\n" not in str(error.value)


def test_groups_that_are_in_each_other(site: Inventory, sync: Sync) -> None:
    """Ansible refuses them; nothing goes round in circles here."""
    assert sync("ansible", json.dumps({"a": {"children": ["b"]}, "b": {"children": ["a"], "hosts": ["srv1"]}})).in_step
    assert values(site, "srv1")["group.ansible"] == ["a", "b"]
