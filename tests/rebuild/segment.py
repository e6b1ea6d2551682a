"""A network segment of its own: a namespace with a bridge, machines plugged into it, and dnsmasq for DHCP and TFTP."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab.vm import Tap

from tests.console.lab import find, until

ADDRESS = "10.77.0.1"
CLONE_NEWNET = 0x40000000
_HOOK = """#!/bin/sh
# dnsmasq's dhcp-script: what was asked of it, and by which address.
echo "$*" >>{log}
"""
_DNSMASQ = """
interface=br0
bind-interfaces
no-resolv
no-hosts
no-ping
address=/boot.test/{address}
dhcp-range=10.77.0.50,10.77.0.99,255.255.255.0,5m
# iPXE waits for an IPv6 router ten seconds and more where none announces itself.
enable-ra
dhcp-range=fd77::,ra-only
# It waits for other DHCP servers' boot files, unless it is told that there are none (ipxe.org/howto/dhcpd).
dhcp-option=encap:175,176,1b
dhcp-match=set:ipxe,175
dhcp-match=set:efi64,option:client-arch,7
dhcp-boot=tag:ipxe,{script}
dhcp-boot=tag:efi64,tag:!ipxe,grub/x86_64-efi/core.efi
dhcp-boot=tag:!efi64,tag:!ipxe,pxelinux.0
enable-tftp
tftp-root={tftp}
user=root
dhcp-script={folder}/hook
dhcp-leasefile={folder}/leases
log-facility={folder}/dnsmasq.log
pid-file={folder}/dnsmasq.pid
"""


@dataclass
class Segment:
    """A bridge at 10.77.0.1 in a namespace that ends with our process, and taps for machines."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def namespace(self) -> Path:
        return Path(f"/proc/{self.process.pid}/ns/net")

    def inside(self, *words: str) -> list[str]:
        """The command line that runs a command in the namespace."""
        return ["nsenter", f"--net={self.namespace}", "--", *words]

    def ip(self, *words: str) -> None:
        subprocess.run(self.inside("ip", *words), check=True)

    def listener(self) -> socket.socket:
        """A TCP socket that listens on a free port of the bridge's address."""
        libc = ctypes.CDLL(None, use_errno=True)

        def listen() -> socket.socket:
            space = os.open(self.namespace, os.O_RDONLY)
            try:
                if libc.setns(space, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            finally:
                os.close(space)
            return socket.create_server((ADDRESS, 0))

        with ThreadPoolExecutor(1) as thread:  # a thread of its own: the namespace is the thread's
            return thread.submit(listen).result()

    def plug(self, name: str) -> Tap:
        """A socket in the wall for one more machine."""
        self.ip("tuntap", "add", name, "mode", "tap")
        self.ip("link", "set", name, "master", "br0", "up")
        return Tap(self.namespace, name)

    @contextmanager
    def dnsmasq(self, tftp: Path, script: str, hosts: Mapping[str, str]) -> Iterator[None]:
        """DHCP and TFTP: iPXE is sent to `script`, UEFI to GRUB, others to PXELINUX; hosts: addresses by MAC."""
        program = find("dnsmasq", "dnsmasq-base")
        hook, config = self.folder / "hook", self.folder / "dnsmasq.conf"
        hook.write_text(_HOOK.format(log=self.folder / "hook.log"))
        hook.chmod(0o755)
        reserved = "".join(f"dhcp-host={mac},{address}\n" for mac, address in hosts.items())
        config.write_text(_DNSMASQ.format(address=ADDRESS, script=script, tftp=tftp, folder=self.folder) + reserved)
        argv = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "--",
            *self.inside(program, "--keep-in-foreground", "-C", str(config)),
        ]
        process = subprocess.Popen(argv)
        try:
            until(lambda: process.poll() is not None or (self.folder / "dnsmasq.pid").exists(), "dnsmasq runs")
            assert process.poll() is None
            yield
        finally:
            process.terminate()
            process.wait()

    def hooked(self) -> list[str]:
        """What dnsmasq has told its dhcp-script, one call a line."""
        log = self.folder / "hook.log"
        return log.read_text().splitlines() if log.exists() else []


@contextmanager
def segment(folder: Path) -> Iterator[Segment]:
    """Skips the test where no namespace or no bridge can be made."""
    find("nsenter", "util-linux")
    find("ip", "iproute2")
    folder.mkdir()
    argv = ["setpriv", "--pdeathsig", "KILL", "--", "unshare", "--net", "sleep", "infinity"]
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    ours = os.readlink("/proc/self/ns/net")
    try:
        made = Segment(folder, process)
        until(lambda: process.poll() is not None or os.readlink(made.namespace) != ours, "a namespace")
        if process.poll() is not None:
            pytest.skip("no network namespace can be made")
        made.ip("link", "set", "lo", "up")
        try:
            made.ip("link", "add", "br0", "type", "bridge", "forward_delay", "0")
        except subprocess.CalledProcessError:
            pytest.skip("this kernel has no bridges")
        made.ip("address", "add", f"{ADDRESS}/24", "dev", "br0")
        made.ip("address", "add", "fd77::1/64", "dev", "br0", "nodad")
        made.ip("link", "set", "br0", "up")
        yield made
    finally:
        process.kill()
        process.wait()
