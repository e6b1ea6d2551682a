"""The state of a translation: the transfer objects made so far, what each port became, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from clusto_core.drivers import Part
from clusto_core.transfer.netbox.dump import Dump, Reference, Row
from clusto_core.transfer.netbox.naming import Candidate, unique

ORIGINAL = "netbox.name"
"""Under which key the name stays that NetBox has, where clusto's is another one."""

_PLAIN = ("status", "description", "comments", "serial", "asset_tag", "facility")


class MadePart(NamedTuple):
    """A part that a port became."""

    owner: str
    name: str
    driver: type[Part]


class Translation:
    """What a dump becomes."""

    def __init__(self, dump: Dump) -> None:
        self.dump = dump
        self.names: dict[Reference, str] = {}
        self.things: dict[str, dict[str, Any]] = {}
        self.parts: dict[Reference, list[MadePart]] = {}
        """What a port became; several parts for a rear port with several positions."""
        self.left_out: Counter[str] = Counter()
        self.remarks: list[str] = []
        self.used: set[str] = set()
        """The models that have a place in clusto."""
        self._tags = _tags(dump)

    def name_all(self, candidates: Iterable[Candidate]) -> None:
        """Gives every object that becomes a Thing its name."""
        self.names = unique(list(candidates))

    def name(self, model: str, pk: object) -> str:
        """The Thing that an object became; empty when it became none."""
        return self.names.get(Reference(model, pk), "") if isinstance(pk, int) else ""

    def add(self, key: Reference, driver: str, called: object, attrs: Mapping[str, object]) -> dict[str, Any]:
        """A new transfer object; `called` is the name that NetBox has, attributes without a value are left out."""
        name = self.names[key]
        data: dict[str, Any] = {"name": name, "driver": driver, "in": [], "attrs": {}}
        if isinstance(called, str) and called not in ("", name):
            data["attrs"][ORIGINAL] = clean(called)
        data["attrs"] |= {field: clean(value) for field, value in attrs.items() if value not in (None, "", [])}
        if tags := self._tags.get(key):
            data["attrs"]["tag"] = tags
        self.used.add(key.model)
        self.things[name] = data
        return data

    def common(self, row: Row, **models: str) -> dict[str, object]:
        """The fields that many models have: texts, and names of what foreign keys name; `models` adds such keys."""
        found: dict[str, object] = {field: row.get(field) for field in _PLAIN}
        for field, model in {"tenant": "tenancy.tenant", **models}.items():
            found[field] = self.dump.text(model, row.get(field))
        custom = row.get("custom_field_data")
        if isinstance(custom, dict):
            for field, value in custom.items():
                found[f"custom.{field}"] = value if not isinstance(value, dict | list) else {"json": value}
        return found

    def attach(self, name: str, parents: Iterable[str]) -> None:
        """Puts a Thing into others; names that are empty are passed over."""
        inside = self.things[name]["in"]
        inside.extend(parent for parent in parents if parent and parent not in inside)

    def part_attrs(self, owner: str, part: str, attrs: Mapping[str, object]) -> None:
        """More attributes for a part."""
        values = {field: clean(value) for field, value in attrs.items() if value not in (None, "", [])}
        if values:
            self.things[owner].setdefault("part_attrs", {}).setdefault(part, {}).update(values)

    def tags(self, key: Reference) -> list[str]:
        """The tags of an object."""
        return self._tags.get(key, [])


def clean(value: object) -> object:
    """A value that a store can hold: line ends as one newline, blanks for other control characters."""
    if isinstance(value, list):
        return [clean(each) for each in value]
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(each if each.isprintable() or each in "\n\t" else " " for each in text)


def _tags(dump: Dump) -> dict[Reference, list[str]]:
    found: dict[Reference, list[str]] = {}
    for row in (*dump.rows("extras.taggeditem").values(), *dump.without_key.get("extras.taggeditem", ())):
        key = dump.generic(row.get("content_type"), row.get("object_id"))
        name = dump.text("extras.tag", row.get("tag"))
        if key is not None and name:
            found.setdefault(key, []).append(name)
    return {key: sorted(names) for key, names in found.items()}
