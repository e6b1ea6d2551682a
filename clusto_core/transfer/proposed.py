"""Objects that are proposals: what of them is sure enough, and what the inventory says otherwise.

A proposal says what was seen, and the inventory what was decided: where they differ, a person looks. So an object with
evidence adds what is missing, and is at fault where it would overwrite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from clusto_core.errors import ClustoError, Refused
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.rules import claims
from clusto_core.rules.devicetypes import TYPE
from clusto_core.store.unit import UnitOfWork
from clusto_core.transfer.documents import Document, Values, said_by
from clusto_core.transfer.evidence import Confidence, Path

Field = TypeVar("Field")


def lines(document: Document) -> Iterator[str]:
    """How sure each line is, and by what, for people."""
    return (f"{document.name} {each.words}" for each in document.evidence)


def sure_enough(document: Document, least: Confidence) -> Document | None:
    """What of a proposal is at least so sure; None where that is nothing. Other objects are as they were."""
    if not document.evidence:
        return document
    dropped = {each.path for each in document.evidence if each.confidence.rank < least.rank}
    if ("driver",) in dropped:
        return None
    kept = replace(
        document,
        type=_kept(document.type, "", ("type",) in dropped),
        parents=_kept(document.parents, (), ("in",) in dropped),
        at=_kept(document.at, "", ("at",) in dropped),
        parts=_kept(document.parts, {}, ("parts",) in dropped),
        addresses=_kept(document.addresses, {}, ("ip",) in dropped),
        attrs=_left(document.attrs, ("attrs",), dropped),
        connect={part: far for part, far in document.connect.items() if ("connect", part) not in dropped},
        part_attrs={
            part: left
            for part, found in document.part_attrs.items()
            if (left := _left(found, ("part_attrs", part), dropped))
        },
        evidence=tuple(each for each in document.evidence if each.path not in dropped),
    )
    return kept if any(said_by(kept)) else None


def _kept(field: Field, nothing: Field, dropped: bool) -> Field:
    return nothing if dropped else field


def _left(values: Values, path: Path, dropped: set[Path]) -> Values:
    return {key: found for key, found in values.items() if (*path, str(key)) not in dropped}


def against(unit: UnitOfWork, document: Document, thing: Thing) -> Iterator[tuple[Path, ClustoError]]:
    """What a proposal says otherwise than the inventory has it of a Thing, each with its path."""
    if document.parts:
        yield ("parts",), Refused(f"{thing.name} is there already, and a proposal changes no parts")
    if document.type:
        said = [each.value.text for each in unit.attributes(thing) if each.key == TYPE]
        if said and said != [document.type]:
            yield ("type",), _otherwise(f"the type of {thing.name}", said, [document.type])
    yield from _values_against(unit, thing, document.attrs, ("attrs",))
    for name, found in document.part_attrs.items():
        if (part := unit.part(thing, name)) is not None:
            yield from _values_against(unit, part, found, ("part_attrs", name))
    for name, texts in document.addresses.items():
        part = unit.part(thing, name) if name else thing
        recorded = [each.value.text for each in claims.held(unit, part)] if part is not None else []
        if set(recorded) - {each.partition("@")[0].partition("+")[0] for each in texts}:
            yield ("ip", name), _otherwise(f"the addresses of {thing.name}", recorded, texts)
    for name, text in document.connect.items():
        if (refusal := _cable_against(unit, thing, name, text)) is not None:
            yield ("connect", name), refusal


def _values_against(unit: UnitOfWork, thing: Thing, said: Values, path: Path) -> Iterator[tuple[Path, ClustoError]]:
    for key, values in said.items():
        recorded = [each.value for each in unit.attributes(thing) if each.key == key]
        if recorded and {each.text for each in recorded} != {each.text for each in values}:
            what = f"{key} of {thing.name}"
            if any(each.concealed(key) for each in (*recorded, *values)):
                yield (*path, str(key)), Refused(f"{what} is recorded otherwise: a proposal overwrites nothing")
            else:
                texts = [each.text for each in recorded], [each.text for each in values]
                yield (*path, str(key)), _otherwise(what, *texts)


def _cable_against(unit: UnitOfWork, thing: Thing, name: str, text: str) -> Refused | None:
    """Why a cable cannot be as it is proposed: another one is in either of its ends."""
    owner_name, far_name = split_part(text)
    part = unit.part(thing, name)
    owner = unit.get(owner_name)
    far = unit.part(owner, far_name) if owner is not None and far_name is not None else None
    for end, meant in ((part, far), (far, part)):
        cable = unit.cable_of(end) if end is not None else None
        across = cable.across(end.id) if cable is not None and end is not None else None
        if end is None or across is None or (meant is not None and across == meant.id):
            continue
        recorded = unit.by_id(across).name
        return Refused(f"{end.name} is connected to {recorded}: a proposal overwrites nothing")
    return None


def _otherwise(what: str, recorded: Iterable[str], said: Iterable[str]) -> Refused:
    return Refused(f"{what} is {', '.join(recorded)}, and {', '.join(said)} is proposed: a proposal overwrites nothing")
