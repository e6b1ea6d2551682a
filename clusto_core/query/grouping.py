"""Rules for pools, kept as policies: pools that exclude one another, and pools that all of a kind must be in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

from clusto_core.drivers import Driver
from clusto_core.errors import Malformed
from clusto_core.model.things import Thing
from clusto_core.query import policies
from clusto_core.query.patterns import Literal
from clusto_core.query.policies import Policy
from clusto_core.query.tree import And, DriverIs, In, Name, Node, Not, Or
from clusto_core.store.unit import UnitOfWork


def exclude(unit: UnitOfWork, pools: Sequence[Thing]) -> Policy:
    """No Thing may be in two of these pools; gives the policy that says so. Raises Malformed for fewer than two."""
    if len(pools) < 2:
        raise Malformed("pools exclude one another: name two or more")
    pairs = [And(_in([one]), _in([other])) for one, other in combinations(pools, 2)]
    names = [pool.name for pool in pools]
    return _define(unit, f"exclusive-{'-'.join(names)}", Or(*pairs), f"it is in two of {', '.join(names)}")


def require(unit: UnitOfWork, kind: type[Driver], pools: Sequence[Thing]) -> Policy:
    """Each Thing of a kind must be in one of these pools; gives the policy that says so."""
    node = And(DriverIs(Literal(kind.__name__), (kind,)), Not(_in(pools)))
    names = [pool.name for pool in pools]
    say = f"it is in none of {', '.join(names)}" if len(names) > 1 else f"it is not in {names[0]}"
    return _define(unit, f"{kind.__name__}-in-{'-or-'.join(names)}", node, say)


def _in(pools: Iterable[Thing]) -> Node:
    names: list[Node] = [Name(Literal(pool.name)) for pool in pools]
    return In(names[0] if len(names) == 1 else Or(*names))


def _define(unit: UnitOfWork, name: str, never: Node, say: str) -> Policy:
    policy = Policy(re.sub(r"[^\w.+-]", "-", name)[:100], str(never), say, enforce=True)
    policies.define(unit, policy)
    return policy
