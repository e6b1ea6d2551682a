"""A whole Debian, built by examples/rebuild/mkimage and written by the installer. Minutes: not in every run."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from lab.alive import alive
from lab.chassis import ask
from lab.vm import Machine, UserNetwork

from tests.console.lab import find, free_ports
from tests.rebuild.lab import MKINSTALLER, BootDirectory, WebServer, long

MKIMAGE = MKINSTALLER.with_name("mkimage")
MAC = "52:54:00:aa:bb:01"
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "sfdisk": "fdisk",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "grub-mkimage": "grub-common",
    "openssl": "openssl",
}


@long
def test_debian_is_installed_and_can_be_used(tmp_path: Path, boot: BootDirectory, web: WebServer) -> None:
    for program, package in PROGRAMS.items():
        find(program, package)
    for kind, package in (("i386-pc", "grub-pc-bin"), ("x86_64-efi", "grub-efi-amd64-bin")):
        if not Path("/usr/lib/grub", kind).exists():
            pytest.skip(f"GRUB for {kind} is not installed (Debian package {package})")
    if os.geteuid():
        pytest.skip("mkimage needs root")
    password = subprocess.run(["openssl", "passwd", "-6", "secret"], capture_output=True, text=True, check=True).stdout
    (tmp_path / "key").write_text("")
    image = web.folder / "debian.img.gz"
    words = ["--kernel", "linux-image-cloud-amd64", "--hostname", "server1"]
    words += ["--root-password", password.strip(), "--ssh-key", str(tmp_path / "key")]
    done = subprocess.run([sys.executable, MKIMAGE, image, *words], stdout=subprocess.PIPE, text=True, check=True)
    with gzip.open(image) as raw:
        assert done.stdout == f"{hashlib.file_digest(raw, 'sha256').hexdigest()}\n"
    port = free_ports()
    network = UserNetwork(boot.folder, "boot.ipxe", ((port, 22),))
    machine = Machine("server1", tmp_path / "server1", MAC, network, memory=512, disk=2048)
    boot.install(MAC, image=f"{web.url}/debian.img.gz")
    with alive(machine):
        console = pexpect.spawn(
            find("socat", "socat"), ["-,raw,echo=0", f"UNIX-CONNECT:{machine.console}"], timeout=600
        )
        ask(str(machine.control), "set boot pxe power 1")
        console.expect_exact("clusto-installer: finished")
        console.expect_exact("server1 login: ")
        console.sendline("root")
        console.expect_exact("Password: ")
        console.sendline("secret")
        console.expect_exact("# ")
        console.sendline("df --output=size -m / | tail -n 1; systemctl is-active systemd-networkd")
        console.expect(r" *\d+\r\n")
        assert isinstance(console.after, bytes)
        assert 1900 < int(console.after) < 2048  # MiB: it has grown to the disk
        console.expect_exact("active")
        console.sendline("until systemctl is-active ssh; do sleep 1; done; echo up$((6 * 7))")
        console.expect_exact("up42")
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            assert connection.recv(100).startswith(b"SSH-2.0-OpenSSH")
    assert web.told() == ["started", "finished"]
