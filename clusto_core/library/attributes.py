"""The attributes of a handle as a mapping: those of its own, and those in force."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, overload

from clusto_core.errors import Malformed, NotFound, did_you_mean
from clusto_core.model.attributes import Key, Value, resolve_secret
from clusto_core.model.names import suggest
from clusto_core.model.things import Attribute, Inherited, Thing

if TYPE_CHECKING:
    from clusto_core.library.handle import Handle

T = TypeVar("T")

_parsed = lru_cache(1000)(Key.parse)
_TYPES = {int: "an integer", str: "text", float: "a float", bool: "a boolean"}


class NoSuchKey(NotFound, KeyError):
    """A Thing has nothing under a key; a KeyError too, as mappings raise it."""

    __str__ = Exception.__str__


class Values(Mapping[str, Any]):
    """Values by key, as keys are spelled (`status`, `snmp.community`, `disk#2.size`); reserved keys only when named.

    A value is a str, int, float, bool or datetime (UTC), what JSON decodes to, or, for a relation, the handle of the
    Thing that it names. What a secret refers to (`env:NAME`) is read by `secret` only.
    """

    __slots__ = ("handle",)

    def __init__(self, handle: Handle) -> None:
        self.handle = handle

    @abstractmethod
    def _under(self, key: Key) -> Sequence[Value]: ...

    @abstractmethod
    def records(self) -> list[Attribute]:
        """The attributes as they are recorded: with their types, and reserved ones too."""

    def __getitem__(self, key: str) -> Any:
        """The one value. Raises NoSuchKey without one, Malformed for several (`all` gives them)."""
        found = self._under(_parsed(key))
        if len(found) == 1:
            value = found[0]
            return value.text if value.type == "string" else self._python(value)
        if found:
            raise Malformed(f"{self.handle.name} has {len(found)} values under {key}: ask for all({key!r})")
        raise NoSuchKey(f"{self.handle.name} has no {key}{did_you_mean(suggest(key, list(self)))}")

    @overload
    def one(self, key: str) -> Any: ...
    @overload
    def one(self, key: str, kind: type[T]) -> T: ...
    def one(self, key: str, kind: type[Any] = object) -> Any:
        """The one value, of that Python type. Raises as `[key]` does, Malformed for another type."""
        return self._of(kind, key, self[key])

    @overload
    def all(self, key: str) -> list[Any]: ...
    @overload
    def all(self, key: str, kind: type[T]) -> list[T]: ...
    def all(self, key: str, kind: type[Any] = object) -> list[Any]:
        """All values under a key, none where there are none. Raises Malformed for one of another type than `kind`."""
        return [self._of(kind, key, self._python(value)) for value in self._under(_parsed(key))]

    def lists(self) -> dict[str, list[Any]]:
        """All values by key."""
        found: dict[str, list[Any]] = {}
        for attribute in self.records():
            if not attribute.key.reserved:
                found.setdefault(str(attribute.key), []).append(self._python(attribute.value))
        return found

    def secret(self, key: str) -> str:
        """The one value as text, with what it refers to read now: `env:NAME`, `file:PATH`. Raises NotFound."""
        return resolve_secret(str(self[key]))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and bool(self._under(_parsed(key)))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(str(each.key) for each in self.records() if not each.key.reserved))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        shown = ", ".join(str(each) for each in self.records() if not each.key.reserved)
        return f"<{self.handle.name}: {shown}>"

    def _python(self, value: Value) -> Any:
        if value.ref is None:
            return value.python()
        return self.handle.view.by_id(value.ref)

    def _of(self, kind: type[Any], key: str, value: Any) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, object)):
            is_, wanted = (_TYPES.get(each, f"a {each.__name__}") for each in (type(value), kind))
            raise Malformed(f"{key} of {self.handle.name} is {is_}, not {wanted}")
        return value


class Attributes(Values, MutableMapping[str, Any]):
    """A Thing's own attributes. Inside a change they can be set: a list, tuple or set is several values, a handle a
    relation, a dict JSON (see `as_json` for a list)."""

    __slots__ = ()

    def _under(self, key: Key) -> Sequence[Value]:
        return self.handle.batch.values(self.handle.thing, key)

    def records(self) -> list[Attribute]:
        """See `Values.records`."""
        return list(self.handle.batch.attributes(self.handle.thing))

    def __setitem__(self, key: str, value: object) -> None:
        """Makes the values under a key exactly these. Raises as `Transaction.set_values` does."""
        change = self.handle.writing()
        change.transaction.set_values(self.handle.thing, _parsed(key), [change.value(each) for each in several(value)])

    def __delitem__(self, key: str) -> None:
        """Takes out all values under a key. Raises NoSuchKey."""
        if not self.handle.writing().transaction.delete_values(self.handle.thing, _parsed(key)):
            raise NoSuchKey(f"{self.handle.name} has no {key}")

    def add(self, key: str, *values: object) -> bool:
        """Adds values to those under a key; False when all were there."""
        change = self.handle.writing()
        return change.transaction.add_values(self.handle.thing, _parsed(key), [change.value(each) for each in values])

    def discard(self, key: str, value: object) -> bool:
        """Takes one value out; False when it was not there."""
        change = self.handle.writing()
        return change.transaction.delete_values(self.handle.thing, _parsed(key), change.value(value)) > 0


class InForce(Values):
    """The attributes in force for a Thing: its own, and under each key that it lacks those of the nearest Thing that
    it is in. Reserved keys are not inherited."""

    __slots__ = ()

    def _under(self, key: Key) -> Sequence[Value]:
        return [each.attribute.value for each in self._effective() if each.attribute.key == key]

    def records(self) -> list[Attribute]:
        """See `Values.records`."""
        return [each.attribute for each in self._effective()]

    def origin(self, key: str) -> Handle:
        """What a value comes from: the Thing itself or what it is in. Raises NoSuchKey."""
        wanted = _parsed(key)
        for each in self._effective():
            if each.attribute.key == wanted:
                return self._at(each.origin)
        raise NoSuchKey(f"nothing that {self.handle.name} is in has {key}")

    def _at(self, origin: Thing) -> Handle:
        return self.handle if origin == self.handle.thing else self.handle.batch.handle(origin)

    def _effective(self) -> list[Inherited]:
        with self.handle.view.reading():
            return self.handle.batch.around(self.handle.thing).effective(self.handle.thing)


def several(value: object) -> Sequence[object]:
    """The values that a list, tuple or set stands for, or the one. Raises Malformed for None, which is none."""
    found = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
    if None in found:
        raise Malformed("None is no value: del attrs[key] takes values out, as_json(None) is JSON's null")
    return found
