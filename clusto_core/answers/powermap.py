"""All that gives and takes power in a store, by ids, read at once: for questions about very many.

What feeds what is what `feeding` says, which asks step by step about few.
"""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.answers.feeding import INLET_KEY
from clusto_core.drivers import Part, registry
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.store.database import Row
from clusto_core.store.reader import Reader

_INLETS = """
    SELECT t.id, t.owner_id, c.far_part_id FROM things t LEFT JOIN connections c ON c.part_id = t.id
    WHERE t.driver IN (:ids)"""
_OUTLETS = "SELECT t.id, t.owner_id FROM things t WHERE t.driver IN (:ids)"
_SAID = """
    SELECT a.thing_id, a.ref_id, a.head, a.rest FROM attributes a
    WHERE a.key = :key AND a.number IS NULL AND a.subkey IS NULL ORDER BY a.id"""

Ids = frozenset[int]


class PowerMap:
    """Every inlet and outlet, whose each is, and what feeds it directly."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        inlets = self._of(_INLETS, Inlet)
        self.inlets = {row[0]: row[1] for row in inlets}
        """The equipment of each inlet, by the inlet's id."""
        self.outlets: dict[int, int] = {row[0]: row[1] for row in self._of(_OUTLETS, Outlet)}
        """The equipment of each outlet, by the outlet's id."""
        self._plug = {id: outlet for id, _, outlet in inlets if outlet in self.outlets}
        self._own: dict[int, list[int]] = {}
        for inlet, owner in self.inlets.items():
            self._own.setdefault(owner, []).append(inlet)
        self._said = self._recorded()
        self._known: dict[int, Ids] = {}

    def _of(self, sql: str, kind: type[Part]) -> list[Row]:
        drivers = [name for name in self._reader.drivers() if issubclass(registry.of(name), kind)]
        return list(self._reader.database.rows_in(sql, drivers))

    def _recorded(self) -> dict[int, int]:
        """The inlets that outlets name: by reference, or by text, which goes before."""
        rows = [row for row in self._reader.database.rows(_SAID, {"key": INLET_KEY.key}) if row[0] in self.outlets]
        texts = {id: head + (rest or "") for id, ref, head, rest in rows if ref is None}
        owners = self._reader.by_ids({self.outlets[id] for id, text in texts.items() if ":" not in text})
        full = {id: text if ":" in text else f"{owners[self.outlets[id]].name}:{text}" for id, text in texts.items()}
        named = self._reader.find_names(set(full.values()))
        by_text = {id: named[name].id for id, name in full.items() if name in named}
        by_ref = {id: ref for id, ref, _, _ in rows if ref is not None}
        return {id: inlet for found in (by_ref, by_text) for id, inlet in found.items() if inlet in self.inlets}

    def _feeding(self, outlet: int) -> list[int]:
        """The inlet of an outlet, or each that its equipment has where it is not recorded."""
        said = self._said.get(outlet)
        return self._own.get(self.outlets[outlet], []) if said is None else [said]

    # --- down --------------------------------------------------------------------------------------------------------

    def below(self, sources: Iterable[int]) -> set[int]:
        """As `feeding.downstream`: all that has its power from these Things, inlets and outlets."""
        given = set(sources)
        hanging = {outlet: inlet for inlet, outlet in self._plug.items()}
        fed: dict[int, list[int]] = {}
        for outlet in self.outlets:
            for inlet in self._feeding(outlet):
                fed.setdefault(inlet, []).append(outlet)
        fresh = [id for id, owner in self.outlets.items() if id in given or owner in given]
        fresh += [id for id in given if id in self.inlets]
        found: set[int] = set()
        seen = set(fresh)
        while fresh:
            inlets = [hanging[id] for id in fresh if id in hanging]
            outlets = [outlet for id in fresh for outlet in fed.get(id, ())]
            found.update(inlets, outlets)
            fresh = [id for id in (*inlets, *outlets) if id not in seen]
            seen.update(fresh)
        found.update(self.inlets[id] for id in found & self.inlets.keys())
        return found

    # --- up ----------------------------------------------------------------------------------------------------------

    def takers(self, *, parts: bool) -> Iterable[int]:
        """What may have its power from somewhere: inlets and outlets, or the equipment of inlets."""
        return (*self.inlets, *self.outlets) if parts else self._own

    def above(self, wanted: Iterable[int], kept: set[int]) -> dict[int, set[int]]:
        """As `feeding.sources`, but only what is to be `kept`; what has none of that is left out."""
        return {id: found for id in wanted if (found := kept.intersection(self._sources(id)))}

    def _sources(self, id: int) -> Ids:
        if id in self.outlets:
            return self._behind(id)
        if id in self.inlets:
            return self._beyond(id)
        return frozenset().union(*map(self._beyond, self._own.get(id, ())))

    def _beyond(self, inlet: int) -> Ids:
        """All above an inlet: the outlet that it hangs on, whose that is, and what is above that."""
        outlet = self._plug.get(inlet)
        return frozenset() if outlet is None else self._behind(outlet).union((outlet, self.outlets[outlet]))

    def _behind(self, outlet: int) -> Ids:
        """All above an outlet: the inlets that feed it, and what is above these."""
        return frozenset().union(*map(self._with_all_above, self._feeding(outlet)))

    def _with_all_above(self, inlet: int) -> Ids:
        """An inlet that others hang on, so that it is asked for again and again, and all above it."""
        if inlet not in self._known:
            found, fresh = {inlet}, [inlet]
            while fresh:
                outlet = self._plug.get(fresh.pop())
                if outlet is not None and outlet not in found:
                    beyond = [each for each in self._feeding(outlet) if each not in found]
                    found.update(beyond, (outlet, self.outlets[outlet]))
                    fresh += beyond
            self._known[inlet] = frozenset(found)
        return self._known[inlet]
