"""Attributes: a classic key, number and subkey are the same here, and so are types; what cannot be is kept under
`classic.KEY`."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from clusto_core.drivers import Driver
from clusto_core.errors import Malformed
from clusto_core.model import keys
from clusto_core.model.attributes import Key
from clusto_core.secrecy import is_reference, is_secret
from clusto_core.transfer.classic.remarks import Remarks
from clusto_core.transfer.classic.rows import Row
from clusto_core.transfer.documents import attribute_key, value

KEPT = "classic"
"""The key below which what classic clusto alone knows is kept: `classic.driver`, `classic.name`."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_OUTSIDE = re.compile(r"[^\w.:/+-]+")
_ELSEWHERE = {
    ("serialnum", "property"): "serial",
    ("serialnum", None): "serial",
    ("system", "serial"): "serial",
    ("ipmi_mac", None): "bmc.mac",
    ("ipmi_hostname", None): "bmc.host",
    ("ipmi", "mac"): "bmc.mac",
    ("ipmi", "hostname"): "bmc.host",
}
_PROPERTY = "property"
"""The subkey of what a classic driver declares."""


class Attributes:
    """The attributes of one Thing or part, as a transfer object has them."""

    def __init__(self, who: str, kind: type[Driver], remarks: Remarks) -> None:
        self._who = who
        self._kind = kind
        self._remarks = remarks
        self._values: dict[str, list[Any]] = {}

    def add(self, key: str, given: Any) -> None:
        """One value more, as JSON has it; the same one is not there twice."""
        found = self._values.setdefault(key, [])
        if given not in found:
            found.append(given)

    def take(self, key: str) -> list[Any]:
        """The values under a key, which are not there any more."""
        return self._values.pop(key, [])

    def add_row(self, row: Row, given: Any) -> None:
        """The value of a row under its own key."""
        self.add(self._key(row), self._said(row, given))

    def _key(self, row: Row) -> str:
        if row.number is None and (row.key, row.subkey) in _ELSEWHERE:
            return _ELSEWHERE[row.key, row.subkey]
        subkey = None if row.subkey == _PROPERTY else row.subkey
        try:
            key = Key.of(Key(row.key, row.number, subkey))
            if not key.reserved:
                return str(attribute_key(str(key)))
        except Malformed:
            pass
        kept = f"{KEPT}.{_OUTSIDE.sub('-', str(row).replace('#', ':'))[:100]}"
        self._remarks.lose(self._who, "a key that cannot be here", f"{str(row)[:60]!a} is {kept}")
        return kept

    def _said(self, row: Row, given: Any) -> Any:
        if isinstance(given, datetime):
            return {"time": given.astimezone(UTC).isoformat()}
        if given is None:
            return {"json": None}
        if row.type == "json":
            try:
                return {"json": json.loads(given)}
            except ValueError:
                self._remarks.lose(self._who, "no JSON, kept as text", str(row))
        if isinstance(given, str) and _CONTROL.search(given):
            self._remarks.lose(self._who, "control characters are spelled out", str(row))
            return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), given)
        return given

    def plain(self) -> dict[str, Any]:
        """All values by key; what a key with a meaning cannot have is under `classic.KEY`."""
        for text in list(self._values):
            key = Key.parse(text)
            declared = keys.of(key)
            if declared is not None and declared.governs(key, self._kind):
                self._meant(text, declared)
        return {key: found[0] if len(found) == 1 else found for key, found in self._values.items() if found}

    def _meant(self, text: str, declared: keys.Declared) -> None:
        good = [each for each in self._values[text] if _is_read(declared, text, each)]
        good = good if declared.several else good[:1]
        other = [each for each in self._values[text] if each not in good]
        self._values[text] = good
        for each in other:
            kept = f"{KEPT}.{text.replace('#', ':')}"
            self._remarks.lose(self._who, "a value that the key cannot have", f"{text}={str(each)[:60]} is {kept}")
            self.add(kept, each)


def _is_read(declared: keys.Declared, text: str, given: Any) -> bool:
    try:
        found = value(given)
        return declared.grammar.read(found) is not None or (is_reference(found.text) and is_secret(text))
    except Malformed:
        return False
