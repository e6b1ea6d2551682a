"""What quick commands import: nothing heavy, which is why they are quick (benchmarks/startup.py times them)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
