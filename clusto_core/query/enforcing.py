"""Policies that no change may break anew, held when a transaction ends.

What may have changed is worked out (`affected`), and of that alone what breaks a policy now is looked for. Where there
is such, the store is asked once more, as it was before: what broke a policy then is no reason to refuse anything.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager

from clusto_core.errors import ClustoError, Refused
from clusto_core.model.reserved import EXPRESSION, EXPRESSION_GONE, POLICY
from clusto_core.model.things import Attribute
from clusto_core.query import checks, policies
from clusto_core.query.affected import Affected, Ids
from clusto_core.query.checks import MARK
from clusto_core.query.policies import Policy, Violation
from clusto_core.query.saving import renamed
from clusto_core.query.tree import Node
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

Before = Callable[[], AbstractContextManager[Reader]]
"""Opens the store as it was before the transaction."""

SHOWN = 100
"""So many violations are told."""


def check(unit: UnitOfWork, before: Before, exchanged: Container[int] = ()) -> list[str]:
    """Gives what the author of the change should know: what breaks already an enforced policy that it defines.

    Raises Refused, with a line for each in its details, for what breaks an enforced policy and did not before.
    """
    policies.check_definitions(unit)
    enforced = [policy for policy in policies.policies(unit.reader) if policy.enforce]
    affected = Affected(unit)
    former = {new: old for id, (old, new) in unit.renamed().items() if id not in exchanged}
    notes = []
    for policy in enforced:
        if policy.gone:
            _check_gone(unit, policy)
            continue
        try:
            node = policies.meaning(unit.reader, policy) if policy.never else None
        except ClustoError as error:
            notes.append(f"not enforced: {error}")
            continue
        if broken := _broken(unit, affected, policy, node):
            _check_new(policy, node, broken, former, before)
        notes += _of_before(unit, policy)
    return notes


def _broken(unit: UnitOfWork, affected: Affected, policy: Policy, node: Node | None) -> list[Violation]:
    """What breaks a policy, of what may have changed."""
    ids: Ids | None = frozenset()
    if policy.check:
        found = checks.named(policy.check)
        ids = affected.by(found.depends)
        if ids:
            ids |= found.widen(unit.reader, ids)
    if node is not None and ids is not None:
        more = affected.by(node)
        ids = None if more is None else ids | more
    return [] if ids == frozenset() else policies.violations(unit.reader, policy, ids)


def _check_new(
    policy: Policy, node: Node | None, broken: list[Violation], former: Mapping[str, str], before: Before
) -> None:
    """Raises Refused for what did not break the policy before, when Things had their former names."""
    ids = frozenset(each.thing.id for each in broken)
    with before() as reader:
        if policy.check:
            ids = frozenset(thing.id for thing, *_ in checks.named(policy.check).find(reader, ids))
        if node is not None:
            ids = frozenset(thing.id for thing in policies.select(reader, renamed(node, former), ids))
    if new := [each for each in broken if each.thing.id not in ids]:
        raise _refusal(policy, new)


def _refusal(policy: Policy, new: list[Violation]) -> Refused:
    first = new[0]
    more = f", and {len(new) - 1} more" if len(new) > 1 else ""
    error = Refused(f"{first.thing.name} would break the policy {policy.name}: {first.words}{more}")
    error.details = tuple(f"{each.thing.name}: {each.words}" for each in new[:SHOWN]) if len(new) > 1 else ()
    return error


def _check_gone(unit: UnitOfWork, policy: Policy) -> None:
    """Raises Refused when it is this transaction that takes away what a policy names."""
    new, _ = unit.changed_under({EXPRESSION_GONE})
    for attribute in new:
        if unit.by_id(attribute.thing_id).name == MARK + policy.name:
            raise Refused(
                f"{attribute.value.text} is named by the policy {policy.name}, which would mean nothing without it"
                f" (clusto policy delete {policy.name}, or define it anew)"
            )


def _of_before(unit: UnitOfWork, policy: Policy) -> Iterator[str]:
    """Where a policy is new, or another: how many break it."""
    new, _ = unit.changed_under({POLICY, EXPRESSION})
    if any(unit.by_id(each.thing_id).name == MARK + policy.name for each in _of_present(unit, new)):
        count = len(policies.violations(unit.reader, policy))
        if count:
            several = "Things break" if count > 1 else "Thing breaks"
            yield f"{count} {several} the policy {policy.name} already (clusto check)"


def _of_present(unit: UnitOfWork, attributes: Iterable[Attribute]) -> Iterator[Attribute]:
    return (each for each in attributes if unit.find(each.thing_id) is not None)
