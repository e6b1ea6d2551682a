"""The attributes of a handle as a mapping: those of its own, and those in force."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from clusto_core.errors import Malformed, NotFound, Refused, did_you_mean
from clusto_core.inventory import Transaction
from clusto_core.library.batch import Batch
from clusto_core.model.attributes import Key, Value
from clusto_core.model.things import Attribute, Inherited, Thing
from clusto_core.spelling import suggest

T = TypeVar("T")

_parsed = lru_cache(1000)(Key.pattern)
_TYPES = {int: "an integer", str: "text", float: "a float", bool: "a boolean"}


class NoSuchKey(NotFound, KeyError):
    """A Thing has nothing under a key; a KeyError too, as mappings raise it."""

    __str__ = Exception.__str__


class Holder(Protocol):
    """What has attributes: a handle."""

    thing: Thing
    batch: Batch

    def writing(self) -> Transaction:
        """The transaction in which it is changed. Raises Refused."""

    def at(self, thing: Thing) -> Self:
        """The handle of something that was come upon from here."""

    def value(self, value: Any) -> Any:
        """A value as a transaction takes it: a handle is a relation to its Thing."""


H = TypeVar("H", bound=Holder)


class Values(Mapping[str, Any], Generic[H]):
    """Values by key, as keys are spelled (`status`, `snmp.community`, `disk#2.size`); reserved keys only when named.

    A value is a str, int, float, bool or datetime (UTC), what JSON decodes to, or, for a relation, the handle of the
    Thing that it names. What a secret refers to (`env:NAME`) is read by `secret` only.
    """

    __slots__ = ("handle",)

    def __init__(self, handle: H) -> None:
        self.handle = handle

    @property
    def _name(self) -> str:
        return self.handle.thing.name

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
            raise Malformed(f"{self._name} has {len(found)} values under {key}: ask for all({key!r})")
        raise NoSuchKey(f"{self._name} has no {key}{did_you_mean(suggest(key, list(self)))}")

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

    def table(self, key: str) -> dict[int, dict[str, list[Any]]]:
        """What is under the numbers of a key: values by number and subkey ("" without one), as `disk#0.serial` is."""
        found: dict[int, dict[str, list[Any]]] = {}
        for attribute in self.records():
            name, number, subkey = attribute.key
            if name == key and number is not None:
                found.setdefault(number, {}).setdefault(subkey or "", []).append(self._python(attribute.value))
        return dict(sorted(found.items()))

    def lists(self) -> dict[str, list[Any]]:
        """All values by key."""
        found: dict[str, list[Any]] = {}
        for attribute in self.records():
            if not attribute.key.reserved:
                found.setdefault(str(attribute.key), []).append(self._python(attribute.value))
        return found

    def secret(self, key: str) -> str:
        """The one value as text, with what it refers to read now: `secret:NAME`, `env:NAME`, `file:PATH`.

        Raises NotFound, and Refused for what the operator's configuration does not allow, and under a key that holds
        no secrets. Where it may be sent is for the caller to say.
        """
        from clusto_core.boundary import permissions, references
        from clusto_core.secrecy import is_reference

        text = str(self[key])
        if not is_reference(text):
            return text
        if not _parsed(key).secret:
            raise Refused(f"{key} of {self._name} refers to a secret, and only keys that hold secrets may")
        return references.resolve(text, f"{key} of {self._name}", permissions.in_force())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and bool(self._under(_parsed(key)))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(str(each.key) for each in self.records() if not each.key.reserved))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        shown = ", ".join(str(each) for each in self.records() if not each.key.reserved)
        return f"<{self._name}: {shown}>"

    def _python(self, value: Value) -> Any:
        if value.ref is None:
            return value.python()
        with self.handle.batch.source.reading() as reader:
            return self.handle.at(reader.by_ids([value.ref])[value.ref])

    def _of(self, kind: type[Any], key: str, value: Any) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, object)):
            is_, wanted = (_TYPES.get(each, f"a {each.__name__}") for each in (type(value), kind))
            raise Malformed(f"{key} of {self._name} is {is_}, not {wanted}")
        return value


class Attributes(Values[H], MutableMapping[str, Any]):
    """A Thing's own attributes. Inside a change they can be set: a list, tuple or set is several values, a handle a
    relation, a dict JSON (see `as_json` for a list)."""

    __slots__ = ()

    def _under(self, key: Key) -> Sequence[Value]:
        if key.is_pattern:
            return [each.value for each in self.records() if key.covers(each.key)]
        return self.handle.batch.values(self.handle.thing, key)

    def records(self) -> list[Attribute]:
        """See `Values.records`."""
        return list(self.handle.batch.attributes(self.handle.thing))

    def __setitem__(self, key: str, value: Any) -> None:
        """Makes the values under a key exactly these. Raises Malformed for keys and values that cannot be and for
        reserved keys."""
        self.handle.writing().set_values(self.handle.thing, key, self._given(several(value)))

    def __delitem__(self, key: str) -> None:
        """Takes out all values under a key. Raises NoSuchKey."""
        if key not in self:
            raise NoSuchKey(f"{self._name} has no {key}")
        self.handle.writing().delete_values(self.handle.thing, key)

    def add(self, key: str, *values: Any) -> bool:
        """Adds values to those under a key; False when all were there. Raises as `[key] = ...` does."""
        return self.handle.writing().add_values(self.handle.thing, key, self._given(values))

    def append(self, key: str, values: Mapping[str, Any]) -> int:
        """Gives values by their subkeys ("" for none) the next number under a key; gives the number. Raises as
        `[key] = ...` does."""
        change = self.handle.writing()
        number = change.next_number(self.handle.thing, key)
        for subkey, value in values.items():
            self[str(Key(key, number, subkey or None))] = value
        return number

    def discard(self, key: str, value: Any) -> bool:
        """Takes one value out; False when it was not there."""
        try:
            return self.handle.writing().delete_values(self.handle.thing, key, *self._given([value])) > 0
        except NotFound:
            return False

    def _given(self, values: Sequence[Any]) -> list[Any]:
        return [self.handle.value(each) for each in values]


class InForce(Values[H]):
    """The attributes in force for a Thing: its own, and under each key that it lacks those of the nearest Thing that
    it is in. Reserved keys are not inherited."""

    __slots__ = ()

    def _under(self, key: Key) -> Sequence[Value]:
        return [each.attribute.value for each in self._effective() if key.covers(each.attribute.key)]

    def records(self) -> list[Attribute]:
        """See `Values.records`."""
        return [each.attribute for each in self._effective()]

    def collected(self) -> list[tuple[H, str, Any]]:
        """The attributes of the Thing and of all that it is in, nearest first, those too that nearer ones stand in
        front of: what has it, the key, the value."""
        with self.handle.batch.source.reading() as reader:
            found = reader.collected(self.handle.thing)
        return [
            (self.handle.at(each.origin), str(each.attribute.key), self._python(each.attribute.value))
            for each in found
            if not each.attribute.key.reserved
        ]

    def origin(self, key: str) -> H:
        """What a value comes from: the Thing itself or what it is in. Raises NoSuchKey."""
        wanted = _parsed(key)
        for each in self._effective():
            if each.attribute.key == wanted:
                return self.handle if each.origin == self.handle.thing else self.handle.at(each.origin)
        raise NoSuchKey(f"{self._name} has no {key}, and nothing that it is in")

    def _effective(self) -> list[Inherited]:
        with self.handle.batch.source.reading():
            return self.handle.batch.around(self.handle.thing).effective(self.handle.thing)


def several(value: Any) -> Sequence[Any]:
    """The values that a list, tuple or set stands for, or the one: a `Value`, as `as_json` gives, is one."""
    return list(value) if type(value) in (list, tuple, set, frozenset) else [value]
