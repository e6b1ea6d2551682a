"""Names for what is new: its own where the site gives such names, else the next ones of a NameRange."""

from __future__ import annotations

from collections.abc import Sequence

from clusto_cli.context import App
from clusto_cli.discovery.entities import SERVER, Newcomer
from clusto_core.drivers.resources import NameRange
from clusto_core.errors import Malformed
from clusto_core.inventory import Transaction
from clusto_core.model.things import Thing
from clusto_core.resources import naming
from clusto_core.rules.kinds import checked, checked_name


class Names:
    """Gives a machine the name that it announces, where the NameRange has it and nobody else, else the next free one.

    Equipment that was asked, a switch or a PDU, keeps the name that it has. A name that is written on an outlet, or
    that somebody else announces, is his. Nothing is given out: a dry run tells what would be, and whoever imports the
    proposal takes it.
    """

    def __init__(self, app: App, range_name: str) -> None:
        self._app, self._range = app, range_name
        self.remarks: list[str] = []

    def __call__(self, newcomers: Sequence[Newcomer], spoken_of: frozenset[str]) -> list[str]:
        """Names, one each, empty for who gets none."""
        if not newcomers:
            return []
        with self._app.changing(dry_run=True) as change:
            own = self._own(change, newcomers)
            rest = [each.key for each in newcomers if each.key not in own and each.driver == SERVER]
            if self._range and rest:
                own |= dict(zip(rest, self._next(change, len(rest), spoken_of | set(own.values())), strict=False))
        return [own.get(each.key, "") for each in newcomers]

    def _own(self, change: Transaction, newcomers: Sequence[Newcomer]) -> dict[str, str]:
        """By key, the names that newcomers have themselves, those of one alone."""
        called = {each.key: [name for text in each.called if (name := _name(text))] for each in newcomers}
        wanted = {name for names in called.values() for name in names}
        given = naming.vacant_among(change, self._thing(change), wanted) if self._range else set()
        found: dict[str, str] = {}
        for each in newcomers:
            names = called[each.key]
            if each.driver == SERVER:
                names = [name for name in names if name in given]
            if names and change.unit.get(names[0]) is None:
                found[each.key] = names[0]
        said = list(found.values())
        return {key: name for key, name in found.items() if said.count(name) == 1}

    def _next(self, change: Transaction, number: int, taken: frozenset[str]) -> list[str]:
        """So many free names of the range that nobody is spoken of by, or as many as there are."""
        range_ = self._thing(change)
        free = naming.vacant(change, range_, number, taken)
        if len(free) < number:
            self.remarks.append(f"{range_.name} has names for {len(free)} of {number} new machines")
        return free

    def _thing(self, change: Transaction) -> Thing:
        return checked(change.resolve(self._range), NameRange)


def _name(text: str) -> str:
    """The name of a Thing that somebody who calls himself so may have; empty for none."""
    short = text.rstrip(".").partition(".")[0]
    try:
        return checked_name(short)
    except Malformed:
        return ""
