"""Whose a file is that was fetched from a boot server: a machine's own boot files and answers tell how far it is."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.records.rebuilds import FETCH, FETCHED, Heard, Rebuild

Owners = dict[str, list[Rebuild]]


def owners(unfinished: Iterable[Rebuild]) -> Owners:
    """The rebuilds that a file belongs to, by its path below the boot directory, as their plans have it."""
    found: Owners = {}
    for rebuild in unfinished:
        for path in dict.fromkeys([*rebuild.plan.get("files", ()), *rebuild.plan.get("answers", ())]):
            found.setdefault(path, []).append(rebuild)
    return found


def named(owners: Owners, file: str) -> tuple[str, list[Rebuild]] | None:
    """The path, and its owners, that a file's full name ends in: whoever serves the file may see it elsewhere."""
    parts = file.split("/")
    for start in range(len(parts)):
        path = "/".join(parts[start:])
        if path in owners:
            return path, owners[path]
    return None


def is_news(rebuild: Rebuild, at: float, last: float | None) -> bool:
    """Whether a fetch at that time is written down, when the last one written of the same file was at `last`.

    Once a phase is enough: loaders ask for a file several times. A fetch before the rebuild began is none of its own:
    machines that boot from the network take their boot files every time. Times are in seconds since 1970.
    """
    return at >= rebuild.began and (last is None or last < rebuild.changed <= at)


def fetched(rebuild: Rebuild, path: str, at: float) -> Heard:
    """What is written down of it: a fetch, with the path as its message."""
    return Heard(rebuild.id, FETCH, FETCHED, path, time=at)
