"""Asking before what cannot be taken back."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence

from clusto_core.errors import Refused

_gathering: list[list[str]] = []


@contextlib.contextmanager
def gathered(questions: list[str]) -> Iterator[None]:
    """What would be asked meanwhile is noted instead, to be asked at once."""
    _gathering.append(questions)
    try:
        yield
    finally:
        _gathering.pop()


def is_asked(*, dry_run: bool, yes: bool) -> bool:
    """Whether somebody is to be asked before a verb acts: not where it is only tried, but of a batch that is, which
    tells what it would ask."""
    return not yes and (not dry_run or bool(_gathering))


def unconfirmed(question: str) -> Refused:
    """Nobody is there to be asked."""
    return Refused(f"not confirmed: {question} (--yes goes ahead)")


def confirm(question: str, yes: bool) -> None:
    """Goes on when `--yes` was given or the person on the terminal says so. Raises Refused otherwise.

    The question names what will be hit: `remove server1 and its 5 cables?`
    """
    if yes:
        return
    if _gathering:
        _gathering[-1].append(question)
        return
    if not sys.stdin.isatty():
        raise unconfirmed(question)
    from clusto_cli.output import clean

    print(f"clusto: {clean(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    if _answer().lower() not in ("y", "yes"):
        raise Refused("not confirmed: nothing was done")


def ask_person(question: str, yes: bool) -> None:
    """Asks where a person is on the terminal, and goes on elsewhere: for what is undone as easily as it is done.

    Raises Refused when the person does not say yes.
    """
    if not _gathering and sys.stdin.isatty():
        confirm(question, yes)


def confirm_by_name(question: str, name: str, yes: bool) -> None:
    """Goes on when `--yes` was given, or the person on the terminal types the name of what will be hit.

    For what destroys data: a `y` is typed too easily. Raises Refused otherwise.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise unconfirmed(question)
    from clusto_cli.output import clean

    print(f"clusto: {clean(question)} Type {clean(name)} to go ahead: ", end="", file=sys.stderr, flush=True)
    if _answer() != name:
        raise Refused("not confirmed: nothing was done")


def refuse(reasons: Sequence[str], force: bool) -> None:
    """Goes on when nothing speaks against it, or `--force` was given. Raises Refused with the first reasons else."""
    if reasons and not force:
        more = f" (and {len(reasons) - 5} more)" if len(reasons) > 5 else ""
        raise Refused(f"{'; '.join(reasons[:5])}{more} (--force goes ahead)")


def _answer() -> str:
    """The line that is typed. The one that was begun is ended, if by Ctrl-D."""
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
    return line.strip()
