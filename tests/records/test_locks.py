"""Locks on devices, on each database."""

from __future__ import annotations

import threading
import time

import pytest

from clusto_core.errors import Refused
from clusto_core.inventory import Inventory
from clusto_core.model.things import Thing
from clusto_core.records.locks import Locks


@pytest.fixture
def switches(inventory: Inventory) -> list[Thing]:
    with inventory.change() as change:
        return [change.add("Switch", name) for name in ("switch1", "switch2")]


def test_one_command_at_a_time(inventory: Inventory, switches: list[Thing]) -> None:
    one, other = Locks(inventory.settings), Locks(inventory.settings)
    with one.on(switches, wait=0):
        with pytest.raises(Refused, match=r"switch2 is being changed by .*@.* \(process \d+\); its lock ends"):
            other.take(switches[1:], wait=0)
        one.take(switches, wait=0)
        one.renew(switches)
    other.take(switches, wait=0)
    other.release()


def test_all_or_none(inventory: Inventory, switches: list[Thing]) -> None:
    one, other, third = (Locks(inventory.settings) for _ in range(3))
    one.take(switches[:1], wait=0)
    with pytest.raises(Refused):
        other.take(switches, wait=0)
    third.take(switches[1:], wait=0)


def test_a_lock_that_is_left_behind_ends_by_itself(inventory: Inventory, switches: list[Thing]) -> None:
    dead, other = Locks(inventory.settings, seconds=0.2), Locks(inventory.settings)
    dead.take(switches, wait=0)
    time.sleep(0.25)
    other.take(switches, wait=0)
    with pytest.raises(Refused, match="locked too long"):
        dead.renew(switches)
    dead.release()
    with pytest.raises(Refused):
        Locks(inventory.settings).take(switches, wait=0)


def test_waiting_for_the_other(inventory: Inventory, switches: list[Thing]) -> None:
    one, other = Locks(inventory.settings), Locks(inventory.settings)
    one.take(switches, wait=0)
    timer = threading.Timer(0.3, one.release)
    timer.start()
    other.take(switches, wait=20)
    timer.join()


def test_only_one_of_many_at_once(inventory: Inventory, switches: list[Thing]) -> None:
    inside, most, done = 0, 0, []
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with Locks(inventory.settings).on(switches, wait=30):
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with guard:
                inside -= 1
        done.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, len(done)) == (1, 4)
