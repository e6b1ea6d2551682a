"""An inventory that a server has, with the handles of the library: what is read there, and changed by command lines.

    inventory = clusto_core.open("https://inventory.example")
    for server in inventory.find("driver:Server in name:rack1"):
        print(server.name, server.attrs.get("status"), server.location)

What handles tell is what `clusto show` and `clusto locate` print: names, drivers, attributes, addresses, parts, far
ends. Whatever else is asked raises Refused, and needs the inventory itself.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from clusto_core.config import Settings
from clusto_core.errors import NotFound, Refused
from clusto_core.library.attributes import Attributes, Values
from clusto_core.library.batch import Batch
from clusto_core.library.handle import Handle
from clusto_core.library.inventory import Inventory
from clusto_core.library.server import Server
from clusto_core.model import attributes
from clusto_core.model.attributes import Key, Value
from clusto_core.model.names import split_part
from clusto_core.model.things import Attribute, Thing

if TYPE_CHECKING:
    from clusto_core.query.matching import Match, Pairs
    from clusto_core.query.tree import Node
    from clusto_core.store.reader import Reader

Record = Mapping[str, Any]


class Remote(Inventory):
    """An inventory that a server has. `moment` is when it is looked at; None for now."""

    def __init__(self, settings: Settings, moment: str | None = None) -> None:
        self.url = settings.url
        self._settings = settings
        self._server = Server(settings.url)
        self._moment = moment

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """Not by way of a server. Raises Refused."""
        raise Refused(f"this is not told by a server: open the inventory itself ({self.url} has it)")
        yield

    def read(self) -> Any:
        """Not by way of a server. Raises Refused."""
        raise Refused(f"a server is asked one question at a time: open the inventory itself ({self.url} has it)")

    @contextlib.contextmanager
    def at(self, moment: str | int) -> Iterator[Remote]:  # type: ignore[override]
        """The inventory as it was. Raises Malformed, NotFound when it is asked."""
        yield Remote(self._settings, str(moment))

    def change(self, *given: Any, **named: Any) -> Any:
        """Not by way of a server. Raises Refused."""
        raise Refused(
            "a server is given command lines, all or none: inventory.batch(['attr set status ok -t server1'])"
        )

    def batch(self, lines: Iterable[str], message: str | None = None, *, yes: bool = False) -> list[Record]:
        """Has command lines done, all or none, as `clusto batch` does; gives what each said. Raises ClustoError."""
        from urllib.parse import urlencode

        query = urlencode({**({"message": message} if message else {}), **({"yes": "true"} if yes else {})})
        done: list[Record] = self._server.post(f"/batch?{query}", "\n".join(lines).encode(), "text/plain")
        return done

    def __getitem__(self, name: str | Handle) -> RemoteHandle:
        """The Thing or part that is meant. Raises NotFound, Malformed."""
        record = self.ask(f"/things/{quote(str(name), safe='')}")
        return self.handle(record["name"], record["driver"], record)

    def find(
        self,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        inside: str | Handle | None = None,
        allow_unknown: bool = False,
    ) -> list[Handle]:
        """As `Inventory.find`; `inside` is a name or handle."""
        place = Thing(0, str(inside), "Thing", None, None) if inside is not None else None
        from clusto_core.library import asking

        text = str(asking.question(wanted, how, driver, place))
        found = self.ask("/things", {"where": text, **({"allow_unknown": "true"} if allow_unknown else {})})
        return [self.handle(each["name"], each["driver"]) for each in found]

    def one(
        self,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        inside: str | Handle | None = None,
    ) -> Handle:
        """As `Inventory.one`."""
        from clusto_core.errors import Malformed

        found = self.find(wanted, how, driver=driver, inside=inside)
        if len(found) == 1:
            return found[0]
        if not found:
            raise NotFound("nothing satisfies that")
        raise Malformed(f"{len(found)} Things satisfy that: {', '.join(each.name for each in found[:5])}")

    def locate(self, *names: str) -> list[Record]:
        """Where Things are, as `clusto locate -o json` prints it."""
        found: list[Record] = self.ask("/locate", {"name": list(names)})
        return found

    def ask(self, path: str, query: Mapping[str, str | list[str]] | None = None) -> Any:
        """What the API answers at a path below `/api/v1`: see docs/api.md. Raises ClustoError."""
        at = {"at": self._moment} if self._moment is not None else {}
        return self._server.get(path, {**(query or {}), **at})

    def handle(self, name: str, driver: str, record: Record | None = None) -> RemoteHandle:
        """The handle of what is called so."""
        return RemoteHandle(_thing(name, driver), self, record)

    def __repr__(self) -> str:
        return f"<inventory {self.url}>"


class RemoteHandle(Handle):
    """A Thing or part of an inventory that a server has."""

    __slots__ = ("_told",)

    def __init__(self, thing: Thing, source: Remote, record: Record | None = None) -> None:
        self._told = _Told(source, thing, record)
        super().__init__(thing, self._told)

    @property
    def record(self) -> Record:
        """All that is known of it, as `clusto show -o json` prints it; read once."""
        return self._told.record

    @property
    def location(self) -> list[Record]:
        """Where it is, as `clusto locate -o json` prints it."""
        found: list[Record] = self._told.remote.ask(f"/things/{quote(self.name, safe='')}/location")
        return found

    @property
    def attrs(self) -> Attributes[Handle]:
        """Its own attributes, to read; one that names a Thing is that name, a secret is `****`."""
        return Attributes(self)

    @property
    def inherited(self) -> Values[Handle]:  # type: ignore[override]
        """The attributes in force: its own, and those of what it is in."""
        return _InForce(self, self._told)

    @property
    def addresses(self) -> list[str]:
        """The IP addresses that it and its parts hold."""
        return [each["address"] for each in self.record["addresses"]]

    @property
    def owner(self) -> Handle:
        """The equipment that a part belongs to; a whole Thing itself."""
        return self._told.remote[self.thing.owner_name] if self.is_part else self

    @property
    def parts(self) -> Mapping[str, Handle]:  # type: ignore[override]
        """Its parts, by their own names."""
        remote = self._told.remote
        return {
            each["name"]: remote.handle(f"{self.name}:{each['name']}", each["driver"]) for each in self.record["parts"]
        }

    @property
    def far(self) -> Handle | None:
        """Where a part's path ends behind patch panels; None where it has no cable."""
        [end] = self.record["parts"] if self.is_part else [{"to": None}]
        if end["to"] is None:
            return None
        return self._told.remote[end["to"] + (f":{end['to_part']}" if end["to_part"] else "")]


class _Told(Batch):
    """What a server told of one Thing."""

    __slots__ = ("__dict__", "remote", "thing")

    def __init__(self, remote: Remote, thing: Thing, record: Record | None) -> None:
        super().__init__(remote, [thing])
        self.remote, self.thing = remote, thing
        if record is not None:
            self.__dict__["record"] = record

    @cached_property
    def record(self) -> Record:
        """As `clusto show -o json` prints it."""
        found: Record = self.remote.ask(f"/things/{quote(self.thing.name, safe='')}")
        return found

    def attributes(self, thing: Thing) -> list[Attribute]:
        """All attributes of the Thing."""
        return list(_attributes(self.record["attributes"]))


class _InForce(Values[Handle]):
    __slots__ = ("_told",)

    def __init__(self, handle: RemoteHandle, told: _Told) -> None:
        super().__init__(handle)
        self._told = told

    def records(self) -> list[Attribute]:
        """See `Values.records`."""
        return list(_attributes([*self._told.record["attributes"], *self._told.record["inherited"]]))

    def _under(self, key: Key) -> Sequence[Value]:
        return [each.value for each in self.records() if key.covers(each.key)]


def _attributes(told: Iterable[Record]) -> Iterator[Attribute]:
    for place, each in enumerate(told):
        yield Attribute(place, 0, Key.parse(each["key"]), _value(each["type"], each["value"]))


def _value(kind: str, plain: Any) -> Value:
    if kind == "json":
        return attributes.structure(plain)
    if kind == "datetime":
        return attributes.instant(plain)
    return attributes.string(plain) if isinstance(plain, str) else attributes.from_python(plain)


def _thing(name: str, driver: str) -> Thing:
    owner, part = split_part(name) if ":" in name else (None, None)
    return Thing(_id(name), name, driver, _id(owner) if owner and part else None, None)


def _id(name: str) -> int:
    """A server tells no ids: names stand for them."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])
