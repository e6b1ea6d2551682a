"""Lists of hosts as tools of clusters write them: `node[01-16,20],login1`."""

from __future__ import annotations

from clusto_core.model.ranges import MalformedRange, expand
from clusto_core.transfer.mentions.reading import BrokenAtError

LIMIT = 100_000
"""The most hosts that one line may say."""


def listed(text: str, line: int) -> list[str]:
    """The hosts of a list, in its order. A list without a name before its brackets is one of numbers: `[1-8]`.

    Raises BrokenAtError.
    """
    if "[" not in text and "," not in text:
        return [text]
    try:
        return list(expand(text, LIMIT))
    except MalformedRange as error:
        raise BrokenAtError(line, str(error)) from None
