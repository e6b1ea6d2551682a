"""The SNMP helper that PowerMan's device files expect, and Debian does not build.

It reads commands and prompts after each: `start HOST:PORT COMMUNITY`, `get OID`, `set OID i VALUE`, `finish`. One
request is under way at a time, as with PowerMan's own.
"""

from __future__ import annotations

import itertools
import socket
import sys

from clusto_cli.backends.snmp.message import Kind, Message, Tag, Varbind, decode, encode, parse_oid

PROMPT = "snmppower> "


def main() -> None:
    numbers = itertools.count(1)
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(2)
    community = b"private"
    sys.stdout.write(PROMPT)
    sys.stdout.flush()
    for line in sys.stdin:
        words = line.split()
        if not words or words[0] == "finish":
            break
        if words[0] == "start":
            host, _, port = words[1].partition(":")
            client.connect((host, int(port)))
            community = words[2].encode()
        else:
            kind = Kind.GET if words[0] == "get" else Kind.SET
            value = (Tag.INTEGER, int(words[3])) if kind == Kind.SET else (Tag.NULL, None)
            varbind = Varbind(parse_oid(words[1]), *value)
            client.send(encode(Message(1, community, kind, next(numbers), 0, 0, [varbind])))
            answer = decode(client.recv(2048)).varbinds[0]
            sys.stdout.write(f"{words[1]}: {answer.value}\n")
        sys.stdout.write(PROMPT)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
