"""Each sort of evidence, as it is gathered: leases, SNMP, Redfish, SSH host keys, consoles; and who may be asked."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.agent import Agent
from lab.alive import alive
from lab.consoles import Consoles
from lab.redfish import Controllers

from clusto_cli.backends.errors import DeviceError, Refused, Unreachable
from clusto_cli.backends.snmp import SnmpDevice, SnmpSettings, Tag, Varbind
from clusto_cli.backends.snmp.message import Oid
from clusto_cli.discovery.asking import Pace
from clusto_cli.discovery.collectors import leases, redfish, snmp, sshkeys
from clusto_cli.discovery.evidence import Controller, Identity, Lease, Resolved
from clusto_core.errors import Malformed
from clusto_core.inventory import Inventory
from clusto_core.resources import naming
from tests.backends.switch.sshdlab import sshd
from tests.conftest import Result, Run

NOW = 1_700_000_000
MAC = "3c:ec:ef:00:00:01"
DNSMASQ = f"""{NOW + 60} {MAC} 10.0.0.9 web9 01:{MAC}
{NOW - 60} 3c:ec:ef:00:00:02 10.0.0.10 old *
0 3c:ec:ef:00:00:03 10.0.0.11 * *
{NOW + 60} 20-3c:ec:ef:00:00:04:00:00 10.0.0.12 infiniband *
duid 00:01:00:01:2b:5e
{NOW + 60} 1234 fd00::9 web9 00:01
"""
KEA = f"""address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id
10.0.0.9,{MAC},,3600,{NOW - 900},1,0,0,former.,0,,0
10.0.0.9,{MAC},,3600,{NOW + 60},1,0,0,web9.example.org.,0,,0
10.0.0.10,3c:ec:ef:00:00:02,,3600,{NOW + 60},1,0,0,declined,1,,0
10.0.0.11,3c:ec:ef:00:00:03,,3600,{NOW - 60},1,0,0,lapsed,0,,0
nonsense,3c:ec:ef:00:00:03,,3600,{NOW + 60},1,0,0,x,0,,0
"""


def lent(text: str) -> list[Lease]:
    return list(leases.read(text.splitlines(keepends=True), "leases", NOW))


def test_leases_of_dnsmasq_and_kea() -> None:
    assert lent(DNSMASQ) == [
        Lease("leases", "10.0.0.9", MAC, "web9"),
        Lease("leases", "10.0.0.11", "3c:ec:ef:00:00:03"),
    ]
    assert lent(KEA) == [Lease("leases", "10.0.0.9", MAC, "web9.example.org")]
    assert lent("") == []


def test_what_is_no_file_of_leases() -> None:
    with pytest.raises(Malformed, match=r"leases:1: neither a lease of dnsmasq nor a memfile of Kea: 'lease 10\.0"):
        lent("lease 10.0.0.9 {\n")


@given(st.text(alphabet=" ,\n\x1b:.0123456789abcdefhw*", max_size=200), st.booleans())
def test_leases_are_leases_or_none(text: str, kea: bool) -> None:
    try:
        found = lent(KEA.partition("\n")[0] + "\n" + text if kea else text)
    except Malformed:
        return
    for each in found:
        assert each.host.isprintable()
        assert len(each.mac) == 17


# --- SNMP ------------------------------------------------------------------------------------------------------------


class Table:
    """Variables of an agent."""

    def __init__(self, *rows: tuple[Oid, int, object]) -> None:
        self._rows = {oid: Varbind(oid, tag, value) for oid, tag, value in rows}  # type: ignore[arg-type]
        self._names = sorted(self._rows)

    def names(self) -> Sequence[Oid]:
        return self._names

    def read(self, oid: Oid) -> Varbind | None:
        return self._rows.get(oid)

    def write(self, varbinds: Sequence[Varbind]) -> tuple[int, int]:
        return 17, 1


def asked(table: Table) -> tuple[Identity, list[Resolved]]:
    async def ask() -> tuple[Identity, list[Resolved]]:
        agent = Agent(table)
        port = await agent.start()
        try:
            async with SnmpDevice(SnmpSettings("127.0.0.1", port=port)) as device:
                return await snmp.identity(device, "sw1", "127.0.0.1"), await snmp.resolved(device, "sw1")
        finally:
            agent.stop()

    return asyncio.run(ask())


def entity(index: int, kind: int, within: int, serial: str) -> list[tuple[Oid, int, object]]:
    return [
        ((*snmp.CONTAINED_IN, index), Tag.INTEGER, within),
        ((*snmp.CLASS, index), Tag.INTEGER, kind),
        ((*snmp.SERIAL, index), Tag.OCTET_STRING, serial.encode()),
    ]


def test_what_a_device_says_of_itself() -> None:
    own = bytes.fromhex(MAC.replace(":", ""))
    rows: list[tuple[Oid, int, object]] = [
        (snmp.SYS_NAME, Tag.OCTET_STRING, b"sw1\x1b[2J.example.org"),
        ((*snmp.IF_PHYS_ADDRESS, 1), Tag.OCTET_STRING, own),
        ((*snmp.IF_PHYS_ADDRESS, 2), Tag.OCTET_STRING, b""),
        ((*snmp.IF_PHYS_ADDRESS, 3), Tag.OCTET_STRING, bytes(6)),
        ((*snmp.NET_TO_MEDIA, 3, 10, 0, 0, 9), Tag.OCTET_STRING, own),
        ((*snmp.NET_TO_MEDIA, 3, 10, 0, 0, 300), Tag.OCTET_STRING, own),
        *entity(1, 3, 0, "FOX1"),
        *entity(2, 9, 1, "MODULE"),
    ]
    identity, resolved = asked(Table(*rows))
    assert (identity.name, identity.serial, identity.macs) == ("sw1[2J.example.org", "FOX1", (MAC,))
    assert resolved == [Resolved("sw1", "10.0.0.9", MAC)]
    newer = ((*snmp.NET_TO_PHYSICAL, 3, 2, 16, *bytes.fromhex("fd" + "00" * 14 + "09")), Tag.OCTET_STRING, own)
    odd = ((*snmp.NET_TO_PHYSICAL, 3, 1, 16, 1), Tag.OCTET_STRING, own)
    assert asked(Table(*rows, newer, odd))[1] == [Resolved("sw1", "fd00::9", MAC)]


def test_a_stack_has_no_serial_number() -> None:
    stack = [*entity(1, 11, 0, ""), *entity(2, 3, 1, "FOX1"), *entity(3, 3, 1, "FOX2")]
    assert asked(Table(*stack))[0].serial == ""
    assert asked(Table(*entity(1, 11, 0, ""), *entity(2, 3, 1, "FOX1")))[0].serial == "FOX1"


# --- Redfish and SSH -------------------------------------------------------------------------------------------------


def test_a_redfish_service_says_to_everybody_that_it_is_one() -> None:
    controllers = Controllers({"127.77.2.1": ("S1", {"eth0": MAC})})
    with alive(controllers):
        found = asyncio.run(redfish.root("127.77.2.1", "127.77.2.1", controllers.port, 5))
    assert found == Controller("127.77.2.1", "127.77.2.1", "Lab", "BMC")


def test_what_answers_and_is_no_redfish_service() -> None:
    async def ask(answer: bytes) -> DeviceError:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(DeviceError) as error:
                await redfish.root("x", f"http://127.0.0.1:{port}", None, 5)
        return error.value

    said = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    assert "is no Redfish service" in str(asyncio.run(ask(said)))
    assert isinstance(asyncio.run(ask(said)), Refused)
    asyncio.run(ask(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n["))
    asyncio.run(ask(b"\x1b[2J nonsense\r\n\r\n"))


def test_ssh_host_keys(tmp_path: Path) -> None:
    with sshd(tmp_path, {"WHERE": "here"}) as server:
        (key,) = asyncio.run(sshkeys.keys("10.0.0.9", "127.0.0.1", server.port, 5))
    assert (key.at, key.kind) == ("10.0.0.9", "ssh-ed25519")
    assert key.fingerprint.startswith("SHA256:")
    with pytest.raises(Unreachable, match="no SSH server answers"):
        asyncio.run(sshkeys.keys("x", "127.0.0.1", 1, 1))


# --- who is asked ----------------------------------------------------------------------------------------------------


@pytest.fixture
def networks(sqlite_url: str) -> None:
    with Inventory.open(sqlite_url).change() as change:
        change.add("Network", "mgmt", attributes=[("cidr", "127.77.3.0/30")])
        change.add("Network", "large", attributes=[("cidr", "10.0.0.0/8")])
        change.add("Network", "empty")
        change.add("Server", "web1")
        change.add("Rack", "rack1")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nosuch",), 3, "no such thing: nosuch"),
        (("large",), 4, "large has more than 65,536 addresses: name a smaller Network"),
        (("empty",), 2, "empty has no block of addresses (attribute cidr)"),
        (("web1",), 4, "web1 is no switch, PDU, console server or Network, and has no management controller"),
        (("web1:eth0",), 2, "web1:eth0 is a part: name the device that it is of"),
        (("--addresses", "nosuch.txt"), 3, "no such file: nosuch.txt"),
        (("--leases", "nosuch.txt"), 3, "no such file: nosuch.txt"),
        (("--watch", "1", "-o", "json"), 2, "--watch goes with -o text, jsonl, yaml"),
        (("--names", "web1", "mgmt"), 2, "web1 is a Server, not a NameRange"),
        (("--ask", "telnet"), 2, "'telnet' is not one of"),
    ],
)
def test_what_cannot_be_asked(here: Run, networks: None, words: tuple[str, ...], code: int, said: str) -> None:
    done = here("discover", "--ask", "snmp", *words)
    assert done.code == code, done
    assert said in done.err


def test_an_empty_inventory_and_a_place_with_nothing_in_it(here: Run, networks: None) -> None:
    assert here("discover") == Result(0, "", "")
    assert here("discover", "rack1", "-o", "yaml") == Result(0, "things:\n", "")


def test_addresses_are_inside_networks_or_allowed(
    here: Run, networks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTO_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("")
    (tmp_path / "list").write_text("# comment\n127.77.3.1, 127.77.4.1 # here\n")
    done = here("discover", "--addresses", str(tmp_path / "list"))
    assert done.code == 4
    assert "127.77.4.1: in no Network of the inventory, and not allowed (clusto config allow network" in done.err
    assert here("config", "allow", "network", "127.77.4.0/24").code == 0
    assert here("discover", "--addresses", str(tmp_path / "list")).code == 0
    (tmp_path / "list").write_text("web1\n")
    assert here("discover", "--addresses", str(tmp_path / "list")).code == 2


def test_so_many_a_second() -> None:
    async def three() -> float:
        pace, loop = Pace(20), asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(pace.turn() for _ in range(3)))
        return loop.time() - began

    assert asyncio.run(three()) >= 0.1


@pytest.fixture
def consoles() -> Iterator[Consoles]:
    found = Consoles({1: "web1", 2: "web2"})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(found.start(), loop).result(30)
    yield found
    asyncio.run_coroutine_threadsafe(found.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def test_who_answers_on_consoles_without_a_cable(here: Run, sqlite_url: str, consoles: Consoles) -> None:
    settings = {"console.profile": "generic-tcp", "console.host": "127.0.0.1", "console.base": consoles.base}
    with Inventory.open(sqlite_url).change() as change:
        change.add("ConsoleServer", "cs1", attributes=list(settings.items()))
        change.add("Server", "web1")
    done = here("discover", "cs1", "-o", "jsonl")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [(each["name"], each["connect"]) for each in found] == [("web1", {"console": "cs1:1"})]
    assert "cs1:2 answers as web2, which is not in the inventory" in done.err


def test_names_of_a_range_that_are_not_given_out(sqlite_url: str) -> None:
    inventory = Inventory.open(sqlite_url)
    with inventory.change() as change:
        range_ = change.add("NameRange", "names", attributes=[("pattern", "web[1-4]")])
        change.add("Server", "web1")
        assert naming.allocate(change, range_) == ["web2"]
        assert naming.vacant(change, range_, 5, ["web3"]) == ["web4"]
        assert naming.vacant_among(change, range_, ["web1", "web2", "web3", "db1"]) == {"web3"}
        assert naming.vacant_among(change, range_, []) == set()
