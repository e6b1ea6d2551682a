"""The versions of a classic clusto, one after the other: what each of them touched, as it was after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from clusto_core.model.origins import Origin
from clusto_core.transfer.classic.drivers import Drivers
from clusto_core.transfer.classic.remarks import Remarks
from clusto_core.transfer.classic.rows import Content, Entity, Row, Version
from clusto_core.transfer.classic.state import ADDRESS, State
from clusto_core.transfer.classic.translation import ENTITY, Translation
from clusto_core.transfer.documents import GONE, Document


@dataclass
class _Step:
    """What one version did."""

    born: list[Entity] = field(default_factory=list)
    died: list[Entity] = field(default_factory=list)
    added: list[Row] = field(default_factory=list)
    dropped: list[Row] = field(default_factory=list)


class Touched(NamedTuple):
    """What a version touched, as it was then; `time` is in seconds since 1970, UTC, and never goes back."""

    version: Version
    time: float
    documents: list[Document]


class Replay:
    """A classic clusto from its first version on."""

    def __init__(self, content: Content, drivers: Drivers) -> None:
        self._content = content
        self._state = State(content)
        self._translation = Translation(self._state, drivers, Remarks())
        self._steps = self._sorted()
        self.passed = 0
        """How many versions were older than asked for."""

    def _sorted(self) -> dict[int, _Step]:
        steps: dict[int, _Step] = defaultdict(_Step)
        for entity in self._content.entities.values():
            steps[entity.born].born.append(entity)
            if entity.died is not None:
                steps[entity.died].died.append(entity)
        for row in self._content.rows:
            steps[row.born].added.append(row)
            if row.died is not None:
                steps[row.died].dropped.append(row)
        return steps

    def since(self, version: int, time: float | None) -> Iterator[Touched]:
        """The versions after that one which were made after that time; the first of them tells of all before, too."""
        known = {each.number: each for each in self._content.versions}
        newest = time or 0.0
        due: set[int] = set()
        lost: set[Origin] = set()
        for number in sorted(self._steps):
            touched, left = self._go(self._steps[number])
            if number <= version:
                continue
            due |= touched
            lost |= left
            made = known.get(number)
            if made is None or made.time is None or (time is not None and made.time.timestamp() <= time):
                self.passed += made is not None
                continue
            # Clocks may have gone back there; here times do not.
            newest = max(newest, made.time.timestamp())
            due &= self._state.entities.keys()
            if documents := list(self._documents(due, lost)):
                yield Touched(made, newest, documents)
            due, lost = set(), set()

    def _go(self, step: _Step) -> tuple[set[int], set[Origin]]:
        """Goes on by a version; gives the entities that may be otherwise now, and the objects that are gone."""
        translation = self._translation
        before = self._related(step)
        self._state.drop([*step.dropped, *(row for row in step.added if row.died == row.born)])
        self._state.change(step.born, step.died)
        self._state.add(row for row in step.added if row.died != row.born)
        after = self._related(step)
        touched = before | after
        translation.forget(touched)
        for entity in step.died:
            translation.names.take(entity.id)
        translation.name_all(entity.id for entity in step.born if entity.died != entity.born)
        died = {Origin(ENTITY, str(entity.id)) for entity in step.died if entity.born != entity.died}
        return touched, died | translation.find_vlans(touched)

    def _related(self, step: _Step) -> set[int]:
        """The entities that a version is about: those that its rows are of, that they name, that are cabled to
        those, and that have the same address."""
        found = {entity.id for entity in (*step.born, *step.died)}
        for row in (*step.added, *step.dropped):
            found.add(row.entity)
            if row.relation is not None:
                found.add(row.relation)
            if row.key == ADDRESS and row.subkey is None and row.value is not None:
                found.update(each.entity for each in self._state.holding(row.value))
        self._translation.ports.forget(found)
        return found | {other for each in found for other in self._translation.ports.neighbours(each)}

    def _documents(self, due: set[int], lost: set[Origin]) -> Iterator[Document]:
        yield from (Document("", "", 0, origin=origin, form=GONE) for origin in sorted(lost))
        for id in sorted(due):
            yield from self._translation.documents(id)
