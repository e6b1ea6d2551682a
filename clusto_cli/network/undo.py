"""Which changes `network undo` takes back."""

from __future__ import annotations

from clusto_cli.network.jobs import Job, LastChange, last_change, last_changes, port_names
from clusto_core.answers.network import MeantVlan, Wired, nics_of, vlan_by_id, wired
from clusto_core.drivers.equipment import Switch
from clusto_core.errors import Malformed, NotFound
from clusto_core.model.things import in_order
from clusto_core.store.reader import Reader


def changes_to_undo(reader: Reader, name: str | None) -> list[LastChange]:
    """The last change of a NIC or a switch port, of the one changed NIC of a Thing, or the newest of all.

    Raises NotFound when there is none, Malformed when a Thing has several.
    """
    if name is None:
        newest = last_changes(reader)
        if not newest:
            raise NotFound("no change of a port is recorded")
        return newest[:1]
    thing = reader.resolve(name)
    if thing.is_part:
        owner = reader.by_ids([thing.entity_id])[thing.entity_id]
        return [last_change(reader, thing if owner.is_a(Switch) else wired(reader, thing).port)]
    if thing.is_a(Switch):
        changes = last_changes(reader, reader.parts(thing.id))
    else:
        changes = last_changes(reader, [wired(reader, nic).port for nic in nics_of(reader, thing)])
    if not changes:
        raise NotFound(f"no change of a port of {thing.name} is recorded")
    if len(changes) > 1 and not thing.is_a(Switch):
        several = ", ".join(sorted(change.nic for change in changes))
        raise Malformed(f"several NICs of {thing.name} were changed: name one of {several}")
    return changes[:1]


def job_for(reader: Reader, change: LastChange) -> Job:
    """The job that takes a change back: of what is wired to the port now."""
    switch = reader.by_ids([change.port.entity_id])[change.port.entity_id]
    nic = reader.get(change.nic)
    if nic is None:
        links = reader.links_of_parts(change.port.id)
        nic = in_order(link.end for link in links)[0] if links else change.port
    meant: MeantVlan | None = vlan_by_id(reader, change.before.pvid) if change.before.pvid else None
    return Job(Wired(nic, change.port, switch), port_names(reader, [change.port])[change.port.id], meant)
