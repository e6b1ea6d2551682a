"""Read and write attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.options import at_option, change_options, strict_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import listed, targets, where_option, with_where
from clusto_cli.values import parse_value
from clusto_core.errors import Malformed, NotFound, did_you_mean
from clusto_core.model.attributes import Key, Value
from clusto_core.model.reserved import writable
from clusto_core.model.things import Attribute, Inherited, Thing
from clusto_core.spelling import suggest
from clusto_core.store.database import PORTION, portions
from clusto_core.store.reader import Reader

F = TypeVar("F", bound=Callable[..., Any])


@click.group("attr", cls=Group)
def command() -> None:
    """Read and write attributes of Things: those of -t NAME (repeatable, ranges), those that
    --where EXPR selects, or those named behind --. The name - stands for names on standard input.

    \b
        clusto attr get status server1
        clusto attr set status allocated -t 'server[1-20]'
        clusto attr set status allocated -- server1 server2
        clusto attr set status spare --where 'driver:Server in name:rack101'
        printf 'server1\\nserver2\\n' | clusto attr add tag spare -- -

    A KEY is spelled KEY, KEY.SUBKEY or KEY#2.SUBKEY. A value is what it looks like: 5 an integer, 1.5 a float, true a
    boolean, 2026-01-31 or an ISO time a datetime, @rack101 a relation; --json and --string say otherwise.
    """


class Named(click.Command):
    """`VERB KEY VALUE... -- NAME...`: `--` begins names where neither -t nor --where says which Things are meant.

    With one of the two it ends the options, as everywhere, for values that begin with a dash.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hands names behind `--` to the option -t."""
        if "--" in args and not any(word.startswith(("-t", "--thing", "--where")) for word in args):
            end = args.index("--")
            ctx.meta[completion.NAMES_FOLLOW] = True
            args = [*args[:end], *(f"--thing={name}" for name in args[end + 1 :])]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """What click says, and where names go."""
        return [*filter(None, super().collect_usage_pieces(ctx)), "(-t NAME | -- NAME...)"]


def _things(function: F) -> F:
    option = click.option(
        "-t",
        "--thing",
        "names",
        metavar="NAME",
        multiple=True,
        callback=with_where,
        help="A Thing; repeatable, ranges.",
        shell_complete=completion.names,
    )
    return where_option(option(function))


def _value_options(function: F) -> F:
    function = click.option("--json", "as_json", is_flag=True, help="The value is JSON.")(function)
    return click.option("--string", "as_string", is_flag=True, help="The value is text, whatever it looks like.")(
        function
    )


@command.command("get", cls=Named)
@click.argument("key", metavar="[KEY [NAME...]]", required=False, shell_complete=completion.keys)
@click.argument("more", metavar="", nargs=-1, shell_complete=completion.names)
@_things
@click.option("--inherited", is_flag=True, help="Also from what the Thing is in: the nearest that has the key.")
@click.option("--all", "every", is_flag=True, help="With --inherited: from all that it is in, nearest first.")
@click.option("--reveal", is_flag=True, help="Show passwords and other secrets.")
@output_option
@at_option
@pass_app
@paged
def get(
    app: App,
    key: str | None,
    more: tuple[str, ...],
    names: tuple[str, ...],
    inherited: bool,
    every: bool,
    reveal: bool,
    output: str,
) -> None:
    """Print the values under KEY, or all attributes.

    Of one Thing and one key the bare values, one a line; of several Things NAME<TAB>VALUE; without a key KEY=VALUE.
    Exit code 3 when a Thing lacks the key.

    A KEY that is only there with numbers or subkeys is a table of them: a row a number, a column a subkey. With * for
    the number or the subkey, the values of all: 'disk#*.serial', 'disk#0.*', 'disk#*.*'.

    \b
        clusto attr get status -t 'server[1-3]'
        clusto attr get disk -t server1
        clusto attr get 'disk#*.serial' --where 'haskey(disk)'
        clusto attr get --inherited --all -t server1 -o json
        clusto attr get snmp.community -t pdu3 --inherited
    """
    if every and not inherited:
        raise Malformed("--all collects what is inherited: give --inherited too")
    wanted = Key.pattern(key) if key else None
    with app.reading() as reader:
        things = listed(reader, (*more, *names))
        several = things.more_than(1)
        lacking: list[Thing] = []
        found = _noting(zip(things, _of(reader, things, wanted, inherited, every), strict=True), lacking, wanted)
        if output != "text":
            write_records(output, (_record(thing, each, reveal) for thing, values in found for each in values))
        elif wanted is not None and (reader.is_table(wanted) or not things.more_than(PORTION)):
            _write_table(list(found), wanted, inherited, reveal)
        else:
            write_lines(_lines(found, several, wanted, inherited, reveal))
        if wanted and len(lacking) == len(things.all()):
            raise NotFound(_no_key(reader, lacking, wanted))
    if lacking:
        raise NotFound(f"no such key: {wanted} on {', '.join(thing.name for thing in lacking[:5])}")


Found = Iterable[tuple[Thing, list[Inherited]]]


def _noting(found: Found, lacking: list[Thing], wanted: Key | None) -> Found:
    """What was found, as it comes; notes who lacks the key."""
    for thing, values in found:
        if wanted and not values:
            lacking.append(thing)
        yield thing, values


def _of(
    reader: Reader, things: Iterable[Thing], wanted: Key | None, inherited: bool, every: bool
) -> Iterator[list[Inherited]]:
    """What each of the Things has, a portion of them at a time."""
    for found in _every(reader, things, inherited, every):
        if wanted is None:
            yield [each for each in found if not each.attribute.key.reserved]
        else:
            keys = set(wanted.meant(each.attribute.key for each in found))
            yield [each for each in found if each.attribute.key in keys]


def _every(reader: Reader, things: Iterable[Thing], inherited: bool, every: bool) -> Iterator[list[Inherited]]:
    if inherited:
        from clusto_core.answers import view

        yield from (view.collected if every else view.effective)(reader, things)
        return
    for portion in portions(things):
        found: dict[int, list[Attribute]] = {thing.id: [] for thing in portion}
        for attribute in reader.attributes(*found):
            found[attribute.thing_id].append(attribute)
        yield from ([Inherited(attribute, thing) for attribute in found[thing.id]] for thing in portion)


def _no_key(reader: Reader, things: list[Thing], key: Key) -> str:
    names = ", ".join(thing.name for thing in things[:5])
    origin = next((each.origin for each in reader.effective(things[0]) if each.attribute.key == key), None)
    if origin is not None:
        return f"no such key: {key} on {names} ({things[0].name} inherits it from {origin.name}: --inherited)"
    return f"no such key: {key} on {names}{did_you_mean(suggest(str(key), reader.keys()))}"


def _lines(found: Found, several: bool, wanted: Key | None, inherited: bool, reveal: bool) -> Iterable[str]:
    for thing, attributes in found:
        for attribute, origin in attributes:
            text = _text(attribute, reveal)
            line = text if wanted is not None and not wanted.is_pattern else f"{attribute.key}={text}"
            if inherited and origin != thing and (wanted is None or wanted.is_pattern):
                line += f" (from {origin.name})"
            yield f"{thing.name}\t{line}" if several else line


def _write_table(found: list[tuple[Thing, list[Inherited]]], wanted: Key, inherited: bool, reveal: bool) -> None:
    """A table, whose columns are known when all is; lines where none of these Things has any of it."""
    if any(wanted.above(each.attribute.key) for _, values in found for each in values):
        write_lines(_table(found, reveal))
    else:
        write_lines(_lines(found, len(found) > 1, wanted, inherited, reveal))


def _table(found: list[tuple[Thing, list[Inherited]]], reveal: bool) -> Iterable[str]:
    """A row a Thing and number, with tabs between: the values by their subkeys; `-` stands for no subkey."""
    every = [(thing, each.attribute) for thing, values in found for each in sorted(values, key=_number)]
    numbered = any(attribute.key.number is not None for _, attribute in every)
    subkeys = sorted({attribute.key.subkey or "-" for _, attribute in every})
    rows: dict[tuple[Thing, int | None], dict[str, list[str]]] = {}
    for thing, attribute in every:
        cells = rows.setdefault((thing, attribute.key.number), {})
        cells.setdefault(attribute.key.subkey or "-", []).append(_text(attribute, reveal))
    several = len(found) > 1
    yield "\t".join([*(["name"] if several else []), *(["#"] if numbered else []), *subkeys])
    for (thing, number), cells in rows.items():
        first = [*([thing.name] if several else []), *(["" if number is None else str(number)] if numbered else [])]
        yield "\t".join([*first, *(", ".join(cells.get(subkey, ())) for subkey in subkeys)])


def _number(each: Inherited) -> int:
    number = each.attribute.key.number
    return -1 if number is None else number


def _text(attribute: Attribute, reveal: bool) -> str:
    return attribute.value.text if reveal and attribute.concealed else attribute.shown


def _record(thing: Thing, each: Inherited, reveal: bool) -> dict[str, Any]:
    attribute = each.attribute
    value = attribute.value
    return {
        "name": thing.name,
        "key": str(attribute.key),
        "value": attribute.plain if not (reveal and attribute.concealed) else _whole(value),
        "type": value.type,
        "from": each.origin.name,
    }


def _whole(value: Value) -> Any:
    return value.python() if value.type == "json" else value.text


def _write_arguments(function: F) -> F:
    """What `set` and `add` are given."""
    for decorate in (
        change_options,
        strict_option,
        _value_options,
        _things,
        click.option(
            "--also", "also", metavar="SUBKEY=VALUE", multiple=True, help="With KEY#+: another of its subkeys."
        ),
        click.argument("values", metavar="VALUE...", nargs=-1, required=True, shell_complete=completion.values),
        click.argument("key", metavar="KEY", shell_complete=completion.all_keys),
    ):
        function = decorate(function)
    return function


@command.command("set", cls=Named)
@_write_arguments
@pass_app
def set_(app: App, /, **given: Any) -> None:
    """Make the values under KEY exactly VALUE...

    KEY#+ is the next number that nothing of KEY has on that Thing: 0, and from then on one more than the highest.

    \b
        clusto attr set status allocated -t server1
        clusto attr set tag spare x86 -- server1 server2
        clusto attr set 'disk#+.serial' WD-1 --also size=4T -t server1
    """
    _write(app, add=False, **given)


@command.command("add", cls=Named)
@_write_arguments
@pass_app
def add(app: App, /, **given: Any) -> None:
    """Add VALUE... to the values under KEY.

    \b
        clusto attr add tag x86 -t server1
    """
    _write(app, add=True, **given)


def _parse(values: Sequence[str], as_json: bool, as_string: bool) -> list[Value]:
    if as_json and as_string:
        raise Malformed("a value is JSON or text: give --json or --string")
    return [parse_value(each, as_json=as_json, as_string=as_string) for each in values]


def _write(
    app: App,
    *,
    add: bool,
    key: str,
    values: Sequence[str],
    also: Sequence[str],
    names: Sequence[str],
    as_json: bool,
    as_string: bool,
    message: str | None,
    dry_run: bool,
    strict: bool,
) -> None:
    first, is_next = Key.next(key)
    if also and not is_next:
        raise Malformed(f"--also is for a number that is new: write {first.key}#+, not {key}")
    given = {writable(first): _parse(values, as_json, as_string)}
    for pair in also:
        subkey, _, text = pair.partition("=")
        given[Key.parse(f"{first.key}.{subkey}")] = _parse([text], as_json, as_string)
    written = [(wanted, value) for wanted, parsed in given.items() for value in parsed]
    lines = []
    with app.changing(message, dry_run=dry_run, strict=strict, written=written) as change:
        for named in targets(change.unit.reader, names):
            thing = change.resolve(named.name)
            write = change.add_values if add else change.set_values
            number = change.next_number(thing, first.key) if is_next else first.number
            for wanted, parsed in ((each._replace(number=number), parsed) for each, parsed in given.items()):
                if write(thing, wanted, parsed) and dry_run:
                    every = (each for each in change.unit.attributes(thing) if each.key == wanted)
                    lines.append(f"would set {thing.name} {wanted}: {', '.join(each.shown for each in every)}")
    write_lines(lines)


@command.command("del", cls=Named)
@click.argument("key", metavar="KEY", shell_complete=completion.keys)
@click.argument("value", metavar="[VALUE]", required=False, shell_complete=completion.values)
@_things
@_value_options
@change_options
@pass_app
def del_(
    app: App,
    key: str,
    value: str | None,
    names: tuple[str, ...],
    as_json: bool,
    as_string: bool,
    message: str | None,
    dry_run: bool,
) -> None:
    """Take out all values under KEY, or the one. Exit code 3 when none of the Things has it.

    Of a table, KEY takes out all numbers and subkeys ('disk#*.*'), KEY#2 all of that number; each key is told. Where a
    Thing has something under KEY itself besides, nothing is taken out until you say which.

    \b
        clusto attr del tag x86 -t server1
        clusto attr del 'disk#2' -t server1
        clusto attr del 'disk#*.size' -t server1
    """
    wanted = writable(Key.pattern(key))
    parsed = None if value is None else _parse([value], as_json, as_string)[0]
    written = [(wanted, parsed)] if parsed else []
    with app.changing(message, dry_run=dry_run, written=written) as change:
        things = [change.resolve(thing.name) for thing in targets(change.unit.reader, names)]
        gone = change.delete_under(things, wanted, parsed)
    if any(key != wanted for _, key in gone):
        verb = "would delete" if dry_run else "deleted"
        write_lines(f"{verb} {key} of {thing.name}" for thing, key in gone)
