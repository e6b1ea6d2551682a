"""What is on which outlet, by what is written on it, and on which port of a console server, by who answers there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from clusto_cli.discovery.cabling import Cable, End
from clusto_cli.discovery.evidence import Banner, Evidence, Label
from clusto_cli.discovery.known import INLET, SERIAL_PORT, Known, Part
from clusto_core.transfer.evidence import Confidence


class Leads:
    """The cables for power and consoles that follow from labels and banners; `remarks` say what does not follow,
    `contradictions` what is recorded otherwise.

    Labels are written by people, and what answers on a console says its own name: both are `likely`. A label that names
    a machine with several inlets does not say which.
    """

    def __init__(self, evidence: Iterable[Evidence], known: Known) -> None:
        self.known = known
        self.remarks: list[str] = []
        self.contradictions: list[str] = []
        every = list(evidence)
        found = [*self._outlets(each for each in every if isinstance(each, Label))]
        found += self._consoles(each for each in every if isinstance(each, Banner))
        ends = Counter(end for cable in found for end in (cable.near, cable.far))
        self.cables = [cable for cable in found if ends[cable.near] == ends[cable.far] == 1]
        self.remarks += [
            f"{cable.near.owner}:{cable.near.part} is seen in several places, {cable.seen[0]}: no cable"
            for cable in found
            if cable not in self.cables
        ]

    def _outlets(self, labels: Iterable[Label]) -> Iterator[Cable]:
        for label in labels:
            item, part = self.known.labels.get(label.text, ("", ""))
            outlet = self.known.part(label.part)
            if not item or outlet is None or outlet.far:
                self._hold(label, item, outlet)
                continue
            inlet = self._one(item, part, INLET)
            if inlet is None:
                self.remarks.append(f"{label.at} {label.outlet} is labelled {label.text!a}, which says no one inlet")
            elif not inlet.far:
                seen = (f"{label.at} has the label {label.text!a} for outlet {label.outlet}",)
                yield _cable(inlet, outlet, seen)

    def _hold(self, label: Label, item: str, outlet: Part | None) -> None:
        """A label against the cable that is recorded: it says the same where it names the same machine."""
        if item and outlet is not None and outlet.far.partition(":")[0] != item:
            self.contradictions.append(f"{outlet.far} -> {outlet.name}: contradicted (its label is {label.text!a})")

    def _consoles(self, banners: Iterable[Banner]) -> Iterator[Cable]:
        for banner in banners:
            item = self.known.systems.get(banner.host, "")
            port = self.known.part(banner.part)
            if not item or port is None:
                self.remarks.append(f"{banner.part} answers as {banner.host}, which is not in the inventory")
                continue
            serial = self._one(item, "", SERIAL_PORT)
            if serial is None:
                self.remarks.append(f"{banner.part} answers as {banner.host}, which has several serial ports, or none")
            elif not serial.far and not port.far:
                yield _cable(serial, port, (f"{banner.host} answers on {banner.part}",))

    def _one(self, item: str, part: str, kind: str) -> Part | None:
        """The part of that name, else the only one of that kind."""
        every = self.known.items[item].of_kind(kind)
        found = [each for each in every if each.name == part] if part else every
        return found[0] if len(found) == 1 else None


def _cable(near: Part, far: Part, seen: tuple[str, ...]) -> Cable:
    one, other = (End(each.name.partition(":")[0], each.own) for each in (near, far))
    return Cable(one, other, Confidence.LIKELY, seen)
