"""The page about recipes is true: its example works, its hook says what it is to say, and no attribute is left out."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from jinja2.defaults import DEFAULT_FILTERS

from clusto_cli.backends.provision import recipe
from clusto_cli.backends.provision.environment import SHIPPED, environment
from clusto_cli.backends.provision.render import Renderer
from tests.provision.machines import COMMON, EVENTS, TOKEN, facts

PAGE = (Path(__file__).parent.parent.parent / "docs" / "rebuild-recipes.md").read_text()
EXAMPLES = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL))


def test_every_recipe_and_attribute_is_there() -> None:
    for name in recipe.names():
        found = recipe.load(name)
        assert f"| `{name}` | " in PAGE
        for key in {*found.defaults, *(key for group in found.needs for key in group)}:
            assert f"`{key}`" in PAGE, (name, key)


def test_every_filter_and_block_is_there() -> None:
    for name in set(environment(()).filters) - set(DEFAULT_FILTERS):
        assert re.search(rf"^\|.* `{name}(\(.*\))?`.* \|", PAGE, re.MULTILINE), name
    for template in ("debian/preseed.cfg", "ubuntu/user-data", "redhat/ks.cfg"):
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{template}` |"))
        blocks = re.findall(r"{% block (\w+) %}", (SHIPPED / template).read_text())
        assert blocks
        for block in blocks:
            assert f"`{block}`" in row, (template, block)


def test_the_example_of_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "raid").mkdir()
    (tmp_path / "raid/preseed.cfg").write_text(EXAMPLES["jinja"])
    (tmp_path / "debian-raid.toml").write_text(EXAMPLES["toml"])
    found = recipe.load("debian-raid", (tmp_path,))
    attributes = {
        **COMMON,
        "os.release": "bookworm",
        "os.mirror": "http://192.0.2.5/debian",
        "os.console": "ttyS0,115200n8",
    }
    assert found.missing(attributes) == ["backup.server"]
    attributes["backup.server"] = "backup1.example.org"
    machine = Renderer([tmp_path]).machine(facts(attributes), found, token=TOKEN)
    text = machine.answers["preseed.cfg"]
    assert "d-i partman-auto/disk string /dev/sda /dev/sdb\n" in text
    assert "d-i partman-auto-raid/recipe string 1 2 0 ext4 / /dev/sda1#/dev/sdb1 .\n" in text
    assert "partman-auto/choose_recipe" not in text
    assert "printf 'server %s\\n' backup1.example.org >/target/etc/backup.conf; o=;" in text
    checker = shutil.which("debconf-set-selections")
    if checker is None:
        pytest.skip("debconf-set-selections is not installed (Debian package debconf)")
    (tmp_path / "answers").write_text(text)
    subprocess.run([checker, "--checkonly", str(tmp_path / "answers")], check=True)


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        (["partition.DEFAULT", "chboot.DEFAULT", "savelog.DEFAULT"], ["started", "finished"]),
        (["partition.DEFAULT", "savelog.DEFAULT"], ["started", "failed"]),
    ],
)
def test_the_hook_for_fai(hooks: list[str], said: list[str], tmp_path: Path) -> None:
    (tmp_path / "curl").write_text(f'#!/bin/sh\nfor last; do :; done\necho "$last" >>{tmp_path}/asked\n')
    (tmp_path / "curl").chmod(0o755)
    for name in hooks:
        hook = tmp_path / name
        hook.write_text(EXAMPLES["sh"].replace("/dev/console", str(tmp_path / "console")))
        hook.chmod(0o755)
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOGDIR": str(tmp_path), "CLUSTO_EVENTS": EVENTS}
        subprocess.run([str(hook)], env=environment, check=True)
    assert (tmp_path / "asked").read_text().splitlines() == [f"{EVENTS}/{event}" for event in said]
