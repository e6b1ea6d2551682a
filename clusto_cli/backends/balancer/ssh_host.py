"""A balancer's sockets, files and programs over ssh: one connection carries all of it.

Its streams to a socket of the balancer are a socket of ours.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Sequence

from clusto_cli.backends.balancer.host import run
from clusto_cli.backends.errors import DeviceError, Refused, Unreachable
from clusto_cli.backends.settings import Settings, boolean, integer, seconds

_SSH_FAILED = 255
"""ssh(1): the status where ssh itself failed, and not what it ran."""
_LOOK = 0.02


class SshHost:
    """The balancer itself, by the system's ssh. Keys and agents only: a password has no place on a command line."""

    def __init__(self, address: str, settings: Settings, timeout: float) -> None:
        from clusto_cli.backends.endpoint import endpoint

        where = endpoint("ssh.host", settings.get("ssh.host") or address)
        self._host = where.host
        self._timeout = seconds(settings, "ssh.timeout", timeout)
        self._folder = ""
        self._argv = ["ssh", "-T", "-p", str(where.port or integer(settings, "ssh.port", 22))]
        if boolean(settings, "ssh.legacy"):
            from clusto_cli.backends.openssh import legacy_options

            self._argv += legacy_options()
        options = ["BatchMode=yes", "LogLevel=ERROR", f"ConnectTimeout={max(1, round(self._timeout))}"]
        if known := settings.get("ssh.known_hosts"):
            options.append(f'UserKnownHostsFile="{known}"')
        for option in options:
            self._argv += ["-o", option]
        for flag, key in (("-i", "ssh.identity"), ("-l", "ssh.user")):
            if value := settings.get(key):
                if value.startswith("-"):
                    raise ValueError(f"{key} begins with a dash: {value[:40]!r}")
                self._argv += [flag, value]

    def run(self, argv: Sequence[str], said: str = "") -> str:
        return self._ssh(["--", self._host, shlex.join(argv)], said)

    def socket(self, path: str) -> str:
        if ":" in path or "%" in path or "$" in path:
            raise Refused(f"ssh cannot carry a socket whose path has one of :%$ in it: {path[:80]!a}")
        self._connect()
        ours = os.path.join(self._folder, f"socket{len(os.listdir(self._folder))}")
        self._ssh(["-O", "forward", "-L", f"{ours}:{path}", "--", self._host])
        deadline = time.monotonic() + self._timeout
        while not os.path.exists(ours) and time.monotonic() < deadline:
            time.sleep(_LOOK)
        return ours

    def read(self, path: str) -> str | None:
        there = self.run(["sh", "-c", 'if [ -e "$1" ]; then echo +; cat -- "$1"; fi', "sh", path])
        return there[2:] if there else None

    def write(self, path: str, text: str) -> None:
        script = 'f=$(readlink -f -- "$1") && t=$(mktemp -- "$f.XXXXXX") && cat >"$t" && { chmod 644 "$t"; '
        script += 'chmod --reference="$f" "$t"; chown --reference="$f" "$t"; } 2>/dev/null; mv -f -- "$t" "$f"'
        self.run(["sh", "-c", script, "sh", path], text)

    def close(self) -> None:
        folder, self._folder = self._folder, ""
        if folder:
            with contextlib.suppress(DeviceError):
                run([*self._options(folder), "-O", "exit", "--", self._host], self._timeout, "")
            shutil.rmtree(folder, ignore_errors=True)

    def _connect(self) -> None:
        if not self._folder:
            self.run(["true"])

    def _ssh(self, words: Sequence[str], said: str = "") -> str:
        from clusto_cli.backends.program import ProgramFailed, ProgramSilent
        from clusto_cli.backends.reasons import OPENSSH, roles

        if not self._folder:
            self._folder = tempfile.mkdtemp(prefix="clusto-ssh-")
        try:
            return run([*self._options(self._folder), *words], self._timeout + 5, said)
        except ProgramFailed as error:
            if error.status != _SSH_FAILED:
                raise
            known = roles("ssh", "host", "port", "user", "password", "identity", "known_hosts", "timeout", "legacy")
            raise OPENSSH.explained(self._host, "\n".join(error.said), known, otherwise=Unreachable) from None
        except ProgramSilent as error:
            raise Unreachable(f"{self._host}: {error}") from error

    def _options(self, folder: str) -> list[str]:
        shared = ["-o", "ControlMaster=auto", "-o", f"ControlPath={folder}/master", "-o", "ControlPersist=60"]
        return [*self._argv, *shared]
