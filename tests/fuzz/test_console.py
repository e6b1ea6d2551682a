"""Consoles over ssh, telnet, raw TCP, conserver, ConMan and serial over LAN whose other side says anything.

The line is the real one, with all that a profile makes of it; what is said on it comes from the fuzzer.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.access import Access
from clusto_cli.backends.console.identity import host_name
from clusto_cli.backends.console.ports import NameCheck, parse_listing
from clusto_cli.backends.console.profile import load
from clusto_cli.backends.console.script import Capture, Expect, Job, Send, Step, Transcript, many, parse_expect
from clusto_cli.backends.console.telnet import TelnetCodec
from clusto_cli.backends.console.values import Values
from clusto_cli.backends.console.visible import LineSplitter
from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.runner import Unexpected
from clusto_cli.console.scripted import exit_code, outcome
from clusto_cli.output import clean
from tests.fuzz.mutations import bounded, chunked, fuzz, harmless, mutated

LOGIN = b"Debian GNU/Linux 12 server1 ttyS0\r\n\r\nserver1 login: "
SHELL = b"root\r\nLinux server1 6.1.0\r\n\x1b[?2004hroot@server1:~# ls\r\n\x1b[01;34mbin\x1b[0m\r\nroot@server1:~# "
READY = {
    "ipmi-sol": b"[SOL Session operational.  Use ~? for help]\r\n",
    "conserver": b"[Enter `^Ec?' for help]\r\n",
    "conman": b"\r\n<ConMan> Connection to console [server1] opened.\r\n",
}
SAID: dict[str, tuple[bytes, ...]] = {
    "ssh": (
        LOGIN,
        SHELL,
        b"ann@10.0.0.1's password: ",
        b"The authenticity of host '10.0.0.1' can't be established.\r\nAre you sure you want to continue connecting "
        b"(yes/no/[fingerprint])? ",
        b"Unable to negotiate with 10.0.0.1 port 22: no matching key exchange method found. Their offer: x\r\n",
        b"@@@@@@@@\r\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n@@@@@@@@\r\n",
        b"ann@10.0.0.1: Permission denied (publickey,password).\r\n",
    ),
    "menu": (b"1 server1\r\n2 server2\r\n> ", b"> " + LOGIN, b"no such port\r\n", SHELL),
    "telnet": (
        b"\xff\xfd\x00\xff\xfb\x00\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0\xff\xfd\x1f" + LOGIN,
        b"\xff\xfb\x01\xff\xfb\x03" + SHELL,
        b"\xff\xfa\x2c\x01" + b"x" * 40 + b"\xff\xf0" + LOGIN,
    ),
    "ipmi-sol": (
        READY["ipmi-sol"] + LOGIN,
        READY["ipmi-sol"] + SHELL,
        b"Info: SOL payload already active on another session\r\n",
        b"Error in open session response message : invalid authentication algorithm\r\n\r\n"
        b"Error: Unable to establish IPMI v2 / RMCP+ session\r\n",
        READY["ipmi-sol"] + b"SOL session closed by BMC\r\n",
    ),
    "conserver": (
        READY["conserver"] + LOGIN,
        READY["conserver"] + b"[no, ann@localhost is attached]\r\n[read-only -- use ^E c ? for help]\r\n",
        b"console: console `server1' not found\r\n",
        b"console: Unable to connect to 10.0.0.1:782\r\n",
        READY["conserver"] + b"[forced to `spy' mode by ann@localhost]\r\n",
    ),
    "conman": (
        READY["conman"] + SHELL,
        b"\r\n<ConMan> Found console already in use.\r\n",
        b"<ConMan> Found no matching consoles\r\n",
        READY["conman"] + b"\r\n<ConMan> Console [server1] connection stolen by <ann>\r\n",
    ),
}
LISTED = (
    b"server1:h:1,2:server1,3:w@ann@localhost@1:up:rw:x:y:z:server1-alias:\n",
    b"server1:h:1,2:server1,3::up:rw:x:y:z::\nserver10:h:1:x:r@bob@h:down:ro:x:y:z:a,b:\n",
    b"console: console `server1' not found\n",
    b"",
)
WAYS: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "ssh": ("generic-ssh-port", None, {"tcp_port": 22}),
    "menu": ("generic-ssh-menu", None, {"number": 1}),
    "telnet": ("generic-tcp", "telnet", {"tcp_port": 23}),
    "ipmi-sol": ("ipmi-sol", None, {"tcp_port": 623}),
    "conserver": ("conserver", "console-plain", {"tcp_port": 782}),
    "conman": ("conman", None, {"tcp_port": 7890}),
}
STEPS: tuple[tuple[Step, ...], ...] = (
    (Capture(0),),
    (Expect(parse_expect("login: ").pattern, "login: "), Send(b"root\r~.&\x05\x1d"), Capture(0)),
    (parse_expect(r"/[#>] ?$/"),),
)


class Said:
    """A Channel on which these pieces come, and then the end."""

    established = True
    remarks = b""

    def __init__(self, pieces: list[bytes], status: int, ready: int) -> None:
        self._pieces = list(reversed(pieces))
        self._ends_with = status
        self._ready = ready
        self.status: int | None = None

    def waits_for(self, *, reading: bool, writing: bool) -> dict[int, int]:
        import select

        return {self._ready: select.POLLIN}

    def read(self) -> bytes | None:
        while self._pieces:
            if piece := self._pieces.pop():
                return piece
        self.status = self._ends_with
        return b""

    def write(self, data: bytes) -> int:
        return len(data)

    def resize(self, rows: int, columns: int) -> None: ...

    def send_break(self) -> bool:
        return False

    def close(self, patience: float = 0.0) -> bool:
        return False


class Asked:
    """The process that asks a conserver which console it means: it has said this, and ended."""

    def __init__(self, said: bytes) -> None:
        self.stdout = io.BytesIO(said)

    def poll(self) -> int:
        return 0


@pytest.fixture
def readable() -> Iterator[int]:
    """A descriptor that can be read at any time."""
    fd = os.open(os.devnull, os.O_RDONLY)
    yield fd
    os.close(fd)


def way(name: str) -> Access:
    profile, method, values = WAYS[name]
    known = load(profile)
    texts = {"host": "10.0.0.1", "user": "ann", "name": "server1"}
    return Access(known, known.method(method), Values(texts=texts, secret="s3cret", **values))


def listen(
    name: str, pieces: list[bytes], status: int, listed: bytes, attach: Attach, steps: tuple[Step, ...], ready: int
) -> tuple[Transcript, Transcript, list[str], int]:
    """A console that says all that, beside one that is well: what became of both, what was shown, and how often a
    port was freed.
    """
    freed: list[int] = []
    shown: list[str] = []
    lines = LineSplitter()
    channels = {"bad": pieces, "good": [LOGIN]}
    good = way("ssh")
    bad = way(name)

    def channel(self: Access, attach: Attach, rows: int, columns: int) -> Said:
        mine = "good" if self is good else "bad"
        return Said(channels[mine], 0 if mine == "good" else status, ready)

    with (
        mock.patch.object(Access, "_channel", channel),
        mock.patch.object(Access, "_taking_over", return_value=None),
        mock.patch.object(Access, "release", side_effect=lambda: freed.append(1)),
        mock.patch.object(NameCheck, "_ask", side_effect=lambda: Asked(listed)),
        mock.patch.object(NameCheck, "_ended", lambda self: self._said.extend(self._process.stdout.read()) or True),
    ):
        jobs = [
            Job("bad", bad, steps, attach, timeout=0.01, heard=lambda data: shown.extend(lines.feed(data))),
            Job("good", good, [parse_expect("login: ")], timeout=5),
        ]
        first, second = many(jobs)
    return first, second, [*shown, *lines.flush()], len(freed)


def check(name: str, pieces: list[bytes], outcome_of: tuple[Transcript, Transcript, list[str], int]) -> None:
    bad, good, shown, freed = outcome_of
    assert good.error is None
    assert bytes(good.data) == LOGIN
    assert exit_code([bad, good]) in (0, 3, 4, 5)
    assert all(map(harmless, shown))
    if bad.error is not None:
        assert isinstance(bad.error, DeviceError)
        assert not isinstance(bad.error, Unexpected)
        assert harmless(clean(str(bad.error)))
        assert len(str(bad.error)) < 1500
        assert "s3cret" not in str(bad.error)
        assert outcome(bad.error)
    if freed:
        assert READY["ipmi-sol"][1:24] in b"".join(pieces), "a port was freed that was never had"
    host_name(b"".join(pieces))


@pytest.mark.parametrize("name", WAYS)
def test_a_console_that_says_anything(name: str, readable: int) -> None:
    # Three of the six are ssh and telnet text of the same parser: together they are one protocol's share each.
    @fuzz(share=2 if name in ("ssh", "menu", "conman", "ipmi-sol") else 1)
    @given(
        chunked(SAID[name]),
        st.sampled_from([0, 1, 255, -9]),
        mutated(LISTED) if name == "conserver" else st.just(b""),
        st.sampled_from(list(Attach) if name in ("conserver", "conman", "ipmi-sol") else [Attach.NORMAL]),
        st.sampled_from(STEPS),
    )
    @example([b"\x1b]52;c;aGk=\x07\xe2\x80\xae", b"login: "], 0, LISTED[0], Attach.NORMAL, STEPS[0])
    @example([b"A" * 200_000], 1, LISTED[3], Attach.NORMAL, STEPS[1])
    @example(
        [b"A" * 4000 + b"console `server1' not found Found no matching consoles"], 0, LISTED[0], Attach.NORMAL, STEPS[0]
    )
    def heard(pieces: list[bytes], status: int, listed: bytes, attach: Attach, steps: tuple[Step, ...]) -> None:
        with bounded():
            found = listen(name, pieces, status, listed, attach, steps, readable)
        check(name, pieces, found)

    heard()


@fuzz(share=4)
@given(chunked(SAID["telnet"]), st.booleans())
def test_a_telnet_server_that_says_anything(pieces: list[bytes], com_port: bool) -> None:
    """Whatever it asks for, what is answered is no more than what it said, and ends."""
    codec = TelnetCodec(com_port=com_port)
    answered = 0
    with bounded():
        codec.start()
        for piece in pieces:
            heard, reply = codec.feed(piece)
            assert len(heard) <= len(piece) + 1
            answered += len(reply)
    assert answered <= 16 * (sum(map(len, pieces)) + 1)


@fuzz(share=4)
@given(mutated(LISTED))
def test_a_conserver_that_lists_anything(said: bytes) -> None:
    listing = load("conserver").listing
    assert listing is not None
    with bounded():
        parse_listing(listing, said.decode("utf-8", "replace"))
