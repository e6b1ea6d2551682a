"""What may be read: each operation is a verb, with those of its options that make sense here, and answers what that
verb prints with `-o json`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import click

import clusto_cli
from clusto_cli.calling import called
from clusto_cli.web.answering import JSON, NDJSON, Answer
from clusto_cli.web.api import verbs
from clusto_cli.web.api.declaring import AT, NAME, TEXT, Operation, Parameter, Schema, json_answer
from clusto_cli.web.api.listing import CURSOR, LIMIT, Enough, Listing
from clusto_cli.web.asking import Asked
from clusto_core.errors import Malformed, NotFound

PREFIX = "/api/v1"
EVERYTHING = "name:*"
_SCHEMAS = os.path.join(os.path.dirname(clusto_cli.__file__), "docs", "schemas")
_WHERE = Parameter("where", TEXT, "an expression: only what it selects")
_NAMES = Parameter("name", NAME, "a Thing or part, by name, address, MAC or serial number; or a range", many=True)
_ONE = Parameter("name", NAME, "the members of the one of this name, instead of all")


class Reading(NamedTuple):
    """A verb that reads. `given` is the parameter of the query that its argument is, `always` what it is where that
    is not given, `second` that of a second one; the Thing of the path, if there is one, comes before. `options` are
    those of its options that may be given, by their names or, as `by=group_by`, by others; `fixed` what is always
    said, with the Thing of the path for `{name}`, which then is no argument. `one`: the answer is the one record.
    `form` is the form of output that it is asked for."""

    path: str
    verb: str
    summary: str
    given: Parameter | None = None
    always: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    one: bool = False
    form: str = "jsonl"
    second: Parameter | None = None


_FIND = ("columns", "sort", "reverse", "allow_unknown")
_LOG = ("patch", "since", "until", "user", "verb", "key", "where", "grep")
READINGS = (
    Reading("/things", "find", "What an expression selects", _WHERE, (EVERYTHING,), _FIND),
    Reading("/count", "find", "How many an expression selects", _WHERE, (EVERYTHING,), (), ("--count",), one=True),
    Reading(
        "/groups", "find", "How many there are for each value of a key", _WHERE, (EVERYTHING,), ("by=group_by", "fold")
    ),
    Reading("/things/{name}", "show", "All that is known of a Thing or part", one=True),
    Reading("/things/{name}/location", "locate", "Where a Thing is"),
    Reading(
        "/things/{name}/tree",
        "tree",
        "What a Thing contains",
        options=("level", "parts=verbose"),
        one=True,
        form="json",
    ),
    Reading("/things/{name}/trace", "trace", "The paths of the cables of a Thing, or of a part"),
    Reading(
        "/things/{name}/attributes",
        "attr get",
        "The attributes of a Thing",
        options=("inherited", "all=every"),
        fixed=("--thing={name}",),
    ),
    Reading(
        "/things/{name}/attributes/{key}",
        "attr get",
        "The values under a key",
        options=("inherited", "all=every"),
        fixed=("--thing={name}",),
    ),
    Reading("/things/{name}/blame", "blame", "Which change each attribute and cable of a Thing is from"),
    Reading("/things/{name}/free", "free", "What is free of a Thing", options=("kind", "height")),
    Reading("/things/{name}/history", "log", "The transactions that touched a Thing", options=_LOG[:-2]),
    Reading(
        "/attributes/{key}",
        "attr get",
        "The values under a key of all that an expression selects",
        options=("where", "inherited"),
    ),
    Reading(
        "/locate",
        "locate",
        "Where Things are, or whoever holds an address",
        Parameter("name", NAME, _NAMES.words, many=True, required=True),
    ),
    Reading("/things/{name}/impact", "power impact", "What goes dark, or loses a feed, without a Thing"),
    Reading(
        "/diff",
        "diff",
        "What differs between two moments, the second of which is now",
        Parameter("from", TEXT, "the first moment, as that of `at`", required=True),
        second=Parameter("to", TEXT, "the second moment"),
    ),
    Reading("/networks", "find", "The Networks", None, ("driver:Network",), _FIND),
    Reading("/networks/{name}/addresses", "ip list", "The addresses of a Network that something holds"),
    Reading("/networks/{name}/free", "ip list", "The addresses of a Network that may be given out", fixed=("--free",)),
    Reading("/addresses", "ip list", "The addresses that something holds"),
    Reading("/vlans", "vlan list", "The VLANs"),
    Reading(
        "/capacity",
        "capacity",
        "How much of everything there is, of racks or what is named",
        _NAMES,
        options=("where", "for=wanted"),
    ),
    Reading("/check", "check", "What breaks the policies", _WHERE, options=("policy=names", "since")),
    Reading("/policies", "policy list", "The policies"),
    Reading("/queries", "query list", "The saved expressions"),
    Reading("/keys", "key list", "The keys of the site"),
    Reading("/reservations", "reservations", "What is reserved", _NAMES, options=("over", "where")),
    Reading("/pools", "pool list", "The pools, or the members of what is named", _ONE),
    Reading("/classes", "class list", "The classes, or the members of what is named", _ONE),
    Reading("/roles", "role list", "The roles, or the members of what is named", _NAMES),
    Reading("/roles/check", "role check", "The machines that lack a class which their role requires", _NAMES),
    Reading("/names", "name list", "The ranges of names, or the names that the one of this name has given", _ONE),
    Reading("/services", "service list", "The services"),
    Reading("/history", "log", "The transactions, newest first", options=_LOG),
    Reading("/history/{transaction}", "log", "One transaction, with all that it did", one=True),
)


def operations() -> Iterator[Operation]:
    """All of them."""
    return map(_operation, READINGS)


def _operation(reading: Reading) -> Operation:
    known = _options(reading.verb)
    pairs = (each.partition("=") for each in reading.options)
    options = {name: known[option or name] for name, _, option in pairs}
    parameters = [_parameter(name, option) for name, option in options.items()]
    parameters[:0] = filter(None, (reading.given, reading.second))
    if "at" in known:
        parameters.append(AT)
    if not reading.one:
        parameters += [LIMIT, CURSOR]

    def answer(asked: Asked, values: Mapping[str, list[Any]]) -> Answer:
        words = _line(reading, asked.request.path, options, values)
        return one(asked, words) if reading.one else _many(asked, words, values)

    return Operation(
        PREFIX + reading.path,
        reading.summary,
        answer,
        {JSON: schema_of(reading)} if reading.one else {JSON: schema_of(reading), NDJSON: schema_of(reading)["items"]},
        tuple(parameters),
        statuses=() if reading.one else (410,),
        words=f"As `clusto {reading.verb} -o json`.",
    )


def _line(
    reading: Reading,
    path: Mapping[str, str],
    options: Mapping[str, click.Option],
    values: Mapping[str, list[Any]],
) -> list[str]:
    """The command line that answers: what is asked for is its argument, whatever it looks like."""
    fixed = [word.format(**path) if "{" in word else word for word in reading.fixed]
    spelled = [word for name, option in options.items() for word in _spelled(option, values[name])]
    taken = {name for name in path if any(f"{{{name}}}" in word for word in reading.fixed)}
    given = values[reading.given.name] if reading.given is not None else ()
    second = values[reading.second.name] if reading.second is not None else ()
    arguments = [*(text for name, text in path.items() if name not in taken), *(given or reading.always), *second]
    return [*reading.verb.split(), *fixed, f"--output={reading.form}", *spelled, "--", *arguments]


def one(asked: Asked, words: list[str]) -> Answer:
    """The one record that a verb prints. Raises Malformed where there are others."""
    said: list[str] = []
    verbs.run(verbs.call(asked, words), said.append, lambda text: None)
    text = "".join(said)
    document = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    if len(document) != 1:
        raise Malformed(f"{len(document)} are meant: name one")
    return json_answer(document[0])


def _many(asked: Asked, words: list[str], values: Mapping[str, list[Any]]) -> Answer:
    listing = Listing(asked, *((values[each.name] or [None])[0] for each in (LIMIT, CURSOR)))
    try:
        verbs.run(verbs.call(asked, words), listing.out, listing.err)
    except Enough:
        pass
    except NotFound as error:
        # Of several, some lack what is asked for: a verb tells the others before it says so.
        if not listing.begun:
            raise
        listing.err(f"{error}\n")
    return listing.finished()


def _spelled(option: click.Option, values: list[Any]) -> Iterator[str]:
    long = next(name for name in option.opts if name.startswith("--"))
    for value in values:
        if isinstance(value, bool):
            if value:
                yield long
        else:
            yield f"{long}={value}"


@lru_cache
def _options(verb: str) -> dict[str, click.Option]:
    """The options of a verb, by the names of its function's parameters."""
    from clusto_cli.main import main

    command = called(click.Context(main, info_name="clusto"), verb.split()).command
    return {each.name or "": each for each in command.params if isinstance(each, click.Option)}


def _parameter(name: str, option: click.Option) -> Parameter:
    schema: dict[str, Any] = dict(TEXT)
    if option.is_flag or option.count:
        schema = {"type": "boolean"}
    elif isinstance(option.type, click.Choice):
        schema = {"type": "string", "enum": list(option.type.choices)}
    elif isinstance(option.type, click.IntRange):
        schema = {"type": "integer", "minimum": option.type.min or 0, "maximum": option.type.max or 10**9}
    help = (option.help or "").rstrip(".")
    return Parameter(name, schema, help[:1].lower() + help[1:], many=option.multiple)


@lru_cache
def documented(verb: str) -> Schema:
    """The schema of a verb's document, as the package has it."""
    with open(os.path.join(_SCHEMAS, verb.replace(" ", "-") + ".json"), encoding="utf-8") as file:
        schema: dict[str, Any] = json.load(file)
    return {key: value for key, value in schema.items() if key not in ("$schema", "title")}


def schema_of(reading: Reading) -> Schema:
    """The schema of an answer: that of the verb's document, or of its records."""
    whole = documented(reading.verb)
    return dict(whole["items"]) if reading.one else whole
