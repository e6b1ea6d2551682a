"""The state of a translation: the transfer objects made so far, what each port became, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from clusto_core.drivers import Part
from clusto_core.model.origins import Origin
from clusto_core.model.reserved import OWN
from clusto_core.transfer.netbox.dump import Dump, Reference, Row
from clusto_core.transfer.netbox.models import MODELS
from clusto_core.transfer.netbox.naming import Candidate, unique

ORIGINAL = "netbox.name"
"""Under which key the name stays that NetBox has, where clusto's is another one."""

_CUSTOM = "extras.customfield"
_WIDER = {"dcim.region": "region", "dcim.sitegroup": "group"}
"""What is wider than a place of clusto: the keys under which it is kept."""
_SAID = (
    "airflow", "asset_tag", "comments", "custom", "descending_units", "description", "disk", "face", "facility",
    "facility_id", "group", "item", "latitude", "longitude", "manufacturer", "memory", "model", "module", "netbox",
    "oob_ip", "physical_address", "platform", "position", "primary_ip4", "primary_ip6", "region", "reserved", "role",
    "serial", "shipping_address", "status", "tag", "tenant", "time_zone", "type", "vc_position", "vcpus",
    "virtual_chassis", "width", "height",
)  # fmt: skip
"""The keys, by their first word, that NetBox may say of what others are in."""
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
        self.origins: dict[str, Origin] = {}
        """By Thing, the object that it was."""
        self.called: dict[str, str] = {}
        """By Thing, what it would be called if no other were called so: it is renamed when that is another."""
        self.parts: dict[Reference, list[MadePart]] = {}
        """What a port became; several parts for a port with several positions."""
        self.own_parts: dict[str, dict[str, list[str]]] = {}
        """By Thing and kind, all the parts that it has, whether they are said or come with the type."""
        self.part_origins: dict[str, dict[str, Origin]] = {}
        self.left_out: Counter[str] = Counter()
        self.remarks: list[str] = []
        self.used: set[str] = set()
        """The models that have a place in clusto."""
        self.counts: dict[str, int] = {}
        """Objects that were not read, and have no place either."""
        self._children: dict[str, dict[int, dict[int, Row]]] = {}
        self._tags = _tags(dump)
        self._custom = {row["name"]: _object_of(dump, row) for row in dump.rows(_CUSTOM).values()}

    def name_all(self, candidates: Iterable[Candidate]) -> None:
        """Gives every object that becomes a Thing its name."""
        every = list(candidates)
        self.names = unique(every)
        self.called = {self.names[each.key]: each.wanted for each in every}

    def name(self, model: str, pk: object) -> str:
        """The Thing that an object became; empty when it became none."""
        return self.names.get(Reference(model, pk), "") if isinstance(pk, int) else ""

    def add(self, key: Reference, driver: str, called: object, attrs: Mapping[str, object]) -> dict[str, Any]:
        """A new transfer object; `called` is the name that NetBox has, attributes without a value are left out."""
        name = self.names[key]
        data: dict[str, Any] = {"name": name, "driver": driver, "in": [], "attrs": {}}
        self.origins[name] = Origin(key.model, str(key.pk))
        if isinstance(called, str) and called not in ("", name):
            data["attrs"][ORIGINAL] = clean(called)
        data["attrs"] |= _said(attrs)
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
                found[f"custom.{field}"] = self._custom_value(field, value)
        return found

    def _custom_value(self, field: str, value: object) -> object:
        """A custom field's value; what names objects is a relation where they are Things, else their names."""
        model = self._custom.get(field)
        if model and isinstance(value, int):
            return self.related(model, value)
        if model and isinstance(value, list):
            return [self.related(model, each) for each in value]
        return {"json": value} if isinstance(value, dict | list) and value else value

    def related(self, model: str, pk: int) -> object:
        """A relation to the Thing that an object became; the name of an object that became none."""
        if name := self.name(model, pk):
            return {"ref": name}
        return (self.dump.text(model, pk) if model in MODELS else "") or f"{model.rpartition('.')[2]}-{pk}"

    def remember(self, key: Reference, parts: list[MadePart]) -> None:
        """Notes what a port became: the first of its parts has its number, the others that and their own."""
        self.parts[key] = parts
        for at, part in enumerate(parts):
            self.part_origins.setdefault(part.owner, {})[part.name] = Origin(
                key.model, f"{key.pk}/{at + 1}" if at else str(key.pk)
            )

    def children(self, model: str) -> Mapping[int, Mapping[int, Row]]:
        """The interfaces of a model by the interface that they are of."""
        if model not in self._children:
            self._children[model] = self.dump.grouped(model, "parent")
        return self._children[model]

    def more_parts(self, part: MadePart, id: str, model: str) -> bool:
        """Gives a Thing a part that NetBox has no object for; whether it is new."""
        origins = self.part_origins.setdefault(part.owner, {})
        if part.name in origins:
            return False
        origins[part.name] = Origin(model, id)
        parts = self.things[part.owner].setdefault("parts", {})
        if not isinstance(parts.get(part.driver.kind), list):
            parts[part.driver.kind] = self.own_parts[part.owner].get(part.driver.kind, []).copy()
        parts[part.driver.kind].append(part.name)
        return True

    def forget(self) -> None:
        """Lets go of what the transfer objects were made of."""
        self.dump = Dump([])
        for table in (self.names, self.parts, self.own_parts, self._tags, self._children):
            table.clear()

    def keep_to_themselves(self) -> None:
        """NetBox hands nothing down: whatever others are in keeps what NetBox says of it for itself."""
        holders = {parent for data in self.things.values() for parent in data["in"]}
        holders |= {data["at"].partition(":")[0] for data in self.things.values() if "at" in data}
        for name in sorted(holders):
            self.things[name]["attrs"][str(OWN)] = {"json": list(_SAID)}

    def within(self, name: str, row: Row) -> None:
        """Puts a Thing where its row's scope is: into a Datacenter or a Room; a region or group is an attribute."""
        scope = self.dump.scope(row)
        if scope is None:
            return
        if place := self.name(*scope):
            self.attach(name, [place])
        elif (text := self.dump.text(*scope)) and scope.model in _WIDER:
            self.things[name]["attrs"][_WIDER[scope.model]] = clean(text)

    def attach(self, name: str, parents: Iterable[str]) -> None:
        """Puts a Thing into others; names that are empty are passed over."""
        inside = self.things[name]["in"]
        inside.extend(parent for parent in parents if parent and parent not in inside)

    def thing_attrs(self, name: str, attrs: Mapping[str, object]) -> None:
        """More attributes for a Thing."""
        self.things[name]["attrs"].update(_said(attrs))

    def part_attrs(self, owner: str, part: str, attrs: Mapping[str, object]) -> None:
        """More attributes for a part."""
        if values := _said(attrs):
            self.things[owner].setdefault("part_attrs", {}).setdefault(part, {}).update(values)

    def tags(self, key: Reference) -> list[str]:
        """The tags of an object."""
        return self._tags.get(key, [])


def _said(attrs: Mapping[str, object]) -> dict[str, object]:
    """What has a value."""
    return {field: clean(value) for field, value in attrs.items() if value not in (None, "", [])}


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


def _object_of(dump: Dump, row: Row) -> str:
    """The model of the objects that a custom field names; empty for one of another type."""
    if row.get("type") not in ("object", "multiobject"):
        return ""
    found = dump.generic(row.get("related_object_type") or row.get("object_type"), 0)
    return found.model if found else ""


def number(value: object) -> object:
    """A decimal as NetBox writes it, "4.00", as a number."""
    try:
        found = float(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return int(found) if isinstance(found, float) and found.is_integer() else found
