"""Whether a switch took a line: its own words decide, since whatever carries lines knows nothing of it."""

from __future__ import annotations

import re

from clusto_cli.backends.switch.model import Rejected
from clusto_cli.backends.switch.profiles import SshRules

_MOST_LINES, _MOST_CHARACTERS = 6, 400


def judged(rules: SshRules, where: str, sent: str, answer: str) -> str:
    """The answer of the switch at `where`. Rejected, with all that it said, when a line looks like a rejection."""
    found = [match for pattern in rules.failures if (match := re.search(pattern, answer, re.MULTILINE))]
    if not found:
        return answer
    start = min(_line_start(answer, match) for match in found)
    raise rejection(where, sent, answer[start:])


def rejection(where: str, sent: str, answer: str, *, empty: str = "nothing", advice: str = "") -> Rejected:
    """What a switch said instead of taking a line: its address, its words and the line; `empty` where it said none."""
    return Rejected(where, f"it answered {words(answer) or empty!r} to {sent!r}{advice}")


def words(answer: str) -> str:
    """All lines that matter of what was printed, as one: without what is empty or only points somewhere."""
    lines = [" ".join(line.split()) for line in answer.splitlines() if line.strip(" ^\t\r")]
    return "; ".join(lines[:_MOST_LINES])[:_MOST_CHARACTERS]


def _line_start(answer: str, match: re.Match[str]) -> int:
    # A pattern may begin with white space, and so with the end of the line before.
    begins = match.start() + len(match[0]) - len(match[0].lstrip())
    return answer.rfind("\n", 0, begins) + 1
