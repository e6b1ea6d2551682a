"""What a rebuild writes where others than the machine can read it, told before it is written.

Boot files are handed to whoever asks for them, by TFTP too; answers to whoever has the machine's address or its token,
and whoever sees the traffic sees both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clusto_cli.backends.base import BootMachine
from clusto_cli.backends.provision.quoting import Unquotable, hashed
from clusto_core.boundary.permissions import insecure
from clusto_core.secrecy import is_secret

_PUBLIC = "os.ssh_key"
"""Keys of those who may log in, which are public, though the attribute's name sounds like a secret."""


class Noting(Mapping[str, str]):
    """Attributes that keep in `read` the keys that were read, and in `used` the secrets among them, by key."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.used: dict[str, str] = {}
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> str:
        text = self._values[key]
        self.read.add(key)
        if is_secret(key) and not _harmless(key, text):
            self.used[key] = text
        return text

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _harmless(key: str, text: str) -> bool:
    if not text or key == _PUBLIC:
        return "PRIVATE KEY" not in text
    try:
        return bool(hashed(text))
    except Unquotable:
        return False


def secrets_told(machine: BootMachine, used: Mapping[str, str]) -> Iterator[str]:
    """For each secret that templates have used: who will be able to read it."""
    for key, text in sorted(used.items()):
        if any(text in each for each in machine.install.values()):
            yield f"{key} stands in the boot file: anybody can read it, by TFTP too"
        else:
            files = [name for name, each in machine.answers.items() if text in each]
            yield f"{key} is used in {', '.join(files) or 'an answer'}: whoever can fetch that can read it"


def tell_token(machine: BootMachine, token: str) -> None:
    """Tells of boot files that carry the token of their rebuild: some installers take it from nowhere else."""
    if any(token in text for text in machine.install.values()):
        insecure(
            "boot-token",
            f"boot files of {machine.profile} carry the token of the rebuild, and anybody can read them, by TFTP too",
            "until the rebuild is over, who has it can report for the machine and fetch its answers: keep strangers "
            "off that network",
        )
