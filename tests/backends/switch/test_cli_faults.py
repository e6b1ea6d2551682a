"""What goes wrong at a switch's command line, and what becomes of the port then."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from pathlib import Path

import pytest

from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, NoSuchPort, NotVerified, Refused, Unreachable
from clusto_cli.backends.switch.model import PortMode

from .clilab import Lab, RefusedMove, lab, move
from .fakecli import FakePort

__all__ = ["lab"]


def test_a_wrong_password_is_not_accepted(lab: Lab) -> None:
    with pytest.raises(AuthenticationFailed, match="of ops was not accepted"):
        asyncio.run(move(lab.switch(password="wrong"), lab.port, 203))


def test_enable_with_the_right_and_the_wrong_password(lab: Lab) -> None:
    lab.fake.enable_password = "sesame-open"
    with pytest.raises(AuthenticationFailed, match=rf"port {lab.server.port}: the enable password was not accepted"):
        asyncio.run(move(lab.switch(enable="sesame-shut"), lab.port, 203))
    with pytest.raises(AuthenticationFailed, match="wants an enable password"):
        asyncio.run(move(lab.switch(), lab.port, 203))
    assert asyncio.run(move(lab.switch(enable="sesame-open"), lab.port, 203)) == "done"


def test_a_host_key_that_is_unknown_or_another(lab: Lab, tmp_path: Path) -> None:
    from paramiko import RSAKey

    hosts = tmp_path / "other_hosts"
    hosts.write_text("")
    with pytest.raises(AuthenticationFailed, match="not known"):
        asyncio.run(move(lab.switch(known_hosts=str(hosts)), lab.port, 203))
    other = RSAKey.generate(2048)
    hosts.write_text(f"[127.0.0.1]:{lab.server.port} {other.get_name()} {other.get_base64()}\n")
    with pytest.raises(AuthenticationFailed, match="not the known one"):
        asyncio.run(move(lab.switch(known_hosts=str(hosts)), lab.port, 203))


def test_nobody_listens(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with pytest.raises(Unreachable, match=rf"port {free}: no ssh session: .*refused.* \(ssh\.port, ssh\.host\)"):
        asyncio.run(move(lab.switch(ssh_port=free), lab.port, 203))


def test_a_prompt_that_nobody_knows(lab: Lab) -> None:
    lab.fake.unknown_prompt = True
    with pytest.raises(DeviceError, match="prompt"):
        asyncio.run(move(lab.switch(timeout=1), lab.port, 203))
    assert lab.fake.port(lab.port).vlan == 10


def test_a_question_nobody_expected_ends_the_change(lab: Lab) -> None:
    lab.fake.swallow = "switchport access vlan 203"
    with pytest.raises(DeviceError, match="no prompt that is known came in time"):
        asyncio.run(move(lab.switch(timeout=1), lab.port, 203))
    assert lab.fake.port(lab.port).vlan == 10
    assert lab.fake.saved == 0


def test_a_save_that_fails_is_told_and_the_port_stays(lab: Lab) -> None:
    lab.fake.save_fails = True
    assert "write memory" in asyncio.run(move(lab.switch(), lab.port, 203))
    assert lab.fake.port(lab.port).vlan == 203


def test_acknowledged_and_not_done_is_put_back(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakePort, "__setattr__", _stubborn)
    with pytest.raises(NotVerified, match=r"acknowledged.*as before"):
        asyncio.run(move(lab.switch(), lab.port, 203))
    assert lab.fake.saved == 0


def _stubborn(port: FakePort, name: str, value: object) -> None:
    if not (name == "vlan" and value == 203):
        object.__setattr__(port, name, value)


def test_already_there_touches_nothing(lab: Lab) -> None:
    assert asyncio.run(move(lab.switch(), lab.port, 10)) == "already"
    assert not [line for line in lab.fake.log if not line.startswith(("show", "terminal"))]


def test_a_vlan_that_is_missing_is_not_made_silently(lab: Lab) -> None:
    with pytest.raises(RefusedMove, match="no VLAN 300"):
        asyncio.run(move(lab.switch(), lab.port, 300))
    assert 300 not in lab.fake.vlans
    assert asyncio.run(move(lab.switch(), lab.port, 300, create={300: "lab"})) == "done"
    assert lab.fake.vlans[300] == "lab"


def test_a_vlan_that_was_made_for_a_change_that_failed_is_gone_again(lab: Lab) -> None:
    lab.fake.reject = "switchport access vlan 300"
    with pytest.raises(Refused):
        asyncio.run(move(lab.switch(), lab.port, 300, create={300: "lab"}))
    assert 300 not in lab.fake.vlans


def test_a_trunk_is_refused_and_forced_and_put_back(lab: Lab) -> None:
    port = lab.fake.port(lab.port)
    port.mode, port.vlan, port.tagged = "trunk", 1, {10, 203}
    with pytest.raises(RefusedMove, match="it is a trunk"):
        asyncio.run(move(lab.switch(), lab.port, 203))
    lab.fake.reject = "switchport access vlan 203"
    with pytest.raises(Refused):
        asyncio.run(move(lab.switch(), lab.port, 203, force=True))
    assert port.mode == PortMode.TRUNK
    lab.fake.reject = ""
    assert asyncio.run(move(lab.switch(), lab.port, 203, force=True)) == "done"
    assert (port.mode, port.vlan) == ("access", 203)


def test_a_member_of_an_aggregate_is_refused(lab: Lab) -> None:
    lab.fake.port(lab.port).lag = "Po1"
    with pytest.raises(RefusedMove, match="aggregate Po1"):
        asyncio.run(move(lab.switch(), lab.port, 203))


def test_names_never_become_commands(lab: Lab) -> None:
    for name in ("Gi1/0/4\nreload", "Gi1/0/4; reload", "Gi1/0/4 | redirect x", "$(reboot)", "-x", ""):
        with pytest.raises(NoSuchPort, match="not the name of a port"):
            asyncio.run(move(lab.switch(), name, 203))
    with pytest.raises(Refused, match="cannot be called"):
        asyncio.run(move(lab.switch(), lab.port, 300, create={300: "lab\nreload"}))
    assert not [line for line in lab.fake.log if "reload" in line or "reboot" in line]


def test_a_hostile_banner_is_only_text(lab: Lab) -> None:
    lab.fake.banner = (
        "welcome\r\nsw1#configure terminal\r\n% Invalid input\r\nswitch(config)# {port} .*(?:$\r\n\x1b]0;x\x07"
    )
    assert asyncio.run(move(lab.switch(), lab.port, 203)) == "done"


def test_secrets_are_in_no_log(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.fake.enable_password = "sesame-open"
    with caplog.at_level(logging.DEBUG):
        switch = lab.switch(enable="sesame-open")
        assert asyncio.run(move(switch, lab.port, 203)) == "done"
        with pytest.raises(AuthenticationFailed) as wrong:
            asyncio.run(move(lab.switch(enable="sesame-shut"), lab.port, 10))
    assert not [secret for secret in ("let-me-in", "sesame") if secret in caplog.text + str(wrong.value)]
    assert "let-me-in" not in repr(lab.settings)


@pytest.mark.parametrize("lab", ["cisco_ios", "juniper_junos_els", "ruckus_icx"], indirect=True)
def test_many_ports_in_one_session_with_one_save(lab: Lab) -> None:
    """Also where the switch has no listing of all its ports, as the last two here: then each is asked about."""

    from clusto_cli.backends.switch.change import carry_out, prepare
    from clusto_cli.backends.switch.refusal import Move

    async def all_of_them() -> None:
        switch = lab.switch()
        try:
            prepared = await prepare(switch, [Move(port, 203) for port in lab.fake.ports])
            await carry_out(switch, prepared)
        finally:
            await switch.close()

    asyncio.run(all_of_them())
    assert {port.vlan for port in lab.fake.ports.values()} == {203}
    assert lab.fake.saved == 1


@pytest.mark.parametrize(
    ("lab", "enter", "said", "told"),
    [
        (
            "cisco_ios",
            "configure terminal",
            "Configuration mode is locked by process '485' user 'bob' from terminal '2'. Please try later.",
            "user 'bob' from terminal '2'. Please try later.",
        ),
        ("cisco_ios", "configure terminal", "Command authorization failed.", "Command authorization failed."),
        ("cisco_ios", "configure terminal", "Not before Monday.", "'Not before Monday.' to 'configure terminal'"),
        ("cisco_ios", "configure terminal", "", "nothing, and stays where it was"),
        (
            "juniper_junos_els",
            "configure private",
            "error: configuration database locked by:\n  root terminal d0 (pid 1203) on since 2026-11-29\n   exclusive",
            "locked by:; root terminal d0 (pid 1203) on since 2026-11-29; exclusive",
        ),
        ("hp_comware", "system-view", "Permission denied.", "'Permission denied.' to 'system-view'"),
        ("nokia_srl", "enter candidate private", "Error: locked by session 9", "locked by session 9"),
        ("nokia_srl", "enter candidate private", "Somebody is there.", "Somebody is there."),
    ],
    indirect=["lab"],
)
def test_a_refusal_to_be_configured_is_told_in_the_switchs_words(lab: Lab, enter: str, said: str, told: str) -> None:
    lab.fake.reject, lab.fake.rejection = enter, said
    with pytest.raises(Refused, match=re.escape(told)) as refused:
        asyncio.run(move(lab.switch(), lab.port, 203))
    assert str(refused.value).startswith(f"127.0.0.1 port {lab.server.port}: ")
    assert lab.fake.port(lab.port).vlan == 10
    after = lab.fake.log[lab.fake.log.index(enter) :]
    assert not [line for line in after if line.startswith(("interface", "set", "vlan"))], after


def test_a_vtp_client_says_so_itself(lab: Lab) -> None:
    lab.fake.reject = "^vlan 300"
    lab.fake.rejection = "VTP VLAN configuration not allowed when device is in CLIENT mode."
    with pytest.raises(Refused, match="not allowed when device is in CLIENT mode"):
        asyncio.run(move(lab.switch(), lab.port, 300, create={300: "lab"}))


def test_why_there_is_no_session_is_said_whole() -> None:
    from netmiko.exceptions import NetmikoTimeoutException
    from paramiko import SSHException

    from clusto_cli.backends.switch.netmiko_session import reason

    why = "Incompatible ssh server (no acceptable host key)"
    error = NetmikoTimeoutException(f"\nA paramiko SSHException occurred during connection creation:\n\n{why}\n\n")
    error.__cause__ = SSHException(why)
    assert reason(error) == why
    refused = NetmikoTimeoutException(
        "TCP connection to device failed.\n\nCommon causes of this problem are:\n1. Incorrect hostname or IP address."
        "\n2. Wrong TCP port.\n\nDevice settings: cisco_ios 127.0.0.1:22\n\n"
    )
    refused.__context__ = ConnectionRefusedError(111, "Connection refused")
    assert reason(refused) == "[Errno 111] Connection refused"


@pytest.mark.parametrize("lab", ["cisco_ios"], indirect=True)
def test_a_port_in_the_factory_state_is_given_back_as_it_was(lab: Lab) -> None:
    from clusto_cli.backends.switch.change import carry_out, prepare, prepare_back
    from clusto_cli.backends.switch.refusal import Move

    port = lab.fake.port(lab.port)
    port.mode = "dynamic auto"

    async def there_and_back() -> None:
        switch = lab.switch()
        try:
            prepared = await prepare(switch, [Move(lab.port, 203)])
            before = prepared.now.ports[lab.port]
            done = await carry_out(switch, prepared)
            assert port.mode == "access"
            back = await prepare_back(switch, {lab.port: before}, {lab.port: done.now.ports[lab.port]})
            await carry_out(switch, back)
        finally:
            await switch.close()

    asyncio.run(there_and_back())
    assert (port.mode, port.vlan) == ("dynamic auto", 10)


def test_what_a_port_was_that_nobody_knows_is_not_undone(lab: Lab) -> None:
    from clusto_cli.backends.switch.change import prepare_back
    from clusto_cli.backends.switch.model import PortState, access_port

    async def back() -> tuple[str, ...]:
        switch = lab.switch()
        try:
            unknown = PortState(lab.port, PortMode.UNKNOWN, None, note="dynamic auto")
            return tuple(
                (await prepare_back(switch, {lab.port: unknown}, {lab.port: access_port(lab.port, 10)})).refused[
                    lab.port
                ]
            )
        finally:
            await switch.close()

    assert asyncio.run(back()) == ("what it was is not known (dynamic auto)",)
