"""How one device is spoken to: where it is, the version, the credentials, the limits."""

from __future__ import annotations

from dataclasses import dataclass, field

AUTH_PROTOCOLS = ("MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512")
PRIV_PROTOCOLS = ("DES", "3DES", "AES", "AES-192", "AES-256", "AES-192-BLUMENTHAL", "AES-256-BLUMENTHAL")


@dataclass(frozen=True, slots=True)
class SnmpSettings:
    """Settings of one device.

    `timeout` is what one attempt waits at most, in seconds (see Pace); a device that says nothing for
    `timeout * (retries + 1)` is given up. `any_source` takes answers from other addresses than `host`'s too.
    `max_octets` bounds a message either way: 484 octets are all that RFC 1157 section 4 obliges an agent to
    accept, and power equipment keeps to it. `window` is how many requests a device is asked at once. Key types of
    version 3 are those of RFC 3414, RFC 7860 (SHA-2) and RFC 3826 (AES); a user without `auth_key` is noAuthNoPriv,
    without `priv_key` authNoPriv.
    """

    host: str
    port: int = 161
    version: str = "2c"
    community: str = field(default="public", repr=False)
    write_community: str | None = field(default=None, repr=False)
    user: str = ""
    auth_protocol: str = "SHA-256"
    auth_key: str | None = field(default=None, repr=False)
    priv_protocol: str = "AES"
    priv_key: str | None = field(default=None, repr=False)
    context: str = ""
    timeout: float = 1.0
    retries: int = 4
    max_octets: int = 484
    window: int = 2
    any_source: bool = False

    def __post_init__(self) -> None:
        if self.version not in ("1", "2c", "3"):
            raise ValueError(f"SNMP version must be 1, 2c or 3, not {self.version!r}")
        if self.version == "3":
            if not self.user:
                raise ValueError("SNMP version 3 needs a user (snmp.user)")
            if self.priv_key and not self.auth_key:
                raise ValueError("SNMP version 3 does not encrypt without authentication: set snmp.auth_key too")
            if self.auth_protocol not in AUTH_PROTOCOLS:
                raise ValueError(f"unknown snmp.auth_protocol {self.auth_protocol!r}: use {', '.join(AUTH_PROTOCOLS)}")
            if self.priv_protocol not in PRIV_PROTOCOLS:
                raise ValueError(f"unknown snmp.priv_protocol {self.priv_protocol!r}: use {', '.join(PRIV_PROTOCOLS)}")
            if len(self.user.encode()) > 32:
                raise ValueError("snmp.user has more than 32 octets, which no agent knows (RFC 3414 section 5)")
            if len(self.context.encode()) > 255:
                raise ValueError("snmp.context has more than 255 octets (RFC 3415 section 5)")
            for name, key in (("auth", self.auth_key), ("priv", self.priv_key)):
                if key is not None and len(key.encode()) < 8:
                    raise ValueError(f"snmp.{name}_key must have 8 characters or more (RFC 3414 section 11.2)")
        if not 0 < self.port < 65536:
            raise ValueError(f"not a UDP port: {self.port}")
        if self.timeout <= 0 or self.retries < 0 or self.window < 1 or self.max_octets < 100:
            raise ValueError("SNMP timeout, retries, window or size out of range")

    @property
    def patience(self) -> float:
        """Seconds of silence after which the device is given up."""
        return self.timeout * (self.retries + 1)

    @property
    def where(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
