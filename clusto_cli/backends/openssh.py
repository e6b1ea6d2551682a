"""The system's OpenSSH client, as a way to equipment that no other client speaks to any more.

Key exchange by SHA-1 and signatures by ssh-rsa were given up by OpenSSH 8.8 (2021) as a default, which can still be
switched on, and by Paramiko 5 altogether. Switches and console servers of before 2015 speak nothing else.
"""

from __future__ import annotations

import subprocess
from functools import cache

from clusto_cli import children

SHA1 = "speaks ssh with SHA-1 algorithms, which others can break (ssh.legacy)"
"""What is said of a device that is spoken to this way."""

LONGEST_ANSWER = 16 * 1024 * 1024
"""Octets that a switch may say to one line: a large forwarding table is a tenth of that."""

# What is asked for beyond the defaults, by ssh's option and by what `ssh -Q` calls it: sshd of the years before 2015.
_OLD = (
    (
        "KexAlgorithms",
        "kex",
        ("diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1", "diffie-hellman-group1-sha1"),
    ),
    ("HostKeyAlgorithms", "key", ("ssh-rsa", "ssh-dss")),
    ("PubkeyAcceptedAlgorithms", "key", ("ssh-rsa",)),
    ("Ciphers", "cipher", ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc")),
    ("MACs", "mac", ("hmac-sha1", "hmac-sha1-96", "hmac-md5")),
)
# Options that an ssh of before 8.5 or 9.1 does not know, and does not need.
_MAY_BE_UNKNOWN = "RequiredRSASize,PubkeyAcceptedAlgorithms"
_SHORTEST_KEY = 768


@cache
def legacy_options() -> tuple[str, ...]:
    """Arguments that let the installed ssh speak what it can of the old algorithms, after those it prefers."""
    options = [f"IgnoreUnknown={_MAY_BE_UNKNOWN}", f"RequiredRSASize={_SHORTEST_KEY}"]
    for option, query, wanted in _OLD:
        if known := [name for name in wanted if name in _known(query)]:
            options.append(f"{option}=+{','.join(known)}")
    return tuple(word for option in options for word in ("-o", option))


@cache
def _known(query: str) -> frozenset[str]:
    """The algorithms of a kind that the installed ssh knows; none where there is no ssh: who runs it says so."""
    try:
        done = subprocess.run(
            ["ssh", "-Q", query],
            env=children.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(done.stdout.decode("ascii", "replace").split())
