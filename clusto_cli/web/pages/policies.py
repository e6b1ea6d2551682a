"""What must never be, and what breaks it now."""

from __future__ import annotations

from collections.abc import Iterator

from clusto_cli.web.answering import Answer
from clusto_cli.web.asking import Asked
from clusto_cli.web.pages.rendering import page
from clusto_cli.web.routing import Route
from clusto_core.model.things import Thing
from clusto_core.query import policies

_SHOWN = 500


def routes() -> Iterator[Route]:
    """All of them on one page."""
    yield Route("/policies", _policies)


def _policies(asked: Asked) -> Answer:
    known = policies.policies(asked.reader)
    broken: dict[str, list[tuple[Thing, str]]] = {policy.name: [] for policy in known}
    unknown: dict[str, str] = {}
    for each in policies.check(asked.reader, known):
        if each.known:
            broken[each.policy.name].append((each.thing, each.words))
        else:
            unknown[each.policy.name] = each.words
    ordered = sorted(known, key=lambda policy: (not broken[policy.name], policy.level, policy.name))
    told = {"policies": ordered, "broken": broken, "unknown": unknown, "shown": _SHOWN}
    return page(asked, "policies.html", title="Policies", **told, live=True)
