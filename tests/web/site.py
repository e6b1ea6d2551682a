"""A running `clusto serve` on a store with a small site, and what asks it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from clusto_core.config import Settings
from clusto_core.errors import NotFound
from clusto_core.records import tokens
from tests.console.lab import until

_PROGRAM = "from clusto_cli.main import run; import sys; sys.argv[0] = 'clusto'; run()"
API = "/api/v1"


@dataclass
class Site:
    """A server, the store that it has, and a token of each role."""

    store: str
    log: Path
    options: tuple[str, ...] = ()
    setup: str = ""
    process: subprocess.Popen[bytes] = field(init=False)
    port: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.settings = Settings(self.store)
        words = ["--db", self.store, "serve", "--port", "0", *self.options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"{self.setup}\n{_PROGRAM}", *words], stderr=log, stdin=subprocess.DEVNULL
            )
        until(lambda: "listening on" in self.said() or self.process.poll() is not None, "the server listens", 60)
        found = re.search(r"listening on (https?)://\S+:(\d+)", self.said())
        assert found, self.said()
        self.scheme, self.port = found[1], int(found[2])

    def said(self) -> str:
        return self.log.read_text()

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}" if self.scheme == "https" else f"http://127.0.0.1:{self.port}"

    def token(self, name: str, role: str = "reader", where: str | None = None) -> str:
        """A new token; one of that name is worth nothing any more."""
        with suppress(NotFound):
            tokens.revoke(self.settings, name)
        return tokens.create(self.settings, name, role, where)

    def ask(self, path: str, method: str = "GET", *, token: str | None = None, **given: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= given.pop("headers", {})
        return httpx.request(method, self.url + path, headers=headers, timeout=60, **given)

    def api(self, path: str, **given: Any) -> Any:
        """What the API answers, which must be well."""
        answer = self.ask(API + path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def batch(self, lines: str, token: str, **given: Any) -> httpx.Response:
        headers = {"Content-Type": "text/plain"}
        return self.ask(f"{API}/batch", "POST", token=token, content=lines, headers=headers, **given)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.said()


@contextmanager
def running(store: str, log: Path, *options: str, setup: str = "") -> Iterator[Site]:
    site = Site(store, log, options, setup)
    try:
        yield site
    finally:
        site.process.kill()
        site.process.wait()


def with_limits(rates: str = "Rates()", bounds: str = "Bounds()") -> str:
    """What has a server keep to other limits."""
    return (
        "import clusto_cli.web.serving as s; from clusto_cli.web.threads import Bounds;"
        " from clusto_cli.web.application import Rates;"
        f" s.Plan.__new__.__defaults__ = (*s.Plan.__new__.__defaults__[:-2], {rates}, {bounds})"
    )
