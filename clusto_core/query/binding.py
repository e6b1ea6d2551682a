"""Holds an expression against the store before it is asked: saved expressions written out, names and keys that must be
there, comparisons that could never hold. A typo is an error with a suggestion, never an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clusto_core.drivers import Part
from clusto_core.errors import Malformed, NotFound, Refused, did_you_mean
from clusto_core.model.attributes import HEAD, IN, IP, Key, infer
from clusto_core.query import tree
from clusto_core.query.patterns import Literal, Range
from clusto_core.query.saved import usable_expression
from clusto_core.query.statement import Statement
from clusto_core.query.tree import Node
from clusto_core.query.values import order
from clusto_core.spelling import suggest
from clusto_core.store.database import Row
from clusto_core.store.reader import Reader

if TYPE_CHECKING:
    from clusto_core.model.keys import Declared

DEEPEST = 20
"""How many saved expressions may lead to each other."""
SHOWN = 3
"""How many unknown names a message tells."""

_VALUES = 2000
"""So many values of a key are looked at for a suggestion."""


class Bound(NamedTuple):
    """An expression ready to be asked, and what its author should know: values that nothing has."""

    tree: Node
    notes: list[str]


def bind(reader: Reader, node: Node, *, allow_unknown: bool = False) -> Bound:
    """Prepares an expression for this store.

    Raises NotFound for names, keys, parts and saved expressions that nothing in the store has (not for names, parts and
    keys with `allow_unknown`); Malformed for a comparison of a number or a date with a key that never holds one, and
    for saved expressions that lead back to themselves; Refused for values of secrets where the reader is discreet.
    """
    written_out = expand(reader, node)
    binder = _Binder(reader)
    bound = respelled(reader, binder.names(written_out, allow_unknown))
    for each in bound.walk():
        if reader.discreet:
            check_discretion(reader, each)
        binder.check(each, allow_unknown)
    return Bound(bound, binder.notes)


def settle(reader: Reader, node: Node) -> Node:
    """As `bind` where all may be unknown, and what a comparison is with is not looked at: of an expression that was
    bound before, and whose answer alone is wanted. Raises NotFound, Malformed for saved expressions."""
    return respelled(reader, _Binder(reader).names(expand(reader, node), True))


def respelled(reader: Reader, node: Node) -> Node:
    """The tree with values spelled as their keys keep them: a MAC without marks with colons, `2kW` as 2000."""
    tests = [each for each in node.walk() if isinstance(each, (tree.Attr, tree.Compare)) and not each.key.reserved]
    if not tests:
        return node
    # Not where only names are asked for, which is quick.
    from clusto_core.model import keys
    from clusto_core.rules import declared

    known = declared.of_site(reader)
    change: dict[Node, Node] = {}
    for each in tests:
        each_declared = keys.of(each.key) or known.get(Key(each.key.key, None, each.key.subkey))
        asked = each.pattern if isinstance(each, tree.Attr) else each.value
        kept = _kept(each_declared, asked) if each_declared is not None and isinstance(asked, Literal) else None
        if kept is not None and isinstance(each, tree.Attr):
            change[each] = tree.Attr(each.key, kept, each.inherited)
        elif kept is not None and isinstance(each, tree.Compare):
            change[each] = tree.Compare(each.key, each.sign, kept, each.inherited)
    return tree.rewrite(node, change) if change else node


def _kept(known: Declared, asked: Literal) -> Literal | None:
    """What a key would keep of a text; None where that is the text itself, or cannot be."""
    try:
        kept = known.grammar.read(infer(asked.text))
    except Malformed:
        return None
    if kept is None or kept.text == asked.text:
        return None
    return Literal(kept.text, asked.quoted)


def expand(reader: Reader, node: Node, path: tuple[str, ...] = ()) -> Node:
    """The tree with every saved expression in its place. Raises NotFound, Malformed for one that needs itself."""
    from clusto_core.query.parser import parse

    change: dict[Node, Node] = {}
    for each in node.walk():
        if isinstance(each, tree.Saved) and each not in change:
            if each.name in path or len(path) >= DEEPEST:
                chain = " -> ".join(f"@{name}" for name in (*path, each.name))
                raise Malformed(f"saved expressions lead back to themselves: {chain}")
            text = usable_expression(reader, each.name)
            change[each] = expand(reader, parse(text), (*path, each.name))
    return tree.rewrite(node, change) if change else node


def check_discretion(reader: Reader, node: Node) -> None:
    """Raises Refused for a test of values that are not shown: what satisfies it would tell them by and by."""
    keys: list[Key] = []
    if isinstance(node, (tree.Attr, tree.Compare, tree.Exactly)):
        keys = [node.key]
    elif isinstance(node, tree.OnlyAttrs):
        keys = [key for key, _ in node.pairs]
    for key in keys:
        if key.secret or (key.is_pattern and any(key.covers(known) for known in _secrets(reader))):
            raise Refused(f"{key} holds secrets, whose values cannot be asked for here (haskey({key}) can)")


def _secrets(reader: Reader) -> list[Key]:
    return [key for key in map(Key.parse, reader.keys()) if key.secret]


class _Binder:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.notes: list[str] = []
        self._known_keys: dict[tuple[Key, bool], bool] = {}

    # --- names -------------------------------------------------------------------------------------------------------

    def names(self, node: Node, allow_unknown: bool) -> Node:
        """The tree with parts named by their labels renamed. Raises NotFound for literal names that are not there."""
        named = [each for each in node.walk() if isinstance(each, tree.Name)]
        wanted = dict.fromkeys(text for each in named for text in _texts(each))
        found = self.reader.find_names(wanted)
        change: dict[Node, Node] = {}
        missing = []
        for text in wanted:
            if text not in found:
                part = self._labelled(text)
                if part is not None:
                    change[tree.Name(Literal(text))] = tree.Name(Literal(part))
                else:
                    missing.append(text)
        if missing and not allow_unknown:
            shown = ", ".join(missing[:SHOWN])
            rest = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            guess = did_you_mean(self._suggestion(missing[0])) if len(missing) == 1 else ""
            raise NotFound(f"no such thing: {shown}{rest}{guess}")
        return tree.rewrite(node, change) if change else node

    def _labelled(self, text: str) -> str | None:
        """The name of the part that the device itself calls so: `switch2a:GigabitEthernet0/4`."""
        owner, colon, _ = text.partition(":")
        if not colon or self.reader.get(owner) is None:
            return None
        try:
            return self.reader.resolve(text).name
        except NotFound:
            return None

    def _suggestion(self, text: str) -> str | None:
        owner, colon, part = text.partition(":")
        if not colon:
            return self.reader.suggestion(text)
        thing = self.reader.get(owner)
        if thing is None:
            guess = self.reader.suggestion(owner)
            return guess and f"{guess}:{part}"
        guess = suggest(part, [each.part_name for each in self.reader.parts(thing.id)])
        return guess and f"{owner}:{guess}"

    # --- keys and values ---------------------------------------------------------------------------------------------

    def check(self, node: Node, allow_unknown: bool) -> None:
        """Raises NotFound, Malformed for what a test of the tree asks in vain; notes values that nothing has."""
        if isinstance(node, tree.PartName) and isinstance(node.pattern, Literal) and not allow_unknown:
            self._check_part(node.pattern.text)
        asked: list[Key] = []
        if isinstance(node, (tree.Attr, tree.Compare, tree.Exactly, tree.HasKey)):
            asked = [node.key]
        elif isinstance(node, tree.OnlyAttrs):
            asked = [key for key, _ in node.pairs]
        for key in asked:
            if not self._known(key, has=isinstance(node, tree.HasKey)):
                if allow_unknown:
                    return
                known = self.reader.keys()
                guess = suggest(str(key), [each for each in known if not each.startswith("_")])
                raise NotFound(f"no such key: nothing has {key}{did_you_mean(guess)}")
        if isinstance(node, tree.Compare) and node.sign not in ("=", "!="):
            self._check_order(node)
        if isinstance(node, tree.Attr) and isinstance(node.pattern, Literal):
            self._note(node.key, node.pattern)
        elif isinstance(node, tree.Compare) and node.sign in ("=", "!="):
            self._note(node.key, node.value)
        elif isinstance(node, tree.Exactly):
            for value in node.values:
                self._note(node.key, value)

    def _ask(self, select: str, key: Key, more: str = "") -> list[Row]:
        statement = Statement(self.reader.database)
        return statement.rows(f"SELECT {select} FROM attributes a WHERE {statement.keyed('a', key)}{more}")

    def _known(self, key: Key, *, has: bool = False) -> bool:
        if (key, has) not in self._known_keys:
            statement = Statement(self.reader.database)
            under = (statement.had if has else statement.keyed)("a", key)
            sql = f"SELECT 1 FROM attributes a WHERE {under} LIMIT 1"
            self._known_keys[key, has] = key in (Key(IP), Key(IN)) or bool(statement.rows(sql))
        return self._known_keys[key, has]

    def _check_order(self, node: tree.Compare) -> None:
        sort = order(node.value).sort
        types = {"number": "'integer', 'float'", "instant": "'datetime'", "text": "'string'"}[sort]
        if self._ask("1", node.key, f" AND a.type IN ({types}) LIMIT 1"):
            return
        held = [row[0] for row in self._ask("a.type", node.key, " LIMIT 1")]
        if not held:
            return
        what = {"number": "numbers", "instant": "dates", "text": "text"}[sort]
        holds = {"string": "text", "integer": "numbers", "float": "numbers", "datetime": "dates"}.get(held[0], held[0])
        hint = ""
        if sort != "text" and held[0] == "string":
            hint = f': quote the value to compare it as text ({node.key}{node.sign}"{node.value.text}")'
        raise Malformed(f"{node.key} holds {holds} and no {what}: {node.value} cannot be compared with it{hint}")

    def _note(self, key: Key, literal: Literal) -> None:
        """Says when a value is nothing's: that is no error, since it may be so, but it may be a slip."""
        from clusto_core.query.attribute_sql import AttributeSql

        if key.key == IN or not self._known(key):
            return
        statement = Statement(self.reader.database)
        source = AttributeSql(statement).source(tree.Attr(key, literal), True)
        if source is None or statement.probe(source):
            return
        values = [row[0] for row in self._ask("DISTINCT a.head", key, f" AND a.head IS NOT NULL LIMIT {_VALUES}")]
        guess = None if key.secret else suggest(literal.text, [value for value in values if len(value) < HEAD])
        self.notes.append(f"nothing has {key}={literal}{did_you_mean(guess)}")

    def _check_part(self, name: str) -> None:
        """Whether any part is called so: at once where a driver gives such parts, else by looking."""
        from clusto_core.drivers import registry

        for driver in self.reader.drivers():
            for run in registry.of(driver).parts:
                if name in run.names() and run.driver.__name__ in self.reader.drivers():
                    return
        statement = Statement(self.reader.database)
        place = "strpos" if statement.dialect == "postgresql" else "instr"
        found = statement.rows(
            "SELECT 1 FROM things t WHERE t.owner_id IS NOT NULL"
            f" AND substr(t.name, {place}(t.name, ':') + 1) = {statement.bind(name)} LIMIT 1"
        )
        if not found:
            defaults = {
                each
                for driver in registry
                if not issubclass(driver, Part)
                for run in driver.parts
                for each in run.names()
            }
            raise NotFound(f"no such part: nothing has a part {name}{did_you_mean(suggest(name, defaults))}")


def _texts(node: tree.Name) -> tuple[str, ...]:
    if isinstance(node.pattern, Literal):
        return (node.pattern.text,)
    return node.pattern.texts if isinstance(node.pattern, Range) else ()
