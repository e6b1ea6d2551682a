"""Boot servers: what tells machines that boot from the network to install, or to go on with their disk.

`rebuild.provisioner` names the way (`directory`, `sftp`, `cobbler`, `command`, or one that another package gives under
the entry point group `clusto.provision`); without it, a `rebuild.command` is taken, then a `cobbler.url`, and otherwise
`rebuild.dir`, a path or an `sftp://` URL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clusto_cli.backends.base import Provisioner
    from clusto_cli.backends.provision.render import SharedFile

Settings = Mapping[str, str]
ENTRY_POINTS = "clusto.provision"
GROUPS = ("rebuild", "cobbler", "ssh")
"""The first words of all settings that a provisioner may ask for."""


def open_provisioner(settings: Settings, shared: Sequence[SharedFile] = ()) -> Provisioner:
    """The boot server that these settings mean; `shared` are the files that a boot directory has besides machines' own.

    Raises ValueError for settings that cannot be.
    """
    way = way_of(settings)
    if way in ("directory", "sftp"):
        where = settings.get("rebuild.dir")
        if not where:
            raise ValueError("rebuild.dir is not set")
        if (way == "sftp") != ("://" in where):
            raise ValueError(f"rebuild.dir is {where[:80]!a}, and rebuild.provisioner {way}")
        if way == "sftp":
            from clusto_cli.backends.provision.sftp import sftp, sftp_settings

            return sftp(sftp_settings(where, settings), shared)
        if not where.startswith("/"):
            raise ValueError(f"rebuild.dir is {where[:80]!a}: write it as an absolute path, or sftp://HOST/PATH")
        from clusto_cli.backends.provision.directory import directory

        return directory(where, shared)
    if way == "cobbler":
        from clusto_cli.backends.provision.cobbler import CobblerProvisioner, cobbler_settings

        return CobblerProvisioner(cobbler_settings(settings))
    if way == "command":
        from clusto_cli.backends.program import command_line
        from clusto_cli.backends.provision.command import CommandProvisioner
        from clusto_cli.backends.settings import seconds

        argv = command_line("rebuild.command", settings.get("rebuild.command", ""))
        limit = seconds(settings, "rebuild.command_timeout", 60.0)
        return CommandProvisioner(argv, timeout=limit)
    return _third_party(way, settings)


def way_of(settings: Settings) -> str:
    """The name of the way that these settings mean."""
    if way := settings.get("rebuild.provisioner"):
        return way
    if "rebuild.command" in settings:
        return "command"
    if "cobbler.url" in settings:
        return "cobbler"
    return "sftp" if "://" in settings.get("rebuild.dir", "") else "directory"


def groups_of(way: str) -> tuple[str, ...]:
    """The first words of the settings that a way asks for."""
    own = {
        "directory": ("rebuild",),
        "command": ("rebuild",),
        "sftp": ("rebuild", "ssh"),
        "cobbler": ("rebuild", "cobbler"),
    }
    return own.get(way, GROUPS)


def _third_party(way: str, settings: Settings) -> Provisioner:
    """A boot server of another package: called with the settings."""
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS, name=way):
        provisioner: Provisioner = entry.load()(settings)
        return provisioner
    ways = {"directory", "sftp", "cobbler", "command", *(entry.name for entry in entry_points(group=ENTRY_POINTS))}
    raise ValueError(f"unknown rebuild.provisioner {way!r}: there are {', '.join(sorted(ways))}")
