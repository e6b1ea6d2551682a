"""Logs of a machine over Redfish: the schemas LogService and LogEntry of DSP0268.

Vendors keep their events in different places: Dell's iDRAC below the manager (`Sel`, beside a lifecycle log of some
thousand entries), HPE's iLO below the system (`IML`), Lenovo's XCC and Huawei's below the system (`PlatformLog`,
`Log1`), Supermicro's `Log1`, OpenBMC's `EventLog`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from clusto_cli.backends.errors import NoSuchPort, Refused
from clusto_cli.backends.machine import Entry, State, shortened
from clusto_cli.backends.redfish.document import Document, link, mapping, text
from clusto_cli.backends.redfish.parts import chassis_of, manager_of
from clusto_cli.backends.redfish.system import System
from clusto_cli.backends.redfish.tree import Tree

_HARDWARE = re.compile(r"(?i)sel|iml|log1|platformlog|standardlog|eventlog|event|health")
_SINGLY = 200
"""The most entries that are asked for one by one."""
_SEVERITIES = {"OK": State.OK, "Warning": State.WARNING, "Critical": State.CRITICAL}
_CLEAR = "#LogService.ClearLog"


class Log(NamedTuple):
    """One log: its name, its resource, and the path of that."""

    name: str
    service: Document
    path: str


async def logs_of(system: System, tree: Tree, said: Document, which: str | None) -> list[Log]:
    """The logs that are meant: that one, `all`, or those of hardware events. Raises NoSuchPort for another, and
    Refused where there is none at all.
    """
    found: dict[str, Log] = {}
    for owner in (said, *await chassis_of(tree, said), await manager_of(tree, said)):
        async for service in tree.each(owner.get("LogServices")):
            name, path = shortened(text(service.get("Id"))) or "log", text(service.get("@odata.id")) or ""
            if link(service.get("Entries")):
                found.setdefault(path or name, Log(name, service, path))
    logs = list(found.values())
    if not logs:
        raise Refused(f"{system.url}: it keeps no log")
    if which is None:
        typed = [log for log in logs if log.service.get("LogEntryType") == "SEL"]
        named = [log for log in logs if _HARDWARE.fullmatch(log.name.replace(" ", ""))]
        return typed or named or logs
    meant = [log for log in logs if which.casefold() in (log.name.casefold(), "all")]
    if not meant:
        raise NoSuchPort(f"{system.url}: no log {which}: it has {', '.join(log.name for log in logs[:12])}")
    return meant


async def entries_of(tree: Tree, logs: list[Log]) -> list[Entry]:
    """What is in these logs, oldest first. Raises Refused where one cannot be read: it would seem to be empty."""
    found = []
    for log in logs:
        before = len(tree.unread)
        found += [_entry(log.name, each) for each in await tree.all(log.service.get("Entries"), _SINGLY)]
        if tree.unread[before:]:
            raise Refused(tree.unread[before])
    # Some services have the newest first, some last. What has no time stands before what has one.
    return sorted(found, key=lambda entry: (entry.time or "", _number(entry.id)))


async def clear(system: System, logs: list[Log]) -> None:
    """Empties them. Raises Refused for one that cannot be emptied, before any is."""
    targets = [(log, text(mapping(mapping(log.service.get("Actions")).get(_CLEAR)).get("target"))) for log in logs]
    for log, target in targets:
        if target is None:
            raise Refused(f"{system.url}: its log {log.name} cannot be cleared")
    for log, target in targets:
        await system.change("POST", str(target), {}, log.path)


def _entry(log: str, said: Document) -> Entry:
    moment = text(said.get("EventTimestamp")) or text(said.get("Created"))
    words = shortened(text(said.get("Message"))) or shortened(text(said.get("MessageId"))) or "?"
    severity = text(said.get("Severity")) or ""
    # Cisco's: Normal, Informational.
    state = _SEVERITIES.get(severity, State.OK if severity in ("Normal", "Informational") else State.UNKNOWN)
    return Entry(log, shortened(text(said.get("Id"))) or "?", _moment(moment), state, words)


def _moment(said: str | None) -> str | None:
    """A time as UTC; what is none, or the one of a clock that was never set, is None."""
    try:
        found = datetime.fromisoformat(said or "")
        utc = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}" if utc.year > 1971 else None


def _number(name: str) -> tuple[int, str]:
    return (int(name) if name.isascii() and name.isdecimal() and len(name) < 19 else 0), name
