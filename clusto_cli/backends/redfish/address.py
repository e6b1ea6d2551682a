"""Where a Redfish service is: `bmc.host` and `bmc.port`, in every form that people write."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9.])?")
_FORMS = "write an address, a name, either with :PORT, or https://HOST[:PORT]"


class Origin(NamedTuple):
    """Scheme, host (IPv6 without brackets) and port of a service."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{host}" + ("" if self.port == usual else f":{self.port}")


def origin(text: str, port: int | None = None) -> Origin:
    """`10.0.0.9`, `fd00::9`, `[fd00::9]:8443`, `bmc9:8443`, `https://bmc9`; `port` counts where the text has none.

    Raises ValueError, naming bmc.host.
    """
    scheme = text.partition("://")[0].lower() if "://" in text else "https"
    try:
        rest = text.partition("://")[2] if "://" in text else text
        bare = _ipv6(rest)
        parts = urlsplit(f"//[{bare}]" if bare else f"//{rest}")
        host, given = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"bmc.host is {text[:80]!a}: {_FORMS}") from None
    plain = (
        text.isprintable()
        and parts.username is None
        and parts.path in ("", "/")
        and not (parts.query or parts.fragment)
    )
    if scheme not in ("https", "http") or not plain or not (_ipv6(host) or _NAME.fullmatch(host)) or given == 0:
        raise ValueError(f"bmc.host is {text[:80]!a}: {_FORMS}")
    return Origin(scheme, host, given or port or {"https": 443, "http": 80}[scheme])


def _ipv6(text: str) -> str | None:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return None
