"""Facts of machines held against the inventory, and written into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from clusto_cli.backends.machine import Facts
from clusto_cli.context import App
from clusto_cli.visible import clean
from clusto_core.answers.hardware import Finding, Kind, Row, Said, SaidPort, Told, compare
from clusto_core.inventory import Transaction
from clusto_core.model.attributes import ANY_SUBKEY, Key
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader

_NOTHING = re.compile(
    r"(?i)|0+|f+|n/?a|none|null|unknown|not (?:specified|available|present|set)|to be filled.*|default.*|no dimm|empty"
)
"""What firmware writes where nobody filled in a number (SMBIOS, DSP0134, and what makers leave there)."""


def said_by(facts: Facts) -> Said:
    """The facts as the inventory would have them; what could not be read, and what stands for nothing, is not said."""
    return Said(
        _text(facts.vendor),
        _text(facts.model),
        _text(facts.serial),
        "" if facts.mib is None else _plain(facts.mib / 1024),
        [*_rows(facts)],
        [
            *(SaidPort(tuple(map(clean, port.names)), port.macs) for card in facts.cards for port in card.ports),
            *([SaidPort((), facts.bmc_macs, management=True)] if facts.bmc_macs else []),
        ],
        complete=not facts.unread,
    )


def _rows(facts: Facts) -> Iterable[Row]:
    for cpu in facts.processors:
        yield _row("cpu", slot=cpu.slot, model=cpu.model, cores=cpu.cores, threads=cpu.threads, serial=cpu.serial)
    for module in facts.modules:
        size = None if module.mib is None else _plain(module.mib / 1024)
        yield _row("memory", slot=module.slot, size=size, model=module.model, serial=module.serial)
    for disk in facts.disks:
        size = None if disk.octets is None else round(disk.octets / 1e9)
        yield _row("disk", slot=disk.slot, size=size, kind=disk.kind, model=disk.model, serial=disk.serial)
    for card in facts.cards:
        if card.slot:
            yield _row("card", slot=card.slot, model=card.model, serial=card.serial)


def _row(table: str, **values: str | float | None) -> Row:
    kept = {subkey: _text(told) if isinstance(told, str) else told for subkey, told in values.items()}
    return Row(table, {subkey: told for subkey, told in kept.items() if told not in (None, "")})  # type: ignore[misc]


def _text(told: str | None) -> str:
    shown = clean(told or "").strip()
    return "" if _NOTHING.fullmatch(shown) else shown


def _plain(number: float) -> Told:
    """A number of GiB: whole, as nearly all are, or the nearest to what was said."""
    return round(number) or 1


def held(reader: Reader, facts: Mapping[Thing, Facts]) -> dict[Thing, list[Finding]]:
    """By machine, what of its facts is not recorded as it is."""
    return {thing: compare(reader, thing, said_by(said)) for thing, said in facts.items()}


def learn(
    app: App, facts: Mapping[Thing, Facts], message: str | None, *, force: bool, dry_run: bool
) -> tuple[dict[Thing, list[Finding]], dict[Thing, list[Finding]]]:
    """Writes what is missing, in one transaction, as the inventory is in that moment; with `force` also what differs.

    What was written, and what stands against the rest, by machine.
    """
    written: dict[Thing, list[Finding]] = {}
    left: dict[Thing, list[Finding]] = {}
    with app.changing(message, dry_run=dry_run) as change:
        for thing, each in facts.items():
            # One after the other, so that two machines that say they are one are noticed.
            found = compare(change.unit.reader, thing, said_by(each), whole=True)
            written[thing] = [finding for finding in found if _writable(finding, force)]
            left[thing] = [finding for finding in found if not _writable(finding, force)]
            for finding in written[thing]:
                _write(change, finding)
    return written, left


def _writable(finding: Finding, force: bool) -> bool:
    if finding.key == Key("type"):
        return False
    return finding.kind is Kind.MISSING or (force and finding.kind in (Kind.DIFFERS, Kind.GONE))


def _write(change: Transaction, finding: Finding) -> None:
    if finding.kind is not Kind.GONE:
        assert finding.said is not None
        change.set_values(finding.thing, finding.key, finding.said)
    elif finding.key.number is not None:
        change.delete_under(finding.thing, finding.key._replace(subkey=ANY_SUBKEY))
    else:
        change.delete_values(finding.thing, finding.key)


def record(finding: Finding) -> dict[str, Any]:
    """As `-o json` has it."""
    return {
        "kind": str(finding.kind),
        "thing": finding.thing.name,
        "key": str(finding.key),
        "recorded": finding.recorded,
        "said": finding.said,
    }
