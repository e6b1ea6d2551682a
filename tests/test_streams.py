"""Standard streams as shells leave them: closed, full, read by nobody, of an encoding that lacks letters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory

MANY = 3000
"""So many names that they do not fit into a pipe that nobody reads."""
PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def store(sqlite_url: str) -> str:
    """A store with servers, one of them with a value that ASCII lacks."""
    with Inventory(Settings(sqlite_url)).change() as change:
        for number in range(1, MANY):
            change.add("Pool", f"a-pool-with-a-long-name-{number:05}")
        change.add("Pool", "p", attributes=[("motto", "snow ☃")])
    return sqlite_url


def shell(line: str, store: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a line in bash, where `clusto` is the program."""
    program = f'clusto() {{ "{sys.executable}" -m clusto_cli.main "$@"; }}\n'
    return subprocess.run(
        ["bash", "-c", program + line],
        env={**os.environ, "CLUSTO_DB": store, "PYTHONPATH": os.getcwd(), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_pipe_that_is_no_longer_read_ends_with_its_code(store: str) -> None:
    done = shell('clusto find driver:Pool | head -1; echo "${PIPESTATUS[0]}"', store)
    assert done.stdout == "a-pool-with-a-long-name-00001\n141\n"
    assert done.stderr == ""


@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
@pytest.mark.parametrize("verb", ["find driver:Pool", "show p", "show p -o json", "export p", "help", "log"])
def test_results_that_cannot_be_written_are_an_error_that_names_standard_output(
    store: str, where: str, verb: str
) -> None:
    done = shell(f"clusto {verb} {where}", store)
    reason = "Bad file descriptor" if where == ">&-" else "No space left on device"
    assert (done.returncode, done.stderr) == (1, f"clusto: error: {reason}: standard output\n")


@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
def test_what_was_committed_is_told_elsewhere_and_is_no_failure(store: str, where: str) -> None:
    done = shell(f"clusto allocate 1 --where name:p --set owner=me {where}; echo $?; clusto attr get owner -t p", store)
    assert done.stdout == "0\nme\n"
    first, *told = done.stderr.splitlines()
    assert first.endswith("standard output; transaction 2 is done, and said:")
    assert told == ["p"]


def test_a_closed_stream_is_never_the_store_s_file(store: str) -> None:
    path = store.removeprefix("sqlite:///")
    for closed in (">&-", "<&-", "2>&-", "<&- >&- 2>&-"):
        assert shell(f"clusto attr set k {len(closed)} -t p {closed}", store).returncode == 0, closed
        assert shell("clusto attr get k -t p; clusto db check", store).stdout == f"{len(closed)}\nthe store is sound\n"
        with open(path, "rb") as file:
            assert file.read(15) == b"SQLite format 3"


def test_a_closed_standard_input_is_an_empty_one_and_no_terminal(store: str) -> None:
    done = shell("clusto locate - <&-", store)
    assert done.returncode == 3
    assert "standard input was empty" in done.stderr
    done = shell("clusto remove p <&-", store)
    assert (done.returncode, done.stderr) == (4, "clusto: error: not confirmed: remove p? (--yes goes ahead)\n")


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "C.UTF-8"}]
)
def test_names_that_are_no_text_are_refused_in_every_locale(store: str, locale: dict[str, str]) -> None:
    done = shell(r"printf 'p\377\n' | clusto locate -", store, **locale)
    assert done.returncode == 2
    assert done.stderr == "clusto: error: standard input:1: not text in UTF-8: octet 2 of the line is 0xff\n"


def test_letters_that_an_encoding_lacks_are_escaped(store: str) -> None:
    assert shell("clusto attr get motto -t p", store, **PLAIN).stdout == "snow \\u2603\n"
    assert shell("clusto attr get motto -t p", store, PYTHONIOENCODING="latin-1").stdout == "snow \\u2603\n"


def test_a_bare_group_shows_its_help_as_a_page(store: str, tmp_path: Path) -> None:
    done = shell("clusto", store)
    assert (done.returncode, done.stderr) == (0, "")
    assert shell("clusto help", store).stdout.startswith(done.stdout)
    for group in ("power", "attr", "network", "pool", "class", "role", "service", "ip", "vlan", "name", "db", "query"):
        done = shell(f"clusto {group}", store)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == shell(f"clusto {group} --help", store).stdout
        assert len(done.stderr.splitlines()) > 5


def test_options_of_clusto_itself_are_understood_behind_the_verb(store: str, tmp_path: Path) -> None:
    for words in (f"locate p --db {store}", f"locate --db={store} p", f"attr get motto -t p --db {store}"):
        done = shell(f"clusto {words}", f"sqlite:///{tmp_path}/none.db")
        assert done.returncode == 0, done.stderr
    done = shell("clusto locate p --db", store)
    assert (done.returncode, done.stderr) == (2, "clusto: error: option '--db' requires an argument\n")


def test_what_other_programs_call_a_verb_leads_to_ours(store: str) -> None:
    for habit, verb in {"rm": "remove", "mv": "rename", "ls": "find", "cat": "show", "undo": "revert"}.items():
        done = shell(f"clusto {habit} x", store)
        assert done.returncode == 2
        assert f"no such verb: {habit} (did you mean {verb}?)" in done.stderr
