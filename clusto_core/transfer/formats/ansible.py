"""An Ansible inventory in YAML: hosts with their attributes, and a group for each pool, role, class and service.

Source of the format: https://docs.ansible.com/ansible/latest/collections/ansible/builtin/yaml_inventory.html; names of
groups and variables: https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html. Ansible evaluates
the values of variables as Jinja2 templates: text that holds one is tagged `!unsafe`, so that it stays text. Variables
that begin with `ansible` are its own settings, some of which are programs (`ansible_ssh_common_args`): attributes
become such only where `leaving` permits their keys.

Read, it is what hosts are members of, their address, and their variables, as far as the inventory does not say the same
of them already: by a variable's name, the key that an export would spell so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import yaml

from clusto_core.answers.view import View, views
from clusto_core.drivers import Category
from clusto_core.drivers.equipment import Mounted, PatchPanel, Server, VirtualServer
from clusto_core.errors import Malformed
from clusto_core.model import addresses
from clusto_core.model.attributes import Key, Value, from_python
from clusto_core.model.things import Thing, in_order
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader
from clusto_core.store.spill import Spill
from clusto_core.transfer.collisions import collisions
from clusto_core.transfer.documents import Document, escaped, hides
from clusto_core.transfer.leaving import SAFE, Leaving, comment
from clusto_core.transfer.mentions.ansible_inventory import ALL, UNGROUPED, Vaulted, load, unwrapped
from clusto_core.transfer.mentions.mention import Card, Mention, mention
from clusto_core.transfer.mentions.reading import told
from clusto_core.transfer.mentions.spelling import identifier

ADDRESSES = True
SOURCE = "ansible"
GROUPS = "group.ansible"
"""The groups of a host that are no category in the inventory."""
_TEMPLATES = ("{{", "{%", "{#")
_RESERVED = ("all", "ungrouped", "_meta")
# https://docs.ansible.com/ansible/latest/reference_appendices/special_variables.html
_SPECIAL = frozenset(("environment", "group_names", "groups", "hostvars", "inventory_hostname", "omit", "vars"))
ADDRESS = "ansible_host"


class _Unsafe(str):
    """Text that Ansible must not evaluate."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    # PyYAML's C dumper is there or not by how it was built, which no type checker can know.
    def ignore_aliases(self, data: object) -> bool:
        return True

    def text(self, data: str) -> yaml.Node:
        """A string, in double quotes where it has characters to escape."""
        node: yaml.Node = self.represent_scalar("tag:yaml.org,2002:str", data, '"' if hides(data) else None)
        return node

    def unsafe(self, data: _Unsafe) -> yaml.Node:
        """The same, tagged."""
        node: yaml.Node = self.represent_scalar("!unsafe", str(data), '"' if hides(data) else "'")
        return node


_Dumper.add_representer(str, _Dumper.text)
_Dumper.add_representer(_Unsafe, _Dumper.unsafe)


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes servers and virtual servers, and other equipment that has an address. Secrets are left out, and attributes
    that would be settings of Ansible's, unless `leaving` permits them.
    """
    hosts = _taken(reader, things, leaving)
    out.writelines(comment(line) for line in hosts.collisions())
    leaving.leave_out("ansible", hosts.settings(), out)
    out.write("all:\n")
    out.writelines(_under("hosts", hosts.variables()))
    if groups := hosts.groups():
        out.writelines(_under("children", ({name: group} for name, group in groups.items())))


def _under(kind: str, portions: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The hosts or the children of the group `all`, a portion of them as YAML at a time."""
    heading = f"  {kind}:\n"
    for portion in portions:
        written = {"all": {kind: portion}}
        text = yaml.dump(written, None, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)
        yield heading + escaped(text.split("\n", 2)[2], pairs=False)
        heading = ""
    if heading:
        yield f"  {kind}: {{}}\n"


def listing(reader: Reader, things: Iterable[Thing], leaving: Leaving = SAFE) -> dict[str, Any]:
    """The same hosts, variables and groups as `ansible-inventory --list` has them, which inventory scripts print
    (https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html). Text that holds a template is
    `{"__ansible_unsafe": TEXT}`, as Ansible's own JSON has it; keys that mean something there besides are left out.
    """
    variables, groups = listed(reader, things, leaving)
    return {"_meta": {"hostvars": {name: own for portion in variables for name, own in portion.items()}}, **groups}


def listed(
    reader: Reader, things: Iterable[Thing], leaving: Leaving = SAFE
) -> tuple[Iterator[dict[str, Any]], dict[str, Any]]:
    """What `listing` has in two pieces: the variables by host, of which a portion is in memory at a time, and the
    groups."""
    hosts = _taken(reader, things, leaving)
    for line in hosts.collisions():
        leaving.tell(line)
    leaving.leave_out("ansible", hosts.settings())
    groups = hosts.groups()
    found: dict[str, Any] = {"all": {"hosts": list(hosts.names), "children": list(groups)}}
    found |= {name: {kind: list(members) for kind, members in group.items()} for name, group in groups.items()}
    return ({name: _tagged(own) for name, own in portion.items()} for portion in hosts.variables()), found


def _tagged(data: Any) -> Any:
    if isinstance(data, _Unsafe):
        return {"__ansible_unsafe": str(data)}
    if isinstance(data, dict):
        return {key: _tagged(value) for key, value in data.items() if not str(key).startswith("__ansible_")}
    return [_tagged(each) for each in data] if isinstance(data, list) else data


def _taken(reader: Reader, things: Iterable[Thing], leaving: Leaving) -> _Hosts:
    hosts = _Hosts(leaving)
    for view in views(reader, things, leaving.spaces):
        hosts.take(view)
    return hosts


def _is_host(view: View, thing: Thing) -> bool:
    if thing.is_a(Server) or thing.is_a(VirtualServer):
        return True
    return thing.is_a(Mounted) and not thing.is_a(PatchPanel) and view.address(thing) is not None


class _Hosts:
    """The hosts with their address and the attributes in force for them, and what groups they are in."""

    def __init__(self, leaving: Leaving) -> None:
        self._leaving = leaving
        self.names: dict[str, str | None] = {}
        """Each host's, with the address by which it is reached."""
        self._values = Spill()
        # A batch a portion; of each host the name, and by the texts of keys what is in force for it.
        self._keys: set[str] = set()
        self._members: dict[Thing, list[str]] = {}
        self._inside: dict[Thing, list[Thing]] = {}

    def take(self, view: View) -> None:
        """The hosts of one portion."""
        records: list[tuple[str, dict[str, list[tuple[Any, ...]]]]] = []
        for host in view.things:
            if not _is_host(view, host):
                continue
            self.names[host.name] = view.address(host)
            own: dict[str, list[tuple[Any, ...]]] = {}
            for attribute, _ in view.effective(host):
                if not attribute.key.reserved and not attribute.key.secret:
                    own.setdefault(str(attribute.key), []).append((*attribute.value,))
            self._keys.update(own)
            records.append((host.name, own))
            for parent in view.parents(host):
                if parent.is_a(Category):
                    self._members.setdefault(parent, []).append(host.name)
            for category in view.ancestors(host):
                if category.is_a(Category) and category not in self._inside:
                    self._inside[category] = [each for each in view.parents(category) if each.is_a(Category)]
        self._values.append(records)

    def collisions(self) -> Iterator[str]:
        """What names of these hosts may be mixed up, and which hosts are at one address."""
        for names in collisions((name.casefold(), name) for name in self.names).values():
            yield f"{', '.join(names)}: these names differ only in case"
        for address, names in collisions((held, name) for name, held in self.names.items() if held).items():
            yield f"{', '.join(names)}: these are all at {address}"

    def variables(self) -> Iterator[dict[str, dict[str, Any]]]:
        """By host, its variables; a portion at a time."""
        names = {key: name for key, name in self._names().items() if self._may_leave(key, name)}
        for number in range(len(self._values)):
            if records := self._values.batch(number):
                yield {host: self._variables(host, own, names) for host, own in records}

    def _variables(self, host: str, own: dict[str, list[Any]], names: dict[str, str]) -> dict[str, Any]:
        address = self.names[host]
        variables: dict[str, Any] = {} if address is None else {ADDRESS: address}
        for key, held in own.items():
            if (variable := names.get(key)) is not None:
                plain = [_plain(Value(*value)) for value in held]
                variables[variable] = plain[0] if len(plain) == 1 else plain
        return variables

    def settings(self) -> list[str]:
        """The keys of attributes that Ansible would obey."""
        return [key for key, name in self._names().items() if is_setting(name)]

    def _names(self) -> dict[str, str]:
        return identifiers(self._keys)

    def _may_leave(self, key: str, variable: str) -> bool:
        return not is_setting(variable) or self._leaving.permits(key)

    def groups(self) -> dict[str, dict[str, Any]]:
        """By group, the hosts and groups that are directly in it; groups without hosts are left out."""
        names = identifiers((category.name for category in self._inside), [*_RESERVED, *self.names])
        children: dict[Thing, list[str]] = {}
        for category, parents in self._inside.items():
            for parent in parents:
                children.setdefault(parent, []).append(names[category.name])
        groups: dict[str, dict[str, Any]] = {}
        for category in in_order(self._inside):
            group = groups[names[category.name]] = {}
            if category in self._members:
                group["hosts"] = {name: {} for name in self._members[category]}
            if category in children:
                group["children"] = {name: {} for name in sorted(children[category], key=natural_key)}
        return groups


def _plain(value: Value) -> Any:
    if value.type == "datetime":
        return _safe(value.text)
    return _safe(value.python())


def _safe(data: Any) -> Any:
    """The data with all text that holds a template marked, and without what is secret."""
    if isinstance(data, dict):
        return {_safe(key): _safe(value) for key, value in data.items() if not Key(str(key)).secret}
    if isinstance(data, list):
        return [_safe(each) for each in data]
    if isinstance(data, str) and any(mark in data for mark in _TEMPLATES):
        return _Unsafe(data)
    return data


def is_setting(variable: str) -> bool:
    """Whether Ansible obeys a variable of that name, or gives it a meaning of its own."""
    return variable.lower().lstrip("_").startswith("ansible") or variable in _SPECIAL


def identifiers(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """What each of these names is as that of a group or variable: of letters, digits and underscores, no two alike.

    A name that is such a one already keeps it.
    """
    used = set(taken)
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (not (name.isascii() and name.isidentifier()), natural_key(name))):
        word = identifier(name)
        candidate, again = word, 2
        while candidate in used:
            candidate, again = f"{word}_{again}", again + 1
        used.add(candidate)
        found[name] = candidate
    return found


# --- import ----------------------------------------------------------------------------------------------------------


def read(file: TextIO, name: str) -> Iterator[Document]:
    """What an inventory says of its hosts, and last how many variables were left out."""
    return told(_read, file, name)


def _read(file: TextIO, name: str) -> Iterator[Document]:
    inventory = load(file)
    left_out: dict[str, None] = {}
    groups = inventory.groups_of()
    for host, found in inventory.hosts.items():
        said = mention(host, name, found.line)
        variables = inventory.variables_of(host, groups[host])
        said.groups = tuple(each for each in groups[host] if each not in (ALL, UNGROUPED))
        said.groups_key, said.spelled = GROUPS, True
        _reach(said, variables.pop(ADDRESS, None))
        said.values = dict(_values(variables, left_out))
        yield said
    if left_out:
        listed = ", ".join(list(left_out)[:10]) + (", ..." if len(left_out) > 10 else "")
        yield Document("", name, 1, notes=(f"{name}: left out, as secrets or settings of Ansible's: {listed}",))


def _reach(said: Mention, host: object) -> None:
    """Takes how a host is reached: an address, or another name of it."""
    if isinstance(host, str) and (parsed := addresses.parse(host)) is not None:
        said.cards = (Card(addresses=(str(parsed),)),)
    elif isinstance(host, str) and host and not any(mark in host for mark in _TEMPLATES):
        said.aliases = (host,)


def _values(variables: dict[str, Any], left_out: dict[str, None]) -> Iterator[tuple[str, tuple[Value, ...]]]:
    for name, given in variables.items():
        data = unwrapped(given)
        if is_setting(name) or not name.isidentifier() or Key(name).secret or _is_secret(data):
            left_out[name] = None
            continue
        several = isinstance(data, list) and not any(isinstance(each, list | dict) or each is None for each in data)
        try:
            found = tuple(map(from_python, data if several else [data]))
        except Malformed:
            left_out[name] = None
        else:
            if data is not None:
                yield name, tuple(dict.fromkeys(found))


def _is_secret(data: Any) -> bool:
    """Whether a value is in a vault, or something in it is."""
    if isinstance(data, dict):
        return any(_is_secret(each) for each in data.values())
    return any(map(_is_secret, data)) if isinstance(data, list) else isinstance(data, Vaulted)
