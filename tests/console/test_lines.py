"""Every way to a port against the real server program: attach, type, break, be refused, leave."""

from __future__ import annotations

import hashlib
import os
import tty
from pathlib import Path

import pytest
from lab.machine import noise

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.access import Access
from clusto_cli.backends.console.line import Line
from clusto_cli.backends.errors import AuthenticationFailed, Busy, LineLost, NoSuchPort, Refused, Unreachable
from tests.console import lab as labs
from tests.console.driver import access, attach, read_until, step, wait_ready
from tests.console.lab import AsyncSshServer, Lab, SshServer, free_ports

EVERY_BYTE = bytes(range(256))


def login(line: Line) -> None:
    line.write(b"root\r")
    read_until(line, b"root@")


def exchange_every_byte(line: Line, count: int = 100_000) -> None:
    """All byte values, both ways, in large pieces: what arrives is what was sent."""
    line.write(f"flood {count}\r".encode())
    heard = read_until(line, b"done\r\n", 30)
    assert noise(count) in heard
    sent = (EVERY_BYTE + b"\r" + EVERY_BYTE[::-1] + b"\n\x1d\x1d.~.&.\x05c.\r~.\r\x1d.\r~~.") * 40
    line.write(f"sink {len(sent)}\r".encode())
    read_until(line, b"ready\r\n")
    line.write(sent)
    heard = read_until(line, lambda heard: b"sunk " in heard and b"~#" in heard, 30)
    assert hashlib.sha256(sent).hexdigest().encode() in heard


def test_ssh_port_per_line(ssh_server: SshServer) -> None:
    line = attach(access("generic-ssh-port", host="127.0.0.1", user=labs.USER, base=ssh_server.base, number=2))
    try:
        read_until(line, b"server2 login: ")
        assert line.ready
        login(line)
        line.write(b"size\r")
        read_until(line, b"33 101\r\n")
        line.resize(50, 132)
        line.write(b"size\r")
        read_until(line, b"50 132\r\n")
        exchange_every_byte(line)
    finally:
        line.close()


@pytest.mark.parametrize("transport", ["raw", "telnet"])
def test_machine_behind_a_socket(lab: Lab, transport: str) -> None:
    port = lab.machine("server1") if transport == "raw" else labs.telnet_machine(lab, "server1")
    line = attach(access("generic-tcp", transport, host="127.0.0.1", tcp_port=port))
    try:
        wait_ready(line)
        line.write(b"\r")
        read_until(line, b"server1 login: ")
        login(line)
        exchange_every_byte(line)
    finally:
        line.close()


@pytest.mark.parametrize("kind", ["telnet", "rfc2217", "raw"])
def test_ser2net_passes_every_byte(lab: Lab, kind: str) -> None:
    port, far = labs.ser2net(lab, kind)
    cable = os.open(far, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(cable)
    line = attach(access("ser2net", kind, host="127.0.0.1", tcp_port=port))
    try:
        wait_ready(line)
        sent = EVERY_BYTE * 4
        os.write(cable, sent)
        assert sent in read_until(line, lambda heard: len(heard) >= len(sent))
        line.write(sent)
        arrived = b""
        while len(arrived) < len(sent):
            step(line)
            arrived += os.read(cable, 4096)
        assert arrived == sent
        second = attach(access("ser2net", kind, host="127.0.0.1", tcp_port=port))
        try:
            with pytest.raises(Busy, match="in use"):
                read_until(second, b"never")
        finally:
            second.close()
        if kind == "raw":
            with pytest.raises(Refused, match="break"):
                line.send_break()
        else:
            line.send_break()
            line.write(b"still here")
            step(line)
            assert os.read(cable, 100).endswith(b"still here")
    finally:
        line.close()
        os.close(cable)


def test_unix_socket(lab: Lab) -> None:
    path = lab.unix_machine("server1")
    line = attach(access("qemu-serial", "unix", path=path))
    try:
        line.write(b"\r")
        read_until(line, b"server1 login: ")
        login(line)
        exchange_every_byte(line)
        lab.processes[0].terminate()
        lab.processes[0].wait()
        with pytest.raises(LineLost):
            read_until(line, b"never")
    finally:
        line.close()
    with pytest.raises(Unreachable):
        attach(access("qemu-serial", "unix", path=path))


def test_local_tty(lab: Lab) -> None:
    socat = labs.find("socat", "socat")
    near, far = lab.folder / "near", lab.folder / "far"
    lab.start([socat, f"pty,rawer,link={near}", f"pty,rawer,link={far}"], path=far)
    labs.until(near.exists, "socat's pseudo-terminals")
    cable = os.open(far, os.O_RDWR | os.O_NOCTTY)
    way = access("local-tty", path=near, speed="115200,7e2")
    line = attach(way)
    try:
        assert line.ready or not wait_ready(line)
        line.write(EVERY_BYTE)
        assert os.read(cable, 1024) == EVERY_BYTE
        os.write(cable, EVERY_BYTE)
        assert read_until(line, lambda heard: len(heard) == 256) == EVERY_BYTE
        line.send_break()
        with pytest.raises(Busy):
            attach(way)
    finally:
        line.close()
        os.close(cable)
    attach(way).close()
    with pytest.raises(Refused, match="speed"):
        attach(access("local-tty", path=near, speed="123456"))
    with pytest.raises(Refused, match="not a serial port"):
        attach(access("local-tty", path="/dev/null"))


def test_conserver(lab: Lab) -> None:
    port = labs.conserver(lab, {"server10": lab.machine("server10"), "web1": lab.machine("web1")})

    def way(name: str) -> Access:
        return access("conserver", "console-plain", host="127.0.0.1", user="ann", name=name, tcp_port=port)

    line = attach(way("web1"))
    try:
        wait_ready(line)
        line.write(b"\r")
        read_until(line, b"web1 login: ")
        login(line)
        exchange_every_byte(line)
        line.send_break()
        read_until(line, b"[halt sent]")
        line.write(b"\r")
        read_until(line, b"~#")
        assert [str(user) for user in line.status.users] in ([], ["ann@localhost"])

        busy = attach(way("web1"))
        with pytest.raises(Busy, match="ann@localhost is attached"):
            read_until(busy, b"never")
        busy.close()

        spy = attach(way("web1"), Attach.READ_ONLY)
        wait_ready(spy)
        assert "ann@localhost" in [str(user) for user in spy.status.users]
        for _ in range(10):  # the server greets a spy a moment before it shows him anything
            line.write(b"hostname\r")
            if b"web1\r\n" in step(spy, 0.5):
                break
        else:
            pytest.fail("the spy sees nothing")
        spy.close()

        thief = attach(way("web1-alias"), Attach.FORCE)
        wait_ready(thief)
        with pytest.raises(LineLost, match="forced to `spy' mode by ann@localhost"):
            read_until(line, b"never")
        thief.close()
    finally:
        line.close()


@pytest.mark.parametrize("name", ["server1", "nosuch"])
def test_conserver_does_not_attach_a_longer_name(lab: Lab, name: str) -> None:
    port = labs.conserver(lab, {"server10": lab.machine("server10"), "web1": lab.machine("web1")})
    line = attach(access("conserver", "console-plain", host="127.0.0.1", user="ann", name=name, tcp_port=port))
    line.write(b"reboot\r")
    with pytest.raises(NoSuchPort):
        read_until(line, b"never")
    line.close()


def test_conman(lab: Lab) -> None:
    port = labs.conman(lab, {name: lab.unix_machine(name) for name in ("server1", "web1")})

    def way(name: str) -> Access:
        return access("conman", host="127.0.0.1", name=name, tcp_port=port)

    line = attach(way("server1"))
    try:
        wait_ready(line)
        line.write(b"\r")
        read_until(line, b"server1 login: ")
        login(line)
        exchange_every_byte(line, 20_000)
        line.send_break()

        busy = attach(way("server1"))
        with pytest.raises(Busy, match="in use"):
            read_until(busy, b"never")
        busy.close()

        unknown = attach(way("server2"))
        with pytest.raises(NoSuchPort):
            read_until(unknown, b"never")
        unknown.close()

        spy = attach(way("server1"), Attach.READ_ONLY)
        wait_ready(spy)
        line.write(b"hostname\r")
        read_until(spy, b"server1\r\n")
        spy.close()

        thief = attach(way("server1"), Attach.FORCE)
        wait_ready(thief)
        with pytest.raises(LineLost, match="stolen"):
            read_until(line, b"never")
        thief.close()
    finally:
        line.close()


def test_ssh_menu(ssh_server: SshServer) -> None:
    line = attach(access("generic-ssh-menu", host="127.0.0.1", tcp_port=ssh_server.base, number=2))
    read_until(line, b"server2 login: ")
    line.close()
    line = attach(access("generic-ssh-menu", host="127.0.0.1", tcp_port=ssh_server.base, number=7))
    with pytest.raises(Refused, match="no such port"):
        read_until(line, b"never")
    line.close()


def test_ssh_refusals(lab: Lab, ssh_server: SshServer) -> None:
    way = access("generic-ssh-port", host="127.0.0.1", base=ssh_server.base, number=1)
    (lab.folder / "client").rename(lab.folder / "gone")
    line = attach(way)
    with pytest.raises(AuthenticationFailed, match="Permission denied"):
        read_until(line, b"never")
    line.close()
    (lab.folder / "gone").rename(lab.folder / "client")

    known = lab.folder / "known_hosts"
    known.write_text("")
    line = attach(way)
    with pytest.raises(AuthenticationFailed, match="host key is not known"):
        read_until(line, b"never")
    line.close()
    assert known.read_text() == ""

    other = (lab.folder / "client.pub").read_text().rsplit(" ", 1)[0]
    known.write_text(f"[127.0.0.1]:{ssh_server.base + 1} {other}\n")
    line = attach(way)
    with pytest.raises(AuthenticationFailed, match="host key has changed"):
        read_until(line, b"never")
    line.close()

    line = attach(access("generic-ssh-port", host="127.0.0.1", tcp_port=free_ports()))
    with pytest.raises(Unreachable, match="Connection refused"):
        read_until(line, b"never")
    line.close()


def test_nobody_listens(tmp_path: Path) -> None:
    port = free_ports()
    for profile, method, error in (("generic-tcp", "raw", Unreachable), ("cisco-ios-ts", "telnet", Busy)):
        line = attach(access(profile, method, host="127.0.0.1", tcp_port=port))
        with pytest.raises(error, match="Connection refused"):
            read_until(line, b"never")
        line.close()


def test_qemu(lab: Lab) -> None:
    line = attach(access("qemu-serial", "unix", path=labs.qemu(lab, "server1")))
    try:
        read_until(line, b"server1 login: ")
        line.write(EVERY_BYTE)
        assert EVERY_BYTE in read_until(line, lambda heard: len(heard) >= 256)
        with pytest.raises(Refused, match="break"):
            line.send_break()
    finally:
        line.close()


def test_ipmi_serial_over_lan(lab: Lab) -> None:
    port = labs.ipmi_sim(lab, lab.machine("server1"))

    def way(secret: str = "right") -> Access:
        return access("ipmi-sol", host="127.0.0.1", user="admin", cipher=3, tcp_port=port, secret=secret)

    assert "right" not in way().command
    line = attach(way())
    try:
        wait_ready(line)
        line.write(b"\r")
        read_until(line, b"server1 login: ")
        login(line)
        line.write(b"size ~.\r~~.\r")
        read_until(line, b"~~.: not found")
        line.send_break()
        with pytest.raises(Refused, match="start of a line"):
            line.send_break()

        busy = attach(way())
        with pytest.raises(Busy, match="already active"):
            read_until(busy, b"never")
        busy.close()

        line.write(b"half a line")
        line.close()
        again = attach(way())
        wait_ready(again)
        thief = attach(way(), Attach.FORCE)
        wait_ready(thief)
        thief.write(b"\r")
        read_until(thief, b"~#")
        again.close()
        thief.close()
    finally:
        line.close()
    wrong = attach(way("wrong"))
    with pytest.raises(AuthenticationFailed, match=r"RAKP 2 HMAC is invalid.*console\.password is not the one of"):
        read_until(wrong, b"never", 30)
    wrong.close()


def test_port_in_the_user_name(lab: Lab, asyncssh_server: AsyncSshServer) -> None:
    way = access(
        "generic-ssh-user", "ssh-number", host="127.0.0.1", user="ann", number=2, tcp_port=asyncssh_server.port
    )
    line = attach(way)
    try:
        read_until(line, b"server2 login: ")
        login(line)
        exchange_every_byte(line)
        line.write(b"\r")
        line.send_break()
        read_until(line, b"<break 1000 ms>")
        line.write(b"size")
        with pytest.raises(Refused, match="start of a line"):
            line.send_break()
        line.write(b"\r")
        line.send_break()
        read_until(line, b"<break 1000 ms>")
    finally:
        line.close()
    way = access(
        "generic-ssh-user", "ssh-number", host="127.0.0.1", user="ann", number=9, tcp_port=asyncssh_server.port
    )
    line = attach(way)
    with pytest.raises(AuthenticationFailed):
        read_until(line, b"never")
    line.close()


def test_a_password_is_given_once(lab: Lab, asyncssh_server: AsyncSshServer) -> None:
    (lab.folder / "client").rename(lab.folder / "gone")

    def way(secret: str | None) -> Access:
        port = asyncssh_server.port
        return access("generic-ssh-user", host="127.0.0.1", user="ann", name="server1", tcp_port=port, secret=secret)

    line = attach(way("right"))
    heard = read_until(line, b"server1 login: ")
    assert b"right" not in heard
    line.close()
    for secret, says in (("wrong", "wrong"), (None, "set console.password")):
        line = attach(way(secret))
        with pytest.raises(AuthenticationFailed, match=says):
            read_until(line, b"never")
        line.close()


def test_a_serial_port_that_somebody_keeps_stays_his(lab: Lab) -> None:
    """Refused for whatever reason, it is left as it was, also by an administrator, whom the system lets in."""
    import fcntl
    import termios

    master, slave = os.openpty()
    path, before = os.ttyname(slave), termios.tcgetattr(slave)
    try:
        fcntl.ioctl(slave, termios.TIOCEXCL)
        with pytest.raises(Busy):
            attach(access("local-tty", path=path))
        fcntl.ioctl(slave, termios.TIOCNXCL)
        with pytest.raises(Refused, match="speed"):
            attach(access("local-tty", path=path, speed="123456"))
        assert termios.tcgetattr(slave) == before
        attach(access("local-tty", path=path)).close()
        assert termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)


def test_a_name_is_looked_up_beside_everything_else() -> None:
    line = attach(access("generic-tcp", "raw", host="no-such-host.invalid", tcp_port=1))
    assert line.waits_for()
    with pytest.raises(Unreachable, match=r"no-such-host\.invalid: "):
        read_until(line, b"never", 60)
    line.close()
    attach(access("generic-tcp", "raw", host="no-such-host.invalid", tcp_port=1)).close()
