"""Objects as NetBox's REST API writes them, as rows of a dump: one shape, so that there is one translation.

What differs: a foreign key is an object with an `id`, a choice one with a `value`, tags and what a front port leads to
are lists in the object, and custom fields are called `custom_fields`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from sys import intern
from typing import Any

from clusto_core.transfer.netbox.dump import Dump
from clusto_core.transfer.netbox.models import MODELS

UPDATED = "last_updated"
TAGS = "tags"
"""Where a row that came by REST has the numbers of its tags."""
MAPPINGS = "rear_ports"
"""Where a front port of 4.5 and later has the rear ports behind it: its own position, the rear port, and that one's."""


def flat(model: str, data: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """The primary key and the row for an object; fields that are empty, or that no one reads, are left out.

    Raises KeyError, TypeError, ValueError for what is no object of NetBox.
    """
    pk = data["id"]
    if not isinstance(pk, int) or isinstance(pk, bool):
        raise TypeError("an object without a number")
    row = {field: plain for field in MODELS[model].fields if (plain := _plain(data.get(field))) not in (None, "", [])}
    if data.get(TAGS):
        row[TAGS] = [tag["id"] for tag in data[TAGS]]
    if data.get(UPDATED):
        row[UPDATED] = data[UPDATED]
    custom = {key: plain for key, value in (data.get("custom_fields") or {}).items()
              if (plain := _custom(value)) not in (None, "", [])}  # fmt: skip
    if custom:
        row["custom_field_data"] = custom
    return pk, row


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value["value"] if "value" in value else value["id"] if "id" in value else dict(value)
    if isinstance(value, str):
        # Of a million texts of a NetBox most are the same ones: types, names of interfaces, states.
        return intern(value)
    if isinstance(value, list):
        return [dict(each) if _is_mapping_of_ports(each) else _plain(each) for each in value]
    return value


def _is_mapping_of_ports(value: object) -> bool:
    return isinstance(value, Mapping) and "rear_port" in value


def _custom(value: Any) -> Any:
    """A custom field's value as NetBox keeps it: an object by its number; what is JSON of its own stays as it is."""
    if isinstance(value, Mapping):
        if "id" in value and "url" in value:
            return value["id"]
        return value["value"] if set(value) == {"value", "label"} else dict(value)
    return [_custom(each) for each in value] if isinstance(value, list) else value


def dump_of(tables: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> Dump:
    """The dump that is made of such rows, with the tables that a dump has of its own."""
    dump = Dump([])
    for model, rows in tables.items():
        dump.tables[model] = dict(rows)
        dump.without_key.setdefault("extras.taggeditem", []).extend(_tagged(model, rows))
    for sort in ("", "template"):
        mappings = dict(enumerate(_mappings(tables.get(f"dcim.frontport{sort}", {})), 1))
        if mappings:
            dump.tables[f"dcim.port{sort}mapping"] = mappings
    return dump


def _tagged(model: str, rows: Mapping[int, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for pk, row in rows.items():
        for tag in row.get(TAGS, ()):
            yield {"content_type": model, "object_id": pk, "tag": tag}


def _mappings(fronts: Mapping[int, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for pk, row in fronts.items():
        for each in row.get(MAPPINGS, ()):
            yield {
                "front_port": pk,
                "front_port_position": each.get("position") or 1,
                "rear_port": each["rear_port"],
                "rear_port_position": each.get("rear_port_position") or 1,
            }
