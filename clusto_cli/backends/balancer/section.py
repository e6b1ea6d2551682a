"""The configuration of a balancer, kept in step: its members between two marks of a file, the rest as it is written.

    backend lb1-shop-shop
        balance leastconn
        # clusto: begin lb1-shop-shop
        server server1 10.0.0.11:8443 weight 1 check
        # clusto: end lb1-shop-shop

A file that is not there is made whole. What the balancer's own program finds wrong is taken back before it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from clusto_cli.backends.balancer.host import Host
from clusto_cli.backends.balancer.model import Order
from clusto_cli.backends.errors import DeviceError, Refused

_HEADER = "# Made by clusto: what is between its marks is overwritten, the rest is yours."


class Section(NamedTuple):
    """The members of a pool as lines, and what stands around them in a file that is made whole."""

    name: str
    lines: Sequence[str]
    head: Sequence[str]
    tail: Sequence[str] = ()

    @property
    def begin(self) -> str:
        return f"# clusto: begin {self.name}"

    @property
    def end(self) -> str:
        return f"# clusto: end {self.name}"


class ConfigFile:
    """A file at a host; `check` and `reload` are the commands that find it right and have it used, empty for none."""

    def __init__(self, host: Host, path: str, check: Sequence[str], reload: Sequence[str]) -> None:
        self.path = path
        self._host = host
        self._check = list(check)
        self._reload = list(reload)

    @property
    def reload(self) -> str:
        """The command that has it used, as people see it."""
        return " ".join(self._reload)

    def orders(self, section: Section, *, reload: bool) -> list[Order]:
        """What `keep` would write and run now, as `--dry-run` shows it; nothing where the file says that already."""
        before = self._host.read(self.path)
        if self._with(before, section) == before:
            return []
        run = [words for words in (" ".join(self._check), self.reload if reload else "") if words]
        return [*(Order(self.path, line) for line in section.lines), *(Order("run", words) for words in run)]

    def lines(self, section: Section) -> list[str] | None:
        """What stands between the marks; None where there is no file, or one without them."""
        text = self._host.read(self.path)
        marks = _marks(text, section) if text is not None else None
        if text is None or marks is None:
            return None
        return [line.strip() for line in text.splitlines()[marks[0] + 1 : marks[1]] if line.strip()]

    def keep(self, section: Section, *, reload: bool) -> bool:
        """Writes the section and has it used; False where it said that already. Raises DeviceError, with all as it
        was."""
        before = self._host.read(self.path)
        after = self._with(before, section)
        if after == before:
            return False
        self._host.write(self.path, after)
        try:
            self._run(self._check, "does not find it right")
            if reload:
                self._run(self._reload, "does not use it")
        except DeviceError as error:
            if before is not None:
                self._host.write(self.path, before)
                error.extend("the file is as it was")
            raise
        return True

    def use(self) -> None:
        """Reloads the balancer."""
        self._run(self._reload, "does not use it")

    def _run(self, argv: Sequence[str], what: str) -> None:
        if argv:
            try:
                self._host.run(argv)
            except DeviceError as error:
                said = getattr(error, "said", ())
                words = "; ".join(said[-3:]) if said else str(error)
                raise Refused(f"{argv[0]} {what} ({self.path}): {words}") from error

    def _with(self, text: str | None, section: Section) -> str:
        if text is None:
            return "\n".join([_HEADER, *_whole(section), ""])
        marks = _marks(text, section)
        if marks is not None:
            lines = text.splitlines()
            first = lines[marks[0]]
            indent = first[: len(first) - len(first.lstrip())]
            lines[marks[0] + 1 : marks[1]] = [indent + line for line in section.lines]
            return "\n".join([*lines, ""])
        if text.startswith(_HEADER):
            return "\n".join([text.rstrip("\n"), *_whole(section), ""])
        raise Refused(f"{self.path} has no lines '{section.begin}' and '{section.end}' to write its members between")


def _whole(section: Section) -> list[str]:
    inner = (section.begin, *section.lines, section.end)
    return ["", *section.head, *(f"    {line}" for line in inner), *section.tail]


def _marks(text: str, section: Section) -> tuple[int, int] | None:
    """The numbers of the lines with the marks. Raises Refused where there are not two of them, in order."""
    lines = [line.strip() for line in text.splitlines()]
    begins, ends = _places(lines, section.begin), _places(lines, section.end)
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
        raise Refused(f"the marks of {section.name} are not one '{section.begin}' and one '{section.end}' behind it")
    return begins[0], ends[0]


def _places(lines: Sequence[str], mark: str) -> list[int]:
    return [number for number, line in enumerate(lines) if line == mark]
