"""The JSON that verbs print, as JSON Schema: writes docs/schemas/VERB.json and the page docs/json.md.

Each verb's document is a list of objects. A key that ends in `?` is there in some cases only, which its words say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "schemas"
PAGE = Path(__file__).parent / "json.md"

Schema = dict[str, Any]
Fields = dict[str, tuple[Schema, str]]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
ANY: Schema = {}


def none_or(schema: Schema) -> Schema:
    """What may be null."""
    return {**schema, "type": [schema["type"], "null"]}


def several(schema: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": schema}


def record(fields: Fields) -> Schema:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "properties": {key.rstrip("?"): {**schema, "description": words} for key, (schema, words) in fields.items()},
        "required": [key for key in fields if not key.endswith("?")],
        "additionalProperties": False,
    }


def one_of(words: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": words.split()}


NAME = (TEXT, "the Thing or part")
DRIVER = (TEXT, "its driver")
TOLD = several(record({"name": (TEXT, "the Thing"), "text": (TEXT, "what there is to say of it")}))
KINDS = "network position power console patch"
VALUE: Fields = {
    "key": (TEXT, "the key, with its number and subkey"),
    "value": (ANY, "numbers, booleans and structures as such, all else as text; what is secret as `****`"),
    "type": (one_of("string integer float boolean datetime relation json"), "the type of the value"),
}
MEMBER: Fields = {
    "name": (TEXT, "the machine; NAME? is a member that the inventory does not have"),
    "service": (TEXT, "the service"),
    "vip": (TEXT, "the VIP before it"),
    "balancer": (TEXT, "the load balancer"),
    "backend": (TEXT, "what the balancer calls the pool"),
    "rotation": (
        {"type": ["string", "null"], "enum": ["ready", "drain", "maint", "unknown", None]},
        "whether it is given sessions; null where it is no member",
    ),
    "address": (none_or(TEXT), "where requests to it go"),
    "port": (none_or(WHOLE), "the port"),
    "weight": (none_or(WHOLE), "its share"),
    "sessions": (none_or(WHOLE), "how many it has; null where nobody counts them"),
    "health": (
        {"type": ["string", "null"], "enum": ["up", "down", "unknown", None]},
        "what the balancer's checks say",
    ),
    "said": (none_or(TEXT), "the balancer's own words"),
}
MEMBER_DONE: Fields = {
    **MEMBER,
    "done": (FLAG, "all that was asked for was done, and read back"),
    "refused": (FLAG, "it was not begun"),
    "failure": (none_or(TEXT), "why not"),
}
FROM = (TEXT, "the Thing whose attribute it is")
CABLED: Fields = {
    "to": (none_or(TEXT), "the Thing at the far end"),
    "to_part": (none_or(TEXT), "its part there"),
    "via": (several(TEXT), "ports of patch panels on the way, nearest first"),
}
AMOUNT: Fields = {
    "total": (none_or(NUMBER), "how much there is; null where nobody said it"),
    "used": (NUMBER, "how much is used"),
    "reserved": (NUMBER, "how much is reserved and not used"),
    "free": (none_or(NUMBER), "what is left"),
}
RESERVED: Fields = {
    "until": (TEXT, "the time at which it ends, UTC"),
    "for": (none_or(TEXT), "what for"),
    "by": (TEXT, "who reserved it"),
    "over": (FLAG, "whether that time has come"),
}
MEMBERS: Fields = {
    "name": (TEXT, "the category, or with names of categories the member"),
    "members?": (WHOLE, "how many are in it"),
    "driver?": (TEXT, "the driver of a member"),
}
ADDRESS: Fields = {
    "address": (TEXT, "the address"),
    "vrf": (none_or(TEXT), "its address space, where that has a name"),
    "shared": (none_or(TEXT), "as what it is shared: vrrp, anycast..."),
}
COUNT = (WHOLE, "how many")
FEED: Fields = {
    "inlet": (none_or(TEXT), "the inlet that is fed"),
    "outlet": (TEXT, "the outlet as a part: pdu3:7"),
    "device": (TEXT, "the PDU or controller that is asked"),
    "number": (TEXT, "the outlet as the device calls it"),
    "feeder": (none_or(TEXT), "the inlet of the device that the outlet hangs on"),
    "label": (none_or(TEXT), "what the device has as its label"),
    "before": (none_or(TEXT), "its state before"),
    "state": (TEXT, "its state"),
    "warnings": (several(TEXT), "what the device warns of"),
    "asked": (FLAG, "whether it was told something"),
    "acknowledged": (FLAG, "whether the device said yes"),
    "verified": (FLAG, "whether it was read back"),
    "seconds": (none_or(NUMBER), "how long that took"),
    "failure": (none_or(TEXT), "what went wrong"),
}
LOAD: Fields = {
    "inlet": (none_or(TEXT), "the inlet"),
    "leg": (TEXT, "the leg, where recorded"),
    "outlets": (WHOLE, "how many outlets hang on it"),
    "used": (WHOLE, "how many of them feed something"),
    "planned": (NUMBER, "watts drawn, as recorded"),
    "maximum": (NUMBER, "watts drawn at most, as recorded"),
    "unknown": (WHOLE, "of how many in use nothing is recorded"),
}
NOBODY = none_or(TEXT)
NOTES = (several(TEXT), "what else there is to say")
FAILURES = (several(TEXT), "what went wrong")
REFUSED = (FLAG, "refused before anything was sent")
POWER: Fields = {
    "name": NAME,
    "action": (TEXT, "what was asked for"),
    "dry_run?": ({"const": True}, "with --dry-run: nothing was sent; then there are steps instead of what was done"),
    "state": (TEXT, "on, off, mixed, unknown"),
    "done?": (FLAG, "done, and read back"),
    "refused": REFUSED,
    "asked?": (FLAG, "whether anything was sent"),
    "seconds?": (NUMBER, "how long it took"),
    "feeds?": (several(record(FEED)), "each feed"),
    "steps?": (
        several(record({"outlet": FEED["outlet"], "where": (TEXT, "the variable"), "what": (TEXT, "its new value")})),
        "what would be sent, in this order",
    ),
    "notes": NOTES,
    "failures": FAILURES,
}
MEASURED: Fields = {
    "of": (one_of("inlet phase bank outlet"), "of what"),
    "name": (TEXT, "how it is called"),
    "state": (none_or(TEXT), "what the device itself says of the load: ok, low, near, over, or its words"),
    "notes": (several(TEXT), "what the device says that cannot be"),
    "watts?": (NUMBER, "active power"),
    "volt_amperes?": (NUMBER, "apparent power"),
    "amperes?": (NUMBER, "current"),
    "volts?": (NUMBER, "voltage"),
    "power_factor?": (NUMBER, "1 at most"),
    "kilowatt_hours?": (NUMBER, "energy since its counter was last reset"),
    "limit_amperes?": (NUMBER, "what the device takes for an overload"),
    "warn_amperes?": (NUMBER, "what it takes for nearly one"),
    "limit_watts?": (NUMBER, "what it takes for an overload"),
}
DRAWN: Fields = {
    "watts": (none_or(NUMBER), "the load, as far as it is known"),
    "exact": (FLAG, "whether that was measured, and not made of amperes and volts"),
}
LIMIT = (none_or(NUMBER), "what it may carry: the least of what the devices and the inventory (rating) say")
MOVED: Fields = {
    "name": (TEXT, "the NIC"),
    "switch": (TEXT, "the switch"),
    "port": (none_or(TEXT), "its port"),
    "vlan": (none_or(WHOLE), "the VLAN that it is in"),
    "before": (none_or(WHOLE), "the VLAN that it was in"),
    "status": (TEXT, "moved, unchanged, planned, refused, failed..."),
    "message": (none_or(TEXT), "what went wrong, or is to be known"),
    "unsaved": (none_or(TEXT), "why the switch did not save it"),
}
MOMENT = (TEXT, "a moment, ISO 8601 in UTC")
STEP: Fields = {
    "name": NAME,
    "where": (TEXT, "the file, the outlet, the controller"),
    "what": (TEXT, "what would be done there"),
}
CHECK: Fields = {
    "topic": (TEXT, "mac, recipe, power, console..."),
    "ok": (none_or(FLAG), "null where there is nothing to check"),
    "text": (TEXT, "what was found"),
    "device": (FLAG, "whether a device stands against it"),
}
TAKEN: Fields = {
    "key": (TEXT, "the setting"),
    "value": (TEXT, "what it is, a secret as `****`"),
    "origin": (none_or(TEXT), "the Thing whose attribute it is, null for the recipe's default"),
}
EVENT: Fields = {
    "time": MOMENT,
    "source": (TEXT, "clusto, call-back, console, probe"),
    "event": (TEXT, "what was heard"),
    "message": (none_or(TEXT), "with which words"),
}
TREE: Fields = {
    "name": NAME,
    "driver": DRIVER,
    "position?": (TEXT, "the rack units that it is in"),
    "contains": (several({"$ref": "#/$defs/tree"}), "what is in it"),
}

REBUILD: Fields = {
    "name": NAME,
    "rebuild?": (WHOLE, "the number of the rebuild"),
    "phase?": (TEXT, "how far it is"),
    "done?": (FLAG, "an outcome: installed, and up"),
    "refused?": REFUSED,
    "began?": MOMENT,
    "ended?": ({"type": ["string", "boolean"]}, "an outcome: when; --status: whether"),
    "seconds?": (NUMBER, "how long it took"),
    "confirmed?": (several(TEXT), "who said that it is up"),
    "missing?": (several(TEXT), "who did not"),
    "failures?": FAILURES,
    "notes?": NOTES,
    "console?": (several(TEXT), "the last lines of its console"),
    "alive?": (FLAG, "--status: whether a command performs it"),
    "changed?": MOMENT,
    "who?": (TEXT, "--status: who began it"),
    "installs?": (none_or(TEXT), "--status: the operating system"),
    "events?": (several(record(EVENT)), "--status: what was heard"),
    "files?": (
        several(
            record(
                {"path": (TEXT, "below the boot directory"), "when": (TEXT, "install, local"), "content": (TEXT, "")}
            )
        ),
        "--show: the boot files and answers",
    ),
    "dry_run?": ({"const": True}, "--dry-run: nothing was changed"),
    "steps?": (several(record(STEP)), "--dry-run: what would be done, in this order"),
    "checks?": (several(record(CHECK)), "--dry-run: the preflight"),
    "took?": (several(record(TAKEN)), "--dry-run: the settings that it goes by"),
}
CONSOLE: Fields = {
    "name": (TEXT, "the machine, or with --list the port"),
    "kind?": (TEXT, "cable, setting, bmc, hypervisor"),
    "way?": (TEXT, "the way to its console, in words"),
    "why?": (none_or(TEXT), "why that one"),
    "path?": (several(TEXT), "the parts on the way"),
    "profile?": (TEXT, "the profile of the console server"),
    "method?": (TEXT, "the method of the profile"),
    "confidence?": (TEXT, "how well that is known"),
    "command?": (none_or(TEXT), "the program that attaches"),
    "argv?": (none_or({"type": "array", "items": TEXT}), "its command line"),
    "outcome?": (TEXT, "of a script: done, busy, not expected..."),
    "error?": (none_or(TEXT), "of a script: why it ended"),
    "seconds?": (NUMBER, "of a script: how long it took"),
    "transcript?": (TEXT, "of a script: what was read"),
    "truncated?": (FLAG, "of a script: whether the beginning was left out"),
    "state?": (none_or(TEXT), "--check: answers, silent, busy...; --list: that of the port"),
    "says?": (none_or(TEXT), "--check: the host name that it gave"),
    "message?": (TEXT, "--check: in words"),
    "called?": (none_or(TEXT), "--list: what the server calls the port"),
    "wired?": (none_or(TEXT), "--list: the part at the other end"),
    "users?": (several(TEXT), "--list: who is on it"),
}

TOLD_BY: Fields = {
    "refused": (FLAG, "refused before anything was sent"),
    "failure": (none_or(TEXT), "why the controller did not answer, or did not do it"),
}
PLANNED: Fields = {
    "dry_run?": ({"const": True}, "with --dry-run: nothing was sent"),
    "would?": (TEXT, "with --dry-run: what would be done"),
}
SENSOR: Fields = {
    "name": (TEXT, "what the controller calls it"),
    "kind": (TEXT, "temperature, fan, voltage, current, power, supply, state, system, other"),
    "reading": (none_or(NUMBER), "what it measures"),
    "unit": (TEXT, "in which unit, as Redfish has them (UCUM): Cel, V, W, A, %, RPM"),
    "state": (one_of("ok warning critical absent unknown"), "how it is"),
    "said": (TEXT, "the controller's own words for that"),
}
ENTRY: Fields = {
    "log": (TEXT, "the log"),
    "id": (TEXT, "its number there"),
    "time": (none_or(TEXT), "when, ISO 8601 in UTC; null where the controller's clock was not set"),
    "state": (one_of("ok warning critical absent unknown"), "how grave it is"),
    "text": (TEXT, "what happened"),
}
SLOT = (TEXT, "where it is")
PIECE_MODEL = (none_or(TEXT), "what its maker calls it")
PIECE_SERIAL = (none_or(TEXT), "its serial number")
FACTS: Fields = {
    "vendor": (none_or(TEXT), "who made it"),
    "model": (none_or(TEXT), "what its maker calls it"),
    "serial": (none_or(TEXT), "its serial number"),
    "asset": (none_or(TEXT), "its asset tag"),
    "uuid": (none_or(TEXT), "its UUID"),
    "bios": (none_or(TEXT), "the version of its BIOS"),
    "firmware": (none_or(TEXT), "the version of its controller"),
    "memory_mib": (none_or(WHOLE), "all of its memory, in MiB"),
    "processors": (
        several(
            record(
                {
                    "slot": SLOT,
                    "model": PIECE_MODEL,
                    "cores": (none_or(WHOLE), "how many cores"),
                    "threads": (none_or(WHOLE), "how many threads"),
                    "serial": PIECE_SERIAL,
                }
            )
        ),
        "its processors",
    ),
    "modules": (
        several(
            record(
                {
                    "slot": SLOT,
                    "mib": (none_or(WHOLE), "its size in MiB"),
                    "model": PIECE_MODEL,
                    "serial": PIECE_SERIAL,
                }
            )
        ),
        "its memory modules",
    ),
    "disks": (
        several(
            record(
                {
                    "slot": SLOT,
                    "model": PIECE_MODEL,
                    "serial": PIECE_SERIAL,
                    "octets": (none_or(WHOLE), "its size in octets"),
                    "kind": (none_or(TEXT), "HDD, SSD"),
                }
            )
        ),
        "its disks",
    ),
    "cards": (
        several(
            record(
                {
                    "slot": SLOT,
                    "model": PIECE_MODEL,
                    "serial": PIECE_SERIAL,
                    "ports": (
                        several(
                            record(
                                {
                                    "names": (several(TEXT), "what the controller calls it, the best name first"),
                                    "macs": (several(TEXT), "its addresses"),
                                    "hears": (
                                        {
                                            **record(
                                                {
                                                    "system": (TEXT, "which device"),
                                                    "port": (TEXT, "on which of its ports"),
                                                }
                                            ),
                                            "type": ["object", "null"],
                                        },
                                        "who announces himself there by LLDP",
                                    ),
                                }
                            )
                        ),
                        "its ports",
                    ),
                }
            )
        ),
        "its network cards; ports that are told of without one are in a card without a slot",
    ),
    "bmc_macs": (several(TEXT), "the addresses of the controller itself"),
    "unread": (several(TEXT), "what could not be read, and why"),
}
FINDING: Fields = {
    "kind": (one_of("missing differs gone elsewhere unplaced"), "how the inventory is not as the machine says"),
    "thing": (TEXT, "the machine or its part"),
    "key": (TEXT, "the key"),
    "recorded": (none_or(TEXT), "what the inventory has, or which other Thing has it"),
    "said": ({"type": ["string", "number", "null"]}, "what the machine says"),
}
MACHINE = (TEXT, "the machine")

_INTRODUCTION = """\
# JSON

What `-o json` prints: one document, a list of objects; `-o jsonl` has one of these a line, `-o yaml` the same as YAML.
Each verb has a [JSON Schema](https://json-schema.org/) in `schemas/`, against which the tests hold what it prints. Keys
only ever come to be more. This page and the schemas are generated: `make docs`.

    clusto show server1 -o json | jq '.[0].attributes[] | select(.type == "integer") | .value + 1'
    clusto locate server1 -o json | jq -r '.[] | select(.kind == "power") | .to'
    clusto free rack101 -o json | jq '[.[].runs[].count] | max'
"""
_FIND = """\
The columns of `--columns` by their names (`name` and `driver` without it): one value, several as a list, none as null;
numbers and booleans as such. With `--count` one object with `count`; with `--group-by` the value and its `count`.
"""

RETURNED: Fields = {
    "thing": (TEXT, "the Thing that had it"),
    "kind": (one_of("cables addresses vips pools position name"), "what kind of thing was given back"),
    "holder": (TEXT, "the part that had it, or the Thing itself; the NameRange of a name"),
    "what": (TEXT, "the far end, the address, the grouping, the rack unit or place, the name"),
}
VERBS: dict[str, Fields | None] = {
    "alias": {"name": (TEXT, "the alias"), "command": (TEXT, "what it stands for")},
    "allocate": {"name": NAME, "driver": DRIVER},
    "attr get": {"name": NAME, **VALUE, "from": FROM},
    "batch": {
        "line": (WHOLE, "on which line the command begins, from 1"),
        "command": (TEXT, "the command, as the history tells it"),
        "said": (several(TEXT), "the lines that its verb printed"),
    },
    "bmc boot": {
        "name": MACHINE,
        "device": (none_or(TEXT), "what it boots from: network, disk, default, or the controller's own word"),
        "once": (none_or(FLAG), "whether that is for the next boot only"),
        "code": (none_or(TEXT), "the controller's own words"),
        **TOLD_BY,
        **PLANNED,
    },
    "bmc facts": {
        "name": MACHINE,
        "facts": ({**record(FACTS), "type": ["object", "null"]}, "what it consists of"),
        **TOLD_BY,
        "differences": (several(record(FINDING)), "--check, --learn: what is not recorded as it is"),
        "written": (several(record(FINDING)), "--learn: what was written"),
    },
    "bmc firmware": {
        "name": MACHINE,
        "components": (
            several(record({"name": (TEXT, "the component"), "version": (TEXT, "empty where it is not told")})),
            "the firmware that is in force",
        ),
        **TOLD_BY,
    },
    "bmc identify": {
        "name": MACHINE,
        "light": (none_or(FLAG), "whether the light is on; null where the controller does not tell"),
        **TOLD_BY,
    },
    "bmc log": {
        "name": MACHINE,
        "entries": (several(record(ENTRY)), "the events, oldest first"),
        "cleared": (FLAG, "whether they were taken out of the log"),
        **TOLD_BY,
    },
    "bmc reset": {
        "name": MACHINE,
        "verified": (FLAG, "whether the controller was seen to start anew"),
        "seconds": (none_or(NUMBER), "how long it took until it answered again"),
        **TOLD_BY,
        **PLANNED,
    },
    "bmc sensors": {"name": MACHINE, "sensors": (several(record(SENSOR)), "its sensors"), **TOLD_BY},
    "capacity": {
        "name": NAME,
        "driver": DRIVER,
        "units": (record(AMOUNT), "rack units"),
        "runs": (several(WHOLE), "the heights of the runs of free rack units, the highest first"),
        "watts": (
            record(
                {
                    "limit": (none_or(NUMBER), "what may be drawn; null where nobody said it"),
                    "used": (NUMBER, "what is drawn as planned, else at most, else as measured"),
                    "nameplate": (NUMBER, "what is drawn at most"),
                    "measured": (NUMBER, "what was found to be drawn"),
                    "free": (none_or(NUMBER), "what may be drawn besides"),
                    "unknown": (WHOLE, "how many devices with inlets say nothing"),
                }
            ),
            "power",
        ),
        "feeds": (record(AMOUNT), "different feeds of PDUs; used are those without a free outlet"),
        "outlets": (record(AMOUNT), "outlets of PDUs"),
        "ports": (record(AMOUNT), "ports of switches"),
        "addresses": (record(AMOUNT), "addresses of Networks; those that are kept count as reserved"),
        "weight": (record(AMOUNT), "kg"),
        "depth": (none_or(NUMBER), "mm"),
    },
    "class list": MEMBERS,
    "config": {
        "kind": (TEXT, "command, network, path..."),
        "name": (TEXT, "the key or format that it is about"),
        "value": (several(TEXT), "what is allowed"),
        "always": (FLAG, "whether that is so without a line in the configuration"),
    },
    "console": CONSOLE,
    "find": None,
    "deallocate": RETURNED,
    "free": {
        "name": (TEXT, "the Thing"),
        "kind": (TEXT, "port, outlet, ru... as in --parts, or address"),
        "joins": (one_of(f"{KINDS} address"), "the kind of connection that these are for"),
        "count": (NUMBER, "how many; of rack units perhaps some and a half"),
        "runs": (
            several(
                record(
                    {
                        "first": (TEXT, "the first"),
                        "last": (TEXT, "the last"),
                        "count": (NUMBER, "how many; of rack units perhaps some and a half"),
                    }
                )
            ),
            "those without a gap between them",
        ),
    },
    "ip list": {
        **ADDRESS,
        "name": (none_or(TEXT), "what holds it; null with --free, where address is the first of a span"),
        "last?": (TEXT, "with --free: the last address of the span"),
        "count?": (WHOLE, "with --free: how many addresses"),
        "network?": (TEXT, "with --free: the Network"),
    },
    "key list": {
        "name": (TEXT, "the key"),
        "type": (TEXT, "the type of its values"),
        "meaning?": (TEXT, "what it means"),
        "on?": (several(TEXT), "the drivers of what may have it"),
        "to?": (TEXT, "the driver of what a relation names"),
        "unit?": (TEXT, "of numbers"),
        "cooldown?": (NUMBER, "of a table: for how many seconds a number that was taken out is not given again"),
        "low?": (NUMBER, "of numbers: the least"),
        "high?": (NUMBER, "of numbers: the greatest"),
        "regex?": (TEXT, "of text: what the whole of it matches"),
        "choices?": (several(TEXT), "the values that it may have"),
        "many?": (FLAG, "whether a Thing may have several values"),
        "unique?": (FLAG, "whether no two Things may have one value"),
        "required?": (FLAG, "whether each of these Things must have it"),
        "no_inherit?": (FLAG, "whether it is not in force for what is in a Thing"),
        "open?": (FLAG, "whether a choice takes other words too"),
    },
    "check": {
        "name": (TEXT, "the Thing or part that breaks the policy"),
        "driver": (TEXT, "its driver"),
        "policy": (TEXT, "the policy"),
        "level": (one_of("error warning"), "the policy's level: errors alone are a failure"),
        "message": (TEXT, "how it breaks it"),
        "known": (FLAG, "whether it does: false of a switch that had to be asked and did not say"),
    },
    "policy list": {
        "name": (TEXT, "the policy"),
        "level": (one_of("error warning"), "whether `clusto check` fails of it"),
        "enforced": (FLAG, "whether no change may break it anew"),
        "never": (none_or(TEXT), "the expression that nothing may satisfy; null for one of clusto's own checks"),
        "check": (none_or(TEXT), "which of clusto's own checks it is"),
        "among": (none_or(TEXT), "of which Things clusto's own check is, an expression; null for all"),
        "say": (none_or(TEXT), "what is told of a Thing that breaks it"),
    },
    "locate": {
        **{f"{key}?": said for key, said in ADDRESS.items()},
        "name": NAME,
        "kind": (one_of(f"{KINDS} in none"), "what joins it; in: it was put there; none: nothing does"),
        "part": (none_or(TEXT), "the part of it that is joined"),
        **CABLED,
        "half": (none_or(TEXT), "of a rack unit: lower or upper, where it takes one"),
        "face": (none_or(TEXT), "of a rack unit: front or rear, where it takes one"),
    },
    "log": {
        "transaction": (WHOLE, "its number"),
        "time": MOMENT,
        "user": (TEXT, "who, as the program says"),
        "host": (TEXT, "on which computer"),
        "database_user": (none_or(TEXT), "who, as the database knows"),
        "command": (TEXT, "the command line"),
        "message": (none_or(TEXT), "why"),
        "reverts": (none_or(WHOLE), "the transaction that this one undid"),
        "changes?": (
            several(record({"name": NAME, "lines": (several(TEXT), "what changed: + and -")})),
            "with -p: what changed",
        ),
        "left_out?": (WHOLE, "from a server: how many Things it changed besides"),
    },
    "move": {
        "name": (TEXT, "the part of what was moved"),
        "other": (TEXT, "the part that its cable leads or led to"),
        "cable": (one_of("still disconnected connected"), "whether it still leads to the old rack, or was changed"),
    },
    "blame": {
        "name": NAME,
        "kind": (one_of("thing part attribute cable"), "what it is"),
        "what": (TEXT, "in words: status=broken"),
        "transaction": (none_or(WHOLE), "whose it is; null where the history does not say"),
        "time": (none_or(TEXT), "its moment, ISO 8601 in UTC"),
        "user": (none_or(TEXT), "who, as the program says"),
        "command": (none_or(TEXT), "the command line"),
        "message": (none_or(TEXT), "why"),
    },
    "discover": {
        "name": (TEXT, "whom it is about: each object is one of the transfer format, which `clusto import` takes"),
        "driver?": (TEXT, "of what is new: its driver"),
        "in?": (several(TEXT), "of what is new: the place that it is in"),
        "parts?": (ANY, "of what is new: the names of its parts, by their kind"),
        "ip?": (several(TEXT), "of what is new: its addresses"),
        "attrs?": (ANY, "values by their keys"),
        "connect?": (ANY, "by the name of a part, what it is connected to"),
        "part_attrs?": (ANY, "by the name of a part, values by their keys"),
        "evidence": (ANY, "in the same shape: of each line `confidence` (possible, likely, sure) and `seen`, by what"),
    },
    "diff": {
        "name": (TEXT, "the Thing, as it is called at B, or was at A"),
        "status": (one_of("added removed changed"), "what became of it"),
        "removed": (several(TEXT), "what is so at A alone"),
        "added": (several(TEXT), "what is so at B alone"),
    },
    "name list": {
        "name": (TEXT, "the name"),
        "range": (TEXT, "the NameRange"),
        "used": (FLAG, "whether a Thing has it"),
        "owner": (none_or(TEXT), "what it was given to, or what is called so"),
    },
    "network ports": {
        "name": (none_or(TEXT), "the part"),
        "port": (TEXT, "the port as the switch calls it"),
        "description": (none_or(TEXT), "what the switch has as its description"),
        "state": (TEXT, "its VLANs in words"),
        "mode": (none_or(TEXT), "access, trunk..."),
        "pvid": (none_or(WHOLE), "its untagged VLAN"),
        "tagged": (several(WHOLE), "its tagged VLANs"),
        "lag": (none_or(TEXT), "the LAG that it is in"),
        "link": (none_or(FLAG), "whether it is up"),
        "macs": (several(TEXT), "addresses that were learned there"),
        "seen": (several(TEXT), "the NICs that have these"),
        "neighbours": (several(TEXT), "what LLDP tells"),
        "wired": (none_or(TEXT), "the part at the other end, as recorded"),
    },
    "network setvlan": MOVED,
    "network undo": MOVED,
    "network verify": {
        "name": (TEXT, "the NIC"),
        "port": (TEXT, "the port that it is recorded on"),
        "status": (TEXT, "confirmed, contradicted, not seen..."),
        "how": (none_or(TEXT), "by what"),
        "seen_on": (none_or(TEXT), "where it was seen"),
    },
    "network vlan": {
        "name": (TEXT, "the NIC"),
        "switch": (TEXT, "the switch"),
        "port": (none_or(TEXT), "its port"),
        "inventory": (none_or(WHOLE), "the VLAN that is recorded"),
        "on_switch": (none_or(WHOLE), "the VLAN that it is in"),
        "vlan_name": (none_or(TEXT), "the VLAN's name"),
        "state": (none_or(TEXT), "in words"),
        "differs": (FLAG, "whether the two differ"),
        "error": (none_or(TEXT), "what went wrong"),
    },
    "pool list": MEMBERS,
    "power cycle": POWER,
    "power feed cycle": POWER,
    "power impact": {
        "name": NAME,
        "dark": (FLAG, "whether it loses all its feeds"),
        "loses": (several(TEXT), "outlets that it loses"),
        "keeps": (several(TEXT), "outlets that it keeps"),
        "legs": (ANY, "by the outlets: the leg that each is on, where recorded"),
        "draws": (ANY, "by the outlets: the watts drawn from each, where recorded"),
    },
    "power load": {
        "name": NAME,
        "kind": (one_of("rack pdu thing"), "what it is"),
        "time": MOMENT,
        **DRAWN,
        "partial": (FLAG, "whether something of it is not known"),
        "feeds": (
            several(
                record(
                    {
                        "feed": (TEXT, "the letter, or the PDU"),
                        **DRAWN,
                        "limit_watts": LIMIT,
                        "partial": (FLAG, "whether the load of some PDU is not known"),
                        "pdus": (several(TEXT), "the PDUs on it"),
                        "fails": (
                            none_or(
                                record(
                                    {
                                        "feed": (TEXT, "the other feed"),
                                        "watts": (NUMBER, "what this one carries then"),
                                        "over": (none_or({"type": "boolean"}), "whether that is more than it may"),
                                    }
                                )
                            ),
                            "what happens when the worst other feed fails",
                        ),
                        "alone": (several(TEXT), "what hangs on no other feed, and goes dark with it"),
                    }
                )
            ),
            "of a rack: its feeds",
        ),
        "points": (
            several(
                record(
                    {
                        "inlet": (none_or(TEXT), "the inlet that is fed"),
                        "outlet": (TEXT, "the outlet as a part: pdu3:7"),
                        "pdu": (TEXT, "whose it is"),
                        **DRAWN,
                        "measured": (none_or(record(MEASURED)), "what the PDU says of it"),
                        "failure": (none_or(TEXT), "why it is not known"),
                    }
                )
            ),
            "of a Thing: what it hangs on",
        ),
        "pdus": (
            several(
                record(
                    {
                        "name": (TEXT, "the PDU"),
                        **DRAWN,
                        "limit_watts": LIMIT,
                        "kilowatt_hours": (none_or(NUMBER), "energy since its counters were last reset"),
                        "states": (several(TEXT), "what is not as it should be, as it judges itself"),
                        "loads": (several(record(MEASURED)), "all that it measures"),
                        "failure": (none_or(TEXT), "why nothing is known of it"),
                    }
                )
            ),
            "of a rack or a PDU: what is measured",
        ),
        "notes": NOTES,
        "failures": FAILURES,
    },
    "power off": POWER,
    "power on": POWER,
    "power outlets": {
        "name": (TEXT, "the outlet as the device calls it"),
        "state": (none_or(TEXT), "its state"),
        "label": (none_or(TEXT), "its label on the device"),
        "warnings": (several(TEXT), "what the device warns of"),
        "part": (none_or(TEXT), "the outlet in the inventory"),
        "feeds": (several(TEXT), "the inlets that it feeds"),
        "difference": (none_or(TEXT), "where the two differ"),
    },
    "power profiles": {
        "name": (TEXT, "the profile"),
        "vendor": (TEXT, "who makes such PDUs"),
        "family": (TEXT, "which they are"),
        "measures": (several(one_of("inlet phase bank outlet")), "what `power load` is told of"),
        "load_source": (none_or(TEXT), "where units and scales of that are from"),
    },
    "power revert": POWER,
    "power status": POWER,
    "power trust": {
        "name": NAME,
        "status": (TEXT, "pinned, known, changed, failed"),
        "fingerprint": (none_or(TEXT), "of the certificate that was shown"),
        "before": (none_or(TEXT), "the one that was pinned"),
        "certificate": (none_or(TEXT), "whose it says it is"),
        "failure": (none_or(TEXT), "what went wrong"),
    },
    "query list": {"name": (TEXT, "the name"), "expression": (TEXT, "the expression")},
    "rebuild": REBUILD,
    "rebuild recipes": {"name": (TEXT, "the recipe"), "title": (TEXT, "the operating system")},
    "replace": {
        "name": (TEXT, "the port, by its name afterwards"),
        "other": (none_or(TEXT), "the far end of its cable; null for one that stays with the old device"),
        "moved": (FLAG, "whether the cable is the new device's"),
    },
    "retire": RETURNED,
    "reservations": {"name": NAME, "driver": DRIVER, **RESERVED},
    "role check": {
        "name": (TEXT, "the machine"),
        "role": (TEXT, "the role"),
        "lacks": (several(TEXT), "the classes that it lacks"),
    },
    "role list": MEMBERS,
    "serve token list": {
        "name": (TEXT, "the token"),
        "role": (one_of("reader writer"), "whether it may change things"),
        "made": MOMENT,
        "by": (TEXT, "who made it"),
        "where": (none_or(TEXT), "the expression that selects all that it sees; null for everything"),
    },
    "service apply": MEMBER_DONE,
    "service drain": MEMBER_DONE,
    "service list": {
        "service": (TEXT, "the service"),
        "name": (TEXT, "the machine"),
        "port": (none_or({"type": "integer"}), "its port"),
        "vips": (several(TEXT), "the VIPs before it"),
    },
    "service ready": MEMBER_DONE,
    "service status": MEMBER,
    "service verify": {
        "name": (TEXT, "the machine, or what the balancer has that the inventory has not"),
        "service": (TEXT, "the service"),
        "vip": (TEXT, "the VIP"),
        "balancer": (TEXT, "the load balancer"),
        "difference": (TEXT, "how it differs, in words"),
    },
    "service weight": MEMBER_DONE,
    "show": {
        "name": NAME,
        "driver": DRIVER,
        "position": (several(TEXT), "rack units that it is in"),
        "at": (none_or(TEXT), "that in one word, with half and face"),
        "reserved": (none_or(record(RESERVED)), "its reservation"),
        "places": (several(TEXT), "places that it is in, nearest first"),
        "groupings": (several(TEXT), "pools, roles, classes and services that it is in"),
        "addresses": (
            several(record({**ADDRESS, "part": (none_or(TEXT), "the part that holds it")})),
            "addresses of it and its parts",
        ),
        "attributes": (several(record(VALUE)), "its attributes"),
        "inherited": (several(record({**VALUE, "from": FROM})), "what is in force from what it is in"),
        "parts": (
            several(
                record(
                    {
                        "name": (TEXT, "the part"),
                        "driver": DRIVER,
                        **CABLED,
                        "attributes": (several(record(VALUE)), "its attributes"),
                    }
                )
            ),
            "its parts",
        ),
        "members": (several(TEXT), "what was put in it"),
        "power?": (several(record(LOAD)), "of what gives power on: its loads, by inlet and leg"),
        "units?": (
            several(
                record(
                    {
                        "number": (WHOLE, "from the floor"),
                        "name": (none_or(TEXT), "what is in it"),
                        "front": (several(NOBODY), "what is at the front: in its lower half, in its upper half"),
                        "rear": (several(NOBODY), "the same at the rear"),
                    }
                )
            ),
            "of a rack: its units, from the top",
        ),
    },
    "sync": {
        "name": (TEXT, "the source"),
        "in_step?": (FLAG, "whether nothing is left to decide"),
        "transaction?": (none_or(WHOLE), "the number of the change in the history; null where nothing was changed"),
        "objects?": (WHOLE, "how many objects the source has"),
        "changed?": (WHOLE, "how many of them were looked at"),
        "added?": (several(TEXT), "Things that are new"),
        "removed?": (several(TEXT), "Things that were pruned"),
        "gone?": (several(TEXT), "Things that the source has no more"),
        "kept?": (TOLD, "what is otherwise here, and stays"),
        "conflicts?": (TOLD, "what both sides changed"),
        "held?": (TOLD, "what would break a rule"),
        "unknown?": (WHOLE, "how many Things that only another source could bring are not here"),
        "past?": (WHOLE, "how many entries of the source's own history were taken over"),
        "notes?": (several(TEXT), "what the source has to say"),
        "type?": (TEXT, "of --list: what kind of source it is"),
        "where?": (TEXT, "of --list: its address or its file"),
        "schedule?": (none_or(TEXT), "of --list: how often it is to run"),
        "outcome?": (TEXT, "of --status: in step, conflicts, failed or undone"),
        "time?": (none_or(TEXT), "of --status: when it was tried last"),
        "who?": (TEXT, "of --status: by whom"),
        "message?": (none_or(TEXT), "of --status: how it failed"),
        "in_step_since?": (none_or(TEXT), "of --status: when it was taken in last"),
        "counts?": (
            record(
                {
                    "objects": (WHOLE, "what the source has"),
                    "held": (WHOLE, "what is held back"),
                    "kept": (WHOLE, "what is otherwise here"),
                    "gone": (WHOLE, "what the source has no more"),
                }
            ),
            "of --status: how much there is, and how much is left",
        ),
        "left?": (
            record(
                {
                    "held": (TOLD, "why each is held back"),
                    "kept": (TOLD, "what is otherwise here"),
                    "gone": (several(TEXT), "what the source has no more"),
                }
            ),
            "of --status of one source: everything that is left",
        ),
    },
    "trace": {
        "name": (TEXT, "the part"),
        "driver": DRIVER,
        "path": (WHOLE, "which path, from 1"),
        "by": ({"enum": ["cable", "panel", "power", None]}, "what leads to it; null at the beginning of a path"),
    },
    "tree": TREE,
    "vlan list": {"id": (none_or(WHOLE), "its number"), "name": (TEXT, "the VLAN")},
}


def schema(verb: str) -> Schema:
    """The schema of a verb's document."""
    fields = VERBS[verb]
    item: Schema = {"type": "object"} if fields is None else record(fields)
    found: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"clusto {verb} -o json",
        "type": "array",
        "items": item,
    }
    if verb == "tree":
        found["$defs"] = {"tree": item}
    return found


def text(verb: str) -> str:
    """The schema as its file has it."""
    return json.dumps(schema(verb), indent=1) + "\n"


def file_of(verb: str) -> Path:
    """Where the schema of a verb is."""
    return FOLDER / f"{verb.replace(' ', '-')}.json"


def page() -> str:
    """docs/json.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from _INTRODUCTION.splitlines()
    for verb, fields in VERBS.items():
        yield ""
        yield f"## clusto {verb}"
        yield ""
        if fields is None:
            yield from _FIND.splitlines()
            continue
        yield "| key | type | |"
        yield "| --- | --- | --- |"
        yield from _rows(fields)


def _rows(fields: Fields) -> Iterator[str]:
    for key, (kind, words) in fields.items():
        told = f"{words} (not always there)" if key.endswith("?") else words
        yield f"| `{key.rstrip('?')}` | {_kind(kind)} | {told} |"


def _kind(kind: Schema) -> str:
    if "const" in kind:
        return f"`{json.dumps(kind['const'])}`"
    types = kind.get("type", "any")
    told = " or ".join([types] if isinstance(types, str) else types)
    if told.startswith("array"):
        items = kind["items"]
        inside = ", ".join(f"`{key}`" for key in items.get("properties", {}))
        told = told.replace("array", f"list of {{{inside}}}" if inside else f"list of {_kind(items)}s", 1)
    return told.replace("string", "text").replace("boolean", "true or false").replace("list of anys", "list")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for stale in set(FOLDER.iterdir()) - set(map(file_of, VERBS)):
        stale.unlink()
    for verb in VERBS:
        file_of(verb).write_text(text(verb))
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
