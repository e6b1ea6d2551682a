"""A genders file: machines with what they are members of, and the attributes in force for them.

Source of the format: libgenders(3) of https://github.com/chaos/genders. Nodes are short host names, an attribute is
there once for a node, and no value has blanks or commas. What pdsh obeys (attributes that begin with `pdsh`) is written
only where `leaving` permits it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from clusto_core.answers.view import View, views
from clusto_core.drivers import Category
from clusto_core.drivers.equipment import Mounted, PatchPanel, VirtualServer
from clusto_core.model.attributes import Key, Value, infer
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document
from clusto_core.transfer.leaving import SAFE, Leaving, comment
from clusto_core.transfer.mentions.hostlists import listed
from clusto_core.transfer.mentions.mention import Mention, mention
from clusto_core.transfer.mentions.reading import BrokenAtError, told, uncommented

SOURCE = "genders"
GROUPS = "group.genders"
"""The attributes without a value that are no category in the inventory."""
_NODE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_WORD = re.compile(r"[^\s,#=\x00-\x1f\x7f]+")
_VALUE = re.compile(r"[^\s,#\x00-\x1f\x7f]+")
_OBEYED = "pdsh"


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the machines among the Things. What the format cannot hold is told in a comment."""
    refused: set[str] = set()
    for view in views(reader, things):
        for thing in view.things:
            if not thing.is_a(VirtualServer) and (not thing.is_a(Mounted) or thing.is_a(PatchPanel)):
                continue
            if not _NODE.fullmatch(thing.name):
                out.write(comment(f"{thing.name}: left out, nodes have short host names"))
                continue
            for line in _lines(view, thing, leaving, refused):
                out.write(line)
    leaving.leave_out("genders", refused, out)


def _lines(view: View, thing: Thing, leaving: Leaving, refused: set[str]) -> Iterator[str]:
    said: dict[str, str] = {each.name: "" for each in view.parents(thing) if each.is_a(Category)}
    values: dict[Key, list[Value]] = {}
    for each, _ in view.effective(thing):
        if not each.key.reserved and not each.key.secret:
            values.setdefault(each.key, []).append(each.value)
    unfit: list[str] = []
    for key, found in values.items():
        name, text = str(key), found[0].text
        if name.startswith(_OBEYED) and not leaving.permits(name):
            refused.add(name)
        elif len(found) > 1 or name in said or not _WORD.fullmatch(name) or not _VALUE.fullmatch(text):
            unfit.append(name)
        elif found[0].type != "json":
            said[name] = f"={text.replace('%', '%%')}"
    yield f"{thing.name} {','.join(f'{name}{value}' for name, value in said.items())}".rstrip() + "\n"
    if unfit:
        yield comment(f"{thing.name}: no attributes of genders are {', '.join(unfit)}")


def read(file: TextIO, name: str) -> Iterator[Document]:
    """What the nodes of a file are members of, and their attributes."""
    return told(_read, file, name)


def _read(file: TextIO, name: str) -> Iterator[Document]:
    for line, text in uncommented(file):
        nodes, *attributes = re.split(r"\s+", re.sub(r"\s*,\s*", ",", text), maxsplit=1)
        words = [word for word in re.split(r"[\s,]+", "".join(attributes)) if word]
        for node in listed(nodes, line):
            yield _mention(node, words, name, line)


def _mention(node: str, words: list[str], file: str, line: int) -> Mention:
    found = mention(node, file, line)
    groups: list[str] = []
    values: dict[str, tuple[Value, ...]] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not key or (equals and not text):
            raise BrokenAtError(line, f"expected attribute or attribute=value, found {word[:60]!a}")
        if equals:
            values[key] = (infer(_filled(text, node)),)
        else:
            groups.append(key)
    found.groups, found.groups_key, found.values = tuple(groups), GROUPS, values
    return found


def _filled(text: str, node: str) -> str:
    """`%n` is the name of the node, `%%` a percent sign."""
    return re.sub("%[n%]", lambda each: node if each[0] == "%n" else "%", text)
