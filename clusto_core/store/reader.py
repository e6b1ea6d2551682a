"""The read side: every question that a verb asks of the store, as a statement in portable SQL.

`Reader` works on a connection of its own, and inside a write transaction on that transaction's, so that what is read
there is what was written so far.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING

from clusto_core.drivers import Category, Driver, registry
from clusto_core.drivers.parts import FrontPort, Inlet, Outlet, RearPort
from clusto_core.drivers.resources import VRF
from clusto_core.errors import Malformed, NotFound, did_you_mean
from clusto_core.model import addresses
from clusto_core.model.addresses import Assigned
from clusto_core.model.attributes import HEAD, Key, Value
from clusto_core.model.names import composed, split_part
from clusto_core.model.things import Attribute, Inherited, Link, Thing, in_force, in_order, leads_on
from clusto_core.spelling import natural_key, suggest
from clusto_core.store.database import DEFINITIONS, Database, Row, connect, portions
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

# `COALESCE(a.key, '')` keeps SQLite, which has no statistics, from beginning at all that anything has under that key.
THING = "t.id, t.name, t.driver, t.owner_id, t.number"
_THING_BY_NAME = f"SELECT {THING} FROM things t WHERE t.name = :name"
_THINGS_BY_NAME = f"SELECT {THING} FROM things t WHERE t.name IN (:ids)"
_THINGS_BY_ID = f"SELECT {THING} FROM things t WHERE t.id IN (:ids)"
_THINGS_FROM = f"SELECT {THING} FROM things t WHERE t.id >= :first ORDER BY t.id"
_PARTS = f"SELECT {THING} FROM things t WHERE t.owner_id IN (:ids)"
_POWER_PARTS = f"""
    SELECT {THING}, f.id, f.name, f.driver, f.owner_id, f.number
    FROM things t LEFT JOIN connections c ON c.part_id = t.id
    LEFT JOIN things f ON f.id = COALESCE(c.far_part_id, c.far_thing_id)
    WHERE t.owner_id IN (:ids)"""
_PART_BY_LABEL = f"""
    SELECT {THING} FROM things t JOIN attributes a ON a.thing_id = t.id
    WHERE t.owner_id = :owner AND COALESCE(a.key, '') = 'label' AND a.head = :label"""
_HELD = """
    SELECT a.claim, a.thing_id, a.head, a.space_id, a.subkey FROM attributes a
    WHERE a.claim >= :low AND a.claim < :high ORDER BY a.claim"""
_SHARED = """
    SELECT a.id, a.thing_id, a.key, a.number, a.subkey, a.type, a.head, a.rest, a.space_id, NULL
    FROM attributes a WHERE a.key = '_ip' AND a.subkey > ''"""
_CLAIMANTS = "SELECT a.claim, a.thing_id, a.id FROM attributes a WHERE a.claim IN (:ids)"
_BY_VALUE = f"""
    SELECT {THING} FROM attributes a JOIN things t ON t.id = a.thing_id
    WHERE a.key = :key AND a.number IS NULL AND a.subkey IS NULL AND a.head IN (:ids)"""
_HOLDING = f"""
    SELECT a.head, {THING} FROM attributes a JOIN things t ON t.id = a.thing_id
    WHERE a.key = :key AND a.number IS NULL AND a.head IN (:ids)"""
_BY_KEY = f"SELECT {THING} FROM attributes a JOIN things t ON t.id = a.thing_id WHERE a.key = :key AND a.number IS NULL"
_ATTRIBUTE = """
    SELECT a.id, a.thing_id, a.key, a.number, a.subkey, a.type, a.head, a.rest, COALESCE(a.ref_id, a.space_id), r.name
    FROM attributes a LEFT JOIN things r ON r.id = a.ref_id"""
_ATTRIBUTES = _ATTRIBUTE + " WHERE a.thing_id IN (:ids)"
_VALUES = """
    SELECT a.id, a.thing_id, a.number, a.subkey, a.type, a.head, a.rest, COALESCE(a.ref_id, a.space_id), r.name
    FROM attributes a LEFT JOIN things r ON r.id = a.ref_id WHERE a.thing_id IN (:ids) AND a.key = :key"""
_UNDER_KEY = _ATTRIBUTE + " WHERE a.key = :key"
_HELD_UNDER = """
    SELECT a.id, a.thing_id, a.key, a.number, a.subkey, a.type, a.head, a.rest, COALESCE(a.ref_id, a.space_id), r.name,
           t.driver
    FROM attributes a JOIN things t ON t.id = a.thing_id LEFT JOIN things r ON r.id = a.ref_id WHERE a.key = :key"""
_OF_VALUE, _OF_REFERENCE = _UNDER_KEY + " AND a.head = :head", _UNDER_KEY + " AND a.ref_id = :ref"
_REFERRING = {column: f"{_ATTRIBUTE} WHERE a.{column} IN (:ids)" for column in ("ref_id", "space_id")}
_HAVING = {
    # By whether the key has a subkey, and whether the value is told.
    (subkey, text): _BY_KEY + of_subkey + of_text
    for subkey, of_subkey in ((False, " AND a.subkey IS NULL"), (True, " AND a.subkey = :subkey"))
    for text, of_text in ((False, ""), (True, " AND a.head = :text"))
}
_ATTRIBUTES_OF_PARTS = """
    SELECT a.id, a.thing_id, a.key, a.number, a.subkey, a.type, a.head, a.rest, COALESCE(a.ref_id, a.space_id), r.name
    FROM things t JOIN attributes a ON a.thing_id = t.id LEFT JOIN things r ON r.id = a.ref_id
    WHERE t.owner_id IN (:ids)"""
_ADDRESSES_OF_PARTS = f"""
    SELECT {THING}, a.head, a.space_id, a.subkey FROM things t JOIN attributes a ON a.thing_id = t.id
    WHERE t.owner_id IN (:ids) AND COALESCE(a.key, '') = '_ip'"""
_LINK = """
    SELECT c.cable_id, c.kind, c.thing_id,
           p.id, p.name, p.driver, p.owner_id, p.number,
           o.id, o.name, o.driver, o.owner_id, o.number,
           f.id, f.name, f.driver, f.owner_id, f.number, c.slot
    FROM connections c
    LEFT JOIN things p ON p.id = c.part_id
    JOIN things o ON o.id = COALESCE(c.other_part_id, c.other_thing_id)
    LEFT JOIN things f ON f.id = COALESCE(c.far_part_id, c.far_thing_id)"""
_LINKS = _LINK + " WHERE c.thing_id IN (:ids)"
_LINKS_OF_KIND = _LINKS + " AND c.kind = :kind"
_LINKS_OF_PART = _LINK + " WHERE c.part_id IN (:ids)"
_PARENTS = f"SELECT {THING} FROM containment k JOIN things t ON t.id = k.parent_id WHERE k.child_id = :id"
_PARENTS_OF = f"""
    SELECT p.id, {THING} FROM things p JOIN things t ON t.id = p.owner_id WHERE p.id IN (:ids)
    UNION SELECT a.thing_id, {THING} FROM attributes a JOIN things t ON t.id = a.ref_id
    WHERE a.thing_id IN (:ids) AND a.key = '_in'
    UNION SELECT c.thing_id, {THING} FROM connections c JOIN things t ON t.id = c.other_thing_id
    WHERE c.thing_id IN (:ids) AND c.part_id IS NULL"""
_CHILDREN = f"SELECT {THING} FROM containment k JOIN things t ON t.id = k.child_id WHERE k.parent_id = :id"
# Were key and owner plain conditions, SQLite would begin at all that are in something, or at all that are no parts.
_CONTENTS_BUT_PARTS = f"""
    SELECT a.ref_id, {THING} FROM attributes a JOIN things t ON t.id = a.thing_id
    WHERE a.ref_id IN (:ids) AND COALESCE(a.key, '') = '_in' AND COALESCE(t.owner_id, 0) = 0
    UNION SELECT c.other_thing_id, {THING} FROM connections c JOIN things t ON t.id = c.thing_id
    WHERE c.other_thing_id IN (:ids) AND c.part_id IS NULL"""
_CONTENTS = _CONTENTS_BUT_PARTS + f" UNION SELECT t.owner_id, {THING} FROM things t WHERE t.owner_id IN (:ids)"
_MOUNTED = """
    SELECT c.other_thing_id, c.thing_id, u.number, c.slot FROM connections c JOIN things u ON u.id = c.other_part_id
    WHERE c.part_id IS NULL AND c.thing_id IN (:ids)"""
_PARTNERS = f"SELECT {THING} FROM things t WHERE t.owner_id = :owner AND t.number = :number"
_NAMES_FROM = """
    SELECT t.name FROM things t WHERE t.owner_id IS NULL AND t.name >= :low AND t.name < :high
    ORDER BY t.name LIMIT :limit"""
_ALL = f"SELECT {THING} FROM things t WHERE t.owner_id IS NULL"
_ALL_IN_ORDER = f"SELECT {THING} FROM things t WHERE t.sort_key IS NOT NULL ORDER BY t.sort_key"
# By the index of drivers, not by that of owners, in which all whole Things are: see docs/architecture.md of `+`.
_OF_DRIVERS = f"SELECT {THING} FROM things t WHERE +t.owner_id IS NULL AND t.driver IN (:ids)"
_DRIVERS = """
    WITH RECURSIVE d(driver) AS (
        SELECT min(t.driver) FROM things t
        UNION ALL
        SELECT (SELECT min(t.driver) FROM things t WHERE t.driver > d.driver) FROM d WHERE d.driver IS NOT NULL
    ) SELECT d.driver FROM d WHERE d.driver IS NOT NULL"""
_NEXT_KEY = "SELECT min(a.key) FROM attributes a WHERE a.key > :key"
_NEXT_SUBKEY = "SELECT min(a.subkey) FROM attributes a WHERE a.key = :key AND a.subkey > :subkey"
_PLAIN_KEY = "SELECT 1 FROM attributes a WHERE a.key = :key AND a.subkey IS NULL LIMIT 1"
_ANY_KEY = "SELECT 1 FROM attributes a WHERE a.key = :key AND a.id < :id AND "
_WITH_SUBKEY = "SELECT 1 FROM attributes a WHERE a.key = :key AND a.subkey > '' LIMIT 1"
_WITH_NUMBER = "SELECT 1 FROM attributes a WHERE a.key = :key AND a.number IS NOT NULL LIMIT 1"
_SUBKEY, _NO_SUBKEY = "a.subkey = :subkey LIMIT 1", "a.subkey IS NULL LIMIT 1"
_LATER_CHANGES = """
    SELECT c.transaction_id, c.before, c.after FROM changes c
    WHERE c.thing_id = :id AND c.transaction_id > :number ORDER BY c.transaction_id DESC"""
_TAKEN_OUT_OF = """
    SELECT c.before FROM changes c JOIN transactions x ON x.id = c.transaction_id
    WHERE c.thing_id = :id AND x.time >= :since AND c.before IS NOT NULL"""
_MEMBERS = f"SELECT {THING} FROM attributes a JOIN things t ON t.id = a.thing_id WHERE a.ref_id = :id AND a.key = '_in'"

OF_THINGS = frozenset(
    {
        *(_ATTRIBUTES, _VALUES, _ATTRIBUTES_OF_PARTS, _ADDRESSES_OF_PARTS, _LINKS, _LINKS_OF_KIND, _LINKS_OF_PART),
        *(_POWER_PARTS, _PARENTS_OF, _CONTENTS_BUT_PARTS, _MOUNTED),
    }
)
"""Statements that look at attributes and cables of those Things and parts alone whose ids they are given, and of others
at what is reserved, names something, or is a position."""
RESERVED = frozenset({_MEMBERS, DEFINITIONS, _HELD, _SHARED, _OF_REFERENCE, *_REFERRING.values()})
"""Statements that look at reserved attributes and at those that name something alone."""
OF_KEY = frozenset({_BY_VALUE, _HOLDING, _UNDER_KEY, _HELD_UNDER, _OF_VALUE, *_HAVING.values()})
"""Statements that look at attributes of the one key that their parameter `key` says."""


class Held(NamedTuple):
    """An address, who holds it, in which address space (a VRF; None for the one without a name), and as what it is
    shared (None where it is one holder's)."""

    address: str
    holder: Thing
    space: Thing | None
    shared: str | None

    @property
    def space_name(self) -> str:
        """The name of the address space; empty for the one that has none."""
        return self.space.name if self.space is not None else ""

    @property
    def assigned(self) -> Assigned:
        """The address as text has it, its space said where that has a name."""
        return Assigned(self.address, self.space.name if self.space is not None else None, self.shared)


class Holding:
    """A row of an attribute and the driver of what has it: of very many, records are made of the few that matter."""

    __slots__ = ("_row",)

    def __init__(self, row: Row) -> None:
        self._row = row

    @property
    def id(self) -> int:
        """The id of what has it."""
        return int(self._row[1])

    @property
    def number(self) -> int | None:
        """The number that the key has there."""
        found: int | None = self._row[3]
        return found

    @property
    def driver(self) -> str:
        """The driver of what has it."""
        return str(self._row[10])

    @property
    def value(self) -> Value:
        """The value."""
        return _value(*self._row[5:10])

    @property
    def attribute(self) -> Attribute:
        """The attribute."""
        return _attribute(self._row[:10])


@contextlib.contextmanager
def open_reader(url: str) -> Iterator[Reader]:
    """A reader over one consistent view of the store. Raises NotFound, StoreBroken as `database.connect`."""
    from clusto_core.store.damage import explained

    with contextlib.closing(connect(url)) as database, explained(database):
        yield Reader(database)


class Reader:
    """Questions to the store."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.discreet = False
        """Whether expressions may not test the values of what is secret, which would tell them by and by."""

    @property
    def now(self) -> datetime:
        """The time at which the store is looked at: the present, or when it was so (`Database.now`)."""
        return self.database.now

    # --- Things by name ----------------------------------------------------------------------------------------------

    def get(self, name: str) -> Thing | None:
        """The Thing or part with exactly that name."""
        rows = self.database.rows(_THING_BY_NAME, {"name": name})
        return Thing(*rows[0]) if rows else None

    def find_names(self, names: Iterable[str]) -> dict[str, Thing]:
        """The Things and parts that have exactly these names, by name."""
        return {row[1]: Thing(*row) for row in self.database.rows_in(_THINGS_BY_NAME, list(names))}

    def by_ids(self, ids: Iterable[int]) -> dict[int, Thing]:
        """The Things and parts with these ids."""
        return {row[0]: Thing(*row) for row in self.database.rows_in(_THINGS_BY_ID, list(ids))}

    def resolve(self, name: str) -> Thing:
        """What an operator means by `name`: a Thing, a part by name or by label, or the one Thing that holds that IP
        address, MAC or serial number. Raises NotFound with a suggestion, Malformed when several hold it."""
        name = composed(name)
        found = self.get(name)
        if found:
            return found
        owner_name, part_name = split_part(name)
        if part_name is not None:
            owner = self.get(owner_name)
            if owner:
                return self._part_by_label(owner, part_name)
        holders = self._holders(name)
        if len(holders) == 1:
            return holders.pop()
        if holders:
            raise Malformed(f"several Things hold {name}: {self._told(name, holders)}")
        missing = name if part_name is None or addresses.parse_mac(name) or addresses.sought(name) else owner_name
        raise NotFound(f"no such thing: {missing}{did_you_mean(self.suggestion(missing))}")

    def _part_by_label(self, owner: Thing, label: str) -> Thing:
        rows = self.database.rows(_PART_BY_LABEL, {"owner": owner.id, "label": label})
        if len(rows) == 1:
            return Thing(*rows[0])
        if rows:
            raise Malformed(f"several parts of {owner.name} have the label {label}")
        guess = suggest(label, [part.part_name for part in self.parts(owner.id)])
        raise NotFound(f"no such part: {owner.name}:{label}{did_you_mean(guess and f'{owner.name}:{guess}')}")

    def _told(self, text: str, holders: set[Thing]) -> str:
        """The names of several that hold something, each with the address space where there are such."""
        if (address := addresses.sought(text)) is not None and address.space is None:
            held = self.holders(address)
            if len({each.space for each in held}) > 1:
                return ", ".join(f"{each.holder.owner_name} ({each.assigned})" for each in held[:5])
        return ", ".join(thing.name for thing in in_order(holders)[:5])

    def _holders(self, text: str) -> set[Thing]:
        rows: list[Row] = []
        if (address := addresses.sought(text)) is not None:
            owners = {each.holder.entity_id for each in self.holders(address)}
            if owners:
                return set(self.by_ids(owners).values())
        elif mac := addresses.parse_mac(text, bare=True):
            spellings = addresses.mac_spellings(mac)
            rows = list(self.database.rows_in(_BY_VALUE, [*spellings, text], {"key": "mac"}))
        if not rows:
            rows = list(self.database.rows_in(_BY_VALUE, [text], {"key": "serial"}))
        holders = {thing.entity_id for thing in (Thing(*row) for row in rows)}
        return set(self.by_ids(holders).values())

    def having(self, key: Key, text: str | None = None) -> Iterator[Thing]:
        """The Things and parts with an attribute under exactly that key: with any value, or with the one spelled so."""
        known = {"key": key.key, "subkey": key.subkey or "", "text": text or ""}
        sql = _HAVING[key.subkey is not None, text is not None]
        return (Thing(*row) for row in self.database.iterate(sql, known))

    def holding(self, key: Key, texts: Iterable[str]) -> dict[str, list[Thing]]:
        """The Things and parts with a value under exactly that key that begins as one of these texts does, by it."""
        found: dict[str, list[Thing]] = {}
        known = {"key": key.key, "subkey": key.subkey or ""}
        of_subkey = " AND a.subkey IS NULL" if key.subkey is None else " AND a.subkey = :subkey"
        for head, *row in self.database.rows_in(_HOLDING + of_subkey, list(texts), known):
            found.setdefault(head, []).append(Thing(*row))
        return found

    def suggestion(self, name: str) -> str | None:
        """The name in the store that is nearest to a mistyped one: one edit away, else among its neighbours."""
        near = {edit for edit in _edits(name) if edit}
        found = [row[1] for row in self.database.rows_in(_THINGS_BY_NAME, sorted(near)) if row[3] is None]
        if not found:
            low = name[:2]
            found = self.names_from(low, low + "\U0010ffff", 2000) if low else []
        return suggest(name, found)

    def names_from(self, low: str, high: str, limit: int) -> list[str]:
        """Names of whole Things from `low` up to but not `high`, in the order of their characters."""
        return [row[0] for row in self.database.rows(_NAMES_FROM, {"low": low, "high": high, "limit": limit})]

    # --- what a Thing has --------------------------------------------------------------------------------------------

    def parts(self, *owner_ids: int, driver: type[Driver] | None = None) -> list[Thing]:
        """The parts of these equipments, of any kind or of one, in natural order."""
        parts = (Thing(*row) for row in self.database.rows_in(_PARTS, owner_ids))
        return in_order(part for part in parts if driver is None or part.is_a(driver))

    def parts_as_made(self, *owner_ids: int) -> list[Thing]:
        """The parts of these equipments, in the order in which they were made."""
        return [Thing(*row) for row in sorted(self.database.rows_in(_PARTS, owner_ids), key=itemgetter(0))]

    def power_parts(self, *owner_ids: int) -> list[tuple[Thing, Thing | None]]:
        """The inlets and outlets of these equipments, in natural order, each with the end of its cable's path."""
        rows = self.database.rows_in(_POWER_PARTS, owner_ids)
        found = [
            (Thing(*row[:5]), Thing(*row[5:]) if row[5] is not None else None)
            for row in rows
            if issubclass(registry.of(row[2]), (Inlet, Outlet))
        ]
        return sorted(found, key=lambda each: natural_key(each[0].name))

    def attributes(self, *thing_ids: int) -> list[Attribute]:
        """All attributes of these Things, in the order in which they were given."""
        return sorted(map(_attribute, self.database.rows_in(_ATTRIBUTES, thing_ids)))

    def attributes_of_parts(self, *owner_ids: int) -> list[Attribute]:
        """All attributes of all parts of these equipments."""
        return sorted(map(_attribute, self.database.rows_in(_ATTRIBUTES_OF_PARTS, owner_ids)))

    def attributes_under(self, key: Key, *, has: bool = False, any_number: bool = False) -> list[Attribute]:
        """All attributes under a key, of whatever Thing or part; with `has`, those too by which a Thing has the key:
        see `Key.has`; with `any_number`, those under each number of the key too."""
        found = map(_attribute, self.database.rows(_UNDER_KEY, {"key": key.key}))
        if any_number:
            return [each for each in found if each.key.subkey == key.subkey]
        under = key.has if has else key.covers
        return [attribute for attribute in found if under(attribute.key)]

    def held_under(self, key: Key) -> list[Holding]:
        """All attributes under each number of a key, in the order in which they were given, and who has them."""
        rows = [row for row in self.database.rows(_HELD_UNDER, {"key": key.key}) if row[4] == key.subkey]
        rows.sort(key=itemgetter(0))
        return list(map(Holding, rows))

    def attributes_from(self, first: int, key: str = "") -> list[Attribute]:
        """The attributes whose ids are that one or above, under any number and subkey of a key where one is said."""
        sql = _ATTRIBUTE + " WHERE a.id >= :first" + (" AND a.key = :key" if key else "")
        known = {"first": first, "key": key} if key else {"first": first}
        return sorted(map(_attribute, self.database.rows(sql, known)))

    def things_from(self, first: int) -> list[Thing]:
        """The Things and parts whose ids are that one or above."""
        return [Thing(*row) for row in self.database.rows(_THINGS_FROM, {"first": first})]

    def attributes_with(self, key: Key, value: Value) -> list[Attribute]:
        """All attributes under a key that have a value of that text."""
        if value.type == "relation":
            rows = self.database.rows(_OF_REFERENCE, {"key": key.key, "ref": value.ref})
        else:
            parameters = {"key": key.key, "head": value.text[:HEAD]}
            rows = self.database.rows(_OF_VALUE, parameters)
        found = map(_attribute, rows)
        return [each for each in found if each.key == key and each.value.text == value.text]

    def values_under(self, key: Key, thing_ids: Sequence[int]) -> dict[int, list[Value]]:
        """The values under a key that these Things have, by their ids, in the order in which they were given."""
        # Number and subkey are no conditions of the statement: SQLite would then begin at all that have the key.
        rows = sorted(self.database.rows_in(_VALUES, thing_ids, {"key": key.key}), key=itemgetter(0))
        found: dict[int, list[Value]] = {}
        for _, thing_id, number, subkey, type, head, rest, ref_id, ref_name in rows:
            if number == key.number and subkey == key.subkey:
                text = ref_name if type == "relation" else head if rest is None else head + rest
                found.setdefault(thing_id, []).append(Value(type, text, ref_id))
        return found

    def addresses_of_parts(self, *owner_ids: int) -> list[tuple[Thing, str, int | None, str | None]]:
        """The addresses that parts of these equipments hold, in natural order of the parts: the part, the address, the
        id of its VRF, and as what it is shared."""
        found = [(Thing(*row[:5]), *row[5:]) for row in self.database.rows_in(_ADDRESSES_OF_PARTS, owner_ids)]
        return sorted(found, key=lambda each: (natural_key(each[0].name), each[1]))

    def links(self, *thing_ids: int, kind: str | None = None) -> list[Link]:
        """The cables of these equipments and of all their parts, of any kind or of one."""
        sql = _LINKS if kind is None else _LINKS_OF_KIND
        return [_link(row) for row in self.database.rows_in(sql, thing_ids, {"kind": kind} if kind else None)]

    def links_of_parts(self, *part_ids: int) -> list[Link]:
        """The cables of these parts; at most one each, but of rack units one for each device in it."""
        return [_link(row) for row in self.database.rows_in(_LINKS_OF_PART, part_ids)]

    def links_of(self, thing: Thing) -> list[Link]:
        """The cables of a Thing and all its parts, or of one part."""
        return self.links_of_parts(thing.id) if thing.is_part else self.links(thing.id)

    # --- containment -------------------------------------------------------------------------------------------------

    def parents(self, thing_id: int) -> list[Thing]:
        """What it is directly in: categories before places, since what a machine is says more than where it stands."""
        found = {thing.id: thing for thing in (Thing(*row) for row in self.database.rows(_PARENTS, {"id": thing_id}))}
        return sorted(found.values(), key=rank)

    def parents_of(self, ids: Iterable[int]) -> dict[int, list[Thing]]:
        """What each of many is directly in, as `parents` tells it; nothing for those that are in nothing."""
        found: dict[int, list[Thing]] = {}
        for row in self.database.rows_in(_PARENTS_OF, list(ids)):
            found.setdefault(row[0], []).append(Thing(*row[1:]))
        for parents in found.values():
            parents.sort(key=rank)
        return found

    def children(self, thing_id: int) -> list[Thing]:
        """What is directly in it: its parts, its members, the equipment in its rack units."""
        return in_order({Thing(*row) for row in self.database.rows(_CHILDREN, {"id": thing_id})})

    def contents(self, ids: Iterable[int], *, parts: bool) -> dict[int, list[Thing]]:
        """What is directly in each of these Things, by their ids; with their parts or without."""
        found: dict[int, list[Thing]] = {}
        for row in self.database.rows_in(_CONTENTS if parts else _CONTENTS_BUT_PARTS, list(ids)):
            found.setdefault(row[0], []).append(Thing(*row[1:]))
        return found

    def rack_units(self, ids: Iterable[int]) -> dict[tuple[int, int], str]:
        """Where these are mounted, by the ids of rack and equipment: `RU13`, `RU13-14`, `RU3.5/rear`."""
        from clusto_core.model.mounting import spelled

        found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for rack, thing, number, slot in self.database.rows_in(_MOUNTED, list(ids)):
            found.setdefault((rack, thing), []).append((number, slot))
        return {key: spelled(units) for key, units in found.items()}

    def ancestors(self, thing: Thing) -> list[Thing]:
        """Everything that it is in, nearest first, each once."""
        seen = {thing.id}
        found: list[Thing] = []
        level = [thing]
        while level:
            following = []
            for child in level:
                for parent in self.parents(child.id):
                    if parent.id not in seen and leads_on(child, parent, thing):
                        seen.add(parent.id)
                        found.append(parent)
                        following.append(parent)
            level = following
        return found

    def effective(self, thing: Thing) -> list[Inherited]:
        """The attributes in force for a Thing: its own, and under each key that it lacks those of the nearest Thing
        that it is in. Reserved keys are not inherited."""
        origins = [thing, *self.ancestors(thing)]
        by_thing: dict[int, list[Attribute]] = {}
        for attribute in self.attributes(*(origin.id for origin in origins)):
            by_thing.setdefault(attribute.thing_id, []).append(attribute)
        # Which keys are not inherited is in the registry, whose import takes a while.
        own_keys = self.own_keys if any(id != thing.id for id in by_thing) else frozenset()
        return in_force(origins, lambda origin: by_thing.get(origin.id, ()), own_keys)

    def collected(self, thing: Thing) -> list[Inherited]:
        """The attributes of a Thing and of all that it is in, nearest first: those too that nearer ones stand in front
        of. Reserved keys are its own alone."""
        origins = [thing, *self.ancestors(thing)]
        by_thing: dict[int, list[Attribute]] = {}
        for attribute in self.attributes(*(origin.id for origin in origins)):
            if attribute.thing_id == thing.id or not attribute.key.reserved:
                by_thing.setdefault(attribute.thing_id, []).append(attribute)
        return [Inherited(attribute, origin) for origin in origins for attribute in by_thing.get(origin.id, ())]

    def setting(self, thing: Thing, key: str) -> str | None:
        """The one value in force under a key, inherited or own, with `env:` and `file:` not yet resolved."""
        wanted = Key.parse(key)
        values = [each.attribute.value.text for each in self.effective(thing) if each.attribute.key == wanted]
        return values[0] if values else None

    # --- paths -------------------------------------------------------------------------------------------------------

    def partner(self, part: Thing) -> Thing | None:
        """The other side of a patch panel's port, with which it is one path; None for parts of anything else."""
        if not part.is_a(FrontPort) and not part.is_a(RearPort):
            return None
        wanted = RearPort if part.is_a(FrontPort) else FrontPort
        rows = self.database.rows(_PARTNERS, {"owner": part.owner_id, "number": part.number})
        for candidate in (Thing(*row) for row in rows):
            if candidate.is_a(wanted):
                return candidate
        return None

    def trace(self, part: Thing) -> list[Thing]:
        """The whole path that a part is on, end to end: parts in order, two ports of one panel side by side.

        It begins at `part`, unless that is a port of a patch panel in the middle of a path: then at one of the ends.
        """
        partner = self.partner(part)
        if partner is None:
            return [part, *self._walk(part)]
        behind = self._walk(partner)
        before = [*reversed(behind), partner, part]
        if part in behind:
            return before[:-1]
        return before + self._walk(part)

    def _walk(self, part: Thing) -> list[Thing]:
        path: list[Thing] = []
        seen = {part.id}
        here: Thing | None = part
        while here is not None:
            links = self.links_of_parts(here.id)
            if not links or links[0].other.id in seen:
                break
            other = links[0].other
            path.append(other)
            seen.add(other.id)
            here = self.partner(other)
            if here is not None:
                if here.id in seen:
                    break
                path.append(here)
                seen.add(here.id)
        return path

    # --- the whole store ---------------------------------------------------------------------------------------------

    def all(self, drivers: Iterable[str] = ()) -> list[Thing]:
        """All whole Things (no parts), of these drivers as the store names them, or of any; in no order."""
        names = list(drivers)
        if not names:
            return [Thing(*row) for row in self.database.rows(_ALL)]
        return [Thing(*row) for row in self.database.rows_in(_OF_DRIVERS, names)]

    def in_order(self) -> Iterator[Thing]:
        """All whole Things in natural order, as they are read."""
        return (Thing(*row) for row in self.database.lazily(_ALL_IN_ORDER))

    def drivers(self) -> list[str]:
        """The drivers that the store has Things of."""
        return [row[0] for row in self.database.rows(_DRIVERS)]

    def has_key(self, key: Key, before: int) -> bool:
        """Whether any Thing has an attribute under that key, with whatever number, whose id is below that one."""
        sql, known = _ANY_KEY, {"key": key.key, "subkey": key.subkey or "", "id": before}
        return bool(self.database.rows(sql + (_NO_SUBKEY if key.subkey is None else _SUBKEY), known))

    def is_table(self, key: Key) -> bool:
        """Whether anything has that key with a number or a subkey that it does not say: see `Key.above`."""
        if key.subkey is not None:
            return False
        known = {"key": key.key}
        return bool(
            self.database.rows(_WITH_SUBKEY, known) or (key.number is None and self.database.rows(_WITH_NUMBER, known))
        )

    def definitions(self) -> dict[str, dict[str, object]]:
        """What the site declared of its keys, as plain data, by the keys."""
        rows = self.database.definitions
        if rows is None:
            rows = self.database.rows(DEFINITIONS)
        if not rows:
            return {}
        import json

        return {name[1:]: json.loads(head + (rest or "")) for name, head, rest in rows}

    @cached_property
    def own_keys(self) -> frozenset[Key]:
        """The keys that are not inherited."""
        from clusto_core.model.keys import own

        return own() | {Key.parse(key) for key, told in self.definitions().items() if told.get("no_inherit")}

    def keys(self) -> list[str]:
        """The keys in the store, each with its subkeys: `status`, `snmp.community`; numbers are left out."""
        found: list[str] = []
        key = self.database.rows(_NEXT_KEY, {"key": ""})[0][0]
        while key is not None:
            if self.database.rows(_PLAIN_KEY, {"key": key}):
                found.append(key)
            subkey = self.database.rows(_NEXT_SUBKEY, {"key": key, "subkey": ""})[0][0]
            while subkey is not None:
                found.append(f"{key}.{subkey}")
                subkey = self.database.rows(_NEXT_SUBKEY, {"key": key, "subkey": subkey})[0][0]
            key = self.database.rows(_NEXT_KEY, {"key": key})[0][0]
        return found

    def members(self, thing: Thing) -> list[Thing]:
        """The Things that were put in this one (not the equipment in its rack units)."""
        return in_order(Thing(*row) for row in self.database.rows(_MEMBERS, {"id": thing.id}))

    def held(self, low: str, high: str, limit: int | None = None) -> list[Held]:
        """Who holds the addresses between two claims, in every address space, in the order of the addresses; at most
        so many."""
        sql = _HELD if limit is None else f"{_HELD} LIMIT {int(limit)}"
        return self._told_of(self.database.rows(sql, {"low": low, "high": addresses.last_claim(high)}))

    def all_held(self, low: str, high: str) -> Iterator[Held]:
        """The same as they are read."""
        rows = self.database.lazily(_HELD, {"low": low, "high": addresses.last_claim(high)})
        return (each for portion in portions(rows) for each in self._told_of(portion))

    def _told_of(self, rows: list[Row]) -> list[Held]:
        things = self.by_ids({id for row in rows for id in row[1:4:2] if id is not None} if rows else ())
        return [Held(row[2], things[row[1]], things.get(row[3]), row[4]) for row in rows]

    def holders(self, wanted: Assigned) -> list[Held]:
        """Who holds an address: several do where it is shared, or in several address spaces. Only those in one space,
        where `wanted` says which."""
        claim = addresses.claim_of(wanted.address)
        found = self.held(claim, claim) if claim is not None else []
        return found if wanted.space is None else [each for each in found if each.space_name == wanted.space]

    def shared_addresses(self) -> list[Attribute]:
        """All addresses that several may hold at once."""
        return [_attribute(row) for row in self.database.rows(_SHARED)]

    def spaces(self) -> dict[int, Thing]:
        """The address spaces that have a name, by their ids."""
        return {thing.id: thing for thing in self.all([VRF.__name__])}

    def claimants(self, claims: Iterable[str]) -> Iterator[Row]:
        """Who holds each of these claims, if anyone: (claim, the holder's id, the attribute's id)."""
        return self.database.rows_in(_CLAIMANTS, list(claims))

    def later_changes(self, thing_id: int, number: int) -> list[Row]:
        """The changes to a Thing after that transaction, newest first: (transaction, before, after) as JSON."""
        return self.database.rows(_LATER_CHANGES, {"id": thing_id, "number": number})

    def taken_out_of(self, thing_id: int, since: int) -> list[str]:
        """What changes to a Thing since then (microseconds since 1970, UTC) took out, as JSON."""
        return [row[0] for row in self.database.rows(_TAKEN_OUT_OF, {"id": thing_id, "since": since})]

    def referring(self, thing_ids: Iterable[int]) -> list[Attribute]:
        """The attributes that name one of these Things, addresses in the address space that it is among them."""
        ids = list(thing_ids)
        return [_attribute(row) for sql in _REFERRING.values() for row in self.database.rows_in(sql, ids)]


def rank(parent: Thing) -> tuple[bool, str]:
    """Sorts what a Thing is in: categories first."""
    return (not parent.is_a(Category), natural_key(parent.name))


def _attribute(row: Row) -> Attribute:
    id, thing_id, key, number, subkey, *value = row
    return Attribute(id, thing_id, Key(key, number, subkey), _value(*value))


def _value(type: str, head: str, rest: str | None, ref_id: int | None, ref_name: str) -> Value:
    return Value(type, ref_name if type == "relation" else head if rest is None else head + rest, ref_id)


def _link(row: Row) -> Link:
    part = Thing(*row[3:8]) if row[3] is not None else None
    far = Thing(*row[13:18]) if row[13] is not None else None
    return Link(row[0], row[1], row[2], part, Thing(*row[8:13]), far, row[18])


_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-._"


def _edits(name: str) -> Iterator[str]:
    """All names one deletion, transposition, replacement or insertion away (for names of a sensible length)."""
    if len(name) > 40:
        return
    yield name.lower()
    for at in range(len(name) + 1):
        head, tail = name[:at], name[at:]
        if tail:
            yield head + tail[1:]
            for letter in _LETTERS:
                yield head + letter + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
