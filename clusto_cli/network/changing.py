"""Locks around a change of switches, and what a person sees while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from clusto_cli.context import App
from clusto_cli.network.run import Follow, Look, Opened, perform, planned
from clusto_cli.progress import counted
from clusto_core.records.locks import Locks


def change_switches(
    app: App,
    opened: Sequence[Opened],
    look: Look,
    agree: Callable[[Sequence[Opened]], None],
    verb: str,
    options: dict[str, Any],
    follow: Follow | None = None,
) -> bool:
    """Changes the switches under their locks; a dry run takes none. True when it was interrupted."""
    things = [one.device.thing for one in opened]
    with contextlib.ExitStack() as stack:
        locks = None
        if not options["dry_run"]:
            locks = stack.enter_context(Locks(app.settings).on(things, options["wait"]))

        def agreed(all_of_them: Sequence[Opened]) -> None:
            agree(all_of_them)
            if locks is not None:
                # A person may have taken the whole time limit to answer.
                locks.renew(things)

        jobs = [job for one in opened for job in one.jobs]
        with counted(verb, len(jobs)) as advance:
            interrupted = perform(
                opened,
                look,
                parallel=options["parallel"],
                dry_run=options["dry_run"],
                agree=agreed,
                progress=advance,
                follow=follow,
                warn=lambda text: app.say(f"warning: {text}"),
            )
    if options["dry_run"]:
        planned(opened)
    return interrupted
