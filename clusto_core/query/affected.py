"""For which Things a transaction can have changed whether an expression selects them.

Each test of an expression tells what it depends on: rows of the Thing itself, of its parts, its cables, or what it is
related to. What is told may be too much, never too little: a relation that has changed has changed along some step, and
what comes behind the nearest such step is still reached from it as things are now. A conjunction, a disjunction or a
negation changes only where one of its tests does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from clusto_core.answers.feeding import INLET_KEY
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.drivers.resources import VRF
from clusto_core.model.attributes import HEAD, IP, Key
from clusto_core.model.interfaces import KIND, PARENT
from clusto_core.model.reserved import KEY_DEFINITION
from clusto_core.model.things import Attribute
from clusto_core.query import tree
from clusto_core.query.compiler import Compiler
from clusto_core.query.tree import Node
from clusto_core.query.wired import KEYS
from clusto_core.rules.containment import IN_KEY
from clusto_core.store.unit import UnitOfWork

Ids = frozenset[int]


class Affected:
    """What one transaction can have changed. Asked when it is done, and before it is kept."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._found = unit.differences()
        self._known: dict[Node, Ids] = {}

    def by(self, node: Node) -> Ids | None:
        """The Things and parts for which an expression, without saved ones in it, may hold otherwise than before; None
        for all."""
        for each in node.walk():
            if isinstance(each, (tree.Attr, tree.Compare, tree.Exactly, tree.HasKey)) and self._keys_differ:
                return None
            if isinstance(each, tree.Address) and self._spaces_differ:
                return None
        return self._of(node)

    def _of(self, node: Node) -> Ids:
        if node not in self._known:
            self._known[node] = self._new | self._worked_out(node)
        return self._known[node]

    def _worked_out(self, node: Node) -> Ids:
        if isinstance(node, (tree.And, tree.Or, tree.Not)):
            return frozenset().union(*map(self._of, node.children))
        if isinstance(node, tree.Count):
            return self._of(node.relation)
        if isinstance(node, tree.Connected):
            return self._joined | self._related(tree.Connected, self._of(node.target))
        if isinstance(node, tree.In):
            return self._placed | self._related(tree.In, self._placed | self._of(node.target))
        if isinstance(node, tree.Fed):
            return self._powered | self._related(tree.Fed, self._powered | self._of(node.target))
        if isinstance(node, (tree.Name, tree.PartName)):
            return frozenset(self._found.renamed)
        if isinstance(node, tree.Free):
            return self._joined | self._freed
        if isinstance(node, tree.Wired):
            return self._joined
        if isinstance(node, (tree.DriverIs, tree.Among)):
            return frozenset()
        return self._having(node)

    # --- what is related to what has changed -------------------------------------------------------------------------

    def _related(self, relation: Callable[[Node], tree.Relation], ids: Ids) -> Ids:
        """The Things and parts that are now in that relation to one of these."""
        if not ids:
            return ids
        reader = self._unit.reader
        found: set[int] = set()
        for part in (False, True):
            compiler = Compiler(reader)
            sql = compiler.statement.text(compiler.select(relation(tree.Among(ids)), part, ("id",)))
            found.update(row[0] for row in reader.database.rows(sql, compiler.statement.parameters))
        return frozenset(found)

    # --- what has changed --------------------------------------------------------------------------------------------

    @cached_property
    def _new(self) -> Ids:
        return frozenset(thing.id for thing in self._found.new)

    @cached_property
    def _owners(self) -> Ids:
        """What has a part more or less, or one of another name."""
        parts = [*self._found.new, *self._found.gone, *map(self._unit.by_id, self._found.renamed)]
        return self._present(part.owner_id for part in parts)

    @cached_property
    def _joined(self) -> Ids:
        """What is joined to something else than before."""
        ends = {id for cable in self._found.cables for id in (cable.part, cable.thing, *cable[4:6])}
        members = {id for each in self._memberships for id in (each.thing_id, each.value.ref)}
        return self._present(ends | members) | self._owners | self._broken_out(ends)

    def _broken_out(self, ends: set[int | None]) -> Ids:
        """The ports whose breakout cables end otherwise, and what their legs are joined to."""
        reader = self._unit.reader
        said = [each for each in self._found.attributes if each.key in (KIND, PARENT)]
        legs = [part.id for part in map(self._unit.find, {each.thing_id for each in said}) if part and part.is_part]
        across = {end.id for link in reader.links_of_parts(*legs) for end in (link.other, link.end)}
        known = self._present({*ends, *legs, *across})
        ports = {value.ref for values in reader.values_under(PARENT, list(known)).values() for value in values}
        return self._with_owners({*legs, *across, *ports, *(each.value.ref for each in said)})

    @cached_property
    def _freed(self) -> Ids:
        """The parts that may be free now or were, cables apart, and what has them."""
        said = {each.thing_id for each in self._changed(KEYS.__contains__)}
        beside = {part.id for part in self._unit.reader.parts(*self._owners - self._new)}
        return self._with_owners(said | self._found.renamed | beside)

    @cached_property
    def _placed(self) -> Ids:
        """What is in something else than before."""
        mounted = {cable.thing for cable in self._found.cables if cable.part is None}
        return self._present(mounted | {each.thing_id for each in self._memberships})

    @cached_property
    def _memberships(self) -> list[Attribute]:
        return [each for each in self._found.attributes if each.key == IN_KEY]

    @cached_property
    def _powered(self) -> Ids:
        """What has its power from, or passes it on to, something else than before."""
        ends = {id for cable in self._found.cables for id in (cable.part, cable.thing, *cable[4:6])}
        said = {each.thing_id for each in self._found.attributes if each.key == INLET_KEY}
        return self._with_owners(ends | said | self._fed_otherwise)

    @cached_property
    def _fed_otherwise(self) -> Ids:
        """The outlets that another inlet may feed than before, because some came, went or got another name: those of
        their equipment, and those that say such a name."""
        grown = (part for part in self._found.new if part.owner_id not in self._new)
        renamed = [self._unit.by_id(id) for id in self._found.renamed]
        inlets = [part for part in (*grown, *self._found.gone, *renamed) if part.is_a(Inlet)]
        reader = self._unit.reader
        own = reader.parts(*self._present(part.owner_id for part in inlets), driver=Outlet)
        former = self._unit.renamed()
        names = {name[:HEAD] for part in inlets for name in (part.name, *former.get(part.id, ()))}
        saying = reader.holding(INLET_KEY, sorted(names)).values()
        return frozenset(part.id for parts in (own, *saying) for part in parts)

    def _having(self, node: Node) -> Ids:
        """What has another value that an attribute's test looks at."""
        if isinstance(node, tree.Address):
            return self._with_owners(each.thing_id for each in self._changed(lambda key: key.key == IP))
        if isinstance(node, tree.OnlyAttrs):
            return self._present(each.thing_id for each in self._changed(lambda key: not key.reserved))
        assert isinstance(node, (tree.Attr, tree.Compare, tree.Exactly, tree.HasKey)), f"no test of a Thing: {node!r}"
        asked = node.key

        def is_asked(key: Key) -> bool:
            return asked.has(key) or asked.key == key.key == IP

        named = (each for each in self._named if is_asked(each.key))
        holders = {each.thing_id for each in (*self._changed(is_asked), *named)}
        found = self._with_owners(holders) if asked.key == IP else self._present(holders)
        if not node.inherited:
            return found
        # Which of several that are as near is heeded goes by their names.
        sources = found | self._placed | frozenset(self._found.renamed)
        return sources | self._related(tree.In, sources)

    def _changed(self, is_asked: Callable[[Key], bool]) -> list[Attribute]:
        return [each for each in self._found.attributes if is_asked(each.key)]

    @cached_property
    def _named(self) -> list[Attribute]:
        """The values that say another name than before."""
        return self._unit.referring(self._found.renamed) if self._found.renamed else []

    def _with_owners(self, ids: Iterable[int | None]) -> Ids:
        """These with what they are parts of, and what has lost a part that may have been among them."""
        present = self._present(ids)
        return present | {self._unit.by_id(id).entity_id for id in present} | self._owners

    def _present(self, ids: Iterable[int | None]) -> Ids:
        return frozenset(id for id in ids if id is not None and self._unit.find(id) is not None)

    # --- what changes everything -------------------------------------------------------------------------------------

    @cached_property
    def _keys_differ(self) -> bool:
        """Whether keys may be read and inherited otherwise than before."""
        return any(each.key == KEY_DEFINITION for each in self._found.attributes)

    @cached_property
    def _spaces_differ(self) -> bool:
        """Whether address spaces are called otherwise than before."""
        return any(self._unit.by_id(id).is_a(VRF) for id in self._found.renamed)
