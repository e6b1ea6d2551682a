"""What a change of switch ports leaves in the inventory."""

from __future__ import annotations

from collections.abc import Sequence

from clusto_cli.context import App
from clusto_cli.network.jobs import FAILED, MISSING, MOVED, REFUSED, Job, kept, tried
from clusto_cli.network.run import Opened
from clusto_core.answers.network import LABEL_KEY, VLAN_KEY
from clusto_core.inventory import Transaction
from clusto_core.model.attributes import string, structure
from clusto_core.model.reserved import NETWORK_LAST, NETWORK_TRIED, SWITCH_ORDER, SWITCH_PROFILE
from clusto_core.model.things import Thing
from clusto_core.rules import values


def record(app: App, opened: Sequence[Opened], message: str | None) -> None:
    """One transaction for a command: each port's last change and label, each NIC's VLAN and what was refused or not
    done for it, what worked on each switch."""
    jobs = [job for one in opened for job in one.jobs]
    moved = [job for job in jobs if job.status == MOVED]
    failed = [job for job in jobs if job.status in (REFUSED, MISSING, FAILED)]
    learned = [one for one in opened if _new(one)]
    if not moved and not failed and not learned:
        return
    with app.changing("; ".join(filter(None, (message, _outcome(moved, failed)))) or None) as change:
        for one in learned:
            thing = change.resolve(one.device.name)
            if one.device.recognised and one.device.recognised != one.device.kept_profile:
                values.keep(change.unit, thing, SWITCH_PROFILE, [string(one.device.recognised)])
            if one.order and one.order != one.device.kept_order:
                values.keep(change.unit, thing, SWITCH_ORDER, [string(one.order)])
        for job in moved:
            _record(change, job)
        # A NIC may have been removed meanwhile: what was tried for it is in the message.
        nics = change.unit.load_attributes(job.wired.nic.id for job in failed)
        for job in failed:
            if (nic := nics.get(job.wired.nic.id)) is not None:
                values.keep(change.unit, nic, NETWORK_TRIED, [structure(tried(job))])


def _new(one: Opened) -> bool:
    device = one.device
    return bool(one.order and one.order != device.kept_order) or bool(
        device.recognised and device.recognised != device.kept_profile
    )


def _record(change: Transaction, job: Job) -> None:
    assert job.after is not None
    nic, port = change.resolve(job.nic), change.resolve(job.wired.port.name)
    before = [each.value for each in change.unit.attributes(nic) if each.key == VLAN_KEY]
    entry = kept(job, before[0].text if before else None)
    values.keep(change.unit, port, NETWORK_LAST, [structure(entry)])
    values.keep(change.unit, nic, NETWORK_TRIED, [])
    name_port(change, port, job.after.name)
    if job.vlan is not None:
        change.set_values(nic, VLAN_KEY, [job.vlan.thing if job.vlan.thing is not None else job.vlan.id])


def name_port(change: Transaction, port: Thing, name: str) -> bool:
    """Keeps the switch's own name of a port as its label, where it has another; False when that was so."""
    present = [each.value.text for each in change.unit.attributes(port) if each.key == LABEL_KEY]
    if present or name == port.part_name:
        return False
    return change.set_values(port, LABEL_KEY, [name])


def _outcome(moved: Sequence[Job], failed: Sequence[Job]) -> str:
    """`server1:eth1 to 203; server2:eth1 refused: ...`."""
    told = [f"{job.nic} to {job.after.pvid}" for job in moved[:10] if job.after is not None]
    more = [f"{len(moved) - 10} more"] if len(moved) > 10 else []
    parts = [", ".join([*told, *more])] if moved else []
    parts += [f"{job.nic} {job.status}: {job.text}" for job in failed[:10]]
    if len(failed) > 10:
        parts.append(f"{len(failed) - 10} more refused or failed")
    return "; ".join(parts)
