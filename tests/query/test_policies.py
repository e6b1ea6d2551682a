"""Policies: what is said of them, what breaks them, and that an enforced one is never broken anew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clusto_core.drivers.equipment import Server
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.query import grouping, policies, saving
from clusto_core.query.affected import Affected
from clusto_core.query.binding import settle
from clusto_core.query.parser import parse
from clusto_core.query.policies import Policy
from clusto_core.query.tree import Node
from clusto_core.records.revert import revert
from clusto_core.rules import claims
from clusto_core.store.reader import Reader, open_reader
from tests.examples import few_on_servers
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
            change.connect(part, far, breakout=random.random() < 0.3)
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
@few_on_servers(2)
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


@contextlib.contextmanager
def refused(inventory: Inventory, words: str) -> Iterator[Transaction]:
    """A change that is refused with these words."""
    with pytest.raises(Refused, match=words), inventory.change() as change:
        yield change


# --- what is enforced ------------------------------------------------------------------------------------------------


def fed(inventory: Inventory) -> None:
    """Two PDUs on two feeds, a server on both, and one on the first alone."""
    with inventory.change() as change:
        change.add("Rack", "rack1", part_counts={"ru": 4})
        for name, feed in (("pdu1", "A"), ("pdu2", "B"), ("pdu3", "B")):
            change.add("PDU", name, part_counts={"outlet": 4}, attributes=[("feed", feed)])
        for number in (1, 2):
            change.add("Server", f"web{number}", part_counts={"inlet": 2}, attributes=[("status", "allocated")])
            change.connect(f"web{number}:psu1", f"pdu1:{number}")
        change.connect("web1:psu2", "pdu2:1")


TWO_PDUS = "driver:Server and attr:status,allocated and count(connected to driver:PDU) < 2"


def broken(inventory: Inventory) -> list[tuple[str, str]]:
    with inventory.read() as reader:
        return [(each.policy.name, each.thing.name) for each in policies.check(reader, policies.policies(reader))]


def test_an_enforced_policy_is_not_broken_anew(inventory: Inventory) -> None:
    fed(inventory)
    change = define(inventory, "two-pdus", TWO_PDUS, say="one PDU", enforce=True)
    assert change.notes == ["1 Thing breaks the policy two-pdus already (clusto check)"]
    assert broken(inventory) == [("two-pdus", "web2")]
    with refused(inventory, "web1 would break the policy two-pdus: one PDU") as change:
        change.disconnect("web1:psu2")
    # What broke it before is in nobody's way, and a change may move through what breaks it.
    with inventory.change() as change:
        change.set_values("web2", "status", "spare")
        change.set_values("web2", "status", "allocated")
        change.set_values("web2", "note", "x")
        change.disconnect("web1:psu2")
        change.connect("web1:psu2", "pdu3:1")
    with refused(inventory, "web9 would break") as change:
        change.add("Server", "web9", attributes=[("status", "allocated")])
    with pytest.raises(Refused, match="web1 would break"), inventory.change(dry_run=True) as change:
        change.disconnect("web1:psu2")
    assert broken(inventory) == [("two-pdus", "web2")]


def test_an_address_that_goes_with_its_part_is_looked_at(inventory: Inventory) -> None:
    with inventory.change() as change:
        change.add("Server", "s1", part_counts={"nic": 2})
        claims.hold(change.unit, change.resolve("s1:eth1"), "10.2.0.1")
    define(inventory, "addressed", "driver:Server and not _ip:10.2.0.0/16", enforce=True)
    with refused(inventory, "s1 would break the policy addressed") as change:
        change.remove("s1:eth1")


def test_several_are_told_with_a_line_each(inventory: Inventory) -> None:
    with inventory.change() as change:
        policies.define(change.unit, Policy("no-spare", "attr:status,spare", enforce=True), allow_unknown=True)
    words = "s1 would break the policy no-spare: attr:status,spare, and 1 more"
    with pytest.raises(Refused, match=words) as refusal:
        _add_spares(inventory)
    assert refusal.value.details == ("s1: attr:status,spare", "s2: attr:status,spare")


def _add_spares(inventory: Inventory) -> None:
    with inventory.change() as change:
        for name in ("s2", "s1"):
            change.add("Server", name, attributes=[("status", "spare")])


def test_a_path_through_panels_is_held(inventory: Inventory) -> None:
    with inventory.change() as change:
        change.add("Switch", "sw1", part_counts={"port": 2})
        change.add("Server", "web1", part_counts={"nic": 1})
        for name in ("pp1", "pp2"):
            change.add("PatchPanel", name, part_counts={"port": 2})
        change.connect("web1:eth0", "pp1:1")
        change.connect("sw1:1", "pp2:1")
    define(inventory, "apart", "driver:Server and connected to driver:Switch via network", enforce=True)
    with refused(inventory, "web1 would break the policy apart") as change:
        change.connect("pp1:rear1", "pp2:rear1")
    define(inventory, "joined", "driver:Server and not (connected to driver:Switch via network)", enforce=True)
    with inventory.change() as change:
        policies.delete(change.unit, "apart")
        change.connect("pp1:rear1", "pp2:rear1")
    with refused(inventory, "web1 would break the policy joined") as change:
        change.disconnect("pp1:rear1")


def test_a_policy_follows_names_and_holds_what_it_names(inventory: Inventory) -> None:
    fed(inventory)
    with inventory.change() as change:
        saving.save(change.unit, "mine", "driver:Server and not in name:rack1")
    define(inventory, "placed", "@mine and in name:rack1", enforce=True)
    define(inventory, "here", "driver:Switch and not in name:rack1", enforce=True)
    with inventory.change() as change:
        change.rename("rack1", "rack7")
    with inventory.read() as reader:
        assert policies.named(reader, "here").never == "driver:Switch and not in name:rack7"
    with refused(inventory, "rack7 is named by the policy here, which would mean nothing without it") as change:
        change.remove("rack7")
    with refused(inventory, "@mine is used by %placed") as change:
        saving.delete(change.unit, "mine")
    with pytest.raises(NotFound, match=r"no such policy: hare \(did you mean here"), inventory.change() as change:
        policies.delete(change.unit, "hare")


def test_a_policy_that_names_what_is_gone_is_told_as_broken(inventory: Inventory) -> None:
    fed(inventory)
    define(inventory, "placed", "driver:Switch and not in name:rack1")
    with inventory.change() as change:
        change.remove("rack1")
    with inventory.read() as reader:
        (found,) = policies.check(reader, policies.policies(reader))
    assert (found.thing.name, found.words.partition(" (")[0]) == (
        "%placed",
        "the policy placed names what is not there any more: rack1",
    )


def test_policies_are_reverted_and_no_revert_breaks_them(inventory: Inventory) -> None:
    fed(inventory)
    with inventory.change() as undone:
        change = undone
        change.connect("web2:psu2", "pdu2:2")
    defined = define(inventory, "two-pdus", TWO_PDUS, enforce=True)
    with pytest.raises(Refused, match="web2 would break"), inventory.change(reverts=undone.id) as change:
        revert(change.unit, undone.id or 0)
    with inventory.change(reverts=defined.id) as change:
        revert(change.unit, defined.id or 0)
    with inventory.read() as reader:
        assert policies.policies(reader) == []
        assert reader.get("%two-pdus") is None


@pytest.mark.parametrize(
    ("name", "said", "message"),
    [
        ("a b", {"never": "driver:Server"}, "malformed name of a policy"),
        ("x", {"never": "driver:"}, "expected a driver"),
        ("x", {"never": "driver:Server", "level": "fatal"}, "level is error or warning, not 'fatal'"),
        ("x", {}, "has an expression, or is one of clusto's own checks"),
        ("x", {"check": "two-feed"}, "no such check: two-feed .did you mean two-feeds"),
        ("x", {"check": "type-drift", "enforce": True}, "cannot be enforced"),
    ],
)
def test_what_no_policy_can_be(inventory: Inventory, name: str, said: dict[str, Any], message: str) -> None:
    with pytest.raises(Malformed, match=message):
        define(inventory, name, **said)


# --- clusto's own checks ---------------------------------------------------------------------------------------------


def words_of(inventory: Inventory) -> dict[str, str]:
    with inventory.read() as reader:
        return {each.thing.name: each.words for each in policies.check(reader, policies.policies(reader))}


def test_two_feeds_are_of_two_devices_and_two_sources(inventory: Inventory) -> None:
    fed(inventory)
    define(inventory, "two-feeds", check="two-feeds", enforce=True)
    assert words_of(inventory) == {"web2": "all its power is from pdu1"}
    with refused(
        inventory, "web1 would break the policy two-feeds: pdu1 and pdu2 have their power from feed A"
    ) as change:
        change.set_values("pdu2", "feed", "A")
    with inventory.change() as change:
        change.add("PDU", "ups", part_counts={"outlet": 2})
        for pdu in ("pdu1", "pdu2"):
            change.add("Inlet", f"{pdu}:in")
        change.connect("pdu1:in", "ups:1")
    with refused(inventory, "web1 would break .* pdu1 and pdu2 have their power from ups") as change:
        change.connect("pdu2:in", "ups:2")
    with refused(inventory, "web3 would break the policy two-feeds: it has no feed") as change:
        change.add("Server", "web3")
    define(inventory, "two-feeds", "attr:status,allocated", check="two-feeds", enforce=True)
    with inventory.change() as change:
        change.add("Server", "web3")
    with refused(inventory, "web3 would break") as change:
        change.set_values("web3", "status", "allocated")


def test_draws_against_ratings(inventory: Inventory) -> None:
    fed(inventory)
    define(inventory, "power-draw", check="power-draw", enforce=True)
    with inventory.change() as change:
        change.set_values("pdu1", "rating", "1kW")
        change.set_values("web1:psu1", "draw", 400)
        change.set_values("web2:psu1", "draw", 600)
    with refused(inventory, "pdu1 would break .*: 1001 W are drawn, it is rated at 1000 W") as change:
        change.set_values("web2:psu1", "draw", 601)
    with refused(inventory, "pdu1 would break") as change:
        change.set_values("pdu1", "rating", 999)
    with inventory.change() as change:
        change.add("PDU", "ups", part_counts={"outlet": ["1"]}, attributes=[("rating", 700)])
        change.add("Inlet", "pdu2:in")
        change.connect("pdu2:in", "ups:1")
    with refused(inventory, "ups would break .*: 800 W are drawn") as change:
        change.set_values("web1:psu2", "draw", 800)


def test_racks_names_and_types(inventory: Inventory) -> None:
    fed(inventory)
    for name in ("rack-units", "one-address"):
        define(inventory, name, check=name, enforce=True)
    define(inventory, "type-drift", check="type-drift", level="warning")
    with inventory.change() as change:
        change.set_values("web1", "height", 3)
        change.put("web1", "rack1")
        change.set_values("web2", "height", 2)
        claims.hold(change.unit, change.resolve("web1"), "10.0.0.1")
    with refused(inventory, "rack1 would break the policy rack-units: 5 units are taken, it has 4") as change:
        change.put("web2", "rack1")
    with refused(inventory, "web1 would break .*: it has the addresses 10.0.0.1, 10.0.0.2") as change:
        claims.hold(change.unit, change.resolve("web1"), "10.0.0.2")
    with inventory.change() as change:
        change.add(
            "DeviceType", "acme/box", attributes=[("definition", {"driver": "Server", "parts": [], "attrs": {}})]
        )
        change.add("Server", "typed", device_type="acme/box")
    assert words_of(inventory) == {}
    with inventory.change() as change:
        change.set_values("acme/box", "definition", {"driver": "Server", "parts": [], "attrs": {"vendor": "acme"}})
    assert words_of(inventory) == {"typed": "acme/box has changed since"}


# --- rules for pools -------------------------------------------------------------------------------------------------


def test_pools_exclude_one_another_and_everyone_is_in_one(inventory: Inventory) -> None:
    with inventory.change() as change:
        pools = [change.add("Pool", name) for name in ("production", "development")]
        change.add("Pool", "web", parents=["production"])
        grouping.exclude(change.unit, pools)
    with inventory.change() as change:
        change.add("Server", "s1", parents=["web"])
    with refused(inventory, "s1 would break the policy .*: it is in two of production, development") as change:
        change.put("s1", "development")
    with inventory.change() as change:
        grouping.require(change.unit, Server, [change.resolve(pool.name) for pool in pools])
        change.rename("production", "live")
    with refused(inventory, "s2 would break the policy Server-in-production-or-development") as change:
        change.add("Server", "s2")
    with refused(inventory, "s1 would break") as change:
        change.take("web", "live")
    with pytest.raises(Malformed, match="name two or more"), inventory.change() as change:
        grouping.exclude(change.unit, pools[:1])
