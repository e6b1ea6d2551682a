"""The certificates that management controllers show, and which of them are pinned to their servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clusto_cli.backends.power import GROUPS
from clusto_cli.backends.redfish.address import Origin, origin
from clusto_cli.backends.runner import Interruption, Operation, Outcome, run, side_by_side
from clusto_cli.backends.settings import integer, seconds
from clusto_cli.backends.tls import fingerprint_of, shown_certificate
from clusto_cli.context import App
from clusto_core.answers.devicesettings import reached
from clusto_core.errors import ClustoError, Malformed, Refused
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader

FINGERPRINT_KEY = Key("bmc", None, "fingerprint")
PINNED, CHANGED, UNCHANGED, FAILED = "pinned", "changed", "unchanged", "failed"
_TIMEOUT = 20.0
_AT_ONCE = 64


@dataclass
class Shown:
    """One server's controller: the fingerprint that was pinned, and the one that it shows now, or why it shows none."""

    thing: Thing
    known: str | None = None
    at: Origin | None = None
    timeout: float = _TIMEOUT
    found: str | None = None
    about: str = ""
    failure: str = ""

    @property
    def status(self) -> str:
        if self.found is None:
            return FAILED
        return PINNED if self.known is None else UNCHANGED if self.known == self.found else CHANGED

    def line(self) -> str:
        """`server1 pinned sha256:... (CN=...)`."""
        about = f" ({self.about})" if self.about else ""
        return f"{self.thing.name} {self.status}{f': {self.failure}' if self.failure else f' {self.found}{about}'}"

    def record(self) -> dict[str, Any]:
        return {
            "name": self.thing.name,
            "status": self.status,
            "fingerprint": self.found,
            "before": self.known,
            "certificate": self.about or None,
            "failure": self.failure or None,
        }


def shown(reader: Reader, things: Sequence[Thing]) -> list[Shown]:
    """What the controllers of these servers show. Nothing is told to them but the beginning of TLS."""
    found = [_about(thing, reached(reader, [thing], GROUPS)[thing.id].settings) for thing in things]

    def operation(each: Shown, at: Origin) -> Operation[bytes]:
        return lambda interruption: interruption.within(shown_certificate(at.host, at.port, each.timeout))

    def note(outcome: Outcome[Thing, bytes]) -> None:
        each = by_thing[outcome.device]
        if outcome.result is None:
            each.failure = str(outcome.failure)
        else:
            each.found, each.about = fingerprint_of(outcome.result), described(outcome.result)

    async def main(interruption: Interruption) -> None:
        queues = {each.thing: [operation(each, each.at)] for each in found if each.at is not None}
        await side_by_side(queues, parallel=_AT_ONCE, interruption=interruption, on_outcome=note)

    by_thing = {each.thing: each for each in found}
    _, interrupted = run(main)
    if interrupted:
        raise KeyboardInterrupt
    return found


def _about(thing: Thing, settings: Mapping[str, str]) -> Shown:
    shown = Shown(thing)
    try:
        if "bmc.host" not in settings:
            raise Refused(f"{thing.name} has no management controller (bmc.host is not set)")
        if settings.get("bmc.protocol") != "redfish":
            raise Refused(f"{thing.name}: only bmc.protocol=redfish shows certificates")
        at = origin(settings["bmc.host"], integer(settings, "bmc.port", 0) or None)
        if at.scheme != "https":
            raise Malformed(f"{thing.name}: bmc.host is {at}, which is not encrypted: write it with https://")
        shown.known = settings.get("bmc.fingerprint")
        shown.timeout = seconds(settings, "bmc.timeout", _TIMEOUT)
        shown.at = at
    except ClustoError as error:
        shown.failure = str(error)
    except ValueError as error:
        shown.failure = f"{thing.name}: {error}"
    return shown


def described(certificate: bytes) -> str:
    """Whose it is, who signed it and until when it is good, for people to compare."""
    from cryptography import x509

    try:
        read = x509.load_der_x509_certificate(certificate)
        subject, issuer = read.subject.rfc4514_string(), read.issuer.rfc4514_string()
        until = f"until {read.not_valid_after_utc:%Y-%m-%d}"
    except (ValueError, TypeError, OverflowError):
        return "a certificate that cannot be read"
    signed = "signed by itself" if subject == issuer else f"signed by {issuer[:120]}"
    return f"{subject[:120] or 'nobody'}, {signed}, {until}"


def pin(app: App, found: Sequence[Shown], message: str | None) -> None:
    """Writes the fingerprints that are new, in one transaction."""
    new = [each for each in found if each.status in (PINNED, CHANGED)]
    if not new:
        return
    with app.changing(message) as change:
        for each in new:
            assert each.found is not None
            change.set_values(change.resolve(each.thing.name), FINGERPRINT_KEY, [each.found])
