"""An inventory that a server has (`clusto serve`), asked over HTTPS with a token.

Which token goes to which server, and which authorities are believed, is in `trust`. Only a server on this machine is
asked without TLS.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from clusto_core.errors import ClustoError, Malformed, NotFound, Refused, StoreBroken
from clusto_core.library.trust import TOKEN, authorities_for, token_for

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

PREFIX = "/api/v1"
ANSIBLE = "/sd/ansible"
_SECONDS = 60.0
_LOCAL = ("localhost", "127.0.0.1", "::1")
_KINDS: Mapping[int, type[ClustoError]] = {
    400: Malformed,
    401: Refused,
    403: Refused,
    404: NotFound,
    409: Refused,
    410: Refused,
    412: Refused,
    413: Malformed,
    415: Malformed,
    429: Refused,
}


class Server:
    """One, by its URL: `https://inventory.example[:PORT]`. Each question is a connection of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        name, port = _split(host)
        if not name or "@" in host or (path and path.strip("/")):
            raise Malformed(f"malformed address of a server: {url[:100]!a} (write https://HOST or https://HOST:PORT)")
        if scheme == "http" and name not in _LOCAL:
            raise Refused(f"{name} is not this machine, and a token would go there in the clear: write https://{host}")
        self._scheme, self._host, self._port = scheme, name, port

    def get(self, path: str, query: Mapping[str, str | list[str]] | None = None) -> Any:
        """The JSON document at a path below the API. Raises ClustoError as the server says."""
        from urllib.parse import urlencode

        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        with self._asked("GET", PREFIX + path + asked) as answer:
            return _document(answer.read())

    def post(self, path: str, body: bytes, media: str) -> Any:
        """The JSON document that comes back."""
        with self._asked("POST", PREFIX + path, body, media) as answer:
            return _document(answer.read())

    def lines(self, path: str, given: object) -> Iterator[Any]:
        """Sends a JSON document; the documents that come back, one a line, as they come."""
        with self._asked("POST", PREFIX + path, json.dumps(given).encode(), "application/json") as answer:
            for line in answer:
                yield _document(line)

    def inventory(self, where: str | None, known: str = "") -> tuple[str, bytes | None]:
        """The inventory of Ansible, of what an expression selects, and its entity tag; None where that is the one
        that is known."""
        from urllib.parse import urlencode

        path = f"{ANSIBLE}?{urlencode({'where': where})}" if where else ANSIBLE
        with self._asked("GET", path, known=known) as answer:
            return answer.headers.get("ETag", ""), None if answer.status == 304 else answer.read()

    @contextlib.contextmanager
    def _asked(
        self, method: str, path: str, body: bytes | None = None, media: str = "", known: str = ""
    ) -> Iterator[HTTPResponse]:
        from http.client import HTTPException

        headers = {"Content-Type": media} if body is not None else {}
        if known:
            headers["If-None-Match"] = known
        if token := token_for(self.url):
            headers["Authorization"] = f"Bearer {token}"
        connection = self._connection()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            if response.status >= 300 and not (known and response.status == 304):
                raise _failure(response.status, response.read(1 << 20), self.url)
            yield response
        except (OSError, HTTPException) as error:
            raise self._unreached(error) from None
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        if self._scheme == "http":
            return HTTPConnection(self._host, self._port, timeout=_SECONDS)
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authorities = authorities_for(self.url)
        try:
            context.load_verify_locations(**({"cafile": authorities} if authorities else _of_system()))
        except (OSError, TypeError):
            raise Malformed(f"no certificates of authorities: {authorities} (ca in [server])") from None
        return HTTPSConnection(self._host, self._port, timeout=_SECONDS, context=context)

    def _unreached(self, error: Exception) -> ClustoError:
        reason = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or str(error)
        if hasattr(error, "verify_message"):
            return Refused(f"{self.url} is not believed: {reason} (ca in [server] names its authorities)")
        return StoreBroken(f"cannot reach {self.url}: {reason or type(error).__name__}")


def _of_system() -> dict[str, str]:
    """The system's authorities: a directory by the hashes of their names, where there is one, of which OpenSSL reads
    the one that it needs; else their file. Either may be named in the environment."""
    import ssl

    paths = ssl.get_default_verify_paths()
    hashed = paths.capath and any(name.endswith(".0") for name in os.listdir(paths.capath))
    if paths.capath and hashed and paths.openssl_cafile_env not in os.environ:
        return {"capath": paths.capath}
    return {"cafile": paths.cafile} if paths.cafile else {"capath": paths.capath or paths.openssl_capath}


def is_server(url: str) -> bool:
    """Whether a URL is of a server rather than of a store."""
    return url.startswith(("https://", "http://"))


def _split(host: str) -> tuple[str, int | None]:
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        return host.strip("[]"), None
    if not port.isdecimal() or len(port) > 5:
        raise Malformed(f"malformed port: {port[:20]!a}")
    return name.strip("[]"), int(port)


def _document(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise StoreBroken("the server answers with what is no JSON: is it clusto serve?") from None


def _failure(status: int, body: bytes, url: str) -> ClustoError:
    """The error that the server tells, as it would be raised here."""
    try:
        told = json.loads(body)
        words, lines = str(told["detail"]), tuple(map(str, told.get("lines", ())))
    except (ValueError, KeyError, TypeError, AttributeError):
        words, lines = f"{url} answers with status {status}", ()
    if status == 401:
        words = f"{words} (the environment's {TOKEN} beside CLUSTO_DB, or token in [server])"
    error = _KINDS.get(status, StoreBroken)(words)
    error.details = lines
    return error
