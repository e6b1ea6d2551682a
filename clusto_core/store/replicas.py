"""Stores on several servers.

Of PostgreSQLs one takes writes; reads may go to another, which is a moment behind.

Where the URL of a PostgreSQL names several hosts, or says which it wants (`target_session_attrs`), writes go to the one
that takes them, and reads where the URL says. What a user has written is read again: each write remembers how far the
server's log was, and a standby that has not come so far is waited for a little, then passed over.

Of MariaDBs the first that takes writes is asked for all, and another one while none does. Those of a Galera cluster
answer when they have all that any of them committed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from typing import Any

PATIENCE = 1.0
"""Seconds for which a standby is waited for before a read goes to where writes go."""
_BEHIND = "SELECT pg_is_in_recovery() AND COALESCE(pg_last_wal_replay_lsn() < %s::pg_lsn, true)"
_remembered: dict[str, str] = {}


def are_several(given: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the parameters for libpq may lead to another server than that which takes writes."""
    hosts = given.get("hostaddr") or given.get("host") or environment.get("PGHOSTADDR") or environment.get("PGHOST")
    return "," in (hosts or "") or bool(given.get("target_session_attrs") or environment.get("PGTARGETSESSIONATTRS"))


def remember(url: str, connection: Any) -> None:
    """Remembers that all that this user reads from now on is to have what was just committed on that connection."""
    if not _is_of_several(url):
        return
    with contextlib.suppress(Exception), connection.cursor() as cursor:
        # The write is done, and said to be: without this, the next read may be a moment older.
        cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
        (_remembered[url],) = cursor.fetchone()
        connection.rollback()
        path = _path(url)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        beside = f"{path}.{os.getpid()}"
        with open(beside, "w", encoding="ascii") as file:
            file.write(_remembered[url])
        os.replace(beside, path)


def is_behind(url: str, connection: Any) -> bool:
    """Whether a server has, for as long as one waits for it, not come to what this user wrote last."""
    if (wanted := _wanted(url)) is None:
        return False
    until = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_BEHIND, (wanted,))
            (behind,) = cursor.fetchone()
            # What is read next is to be of a later moment than this answer.
            connection.rollback()
            if not behind or time.monotonic() > until:
                return bool(behind)
            time.sleep(0.01)


def make_current(connection: Any, *, writing: bool) -> None:
    """Has one of several MariaDBs answer with all that any of them committed. Raises PyMySQL's OperationalError where
    it does not take writes and should, or is not one of its cluster just now.

    https://mariadb.com/kb/en/galera-cluster-system-variables/#wsrep_sync_wait
    """
    from pymysql.err import OperationalError

    found = _told(connection, "SHOW GLOBAL VARIABLES WHERE variable_name IN ('read_only', 'wsrep_on')")
    if writing and found.get("read_only", "OFF") != "OFF":
        raise OperationalError(_READ_ONLY, "session is read-only")
    if found.get("wsrep_on") == "ON":
        if _told(connection, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'").get("wsrep_ready") != "ON":
            raise OperationalError(_NOT_READY, "is not ready: it has lost its cluster, or joins it")
        _told(connection, "SET SESSION wsrep_sync_wait = 1")


def is_to_try_elsewhere(error: Exception) -> bool:
    """Whether what a MariaDB says may not be said by another one: it is not there, or not the one that is wanted."""
    return bool(error.args) and error.args[0] in _ELSEWHERE


_READ_ONLY, _NOT_READY = 1290, 1047
_ELSEWHERE = (_READ_ONLY, _NOT_READY, 1040, 1053, 1927, 2002, 2003, 2006, 2013)
# Too many connections; shutting down; killed; not reached; gone away; lost
# (https://mariadb.com/kb/en/mariadb-error-code-reference/).


def _told(connection: Any, statement: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {name.lower(): value for name, value in cursor.fetchall()}


def _is_of_several(url: str) -> bool:
    from psycopg2.extensions import parse_dsn

    return are_several(parse_dsn("postgresql://" + url.partition("://")[2]))


def _wanted(url: str) -> str | None:
    """How far the log was when this user last wrote: of this process, or of another."""
    with contextlib.suppress(OSError), open(_path(url), encoding="ascii", errors="replace") as file:
        found = file.read(40)
        if _is_position(found):
            return found
    return _remembered.get(url)


def _is_position(text: str) -> bool:
    """Whether a text is a position in the log as PostgreSQL writes it: `16/B374D848`."""
    high, slash, low = text.partition("/")
    return bool(slash) and all(part and len(part) <= 8 and set(part) <= set("0123456789ABCDEF") for part in (high, low))


def _path(url: str) -> str:
    """A file of the store in `$XDG_STATE_HOME/clusto/written`, by default below `~/.local/state` (XDG Base Directory
    Specification)."""
    from hashlib import sha256

    from clusto_core.config import masked

    base = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "clusto", "written", sha256(masked(url).encode()).hexdigest()[:32])
