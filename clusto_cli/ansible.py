"""The program `clusto-ansible`: an inventory script of Ansible
(https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html), of a store or of a server.

What it prints is kept in the user's folder for what can be had again, with the number of the transaction that it is of:
while the inventory has not changed, it is not worked out anew, and never out of date. The plugin of Ansible
(`packaging/ansible/`) starts it too.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from hashlib import sha256
from typing import Any

import click

from clusto_cli import __version__, streams
from clusto_core.config import Settings, settings
from clusto_core.errors import ClustoError, NotFound

_WHERE = "CLUSTO_ANSIBLE_WHERE"


class Kept:
    """What was printed last for the same question, and of which state of the inventory that was."""

    def __init__(self, question: object) -> None:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        digest = sha256(json.dumps([__version__, question]).encode()).hexdigest()[:32]
        self._path = os.path.join(base, "clusto", "ansible", f"{digest}.json")

    def load(self) -> tuple[str, str]:
        """The state and the text; empty where there is none."""
        try:
            with open(self._path, encoding="utf-8") as file:
                return file.readline().strip(), file.read()
        except (OSError, UnicodeDecodeError):
            return "", ""

    def save(self, state: str, text: str) -> None:
        """Keeps it, for this user alone. A folder that cannot be written to costs time, and nothing else."""
        folder = os.path.dirname(self._path)
        with contextlib.suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            descriptor, beside = tempfile.mkstemp(dir=folder)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(f"{state}\n{text}")
            os.replace(beside, self._path)


@click.command("clusto-ansible", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--list", "_whole", is_flag=True, help="The whole inventory; so without --host.")
@click.option("--host", metavar="NAME", help="The variables of one host.")
@click.option("--where", metavar="EXPR", envvar=_WHERE, help=f"Only what it selects; else {_WHERE} says it.")
@click.option("--db", metavar="URL", help="The inventory, as of clusto.")
@click.option("--config", metavar="FILE", type=click.Path(), help="The configuration file.")
@click.option("--refresh-cache", "anew", is_flag=True, help="Work it out anew, whatever is known.")
def command(_whole: bool, host: str | None, where: str | None, db: str | None, config: str | None, anew: bool) -> None:
    """The inventory as an inventory script of Ansible prints it.

    \b
        ansible-inventory -i /usr/bin/clusto-ansible --graph
        CLUSTO_ANSIBLE_WHERE='driver:Server in name:web-pool' ansible -i /usr/bin/clusto-ansible all -m ping
    """
    text = inventory(settings(db, config), where or None, anew=anew)
    if host is not None:
        known: dict[str, Any] = json.loads(text)["_meta"]["hostvars"]
        if host not in known:
            raise NotFound(f"no such host in the inventory of Ansible: {host[:100]}")
        text = json.dumps(known[host], indent=1) + "\n"
    sys.stdout.write(text)


def inventory(found: Settings, where: str | None, *, anew: bool = False) -> str:
    """The inventory of Ansible, in JSON, of a store or a server. Raises ClustoError as these do."""
    from clusto_core.boundary.permissions import in_force
    from clusto_core.library.server import is_server

    allowed = sorted(in_force().exports.get("ansible", ()))
    kept = Kept([found.url, where, allowed])
    state, text = ("", "") if anew else kept.load()
    now, new = (_of_server if is_server(found.url) else _of_store)(found.url, where, state, allowed)
    if new is None:
        return text
    kept.save(now, new)
    return new


def _of_server(url: str, where: str | None, known: str, allowed: list[str]) -> tuple[str, str | None]:
    from clusto_core.library.server import Server

    state, body = Server(url).inventory(where, known)
    return state, None if body is None else body.decode()


def _of_store(url: str, where: str | None, known: str, allowed: list[str]) -> tuple[str, str | None]:
    """The state of a store, and the inventory unless that is the one that is known."""
    from clusto_core.query import search
    from clusto_core.records import history
    from clusto_core.store.reader import open_reader
    from clusto_core.transfer.formats import ansible_json
    from clusto_core.transfer.leaving import Leaving

    with open_reader(url) as reader:
        state = f"{history.latest(reader)} {history.newest(reader)}"
        if state == known:
            return state, None
        things = search.find(reader, where).things if where else reader.all()
        out = io.StringIO()
        ansible_json.write(reader, things, out, Leaving(frozenset(allowed), tell=_say))
    return state, out.getvalue()


def _say(line: str) -> None:
    from clusto_cli.output import clean

    print(clean(f"clusto-ansible: {line}"), file=sys.stderr)


def run() -> None:
    """What the program does."""
    from clusto_cli.main import EXIT_INTERRUPTED, EXIT_USAGE, code_of, usage
    from clusto_core.secrecy import redacted

    streams.prepare()
    try:
        command.main(prog_name="clusto-ansible", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        sys.exit(EXIT_INTERRUPTED)
    except click.ClickException as error:
        _say(f"error: {usage(error)}")
        sys.exit(EXIT_USAGE)
    except ClustoError as error:
        for line in (f"error: {error}", *error.details):
            _say(redacted(line))
        sys.exit(code_of(error))
