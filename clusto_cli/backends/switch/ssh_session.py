"""A session with a switch that is a Unix system: each line is one command of the system's ssh, judged by its status."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from clusto_cli import children
from clusto_cli.backends.errors import DeviceError, Refused, Unreachable
from clusto_cli.backends.openssh import LONGEST_ANSWER, legacy_options
from clusto_cli.backends.program import ProgramFailed, ProgramSilent, run_program
from clusto_cli.backends.reasons import OPENSSH, roles
from clusto_cli.backends.switch.cliwrite import Line
from clusto_cli.backends.switch.model import SwitchSettings
from clusto_cli.backends.switch.rejection import rejection

# ssh(1): the status of the command, or 255 when ssh itself failed.
_SSH_FAILED = 255
_SETTINGS = roles("ssh", "host", "port", "user", "password", "identity", "known_hosts", "timeout", "legacy")


class SshSession:
    """Runs each line over one shared connection. Keys and agents only: a password has no place on a command line."""

    def __init__(self, settings: SwitchSettings, *, legacy: bool = False) -> None:
        self._settings = settings
        self._legacy = legacy
        self._folder: Path | None = None

    def send(self, line: Line) -> str:
        if self._folder is None:
            if children.find("ssh") is None:
                raise DeviceError("the ssh program is not installed")
            self._folder = Path(tempfile.mkdtemp(prefix="clusto-ssh-"))
        where = self._settings.ssh_address
        try:
            return asyncio.run(self._answer(line))
        except ProgramFailed as error:
            said = "\n".join(error.said)
            if error.status == _SSH_FAILED:
                raise self._failure(said) from None
            raise rejection(where, line.text, said or error.printed) from None
        except ProgramSilent as error:
            raise Unreachable(f"{where}: no answer to {line.text!r} within {self._patience:g} s") from error
        except Refused as error:
            raise Refused(f"{where}: asked for {line.text!r}, {error}") from error

    async def _answer(self, line: Line) -> str:
        argv = [*self._ssh(), "--", self._settings.host, line.text]
        return await run_program(argv, self._patience, most=LONGEST_ANSWER)

    @property
    def _patience(self) -> float:
        """Seconds for a line, those of ssh's own time limit among them, so that it can say why it gave up."""
        return self._settings.timeout + 5

    def close(self) -> None:
        folder, self._folder = self._folder, None
        if folder is None:
            return
        # A master that has gone by itself leaves nothing to end.
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [*self._ssh(folder), "-O", "exit", "--", self._settings.host],
                env=children.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=5,
                check=False,
            )
        shutil.rmtree(folder, ignore_errors=True)

    def _ssh(self, folder: Path | None = None) -> list[str]:
        settings = self._settings
        options = [
            "BatchMode=yes",
            f"ConnectTimeout={max(1, round(settings.timeout))}",
            "ControlMaster=auto",
            f"ControlPath={folder or self._folder}/%C",
            "ControlPersist=60",
            "LogLevel=ERROR",
        ]
        if settings.known_hosts:
            options.append(f"UserKnownHostsFile={settings.known_hosts}")
        words = ["ssh", "-T", "-p", str(settings.ssh_port), *(legacy_options() if self._legacy else ())]
        for option in options:
            words += ["-o", option]
        if settings.key_file:
            words += ["-i", settings.key_file]
        if settings.user:
            words += ["-l", settings.user]
        return words

    def _failure(self, said: str) -> DeviceError:
        return OPENSSH.explained(self._settings.ssh_address, said, _SETTINGS, otherwise=Unreachable)
