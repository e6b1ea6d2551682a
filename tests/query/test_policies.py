"""Policies: what is said of them, what breaks them, and that an enforced one is never broken anew."""

from __future__ import annotations

import contextlib
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing
from clusto_core.query import policies, saving
from clusto_core.query.affected import Affected
from clusto_core.query.binding import bind, settle
from clusto_core.query.parser import parse
from clusto_core.query.policies import Policy
from clusto_core.query.tree import Node
from clusto_core.records.revert import revert
from clusto_core.rules import claims
from clusto_core.store.reader import Reader, open_reader
from tests.query.expressions import ADDRESSES, KEYS, Writer, build, wipe

EXPRESSIONS = 12
CHANGES = 8


def define(inventory: Inventory, name: str, never: str = "", **said: Any) -> Transaction:
    with inventory.change() as change:
        policies.define(change.unit, Policy(name, never, **said))
    return change


# --- what changes may change -----------------------------------------------------------------------------------------


def stir(change: Transaction, random: Random) -> None:
    """One random change; may be refused."""
    things = change.unit.reader.all()
    whole = [thing.name for thing in things if thing.driver not in ("Policy", "Query", "SiteKey")]
    parts = [part.name for part in change.unit.reader.parts(*(thing.id for thing in things))]
    one, other = random.choice(whole), random.choice(whole)
    part, far = random.choice(parts), random.choice(parts)
    match random.randrange(12):
        case 0 | 1:
            change.connect(part, far)
        case 2:
            change.disconnect(random.choice((part, one)))
        case 3:
            change.put(one, other)
        case 4:
            thing = change.resolve(one)
            parents = [each for each in change.unit.reader.parents(thing.id) if not each.is_part]
            change.take(one, random.choice(parents)) if parents else None
        case 5:
            change.connect(one, f"rack{random.randint(1, 2)}:RU{random.randint(1, 3)}")
        case 6 | 7:
            holder = random.choice((one, part))
            change.set_values(holder, random.choice(KEYS), [random.choice(("x", "12", 1, change.resolve(other)))])
        case 8:
            change.rename(one, f"{random.choice(('web', 'new', 'db'))}{random.randint(1, 9)}")
        case 9:
            change.remove(random.choice((one, part)))
        case 10:
            if random.random() < 0.5:
                change.add(random.choice(("NIC", "Inlet", "Port", "Outlet")), f"{one}:{random.choice('abc')}")
            else:
                kind = random.choice(("Server", "Pool", "PDU"))
                change.add(kind, f"{kind.lower()}{random.randint(10, 99)}", parents=[other])
        case 11:
            if random.random() < 0.5:
                claims.hold(change.unit, change.resolve(random.choice((one, part))), random.choice(ADDRESSES))
            else:
                claims.release(change.unit, change.resolve(random.choice((one, part))))


def selected(reader: Reader, node: Node) -> set[int]:
    return {thing.id for thing in policies.select(reader, node)}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_whatever_changes_is_among_what_is_looked_at(inventory: Inventory, seed: int) -> None:
    """For random expressions and changes: the Things that are selected before or after, and not both, are among those
    that are looked at; and so what an enforced policy refuses is what a whole check finds new."""
    random = Random(seed)
    wipe(inventory)
    with inventory.change() as change:
        writer = Writer(random, build(change, random))
    texts = [writer.expression() for _ in range(EXPRESSIONS)]
    with inventory.change() as change, contextlib.suppress(Malformed):
        policies.define(change.unit, Policy("it", texts[0], enforce=True), allow_unknown=True)
    for _ in range(CHANGES):
        is_new, refusal = False, ""
        try:
            with inventory.change() as change:
                for _ in range(random.randint(1, 4)):
                    with contextlib.suppress(ClustoError):
                        stir(change, random)
                if change.unit.failed is None:
                    saving.check(change.unit)
                    is_new = check_affected(inventory, change, texts)
        except Refused as error:
            refusal = str(error)
            note(refusal)
        assert is_new <= bool(refusal)
        assert ("would break the policy it" in refusal) <= is_new


def check_affected(inventory: Inventory, change: Transaction, texts: list[str]) -> bool:
    """Whether the enforced policy selects something that it did not select before."""
    unit, reader = change.unit, change.unit.reader
    affected = Affected(unit)
    former = {new: old for old, new in unit.renamed().values()}
    told = [each.never for each in policies.policies(reader) if not each.gone]
    is_new = False
    with open_reader(inventory.settings.url) as before:
        for text in (*texts, *told):
            node = settle(reader, parse(text))
            after, then = selected(reader, node), selected(before, saving.renamed(node, former))
            looked_at = affected.by(node)
            differing = {id for id in after ^ then if unit.find(id) is not None}
            assert looked_at is None or differing <= looked_at, (text, differing - looked_at)
            is_new = bool(after - then)
    return is_new and bool(told)
