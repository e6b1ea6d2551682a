"""Database servers that the tests start for themselves, on a socket in a directory of their own, and stop again."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class Server:
    """A running database server: makes and drops databases, and gives their URLs."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path, port: int = 0) -> None:
        self.process = process
        self.port = port
        self.directory = directory
        self._count = 0

    def url(self, name: str) -> str:
        raise AssertionError

    def run(self, statement: str) -> None:
        raise AssertionError

    def new(self) -> str:
        """The URL of a new, empty database."""
        self._count += 1
        name = f"clusto_{self._count}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.directory, ignore_errors=True)


class PostgreSQL(Server):
    def stop(self) -> None:
        # What asked it to end by SIGTERM would wait for those who are connected.
        self.process.send_signal(signal.SIGINT)
        super().stop()

    def url(self, name: str) -> str:
        return f"postgresql://clusto@/{name}?host={self.directory}&port={self.port}"

    def run(self, statement: str) -> None:
        import psycopg2

        connection = psycopg2.connect(self.url("postgres"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()


class MariaDB(Server):
    def url(self, name: str) -> str:
        return f"mariadb://root@localhost/{name}?unix_socket={self.directory}/socket"

    def run(self, statement: str) -> None:
        import pymysql

        connection = pymysql.connect(user="root", unix_socket=f"{self.directory}/socket", autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    def told(self, show: str) -> str:
        """The value that a SHOW statement gives of one name."""
        import pymysql

        with pymysql.connect(user="root", unix_socket=f"{self.directory}/socket").cursor() as cursor:
            cursor.execute(show)
            return str(cursor.fetchall()[0][1])


def start_postgresql(
    *more: str, prepare: Callable[[Path], None] = lambda directory: None, port: int = 5432
) -> PostgreSQL | None:
    """A PostgreSQL of the tests, or None where it is not installed; with `more` options, once `prepare` has put what
    they name into its directory.
    """
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        return None
    directory, user = _directory("postgres")
    data = directory / "data"
    initdb = [f"{found[-1]}/initdb", "-D", data, "-U", "clusto", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
    subprocess.run([*user, *map(str, initdb)], check=True, stdout=subprocess.DEVNULL)
    prepare(directory)
    options = ["-k", str(directory), "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200", *more]
    options += ["-p", str(port)]
    server = [*user, f"{found[-1]}/postgres", "-D", str(data), *options]
    running = PostgreSQL(subprocess.Popen(server, stderr=subprocess.DEVNULL), directory, port)
    _wait(lambda: running.run("SELECT 1"), running)
    return running


def start_standby(primary: PostgreSQL, port: int = 5433) -> PostgreSQL:
    """A PostgreSQL that streams what the other one writes, and answers what is only read."""
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    directory, user = _directory("postgres")
    source = ["-h", str(primary.directory), "-p", str(primary.port), "-U", "clusto"]
    copy = [f"{binaries}/pg_basebackup", "-D", str(directory / "data"), "-R", "-c", "fast", *source]
    subprocess.run([*user, *copy], check=True, stderr=subprocess.DEVNULL)
    options = ["-k", str(directory), "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"]
    server = [*user, f"{binaries}/postgres", "-D", str(directory / "data"), *options, "-p", str(port)]
    running = PostgreSQL(subprocess.Popen(server, stderr=subprocess.DEVNULL), directory, port)
    _wait(lambda: running.run("SELECT 1"), running)
    return running


def promote(standby: PostgreSQL) -> None:
    """Has a standby take writes."""
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    user = _account("postgres")
    subprocess.run(
        [*user, f"{binaries}/pg_ctl", "promote", "-w", "-D", str(standby.directory / "data")],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def kill(server: Server) -> None:
    """Kills all of a server at once, as the loss of its machine does."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    for pid in (server.process.pid, *map(int, children)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def start_pgbouncer(behind: PostgreSQL, port: int = 6432) -> PostgreSQL | None:
    """A PgBouncer in transaction mode before a PostgreSQL, or None where it is not installed."""
    if shutil.which("pgbouncer") is None:
        return None
    directory, user = _directory("postgres")
    settings = directory / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={behind.directory} port={behind.port} user=clusto\n"
        f"[pgbouncer]\npool_mode = transaction\ndefault_pool_size = 3\nauth_type = any\nlisten_addr =\n"
        f"listen_port = {port}\nunix_socket_dir = {directory}\n"
    )
    server = [*user, "pgbouncer", str(settings)]
    running = PostgreSQL(
        subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), directory, port
    )
    _wait(lambda: running.run("SELECT 1"), running)
    return running


def start_mariadb(*more: str, prepare: Callable[[Path], None] = lambda directory: None) -> MariaDB | None:
    """A MariaDB of the tests, or None where it is not installed; `more` and `prepare` as of `start_postgresql`."""
    if shutil.which("mariadbd") is None or shutil.which("mariadb-install-db") is None:
        return None
    directory, user = _directory("mysql")
    data = f"--datadir={directory}/data"
    setup = ["mariadb-install-db", "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run([*user, *setup], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    options = ["--skip-networking", f"--socket={directory}/socket", "--max-connections=200"]
    # Servers that share a directory for temporary tables delete each other's when they start.
    own = [f"--pid-file={directory}/pid", f"--tmpdir={directory}"]
    tuning = ["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
    prepare(directory)
    server = [
        *user,
        "mariadbd",
        "--no-defaults",
        data,
        *options,
        *own,
        *tuning,
        *(option.format(directory) for option in more),
    ]
    running = MariaDB(subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), directory)
    _wait(lambda: running.run("SELECT 1"), running)
    return running


GALERA = "/usr/lib/galera/libgalera_smm.so"


def start_galera(ports: Sequence[int]) -> list[MariaDB]:
    """MariaDBs of one Galera cluster, one at each of these ports of the loopback address, which use the three ports
    after it too; none where that is not installed."""
    if not os.path.exists(GALERA) or shutil.which("rsync") is None:
        return []
    running: list[MariaDB] = []
    try:
        for port in ports:
            others = "".join(f"127.0.0.1:{each.port + 1}," for each in running)
            provider = f"base_port={port + 1};gmcast.listen_addr=tcp://127.0.0.1:{port + 1};pc.recovery=false"
            started = start_mariadb(
                *("--skip-networking=0", "--bind-address=127.0.0.1", f"--port={port}", "--innodb-buffer-pool-size=32M"),
                *("--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-on=ON", f"--wsrep-provider={GALERA}"),
                *(f"--wsrep-cluster-address=gcomm://{others}", "--wsrep-cluster-name=clusto"),
                *("--wsrep-node-address=127.0.0.1", f"--wsrep-sst-receive-address=127.0.0.1:{port + 3}"),
                *(
                    "--wsrep-sst-method=rsync",
                    f"--wsrep-provider-options={provider};ist.recv_addr=127.0.0.1:{port + 2}",
                ),
            )
            if started is None:
                break
            started.port = port
            running.append(started)
            _wait(lambda node=started: _await_galera(node), started)
    except BaseException:
        for each in running:
            each.stop()
        raise
    return running


def _await_galera(node: MariaDB) -> None:
    assert node.told("SHOW STATUS LIKE 'wsrep_local_state_comment'") == "Synced"


def _directory(account: str) -> tuple[Path, list[str]]:
    """A new directory, and how to become the account that owns it."""
    directory = Path(tempfile.mkdtemp(prefix="clusto-"))
    if os.geteuid() == 0:
        shutil.chown(directory, account, account)
        directory.chmod(0o755)
    return directory, _account(account)


def _account(account: str) -> list[str]:
    """How to become an account: servers refuse to run as root."""
    return ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", "--"] if os.geteuid() == 0 else []


def _wait(ready: Callable[[], None], server: Server) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            ready()
            return
        except Exception:
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
