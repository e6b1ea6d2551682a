"""How a value is written on the command line."""

from __future__ import annotations

from clusto_core.errors import Malformed
from clusto_core.model.attributes import Key, Value, infer, string, structure
from clusto_core.model.reserved import writable


def parse_value(text: str, *, as_json: bool = False, as_string: bool = False) -> Value:
    """What the operator means: `@rack101` a relation, JSON or text where he says so, else what it looks like.

    Raises Malformed.
    """
    if as_string:
        return string(text)
    if as_json:
        import json

        try:
            return structure(json.loads(text))
        except (json.JSONDecodeError, RecursionError) as error:
            raise Malformed(f"not JSON: {error}") from None
    if text.startswith("@") and len(text) > 1:
        return Value("relation", text[1:])
    return infer(text)


def parse_pair(text: str) -> tuple[Key, Value]:
    """`KEY=VALUE`, also `KEY#+=VALUE`. Raises Malformed, for reserved keys too."""
    key, equals, value = text.partition("=")
    if not equals:
        raise Malformed(f"malformed attribute: {text[:60]!r} (write KEY=VALUE)")
    return writable(Key.written(key)), parse_value(value)
