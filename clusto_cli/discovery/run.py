"""One look: from what is named to a proposal, and what stands against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from clusto_cli.context import App
from clusto_cli.discovery import facts, proposal
from clusto_cli.discovery.asking import Answers, ask
from clusto_cli.discovery.collectors import leases
from clusto_cli.discovery.evidence import Failure, Lease
from clusto_cli.discovery.known import gather
from clusto_cli.discovery.naming import Names
from clusto_cli.discovery.reasoning import Line, reason, unnamed
from clusto_cli.discovery.seeds import Seeds, asked
from clusto_cli.network.asking import Asked as AskedSwitches
from clusto_cli.network.verify import CONTRADICTED, judge_cables
from clusto_core.drivers.resources import NameRange
from clusto_core.errors import Malformed
from clusto_core.model.things import Thing
from clusto_core.rules.kinds import checked
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document
from clusto_core.transfer.files import opened

NAMES_KEY = "discover.names"


@dataclass(frozen=True)
class Wish:
    """How a command looks. ways: what is asked of addresses; names: the NameRange of new machines, empty for none."""

    ways: Sequence[str]
    leases: Sequence[str] = ()
    names: str = ""
    known_only: bool = False
    parallel: int = 64
    rate: float = 50.0


@dataclass
class Outcome:
    """What came of it: the lines and objects of a proposal, what is recorded otherwise, what does not follow."""

    lines: list[Line] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def look(app: App, reader: Reader, seeds: Seeds, wish: Wish, tell: Callable[[int, int], None]) -> Outcome:
    """Asks everybody, and draws the conclusions. Raises KeyboardInterrupt, NotFound, Malformed, Refused."""
    names = Names(app, _range_of(reader, seeds, wish))
    lent = [each for path in wish.leases for each in _leases(path)]
    answers = ask(asked(reader, seeds, wish.ways), parallel=wish.parallel, rate=wish.rate, tell=tell)
    answers.add("", lent)
    if seeds.consoles:
        from clusto_cli.discovery.collectors.consoles import banners

        said, failures = banners(reader, seeds.consoles, wish.parallel)
        answers.add("", said)
        answers.failures += failures
    return _concluded(reader, wish, answers, names)


def _concluded(reader: Reader, wish: Wish, answers: Answers, names: Names) -> Outcome:
    found = answers.found
    reasoned = reason(found, gather(reader, found.evidence), unnamed if wish.known_only else names)
    told = list(facts.lines(reader, found.evidence, reasoned.owners))
    lines, disputed = proposal.merged([*reasoned.lines, *(each for each in told if isinstance(each, Line))])
    documents, unsaid = proposal.documents(lines)
    there = {document.name for document in documents}
    return Outcome(
        [line for line in lines if line.thing in there],
        documents,
        [*_recorded_otherwise(reader, answers, reasoned.owners), *reasoned.contradictions, *_texts(told)],
        [*reasoned.remarks, *disputed, *unsaid, *names.remarks],
        [] if wish.known_only else reasoned.strangers,
        list(found.failures),
        list(found.notes),
    )


def _texts(told: Iterable[Line | str]) -> list[str]:
    return [each for each in told if isinstance(each, str)]


def _recorded_otherwise(reader: Reader, answers: Answers, owners: Mapping[str, str]) -> list[str]:
    """The recorded cables that the switches contradict, as `network verify` tells them."""
    surveys = {owners.get(at, at): survey for at, survey in answers.surveys.items()}
    things = reader.find_names(surveys)
    known = {name: survey for name, survey in surveys.items() if name in things}
    verified = judge_cables(reader, list(things.values()), AskedSwitches(known))
    return [verdict.line() for verdict in verified.verdicts if verdict.status == CONTRADICTED]


def _range_of(reader: Reader, seeds: Seeds, wish: Wish) -> str:
    """The NameRange of new machines, looked up before anybody is asked; empty where there is none."""
    if wish.known_only:
        return ""
    name = wish.names or _names_in_force(reader, [*seeds.switches, *seeds.networks])
    return checked(reader.resolve(name), NameRange).name if name else ""


def _names_in_force(reader: Reader, asked: Sequence[Thing]) -> str:
    """The NameRange that is set for all that is asked; empty where there is none. Raises Malformed for several."""
    found = {reader.setting(thing, NAMES_KEY) or "" for thing in asked}
    if len(found) > 1:
        raise Malformed(f"{NAMES_KEY} of what is asked differs: say --names")
    return found.pop() if found else ""


def _leases(path: str) -> Iterable[Lease]:
    with opened(path) as file:
        yield from leases.read(file, path)
