"""Balancers for tests: the real programs on loopback, with web servers behind them."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.conftest import Run
from tests.console.lab import Lab, find, free_ports, until

BACKEND = "lb1-shop-shop"
HAPROXY = """\
global
    stats socket {folder}/admin.sock mode 600 level admin expose-fd listeners
    stats timeout 10s
    pidfile {folder}/haproxy.pid
{extra}
defaults
    mode http
    timeout connect 2s
    timeout client 20s
    timeout server 20s
frontend shop
    bind 127.0.0.1:{port}
    default_backend lb1-shop-shop
backend lb1-shop-shop
    balance {balance}
    default-server inter 100ms
    # clusto: begin lb1-shop-shop
    # clusto: end lb1-shop-shop
"""


class Web(ThreadingHTTPServer):
    """A machine that serves: it says its name, and holds an answer to /hold until it is released."""

    daemon_threads = True

    def __init__(self, address: str, port: int) -> None:
        self.held = threading.Event()
        self.release = threading.Event()
        super().__init__((address, port), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        if self.path == "/hold":
            self.server.held.set()
            self.server.release.wait(15)
        body = str(self.server.server_address[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        return None


@contextmanager
def webs(count: int) -> Iterator[tuple[int, list[Web]]]:
    """So many machines, at 127.0.0.11 and on, on one port; which."""
    port = free_ports()
    servers = [Web(f"127.0.0.{11 + number}", port) for number in range(count)]
    try:
        yield port, servers
    finally:
        for each in servers:
            each.release.set()
            each.shutdown()
            each.server_close()


class Haproxy:
    """Debian's haproxy in master-worker mode, with a socket and a configuration in a folder; `extra` are lines of its
    global section."""

    def __init__(self, lab: Lab, extra: str = "", balance: str = "roundrobin") -> None:
        self.program = find("haproxy", "haproxy")
        self.folder = lab.folder
        self.port = free_ports()
        self.socket = self.folder / "admin.sock"
        self.config = self.folder / "haproxy.cfg"
        self.config.write_text(HAPROXY.format(folder=self.folder, port=self.port, extra=extra, balance=balance))
        self.process = lab.start([self.program, "-W", "-f", str(self.config)], port=self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def members(self) -> str:
        """What the configuration says between the marks."""
        text = self.config.read_text()
        return text.partition(f"begin {BACKEND}\n")[2].partition("    # clusto: end")[0]

    def ask(self, line: str) -> str:
        from clusto_cli.backends.balancer.haproxy_socket import Where, ask

        return ask(Where(str(self.socket)), line, 10)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        text: str = answer.read().decode()
        return text


def answering(url: str, count: int = 12) -> set[str]:
    """Which machines answer so many requests."""
    return {get(url) for _ in range(count)}


class Load:
    """Requests one after the other, in some threads, until it is ended; what went wrong with any."""

    def __init__(self, url: str, threads: int = 4) -> None:
        self._url = url
        self._over = threading.Event()
        self.count = 0
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int) -> None:
        """Waits until so many more have been answered."""
        wanted = self.count + count
        until(lambda: self.count >= wanted or self.failures, f"{count} more requests", 20)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                get(self._url)
                self.count += 1
            except OSError as error:
                self.failures.append(str(error))
            time.sleep(0.005)


def site(clusto: Run, port: int, machines: int = 2) -> None:
    """lb1 with a VIP, a service, and machines at 127.0.0.11 and on that run nothing yet."""
    names = f"server[1-{machines}]"
    lines = [
        ["add", "LoadBalancer", "lb1"],
        ["add", "Vip", "lb1:shop"],
        ["add", "Server", names],
        ["add", "Network", "net", "--attr", "cidr=127.0.0.0/24"],
        ["service", "create", "shop", "--port", str(port)],
        *(["ip", "allocate", f"127.0.0.{10 + number}", f"server{number}:eth0"] for number in range(1, machines + 1)),
    ]
    done = clusto("batch", "-", stdin="".join(" ".join(line) + "\n" for line in lines))
    assert done.code == 0, done.err


def setting(clusto: Run, **settings: str | Path) -> None:
    """Settings of lb1 in the group balancer."""
    for key, value in settings.items():
        done = clusto("attr", "set", f"balancer.{key}", str(value), "-t", "lb1")
        assert done.code == 0, done.err


def reload_by(pid: int) -> list[str]:
    """A command that has a master process load its configuration anew."""
    return ["kill", f"-{int(signal.SIGUSR2)}", str(pid)]


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout
