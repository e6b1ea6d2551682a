"""Management controllers that tell of their machines over Redfish, each at an address of its own, all at one port."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = "/redfish/v1"
SYSTEM = f"{ROOT}/Systems/1"
CARDS = f"{SYSTEM}/EthernetInterfaces"
USER, PASSWORD = "operator", "lab-secret"
_BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
Document = dict[str, Any]


class Controllers:
    """By address, the serial number of a machine, and the MAC addresses of its cards by their names."""

    def __init__(self, machines: Mapping[str, tuple[str, Mapping[str, str]]]) -> None:
        self._machines = machines
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        """Listens at every address, over TLS with a certificate that signed itself."""
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        context = _context()
        for address in self._machines:
            site = web.TCPSite(self._runner, address, self.port, ssl_context=context)
            await site.start()
            self.port = self.port or self._runner.addresses[0][1]

    def stop(self) -> None:
        """Ends all of them, as soon as the loop comes to it."""
        if self._runner is not None:
            self._ending = asyncio.get_running_loop().create_task(self._runner.cleanup())

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path.rstrip("/")
        assert request.transport is not None
        serial, cards = self._machines[request.transport.get_extra_info("sockname")[0]]
        if path != ROOT and request.headers.get("Authorization") != _BASIC:
            return web.json_response(status=401, headers={"WWW-Authenticate": 'Basic realm="bmc"'})
        found = _resource(path, serial, cards)
        return web.json_response(found) if found else web.json_response({"error": {}}, status=404)


def _resource(path: str, serial: str, cards: Mapping[str, str]) -> Document:
    """A resource of ServiceRoot, ComputerSystem and EthernetInterface (DSP0268)."""
    if path == ROOT:
        return {"RedfishVersion": "1.15.0", "Vendor": "Lab", "Product": "BMC", "Systems": _link(f"{ROOT}/Systems")}
    if path == f"{ROOT}/Systems":
        return {"Members": [_link(SYSTEM)]}
    if path == SYSTEM:
        told = {"@odata.id": SYSTEM, "Id": "1", "Manufacturer": "Lab", "Model": "Box", "SerialNumber": serial}
        return told | {"PowerState": "On", "EthernetInterfaces": _link(CARDS)}
    if path == CARDS:
        return {"Members": [_link(f"{CARDS}/{name}") for name in cards]}
    name = path.removeprefix(f"{CARDS}/")
    if name not in cards:
        return {}
    return {"@odata.id": path, "Id": name, "Name": name, "PermanentMACAddress": cards[name]}


def _link(path: str) -> Document:
    return {"@odata.id": path}


def _context() -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bmc")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(30))
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "bmc.pem")
        signed = made.sign(key, hashes.SHA256())
        file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
        context.load_cert_chain(file)
    return context
