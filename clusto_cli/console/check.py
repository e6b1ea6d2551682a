"""Whether each console answers, and as the machine that the wiring says: miscabling, found for a whole rack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.access import Access
from clusto_cli.backends.console.identity import host_name, same_host
from clusto_cli.backends.console.script import Ask, Job, Transcript, in_batches
from clusto_cli.backends.errors import Busy
from clusto_cli.console.scripted import ends_in_good_order, outcome
from clusto_core.answers.consoles import ConsoleWay

# Two presses of Enter: at a password prompt the first one only brings the login prompt back.
_ENTER = b"\r"
_PATIENCE = 2.0


class Finding(NamedTuple):
    """What one console answered.

    state: `answers`, as the machine it should be; `unnamed`, an answer that names no machine; `other`, another
    machine's; `silent`; `busy`; `no console`; or what kept it from being attached. says: the host name that it gave.
    """

    name: str
    way: str
    state: str
    says: str | None
    words: str

    @property
    def good(self) -> bool:
        return self.state in ("answers", "unnamed", "busy")

    def record(self) -> dict[str, Any]:
        return {"name": self.name, "way": self.way, "state": self.state, "says": self.says, "message": self.words}


def check(
    consoles: Sequence[tuple[ConsoleWay, Access]],
    hosts: Mapping[str, Sequence[str]],
    whose: Callable[[str], str | None],
    parallel: int,
) -> list[Finding]:
    """Asks each console, so many side by side.

    hosts: the host names that each machine may have; whose: the machine with a host name.
    """
    jobs = [
        Job(
            way.thing.name,
            access,
            [Ask(_ENTER, _PATIENCE, lambda said: host_name(said) is not None)] * 2,
            attach=Attach.NORMAL,
        )
        for way, access in consoles
    ]
    with ends_in_good_order():
        asked = list(in_batches(jobs, parallel))
    return [_finding(way, transcript, hosts, whose) for (way, _), transcript in zip(consoles, asked, strict=True)]


def _finding(
    way: ConsoleWay, transcript: Transcript, hosts: Mapping[str, Sequence[str]], whose: Callable[[str], str | None]
) -> Finding:
    name, error = way.thing.name, transcript.error
    said = host_name(bytes(transcript.data))
    if error is not None and said is None:
        state = "busy" if isinstance(error, Busy) else outcome(error)
        return Finding(name, way.words, state, None, str(error))
    if said is None:
        if transcript.data.strip():
            return Finding(name, way.words, "unnamed", None, "answers, and does not say which machine it is")
        return Finding(name, way.words, "silent", None, "nothing comes back")
    if any(same_host(said, host) for host in hosts[name]):
        return Finding(name, way.words, "answers", said, f"answers as {said}")
    owner = whose(said)
    if owner is None:
        words = f"answers as {said}, which is not in the inventory"
    else:
        words = f"answers as {owner}: the cable is another one than the inventory says"
    return Finding(name, way.words, "other", said, words)
