"""A Redfish service over real HTTP on loopback, with habits of one's choice; it runs for the length of a `with`."""

from __future__ import annotations

import base64
import datetime
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = "operator", "s3cret-pass"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SYSTEMS, SYSTEM = "/redfish/v1/Systems", "/redfish/v1/Systems/1"
RESET = f"{SYSTEM}/Actions/ComputerSystem.Reset"
TYPES = ["On", "ForceOn", "ForceOff", "GracefulShutdown"]


class Request(NamedTuple):
    """What a client asked. Names of headers are as it wrote them."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Reply:
    """What it is told: a document, or octets as they are. `drip` is the pause after each octet, in seconds."""

    status: int = 200
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)
    octets: bytes | None = None
    drip: float = 0.0

    @property
    def content(self) -> bytes:
        if self.octets is not None:
            return self.octets
        return b"" if self.document is None else json.dumps(self.document).encode()


def refusal(status: int, *words: str, **headers: str) -> Reply:
    """An error as DSP0266 has it; `Retry_After="1"` is a header."""
    infos = [{"MessageId": "Base.1.8.GeneralError", "Message": each} for each in words]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"error": {"code": "Base.1.8", "message": "See info.", "@Message.ExtendedInfo": infos}}, named)


Habit = Callable[["Service", Request], Reply | None]


class Service:
    """One system that is on. What `habit` answers goes before what a good service would; None leaves it to that."""

    def __init__(self, habit: Habit = lambda service, request: None) -> None:
        self.habit = habit
        self.power = "On"
        self.shutdown_takes: float | None = 0.0
        """Seconds until the system has shut down when it was asked to; None: it never does."""
        self.hangs_up = False
        """It ends the connection after each answer, and does not say so."""
        self.requests: list[Request] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, method: str, path: str = "") -> list[Request]:
        return [each for each in self.requests if each.method == method and path in each.path]

    @property
    def resets(self) -> list[str]:
        return [each.body["ResetType"] for each in self.asked("POST", "Reset")]

    def system(self, **more: object) -> dict[str, object]:
        action = {"target": RESET, "ResetType@Redfish.AllowableValues": TYPES}
        known = {"@odata.id": SYSTEM, "Id": "1", "Name": "System", "UUID": "U-1", "SerialNumber": "S1"}
        return {**known, "PowerState": self.power, "Actions": {"#ComputerSystem.Reset": action}, **more}

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        return self.habit(self, request) or self.usual(request)

    def usual(self, request: Request) -> Reply:
        if request.headers.get("Authorization") != BASIC:
            return Reply(401, None, {"WWW-Authenticate": 'Basic realm="bmc"'})
        if request.method == "GET":
            found = {SYSTEMS: {"Members": [{"@odata.id": SYSTEM}]}, SYSTEM: self.system()}.get(request.path.rstrip("/"))
            return Reply(200, found) if found is not None else refusal(404, "There is no such resource.")
        if request.path == RESET:
            self.reset(request.body["ResetType"])
            return Reply(204)
        return refusal(405, "That cannot be done.")

    def reset(self, kind: str) -> None:
        if kind == "GracefulShutdown" and self.shutdown_takes is not None:
            threading.Timer(self.shutdown_takes, self.turn, ["Off"]).start()
        elif kind != "GracefulShutdown":
            self.turn("On" if kind in ("On", "ForceOn") else "Off")

    def turn(self, state: str) -> None:
        self.power = state

    @contextmanager
    def running(self, certificate: Path | None = None) -> Iterator[Service]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_any(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length)) if length else None
                reply = service.answer(Request(self.command, self.path, dict(self.headers), body))
                try:
                    self.reply(reply)
                    self.close_connection = service.hangs_up
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = do_PATCH = do_DELETE = do_any

            def reply(self, reply: Reply) -> None:
                content = reply.content
                self.send_response(reply.status)
                for name, value in ({"Content-Length": str(len(content))} | reply.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                for octet in content if reply.drip else b"":
                    self.wfile.write(bytes([octet]))
                    time.sleep(reply.drip)
                if not reply.drip:
                    self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments: object) -> None:
                pass

        with Server(("127.0.0.1", 0), Handler) as server:
            if certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                server.socket = context.wrap_socket(server.socket, server_side=True)
            self.port = server.server_port
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


def certificate(folder: Path, name: str = "bmc") -> Path:
    """A certificate that signed itself, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path
