"""Sessions as an operator has them: in a real terminal, against real servers."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sys
import tempfile
import termios
import time
from pathlib import Path

import pexpect
import pytest
from lab.machine import noise

from clusto_cli.backends.console.recorder import recorded, replay
from tests.console import lab as labs
from tests.console.lab import AsyncSshServer, Lab, SshServer

ATTACH = str(Path(__file__).with_name("attach.py"))
ESCAPE = "\x1d"


def session(
    profile: str, values: dict[str, object], method: str | None = None, **settings: object
) -> pexpect.spawn[bytes]:
    wanted = {"profile": profile, "method": method, "values": values, "settings": settings}
    child = pexpect.spawn(sys.executable, [ATTACH, json.dumps(wanted)], dimensions=(30, 90), timeout=15)
    child.delaybeforesend = None
    return child


def of_server1(server: AsyncSshServer) -> dict[str, object]:
    return {"host": "127.0.0.1", "user": "ann", "name": "server1", "tcp_port": server.port}


def ended(child: pexpect.spawn[bytes], status: int) -> bytes:
    """Waits for the end; what was shown last. The exit status is the wanted one."""
    child.expect(pexpect.EOF)
    shown = child.before or b""
    child.close()
    assert child.exitstatus == status, shown
    return shown


def shell_session(
    lab: Lab, values: dict[str, object], *, fails: bool = False, **settings: object
) -> tuple[pexpect.spawn[bytes], str]:
    """A session started from a shell with job control, whose terminal outlives it; and its settings before."""
    child = pexpect.spawn("/bin/bash", ["--norc", "--noprofile", "-i"], dimensions=(30, 90), timeout=15)
    child.delaybeforesend = None
    child.sendline("PS1='%%'; bind 'set enable-bracketed-paste off'; stty -a | tr '\\n' ' '; echo ok")
    child.expect(rb"speed.*ok\r\n%%")
    before = child.after.decode()
    wanted = {"profile": "generic-tcp", "method": "raw", "values": values, "settings": settings}
    wanted |= {"pid": str(lab.folder / "pid"), "fails": fails}
    (lab.folder / "wanted").write_text(json.dumps(wanted))
    child.sendline(f'cd {lab.folder}; stty -g > before; {sys.executable} {ATTACH} "$(cat wanted)"; echo status=$?')
    return child, before


def same_terminal(child: pexpect.spawn[bytes], lab: Lab) -> None:
    child.sendline("stty -g | diff - before && echo 'the '''same")
    child.expect("the same")


def test_type_resize_and_leave_over_ssh(ssh_server: SshServer) -> None:
    child = session("generic-ssh-port", {"host": "127.0.0.1", "base": ssh_server.base, "number": 1})
    child.expect(rb"\[server1: port 1 on cs1; Ctrl-\] \. leaves, Ctrl-\] \? helps\]")
    child.expect("server1 login: ")
    child.send("root\rsize\r")
    child.expect("30 90\r\n")
    child.setwinsize(41, 123)
    time.sleep(0.3)
    child.send("size\r")
    child.expect("41 123\r\n")
    child.send(ESCAPE + "?")
    child.expect(rb"leave.*power status.*this help")
    child.send(ESCAPE + ".")
    ended(child, 0)


def test_ten_megabytes_without_a_lost_byte(lab: Lab, ssh_server: SshServer) -> None:
    count, log = 10_000_000, lab.folder / "log"
    values: dict[str, object] = {"host": "127.0.0.1", "base": ssh_server.base, "number": 1}
    child = session("generic-ssh-port", values, log=str(log), log_now=True)
    child.expect("server1 login: ")
    child.send(f"root\rflood {count}\r")
    child.expect(rb"flood %d\r\n" % count)
    digest, held, seen = hashlib.sha256(), bytearray(), 0
    while seen < count:
        held += child.read_nonblocking(65536, 30)
        piece = bytes(held[: count - seen])
        digest.update(piece)
        seen += len(piece)
        del held[: len(piece)]
    assert digest.hexdigest() == hashlib.sha256(noise(count)).hexdigest()
    child.send(ESCAPE + ".")
    ended(child, 0)
    with log.open("rb") as file:
        assert noise(count) in b"".join(recorded(file))


def test_every_byte_is_typed_unchanged(lab: Lab, ssh_server: SshServer) -> None:
    child = session("generic-ssh-port", {"host": "127.0.0.1", "base": ssh_server.base, "number": 1}, escape="")
    sent = bytes(range(256)) * 8000 + b"\r~.\r\x1d.\n\x1d\x1d"
    child.expect("server1 login: ")
    child.send(f"root\rsink {len(sent)}\r")
    child.expect("ready\r\n")
    child.send(sent)
    child.expect(hashlib.sha256(sent).hexdigest(), timeout=60)
    child.close()


def test_escape_menu(lab: Lab) -> None:
    log = lab.folder / "log"
    child = session("generic-tcp", {"host": "127.0.0.1", "tcp_port": lab.machine("server1")}, "raw", log=str(log))
    child.expect("helps")
    child.send("\rroot\rhostname\r")
    child.expect("server1\r\n")
    child.send(ESCAPE + "b")
    child.expect("a break cannot be sent over raw")
    child.send(ESCAPE + "l")
    child.expect("log on: ")
    child.send("hostname\r")
    child.expect("server1\r\n")
    child.send(ESCAPE + "l")
    child.expect("log off: ")
    child.send(ESCAPE + "r")
    child.expect(rb"the last \d+ lines\]\r\n.*Welcome to server1\..*end of the replay")
    child.send(ESCAPE + "p")
    child.expect(r"\[power status \.\.\.\]")
    child.expect(r"\[server1: on\]")
    child.send(ESCAPE + "cyes\r")  # typed before the question is there: an answer to nothing
    child.expect("Power cycle server1.*Enter:")
    child.send("no\r")
    child.expect("not done")
    child.send(ESCAPE + "c")
    child.expect("Power cycle server1.*Enter:")
    child.send("yes\r")
    child.expect(r"\[server1: cycled outlet 7 on pdu1\]")
    child.send(ESCAPE + "x")
    child.expect("outlet 7 is locked")
    child.send(ESCAPE + "q")
    child.expect("no such key")
    child.send("cat " + ESCAPE + ESCAPE + "\r")
    child.expect(rb"cat \x1d")
    child.send(ESCAPE + ".")
    ended(child, 0)
    assert log.stat().st_mode & 0o777 == 0o600
    text = log.read_bytes()
    assert re.search(rb"^\d{4}-\d\d-\d\dT[\d:.]{12}Z \| hostname\r$", text, re.M)
    assert b"Welcome" not in text
    assert any("server1" in line for line in replay(text.splitlines(keepends=True)))


def test_read_only_types_nothing(lab: Lab) -> None:
    port = lab.machine("server1")
    child = session("generic-tcp", {"host": "127.0.0.1", "tcp_port": port}, "raw", attach="read_only")
    child.expect("read only; Ctrl")
    child.send("root\r" + ESCAPE + "b")
    child.expect("what you type goes nowhere")
    child.expect("no break is sent")
    writer = session("generic-tcp", {"host": "127.0.0.1", "tcp_port": port}, "raw")
    writer.expect("helps")
    writer.send("\r")
    child.expect("server1 login: ")
    assert b"root" not in child.before
    writer.close()
    child.send(ESCAPE + ".")
    ended(child, 0)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, "lost", "left", "exception"])
def test_the_terminal_is_given_back(lab: Lab, how: signal.Signals | str) -> None:
    values: dict[str, object] = {"host": "127.0.0.1", "tcp_port": lab.machine("server1")}
    child, _ = shell_session(lab, values, fails=how == "exception")
    if how == "exception":
        child.expect("ZeroDivisionError")
        child.expect("status=1")
        same_terminal(child, lab)
        return
    child.expect("helps")
    child.send("\r")
    child.expect("login: ")
    pid = int((lab.folder / "pid").read_text())
    if how == "lost":
        lab.processes[-1].terminate()
        status = 5
    elif how == "left":
        child.send(ESCAPE + ".")
        status = 0
    else:
        os.kill(pid, signal.Signals(how))
        status = 128 + int(how)
    child.expect(f"status={status}")
    same_terminal(child, lab)
    child.close()


def test_suspended_and_continued(lab: Lab) -> None:
    child, _ = shell_session(lab, {"host": "127.0.0.1", "tcp_port": lab.machine("server1")})
    child.expect("helps")
    child.send("\rroot\r")
    child.expect("Welcome")
    child.send(ESCAPE + "z")
    child.expect("Stopped")
    same_terminal(child, lab)
    child.sendline("fg")
    child.expect("attach.py")
    child.send("hostname\r")
    child.expect("server1\r\n")
    mode = termios.tcgetattr(child.child_fd)
    assert not mode[3] & termios.ICANON
    child.send(ESCAPE + ".")
    child.expect("%%")
    same_terminal(child, lab)
    child.close()


def test_modes_that_the_console_switched_on_are_switched_off(lab: Lab) -> None:
    child = session("generic-tcp", {"host": "127.0.0.1", "tcp_port": lab.machine("server1")}, "raw")
    child.expect("helps")
    child.send("\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?2004l")
    child.expect_exact("\x1b[?2004l")
    child.send(ESCAPE + ".")
    assert b"\x1b[?25h\x1b[?1049l" in ended(child, 0)


def test_a_lost_line_is_attached_anew(lab: Lab) -> None:
    port = lab.machine("server1")
    child = session("generic-tcp", {"host": "127.0.0.1", "tcp_port": port}, "raw", keep=True)
    child.expect("helps")
    lab.processes[-1].terminate()
    child.expect("trying again in 1 s")
    lab.start([sys.executable, str(labs.MACHINE), "server1", "--listen", str(port)], port=port)
    child.expect("helps")
    child.send("\r")
    child.expect("server1 login: ")
    child.send(ESCAPE + ".")
    ended(child, 0)


def test_busy_then_wait(lab: Lab) -> None:
    port = labs.conserver(lab, {"web1": lab.machine("web1")})
    values: dict[str, object] = {"host": "127.0.0.1", "user": "ann", "name": "web1", "tcp_port": port}
    first = session("conserver", values, "console-plain")
    first.expect("helps")
    second = session("conserver", values, "console-plain")
    second.expect("busy: .*ann@localhost is attached")
    ended(second, 4)
    third = session("conserver", values, "console-plain", wait=True)
    third.expect("trying again in 3 s; Ctrl-] . gives up")
    first.send(ESCAPE + ".")
    ended(first, 0)
    third.expect("helps")
    third.send("\r")
    third.expect("web1 login")
    third.send(ESCAPE + ".")
    ended(third, 0)


def test_interrupted_before_it_is_attached(lab: Lab) -> None:
    path = lab.folder / "silent"
    path.write_text("#!/bin/sh\nexec sleep 100\n")
    path.chmod(0o755)
    child = pexpect.spawn(
        sys.executable,
        [ATTACH, json.dumps({"profile": "generic-ssh-user", "values": {"host": "h", "user": "u", "name": "n"}})],
        env=os.environ | {"PATH": f"{lab.folder}:{os.environ['PATH']}"},
        timeout=10,
    )
    path.rename(lab.folder / "ssh")
    time.sleep(0.5)
    child.send("\x03")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_host_key_and_password_are_asked_on_the_terminal(lab: Lab, asyncssh_server: AsyncSshServer) -> None:
    (lab.folder / "client").rename(lab.folder / "gone")
    (lab.folder / "known_hosts").write_text("")
    values = of_server1(asyncssh_server)
    child = session("generic-ssh-user", values)
    child.expect(r"continue connecting \(yes/no")
    child.send("yes\r")
    child.expect("assword:")
    child.send("wrong\r")
    child.expect("assword:")
    child.send("right\r")
    child.expect("helps")
    child.expect("server1 login: ")
    child.send("root\rhostname\r")
    child.expect("server1\r\n")
    child.send(ESCAPE + ".")
    ended(child, 0)
    assert (lab.folder / "known_hosts").read_text()
    child = session("generic-ssh-user", values)
    while child.expect(["assword:", "error: .*(Permission denied|Too many)"]) == 0:
        child.send("wrong\r")
    ended(child, 5)


def test_changed_host_key(lab: Lab, asyncssh_server: AsyncSshServer) -> None:
    other = (lab.folder / "client.pub").read_text().rsplit(" ", 1)[0]
    (lab.folder / "known_hosts").write_text(f"[127.0.0.1]:{asyncssh_server.port} {other}\n")
    values = of_server1(asyncssh_server)
    child = session("generic-ssh-user", values)
    child.expect("error: 127.0.0.1 port [0-9]+: .*its host key has changed")
    ended(child, 5)


def test_break_over_ssh(asyncssh_server: AsyncSshServer) -> None:
    child = session("generic-ssh-user", of_server1(asyncssh_server))
    child.expect("login: ")
    child.send(ESCAPE + "b")
    child.expect("<break 1000 ms>")
    child.send("half" + ESCAPE + "b")
    child.expect("only at the start of a line: press Enter")
    child.send(ESCAPE + ".")
    ended(child, 0)


def test_through_a_multiplexed_connection(lab: Lab, ssh_server: SshServer) -> None:
    """What operators have in ~/.ssh/config: the second session rides on the first one's connection."""
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as folder, (lab.folder / "ssh_config").open("a") as config:
        config.write(f"  ControlMaster auto\n  ControlPath {folder}/%C\n  ControlPersist 2\n")
        config.flush()
        values: dict[str, object] = {"host": "127.0.0.1", "base": ssh_server.base, "number": 1}
        first, second = (session("generic-ssh-port", values) for _ in range(2))
        for child in (first, second):
            child.expect("helps")
            child.expect("server1 login: ")
        for child in (first, second):
            child.send("root\rflood 100000\r")
            child.expect("done\r\n", timeout=20)
            child.send(ESCAPE + ".")
            ended(child, 0)


def test_the_other_side_ends_in_good_order(ssh_server: SshServer) -> None:
    child = session("generic-ssh-port", {"host": "127.0.0.1", "base": ssh_server.base, "number": 1})
    child.expect("login: ")
    child.send("root\rhalt\r")
    child.expect("System halted")
    ended(child, 0)


@pytest.mark.parametrize("attach", ["read_only", "force"])
def test_spy_and_steal(lab: Lab, attach: str) -> None:
    port = labs.conman(lab, {"server1": lab.unix_machine("server1")})
    values: dict[str, object] = {"host": "127.0.0.1", "name": "server1", "tcp_port": port}
    first = session("conman", values)
    first.expect("helps")
    second = session("conman", values, attach=attach)
    second.expect("helps")
    if attach == "force":
        first.expect("(?i)stolen by")
        ended(first, 5)
    else:
        first.send("\r")
        second.expect("server1 login: ")
        first.send(ESCAPE + ".")
        ended(first, 0)
    second.send(ESCAPE + ".")
    ended(second, 0)


def test_a_full_disk_ends_the_log_and_not_the_session(lab: Lab) -> None:
    wanted = {
        "profile": "generic-tcp",
        "method": "raw",
        "values": {"host": "127.0.0.1", "tcp_port": lab.machine("server1")},
        "settings": {"log": str(lab.folder / "log"), "log_now": True},
    }
    limited = f'ulimit -f 8; exec {sys.executable} {ATTACH} "$1"'
    child = pexpect.spawn("/bin/sh", ["-c", limited, "sh", json.dumps(wanted)], timeout=15)
    child.delaybeforesend = None
    child.expect("helps")
    child.send("\rroot\rflood 100000\r")
    child.expect("log off: .*File too large")
    child.send(ESCAPE + ".")
    ended(child, 0)
