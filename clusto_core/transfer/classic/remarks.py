"""What is lost on the way from a classic clusto, told one by one and counted by kind."""

from __future__ import annotations

from collections import Counter

_SHOWN = 50
"""How many of a kind are told one by one."""


class Remarks:
    """What is to be told; each is said once."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()
        self._counts: Counter[str] = Counter()
        self._new: list[str] = []

    def lose(self, who: str, kind: str, detail: str = "") -> None:
        """Something of `who` that is lost, or is otherwise now; `kind` is the same text for all that is lost alike."""
        text = f"{who}: {kind}{f': {detail}' if detail else ''}"
        if (kind, text) in self._said:
            return
        self._said.add((kind, text))
        self._counts[kind] += 1
        if self._counts[kind] <= _SHOWN:
            self._new.append(text)

    def told(self) -> list[str]:
        """What was said since this was asked last."""
        new, self._new = self._new, []
        return new

    def summary(self) -> list[str]:
        """How many there were of each kind, the most frequent first."""
        return [f"{count} x {kind}" for kind, count in self._counts.most_common()]
