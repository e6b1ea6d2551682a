"""Where the inventory is, and what its operator allows: from the command line, the environment and a TOML file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from clusto_core.errors import Malformed, NotFound
from clusto_core.tuples import NamedTuple

SCHEMES = ("sqlite", "postgresql", "mariadb", "mysql", "https", "http")
SECTIONS = ("alias", "commands", "devices", "exports", "secrets", "server", "source")
"""The tables of the configuration file beside `db`; each is read where it is used."""
tell_insecure: Callable[[str, str], None] | None = None
"""Who is told of a way that does not keep a secret, by its kind and in words; set by whoever speaks to a person."""
_named: str | None = None


class Settings(NamedTuple):
    """`url` is the store's; `implied` says that nobody named it, so that it is the default place."""

    url: str
    implied: bool = False


def default_path() -> str:
    """`$XDG_DATA_HOME/clusto/clusto.db`, by default below `~/.local/share` (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(base, "clusto", "clusto.db")


def config_path() -> str:
    """`$XDG_CONFIG_HOME/clusto/config.toml`, by default below `~/.config`."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "clusto", "config.toml")


def name_file(path: str | None) -> None:
    """Makes a configuration file that of this process; None for the one that the environment says."""
    global _named
    _named = path


def file_in_force() -> str:
    """The configuration file of this process, whether it is there or not."""
    return _named or os.environ.get("CLUSTO_CONFIG") or config_path()


def settings(url: str | None = None, config: str | None = None) -> Settings:
    """The settings in force: as given, else from CLUSTO_DB and CLUSTO_CONFIG, else from the TOML file, else defaults.

    Raises NotFound for a configuration file that was named and is not there, Malformed for one that is wrong.
    """
    if config:
        name_file(config)
    url = url or os.environ.get("CLUSTO_DB")
    if config or not url:
        # A file that was named is read even when it has no say, so that a mistyped one is not passed over.
        configured = _url(config)
        url = url or configured
    return Settings(_checked(url)) if url else Settings("sqlite:///" + default_path(), implied=True)


def section(name: str, config: str | None = None) -> dict[str, Any]:
    """A table of the configuration file, as TOML has it; empty where there is none. Raises as `settings`."""
    return sections((name,), config)[name]


def sections(names: Iterable[str], config: str | None = None) -> dict[str, dict[str, Any]]:
    """Several tables of the configuration file, by name: see `section`."""
    path, document = _read(config)
    found = {name: document.get(name, {}) for name in names}
    for name, table in found.items():
        if not isinstance(table, dict):
            raise Malformed(f"malformed configuration file {path}: {name} must be a table, as [{name}]")
    return found


def configured_url() -> str | None:
    """The URL that the configuration file says, whatever is in force. Raises as `settings`."""
    return _url(None)


def _url(config: str | None) -> str | None:
    path, document = _read(config)
    url = document.get("db")
    if url is not None and not isinstance(url, str):
        raise Malformed(f'malformed configuration file {path}: db must be a text, as db = "postgresql://host/clusto"')
    return url


def _read(config: str | None) -> tuple[str, dict[str, Any]]:
    """The configuration file and what it says."""
    named = config or _named or os.environ.get("CLUSTO_CONFIG")
    path = named or config_path()
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        if named:
            raise NotFound(f"no such configuration file: {path}") from None
        return path, {}
    except OSError as error:
        raise NotFound(f"cannot read the configuration file {path}: {error.strerror}") from None
    import tomllib

    from clusto_core.reading import decoded

    try:
        document = tomllib.loads(decoded(content, path))
    except tomllib.TOMLDecodeError as error:
        raise Malformed(f"malformed configuration file {path}: {error}") from None
    known = ("db", *SECTIONS)
    unknown = sorted(set(document) - set(known))
    if unknown:
        raise Malformed(f"unknown setting in {path}: {unknown[0]} (known: {', '.join(known)})")
    return path, document


def _checked(url: str) -> str:
    """The URL, a plain path made one. Raises Malformed for other schemes."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        return "sqlite:///" + os.path.abspath(os.path.expanduser(url))
    if scheme.partition("+")[0] not in SCHEMES:
        raise Malformed(
            f"no such kind of store: {scheme}:// (write sqlite:///PATH, postgresql://..., mariadb://... or https://...)"
        )
    if not scheme.startswith("sqlite"):
        from clusto_core.secrecy import remember_url

        remember_url(url)
    return url


def masked(url: str) -> str:
    """The URL with its password as `****`."""
    from clusto_core.secrecy import masked_url

    return masked_url(url)
