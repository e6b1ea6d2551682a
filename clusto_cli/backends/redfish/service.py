"""Speaking to a Redfish service (DMTF DSP0266) over HTTP, as to something that may be broken, busy or hostile.

Every request goes to the service's own origin, whatever it names; every answer is bounded in bytes and time. What asks
to come again is asked again, for as long as there is time.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
import zlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from clusto_cli.backends.errors import AuthenticationFailed, Busy, DeviceError, Refused, Unreachable, Unusable
from clusto_cli.backends.redfish.address import Origin
from clusto_cli.backends.redfish.document import Document, link, mapping, message, message_ids, parsed, text
from clusto_cli.backends.tls import context_for

if TYPE_CHECKING:
    import httpx

ROOT = "/redfish/v1/"
_SESSIONS = "/redfish/v1/SessionService/Sessions"
_OCTETS = 1 << 20
"""The largest answer that is read: a system with all its vendor's own fields has some hundred kilobytes at most."""
_REDIRECTS = 3
_PAUSE = 1.0
"""Seconds before something is asked again, where the service does not say how long."""
_FAREWELL = 2.0
_LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_ONCE_MORE = {HTTPStatus.CONFLICT, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
_MOVED = {301, 302, 303, 307, 308}
_LATER_IDS = {
    *("ServiceTemporarilyUnavailable", "ServiceShuttingDown", "SessionLimitExceeded", "CreateLimitReachedForResource"),
    # HPE, while a server tests itself
    *("UnableToModifyDuringSystemPOST", "UnableModifyRightNow"),
    # Dell: iDRAC not ready, all of its sessions in use
    *("SWC0700", "RAC0218"),
}
"""Messages of refusals that pass by themselves, whatever the status that they come with."""
_DENIED_IDS = {"InsufficientPrivilege", "AccessDenied", "PasswordChangeRequired", "NoValidSession"}


class VersionWanted(Refused):
    """A resource is only changed by those who say which version of it they mean (HTTP 428), or it has another (412)."""


class Answer(NamedTuple):
    """An answer that has come whole. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    where: str

    @property
    def document(self) -> Document:
        """The resource in it; nothing where the service only says that it is done. Raises Refused."""
        return {} if self.status == HTTPStatus.NO_CONTENT else parsed(self.content, self.where)

    @property
    def error(self) -> Document:
        """The same where it may be anything."""
        try:
            return self.document
        except Refused:
            return {}

    @property
    def words(self) -> str:
        """`409 The resource is in use.`"""
        try:
            usual = HTTPStatus(self.status).phrase
        except ValueError:
            usual = "an unknown status"
        return f"{self.status} {message(self.error) or usual}"

    @property
    def retry_after(self) -> float | None:
        """Seconds after which to come again (RFC 9110, 10.2.3: seconds, or a date)."""
        said = self.headers.get("retry-after", "").strip()
        if said.isascii() and said.isdecimal():
            return float(said[:9])
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
        return None


class Service:
    """One service, spoken to as one user over one connection.

    verify, pinned: as `context_for`. timeout: seconds for one answer, and for all the waiting that the service asks for
    before it gives one. Every method raises DeviceError.
    """

    def __init__(
        self,
        origin: Origin,
        user: str,
        password: str,
        *,
        verify: bool | str = True,
        pinned: str | None = None,
        timeout: float = 20.0,
    ) -> None:
        self.url = str(origin)
        self._origin = origin
        self._user, self._password = user, password
        self._verify, self._pinned = verify, pinned
        self._timeout = timeout
        self._client: httpx.AsyncClient | None = None
        self._let_in = False
        self._token: str | None = None
        self._session: str | None = None

    async def open(self) -> None:
        """Makes ready; nothing is sent yet. Raises Unusable for certificates that are none."""
        import httpx

        try:
            trust = context_for(self._verify, self._pinned) if self._origin.scheme == "https" else False
        except ValueError as error:
            raise Unusable(f"bmc.verify: {error}") from None
        self._client = httpx.AsyncClient(
            base_url=self.url,
            verify=trust,
            timeout=self._timeout,
            trust_env=False,
            limits=httpx.Limits(max_connections=1),
            # Some services give a compressed answer an ETag of its own, which they do not take back.
            headers={"Accept-Encoding": "identity", "Accept": "application/json", "OData-Version": "4.0"},
        )

    async def close(self) -> None:
        """Gives the session back, since services have few of them."""
        if self._client is None:
            return
        if self._session is not None:
            with contextlib.suppress(DeviceError, TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await self._exchange("DELETE", self._session, None, {})
        await self._client.aclose()

    async def get(self, path: str) -> Document:
        """The resource there. Raises Refused where there is none, or it is no resource."""
        return (await self.send("GET", path)).document

    async def public(self, path: str) -> Document:
        """A resource that everybody may read, asked for without credentials. Raises Refused where there is none."""
        answer = await self._following("GET", path, None, {}, anonymous=True)
        return self._judged(answer, set()).document

    async def send(
        self, method: str, path: str, body: Mapping[str, object] | None = None, tag: str | None = None
    ) -> Answer:
        """A request until it is answered with success. `tag`: the version of the resource that is meant."""
        ends = time.monotonic() + self._timeout
        once_more = log_in = True
        while True:
            answer = await self._following(method, path, body, {"If-Match": tag} if tag else {})
            ids = set(message_ids(answer.error)) if answer.status >= HTTPStatus.BAD_REQUEST else set()
            if answer.status in _LATER or ids & _LATER_IDS:
                await self._wait(answer, ends)
            elif answer.status == HTTPStatus.UNAUTHORIZED and log_in and await self._admitted(answer):
                log_in = False
            elif answer.status in _ONCE_MORE and once_more:
                once_more = False
                await asyncio.sleep(_PAUSE)
            else:
                return self._judged(answer, ids)

    def _judged(self, answer: Answer, ids: set[str]) -> Answer:
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self._let_in = True
            return answer
        said = f"{self.url}: {answer.words}"
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or ids & _DENIED_IDS:
            raise AuthenticationFailed(f"{said} (bmc.user, bmc.password)")
        if answer.status in (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED):
            raise VersionWanted(said)
        if answer.status in _MOVED:
            place = answer.headers.get("location", "nowhere")[:80]
            raise Refused(f"{self.url}: {answer.status}: it sends on to {place!a}, and no further is followed")
        raise Refused(said)

    async def _wait(self, answer: Answer, ends: float) -> None:
        """As long as the service asks for. Raises Busy when that is longer than there is time."""
        asked = answer.retry_after
        pause = _PAUSE if asked is None else max(0.1, asked)
        if time.monotonic() + pause > ends:
            when = "" if asked is None else f" (to be asked again in {asked:.0f} s)"
            raise Busy(f"{self.url}: {answer.words}{when}")
        await asyncio.sleep(pause)

    async def _admitted(self, answer: Answer) -> bool:
        """Whether to ask once more what was not allowed: with a new session, where one was lost or names and
        passwords are only taken there (DSP0266, 13.3); as before, where that was good before.
        """
        if self._token is not None or "basic" not in answer.headers.get("www-authenticate", "").lower():
            self._token = None
            return await self._log_in()
        return self._let_in

    async def _log_in(self) -> bool:
        sessions = _SESSIONS
        with contextlib.suppress(Refused, AuthenticationFailed):
            root = (await self._following("GET", ROOT, None, {}, anonymous=True)).document
            sessions = link(mapping(root.get("Links")).get("Sessions")) or sessions
        body = {"UserName": self._user, "Password": self._password}
        ends = time.monotonic() + self._timeout
        answer = await self._following("POST", sessions, body, {}, anonymous=True)
        while answer.status in _LATER or set(message_ids(answer.error)) & _LATER_IDS:
            await self._wait(answer, ends)
            answer = await self._following("POST", sessions, body, {}, anonymous=True)
        token = answer.headers.get("x-auth-token", "")
        if not token or not token.isascii() or not token.isprintable():
            return False
        self._token = token
        place = text(answer.headers.get("location")) or link(answer.error)
        self._session = urlsplit(place).path if place else None
        return True

    async def _following(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        headers: Mapping[str, str],
        *,
        anonymous: bool = False,
    ) -> Answer:
        """One answer, behind redirections to the same service: iLO 4 and Lenovo's IMM2 want a slash at the end."""
        for _ in range(_REDIRECTS):
            answer = await self._exchange(method, path, body, headers, anonymous=anonymous)
            follows = answer.status in ((307, 308) if method != "GET" else _MOVED)
            if not follows or not (target := answer.headers.get("location")):
                return answer
            path = self.path_of(urljoin(path, target))
        return answer

    def path_of(self, reference: str) -> str:
        """The path that a reference leads to. Raises Refused where that is not at this service."""
        try:
            parts = urlsplit(urljoin(self.url, reference))
            there = (parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme))
            path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
        except ValueError:
            raise Refused(f"{self.url}: it leads to {reference[:80]!a}, which is no address") from None
        if there != self._origin or parts.username is not None:
            raise Refused(f"{self.url}: it leads to {reference[:80]!a}, which is not itself: not followed")
        return path

    async def _exchange(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        headers: Mapping[str, str],
        *,
        anonymous: bool = False,
    ) -> Answer:
        """One request and its answer; a connection that broke is made anew once, as services end idle ones."""
        import httpx

        try:
            async with asyncio.timeout(self._timeout):
                for _ in range(2):
                    with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                        return await self._once(method, path, body, headers, anonymous)
                return await self._once(method, path, body, headers, anonymous)
        except (TimeoutError, httpx.TimeoutException):
            raise Unreachable(f"{self.url}: no whole answer in {self._timeout:g} s") from None
        except httpx.RequestError as error:
            raise self._unreachable(error) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise Refused(f"{self.url}: it leads to {path[:80]!a}, which is no address ({error})") from None

    async def _once(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        headers: Mapping[str, str],
        anonymous: bool,
    ) -> Answer:
        if self._client is None:
            raise RuntimeError("not entered")
        import httpx

        own = {"X-Auth-Token": self._token} if self._token and not anonymous else {}
        basic = None if anonymous or self._token else httpx.BasicAuth(self._user, self._password)
        request = self._client.build_request(method, self.path_of(path), json=body, headers={**headers, **own})
        answer = await self._client.send(request, auth=basic, stream=True)
        try:
            content = bytearray()
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > _OCTETS:
                    raise Refused(f"{self.url}: its answer is larger than {_OCTETS >> 20} MiB")
        finally:
            await answer.aclose()
            self._client.cookies.clear()
        plain = self._unpacked(bytes(content)) if answer.headers.get("content-encoding") == "gzip" else bytes(content)
        known = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, known, plain, f"{self.url}{path}")

    def _unpacked(self, content: bytes) -> bytes:
        """What was compressed all the same."""
        try:
            return zlib.decompressobj(wbits=31).decompress(content, _OCTETS)
        except zlib.error as error:
            raise Refused(f"{self.url}: its answer is not what it says ({error})") from None

    def _unreachable(self, error: BaseException) -> DeviceError:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                why = getattr(cause, "verify_message", None) or cause.args[-1]
                return AuthenticationFailed(
                    f"{self.url}: its certificate is not trusted: {why} (bmc.verify names the file of who signed it; "
                    "clusto power trust pins it)"
                )
            if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, ssl.SSLError):
                return Unreachable(f"{self.url}: {cause.strerror}")
            cause = cause.__cause__ or cause.__context__
        return Unreachable(f"{self.url}: {str(error) or type(error).__name__}")
