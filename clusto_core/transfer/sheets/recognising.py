"""What columns are by their titles in English, and by what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from clusto_core.transfer.sheets import drivers
from clusto_core.transfer.sheets.mapping import ATTRIBUTE, CONNECT, PART, Use


def _listed(text: str) -> list[str]:
    return text.split("|")


_NAMES = _listed(
    "hostname|host name|host|name|server name|server|device name|device|machine name|machine|node name|node|"
    "system name|system|computer name|computer|equipment name|equipment|fqdn|vm name|asset name|item"
)
"""What the name of a machine is called; the first of them that is there is it."""

_PLAIN = {
    "rack": "rack|rack name|rack number|rack no|rack id|cabinet|cabinet name|cabinet number|cabinet no|cab|"
    "rack cabinet",
    "unit": "u|ru|unit|rack unit|rack u|u position|u pos|u number|u no|u location|ru position|ru number|rack position|"
    "position|pos|position u|start u|starting u|u start|bottom u|lowest u|unit number|rack ru|u slot",
    "height": "height|u height|height u|ru height|height ru|size|u size|size u|size ru|units|u units|rack units|us|"
    "height in u|number of units",
    "datacenter": "datacenter|data center|data centre|datacentre|dc|site|site name|location|facility",
    "room": "room|hall|data hall|server room|suite",
    "cage": "cage",
    "driver": "driver|type|device type|kind|category|device role|equipment type|asset type|hardware type|class",
    "serial": "serial|serial number|serial no|serial num|s n|sn|service tag|chassis serial|serial nr",
    "asset_tag": "asset tag|asset|asset number|asset no|asset id|inventory number|inventory no|inventory tag|tag|"
    "property tag|barcode",
    "manufacturer": "manufacturer|vendor|make|brand|oem|maker|mfr",
    "model": "model|model name|model number|model no|product|product name|hardware model|hardware|make model",
    "owner": "owner|owned by|responsible|owner name",
    "purchased": "purchase date|purchased|date purchased|bought|date of purchase|purchased on|date bought",
    "status": "status|state",
    "at": "at",
    "in": "in",
    "parts": "parts",
}
_TARGETS = {title: target for target, titles in _PLAIN.items() for title in titles.split("|")}
_PART_TITLES = set(
    _listed(
        "nic|nic name|interface|interface name|network interface|server port|local port|device port|host port|"
        "server nic|source port|server interface|local interface|adapter"
    )
)

_DEVICES = {
    "net": {"switch", "sw", "tor", "leaf"},
    "power": {"pdu", "powerstrip", "strip", "ups", "feed"},
    "console": {"console", "terminal", "serial", "ts"},
}
_PORTS = {"port": "", "switchport": "net", "interface": "", "outlet": "power", "socket": "power", "receptacle": "power"}
_PORTS |= {"jack": "", "line": "console"}
_FILLERS = set(
    _listed("name|number|no|id|the|network|to|connected|uplink|server|data|device|power|nr|hostname|host|remote|side")
)
_INDEXES = {"primary": "1", "secondary": "2", "left": "1", "right": "2", "first": "1", "second": "2"}
_CONTROLLERS = set(_listed("ilo|idrac|drac|ipmi|bmc|oob|mgmt|management|ilom|imm|xcc|cimc"))
_ADDRESSES = {"ip", "ipv4", "ipv6", "address", "addr"}
_CARD = re.compile(r"(?:eth|en[ops]|eno|ens|enp|em|ib|wlan|bond)[0-9][\w]*").fullmatch
_NUMBERED = re.compile(
    r"(pdu|switch|sw|nic|outlet|port|psu|mac|ip|power|ps|switchport|console|feed)([0-9]+|[a-d])"
).fullmatch
_SPELLED = re.compile(
    r"(?:attr:)?[a-z][a-z0-9_-]*(?:#[0-9]+)?(?:\.[\w.:/+-]+)?|[a-z]+[0-9]+ (?:attr:)?[a-z][a-z0-9_.-]*"
).fullmatch
"""A title that is a key, or a part and a key, as clusto itself writes them."""
_WORDS = re.compile(r"[^\W_]+").findall
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PRODUCTS = re.compile(r"\b(iLO|iDRAC)")


def words(title: str) -> list[str]:
    """The words of a title, in lower case: `SwitchPort_A` is `switch port a`."""
    spread = _HUMP.sub(" ", _PRODUCTS.sub(lambda match: match[0].lower(), title))
    found: list[str] = []
    for word in _WORDS(spread.lower()):
        split = _NUMBERED(word)
        found.extend(split.groups() if split is not None else [word])
    return found


def _unnumbered(title: str, titles: Sequence[str]) -> str:
    """A title without the number that tells it from an earlier one: which it is shows by where it stands."""
    plain, bracket, _ = title.rpartition(" (")
    return plain if bracket and plain in titles else title


def name_column(titles: Sequence[str]) -> int | None:
    """Which column has the name of the Thing, if one has."""
    plain = [" ".join(words(title)) for title in titles]
    return next((plain.index(name) for name in _NAMES if name in plain), None)


def key_of(title: str) -> str:
    """A key for a column that means nothing to clusto: `Warranty end (date)` is `warranty_end_date`."""
    found = "_".join(_WORDS(title.lower()))[:60]
    return found or "column"


def recognised(titles: Sequence[str], cells: Callable[[int], Iterable[str]], taken: Sequence[int] = ()) -> list[Use]:
    """What the columns that are not taken are; `cells` gives what is in one. Titles without a word mean nothing."""
    return _Recognising(titles, cells, taken).run()


@dataclass
class _End:
    """A column that says a device, or a port of it."""

    column: int
    role: str
    index: str
    part: str
    port: bool
    partner: _End | None = None


class _Recognising:
    def __init__(self, titles: Sequence[str], cells: Callable[[int], Iterable[str]], taken: Sequence[int]) -> None:
        self.titles = titles
        self.cells = cells
        self.words = {
            place: words(_unnumbered(title, titles))
            for place, title in enumerate(titles)
            if title and place not in taken
        }
        self.found: dict[int, Use] = {}
        self.targets: set[str] = set()

    def run(self) -> list[Use]:
        self._name()
        ends = self._ends()
        self._part(ends)
        self._cables(ends)
        for place in self._left():
            self._plain(place)
        for place in self._left():
            self._card(place)
        for place in self._left():
            self._own(place)
        return [self.found[place] for place in sorted(self.found)]

    def _left(self) -> list[int]:
        used = {place for use in self.found.values() for place in use.columns}
        return [place for place in self.words if place not in used]

    def _use(self, target: str, *columns: int) -> None:
        self.found[columns[0]] = Use(target, columns, True)
        self.targets.add(target)

    def _name(self) -> None:
        plain = {" ".join(found): place for place, found in reversed(self.words.items())}
        if (name := next((name for name in _NAMES if name in plain), None)) is not None:
            self._use("name", plain[name])

    # --- cables ------------------------------------------------------------------------------------------------------

    def _ends(self) -> list[_End]:
        found = (self._end(place) for place in self._left() if " ".join(self.words[place]) not in _TARGETS)
        return [end for end in found if end is not None]

    def _end(self, place: int) -> _End | None:
        """What a column says of a cable, if its words are about nothing else."""
        role = index = part = ""
        port = False
        for word in self.words[place]:
            device = next((role for role, known in _DEVICES.items() if word in known), "")
            if device:
                role = device
            elif word in _PORTS:
                port, role = True, role or _PORTS[word]
            elif _CARD(word) or word in _CONTROLLERS:
                role, part = role or "net", "mgmt" if word in _CONTROLLERS else word
            elif word == "nic":
                role, part = role or "net", "eth"
            elif word in ("psu", "ps"):
                role, part = role or "power", "psu"
            elif word in _INDEXES or word.isdigit() or (len(word) == 1 and word in "abcd"):
                index = _INDEXES.get(word, word)
            elif word not in _FILLERS:
                return None
        if part in ("eth", "psu") and not index:
            return None
        if part == "mgmt" and not port and not any(word in _DEVICES["net"] for word in self.words[place]):
            return None
        if not role and not port and not ("power" in self.words[place] and index):
            return None
        return _End(place, role or ("" if port else "power"), index, part, port)

    def _part(self, ends: list[_End]) -> None:
        """A column that names the part of the machine that the row is about, beside the ones that say where it goes."""
        far = [end for end in ends if end.role == "net" and not end.part]
        if not far:
            return
        for place in self._left():
            title = " ".join(self.words[place])
            others = [end for end in ends if end.port and end.column != place and end.role in ("", "net")]
            if title in _PART_TITLES and (title != "interface" or others):
                self._use(PART, place)
                ends[:] = [end for end in ends if end.column != place]
                return

    def _cables(self, ends: list[_End]) -> None:
        devices = [end for end in ends if not end.port]
        for port in (end for end in ends if end.port):
            self._pair(port, devices)
        alone = [end for end in ends if end.port and end.role and end.partner is None]
        for role in ("net", "power", "console"):
            near = [end for end in (*devices, *alone) if end.role == role]
            near.sort(key=lambda end: end.column)
            zero = any(end.index == "0" for end in near)
            for count, end in enumerate(near, 1):
                target = CONNECT + self._near(end, _ordinal(end.index, count) + zero, len(near))
                if target not in self.targets:
                    self._use(target, end.column, *([end.partner.column] if end.partner is not None else []))

    def _pair(self, port: _End, devices: list[_End]) -> None:
        """Gives a column of ports the column of devices that they are of: the one of its index, else the one before."""
        fit = [end for end in devices if end.partner is None and port.role in ("", end.role)]
        if port.part:
            fit = [end for end in fit if end.part in ("", port.part)]
        wanted = _ordinal(port.index, 0)
        same = [end for end in fit if wanted in (0, _ordinal(end.index, 0))] or (fit if not port.index else [])
        before = [end for end in same if end.column < port.column]
        device = before[-1] if before else next(iter(same), None)
        if device is not None:
            device.partner, port.partner = port, device
            device.part = device.part or port.part

    def _near(self, end: _End, ordinal: int, count: int) -> str:
        """The part of the machine that a cable goes into."""
        if end.role == "console":
            return "console"
        if end.role == "power":
            return f"psu{ordinal}"
        if end.part and end.part != "eth":
            return end.part
        return PART if PART in self.targets and count == 1 else f"eth{ordinal - 1}"

    # --- everything else ---------------------------------------------------------------------------------------------

    def _plain(self, place: int) -> None:
        target = _TARGETS.get(" ".join(self.words[place]), "")
        if target == "driver" and not drivers.mostly(self.cells(place)):
            target = "kind"
        if not target or target in self.targets:
            return
        self._use(target, place)

    def _card(self, place: int) -> None:
        """Addresses and MACs, of the machine or of one of its cards."""
        found = self.words[place]
        what = "mac" if "mac" in found else "ip" if _ADDRESSES & set(found) else ""
        controller = bool(_CONTROLLERS & set(found))
        rest = [word for word in found if word not in _ADDRESSES | _CONTROLLERS | _FILLERS | {"mac", "nic", "primary"}]
        if not what:
            what = "ip" if controller and not rest else ""
        if not what or len(rest) > 1 or found == ["address"]:
            return
        card = "mgmt" if controller else ""
        if rest:
            (word,) = rest
            card = word if _CARD(word) else f"eth{int(word) - 1}" if word.isdigit() and word != "0" else "?"
        if card == "?":
            return
        if not card and PART in self.targets:
            card = PART
        target = f"{card} {what}".strip() if card or what == "ip" else "eth0 mac"
        if target not in self.targets:
            self._use(target, place)

    def _own(self, place: int) -> None:
        """Anything else is an attribute of the site's own."""
        title = self.titles[place]
        if not self.words[place]:
            return
        if _SPELLED(title):
            self._use(title if " " in title or title.startswith(ATTRIBUTE) else f"{ATTRIBUTE}{title}", place)
            return
        key = key_of(title)
        while f"{ATTRIBUTE}{key}" in self.targets or key in self.targets:
            key += "_2"
        self._use(f"{ATTRIBUTE}{key}", place)


def _ordinal(index: str, count: int) -> int:
    """The number that an index means, A being 1; `count` where there is none."""
    if not index:
        return count
    return int(index) if index.isdigit() else "abcd".index(index) + 1
