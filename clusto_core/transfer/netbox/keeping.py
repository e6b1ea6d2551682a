"""Keeps the copy of a NetBox between two readings, in the user's folder for what can be had again.

It is no more than that: without it, or when it is damaged, everything is read anew.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import tempfile
import zlib
from typing import Any, TextIO

from clusto_core.transfer.netbox.fetching import Copy, Feed, Tables
from clusto_core.transfer.netbox.models import MODELS, fields_of

_VERSION = 1


def path_of(name: str) -> str:
    """Where the copy for the source of that name is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "clusto", "sources", f"{name}.jsonl.gz")


def load(path: str, address: str, *, whole: bool = True) -> Copy | None:
    """The copy of the NetBox at that address, None where there is none that can be used. Without `whole` its tables are
    left empty, which is much less to read."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            head = json.loads(file.readline())
            if head.get("version") != _VERSION or head["address"] != address or head["reads"] != _reads():
                return None
            feed = head["feed"] and Feed(head["feed"][0], head["feed"][1], frozenset(head["feed"][2]))
            tables = _tables(file) if whole else {}
            return Copy(address, tables, feed, head["netbox"], head["counts"], head["serial"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zlib.error):
        return None


def _tables(file: TextIO) -> Tables:
    tables: Tables = {name: {} for name in MODELS}
    for line in file:
        name, pk, row = json.loads(line)
        tables[name][pk] = row
    return tables


def save(path: str, copy: Copy) -> None:
    """Keeps a copy, for this user alone."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=folder)
    try:
        with open(descriptor, "wb") as raw, gzip.open(raw, "wt", compresslevel=1, encoding="utf-8") as file:
            feed = copy.feed and (copy.feed.path, copy.feed.last, sorted(copy.feed.seen))
            head = {"version": _VERSION, "address": copy.address, "reads": _reads(), "feed": feed}
            head |= {"netbox": copy.version, "counts": copy.counts, "serial": copy.serial}
            _write(file, head)
            for name, table in copy.tables.items():
                for pk, row in table.items():
                    _write(file, (name, pk, row))
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _write(file: TextIO, data: Any) -> None:
    file.write(json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n")


def _reads() -> dict[str, list[str]]:
    """What is read: a copy that another version of clusto made may lack a field."""
    return {name: sorted(fields_of(model)) for name, model in MODELS.items()}
