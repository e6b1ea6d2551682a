"""Names that are values are kept by id; addresses are within address spaces.

What named a Thing or a part by text becomes a relation where the name leads somewhere; what does not stays, and is
told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0007"
down_revision = "0006"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_CLAIM = {length: sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql") for length in (40, 80)}
_SAME = "a.key = :key AND a.number IS NULL AND COALESCE(a.subkey, '') = :subkey AND a.type = 'string'"
_TEXTS = f"""
    SELECT a.id, a.thing_id, a.head, t.name, t.owner_id, t.driver
    FROM attributes a JOIN things t ON t.id = a.thing_id WHERE {_SAME} ORDER BY a.id"""
_RELATE = """
    UPDATE attributes SET type = 'relation', head = NULL, rest = NULL, ref_id = :ref WHERE id = :id"""
_ATTRIBUTES = sa.table("attributes", *map(sa.column, ("id", "thing_id", "key", "subkey", "type", "head", "ref_id")))
# Drivers as they were: what has rack units and cards of its own.
_DEVICES = frozenset(
    ("Server", "Appliance", "Switch", "Router", "Firewall", "LoadBalancer", "ConsoleServer", "PDU", "PatchPanel")
)
_NAMED = re.compile(r"""name:(?:"([^"\\]+)"|'([^'\\]+)'|([^\s()\[\]{}*?/"'\\]+)(?=[\s)]|$))""")


def upgrade() -> None:
    """The column first: what is converted may be read by it."""
    _spaces()
    left = context.config.attributes.setdefault("told", [])
    store = _Store(op.get_bind())
    for key in (("type", None), ("vrf", None), ("inlet", None), ("lag", None), ("rebuild", "nic")):
        left.extend(store.convert(*key))
    left.extend(store.link_expressions())
    store.close()


def _spaces() -> None:
    """SQLite holds no text to a length, and would copy the whole table to say another one."""
    foreign_key = "fk_attributes_space_id"
    if op.get_context().dialect.name == "sqlite":
        column = f"space_id INTEGER CONSTRAINT {foreign_key} REFERENCES things (id)"
        op.execute(f"ALTER TABLE attributes ADD COLUMN {column}")
    else:
        op.add_column("attributes", sa.Column("space_id", _ID))
        op.create_foreign_key(foreign_key, "attributes", "things", ["space_id"], ["id"])
        op.alter_column("attributes", "claim", existing_type=_CLAIM[40], type_=_CLAIM[80], existing_nullable=True)
    spaces = sa.text("space_id IS NOT NULL")
    op.create_index("ix_attributes_space", "attributes", ["space_id"], sqlite_where=spaces, postgresql_where=spaces)


class _Store:
    """The rows of a store, as this step finds them."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.next_id: int = self._rows("SELECT s.next_id FROM store s")[0][0]

    def _rows(self, sql: str, **known: object) -> list[Any]:
        return list(self.connection.execute(sa.text(sql), known))

    def _run(self, sql: str, **known: object) -> None:
        self.connection.execute(sa.text(sql), known)

    def _insert(self, **columns: Any) -> None:
        row = {"id": self._new_id(), "thing_id": columns.pop("thing"), "ref_id": columns.pop("ref"), **columns}
        self.connection.execute(sa.insert(_ATTRIBUTES).values(row))

    def _thing(self, name: str) -> tuple[int, str] | None:
        found = self._rows("SELECT t.id, t.driver FROM things t WHERE t.name = :name", name=name)
        return (found[0][0], found[0][1]) if found else None

    def _new_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def close(self) -> None:
        """Writes which ids are given out."""
        self._run("UPDATE store SET next_id = :id", id=self.next_id)

    def convert(self, key: str, subkey: str | None) -> Iterator[str]:
        """Makes text under a key a relation; gives a line for what leads nowhere."""
        spelled = key if subkey is None else f"{key}.{subkey}"
        for id, thing, text, name, owner, driver in self._rows(_TEXTS, key=key, subkey=subkey or ""):
            is_part = owner is not None
            if is_part != (key in ("inlet", "lag")) or (key in ("type", "rebuild") and driver not in _DEVICES):
                continue
            if (key, driver) not in {("vrf", "Network"), ("inlet", "Outlet")} and key in ("vrf", "inlet"):
                continue
            found = self._meant(key, text or "", name)
            if not found:
                yield f"{spelled} of {name} names what is not there: {text}"
                continue
            self._run(_RELATE, ref=found[0], id=id)
            for other in found[1:]:
                known = {"key": key, "subkey": subkey, "type": "relation", "head": None, "ref": other}
                self._insert(thing=thing, **known)

    def _meant(self, key: str, text: str, name: str) -> list[int]:
        """The ids of what a text names, all of it, or none."""
        if key in ("type", "vrf"):
            found = self._thing(text)
            return [found[0]] if found and found[1] == {"type": "DeviceType", "vrf": "VRF"}[key] else []
        owner = name.partition(":")[0]
        kinds = ("Inlet",) if key == "inlet" else ("NIC", "Port")
        words = [text] if self._thing(f"{owner}:{text}") else re.split(r"[\s,]+", text.strip())
        parts = [part for word in words if (part := self._thing(f"{owner}:{word}")) and part[1] in kinds]
        return list(dict.fromkeys(part[0] for part in parts)) if len(parts) == len(words) else []

    def link_expressions(self) -> Iterator[str]:
        """Keeps which Things saved expressions name."""
        for _, thing, text, name, _, _ in self._rows(_TEXTS, key="_expression", subkey=""):
            for match in dict.fromkeys(map(re.Match.group, _NAMED.finditer(text or ""))):
                [groups] = [each.groups() for each in [_NAMED.match(match)] if each]
                word = next(filter(None, groups))
                known: dict[str, Any] = {"thing": thing, "key": "_expression"}
                if (found := self._thing(word)) is not None:
                    relation: dict[str, Any] = {"subkey": "names", "type": "relation", "head": None, "ref": found[0]}
                    self._insert(**known, **relation)
                else:
                    self._insert(**known, subkey="gone", type="string", head=word, ref=None)
                    yield f"{name} names what is not there: {word}"
