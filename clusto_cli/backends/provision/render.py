"""From what is known of a machine, and a recipe, to all that a boot server is told of it.

Everything here takes plain values. Templates are compiled once in a Renderer; Jinja2 is imported with the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from clusto_cli.backends.base import BootMachine, BootState
from clusto_cli.backends.provision import quoting
from clusto_cli.backends.provision.loaders import Loader, boot_paths, check_mac, check_path, marked
from clusto_cli.backends.provision.recipe import TEMPLATE, Recipe

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_URL = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_CONSOLE = re.compile(
    r"(?P<device>[A-Za-z]+(?P<unit>\d+))(,(?P<speed>\d+)(?P<parity>[noe])?(?P<bits>[78])?(?P<flow>r)?)?"
)
_PARITIES = {"n": "no", "o": "odd", "e": "even"}
_LOCAL_BOOTS = ("next", "disk")
_GROUPS = {"class": "classes", "role": "roles", "service": "services", "pool": "pools"}
_COMMAND_LINE = 1900
"""A kernel for x86 takes 2048, of which some are the boot loader's."""
_NO_ATTRIBUTES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a machine.

    macs: of the cards that it may boot from, lower case with colons. attributes: by key, a value that refers to
    something (`env:NAME`) read when it is asked for; groups: names of its classes, roles, services and pools, by
    `class`, `role`, `service`, `pool`.
    """

    name: str
    macs: tuple[str, ...]
    address: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file of the boot directory that all machines have in common, made where there is none.

    beside: only where its folder is there already: it belongs to a loader that not every site has.
    """

    path: str
    text: str
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Serial:
    """A serial port as boot loaders are told of it: its number, bits a second, parity (`no`, `odd`, `even`), bits."""

    unit: int
    speed: int
    parity: str
    bits: int


class _Defaults(Mapping[str, str]):
    """Attributes, and what stands for those that are not set."""

    def __init__(self, values: Mapping[str, str], defaults: Mapping[str, str]) -> None:
        self._values, self._defaults = values, defaults

    def __getitem__(self, key: str) -> str:
        return self._values[key] if key in self._values else self._defaults[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self._values), **dict.fromkeys(self._defaults)})

    def __len__(self) -> int:
        return sum(1 for _ in self)


def chosen(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes that choose templates; no other one is read, since what it refers to may not be there."""
    return {key: attributes[key] for key in attributes if key.startswith(TEMPLATE)}


class Renderer:
    """Renders machines. `folders` are where a site keeps templates of its own; they go before clusto's.

    Methods raise ValueError (RenderError where it is about a template), with one line that says what to change.
    """

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = tuple(folders)
        self._templates: dict[str, Template] = {}
        self._expressions: dict[tuple[str, str], Template] = {}
        self._local_texts: dict[tuple[Loader, _LoaderSettings], str] = {}

    def machine(self, facts: Facts, recipe: Recipe, *, token: str) -> BootMachine:
        """All that the boot server is told: the installer of this recipe, its answers, and the way back to the disk.

        The installer calls back to `rebuild.url`, as `URL/rebuild/TOKEN/EVENT`.
        """
        _check_machine(facts)
        if missing := recipe.missing(facts.attributes):
            raise ValueError(f"{recipe.name} needs {missing[0]}, which is not set")
        attributes = _Defaults(facts.attributes, recipe.defaults)
        events = events_url(attributes, token)
        values = self._values(facts, attributes, events)
        settings = _LoaderSettings.of(attributes)
        templates = recipe.answer_templates(chosen(facts.attributes))
        install: dict[str, str] = {}
        for mac in facts.macs:
            kernel, initrds, arguments = self._kernel(recipe, values | {"mac": mac})
            boot = values | {"mac": mac, "kernel": kernel, "initrds": initrds, "arguments": arguments}
            boot |= settings.values()
            for loader in settings.loaders:
                text = marked(loader, facts.name, BootState.INSTALL, self._render(f"{loader}/install", boot))
                install |= dict.fromkeys(boot_paths(loader, mac), text)
        return BootMachine(
            name=facts.name,
            macs=facts.macs,
            address=facts.address,
            profile=recipe.name,
            install=install,
            local=self._local(facts, settings),
            answers={name: self._render(each, values) for name, each in templates.items()},
            events=events,
        )

    def local(self, facts: Facts) -> BootMachine:
        """What the boot server is told of a machine that is not to be installed."""
        _check_machine(facts)
        settings = _LoaderSettings.of(facts.attributes)
        return BootMachine(facts.name, facts.macs, facts.address, "", {}, self._local(facts, settings), {})

    def shared(self, attributes: Mapping[str, str] = _NO_ATTRIBUTES) -> tuple[SharedFile, ...]:
        """The files that all machines have in common, for the loaders of `rebuild.loaders`."""
        settings = _LoaderSettings.of(attributes)
        files = []
        if Loader.PXELINUX in settings.loaders:
            text = self._local_text(Loader.PXELINUX, settings)
            files.append(SharedFile("pxelinux.cfg/default", marked(Loader.PXELINUX, "default", BootState.LOCAL, text)))
        if Loader.IPXE in settings.loaders:
            files.append(SharedFile("boot.ipxe", self._render("boot.ipxe", settings.values())))
        if Loader.GRUB in settings.loaders:
            stub = self._render("grub.cfg", settings.values())
            files.append(SharedFile("grub/grub.cfg", stub))
            files += [SharedFile(f"debian-installer/{arch}/grub/grub.cfg", stub, True) for arch in ("amd64", "arm64")]
        return tuple(files)

    def signs(self, facts: Facts, recipe: Recipe) -> dict[str, re.Pattern[bytes]]:
        """What the machine's console says, by the words of `recipe.SIGNS`; `^` and `$` match at lines."""
        values = self._values(facts, _Defaults(facts.attributes, recipe.defaults), None)
        found = {}
        for sign, source in recipe.signs.items():
            where = f"{recipe.where}, signs.{sign}"
            text = self._expression(self._patterns, source, where, values)
            try:
                found[sign] = re.compile(text.encode(), re.MULTILINE)
            except re.error as error:
                raise ValueError(f"{where}: {error}") from None
        return found

    @cached_property
    def _environment(self) -> Environment:
        from clusto_cli.backends.provision.environment import environment

        return environment(self._folders)

    @cached_property
    def _words(self) -> Environment:
        """Of paths and kernel arguments."""
        from clusto_cli.backends.provision.environment import expressions

        return expressions(self._environment, quoting.argument)

    @cached_property
    def _patterns(self) -> Environment:
        from clusto_cli.backends.provision.environment import expressions

        return expressions(self._environment, quoting.regex)

    def _render(self, name: str, values: Mapping[str, Any]) -> str:
        from clusto_cli.backends.provision.environment import render, template

        found = self._templates.get(name)
        if found is None:
            found = self._templates[name] = template(self._environment, name)
        return render(found, values)

    def _expression(self, environment: Environment, source: str, where: str, values: Mapping[str, Any]) -> str:
        from clusto_cli.backends.provision.environment import expression, render

        found = self._expressions.get((source, where))
        if found is None:
            found = self._expressions[source, where] = expression(environment, source, where)
        return render(found, values)

    def _local(self, facts: Facts, settings: _LoaderSettings) -> dict[str, str]:
        files: dict[str, str] = {}
        for loader in settings.loaders:
            text = marked(loader, facts.name, BootState.LOCAL, self._local_text(loader, settings))
            for mac in facts.macs:
                for path in boot_paths(loader, mac):
                    files[path] = text
        return files

    def _local_text(self, loader: Loader, settings: _LoaderSettings) -> str:
        """Rendered once for all machines with these settings: it knows nothing else of them."""
        text = self._local_texts.get((loader, settings))
        if text is None:
            text = self._render(f"{loader}/local", settings.values())
            self._local_texts[loader, settings] = text
        return text

    def _kernel(self, recipe: Recipe, values: Mapping[str, Any]) -> tuple[str, list[str], list[str]]:
        """Kernel, initial file systems, arguments; `os.kernel` and `os.initrd` go before the recipe's, where set."""
        attributes: Mapping[str, str] = values["attr"]
        kernel = attributes.get("os.kernel") or self._word(recipe, "kernel", recipe.kernel, values)
        own = attributes.get("os.initrd")
        initrds = own.split() if own else [self._word(recipe, "initrds", each, values) for each in recipe.initrds]
        text = " ".join(self._word(recipe, "arguments", each, values) for each in recipe.arguments)
        arguments = [_check_argument(word) for word in text.split()]
        if len(" ".join(arguments).encode()) > _COMMAND_LINE:
            raise ValueError(f"{recipe.name}: the kernel's arguments are longer than {_COMMAND_LINE} octets")
        return _check_file(kernel), [_check_file(each) for each in initrds], arguments

    def _word(self, recipe: Recipe, key: str, source: str, values: Mapping[str, Any]) -> str:
        return self._expression(self._words, source, f"{recipe.where}, {key}", values)

    def _values(self, facts: Facts, attributes: Mapping[str, str], events: str | None) -> dict[str, Any]:
        """What templates know. Attributes are in groups, and all in `attr`; clusto's own names go before groups."""
        from clusto_cli.backends.provision.environment import Group

        found: dict[str, Any] = {"os": Group("os", attributes), "rebuild": Group("rebuild", attributes)}
        for key in attributes:
            first, dot, _ = key.partition(".")
            if dot and first not in found:
                found[first] = Group(first, attributes)
        hostname, _, domain = facts.name.partition(".")
        found |= {"name": facts.name, "hostname": hostname, "domain": domain, "attr": attributes, "macs": facts.macs}
        found |= {plural: tuple(facts.groups.get(kind, ())) for kind, plural in _GROUPS.items()}
        if facts.address is not None:
            found["address"] = facts.address
        if facts.macs:
            found["mac"] = facts.macs[0]
        if events is not None:
            base = check_url(attributes["rebuild.url"])
            found |= {"url": base, "events": events, "answers": _answers_url(base, facts, attributes, events)}
        return found


def _answers_url(base: str, facts: Facts, attributes: Mapping[str, str], events: str) -> str:
    """Where a machine fetches its answers, which the server gives to it alone: by its address, where that is known and
    `rebuild.answers` does not say `token`, else by its token. Raises ValueError.
    """
    way = attributes.get("rebuild.answers") or ("address" if facts.address else "token")
    if way not in ("address", "token"):
        raise ValueError(f"rebuild.answers is {way[:40]!a}: use address or token")
    return f"{base}/hosts/{facts.name}" if way == "address" else f"{events}/answers"


@dataclass(frozen=True, slots=True)
class _LoaderSettings:
    """What boot files need to know besides the recipe."""

    loaders: tuple[Loader, ...]
    serial: Serial | None
    local_boot: str

    @staticmethod
    def of(attributes: Mapping[str, str]) -> _LoaderSettings:
        return _loader_settings(
            *(attributes.get(key) for key in ("rebuild.loaders", "rebuild.local_boot", "os.console"))
        )

    def values(self) -> dict[str, Any]:
        return {"serial": self.serial, "local_boot": self.local_boot}


@cache
def _loader_settings(loaders: str | None, local_boot: str | None, console: str | None) -> _LoaderSettings:
    names = quoting.items(loaders or " ".join(Loader))
    if unknown := [name for name in names if name not in list(Loader)]:
        raise ValueError(f"rebuild.loaders: there is no {unknown[0]!r} (there are: {', '.join(Loader)})")
    local_boot = local_boot or _LOCAL_BOOTS[0]
    if local_boot not in _LOCAL_BOOTS:
        raise ValueError(f"rebuild.local_boot is {local_boot!r}: use {' or '.join(_LOCAL_BOOTS)}")
    return _LoaderSettings(tuple(Loader(name) for name in names), serial_port(console) if console else None, local_boot)


def serial_port(console: str) -> Serial | None:
    """The port that `os.console` means, in the words of the kernel's `console=` (`ttyS1,115200n8`); None for a console
    that boot loaders cannot use. Raises ValueError.

    Source: Documentation/admin-guide/serial-console.rst of the kernel; 9600n8 is its default.
    """
    found = _CONSOLE.fullmatch(console)
    if not found:
        raise ValueError(f"os.console is {console[:60]!a}: write it as ttyS0,115200n8")
    if not found["device"].startswith("ttyS"):
        return None
    return Serial(
        int(found["unit"]), int(found["speed"] or 9600), _PARITIES[found["parity"] or "n"], int(found["bits"] or 8)
    )


def events_url(attributes: Mapping[str, str], token: str) -> str | None:
    """The URL below which an installer says how far it is (`URL/started`); None without `rebuild.url`. Raises
    ValueError.
    """
    if not _TOKEN.fullmatch(token):
        raise ValueError("malformed token")
    url = attributes.get("rebuild.url")
    return None if url is None else f"{check_url(url)}/rebuild/{token}"


def check_url(url: str) -> str:
    """The base of URLs that machines use, without a slash at its end. Raises ValueError."""
    if not _URL.fullmatch(url) or ".." in url:
        raise ValueError(f"rebuild.url is {url[:60]!a}: write it as http://HOST:PORT")
    return url.rstrip("/")


def _check_machine(facts: Facts) -> None:
    check_path(facts.name)
    if "/" in facts.name:
        raise ValueError(f"malformed name {facts.name[:60]!a}")
    if not facts.macs:
        raise ValueError(f"{facts.name} has no card with a MAC that it could boot from")
    for mac in facts.macs:
        check_mac(mac)


def _check_file(text: str) -> str:
    """A kernel or an initial file system: a URL, or a path below the boot directory."""
    quoting.argument(text)
    if "://" in text:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https", "tftp") or not parts.hostname or not parts.path or "," in text:
            raise ValueError(f"{text[:80]!a} is no URL of a file")
        return text
    return check_path(text)


def _check_argument(text: str) -> str:
    """A word of the recipe's own may be what a value may not."""
    return text if text in ("--", "---") else quoting.argument(text)
