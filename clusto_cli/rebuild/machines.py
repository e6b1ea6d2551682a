"""What boot servers are told of machines: from the inventory's recipes, by the renderer, to the provisioners."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from clusto_cli.backends.base import BootMachine, Provisioner
from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.provision import GROUPS, groups_of, open_provisioner, way_of
from clusto_cli.backends.provision.recipe import BadRecipe, UnknownRecipe, load, names
from clusto_cli.backends.provision.recipe import Recipe as OsRecipe
from clusto_cli.backends.provision.render import Facts, Renderer
from clusto_cli.backends.provision.unusable import UnusableProvisioner
from clusto_cli.backends.runner import attempt, enter
from clusto_cli.rebuild.exposure import Noting
from clusto_core.answers.devicesettings import DeviceSettings
from clusto_core.answers.recipes import Recipe, recipe, recipes
from clusto_core.config import Settings, config_path
from clusto_core.errors import ClustoError, Malformed, NotFound
from clusto_core.model.things import Thing
from clusto_core.records.rebuilds import Rebuild, unfinished
from clusto_core.store.reader import Reader, open_reader

NO_TOKEN = "THE-TOKEN-OF-THIS-REBUILD-WILL-STAND-HERE--"
"""Stands for a token, and is as long as one, where files are only shown or checked: it opens nothing."""


def recipe_folders() -> tuple[Path, ...]:
    """Where a site keeps OS recipes of its own; they go before clusto's."""
    return _folders("profiles", "os")


def template_folders() -> tuple[Path, ...]:
    """Where a site keeps templates of its own; they go before clusto's."""
    return _folders("templates")


def _folders(*names: str) -> tuple[Path, ...]:
    return (Path(os.path.dirname(config_path())).joinpath(*names), Path("/etc/clusto").joinpath(*names))


def known_recipes() -> list[OsRecipe]:
    """All OS recipes, by name. Raises Malformed for a file that is none."""
    try:
        return [load(name, recipe_folders()) for name in names(recipe_folders())]
    except BadRecipe as error:
        raise Malformed(str(error)) from None


class Machines:
    """Renders machines, with each template compiled once, and opens each boot server once."""

    def __init__(self) -> None:
        self._renderer = Renderer(template_folders())

    def os_of(self, known: Recipe) -> OsRecipe:
        """The OS recipe that `os.profile` names. Raises NotFound where it names none, Malformed for a bad file."""
        name = known.values.get("os.profile")
        if name is None:
            raise NotFound(
                f"os.profile is not set (clusto rebuild recipes lists them: {', '.join(names(recipe_folders()))})"
            )
        try:
            return load(name, recipe_folders())
        except UnknownRecipe as error:
            raise NotFound(f"os.profile: {error}") from None
        except BadRecipe as error:
            raise Malformed(str(error)) from None

    def installing(self, known: Recipe, system: OsRecipe, token: str = NO_TOKEN) -> BootMachine:
        """All that the boot server is told, with the token that the machine calls back with. Raises Malformed, and
        as `DeviceSettings` does."""
        return self._installing(facts(known), system, token)

    def exposing(self, known: Recipe, system: OsRecipe) -> tuple[BootMachine, Noting]:
        """The same without a token, and which attributes templates have used. Raises as `installing`."""
        noting = Noting(known.values)
        return self._installing(replace(facts(known), attributes=noting), system, NO_TOKEN), noting

    def _installing(self, known: Facts, system: OsRecipe, token: str) -> BootMachine:
        try:
            return self._renderer.machine(known, system, token=token)
        except ValueError as error:
            raise _told(error) from None

    def shown(self, known: Recipe, system: OsRecipe, *, reveal: bool) -> BootMachine:
        """The same for people to see: secrets masked; with `reveal` those alone that are kept elsewhere. Raises
        Malformed."""
        return self.installing(replace(known, values=known.values.masked(reveal=reveal)), system)

    def local(self, known: Recipe) -> BootMachine:
        """What the boot server is told of a machine that is not installed. Raises Malformed."""
        try:
            return self._renderer.local(facts(known))
        except ValueError as error:
            raise _told(error) from None

    def signs(self, known: Recipe, system: OsRecipe) -> dict[str, re.Pattern[bytes]]:
        """What its console says, by event. Raises Malformed."""
        try:
            return self._renderer.signs(facts(known), system)
        except ValueError as error:
            raise _told(error) from None

    async def servers(self, stack: AsyncExitStack, known: Iterable[Recipe]) -> dict[str, Provisioner]:
        """The boot server of each machine, entered, by the machine's name; machines of one server share it.

        Raises Malformed for settings that cannot be; a server that cannot be reached says so for its own machines.
        """
        opened: dict[tuple[tuple[str, str], ...], Provisioner] = {}
        found: dict[str, Provisioner] = {}
        for each in known:
            key = _of_server(each).unresolved()
            if key not in opened:
                opened[key] = await _entered(stack, self.server(each))
            found[each.thing.name] = opened[key]
        return found

    def server(self, known: Recipe) -> Provisioner:
        """The boot server of a machine, not yet entered. Raises Malformed for settings that cannot be."""
        try:
            return open_provisioner(server_settings(known), shared=self._renderer.shared(known.values))
        except ValueError as error:
            raise Malformed(f"{known.thing.name}: {error}") from None

    def disarm(self, store: Settings, *, keep_answers: bool) -> Callable[[Rebuild], Awaitable[None]]:
        """Puts the boot files of a rebuild's machine back to local, from whichever process; its answers stay where its
        installer may still ask for them. Raises DeviceError, and ClustoError where the inventory does not say how."""

        async def put_back(rebuild: Rebuild) -> None:
            known = await asyncio.to_thread(_known, store, rebuild)
            async with self.server(known) as server:
                await server.local(self.local(known), keep_answers=keep_answers)

        return put_back


def _told(error: ValueError) -> ClustoError:
    """What a renderer says, as what it is about: a setting that was refused in a template is still refused."""
    cause = error.__cause__
    return type(cause)(str(error)) if isinstance(cause, ClustoError) else Malformed(str(error))


async def _entered(stack: AsyncExitStack, server: Provisioner) -> Provisioner:
    try:
        return await enter(stack, server)
    except DeviceError as error:
        return UnusableProvisioner(error)


def _known(store: Settings, rebuild: Rebuild) -> Recipe:
    with open_reader(store.url) as reader:
        things = reader.by_ids([rebuild.thing_id])
        if rebuild.thing_id not in things:
            raise NotFound(f"{rebuild.name} is not in the inventory any more")
        return recipe(reader, things[rebuild.thing_id])


def facts(known: Recipe) -> Facts:
    """What templates are told of a machine. Raises Malformed for a MAC that is none."""
    return Facts(known.thing.name, known.hardware_addresses(), known.address, known.values, known.groups)


def server_settings(known: Recipe) -> dict[str, str]:
    """The settings that its boot server needs, with what they refer to read. Raises Refused, NotFound."""
    return dict(_of_server(known))


def _of_server(known: Recipe) -> DeviceSettings:
    settings = known.values.of(GROUPS)
    return settings.of(groups_of(way_of(settings)))


def local_directory(known: Recipe) -> str | None:
    """The boot directory of a machine, where that is a directory of this computer."""
    settings = _of_server(known)
    return settings.get("rebuild.dir") if way_of(settings) == "directory" else None


def write_local(reader: Reader, machines: Machines, things: Sequence[Thing], *, dry_run: bool) -> tuple[int, list[str]]:
    """Explicit local boot files for many machines; how many, and what stands against others.

    Machines that are being rebuilt are left alone.
    """
    busy = {rebuild.thing_id for rebuild in unfinished(reader)}
    problems: list[str] = []
    wanted: list[tuple[Recipe, BootMachine]] = []
    for known in recipes(reader, things):
        if isinstance(known, NotFound):
            problems.append(str(known))
        elif known.thing.id in busy:
            problems.append(f"{known.thing.name} is being rebuilt: left alone")
        elif known.macs:
            try:
                wanted.append((known, machines.local(known)))
            except Malformed as error:
                problems.append(f"{known.thing.name}: {error}")
        else:
            problems.append(f"{known.thing.name}: no card has a MAC")
    if not dry_run:
        problems += asyncio.run(_write_local(machines, wanted))
    return len(wanted), problems


async def _write_local(machines: Machines, wanted: Sequence[tuple[Recipe, BootMachine]]) -> list[str]:
    async with AsyncExitStack() as stack:
        servers = await machines.servers(stack, [known for known, _ in wanted])
        by_server: dict[int, tuple[Provisioner, list[BootMachine]]] = {}
        for known, machine in wanted:
            server = servers[known.thing.name]
            by_server.setdefault(id(server), (server, []))[1].append(machine)
        failed = await asyncio.gather(*(_local_many(server, of_it) for server, of_it in by_server.values()))
    return [f"{name}: {error}" for each in failed for name, error in each.items()]


async def _local_many(server: Provisioner, machines: Sequence[BootMachine]) -> Mapping[str, DeviceError]:
    try:
        return await attempt(server.local_many(machines))
    except DeviceError as error:
        return {machine.name: error for machine in machines}
