"""Asks a NetBox: one address, one token, page after page in the order of the numbers of the objects.

pynetbox makes the requests: it knows both kinds of token and what NetBox answers when it refuses. Its Records are not
made, for they take four times as long and ask again for what they lack; nor are the links to the next page followed,
for they name the host that NetBox believes itself to be. Pages begin after the last number that was read (`id__gt`), so
that an object that comes or goes meanwhile moves none of the others out of sight.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from clusto_core.errors import ClustoError, Malformed, NotFound, Refused

if TYPE_CHECKING:
    from pynetbox.core.query import Request
    from requests import Session

PAGE = 1000
"""Objects of a page: what NetBox gives at most, unless its MAX_PAGE_SIZE is another."""
TIMEOUT = 60.0
_RETRIES = 4
_WAIT = 2.0
_LONGEST_WAIT = 60.0
_BUSY = (429, 502, 503, 504)
_IDS = 200
"""How many numbers one address asks for."""
OLDEST = (4, 0)


class Client:
    """A NetBox at an address. Everything raises Refused for what is in the way, and Malformed for what is no NetBox."""

    def __init__(self, address: str, token: str, *, verify: bool | str = True, timeout: float = TIMEOUT) -> None:
        self.address = _checked(address)
        self._token = token
        self._timeout = timeout
        self.session = _session(f"{self.address}/api/", verify, timeout)

    def version(self) -> str:
        """Which NetBox it is: `4.4.2`. Raises Refused for one that is older than 4.0."""
        request = self._request("", {})
        found = self._asked(f"{self.address}/api/status/", request.get_status)
        text = str(found.get("netbox-version") or "") if isinstance(found, dict) else ""
        if not (match := re.match(r"(\d+)\.(\d+)", text)):
            raise Malformed(f"{self.address} is no NetBox: it does not say its version")
        if (int(match[1]), int(match[2])) < OLDEST:
            raise Refused(f"{self.address} is NetBox {text}: from {OLDEST[0]}.{OLDEST[1]} on it can be read")
        return text

    def pages(self, path: str, fields: Iterable[str], after: int = 0) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """The objects of a list with greater numbers than `after`, a page at a time, each with how many there are from
        there on. Raises NotFound where there is no such list."""
        wanted = ",".join(fields)
        while True:
            rows, count = self._page(path, {"fields": wanted, "ordering": "id", "id__gt": after}, PAGE)
            yield rows, count
            if len(rows) >= count:
                return
            if not rows or min(row["id"] for row in rows) <= after:
                raise Malformed(
                    f"{self._at(path)} does not go on after its object {after}: is it a NetBox from 4.0 on?"
                )
            after = max(row["id"] for row in rows)

    def some(self, path: str, fields: Iterable[str], ids: Sequence[int]) -> Iterator[dict[str, Any]]:
        """The objects with these numbers, those of them that there are."""
        wanted = ",".join(fields)
        for at in range(0, len(ids), _IDS):
            rows, count = self._page(path, {"fields": wanted, "id": list(ids[at : at + _IDS])}, PAGE)
            if len(rows) != count:
                raise Refused(f"{self._at(path)} gave {len(rows)} objects of {count}: try again")
            yield from rows

    def last(self, path: str) -> int:
        """The greatest number of a list's objects; 0 where it has none."""
        rows, _ = self._page(path, {"fields": "id", "ordering": "-id"}, 1)
        return int(rows[0]["id"]) if rows else 0

    def count(self, path: str) -> int:
        """How many objects a list has; 0 where there is no such list, or it may not be seen."""
        try:
            return self._page(path, {"fields": "id"}, 1)[1]
        except (NotFound, Refused):
            return 0

    def change(self, path: str, pk: int, data: Mapping[str, Any]) -> None:
        """Changes fields of an object."""
        self._asked(f"{self._at(path)}{pk}/", lambda: self._request(path, {}, pk).patch(dict(data)))

    def make(self, path: str, data: Mapping[str, Any]) -> None:
        """Makes an object."""
        self._asked(self._at(path), lambda: self._request(path, {}).post(dict(data)))

    def _at(self, path: str) -> str:
        return f"{self.address}/api/{path}/"

    def _request(
        self, path: str, filters: Mapping[str, Any], pk: int | None = None, limit: int | None = None
    ) -> Request:
        from pynetbox.core.query import Request

        return Request(
            base=self._at(path) if path else f"{self.address}/api/", http_session=self.session, token=self._token,
            filters=dict(filters), key=pk, limit=limit, offset=None if limit is None else 0,
        )  # fmt: skip

    def _page(self, path: str, filters: Mapping[str, Any], limit: int) -> tuple[list[dict[str, Any]], int]:
        request = self._request(path, filters, limit=limit)
        rows: list[dict[str, Any]] = self._asked(self._at(path), lambda: list(request.get()))
        count = request.count
        if not (isinstance(count, int) and all(isinstance(row, dict) and type(row.get("id")) is int for row in rows)):
            raise Malformed(f"{self._at(path)} answers something else than a list of NetBox's objects")
        return rows, count

    def _asked(self, where: str, ask: Callable[[], Any]) -> Any:
        from pynetbox.core.query import AllocationError, ContentError, RequestError
        from requests.exceptions import JSONDecodeError, RequestException

        try:
            return ask()
        except (ContentError, JSONDecodeError):
            raise Malformed(f"{where} answers with no JSON: is it a NetBox, and is the address right?") from None
        except (RequestError, AllocationError) as error:
            raise _refusal(where, error.req) from None
        except (RequestException, UnicodeError) as error:
            raise Refused(f"cannot read {where}: {_words(error, self._timeout)}") from None
        except (KeyError, TypeError, AttributeError):
            raise Malformed(f"{where} answers something else than NetBox does") from None


def _checked(address: str) -> str:
    parts = urlsplit(address)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise Malformed(f"the address of a NetBox is https://netbox.example.com, not {address[:80]!a}")
    return address.rstrip("/").removesuffix("/api")


def _session(base: str, verify: bool | str, timeout: float) -> Session:
    try:
        import pynetbox  # noqa: F401
        from requests import Session
        from requests.adapters import HTTPAdapter
        from urllib3 import disable_warnings
        from urllib3.exceptions import InsecureRequestWarning
        from urllib3.util import Retry
    except ImportError:
        raise NotFound("to read a NetBox clusto needs pynetbox (pip install 'clusto[netbox]')") from None

    if isinstance(verify, str) and not os.path.exists(verify):
        raise NotFound(f"there is no such file: {verify}, where the certificates of your authorities should be")

    class Bounded(Retry):
        """Waits as a busy server asks for, but not for hours."""

        def get_retry_after(self, response: Any) -> float | None:
            asked = super().get_retry_after(response)
            return None if asked is None else min(asked, _LONGEST_WAIT)

    class Patient(HTTPAdapter):
        """Waits so long and no longer."""

        def send(self, *args: Any, **named: Any) -> Any:
            named["timeout"] = timeout
            return super().send(*args, **named)

    session = Session()
    session.verify = verify
    if verify is False:
        # Whoever says so is told by clusto itself.
        disable_warnings(InsecureRequestWarning)
    session.trust_env = False
    session.max_redirects = 0
    # Only this address is ever spoken to: whatever a redirect or a link names, there is no other way out.
    session.adapters.clear()
    waits = Bounded(
        _RETRIES, redirect=False, status_forcelist=_BUSY, backoff_factor=_WAIT, respect_retry_after_header=True,
        raise_on_status=False, allowed_methods=frozenset(("GET",)), connect=1, read=1,
    )  # fmt: skip
    session.mount(base, Patient(max_retries=waits))
    return session


def _refusal(where: str, answer: Any) -> ClustoError:
    """What a status of HTTP means for whoever runs a sync."""
    status = answer.status_code
    if status in (401, 403):
        return Refused(f"{where} refuses the token ({status}{_detail(answer)}): it needs leave to view these objects")
    if status == 404:
        return NotFound(f"there is no {where}")
    if status == 429:
        return Refused(f"{where} is asked too often (429), even after waiting: try again later")
    if 300 <= status < 400:
        return Refused(f"{where} leads to another address, and the token goes to this one only: say the other")
    return Refused(f"{where} answers {status} {str(answer.reason)[:60]}{_detail(answer)}")


def _detail(answer: Any) -> str:
    try:
        found = answer.json()
    except ValueError:
        return ""
    detail = found.get("detail") or found if isinstance(found, dict) else found
    return f": {' '.join(str(detail).split())[:200]}"


def _words(error: Exception, timeout: float) -> str:
    from requests import exceptions
    from urllib3.exceptions import ConnectTimeoutError, ReadTimeoutError

    if isinstance(error, exceptions.SSLError):
        return (
            f"its certificate is not believed ({_reason(error)}): say ca = the file of your authorities' certificates"
        )
    if isinstance(error, exceptions.Timeout) or isinstance(_cause(error), ReadTimeoutError | ConnectTimeoutError):
        return f"no answer in {timeout:g} s"
    if isinstance(error, exceptions.InvalidSchema | exceptions.TooManyRedirects):
        return "it leads to another address, and the token goes to this one only"
    if isinstance(error, exceptions.ChunkedEncodingError | exceptions.ContentDecodingError):
        return "the answer ends halfway"
    return _reason(error)


def _cause(error: Exception) -> object:
    """Why the last attempt of several failed."""
    return getattr(error.args[0], "reason", None) if error.args else None


def _reason(error: Exception) -> str:
    """The innermost reason that a library gives, without the objects in its words."""
    text = str(error)
    found = re.findall(r"(?:certificate verify failed: |\[Errno -?\d+\] )([^()'\"<>]+)", text)
    return (found[-1] if found else re.sub(r"<[^>]*>|\s+", " ", text))[:160].strip(" :.,")
