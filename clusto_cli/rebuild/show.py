"""Every file that a rebuild would write, for people to read before it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypedDict

from clusto_cli.rebuild.machines import Machines
from clusto_core.answers.recipes import recipe
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader


class Shown(TypedDict):
    """One file: below the boot directory, and when it says what it says."""

    path: str
    when: str
    content: str


def files(reader: Reader, thing: Thing, reveal: bool) -> Iterator[Shown]:
    """The boot files of a machine while it is installed and afterwards, and its answers; secrets are masked unless they
    are to be revealed, and those that are kept elsewhere always. Raises NotFound, Malformed for a recipe that is not
    complete."""
    machines = Machines()
    known = recipe(reader, thing)
    system = machines.os_of(known)
    machine = machines.shown(known, system, reveal=reveal)
    yield from (Shown(path=path, when="install", content=text) for path, text in sorted(machine.install.items()))
    yield from (Shown(path=path, when="local", content=text) for path, text in sorted(machine.local.items()))
    for name, text in sorted(machine.answers.items()):
        yield Shown(path=f"hosts/{machine.name}/{name}", when="install", content=text)


def file_lines(shown: Iterable[Shown]) -> Iterator[str]:
    """The files below each other, each behind a line with its path."""
    for each in shown:
        yield f"==> {each['path']} ({each['when']})"
        yield from each["content"].splitlines()
        yield ""
