"""A configuration for PowerMan: a device for each PDU, a node for each feed, and each server as an alias of its feeds.

Source of the format: powerman.conf(5), powerman.dev(5), PowerMan 2.3.27. PowerMan gives a node one plug; a server with
two feeds is an alias of `server1-psu1` and `server1-psu2`, so that `powerman -0 server1` takes both.

A PDU with the attribute `powerman.spec`, own or inherited, is driven by that specification of PowerMan's, at its
address and `powerman.port` (23), or as `powerman.device` says, in which `{host}` is the address. All others are driven
by clusto, by the specification that this file brings: PowerMan's clients then work with every PDU that clusto knows.
powermand runs what a device's target says as a program, so these attributes count only where `leaving` permits them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, TextIO

from clusto_core.answers.view import View, view_of, views
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.model.things import Thing, in_order
from clusto_core.store.reader import Reader
from clusto_core.transfer.leaving import SAFE, Leaving, comment

SPEC = "powerman.spec"
DEVICE = "powerman.device"
PORT = "powerman.port"

_OWN = r"""specification "clusto" {
	timeout 120

	script login {
		send "PS1=; PS2=; echo =$((6*7))=\n"
		expect "=42=\r?\n"
	}
	script status {
		send "clusto power status '%s' 2>/dev/null | { read name state rest; echo =${state:-unknown}=; }\n"
		expect "=([a-z]+)=\r?\n"
		setplugstate $1 on="on" off="off"
	}
	script on_ranged {
		send "clusto power on --yes '%s' >/dev/null 2>&1; echo =$?=\n"
		expect "=0=\r?\n"
	}
	script off_ranged {
		send "clusto power off --yes '%s' >/dev/null 2>&1; echo =$?=\n"
		expect "=0=\r?\n"
	}
}
"""

_SPEC = re.compile(r"[A-Za-z0-9._-]{1,100}")
_TARGET = re.compile(r"[A-Za-z0-9 ._:/@,+=|&\[\]-]{1,500}")


class _Feed(NamedTuple):
    """An inlet and the outlet that it is wired to."""

    inlet: Thing
    outlet: Thing


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the feeds of the Things, and the PDUs that they come from."""
    feeds = {thing: _feeds(view, thing) for view in views(reader, things) for thing in view.things}
    owners = reader.by_ids({feed.outlet.entity_id for found in feeds.values() for feed in found})
    pdus = view_of(reader, owners.values())
    specs = {pdu: pdus.setting(pdu, SPEC) if leaving.permits(SPEC) else None for pdu in pdus.things}
    leaving.leave_out("powerman", _settings(pdus), out)
    for spec in sorted({spec for spec in specs.values() if spec}):
        if _SPEC.fullmatch(spec):
            out.write(f'include "/etc/powerman/{spec}.dev"\n')
    if not all(specs.values()):
        out.write(_OWN)
    usable = {pdu.id for pdu in in_order(specs) if _write_device(pdus, pdu, specs[pdu], out, leaving)}
    nodes: set[str] = {thing.name for thing, found in feeds.items() if found}
    for thing, found in feeds.items():
        known = [feed for feed in found if feed.outlet.entity_id in usable]
        names = [_node(feed.inlet) for feed in known]
        if nodes & set(names) or len(set(names)) < len(names):
            out.write(comment(f"{thing.name}: left out, two nodes would be called {', '.join(names)}"))
            continue
        nodes |= set(names)
        for feed, name in zip(known, names, strict=True):
            pdu = owners[feed.outlet.entity_id]
            plug = _plug(feed.outlet) if specs[pdu] else feed.outlet.name
            out.write(f'node "{name}" "{pdu.name}" "{plug}"\n')
        if known:
            out.write(f'alias "{thing.name}" "{",".join(names)}"\n')


def _feeds(view: View, thing: Thing) -> list[_Feed]:
    return [
        _Feed(link.part, link.far)
        for link in view.links[thing.id]
        if link.part is not None and link.part.is_a(Inlet) and link.far is not None and link.far.is_a(Outlet)
    ]


def _settings(view: View) -> set[str]:
    """The keys of attributes that powermand would obey."""
    return {key for pdu in view.things for key in (SPEC, DEVICE) if view.setting(pdu, key)}


def _write_device(view: View, pdu: Thing, spec: str | None, out: TextIO, leaving: Leaving) -> bool:
    if not spec:
        out.write(f'device "{pdu.name}" "clusto" "/bin/sh |&"\n')
        return True
    host = view.address(pdu) or pdu.name
    host = f"[{host}]" if ":" in host else host
    port = view.setting(pdu, PORT) or "23"
    own = view.setting(pdu, DEVICE)
    if own and not leaving.permits(DEVICE):
        out.write(comment(f"{pdu.name}: left out, since {DEVICE} says how it is reached"))
        return False
    target = (own or f"{{host}}:{port}").replace("{host}", host)
    if not _SPEC.fullmatch(spec) or not _TARGET.fullmatch(target):
        out.write(
            comment(f"{pdu.name}: left out, {SPEC} or {DEVICE} has a character that PowerMan's files cannot hold")
        )
        return False
    out.write(f'device "{pdu.name}" "{spec}" "{target}"\n')
    return True


def _plug(outlet: Thing) -> str:
    """What PowerMan's specifications call an outlet: by its number."""
    return outlet.part_name if outlet.number is None else str(outlet.number)


def _node(inlet: Thing) -> str:
    return f"{inlet.owner_name}-{re.sub('[^A-Za-z0-9._-]+', '-', inlet.part_name)}"
