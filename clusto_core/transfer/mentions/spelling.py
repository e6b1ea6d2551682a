"""The names of groups and keys as other tools may have them, which no tool can spell back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def identifier(name: str) -> str:
    """The name in letters, digits and underscores, as Ansible wants those of groups and variables."""
    word = "".join(each if each.isascii() and each.isalnum() else "_" for each in name)
    return f"_{word}" if word[:1].isdigit() else word


class Names(dict[str, list[T]]):
    """What there is, by its name, and by its name as an identifier."""

    def __init__(self, every: Iterable[tuple[str, T]]) -> None:
        for name, each in every:
            for spelling in dict.fromkeys((name, identifier(name))):
                self.setdefault(spelling, []).append(each)

    def meant(self, text: str) -> list[T]:
        """What a word may mean: an export puts a number behind those that would be alike."""
        return self.get(text) or self.get(re.sub("_[0-9]+$", "", text)) or []
