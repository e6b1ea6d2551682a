"""How sure each line of a proposal is, and by what it was seen: `evidence` of a transfer object, in the shape of the
object itself.

{"name": "web1", "connect": {"eth0": "switch1:3"},
 "evidence": {"connect": {"eth0": {"confidence": "sure", "seen": ["LLDP of switch1 on 3: web1 eth0"]}}}}
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from clusto_core.errors import Malformed, did_you_mean
from clusto_core.spelling import suggest

LONGEST = 1000
"""Characters of one text that says what was seen."""


class Confidence(enum.StrEnum):
    """SURE: two that know of each other say the same, or a device says it of itself. LIKELY: one says it, and nothing
    speaks against it. POSSIBLE: it would explain what was seen.
    """

    POSSIBLE = "possible"
    LIKELY = "likely"
    SURE = "sure"

    @property
    def rank(self) -> int:
        """The more, the surer."""
        return list(Confidence).index(self)


Path = tuple[str, ...]
"""What is meant of a transfer object: `("connect", "eth0")`."""

DEPTHS: Mapping[str, int] = {
    **dict.fromkeys(("driver", "type", "in", "at", "parts", "ip"), 1),
    **dict.fromkeys(("attrs", "connect"), 2),
    "part_attrs": 3,
}
"""The fields that evidence is of, and how many words a path to one line of them has."""


class Evidence(NamedTuple):
    """How sure one line is, and by what it was seen."""

    path: Path
    confidence: Confidence
    seen: tuple[str, ...]

    @property
    def words(self) -> str:
        """`connect eth0: sure (LLDP of switch1 on 3: web1 eth0)`."""
        return f"{' '.join(self.path)}: {self.confidence} ({'; '.join(self.seen)})"


def confidence(text: object) -> Confidence:
    """The degree of that name. Raises Malformed."""
    try:
        return Confidence(str(text))
    except ValueError:
        guess = did_you_mean(suggest(str(text), list(Confidence)))
        raise Malformed(f"no such confidence: {str(text)[:40]!a}{guess} (one of {', '.join(Confidence)})") from None


def read(content: object) -> Iterator[Evidence]:
    """The evidence of a transfer object as JSON and YAML give it. Raises Malformed."""
    for field, given in _mapping(content, "evidence").items():
        if field not in DEPTHS:
            raise Malformed(f"nothing is proposed under {str(field)[:60]!a} (known: {', '.join(DEPTHS)})")
        yield from _below((field,), given)


def _below(path: Path, content: object) -> Iterator[Evidence]:
    given = _mapping(content, " ".join(path))
    if len(path) < DEPTHS[path[0]]:
        for word, each in given.items():
            yield from _below((*path, str(word)), each)
        return
    if unknown := sorted(map(str, given.keys() - {"confidence", "seen"})):
        raise Malformed(f"{' '.join(path)}: unknown key: {unknown[0][:60]!a} (known: confidence, seen)")
    seen = given.get("seen", [])
    texts = seen if isinstance(seen, list) else [seen]
    if not all(isinstance(each, str) and len(each) <= LONGEST for each in texts):
        raise Malformed(f"{' '.join(path)}: seen is a list of texts of at most {LONGEST} characters")
    yield Evidence(path, confidence(given.get("confidence")), tuple(texts))


def _mapping(content: object, what: str) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise Malformed(f"{what}: expected a mapping")
    return content


def plain(evidence: Iterable[Evidence]) -> dict[str, Any]:
    """The same as JSON and YAML have it."""
    found: dict[str, Any] = {}
    for each in evidence:
        put(found, each.path, {"confidence": str(each.confidence), "seen": list(each.seen)})
    return found


def put(data: dict[str, Any], path: Path, said: Any) -> None:
    """Says something in an object as JSON and YAML have it, at the place that a path means."""
    for word in path[:-1]:
        data = data.setdefault(word, {})
    data[path[-1]] = said
