from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.system import system_image

from tests.rebuild.lab import BootDirectory, WebServer, boot_directory, build_installer, web_server

MARK = b"installed by this test alone"


@pytest.fixture(scope="session")
def installer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installer, built once: a folder with linux and initrd.gz."""
    return build_installer(tmp_path_factory.mktemp("installer"))


@pytest.fixture
def image(tmp_path: Path) -> bytes:
    """The image of a disk of server1, as the web server has it as /system.img."""
    image = system_image("server1", f"{MARK.decode()}: {tmp_path}".encode())
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "system.img").write_bytes(image)
    return image


@pytest.fixture
def web(tmp_path: Path, image: bytes) -> Iterator[WebServer]:
    with web_server(tmp_path / "web") as web:
        yield web


@pytest.fixture
def boot(installer: Path, web: WebServer) -> BootDirectory:
    """A boot directory with the installer, and the web server that it tells machines of."""
    return boot_directory(web, installer)
