"""What the constraints of the database cannot say, proved by questions to it: `clusto db check`.

What only the rules of the model keep is proved by those very rules: names, keys, values, what is reserved, one place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from clusto_core.drivers import Driver, Equipment, Part, registry
from clusto_core.errors import ClustoError, Malformed
from clusto_core.model import addresses, holding, interfaces, keys, mounting, reserved, wiring
from clusto_core.model.attributes import IN, IP, Key, Value, checked
from clusto_core.model.grammars import RackUnits
from clusto_core.model.names import split_part, trailing_number
from clusto_core.model.things import Link, Thing
from clusto_core.records import history
from clusto_core.rules import cabling, declared, kinds, parts, spaces
from clusto_core.spelling import natural_key
from clusto_core.store import damage, seals
from clusto_core.store.database import Database, Row, connect_elsewhere
from clusto_core.store.reader import Reader

_QUESTIONS: tuple[tuple[str, str], ...] = (
    (
        "{} belongs to a Thing that is not there",
        "SELECT t.name FROM things t LEFT JOIN things o ON o.id = t.owner_id "
        "WHERE t.owner_id IS NOT NULL AND o.id IS NULL",
    ),
    (
        "{} is a part of a part",
        "SELECT t.name FROM things t JOIN things o ON o.id = t.owner_id WHERE o.owner_id IS NOT NULL",
    ),
    (
        "{} is a part, and is listed as if it were none",
        "SELECT t.name FROM things t WHERE t.sort_key IS NOT NULL AND t.owner_id IS NOT NULL",
    ),
    (
        "{} is not named after the Thing that it belongs to",
        "SELECT t.name FROM things t JOIN things o ON o.id = t.owner_id "
        "WHERE substr(t.name, 1, length(o.name) + 1) <> o.name || ':'",
    ),
    (
        "an attribute {} of a Thing that is not there",
        "SELECT a.key FROM attributes a LEFT JOIN things t ON t.id = a.thing_id WHERE t.id IS NULL",
    ),
    (
        "an attribute {} names a Thing that is not there",
        "SELECT a.key FROM attributes a LEFT JOIN things t ON t.id = a.ref_id "
        "WHERE a.ref_id IS NOT NULL AND t.id IS NULL",
    ),
    (
        "{} is a part, or is in a part: only whole Things are put in each other",
        "SELECT t.name FROM attributes a JOIN things t ON t.id = a.thing_id JOIN things p ON p.id = a.ref_id "
        "WHERE a.key = '_in' AND (t.owner_id IS NOT NULL OR p.owner_id IS NOT NULL)",
    ),
    (
        "{} is in the same Thing twice",
        "SELECT t.name FROM attributes a JOIN things t ON t.id = a.thing_id WHERE a.key = '_in' "
        "GROUP BY a.thing_id, t.name, a.ref_id HAVING count(*) > 1",
    ),
    (
        "{} has a value that is marked as an address and is none",
        "SELECT t.name FROM attributes a JOIN things t ON t.id = a.thing_id "
        "WHERE a.claim IS NOT NULL AND (a.key <> '_ip' OR a.number IS NOT NULL)",
    ),
    (
        "{} is in an address space, and is no address",
        "SELECT t.name FROM attributes a JOIN things t ON t.id = a.thing_id "
        "WHERE a.space_id IS NOT NULL AND a.key <> '_ip'",
    ),
    (
        "{} holds an address in an address space that is not there",
        "SELECT t.name FROM attributes a JOIN things t ON t.id = a.thing_id LEFT JOIN things v ON v.id = a.space_id "
        "WHERE a.space_id IS NOT NULL AND (v.id IS NULL OR v.driver <> 'VRF')",
    ),
    (
        "cable {} has an end that is not there, or that belongs to other equipment",
        "SELECT c.cable_id FROM connections c LEFT JOIN things p ON p.id = COALESCE(c.part_id, c.thing_id) "
        "WHERE p.id IS NULL OR COALESCE(p.owner_id, p.id) <> c.thing_id",
    ),
    (
        "cable {} is told differently at its two ends",
        "SELECT c.cable_id FROM connections c "
        "LEFT JOIN connections d ON d.cable_id = c.cable_id AND d.side = 1 - c.side "
        "WHERE d.cable_id IS NULL OR d.kind <> c.kind OR d.thing_id <> c.other_thing_id "
        "OR COALESCE(d.part_id, 0) <> COALESCE(c.other_part_id, 0)",
    ),
    (
        "{} is in units of several racks",
        "SELECT t.name FROM connections c JOIN things t ON t.id = c.thing_id WHERE c.part_id IS NULL "
        "GROUP BY c.thing_id, t.name HAVING min(c.other_thing_id) <> max(c.other_thing_id)",
    ),
    (
        "cable {} does not say what is taken of a rack unit, or says it of something else",
        # That no part has two cables is then what a unique index says.
        "SELECT DISTINCT c.cable_id FROM connections c "
        "WHERE CASE WHEN c.kind = 'position' THEN c.slot & 15 = 0 ELSE c.slot <> 0 END",
    ),
    (
        "{} names what is not there any more: clusto query save",
        "SELECT DISTINCT t.name FROM attributes a JOIN things t ON t.id = a.thing_id "
        "WHERE a.key = '_expression' AND a.subkey = 'gone'",
    ),
    (
        "{} has an id that will be given out again",
        "SELECT t.name FROM things t, store s WHERE t.id >= s.next_id",
    ),
)

_PAIRS = """
    SELECT c.kind, p.driver, o.driver, min(c.cable_id) FROM connections c
    JOIN things p ON p.id = c.part_id JOIN things o ON o.id = c.other_part_id WHERE c.side = 0
    GROUP BY c.kind, p.driver, o.driver"""
_FAR_BESIDE = """
    SELECT c.cable_id FROM connections c JOIN things o ON o.id = COALESCE(c.other_part_id, c.other_thing_id)
    WHERE o.driver NOT IN (:ids) AND (COALESCE(c.far_thing_id, 0) <> c.other_thing_id
          OR COALESCE(c.far_part_id, 0) <> COALESCE(c.other_part_id, 0))"""
_BEHIND_PANELS = """
    SELECT c.part_id FROM connections c JOIN things o ON o.id = c.other_part_id
    WHERE c.part_id IS NOT NULL AND o.driver IN (:ids)"""
_IN_PLACES = """
    SELECT t.name, k.child_id, k.parent_id FROM containment k
    JOIN things t ON t.id = k.child_id JOIN things p ON p.id = k.parent_id
    WHERE t.owner_id IS NULL AND p.owner_id IS NULL AND p.driver IN (:ids)"""
_HELD = """
    SELECT DISTINCT t.driver, p.driver FROM attributes a JOIN things t ON t.id = a.thing_id
    JOIN things p ON p.id = a.ref_id WHERE a.key = '_in' AND t.owner_id IS NULL AND p.owner_id IS NULL"""
_HELD_SO = """
    SELECT t.name, p.name FROM attributes a JOIN things t ON t.id = a.thing_id JOIN things p ON p.id = a.ref_id
    WHERE a.key = '_in' AND t.driver = :child AND p.driver = :parent ORDER BY t.name"""
_MOUNTED = """
    SELECT t.name, c.thing_id, u.id, u.name, u.number, c.slot FROM connections c JOIN things t ON t.id = c.thing_id
    JOIN things u ON u.id = c.other_part_id WHERE c.part_id IS NULL ORDER BY t.name, u.number"""
_NUMBERED = """
    SELECT min(t.name) FROM things t WHERE t.number IS NOT NULL AND t.driver IN (:ids)
    GROUP BY t.owner_id, t.driver, t.number HAVING count(*) > 1"""
_ORDERED = "SELECT t.name, t.driver, t.owner_id, t.number, t.sort_key FROM things t"
_SHAPES = "SELECT DISTINCT t.driver, substr(t.name, {0} + 1), t.number FROM things t WHERE t.owner_id IS NOT NULL"
_SHAPED = """
    SELECT t.name, t.driver, t.owner_id, t.number FROM things t WHERE t.owner_id IS NOT NULL AND t.driver = :driver
    AND substr(t.name, {0} + 1) = :part AND COALESCE(t.number, -1) = :number"""
_COLON = {"postgresql": "strpos(t.name, ':')"}
_KEYS = "SELECT DISTINCT a.key, a.number, a.subkey, a.type FROM attributes a"
_HAVING_KEY = """
    SELECT t.name, t.driver, a.number, a.subkey, a.type FROM attributes a JOIN things t ON t.id = a.thing_id
    WHERE a.key = :key ORDER BY t.name"""
_VALUES = """
    SELECT t.name, a.key, a.number, a.subkey, a.type, a.head, a.rest, a.integer_value, a.float_value
    FROM attributes a JOIN things t ON t.id = a.thing_id WHERE a.type <> 'relation'{}"""
_NOT_PLAIN = {
    "sqlite": " AND NOT (a.type = 'string' AND a.rest IS NULL AND a.head > '' AND a.head NOT GLOB '*[^ -~]*'"
    " AND a.integer_value IS NULL AND a.float_value IS NULL)"
}
"""Of very many values those that have to be looked at, where the database can say that text is plain ASCII."""
_PARENTS = """
    SELECT t.name, p.name FROM attributes a JOIN things t ON t.id = a.thing_id JOIN things p ON p.id = a.ref_id
    WHERE a.key = 'parent' AND a.number IS NULL AND a.subkey IS NULL AND t.owner_id IS NOT NULL
    AND (t.id = p.id OR COALESCE(p.owner_id, 0) <> t.owner_id)"""
_BETWEEN = """
    SELECT DISTINCT COALESCE(o.name, t.name) FROM things t LEFT JOIN things o ON o.id = t.owner_id
    WHERE t.id >= :first AND t.id <= :last LIMIT 3"""
_MEMBERSHIP = "SELECT a.thing_id, a.ref_id FROM attributes a WHERE a.key = '_in' AND a.ref_id IS NOT NULL"
_NEITHER = [None, None]
_KNOWN = 10_000
# Values that are known to be sound.
_ADDRESSES = """
    SELECT t.name, a.head, a.claim, a.space_id, a.subkey, a.id FROM attributes a JOIN things t ON t.id = a.thing_id
    WHERE a.key = :key AND a.number IS NULL ORDER BY a.claim"""


def problems(reader: Reader) -> Iterator[str]:
    """Everything that is wrong with a store, a line each; nothing when it is sound."""
    # What was written and not committed is seen by no other connection.
    if reader.database.dialect == "sqlite" and not reader.database.connection.total_changes:
        yield from _side_by_side(reader)
    elif broken := _damages(reader.database):
        yield from broken
    else:
        yield from _unsealed(reader.database)
        yield from _of_rows(reader)
        yield from _answers(reader.database)


def _side_by_side(reader: Reader) -> Iterator[str]:
    """What is wrong with an SQLite store: with its file or, where that is sound, with its rows. What the database works
    out by itself, it does beside what is worked out here."""
    of_rows: list[str] = []
    told: list[list[str]] = []
    failed: Exception | None = None
    path = reader.database.rows("PRAGMA database_list")[0][2]
    with ThreadPoolExecutor(len(_BESIDE)) as beside:
        damages, *others = [beside.submit(_of_file, path, question) for question in _BESIDE]
        try:
            of_rows += _of_rows(reader)
        except _OF_DAMAGE as error:
            failed = error
    for each in others:
        try:
            told.append(each.result())
        except _OF_DAMAGE as error:
            failed = error
    if damages.result():
        yield from damages.result()
        return
    yield from chain(*told[:1], of_rows, *told[1:])
    if failed is not None:
        raise failed


def _of_file(path: str, question: Question) -> list[str]:
    with contextlib.closing(connect_elsewhere(path)) as file:
        return list(question(file))


def _damages(database: Database) -> list[str]:
    return [f"the file is damaged: {line}" for line in damage.broken_pages(database)]


def _answers(database: Database) -> Iterator[str]:
    for words, sql in _QUESTIONS:
        for (what,) in database.rows(sql):
            yield words.format(what)


def _of_rows(reader: Reader) -> Iterator[str]:
    yield from _misfits(reader)
    yield from _wrong_ends(reader)
    yield from _cycles(reader)
    yield from _places(reader)
    yield from _nonsense(reader)
    yield from _mounted(reader)
    yield from _names(reader)
    yield from _keys(reader)
    yield from _values(reader)
    yield from _meanings(reader)
    yield from _sockets(reader)
    yield from _addresses(reader)


def _unsealed(database: Database) -> Iterator[str]:
    """What was changed otherwise than by clusto: by damage, or by hand."""
    if seals.is_schema_broken(database):
        yield "the file is damaged: its tables and indexes are not described as they were made"
    for table in damage.mistyped(database):
        yield f"the file is damaged: in {table} is text that is no text"
    for first, last in seals.broken_ranges(database):
        names = [row[0] for row in database.rows(_BETWEEN, {"first": first, "last": last})]
        yield f"rows {first} to {last} are not as they were written (of {', '.join(names) or 'nothing that is there'})"
    for number in seals.broken_transactions(database):
        yield f"transaction {number} is not in the history as it was written, or does not follow the one before it"
    last, given = history.latest(Reader(database)), database.rows("SELECT s.next_transaction FROM store s")[0][0] - 1
    if last != given:
        yield f"the last transaction of the history is {last}, and {given} were given out"


Question = Callable[[Database], Iterable[str]]
_BESIDE: tuple[Question, ...] = (_damages, _unsealed, _answers)
_OF_DAMAGE = (ClustoError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
# What is read out of a damaged file may be anything.


def _meanings(reader: Reader) -> Iterator[str]:
    """Values that their key cannot have, from before they were read on their way in."""
    known = {**keys.every(), **declared.of_site(reader)}
    stored = set(reader.keys())
    yield from keys.case_clashes(key for key in stored if not key.startswith("_"))
    for key, each in known.items():
        if str(key) in stored or each.required:
            yield from (misfit.words for misfit in declared.misfits(reader, key, each))


def _sockets(reader: Reader) -> Iterator[str]:
    """Cables in what has no socket, and parents that are no part of the same owner."""
    for kind in interfaces.WHAT:
        for part in reader.having(interfaces.KIND, kind):
            if reader.links_of_parts(part.id):
                yield f"{part.name} has a cable in it, and is {interfaces.WHAT[kind]}"
    for part, parent in reader.database.rows(_PARENTS):
        yield f"{part} has {parent} as its parent, which is no other part of the same Thing"


def _addresses(reader: Reader) -> Iterator[str]:
    as_what: dict[str, tuple[str, str | None]] = {}
    for name, text, claim, space, shared, id in reader.database.rows(_ADDRESSES, {"key": IP}):
        address = addresses.parse(text or "")
        wanted = addresses.claimed(addresses.claim(address), space) if address is not None else ""
        if address is None or claim != (addresses.claimed(wanted, None, id) if shared else wanted):
            yield f"{name} holds an address that is not marked as taken: {text}"
        elif text != str(address):
            yield f"{name} holds an address that is not spelled as clusto does: {text}"
        first, kind = as_what.setdefault(wanted, (name, shared))
        if kind != shared:
            yield f"{first} and {name} hold {text} otherwise: as {kind or 'its own'}, and as {shared or 'its own'}"
    yield from _doubled_blocks(reader)


def _doubled_blocks(reader: Reader) -> Iterator[str]:
    """Blocks that two Networks have in one address space."""
    seen: dict[object, str] = {}
    for thing, block, space in spaces.placed(reader):
        if (first := seen.setdefault((block, space), thing.name)) != thing.name:
            yield f"{first} and {thing.name} are both {block}: one that is of another address space is in a VRF"


def _places(reader: Reader) -> Iterator[str]:
    places = [name for name in reader.drivers() if issubclass(registry.of(name), Equipment)] or [""]
    found: dict[str, set[int]] = {}
    for name, _, parent in reader.database.rows_in(_IN_PLACES, places):
        found.setdefault(name, set()).add(parent)
    for name, parents in found.items():
        if len(parents) > 1:
            yield f"{name} is in {len(parents)} places"
    for (name,) in reader.database.rows_in(_NUMBERED, _panel_ports(reader)):
        yield f"{name} has the number of another port on its side of the panel"


def _nonsense(reader: Reader) -> Iterator[str]:
    """What was put in what cannot hold it, from before that was looked at."""
    for child, parent in reader.database.rows(_HELD):
        if not holding.may_hold(parent, child):
            for name, holder in reader.database.rows(_HELD_SO, {"child": child, "parent": parent}):
                yield f"{name} ({child}) is in {holder} ({parent}), which cannot be: clusto take {name} --from {holder}"


def _mounted(reader: Reader) -> Iterator[str]:
    """Equipment in halves of rack units that are not adjacent, or not as many as it is high; two in one cell."""
    devices: dict[tuple[str, int], list[tuple[int, int]]] = {}
    used: dict[tuple[int, str], int] = {}
    for name, thing, unit, unit_name, number, slot in reader.database.rows(_MOUNTED):
        devices.setdefault((name, thing), []).append((number or 0, slot))
        cells = slot & mounting.WHOLE
        if used.get((unit, unit_name), 0) & cells:
            yield f"{unit_name} has two devices in one place"
        used[unit, unit_name] = used.get((unit, unit_name), 0) | cells
    heights = {attribute.thing_id: attribute.value for attribute in reader.attributes_under(cabling.HEIGHT)}
    deep = {each.thing_id for each in reader.attributes_under(cabling.FULL_DEPTH) if keys.is_true(each.value.text)}
    for (name, thing), taken in devices.items():
        if thing in deep and not all(slot & face for _, slot in taken for face in mounting.FACES.values()):
            yield f"{name} takes both faces of its rack units, and is in one of them"
        halves = mounting.halves(taken)
        if halves and halves[-1] - halves[0] + 1 != len(halves):
            yield f"{name} is in rack units that are not adjacent"
        tall = RackUnits().read(heights[thing]) if thing in heights else None
        if tall is not None and 2 * float(tall.text) != len(halves):
            yield f"{name} is higher or lower than the rack units that it is in"


def _names(reader: Reader) -> Iterator[str]:
    disordered: list[str] = []
    yield from list(_misnamed(_whole(reader, disordered)))
    yield from (f"{name} is not where its name sorts it" for name in disordered)
    # Very many parts are called alike.
    colon = _COLON.get(reader.database.dialect, "instr(t.name, ':')")
    for driver, part, number in reader.database.rows(_SHAPES.format(colon)):
        if next(_misnamed([(f"x:{part}", driver, 0, number)]), None) is not None:
            known = {"driver": driver, "part": part, "number": -1 if number is None else number}
            yield from _misnamed(reader.database.rows(_SHAPED.format(colon), known))


def _whole(reader: Reader, disordered: list[str]) -> Iterator[Row]:
    """The rows of whole Things; notes those that are listed elsewhere than their names say."""
    for *row, sort_key in reader.database.stream(f"{_ORDERED} WHERE t.owner_id IS NULL"):
        if sort_key != natural_key(row[0]):
            disordered.append(row[0])
        yield tuple(row)


def _misnamed(rows: Iterable[Row]) -> Iterator[str]:
    for name, driver, owner, number in rows:
        kind = registry.of(driver)
        try:
            if owner is None:
                kinds.checked_name(name, kind)
            else:
                parts.checked_part_name(split_part(name)[1] or "")
        except Malformed as error:
            yield str(error)
        if kind is not Driver and issubclass(kind, Part) != (owner is not None):
            yield f"{name} is a {driver}, and {'belongs to no Thing' if owner is None else 'belongs to one'}"
        if number != (trailing_number(name) if owner is not None else None):
            yield f"{name} does not have the number that its name ends in"


def _keys(reader: Reader) -> Iterator[str]:
    """Keys that cannot be, reserved ones that nobody knows, and reserved ones with values of another type or holder."""
    suspect = {row[0] for row in reader.database.rows(_KEYS) if _misused(Key(*row[:3]), row[3], None)}
    for key in sorted(suspect | {key.key for key in reserved.HOLDERS}):
        for name, driver, *rest, type in reader.database.rows(_HAVING_KEY, {"key": key}):
            if problem := _misused(Key(key, *rest), type, registry.of(driver)):
                yield f"{name} has {problem}"


def _misused(key: Key, type: str, holder: type[Driver] | None) -> str | None:
    try:
        Key.of(key)
        if key.reserved:
            shared = key.key == IP and key.subkey in addresses.SHARED
            wanted = "string" if shared else {Key(IN): "relation", Key(IP): "string"}.get(key) or reserved.type_of(key)
            if type != wanted:
                return f"a value of the type {type} under {key}, which is kept for those of the type {wanted}"
    except Malformed as error:
        return f"a key that cannot be: {error}"
    kind = reserved.HOLDERS.get(key)
    if kind is not None and holder is not None and not issubclass(holder, kind):
        return f"{key}, which only a {kind.__name__} has"
    return None


def _values(reader: Reader) -> Iterator[str]:
    # Nothing else may be asked before all were read.
    yield from list(_unsound(reader))


def _unsound(reader: Reader) -> Iterator[str]:
    sound: set[tuple[object, ...]] = set()
    for name, key, number, subkey, type, head, rest, *numbers in reader.database.stream(
        _VALUES.format(_NOT_PLAIN.get(reader.database.dialect, ""))
    ):
        if type == "string" and rest is None and numbers == _NEITHER and head and head.isprintable():
            continue  # as nearly every value
        if (type, head, rest, *numbers) in sound:
            continue
        value = Value(type, (head or "") + (rest or ""))
        try:
            checked(value)
        except Malformed:
            yield f"{name} has under {Key(key, number, subkey)} what is no value of the type {type}"
        else:
            if [value.integer, value.float] != numbers:
                yield f"{name} has under {Key(key, number, subkey)} a value that is not found by its number"
            elif len(sound) < _KNOWN:
                sound.add((type, head, rest, *numbers))


def _panel_ports(reader: Reader) -> list[str]:
    return [name for name in reader.drivers() if wiring.is_panel(registry.of(name))] or [""]


def _misfits(reader: Reader) -> Iterator[str]:
    for kind, one, other, cable in reader.database.rows(_PAIRS):
        fits = wiring.cable_kind(registry.of(one), registry.of(other))
        if fits not in (kind, wiring.PATCH):
            yield f"cable {cable} joins a {one} and a {other} as {kind}"


def _wrong_ends(reader: Reader) -> Iterator[str]:
    panels = _panel_ports(reader)
    for (cable,) in reader.database.rows_in(_FAR_BESIDE, panels):
        yield f"cable {cable} does not say where it ends"
    behind = [row[0] for row in reader.database.rows_in(_BEHIND_PANELS, panels)]
    for start in range(0, len(behind), 500):
        for link in reader.links_of_parts(*behind[start : start + 500]):
            if link.part is not None and link.far != _end(reader, link):
                yield f"the path from {link.part.name} does not end where it is said to"


def _end(reader: Reader, link: Link) -> Thing | None:
    """Where the path behind the other end of a cable ends, hop by hop; None at an open panel."""
    here, seen = link.other, {link.other.id}
    while (partner := reader.partner(here)) is not None:
        following = reader.links_of_parts(partner.id)
        if not following or following[0].other.id in seen:
            return None
        here = following[0].other
        seen.add(here.id)
    return None if wiring.is_panel(here.kind) else here


def _cycles(reader: Reader) -> Iterator[str]:
    """Containment that comes back to itself: what is left when all that is in nothing is taken away, again and
    again."""
    parents: dict[int, set[int]] = {}
    for child, parent in reader.database.rows(_MEMBERSHIP):
        parents.setdefault(child, set()).add(parent)
    while free := {id for every in parents.values() for id in every} - parents.keys():
        for child in list(parents):
            parents[child] -= free
            if not parents[child]:
                del parents[child]
    # What is merely in a cycle's members is left too; only what holds something else of the rest is on the cycle.
    while idle := parents.keys() - {id for every in parents.values() for id in every}:
        for child in idle:
            del parents[child]
    for thing in reader.by_ids(sorted(parents)).values():
        yield f"{thing.name} is in itself, through what it is in"
