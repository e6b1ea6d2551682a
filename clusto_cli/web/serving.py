"""Listening: the inventory, and beside it the boot server where that is asked for; each at addresses of its own."""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from clusto_cli.backends.runner import Interruption, run
from clusto_cli.context import App
from clusto_cli.diversion import installed
from clusto_cli.hosting.limits import Gate, Limits, Log
from clusto_cli.hosting.listening import allow_connections, hosted, listening, problem
from clusto_cli.web import api, pages
from clusto_cli.web.application import Rates, Site
from clusto_cli.web.asking import Desk
from clusto_cli.web.callers import Doors, is_here
from clusto_cli.web.routing import Events, Route, Static
from clusto_cli.web.threads import Bounds, Threads
from clusto_core.errors import Malformed, Refused
from clusto_core.store.reader import open_reader

if TYPE_CHECKING:
    from clusto_cli.rebuild.incoming import Disarm

Place = tuple[str, int]
_ARENAS = -8
"""M_ARENA_MAX of malloc.h."""
_GIVE_WAY = 0.0005
"""Seconds that a thread computes while others wait."""
_LONGEST_LINE = 64 << 10
"""Octets of what is asked for: an expression of some thousand letters, each escaped."""
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,253}[a-z0-9_])?")


class Boot(NamedTuple):
    """The boot server: where it listens, its directory, and how boot files are put back."""

    places: Sequence[Place]
    directory: str
    disarm: Disarm


class Plan(NamedTuple):
    """What is served where, to whom, and how much of it. `tls` are the files of the certificate and of its key."""

    places: Sequence[Place]
    doors: Doors
    tls: tuple[str, str] | None = None
    boot: Boot | None = None
    limits: Limits = Limits(bytes_asked=8 << 20)
    rates: Rates = Rates()
    bounds: Bounds = Bounds()


def serve(app: App, plan: Plan) -> None:
    """Serves until it is interrupted or terminated; `app.say` gets a line for each request and each problem. Raises
    NotFound where there is no store, Malformed for files of TLS that are none, Refused where it cannot listen."""
    from clusto_cli.rebuild import serve as boot_server

    with open_reader(app.settings.url):
        pass
    tls = context_of(*plan.tls) if plan.tls else None
    if plan.boot is not None:
        boot_server.check(app.settings, plan.boot.directory)
    allow_connections()
    _share_memory()
    # Threads that compute give way to the loop sooner, which answers all the others.
    sys.setswitchinterval(_GIVE_WAY)

    async def main(interruption: Interruption) -> None:
        log = Log(partial(boot_server.write, app.say), plan.limits)
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: log.tell(problem(context)))
        try:
            await _serve(app, plan, tls, log, interruption)
        finally:
            log.sum_up()

    with installed():
        run(main)


def _share_memory() -> None:
    """Has threads take memory from one heap: each of its own keeps what its largest answer took (mallopt(3), glibc)."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENAS, 1)


async def _serve(
    app: App,
    plan: Plan,
    tls: ssl.SSLContext | None,
    log: Log,
    interruption: Interruption,
) -> None:
    from clusto_cli.rebuild import serve as boot_server

    works = [_answering(app, plan, tls, log, interruption)]
    if plan.boot is not None:
        boot = plan.boot
        works.append(
            boot_server.answering(
                app.settings, boot.places, boot.directory, log, boot.disarm, interruption, limits=plan.limits
            )
        )
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except* Refused as errors:
        raise errors.exceptions[0] from None


async def _answering(
    app: App,
    plan: Plan,
    tls: ssl.SSLContext | None,
    log: Log,
    interruption: Interruption,
) -> None:
    threads = Threads(plan.bounds)
    gate = Gate(plan.limits, log.tell)
    desk = Desk(app)
    site = Site(desk, plan.doors, threads, gate, plan.rates, pages.failed)
    interruption.when_asked(site.ending.set)
    try:
        application = site.application(routes())
        async with hosted(
            application, plan.places, gate, log, name="clusto.serve", tls=tls, longest_line=_LONGEST_LINE
        ):
            while not await interruption.pause(3600.0):
                pass
    finally:
        site.ending.set()
        threads.close()
        desk.close()


def routes() -> Iterable[Route | Static | Events]:
    """All that there is to ask."""
    yield from api.routes()
    yield from pages.routes()


def context_of(certificate: str, key: str) -> ssl.SSLContext:
    """What TLS is offered with: versions 1.2 and 1.3. Raises Malformed for files that are none of PEM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise Malformed(f"no certificate and key for TLS: {certificate}, {key}: {error.strerror or error}") from None
    return context


def names_of(given: Iterable[str], certificate: str | None) -> frozenset[str]:
    """The names that a server is known by beside its addresses: those given, those of its certificate, and that of this
    machine. Raises Malformed for what is no name, and for files that are no certificate."""
    from socket import gethostname

    named = [name.rstrip(".").lower() for name in given]
    if wrong := next((name for name in named if not _NAME.fullmatch(name)), None):
        raise Malformed(f"malformed name of a server: {wrong[:100]!a} (as inventory.example, without https://)")
    certified = _names_in(certificate) if certificate else []
    return frozenset((*named, *(name.lower() for name in certified), gethostname().lower()))


def _names_in(certificate: str) -> list[str]:
    """The names of DNS that a certificate is of (RFC 5280, 4.2.1.6)."""
    from cryptography import x509

    try:
        with open(certificate, "rb") as file:
            names = x509.load_pem_x509_certificate(file.read()).extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            )
    except x509.ExtensionNotFound:
        return []
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no PEM"
        raise Malformed(f"no certificate and key for TLS: {certificate}: {reason}") from None
    return names.value.get_values_for_type(x509.DNSName)


def check_exposure(plan: Plan) -> None:
    """Raises Refused where passwords would go over a network in the clear."""
    abroad = [address for address, _ in plan.places if not is_here(address) and address != "localhost"]
    if abroad and plan.tls is None and plan.doors.header is None:
        raise Refused(
            f"{abroad[0]} is reached by others, who would send their tokens in the clear: give --tls-cert and"
            " --tls-key, or have a proxy do that (--insecure goes ahead)"
        )


def place(text: str, port: int) -> Place:
    """Where `ADDRESS[:PORT]` is, an IPv6 address in brackets or alone. Raises Malformed."""
    bare = text.strip("[]")
    alone = text.endswith("]") or text.count(":") != 1
    return (bare, port) if alone else listening(text)
