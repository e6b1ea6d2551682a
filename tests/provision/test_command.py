"""A site's own command as a boot server, and how a boot server is chosen."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusto_cli.backends.base import BootMachine, BootState, Step
from clusto_cli.backends.errors import Refused, Unreachable
from clusto_cli.backends.provision import open_provisioner, way_of
from clusto_cli.backends.provision.cobbler import CobblerProvisioner
from clusto_cli.backends.provision.command import CommandProvisioner
from clusto_cli.backends.provision.tree import TreeProvisioner
from tests.packages import installed

MACHINE = BootMachine(
    "server1", ("52:54:00:aa:bb:01", "52:54:00:aa:bb:02"), "192.0.2.11", "debian", {}, {}, {}, "http://x/rebuild/t"
)
SCRIPT = """#!/bin/sh
echo "$@" >>"$0.asked"
case $1 in
    state) cat "$0.state" ;;
    check) echo "the boot server knows $2"; echo "and more" ;;
    install)
        [ ! -e "$0.broken" ] || { echo "half of it" >&2; echo "no space left" >&2; exit 3; }
        echo install >"$0.state" ;;
    local) echo local >"$0.state" ;;
esac
"""
PLACES = "{action} {name} {mac} {macs} {address} {profile} {events}"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "boot server"
    path.write_text(SCRIPT)
    path.chmod(0o755)
    return path


def asked(script: Path) -> list[str]:
    return Path(f"{script}.asked").read_text().splitlines()


def test_there_and_back(script: Path) -> None:
    async def act() -> None:
        async with CommandProvisioner([str(script), *PLACES.split()]) as provisioner:
            assert await provisioner.check(MACHINE) == "the boot server knows server1"
            await provisioner.install(MACHINE)
            assert await provisioner.state(MACHINE) is BootState.INSTALL
            await provisioner.local(MACHINE)
            assert await provisioner.state(MACHINE) is BootState.LOCAL

    asyncio.run(act())
    assert [line.split()[0] for line in asked(script)] == ["check", "install", "state", "local", "state"]
    words = "server1 52:54:00:aa:bb:01 52:54:00:aa:bb:01,52:54:00:aa:bb:02 192.0.2.11 debian http://x/rebuild/t"
    assert asked(script)[1] == f"install {words}"


def test_it_is_never_a_shell_line(script: Path) -> None:
    hostile = MACHINE._replace(profile="$(reboot);`id`|x > y")
    asyncio.run(CommandProvisioner([str(script), "{action}", "<{profile}>"]).local(hostile))
    assert asked(script) == ["local <$(reboot);`id`|x > y>"]


def test_a_value_is_not_searched_for_places(script: Path) -> None:
    asyncio.run(CommandProvisioner([str(script), "{action}", "{profile}"]).local(MACHINE._replace(profile="{events}")))
    assert asked(script) == ["local {events}"]


def test_an_install_that_fails_is_taken_back(script: Path) -> None:
    Path(f"{script}.broken").touch()
    with pytest.raises(Refused, match=r"boot server: no space left$"):
        asyncio.run(CommandProvisioner([str(script), "{action}"]).install(MACHINE))
    assert asked(script) == ["install", "local"]


def test_a_command_that_does_not_end() -> None:
    started = time.monotonic()
    code = "import sys, time; time.sleep(60 if sys.argv[1] == 'install' else 0)"
    with pytest.raises(Unreachable, match="was not done in 1 s"):
        asyncio.run(CommandProvisioner([sys.executable, "-c", code, "{action}"], timeout=1).install(MACHINE))
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("said", ["", "what", "INSTALLED", "yes\n"])
def test_a_state_that_is_none(script: Path, said: str) -> None:
    Path(f"{script}.state").write_text(said)
    with pytest.raises(Refused, match="is none of install, local, absent, foreign"):
        asyncio.run(CommandProvisioner([str(script), "{action}"]).state(MACHINE))


def test_a_value_that_the_machine_does_not_have(script: Path) -> None:
    for place, machine in (("address", MACHINE._replace(address=None)), ("events", MACHINE._replace(events=None))):
        with pytest.raises(Refused, match=f"rebuild.command wants {{{place}}}, which server1 does not have"):
            asyncio.run(CommandProvisioner([str(script), f"{{{place}}}"]).install(machine))
    asyncio.run(CommandProvisioner([str(script), "{action}{events}"]).local(MACHINE._replace(events=None)))


def test_steps_run_nothing(script: Path) -> None:
    steps = asyncio.run(CommandProvisioner([str(script), "{action}", "{name}"]).steps(MACHINE, True))
    assert steps == [Step("server1", str(script), f"{script} install server1")]
    assert not Path(f"{script}.asked").exists()


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(Refused, match="cannot run /nosuch: No such file or directory"):
        asyncio.run(CommandProvisioner(["/nosuch"]).local(MACHINE))


HERE = {"rebuild.dir": "/srv/tftp"}
COBBLER = {"cobbler.url": "https://c", "cobbler.user": "u", "cobbler.password": "p"}


@pytest.mark.parametrize(
    ("settings", "way", "kind"),
    [
        (HERE, "directory", TreeProvisioner),
        ({"rebuild.dir": "sftp://boot/srv/tftp"}, "sftp", TreeProvisioner),
        ({"rebuild.dir": "/srv/tftp", **COBBLER}, "cobbler", CobblerProvisioner),
        ({"rebuild.command": "x {action}", **COBBLER}, "command", CommandProvisioner),
        ({"rebuild.command": "x", "rebuild.provisioner": "directory"} | HERE, "directory", TreeProvisioner),
        ({"rebuild.command": '["a b", "{action}"]', "rebuild.command_timeout": "5"}, "command", CommandProvisioner),
    ],
)
def test_which_boot_server_the_settings_mean(settings: dict[str, str], way: str, kind: type) -> None:
    assert way_of(settings) == way
    assert isinstance(open_provisioner(settings), kind)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "rebuild.dir is not set"),
        ({"rebuild.dir": "srv/tftp"}, "rebuild.dir is 'srv/tftp': write it as an absolute path"),
        ({"rebuild.dir": "ftp://boot/srv"}, "write it as sftp://"),
        ({"rebuild.dir": "/srv", "rebuild.provisioner": "sftp"}, "rebuild.dir is '/srv', and rebuild.provisioner sftp"),
        ({"rebuild.dir": "sftp://b/s", "rebuild.provisioner": "directory"}, "and rebuild.provisioner directory"),
        ({"rebuild.command": ""}, "rebuild.command is empty"),
        ({"rebuild.command": "['x']", "rebuild.provisioner": "command"}, "rebuild.command is no JSON list"),
        ({"rebuild.command": "x", "rebuild.command_timeout": "soon"}, "rebuild.command_timeout is not a number"),
        ({"rebuild.provisioner": "cobbler"}, "cobbler.url is not set"),
        ({"rebuild.provisioner": "maas"}, "'maas': there are cobbler, command, directory, sftp"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        open_provisioner(settings)
    assert said in str(raised.value)


@pytest.fixture
def package(tmp_path: Path) -> Iterator[None]:
    """Another package, installed beside, that gives a boot server."""
    code = "def opened(settings):\n    return ('maas', settings['maas.key'])\n"
    with installed(tmp_path, "otherboot", code, provision="maas = otherboot:opened"):
        yield


@pytest.mark.usefixtures("package")
def test_a_boot_server_of_another_package() -> None:
    assert open_provisioner({"rebuild.provisioner": "maas", "maas.key": "k"}) == ("maas", "k")
    with pytest.raises(ValueError, match="there are cobbler, command, directory, maas, sftp"):
        open_provisioner({"rebuild.provisioner": "nosuch"})
