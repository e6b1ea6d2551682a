"""A switch's command line over real ssh, for the tests: login, paging, enable, modes, rejections, and state behind it.

What it prints follows recorded answers and the vendors' manuals; what it takes is what the dialect knows, anything else
is rejected in the platform's words. Nothing of clusto is used here.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import paramiko

HOST_KEY = paramiko.RSAKey.generate(2048)


@dataclass
class FakePort:
    """A port: access in `vlan`, or a trunk with that native VLAN; `tagged` what it carries besides."""

    vlan: int = 1
    mode: str = "access"
    tagged: set[int] = field(default_factory=set)
    lag: str = ""


@dataclass
class FakeSwitch:
    """What is behind the command line, and what makes it awkward."""

    dialect: Dialect
    ports: dict[str, FakePort]
    vlans: dict[int, str] = field(default_factory=lambda: {1: "default", 10: "office", 203: "vlan203"})
    password: str = "let-me-in"
    enable_password: str = ""
    banner: str = ""
    reject: str = ""
    rejection: str = "% Invalid input detected at '^' marker."
    save_fails: bool = False
    unknown_prompt: bool = False
    swallow: str = ""
    saved: int = 0
    log: list[str] = field(default_factory=list)

    def port(self, name: str) -> FakePort:
        for known, port in self.ports.items():
            if known.lower() == name.lower():
                return port
        raise Rejection("")


class Rejection(Exception):
    """The line is not taken; the text is what is printed, empty for the dialect's usual one."""


@dataclass
class Session:
    """One login's modes: `context` is the stack of what follows the name in the prompt."""

    switch: FakeSwitch
    enabled: bool = False
    config: bool = False
    context: str = ""
    candidate: list[Callable[[], None]] = field(default_factory=list)
    paging: bool = True
    prompts: int = 0
    unprompted: bool = False


Question = tuple[str, Callable[[Session, str], str]]
Handler = Callable[[Session, re.Match[str]], "str | Question"]


@dataclass
class Dialect:
    """One platform's words."""

    name: str
    prompt: Callable[[Session], str]
    commands: list[tuple[str, Handler]]
    paging_off: str
    rejection: str
    paging_answer: str = ""
    greeting: str = ""
    enter: str = "configure terminal"
    entered: str = ""
    leave: str = "exit|end"
    enable: bool = False
    privileged: bool = True
    up: str = "exit"


class _Server(paramiko.ServerInterface):
    def __init__(self, switch: FakeSwitch) -> None:
        self.switch = switch
        self.shell = threading.Event()
        self.command = b""

    def check_auth_password(self, username: str, password: str) -> int:
        good = password == self.switch.password
        return paramiko.common.AUTH_SUCCESSFUL if good else paramiko.common.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_pty_request(self, *args: object) -> bool:
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        self.shell.set()
        return True


class FakeCliServer:
    """Serves one FakeSwitch on an ephemeral port of the loopback address."""

    def __init__(self, switch: FakeSwitch) -> None:
        self.switch = switch
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._transports: list[paramiko.Transport] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {HOST_KEY.get_name()} {HOST_KEY.get_base64()}\n"

    def close(self) -> None:
        self._listener.close()
        for transport in self._transports:
            transport.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        transport = paramiko.Transport(client)
        self._transports.append(transport)
        transport.add_server_key(HOST_KEY)
        server = _Server(self.switch)
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=server)
            channel = transport.accept(20)
            if channel is None or not server.shell.wait(5):
                return
            self._talk(channel)
            channel.close()

    def _talk(self, channel: paramiko.Channel) -> None:
        switch, dialect = self.switch, self.switch.dialect
        session = Session(switch, enabled=dialect.privileged and not switch.enable_password)
        buffer = b""
        if dialect.greeting:
            channel.sendall(dialect.greeting.encode())
            channel.recv(16)
        channel.sendall((switch.banner + "\r\n" + self._prompt(session)).encode())
        while True:
            data = channel.recv(4096)
            if not data:
                return
            buffer += data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            while b"\n" in buffer:
                raw, _, buffer = buffer.partition(b"\n")
                line = raw.decode(errors="replace").strip()
                if line in ("logout", "quit-session"):
                    return
                if line == "exit" and not session.config and not session.context:
                    return
                if line == "enable" and not session.enabled:
                    channel.sendall(b"enable\r\nPassword: ")
                    secret, buffer = self._line(channel, buffer)
                    session.enabled = secret == switch.enable_password
                    text = "" if session.enabled else "% Bad secrets"
                    channel.sendall(f"\r\n{text}\r\n{self._prompt(session)}".encode())
                    continue
                if switch.swallow and re.search(switch.swallow, line):
                    channel.sendall(f"{line}\r\nWhat now, dear operator? ".encode())
                    continue
                answer = self._answer(session, line)
                if isinstance(answer, tuple):
                    question, after = answer
                    channel.sendall(f"{line}\r\n{question}".encode())
                    reply, buffer = self._line(channel, buffer)
                    answer = after(session, reply)
                    channel.sendall(f"{reply}\r\n".encode())
                else:
                    channel.sendall(f"{line}\r\n".encode())
                self._print(channel, session, answer)
                channel.sendall(self._prompt(session).encode())

    def _line(self, channel: paramiko.Channel, buffer: bytes) -> tuple[str, bytes]:
        while b"\n" not in buffer:
            data = channel.recv(4096)
            if not data:
                raise EOFError
            buffer += data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        raw, _, rest = buffer.partition(b"\n")
        return raw.decode(errors="replace").strip(), rest

    def _prompt(self, session: Session) -> str:
        session.prompts += 1
        return "?? " if self.switch.unknown_prompt else session.switch.dialect.prompt(session)

    def _print(self, channel: paramiko.Channel, session: Session, text: str) -> None:
        lines = text.split("\n") if text else []
        for count, line in enumerate(lines, 1):
            channel.sendall(f"{line}\r\n".encode())
            if session.paging and count % 24 == 0 and count < len(lines):
                channel.sendall(b" --More-- ")
                channel.recv(1)
                channel.sendall(b"\r")

    def _answer(self, session: Session, line: str) -> str | Question:
        switch, dialect = self.switch, self.switch.dialect
        if not line:
            return ""
        if re.fullmatch(dialect.paging_off, line):
            session.paging = False
            return dialect.paging_answer
        switch.log.append(line)
        if switch.reject and re.search(switch.reject, line):
            return switch.rejection
        if session.enabled and not session.config and re.fullmatch(dialect.enter, line):
            session.config = True
            return dialect.entered
        if session.config and re.fullmatch(dialect.leave, line) and not (line == dialect.up and session.context):
            session.config, session.context = False, ""
            return ""
        if line == dialect.up and session.context:
            session.context = ""
            return ""
        for pattern, handler in dialect.commands:
            if match := re.fullmatch(pattern, line):
                try:
                    return handler(session, match)
                except Rejection as error:
                    return str(error) or dialect.rejection
        return dialect.rejection
