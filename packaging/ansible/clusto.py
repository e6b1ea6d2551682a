"""Ansible's inventory plugin `clusto`: asks the program `clusto-ansible`. Runs in Ansible's own Python."""

from __future__ import annotations

import contextlib
import json
import subprocess
from hashlib import sha256

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

DOCUMENTATION = r"""
name: clusto
short_description: Hosts of a clusto inventory
description:
  - Servers, virtual servers and what else has an address in clusto, with the attributes in force for them.
  - Pools, roles, classes and services are groups.
  - What attributes hold is text and never a template.
  - The file is called clusto.yml or clusto.yaml, or ends so.
options:
  plugin:
    description: The name of this plugin.
    required: true
    choices: [clusto]
  db:
    description: The inventory, a store or https://HOST. By default what clusto finds by itself.
    type: str
    env:
      - name: CLUSTO_DB
  where:
    description: An expression. Only what it selects is there.
    type: str
    env:
      - name: CLUSTO_ANSIBLE_WHERE
  program:
    description: The program that is asked.
    type: str
    default: clusto-ansible
  seconds:
    description: How long it may take.
    type: int
    default: 120
extends_documentation_fragment:
  - constructed
  - inventory_cache
"""

EXAMPLES = r"""
# web.clusto.yml
plugin: clusto
where: driver:Server in name:web-pool
keyed_groups:
  - key: rack
    prefix: rack
cache: true
cache_plugin: jsonfile
cache_connection: ~/.cache/ansible
cache_timeout: 3600
"""


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The plugin."""

    NAME = "clusto"

    def verify_file(self, path):
        """Whether a file is one for this plugin, by its name."""
        return super().verify_file(path) and path.endswith(("clusto.yml", "clusto.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        """Fills the inventory from what clusto says, or said within the time of the cache."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        self.load_cache_plugin()
        kept = self.get_option("cache")
        key = self._key(path)
        found = None
        if kept and cache:
            with contextlib.suppress(KeyError):
                found = self._cache[key]
        if found is None:
            found = self._ask()
            if kept:
                self._cache[key] = found
        self._fill(found)

    def _key(self, path):
        asked = [self.get_option(name) for name in ("program", "db", "where")]
        return self.get_cache_key(path) + sha256(json.dumps(asked).encode()).hexdigest()[:16]

    def _ask(self):
        words = [self.get_option("program"), "--list"]
        # A file that names another server than the environment does gets no token of that one.
        words += [f"--{name}={self.get_option(name)}" for name in ("db", "where") if self.get_option(name)]
        try:
            done = subprocess.run(words, capture_output=True, timeout=self.get_option("seconds"), check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AnsibleParserError(f"{words[0]}: {error}") from error
        said = done.stderr.decode(errors="replace").strip()
        if done.returncode:
            raise AnsibleParserError(said or f"{words[0]} ended with {done.returncode}")
        if said:
            self.display.warning(said)
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            raise AnsibleParserError(f"{words[0]} printed what is no JSON: {error}") from error

    def _fill(self, found):
        groups = {name: group for name, group in found.items() if name != "_meta"}
        for name in groups:
            self.inventory.add_group(name)
        for name, variables in found["_meta"]["hostvars"].items():
            self.inventory.add_host(name)
            for key, value in variables.items():
                self.inventory.set_variable(name, key, _unwrapped(value))
        for name, group in groups.items():
            for host in group.get("hosts", ()):
                self.inventory.add_child(name, host)
            for child in group.get("children", ()):
                self.inventory.add_child(name, child)
        self._construct(found["_meta"]["hostvars"])

    def _construct(self, hosts):
        strict = self.get_option("strict")
        for name in hosts:
            variables = self.inventory.get_host(name).get_vars()
            self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
            self._add_host_to_composed_groups(self.get_option("groups"), {}, name, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), {}, name, strict=strict)


def _unwrapped(value):
    """A value with its marked text as Ansible knows it: text that is never evaluated."""
    if isinstance(value, dict):
        if set(value) == {"__ansible_unsafe"}:
            return wrap_var(value["__ansible_unsafe"])
        return {key: _unwrapped(each) for key, each in value.items()}
    return [_unwrapped(each) for each in value] if isinstance(value, list) else value
