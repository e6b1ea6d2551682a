"""What quick commands import: nothing heavy, which is why they are quick (benchmarks/startup.py times them)."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from clusto_core.tuples import NamedTuple
from tests.conftest import Run

HEAVY = (
    "aiohttp",
    "alembic",
    "asyncio",
    "cryptography",
    "importlib.metadata",
    "jinja2",
    "netmiko",
    "pexpect",
    "psycopg2",
    "pymysql",
    "pysnmp",
    "rich",
    "sqlalchemy",
    "yaml",
)

NEEDLESS = {
    ("locate", "server1"): ("clusto_core.model.mounting", "clusto_core.model.ranges", "clusto_cli.numbers", "json"),
    ("attr", "get", "status", "-t", "server1"): ("clusto_core.model.ranges",),
    ("attr", "set", "status", "used", "-t", "server1"): ("clusto_core.rules.succession", "random", "shutil"),
    ("help",): ("clusto_core.store.database", "json", "sqlite3"),
}
"""What certain commands have no use for."""
NEVER = ("difflib", "getpass", "locale", "shlex", "tempfile")
"""What none of those has a use for."""

QUICK = (
    ("locate", "server1"),
    ("locate", "-v", "server1:eth0"),
    ("show", "server1"),
    ("show", "rack101"),
    ("tree", "rack101"),
    ("trace", "server1:eth0"),
    ("attr", "get", "status", "-t", "server1"),
    ("log", "-n", "1"),
    ("find", "driver:Server connected to name:rack101"),
    ("completion", "fish", "--line", "clusto find driver:Serv"),
    ("completion", "bash", "--line", "clusto locate serv", "--word", "serv"),
    ("completion", "zsh", "--line", "clusto connect server1:"),
    ("completion", "fish", "--line", "clusto "),
    ("--version",),
    ("help",),
    ("help", "locate"),
)

WRITES = (
    ("attr", "set", "status", "used", "-t", "server1"),
    ("connect", "server1:eth1", "switch2a:5"),
    ("rename", "server1", "server2"),
    ("remove", "server2", "--yes"),
)


def imported(arguments: tuple[str, ...], store: str) -> set[str]:
    """The modules that a command imports, and its success."""
    program = Path(sys.executable).with_name("clusto")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", program, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "CLUSTO_DB": store},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.fixture
def site(clusto: Run, sqlite_url: str) -> str:
    """A wired server."""
    clusto("add", "Rack", "rack101")
    clusto("add", "Server", "server1", "--attr", "status=spare")
    clusto("add", "Switch", "switch2a")
    clusto("connect", "server1:eth0", "switch2a:4")
    clusto("connect", "server1", "rack101:RU13")
    return sqlite_url


def test_quick_commands_import_nothing_heavy(site: str) -> None:
    for arguments in QUICK:
        modules = imported(arguments, site)
        assert "clusto_cli.main" in modules
        heavy = {name for name in HEAVY if name in modules}
        assert not heavy, f"clusto {' '.join(arguments)} imports {', '.join(sorted(heavy))}"


@pytest.mark.parametrize("arguments", NEEDLESS, ids=" ".join)
def test_what_is_not_needed_is_not_loaded(site: str, arguments: tuple[str, ...]) -> None:
    unneeded = {*NEEDLESS[arguments], *NEVER}
    assert not imported(arguments, site) & unneeded


class Pair(NamedTuple):
    """Two of them."""

    one: int
    other: str | None = None

    @property
    def both(self) -> str:
        return f"{self.one} {self.other}"

    @classmethod
    def of(cls, text: str) -> Pair:
        return cls(int(text))


def test_our_named_tuples_are_as_those_of_typing() -> None:
    pair = Pair.of("1")
    assert pair == (1, None) == Pair(1)
    assert (pair.both, pair._replace(other="x").both) == ("1 None", "1 x")
    assert (Pair._fields, Pair._field_defaults, Pair.__doc__) == (("one", "other"), {"other": None}, "Two of them.")
    assert (repr(pair), Pair.__module__, Pair.__annotations__["one"]) == ("Pair(one=1, other=None)", __name__, "int")
    assert pickle.loads(pickle.dumps(pair)) == pair
    with pytest.raises(TypeError):
        Pair()  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        pair.one = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("atexit.register(print, 'last')", "last"),
        ("threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()", "late"),
        ("tempfile.TemporaryDirectory(prefix='gone-')", ""),
        ("print('at once', end='')", "at once"),
    ],
)
def test_the_end_waits_for_what_has_something_to_do(tmp_path: Path, code: str, said: str) -> None:
    modules = "import atexit, threading, time" + (", tempfile" if "tempfile" in code else "")
    program = f"{modules}; kept = {code}; from clusto_cli.ending import end; end(3, interrupted=False)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stdout.strip()) == (3, said), done.stderr
    assert not list(tmp_path.iterdir())


def test_importing_the_library_loads_nothing_of_it() -> None:
    code = (
        "import sys; before = set(sys.modules); import clusto_core; clusto_core.__all__; dir(clusto_core);"
        " print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    ours = [name for name in done.stdout.split() if name.startswith("clusto") or name in ("sqlite3", *HEAVY)]
    assert ours == ["clusto_core"]


def test_a_script_that_reads_imports_nothing_heavy(site: str) -> None:
    code = (
        "import clusto_core, sys; inventory = clusto_core.open();"
        " print(inventory['server1'].rack, inventory.find('driver:Server'), *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "CLUSTO_DB": site},
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("rack101 [<Server server1>]")
    assert not set(HEAVY) & set(done.stdout.split())


def test_version_and_help_open_no_store(site: str) -> None:
    for arguments in (("--version",), ("help",)):
        assert "sqlite3" not in imported(arguments, site)


def test_writing_waits_for_no_sqlalchemy(site: str) -> None:
    for arguments in WRITES:
        modules = imported(arguments, site)
        assert "clusto_core.store.opening" in modules
        assert not {"sqlalchemy", "alembic"} & modules, f"clusto {' '.join(arguments)}"
