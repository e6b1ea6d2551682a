"""Console servers for tests: the real programs, each with a configuration of its own on loopback."""

from __future__ import annotations

import getpass
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lab.system import boot_sector

MACHINE = Path(__file__).parents[2] / "examples" / "lab" / "machine.py"
USER = getpass.getuser()


def find(program: str, package: str) -> str:
    """The program's path, or the test is skipped, saying which Debian package has it."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")
    if path is None:
        pytest.skip(f"{program} is not installed (Debian package {package})")
    return path


def free_ports(count: int = 1) -> int:
    """The first of so many TCP ports in a row that nobody listens on."""
    for _ in range(1000):
        first = random.randrange(20000, 32000)  # below the ports that outgoing connections take
        sockets = []
        try:
            for port in range(first, first + count):
                sockets.append(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
        return first
    raise RuntimeError("no free TCP ports")


def until(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def listens(port: int) -> bool:
    """Whether somebody listens on this TCP port, found without connecting: a serial port has one user at a time."""
    return f":{port:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text()


@dataclass
class Lab:
    """The programs that one test has started, ended with it."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(
        self, argv: Sequence[str], *, port: int | None = None, path: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts a server, and waits until it listens."""
        log = (self.folder / f"{Path(argv[0]).name}-{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        log.close()
        self.processes.append(process)

        def listening() -> bool:
            assert process.poll() is None, f"{argv[0]} ended: {Path(log.name).read_text()}"
            return answers(port) if port is not None else path is None or path.exists()

        until(listening, f"{argv[0]} listens")
        return process

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def machine(self, name: str) -> int:
        """A machine behind a TCP port; which."""
        port = free_ports()
        self.start([sys.executable, str(MACHINE), name, "--listen", str(port)], port=port)
        return port

    def unix_machine(self, name: str) -> Path:
        path = self.folder / f"{name}.sock"
        self.start([sys.executable, str(MACHINE), name, "--unix", str(path)], path=path)
        return path


def ssh_keys(lab: Lab, kind: str = "ed25519") -> None:
    """A key for the client and one for the server."""
    find("ssh-keygen", "openssh-client")
    for name in ("client", "host"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(lab.folder / name)],
            check=True,
            capture_output=True,
        )


def ssh_client(lab: Lab, ports: Sequence[int]) -> Path:
    """A folder to put first on PATH: its `ssh` is the system's with a configuration that knows the lab's keys."""
    ssh = find("ssh", "openssh-client")
    host_key = (lab.folder / "host.pub").read_text().rsplit(" ", 1)[0].strip()
    known = lab.folder / "known_hosts"
    known.write_text("".join(f"[127.0.0.1]:{port} {host_key}\n" for port in ports))
    config = lab.folder / "ssh_config"
    config.write_text(
        f"Host *\n  IdentityFile {lab.folder / 'client'}\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n"
        "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking ask\n"
    )
    folder = lab.folder / "bin"
    folder.mkdir(exist_ok=True)
    wrapper = folder / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {ssh} -F {config} "$@"\n')
    wrapper.chmod(0o755)
    return folder


@dataclass
class SshServer:
    """Debian's sshd: TCP ports base+1 ... base+3 are the lines of server1 ... server3, base itself is a menu."""

    base: int
    process: subprocess.Popen[bytes]


def sshd(lab: Lab, *settings: str, kind: str = "ed25519") -> SshServer:
    """With these settings besides, and keys of this kind."""
    program = find("sshd", "openssh-server")
    ssh_keys(lab, kind)
    base = free_ports(5)
    shutil.copy(lab.folder / "client.pub", lab.folder / "authorized_keys")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    menu = lab.folder / "menu.py"
    menu.write_text(
        "import os, sys\nprint('1 server1\\n2 server2')\nn = input('> ')\n"
        "sys.exit('no such port') if n not in ('1', '2') else None\n"
        f"os.execv({sys.executable!r}, [{sys.executable!r}, {str(MACHINE)!r}, 'server' + n])\n"
    )
    lines = [f"Match LocalPort {base}", f"  ForceCommand exec {sys.executable} {menu}"]
    for number in range(1, 4):
        lines += [f"Match LocalPort {base + number}", f"  ForceCommand exec {sys.executable} {MACHINE} server{number}"]
    config = lab.folder / "sshd_config"
    config.write_text(
        "\n".join(
            [f"ListenAddress 127.0.0.1:{port}" for port in range(base, base + 4)]
            + [
                f"HostKey {lab.folder / 'host'}",
                f"PidFile {lab.folder / 'sshd.pid'}",
                f"AuthorizedKeysFile {lab.folder / 'authorized_keys'}",
                "StrictModes no",
                "UsePAM no",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "PermitRootLogin yes",
                "MaxStartups 100",
                "PrintMotd no",
                "PrintLastLog no",
                *settings,
                *lines,
                "",
            ]
        )
    )
    process = lab.start([program, "-D", "-e", "-f", str(config)], port=base)
    return SshServer(base, process)


@dataclass
class AsyncSshServer:
    """A console server with the port in the user name; see sshserver.py."""

    port: int
    process: subprocess.Popen[bytes]


def asyncssh_server(lab: Lab) -> AsyncSshServer:
    pytest.importorskip("asyncssh")
    ssh_keys(lab)
    shutil.copy(lab.folder / "client.pub", lab.folder / "authorized_keys")
    port = free_ports()
    program = Path(__file__).with_name("sshserver.py")
    return AsyncSshServer(port, lab.start([sys.executable, str(program), str(lab.folder), str(port)], port=port))


def conserver(lab: Lab, consoles: dict[str, int]) -> int:
    """conserver's server on a TCP port, its consoles the machines behind these TCP ports."""
    program = find("conserver", "conserver-server")
    find("console", "conserver-client")
    port = free_ports()
    config = lab.folder / "conserver.cf"
    config.write_text(
        "config * { sslrequired no; }\n"
        f'default * {{ logfile "{lab.folder}/&.log"; timestamp ""; rw *; master localhost; }}\n'
        + "".join(
            f"console {name} {{ type host; host 127.0.0.1; port {line}; protocol raw; aliases {name}-alias; }}\n"
            for name, line in consoles.items()
        )
        + "access * { trusted 127.0.0.1; allowed 127.0.0.1; }\n"
    )
    lab.start([program, "-C", str(config), "-p", str(port), "-M", "127.0.0.1", "-n"], port=port)
    return port


def conman(lab: Lab, consoles: dict[str, Path]) -> int:
    """ConMan's server on a TCP port, its consoles the machines behind these unix sockets."""
    program = find("conmand", "conman")
    find("conman", "conman")
    port = free_ports()
    config = lab.folder / "conman.conf"
    config.write_text(
        f'server port={port}\nserver loopback=on\nserver pidfile="{lab.folder}/conman.pid"\n'
        f'server logfile="{lab.folder}/conman.log"\nglobal log="{lab.folder}/console.%N"\n'
        + "".join(f'console name="{name}" dev="unix:{path}"\n' for name, path in consoles.items())
    )
    lab.start([program, "-F", "-c", str(config)], port=port)
    return port


def telnet_machine(lab: Lab, name: str) -> int:
    """A machine behind ser2net's telnet server; the TCP port."""
    program = find("ser2net", "ser2net")
    machine, port = lab.machine(name), free_ports()
    config = lab.folder / f"{name}.yaml"
    config.write_text(
        f"connection: &line\n  accepter: telnet,tcp,127.0.0.1,{port}\n  connector: tcp,127.0.0.1,{machine}\n"
    )
    lab.start([program, "-d", "-n", "-c", str(config)])
    until(lambda: listens(port), "ser2net listens")
    return port


def ser2net(lab: Lab, kind: str) -> tuple[int, Path]:
    """ser2net with one port in front of a pseudo-terminal; the TCP port, and the far end of the serial cable."""
    program = find("ser2net", "ser2net")
    socat = find("socat", "socat")
    near, far = lab.folder / "near", lab.folder / "far"
    lab.start([socat, f"pty,rawer,link={near}", f"pty,rawer,link={far}"], path=far)
    until(near.exists, "socat's pseudo-terminals")
    port = free_ports()
    accepter = {"telnet": "telnet,tcp", "rfc2217": "telnet(rfc2217),tcp", "raw": "tcp"}[kind]
    config = lab.folder / "ser2net.yaml"
    config.write_text(
        f"connection: &line\n  accepter: {accepter},127.0.0.1,{port}\n  connector: serialdev,{near},9600n81,local\n"
    )
    lab.start([program, "-d", "-n", "-c", str(config)])
    until(lambda: listens(port), "ser2net listens")
    return port, far


def qemu(lab: Lab, name: str) -> Path:
    """A virtual machine without any system that answers on its serial port, which is this unix socket."""
    program = find("qemu-system-x86_64", "qemu-system-x86")
    disk, path = lab.folder / f"{name}.img", lab.folder / f"{name}.serial"
    disk.write_bytes(boot_sector(f"{name} login: ".encode()))
    argv = [program, "-M", "pc", "-m", "16", "-display", "none", "-nodefaults", "-no-user-config"]
    argv += ["-drive", f"file={disk},format=raw,if=ide", "-serial", f"unix:{path},server=on,wait=on"]
    lab.start(argv, path=path)
    return path


def ipmi_sim(lab: Lab, machine: int) -> int:
    """A management controller, user `admin`, password `right`, its serial line this TCP port; the UDP port."""
    program = find("ipmi_sim", "openipmi")
    find("ipmitool", "ipmitool")
    port = free_ports()
    (lab.folder / "ipmi.lan").write_text(
        f'name "lab"\nset_working_mc 0x20\n  startlan 1\n    addr 127.0.0.1 {port}\n    priv_limit admin\n'
        "    allowed_auths_callback none md2 md5 straight\n    allowed_auths_user none md2 md5 straight\n"
        "    allowed_auths_operator none md2 md5 straight\n    allowed_auths_admin none md2 md5 straight\n"
        "    guid a123456789abcdefa123456789abcdef\n  endlan\n"
        f'  sol "tcp:127.0.0.1:{machine}" 115200\n'
        '  user 2 true "admin" "right" admin 10 none md2 md5 straight\n'
    )
    (lab.folder / "ipmi.emu").write_text(
        "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\n"
        "sel_enable 0x20 100 0x0a\nmc_enable 0x20\n"
    )
    state = lab.folder / "ipmi.state"
    state.mkdir()
    argv = [program, "-n", "-c", str(lab.folder / "ipmi.lan"), "-f", str(lab.folder / "ipmi.emu"), "-s", str(state)]
    lab.start(argv)
    until(lambda: f":{port:04X} " in Path("/proc/net/udp").read_text(), "ipmi_sim listens")
    return port
