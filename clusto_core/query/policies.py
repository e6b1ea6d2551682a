"""Policies: what must never be, said by an expression that nothing may satisfy, or by one of clusto's own checks.

One is a Thing of driver Policy, named `%NAME`, and so is exported, logged and reverted as all else is. Its expression
is kept as that of a saved one is, and so follows a rename.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from clusto_core.drivers.resources import Policy as Kind
from clusto_core.errors import ClustoError, Malformed, NotFound, did_you_mean
from clusto_core.model.attributes import string, structure
from clusto_core.model.reserved import EXPRESSION, EXPRESSION_GONE, POLICY
from clusto_core.model.things import Thing, in_order
from clusto_core.query import checks, tree
from clusto_core.query.binding import bind, settle
from clusto_core.query.checks import MARK, Find, Ids
from clusto_core.query.compiler import Compiler
from clusto_core.query.keys_asked import keys_asked
from clusto_core.query.parser import parse
from clusto_core.query.saving import link
from clusto_core.query.search import COLUMNS
from clusto_core.query.tree import Node
from clusto_core.rules import kinds, things, values
from clusto_core.spelling import natural_key, suggest
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

EMPTY: Mapping[str, Find] = MappingProxyType({})
LEVELS = ("error", "warning")
_WORDS = {"say": str, "level": str, "enforce": bool, "check": str}


class Policy(NamedTuple):
    """What must never be. `never` is an expression; where `check` names one of clusto's own checks, it says of which
    Things, of all where it is empty."""

    name: str
    never: str = ""
    say: str = ""
    level: str = "error"
    enforce: bool = False
    """Whether no change may break it anew."""
    check: str = ""
    gone: tuple[str, ...] = ()
    """What the expression names that is not there any more: it means nothing then."""

    @property
    def words(self) -> str:
        """What is said of a Thing that breaks it."""
        return self.say or (checks.named(self.check).meaning if self.check else self.never)


class Violation(NamedTuple):
    """A Thing or part that breaks a policy, and how; where it is not `known`, what had to be asked and did not say
    whether anything breaks it."""

    policy: Policy
    thing: Thing
    words: str
    known: bool = True


# --- what there is ---------------------------------------------------------------------------------------------------


def policies(reader: Reader) -> list[Policy]:
    """All policies, in natural order."""
    every = in_order(reader.all([Kind.__name__]))
    held: dict[int, list[Any]] = {thing.id: [] for thing in every}
    for attribute in reader.attributes(*held):
        held[attribute.thing_id].append(attribute)
    return [_read(thing, held[thing.id]) for thing in every]


def _read(thing: Thing, attributes: Iterable[Any]) -> Policy:
    said: dict[str, Any] = {}
    gone = []
    for each in attributes:
        if each.key == EXPRESSION:
            said["never"] = each.value.text
        elif each.key == POLICY:
            said.update(json.loads(each.value.text))
        elif each.key == EXPRESSION_GONE:
            gone.append(each.value.text)
    return Policy(thing.name.removeprefix(MARK), **said, gone=tuple(gone))


def named(reader: Reader, name: str) -> Policy:
    """The policy of that name. Raises NotFound with a suggestion."""
    name = name.removeprefix(MARK)
    known = {each.name: each for each in policies(reader)}
    if name not in known:
        raise NotFound(f"no such policy: {name}{did_you_mean(suggest(name, known))} (clusto policy list)")
    return known[name]


# --- saying and forgetting -------------------------------------------------------------------------------------------


def define(unit: UnitOfWork, policy: Policy, *, allow_unknown: bool = False) -> bool:
    """Keeps a policy, instead of what was said by that name before; False when that was the same.

    Raises Malformed for what cannot be, NotFound as `binding.bind` does for what its expression names.
    """
    full = kinds.checked_name(f"{MARK}{policy.name.removeprefix(MARK)}", Kind)
    if policy.never:
        bind(unit.reader, parse(policy.never), allow_unknown=allow_unknown)
    _checked(full, policy)
    thing = unit.get(full) or things.add(unit, Kind, full)
    data = {word: getattr(policy, word) for word in _WORDS if getattr(policy, word)}
    changed = bool(values.forget(unit, thing, EXPRESSION_GONE)) if policy.never else False
    if policy.never:
        changed |= values.keep(unit, thing, EXPRESSION, [string(policy.never)]) | link(unit, thing)
    elif any(each.key == EXPRESSION for each in unit.attributes(thing)):
        changed |= bool(values.forget(unit, thing, EXPRESSION)) | link(unit, thing)
    return values.keep(unit, thing, POLICY, [structure(data)]) | changed


def delete(unit: UnitOfWork, name: str) -> None:
    """Forgets a policy. Raises NotFound."""
    policy = named(unit.reader, name)
    thing = unit.get(MARK + policy.name)
    assert thing is not None
    things.remove(unit, thing)


def check_definitions(unit: UnitOfWork) -> None:
    """Raises Malformed for a policy that a transaction leaves and that cannot be: a file may say anything."""
    new, _ = unit.changed_under({POLICY, EXPRESSION})
    for id in {attribute.thing_id for attribute in new}:
        thing = unit.find(id)
        if thing is not None and thing.is_a(Kind):
            _check_kept(thing, unit.attributes(thing))


def _check_kept(thing: Thing, attributes: Iterable[Any]) -> None:
    for each in attributes:
        if each.key == POLICY:
            data = each.value.python()
            wrong = not isinstance(data, Mapping) or any(
                type(said) is not _WORDS.get(word, object) for word, said in data.items()
            )
            if wrong:
                raise Malformed(f"{thing.name}: a policy is said by {', '.join(_WORDS)}, not {each.value.text[:80]}")
    policy = _read(thing, attributes)
    if policy.never:
        parse(policy.never)
    _checked(thing.name, policy)


def _checked(full: str, policy: Policy) -> None:
    if policy.level not in LEVELS:
        raise Malformed(f"{full}: a policy's level is error or warning, not {policy.level[:40]!r}")
    if not (policy.never or policy.check):
        raise Malformed(f"{full}: a policy has an expression, or is one of clusto's own checks")
    if policy.check and not checks.named(policy.check).enforceable and policy.enforce:
        raise Malformed(f"{full}: {policy.check} is looked at by clusto check alone, and cannot be enforced")


# --- what breaks them ------------------------------------------------------------------------------------------------


def check(
    reader: Reader, wanted: Iterable[Policy], among: Collection[int] | None = None, asked: Mapping[str, Find] = EMPTY
) -> list[Violation]:
    """What breaks some policies, policy by policy: all, or what is of these Things. `asked` are checks that others do,
    by their names: those that devices answer. A policy that means nothing any more is told as broken by itself."""
    found: list[Violation] = []
    for policy in wanted:
        try:
            found += violations(reader, policy, asked=asked)
        except ClustoError as error:
            if (thing := reader.get(MARK + policy.name)) is not None:
                found.append(Violation(policy, thing, str(error)))
    if among is None:
        return found
    return [each for each in found if not each.known or not {each.thing.id, each.thing.entity_id}.isdisjoint(among)]


def violations(
    reader: Reader, policy: Policy, among: Ids | None = None, asked: Mapping[str, Find] = EMPTY
) -> list[Violation]:
    """What breaks a policy, in natural order: all, or what of these Things and parts does.

    Raises NotFound for an expression that names what is not there any more.
    """
    if not policy.check:
        return [Violation(policy, thing, policy.words) for thing in select(reader, meaning(reader, policy), among)]
    find = asked.get(policy.check) or checks.named(policy.check).find
    found = [Violation(policy, *each) for each in find(reader, among)]
    if policy.never:
        ids = frozenset(each.thing.id for each in found)
        ids = frozenset(thing.id for thing in select(reader, meaning(reader, policy), ids))
        found = [each for each in found if not each.known or each.thing.id in ids]
    return found


def meaning(reader: Reader, policy: Policy) -> Node:
    """The tree of a policy's expression, with saved ones written out. What it names need not be there: nothing is
    called so then, and nothing has such a key. Raises NotFound for what was removed since."""
    if policy.gone:
        raise NotFound(
            f"the policy {policy.name} names what is not there any more: {', '.join(policy.gone)}"
            f" (clusto policy define {policy.name} --never EXPR; it was {policy.never})"
        )
    try:
        asked = parse(policy.never)
        with reader.database.about(keys_asked(asked)):
            return settle(reader, asked)
    except ClustoError as error:
        raise type(error)(f"the policy {policy.name}: {error}") from None


def select(reader: Reader, node: Node, among: Ids | None = None) -> list[Thing]:
    """What a tree selects, in natural order."""
    wanted = node if among is None else tree.And(tree.Among(among), node)
    with reader.database.about(keys_asked(wanted)):
        sql, parameters = Compiler(reader).compile(wanted, COLUMNS)
        rows = sorted(reader.database.rows(sql, parameters), key=lambda row: natural_key(row[1]))
    return [Thing(*row) for row in rows]
