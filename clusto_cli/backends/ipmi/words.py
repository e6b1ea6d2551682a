"""How grave it is what ipmitool tells of sensors and events, by its words (IPMI 2.0, tables 42-2 and 42-3)."""

from __future__ import annotations

import re

from clusto_cli.backends.machine import State

_CODES = {
    "ok": State.OK,
    "ns": State.ABSENT,
    **dict.fromkeys(("nc", "lnc", "unc"), State.WARNING),
    **dict.fromkeys(("cr", "lcr", "ucr", "nr", "lnr", "unr"), State.CRITICAL),
}
"""What a threshold sensor's state is called; ns: no reading."""
_HARMLESS = re.compile(r"(?i)\bno (?:error|fault|failure)|not exceeded")
_WARNING = re.compile(
    r"(?i)non-critical|predictive|degraded|redundancy lost|non-redundant|(?<!un)correctable|throttled|intrusion"
    r"|almost full|log (?:area )?(?:reset|cleared)"
)
_CRITICAL = re.compile(
    r"(?i)critical|non-recoverable|fail|fault|\berror|\blost\b|uncorrectable|parity|thermal trip|\bierr\b|exceeded"
    r"|out.of.range|machine check|interlock|fatal"
)


def of_code(code: str) -> State:
    """The state that a sensor's code is: `ok`, `ucr`, `ns`."""
    return _CODES.get(code, State.UNKNOWN)


def of_words(words: str) -> State:
    """What discrete states, or an event, come to: the gravest of `Presence detected, Failure detected`."""
    states = {_of_one(each) for each in words.split(",")}
    return State.CRITICAL if State.CRITICAL in states else State.WARNING if State.WARNING in states else State.OK


def _of_one(words: str) -> State:
    if _HARMLESS.search(words):
        return State.OK
    return State.WARNING if _WARNING.search(words) else State.CRITICAL if _CRITICAL.search(words) else State.OK
