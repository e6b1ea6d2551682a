"""What a transaction is about to change, told Thing by Thing: `+` new, `-` gone, `~` from what to what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from clusto_core.model.attributes import IN, Key, Value
from clusto_core.model.mounting import aside
from clusto_core.model.names import split_part
from clusto_core.store.settled import Rows
from clusto_core.store.unit import UnitOfWork


def lines(unit: UnitOfWork) -> Iterator[str]:
    """One line a Thing that is new or gone, a value, a membership or a connection. Secrets are masked."""
    told: set[tuple[int, str]] = set()
    for _, name, before, after in unit.changes():
        yield from _things(name, before, after)
        yield from _attributes(name, before, after)
        for sign, rows in (("-", before), ("+", after)):
            for cable in rows.get("cables", ()):
                if (cable[0], sign) not in told:
                    told.add((cable[0], sign))
                    yield f"{sign} {cable[6]} -- {cable[7]}{aside(cable[8] if len(cable) > 8 else 0)}"


def _things(name: str, before: Rows, after: Rows) -> Iterator[str]:
    old, new = ({row[0]: row for row in rows.get("things", ())} for rows in (before, after))
    for id in old.keys() & new.keys():
        yield from _renamed(old[id], new[id])
    for sign, rows, others in (("-", old, new), ("+", new, old)):
        every = [row for id, row in rows.items() if id not in others]
        whole = next((row for row in every if row[3] is None), None)
        if whole is not None:
            parts = len(every) - 1
            yield f"{sign} {whole[2]} {name}" + (f" with {parts} part{'s' if parts > 1 else ''}" if parts else "")
        else:
            yield from (f"{sign} {row[2]} {row[1]}" for row in every)


def _renamed(old: Sequence[Any], new: Sequence[Any]) -> Iterator[str]:
    """A Thing or part with another name or driver; a part whose owner alone is called otherwise is not told."""
    names = [row[1] if row[3] is None else split_part(row[1])[1] for row in (old, new)]
    if names[0] != names[1]:
        yield f"~ {old[1]} -> {new[1]}"
    if old[2] != new[2]:
        yield f"~ {new[1]}: {old[2]} -> {new[2]}"


def _attributes(name: str, before: Rows, after: Rows) -> Iterator[str]:
    gone, new = _by_key(before), _by_key(after)
    for place in dict.fromkeys([*gone, *new]):
        part, text = place
        holder = name if part is None else f"{name}:{part}"
        old, now = gone.get(place, []), new.get(place, [])
        if text == IN:
            yield from (f"- {holder} in {row[5]}" for row in old)
            yield from (f"+ {holder} in {row[5]}" for row in now)
        elif old and now:
            yield f"~ {holder} {text}: {_shown(text, old)} -> {_shown(text, now)}"
        else:
            yield f"{'-' if old else '+'} {holder} {text}={_shown(text, old or now)}"


def _by_key(rows: Rows) -> dict[tuple[str | None, str], list[Sequence[Any]]]:
    found: dict[tuple[str | None, str], list[Sequence[Any]]] = {}
    for row in rows.get("attributes", ()):
        found.setdefault((row[2], row[3]), []).append(row)
    return found


def _shown(key: str, rows: list[Sequence[Any]]) -> str:
    spelled = Key.parse(key)
    texts = [Value(row[4], row[5], row[6]).shown(spelled) for row in rows]
    return ", ".join(f"@{text}" if row[4] == "relation" else text for text, row in zip(texts, rows, strict=True))
