"""What a console is made of, piece by piece: profiles, values, telnet, escape characters, logs, host names."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.dialogue import Dialogue
from clusto_cli.backends.console.escaping import EscapeGuard
from clusto_cli.backends.console.identity import host_name, same_host
from clusto_cli.backends.console.profile import BadProfile, EscapeKey, UnknownProfile, load, names, parse
from clusto_cli.backends.console.recorder import Recorder, recorded, replay
from clusto_cli.backends.console.script import parse_expect, parse_send
from clusto_cli.backends.console.scrollback import Scrollback
from clusto_cli.backends.console.telnet import TelnetCodec
from clusto_cli.backends.console.values import Values
from clusto_cli.backends.console.visible import LineSplitter, visible_lines
from clusto_cli.backends.errors import NoSuchPort, Refused
from clusto_cli.visible import visible
from tests.console.driver import access

PIECES = st.lists(st.binary(min_size=1, max_size=12), max_size=20)
AWKWARD = st.lists(
    st.sampled_from([b"\r", b"\n", b"\0", b"\xff", b"~", b"~.", b"\xff\xff", b"a", b"\xf0"]), max_size=30
)


@pytest.mark.parametrize("name", names())
def test_every_profile_can_be_shown(name: str) -> None:
    """Filled with values of the right kind, each method of each profile makes a command of its own."""
    profile = load(name)
    assert profile.vendor
    assert profile.source
    for method in profile.methods:
        way = access(
            name,
            method.name,
            host="cs1",
            user="ann",
            name="server1",
            number=7,
            base=3000,
            path="/run/s",
            uri="qemu:///system",
        )
        assert way.command
        assert bool(way.experimental) == (method.confidence == "recalled")
        for argument in way.argv(Attach.FORCE if method.supports(Attach.FORCE) else Attach.NORMAL):
            assert "{" not in argument


@pytest.mark.parametrize(
    ("profile", "method", "argv"),
    [
        ("opengear", None, "ssh -t -e ^] -p 3007 -l ann -- cs1"),
        ("opengear", "ssh-user", "ssh -t -e ^] -l ann:port07 -- cs1"),
        ("avocent-acs", None, "ssh -t -e ^] -l ann:ttyS7 -- cs1"),
        ("avocent-acs", "ssh-number", "ssh -t -e ^] -l ann:7007 -- cs1"),
        ("avocent-rpm-dsview", None, "ssh -t -e ^] -p 4122 -l ann:server1 -- cs1"),
        ("cisco-ios-ts", "ssh-line", "ssh -t -e ^] -l ann:7 -- cs1"),
        ("tinkerbell-secondstar", None, "ssh -t -e ^] -p 2222 -l server1 -- cs1"),
        ("conserver", None, "console -M cs1 -p 782 -l ann -- server1"),
        ("conman", None, "conman -d cs1:7890 -- server1"),
        ("ipmi-sol", None, "ipmitool -v -I lanplus -H cs1 -p 623 -U ann -E sol activate"),
    ],
)
def test_the_command_of_a_port(profile: str, method: str | None, argv: str) -> None:
    assert " ".join(access(profile, method, host="cs1", user="ann", name="server1", number=7).argv()) == argv


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", "-oProxyCommand=touch /tmp/x"),
        ("host", "ssh://root@h:22"),
        ("host", "a b"),
        ("host", ""),
        ("user", "-l"),
        ("user", "a\nb"),
        ("name", "--force"),
        ("name", "web*"),
        ("name", "a\rreboot"),
        ("uri", "qemu+ext:///system?command=/tmp/x"),
        ("uri", "test:///home/ops/machines.xml"),
        ("uri", "qemu+ssh://-oProxyCommand=x/system"),
        ("path", "relative"),
        ("path", "-rf"),
        ("cipher", "-1"),
        ("speed", "9600;reboot"),
    ],
)
def test_no_value_becomes_an_option_or_more_than_a_value(key: str, value: str) -> None:
    with pytest.raises(Refused):
        Values(texts={key: value})


@given(st.text(max_size=30))
def test_whatever_a_value_is_it_stays_one_argument(text: str) -> None:
    for key in ("host", "user", "name", "uri"):
        try:
            texts = {"host": "h", "user": "u", "name": "n", "uri": "qemu:///system"} | {key: text}
            values = Values(number=1, base=3000, texts=texts)
        except Refused:
            continue
        for profile in ("opengear", "conserver", "conman", "ipmi-sol", "libvirt", "avocent-rpm-dsview"):
            plain = access(profile, number=1, base=3000, host="h", user="u", name="n", uri="qemu:///system").argv()
            way = access(profile)
            filled = type(way)(way.profile, way.method, values).argv()
            assert len(filled) == len(plain)
            for ours, theirs in zip(plain, filled, strict=True):
                assert ours == theirs or not theirs.startswith("-")


def test_tcp_ports() -> None:
    assert Values(number=12).port("3000+n") == 3012
    assert Values(number=12, base=9000).port("3000+n") == 9012
    assert Values(number=12, tcp_port=4).port("3000+n") == 4
    assert Values().port("782") == 782
    with pytest.raises(Refused, match=r"console\.base"):
        Values(number=1).port("base+n")
    with pytest.raises(NoSuchPort):
        Values().port("3000+n")
    with pytest.raises(NoSuchPort):
        Values(number=64000).port("3000+n")
    assert Values(number=3).fill("{n:02d} {n-1} {n+10}") == "03 2 13"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vendor='x'\nsource='y'",
        "vendor='x'\nsource='y'\nconfidence='lab'\n[[method]]\nname='a'\ntransport='pigeon'",
        "vendor='x'\nsource='y'\nconfidence='lab'\n[[method]]\nname='a'\ntransport='ssh'\nmispelt=1",
        "vendor='x'\nsource='y'\nconfidence='sure'\n[[method]]\nname='a'\ntransport='ssh'",
        "vendor='x'\nsource='y'\nconfidence='lab'\n[[method]]\nname='a'\ntransport='ssh'\nport='n+n'",
        "vendor='x'\nsource='y'\nconfidence='lab'\n[[method]]\nname='a'\ntransport='command'\nargv=['x','{nobody}']",
    ],
)
def test_a_bad_profile_is_refused(text: str) -> None:
    with pytest.raises(BadProfile, match="console profile mine"):
        parse("mine", text)


def test_unknown_names_are_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownProfile, match="opengear"):
        load("opengaer")
    with pytest.raises(UnknownProfile, match="ssh-user"):
        load("opengear").method("shh")
    with pytest.raises(UnknownProfile):
        load("../console/opengear")
    (tmp_path / "mine.toml").write_text(
        "vendor='v'\nsource='s'\nconfidence='lab'\n[[method]]\nname='a'\ntransport='ssh'"
    )
    assert load("mine", (tmp_path,)).method(None).name == "a"


# Telnet: two codecs that talk to each other, and a codec against what servers send.


def exchange(near: TelnetCodec, far: TelnetCodec) -> None:
    to_far, to_near = near.start(), far.start()
    for _ in range(10):
        _, answer = far.feed(to_far)
        _, more = near.feed(to_near)
        to_far, to_near = more, answer
        if not to_far and not to_near:
            return
    pytest.fail("the two never agree")


@given(AWKWARD, st.booleans())
def test_telnet_passes_every_byte(pieces: list[bytes], agreed: bool) -> None:
    near, far = TelnetCodec(), TelnetCodec()
    if agreed:
        exchange(near, far)
    wire = b"".join(near.encode(piece) for piece in pieces)
    heard = b"".join(far.feed(wire[i : i + 1])[0] for i in range(len(wire)))
    assert heard == b"".join(pieces)
    fresh = TelnetCodec()
    if agreed:
        exchange(TelnetCodec(), fresh)
        assert fresh.feed(wire)[0] == b"".join(pieces)


def test_telnet_answers() -> None:
    codec = TelnetCodec(terminal="vt100", rows=24, columns=80)
    heard, reply = codec.feed(b"\xff\xfd\x1f\xff\xfd\x18\xff\xfd\x2a\xff\xfb\x01hello")
    assert heard == b"hello"
    assert reply == b"\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0\xff\xfb\x18\xff\xfc\x2a\xff\xfd\x01"
    assert codec.feed(b"\xff\xfa\x18\x01\xff\xf0") == (b"", b"\xff\xfa\x18\x00vt100\xff\xf0")
    assert codec.resize(255, 132) == b"\xff\xfa\x1f\x00\x84\x00\xff\xff\xff\xf0"
    # The same once more changes nothing, so nothing is answered: no loop can start.
    assert codec.feed(b"\xff\xfd\x1f\xff\xfb\x01") == (b"", b"")
    assert codec.break_parts() == (b"\xff\xf3", b"")


def test_rfc2217_break() -> None:
    codec = TelnetCodec(com_port=True)
    assert b"\xff\xfb\x2c" in codec.start()
    codec.feed(b"\xff\xfd\x2c")
    assert codec.break_parts() == (b"\xff\xfa\x2c\x05\x05\xff\xf0", b"\xff\xfa\x2c\x05\x06\xff\xf0")


# Escape characters: a model of what the program in between does with what is typed.


def ssh_passes_on(typed: bytes, key: int, line_start_only: bool) -> bytes:
    """What OpenSSH's and ipmitool's loops send for these bytes; AssertionError where they would run a command."""
    out, after_line_end, pending = bytearray(), True, False
    for byte in typed:
        if pending:
            assert byte == key, "a command of the program in between"
            pending = False
        elif byte == key and (after_line_end or not line_start_only):
            pending = True
            continue
        after_line_end = byte in b"\r\n"
        out.append(byte)
    assert not pending
    return bytes(out)


@given(AWKWARD, st.booleans())
def test_escape_characters_are_passed_on(pieces: list[bytes], line_start: bool) -> None:
    guard = EscapeGuard(EscapeKey(b"~", b"~~", line_start))
    typed = b"".join(guard.encode(piece) for piece in pieces)
    assert ssh_passes_on(typed, ord("~"), line_start) == b"".join(pieces)


def test_a_byte_that_cannot_be_passed_on() -> None:
    with pytest.raises(Refused, match="0x1f"):
        EscapeGuard(EscapeKey(b"\x1f", b"")).encode(b"a\x1fb")


# The log.


@given(st.lists(st.tuples(st.binary(max_size=20), st.booleans()), max_size=12), AWKWARD)
def test_a_log_gives_back_every_byte(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[bytes, bool]], more: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    for _ in range(2):  # the second time it is added to
        recorder = Recorder(path)
        for data, event in [*parts, *((piece, False) for piece in more)]:
            recorder.record(data)
            if event:
                recorder.event("an event | of ours")
        recorder.event("left")
        recorder.close()
    whole = b"".join(data for data, _ in parts) + b"".join(more)
    with path.open("rb") as file:
        assert b"".join(recorded(file)) == whole * 2
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("rb") as file:
        assert all(line.isprintable() or "\t" in line for line in replay(file))


def test_a_machine_cannot_forge_an_event(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log")
    recorder.record(b"2026-01-01T00:00:00.000Z # left\n")
    recorder.close()
    (line,) = (tmp_path / "log").read_bytes().splitlines()
    assert b" | 2026-01-01T00:00:00.000Z # left" in line
    assert [shown[24:] for shown in replay([line])] == ["2026-01-01T00:00:00.000Z # left"]


def test_a_log_goes_to_a_plain_file_only(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for path in (tmp_path / "link", Path("/dev/null"), tmp_path / "no" / "such"):
        with pytest.raises(Refused, match="cannot write the log"):
            Recorder(path)
    assert not (tmp_path / "target").exists()


@given(st.binary(max_size=200))
def test_nothing_shown_can_act_on_a_terminal(data: bytes) -> None:
    for line in [visible(data), *visible_lines(data), *LineSplitter(50).feed(data)]:
        assert all(character.isprintable() or character == "\t" for character in line)


def test_visible() -> None:
    assert visible(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07ok \x07 \xff caf\xc3\xa9") == "red ok \\x07 \\xff café"
    assert visible_lines(b"one\r\ntwo\rthree\r\r\nfour\r") == ["one", "two", "three", "four"]


@given(PIECES)
def test_scrollback_is_bounded(pieces: list[bytes]) -> None:
    scrollback = Scrollback(limit=40)
    for piece in pieces:
        scrollback.add(piece)
    whole = b"".join(pieces)
    assert whole.endswith(scrollback.data)
    assert min(len(whole), 40) <= len(scrollback.data) <= 40 + 12


# Scripts, and who answers.


def test_what_is_typed_by_a_script() -> None:
    assert parse_send(r"root\n\x03\e[A\\n").data == b"root\r\x03\x1b[A\\n"
    for bad in (r"\q", "\\", r"\x1"):
        with pytest.raises(ValueError, match="no such escape"):
            parse_send(bad)
    assert parse_expect("login:").pattern.search(b"server1 login: ")
    assert not parse_expect("log.n:").pattern.search(b"login:")
    assert parse_expect("/log.n: $/").pattern.search(b"server1 login: ")
    for bad in ("", "/(/"):
        with pytest.raises(ValueError, match=r"expect|regular expression"):
            parse_expect(bad)


@pytest.mark.parametrize(
    ("said", "host"),
    [
        (b"\r\nDebian GNU/Linux 12 server7 ttyS0\r\n\r\nserver7 login: ", "server7"),
        (b"server7.dc1.example login: ", "server7.dc1.example"),
        (b"\r\nroot@web1:~# \r\nroot@web1:~# ", "web1"),
        (b"[root@web1 ~]# ", "web1"),
        (b"\x1b[01;32mann@db-3\x1b[00m:\x1b[01;34m~\x1b[00m$ ", "db-3"),
        (b"switch2a#", "switch2a"),
        (b"switch2a(config)#", "switch2a"),
        (b"admin@router1>", "router1"),
        (b"localhost login: ", None),
        (b"Password: ", None),
        (b"grub> ", None),
        (b"", None),
    ],
)
def test_host_name(said: bytes, host: str | None) -> None:
    assert host_name(said) == host


def test_same_host() -> None:
    assert same_host("Server7.dc1.example", "server7")
    assert same_host("server7", "server7.dc1.example")
    assert not same_host("server70", "server7")


def test_the_page_of_profiles_is_whole() -> None:
    page = (Path(__file__).parents[2] / "docs" / "consoles.md").read_text()
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `") and "**" in line}
    assert sorted(rows) == names()
    for name, row in rows.items():
        for method in load(name).methods:
            assert f"**{method.name}**" in row, f"{name} has a method {method.name} that the page lacks"


def test_the_profile_of_the_page_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "consoles.md").read_text()
    profile = parse("ours", page.partition("```toml\n")[2].partition("```")[0])
    assert [method.name for method in profile.methods] == ["menu", "client"]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6), st.sampled_from([rb"b", rb"\x00+", rb"a|$"]))
def test_a_dialogue_finds_what_the_whole_would_have(said: bytes, places: list[int], pattern: bytes) -> None:
    """However it comes in pieces: the first match of a pattern that needs no more than what has come."""
    wanted = re.compile(pattern)
    cuts = [0, *sorted(min(place, len(said)) for place in places), len(said)]
    dialogue = Dialogue()
    heard = b""
    for begin, end in itertools.pairwise(cuts):
        piece = said[begin:end]
        heard += piece
        dialogue.hear(piece)
        if piece and dialogue.met(wanted):
            match = wanted.search(heard)
            assert match is not None
            assert dialogue.said == heard[match.end() :]
            return
    assert wanted.search(said) is None or not said


def test_a_dialogue_is_bounded() -> None:
    dialogue = Dialogue(1000)
    for _ in range(100):
        dialogue.hear(b"x" * 500)
        assert not dialogue.met(re.compile(b"y"))
    assert len(dialogue.said) == 1000
    dialogue.hear(b"y")
    assert dialogue.met(re.compile(b"xy"))
    assert dialogue.said == b""
