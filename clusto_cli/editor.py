"""The person's own editor, on a text: what VISUAL or EDITOR names (POSIX.1-2017, 8.3), else vi."""

from __future__ import annotations

import os
import shlex
import subprocess

from clusto_cli import children
from clusto_core.errors import Malformed, NotFound, Refused


def program() -> list[str]:
    """The command that a file's path is put behind. Raises NotFound, Malformed where it cannot be one."""
    said = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(said)
    except ValueError:
        words = []
    if not words:
        raise Malformed(f"malformed editor: {said} (set EDITOR)")
    path = words[0] if os.path.isabs(words[0]) else children.find(words[0])
    if path is None or not os.access(path, os.X_OK):
        raise NotFound(f"no such editor: {words[0]} (set EDITOR)")
    return [path, *words[1:]]


def edit(path: str) -> None:
    """Has the person edit a file, and waits until the editor ends. Raises Refused when it ends with an error."""
    command = program()
    done = subprocess.run([*command, path], env=children.environment(), check=False)
    if done.returncode != 0:
        raise Refused(f"the editor ended with code {done.returncode}: nothing was done")
