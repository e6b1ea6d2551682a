"""An Ansible inventory, as its own plugins read it: YAML, INI, and the JSON of `ansible-inventory --list`.

Source of the formats: https://docs.ansible.com/ansible/latest/collections/ansible/builtin/ini_inventory.html and
yaml_inventory.html; which variable wins: https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html.
Nothing is evaluated: a template is text. What is kept in a vault is not read.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

from clusto_core.transfer.mentions.reading import BrokenAtError, numbered

ALL, UNGROUPED = "all", "ungrouped"
LIMIT = 1_000_000
"""The most hosts, and the most values of a YAML file with its aliases written out."""
_YAML = re.compile(r"---|%YAML|[^\s\[\]=]+:(?:\s|$)")
_SECTION = re.compile(r"\[([^:\]]+)(?::(vars|children))?\]\s*(?:[#;].*)?")
_RANGE = re.compile(r"\[([0-9]+|[A-Za-z]):([0-9]+|[A-Za-z])(?::([0-9]+))?\]")
_PORT = re.compile(r"(?P<host>[^:\s]+|\[[0-9A-Fa-f:.]+\]):[0-9]+")

Variables = dict[str, Any]


@dataclass
class Group:
    """A group: its hosts, the groups in it, and its variables."""

    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    variables: Variables = field(default_factory=dict)


@dataclass
class Host:
    """A host, on which line it is named first, and the variables of its own."""

    line: int
    variables: Variables = field(default_factory=dict)


class Vaulted(str):
    """What only Ansible can read."""


@dataclass
class Inventory:
    """All that a file says."""

    groups: dict[str, Group] = field(default_factory=lambda: {ALL: Group()})
    hosts: dict[str, Host] = field(default_factory=dict)

    def group(self, name: str) -> Group:
        """The group of that name, which is there from when it is named."""
        return self.groups.setdefault(name, Group())

    def host(self, name: str, line: int) -> Host:
        """The host of that name. Raises BrokenAtError for more hosts than there may be."""
        if len(self.hosts) >= LIMIT:
            raise BrokenAtError(line, f"more than {LIMIT:,} hosts")
        return self.hosts.setdefault(name, Host(line))

    def groups_of(self) -> dict[str, list[str]]:
        """By host, all groups that it is in, outer ones first: what is further in has the last word."""
        depths = self._depths()
        found: dict[str, set[str]] = {name: set() for name in self.hosts}
        above = self._above()
        for name, group in self.groups.items():
            every = {name, *above[name]}
            for host in group.hosts:
                found[host] |= every
        return {host: sorted(names, key=lambda name: (depths[name], name)) for host, names in found.items()}

    def variables_of(self, host: str, groups: Iterable[str]) -> Variables:
        """The variables in force for a host that is in these groups."""
        found = dict(self.groups[ALL].variables)
        for name in groups:
            found.update(self.groups[name].variables)
        return {**found, **self.hosts[host].variables}

    def _parents(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {name: [] for name in self.groups}
        for name, group in self.groups.items():
            for child in group.children:
                found[child].append(name)
        return found

    def _above(self) -> dict[str, set[str]]:
        """By group, all that it is in."""
        parents = self._parents()
        found = {}
        for name in self.groups:
            seen: set[str] = set()
            level = parents[name]
            while level:
                seen.update(level)
                level = [each for group in level for each in parents[group] if each not in seen]
            found[name] = seen
        return found

    def _depths(self) -> dict[str, int]:
        """How far in each group is; a group that is in itself is nowhere further."""
        depths = {name: 0 if name == ALL else 1 for name in self.groups}
        level, rounds = list(self.groups), 0
        while level and rounds <= len(self.groups):
            deeper = [(child, depths[name] + 1) for name in level for child in self.groups[name].children]
            level = []
            for child, depth in deeper:
                if depths[child] < depth:
                    depths[child] = depth
                    level.append(child)
            rounds += 1
        return depths


def load(file: TextIO) -> Inventory:
    """What a file says, in whichever of the three formats it is. Raises BrokenAtError."""
    lines = list(numbered(file))
    first = next((text.strip() for _, text in lines if text.strip() and text.strip()[0] not in "#;"), "")
    text = "\n".join(each for _, each in lines)
    if first.startswith("{"):
        return _Listed(text).inventory
    if _YAML.match(first):
        return _FromYaml(text).inventory
    return _ini(lines)


# --- JSON ------------------------------------------------------------------------------------------------------------


class _Listed:
    """`ansible-inventory --list`: variables are those in force, under `_meta`."""

    def __init__(self, text: str) -> None:
        self.inventory = Inventory()
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise BrokenAtError(error.lineno, f"not JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            raise BrokenAtError(1, f"not JSON: {error}") from None
        meta = _mapping(data.pop("_meta", {}), "_meta", 1)
        for name, group in data.items():
            self._take(name, group)
        for host, variables in _mapping(meta.get("hostvars", {}), "hostvars", 1).items():
            self.inventory.host(host, 1).variables.update(_mapping(variables, host, 1))
        _link(self.inventory)

    def _take(self, name: str, data: Any) -> None:
        group = self.inventory.group(name)
        said = {"hosts": data} if isinstance(data, list) else _mapping(data, name, 1)
        for host in _texts(said.get("hosts", []), name):
            self.inventory.host(host, 1)
            group.hosts[host] = None
        group.children.update(dict.fromkeys(_texts(said.get("children", []), name)))
        group.variables.update(_mapping(said.get("vars", {}), name, 1))


def _mapping(data: Any, what: str, line: int) -> Variables:
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise BrokenAtError(line, f"{what[:60]!a} is no mapping")
    return {str(key): value for key, value in data.items()}


def _texts(data: Any, what: str) -> list[str]:
    if not isinstance(data, list | dict) or not all(isinstance(each, str) for each in data):
        raise BrokenAtError(1, f"what is in {what[:60]!a} is no list of names")
    return list(data)


def _link(inventory: Inventory) -> None:
    """Groups that are only named are there too."""
    for group in list(inventory.groups.values()):
        for child in group.children:
            inventory.group(child)


# --- YAML ------------------------------------------------------------------------------------------------------------


class _FromYaml:
    """Groups as mappings, one in another. Nodes are looked at rather than data, since they know their lines."""

    def __init__(self, text: str) -> None:
        import yaml

        self.inventory = Inventory()
        self._seen: set[tuple[str, int]] = set()
        self._loader = _loader()(text)
        try:
            root = self._loader.get_single_node()
            if root is not None:
                _check_size(root)
                for name, line, node in self._pairs(root, "the inventory"):
                    if name == "plugin":
                        text = "the configuration of a plugin: pipe what ansible-inventory --list says of it instead"
                        raise BrokenAtError(line, text)
                    self._take(name, node, line)
            _link(self.inventory)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise BrokenAtError(line, f"not YAML: {error.problem or error.context}") from None
        except (yaml.YAMLError, ValueError) as error:
            raise BrokenAtError(1, f"not YAML: {str(error).splitlines()[0]}") from None
        finally:
            self._loader.dispose()

    def _pairs(self, node: Any, what: str) -> Iterator[tuple[str, int, Any]]:
        """The keys of a mapping with their lines and what stands there; none where nothing does."""
        if node.tag == "tag:yaml.org,2002:null":
            return
        if node.id != "mapping":
            raise BrokenAtError(node.start_mark.line + 1, f"{what[:60]!a} is no mapping")
        self._loader.flatten_mapping(node)
        for key, value in node.value:
            yield str(self._loader.construct_object(key, deep=True)), key.start_mark.line + 1, value

    def _take(self, name: str, node: Any, line: int) -> None:
        group = self.inventory.group(name)
        if (name, id(node)) in self._seen:
            return
        self._seen.add((name, id(node)))
        for key, at, inner in self._pairs(node, name):
            if key == "hosts":
                for host, where, variables in self._pairs(inner, f"hosts of {name}"):
                    for each in _written_out(host, where):
                        self.inventory.host(each, where).variables.update(self._variables(variables, host))
                        group.hosts[each] = None
            elif key == "children":
                for child, where, below in self._pairs(inner, f"children of {name}"):
                    group.children[child] = None
                    self._take(child, below, where)
            elif key == "vars":
                group.variables.update(self._variables(inner, f"vars of {name}"))
            else:
                raise BrokenAtError(at, f"{key[:60]!a} of the group {name[:60]} is none of hosts, children, vars")

    def _variables(self, node: Any, what: str) -> Variables:
        return {key: self._loader.construct_object(value, deep=True) for key, _, value in self._pairs(node, what)}


def _loader() -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Ansible's two tags, and no dates, which Ansible has as text."""

    Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
    Loader.add_constructor("!vault", lambda loader, node: Vaulted())
    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))
    return Loader


def _check_size(root: Any) -> None:
    """Raises BrokenAtError for a node that is in itself, and for more than LIMIT values."""
    sizes: dict[int, int] = {}
    inside: set[int] = set()

    def size(node: Any) -> int:
        if id(node) in inside:
            raise BrokenAtError(node.start_mark.line + 1, "an alias of what it stands in")
        if id(node) not in sizes:
            inside.add(id(node))
            below = node.value if isinstance(node.value, list) else []
            every = (each for pair in below for each in (pair if isinstance(pair, tuple) else (pair,)))
            sizes[id(node)] = 1 + sum(map(size, every))
            inside.discard(id(node))
        if sizes[id(node)] > LIMIT:
            raise BrokenAtError(node.start_mark.line + 1, f"more than {LIMIT:,} values, with its aliases written out")
        return sizes[id(node)]

    size(root)


# --- INI -------------------------------------------------------------------------------------------------------------


def _ini(lines: Iterable[tuple[int, str]]) -> Inventory:
    inventory = Inventory()
    name, kind = UNGROUPED, ""
    for number, line in lines:
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        if text.startswith("[") and (section := _SECTION.fullmatch(text)):
            name, kind = section[1].strip(), section[2] or ""
            inventory.group(name)
        elif kind == "vars":
            key, equals, value = text.partition("=")
            if not equals:
                raise BrokenAtError(number, f"expected variable=value, found {text[:60]!a}")
            inventory.group(name).variables[key.strip()] = _literal(value.strip())
        elif kind == "children":
            inventory.group(name).children[_split(text, number)[0]] = None
        else:
            _ini_hosts(inventory, name, text, number)
    _link(inventory)
    return inventory


def _ini_hosts(inventory: Inventory, group: str, text: str, line: int) -> None:
    words = _split(text, line)
    variables = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals:
            raise BrokenAtError(line, f"expected variable=value, found {word[:60]!a}")
        variables[key] = _literal(value)
    for host in _written_out(words[0], line):
        inventory.host(host, line).variables.update(variables)
        inventory.group(group).hosts[host] = None


def _split(text: str, line: int) -> list[str]:
    try:
        return shlex.split(text, comments=True) or [""]
    except ValueError as error:
        raise BrokenAtError(line, f"{str(error)[:1].lower()}{str(error)[1:]}") from None


def _literal(text: str) -> Any:
    """A value of an INI file: what Python takes for one, else text."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text
    return found if isinstance(found, str | int | float | bool | list | dict) else text


def _written_out(pattern: str, line: int) -> Iterator[str]:
    """The hosts of a pattern: `web[01:50].example.net`, `db-[a:f]`, every second one `[1:9:2]`; a port is left out."""
    if (with_port := _PORT.fullmatch(pattern)) is not None:
        pattern = with_port["host"].strip("[]")
    found = _RANGE.search(pattern)
    if found is None:
        yield pattern
        return
    first, last, step = found[1], found[2], int(found[3] or 1)
    digits = first.isdecimal()
    if digits != last.isdecimal() or step < 1:
        raise BrokenAtError(line, f"malformed range: {found[0][:60]}")
    low, high = (int(first), int(last)) if digits else (ord(first), ord(last))
    if low > high or (high - low) // step >= LIMIT:
        raise BrokenAtError(line, f"malformed range: {found[0][:60]}")
    width = len(first) if first.startswith("0") else 0
    for number in range(low, high + 1, step):
        each = str(number).zfill(width) if digits else chr(number)
        yield from _written_out(pattern[: found.start()] + each + pattern[found.end() :], line)


def unwrapped(data: Any) -> Any:
    """A value without Ansible's marks; Vaulted for what is in a vault, also within."""
    if isinstance(data, Mapping):
        if set(data) == {"__ansible_unsafe"}:
            return data["__ansible_unsafe"]
        if set(data) == {"__ansible_vault"}:
            return Vaulted()
        return {key: unwrapped(value) for key, value in data.items()}
    return [unwrapped(each) for each in data] if isinstance(data, list | tuple) else data
