"""The write side's way into a store: the write lock; creation and migration, by SQLAlchemy; backup and copy."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import TYPE_CHECKING

from clusto_core.config import Settings, masked
from clusto_core.errors import Refused, StoreBroken
from clusto_core.store import damage, database, seals
from clusto_core.store.database import Database, EmptyStore, OutdatedSchema, sqlite_path, unreachable
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_writing: set[tuple[int, str]] = set()
# The numbers of threads, and the stores that they write to.

_TOLD = 100
"""How many lines an upgrade says of what it left."""

Notify = Callable[[str], None]
"""Told, in one line, what was done besides: a store made, a backup written."""


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
    """What Alembic migrates with; its transactions begin by taking the store's write lock on SQLite."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    scheme = url.partition("://")[0].partition("+")[0]
    drivers = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql"}
    driver = drivers.get(scheme, "mariadb+pymysql")
    engine = create_engine(
        f"{driver}://",
        creator=lambda: database.connect_to_write(url, database.MIGRATION_SECONDS).connection,
        poolclass=NullPool,
    )
    if scheme == "sqlite":
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


@contextlib.contextmanager
def write_transaction(settings: Settings, notify: Notify) -> Iterator[Database]:
    """A transaction that holds the store's write lock; makes the store, or upgrades it, where that is due.

    Raises StoreBroken when the store cannot be opened or written to, Refused when another writer keeps it too long, and
    at once when this thread is that writer.
    """
    url = settings.url
    with _alone(url), explained(url):
        try:
            writing = _locked(url)
        except EmptyStore:
            create(url)
            notify(f"made a new inventory: {masked(url)}")
            writing = _locked(url)
        except OutdatedSchema:
            bring_up(url, notify)
            writing = _locked(url)
        with contextlib.closing(writing):
            with damage.explained(writing):
                yield writing
            _commit(writing, url)


def _commit(writing: Database, url: str) -> None:
    """Commits. Where the server goes away just then, it is asked again, or the one in its place, whether that was
    kept: nothing is told as done that is lost. Raises StoreBroken, and the driver's own errors."""
    try:
        writing.commit()
    except Exception as error:
        if not database.is_gone(error):
            raise
        if not _is_kept(writing, url):
            raise StoreBroken(
                f"{database.WENT_AWAY} at the end of the change, which it did not keep: try again"
            ) from error
    else:
        _remember(url, writing)


def _remember(url: str, written: Database) -> None:
    """Has this user's next reads see what was committed on that connection."""
    if written.dialect == "postgresql":
        from clusto_core.store import replicas

        replicas.remember(url, written.connection)


def _is_kept(writing: Database, url: str) -> bool:
    """Whether a change is in the history whose commit was not answered. Raises StoreBroken where that is not found out
    within a minute, or the change has no number."""
    import time

    until = time.monotonic() + database.BUSY_SECONDS
    while writing.sealed is not None and time.monotonic() < until:
        try:
            # Under the lock: whatever became of the change has then come to its end.
            with contextlib.closing(_locked(url)) as again:
                number, digest = writing.sealed
                seal = "SELECT s.digest FROM transaction_seals s WHERE s.transaction_id = :id"
                kept = again.rows(seal, {"id": number}) == [(digest,)]
                _remember(url, again)
                return kept
        except Exception as error:
            if not isinstance(error, StoreBroken) and not database.is_of_driver(error):
                raise
            time.sleep(0.5)
    named = f"transaction {writing.sealed[0]}" if writing.sealed else "it"
    raise StoreBroken(f"{database.WENT_AWAY} at the end of the change: whether {named} was kept, clusto log says later")


@contextlib.contextmanager
def _alone(url: str) -> Iterator[None]:
    """Raises Refused when this thread writes to that store already: it would wait for itself."""
    place = os.path.realpath(sqlite_path(url)) if url.startswith("sqlite") else url
    writer = (threading.get_ident(), place)
    if writer in _writing:
        raise Refused(f"a change inside a change of the same store would wait for itself: {masked(url)}")
    _writing.add(writer)
    try:
        yield
    finally:
        _writing.discard(writer)


def bring_up(url: str, notify: Notify) -> None:
    """Upgrades an SQLite store of an older clusto; waits for whoever upgrades one that is shared, which is done by an
    operator alone."""
    if url.startswith("sqlite"):
        upgrade(url, notify)
    else:
        with explained(url), contextlib.closing(database.connect_to_write(url)) as waiting:
            _take_turns(waiting)


def _take_turns(migrating: Database) -> None:
    """Waits while another command makes or upgrades the store, and lets no other one do so until this transaction ends
    (on MariaDB, this connection): there the tables of each step are seen as it is done. Raises Refused."""
    if migrating.dialect == "postgresql":
        migrating.execute(f"SET LOCAL lock_timeout = '{database.MIGRATION_SECONDS}s'")
        migrating.rows("SELECT pg_advisory_xact_lock(7165921)")
    elif migrating.dialect == "mariadb":
        (taken,) = migrating.rows(f"SELECT GET_LOCK('clusto-migration', {database.MIGRATION_SECONDS})")[0]
        if taken != 1:
            raise Refused(f"another command has been upgrading the store for {database.MIGRATION_SECONDS} s: try again")


def _locked(url: str) -> Database:
    """The store, in a transaction that makes this the only writer until it ends."""
    if url.startswith("sqlite") and not os.path.exists(sqlite_path(url)):
        raise EmptyStore
    writing = database.connect_to_write(url)
    try:
        if writing.dialect == "sqlite":
            _begin_alone(writing, url)
            if not os.access(sqlite_path(url), os.W_OK):
                raise Refused(f"the store is read-only: {sqlite_path(url)}")
            if (found := database.mirror_of(writing)) is not None:
                raise Refused(f"{sqlite_path(url)} is a mirror, which is only read: write to {found.origin}")
        database.check_schema(writing, url)
        if writing.dialect != "sqlite":
            writing.bundle()
            await_others(writing)
        database.learn_secrets(writing)
    except BaseException:
        writing.close()
        raise
    return writing


def await_others(writing: Database) -> None:
    """Takes the write lock of a shared store, its one row, in turn. Raises the driver's own errors, for waiting too
    long too."""
    in_turn = ""
    if writing.dialect == "postgresql":
        # Whoever waits for a row that has been written meanwhile waits anew, behind all others, and may do so for
        # minutes; these locks are handed on in the order of asking. All is one message to the server.
        in_turn = f"SET LOCAL lock_timeout = '{database.BUSY_SECONDS}s'; SELECT pg_advisory_xact_lock(7165922); "
    writing.execute(f"{in_turn}SELECT s.id FROM store s WHERE s.id = 1 FOR UPDATE")


def _begin_alone(writing: Database, url: str) -> None:
    """Takes the write lock of SQLite. Raises OutdatedSchema where what holds it so long may be an upgrade."""
    try:
        writing.execute("BEGIN IMMEDIATE")
    except Exception as error:
        if "locked" in str(error):
            database.check_revision(writing, url)
        raise


@contextlib.contextmanager
def explained(url: str) -> Iterator[None]:
    """Turns what a database driver says into errors of one line."""
    try:
        yield
    except Exception as error:
        if isinstance(error, UnicodeDecodeError) and url.startswith("sqlite"):
            # SQLite's words quote what it does not understand.
            raise StoreBroken(database.DAMAGED) from error
        if not database.is_of_driver(error):
            raise
        raise _explain(url, error) from error


def _explain(url: str, error: BaseException) -> Exception:
    text = str(error.args[-1] if error.args else error).strip().partition("\n")[0]
    lowered = text.lower()
    if database.is_gone(error):
        return StoreBroken(f"{database.WENT_AWAY} ({text}): nothing was changed; try again")
    if (refused := database.forbidden(text) or database.overtaken(text)) is not None:
        return refused
    if "locked" in lowered or "lock wait timeout" in lowered or "lock timeout" in lowered:
        return Refused(f"another command has been writing to the store for {database.BUSY_SECONDS} s: try again")
    if "readonly" in lowered or "read-only" in lowered:
        return Refused(f"the store is read-only: {masked(url)}")
    if "disk is full" in lowered or "disk full" in lowered or "no space left" in lowered:
        return StoreBroken("no space is left for the store: nothing was changed")
    if "not a database" in lowered:
        return StoreBroken(f"not a clusto store: {masked(url)} is not an SQLite database")
    if "unable to open database" in lowered or "connect" in lowered or "access denied" in lowered:
        return unreachable(url, Exception(text))
    if "malformed" in lowered and url.startswith("sqlite"):
        return StoreBroken(f"{database.DAMAGED} ({text})")
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
    """Brings a store to this clusto's schema, an SQLite one after a copy beside it. One command of several does that,
    the others wait for it. Raises StoreBroken, EmptyStore, Refused."""
    try:
        database.connect(url).close()
    except EmptyStore:
        create(url)
        notify(f"made a new inventory: {masked(url)}")
        return
    except OutdatedSchema:
        done = _migrate(url)
        if done is not None:
            _tell(done, url, notify)
            return
    notify(f"the schema is current: {database.REVISION}")


class _Migrated(NamedTuple):
    """What a migration did: the copy that it made before, and what somebody has to look at, a line each."""

    kept: str | None
    left: list[str]


def _tell(done: _Migrated, url: str, notify: Notify) -> None:
    if done.kept is not None:
        notify(f"kept a copy of the store as it was: {done.kept}")
    notify(f"upgraded the schema to {database.REVISION}: {masked(url)}")
    for line in done.left[:_TOLD]:
        notify(f"left as it is: {line}")
    if done.left:
        many = "s" if len(done.left) > 1 else ""
        notify(f"{len(done.left)} value{many} cannot be read as the key has them: clusto db check")


def backup(path: str) -> str:
    """Copies an SQLite store, open or not, to a new file of mode 0600 beside it, and gives that file's name."""
    import sqlite3

    target = _new_file(path)
    with contextlib.closing(sqlite3.connect(path)) as source:
        _copy_pages(Database(source, "sqlite"), target)
    return target


def _copy_pages(source: Database, target: str) -> None:
    """Copies an SQLite database, as it is in a transaction, into an empty file, which is gone again where that fails.
    Raises StoreBroken, for damage too, which would be copied."""
    import sqlite3

    try:
        with contextlib.closing(sqlite3.connect(target)) as copied:
            source.connection.backup(copied)
            if (found := copied.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(f"the file is damaged: {found}")
    except BaseException as error:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                os.unlink(target + suffix)
        if isinstance(error, sqlite3.Error):
            raise StoreBroken(f"cannot copy the store to {target}: {error}") from error
        raise


def _make_file(path: str) -> None:
    """Makes an empty file of mode 0600, and the directories that it is in. Raises StoreBroken."""
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreBroken(f"cannot make the store {path}: {error.strerror}") from None


def _new_file(path: str) -> str:
    """Makes the file for a copy; its name is of the second, and counts where there is one of that second."""
    import time

    stamp = time.strftime("%Y%m%dT%H%M%S")
    for number in count(1):
        target = f"{path}.{stamp}{f'-{number}' if number > 1 else ''}.backup"
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            return target
        except FileExistsError:
            continue
        except OSError as error:
            raise StoreBroken(f"cannot copy the store to {target}: {error.strerror}") from None
    raise AssertionError("numbers end")


def _migrate(url: str) -> _Migrated | None:
    """Brings a store to the newest schema, an SQLite one that holds something after a copy beside it; None where
    another command has done so meanwhile."""
    from sqlalchemy.exc import SQLAlchemyError

    engine = engine_for(url)
    try:
        with explained(url), engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                # The log's mode cannot change in a transaction.
                connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
            connection.begin()
            _take_turns(Database(connection.connection, database.dialect_of(url)))
            done = _migrated(connection, url)
            _remember(url, Database(connection.connection, database.dialect_of(url)))
            return done
    except SQLAlchemyError as error:
        raise _explain(url, getattr(error, "orig", None) or error) from error
    finally:
        engine.dispose()


def _migrated(connection: Connection, url: str) -> _Migrated | None:
    """What nobody else does meanwhile. A copy is gone again where nothing came of it."""
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext

    # Two commands may find the same store: the second one has waited, and finds it made or upgraded.
    found = MigrationContext.configure(connection).get_current_heads()
    if found == (database.REVISION,):
        return None
    config = Config()
    config.set_main_option("script_location", os.path.join(os.path.dirname(__file__), "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    kept = backup(sqlite_path(url)) if found and connection.dialect.name == "sqlite" else None
    try:
        command.upgrade(config, "head")
        seals.seal_all(Database(connection.connection, database.dialect_of(url)))
        connection.commit()
    except BaseException:
        if kept is not None:
            os.unlink(kept)
        raise
    return _Migrated(kept, list(config.attributes.get("told", ())))


def copy(source: str, target: str, progress: Callable[[str, int], None]) -> int:
    """Copies a whole store, history included, into an empty one, on whatever databases; gives the number of rows. A new
    SQLite file of an SQLite store is made page by page.

    `progress` is told each table's name and how many of its rows are in. Raises Refused when the target holds
    something, StoreBroken and NotFound as `connect` does.
    """
    from clusto_core.store.schema import metadata

    if source.startswith("sqlite") and target.startswith("sqlite") and not os.path.exists(sqlite_path(target)):
        with contextlib.closing(database.connect(source)) as reading:
            _make_file(sqlite_path(target))
            _copy_pages(reading, sqlite_path(target))
            if database.mirror_of(reading) is not None:
                _make_own(target)
            copied = 0
            for table in metadata.sorted_tables:
                copied += reading.rows(f"SELECT count(*) FROM {table.name}")[0][0]
                progress(table.name, copied)
        return copied
    with contextlib.closing(database.connect(source)) as reading:
        settings = Settings(target)
        copied = 0
        with write_transaction(settings, lambda line: None) as writing:
            if writing.rows("SELECT t.id FROM things t LIMIT 1"):
                raise Refused(f"not empty: {masked(target)}")
            writing.execute("DELETE FROM store")
            writing.execute("DELETE FROM seals")
            for table in metadata.sorted_tables:
                columns = [column.name for column in table.columns]
                # An owner has a smaller id than its parts, so that in this order every row finds what it refers to.
                order = ", ".join(f"x.{column.name}" for column in table.primary_key)
                selected = ", ".join(f"x.{column}" for column in columns)
                rows = reading.stream(f"SELECT {selected} FROM {table.name} x ORDER BY {order}")
                while batch := list(islice(rows, 5000)):
                    writing.insert(table.name, columns, batch)
                    copied += len(batch)
                    progress(table.name, copied)
                progress(table.name, copied)
            seals.seal_schema(writing)
    return copied


def _make_own(url: str) -> None:
    """Makes the copy of a mirror a store of its own."""
    with contextlib.closing(database.connect_to_write(url)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("DROP TABLE mirror")
        seals.seal_schema(writing)
        writing.commit()
