"""Cobbler as a boot server: a real cobblerd, and the boot files that it makes."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from clusto_cli.backends.base import BootMachine, BootState
from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, Refused, Unreachable
from clusto_cli.backends.provision.cobbler import CobblerProvisioner, CobblerSettings, cobbler_settings
from tests.provision.cobblerd import PASSWORD, USER, Cobblerd, cobblerd

T = TypeVar("T")
MAC = "52:54:00:aa:bb:01"
EVENTS = "http://192.0.2.1:8080/rebuild/t0ken"
MACHINE = BootMachine("server1", (MAC,), None, "", {}, {}, {}, EVENTS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cobblerd]:
    """Cobbler with two profiles and a system."""
    with cobblerd(tmp_path_factory.mktemp("cobblerd")) as running:
        distro = {"arch": "x86_64", "breed": "debian", "os_version": "bullseye"}
        files = {"kernel": "/srv/vmlinuz-6.1", "initrd": "/srv/initrd-6.1.img"}
        made(running, "distro", name="debian", **distro, **files)
        for profile in ("web", "db"):
            made(running, "profile", name=profile, distro="debian")
        interface = {"macaddress-eth0": MAC.upper()}
        made(running, "system", name="server1", profile="web", modify_interface=interface)
        yield running


def made(server: Cobblerd, kind: str, **values: Any) -> None:
    handle = server.call(f"new_{kind}")
    for key, value in values.items():
        server.call(f"modify_{kind}", handle, key, value)
    server.call(f"save_{kind}", handle)


def changed(server: Cobblerd, **values: Any) -> None:
    handle = server.call("get_system_handle", "server1")
    for key, value in values.items():
        server.call("modify_system", handle, key, value)
    server.call("save_system", handle)


def run(server: Cobblerd, act: Callable[[CobblerProvisioner], Awaitable[T]], **settings: str) -> T:
    given = CobblerSettings(server.url, settings.pop("user", USER), settings.pop("password", PASSWORD), **settings)

    async def session() -> T:
        async with CobblerProvisioner(given) as provisioner:
            return await act(provisioner)

    return asyncio.run(session())


def test_there_and_back(server: Cobblerd) -> None:
    changed(server, profile="web", kernel_options={"quiet": "yes"}, netboot_enabled=False)

    async def act(provisioner: CobblerProvisioner) -> None:
        where = server.url.split("/")[2]
        assert await provisioner.check(MACHINE) == f"{where} knows server1, and installs it by web"
        assert await provisioner.state(MACHINE) is BootState.LOCAL
        assert "localboot" in (server.boot_file(MAC) or "")
        await provisioner.install(MACHINE)
        assert await provisioner.state(MACHINE) is BootState.INSTALL
        text = server.boot_file(MAC) or ""
        assert f"clusto.event={EVENTS}" in text
        assert "quiet=yes" in text
        assert "localboot" not in text
        assert server.call("get_system", "server1", token=False)["autoinstall_meta"] == {"clusto_event": EVENTS}
        await provisioner.local(MACHINE)
        assert await provisioner.state(MACHINE) is BootState.LOCAL

    run(server, act)
    assert "localboot" in (server.boot_file(MAC) or "")
    system = server.call("get_system", "server1", token=False)
    assert system["kernel_options"] == {"quiet": "yes"}
    assert system["autoinstall_meta"] == "<<inherit>>"
    assert system["profile"] == "web"


def test_what_the_system_inherits_it_inherits_again(server: Cobblerd) -> None:
    changed(server, kernel_options="<<inherit>>", autoinstall_meta="<<inherit>>")
    run(server, lambda provisioner: provisioner.install(MACHINE))
    assert server.call("get_system", "server1", token=False)["kernel_options"] == {"clusto.event": EVENTS}
    run(server, lambda provisioner: provisioner.local(MACHINE))
    assert server.call("get_system", "server1", token=False)["kernel_options"] == "<<inherit>>"


def test_another_profile(server: Cobblerd) -> None:
    changed(server, profile="web")
    assert run(server, lambda each: each.check(MACHINE), profile="db").endswith("installs it by db")
    run(server, lambda each: each.install(MACHINE), profile="db")
    assert server.call("get_system", "server1", token=False)["profile"] == "db"
    run(server, lambda each: each.local(MACHINE), profile="db")


def test_a_profile_that_there_is_not(server: Cobblerd) -> None:
    changed(server, profile="web", netboot_enabled=True)
    with pytest.raises(Refused, match="has no profile nosuch"):
        run(server, lambda each: each.check(MACHINE), profile="nosuch")
    with pytest.raises(Refused, match="nosuch"):
        run(server, lambda each: each.install(MACHINE), profile="nosuch")
    # It failed, so it is back at the disk.
    assert run(server, lambda each: each.state(MACHINE)) is BootState.LOCAL
    assert "localboot" in (server.boot_file(MAC) or "")


def test_a_system_that_there_is_not(server: Cobblerd) -> None:
    other = MACHINE._replace(name="server2")
    assert run(server, lambda each: each.state(other)) is BootState.ABSENT
    for act in (CobblerProvisioner.check, CobblerProvisioner.install, CobblerProvisioner.local):
        with pytest.raises(DeviceError, match="no system server2"):
            run(server, lambda each, act=act: act(each, other))  # type: ignore[misc]


def test_a_system_with_the_cards_of_another(server: Cobblerd) -> None:
    other = MACHINE._replace(macs=("52:54:00:aa:bb:99",))
    with pytest.raises(Refused, match=f"system server1 has {MAC}, and the machine 52:54:00:aa:bb:99"):
        run(server, lambda each: each.check(other))


def test_a_password_that_is_wrong(server: Cobblerd) -> None:
    with pytest.raises(AuthenticationFailed, match=r"login failed.*see cobbler\.user and cobbler\.password") as raised:
        run(server, lambda each: each.check(MACHINE), password="wr0ng")
    assert "wr0ng" not in str(raised.value)


def test_machines_at_once(server: Cobblerd) -> None:
    names = [f"web{number}" for number in range(6)]
    for number, name in enumerate(names):
        interface = {"macaddress-eth0": f"52:54:00:00:00:{number:02x}"}
        made(server, "system", name=name, profile="web", modify_interface=interface)
    machines = [MACHINE._replace(name=name) for name in names]

    async def act(provisioner: CobblerProvisioner) -> None:
        await asyncio.gather(*(provisioner.install(machine) for machine in machines))
        assert {await provisioner.state(machine) for machine in machines} == {BootState.INSTALL}
        await asyncio.gather(*(provisioner.local(machine) for machine in machines))
        assert {await provisioner.state(machine) for machine in machines} == {BootState.LOCAL}

    run(server, act)


def test_steps_change_nothing(server: Cobblerd) -> None:
    before = server.call("get_system", "server1", token=False)
    steps = run(server, lambda each: each.steps(MACHINE, True), profile="db")
    assert [step.what for step in steps] == [
        "netboot_enabled = true",
        "profile = db",
        f"kernel_options = clusto.event={EVENTS}",
    ]
    assert [step.what for step in run(server, lambda each: each.steps(MACHINE, False))] == ["netboot_enabled = false"]
    assert server.call("get_system", "server1", token=False) == before


def taken(connection: socket.socket) -> None:
    """The whole request: an answer before its end may be lost with the connection."""
    asked = b""
    while b"</methodCall>" not in asked:
        asked += connection.recv(65536)


def answering(answer: bytes) -> int:
    """The port of a server that gives one answer to everything."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                taken(connection)
                connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (b"HTTP/1.0 502 Bad Gateway\r\n\r\n", Unreachable, "HTTP 502"),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n<html>", DeviceError, "is no XML-RPC"),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\nhello", DeviceError, "is no XML-RPC"),
        (b"what?\r\n", Unreachable, "what?"),
        (b"", Unreachable, r"closed connection.*see cobbler\.url"),
    ],
)
def test_something_else_answers(answer: bytes, kind: type[DeviceError], said: str) -> None:
    given = CobblerSettings(f"http://127.0.0.1:{answering(answer)}/cobbler_api", USER, PASSWORD, timeout=5)
    with pytest.raises(kind, match=said):
        asyncio.run(CobblerProvisioner(given).state(MACHINE))


def test_nobody_answers_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        given = CobblerSettings(f"http://127.0.0.1:{silent.getsockname()[1]}/x", USER, PASSWORD, timeout=0.2)
        with pytest.raises(Unreachable, match=r"no answer in time .see cobbler\.url and cobbler\.timeout"):
            asyncio.run(CobblerProvisioner(given).state(MACHINE))


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    """TLS is verified, by the system's authorities or by the one that is named."""
    import datetime
    import ssl

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    later = now + datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, later)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except ssl.SSLError:
                continue
            except OSError:
                return
            with connection:
                taken(connection)
                connection.sendall(b"HTTP/1.0 503 Later\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    url = f"https://localhost:{listener.getsockname()[1]}"
    for verify, kind in ((True, AuthenticationFailed), (str(pem), Unreachable), (False, Unreachable)):
        with pytest.raises(kind, match=r"certificate verify failed|CERTIFICATE_VERIFY_FAILED|HTTP 503"):
            asyncio.run(CobblerProvisioner(CobblerSettings(url, USER, PASSWORD, verify=verify)).state(MACHINE))
    listener.close()


def test_settings() -> None:
    given = {"cobbler.url": "https://cobbler.example", "cobbler.user": "ops", "cobbler.password": "s3cret"}
    found = cobbler_settings(
        {**given, "cobbler.profile": "web", "cobbler.verify": "/etc/ca.pem", "cobbler.timeout": "5"}
    )
    assert found == CobblerSettings(
        "https://cobbler.example/cobbler_api", "ops", "s3cret", profile="web", verify="/etc/ca.pem", timeout=5
    )
    assert "s3cret" not in repr(found)
    for key in given:
        with pytest.raises(ValueError, match=f"{key} is not set"):
            cobbler_settings({other: value for other, value in given.items() if other != key})
    for url in ("cobbler.example", "ftp://cobbler.example", "https://ops:s3cret@cobbler.example/"):
        with pytest.raises(ValueError, match=r"^cobbler\.url is"):
            cobbler_settings({**given, "cobbler.url": url})
