"""From the Things of a command to what is done with each: its recipe, its power, its console, its signs.

All of this is what the inventory says. What is wrong with it is kept with each job as a `Check`, so that a person sees
everything at once; devices are asked by `preflight`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from clusto_cli.backends.base import BmcControl, BootMachine
from clusto_cli.backends.console.access import Access
from clusto_cli.backends.provision import GROUPS as SERVER_GROUPS
from clusto_cli.backends.settings import integer, seconds
from clusto_cli.console.ways import access_of
from clusto_cli.power.targets import BMC, Plan, Target
from clusto_cli.rebuild.exposure import secrets_told, tell_token
from clusto_cli.rebuild.machines import NO_TOKEN, Machines
from clusto_cli.rebuild.probe import SSH, Probe
from clusto_cli.rebuild.signs import CONFIRMING, words
from clusto_core.answers.consoles import ConsoleWay, console_of
from clusto_core.answers.devicesettings import DeviceSettings
from clusto_core.answers.recipes import Recipe, recipe
from clusto_core.drivers import Category
from clusto_core.drivers.categories import Class
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.model.things import Thing, in_order
from clusto_core.records.rebuilds import CALLBACK, CONSOLE, PROBE
from clusto_core.secrecy import MASK, is_secret, masked
from clusto_core.store.reader import Reader

if TYPE_CHECKING:
    from clusto_cli.backends.provision.recipe import Recipe as OsRecipe

T = TypeVar("T")

OUTLET = "outlet"
_BOOT_TIMEOUT = 600.0
"""Seconds from power on to the installer: servers with much memory test it for minutes."""
_SIGNS = 2


class Check(NamedTuple):
    """One line of the preflight. ok: None where there is nothing to check; device: a device did not do it."""

    topic: str
    ok: bool | None
    text: str
    device: bool = False


class Taken(NamedTuple):
    """A setting that a rebuild goes by. value: as people may see it; origin: the Thing whose attribute it is, None for
    what the recipe has where nothing is set."""

    key: str
    value: str
    origin: str | None


@dataclass
class Job:
    """One machine that is to be rebuilt.

    via: `bmc` or `outlet`. machine: what the boot server is told, for the time being without a token that opens
    anything. signs: console patterns, by event. possible: the sources that can confirm the end; needed: how many must.
    """

    thing: Thing
    recipe: Recipe
    via: str
    timeout: float
    boot_timeout: float
    needed: int
    os: OsRecipe | None = None
    machine: BootMachine | None = None
    target: Target | None = None
    way: ConsoleWay | None = None
    access: Access | None = None
    signs: dict[str, re.Pattern[bytes]] = field(default_factory=dict)
    probe: Probe | None = None
    url: str | None = None
    checks: list[Check] = field(default_factory=list)
    took: list[Taken] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.thing.name

    @property
    def possible(self) -> frozenset[str]:
        """The sources that can say that it is done."""
        can = {
            CALLBACK: self.url is not None,
            CONSOLE: self.access is not None and bool(self.signs),
            PROBE: self.probe is not None,
        }
        return frozenset(source for source in CONFIRMING if can[source])

    @property
    def failed(self) -> list[Check]:
        """The checks that stand against it."""
        return [check for check in self.checks if check.ok is False]


class Power(NamedTuple):
    """The plans of power for machines of one kind: those behind controllers, or those behind outlets."""

    via: str
    plan: Plan


def jobs_for(
    reader: Reader, machines: Machines, things: Sequence[Thing], *, via: str | None, timeout: float | None
) -> tuple[list[Job], list[Power]]:
    """A job for each machine, and how their power is reached. Raises Malformed for what is no machine."""
    jobs = [_job(reader, machines, thing, via, timeout) for thing in things]
    _same_cards(reader, jobs)
    powers = []
    for kind in (BMC, OUTLET):
        of_kind = [job for job in jobs if job.via == kind]
        good = [job for job in of_kind if _has_power(reader, job)]
        if good:
            plan = Plan(reader, [job.thing for job in good], kind)
            for job, target in zip(good, plan.targets, strict=True):
                job.target = target
                job.checks += [Check("power", None, note) for note in target.notes]
            powers.append(Power(kind, plan))
    return jobs, powers


def _job(reader: Reader, machines: Machines, thing: Thing, via: str | None, timeout: float | None) -> Job:
    checks: list[Check] = []
    known = _known(reader, thing, checks)
    job = Job(thing, known, OUTLET, timeout or 0.0, _BOOT_TIMEOUT, 0, checks=checks)
    values = known.values
    job.via = via or (BMC if "bmc.host" in values else OUTLET)
    job.url = _checked(checks, "call-back", lambda: values.get("rebuild.url"), None)
    job.boot_timeout = _checked(
        checks, "times", lambda: seconds(values, "rebuild.boot_timeout", _BOOT_TIMEOUT), _BOOT_TIMEOUT
    )
    job.needed = _checked(checks, "signs", lambda: integer(values, "rebuild.signs", _SIGNS), 0)
    if not any(check.topic == "mac" for check in checks):
        checks += _cards(job)
    checks += _recipe(machines, job)
    if not timeout:
        default = job.os.timeout if job.os is not None else 3600.0
        job.timeout = _checked(checks, "times", lambda: seconds(values, "rebuild.timeout", default), default)
    _console(reader, job)
    _probe(job)
    if len(job.possible) < job.needed:
        can = words(sorted(job.possible)) or "nothing"
        text = f"{can} can say that it is done, and {job.needed} must: give it a console, an address or a rebuild.url"
        job.checks.append(Check("signs", False, text))
    return job


def _checked(checks: list[Check], topic: str, make: Callable[[], T], otherwise: T) -> T:
    """What `make` gives; what it refuses stands against the rebuild, beside whatever else does."""
    try:
        return make()
    except ClustoError as error:
        checks.append(Check(topic, False, str(error)))
        return otherwise


def _known(reader: Reader, thing: Thing, checks: list[Check]) -> Recipe:
    try:
        return recipe(reader, thing)
    except NotFound as error:
        checks.append(Check("mac", False, str(error)))
        return recipe(reader, thing, any_card=True)


def _cards(job: Job) -> Iterator[Check]:
    if not job.recipe.macs:
        yield Check("mac", False, f"no card has a MAC (clusto attr set mac ADDRESS -t {job.name}:eth0)")
        return
    try:
        spelled = job.recipe.hardware_addresses()
    except Malformed as error:
        yield Check("mac", False, str(error))
        return
    yield Check("mac", True, ", ".join(f"{card} {mac}" for card, mac in zip(job.recipe.macs, spelled, strict=True)))


def _recipe(machines: Machines, job: Job) -> Iterator[Check]:
    used: set[str] = set()
    try:
        job.os = machines.os_of(job.recipe)
        missing = job.os.missing(job.recipe.values)
        yield from (Check("recipe", False, f"{job.os.name} needs {each}, which is not set") for each in missing)
        if not missing and not any(check.topic == "mac" and check.ok is False for check in job.checks):
            job.machine, noted = machines.exposing(job.recipe, job.os)
            used = noted.read
            job.signs = machines.signs(job.recipe, job.os)
            yield Check("recipe", True, f"{installs(job)}: {job.os.title}")
            yield from (Check("secrets", None, told) for told in secrets_told(job.machine, noted.used))
            tell_token(job.machine, NO_TOKEN)
    except ClustoError as error:
        yield Check("recipe", False, str(error))
    job.took = list(_taken(job, used))


def _taken(job: Job, used: Collection[str]) -> Iterator[Taken]:
    """The settings that a rebuild of it goes by: those of its recipe, its boot server, its controller."""
    values = job.recipe.values.masked()
    groups = {"os", *SERVER_GROUPS, *([BMC] if job.via == BMC else [])}
    needs = {key for group in job.os.needs for key in group} if job.os is not None else set()
    defaults = job.os.defaults if job.os is not None else {}
    for key in sorted({*values, *defaults}):
        if key in values:
            if key in used or key in needs or key.partition(".")[0] in groups:
                yield Taken(key, _shown(values, key), values.origin(key))
        elif defaults[key]:
            yield Taken(key, defaults[key], None)


def _shown(values: DeviceSettings, key: str) -> str:
    """What an attribute says, whether it may be used or not."""
    return MASK if is_secret(key) else masked(values.written(key) or "")


def installs(job: Job) -> str:
    """`debian bookworm amd64`."""
    system = job.os
    assert system is not None

    def known(key: str) -> str | None:
        return job.recipe.values.get(key) or system.defaults.get(key)

    return " ".join(filter(None, (system.name, known("os.release") or known("os.image"), known("os.arch"))))


def _same_cards(reader: Reader, jobs: Sequence[Job]) -> None:
    """A MAC that another machine has too would have that one reinstalled."""
    for job in jobs:
        for mac in job.recipe.macs.values():
            try:
                reader.resolve(mac)
            except Malformed as error:
                job.checks.append(Check("mac", False, str(error)))
            except ClustoError:
                continue


def _has_power(reader: Reader, job: Job) -> bool:
    try:
        Plan(reader, [job.thing], job.via)
    except Refused as error:
        job.checks.append(Check("power", False, str(error)))
        return False
    return True


def _console(reader: Reader, job: Job) -> None:
    try:
        job.way = console_of(reader, job.thing)
    except (Refused, Malformed) as error:
        job.checks.append(Check("console", None, str(error)))
        return
    try:
        job.access = access_of(job.way)
    except ClustoError as error:
        job.checks.append(Check("console", False, str(error)))


def _probe(job: Job) -> None:
    if job.recipe.address is None:
        job.checks.append(Check("probe", None, "no address"))
        return
    try:
        job.probe = Probe.parse(job.recipe.values.get("rebuild.probe") or SSH, job.recipe.address)
    except (ValueError, ClustoError) as error:
        job.checks.append(Check("probe", False, str(error)))
        return
    job.checks.append(Check("probe", None, str(job.probe) if job.probe is not None else "none: rebuild.probe is none"))


def refusals(reader: Reader, jobs: Sequence[Job], powers: Sequence[Power]) -> list[str]:
    """What must not be rebuilt without force, and why: protected, allocated, or sharing an outlet with others."""
    reasons = [reason for power in powers for reason in power.plan.refusals(reader)]
    reasons += [f"{job.name} is allocated" for job in jobs if job.recipe.values.get("status") == "allocated"]
    return reasons


def serves(reader: Reader, thing: Thing) -> list[Thing]:
    """The roles, services and pools that a machine is in: who misses it while it is rebuilt."""
    found = [each for each in reader.ancestors(thing) if each.is_a(Category) and not each.is_a(Class)]
    return in_order(found)


def boot_control(plan: Plan, target: Target) -> BmcControl | None:
    """The management controller of a target, not yet entered, where it has one that chooses what it boots from."""
    for point in target.points:
        if point.device.startswith(f"{BMC}:"):
            control = plan.control(point.device)
            return control if isinstance(control, BmcControl) else None
    return None
