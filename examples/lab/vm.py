"""Computers in QEMU, under software emulation: firmware, boot from the network, a disk, a serial console, power.

A machine has a folder: `disk.img`; `console`, a unix socket that is its serial line whether it is on or not, shared by
all who connect; `console.log`, all that it has ever said; `control`, a unix socket that takes what OpenIPMI's simulator
asks of a chassis (see chassis.py); `qemu.log`.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

QEMU = "qemu-system-x86_64"
OVMF = Path("/usr/share/OVMF")
MIB = 1 << 20
_LOOK = 0.05
"""Seconds between looks at whether there is power at the inlets."""


class Boot(enum.StrEnum):
    """What firmware boots from, in the words of OpenIPMI's simulator."""

    NETWORK = "pxe"
    DISK = "default"


@dataclass(frozen=True)
class UserNetwork:
    """QEMU's own network, without any privilege: its DHCP names `bootfile`, its TFTP serves the directory `tftp`.

    For the machine, 10.0.2.2 is this computer's loopback. forward: TCP ports of 127.0.0.1 that lead to ports of the
    machine.
    """

    tftp: Path
    bootfile: str = "pxelinux.0"
    forward: tuple[tuple[int, int], ...] = ()

    def netdev(self) -> str:
        ports = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in self.forward)
        return f"user,id=net,tftp={self.tftp},bootfile={self.bootfile}{ports}"

    def inside(self) -> list[str]:
        return []


@dataclass(frozen=True)
class Tap:
    """A tap interface in a network namespace, which is a file such as /proc/PID/ns/net."""

    namespace: Path
    interface: str

    def netdev(self) -> str:
        return f"tap,id=net,ifname={self.interface},script=no,downscript=no"

    def inside(self) -> list[str]:
        return ["nsenter", f"--net={self.namespace}", "--"]


@dataclass
class Machine:
    """One computer. `start` it in an event loop; from then on it can be powered, and it is gone with the loop's thread.
    Its methods are for that loop; whoever is elsewhere asks its `control` socket.

    network: where its only network card is plugged in; None leaves it without one. first: what its firmware tries
    first when nothing else was chosen; it goes on with the other, also with the network where the disk boots nothing.
    mains: whether there is power at its inlets; it turns on when power comes, and off when power goes. Without, there
    always is, and it waits for its button.
    """

    name: str
    folder: Path
    mac: str
    network: UserNetwork | Tap | None
    first: Boot = Boot.DISK
    mains: Callable[[], bool] | None = None
    uefi: bool = False
    """Its firmware is OVMF instead of SeaBIOS; what was chosen for one boot then lasts until it is powered anew."""
    memory: int = 256
    """MiB."""
    disk: int = 64
    """MiB, of an empty disk that is made when the folder has none."""
    override: Boot | None = None
    """What it boots from next time instead, once."""
    power_stuck: bool = False
    """Commands to the chassis are acknowledged, and the power stays as it is."""
    override_ignored: bool = False
    """An override is acknowledged and read back, and the firmware boots as ever."""
    override_kept: bool = False
    """An override is acknowledged for once, and stays."""
    starts: list[float] = field(default_factory=list)
    """When it got power or was reset, on the monotonic clock."""
    console_port: int = 0
    """The TCP port of 127.0.0.1 that is its serial line too, once it has been started."""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _line: socket.socket | None = field(default=None, repr=False)
    _clients: set[asyncio.StreamWriter] = field(default_factory=set, repr=False)
    _servers: list[asyncio.Server] = field(default_factory=list, repr=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    @property
    def disk_image(self) -> Path:
        return self.folder / "disk.img"

    @property
    def console(self) -> Path:
        """The unix socket that is its serial line."""
        return self.folder / "console"

    @property
    def said(self) -> str:
        """All that it has said on its serial line so far."""
        return (self.folder / "console.log").read_bytes().decode("utf-8", "replace")

    @property
    def control(self) -> Path:
        """The unix socket for its chassis."""
        return self.folder / "control"

    @property
    def powered(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def cable(self) -> dict[str, Any]:
        """Its serial line as an object of clusto's transfer format: a console server of one port, by its socket."""
        return {
            "name": f"{self.name}-line",
            "driver": "ConsoleServer",
            "parts": {"consoleport": 1},
            "attrs": {"console.profile": "qemu-serial", "console.path": str(self.console)},
            "connect": {"1": f"{self.name}:console"},
        }

    async def start(self) -> None:
        """The machine stands there, off unless there is power at its inlets."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.disk_image.exists():
            with self.disk_image.open("wb") as image:
                image.truncate(self.disk * MIB)
        (self.folder / "console.log").touch()
        for path in (self.console, self.control):
            path.unlink(missing_ok=True)
        line = await asyncio.start_server(self._serve_line, "127.0.0.1", 0)
        self.console_port = line.sockets[0].getsockname()[1]
        self._servers = [
            line,
            await asyncio.start_unix_server(self._serve_line, self.console),
            await asyncio.start_unix_server(self._serve_control, self.control),
        ]
        if self.mains is not None:
            self._run(self._follow(self.mains))

    def stop(self) -> None:
        self.turn_off()
        for server in self._servers:
            server.close()
        for client in self._clients:
            client.close()
        for task in self._tasks:
            task.cancel()

    def turn_on(self) -> None:
        if self.powered or (self.mains is not None and not self.mains()):
            return
        self._line, theirs = socket.socketpair()
        self._line.setblocking(False)
        with theirs, (self.folder / "qemu.log").open("ab") as log:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                self._argv(number), stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[number]
            )
        self.starts.append(time.monotonic())
        if not self.override_kept:
            self.override = None
        self._run(self._listen(self._line))

    def turn_off(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def reset(self) -> None:
        if self.powered:
            self.turn_off()
            self.turn_on()

    def _argv(self, line: int) -> list[str]:
        """QEMU with its serial port on this file descriptor, killed by the kernel when our thread ends."""
        chosen = self.first if self.override is None or self.override_ignored else self.override
        return [
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *(self.network.inside() if self.network is not None else ()),
            *(QEMU, "-name", self.name, "-accel", "tcg", "-M", "pc,graphics=off", "-m", str(self.memory)),
            *("-nodefaults", "-no-user-config", "-display", "none", "-vga", "none"),
            *("-chardev", f"socket,id=line,fd={line}", "-serial", "chardev:line"),
            *("-drive", f"file={self.disk_image},format=raw,if=none,id=disk,cache=unsafe"),
            *(self._with_uefi(chosen) if self.uefi else self._with_bios(chosen)),
        ]

    def _with_bios(self, chosen: Boot) -> list[str]:
        letters = {Boot.NETWORK: "nc", Boot.DISK: "c"}
        once = "" if chosen is self.first or self.override_kept else f"once={letters[chosen]},"
        first = letters[chosen if self.override_kept else self.first]
        return [*self._devices(), "-boot", f"{once}order={first}"]

    def _with_uefi(self, chosen: Boot) -> list[str]:
        variables = self.folder / "efivars.fd"
        if not variables.exists():
            shutil.copy(OVMF / "OVMF_VARS.fd", variables)
        code = OVMF / "OVMF_CODE.fd"
        flash = ["-drive", f"if=pflash,format=raw,readonly=on,file={code}"]
        flash += ["-drive", f"if=pflash,format=raw,file={variables}"]
        disk, card = ("1", "2") if chosen is Boot.DISK else ("2", "1")
        # Without the card's own ROM, which has an iPXE for UEFI too: the firmware itself fetches a loader.
        return [*flash, *self._devices(f",bootindex={disk}", f",bootindex={card},romfile=")]

    def _devices(self, disk: str = "", card: str = "") -> list[str]:
        """The disk and the network card, with properties of theirs."""
        devices = ["-device", f"virtio-blk-pci,drive=disk{disk}"]
        if self.network is None:
            return [*devices, "-nic", "none"]
        return [
            *(*devices, "-netdev", self.network.netdev()),
            *("-device", f"virtio-net-pci,netdev=net,mac={self.mac}{card}"),
        ]

    async def _follow(self, mains: Callable[[], bool]) -> None:
        had = False
        while True:
            has = mains()
            if has and not had:
                self.turn_on()
            elif had and not has:
                self.turn_off()
            had = has
            await asyncio.sleep(_LOOK)

    async def _listen(self, line: socket.socket) -> None:
        """Passes on what the machine says, until it has no power."""
        with line, (self.folder / "console.log").open("ab", buffering=0) as log, contextlib.suppress(ConnectionError):
            while data := await asyncio.get_running_loop().sock_recv(line, 65536):
                log.write(data)
                for client in self._clients:
                    client.write(data)

    async def _serve_line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while data := await reader.read(4096):
                if self._line is not None and self.powered:
                    with contextlib.suppress(OSError):
                        await asyncio.get_running_loop().sock_sendall(self._line, data)
        except ConnectionError:
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _serve_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb, *words = (await reader.readline()).decode().split()
        try:
            writer.write("".join(self._chassis(verb, words)).encode())
        except ValueError as error:
            writer.write(f"refused: {error}\n".encode())
        writer.close()

    def _chassis(self, verb: str, words: list[str]) -> list[str]:
        """`get NAME...` or `set NAME VALUE...`, as OpenIPMI's simulator asks (ipmi_lan(5), chassis_control)."""
        if verb == "get":
            state = {"power": str(int(self.powered)), "boot": self.override or "none"}
            return [f"{word}:{state.get(word, 0)}\n" for word in words]
        for name, value in zip(words[::2], words[1::2], strict=True):
            match name:
                case "boot":
                    self.override = None if value == "none" else Boot(value)
                case "power" | "reset" if self.power_stuck:
                    pass
                case "power":
                    (self.turn_on if value == "1" else self.turn_off)()
                case "reset":
                    self.reset()
                case _:
                    raise ValueError(f"this chassis has no {name}")
        return []

    def _run(self, work: asyncio._CoroutineLike[None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
