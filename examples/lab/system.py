"""The smallest operating system: a PC's first sector with a login prompt on the serial port, in an image of a disk."""

from __future__ import annotations

SECTOR = 512
SIGNATURE = b"\x55\xaa"
"""What firmware wants at the end of a sector to boot it."""


def boot_sector(greeting: bytes) -> bytes:
    """A PC's first sector that prints a greeting on the first serial port and then sends back what it is sent."""
    put = bytes.fromhex("88c4 bafd03 ec a820 74f8 88e0 baf803 ee c3")  # wait until the port is free, then write al
    # sti; hlt three times; cli: what firmware has still to print on that port comes out; ds = 0; si = the greeting
    head = bytes.fromhex("fb f4 f4 f4 fa 31c0 8ed8 be")
    # lodsb; test al, al; jz echo; call put; jmp lodsb -- echo: wait for a byte; read it; call put; jmp echo
    body = bytes.fromhex("ac 84c0 7405 e8 1300 ebf6 bafd03 ec a801 74f8 baf803 ec e8 0200 ebef")
    code_end = len(head) + 2 + len(body) + len(put)
    code = head + (0x7C00 + code_end).to_bytes(2, "little") + body + put + greeting + b"\0"
    if len(code) > SECTOR - len(SIGNATURE):
        raise ValueError("the greeting does not fit into a sector")
    return code.ljust(SECTOR - len(SIGNATURE), b"\0") + SIGNATURE


def system_image(name: str, mark: bytes = b"", size: int = 1 << 20) -> bytes:
    """An image of a disk with a system installed that asks for a login to this machine; `mark` is at its end."""
    image = boot_sector(f"\r\n{name} login: ".encode())
    return image.ljust(size - len(mark), b"\0") + mark
