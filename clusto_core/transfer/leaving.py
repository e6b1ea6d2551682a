"""What an export may hand to the program that reads it: names and facts always, that program's own settings never, but
for those that the operator's configuration lists.

Attributes are data, written by many. Where a format turns an attribute into a setting that its program obeys
(Ansible's `ansible_*` variables, PowerMan's devices, dnsmasq's directories), it asks here first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from clusto_core.answers.view import Spaces


def _untold(line: str) -> None:
    return None


class Leaving(NamedTuple):
    """How one export is made. `allowed` are the keys that may become settings of its program, as they are spelled, or
    `*` for all; `raw` leaves out what is there for people only, such as the guard against formulas; `tell` gets a line
    for what was left out. `spaces` are the address spaces whose addresses are written, all where it is None. `port` and
    `labels` are what is told of targets of Prometheus besides (`formats.prometheus`).
    """

    allowed: frozenset[str] = frozenset()
    raw: bool = False
    tell: Callable[[str], None] = _untold
    spaces: Spaces = None
    port: int | None = None
    labels: Sequence[str] = ()

    def permits(self, key: str) -> bool:
        """Whether the attribute of that key may become a setting of the program."""
        return key in self.allowed or "*" in self.allowed

    def leave_out(self, program: str, keys: Iterable[str], out: TextIO | None = None) -> None:
        """Tells, and writes as a comment where `out` takes such, which attributes are not handed to a program, and what
        line would permit it.

        Those that are permitted are passed over.
        """
        refused = sorted({key for key in keys if not self.permits(key)})
        if not refused:
            return
        import shlex

        said = f"{program}: left out {', '.join(refused)}: no attribute becomes a setting of {program} by itself"
        told = f"{said} (clusto config allow export {shlex.join([program, *refused])})"
        self.tell(told)
        if out is not None:
            out.write(comment(told))


def comment(text: str) -> str:
    """A line that begins with `#`, whatever the text holds: one line, that nothing continues."""
    shown = "".join(each if each.isprintable() or each == "\t" else f"\\u{ord(each):04x}" for each in text)
    return "# " + shown.rstrip("\\") + "\n"


SAFE = Leaving()
"""An export that allows nothing and tells nobody."""
