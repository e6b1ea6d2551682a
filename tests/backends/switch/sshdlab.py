"""A real sshd on a loopback port, for the tests: its own keys, its own environment, the user who runs the tests."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Sshd:
    """Where it is and how to get in."""

    port: int
    user: str
    key: Path
    known_hosts: Path


@contextmanager
def sshd(folder: Path, environment: Mapping[str, str], command: str = "") -> Iterator[Sshd]:
    """A running sshd whose sessions have these variables, and run this command if one is named; skips the test where
    none is installed.
    """
    program = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin")
    if program is None or shutil.which("ssh") is None:
        pytest.skip("sshd is not installed (Debian packages openssh-server, openssh-client)")
    # sshd wants this directory of root's whatever it is told (privilege separation).
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    authorized = folder / "authorized_keys"
    authorized.write_text((folder / "user.pub").read_text())
    authorized.chmod(0o600)
    config = folder / "sshd_config"
    config.write_text(
        "\n".join(
            (
                f"ListenAddress 127.0.0.1:{port}",
                f"HostKey {folder}/host",
                f"AuthorizedKeysFile {authorized}",
                "StrictModes no",
                "PasswordAuthentication no",
                "UsePAM no",
                "PermitRootLogin yes",
                f"PidFile {folder}/sshd.pid",
                "Subsystem sftp internal-sftp",
                *([f"ForceCommand {command}"] if command else []),
                "SetEnv " + " ".join(f'"{key}={value}"' for key, value in environment.items()),
            )
        )
    )
    running = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if running.poll() is not None or time.monotonic() > deadline:
                    said = running.stderr.read().decode() if running.stderr and running.poll() is not None else ""
                    pytest.fail(f"sshd does not run: {said}")
                time.sleep(0.02)
        hosts = folder / "known_hosts"
        kind, key = (folder / "host.pub").read_text().split()[:2]
        hosts.write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
        yield Sshd(port, getpass.getuser(), folder / "user", hosts)
    finally:
        running.terminate()
        running.wait(10)
