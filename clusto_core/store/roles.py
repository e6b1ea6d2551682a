"""Three roles of a shared database, so that what somebody may do holds in the database, whatever program he uses.

`reader` sees everything that the inventory says; `writer` also changes attributes and wiring, which history records;
`operator` also makes, renames and removes Things, rebuilds machines, and upgrades the schema. Nobody but an operator
can change or remove history. https://www.postgresql.org/docs/current/sql-grant.html, https://mariadb.com/kb/en/grant/
"""

from __future__ import annotations

import re

from clusto_core.errors import Malformed, Refused
from clusto_core.store.database import Database
from clusto_core.store.rows import TRANSACTIONS

READER, WRITER, OPERATOR = "reader", "writer", "operator"
_CHANGED = ("attributes", "connections", "seals", "imported")
"""What a writer changes, beside the counters of `store`; of `transactions`, `changes` and `transaction_seals` he only
adds rows."""
_COUNTERS = ("next_id", "next_transaction")


def names(prefix: str) -> tuple[str, str, str]:
    """The roles' names. Raises Malformed for a prefix that is no word."""
    if not re.fullmatch("[a-z][a-z0-9_]{0,39}", prefix):
        raise Malformed(f"malformed prefix: {prefix[:60]!a} (small letters, digits and _)")
    return f"{prefix}_{READER}", f"{prefix}_{WRITER}", f"{prefix}_{OPERATOR}"


def statements(database: Database, prefix: str = "clusto") -> list[str]:
    """The statements that make the roles, as they must be run, again after each upgrade of the schema.

    Raises Refused on SQLite, which has no users, Malformed for a prefix that is no word.
    """
    roles = names(prefix)
    if database.dialect == "postgresql":
        return _postgresql(database, *roles)
    if database.dialect == "mariadb":
        return _mariadb(database, *roles)
    raise Refused(
        "SQLite has no users and no roles: whoever can write the file can write all (clusto db copy moves it)"
    )


def members(database: Database, prefix: str = "clusto") -> list[str]:
    """How one gives the roles to somebody, for people to read."""
    if database.dialect == "postgresql":
        return [f"GRANT {role} TO ann;" for role in names(prefix)]
    return [f"GRANT {role} TO ann@'%'; SET DEFAULT ROLE {role} FOR ann@'%';" for role in names(prefix)]


def tables() -> list[str]:
    """All tables of a store, and its view."""
    from clusto_core.store.schema import metadata

    return ["alembic_version", *(table.name for table in metadata.sorted_tables), "containment"]


def _postgresql(database: Database, reader: str, writer: str, operator: str) -> list[str]:
    [(schema,)] = database.rows("SELECT quote_ident(current_schema())")
    all_tables = ", ".join(f"{schema}.{table}" for table in tables())
    columns = ", ".join(f'"{column}"' for column in TRANSACTIONS)
    return [
        *(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
            f" THEN CREATE ROLE {role}; END IF; END $$"
            for role in (reader, writer, operator)
        ),
        f"GRANT {reader} TO {writer}",
        f"GRANT {writer} TO {operator}",
        f"GRANT {operator} TO CURRENT_USER",
        f"GRANT CREATE, USAGE ON SCHEMA {schema} TO {operator}",
        *(f"ALTER TABLE {schema}.{table} OWNER TO {operator}" for table in tables()),
        f"REVOKE ALL ON {all_tables} FROM PUBLIC, {reader}, {writer}",
        f"GRANT USAGE ON SCHEMA {schema} TO {reader}",
        f"GRANT SELECT ON {all_tables} TO {reader}",
        f"GRANT INSERT, UPDATE, DELETE ON {', '.join(f'{schema}.{table}' for table in _CHANGED)} TO {writer}",
        f"GRANT UPDATE ({', '.join(_COUNTERS)}) ON {schema}.store TO {writer}",
        f"GRANT INSERT ({columns}) ON {schema}.transactions TO {writer}",
        f"GRANT INSERT ON {schema}.changes, {schema}.transaction_seals TO {writer}",
    ]


def _mariadb(database: Database, reader: str, writer: str, operator: str) -> list[str]:
    [(name,)] = database.rows("SELECT database()")
    quoted = "`" + str(name).replace("`", "``") + "`"
    # Where all tables are meant, the name is a pattern.
    pattern = quoted.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
    columns = ", ".join(f"`{column}`" for column in TRANSACTIONS)
    return [
        *(f"CREATE ROLE IF NOT EXISTS {role}" for role in (reader, writer, operator)),
        *(f"GRANT SELECT ON {quoted}.{table} TO {role}" for role in (reader, writer) for table in tables()),
        *(f"GRANT INSERT, UPDATE, DELETE ON {quoted}.{table} TO {writer}" for table in _CHANGED),
        f"GRANT UPDATE ({', '.join(_COUNTERS)}) ON {quoted}.store TO {writer}",
        f"GRANT INSERT ({columns}) ON {quoted}.transactions TO {writer}",
        *(f"GRANT INSERT ON {quoted}.{table} TO {writer}" for table in ("changes", "transaction_seals")),
        f"GRANT ALL PRIVILEGES ON {pattern}.* TO {operator}",
    ]


def apply(database: Database, prefix: str = "clusto") -> None:
    """Runs the statements; on PostgreSQL all or none. Raises Refused where this user may not."""
    from clusto_core.store.database import is_of_driver

    for statement in statements(database, prefix):
        try:
            database.execute(statement)
        except Exception as error:
            if not is_of_driver(error):
                raise
            text = str(error.args[-1]).strip().partition("\n")[0]
            raise Refused(
                f"the database does not let this user make the roles: {text} (its administrator can)"
            ) from None
    database.commit()
