"""Open Python with the inventory at hand."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import click

from clusto_cli.context import App, pass_app

if TYPE_CHECKING:
    from clusto_cli.shell.session import Session


@click.command("shell")
@click.option("-c", "program", metavar="CODE", help="Run this and leave, instead of asking for lines.")
@click.option("--plain", is_flag=True, help="Python's own console, though IPython is installed.")
@pass_app
def command(app: App, program: str | None, plain: bool) -> None:
    """Open Python (IPython where it is installed) with the inventory at hand: `inventory`, `find`, and `change`, which
    begins when it is first used.

    \b
        clusto shell
        clusto> inventory["server1"].parts["eth0"].far
        <Port switch2a:4>
        clusto> change["server1"].attrs["status"] = "spare"
        clusto*> commit("back from repair")

    What is changed is kept by commit() only; leaving without it keeps nothing. Names in quotes are completed. From a
    pipe, or with -c, a program is run with the same at hand. See docs/library.md for the library.
    """
    import clusto_core
    from clusto_cli.shell.session import Session

    interactive = program is None and sys.stdin.isatty()
    session = Session(clusto_core.open(app.settings.url), app.say, interactive=interactive)
    with session.ending():
        if interactive:
            _interact(session, plain)
        else:
            exec(compile(program if program is not None else _piped(), "<shell>", "exec"), session.names())


def _piped() -> str:
    from clusto_core.reading import lines

    return "".join(lines(sys.stdin, "standard input"))


def _interact(session: Session, plain: bool) -> None:
    if not plain:
        with contextlib.suppress(ImportError):
            from clusto_cli.shell import with_ipython

            with_ipython.interact(session)
            return
    from clusto_cli.shell.plain import interact

    interact(session)
