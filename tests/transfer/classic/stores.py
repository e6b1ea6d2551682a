"""Databases as the classic clusto 0.7 leaves them, written by plain SQL on each database: its tables and rows, with
versions and without, and a site in one."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from clusto_core.store.database import connect_to_write

_TABLES = {
    "clustoversioning": "version {id}, {timestamp} TIMESTAMP NULL, {user} VARCHAR(64), description TEXT",
    "entities": "entity_id {id}, name VARCHAR(128) NOT NULL, type VARCHAR(32) NOT NULL, driver VARCHAR(32) NOT NULL",
    "counters": "counter_id {id}, entity_id INTEGER NOT NULL, attr_key VARCHAR(256), value INTEGER",
    "entity_attrs": (
        "attr_id {id}, entity_id INTEGER NOT NULL, {key} VARCHAR(256), subkey VARCHAR(256), number INTEGER, "
        "datatype VARCHAR(32) NOT NULL, int_value INTEGER, string_value TEXT, datetime_value {moment}, "
        "relation_id INTEGER"
    ),
}
_VERSIONED = ", version INTEGER NOT NULL, deleted_at_version INTEGER"
BEGAN = datetime(2019, 3, 1, 12, 0, 0)
"""When the first version was made; each one is an hour after the one before."""


class Classic:
    """The database of a classic clusto at a URL. `versions`: whether what is changed is kept; `columns`: whether the
    tables have columns for it at all."""

    def __init__(self, url: str, *, versions: bool = True, columns: bool = True) -> None:
        self.versions = versions and columns
        self.version = 0
        self._columns = columns
        self._ids = 0
        self._open(url)
        self._make()

    def _open(self, url: str) -> None:
        self.url = url
        self._database = connect_to_write(url)

    def _make(self) -> None:
        mark = "`" if self._database.dialect == "mariadb" else '"'
        words = {word: f"{mark}{word}{mark}" for word in ("timestamp", "user", "key")}
        words["id"] = "INTEGER PRIMARY KEY"
        words["moment"] = "TIMESTAMP" if self._database.dialect == "postgresql" else "DATETIME"
        for table, columns in _TABLES.items():
            more = _VERSIONED if self._columns and table.startswith("entit") else ""
            if self._columns or table != "clustoversioning":
                self._run(f"CREATE TABLE {table} ({columns.format(**words)}{more})")

    def _run(self, sql: str, **parameters: Any) -> None:
        self._database.execute(sql, parameters)

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        self._database.insert(table, tuple(row), [tuple(row.values())])

    def again(self) -> None:
        """Opens it again, after it was closed."""
        self._open(self.url)

    def close(self) -> None:
        """Keeps all that was done."""
        self._database.connection.commit()
        self._database.close()

    def begin(self, user: str | None, description: str | None = None, hours: int | None = None) -> None:
        """A new version; what follows is of it."""
        self.version += 1
        if self.versions:
            time = BEGAN + timedelta(hours=self.version if hours is None else hours)
            moment = time.isoformat(" ") if self._database.dialect == "sqlite" else time
            row = {"version": self.version, "timestamp": moment, "user": user, "description": description}
            self._insert("clustoversioning", row)

    def _new(self, row: dict[str, Any], id: str) -> int:
        self._ids += 1
        row = {id: self._ids, **row}
        if self._columns:
            row |= {"version": self.version if self.versions else 1, "deleted_at_version": None}
        self._insert("entities" if id == "entity_id" else "entity_attrs", row)
        return self._ids

    def entity(self, name: str, type: str, driver: str = "") -> int:
        """A new entity; the driver is `basicTYPE` where none is given."""
        return self._new({"name": name, "type": type, "driver": driver or f"basic{type}"}, "entity_id")

    def attr(self, entity: int, key: str, value: Any = None, *, number: int | None = None, subkey: str | None = None,
             relation: int | None = None, json: bool = False) -> int:  # fmt: skip
        """A new attribute."""
        kind = "relation" if relation is not None else "json" if json else _kind(value)
        row: dict[str, Any] = {"entity_id": entity, "key": key, "subkey": subkey, "number": number, "datatype": kind}
        moment = value.isoformat(" ") if kind == "datetime" and self._database.dialect == "sqlite" else value
        row |= {"int_value": value if kind == "int" else None, "datetime_value": moment if kind == "datetime" else None}
        row |= {"string_value": value if kind in ("string", "json") else None, "relation_id": relation}
        return self._new(row, "attr_id")

    def drop(self, attribute: int) -> None:
        """Deletes an attribute."""
        self._delete("entity_attrs", "t.attr_id = :id", attribute)

    def delete(self, entity: int) -> None:
        """Deletes an entity with its attributes, and those that name it."""
        self._delete("entity_attrs", "(t.entity_id = :id OR t.relation_id = :id)", entity)
        self._delete("entities", "t.entity_id = :id", entity)

    def _delete(self, table: str, condition: str, id: int) -> None:
        condition = condition.replace("t.", "")
        if self.versions:
            sql = f"UPDATE {table} SET deleted_at_version = :version WHERE {condition} AND deleted_at_version IS NULL"
            self._run(sql, id=id, version=self.version)
        else:
            self._run(f"DELETE FROM {table} WHERE {condition}", id=id)

    def counter(self, entity: int, key: str, value: int) -> None:
        """A counter."""
        self._ids += 1
        self._insert("counters", {"counter_id": self._ids, "entity_id": entity, "attr_key": key, "value": value})

    # --- as the classic drivers do it --------------------------------------------------------------------------------

    def insert(self, container: int, *things: int) -> None:
        """Puts things into a container."""
        for thing in things:
            self.attr(container, "_contains", number=thing, relation=thing)

    def mount(self, rack: int, thing: int, *units: int) -> None:
        """Puts a thing into rack units."""
        for unit in units:
            self.attr(rack, "_contains", number=unit, subkey="ru", relation=thing)

    def cable(self, type: str, one: int, number: int, other: int, other_number: int) -> list[int]:
        """Connects two ports."""
        return [
            *self._half(type, one, number, other, other_number),
            *self._half(type, other, other_number, one, number),
        ]

    def _half(self, type: str, one: int, number: int, other: int, far: int) -> list[int]:
        key = f"port-{type}"
        relation = self.attr(one, key, number=number, subkey="connection", relation=other)
        return [relation, self.attr(one, key, far, number=number, subkey="otherportnum")]

    def address(self, thing: int, text: str, manager: int, number: int, port: str | None = None) -> None:
        """Gives a thing an address."""
        self.attr(thing, "ip", int(ipaddress.IPv4Address(text)) - 2**31, number=number)
        self.attr(thing, "ip", number=number, subkey="manager", relation=manager)
        self.attr(thing, "ip", text, number=number, subkey="ipstring")
        if port is not None:
            self.attr(thing, "ip", port, number=number, subkey="osportname")

    def given(self, thing: int, key: str, value: Any, manager: int, number: int) -> None:
        """Gives a thing something that a manager hands out."""
        self.attr(thing, key, value, number=number)
        self.attr(thing, key, number=number, subkey="manager", relation=manager)


def _kind(value: Any) -> str:
    return {int: "int", datetime: "datetime"}.get(type(value), "string")


def new(path: Path, **how: bool) -> Classic:
    """One in a file of SQLite."""
    return Classic(f"sqlite:///{path}", **how)


def site(classic: Classic) -> dict[str, int]:
    """A site with a bit of everything, in four versions; gives the ids of its entities by their names."""
    at: dict[str, int] = {}
    add, attr = classic.entity, classic.attr
    classic.begin(None)
    at["meta"] = add("clustometa", "clustometa", "clustometa")
    attr(at["meta"], "schemaversion", 3, subkey="property")
    classic.begin("ann", "a room")
    at["dc"] = add("dc", "datacenter")
    for name in ("rackA", "rackB"):
        at[name] = add(name, "rack")
        attr(at[name], "minu", 1, subkey="property")
        attr(at[name], "maxu", 45, subkey="property")
    classic.insert(at["dc"], at["rackA"], at["rackB"])
    attr(at["dc"], "snmp", "env:COMMUNITY", subkey="community")
    _managers(classic, at)
    classic.begin("bob", "devices")
    at["sw"] = add("sw", "networkswitch", "cisco4948")
    at["pdu"] = add("pdu", "powerstrip")
    at["cs"] = add("cs", "consoleserver")
    classic.mount(at["rackA"], at["sw"], 45)
    classic.mount(at["rackA"], at["cs"], 44)
    at["production"], at["spare"] = add("production", "pool", "pool"), add("spare", "pool", "pool")
    for number in (1, 2, 3):
        _server(classic, at, number)
    classic.begin("ann", "changes")
    classic.drop(at["ram1"])
    attr(at["web01"], "ram", 512)
    attr(at["web02"], "note", "während")
    classic.begin("bob", "web03 is gone")
    classic.delete(at["web03"])
    return at


def _managers(classic: Classic, at: dict[str, int]) -> None:
    add, attr = classic.entity, classic.attr
    at["net"] = add("net", "resourcemanager", "ipmanager")
    for key, value in (("baseip", "10.9.0.7"), ("netmask", "255.255.255.0"), ("gateway", "10.9.0.1")):
        attr(at["net"], key, value, subkey="property")
    at["names"] = add("names", "resourcemanager", "simpleentitynamemanager")
    for key, word in (("basename", "web"), ("digits", 2), ("next", 1), ("leadingZeros", 1)):
        attr(at["names"], key, word, subkey="property")
    classic.counter(at["names"], "next", 4)
    at["vlans"] = add("vlans", "resourcemanager", "sitevlanmanager")
    at["tags"] = add("tags", "resourcemanager", "simplenummanager")
    attr(at["tags"], "maxnum", 5000, subkey="property")


def _server(classic: Classic, at: dict[str, int], number: int) -> None:
    name = f"web{number:02}"
    server = at[name] = classic.entity(name, "server")
    classic.mount(at["rackA"], server, 2 * number - 1, 2 * number)
    classic.insert(at["production"] if number < 3 else at["spare"], server)
    classic.cable("nic-eth", server, 1, at["sw"], number)
    classic.cable("pwr-nema-5", server, 1, at["pdu"], number)
    classic.cable("console-serial", server, 1, at["cs"], number)
    classic.attr(server, "port-nic-eth", f"00:11:22:33:44:0{number}", number=1, subkey="mac")
    classic.attr(server, "port-nic-eth", "em1", number=1, subkey="osportname")
    classic.address(server, f"10.9.0.{10 + number}", at["net"], number, "em1")
    at[f"ram{number}"] = classic.attr(server, "ram", 64 * number)
    classic.attr(server, "disk", f"WD-{number}", number=0, subkey="serial")
    classic.attr(server, "serialnum", f"S{number}", subkey="property")
    classic.attr(server, "bought", datetime(2018, 1, 2, 3, 4, 5))
    classic.attr(server, "facts", '{"cores": 8}', json=True)
    classic.attr(server, "primary", relation=at["sw"])
    classic.given(server, "vlan", 100 + number % 2, at["vlans"], number)
    classic.given(server, "simplenum", 40 + number, at["tags"], number)
