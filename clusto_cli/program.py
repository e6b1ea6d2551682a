"""What the program `clusto` runs: nothing but what is to be so before click is loaded."""

from __future__ import annotations

from clusto_core.store import collector


def run() -> None:
    """Runs the command line of this process, and ends it."""
    collector.seldom()
    from clusto_cli.main import run as run_line

    run_line()
