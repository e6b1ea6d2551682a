"""Load balancers: which adapter one takes, from its settings.

`balancer.driver` names it (`haproxy`, `ipvs`, `nginx`, `command`, or one that another package gives under the entry
point group `clusto.balancer`); without it, a `balancer.command` or a `balancer.socket` says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from clusto_cli.backends.settings import Settings, boolean, seconds

if TYPE_CHECKING:
    from clusto_cli.backends.balancer.haproxy_socket import Where
    from clusto_cli.backends.balancer.host import Host
    from clusto_cli.backends.balancer.model import BalancerControl
    from clusto_cli.backends.balancer.section import ConfigFile

ENTRY_POINTS = "clusto.balancer"
GROUPS = ("balancer", "ssh")
"""The first words of all settings that an adapter may ask for."""
TIMEOUT = 10.0
_TELLING = ("balancer.driver", "balancer.command", "balancer.socket")
_CHECKS = {
    "haproxy": ("haproxy", "-c", "-q", "-f", "{config}"),
    "nginx": ("nginx", "-t", "-q", "-c", "{config}"),
    "ipvs": ("keepalived", "--config-test", "--use-file", "{config}"),
}
_RELOADS = {
    "haproxy": ("systemctl", "reload", "haproxy"),
    "nginx": ("systemctl", "reload", "nginx"),
    "ipvs": ("systemctl", "reload", "keepalived"),
}
_CONFIGS = {
    "haproxy": "/etc/haproxy/haproxy.cfg",
    "nginx": "/etc/nginx/nginx.conf",
    "ipvs": "/etc/keepalived/keepalived.conf",
}


def is_known(settings: Settings) -> bool:
    """Whether anything says how a balancer is spoken to."""
    return any(key in settings for key in _TELLING)


def open_balancer(name: str, address: str, settings: Settings) -> BalancerControl:
    """The adapter for a load balancer at `address`, not yet entered. Raises ValueError for settings that cannot be."""
    driver = _driver(settings)
    timeout = seconds(settings, "balancer.timeout", TIMEOUT)
    if driver == "haproxy":
        from clusto_cli.backends.balancer.haproxy import Haproxy

        host = _host(address, settings, timeout)
        where = _where(settings)
        file = _file(driver, host, settings)
        check = boolean(settings, "balancer.check") is not False
        reload = boolean(settings, "balancer.reload") or False
        return Haproxy(host, where, check=check, timeout=timeout, file=file, reload=reload)
    if driver == "ipvs":
        from clusto_cli.backends.balancer.ipvs import Ipvs

        host = _host(address, settings, timeout)
        reload = boolean(settings, "balancer.reload") is not False
        return Ipvs(
            host,
            protocol=settings.get("balancer.protocol") or "tcp",
            forwarding=settings.get("balancer.forwarding") or "gateway",
            file=_file(driver, host, settings),
            reload=reload,
        )
    if driver == "nginx":
        from clusto_cli.backends.balancer.nginx import Nginx

        host = _host(address, settings, timeout)
        file = _file(driver, host, settings)
        if file is None:
            raise ValueError("balancer.file is not set: nginx has its upstreams in a file")
        return Nginx(host, file)
    if driver == "command":
        from clusto_cli.backends.balancer.command import CommandBalancer
        from clusto_cli.backends.balancer.host import LocalHost

        return CommandBalancer(LocalHost(timeout), _argv(settings, "balancer.command"), address=address, name=name)
    return _third_party(driver, name, address, settings)


def _driver(settings: Settings) -> str:
    if "balancer.driver" in settings:
        return settings["balancer.driver"]
    return "command" if "balancer.command" in settings else "haproxy"


def _host(address: str, settings: Settings, timeout: float) -> Host:
    if settings.get("balancer.via") == "ssh":
        from clusto_cli.backends.balancer.ssh_host import SshHost

        return SshHost(address, settings, timeout)
    from clusto_cli.backends.balancer.host import LocalHost

    return LocalHost(timeout)


def _where(settings: Settings) -> Where:
    from clusto_cli.backends.balancer.haproxy_socket import Where

    text = settings.get("balancer.socket") or ""
    if not text:
        raise ValueError("balancer.socket is not set: the path of HAProxy's `stats socket`, or its HOST:PORT")
    if text.startswith(("/", "~")):
        return Where(text)
    from clusto_cli.backends.endpoint import endpoint

    where = endpoint("balancer.socket", text)
    if where.port is None:
        raise ValueError(f"balancer.socket is neither a path nor HOST:PORT: {text[:80]!r}")
    return Where(where.host, where.port)


def _file(driver: str, host: Host, settings: Settings) -> ConfigFile | None:
    """The configuration that is kept in step; None where none is set."""
    path = settings.get("balancer.file")
    if not path:
        return None
    from clusto_cli.backends.balancer.section import ConfigFile
    from clusto_cli.backends.program import filled

    places = {"file": path, "config": settings.get("balancer.config") or _CONFIGS[driver]}
    argvs = [
        filled(_argv(settings, key) if key in settings else usual[driver], places)
        for key, usual in (("balancer.check_command", _CHECKS), ("balancer.reload_command", _RELOADS))
    ]
    return ConfigFile(host, path, *argvs)


def _argv(settings: Settings, key: str) -> Sequence[str]:
    from clusto_cli.backends.program import command_line

    return command_line(key, settings.get(key, ""))


def _third_party(driver: str, name: str, address: str, settings: Settings) -> BalancerControl:
    """An adapter of another package: called with the balancer's name, its address and its settings."""
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS, name=driver):
        control: BalancerControl = entry.load()(name, address, settings)
        return control
    known = sorted({*_CHECKS, "command", *(entry.name for entry in entry_points(group=ENTRY_POINTS))})
    raise ValueError(f"unknown balancer driver {driver!r}: there are {', '.join(known)}")
