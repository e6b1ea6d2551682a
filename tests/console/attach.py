"""A session as its own program, so that a test can have it in a terminal: attach.py JSON.

The object has `profile`, `method`, `values`, and settings of the session by their names.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.session import MenuAction, Session, Settings
from clusto_cli.backends.console.terminal import Ended
from clusto_cli.backends.errors import Busy, DeviceError, Refused
from tests.console.driver import access


def cycle() -> str:
    time.sleep(0.2)
    return "server1: cycled outlet 7 on pdu1"


def question() -> str:
    time.sleep(0.3)
    return "It hits pdu1:7.\nPower cycle server1?"


def fail() -> str:
    raise Refused("outlet 7 is locked")


def main() -> int:
    wanted = json.loads(sys.argv[1])
    if "pid" in wanted:
        Path(wanted["pid"]).write_text(str(os.getpid()))
    settings = wanted.get("settings", {})
    settings["attach"] = Attach(settings.get("attach", "normal"))
    settings["escape"] = settings.get("escape", "\x1d").encode()
    if "log" in settings:
        settings["log"] = Path(settings["log"])
    actions = (
        MenuAction("p", "power status", lambda: "server1: on"),
        MenuAction("c", "power cycle", cycle, question),
        MenuAction("x", "fail", fail),
    )
    if wanted.get("fails"):
        settings["others"] = lambda line: str(1 // 0)
    way = access(wanted["profile"], wanted.get("method"), **wanted["values"])
    try:
        Session(way, Settings(title="server1: port 1 on cs1", actions=actions, **settings)).run()
    except Ended as ended:
        return 128 + ended.number
    except Busy as error:
        sys.stderr.write(f"busy: {error}\n")
        return 4
    except DeviceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 5
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
