"""`--at`, `diff`, `blame` and what `log` can be asked, as an operator meets them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from clusto_cli.defaulting import DefaultGroup
from clusto_cli.main import main as root
from clusto_cli.options import changes_the_inventory
from tests.conftest import Run
from tests.test_cli import program

STORY = """
add Rack rack1 --parts ru=4
add Server server1 server2 --in rack1 --attr status=new
add Switch switch1
connect server1:eth0 switch1:1
attr set status broken -t server1 -m fan
attr set mac 52:54:00:00:00:01 -t server1:eth1
disconnect server1:eth0
rename server2 spare
remove server1 --yes
"""
"""Transactions 1 to 9."""


@pytest.fixture
def told(clusto: Run) -> Run:
    for line in STORY.strip().splitlines():
        assert clusto(*line.split()).code == 0
    return clusto


QUESTIONS = [
    ("show server1", "server1  Server"),
    ("locate server1", "server1 -> connected to port 1 on switch1\n"),
    ("find driver:Server in name:rack1", "server1\nserver2\n"),
    ("find attr:status,broken", "server1\n"),
    ("tree rack1", "rack1\n|-- server1 (Server)\n`-- server2 (Server)\n"),
    ("trace server1:eth0", "server1:eth0\n-- switch1:1\n"),
    ("attr get status -t server1", "broken"),
    ("export server1 --format jsonl", '"status": "broken"'),
    ("power impact server1", ""),
    ("free server1", "server1"),
    ("log -n 2 -o names", "5\n4\n"),
    ("log server1 -o names", "5\n4\n2\n"),
    ("log --where attr:status,broken -n 1 -o names", "5\n"),
    ("blame server1", "server1 status=broken"),
]


@pytest.mark.parametrize(("question", "answer"), QUESTIONS, ids=lambda text: text.partition(" ")[0])
def test_every_verb_that_reads_tells_it_as_it_was(told: Run, question: str, answer: str) -> None:
    done = told(*question.split(), "--at", "5")
    assert (done.code, done.err) == (0, "")
    assert done.out == answer if answer.endswith("\n") else answer in done.out


def test_only_verbs_that_read_have_it() -> None:
    """Whatever can keep a change takes no moment; all else has one, but for what is listed here with its reason."""
    verbs = _verbs(root, ())
    assert not [words for words, command in verbs if _has(command, "--at") and _has(command, "--dry-run")]
    others = {words for words, command in verbs if not _has(command, "--at") and not changes_the_inventory(command)}
    assert others == {words for reason in _WITHOUT_MOMENT.values() for words in reason}


_WITHOUT_MOMENT = {
    "changes the inventory, and more or otherwise than alone": {"batch", "edit", "shell"},
    "asks or changes devices, which are as they are": {
        *("console", "discover", "network ports", "network verify", "network vlan", "network setvlan", "network undo"),
        *("power cycle", "power feed cycle", "power off", "power on", "power outlets", "power revert"),
        *(f"bmc {verb}" for verb in ("boot", "facts", "firmware", "identify", "log", "reset", "sensors")),
        *("power load", "power status", "power trust", "rebuild", "rebuild hook", "rebuild local", "rebuild serve"),
        *(f"service {verb}" for verb in ("apply", "drain", "ready", "status", "verify", "weight")),
    },
    "is of the store itself": {
        *("db check", "db copy", "db mirror", "db roles", "db upgrade"),
        *("serve", "serve token create", "serve token list", "serve token revoke"),
    },
    "is of this user, this host or this program": {
        *("alias", "completion", "help", "config deny", "config helper", "config require"),
        *(f"config allow {kind}" for kind in ("command", "env", "export", "file", "network", "path")),
        *("power profiles", "rebuild recipes"),
    },
    "takes moments as arguments": {"diff"},
}


def _verbs(command: click.Command, words: tuple[str, ...]) -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return [(" ".join(words), command)]
    ctx = click.Context(command)
    below = [(name, command.get_command(ctx, name)) for name in command.list_commands(ctx)]
    found = [each for name, verb in below if verb for each in _verbs(verb, (*words, name))]
    return [(" ".join(words), command.without_subcommand), *found] if isinstance(command, DefaultGroup) else found


def _has(command: click.Command, option: str) -> bool:
    return any(option in each.opts for each in command.params)


def test_a_moment_that_is_none_is_refused(told: Run) -> None:
    for moment, code, words in [
        ("soon", 2, "no moment: 'soon'"),
        ((datetime.now(UTC) + timedelta(days=1)).isoformat(), 2, "is yet to come"),
        ("10", 3, "no such transaction: 10 (the last one is 9)"),
    ]:
        done = told("show", "spare", "--at", moment)
        assert (done.code, done.out) == (code, "")
        assert words in done.err
    assert told("attr", "set", "a", "b", "-t", "spare", "--at", "1").code == 2


def test_what_was_not_there_yet_is_not_there(told: Run) -> None:
    assert told("show", "server1", "--at", "yesterday").code == 3
    assert told("export", "--at", "0").out == told("export", "--at", "2000-01-01").out


def test_diff_tells_what_several_transactions_came_to(told: Run) -> None:
    assert told("diff", "4", "5").out == "server1\n  - server1 status=new\n  + server1 status=broken\n"
    assert told("diff", "5", "4").out == "server1\n  - server1 status=broken\n  + server1 status=new\n"
    assert told("diff", "3", "7", "switch1").out == ""
    assert told("diff", "3", "5", "--stat").out == ("server1  -1  +2\n1 Thing differs, -1 +2\n")
    found = json.loads(told("diff", "1", "-o", "json").out)
    assert [(each["name"], each["status"]) for each in found] == [("spare", "added"), ("switch1", "added")]
    assert json.loads(told("diff", "2", "driver:Server", "-o", "json").out)[0]["status"] == "removed"
    assert [each["name"] for each in json.loads(told("diff", "4", "server1:eth1", "-o", "json").out)] == ["server1"]
    assert told("diff", "9").out == ""
    assert told("diff", "1", "nothing").code == 3


def test_a_moment_is_held_against_a_file(told: Run, tmp_path: Path) -> None:
    for number in ("1", "6", "9"):
        path = tmp_path / f"{number}.yaml"
        path.write_text(told("export", "--at", number).out)
        done = told("diff", number, str(path))
        assert (done.code, done.out, done.err) == (0, "", "")
    path = tmp_path / "6.yaml"
    path.write_text(path.read_text().replace("broken", "fine"))
    assert told("diff", "6", str(path)).out == "server1\n  - server1 status=broken\n  + server1 status=fine\n"
    assert told("diff", "6", str(path), "switch1").out == ""
    assert [line.split()[0] for line in told("diff", "1", str(path), "--stat").out.splitlines()] == [
        *("server1", "server2", "switch1", "3")
    ]
    assert told("diff", "6", str(tmp_path / "1.yaml"), "driver:Switch").out == "switch1\n  - Switch switch1\n"
    assert told("log", "-n", "1", "-o", "names").out == "9\n"
    path.write_text("things: [{name: rack1, driver: Nonsense}]")
    done = told("diff", "now", str(path))
    assert (done.code, done.out) == (2, "")
    assert "Nonsense" in done.err


def test_log_can_be_asked(told: Run) -> None:
    def numbers(*words: str) -> list[int]:
        done = told("log", "-o", "names", *words)
        assert done.code == 0, done.err
        return list(map(int, done.out.split()))

    assert numbers("--since", "3", "--until", "5") == [5, 4]
    assert numbers("--since", "yesterday") == list(range(9, 0, -1))
    assert numbers("--until", "yesterday") == []
    assert numbers("--verb", "attr") == [6, 5]
    assert numbers("--verb", "attr set", "-n", "1") == [6]
    assert numbers("--key", "status") == [9, 5, 2]
    assert numbers("--grep", "^fan$") == [5]
    assert numbers("--grep", "connect.*switch1") == [4]
    assert numbers("--where", "driver:Switch") == [7, 4, 3]
    assert numbers("server1:eth0") == [9, 7, 4, 2]
    assert numbers("server1:eth1", "--key", "mac") == [9, 6]
    assert numbers("--user", "nobody-of-that-name") == []
    assert numbers("spare") == [8, 2]


def test_one_transaction_whole(told: Run) -> None:
    whole = told("log", "5").out
    assert "Command: clusto attr set status broken -t server1 -m fan\n\n    fan\n\n" in whole
    assert whole.endswith("    - server1 status=new\n    + server1 status=broken\n")
    assert told("log", "@5").out == told("show", "@5").out == whole
    assert json.loads(told("log", "5", "-o", "json").out)[0]["changes"]
    assert told("log", "10").code == told("show", "@10").code == 3
    assert told("show", "@5", "-o", "json").code == 2


def test_a_thing_may_be_called_like_a_number(told: Run) -> None:
    assert told("add", "Room", "5").code == 0
    assert told("log", "5", "-o", "names").out == "10\n"
    assert told("log", "@6", "-o", "names").out == "6\n"


def test_blame_says_what_each_is_of(clusto: Run) -> None:
    for line in STORY.strip().splitlines()[:6]:
        assert clusto(*line.split()).code == 0
    found = {each["what"]: each["transaction"] for each in json.loads(clusto("blame", "server1", "-o", "json").out)}
    assert found == {
        "Server server1": 2,
        "in rack1": 2,
        "status=broken": 5,
        "mac=52:54:00:00:00:01": 6,
        "server1:eth0 -- switch1:1": 4,
    }
    assert [line.split()[0] for line in clusto("blame", "server1:eth0").out.splitlines()] == ["2", "4"]
    assert clusto("revert", "5").code == 0
    assert clusto("revert", str(len(STORY.strip().splitlines()[:6]) + 1)).code == 0
    # It is there again by the last transaction; then it was there by the fifth.
    assert [of_status(clusto, *words) for words in ((), ("--at", "6"))] == [8, 5]
    assert clusto("blame", "server1", "--at", "1").code == 3
    assert clusto("log", "7", "--at", "6").code == 3


def of_status(clusto: Run, *words: str) -> int:
    """Which transaction `blame` says the status of server1 to be of."""
    told = json.loads(clusto("blame", "server1", "-o", "json", *words).out)
    (found,) = [int(each["transaction"]) for each in told if each["what"] == "status=broken"]
    return found


def test_who_called_sudo_is_kept(clusto: Run) -> None:
    assert clusto("add", "Room", "room1", env={"SUDO_USER": "ann", "LOGNAME": "root"}).code == 0
    assert json.loads(clusto("log", "-o", "json").out)[0]["user"] == "ann (as root)"
    assert clusto("log", "--user", "ann", "-o", "names").out == "1\n"


def test_the_verbs_are_the_same_on_each_database(store_url: str) -> None:
    for line in STORY.strip().splitlines():
        assert program(store_url, *line.split()).code == 0
    assert "server1:eth0" not in program(store_url, "locate", "switch1").out
    assert program(store_url, "locate", "server1", "--at", "5").out == QUESTIONS[1][1]
    assert program(store_url, "diff", "4", "5").out == "server1\n  - server1 status=new\n  + server1 status=broken\n"
    assert program(store_url, "log", "server1:eth0", "-o", "names").out == "9\n7\n4\n2\n"
    assert program(store_url, "blame", "spare", "-o", "names").out == "spare\n"
