"""Which feed of a Thing is meant: A, psu1, or the PDU's name."""

from __future__ import annotations

from clusto_cli.power.targets import Plan, Point, Target, feeds_of
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.store.reader import Reader


def choose(reader: Reader, plan: Plan, wanted: str | None) -> dict[str, list[Point]]:
    """The points to work on, by target: all of them in turn, or those of one feed.

    A letter is the attribute `feed` of a PDU, its own or inherited; without any on a target's PDUs, A is its first
    inlet, B its second. A target that has no such feed, has one only, or is a part is refused by itself; raises that
    when it is so for all.
    """
    letters = feeds_of(reader, plan)
    chosen: dict[str, list[Point]] = {}
    for target in (each for each in plan.targets if not each.refusal):
        with plan.refusing(target):
            chosen[target.name] = _points(target, wanted, letters)
    plan.refuse_all()
    return chosen


def _points(target: Target, wanted: str | None, letters: dict[str, str]) -> list[Point]:
    if target.thing.is_part:
        raise Malformed(f"{target.name} is a part: name the Thing whose feed it is, and --feed")
    if len({point.part for point in target.points}) < 2:
        raise Refused(f"{target.name} has one recorded feed only: use power cycle")
    points = list(target.points) if wanted is None else _matching(target, wanted, letters)
    if not points:
        known = ", ".join(f"{point.inlet} on {point.part}" for point in target.points)
        raise NotFound(f"{target.name} has no feed {wanted}: it has {known}")
    return points


def _matching(target: Target, wanted: str, letters: dict[str, str]) -> list[Point]:
    by_name = [point for point in target.points if wanted in (point.inlet, point.device, point.part)]
    if by_name:
        return by_name
    if any(point.device in letters for point in target.points):
        return [point for point in target.points if letters.get(point.device, "").lower() == wanted.lower()]
    place = ord(wanted.upper()) - ord("A") if len(wanted) == 1 else -1
    return [target.points[place]] if 0 <= place < len(target.points) else []
