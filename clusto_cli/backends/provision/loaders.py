"""Boot loaders: which files they ask for, how those are named, and how clusto's own are known again."""

from __future__ import annotations

import enum
import re

from clusto_cli.backends.base import BootState

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_PART = re.compile(r"\w[\w.:+@=~-]*")
_MARK = re.compile(rb"(?:#!ipxe\n)?# clusto: \S+ (installs|boots its own disk)\b")
_SCRIPT = "#!ipxe\n"


class Loader(enum.StrEnum):
    """The programs that a machine's firmware loads first."""

    PXELINUX = "pxelinux"
    IPXE = "ipxe"
    GRUB = "grub"


_DASHES = r"01(-[0-9a-f]{2}){6}"
_FILES = {
    Loader.PXELINUX: re.compile(rf"pxelinux\.cfg/{_DASHES}"),
    Loader.IPXE: re.compile(r"ipxe/mac-[0-9a-f]{12}\.ipxe"),
    Loader.GRUB: re.compile(rf"grub/grub\.cfg-({_MAC.pattern}|{_DASHES})"),
}


def check_mac(mac: str) -> str:
    """A MAC in lower case with colons. Raises ValueError for anything else: it becomes part of file names."""
    if not _MAC.fullmatch(mac):
        raise ValueError(f"malformed MAC address {mac[:60]!a}")
    return mac


def check_path(path: str) -> str:
    """A path that stays below the directory that it is relative to, and is no hidden file. Raises ValueError."""
    if len(path) > 255 or not all(_PART.fullmatch(part) for part in path.split("/")):
        raise ValueError(f"malformed path {path[:60]!a}")
    return path


def boot_paths(loader: Loader, mac: str) -> tuple[str, ...]:
    """What this loader asks for on a machine with that card, below the boot directory.

    PXELINUX: the ARP type of Ethernet, 01, and the MAC (Syslinux wiki, PXELINUX). iPXE: as clusto's `boot.ipxe` says.
    GRUB: as clusto's stub says, and as GRUBs patched by distributions ask by themselves.
    """
    dashes = check_mac(mac).replace(":", "-")
    if loader is Loader.PXELINUX:
        return (f"pxelinux.cfg/01-{dashes}",)
    if loader is Loader.IPXE:
        return (f"ipxe/mac-{mac.replace(':', '')}.ipxe",)
    return f"grub/grub.cfg-{mac}", f"grub/grub.cfg-01-{dashes}"


def loader_of(path: str) -> Loader | None:
    """The loader that asks for this boot file; None for what is no boot file of a machine."""
    return next((loader for loader, pattern in _FILES.items() if pattern.fullmatch(path)), None)


def marked(loader: Loader, name: str, state: BootState, text: str) -> str:
    """A boot file whose first comment says whose it is and what it does."""
    does = "installs" if state is BootState.INSTALL else "boots its own disk"
    script = _SCRIPT if loader is Loader.IPXE else ""
    return f"{script}# clusto: {name} {does}\n{text}"


def state_of(content: bytes | None) -> BootState:
    """What a boot file tells its machine, by the comment; None: there is no file."""
    if content is None:
        return BootState.ABSENT
    mark = _MARK.match(content)
    if mark is None:
        return BootState.FOREIGN
    return BootState.INSTALL if mark[1] == b"installs" else BootState.LOCAL


def located(file: str, loader: str) -> str:
    """How a loader names a kernel or initial file system: a URL, or a path below the boot directory.

    Paths are relative to `pxelinux.0` for PXELINUX, to the machine's script for iPXE, and from the root of the TFTP
    server for GRUB, which writes a URL as `(http,HOST)/PATH`. Raises ValueError for https, which iPXE alone can fetch.
    """
    if "://" not in file:
        return {Loader.PXELINUX: file, Loader.IPXE: f"../{file}", Loader.GRUB: f"/{file}"}[Loader(loader)]
    if loader == Loader.IPXE:
        return file
    scheme, _, rest = file.partition("://")
    if scheme == "https":
        raise ValueError(f"{loader} cannot fetch {file} (rebuild.loaders says which loaders are used)")
    host, _, path = rest.partition("/")
    return f"({scheme},{host})/{path}" if loader == Loader.GRUB else file
