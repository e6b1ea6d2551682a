"""Whom to believe at the other end of TLS: authorities' certificates, or the fingerprint of one certificate."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import ssl
from functools import lru_cache
from typing import Any

from clusto_cli.backends.errors import DeviceError, Unreachable

_DIGITS = 64
"""Hexadecimal digits of a SHA-256."""


def fingerprint(text: str) -> str:
    """A SHA-256 as `sha256:` and 64 hexadecimal digits, however it is spelled. Raises ValueError."""
    digits = re.sub(r"[\s:]", "", text.lower().strip().removeprefix("sha256").lstrip(":="))
    if len(digits) != _DIGITS or not re.fullmatch("[0-9a-f]+", digits):
        raise ValueError(f"{text[:80]!a} is no SHA-256 fingerprint: 64 hexadecimal digits")
    return f"sha256:{digits}"


def fingerprint_of(certificate: bytes) -> str:
    """The fingerprint of a certificate in DER."""
    return f"sha256:{hashlib.sha256(certificate).hexdigest()}"


@lru_cache(maxsize=64)
def context_for(verify: bool | str, pinned: str | None) -> ssl.SSLContext:
    """verify: whether the system's authorities are asked, or the file of those that are. pinned: the fingerprint of
    the one certificate that is taken, whoever signed it.

    Raises ValueError where the file is none of certificates.
    """
    if pinned is not None:
        context = _believing()
        context.sslobject_class = _pinning(pinned)
        return context
    if verify is False:
        return _believing()
    try:
        return ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    except OSError as error:
        what = "it holds no certificates" if isinstance(error, ssl.SSLError) else error.strerror or error
        raise ValueError(f"{verify}: {what}") from None


def _believing() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _pinning(pinned: str) -> type[ssl.SSLObject]:
    """Ends the handshake, before anything is sent, at another certificate than the pinned one."""

    class Pinning(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            shown = fingerprint_of(self.getpeercert(binary_form=True) or b"")
            if not hmac.compare_digest(shown, pinned):
                raise ssl.SSLCertVerificationError(f"its certificate is {shown}, and {pinned} was pinned")

    return Pinning


async def shown_certificate(host: str, port: int, timeout: float) -> bytes:
    """The certificate (DER) that is shown at an address. Nothing but the handshake is sent. Raises DeviceError."""
    where = f"{host}:{port}"
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port, ssl=_believing())
            certificate: Any = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.transport.abort()
    except TimeoutError:
        raise Unreachable(f"{where}: no answer in {timeout:g} s") from None
    except ssl.SSLError as error:
        raise DeviceError(f"{where}: no TLS there ({error.reason or error})") from None
    except OSError as error:
        raise Unreachable(f"{where}: {error.strerror or error}") from None
    if not certificate:
        raise DeviceError(f"{where}: it shows no certificate")
    return bytes(certificate)
