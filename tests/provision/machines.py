"""Machines to render: what each shipped recipe needs, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from clusto_cli.backends.base import BootMachine
from clusto_cli.backends.provision import recipe
from clusto_cli.backends.provision.render import Facts, Renderer

MAC = "52:54:00:aa:bb:01"
URL = "http://192.0.2.1:8080"
TOKEN = "t0ken"
EVENTS = f"{URL}/rebuild/{TOKEN}"
PASSWORD = "$6$salt$hash/with.all"
RENDERER = Renderer()
KEYS = "ssh-ed25519 AAAAC3Nz ops@example\nssh-rsa AAAAB3Nz it's me"
COMMON = {"rebuild.url": URL, "os.root_password": PASSWORD, "os.ssh_key": KEYS}
NEEDED: dict[str, dict[str, str]] = {
    "debian": {"os.release": "bookworm", "os.mirror": "http://192.0.2.5/debian"},
    "ubuntu": {"os.release": "24.04", "os.iso": "http://192.0.2.1/ubuntu.iso"},
    "redhat": {"os.release": "9", "os.mirror": "http://192.0.2.1/rocky/BaseOS/x86_64/os"},
    "fai": {"fai.nfsroot": "192.0.2.1:/srv/fai/nfsroot:vers=3", "fai.config": "nfs://192.0.2.1/srv/fai/config"},
    "image": {"os.image": "images/web.img.gz", "os.disk": "/dev/vda"},
}


def facts(
    attributes: Mapping[str, str] | None = None, *, name: str = "server1.example.org", macs: tuple[str, ...] = (MAC,)
) -> Facts:
    """A machine with these attributes, in two Classes."""
    return Facts(name, macs, "192.0.2.11", attributes or {}, {"class": ("BigMem", "web-server"), "pool": ("web",)})


def rendered(name: str, more: Mapping[str, str] | None = None, renderer: Renderer | None = None) -> BootMachine:
    """A machine that is to be installed by a shipped recipe."""
    attributes = {**COMMON, **NEEDED[name], **(more or {})}
    return (renderer or RENDERER).machine(facts(attributes), recipe.load(name), token=TOKEN)


def boot_machine(name: str = "server1", mac: str = MAC, *, renderer: Renderer | None = None) -> BootMachine:
    """A machine with boot files of all loaders and an answer."""
    known = Facts(name, (mac,), None, {**COMMON, **NEEDED["debian"]})
    return (renderer or RENDERER).machine(known, recipe.load("debian"), token=TOKEN)
