"""What controllers say of machines of the inventory, as lines of a proposal; and what is recorded otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clusto_cli.discovery.evidence import Evidence, Machine
from clusto_cli.discovery.reasoning import Line
from clusto_core.answers.hardware import Finding, Kind, compare
from clusto_core.model.attributes import Key
from clusto_core.store.reader import Reader
from clusto_core.transfer.evidence import Confidence


def lines(reader: Reader, evidence: tuple[Evidence, ...], owners: Mapping[str, str]) -> Iterator[Line | str]:
    """A line for each fact that is not recorded; a text for each that is recorded otherwise."""
    for each in evidence:
        thing = reader.get(owners.get(each.at, each.at)) if isinstance(each, Machine) else None
        if thing is None or not isinstance(each, Machine) or thing.is_part:
            continue
        for finding in compare(reader, thing, each.said, whole=True):
            yield _line(finding, each) if _is_missing(finding) else finding.line


def _is_missing(finding: Finding) -> bool:
    return finding.kind is Kind.MISSING and finding.key != Key("type") and finding.said is not None


def _line(finding: Finding, machine: Machine) -> Line:
    owner, _, part = finding.thing.name.partition(":")
    path = ("part_attrs", part, str(finding.key)) if part else ("attrs", str(finding.key))
    seen = (f"the controller of {machine.at}",)
    return Line(owner, path, finding.said or "", Confidence.SURE, seen)
