"""The write side's way into a store: SQLAlchemy engines, creation, migration, backup and copy."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from clusto_core import database
from clusto_core.config import Settings, masked
from clusto_core.database import Database, EmptyStore, OutdatedSchema, sqlite_path, unreachable
from clusto_core.errors import Refused, StoreBroken

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

Notify = Callable[[str], None]
"""Told, in one line, what was done besides: a store made, a backup written."""

BUSY_SECONDS = 60
"""How long a writer waits for another one."""


@contextlib.contextmanager
def or_scratch(settings: Settings, *, only_trying: bool) -> Iterator[Settings]:
    """The store itself; or, where something is only tried and there is none yet, an empty one that is then gone."""
    if only_trying:
        try:
            database.connect(settings.url).close()
        except EmptyStore:
            import tempfile

            with tempfile.TemporaryDirectory(prefix="clusto-") as directory:
                url = f"sqlite:///{directory}/clusto.db"
                create(url)
                yield Settings(url)
            return
        except OutdatedSchema:
            pass
    yield settings


def engine_for(url: str) -> Engine:
    """An engine whose transactions begin by taking the store's write lock on SQLite, at READ COMMITTED elsewhere."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] == "sqlite":
        path = sqlite_path(url)

        def opened() -> Any:
            import sqlite3

            connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
            connection.execute("PRAGMA foreign_keys = ON")
            return connection

        engine = create_engine("sqlite://", creator=opened, poolclass=NullPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine
    driver = "postgresql+psycopg2" if scheme.startswith("postgresql") else "mariadb+pymysql"
    if scheme.startswith("mysql"):
        driver = "mysql+pymysql"
    engine = create_engine(f"{driver}://{rest}", poolclass=NullPool, isolation_level="READ COMMITTED")
    if not scheme.startswith("postgresql"):

        def configure(connection: Any, record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')")
                cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {BUSY_SECONDS}")

        event.listen(engine, "connect", configure)
    return engine


def raw(connection: Connection) -> Database:
    """The reading side of an open write transaction: it sees what was written so far."""
    dialect = connection.dialect.name
    return Database(connection.connection.dbapi_connection, "mariadb" if dialect == "mysql" else dialect)


@contextlib.contextmanager
def write_transaction(settings: Settings, notify: Notify) -> Iterator[Connection]:
    """A transaction that holds the store's write lock; makes the store, or upgrades it, where that is due.

    Raises StoreBroken when the store cannot be opened or written to, Refused when another writer keeps it too long.
    """
    url = settings.url
    engine = engine_for(url)
    try:
        with explained(url):
            try:
                connection = _locked(engine, url)
            except EmptyStore:
                create(url)
                notify(f"made a new inventory: {masked(url)}")
                connection = _locked(engine, url)
            except OutdatedSchema:
                if url.startswith("sqlite"):
                    upgrade(url, notify)
                else:
                    _await_migration(engine)
                connection = _locked(engine, url)
            with connection:
                yield connection
                connection.commit()
    finally:
        engine.dispose()


def _await_migration(engine: Engine) -> None:
    """Waits while another command makes or upgrades the store: MariaDB shows the tables of each step as it is done."""
    with engine.connect() as connection:
        if connection.dialect.name not in ("postgresql", "sqlite"):
            connection.exec_driver_sql(f"SELECT GET_LOCK('clusto-migration', {BUSY_SECONDS})")
            connection.exec_driver_sql("SELECT RELEASE_LOCK('clusto-migration')")


def _locked(engine: Engine, url: str) -> Connection:
    if url.startswith("sqlite") and not os.path.exists(sqlite_path(url)):
        raise EmptyStore
    connection = engine.connect()
    try:
        connection.begin()
        lock(connection, url)
    except BaseException:
        connection.close()
        raise
    return connection


def lock(connection: Connection, url: str) -> None:
    """Makes this the only writer until the transaction ends."""
    reading = raw(connection)
    if reading.dialect == "sqlite":
        path = sqlite_path(url)
        if not os.access(path, os.W_OK):
            raise Refused(f"the store is read-only: {path}")
    database.check_revision(reading, url)
    if reading.dialect != "sqlite":
        reading.rows("SELECT s.id FROM store s WHERE s.id = 1 FOR UPDATE")


@contextlib.contextmanager
def explained(url: str) -> Iterator[None]:
    """Turns what a database says into errors of one line."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        raise _explain(url, error.orig or error) from error
    except SQLAlchemyError as error:
        raise StoreBroken(f"the store cannot be used: {str(error).partition(chr(10))[0]}") from error


def _explain(url: str, error: BaseException) -> Exception:
    text = str(error.args[-1] if error.args else error).strip().partition("\n")[0]
    lowered = text.lower()
    if "locked" in lowered or "lock wait timeout" in lowered:
        return Refused(f"another command has been writing to the store for {BUSY_SECONDS} s: try again")
    if "readonly" in lowered or "read-only" in lowered:
        return Refused(f"the store is read-only: {masked(url)}")
    if "disk is full" in lowered or "disk full" in lowered or "no space left" in lowered:
        return StoreBroken("no space is left for the store: nothing was changed")
    if "not a database" in lowered:
        return StoreBroken(f"not a clusto store: {masked(url)} is not an SQLite database")
    if "unable to open database" in lowered or "connect" in lowered or "access denied" in lowered:
        return unreachable(url, Exception(text))
    return StoreBroken(f"the store refused: {text}")


def create(url: str) -> None:
    """Makes an empty store; one that another command makes at the same time is as good. Raises StoreBroken."""
    made = False
    if url.startswith("sqlite"):
        path = sqlite_path(url)
        try:
            os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                made = True
        except OSError as error:
            raise StoreBroken(f"cannot make the store {path}: {error.strerror}") from None
    try:
        _migrate(url)
    except BaseException:
        if made:
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    os.unlink(path + suffix)
        raise


def upgrade(url: str, notify: Notify) -> None:
    """Brings a store to this clusto's schema, an SQLite one after a copy beside it. Raises StoreBroken, EmptyStore."""
    try:
        database.connect(url).close()
    except EmptyStore:
        create(url)
        notify(f"made a new inventory: {masked(url)}")
        return
    except OutdatedSchema:
        pass
    else:
        notify(f"the schema is current: {database.REVISION}")
        return
    if url.startswith("sqlite"):
        notify(f"kept a copy of the store as it was: {backup(sqlite_path(url))}")
    _migrate(url)
    notify(f"upgraded the schema to {database.REVISION}: {masked(url)}")


def backup(path: str) -> str:
    """Copies an SQLite store, open or not, to a new file of mode 0600 beside it, and gives that file's name."""
    import sqlite3
    import time

    target = f"{path}.{time.strftime('%Y%m%dT%H%M%S')}.backup"
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreBroken(f"cannot copy the store to {target}: {error.strerror}") from None
    try:
        with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.Error as error:
        with contextlib.suppress(OSError):
            os.unlink(target)
        raise StoreBroken(f"cannot copy the store to {target}: {error}") from error
    return target


def _migrate(url: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", os.path.join(os.path.dirname(__file__), "migrations").replace("%", "%%"))
    engine = engine_for(url)
    try:
        with explained(url), engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                raw(connection).rows("PRAGMA journal_mode = WAL")
            connection.begin()
            # Two commands may find the same empty store: the second one waits here, and then finds it made.
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7165921)")
            elif connection.dialect.name != "sqlite":
                connection.exec_driver_sql(f"SELECT GET_LOCK('clusto-migration', {BUSY_SECONDS})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()


def copy(source: str, target: str, progress: Callable[[str, int], None]) -> int:
    """Copies a whole store, history included, into an empty one, on whatever databases; gives the number of rows.

    `progress` is told each table's name and how many of its rows are in. Raises Refused when the target holds
    something, StoreBroken and NotFound as `connect` does.
    """
    from clusto_core.schema import metadata

    with contextlib.closing(database.connect(source)) as reading:
        settings = Settings(target)
        copied = 0
        with write_transaction(settings, lambda line: None) as connection:
            if raw(connection).rows("SELECT t.id FROM things t LIMIT 1"):
                raise Refused(f"not empty: {masked(target)}")
            connection.execute(metadata.tables["store"].delete())
            for table in metadata.sorted_tables:
                columns = [column.name for column in table.columns]
                # An owner has a smaller id than its parts, so that in this order every row finds what it refers to.
                order = ", ".join(f"x.{column.name}" for column in table.primary_key)
                selected = ", ".join(f"x.{column}" for column in columns)
                batch: list[dict[str, Any]] = []
                for row in reading.iterate(f"SELECT {selected} FROM {table.name} x ORDER BY {order}"):
                    batch.append(dict(zip(columns, row, strict=True)))
                    if len(batch) == 5000:
                        connection.execute(table.insert(), batch)
                        copied += len(batch)
                        progress(table.name, copied)
                        batch = []
                if batch:
                    connection.execute(table.insert(), batch)
                    copied += len(batch)
                progress(table.name, copied)
    return copied
