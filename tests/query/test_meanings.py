"""The two meanings of an expression: what the databases answer is what holds in memory."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clusto_core.answers import feeding
from clusto_core.answers.powermap import PowerMap
from clusto_core.errors import Malformed
from clusto_core.inventory import Inventory
from clusto_core.model.things import Thing
from clusto_core.query import compiler, policies
from clusto_core.query.binding import bind
from clusto_core.query.memory import Memory
from clusto_core.query.parser import parse
from clusto_core.query.search import find, matches, stream
from clusto_core.query.tree import Node
from clusto_core.store.reader import Reader
from tests.examples import few_on_servers
from tests.query.expressions import Writer, build, wipe

EXPRESSIONS = 25
TARGETS = ("driver:PDU", "driver:Server", "driver:Inlet", "(part:* and not driver:Inlet)")


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
@few_on_servers(3)
def test_the_database_answers_what_holds_in_memory(inventory: Inventory, seed: int) -> None:
    random = Random(seed)
    wipe(inventory)
    with inventory.change() as change:
        things = build(change, random)
    writer = Writer(random, things)
    with inventory.read() as reader:
        memory = Memory.load(reader)
        for _ in range(EXPRESSIONS):
            text = writer.expression()
            note(text)
            node = parse(text)
            assert parse(str(node)) == node
            found = _answer(reader, node)
            if found is None:
                continue
            bound = bind(reader, node, allow_unknown=True).tree
            assert [each.name for each in found] == [each.name for each in memory.select(bound)], text
            assert [each.name for each in _as_read(reader, node)] == [each.name for each in found], text
            thing = random.choice(things)
            assert matches(reader, thing, node, allow_unknown=True) == (thing in found), (text, thing)
            few = frozenset(each.id for each in random.sample(things, 4))
            assert set(policies.select(reader, bound, few)) == {each for each in found if each.id in few}, text


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
@few_on_servers(3)
def test_power_is_the_same_step_by_step_and_at_once(inventory: Inventory, seed: int) -> None:
    random = Random(seed)
    wipe(inventory)
    with inventory.change() as change:
        build(change, random)
    with inventory.read() as reader, pytest.MonkeyPatch.context() as patch:
        things = [thing for each in reader.all() for thing in (each, *reader.parts(each.id))]
        every = {thing.id for thing in things}
        power = PowerMap(reader)
        above = power.above(every, every)
        assert {id: set(found) for id, found in feeding.sources(reader, things).items() if found} == above
        for thing in things:
            assert feeding.downstream(reader, [thing]) == power.below([thing.id]), thing
        fed = [f"{count}(fed by {target}){test}" for target in TARGETS for count, test in (("", ""), ("count", " < 2"))]
        told = {text: _answer(reader, parse(text)) for text in (*fed, *(f"part:* and {text}" for text in fed))}
        patch.setattr(feeding, "SEVERAL", 0)
        assert {text: _answer(reader, parse(text)) for text in told} == told


def _as_read(reader: Reader, node: Node) -> list[Thing]:
    """What the database answers in order where few count as very many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "PROBE", 1)
        patch.setattr(compiler, "CROWD_SIZE", 2)
        return list(stream(reader, node, allow_unknown=True).things)


def _answer(reader: Reader, node: Node) -> list[Thing] | None:
    """What the database answers, None for a comparison that it refuses."""
    try:
        return find(reader, node, allow_unknown=True).things
    except Malformed as error:
        if "cannot be compared" in str(error):
            return None
        raise
