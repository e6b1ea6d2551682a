"""RackTables: its database on MySQL or MariaDB, or a dump of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from clusto_core.errors import Malformed, NotFound
from clusto_core.transfer.documents import Document
from clusto_core.transfer.racktables.tables import from_database
from clusto_core.transfer.racktables.translation import Translation
from clusto_core.transfer.sources.file import FileSource
from clusto_core.transfer.sources.protocol import Declared, Last, Progress, Setting, Source

SETTINGS: Mapping[str, Setting] = {
    "address": Setting("the URL of its database, as mysql://racktables@db.example.com/racktables"),
    "file": Setting("the path of a dump that mysqldump wrote"),
    "password": Setting("the password for the database", secret=True),
}


def source(declared: Declared) -> Source:
    """The source that a table of the type `racktables` means. Raises Malformed and NotFound for what cannot be."""
    address, file = declared.text("address"), declared.text("file")
    if bool(address) == bool(file):
        raise NotFound(f"{declared.file}: source.{declared.name} has no address or file, or both")
    if file:
        return FileSource((os.path.expanduser(file),), "racktables")
    return RackTables(address, declared.secret("password", to=address))


class RackTables:
    """The database at a URL."""

    complete = True
    state = ""

    def __init__(self, url: str, password: str = "") -> None:
        self._where = url
        self._url = _with_password(url, password) if password else url

    def read(self, last: Last, progress: Progress) -> Iterator[Document]:
        """All of it, as it is in one moment."""
        from clusto_core.config import masked

        yield from Translation(from_database(self._url), masked(self._where)).documents()


def _with_password(url: str, password: str) -> str:
    from urllib.parse import quote, urlsplit, urlunsplit

    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    if ":" in user:
        raise Malformed("the password of the RackTables is in its address and in password: leave one out")
    return urlunsplit(parts._replace(netloc=f"{user or 'racktables'}:{quote(password, safe='')}@{host}"))
