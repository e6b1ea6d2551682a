"""How a sync went, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Told(NamedTuple):
    """Something to be said of one Thing: its name, or what the source calls it where it is none yet."""

    name: str
    text: str


@dataclass
class Report:
    """What a sync did, and what is left.

    objects: how many the source has; changed: how many of them were looked at; added, removed: names of Things. gone:
    Things that the source has no more and that are still here. kept: what is otherwise here, and stays. conflicts: what
    both changed; held: what would break a rule: nothing of these Things was taken. unknown: how many Things that only
    another source could bring are not here. past: how many entries of the source's own history were taken over.
    """

    source: str
    objects: int = 0
    changed: int = 0
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    kept: list[Told] = field(default_factory=list)
    conflicts: list[Told] = field(default_factory=list)
    held: list[Told] = field(default_factory=list)
    unknown: int = 0
    past: int = 0
    notes: list[str] = field(default_factory=list)
    transaction: int | None = None

    @property
    def in_step(self) -> bool:
        """Whether nothing is left for people to decide."""
        return not self.conflicts and not self.held

    def after(self, earlier: list[Report]) -> None:
        """Adds what was done on the way, when the past of the source was taken over."""
        added: dict[str, None] = {}
        removed: dict[str, None] = {}
        for each in (*earlier, self):
            for name in each.removed:
                if name in added:
                    del added[name]
                else:
                    removed[name] = None
            added |= dict.fromkeys(each.added)
        self.added, self.removed = list(added), list(removed)
        self.changed += sum(each.changed for each in earlier)
        self.past = len(earlier)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        told = {name: [each._asdict() for each in getattr(self, name)] for name in ("kept", "conflicts", "held")}
        return {
            "name": self.source, "in_step": self.in_step, "transaction": self.transaction, "objects": self.objects,
            "changed": self.changed, "added": self.added, "removed": self.removed, "gone": self.gone, **told,
            "unknown": self.unknown, "past": self.past, "notes": self.notes,
        }  # fmt: skip
