"""Random inventories and random expressions over them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from random import Random

from clusto_core.errors import ClustoError, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.attributes import Key, Value, infer, structure
from clusto_core.model.reserved import OWN, RESERVED_UNTIL
from clusto_core.model.things import Thing
from clusto_core.rules import claims, values

VALUES = (
    "1", "12", "12.0", "1.5", "-3", "0", "-0.0", "1e+16", "9007199254740993", "true", "false", "x", "xy", "web", "a b",
    "2024-01-01", "2024-01-01T00:00:00Z", "2024-06-30T12:00:00Z", "ä[*?]", "x" * 255, "x" * 255 + "tail", "007", "",
)  # fmt: skip
BOUNDS = (
    "12", "1.5", "0", "-3", "9007199254740992", "9007199254740993", "1e16", "99999999999999999999", "2024-01-01",
    "2024-03-01T00:00:00Z", '"x"', "web", '"12"',
)  # fmt: skip
KEYS = ("foo", "bar", "foo#1", "tag.sub", "foo#2", "foo#1.sub", "tag#0.sub", "tag#0")
ASKED = (*KEYS, "tag", "foo#*", "foo#*.*", "foo#1.*", "foo#*.sub", "tag#*.sub", "tag.*")
ADDRESSES = ("10.2.0.1", "10.2.3.4", "10.3.0.1", "2001:db8::1")
DRIVERS = (
    "Server", "Switch", "PDU", "Console", "Rack", "Datacenter", "PatchPanel", "Pool", "Class", "Equipment", "Category",
    "Driver", "VirtualServer", "NIC", "Port", "Part", "Outlet", "RU", "FrontPort", "*Port", "/^[SP]/", "Vip",
)  # fmt: skip


def build(change: Transaction, random: Random) -> list[Thing]:
    """Fills an empty inventory at random; gives the Things."""
    things = [change.add("Datacenter", "dc"), change.add("Room", "room")]
    for name in ("rack1", "rack2"):
        things.append(change.add("Rack", name, part_counts={"ru": 3}))
    for number in range(1, 4):
        things.append(change.add("Server", f"web{number}", part_counts={"nic": 2, "inlet": random.randint(1, 2)}))
    things += [
        change.add("Server", "db01", part_counts={"nic": 1}),
        change.add("VirtualServer", "vm1"),
        change.add("Switch", "sw1", part_counts={"port": ["1", "2", "3", "po1", "2.1"], "inlet": 1}),
        change.add("PDU", "pdu1", part_counts={"outlet": 3, "inlet": ["A", "B"]}),
        change.add("PDU", "pdu2", part_counts={"outlet": 2}),
        change.add("ConsoleServer", "cs1", part_counts={"consoleport": 2}),
        change.add("PatchPanel", "pp1", part_counts={"port": 2}),
        change.add("PatchPanel", "pp2", part_counts={"port": 2}),
        change.add("Pool", "web-pool"),
        change.add("Pool", "pool2"),
        change.add("Class", "BigMem"),
    ]
    if random.random() < 0.6:
        change.connect("sw1:3", random.choice(("web[1-2]:eth1", "web[1-3]:eth0")), breakout=True)
        change.connect("sw1:2/1", random.choice(("pp1:1", "sw1:3/4")), breakout=True)
    parts = [part for thing in things for part in change.unit.parts(thing)]
    for outlet in ("pdu1:1", "pdu1:2"):
        change.set_values(outlet, "inlet", random.choice("AB"))
    for _ in range(random.randint(0, 14)):
        with contextlib.suppress(ClustoError):
            change.put(random.choice(things), random.choice(things))
    for _ in range(random.randint(0, 5)):
        with contextlib.suppress(ClustoError):
            change.connect(random.choice(things).name, f"rack{random.randint(1, 2)}:RU{random.randint(1, 3)}")
    for _ in range(random.randint(0, 40)):
        with contextlib.suppress(Refused):
            change.connect(random.choice(parts), random.choice(parts))
    for _ in range(random.randint(0, 4)):
        # Through a panel, and often through both.
        panel, other = random.sample(("pp1", "pp2"), 2)
        with contextlib.suppress(ClustoError):
            change.connect(f"{panel}:{random.randint(1, 2)}", random.choice(parts))
            change.connect(
                f"{panel}:rear{random.randint(1, 2)}", random.choice((f"{other}:rear1", random.choice(parts)))
            )
    for _ in range(random.randint(0, 30)):
        holder = random.choice(things if random.random() < 0.7 else parts)
        value: object = infer(random.choice(VALUES))
        if random.random() < 0.1:
            value = random.choice(things)
        elif random.random() < 0.1:
            value = {"a": random.choice((1, "x"))}
        elif random.random() < 0.2:
            value = Value("string", random.choice(VALUES))
        change.add_values(holder, Key.parse(random.choice(KEYS)), [value])
    bar(change, random, [part for part in parts if change.unit.cable_of(part) is None])
    for thing in random.sample(things, random.randint(0, 3)):
        values.keep(change.unit, thing, OWN, [structure(random.choice((["foo"], ["foo", "tag"], ["bar"])))])
    blue = change.add("VRF", "blue")
    for address in random.sample(ADDRESSES, random.randint(0, len(ADDRESSES))):
        space = random.choice((None, blue))
        claims.hold(change.unit, random.choice(things + parts), address, space)
        if space is None and random.random() < 0.5:
            claims.hold(change.unit, random.choice(things + parts), address, blue)
    for holder in random.sample(things + parts, random.randint(0, 2)):
        claims.hold(change.unit, holder, "10.2.9.9+vrrp", blue)
    leg = change.unit.get("sw1:2/1")
    if leg is not None and change.unit.cable_of(leg) is not None and random.random() < 0.5:
        change.disconnect(leg)
    return things + parts


def bar(change: Transaction, random: Random, parts: list[Thing]) -> None:
    """Keeps some parts from being free without a cable, or says that they are what their name does not tell."""
    for part in random.sample(parts, min(len(parts), random.randint(0, 12))):
        with contextlib.suppress(Refused):
            key, value = random.choice(
                (
                    ("occupied", "a circuit"),
                    ("kind", "virtual"),
                    ("kind", "physical"),
                    ("connector", "lag"),
                    ("connector", "other"),
                    ("mgmt_only", True),
                    ("mgmt_only", False),
                )
            )
            change.set_values(part, Key(key), [value])
    for part in random.sample(parts, min(len(parts), random.randint(0, 4))):
        until = datetime.now(UTC) + timedelta(hours=random.choice((-1, 1)))
        values.keep(change.unit, part, RESERVED_UNTIL, [infer(until.isoformat())])


def quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Writer:
    """Writes random expressions over what `build` makes."""

    def __init__(self, random: Random, things: list[Thing]) -> None:
        self.random = random
        self.names = [thing.name for thing in things]

    def choice(self, *options: str) -> str:
        return self.random.choice(options)

    def expression(self, depth: int = 3) -> str:
        roll = self.random.random()
        if depth > 0 and roll < 0.2:
            joint = self.choice(" and ", " or ")
            return joint.join(self.operand(depth - 1) for _ in range(self.random.randint(2, 3)))
        if depth > 0 and roll < 0.35:
            return f"not {self.operand(depth - 1)}"
        if depth > 0 and roll < 0.65:
            left = self.operand(depth - 1) + " " if self.random.random() < 0.6 else ""
            return left + self.relation(depth - 1)
        if depth > 0 and roll < 0.72:
            sign = self.choice("<", "<=", ">", ">=", "=", "!=")
            return f"count({self.relation(depth - 1)}) {sign} {self.random.randint(0, 3)}"
        return self.test()

    def operand(self, depth: int) -> str:
        return f"({self.expression(depth)})" if self.random.random() < 0.7 else self.test()

    def relation(self, depth: int) -> str:
        if self.random.random() < 0.4:
            return f"in {self.operand(depth)}"
        if self.random.random() < 0.2:
            return f"fed by {self.operand(depth)}"
        via = self.choice(" via network", " via power", " via console", " via position", "", "", "")
        return f"connected to {self.operand(depth)}{via}"

    def test(self) -> str:
        roll = self.random.random()
        if roll < 0.05:
            return self.choice("free", "cabled")
        if roll < 0.12:
            kind = self.choice("network", "power", "console", "position")
            return f"{self.choice('free', 'cabled')}({kind})"
        if roll < 0.25:
            return f"name:{self.name()}"
        if roll < 0.5:
            return f"driver:{self.random.choice(DRIVERS)}"
        if roll < 0.55:
            return f"part:{self.choice('eth0', 'eth*', '1', 'RU[1-2]', '/^psu/', 'rear?', 'e[a-z]h[01]')}"
        if roll < 0.62:
            return self.choice(
                "_ip:10.2.0.1", "_ip:10.2.0.0/16", "attr:_ip,10.*", "_ip:2001:db8::/32", "haskey(_ip)",
                "_ip:10.2.0.2-10.3.0.1", "attr:_ip,/^10[.]2/", "_ip:10.2.0.0/16@blue", "_ip:10.2.0.1@", "_ip:10.2.9.9",
            )  # fmt: skip
        return self.attribute()

    def name(self) -> str:
        roll = self.random.random()
        if roll < 0.6:
            return self.random.choice(self.names)
        return self.choice(
            "web*", "web[1-2]", "?b01", "[!w]*", "*", "/^w/", "/B/i", "/[0-9]$/", "db[01-03]", "*:eth*", "web1:*", "no",
            "*[a-c]*", "w[a-f]b[1-3]", "web[1-3]:eth0", "/:1$/",
        )  # fmt: skip

    def attribute(self) -> str:
        key = self.random.choice(ASKED)
        inherited = self.choice(" inherited", "", "")
        roll = self.random.random()
        if roll < 0.3:
            value = self.random.choice((*VALUES, *self.names))
            return f"attr:{key},{value if value.isalnum() else quote(value)}{inherited}"
        if roll < 0.5:
            pattern = self.choice(
                "x*", "*b*", "?", "/^x/", "/[0-9]+/", "/TAIL$/i", "[1-9]", "1*", "*[a-z]", "web[1-3]", "@web1"
            )
            return f"attr:{key},{pattern}{inherited}"
        if roll < 0.8:
            sign = self.choice("<", "<=", ">", ">=", "=", "!=")
            bound = self.random.choice(BOUNDS)
            return f"attr:{key}{sign}{bound}{inherited}"
        if roll < 0.87:
            return f"haskey({key}){inherited}"
        values = [quote(self.random.choice(VALUES)) for _ in range(self.random.randint(1, 2))]
        if roll < 0.94:
            return f"attr:{key}={{{','.join(values)}}}{inherited}"
        return f"attrs={{{','.join(f'{self.random.choice(KEYS)}={value}' for value in values)}}}"


def wipe(inventory: Inventory) -> None:
    """Empties a store."""
    from clusto_core.store import opening, schema

    engine = opening.engine_for(inventory.settings.url)
    with engine.begin() as connection:
        for table in ("changes", "transaction_seals", "transactions", "connections", "attributes", "seals"):
            connection.execute(schema.metadata.tables[table].delete())
        things = schema.things
        connection.execute(things.delete().where(things.c.owner_id.isnot(None)))
        connection.execute(things.delete())
    engine.dispose()
