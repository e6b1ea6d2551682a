"""Moving ports over SNMP on an agent with the quirks that agents have, read back from the switch's own state."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusto_cli.backends.errors import DeviceError, NoSuchPort, NotVerified, Refused, Unreachable
from clusto_cli.backends.snmp import SnmpDevice, SnmpSettings
from clusto_cli.backends.switch import profiles
from clusto_cli.backends.switch.change import Done, Prepared, carry_out, prepare
from clusto_cli.backends.switch.orders import ORDERS
from clusto_cli.backends.switch.profiles import SnmpRules
from clusto_cli.backends.switch.refusal import Known, Move
from clusto_cli.backends.switch.snmp_switch import SnmpSwitch

from .agent import GEN_ERR, INCONSISTENT, NO_ACCESS, Bridge, QBridgeAgent, Quirks
from .moving import moved

ALL = ("join-leave", "leave-join", "single")


def switch_on(agent: QBridgeAgent, rules: SnmpRules, **more: Any) -> SnmpSwitch:
    given = {"community": "private", "timeout": 0.3, "retries": 4, "max_octets": 1400, **more}
    device = SnmpDevice(SnmpSettings("127.0.0.1", port=agent.port, **given))
    return SnmpSwitch(profiles.load("qbridge"), rules, device)


def move(
    agent: QBridgeAgent, *moves: Move, orders: tuple[str, ...] = ALL, snmp: dict[str, Any] | None = None, **options: Any
) -> tuple[Prepared, Done | None]:
    return moved(lambda: switch_on(agent, SnmpRules(orders=orders), **(snmp or {})), *moves, **options)


def in_vlan(bridge: Bridge, port: int) -> tuple[int, set[int], set[int]]:
    untagged = {number for number, vlan in bridge.vlans.items() if port in vlan.untagged}
    egress = {number for number, vlan in bridge.vlans.items() if port in vlan.egress}
    return bridge.pvid[port], untagged, egress


MOVED = (203, {203}, {203})
BEFORE = (10, {10}, {10})

# Which quirk lets which orders through; every other must fail to verify or be refused.
KINDS = {
    "patient": (Quirks(), {"join-leave", "join-pvid-leave", "leave-join", "single"}),
    "strict": (Quirks(strict=True), {"leave-join", "single"}),
    "first only": (Quirks(first_only=True), {"single"}),
    "moves with the PVID": (Quirks(pvid_moves=True), {*ORDERS}),
    "leaves tagged": (Quirks(pvid_moves=True, leaves_tagged=True), {*ORDERS} - {"pvid"}),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_order_on_every_kind_of_agent(kind: str, order: str) -> None:
    quirks, accepted = KINDS[kind]
    with QBridgeAgent(Bridge.of(12), quirks) as agent:
        if order in accepted:
            _, done = move(agent, Move("swp4", 203), orders=(order,))
            assert done is not None
            assert in_vlan(agent.bridge, 4) == MOVED
        else:
            with pytest.raises((NotVerified, Refused)):
                move(agent, Move("swp4", 203), orders=(order,))
            assert in_vlan(agent.bridge, 4) == BEFORE
        assert in_vlan(agent.bridge, 5) == BEFORE


@pytest.mark.parametrize("kind", KINDS)
def test_the_orders_are_tried_until_one_is_taken_and_that_one_is_told(kind: str) -> None:
    quirks, accepted = KINDS[kind]
    with QBridgeAgent(Bridge.of(12), quirks) as agent:
        _, done = move(agent, Move("swp4", 203))
        assert done is not None
        assert done.order == next(order for order in ALL if order in accepted)
        assert in_vlan(agent.bridge, 4) == MOVED


def test_the_plan_of_a_dry_run_is_what_is_sent() -> None:
    with QBridgeAgent(Bridge.of(12)) as agent:
        prepared, _ = move(agent, Move("swp4", 203))
        assert prepared.plan is not None
        assert prepared.plan.lines() == [
            "1.3.6.1.2.1.17.7.1.4.3.1.2.203 x 1000000000000000",
            "1.3.6.1.2.1.17.7.1.4.3.1.4.203 x 1000000000000000",
            "1.3.6.1.2.1.17.7.1.4.3.1.4.10 x eff0000000000000",
            "1.3.6.1.2.1.17.7.1.4.3.1.2.10 x eff0000000000000",
            "1.3.6.1.2.1.17.7.1.4.5.1.1.4 u 203",
        ]
        assert [".".join(map(str, oid)) for oid, _ in agent.sets[0]] == [
            line.split()[0] for line in prepared.plan.lines()
        ]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    targets=st.dictionaries(st.integers(1, 12), st.sampled_from([10, 20, 203]), min_size=1, max_size=8),
    start=st.lists(st.sampled_from([10, 20, 203]), min_size=12, max_size=12),
    kind=st.sampled_from(sorted(KINDS)),
    length=st.integers(2, 40),
)
def test_many_moves_at_once_end_where_they_should(
    targets: dict[int, int], start: list[int], kind: str, length: int
) -> None:
    bridge = Bridge.of(12, (1, 10, 20, 203))
    for port, vlan in enumerate(start, 1):
        bridge.vlans[10].egress.discard(port)
        bridge.vlans[10].untagged.discard(port)
        bridge.vlans[vlan].egress.add(port)
        bridge.vlans[vlan].untagged.add(port)
        bridge.pvid[port] = vlan
    with QBridgeAgent(bridge, replace(KINDS[kind][0], length=length)) as agent:
        move(agent, *(Move(f"swp{port}", vlan) for port, vlan in targets.items()))
        for port in bridge.ports:
            vlan = targets.get(port, start[port - 1])
            assert in_vlan(agent.bridge, port) == (vlan, {vlan}, {vlan})


def test_twenty_ports_take_one_write_a_vlan() -> None:
    with QBridgeAgent(Bridge.of(24)) as agent:
        move(agent, *(Move(f"swp{port}", 203) for port in range(1, 21)))
        lists = [oid for request in agent.sets for oid, _ in request if oid[-3:-1] in ((1, 2), (1, 4))]
        assert len(lists) == 4
        assert all(in_vlan(agent.bridge, port) == MOVED for port in range(1, 21))


def test_half_way_refused_the_old_state_is_back() -> None:
    bridge = Bridge.of(12)
    quirks = Quirks(deaf_after=2)
    with QBridgeAgent(bridge, quirks) as agent:

        async def whole() -> None:
            switch = switch_on(agent, SnmpRules(orders=("single",)))
            prepared = await prepare(switch, [Move("swp4", 203)])
            apply = switch.apply

            async def failing(plan: Any) -> None:
                try:
                    await apply(plan)
                finally:
                    quirks.deaf_after = -1

            switch.apply = failing  # type: ignore[method-assign]
            with pytest.raises(Refused, match=r"commitFailed.*swp4 put back as before"):
                await carry_out(switch, prepared)
            await switch.close()

        asyncio.run(whole())
        assert in_vlan(agent.bridge, 4) == BEFORE


def test_interrupted_half_way_the_old_state_is_back() -> None:
    with QBridgeAgent(Bridge.of(12)) as agent:

        async def whole() -> None:
            switch = switch_on(agent, SnmpRules(orders=("single",)))
            prepared = await prepare(switch, [Move("swp4", 203)])
            apply, half_way, calls = switch.apply, asyncio.Event(), 0

            async def stopping(plan: Any) -> None:
                nonlocal calls
                calls += 1
                if calls > 1:
                    await apply(plan)
                    return
                await apply(replace(plan, steps=plan.steps[:2]))
                half_way.set()
                await asyncio.sleep(60)

            switch.apply = stopping  # type: ignore[method-assign]
            change = asyncio.ensure_future(carry_out(switch, prepared))
            await half_way.wait()
            assert in_vlan(agent.bridge, 4) != BEFORE
            change.cancel()
            with pytest.raises(asyncio.CancelledError):
                await change
            await switch.close()

        asyncio.run(whole())
        assert in_vlan(agent.bridge, 4) == BEFORE


def test_a_pvid_that_lies_is_no_success() -> None:
    with QBridgeAgent(Bridge.of(12), Quirks(pvid_lies=True)) as agent:
        with pytest.raises(NotVerified, match=r"swp4 is untagged in 10, not 203.*swp4 put back as before"):
            move(agent, Move("swp4", 203), orders=("pvid",))
        assert in_vlan(agent.bridge, 4) == BEFORE


def test_a_read_only_community() -> None:
    with QBridgeAgent(Bridge.of(12)) as agent:
        with pytest.raises(Refused, match=r"noAccess.*read-only"):
            move(agent, Move("swp4", 203), snmp={"community": "public"})
        assert in_vlan(agent.bridge, 4) == BEFORE


def test_lost_packets() -> None:
    with QBridgeAgent(Bridge.of(12), Quirks(lose=4)) as agent:
        move(agent, Move("swp4", 203), snmp={"timeout": 0.1, "retries": 8})
        assert in_vlan(agent.bridge, 4) == MOVED


def test_silence() -> None:
    with QBridgeAgent(Bridge.of(12), Quirks(lose=1)) as agent, pytest.raises(Unreachable, match="no answer"):
        move(agent, Move("swp4", 203), snmp={"timeout": 0.05, "retries": 1})


def test_one_variable_a_request() -> None:
    with QBridgeAgent(Bridge.of(12), Quirks(one_variable=True)) as agent:
        _, done = move(agent, Move("swp4", 203))
        assert done is not None
        assert done.order == "single"
        assert in_vlan(agent.bridge, 4) == MOVED


def test_lists_only_of_what_is_current_are_not_written() -> None:
    with QBridgeAgent(Bridge.of(12), Quirks(current_only=True)) as agent, pytest.raises(Refused, match="not written"):
        move(agent, Move("swp4", 203))


def test_bridge_ports_are_never_taken_for_interfaces() -> None:
    with QBridgeAgent(Bridge.of(12), Quirks(no_base=True)) as agent:
        with pytest.raises(Refused, match="does not tell over SNMP"):
            move(agent, Move("swp4", 203))
        assert not agent.sets


def test_a_port_that_is_called_otherwise() -> None:
    with QBridgeAgent(Bridge.of(12)) as agent:
        with pytest.raises(NoSuchPort, match="no port called Gi9"):
            move(agent, Move("Gi9", 203))
        move(agent, Move("4", 203))
        assert in_vlan(agent.bridge, 4) == MOVED
        move(agent, Move("Port 5 of the bridge", 203))
        assert in_vlan(agent.bridge, 5) == MOVED


def test_tagged_members_and_trunks_are_refused_and_put_back_when_forcing_fails() -> None:
    bridge = Bridge.of(12)
    bridge.vlans[203].egress.add(4)
    with QBridgeAgent(bridge) as agent:
        prepared, done = move(agent, Move("swp4", 203))
        assert done is None
        assert "it carries VLAN 203 tagged" in prepared.refused["swp4"]
        agent.quirks.deaf_after = 0
        with pytest.raises(Refused):
            move(agent, Move("swp4", 203), force=True)
        assert in_vlan(agent.bridge, 4) == (10, {10}, {10, 203})
        agent.quirks.deaf_after = -1
        move(agent, Move("swp4", 203), force=True)
        assert in_vlan(agent.bridge, 4) == MOVED


def test_untagged_in_two_vlans_is_refused() -> None:
    bridge = Bridge.of(12)
    bridge.vlans[1].egress.add(4)
    bridge.vlans[1].untagged.add(4)
    with QBridgeAgent(bridge) as agent:
        prepared, _ = move(agent, Move("swp4", 203))
        assert "untagged in more than one VLAN (1,10)" in prepared.refused["swp4"][0]


def test_a_vlan_is_made_when_asked_and_gone_again_when_the_change_fails() -> None:
    with QBridgeAgent(Bridge.of(12)) as agent:
        prepared, _ = move(agent, Move("swp4", 300))
        assert prepared.refused["swp4"] == ("there is no VLAN 300 on it",)
        move(agent, Move("swp4", 300), create={300: "lab"})
        assert agent.bridge.vlans[300].name == "lab"
        assert in_vlan(agent.bridge, 4) == (300, {300}, {300})
        agent.quirks.pvid_lies, agent.quirks.first_only = True, True
        with pytest.raises((NotVerified, Refused)):
            move(agent, Move("swp5", 301), create={301: "lab"}, orders=("join-leave",))
        assert 301 not in agent.bridge.vlans


def test_already_there_sets_nothing() -> None:
    with QBridgeAgent(Bridge.of(12)) as agent:
        prepared, done = move(agent, Move("swp4", 10))
        assert (prepared.already, done, agent.sets) == (("swp4",), None, [])


def test_a_machine_that_is_learned_elsewhere_is_refused() -> None:
    bridge = Bridge.of(12, learned={(10, "52:54:00:00:00:01"): 7, (10, "52:54:00:00:00:02"): 4})
    known = Known({"52:54:00:00:00:01": "server1:eth1", "52:54:00:00:00:02": "server2:eth0"})
    with QBridgeAgent(bridge) as agent:
        prepared, _ = move(
            agent, Move("swp4", 203, "server1:eth1", mac="52:54:00:00:00:01"), known=lambda survey: known
        )
        assert prepared.refused["swp4"] == (
            "the MAC address of server1:eth1, 52:54:00:00:00:01, is learned on swp7",
            "the MAC address of server2:eth0, 52:54:00:00:00:02, is learned on it",
        )


@pytest.mark.parametrize(("status", "again"), [(INCONSISTENT, True), (GEN_ERR, True), (NO_ACCESS, False)])
def test_which_refusals_are_worth_another_order(status: int, again: bool) -> None:
    with QBridgeAgent(Bridge.of(12), Quirks(deaf_after=0, refuse_with=status)) as agent:
        with pytest.raises(DeviceError, match=rf"127\.0\.0\.1:{agent.port}: "):
            move(agent, Move("swp4", 203))
        # Each order once, and once more while putting back, where there is something to put back.
        assert (len(agent.sets) > 1) is again
