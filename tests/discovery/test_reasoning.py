"""What follows from evidence, and above all what does not: in no room is a cable proposed that is none."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from clusto_cli.discovery.entities import Newcomer
from clusto_cli.discovery.evidence import (
    Banner,
    Controller,
    Evidence,
    Found,
    Heard,
    HostKey,
    Identity,
    Label,
    Learned,
    Lease,
    Machine,
    Resolved,
    Surveyed,
)
from clusto_cli.discovery.known import Item, Known, Part
from clusto_cli.discovery.proposal import documents, merged, words
from clusto_cli.discovery.reasoning import Line, Reasoned, reason
from clusto_cli.discovery.telling import yaml_text
from clusto_core.answers.hardware import Said, SaidPort
from clusto_core.transfer.evidence import Confidence
from clusto_core.transfer.formats import yaml
from tests.discovery.rooms import Room, recorded, rooms, shown

ONE, TWO, THREE = (f"3c:ec:ef:00:00:0{number}" for number in (1, 2, 3))


def numbered(newcomers: Sequence[Newcomer], spoken_of: frozenset[str]) -> list[str]:
    """Names that no room has, so that a machine is known by its addresses alone."""
    return [f"new{place}" for place in range(len(newcomers))]


def cables(room: Room, reasoned: Reasoned) -> set[frozenset[str]]:
    """The cables that are likely or sure; a newcomer's card is the one with its address."""
    cards = {card.mac: f"{host.name}:{card.name}" for host in room.hosts for card in host.cards}
    macs = {f"{line.thing}:{line.path[1]}": str(line.said) for line in reasoned.lines if line.path[0] == "part_attrs"}
    found = set()
    for line in reasoned.lines:
        if line.path[0] == "connect" and line.confidence is not Confidence.POSSIBLE:
            end = f"{line.thing}:{line.path[1]}"
            known = cards.get(macs.get(end, ""), end) if line.thing.startswith("new") else end
            found.add(frozenset((known, str(line.said))))
    return found


@given(rooms())
@settings(max_examples=60, deadline=None)
def test_no_room_has_a_cable_proposed_that_is_none(room: Room) -> None:
    reasoned = reason(shown(room), recorded(room))
    assert cables(room, reasoned) <= room.cables
    macs = {f"{host.name}:{card.name}": card.mac for host in room.hosts for card in host.cards}
    for line in reasoned.lines:
        if line.path[-1] == "mac" and line.confidence is not Confidence.POSSIBLE:
            assert line.said == macs[f"{line.thing}:{line.path[1]}"]


@given(rooms())
@settings(max_examples=60, deadline=None)
def test_newcomers_are_on_the_port_that_their_card_is_on(room: Room) -> None:
    behind = {each for macs in room.dumb.values() for each in macs}
    guests = {each for host in room.hosts for each in host.guests}
    reasoned = reason(shown(room), recorded(room), numbered)
    ports = {card.mac: f"{card.at}:{card.port}" for host in room.hosts for card in host.cards}
    far = {f"{line.thing}:{line.path[1]}": line for line in reasoned.lines if line.path[0] == "connect"}
    for line in reasoned.lines:
        if line.path[-1] == "mac" and far[end := f"{line.thing}:{line.path[1]}"].confidence is not Confidence.POSSIBLE:
            assert line.said not in behind
            # The frames of virtual machines come from one port too, and of a bond from its other card.
            if line.said not in guests and not any(host.bonded for host in room.hosts):
                assert far[end].said == ports[str(line.said)]


@given(rooms())
@settings(max_examples=60, deadline=None)
def test_no_end_is_in_two_cables_and_no_line_is_of_what_is_recorded(room: Room) -> None:
    known = recorded(room)
    lines = reason(shown(room), known, numbered).lines
    ends = [end for line in lines if line.path[0] == "connect" for end in (f"{line.thing}:{line.path[1]}", line.said)]
    assert len(ends) == len(set(map(str, ends)))
    for line in lines:
        if line.path[0] == "part_attrs" and (part := known.part(f"{line.thing}:{line.path[1]}")) is not None:
            assert not (line.path[2] == "mac" and part.mac)


@given(rooms())
@settings(max_examples=60, deadline=None)
def test_what_was_proposed_is_not_proposed_again(room: Room) -> None:
    known = recorded(room)
    lines = reason(shown(room), known).lines
    assert reason(shown(room), taken(known, lines)).lines == []


def taken(known: Known, lines: Sequence[Line]) -> Known:
    """The inventory with a proposal in it."""
    said = {(f"{line.thing}:{line.path[1]}", line.path[-1]): str(line.said) for line in lines if len(line.path) == 3}
    far = {}
    for line in lines:
        if line.path[0] == "connect":
            end = f"{line.thing}:{line.path[1]}"
            far |= {end: str(line.said), str(line.said): end}
    macs = {mac: name for (name, key), mac in said.items() if key == "mac"}
    items = {}
    for item in known.items.values():
        parts = [
            part._replace(
                mac=said.get((part.name, "mac"), part.mac),
                label=said.get((part.name, "label"), part.label),
                far=far.get(part.name, ""),
                relay=known.items[far[part.name].partition(":")[0]].relay if part.name in far else False,
            )
            for part in item.parts
        ]
        items[item.name] = item._replace(parts=tuple(parts))
    return replace(known, items=items, macs={**known.macs, **macs})


# --- one thing at a time ---------------------------------------------------------------------------------------------


def switch(name: str, **parts: str) -> Item:
    """A switch with ports 1 to 4; by port (`p1`), what its cable leads to."""
    ports = [Part(f"{name}:{n}", str(n), "Port", far=parts.get(f"p{n}", "")) for n in range(1, 5)]
    return Item(name, "Switch", tuple(ports), relay=True)


def server(name: str, **macs: str) -> Item:
    """A server with these cards, psu1, psu2 and a console."""
    cards = [Part(f"{name}:{card}", card, "NIC", mac=mac) for card, mac in macs.items()]
    others = [Part(f"{name}:psu{n}", f"psu{n}", "Inlet") for n in (1, 2)]
    return Item(name, "Server", (*cards, *others, Part(f"{name}:console", "console", "SerialPort")))


def known(*items: Item, **more: dict[str, tuple[str, str]]) -> Known:
    macs = {part.mac: part.name for item in items for part in item.parts if part.mac}
    serials = {item.serial: item.name for item in items if item.serial}
    return Known(
        {item.name: item for item in items}, {item.name: item.name for item in items}, serials, {}, macs, **more
    )


def told(*evidence: Evidence, inventory: Known, names: object = None) -> Reasoned:
    return reason(Found(evidence), inventory, numbered if names else lambda came, spoken: [""] * len(came))


def proposed(reasoned: Reasoned) -> dict[tuple[str, ...], tuple[object, str]]:
    return {(line.thing, *line.path): (line.said, str(line.confidence)) for line in merged(reasoned.lines)[0]}


SW1 = Surveyed("sw1")


def test_an_unknown_address_on_a_port_of_a_named_switch_becomes_a_server_with_its_cable() -> None:
    lease, key = Lease("leases", "10.0.0.9", ONE, "web9"), HostKey("10.0.0.9", "10.0.0.9", "ssh-ed25519", "SHA256:x")
    found = told(SW1, Learned("sw1", "swp2", ONE), lease, key, inventory=known(switch("sw1")), names=True)
    lines = proposed(found)
    assert lines["new0", "driver"] == ("Server", "likely")
    assert lines["new0", "connect", "eth0"] == ("sw1:2", "likely")
    assert lines["new0", "part_attrs", "eth0", "mac"] == (ONE, "likely")
    seen = next(line for line in found.lines if line.path == ("connect", "eth0")).seen
    assert "lease of 10.0.0.9 in leases: web9" in seen
    assert "SSH host key SHA256:x at 10.0.0.9" in seen


def test_without_a_name_it_is_told() -> None:
    found = told(SW1, Learned("sw1", "swp2", ONE), inventory=known(switch("sw1")))
    assert not found.lines
    assert found.strangers == [f"{ONE}: {ONE} is the only address learned on sw1 swp2"]


def test_a_lease_tells_which_thing_an_address_is_of() -> None:
    seen = SW1, Learned("sw1", "swp2", ONE), Lease("leases", "10.0.0.9", ONE, "web9")
    lines = proposed(told(*seen, inventory=known(switch("sw1"), server("web9", eth0="")), names=True))
    assert lines["web9", "connect", "eth0"] == ("sw1:2", "likely")
    found = told(*seen, inventory=known(switch("sw1"), server("web9", eth0="", eth1="")), names=True)
    assert not found.lines
    assert found.remarks == [f"{ONE} is of web9, and which of its cards has it is not known: no cable"]


def test_two_that_claim_an_address_get_nothing() -> None:
    seen = SW1, Learned("sw1", "swp2", ONE), Lease("leases", "10.0.0.9", ONE, "web9")
    found = told(*seen, inventory=known(switch("sw1"), server("web8", eth0=ONE), server("web9", eth0="")), names=True)
    assert not found.lines
    assert f"{ONE} is of two machines, by its card and by its lease: no cable" in found.remarks


def test_a_name_on_an_outlet_is_not_given_to_a_stranger() -> None:
    asked: list[frozenset[str]] = []

    def names(newcomers: Sequence[Newcomer], spoken_of: frozenset[str]) -> list[str]:
        asked.append(spoken_of)
        return [""] * len(newcomers)

    seen = (SW1, Learned("sw1", "swp2", ONE), Label("pdu1", "1", "web3 PSU1"), Heard("sw1", "swp3", "web4.example.org"))
    reason(Found(seen), known(switch("sw1")), names)
    assert {"web3", "web4"} <= asked[0]


def test_lldp_alone_is_likely_and_with_the_address_sure() -> None:
    inventory = known(switch("sw1"), server("web1", eth0=ONE))
    heard = Heard("sw1", "swp2", "web1", "eth0", "eth0")
    assert proposed(told(SW1, heard, inventory=inventory))["web1", "connect", "eth0"] == ("sw1:2", "likely")
    lines = proposed(told(SW1, heard, Learned("sw1", "swp2", ONE), inventory=inventory))
    assert lines["web1", "connect", "eth0"] == ("sw1:2", "sure")
    assert lines["sw1", "part_attrs", "2", "label"] == ("swp2", "sure")


def test_a_card_that_is_heard_on_one_port_and_learned_on_another_has_no_cable() -> None:
    inventory = known(switch("sw1"), server("web1", eth0=ONE))
    seen = Heard("sw1", "swp2", "web1", "eth0"), Learned("sw1", "swp3", ONE)
    found = told(SW1, *seen, inventory=inventory)
    assert not found.lines
    assert "seen in several places" in found.remarks[0]


def test_switches_are_joined_where_each_hears_the_other() -> None:
    inventory = known(switch("sw1"), switch("sw2"))
    there, back = (
        Heard("sw1", "swp4", "sw2", "swp3", passes_on=True),
        Heard("sw2", "swp3", "sw1", "swp4", passes_on=True),
    )
    lines = proposed(told(SW1, Surveyed("sw2"), there, back, inventory=inventory))
    assert lines["sw1", "connect", "4"] == ("sw2:3", "sure")
    one = told(SW1, Surveyed("sw2"), there, Learned("sw2", "swp3", ONE), inventory=inventory)
    assert not one.lines
    assert one.remarks == ["sw1 swp4 hears sw2, which does not hear it there: no cable"]


def test_recorded_cables_are_let_be_and_tell_of_addresses() -> None:
    wired = server("web1", eth0="")
    wired = wired._replace(parts=(wired.parts[0]._replace(far="sw1:2"), *wired.parts[1:]))
    inventory = known(switch("sw1", p2="web1:eth0"), wired)
    lines = proposed(told(SW1, Learned("sw1", "swp2", ONE), inventory=inventory, names=True))
    assert lines == {
        ("web1", "part_attrs", "eth0", "mac"): (ONE, "likely"),
        ("sw1", "part_attrs", "2", "label"): ("swp2", "likely"),
    }
    other = Heard("sw1", "swp2", "web2", "eth0")
    assert not told(SW1, other, inventory=known(switch("sw1", p2="web1:eth0"), wired, server("web2", eth0=""))).lines


def test_labels_and_banners() -> None:
    pdu = Item("pdu1", "PDU", tuple(Part(f"pdu1:{n}", str(n), "Outlet") for n in (1, 2, 3)))
    consoles = Item("cs1", "ConsoleServer", (Part("cs1:1", "1", "ConsolePort"),))
    labels = {"web1 psu2": ("web1", "web1:psu2"), "web1": ("web1", "")}
    inventory = known(pdu, consoles, server("web1", eth0=""), labels=labels)
    seen = (
        Label("pdu1", "1", "web1 psu2", "pdu1:1"),
        Label("pdu1", "2", "web1", "pdu1:2"),
        Banner("cs1", "cs1:1", "web1"),
    )
    found = told(*seen, inventory=inventory)
    assert proposed(found) == {
        ("web1", "connect", "psu2"): ("pdu1:1", "likely"),
        ("web1", "connect", "console"): ("cs1:1", "likely"),
    }
    assert found.remarks == ["pdu1 2 is labelled 'web1', which says no one inlet"]
    twice = told(*seen, Label("pdu1", "3", "web1 psu2", "pdu1:3"), inventory=inventory)
    assert ("web1", "connect", "psu2") not in proposed(twice)


def test_a_label_that_names_another_machine_is_told() -> None:
    pdu = Item("pdu1", "PDU", (Part("pdu1:1", "1", "Outlet", far="web1:psu1"),))
    inventory = known(pdu, server("web1"), server("web2"), labels={"web2": ("web2", ""), "web1 a": ("web1", "")})
    found = told(Label("pdu1", "1", "web2", "pdu1:1"), inventory=inventory)
    assert found.contradictions == ["web1:psu1 -> pdu1:1: contradicted (its label is 'web2')"]
    assert not told(Label("pdu1", "1", "web1 a", "pdu1:1"), inventory=inventory).contradictions


def test_serial_numbers() -> None:
    inventory = known(switch("sw1"), switch("sw2")._replace(serial="B"))
    first = Identity("sw1", "10.0.0.1", "sw1", "A")
    assert proposed(told(first, inventory=inventory)) == {("sw1", "attrs", "serial"): ("A", "sure")}
    same = told(first, Identity("sw2", "10.0.0.2", "sw2", "A"), inventory=inventory)
    assert same.contradictions == ["sw2 serial: B is recorded, the device says A"]
    assert not told(Identity("sw1", "10.0.0.1", "sw1", "N/A"), inventory=inventory).lines
    moved = told(Identity("sw1", "10.0.0.1", "sw1", "B"), inventory=inventory)
    assert moved.contradictions == ["sw1 serial: the device says B, which is recorded of sw2"]


def test_a_controller_makes_one_machine_of_its_cards() -> None:
    said = Said(serial="S1", ports=[SaidPort(("NIC1",), (ONE,)), SaidPort(("NIC2",), (TWO,))])
    machine = Machine("10.1.0.9", "10.1.0.9", said)
    seen = SW1, machine, Learned("sw1", "swp1", ONE), Learned("sw1", "swp2", TWO), Learned("sw1", "swp3", THREE)
    lines = proposed(told(*seen, inventory=known(switch("sw1")), names=True))
    assert lines["new0", "connect", "NIC1"] == ("sw1:1", "likely")
    assert lines["new0", "connect", "NIC2"] == ("sw1:2", "likely")
    assert lines["new0", "attrs", "bmc.host"] == ("10.1.0.9", "sure")
    assert lines["new0", "parts"] == ({"nic": ["NIC1", "NIC2"]}, "sure")
    assert lines["new0", "part_attrs", "NIC2", "mac"] == (TWO, "sure")
    assert lines["new1", "connect", "eth0"] == ("sw1:3", "likely")


def test_a_controller_is_no_machine() -> None:
    seen = SW1, Learned("sw1", "swp2", ONE), Controller("10.1.0.9", "10.1.0.9"), Resolved("gw", "10.1.0.9", ONE)
    found = told(*seen, inventory=known(switch("sw1")), names=True)
    assert not found.lines
    assert found.remarks == [f"{ONE} is a management controller's: which machine's is not known, no cable"]


def test_addresses_that_are_nobodys_card() -> None:
    for each in ("01:00:5e:00:00:01", "00:00:5e:00:01:05", "00:00:0c:07:ac:01", "ff:ff:ff:ff:ff:ff"):
        assert not told(SW1, Learned("sw1", "swp2", each), inventory=known(switch("sw1")), names=True).lines


def test_one_that_passes_on_frames_is_no_server() -> None:
    heard = Heard("sw1", "swp2", "closet", "1", chassis=ONE, passes_on=True)
    found = told(SW1, heard, Learned("sw1", "swp2", TWO), inventory=known(switch("sw1")), names=True)
    assert not found.lines
    assert found.remarks == ["sw1 swp2 hears closet, which passes on frames of others and is not in the inventory"]


def test_what_devices_say_moves_no_cursor_and_cannot_be_said_twice() -> None:
    lines = [
        Line("web1", ("attrs", "serial"), "A\x1b[2J", Confidence.SURE, ("x",)),
        Line("web1", ("part_attrs", "eth0", "mac"), ONE, Confidence.LIKELY, ("x",)),
        Line("web1", ("part_attrs", "eth0", "mac"), ONE, Confidence.SURE, ("y",)),
        Line("web2", ("attrs", "serial"), "A", Confidence.SURE, ("x",)),
        Line("web2", ("attrs", "serial"), "B", Confidence.SURE, ("x",)),
    ]
    once, disputed = merged(lines)
    assert (once[1].thing, once[1].confidence, once[1].seen) == ("web1", Confidence.SURE, ("x", "y"))
    assert disputed == ["web2 attrs serial: A and B: nothing is proposed"]
    assert words(once[1]).startswith(f"+ web1:eth0 mac={ONE}  sure")
    found, _ = documents(once[1:])
    assert [each.name for each in found] == ["web1"]


WORDS = st.text(max_size=12) | st.sampled_from(["web1", "sw1", "swp1", "eth0", "", "web1 psu1", ONE, "\x1b[2J"])
MACS = st.sampled_from([ONE, TWO, THREE, "01:00:5e:00:00:01", "00:00:5e:00:01:05"])
AT = st.sampled_from(["sw1", "sw2", "10.0.0.1", "pdu1", "web1"])
NONSENSE = st.one_of(
    st.builds(Surveyed, AT),
    st.builds(Heard, AT, WORDS, WORDS, WORDS, WORDS, WORDS, st.none() | st.booleans()),
    st.builds(Learned, AT, WORDS, MACS),
    st.builds(Identity, AT, WORDS, WORDS, WORDS, WORDS, WORDS, st.tuples(MACS), WORDS, WORDS, st.tuples(WORDS)),
    st.builds(Lease, WORDS, WORDS, MACS, WORDS),
    st.builds(Resolved, AT, WORDS, MACS),
    st.builds(HostKey, AT, WORDS, WORDS, WORDS),
    st.builds(Label, AT, WORDS, WORDS, st.sampled_from(["pdu1:1", "pdu1:2", ""])),
    st.builds(Banner, AT, st.sampled_from(["cs1:1", "cs1:2"]), WORDS),
    st.builds(
        Machine,
        AT,
        WORDS,
        st.builds(Said, serial=WORDS, ports=st.tuples(st.builds(SaidPort, st.tuples(WORDS), st.tuples(MACS)))),
    ),
)


@given(st.lists(NONSENSE, max_size=12))
@settings(max_examples=150, deadline=None)
def test_nonsense_becomes_a_proposal_that_can_be_read_or_none(evidence: list[Evidence]) -> None:
    pdu = Item("pdu1", "PDU", tuple(Part(f"pdu1:{n}", str(n), "Outlet") for n in (1, 2)))
    consoles = Item("cs1", "ConsoleServer", (Part("cs1:1", "1", "ConsolePort"),))
    labels = {"web1 psu1": ("web1", "web1:psu1"), "web1": ("web1", "")}
    inventory = known(switch("sw1"), switch("sw2"), server("web1", eth0=ONE, eth1=""), pdu, consoles, labels=labels)
    lines, _ = merged(told(*evidence, inventory=inventory, names=True).lines)
    found, _ = documents(lines)
    text = yaml_text(found)
    assert "\x1b" not in text
    again = list(yaml.read(io.StringIO(text), "found"))
    assert [each.problems for each in again] == [()] * len(found)
    assert [each.evidence for each in again] == [each.evidence for each in found]


def test_resolved_addresses_are_told_beside() -> None:
    seen = SW1, Learned("sw1", "swp2", ONE), Resolved("gw1", "10.0.0.7", ONE)
    found = told(*seen, inventory=known(switch("sw1")), names=True)
    assert "gw1 resolves 10.0.0.7 to it" in found.lines[0].seen
