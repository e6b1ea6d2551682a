"""The meaning of an expression for Things in memory. This is the truth that the SQL is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from clusto_core.drivers import Category
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.drivers.resources import UNSEEN, SiteKey
from clusto_core.model import interfaces, keys, reserving, wiring
from clusto_core.model.attributes import IP, Key
from clusto_core.model.interfaces import BROKEN_OUT, LEG, PARENT
from clusto_core.model.reserved import KEY_DEFINITION
from clusto_core.model.things import Attribute, Link, Thing, in_order, kept_for_itself, leads_on
from clusto_core.query import tree
from clusto_core.query.scope import scope
from clusto_core.query.tree import Node
from clusto_core.query.values import equals, values_hold
from clusto_core.spelling import natural_key

if TYPE_CHECKING:
    from clusto_core.store.reader import Reader


class Memory:
    """A whole inventory in memory: Things and parts, their attributes, their cables."""

    def __init__(self, things: Iterable[Thing], attributes: Iterable[Attribute], links: Iterable[Link]) -> None:
        self.things = {thing.id: thing for thing in things}
        self.attributes: dict[int, list[Attribute]] = {id: [] for id in self.things}
        for attribute in attributes:
            self.attributes[attribute.thing_id].append(attribute)
        self.parts: dict[int, list[Thing]] = {id: [] for id in self.things}
        self.parents: dict[int, set[int]] = {id: set() for id in self.things}
        for thing in self.things.values():
            if thing.owner_id is not None:
                self.parts[thing.owner_id].append(thing)
                self.parents[thing.id].add(thing.owner_id)
            for attribute in self.attributes[thing.id]:
                if attribute.key.key == "_in" and attribute.value.ref is not None:
                    self.parents[thing.id].add(attribute.value.ref)
        # By outlet, the inlet that hangs on it.
        self.hanging: dict[int, Thing] = {}
        # By kind of connection and without: what is joined to what, both ways.
        self.joined: dict[int, set[tuple[str | None, int]]] = {id: set() for id in self.things}
        links = list(links)
        for link in links:
            self._add(link)
        for child, parents in self.parents.items():
            for parent in parents:
                self.joined[child].add((None, parent))
                self.joined[parent].add((None, child))
        # By part and by whole Thing: the kinds of connection that end there.
        self.cabled: dict[int, set[str]] = {id: set() for id in self.things}
        for link in links:
            for end in (link.thing_id, *([link.part.id] if link.part else ())):
                self.cabled[end].add(link.kind)
        # By port: the legs of its breakout cable.
        self.legs: dict[int, set[int]] = {id: set() for id in self.things}
        for thing in self.things.values():
            for port in self._ports(thing) if thing.is_part else ():
                self.legs[port].add(thing.id)
        self._ancestors: dict[int, set[int]] = {}
        self._selected: dict[Node, set[int]] = {}

    def _add(self, link: Link) -> None:
        if link.part is None:
            # Mounted: in the rack unit, and so in the rack.
            self.parents[link.thing_id] |= {link.other.id, link.other.entity_id}
        if link.part is not None and link.part.is_a(Outlet) and link.far is not None and link.far.is_a(Inlet):
            self.hanging[link.part.id] = link.far
        near = {link.thing_id} | ({link.part.id, *self._ports(link.part)} if link.part else set())
        ends = [link.other] if link.far is None else [link.other, link.far]
        far = {id for end in ends for id in (end.id, end.entity_id, *self._ports(end))}
        for one in near:
            for other in far:
                for kind in (None, link.kind):
                    self.joined[one].add((kind, other))
                    self.joined[other].add((kind, one))

    def _ports(self, part: Thing) -> set[int]:
        """The port whose leg a part is, if it is one."""
        own = self.attributes[part.id]
        if interfaces.said(own).kind != LEG:
            return set()
        return {each.value.ref for each in own if each.key == PARENT and each.value.ref is not None}

    @classmethod
    def load(cls, reader: Reader) -> Memory:
        """All that the store holds."""
        whole = reader.all()
        ids = [thing.id for thing in whole]
        parts = reader.parts(*ids)
        attributes = [*reader.attributes(*ids), *reader.attributes_of_parts(*ids)]
        return cls([*whole, *parts], attributes, reader.links(*ids))

    # --- selecting ---------------------------------------------------------------------------------------------------

    def matches(self, node: Node, thing: Thing) -> bool:
        """Whether an expression, without saved ones in it, selects a Thing or part."""
        if thing.driver in UNSEEN:
            return False
        whole, parts = scope(node)
        question = parts if thing.is_part else whole
        return question is not None and self._holds(question, thing)

    def select(self, node: Node) -> list[Thing]:
        """All that an expression selects, in natural order."""
        ids = self._select(node)
        return in_order(self.things[id] for id in ids)

    def _select(self, node: Node) -> set[int]:
        if node not in self._selected:
            self._selected[node] = {thing.id for thing in self.things.values() if self.matches(node, thing)}
        return self._selected[node]

    def _holds(self, node: Node, thing: Thing) -> bool:
        if isinstance(node, tree.Not):
            return not self._holds(node.item, thing)
        if isinstance(node, tree.And):
            return all(self._holds(item, thing) for item in node.items)
        if isinstance(node, tree.Or):
            return any(self._holds(item, thing) for item in node.items)
        if isinstance(node, tree.Name):
            return node.pattern.matches(thing.name)
        if isinstance(node, tree.DriverIs):
            return any(thing.is_a(driver) for driver in node.drivers)
        if isinstance(node, tree.Among):
            return thing.id in node.ids
        if isinstance(node, tree.PartName):
            return thing.is_part and node.pattern.matches(thing.part_name)
        if isinstance(node, tree.Wired):
            return self._wired(node, thing)
        if isinstance(node, tree.Relation):
            return bool(self._reached(node, thing))
        if isinstance(node, tree.Count):
            return node.holds(len(self._reached(node.relation, thing)))
        return self._attributes_hold(node, thing)

    def _wired(self, node: tree.Wired, thing: Thing) -> bool:
        if node.kind is None and not thing.is_part:
            return False
        if isinstance(node, tree.Cabled):
            kinds = self.cabled[thing.id].union(*(self.cabled[leg] for leg in self.legs[thing.id]))
            return bool(kinds) if node.kind is None else node.kind in kinds
        return any(
            node.kind in (None, kind) and self._is_free(part)
            for part in ([thing] if thing.is_part else self.parts[thing.id])
            if (kind := wiring.taken_by(part.kind)) is not None
        )

    def _is_free(self, part: Thing) -> bool:
        told = interfaces.said(self.attributes[part.id])
        reserved = reserving.reservation(part, self.attributes[part.id], reserving.now())
        legs = self.legs[part.id]
        idle = told.occupied.startswith(BROKEN_OUT) and legs and not any(self.cabled[leg] for leg in legs)
        if self.cabled[part.id] or (told.occupied and not idle) or (reserved is not None and not reserved.over):
            return False
        if not wiring.is_interface(part.driver):
            return True
        beside = {each.part_name for each in self.parts[part.entity_id]}
        return interfaces.has_socket(interfaces.kind(part.part_name, told, beside.__contains__))

    # --- attributes --------------------------------------------------------------------------------------------------

    def _attributes_hold(self, node: Node, thing: Thing) -> bool:
        if isinstance(node, tree.Address):
            return any(node.holds(each.value.text, self._space(each)) for each in self._under(Key(IP), thing))
        if isinstance(node, tree.OnlyAttrs):
            own = [each for each in self.attributes[thing.id] if not each.key.reserved]
            return all(
                any(each.key == key and equals(each.value, value) for key, value in node.pairs) for each in own
            ) and all(any(each.key == key and equals(each.value, value) for each in own) for key, value in node.pairs)
        assert isinstance(node, (tree.Attr, tree.Compare, tree.Exactly, tree.HasKey)), f"no test of a Thing: {node!r}"
        is_under = node.key.has if isinstance(node, tree.HasKey) else node.key.covers
        inherited = node.inherited and node.key not in self._own_keys
        found = self._effective(is_under, thing) if inherited else self._under(node.key, thing, is_under)
        values = [each.value for each in found]
        return values_hold(node, values)

    def _under(self, key: Key, thing: Thing, is_under: Callable[[Key], bool] | None = None) -> list[Attribute]:
        """The values under a key; addresses that the parts of a whole Thing hold are its own too."""
        holders = [thing, *self.parts[thing.id]] if key == Key(IP) and not thing.is_part else [thing]
        every = (each for holder in holders for each in self.attributes[holder.id])
        if key == Key(IP):
            return [each for each in every if each.key.key == IP]
        is_under = is_under or key.covers
        return [each for each in every if is_under(each.key)]

    def _space(self, address: Attribute) -> str:
        return "" if address.value.ref is None else self.things[address.value.ref].name

    def _effective(self, is_under: Callable[[Key], bool], thing: Thing) -> list[Attribute]:
        """The values in force: its own, else those of the nearest that it is in, as `Reader.effective` tells them."""
        seen = {thing.id}
        level = [thing]
        while level:
            for holder in level:
                found = [each for each in self.attributes[holder.id] if is_under(each.key)]
                if found and (holder is thing or found[0].key.key not in kept_for_itself(self.attributes[holder.id])):
                    return found
            following = []
            for child in level:
                for parent in self._ordered_parents(child):
                    if parent.id not in seen and leads_on(child, parent, thing):
                        seen.add(parent.id)
                        following.append(parent)
            level = following
        return []

    @cached_property
    def _own_keys(self) -> frozenset[Key]:
        """The keys that are not inherited."""
        told = (
            (thing, each.value.python())
            for thing in self.things.values()
            if thing.driver == SiteKey.__name__
            for each in self.attributes[thing.id]
            if each.key == KEY_DEFINITION
        )
        return keys.own() | {Key.parse(thing.name[1:]) for thing, data in told if data.get("no_inherit")}

    def _ordered_parents(self, thing: Thing) -> list[Thing]:
        parents = [self.things[id] for id in self.parents[thing.id] if thing.is_part or not self.things[id].is_part]
        return sorted(parents, key=lambda parent: (not parent.is_a(Category), natural_key(parent.name)))

    # --- relations ---------------------------------------------------------------------------------------------------

    def _reached(self, relation: tree.Relation, thing: Thing) -> set[int]:
        """What of the relation's set the Thing is related to."""
        if isinstance(relation, tree.Connected):
            near = {id for kind, id in self.joined[thing.id] if kind == relation.via}
        elif isinstance(relation, tree.Fed):
            near = self._sources(thing)
        else:
            near = self._above(thing.id)
        return near & self._select(relation.target) if near else near

    def _sources(self, thing: Thing) -> set[int]:
        """All that a Thing, an inlet or an outlet has its power from: outlets, inlets, the equipment of the outlets."""
        own = [part for part in self.parts.get(thing.id, ()) if part.is_a(Inlet)]
        waiting = [thing] if thing.is_part else own
        found: set[int] = set()
        while waiting:
            here = waiting.pop()
            above = self._inlets(here) if here.is_a(Outlet) else self._outlets(here)
            waiting += [part for part in above if part.id not in found]
            found.update(part.id for part in above)
            found.update(part.entity_id for part in above if part.is_a(Outlet))
        return found

    def _outlets(self, inlet: Thing) -> list[Thing]:
        return [self.things[outlet] for outlet, hanging in self.hanging.items() if hanging == inlet]

    def _inlets(self, outlet: Thing) -> list[Thing]:
        """The inlet that feeds an outlet, or each that its equipment has where it is not recorded."""
        own = [part for part in self.parts[outlet.entity_id] if part.is_a(Inlet)]
        said = [each.value for each in self.attributes[outlet.id] if each.key == Key("inlet")]
        named = [part for part in own for value in said if part.id == value.ref or part.part_name == value.text]
        return named or own

    def _above(self, id: int) -> set[int]:
        if id not in self._ancestors:
            start = self.things[id]
            found: set[int] = set()
            waiting = [start]
            while waiting:
                here = waiting.pop()
                above = [self.things[parent] for parent in self.parents[here.id] - found]
                new = [parent for parent in above if leads_on(here, parent, start)]
                found.update(parent.id for parent in new)
                waiting += new
            self._ancestors[id] = found
        return self._ancestors[id]
