"""What goes dark with what, described as a tree: from what is switched off down to all that hangs on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusto_cli.pictures.description import Device, Link, Meaning, Node, Picture, nowhere
from clusto_cli.pictures.palette import OTHER
from clusto_core.answers.power import Effect
from clusto_core.model.things import Thing, in_order
from clusto_core.store.reader import Reader

OFF, DARK, LESS = "grey", "red", "yellow"
_LEGEND = {OFF: "switched off", DARK: "goes dark", LESS: "loses a feed"}


def picture(reader: Reader, things: Sequence[Thing], effects: Sequence[Effect], link: Link = nowhere) -> Picture:
    """What becomes of everything when these Things, inlets or outlets are switched off."""
    tree = _Tree(reader, things, effects, link)
    roots = tuple(tree.node(thing, "") for thing in tree.roots())
    legend = tuple(Meaning(paint, words) for paint, words in _LEGEND.items())
    title = ", ".join(thing.name for thing in things[:4]) + (", ..." if len(things) > 4 else "")
    return Picture(f"{title} off", trees=roots, legend=legend)


class _Tree:
    """What hangs on what; all that hangs on something is shown where that is shown first."""

    def __init__(self, reader: Reader, things: Sequence[Thing], effects: Sequence[Effect], link: Link) -> None:
        self.link = link
        self.effects = {effect.thing.id: effect for effect in effects}
        sources = {outlet.entity_id for effect in effects for outlet in effect.lost}
        self.off: dict[int, list[str]] = {}
        for thing in things:
            self.off.setdefault(thing.entity_id, []).extend([thing.part_name] if thing.is_part else [])
        self.owners = reader.by_ids({*sources, *self.off, *self.effects})
        self._shown: set[int] = set()
        self._below: dict[int, dict[int, str]] = {}
        self._hang(reader)

    def _hang(self, reader: Reader) -> None:
        """Each effect below what feeds it; without a feed of its own, below what it stands in."""
        inside = reader.parents_of(self.effects)
        for id, effect in self.effects.items():
            for outlet in effect.lost:
                words = self._below.setdefault(outlet.entity_id, {}).get(id)
                more = f"{words}, {outlet.part_name}" if words else f"outlet {outlet.part_name}"
                self._below[outlet.entity_id][id] = more
            holder = next((each for each in inside.get(id, ()) if each.id in self.effects), None)
            if not effect.lost and holder is not None and id not in self.off:
                self._below.setdefault(holder.id, {})[id] = "inside"

    def roots(self) -> list[Thing]:
        """What hangs on nothing that is told; what was named, where all hangs on something."""
        hung = {id for below in self._below.values() for id in below}
        return in_order(self.owners[id] for id in self.owners.keys() - hung or self.off.keys())

    def node(self, thing: Thing, by: str) -> Node:
        """A Thing, how it hangs there, and what hangs on it."""
        hanging = self._below.get(thing.id, {})
        if thing.id in self._shown and hanging:
            by, hanging = f"{by} (see above)", {}
        self._shown.add(thing.id)
        below = in_order(self.owners[id] for id in hanging)
        device = Device(thing.name, self._paint(thing), self.link(thing.name), tuple(self._told(thing)))
        return Node(device, by, tuple(self.node(each, hanging[each.id]) for each in below))

    def _paint(self, thing: Thing) -> str:
        effect = self.effects.get(thing.id)
        if thing.id in self.off and not (effect is not None and effect.lost):
            return OFF
        return OTHER if effect is None else DARK if effect.dark else LESS

    def _told(self, thing: Thing) -> Iterable[str]:
        yield thing.driver
        if parts := self.off.get(thing.id):
            yield f"off: {', '.join(parts)}"
        effect = self.effects.get(thing.id)
        if effect is not None and effect.left and not effect.dark:
            yield "keeps " + ", ".join(outlet.name for outlet in effect.left)
