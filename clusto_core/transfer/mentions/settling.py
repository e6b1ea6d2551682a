"""From what files mention to Documents of Things, which say what there is to say beside what the inventory has.

An address stays with the part that holds it, and a MAC with its card; else they go to the part that the file names, to
the one of their card, or to the first that has none. A port that leads to the host stays with the part that it is
connected to; else it goes to the one that the source said before, or to the first free one of its kind. What a host has
by what it is in already is not said of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

from clusto_core.answers.view import View
from clusto_core.drivers import Category, Part
from clusto_core.drivers.parts import NIC, ConsolePort, Inlet, Outlet, Port, SerialPort
from clusto_core.errors import ClustoError, NotFound, Refused
from clusto_core.model.attributes import Key, Value
from clusto_core.model.names import trailing_number
from clusto_core.model.origins import Origin
from clusto_core.model.things import Thing
from clusto_core.records.sources import Ledger
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document, Problem, attribute_key
from clusto_core.transfer.mentions.directory import Directory, part_called
from clusto_core.transfer.mentions.mention import KIND, Card, Far, Mention
from clusto_core.transfer.mentions.spelling import Names

MAC, LABEL = Key("mac"), Key("label")
BASE = "console.base"
"""What is added to the number of a console server's port for its TCP port."""
_ENDS: dict[type[Part], tuple[type[Part], ...]] = {ConsolePort: (SerialPort,), Outlet: (Inlet,), Port: (NIC, Port)}
"""The parts that a port of each kind may lead to."""
_BATCH = 500


EndsSaid = Callable[[int], frozenset[int]]
"""By the id of a Thing, the ids of the parts that the source said to be connected when it was read last."""


def settled(
    reader: Reader | None, ledger: Ledger, mentions: Sequence[Mention], ends_said: EndsSaid
) -> Iterator[Document]:
    """A Document for each Thing that is mentioned, and for each host that is none; without an inventory, none is."""
    if reader is None:
        yield from _unknown(mentions)
        return
    directory = Directory(reader, ledger, mentions)
    hosts: dict[int, _Host] = {}
    strangers: list[Mention] = []
    inventory = _Inventory(reader, directory, ends_said)
    for mention in mentions:
        found = directory.host(mention)
        if found is None:
            strangers.append(mention)
            continue
        host = hosts.setdefault(found.thing.id, _Host(inventory, found.thing))
        host.mentions.append((mention, found.part))
    every = list(hosts.values())
    for start in range(0, len(every), _BATCH):
        portion = every[start : start + _BATCH]
        directory.prepare(each.thing for each in portion)
        yield from (each.document() for each in portion)
    yield from _unknown(strangers)


def _unknown(mentions: Iterable[Mention]) -> Iterator[Document]:
    """Those that are another source's to bring; each name once."""
    for name, mention in {each.name: each for each in mentions}.items():
        yield Document(name, mention.file, mention.line, origin=Origin(KIND, name), if_there=True)


class _Inventory:
    """What is asked of the inventory as a whole; each is read when it is first asked for."""

    def __init__(self, reader: Reader, directory: Directory, ends_said: EndsSaid) -> None:
        self.directory = directory
        self.ends_said = ends_said
        self._reader = reader
        self._groups: Names[Thing] | None = None
        self._keys: Names[str] | None = None

    def groups(self, word: str) -> list[Thing]:
        """The categories that a word may mean."""
        if self._groups is None:
            every = (each for each in self._reader.all(self._categories()) if not each.is_part)
            self._groups = Names((each.name, each) for each in every)
        return self._groups.meant(word)

    def _categories(self) -> list[str]:
        from clusto_core.drivers import registry

        return [name for name in self._reader.drivers() if issubclass(registry.of(name), Category)]

    def keys(self, word: str) -> list[str]:
        """The keys that a word may mean."""
        if self._keys is None:
            self._keys = Names((key, key) for key in self._reader.keys())  # noqa: SIM118
        return self._keys.meant(word)


class _Host:
    """One Thing, and all that is mentioned of it."""

    def __init__(self, inventory: _Inventory, thing: Thing) -> None:
        self.thing = thing
        self.mentions: list[tuple[Mention, Thing | None]] = []
        self._inventory = inventory
        self._addresses: dict[str, list[str]] = {}
        self._macs: dict[str, list[Value]] = {}
        self._connect: dict[str, str] = {}
        self._at = ""
        self._parents: dict[str, None] = {}
        self._values: dict[Key, tuple[Value, ...]] = {}
        self._problems: list[tuple[Mention, str]] = []

    @property
    def _view(self) -> View:
        return self._inventory.directory.view(self.thing)

    def document(self) -> Document:
        """All that is said, of the parts that there are."""
        self._take_cards()
        self._take_ports()
        for mention, _ in self.mentions:
            self._take_place(mention)
            self._take_groups(mention)
            self._take_values(mention)
        first = min((mention for mention, _ in self.mentions), key=lambda each: each.name)
        return Document(
            self.thing.name,
            first.file,
            first.line,
            parents=tuple(self._parents),
            at=self._at,
            attrs=self._values,
            addresses={part: tuple(dict.fromkeys(held)) for part, held in self._addresses.items()},
            connect=self._connect,
            part_attrs={part: {MAC: tuple(dict.fromkeys(macs))} for part, macs in self._macs.items()},
            problems=tuple(self._told(first, *each) for each in self._problems),
            origin=Origin(KIND, first.name),
            if_there=True,
        )

    def _problem(self, mention: Mention, text: str) -> None:
        self._problems.append((mention, text))

    def _told(self, first: Mention, mention: Mention, text: str) -> Problem:
        """What is wrong, with its line in the file of the Document, or with the file that it is in."""
        if mention.file == first.file:
            return Problem(mention.line, text)
        return Problem(first.line, f"{text} ({mention.file}:{mention.line})")

    # --- cards -------------------------------------------------------------------------------------------------------

    def _take_cards(self) -> None:
        """What says which card it is comes first, so that the rest finds what is left."""
        every = [(mention, part, card) for mention, part in self.mentions for card in mention.cards]
        own = {part.id: part for part in self._view.parts.get(self.thing.id, ())}
        macs = {
            each.value.text: own[id].part_name
            for id in own for each in self._view.attributes_of_parts.get(id, ()) if each.key == MAC
        }  # fmt: skip
        held = {address: part for part, address in self._view.addresses(self.thing)}
        sure = [(each, self._card_of(each[2], each[1], macs, held)) for each in every]
        taken = {part for _, part in sure if part} | set(macs.values())
        for (mention, _, card), found in sure:
            name = found
            if not name and card.mac:
                free = [part.part_name for part in own.values() if part.is_a(NIC) and part.part_name not in taken]
                if not free:
                    self._problem(mention, f"{self.thing.name} has no card without a MAC for {card.mac}")
                    continue
                name = free[0]
                taken.add(name)
            if card.mac:
                self._macs.setdefault(name, []).append(Value("string", card.mac))
            for address in card.addresses:
                holder = held.get(address)
                there = name if address not in held else holder.part_name if holder is not None else ""
                self._addresses.setdefault(there, []).append(address)

    def _card_of(
        self, card: Card, part: Thing | None, macs: dict[str, str], held: dict[str, Thing | None]
    ) -> str:  # fmt: skip
        """The part that a card is for sure; empty for none in particular."""
        if card.mac in macs:
            return macs[card.mac]
        if card.part:
            named = part_called(self._view.parts.get(self.thing.id, ()), card.part)
            if named is not None:
                return named.part_name
        if part is not None:
            return part.part_name
        holders = [held[address] for address in card.addresses if held.get(address) is not None]
        of_network = [each for each in holders if each is not None and each.is_a(NIC)]
        return of_network[0].part_name if of_network and not _has_mac(self._view, of_network[0]) else ""

    # --- ports -------------------------------------------------------------------------------------------------------

    def _take_ports(self) -> None:
        leading: list[tuple[Mention, Thing, tuple[type[Part], ...]]] = []
        links = {link.part.id: link for link in self._view.links.get(self.thing.id, ()) if link.part is not None}
        direct = {link.other.id: link.part for link in links.values() if link.part is not None}
        ends = {link.end.id for link in links.values()}
        for mention, part in self.mentions:
            for far in mention.ports:
                try:
                    port = self._port(far)
                except ClustoError as error:
                    self._problem(mention, str(error))
                    continue
                own = self._own(far, part)
                if own is not None:
                    self._connect[own.part_name] = port.name
                elif port.id in direct:
                    self._connect[direct[port.id].part_name] = port.name
                elif port.id not in ends:  # behind a panel is as good
                    leading.append((mention, port, _ENDS.get(far.kind, ())))
        for mention, port, kinds in leading:
            found = self._free(kinds, {id: link.part for id, link in links.items() if link.part is not None})
            if found is None:
                self._problem(mention, f"{self.thing.name} has no part for {port.name}")
            else:
                self._connect[found.part_name] = port.name

    def _own(self, far: Far, part: Thing | None) -> Thing | None:
        """The part that a port leads to, where the file says it."""
        kinds = _ENDS.get(far.kind, ())
        named = part_called(self._view.parts.get(self.thing.id, ()), far.own) if far.own else part
        return named if named is not None and issubclass(named.kind, kinds) and not self._behind(named, far) else None

    def _behind(self, part: Thing, far: Far) -> bool:
        """Whether the port is what a part leads to already, behind panels."""
        for link in self._view.links.get(self.thing.id, ()):
            if link.part == part and link.far is not None and link.far != link.other:
                return link.far == self._port(far)
        return False

    def _free(self, kinds: tuple[type[Part], ...], connected: dict[int, Thing]) -> Thing | None:
        """The part for one more cable: one that the source spoke of, then a free one, then any that it does not say."""
        said = self._inventory.ends_said(self.thing.id)
        left = [
            part
            for part in self._view.parts.get(self.thing.id, ())
            if issubclass(part.kind, kinds) and part.part_name not in self._connect
        ]
        left.sort(key=lambda part: 0 if part.id in said else 1 if part.id not in connected else 2)
        return left[0] if left else None

    def _port(self, far: Far) -> Thing:
        """The port itself. Raises NotFound, Refused."""
        device = self._inventory.directory.device(far)
        if device is None:
            raise NotFound(f"no such thing: {far.host}, which has the port for {self.thing.name}")
        view = self._inventory.directory.view(device)
        ports = [part for part in view.parts.get(device.id, ()) if part.is_a(far.kind)]
        if far.port:
            return _called(view, device, ports, far)
        base = view.setting(device, BASE)
        number = far.tcp - int(base) if base and base.isdecimal() else far.tcp % 1000
        found = [part for part in ports if part.number == number]
        if len(found) != 1:
            raise NotFound(f"which port of {device.name} has TCP port {far.tcp}? set {BASE} to what comes before 1")
        return found[0]

    # --- where it is, groups and values -----------------------------------------------------------------------------

    def _take_place(self, mention: Mention) -> None:
        if not mention.rack:
            return
        rack = self._inventory.directory.rack(mention.rack)
        low, high = mention.units
        if rack is None:
            self._problem(mention, f"no such rack: {mention.rack}, which {self.thing.name} is in")
        else:
            self._at = f"{rack.name}:RU{low}" + (f"-{high}" if high > low else "")

    def _take_groups(self, mention: Mention) -> None:
        direct = {each.id for each in self._view.parents(self.thing)}
        above = {each.id for each in self._view.ancestors(self.thing)}
        others: list[Value] = []
        for word in mention.groups:
            found = self._inventory.groups(word)
            there = [each for each in found if each.id in above]
            if any(each.id in direct for each in there):
                self._parents.update({each.name: None for each in there if each.id in direct})
            elif len(found) == 1 and not there:
                self._parents[found[0].name] = None
            elif not there:
                others.append(Value("string", word))
        if others and mention.groups_key:
            key = Key.parse(mention.groups_key)
            self._values[key] = tuple(dict.fromkeys((*self._values.get(key, ()), *others)))

    def _take_values(self, mention: Mention) -> None:
        for word, given in mention.values.items():
            try:
                words = (self._inventory.keys(word) if mention.spelled else []) or [word]
                keys = [attribute_key(each) for each in words]
            except ClustoError as error:
                self._problem(mention, str(error))
                continue
            if not self._has(keys, given):
                self._values[keys[0]] = given

    def _has(self, keys: list[Key], given: tuple[Value, ...]) -> bool:
        """Whether these values are in force already; those of the Thing itself are said."""
        for key in keys:
            own, every = self._own_values.get(key, ()), self._in_force.get(key, ())
            if _shapes(given) in (_shapes(own), _shapes(every)):
                if own:
                    self._values[key] = tuple(own)
                return True
        return False

    @cached_property
    def _own_values(self) -> dict[Key, list[Value]]:
        found: dict[Key, list[Value]] = {}
        for each in self._view.attributes[self.thing.id]:
            found.setdefault(each.key, []).append(each.value)
        return found

    @cached_property
    def _in_force(self) -> dict[Key, list[Value]]:
        found: dict[Key, list[Value]] = {}
        for each in self._view.effective(self.thing):
            found.setdefault(each.attribute.key, []).append(each.attribute.value)
        return found


def _called(view: View, device: Thing, ports: list[Thing], far: Far) -> Thing:
    """The port by its name, its label or its number."""
    named = [part for part in ports if part.part_name == far.port]
    labelled = [
        part
        for part in ports
        if any(each.key == LABEL and each.value.text == far.port for each in view.attributes_of_parts.get(part.id, ()))
    ]
    number = trailing_number(far.port)
    numbered = [part for part in ports if number is not None and part.number == number]
    alike = part_called(ports, far.port)
    for found in (named, labelled, [alike] if alike is not None else [], numbered):
        if len(found) == 1:
            return found[0]
        if found:
            raise Refused(f"several ports of {device.name} are called {far.port}")
    raise NotFound(f"no such {far.kind.noun}: {device.name}:{far.port}")


def _has_mac(view: View, part: Thing) -> bool:
    return any(each.key == MAC for each in view.attributes_of_parts.get(part.id, ()))


def _shapes(values: Iterable[Value]) -> list[str]:
    """Values as programs have them: a list or several, whatever their types are here, without what no export tells."""
    found: list[object] = [_public(each.python()) if each.type == "json" else each.text for each in values]
    if len(found) == 1 and isinstance(found[0], list):
        found = found[0]
    return sorted(each if isinstance(each, str) else repr(each) for each in found)


def _public(data: object) -> object:
    if isinstance(data, dict):
        return {str(key): _public(value) for key, value in sorted(data.items()) if not Key(str(key)).secret}
    return [_public(each) for each in data] if isinstance(data, list) else data
