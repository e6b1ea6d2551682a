"""What Redfish services do that are busy, forgetful, of another mind about HTTP, or hostile: the adapter, over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from clusto_cli.backends.base import BmcControl, GracefulControl, OutletReading, Relay
from clusto_cli.backends.errors import (
    AuthenticationFailed,
    Busy,
    DeviceError,
    NoSuchPort,
    Refused,
    Unreachable,
    Unusable,
)
from clusto_cli.backends.power import open_bmc
from clusto_cli.backends.redfish.address import origin
from clusto_cli.backends.redfish.document import message, parsed
from clusto_cli.backends.tls import fingerprint, fingerprint_of, shown_certificate
from tests.redfish.service import (
    BASIC,
    PASSWORD,
    RESET,
    SYSTEM,
    SYSTEMS,
    USER,
    Habit,
    Reply,
    Request,
    Service,
    certificate,
    refusal,
)

T = TypeVar("T")
Start = Callable[..., Service]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda habit=lambda *_: None, cert=None: stack.enter_context(Service(habit).running(cert))


def run(host: str, act: Callable[[BmcControl], Awaitable[T]], **settings: str) -> T:
    known = {"host": host, "protocol": "redfish", "user": USER, "password": PASSWORD, "timeout": "3", **settings}
    control = open_bmc("server1", {f"bmc.{key}": value for key, value in known.items()})

    async def session() -> T:
        assert isinstance(control, BmcControl)
        async with control as entered:
            return await act(entered)

    return asyncio.run(session())


async def state(control: BmcControl) -> str:
    reading = (await control.read(["server"]))["server"]
    assert isinstance(reading, OutletReading)
    return str(reading.relay)


async def off(control: BmcControl) -> str:
    failures = await control.switch(["server"], False)
    if failures:
        raise failures["server"]
    return await state(control)


def once(reply: Reply, method: str = "GET", path: str = "") -> Habit:
    """Answers the first such request so."""
    left = [reply]
    return lambda _, request: left.pop() if left and request.method == method and path in request.path else None


def always(reply: Reply, method: str = "GET", path: str = SYSTEM) -> Habit:
    return lambda _, request: reply if request.method == method and path in request.path else None


@pytest.mark.parametrize(
    ("reply", "method"),
    [
        (refusal(503, "Busy.", Retry_After="0"), "GET"),
        (refusal(429, "Too many requests.", Retry_After="Sun, 06 Nov 1994 08:49:37 GMT"), "GET"),
        (refusal(503, "Busy."), "POST"),
        (refusal(409, "The resource is in use."), "POST"),
        (refusal(500, "An internal error occurred."), "POST"),
        (refusal(500, "An internal error occurred."), "GET"),
        (Reply(308, None, {"Location": f"{RESET}/../ComputerSystem.Reset"}), "POST"),
        (Reply(400, {"error": {"@Message.ExtendedInfo": [{"MessageId": "IDRAC.1.6.SWC0700"}]}}), "GET"),
        (
            Reply(400, {"error": {"@Message.ExtendedInfo": {"MessageId": "iLO.2.1.UnableToModifyDuringSystemPOST"}}}),
            "POST",
        ),
    ],
)
def test_what_passes_by_itself_is_asked_again(start: Start, reply: Reply, method: str) -> None:
    service = start(once(reply, method, "1"))
    assert run(service.url, off) == "off"
    assert set(service.resets) == {"ForceOff"}


@pytest.mark.parametrize(
    ("reply", "raised", "said"),
    [
        (refusal(503, "The maximum number of user sessions is reached.", Retry_After="60"), Busy, "sessions.*in 60 s"),
        (refusal(429, "Slow down.", Retry_After="1"), Busy, "429 Slow down"),
        (refusal(500, "An internal error occurred."), Refused, "500 An internal error"),
        (Reply(500, {"error": "Internal error", "code": 500}), Refused, "500 Internal error"),
        (Reply(500, "Internal error"), Refused, "500 Internal Server Error"),
        (Reply(499, [1]), Refused, "499 an unknown status"),
        (Reply(400, {"error": {"@Message.ExtendedInfo": {"Message": "no list"}}}), Refused, "400 no list"),
        (
            Reply(400, {"Messages": [{"MessageID": "iLO.0.10.InvalidOperation", "MessageArgs": ["Power is off"]}]}),
            Refused,
            "InvalidOperation .Power is off",
        ),
        (refusal(403, "There are insufficient privileges."), AuthenticationFailed, "403 There are insufficient"),
        (Reply(401), AuthenticationFailed, "401 Unauthorized .bmc.user, bmc.password"),
        (Reply(301, None, {"Location": "https://198.51.100.1/"}), Refused, "https://198.51.100.1/.*not itself"),
        (Reply(307, None, {"Location": SYSTEM}), Refused, "sends on to '/redfish/v1/Systems/1', and no further"),
        (Reply(307, None, {"Location": "http://[::1"}), Unreachable, "location"),
    ],
)
def test_refusals(start: Start, reply: Reply, raised: type[DeviceError], said: str) -> None:
    service = start(always(reply))
    with pytest.raises(raised, match=said):
        run(service.url, state, timeout="2")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"<html>login</html>",
        b"[]",
        b"null",
        b"5",
        b'"x"',
        b"[" * 500_000,
        b'{"a":' * 200_000,
        b"\xff\xfe",
        b"{" + b" " * 2_000_000 + b"}",
    ],
)
def test_what_is_no_resource(start: Start, octets: bytes) -> None:
    service = start(always(Reply(octets=octets)))
    with pytest.raises(Refused, match="its answer is"):
        run(service.url, state)


WRONG = [
    None,
    True,
    5,
    -1.5,
    "text",
    "",
    [],
    [None],
    [[]],
    [5],
    {},
    {"@odata.id": 5},
    {"@odata.id": None},
    "\ud800\x1b]0;",
]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize("key", ["PowerState", "Actions", "Boot", "@Redfish.Settings", "Id", "@odata.id"])
def test_values_of_another_kind_are_absent(start: Start, wrong: object, key: str) -> None:
    def habit(service: Service, request: Request) -> Reply | None:
        return Reply(200, service.system(**{key: wrong})) if request.path == SYSTEM else None

    service = start(habit)
    if key != "PowerState":
        assert run(service.url, off) == "off"
        assert service.resets == ["ForceOff"]
    with pytest.raises(Refused, match="no boot override"):
        run(service.url, lambda control: control.boot_override())


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize("key", ["Members", "Members@odata.nextLink"])
def test_collections_of_another_kind(start: Start, wrong: object, key: str) -> None:
    collection = {"Members": [{"@odata.id": SYSTEM}], key: wrong}
    service = start(always(Reply(200, collection), path=f"{SYSTEMS}"))
    with pytest.raises(DeviceError):
        run(service.url, lambda control: control.switch(["server"], False), system="nonesuch")
    assert service.resets == []


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{other}/x",
        "//127.0.0.1:{other}/x",
        "https://127.0.0.1:{port}/x",
        "http://u:p@127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "file:///etc/passwd",
        "http://127.0.0.1:99999/x",
    ],
)
@pytest.mark.parametrize("place", ["target", "member", "next", "redirect", "settings"])
def test_nothing_is_sent_to_another_service(start: Start, target: str, place: str) -> None:
    other = start()

    def habit(service: Service, request: Request) -> Reply | None:
        there = target.format(port=service.port, other=other.port)
        if place == "redirect" and request.path != SYSTEMS:
            return Reply(308, None, {"Location": there})
        if place in ("member", "next") and request.path == SYSTEMS:
            members = {"Members": [{"@odata.id": there}]}
            return Reply(200, members if place == "member" else {"Members": [], "Members@odata.nextLink": there})
        action = {"Actions": {"#ComputerSystem.Reset": {"target": there}}} if place == "target" else {}
        settings = {"@Redfish.Settings": {"SettingsObject": {"@odata.id": there}}}
        return Reply(200, service.system(**action, **settings)) if request.path == SYSTEM else None

    service = start(habit)
    if place == "settings":
        act: Callable[[BmcControl], Awaitable[object]] = lambda control: control.boot_override()  # noqa: E731
    else:
        act = lambda control: control.switch(["server"], False)  # noqa: E731
    try:
        said = str(run(service.url, act))
    except DeviceError as error:
        said = str(error)
    assert "leads to" in said or "no boot override" in said
    assert (other.requests, service.resets) == ([], [])


def test_a_slow_drip_ends_in_time(start: Start) -> None:
    service = start(always(Reply(octets=b" " * 1000, drip=0.1)))
    with pytest.raises(Unreachable, match="no whole answer in 1 s"):
        run(service.url, state, timeout="1")


def test_answer_after_answer_ends_in_time(start: Start) -> None:
    def habit(service: Service, request: Request) -> Reply | None:
        if request.path.startswith(SYSTEMS):
            number = len(service.requests)
            more = {"Members@odata.nextLink": f"{SYSTEMS}?page={number}"}
            return Reply(200, {"Members": [{"@odata.id": f"{SYSTEM}{number}"}], **more}, octets=None)
        return None

    service = start(habit)
    with pytest.raises(NoSuchPort, match="which system"):
        run(service.url, state, system="nonesuch")
    assert len(service.requests) < 100


def test_the_system_is_on_the_second_page(start: Start) -> None:
    def habit(service: Service, request: Request) -> Reply | None:
        if request.path == SYSTEMS:
            members = [{"@odata.id": f"{SYSTEMS}/{number}"} for number in (5, 6)]
            return Reply(200, {"Members": members, "Members@odata.nextLink": f"{SYSTEMS}?skip=2"})
        if request.path == f"{SYSTEMS}?skip=2":
            return Reply(200, {"Members": [{"@odata.id": SYSTEM}]})
        if request.path in (f"{SYSTEMS}/5", f"{SYSTEMS}/6"):
            number = request.path[-1]
            return Reply(200, {"Id": number, "Name": "Other", "UUID": f"U-{number}", "PowerState": "Off"})
        return None

    service = start(habit)
    for name in ("1", "System", "u-1", "S1"):
        assert run(service.url, state, system=name) == "on"
    with pytest.raises(NoSuchPort, match="2 are called Other"):
        run(service.url, state, system="Other")
    with pytest.raises(NoSuchPort, match="which system"):
        run(service.url, state)


def test_a_service_that_takes_sessions_alone(start: Start) -> None:
    """It forgets the session once; the new one is given back in the end."""
    alive: set[str] = set()
    given = 0

    def habit(service: Service, request: Request) -> Reply | None:
        nonlocal given
        if request.path == "/redfish/v1/":
            return Reply(200, {"Links": {"Sessions": {"@odata.id": "/redfish/v1/Own/Sessions"}}})
        if request.path == "/redfish/v1/Own/Sessions" and request.body == {"UserName": USER, "Password": PASSWORD}:
            given += 1
            alive.add(f"t{given}")
            place = f"http://bmc.example/redfish/v1/Own/Sessions/{given}"
            return Reply(201, {}, {"X-Auth-Token": f"t{given}", "Location": place})
        token = request.headers.get("X-Auth-Token", "")
        if token not in alive:
            return Reply(401)
        if request.method == "DELETE":
            alive.discard(f"t{request.path.rpartition('/')[2]}")
            return Reply(204)
        if request.method == "POST" and given == 1:
            alive.clear()
            return Reply(401)
        return service.usual(request._replace(headers={"Authorization": BASIC}))

    service = start(habit)
    assert run(service.url, off) == "off"
    assert (given, alive, service.resets) == (2, set(), ["ForceOff", "ForceOff"])
    with pytest.raises(AuthenticationFailed, match="401"):
        run(service.url, state, password="another")


def test_a_basic_login_that_is_lost_once_is_repeated(start: Start) -> None:
    service = start(once(Reply(401, None, {"WWW-Authenticate": "Basic"}), "POST"))
    assert run(service.url, off) == "off"
    with pytest.raises(AuthenticationFailed):
        run(service.url, off, password="another")
    assert len(service.asked("GET")) <= 5


def test_a_reset_that_wants_to_be_told_the_version(start: Start) -> None:
    def habit(service: Service, request: Request) -> Reply | None:
        if request.path == SYSTEM:
            return Reply(200, service.system(), {"ETag": 'W/"7"'})
        if request.method == "POST" and request.headers.get("If-Match") != '"7"':
            return refusal(428 if "If-Match" not in request.headers else 412, "Which version?")
        return None

    assert run(start(habit).url, off) == "off"


def test_kinds_of_reset_are_told_in_an_action_info(start: Start) -> None:
    def habit(service: Service, request: Request) -> Reply | None:
        if request.path == SYSTEM:
            action = {"target": RESET, "@Redfish.ActionInfo": f"{SYSTEM}/ResetActionInfo"}
            return Reply(200, service.system(Actions={"#ComputerSystem.Reset": action}))
        if request.path.endswith("ResetActionInfo"):
            return Reply(200, {"Parameters": [{"Name": "ResetType", "AllowableValues": ["On", "GracefulShutdown"]}]})
        return None

    service = start(habit)
    with pytest.raises(Refused, match=r"not offer ForceOff, only On, GracefulShutdown .--graceful"):
        run(service.url, off)

    async def asked(control: BmcControl) -> str:
        assert isinstance(control, GracefulControl)
        assert await control.shutdown_gracefully(["server"]) == {}
        return (await control.graceful_steps(["server"]))["server"][0].what

    assert run(service.url, asked) == "ResetType GracefulShutdown"
    assert service.resets == ["GracefulShutdown"]


def test_a_connection_that_was_ended_is_made_anew(start: Start) -> None:
    service = start()
    service.hangs_up = True
    assert run(service.url, off) == "off"
    assert "ForceOff" in service.resets


@pytest.mark.parametrize(
    ("text", "port", "url"),
    [
        ("::1", None, "https://[::1]"),
        ("fd00::9", 8443, "https://[fd00::9]:8443"),
        ("[fd00::9]:444", 8443, "https://[fd00::9]:444"),
        ("127.0.0.1:24001", None, "https://127.0.0.1:24001"),
        ("bmc9.example", None, "https://bmc9.example"),
        ("bmc9:8443", 443, "https://bmc9:8443"),
        ("https://bmc9/", None, "https://bmc9"),
        ("HTTP://bmc9:80", 443, "http://bmc9"),
    ],
)
def test_forms_of_a_host(text: str, port: int | None, url: str) -> None:
    assert str(origin(text, port)) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://bmc9",
        "https://u:p@bmc9",
        "https://bmc9/redfish",
        "bmc9:x",
        "bmc9:99999",
        "-o",
        "a b",
        "[::1",
        "http://",
        "bmc9?x",
        "b\nmc",
        "bmc:0",
    ],
)
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(ValueError, match=r"bmc\.host is .*write an address"):
        origin(text)


def test_certificates(start: Start, tmp_path: Path) -> None:
    own, other = certificate(tmp_path, "bmc"), certificate(tmp_path, "other")
    service = start(cert=own)
    host = f"localhost:{service.port}"
    print_of = fingerprint_of(asyncio.run(shown_certificate("localhost", service.port, 5)))
    assert run(host, state, verify=str(own)) == "on"
    assert run(host, state, verify="false") == "on"
    assert run(f"127.0.0.1:{service.port}", state, fingerprint=print_of.upper()) == "on"
    asked = len(service.requests)
    for settings, said in (
        ({}, "its certificate is not trusted: self-signed certificate .bmc.verify names"),
        ({"verify": str(other)}, "its certificate is not trusted: self-signed"),
        ({"fingerprint": "0" * 64, "verify": "false"}, f"its certificate is {print_of}, and sha256:0000"),
        ({"fingerprint": "0" * 64, "verify": str(own)}, "was pinned"),
    ):
        with pytest.raises(AuthenticationFailed, match=said):
            run(host, state, **settings)
    assert len(service.requests) == asked


def test_trust_in_nothing(tmp_path: Path) -> None:
    for settings, said in (
        ({"verify": "/nonesuch.pem"}, "bmc.verify is true, false, or a file of certificates: /nonesuch.pem: No such"),
        ({"verify": str(tmp_path)}, "bmc.verify .*Is a directory"),
        ({"fingerprint": "12:34"}, "bmc.fingerprint: '12:34' is no SHA-256 fingerprint"),
    ):
        with pytest.raises(ValueError, match=said):
            run("bmc9", state, **settings)
    (tmp_path / "empty.pem").write_text("nothing\n")
    with pytest.raises(Unusable, match=r"bmc\.verify: .*empty\.pem: it holds no certificates"):
        run("bmc9", state, verify=str(tmp_path / "empty.pem"))


def test_fingerprints_however_they_are_spelled() -> None:
    digits = "ab" * 32
    for text in (digits, digits.upper(), ":".join(["AB"] * 32), f"sha256:{digits}", f"SHA256={digits}", f" {digits}\n"):
        assert fingerprint(text) == f"sha256:{digits}"


def test_messages() -> None:
    assert message(parsed(json.dumps({"error": {"message": "a\nb"}}).encode(), "")) == "a b"
    assert message({"error": {"@Message.ExtendedInfo": [{"Message": "x"}, {"Message": "x"}, 5]}}) == "x"
    assert message({"error": []}) is None
    assert Relay.ON == "on"
