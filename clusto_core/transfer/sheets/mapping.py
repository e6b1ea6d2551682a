"""What columns mean, as text that people write: `Hostname=name, Rack=rack, U=unit, Switch+Port=connect.eth0, Notes=`.

| target | the column is |
| --- | --- |
| `name`, `driver`, `type`, `in`, `at`, `parts`, `ip`, `id` | what it is in a transfer object |
| `rack`, `unit` | where it stands, in two columns |
| `datacenter`, `room`, `cage` | the place that the rack is in, or the Thing itself where it is in none |
| `connect.PART`, also of two columns `DEVICE+PORT` | what a part is connected to |
| `part` | the part that the row is about; then `connect.part`, `part mac`, `part ip` are of that one |
| `PART KEY`, `PART ip` | an attribute or the addresses of a part |
| `KEY`, `attr:KEY` | an attribute |
| nothing | left out |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from clusto_core.errors import Malformed, NotFound, did_you_mean
from clusto_core.rules.parts import checked_part_name
from clusto_core.spelling import suggest
from clusto_core.transfer.documents import attribute_key

FIELDS = ("name", "driver", "type", "in", "at", "parts", "ip", "id")
PLACES = ("datacenter", "room", "cage")
POSITION = ("rack", "unit")
PART = "part"
CONNECT = "connect."
ATTRIBUTE = "attr:"
_ITEM = re.compile(r'[\s,]*(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<raw>[^,"][^,]*?))\s*=(?P<target>[^,="]*)(?:,|$)')
_BLANKS = re.compile(r"\s+")


class Use(NamedTuple):
    """What columns, by their numbers from 0, are used for. `guessed`: by their titles, and not because somebody said
    so."""

    target: str
    columns: tuple[int, ...]
    guessed: bool = False


def parse(texts: Iterable[str]) -> dict[str, str]:
    """The columns that a person wrote, in any number of texts, and what they mean. Raises Malformed.

    A title that holds commas is quoted: `"Rack, row"=rack`.
    """
    found: dict[str, str] = {}
    for text in texts:
        place = 0
        while text[place:].strip(" ,"):
            match = _ITEM.match(text, place)
            title = folded(match["raw"] or (match["quoted"] or "").replace('""', '"')) if match is not None else ""
            if match is None or not title:
                item = text[place:].strip(" ,")
                raise Malformed(f"malformed mapping: {item[:60]!a} (write COLUMN=WHAT, as Hostname=name)")
            found[title] = checked(match["target"].strip())
            place = match.end()
    return found


def checked(target: str) -> str:
    """The target itself, as it is spelled. Raises Malformed for one that there is not."""
    lowered = target.lower()
    if not target or lowered in (*FIELDS, *PLACES, *POSITION, PART):
        return lowered
    if lowered.startswith(CONNECT):
        return CONNECT + checked_part_name(target[len(CONNECT) :])
    part, blank, key = target.partition(" ")
    if blank:
        checked_part_name(part)
        if key != "ip":
            attribute_key(key.removeprefix(ATTRIBUTE))
        return target
    attribute_key(target.removeprefix(ATTRIBUTE))
    return target


def folded(title: str) -> str:
    """A title as titles are compared by people: without regard to blanks."""
    return _BLANKS.sub(" ", title).strip()


def numbered(titles: Sequence[str]) -> list[str]:
    """Titles that are different ones: the second `Switch` is `Switch (2)`."""
    seen: dict[str, int] = {}
    found = []
    for title in map(folded, titles):
        seen[title] = seen.get(title, 0) + 1
        found.append(f"{title} ({seen[title]})" if seen[title] > 1 and title else title)
    return found


def bound(columns: Mapping[str, str], titles: Sequence[str]) -> list[Use]:
    """The uses of a table's columns that a mapping says. Raises NotFound for columns that the table has not."""
    places = {title.casefold(): place for place, title in reversed(list(enumerate(titles)))}
    return [Use(target, _columns(written, places, titles)) for written, target in columns.items()]


def _columns(written: str, places: Mapping[str, int], titles: Sequence[str]) -> tuple[int, ...]:
    if written.casefold() in places:
        return (places[written.casefold()],)
    found = []
    for title in map(folded, written.split("+")):
        if title.casefold() not in places:
            guess = did_you_mean(suggest(title, [each for each in titles if each]))
            raise NotFound(f"no such column: {title[:60]}{guess} (there are {', '.join(filter(None, titles))[:200]})")
        found.append(places[title.casefold()])
    return tuple(found)


def spelled(uses: Iterable[Use], titles: Sequence[str]) -> dict[str, str]:
    """The mapping that `bound` makes these uses of."""
    return {"+".join(titles[place] for place in use.columns): use.target for use in uses}


def as_text(columns: Mapping[str, str]) -> str:
    """The mapping as `parse` reads it."""
    return ",".join(f"{_quoted(title)}={target}" for title, target in columns.items())


def _quoted(title: str) -> str:
    return '"' + title.replace('"', '""') + '"' if "," in title or '"' in title else title
