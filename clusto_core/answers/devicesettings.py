"""How a device is reached: the settings among its attributes, its own or inherited, and its address.

A setting is an attribute of a group: `snmp.community`, `bmc.user`, `power.profile`. It is data: what a value refers to
(`secret:NAME`, `env:NAME`, `file:PATH`) is read when the setting is used, for keys that hold secrets alone; a command
is one that the configuration defines under the value's name; and a credential is given out only for a destination that
was set where it was itself set, or nearer to the root, or that lies in networks that belong to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from clusto_core.answers.view import View, view_of
from clusto_core.boundary import destinations, permissions, references
from clusto_core.boundary.permissions import Permissions
from clusto_core.errors import Refused
from clusto_core.model import keys
from clusto_core.model.attributes import IP, Key
from clusto_core.model.things import Inherited, Thing
from clusto_core.secrecy import MASK, is_reference, is_secret, masked
from clusto_core.store.reader import Reader
from clusto_core.tuples import NamedTuple

ADDRESS = "its address"
"""Stands for the address that a device has without a setting: its `_ip`, or its name."""
_IP_KEY = Key(IP)
# Not those that are shared (`_ip.vrrp`): whoever answers there may be another device.
_HOSTS = "hosts"
_HOST_WORDS = ("host", "url", "uri")
_PORTS = frozenset(("bmc.port", "snmp.port", "ssh.port"))
"""Ports of the same computer that other programs may listen at; a console server has one for each console."""
_TLS = {"bmc": "bmc.host", "cobbler": "cobbler.url"}
"""The groups whose passwords go by TLS, and the key that says where."""
_PINNING = frozenset(("redfish",))
"""The protocols whose adapter takes the certificate of `bmc.fingerprint` alone."""
_COMMAND = (".command", "_command")
_PATH = ("/", "~", ".")


class Setting(NamedTuple):
    """A key's values, and where they are set.

    owner: the name of that Thing, place its id; both empty for what the program itself sets. sources: the ids of that
    Thing and of all that it is in, from where an address may come; hosts: the networks and domains that are set there
    beside it. These two are known for secrets only.
    """

    key: str
    texts: tuple[str, ...]
    owner: str = ""
    place: int | None = None
    sources: frozenset[int] = frozenset()
    hosts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Several values are lines of one text."""
        return "\n".join(self.texts)

    @property
    def refers(self) -> bool:
        """Whether a value is kept elsewhere."""
        return any(map(is_reference, self.texts))

    @property
    def normal(self) -> Setting:
        """The setting with each value in the one spelling that its key has. Raises Malformed for what it cannot have:
        a store may have values from before they were read on their way in."""
        return self._replace(texts=tuple(keys.text_of(self.key, text, self.words) for text in self.texts))

    @property
    def words(self) -> str:
        """`bmc.password of datacenterZ`."""
        return f"{self.key} of {self.owner}" if self.owner else self.key


class DeviceSettings(Mapping[str, str]):
    """Settings by key; reading one says what it really is: see the module.

    Raises Refused for what the configuration does not allow, and NotFound where what a value refers to is not there.
    """

    def __init__(self, values: Mapping[str, Setting], to: Callable[[str], Iterable[str]] | None = None) -> None:
        """`to` tells to which settings' hosts the secrets of a group are sent, where that is not as `sent_to` says."""
        self._values = dict(values)
        self._to = to or self.sent_to

    @classmethod
    def plain(cls, values: Mapping[str, str]) -> DeviceSettings:
        """Settings that no attribute has."""
        return cls({key: Setting(key, (text,)) for key, text in values.items()})

    def __getitem__(self, key: str) -> str:
        setting = self._values[key]
        if is_secret(key):
            return self._secret(setting)
        if setting.refers:
            raise Refused(f"{setting.words} refers to a secret, and only keys that hold secrets may: write the value")
        if setting.place is None:
            return setting.text
        setting = setting.normal
        if key.endswith(_COMMAND):
            import json

            return json.dumps(permissions.in_force().command(key, setting.text, setting.owner))
        if key in permissions.PATHS and setting.text.startswith(_PATH) and not self._is_elsewhere(key):
            return permissions.local_path(key, setting.text, setting.owner)
        return setting.text

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._values if key != ADDRESS)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return key in self._values and key != ADDRESS

    def at(self, address: str, place: Thing | None) -> DeviceSettings:
        """The same for what is at an address, which was declared by a Thing: a Network."""
        owner = (place.name, place.id) if place is not None else ("", None)
        return DeviceSettings({**self._values, ADDRESS: Setting(ADDRESS, (address,), *owner)}, self._to)

    def over(self, others: DeviceSettings) -> DeviceSettings:
        """These settings, and where they lack a key those others."""
        return DeviceSettings({**others._values, **self._values})

    def written(self, key: str) -> str | None:
        """What an attribute says, for whoever only passes that on: nothing is looked up, opened or allowed by it."""
        return self._values[key].text if key in self and not is_secret(key) else None

    def origin(self, key: str) -> str | None:
        """The name of the Thing that a setting is an attribute of; None for what the program itself sets."""
        return self._values[key].owner or None

    def picked(self, *keys: str) -> DeviceSettings:
        """Those of these keys that there are."""
        return DeviceSettings({key: self._values[key] for key in keys if key in self._values})

    def of(self, groups: Iterable[str]) -> DeviceSettings:
        """Those whose key begins with one of these words."""
        wanted = set(groups)
        return DeviceSettings({key: each for key, each in self._values.items() if _group(key) in wanted}, self._to)

    def masked(self, *, reveal: bool = False) -> DeviceSettings:
        """The same for people to see, with secrets as `****`; `reveal` leaves those that attributes hold themselves."""
        return _Masked(self._values, reveal)

    def unresolved(self) -> tuple[tuple[str, str], ...]:
        """Keys and values as they are written, in the order of the keys: what makes two devices' settings the same."""
        return tuple(sorted((key, self._values[key].text) for key in self))

    def sent_to(self, group: str) -> list[str]:
        """The keys that say where a group's secrets are sent: `bmc.host`, else the device's address, and the port."""
        hosts = [key for word in _HOST_WORDS if (key := f"{group}.{word}") in self._values]
        port = f"{group}.port"
        return [*(hosts or [ADDRESS]), *([port] if port in _PORTS and port in self._values else [])]

    def derived(self, key: str, text: str, source: str) -> DeviceSettings:
        """These settings with one more, which the program makes out of another or of the address."""
        made = (
            self._values[source]._replace(key=key, texts=(text,)) if source in self._values else Setting(key, (text,))
        )
        return DeviceSettings({key: made, **self._values})

    def _is_elsewhere(self, key: str) -> bool:
        """Whether a path is one of another computer, which is reached by ssh."""
        via = self._values.get(f"{_group(key)}.via")
        return via is not None and via.normal.text == "ssh"

    def _secret(self, setting: Setting) -> str:
        allowed = permissions.in_force()
        if setting.place is not None:
            sent_to = [self._values[key] for key in self._to(_group(setting.key)) if key in self._values]
            _check(setting, sent_to, allowed)
            if not sent_to and _bound(setting, allowed):
                raise Refused(
                    f"{setting.words} is for devices in networks of its own, and would be written into a file"
                )
        _tell_insecure(setting.key, self._values)
        return "\n".join(
            references.resolve(text, setting.words, allowed) if is_reference(text) else text for text in setting.texts
        )


class _Masked(DeviceSettings):
    def __init__(self, values: Mapping[str, Setting], reveal: bool) -> None:
        super().__init__(values)
        self._reveal = reveal

    def __getitem__(self, key: str) -> str:
        if not is_secret(key):
            text = super().__getitem__(key)
            return text if self._reveal else masked(text)
        setting = self._values[key]
        return setting.text if self._reveal and not setting.refers else MASK


def _group(key: str) -> str:
    return key.partition(".")[0]


def _check(secret: Setting, sent_to: Iterable[Setting], allowed: Permissions) -> None:
    """Raises Refused where a secret would go to an address that it was not meant for."""
    host = ""
    for to in sent_to:
        if not to.key.endswith(".port"):
            host = _host(to)
        if not host or _meant_for(secret, to, host, allowed):
            continue
        remedy = f"clusto config allow network {host}, or the network that it is in"
        if not secret.refers and secret.owner != to.owner:
            remedy += f"; or clusto attr set {_group(secret.key)}.{_HOSTS} {host} -t {secret.owner}"
        raise Refused(f"{secret.words} is not meant for {host}, where {to.words} would send it ({remedy})")


def _bound(secret: Setting, allowed: Permissions) -> list[tuple[str, ...]]:
    found = (references.bound(text, allowed) for text in secret.texts if is_reference(text))
    return [networks for networks in found if networks is not None]


def _host(to: Setting) -> str:
    found = destinations.host_in(to.text)
    if found is None:
        raise Refused(f"{to.words} is no host that a secret can be sent to: {to.text[:80]!a}")
    return found


def _meant_for(secret: Setting, to: Setting, host: str, allowed: Permissions) -> bool:
    """Who names a secret of the operator's in an attribute does not own it: where the configuration says for what
    networks it is, no attribute says otherwise."""
    if secret.refers:
        bound = _bound(secret, allowed)
        if bound or allowed.networks:
            return all(destinations.permitted(host, hosts) for hosts in bound or [allowed.networks])
    if to.place is None or to.place in secret.sources:
        return True
    return destinations.permitted(host, (*secret.hosts, *allowed.networks))


def _tell_insecure(key: str, values: Mapping[str, Setting]) -> None:
    """Tells of a way that does not keep this secret, as far as settings say."""

    def says(name: str) -> str:
        return values[name].normal.text if name in values else ""

    if key in ("snmp.community", "snmp.write_community") and says("snmp.version") != "3":
        permissions.insecure("snmp-clear", f"{key} goes over the network in clear", "set snmp.version=3, and users")
    group, _, name = key.partition(".")
    if name == "password" and group in _TLS:
        _tell_unverified(key, group, says)


def _tell_unverified(key: str, group: str, says: Callable[[str], str]) -> None:
    """Of devices behind TLS: adapters take a pinned certificate and no other, whatever `verify` says."""
    protocol, place = says(f"{group}.protocol"), _TLS[group]
    if group == "bmc" and protocol in ("", "ipmi"):
        return
    if says(place).startswith("http://"):
        permissions.insecure("http-clear", f"{key} goes over the network in clear", f"write {place} with https://")
    elif says(f"{group}.verify") == "false" and not (protocol in _PINNING and says(f"{group}.fingerprint")):
        words = f"{key} goes to whoever answers, {group}.verify being false"
        remedy = f"set {group}.verify to the file of the authority"
        if protocol in _PINNING:
            remedy += ", or pin the certificate (clusto power trust)"
        permissions.insecure("unverified", words, remedy)


def settings_in(view: View, found: Iterable[Inherited], groups: Collection[str] | None = None) -> dict[str, Setting]:
    """The attributes in force as settings, by key; with `groups`, those `KEY.SUBKEY` whose KEY is one of them."""
    settings: dict[str, Setting] = {}
    for attribute, origin in found:
        key = attribute.key
        if groups is None or (key.key in groups and key.number is None and key.subkey is not None):
            spelled = _spelled(key)
            present = settings.get(spelled)
            if present is None:
                settings[spelled] = _setting(view, key, spelled, attribute.value.text, origin)
            else:
                settings[spelled] = present._replace(texts=(*present.texts, attribute.value.text))
    return settings


def _setting(view: View, key: Key, spelled: str, text: str, origin: Thing) -> Setting:
    if not is_secret(spelled):
        return Setting(spelled, (text,), origin.name, origin.id)
    sources, hosts = view.beside(origin, Key(key.key, None, _HOSTS))
    return Setting(
        spelled, (text,), origin.name, origin.id, sources, tuple(destinations.listed(hosts)) if hosts else ()
    )


# The keys of an inventory are few, and machines many.
_spelled = lru_cache(4096)(str)


class ReachedDevice(NamedTuple):
    """A device, the address it is at (its own `_ip`, else its management port's, else its name), and its settings."""

    thing: Thing
    address: str
    settings: DeviceSettings


def reached(reader: Reader, things: Iterable[Thing], groups: Iterable[str]) -> dict[int, ReachedDevice]:
    """How each of these devices is reached, by id; `groups` are the first words of the settings that matter."""
    wanted = set(groups)
    devices = {thing.id: thing for thing in things}
    held = [attribute for attribute in reader.attributes_of_parts(*devices) if attribute.key == _IP_KEY]
    parts = reader.by_ids({attribute.thing_id for attribute in held})
    of_parts: dict[int, str] = {}
    for attribute in held:
        of_parts.setdefault(parts[attribute.thing_id].entity_id, attribute.value.text)
    view = view_of(reader, devices.values())
    found = {}
    for thing in devices.values():
        effective = view.effective(thing)
        own = next((attribute.value.text for attribute, _ in effective if attribute.key == _IP_KEY), None)
        address = (own or of_parts.get(thing.id) or thing.name).partition("/")[0]
        values = _first(settings_in(view, effective, wanted))
        at = Setting(ADDRESS, (address,), thing.name, thing.id)
        found[thing.id] = ReachedDevice(thing, address, DeviceSettings({**values, ADDRESS: at}))
    return found


def settings_of_networks(
    reader: Reader, networks: Iterable[Thing], groups: Collection[str]
) -> dict[int, DeviceSettings]:
    """The settings in force for what is at addresses of these Networks, by id: their own, and those of what they are
    in. What says where one device is, is none of them.
    """
    things = list(networks)
    view = view_of(reader, things)
    found = {}
    for thing in things:
        values = _first(settings_in(view, view.effective(thing), groups))
        kept = {key: each for key, each in values.items() if key.partition(".")[2] not in _HOST_WORDS}
        found[thing.id] = DeviceSettings(kept)
    return found


def own_settings(reader: Reader, thing: Thing, groups: Collection[str]) -> DeviceSettings:
    """The settings that a Thing or part has itself, one value a key."""
    view = view_of(reader, [thing])
    own = [Inherited(attribute, thing) for attribute in reader.attributes(thing.id)]
    return DeviceSettings(_first(settings_in(view, own, groups)))


def _first(settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """A device has one value a key: the first."""
    return {
        key: each if len(each.texts) == 1 else each._replace(texts=each.texts[:1]) for key, each in settings.items()
    }
