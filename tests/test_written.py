"""What was written is never reported as failed, and what failed is never written: every verb that writes, on standard
streams as shells leave them."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from clusto_cli import main as program
from clusto_cli.main import main
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.records import history

SITE = """
add Datacenter dc1
add Rack rack1 rack2 --in dc1
add Switch sw1 --in dc1
add PDU pdu1 --in dc1
add Server server1 server2 server3 server4 --attr status=spare
connect server1 rack1:RU1
connect server1:psu1 pdu1:1
class create BigMem Old
role create db web
service create www --port 80
service add www server3
pool create pool1 gone
put server3 --in pool1
class add BigMem server3
role add db server3
add Network net1 --attr cidr=10.0.0.0/24
ip allocate net1 server2:eth0
add NameRange names --attr pattern=n[1-9]
name allocate names
add VLAN vlan7 --attr vid=7
vlan allocate blue
query save old name:server1
policy define no-fs --never name:fs*
key define asset --type text
reservations add server4 --until 2099-01-01 --for tests
add DeviceType acme/box1 --attr slug=box1
service create dns --port 53
pool create last
"""
ADD = "add Pool another\n"
OBJECT = '{"name": "s9", "driver": "Server"}\n'

TABLE: dict[str, str] = {
    "add": "add Server s9",
    "allocate": "allocate 1 --where driver:Server --set owner=me",
    "attr add": "attr add k v -t server1",
    "attr del": "attr del status -t server1",
    "attr set": "attr set k v -t server1",
    "batch": "batch FILE",
    "class add": "class add Old server1",
    "class create": "class create New",
    "class delete": "class delete Old",
    "class remove": "class remove BigMem server3",
    "connect": "connect server2 sw1",
    "deallocate": "deallocate server3 --yes",
    "disconnect": "disconnect server1:psu1",
    "edit": "edit server1 --yes",
    "import": "import OBJECTS",
    "ip allocate": "ip allocate net1 server1:eth0",
    "ip free": "ip free 10.0.0.1",
    "key define": "key define other --type integer",
    "key delete": "key delete asset",
    "key strict": "key strict on",
    "move": "move server1 --to rack2:RU5",
    "name allocate": "name allocate names",
    "name free": "name free n1",
    "policy define": "policy define no-gs --never name:gs*",
    "policy delete": "policy delete no-fs",
    "policy enable": "policy enable two-feeds",
    "pool add": "pool add pool1 server1",
    "pool create": "pool create new",
    "pool delete": "pool delete gone",
    "pool remove": "pool remove pool1 server3",
    "put": "put server2 --in pool1",
    "query delete": "query delete old",
    "query save": "query save new name:server2",
    "remove": "remove server2 --yes",
    "rename": "rename server2 server9",
    "replace": "replace server1 server2 --yes",
    "reservations add": "reservations add server2 --hold 2h --for me",
    "reservations extend": "reservations extend server4 --until 2099-02-01",
    "reservations release": "reservations release server4",
    "retire": "retire server3 --yes",
    "revert": "revert LAST",
    "role add": "role add web server1",
    "role create": "role create new",
    "role delete": "role delete web",
    "role remove": "role remove db server3",
    "role require": "role require web Old",
    "service add": "service add www server1",
    "service create": "service create ntp --port 123",
    "service delete": "service delete dns",
    "service remove": "service remove www server3",
    "sync": "--config SOURCES sync site",
    "take": "take server3 --from pool1",
    "vlan allocate": "vlan allocate red",
    "vlan free": "vlan free blue",
}
"""A command line of each verb that writes, which does something there is room for in SITE."""
SHOWN_FIRST = ("edit",)
"""What shows first what it is going to do: where nobody could see that, nothing is done."""
DEVICES = ("bmc ", "network ", "power ", "service weight", "type ")
"""Whose verbs write what they have done elsewhere, or are about what was found there: tests of their own have them."""


def writing(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The verbs that write: those that take a message for the history."""
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            if (found := command.get_command(ctx, name)) is not None:
                yield from writing(found, (*path, name))
    elif any(parameter.name == "message" for parameter in command.params):
        yield " ".join(path)


def test_every_verb_that_writes_is_in_the_table() -> None:
    assert {verb for verb in writing(main) if not verb.startswith(DEVICES)} == TABLE.keys()


class Said(NamedTuple):
    """What a command ended with, and said on standard error."""

    code: int
    err: str


def run(words: list[str], path: Path, streams: str, scratch: Path) -> Said:
    """Runs a command in a process of its own whose standard streams are as `streams` says, as a shell would."""
    told = scratch / "stderr"
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            _become(["--db", f"sqlite:///{path}", *words], streams, told)
        os._exit(99)
    _, status = os.waitpid(child, 0)
    return Said(os.waitstatus_to_exitcode(status), told.read_text(encoding="utf-8"))


def _become(arguments: list[str], streams: str, told: Path) -> None:
    os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open("/dev/full" if "full" in streams else os.devnull, os.O_WRONLY), 1)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    for number, name in ((0, "stdin"), (1, "stdout")):
        if f"{'<' if number == 0 else '>'}&-" in streams:
            os.close(number)
            setattr(sys, name, None)
    sys.argv = ["clusto", *arguments]
    os.environ.update(EDITOR="sed -i s/spare/ready/", COLUMNS="80")
    code = 98
    try:
        program.run()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 97
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A store with something for every verb, and files for those that take some."""
    folder = tmp_path_factory.mktemp("written")
    shutil.copy(sqlite_template, folder / "clusto.db")
    (folder / "site").write_text(SITE)
    (folder / "more").write_text(ADD)
    (folder / "objects.jsonl").write_text(OBJECT)
    (folder / "sources.toml").write_text(f'[source.site]\ntype = "file"\nfile = "{folder}/objects.jsonl"\n')
    for line in SITE.strip().splitlines():
        done = run(line.split(), folder / "clusto.db", "", folder)
        assert done.code == 0, (line, done.err)
    return folder


def fresh(furnished: Path, path: Path) -> None:
    """Puts a copy of the furnished store there."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
        if Path(f"{furnished}/clusto.db{suffix}").exists():
            shutil.copy(f"{furnished}/clusto.db{suffix}", f"{path}{suffix}")


def newest(path: Path) -> int:
    """The number of the last transaction."""
    with Inventory(Settings(f"sqlite:///{path}")).read() as reader:
        return history.latest(reader)


@pytest.mark.parametrize("streams", [">/dev/full", ">&-", "<&- >&-"])
def test_what_a_verb_has_done_is_no_failure(furnished: Path, tmp_path: Path, streams: str) -> None:
    """A third of the verbs by each sort of streams; with CLUSTO_LONG_TESTS every verb by each."""
    before = newest(furnished / "clusto.db")
    wrong = {}
    for place, (verb, line) in enumerate(TABLE.items()):
        if place % 3 != (">/dev/full", ">&-", "<&- >&-").index(streams) and "CLUSTO_LONG_TESTS" not in os.environ:
            continue
        path = tmp_path / "clusto.db"
        fresh(furnished, path)
        files = {"FILE": "more", "OBJECTS": "objects.jsonl", "SOURCES": "sources.toml"}
        names = {"LAST": str(before), **{word: str(furnished / file) for word, file in files.items()}}
        words = [names.get(word, word) for word in line.split()]
        done = run(words, path, streams, tmp_path)
        lost = "standard output" in done.err
        told = f"standard output; transaction {before + 1} is done, and said:" in done.err
        if verb in SHOWN_FIRST and (done.code, newest(path)) == (1, before) and lost and not told:
            continue
        if done.code != 0 or newest(path) != before + 1 or lost != told:
            wrong[verb] = (done, newest(path) - before)
    assert wrong == {}


def test_what_is_only_tried_or_refused_is_not_written(furnished: Path, tmp_path: Path) -> None:
    path = tmp_path / "clusto.db"
    fresh(furnished, path)
    before = newest(path)
    for line, code in (
        ("add Server s9 --dry-run", 1),
        ("add Server server1", 4),
        ("allocate 99 --where driver:Server", 4),
    ):
        assert run(line.split(), path, ">/dev/full", tmp_path).code == code, line
        assert newest(path) == before
