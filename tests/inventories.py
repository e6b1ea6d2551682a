"""Inventories at random, and what makes two of them equal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.attributes import Key, Value, structure
from clusto_core.model.things import Thing
from clusto_core.rules import claims
from clusto_core.rules import values as values_rules
from clusto_core.store.reader import Reader

Content = dict[str, Any]


def content(inventory: Inventory) -> Content:
    """All that an inventory says, by names: ids, and the order in which Things were made, make no difference."""
    with inventory.read() as reader:
        return {"things": _things(reader), "attributes": _attributes(reader), "cables": _cables(reader)}


def _things(reader: Reader) -> set[tuple[Any, ...]]:
    rows = reader.database.rows(
        "SELECT t.name, t.driver, t.number, o.name FROM things t LEFT JOIN things o ON o.id = t.owner_id"
    )
    return set(rows)


def _attributes(reader: Reader) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    """The values under a key in their order; what a Thing is in has none."""
    found: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    rows = reader.database.rows(
        "SELECT t.name, a.key, a.number, a.subkey, a.type, a.head, a.rest, a.integer_value, a.float_value, r.name, "
        "a.claim FROM attributes a JOIN things t ON t.id = a.thing_id LEFT JOIN things r ON r.id = a.ref_id "
        "ORDER BY a.id"
    )
    for row in rows:
        found.setdefault(row[:4], []).append(row[4:])
    for key, values in found.items():
        if key[1] == "_in":
            values.sort()
    return found


def _cables(reader: Reader) -> set[tuple[Any, ...]]:
    """Both directions of every cable, with where its path ends."""
    rows = reader.database.rows(
        "SELECT c.kind, p.name, t.name, q.name, u.name, f.name, g.name FROM connections c "
        "LEFT JOIN things p ON p.id = c.part_id JOIN things t ON t.id = c.thing_id "
        "LEFT JOIN things q ON q.id = c.other_part_id JOIN things u ON u.id = c.other_thing_id "
        "LEFT JOIN things f ON f.id = c.far_part_id LEFT JOIN things g ON g.id = c.far_thing_id"
    )
    return set(rows)


# --- at random -------------------------------------------------------------------------------------------------------

_KINDS: list[tuple[str, dict[str, int | list[str]], str | None]] = [
    ("Server", {}, None),
    ("Server", {"nic": ["eno1", "eno2"], "inlet": 0}, None),
    ("Server", {"nic": 3, "outlet": ["7", "name"]}, None),
    ("Server", {}, "acme/box1"),
    ("Server", {"nic": ["lan1", "eth7"]}, "acme/box1"),
    ("Switch", {"port": 3}, None),
    ("Switch", {"port": ["ge-0/0/0:1", "in", "driver"], "nic": 2}, None),
    ("PDU", {"outlet": 3}, None),
    ("ConsoleServer", {"consoleport": 2}, None),
    ("PatchPanel", {"port": 2}, None),
    ("PatchPanel", {"front": 1, "rear": 2, "Port": ["spare"]}, None),
    ("LoadBalancer", {"vip": 2}, None),
    ("Rack", {"ru": 6}, None),
    ("Datacenter", {}, None),
    ("Room", {}, None),
    ("Pool", {}, None),
    ("Role", {}, None),
    ("VLAN", {}, None),
    ("VirtualServer", {}, None),
]
_DEFINITION = {
    "driver": "Server",
    "attrs": {"height": 2, "vendor": "acme"},
    "parts": [
        {"kind": "management", "name": "bmc"},
        {"kind": "interface", "name": "lan1", "attrs": {"label": "LAN 1", "speed": 10}},
        {"kind": "interface", "name": "lan2"},
        {"kind": "inlet", "name": "psu1"},
    ],
}
_KEYS = [
    *("status", "tag", "tag", "type", "name", "in", "at", "ip", "parts", "driver", "eth0", "console", "mac"),
    *("a#2.b", "a#0", "snmp.community", "x.y/z:1", "_power.last", "on", "n", "5", "Straße", "vendor"),
]
_TRICKY = [
    *(
        "5",
        "-0",
        "007",
        "1.10",
        "1.5",
        "1e16",
        "true",
        "false",
        "null",
        "~",
        "on",
        "no",
        "2026-01-01",
        "2026-01-01T10:00",
    ),
    *("2026-13-01", "@x", "@", "[a]", "[1]", '"q"', "{}", '{"ref": "x"}'),
    *("", " x ", "a\nb", "a\tb\n", "- x", "# x"),
    *("52:54:00:00:00:01", "1:30", "0x1F", ".5", "=1+1", "a: b", "<<", "a;b,c", "\u202ex\u2066", "é", "😀", "x" * 300),
    *(
        "thing1",
        "thing1:eth0",
        "env:X",
        "acme/box1",
        "12345678901234567890123",
        "--- a",
        "%a",
        "!a",
        "&a",
        "*a",
        "|",
        ">",
    ),
]
_texts = st.one_of(
    st.sampled_from(_TRICKY),
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029"), max_size=20),
)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(_TRICKY),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from(_TRICKY), inner, max_size=3)
    ),
    max_leaves=6,
)
_instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda moment: moment.replace(tzinfo=UTC))
values = st.one_of(
    _texts,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.dates(date(1, 1, 1)),
    _instants,
    _json.map(structure),
)
_number = st.integers(0, 10_000)
_actions = [
    *("connect", "connect", "connect", "disconnect", "mount", "mount", "put", "hold", "refer", "rename"),
    *("set", "set", "set part", "add value", "new part", "drop part", "clear"),
]
operations = st.lists(
    st.tuples(st.just("add"), st.integers(0, len(_KINDS) - 1), _number, st.none())
    | st.tuples(st.sampled_from(_actions), _number, _number, values),
    min_size=12,
    max_size=40,
)

Operation = tuple[str, int, int, Any]


def build(inventory: Inventory, wanted: list[Operation]) -> None:
    """Makes an inventory by operations; those that the rules of the model refuse are left out."""
    with inventory.change() as change:
        change.add("DeviceType", "acme/box1", attributes=[("definition", structure(_DEFINITION))])
        builder = _Builder(change)
        first: list[Operation] = [("add", place, 0, None) for place in range(0, len(_KINDS), 2)]
        first += [("connect", place * 5, place * 11, None) for place in range(8)]
        first += [("mount", place, place * 3, None) for place in range(4)]
        for name, one, other, value in first + wanted:
            action: Callable[[int, int, Any], None] = getattr(builder, name.replace(" ", "_"))
            try:
                action(one, other, value)
            except (Malformed, NotFound, Refused):
                continue


class _Builder:
    def __init__(self, change: Transaction) -> None:
        self.change = change
        self.wholes: list[Thing] = []
        self.held = 0

    def whole(self, number: int) -> Thing:
        return self.wholes[number % len(self.wholes)]

    def part(self, number: int) -> Thing:
        every = [part for thing in self.wholes for part in self.change.unit.parts(thing)]
        return every[number % len(every)]

    def add(self, kind: int, _: int, value: None) -> None:
        driver, counts, device_type = _KINDS[kind]
        name = f"thing{len(self.wholes) + 1}"
        self.wholes.append(self.change.add(driver, name, part_counts=counts, device_type=device_type))

    def set(self, thing: int, key: int, value: Any) -> None:
        self._set(self.whole(thing), Key.parse(_KEYS[key % len(_KEYS)]), value)

    def _set(self, thing: Thing, key: Key, value: Any) -> None:
        if key.reserved:
            values_rules.keep(self.change.unit, thing, key, [structure({"before": str(value)})])
        else:
            self.change.set_values(thing, key, [value])

    def add_value(self, thing: int, key: int, value: Any) -> None:
        self.change.add_values(self.whole(thing), Key.parse(_KEYS[key % len(_KEYS)]), [value, "x"])

    def set_part(self, part: int, key: int, value: Any) -> None:
        self._set(self.part(part), Key.parse(_KEYS[key % len(_KEYS)]), value)

    def clear(self, part: int, _: int, value: Any) -> None:
        found = self.part(part)
        for attribute in list(self.change.unit.attributes(found)):
            self.change.unit.delete_attribute(attribute)

    def refer(self, thing: int, other: int, value: Any) -> None:
        self.change.add_values(self.whole(thing), Key("rel"), [self.whole(other), Value("string", "thing1")])

    def put(self, thing: int, parent: int, value: Any) -> None:
        places = [
            each for each in self.wholes if each.driver in ("Datacenter", "Room", "Rack", "Pool", "Role", "Server")
        ]
        self.change.put(self.whole(thing), places[parent % len(places)])

    def mount(self, thing: int, unit: int, value: Any) -> None:
        racks = [each for each in self.wholes if each.driver == "Rack"]
        rack = racks[unit % len(racks)]
        low = unit % 7
        self.change.connect(
            self.whole(thing), f"{rack.name}:RU{low}-{low + thing % 2}" if thing % 3 else f"{rack.name}:RU{low}"
        )

    def new_part(self, thing: int, name: int, value: Any) -> None:
        self.change.add(
            ["NIC", "Outlet", "Port"][name % 3], f"{self.whole(thing).name}:{['a', 'name', 'attr:x', '9'][name % 4]}"
        )

    def drop_part(self, part: int, _: int, value: Any) -> None:
        self.change.remove(self.part(part))

    def rename(self, thing: int, name: int, value: Any) -> None:
        if name % 2:
            self.change.rename(self.whole(thing), f"new{name}")
        else:
            part = self.part(thing)
            self.change.rename(part, f"{part.owner_name}:p{name}")

    def connect(self, one: int, other: int, value: Any) -> None:
        unit = self.change.unit
        free = [
            part
            for thing in self.wholes
            for part in unit.parts(thing)
            if part.driver != "RackUnit" and not unit.cable_of(part)
        ]
        here = free[one % len(free)]
        for place in range(len(free)):
            there = free[(other + place) % len(free)]
            try:
                self.change.connect(here, there)
            except (Malformed, Refused):
                continue
            return

    def disconnect(self, thing: int, _: int, value: Any) -> None:
        self.change.disconnect(self.whole(thing))

    def hold(self, thing: int, family: int, value: Any) -> None:
        self.held += 1
        address = f"10.0.{self.held // 256}.{self.held % 256}" if family % 2 else f"2001:db8::{self.held:x}"
        claims.hold(self.change.unit, self.whole(thing) if family % 3 else self.part(thing), address)
