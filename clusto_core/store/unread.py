"""MariaDB's rows, left with the server until they are read, while other statements run.

The protocol sends a result whole, and nothing else before its end
(https://mariadb.com/kb/en/result-set-packets/): whatever is asked meanwhile has the rest handed over first.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from pymysql.connections import Connection
from pymysql.cursors import SSCursor

if TYPE_CHECKING:
    _Connection = Connection[Any]  # only the stubs have a parameter
else:
    _Connection = Connection


class Connected(_Connection):
    """A connection that takes what a cursor has not read yet before it asks for something else."""

    unread: Unread | None = None

    def _execute_command(self, command: int, sql: str | bytes) -> None:
        if self.unread is not None:
            self.unread.take_rest()
        super()._execute_command(command, sql)  # type: ignore[misc]


class Unread(SSCursor):
    """A cursor whose rows are read as they are wanted."""

    connection: Connected

    def _query(self, statement: Any) -> Any:
        self._taken: deque[Any] = deque()
        found = super()._query(statement)  # type: ignore[misc]
        self.connection.unread = self
        return found

    def fetchmany(self, size: int | None = None) -> Any:
        """At most so many of the rows; none when all were given."""
        given = list(islice(iter(self._taken.popleft, None), min(size or 1, len(self._taken))))
        return given or super().fetchmany(size)

    def take_rest(self) -> None:
        """Has the server hand over all that it still has."""
        self.connection.unread = None
        self._taken.extend(self.fetchall_unbuffered())

    def close(self) -> None:
        """Ends it; what was not read is passed over."""
        if self.connection is not None and self.connection.unread is self:
            self.connection.unread = None
        super().close()
