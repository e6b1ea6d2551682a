"""One operator at one console."""

from __future__ import annotations

import getpass
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from clusto_cli.backends.base import Attach, ConsoleLine
from clusto_cli.backends.console.access import Access
from clusto_cli.backends.console.line import Line
from clusto_cli.backends.console.session import MenuAction, Session, Settings
from clusto_cli.backends.console.terminal import Ended
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.children import environment, python
from clusto_cli.console.history import Attended, record
from clusto_cli.console.ways import as_outcome, title
from clusto_cli.context import App
from clusto_core.answers.consoles import ConsoleWay


@dataclass(frozen=True)
class Manner:
    """How the operator wants it: see the options of the verb."""

    attach: Attach
    escape: bytes
    log: Path | None
    keep: bool
    wait: bool


def attach(app: App, way: ConsoleWay, access: Access, manner: Manner) -> int:
    """Attaches until the operator leaves; the exit code. Raises what keeps him from it."""
    settings = Settings(
        title=title(way),
        escape=manner.escape,
        attach=manner.attach,
        keep=manner.keep,
        wait=manner.wait,
        log=manner.log or Path(f"{way.thing.name.replace('/', '_').replace(':', '_')}.console.log"),
        log_now=manner.log is not None,
        actions=power_actions(app, way.thing.name) if not way.thing.is_part else (),
        others=lambda line: ", ".join(others(line, access, looking_on=manner.attach is Attach.READ_ONLY)),
    )
    session = Session(access, settings)
    try:
        session.run()
    except DeviceError as error:
        raise as_outcome(error, way.thing.name) from error
    except Ended as ended:
        return 128 + ended.number
    finally:
        if session.attached_at is not None:
            record(app, [Attended(way, session.attached_at, time.time() - session.attached_at)])
    return 0


def others(line: ConsoleLine, access: Access, *, looking_on: bool) -> list[str]:
    """Who else is on the port, where the server said; we ourselves may be one of those it names."""
    if not isinstance(line, Line) or line.status is None:
        return []
    users = list(line.status.users)
    ours = access.values.texts.get("user") or getpass.getuser()
    mine = next((user for user in users if user.name == ours and user.writes is not looking_on), None)
    if mine is not None:
        users.remove(mine)
    return [str(user) for user in users]


def power_actions(app: App, name: str) -> tuple[MenuAction, ...]:
    """The keys of the escape menu that are about the machine's power: the verb `power`, as a program of its own.

    So it keeps its own refusals, its own transaction in the history and its own time limits, beside the session.
    """

    def power(*arguments: str, must: bool = False) -> str:
        done = subprocess.run(
            python("clusto_cli.main", "power", *arguments),
            env=environment({"CLUSTO_DB": app.settings.url}, own=True),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,
        )
        said = done.stdout.decode("utf-8", "replace").strip()
        if must and done.returncode:
            raise Refused(said)
        return said

    return (
        MenuAction("p", f"power status of {name}", lambda: power("status", "-v", name)),
        MenuAction(
            "c",
            f"power cycle {name}",
            lambda: power("cycle", name, "--yes"),
            lambda: power("cycle", name, "--dry-run", must=True) + "\nPower cycle it, every feed?",
        ),
    )
