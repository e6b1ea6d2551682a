"""The way into a store: plain SQL on the database's own driver, without SQLAlchemy's import.

A statement has `:named` parameters and is written so that SQLite, PostgreSQL and MariaDB understand it alike: `key` and
`user` are words of theirs, so columns are always named behind their table's alias; `Database.insert` quotes them.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count, islice
from typing import TYPE_CHECKING, Any, TypeVar

from clusto_core import secrecy
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused, StoreBroken
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

REVISION = "0016"
"""The schema's revision that the statements are written for; a test holds it against the newest migration."""

_REVISION = "SELECT version_num FROM alembic_version"
# PostgreSQL takes statements with a recursion for long ones, and a second to compile what is done in a millisecond.
_REVISIONS = {"sqlite": _REVISION, "mariadb": _REVISION, "postgresql": f"SET LOCAL jit = off; {_REVISION}"}

DEFINITIONS = """
    SELECT t.name, a.head, a.rest FROM things t JOIN attributes a ON a.thing_id = t.id
    WHERE t.driver = 'SiteKey' AND a.key = '_key' ORDER BY t.name"""
"""The keys of the site, behind a `=`, with what is declared of them: JSON as `attributes.structure` spells it."""

_PARAMETER = r"(?<![:\w]):([a-z]\w*)|(%)"
_translated: dict[str, str] = {}
_numbers = count(1)

DAMAGED = "the store is damaged: run clusto db check, and go back to a copy"
WENT_AWAY = "the database server went away"
TOO_LARGE = "a number has more than 64 bits, for which the store has no room"

_SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
_BATCH = 10_000
"""Rows that are in memory at a time while they are written."""
_FETCHED = 1000
"""Rows that are fetched at a time."""
_UNSENT = 262_144
"""Characters of statements that wait at most, to be sent together."""
_MANY = 100
"""From how many rows on PostgreSQL gets them by COPY, which is several times as fast as INSERT."""
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
BUSY_SECONDS = 60
"""How long a writer waits for another one."""
MIGRATION_SECONDS = 600
"""How long a command waits for another one that upgrades the store."""

T = TypeVar("T")
_FIRST = 50
PORTION = 500
"""How many Things are read with a few statements."""

Row = tuple[Any, ...]
Parameters = Mapping[str, object]


def portions(things: Iterable[T], size: int = PORTION) -> Iterator[list[T]]:
    """Lists of so many, the last one of what is left; the first one is of few, so that something is there at once."""
    rest = iter(things)
    following = min(size, _FIRST)
    while portion := list(islice(rest, following)):
        yield portion
        following = size


class OfThings(str):
    """A statement that looks at attributes and cables of those Things and parts alone whose ids it is given, and of
    others at what is reserved, names something, or is a position."""

    __slots__ = ()


class OfReserved(str):
    """A statement that looks at reserved attributes alone."""

    __slots__ = ()


class Database:
    """An open connection of one of the three databases, and how its statements are spelled."""

    until: int | None = None
    """The last transaction of the history that is seen, where the store is looked at as it was."""
    when: datetime | None = None
    """The time at which it is looked at, where that is not the present."""
    sealed: tuple[int, str] | None = None
    """The number and the seal of the last transaction that was added to the history on this connection."""
    definitions: list[Row] | None = None
    """What DEFINITIONS gives, read when the store was opened; None where that may have changed since."""
    _bundles = False
    _unsent: bytearray | None = None

    def __init__(self, connection: Any, dialect: str) -> None:
        self.connection = connection
        self.dialect = dialect
        self.place: tuple[int, int] | None = None
        """Of an SQLite store that is open for reading: which file it is. None where that is read as what never
        changes."""

    @property
    def now(self) -> datetime:
        """The time at which the store is looked at, in UTC: what ends by itself is over by then, or is not."""
        from clusto_core.model import reserving

        return self.when or reserving.now()

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """All rows that the statement gives. Raises StoreBroken when the database refuses, and where text is no text:
        SQLite takes each value's type from the row, and no column holds bytes."""
        with contextlib.closing(self.connection.cursor()) as cursor:
            asked = self._asked_behind(cursor, sql, parameters or {})
            try:
                if not asked:
                    self._ask(cursor, sql, parameters or {})
                found = list(cursor.fetchall())
            except Exception as error:
                raise self._told(error) from error
        return self._sound(found)

    def iterate(self, sql: str, parameters: Parameters | None = None) -> Iterator[Row]:
        """The rows as they come; other statements may run meanwhile. PostgreSQL hands over all of them first, MariaDB
        when the next statement is run: see `stream`. Raises as `rows`."""
        return chain.from_iterable(map(self._sound, self.batches(sql, parameters)))

    def lazily(self, sql: str, parameters: Parameters | None = None) -> Iterator[Row]:
        """The rows as they come, of which there may be more than fit into memory; other statements may run meanwhile.
        MariaDB has what is left handed over then. Raises as `rows`."""
        if self.dialect != "postgresql":
            return self.iterate(sql, parameters)
        cursor = self.connection.cursor(f"clusto_{next(_numbers)}")
        return chain.from_iterable(self._batches(cursor, sql, parameters))

    def stream(self, sql: str, parameters: Parameters | None = None) -> Iterator[Row]:
        """The rows as they come, of which there may be more than fit into memory: the server keeps those that were not
        fetched. No other statement may run until this one is done. Raises as `rows`."""
        batches = self._batches(self._unbuffered(), sql, parameters, alone=True)
        return chain.from_iterable(map(self._sound, batches))

    def batches(self, sql: str, parameters: Parameters | None = None) -> Iterator[list[Row]]:
        """The rows as they come, some at a time, whatever is in them."""
        cursor = self.connection.cursor(_unread()) if self.dialect == "mariadb" else self.connection.cursor()
        return self._batches(cursor, sql, parameters)

    def _batches(
        self, cursor: Any, sql: str, parameters: Parameters | None, *, alone: bool = False
    ) -> Iterator[list[Row]]:
        if alone:
            self._send()
        asked = self._asked_behind(cursor, sql, parameters or {})
        try:
            if not asked:
                self._ask(cursor, sql, parameters or {})
            while batch := cursor.fetchmany(_FETCHED):
                yield batch
        except Exception as error:
            raise self._told(error) from error
        finally:
            _end(cursor)

    def _unbuffered(self) -> Any:
        if self.dialect == "postgresql":
            return self.connection.cursor("clusto")
        if self.dialect == "mariadb":
            from pymysql.cursors import SSCursor

            return self.connection.cursor(SSCursor)
        return self.connection.cursor()

    def _sound(self, rows: list[Row]) -> list[Row]:
        if self.dialect == "sqlite" and bytes in map(type, chain.from_iterable(rows)):
            raise StoreBroken(DAMAGED)
        return rows

    def _told(self, error: Exception) -> Exception:
        if isinstance(error, UnicodeDecodeError):
            # Sound stores hold text, and words of SQLite that are none quote one that is not sound.
            return StoreBroken(DAMAGED)
        if isinstance(error, ValueError):
            # Text that is no Unicode, or holds a NUL, is in no store.
            return Malformed(f"not text in UTF-8: {getattr(error, 'object', error)!a:.100}")
        return self.broken(error)

    def rows_in(self, sql: str, ids: Sequence[object], parameters: Parameters | None = None) -> Iterator[Row]:
        """The rows of a statement that ends its condition `IN (:ids)`, asked for in portions of 500."""
        given = parameters or {}
        return chain.from_iterable(self.rows(portion, {**names, **given}) for portion, names in _portions(sql, ids))

    def bundle(self) -> None:
        """From now on a server gets what is written together with the next question, or at the end: every message less
        is time for which a writer does not hold the lock of all. What is refused is raised then."""
        self._bundles = self.dialect != "sqlite"

    def _later(self, *statements: bytes) -> None:
        for statement in statements:
            if self._unsent is None:
                self._unsent = bytearray(statement)
            else:
                self._unsent += b"; " + statement
            if len(self._unsent) > _UNSENT:
                self._send()

    def _send(self) -> None:
        """Sends what waits. Raises as `execute`."""
        if self._unsent:
            with contextlib.closing(self.connection.cursor()) as cursor:
                self._send_with(cursor)

    def _send_with(self, cursor: Any, *question: bytes) -> None:
        statements, self._unsent = self._unsent or b"", None
        with _of_64_bits():
            cursor.execute(b"; ".join((bytes(statements), *question)))
            # PyMySQL hands over the results of all, one after the other; psycopg2 the last one.
            while self.dialect == "mariadb" and cursor.nextset():
                pass

    def _filled(self, cursor: Any, sql: str, *parameters: object) -> bytes:
        """A statement as it is sent; without parameters a % in it is none."""
        filled = cursor.mogrify(sql, *parameters)
        return filled.encode() if isinstance(filled, str) else bytes(filled)

    def _asked_behind(self, cursor: Any, sql: str, parameters: Parameters) -> bool:
        """Asks in one message with what waits to be sent; False where nothing does. Raises as `rows` and `execute`."""
        if not self._unsent:
            return False
        try:
            question = self._filled(cursor, self._spelled(sql), parameters)
        except ValueError as error:
            raise self._told(error) from error
        self._send_with(cursor, question)
        return True

    def commit(self) -> None:
        """Keeps what was written. Raises as `execute`."""
        self._send()
        self.connection.commit()

    def rollback(self) -> None:
        """Takes back what was written. Raises the driver's own errors."""
        self._unsent = None
        self.connection.rollback()

    def execute(self, sql: str, *parameters: Parameters) -> None:
        """Changes rows: once, or once for each set of parameters. Raises the driver's own errors, Malformed for numbers
        beyond 64 bits; see `bundle` for when."""
        with contextlib.closing(self.connection.cursor()) as cursor, _of_64_bits():
            if self._bundles:
                spelled = self._spelled(sql)
                given: Iterable[tuple[Parameters, ...]] = ((one,) for one in parameters) if parameters else [()]
                self._later(*(self._filled(cursor, spelled, *each) for each in given))
            elif len(parameters) > 1:
                cursor.executemany(self._spelled(sql), parameters)
            else:
                cursor.execute(self._spelled(sql), *parameters)

    def execute_in(self, sql: str, ids: Iterable[object], parameters: Parameters | None = None) -> None:
        """Changes the rows of a statement that ends its condition `IN (:ids)`, in portions of 500."""
        for portion, names in _portions(sql, list(ids)):
            self.execute(portion, {**names, **(parameters or {})})

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Writes rows, tuples in the order of the columns; they may come from a generator, and there may be millions.

        Raises the driver's own errors, Malformed for numbers beyond 64 bits; see `bundle` for when.
        """
        rows = iter(rows)
        quote = "`" if self.dialect == "mariadb" else '"'
        names = ", ".join(f"{quote}{column}{quote}" for column in columns)
        head = f"INSERT INTO {table} ({names}) VALUES"
        marks = ", ".join("?" if self.dialect == "sqlite" else "%s" for _ in columns)
        with contextlib.closing(self.connection.cursor()) as cursor, _of_64_bits():
            while batch := list(islice(rows, _BATCH)):
                if len(batch) >= _MANY:
                    self._send()
                if self.dialect == "postgresql" and len(batch) >= _MANY:
                    cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", io.StringIO(_copied(batch)))
                elif self._bundles and len(batch) < _MANY:
                    one = f"({marks})"
                    values = b", ".join(self._filled(cursor, one, row) for row in batch)
                    self._later(f"{head} ".encode() + values)
                elif self.dialect == "postgresql":
                    # psycopg2's own executemany sends a statement a row.
                    from psycopg2.extras import execute_values

                    execute_values(cursor, f"{head} %s", batch, page_size=1000)
                else:
                    cursor.executemany(f"{head} ({marks})", batch)

    def _ask(self, cursor: Any, sql: str, parameters: Parameters) -> None:
        """Asks with whatever numbers: those beyond 64 bits equal nothing, and are more or less than all others."""
        try:
            cursor.execute(self._spelled(sql), parameters)
        except OverflowError:
            # SQLite takes no such integer, and compares integers with floating point numbers exactly.
            cursor.execute(self._spelled(sql), {name: _comparable(value) for name, value in parameters.items()})

    def _spelled(self, sql: str) -> str:
        return sql if self.dialect == "sqlite" else _pyformat(sql)

    def renew(self, url: str) -> bool:
        """Reads the store as it is now, over the same connection; False where another one is needed. Raises the
        driver's own errors, and as `check_revision`."""
        if self.dialect == "sqlite":
            if self.place is None or self.place != _place(sqlite_path(url)):
                return False
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self.connection.execute("BEGIN")
        else:
            self.connection.rollback()
            if self.dialect == "mariadb":
                self.execute(_SNAPSHOT)
            elif _is_behind(url, self.connection):
                return False
        check_revision(self, url)
        return True

    def rest(self) -> None:
        """Ends what is read; the connection stays. Nobody who writes has to mind it."""
        if self.dialect != "sqlite" or self.connection.in_transaction:
            self.connection.rollback()

    def break_off(self) -> None:
        """Has the statement that another thread runs on it fail, on SQLite and PostgreSQL; it may be called from any
        thread."""
        if self.dialect == "sqlite":
            self.connection.interrupt()
        elif self.dialect == "postgresql":
            self.connection.cancel()

    def broken(self, error: Exception) -> Exception:
        """What an error of the database driver means to clusto: a StoreBroken of one line, or the error itself."""
        if not is_of_driver(error):
            return error
        text = str(error.args[-1] if error.args else error).strip().partition("\n")[0]
        if self.dialect == "sqlite" and re.search("(?i)malformed|decode to UTF-8|not a database", text):
            return StoreBroken(f"{DAMAGED} ({text})")
        if is_gone(error):
            return StoreBroken(f"{WENT_AWAY} ({text}): try again")
        return forbidden(text) or overtaken(text) or StoreBroken(f"the store cannot be read: {text}")

    @contextlib.contextmanager
    def about(self, keys: Collection[str] | None) -> Iterator[None]:
        """Says what is asked meanwhile: whatever the statements are, nothing but attributes under these keys, what is
        reserved, names something or is a position decides what comes of them; with None also anything else."""
        yield

    def close(self) -> None:
        """Ends the connection; what was not committed is undone. Closing twice does no harm."""
        self.connection.close()


@contextlib.contextmanager
def _of_64_bits() -> Iterator[None]:
    """Says what it means when a driver, or a database, has no room for a number."""
    try:
        yield
    except OverflowError as error:
        raise Malformed(TOO_LARGE) from error
    except Exception as error:
        if is_of_driver(error) and re.search("(?i)out of range", str(error.args[-1:])):
            raise Malformed(TOO_LARGE) from error
        raise


def _end(cursor: Any) -> None:
    """Closes what was perhaps not read to its end, before or after its connection."""
    try:
        cursor.close()
    except Exception as error:
        if not is_of_driver(error):
            raise


def _comparable(value: object) -> object:
    if not isinstance(value, int) or -(2**63) <= value < 2**63:
        return value
    return float("inf") if value > 0 else float("-inf")


def forbidden(text: str) -> Refused | None:
    """What it means when the database says that its user may not do something; None when it says something else."""
    if re.search("(?i)permission denied|must be owner|command denied to user", text):
        return Refused(f"the database user may not do that: {text} (clusto db roles shows what each role may)")
    return None


def overtaken(text: str) -> Refused | None:
    """What it means when a server of a Galera cluster takes a transaction back, because another one of them had a
    change at the same time; None when the database says something else."""
    if re.search("(?i)deadlock found|WSREP detected", text):
        return Refused("another server of the store took a change at the same time: nothing was changed; try again")
    return None


def is_gone(error: BaseException) -> bool:
    """Whether a driver says that the connection to a server is no more."""
    words = "closed the connection|terminating connection|connection already closed|connection not open|could not"
    words += " receive data|could not send data|lost connection|gone away|broken pipe|connection reset|SSL SYSCALL"
    return is_of_driver(error) and re.search(f"(?i){words}", str(error)) is not None


def is_of_driver(error: BaseException) -> bool:
    """Whether a database driver raised it."""
    return type(error).__module__.partition(".")[0] in ("sqlite3", "psycopg2", "pymysql")


def _copied(rows: Iterable[Row]) -> str:
    """Rows in the text format of COPY (https://www.postgresql.org/docs/current/sql-copy.html)."""
    return "".join(
        "\t".join([r"\N" if each is None else str(each).translate(_ESCAPES) for each in row]) + "\n" for row in rows
    )


def _portions(sql: str, ids: Sequence[object]) -> Iterator[tuple[str, dict[str, object]]]:
    """The statement for every 500 ids, and the parameters that these are."""
    for start in range(0, len(ids), PORTION):
        names = {f"i{number}": value for number, value in enumerate(ids[start : start + PORTION])}
        yield sql.replace(":ids", ", ".join(f":{name}" for name in names)), names


def _pyformat(sql: str) -> str:
    done = _translated.get(sql)
    if done is None:
        done = re.sub(_PARAMETER, lambda match: f"%({match[1]})s" if match[1] else "%%", sql)
        if len(_translated) < 1000:
            _translated[sql] = done
    return done


def _unread() -> Any:
    from clusto_core.store.unread import Unread

    return Unread


def sqlite_path(url: str) -> str:
    """The file of a `sqlite:///PATH` URL. Raises Malformed for a store in memory, which no second command could see."""
    path = url.partition("://")[2].removeprefix("/")
    if not path or path == ":memory:":
        raise Malformed("a store in memory is gone with the command: write sqlite:///PATH")
    return path


def connect(url: str) -> Database:
    """Opens a store for reading, and checks that it is one and of this clusto's schema.

    Raises NotFound when there is no store at that place, StoreBroken when it is not one, is damaged, or has another
    schema than this clusto; OutdatedSchema, a StoreBroken, when an upgrade would help.
    """
    dialect = dialect_of(url)
    place = None
    if dialect == "sqlite":
        connection, place = _sqlite(sqlite_path(url))
    elif dialect == "postgresql":
        connection = _postgresql_to_read(url)
    else:
        connection = _mariadb(url, _SNAPSHOT)
    database = Database(connection, dialect)
    database.place = place
    try:
        check_revision(database, url)
    except BaseException:
        database.close()
        raise
    return database


def connect_elsewhere(url: str) -> Database:
    """Opens another program's database for reading: the path of an SQLite file, or a URL. Raises NotFound, Refused,
    and StoreBroken when it is none or is not reached."""
    dialect = dialect_of(url) if "://" in url else "sqlite"
    if dialect == "postgresql":
        return Database(_postgresql(url, isolation_level="REPEATABLE READ", readonly=True), dialect)
    if dialect == "mariadb":
        return Database(_mariadb(url, "SET time_zone = '+00:00'", _SNAPSHOT), dialect)
    path = os.path.expanduser(sqlite_path(url) if "://" in url else url)
    try:
        return Database(_sqlite(path)[0], dialect)
    except EmptyStore:
        raise NotFound(f"no such file: {path}") from None


def connect_to_write(url: str, patience: float | None = None) -> Database:
    """Opens a database to write in it, whatever it holds; no transaction has begun. SQLite makes the file.

    Transactions wait `patience` seconds for others (BUSY_SECONDS), and are READ COMMITTED on shared databases. Raises
    StoreBroken when a server is not reached, and sqlite3's own errors.
    """
    patience = BUSY_SECONDS if patience is None else patience
    dialect = dialect_of(url)
    if dialect == "postgresql":
        return Database(_postgresql(url, writing=True, isolation_level="READ COMMITTED"), dialect)
    if dialect == "mariadb":
        isolation = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
        patient = f"SET SESSION innodb_lock_wait_timeout = {patience}"
        return Database(_mariadb(url, isolation, patient, writing=True), dialect)
    import sqlite3

    connection = sqlite3.connect(sqlite_path(url), isolation_level=None, timeout=patience)
    connection.execute("PRAGMA foreign_keys = ON")
    return Database(connection, dialect)


def dialect_of(url: str) -> str:
    """`sqlite`, `postgresql`, or `mariadb`, which MySQL is spelled as. Raises Refused for a server's URL."""
    scheme = url.partition("://")[0].partition("+")[0]
    if scheme in ("https", "http"):
        raise Refused("this is not done by a server: run it where the inventory itself can be reached")
    return scheme if scheme in ("sqlite", "postgresql") else "mariadb"


class OutdatedSchema(StoreBroken):
    """The store is of an older clusto; `clusto db upgrade` brings it up."""


class EmptyStore(NotFound):
    """There is no store at that place yet: no file, or a database without tables."""


def check_revision(database: Database, url: str) -> None:
    """Learns what a store declares secret. Raises as `check_schema`."""
    check_schema(database, url)
    learn_secrets(database)


def check_schema(database: Database, url: str) -> None:
    """Raises EmptyStore, OutdatedSchema or StoreBroken unless the store's schema is the one the code is written for."""
    from clusto_core.config import masked

    try:
        found = {row[0] for row in database.rows(_REVISIONS[database.dialect])}
    except StoreBroken as error:
        if database.dialect != "sqlite":
            database.rollback()
        tables = _tables(database, url, error)
        if not tables:
            raise EmptyStore(
                f"there is no inventory in {masked(url)} yet (clusto add, import or db upgrade makes it)"
            ) from None
        raise StoreBroken(f"not a clusto store: {masked(url)}") from None
    if found == {REVISION}:
        return
    if found and not all(re.fullmatch("[0-9]{4}", revision) for revision in found):
        raise StoreBroken(f"not a clusto store: {masked(url)}")
    if found and max(found) > REVISION:
        raise StoreBroken(
            f"the store is of a newer clusto (schema {max(found)}, this one knows {REVISION}): upgrade clusto"
        )
    raise OutdatedSchema(f"the store is of an older clusto: run clusto db upgrade ({masked(url)})")


def learn_secrets(database: Database) -> None:
    """Has those keys masked that the site declared as secret."""
    database.definitions = database.rows(DEFINITIONS)
    for name, head, rest in database.definitions:
        if '"secret":true' in head + (rest or ""):
            secrecy.declare(name[1:])


class Mirror(NamedTuple):
    """That a store is a mirror: of which one (a URL without its password), and when that was as it is here, in
    microseconds since 1970, UTC; 0 for one that is not whole yet."""

    origin: str
    taken: int


def mirror_of(database: Database) -> Mirror | None:
    """What a store is the mirror of; None for one of its own."""
    marked = "SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND m.name = 'mirror'"
    if database.dialect != "sqlite" or not database.rows(marked):
        return None
    found = database.rows("SELECT m.origin, m.taken FROM mirror m")
    return Mirror(*found[0]) if found else Mirror("", 0)


def _tables(database: Database, url: str, error: StoreBroken) -> list[Row]:
    if database.dialect == "sqlite":
        try:
            return database.rows("SELECT name FROM sqlite_master LIMIT 1")
        except StoreBroken as second:
            text = str(second)
            if "not a database" in text:
                raise StoreBroken(f"not a clusto store: {sqlite_path(url)} is not an SQLite database") from error
            raise
    return database.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = "
        + ("current_schema()" if database.dialect == "postgresql" else "database()")
        + " LIMIT 1"
    )


def _place(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _sqlite(path: str) -> tuple[Any, tuple[int, int] | None]:
    """A connection, and which file it reads as others write to it."""
    import sqlite3

    from clusto_core.config import masked

    if not os.path.exists(path):
        raise EmptyStore(f"there is no inventory at {masked(path)} yet (clusto add or import makes it)")
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    problem: Exception | None = None
    # A write-ahead log needs its shared-memory file even to read; where the directory is read-only and nobody has the
    # store open, `immutable` reads the main file alone.
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        connection = None
        try:
            connection = sqlite3.connect(f"file:{quoted}?{mode}", uri=True, isolation_level=None, timeout=30)
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            return connection, _place(path) if mode == "mode=ro" else None
        except sqlite3.OperationalError as error:
            problem = error
            if connection is not None:
                connection.close()
            if os.path.exists(path + "-wal") and os.path.getsize(path + "-wal"):
                break
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if "not a database" in str(error):
                raise StoreBroken(f"not a clusto store: {path} is not an SQLite database") from None
            raise StoreBroken(f"{DAMAGED} ({path}: {error})") from None
    raise StoreBroken(f"cannot read the store {path}: {problem}") from problem


def _postgresql_to_read(url: str) -> Any:
    """A connection of which all is of one moment; to the server that takes writes, where the one that is to be read
    lacks what this user wrote last."""
    snapshot: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "readonly": True}
    connection = _postgresql(url, **snapshot)
    if _is_behind(url, connection):
        connection.close()
        return _postgresql(url, writing=True, **snapshot)
    return connection


def _is_behind(url: str, connection: Any) -> bool:
    from clusto_core.store.replicas import is_behind

    return is_behind(url, connection)


def _postgresql(url: str, *, writing: bool = False, **session: Any) -> Any:
    """A connection whose transactions are as psycopg2's `set_session` is told; of several servers, where `writing`, to
    the one that takes writes."""
    from clusto_core.store.reaching import postgresql_arguments
    from clusto_core.store.replicas import are_several

    try:
        import psycopg2
        from psycopg2.extensions import parse_dsn
    except ImportError:
        raise StoreBroken(
            "PostgreSQL needs a package that is not installed: pip install 'clusto[postgresql]'"
        ) from None
    try:
        given = parse_dsn("postgresql://" + url.partition("://")[2])
        if writing and are_several(given):
            given["target_session_attrs"] = "read-write"
        connection = psycopg2.connect(None, **postgresql_arguments(given))
        connection.set_session(**session)
    except (psycopg2.Error, UnicodeError) as error:
        raise unreachable(url, error, "takes writes" if writing else "can be read") from None
    return connection


def _mariadb(url: str, *settings: str, writing: bool = False) -> Any:
    """A connection on which these statements have been run: of several servers to the first that takes writes, or where
    none does and nothing is to be written, to the first that answers."""
    from clusto_core.store.reaching import mariadb_servers

    servers = mariadb_servers(url)
    if len(servers) == 1:
        return _mariadb_of(url, servers, settings, None, writing=writing)
    try:
        return _mariadb_of(url, servers, settings, "takes writes", writing=writing)
    except StoreBroken:
        if writing:
            raise
    return _mariadb_of(url, servers, settings, "can be read", writing=False)


def _mariadb_of(
    url: str, servers: list[dict[str, Any]], settings: Iterable[str], wanted: str | None, *, writing: bool
) -> Any:
    """A connection to the first of these servers that is as `wanted`. Raises StoreBroken where none is, and Refused, as
    `unreachable` gives them."""
    from clusto_core.store.reaching import tried
    from clusto_core.store.replicas import is_to_try_elsewhere

    try:
        import pymysql
    except ImportError:
        raise StoreBroken("MariaDB needs a package that is not installed: pip install 'clusto[mysql]'") from None
    told = []
    for arguments in servers:
        try:
            return _mariadb_at(arguments, settings, wanted, writing=writing)
        except pymysql.MySQLError as error:
            if wanted is None or not is_to_try_elsewhere(error):
                raise unreachable(url, error) from None
            told.append(tried(arguments, error))
    raise unreachable(url, Exception("\n".join(told)), wanted or "answers")


def _mariadb_at(arguments: dict[str, Any], settings: Iterable[str], wanted: str | None, *, writing: bool) -> Any:
    from clusto_core.store.reaching import mariadb_connection
    from clusto_core.store.replicas import make_current

    connection = mariadb_connection(**arguments, charset="utf8mb4", several_statements=writing)
    try:
        if wanted is not None:
            make_current(connection, writing=wanted == "takes writes")
        # MySQL cuts what it puts together after a thousand characters by itself.
        session = "sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT'), group_concat_max_len = 16777216"
        with connection.cursor() as cursor:
            for statement in (f"SET SESSION {session}", *settings):
                cursor.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def unreachable(url: str, error: Exception, wanted: str = "answers") -> ClustoError:
    """The one line for a database server that is not there or does not let us in, or is not the one it should be; for
    several of them, of which none is what is `wanted`."""
    from clusto_core.config import masked
    from clusto_core.store.reaching import advice, is_about_tls

    told = str(error.args[-1] if error.args else error).strip().splitlines() or [""]
    tried = [line.strip() for line in told if line.startswith("connection to server")]
    text = f"none of its servers {wanted} ({'; '.join(tried)})" if len(tried) > 1 else told[0]
    if is_about_tls(text):
        return Refused(f"cannot open the store {masked(url)}: {text} ({advice(dialect_of(url))})")
    return StoreBroken(f"cannot open the store {masked(url)}: {text}")
