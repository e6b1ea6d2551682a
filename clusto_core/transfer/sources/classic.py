"""The classic clusto (0.7): its database, an SQLite file or one on MySQL, MariaDB or PostgreSQL.

Its versions are taken over as history, each with its own time and user, as far as nothing was changed here since; what
it says now comes last, as one change more where that is not all yet.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Any

from clusto_core.errors import Malformed, NotFound
from clusto_core.model.origins import Origin
from clusto_core.transfer.classic.drivers import Drivers
from clusto_core.transfer.classic.past import Replay, Touched
from clusto_core.transfer.classic.remarks import Remarks
from clusto_core.transfer.classic.rows import Content, load
from clusto_core.transfer.classic.state import State
from clusto_core.transfer.classic.translation import Translation
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sources.protocol import Declared, Last, Past, Progress, Setting

SETTINGS: Mapping[str, Setting] = {
    "address": Setting("the URL of its database, as mysql://clusto@db.example.com/clusto, without the password"),
    "file": Setting("the path of its SQLite file"),
    "password": Setting("the password for the database", secret=True),
    "drivers": Setting("by classic driver or type, the driver that it becomes; empty for none", (dict,)),
    "ports": Setting("by classic driver, how many ports of each type it has", (dict,)),
    "zone": Setting("the time zone of its dates, as Europe/Berlin; UTC where it says nothing"),
    "history": Setting("whether its versions are taken over as history", (bool,)),
}


def source(declared: Declared) -> ClassicSource:
    """The source that a table of the type `classic` means. Raises Malformed and NotFound for what cannot be."""
    address, file = declared.text("address"), os.path.expanduser(declared.text("file"))
    if bool(address) == bool(file):
        raise NotFound(f"{declared.file}: source.{declared.name} has no address or file, or both")
    url = _with_password(address, declared.secret("password", to=address)) if address else file
    settings = declared.settings
    drivers = Drivers(_texts(settings.get("drivers", {})), _ports(settings.get("ports", {})))
    return ClassicSource(url, drivers, _zone(declared.text("zone", "UTC")), history=settings.get("history", True))


def of_places(places: tuple[str, ...], declared: Declared) -> ClassicSource:
    """The database at a path or a URL. Raises Malformed for several, and for settings that cannot be."""
    if len(places) != 1:
        raise Malformed("a classic clusto has one database: name it alone")
    kind = "address" if "://" in places[0] else "file"
    return source(replace(declared, settings={**declared.settings, kind: places[0]}))


class ClassicSource:
    """The database of a classic clusto at that path or URL."""

    complete = True

    def __init__(self, url: str, drivers: Drivers, zone: tzinfo, *, history: bool = True) -> None:
        self.url = url
        self.state = ""
        self._drivers = drivers
        self._zone = zone
        self._history = history
        self._content: Content | None = None
        self._note = ""

    def _load(self) -> Content:
        """What the database has, read once."""
        if self._content is None:
            self._content = load(self.url, self._zone)
        return self._content

    def past(self, last: Last, since: float | None) -> Iterator[Past]:
        """Its versions after the one that was taken in last, of those that were made after `since`."""
        if not self._history or (last.names and not last.state):
            # What was read with other settings is read anew as it is now; its history was told then.
            return
        replay = Replay(self._load(), self._drivers)
        yield from map(_past, replay.since(_version(last.state), since))
        if replay.passed:
            self._note = (
                f"{replay.passed} of its versions are older than the last change here, where times never go back: they "
                "come as one entry"
            )

    def read(self, last: Last, progress: Progress) -> Iterator[Document | Origin]:
        """All of it as it is now; nothing is looked at where it has no newer version."""
        content = self._load()
        self.state = content.state
        if self.state and self.state == last.state and not last.again:
            yield from last.stamps
            return
        if self._note:
            yield Document("", "", 0, notes=(self._note,))
        yield from _present(content, self._drivers, progress)


def _past(touched: Touched) -> Past:
    version = touched.version
    return Past(
        _Version(str(version.number), touched.documents),
        touched.time,
        version.user or "unknown",
        f"version {version.number} of the classic clusto",
        version.description,
    )


class _Version:
    """One version as a source that has changed since."""

    complete = False

    def __init__(self, state: str, documents: list[Document]) -> None:
        self.state = state
        self._documents = documents

    def read(self, last: Last, progress: Progress) -> Iterator[Document]:
        """What the version touched."""
        yield from self._documents


def _present(content: Content, drivers: Drivers, progress: Progress) -> Iterator[Document]:
    state = State.present(content)
    remarks = Remarks()
    translation = Translation(state, drivers, remarks)
    translation.name_all(state.entities)
    translation.find_vlans(state.entities)
    for done, id in enumerate(sorted(state.entities)):
        if done % 1000 == 0:
            progress("reading", done, len(state.entities))
        yield from translation.documents(id)
    if summary := remarks.summary():
        yield Document("", "", 0, notes=("not all of the classic clusto has a place here:", *summary))


def _version(state: str) -> int:
    """The version that a state is of; 0 where there is none."""
    word = state.partition(" ")[0]
    return int(word) if word.isdecimal() else 0


def _with_password(url: str, password: str) -> str:
    """The URL with a password that it does not say itself."""
    if not password:
        return url
    from urllib.parse import quote, urlsplit, urlunsplit

    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    if ":" in user:
        raise Malformed("the password of the classic clusto is in its address and in password: leave one out")
    return urlunsplit(parts._replace(netloc=f"{user or 'clusto'}:{quote(password, safe='')}@{host}"))


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise Malformed(f"no such time zone: {name[:40]!a} (write UTC, or Europe/Berlin)") from None


def _texts(given: Mapping[str, Any]) -> dict[str, str]:
    if not all(isinstance(each, str) for each in given.values()):
        raise Malformed('drivers is a table of drivers by classic ones: { basicwidget = "Appliance" }')
    return dict(given)


def _ports(given: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    for ports in given.values():
        if not isinstance(ports, dict) or not all(
            type(count) is int and 0 <= count < 10_000 for count in ports.values()
        ):
            raise Malformed('ports is a table by classic driver: { cisco2960 = { "nic-eth" = 48 } }')
    return {driver: dict(ports) for driver, ports in given.items()}
