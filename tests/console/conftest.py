from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.lab import AsyncSshServer, Lab, SshServer, ssh_client, sshd
from tests.console.lab import asyncssh_server as start_asyncssh_server


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.stop()


@pytest.fixture
def ssh_server(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> SshServer:
    server = sshd(lab)
    folder = ssh_client(lab, range(server.base, server.base + 4))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return server


@pytest.fixture
def asyncssh_server(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> AsyncSshServer:
    server = start_asyncssh_server(lab)
    monkeypatch.setenv("PATH", f"{ssh_client(lab, [server.port])}:{os.environ['PATH']}")
    return server
