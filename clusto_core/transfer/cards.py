"""The network cards of machines as DHCP servers are told of them: each with its MAC, its addresses, a name of its own.

A machine's own address goes to its first card. The first card that has an address is called by the machine's name,
others by that and the card's, as in a hosts file. What a server would take for one (a MAC or an address of two
machines, names that differ only in case) is told apart from what is sound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from clusto_core.answers.recipes import Recipe, recipes
from clusto_core.answers.view import Spaces
from clusto_core.drivers import Equipment
from clusto_core.errors import NotFound
from clusto_core.model import addresses
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.collisions import collisions, others

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# What dnsmasq(8) takes for a lease time, an address or a word of its own where a name may stand in `dhcp-host`.
_NO_NAME = re.compile(r"(?i:ignore|infinite|[0-9.]+|[0-9]+[smhdw])")


class Card(NamedTuple):
    """One card: whose, what it is called, its MAC and its addresses."""

    machine: str
    name: str
    mac: str
    addresses: tuple[str, ...]


def cards_of(reader: Reader, things: Iterable[Thing], spaces: Spaces, told: list[str]) -> list[Card]:
    """The cards of those that can boot or hold addresses; `told` gets a line for what cannot be one."""
    found: list[Card] = []
    for recipe in recipes(reader, [thing for thing in things if thing.is_a(Equipment)], spaces):
        if isinstance(recipe, NotFound):
            told.append(str(recipe))
        else:
            found += cards(recipe, told)
    return found


def cards(found: Recipe, told: list[str]) -> Iterator[Card]:
    """The cards of a machine; `told` gets a line for what cannot be one."""
    name = found.thing.name
    if not _NAME.fullmatch(name) or _NO_NAME.fullmatch(name):
        told.append(f"{shown(name)} cannot be a host's name")
        return
    own = {card: _usable(found.held.get(card, ())) for card in found.macs}
    if not any(own.values()) and found.macs:
        own[next(iter(found.macs))] = _usable(found.held.get(None, ()))
    first = next((card for card, held in own.items() if held), next(iter(own), None))
    for card, mac in found.macs.items():
        digits = addresses.parse_mac(mac)
        if digits is None:
            told.append(f"{name}: malformed MAC address {shown(mac)}")
            continue
        called = name if card == first else f"{name}-{re.sub('[^A-Za-z0-9]+', '-', card).strip('-')}"
        yield Card(name, called, addresses.mac_spellings(digits)[0], own[card])


def _usable(held: Iterable[str]) -> tuple[str, ...]:
    """The first address of each version."""
    parsed = {each.version: str(each) for text in reversed(tuple(held)) if (each := addresses.parse(text)) is not None}
    return tuple(parsed[version] for version in sorted(parsed))


def sorted_out(every: Sequence[Card]) -> Iterator[Card | str]:
    """The cards that nothing else could be taken for, and for each other one why it is left out."""
    by_mac = collisions((card.mac, card.name) for card in every)
    by_address = collisions((address, card.name) for card in every for address in card.addresses)
    by_name = collisions((card.name.casefold(), f"{card.machine} ({card.mac})") for card in every)
    for card in every:
        reasons = [f"{card.mac} is also that of {each}" for each in [others(by_mac, card.mac, card.name)] if each]
        shared = [(address, others(by_address, address, card.name)) for address in card.addresses]
        reasons += [f"{address} is also that of {each}" for address, each in shared if each]
        alike = others(by_name, card.name.casefold(), f"{card.machine} ({card.mac})")
        reasons += [f"its name is also, but for case, that of {alike}"] if alike else []
        yield f"{card.name}: left out, {'; '.join(reasons)}" if reasons else card


def shown(text: str) -> str:
    """Text for a comment."""
    return repr(text[:100])
