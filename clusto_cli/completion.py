"""What completes on the command line: functions for the `shell_complete=` of arguments and options.

    @click.argument("name", shell_complete=completion.things)

Each is given what was typed of a word and gives what it may become, out of the store that the command line names. An
item is marked `partial` when it is not a whole word yet, so that the shell puts no blank behind it. A store that is not
there raises what it raises; the shells' scripts show nothing of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from clusto_core.answers.candidates import Candidate
    from clusto_core.drivers import Driver
    from clusto_core.model.attributes import Key
    from clusto_core.model.keys import Declared
    from clusto_core.model.things import Thing
    from clusto_core.store.reader import Reader

    Items = list[CompletionItem]

TRANSACTIONS = 50
"""How many of the newest transactions are offered."""


NAMES_FOLLOW = "clusto.names-follow"
"""Set in a context's `meta` where names of Things stand in an argument for something else."""


# --- Things and parts ------------------------------------------------------------------------------------------------


def names(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Things, and behind `server1:` its parts."""
    return _addresses(ctx, param, incomplete)


def things(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Things, no parts."""
    from clusto_core.answers import candidates

    with reading(ctx) as reader:
        return _new(ctx, param, candidates.things(reader, incomplete))


def parts(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Parts: a Thing's name goes on with a colon."""
    found = _addresses(ctx, param, incomplete)
    if ":" not in incomplete:
        for item in found:
            if not item.partial:
                item.value += ":"
                item._info["partial"] = True
    return found


def free_parts(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Things, and their parts that no cable is in and that fit the other end, where that is given already."""
    from clusto_core.answers.bundles import with_free_sockets
    from clusto_core.model.wiring import cable_kind

    free: dict[int, set[int]] = {}

    def fits(reader: Reader, owner: Thing, part: Thing) -> bool:
        if owner.id not in free:
            free[owner.id] = with_free_sockets(reader, owner)
        if part.id not in free[owner.id]:
            return False
        other = _given_part(ctx, reader)
        if part.kind.__name__ == "RackUnit":
            return other is None or not other.is_part
        return other is None or not other.is_part or cable_kind(part.kind, other.kind) is not None

    return _addresses(ctx, param, incomplete, connected=False, wanted=fits)


def connected_parts(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Things, and their parts that a cable is in."""
    return _addresses(ctx, param, incomplete, connected=True)


def far_ends(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """What the Thing or part named before is connected to: the parts, and before the colon their owners."""
    from clusto_core.answers.candidates import listed

    with reading(ctx) as reader:
        one = _given_part(ctx, reader)
        if one is None:
            return []
        ends = {link.other for link in reader.links_of(one)}
    texts = {end.name for end in ends} if ":" in incomplete or one.is_part else {end.owner_name for end in ends}
    return _items(listed(texts, incomplete))


def _given_part(ctx: click.Context, reader: Reader) -> Thing | None:
    given = ctx.params.get("one")
    return reader.get(given) if isinstance(given, str) else None


def _addresses(
    ctx: click.Context,
    param: click.Parameter,
    incomplete: str,
    *,
    connected: bool | None = None,
    wanted: Callable[[Reader, Thing, Thing], bool] | None = None,
) -> Items:
    """Names of Things; behind a colon the owner's parts: all, or those with or without a cable that are wanted."""
    from clusto_core.answers import candidates

    with reading(ctx) as reader:
        if spaces := _in_spaces(reader, incomplete):
            return spaces
        owner_name, colon, _ = incomplete.partition(":")
        if not colon:
            return _new(ctx, param, candidates.things(reader, incomplete))
        found = candidates.parts(reader, incomplete)
        owner = reader.get(owner_name) if found else None
        if owner is not None and connected is not None:
            used = {link.part for link in reader.links(owner.id)}
            found = [part for part in found if (part in used) is connected]
        if owner is not None and wanted is not None:
            found = [part for part in found if wanted(reader, owner, part)]
        listed = candidates.listed((part.name for part in found), incomplete)
        return _new(ctx, param, listed) or _plain(candidates.labels(reader, incomplete))


def _in_spaces(reader: Reader, incomplete: str) -> Items:
    """The address spaces behind `10.2.1.13@`: those in which that address is held, or else all."""
    from clusto_core.model.addresses import sought

    address, at, beginning = incomplete.partition("@")
    if not at or (wanted := sought(address)) is None:
        return []
    held = {each.space_name for each in reader.holders(wanted) if each.space_name}
    names = held or {space.name for space in reader.spaces().values()}
    return _plain(f"{address}@{name}" for name in sorted(names) if name.startswith(beginning))


def parents(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """What Things are put in: places and groupings; any Thing for what goes into other Things, as virtual servers."""
    from clusto_core.answers import candidates
    from clusto_core.drivers import Category
    from clusto_core.drivers.equipment import PLACES

    if _given(ctx, "driver")[:1] == ["VirtualServer"]:
        return things(ctx, param, incomplete)
    with reading(ctx) as reader:
        return _new(ctx, param, candidates.of_drivers(reader, _below(reader, *PLACES, Category), incomplete))


def memberships(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """What the Things named before were put in; without any, what Things are put in."""
    from clusto_core.answers.candidates import listed
    from clusto_core.model.attributes import IN

    given = _given(ctx, "names")
    if not given:
        return parents(ctx, param, incomplete)
    with reading(ctx) as reader:
        holders = [thing.id for thing in reader.find_names(given).values()]
        inside = {each.value.text for each in reader.attributes(*holders) if each.key.key == IN}
    return _items(listed(inside, incomplete))


def device_types(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The device types in the store."""
    return of_driver("DeviceType")(ctx, param, incomplete)


def of_driver(name: str) -> Callable[[click.Context, click.Parameter, str], Items]:
    """A completer for the Things of a driver, those of the drivers below it included: `of_driver("VLAN")`."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        from clusto_core.answers import candidates
        from clusto_core.drivers import registry

        with reading(ctx) as reader:
            drivers = _below(reader, registry.get(name))
            return _new(ctx, param, candidates.of_drivers(reader, drivers, incomplete))

    return complete


def _below(reader: Reader, *roots: type[Driver]) -> list[str]:
    """The drivers in the store that are one of these or below one; those of other packages only where it has some."""
    from clusto_core.drivers import registry

    return [name for name in reader.drivers() if issubclass(registry.of(name), roots)]


# --- drivers, keys, values, transactions -----------------------------------------------------------------------------


def drivers(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The drivers that a new Thing can have, without regard to case."""
    from click.shell_completion import CompletionItem

    from clusto_core.drivers import registry

    found = []
    for driver in registry:
        if driver.__name__.lower().startswith(incomplete.lower()) and not driver.abstract():
            summary = (driver.__doc__ or "").partition("\n")[0].rstrip(".")
            found.append(CompletionItem(driver.__name__, help=summary))
    return found


def keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Attribute keys: those of the Things given with `-t`, else all in the store."""
    from clusto_core.answers.candidates import listed, numbered

    with reading(ctx) as reader:
        if found := numbered(reader, incomplete, "*"):
            return _plain(found)
        texts = _keys(reader, ctx.params.get("names") or ())
        return _items(listed(texts, incomplete))


def all_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The attribute keys in the store, and of what is typed the keys that clusto itself reads and that fit the Things
    given with `-t`."""
    return _all_keys(ctx, incomplete)


def _all_keys(ctx: click.Context, incomplete: str, end: str = "") -> Items:
    from clusto_cli import settings
    from clusto_core.answers.candidates import Candidate, listed, numbered

    with reading(ctx) as reader:
        if found := numbered(reader, incomplete, "+"):
            return _plain(each + end for each in found)
        known = settings.keys(incomplete, _known(reader), _kinds(ctx, reader)) if incomplete else []
        groups = [Candidate(key, True) for key in known if key.endswith(".")]
        stored = [key for key in _keys(reader) if not any(key.startswith(group.text) for group in groups)]
    whole = {*stored, *(key for key in known if not key.endswith("."))}
    return _items([*listed((key + end for key in whole), incomplete), *groups])


def pairs(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """`KEY=VALUE`: keys in the store and known ones, then the values that they have there and that are known."""
    key, equals, value = incomplete.partition("=")
    if not equals:
        found = _all_keys(ctx, incomplete, "=")
        for item in found:
            item._info["partial"] = True
        return found
    with reading(ctx) as reader:
        return _plain(f"{key}={each}" for each in _values(reader, key, value))


def values(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The values in the store under the key given before; of a relation (`@`), the names of Things."""
    if ctx.meta.get(NAMES_FOLLOW):
        return names(ctx, param, incomplete)
    from clusto_core.answers import candidates

    with reading(ctx) as reader:
        if incomplete.startswith("@"):
            found = candidates.things(reader, incomplete[1:])
            return _items(candidates.Candidate("@" + each.text, each.partial) for each in found)
        return _plain(_values(reader, str(ctx.params.get("key")), incomplete))


def _values(reader: Reader, text: str, incomplete: str) -> list[str]:
    """The values that a key, whatever its number, is known to take, and those that it has in the store."""
    from clusto_cli import settings
    from clusto_core.answers import candidates
    from clusto_core.model.attributes import Key

    key = Key.pattern(text.replace("#+", "#*"))._replace(number=None)
    known = (value for value in settings.values(_known(reader).get(key)) if value.startswith(incomplete))
    return list(dict.fromkeys([*known, *candidates.values(reader, key, incomplete)]))


def known_keys(ctx: click.Context) -> Mapping[Key, Declared]:
    """The keys that clusto reads, and those that the site declared, where there is a store."""
    from clusto_core.errors import ClustoError
    from clusto_core.model import keys

    with contextlib.suppress(ClustoError), reading(ctx) as reader:
        return _known(reader)
    return keys.every()


def declared_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The keys that the site declared."""
    from clusto_core.rules.declared import of_site

    with reading(ctx) as reader:
        return words(map(str, of_site(reader)), incomplete)


def _known(reader: Reader) -> Mapping[Key, Declared]:
    from clusto_core.model import keys
    from clusto_core.rules.declared import of_site

    return {**keys.every(), **of_site(reader)}


def _kinds(ctx: click.Context, reader: Reader) -> list[type[Driver]]:
    """The kinds of Things that a key is for: those given with `-t`, or of a driver that is given."""
    from clusto_core.drivers import registry
    from clusto_core.errors import Malformed

    if isinstance(driver := ctx.params.get("driver"), str):
        with contextlib.suppress(Malformed):
            return [registry.get(driver)]
    given = ctx.params.get("names") or ()
    return [thing.kind for thing in reader.find_names(given).values()] if isinstance(given, tuple | list) else []


def expressions(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Inside an expression: terms, drivers, keys, values, names, and the words between tests."""
    from clusto_core.query.completing import complete

    with reading(ctx) as reader:
        found = _items(complete(reader, incomplete))
    for item in found:
        # A whole test is not the end of an expression.
        item._info["expression"] = True
    return found


def saved_expressions(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The names of saved expressions, with and without their `@`."""
    from clusto_core.query.saved import saved

    with reading(ctx) as reader:
        mark = "@" if incomplete.startswith("@") else ""
        return _plain(f"{mark}{each.name}" for each in saved(reader) if f"{mark}{each.name}".startswith(incomplete))


def policies(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The names of the policies."""
    from clusto_core.query.policies import policies as every

    with reading(ctx) as reader:
        return words((policy.name for policy in every(reader)), incomplete)


def checks(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The names of clusto's own checks."""
    from clusto_core.query.checks import CHECKS

    return words(CHECKS, incomplete)


def _keys(reader: Reader, of: Iterable[str] = ()) -> list[str]:
    holders = reader.find_names(of)
    if holders:
        own = reader.attributes(*(thing.id for thing in holders.values()))
        return list({str(each.key): None for each in own if not each.key.reserved})
    every = reader.keys()
    return [key for key in every if not key.startswith("_")]


def part_kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """`KIND=` of `--parts`, also behind a comma."""
    from clusto_core.answers.candidates import Candidate
    from clusto_core.drivers import Part, registry

    before, comma, last = incomplete.rpartition(",")
    kinds = {driver.kind for driver in registry if issubclass(driver, Part) and driver is not Part}
    texts = sorted(kind for kind in kinds if kind.startswith(last))
    return _items(Candidate(f"{before}{comma}{kind}=", True) for kind in texts)


def formats(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The formats of import and export."""
    from clusto_core.answers.candidates import listed
    from clusto_core.transfer.formats import names

    return _items(listed(names(), incomplete))


def sources(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The sources that the configuration declares."""
    from clusto_core.answers.candidates import listed
    from clusto_core.transfer.sources.declared import names

    return _items(listed(names(), incomplete))


def transactions(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The newest transactions, newest first, each with what it was."""
    from click.shell_completion import CompletionItem

    from clusto_core.records.history import entries

    with reading(ctx) as reader:
        newest = list(entries(reader, limit=TRANSACTIONS))
    return [
        CompletionItem(str(entry.id), help=(entry.message or entry.command)[:80])
        for entry in newest
        if str(entry.id).startswith(incomplete)
    ]


def moments(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """What there is to say of a moment, and the newest transactions."""
    from clusto_core.records.moments import EXAMPLES

    said = words(EXAMPLES, incomplete)
    return said if incomplete and not incomplete.isdigit() else said + transactions(ctx, param, incomplete)


def differing(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Another moment or a file, and behind it, or at once, Things."""
    found = list(names(ctx, param, incomplete))
    if _given(ctx, param.name or ""):
        return found
    from click.shell_completion import CompletionItem

    # A file is meant where it begins as no name does.
    files = [CompletionItem(incomplete, type="file")] if incomplete[:1] in (".", "/") else []
    return [*moments(ctx, param, incomplete), *found, *files]


# --- verbs -----------------------------------------------------------------------------------------------------------


def verbs(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The verbs and topics, formats apart, and behind a verb that has verbs of its own, those."""
    here = ctx.find_root()
    given = ctx.params.get(param.name or "") or ()
    if list(given) == ["keys"]:
        return words(map(str, known_keys(ctx)), incomplete)
    for word in given:
        found = here.command.get_command(here, word) if isinstance(here.command, click.Group) else None
        if found is None:
            return []
        here = click.Context(found, info_name=word, parent=here)
    known = here.command.shell_complete(here, incomplete) if isinstance(here.command, click.Group) else []
    return known if given else known + _topics(incomplete, {item.value for item in known})


def _topics(incomplete: str, known: Collection[str]) -> Items:
    from click.shell_completion import CompletionItem

    from clusto_cli.topics import topics
    from clusto_core.transfer.formats import names

    every = (each for each in topics().values() if each.name.startswith(incomplete))
    return [CompletionItem(each.name, help=each.about) for each in every if each.name not in (*known, *names())]


# --- how the store is reached, how items are made --------------------------------------------------------------------


@contextlib.contextmanager
def reading(ctx: click.Context) -> Iterator[Reader]:
    """The store that the half-typed command is about: its `--db` and `--config`, or what the environment says.

    A tabulator makes no store and upgrades none.
    """
    from clusto_cli.context import App
    from clusto_core.config import settings
    from clusto_core.store.reader import open_reader

    if (app := ctx.find_object(App)) is not None and app.afar:
        with app.reading() as reader:
            yield reader
        return
    given = ctx.find_root().params
    with open_reader(settings(given.get("db"), given.get("config")).url) as reader:
        yield reader


def _given(ctx: click.Context, argument: str) -> list[str]:
    """What an argument was given before. While an option's value is typed, click leaves all arguments unassigned."""
    value = ctx.params.get(argument)
    if not value:
        return ctx.args
    return [value] if isinstance(value, str) else list(value)


def listed(known: Iterable[str]) -> Callable[[click.Context, click.Parameter, str], Items]:
    """Words of a list with commas between them."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        said = incomplete.rpartition(",")[0]
        head = f"{said}," if said else ""
        return words([head + word for word in known if word not in said.split(",")], incomplete)

    return complete


def words(known: Iterable[str], incomplete: str) -> Items:
    """Those of some fixed words that begin so."""
    return _plain(word for word in known if word.startswith(incomplete))


def _new(ctx: click.Context, param: click.Parameter, found: Iterable[Candidate]) -> Items:
    """The candidates that this argument has not been given yet."""
    given = ctx.params.get(param.name or "") if param.nargs == -1 or getattr(param, "multiple", False) else None
    return _items(each for each in found if not given or each.text not in given)


def _items(found: Iterable[Candidate], *, partial: bool = False) -> Items:
    from click.shell_completion import CompletionItem

    return [CompletionItem(each.text, partial=each.partial or partial) for each in found]


def _plain(texts: Iterable[str]) -> Items:
    from click.shell_completion import CompletionItem

    return [CompletionItem(text) for text in texts]


# --- networks --------------------------------------------------------------------------------------------------------


def nics(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The network interfaces of the Thing that was named before, without its name."""
    from clusto_core.answers.candidates import listed

    name = ctx.params.get("name")
    with reading(ctx) as reader:
        owner = reader.get(name) if isinstance(name, str) else None
        return _items(listed(_nic_names(reader, owner), incomplete)) if owner else []


def network_words(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """NAME... NIC VLAN: Things, then the NICs of the Thing before, then VLANs; more Things where both are possible."""
    from clusto_core.answers.candidates import listed

    words = ctx.params.get(param.name or "") or ()
    with reading(ctx) as reader:
        if not words:
            return names(ctx, param, incomplete)
        last = reader.get(words[-1])
        if last is not None and not last.is_part:
            return _items(listed(_nic_names(reader, last), incomplete)) or things(ctx, param, incomplete)
        return _items(listed([vlan.name for vlan in reader.all(["VLAN"])], incomplete))


def _nic_names(reader: Reader, owner: Thing) -> list[str]:
    from clusto_core.drivers.parts import NIC, Port

    return [part.part_name for part in reader.parts(owner.id) if part.is_a(NIC) or part.is_a(Port)]
