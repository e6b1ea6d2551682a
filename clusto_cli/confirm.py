"""Asking before what cannot be taken back."""

from __future__ import annotations

import sys

from clusto_core.errors import Refused


def confirm(question: str, yes: bool) -> None:
    """Goes on when `--yes` was given or the person on the terminal says so. Raises Refused otherwise.

    The question names what will be hit: `remove server1 and its 5 cables?`
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(f"not confirmed: {question} (--yes goes ahead)")
    from clusto_cli.output import clean

    print(f"clusto: {clean(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Refused("not confirmed: nothing was done")
