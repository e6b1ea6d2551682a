"""The settings that reinstalling reads, and what recipes are told: see `clusto_core.model.keys`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MACHINES = ["Server", "VirtualServer", "Appliance"]


def _recipes() -> list[str]:
    from clusto_cli.backends.provision.recipe import names
    from clusto_cli.rebuild.machines import recipe_folders

    return names(recipe_folders())


def _text(meaning: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "on": _MACHINES, "meaning": meaning, **more}


def _seconds(meaning: str) -> dict[str, Any]:
    return {"type": "number", "unit": "s", "low": 0.001, "high": 604799, "on": _MACHINES, "meaning": meaning}


_REBUILD: dict[str, dict[str, Any]] = {
    "rebuild.autolock": {
        "type": "boolean",
        "on": _MACHINES,
        "meaning": "a machine that was rebuilt is protected from then on",
    },
    "rebuild.boot_timeout": _seconds("from power on to the installer: 600"),
    "rebuild.check_url": _text("where `clusto rebuild` reaches the server of rebuild.url; `none` asks nobody"),
    "rebuild.nic": {
        "type": "part",
        "of": ["NIC", "Port"],
        "on": ["Mounted"],
        "many": True,
        "meaning": "the cards that a machine boots from, where not all with a MAC: `eth0`",
    },
    "rebuild.probe": _text("how a machine is seen to be up: `ssh` (the default), `ssh:PORT`, `tcp:PORT` or `none`"),
    "rebuild.signs": {
        "type": "integer",
        "low": 1,
        "high": 3,
        "on": _MACHINES,
        "meaning": "how many of call-back, console and probe must agree: 2",
    },
    "rebuild.timeout": _seconds("for all of it; the recipe's"),
}
_OS: dict[str, dict[str, Any]] = {
    "os.arch": _text("the architecture, as the distribution calls it: `amd64`"),
    "os.args": _text("more arguments for the installer's kernel", many=True),
    "os.console": _text("the console of boot loaders, installer and system: `ttyS0,115200n8`"),
    "os.disk": _text("the disks, between blanks: `/dev/nvme0n1`", many=True),
    "os.image": _text("the disk image of the recipe `image`"),
    "os.initrd": _text("another initial file system than the recipe's", many=True),
    "os.installed": _text("what was installed last", writer="clusto rebuild"),
    "os.iso": _text("the URL of Ubuntu's live server image"),
    "os.kernel": _text("another kernel than the recipe's"),
    "os.kernel_args": _text("arguments for the installed system's kernel", many=True),
    "os.keyboard": _text("the keyboard: `us`"),
    "os.locale": _text("the locale: `en_US.UTF-8`"),
    "os.mirror": _text("the URL of an archive, or of a tree of packages", many=True),
    "os.packages": _text("what is installed besides: words, divided by blanks, commas or line ends", many=True),
    "os.partitions": _text("how disks are divided: a word of the recipe", many=True),
    "os.profile": {
        "type": "choice",
        "choices": _recipes,
        "open": True,
        "on": _MACHINES,
        "meaning": "the recipe: one of clusto's, or one of your own",
    },
    "os.proxy": _text("the URL of a proxy for packages"),
    "os.release": _text("which release: `bookworm`, `24.04`, `9`"),
    "os.root_password": _text("root's password as crypt(3) makes it; without it the account is locked"),
    "os.sha256": _text("the checksum of the disk image"),
    "os.ssh_key": _text("public keys of root, one a line or one a value", many=True),
    "os.timezone": _text("the time zone: `Etc/UTC`"),
    "os.user": _text("Ubuntu: the name of the first user"),
}

KEYS: Mapping[str, Mapping[str, Any]] = _REBUILD | _OS
