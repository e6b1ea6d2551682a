"""Reserved keys: what clusto itself keeps about Things. Nobody else writes them, and each has values of one type."""

from __future__ import annotations

from collections.abc import Mapping

from clusto_core.drivers import Driver
from clusto_core.drivers.resources import NameRange, Policy, Query, SiteKey
from clusto_core.errors import Malformed
from clusto_core.model.attributes import Key

GIVEN = Key("_given")
"""Of a NameRange: names that were given out and not freed."""
GIVEN_BACK = Key("_given", None, "back")
"""Of a NameRange: what was given out and came back, each name with the time that it came back at."""
OWNED_NAME = Key("_name")
"""Of a Thing: names of NameRanges that were given out to it."""
RESERVED_UNTIL = Key("_reserved", None, "until")
"""Until when a Thing or part is reserved."""
RESERVED_FOR = Key("_reserved", None, "for")
"""What a Thing or part is reserved for."""
RESERVED_BY = Key("_reserved", None, "by")
"""Who reserved a Thing or part."""
EXPRESSION = Key("_expression")
"""Of a Query: what the saved expression is."""
KEY_DEFINITION = Key("_key")
"""Of a SiteKey: what was declared, as plain data."""
EXPRESSION_NAMES = Key("_expression", None, "names")
"""Of a Query: the Things and parts that the expression names, so that it follows a rename."""
EXPRESSION_GONE = Key("_expression", None, "gone")
"""Of a Query: names in the expression whose Things were removed since: another one that is called so is not meant."""
POLICY = Key("_policy")
"""Of a Policy: what is said of it besides its expression, as plain data."""
BMC_LAST = Key("_bmc", None, "last")
"""What a machine's controller was told last."""
CONSOLE_LAST = Key("_console", None, "last")
"""The last session on a machine's console: user, way, manner, start (seconds since 1970), seconds."""
NETWORK_LAST = Key("_network", None, "last")
"""The last change of a switch port."""
NETWORK_TRIED = Key("_network", None, "tried")
"""The last change for an interface that its switch refused or did not do, unless one was done since."""
OWN = Key("_own")
"""Of what others are in: the keys, by their first word, whose values are its own and not in force for those."""
POWER_LAST = Key("_power", None, "last")
"""The last power action on a Thing or an outlet."""
POWER_PROFILE = Key("_power", None, "profile")
"""What a PDU was recognised as."""
REBUILD_LAST = Key("_rebuild", None, "last")
"""The last rebuild of a machine."""
SWITCH_ORDER = Key("_switch", None, "order")
"""The order of SETs that worked on a switch."""
SWITCH_PROFILE = Key("_switch", None, "profile")
"""What a switch was recognised as."""
SOURCE = "_source"
"""Which object of a source a Thing or part is, by the source's name as the subkey: see `origins`."""
GONE = "_gone"
"""Since when a source has a Thing no more, by the source's name as the subkey."""

TYPES: Mapping[Key, str] = {
    GIVEN: "string",
    GIVEN_BACK: "json",
    OWNED_NAME: "string",
    RESERVED_UNTIL: "datetime",
    RESERVED_FOR: "string",
    RESERVED_BY: "string",
    EXPRESSION: "string",
    KEY_DEFINITION: "json",
    POLICY: "json",
    EXPRESSION_NAMES: "relation",
    EXPRESSION_GONE: "string",
    BMC_LAST: "json",
    CONSOLE_LAST: "json",
    NETWORK_LAST: "json",
    NETWORK_TRIED: "json",
    OWN: "json",
    POWER_LAST: "json",
    POWER_PROFILE: "string",
    REBUILD_LAST: "json",
    SWITCH_ORDER: "string",
    SWITCH_PROFILE: "string",
}
"""The reserved keys but `_in` and `_ip`, which have rules of their own, each with the type of its values."""
FAMILIES: Mapping[str, str] = {SOURCE: "string", GONE: "datetime"}
"""Reserved keys with whatever subkey, each with the type of its values."""
HOLDERS: Mapping[Key, type[Driver]] = {
    GIVEN: NameRange,
    GIVEN_BACK: NameRange,
    EXPRESSION: Query,
    EXPRESSION_NAMES: Query,
    EXPRESSION_GONE: Query,
    KEY_DEFINITION: SiteKey,
    POLICY: Policy,
}
"""What has values under them, where that is of one kind."""


def writable(key: Key) -> Key:
    """The key itself. Raises Malformed for those that only clusto's own verbs write."""
    if key.reserved:
        raise Malformed(f"{key} is written by clusto's own verbs only (put and take, ip)")
    return key


def type_of(key: Key) -> str:
    """The type of the values under a reserved key. Raises Malformed for a key that is not one of them."""
    if key.number is None and key.subkey is not None and key.key in FAMILIES:
        return FAMILIES[key.key]
    if key not in TYPES:
        known = ", ".join((*map(str, TYPES), *(f"{family}.NAME" for family in FAMILIES)))
        raise Malformed(f"clusto keeps nothing under the reserved key {key} (known: {known})")
    return TYPES[key]
