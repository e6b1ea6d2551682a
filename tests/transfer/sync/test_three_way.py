"""What people here changed, what the source changed, and both: who has it in the end, and what is told."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.errors import Malformed, Refused
from clusto_core.inventory import Inventory
from clusto_core.model.origins import Origin
from clusto_core.records.integrity import problems
from clusto_core.records.revert import revert
from clusto_core.records.sources import Ledger, summaries
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sources.protocol import gone, same, whole
from clusto_core.transfer.sync.merging import Verdict, several, single
from tests.transfer.sync.sites import Fake, State, exported, site, sync


@pytest.fixture
def synced(sqlite_url: str) -> Inventory:
    """An inventory that was in step with the site."""
    inventory = Inventory(Settings(sqlite_url))
    assert sync(inventory, site()).in_step
    return inventory


# --- one value -------------------------------------------------------------------------------------------------------


def test_a_single_value_has_one_of_four_verdicts() -> None:
    """Every combination of three values and none, against the definition."""
    for base, said, here in itertools.product(("a", "b", "c", None), repeat=3):
        verdict = single(base, said, here, "")
        if said == here:
            assert verdict is Verdict.SETTLED
        elif said == base:
            assert verdict is (Verdict.KEEP if said is not None else Verdict.SETTLED)
        elif here == base:
            assert verdict is Verdict.TAKE
        else:
            assert verdict is Verdict.CONFLICT
            assert single(base, said, here, "source") is Verdict.TAKE
            assert single(base, said, here, "here") is Verdict.KEEP


@pytest.mark.parametrize(
    ("base", "said", "here", "wanted"),
    [
        ("xy", "y", "xy", "y"),
        ("xy", "y", "xyz", "yz"),
        ("xy", "xyz", "y", "yz"),
        ("x", "xy", "xz", "xzy"),
        ("", "xy", "z", "zxy"),
        ("xy", "", "xyz", "z"),
    ],
)
def test_several_values_are_merged_one_by_one(base: str, said: str, here: str, wanted: str) -> None:
    """What each side added and took out goes together."""
    merged = several(tuple(base), tuple(said), tuple(here), "")
    assert merged == (Verdict.TAKE, tuple(wanted))


# --- the inventory ---------------------------------------------------------------------------------------------------


def _here(inventory: Inventory, *words: Any) -> None:
    with inventory.change("by hand") as change:
        for method, *arguments in words:
            getattr(change, method)(*arguments)


LOCAL: dict[str, tuple[tuple[Any, ...], str, Any]] = {
    "value": (("set_values", "srv1", "status", "broken"), "status", {"attrs": {"status": "staged"}}),
    "emptied here": (("delete_values", "srv1", "status"), "status", {"attrs": {"status": "staged"}}),
    "part value": (
        ("set_values", "srv1:eth0", "label", "two"), "label", {"part_attrs": {"eth0": {"label": "three"}}},
    ),
    "position": (("move", "srv1", "R2:RU4"), "position", {"at": "R2:RU7"}),
    "name": (("rename", "srv1", "mine"), "name", {"name": "theirs"}),
}  # fmt: skip
"""What somebody does here, the word that tells it, and what the source says instead."""


def _with(state: State, change: dict[str, Any]) -> State:
    for key, content in change.items():
        state["s1"][key] = {**state["s1"][key], **content} if isinstance(content, dict) else content
    return state


@pytest.mark.parametrize("kind", LOCAL)
def test_what_only_people_changed_stays_and_is_told(kind: str, synced: Inventory) -> None:
    """Also while the source changes something else of the Thing."""
    words, told, _ = LOCAL[kind]
    _here(synced, words)
    before = exported(synced)
    for state in (site(), _with(site(), {"attrs": {"asset": "17"}})):
        report = sync(synced, state)
        assert report.in_step
        assert [told in each.text for each in report.kept] == [True]
    [thing] = [name for name, data in exported(synced).items() if data.get("attrs", {}).get("serial") == "A1"]
    now = exported(synced)
    now[thing]["attrs"].pop("asset")
    assert now == before


@pytest.mark.parametrize("kind", LOCAL)
def test_what_both_changed_is_a_conflict_of_that_thing_alone(kind: str, synced: Inventory) -> None:
    """It is held back wholly, told every time, and others go in; then either side may win."""
    words, told, theirs = LOCAL[kind]
    _here(synced, words)
    before = exported(synced)
    state = _with(site(), {**theirs, "attrs": {"asset": "17", **theirs.get("attrs", {})}})
    state["s2"]["attrs"]["status"] = "staged"
    for _ in range(2):
        report = sync(synced, state)
        assert [told in each.text for each in report.conflicts] == [True]
        assert not report.held
    now = exported(synced)
    assert now["srv2"]["attrs"].pop("status") == "staged"
    before["srv2"]["attrs"].pop("status")
    assert now == before
    assert sync(synced, state, prefer="here").in_step
    after = sync(synced, state)
    assert after.in_step
    assert [told in each.text for each in after.kept] == [True]


@pytest.mark.parametrize("kind", LOCAL)
def test_the_source_may_be_preferred(kind: str, synced: Inventory, tmp_path: Any) -> None:
    """Then the inventory is the source's."""
    words, _, theirs = LOCAL[kind]
    _here(synced, words)
    state = _with(site(), theirs)
    assert sync(synced, state, prefer="source").in_step
    fresh = Inventory(Settings(f"sqlite:///{tmp_path}/fresh.db"))
    sync(fresh, state)
    assert exported(synced) == exported(fresh)
    assert sync(synced, state).kept == []


def test_cables_laid_here_are_kept_or_in_conflict(synced: Inventory) -> None:
    """A cable of the source that somebody moved stays moved; a new one to a port that is in use here is a conflict."""
    _here(synced, ("disconnect", "srv1:eth0"), ("connect", "srv1:eth0", "sw1:Gi3"))
    report = sync(synced, site())
    assert [each.text for each in report.kept] == ["the cable of eth0 is to sw1:Gi3 here, to sw1:Gi1 in site"]
    state = site()
    state["s2"]["connect"] = {"eth0": "sw1:Gi3"}
    report = sync(synced, state)
    assert [each.name for each in report.conflicts] == ["srv2"]
    assert exported(synced)["srv2"]["connect"] == {"eth0": "sw1:Gi2"}
    assert sync(synced, state, prefer="source").in_step
    assert exported(synced)["srv2"]["connect"] == {"eth0": "sw1:Gi3"}


def test_what_was_removed_here_is_not_made_again(synced: Inventory) -> None:
    """It is told, until the source has it no more."""
    _here(synced, ("delete_values", "srv1", "peer"), ("remove", "srv2"))
    state = site()
    del state["s1"]["attrs"]["peer"]
    report = sync(synced, state)
    assert report.in_step
    assert [(each.name, each.text) for each in report.kept] == [("srv2", "removed here, and still in site")]
    assert "srv2" not in exported(synced)
    del state["s2"]
    report = sync(synced, state)
    assert (report.kept, report.gone) == ([], [])


# --- what the source has no more -------------------------------------------------------------------------------------


def test_what_the_source_deleted_is_marked_and_takes_up_nothing(synced: Inventory) -> None:
    """Its units, ports and addresses are free, and it is listed until it is pruned, or comes back."""
    state = site()
    del state["s2"]
    del state["s1"]["attrs"]["peer"]
    for _ in range(2):
        report = sync(synced, state)
        assert (report.in_step, report.gone) == (True, ["srv2"])
    found = exported(synced)["srv2"]
    assert not {"at", "connect", "ip"} & found.keys()
    with synced.read() as reader:
        marks = [each for each in reader.attributes(reader.resolve("srv2").id) if each.key.key == "_gone"]
    assert [mark.value.type for mark in marks] == ["datetime"]
    assert sync(synced, site()).gone == []
    assert exported(synced)["srv2"]["at"] == "R1:RU11"
    sync(synced, state)
    report = sync(synced, state, prune=True)
    assert (report.gone, report.removed) == ([], ["srv2"])
    assert "srv2" not in exported(synced)


def test_what_others_hang_on_is_not_pruned(synced: Inventory) -> None:
    """It is told why; the others go."""
    _here(synced, ("add", "Server", "mine"), ("put", "mine", "R2"))
    state = site()
    del state["r2"], state["dc2"]
    report = sync(synced, state, prune=True)
    assert [(each.name, "mine" in each.text) for each in report.held] == [("R2", True)]
    assert (report.removed, report.gone) == (["DC2"], ["R2"])
    assert sorted(exported(synced)["mine"]["in"]) == ["R2"]


def test_what_is_protected_is_only_marked(synced: Inventory) -> None:
    """No sync takes it out, or frees what it is wired to."""
    _here(synced, ("set_values", "srv2", "protected", True))
    state = site()
    del state["s2"], state["s1"]["attrs"]["peer"]
    report = sync(synced, state, prune=True)
    assert [(each.name, each.text) for each in report.held] == [("srv2", "srv2 is protected")]
    assert exported(synced)["srv2"]["at"] == "R1:RU11"


def test_an_empty_source_is_refused(synced: Inventory) -> None:
    """It is broken rather than empty."""
    with pytest.raises(Refused, match="says nothing of any object, and had 9"):
        sync(synced, {})


# --- what breaks a rule ----------------------------------------------------------------------------------------------


def _name_taken(state: State) -> None:
    state["s1"]["name"] = "R2"


def _no_such_unit(state: State) -> None:
    state["s1"]["at"] = "R1:RU30"


def _misfit(state: State) -> None:
    state["s1"]["connect"] = {"psu1": "sw1:Gi1"}


def _taken_address(state: State) -> None:
    state["s1"]["ip"] = [{"eth0": ["10.0.0.2"]}]


def _nowhere(state: State) -> None:
    state["s1"]["in"] = ["nothing"]


def _bad_value(state: State) -> None:
    state["s1"]["part_attrs"]["eth0"]["mac"] = "not a mac"


def _malformed(state: State) -> None:
    state["s1"]["attrs"]["a b"] = 1


def _case(state: State) -> None:
    state["s1"]["attrs"]["Status"] = "x"


@pytest.mark.parametrize(
    "broken", [_name_taken, _no_such_unit, _misfit, _taken_address, _nowhere, _bad_value, _malformed, _case]
)
def test_a_thing_that_breaks_a_rule_is_held_back_alone(broken: Any, synced: Inventory) -> None:
    """Nothing of it goes in, what else changed does; once the source is right, so is it."""
    before = exported(synced)["srv1"]
    state = site()
    broken(state)
    state["s1"]["attrs"]["asset"] = "17"
    state["s3"] = {"name": "srv3", "driver": "Server"}
    report = sync(synced, state)
    assert [each.name for each in (*report.held, *report.conflicts)] == ["srv1"]
    assert report.added == ["srv3"]
    assert exported(synced)["srv1"] == before
    assert sync(synced, {**site(), "s3": state["s3"]}).in_step
    with synced.read() as reader:
        assert list(problems(reader)) == []


def test_what_needs_something_that_is_held_back_waits_for_it(synced: Inventory) -> None:
    """A new rack that cannot be, and what stands in it."""
    state = site()
    state["r3"] = {"name": "R3", "driver": "Rack", "in": ["nowhere"]}
    state["s3"] = {"name": "srv3", "driver": "Server", "at": "R3:RU1"}
    state["s4"] = {"name": "srv4", "driver": "Server", "connect": {"eth0": "srv3:eth0"}}
    report = sync(synced, state)
    assert sorted(each.name for each in report.held) == ["R3", "srv3", "srv4"]
    state["r3"]["in"] = ["DC"]
    assert sorted(sync(synced, state).added) == ["R3", "srv3", "srv4"]


# --- who is who ------------------------------------------------------------------------------------------------------


def test_a_name_that_clusto_gave_stays(synced: Inventory) -> None:
    """While the source calls the object the same, whatever name would be given now."""
    state = site()
    state["s3"] = {"name": "DC2-srv1", "called": "srv1", "driver": "Server"}
    assert sync(synced, state).added == ["DC2-srv1"]
    state["s3"]["name"] = "srv1-17"
    state["s3"]["attrs"] = {"asset": "1"}
    state["s1"]["attrs"]["peer"] = {"ref": "srv1-17"}
    assert sync(synced, state).in_step
    assert exported(synced)["srv1"]["attrs"]["peer"] == {"ref": "DC2-srv1"}
    state["s3"] |= {"name": "srv3", "called": "srv3"}
    state["s1"]["attrs"]["peer"] = {"ref": "srv3"}
    assert sync(synced, state).in_step
    assert exported(synced)["srv1"]["attrs"]["peer"] == {"ref": "srv3"}


@pytest.mark.parametrize("found_by", ["serial", "mac", "name"])
def test_what_is_here_already_is_found(found_by: str, sqlite_url: str) -> None:
    """By serial number, by a MAC, by name; what differs is in conflict until somebody says who is right."""
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        change.add("Server", "srv1" if found_by == "name" else "old", attributes={"owner": "ann"})
        if found_by == "serial":
            change.set_values("old", "serial", "A1")
        if found_by == "mac":
            change.set_values("old:eth0", "mac", "52:54:00:00:00:01")
    report = sync(inventory, site(), prefer="source")
    assert report.in_step
    assert "srv1" not in report.added
    assert exported(inventory)["srv1"]["attrs"]["owner"] == "ann"
    assert "old" not in exported(inventory)


def test_a_serial_number_that_many_have_is_nobodys(sqlite_url: str) -> None:
    """`N/A` says nothing."""
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        change.add("Server", "old", attributes={"serial": "N/A"})
    state: State = {str(n): {"name": f"s{n}", "driver": "Server", "attrs": {"serial": "N/A"}} for n in range(2)}
    assert sorted(sync(inventory, state).added) == ["s0", "s1"]


def test_two_sources_know_one_thing(synced: Inventory) -> None:
    """Each takes out only what it said itself."""
    other: State = {"x": {"name": "srv1", "attrs": {"rack_note": "top"}}}
    assert sync(synced, other, name="other").in_step
    with synced.read() as reader:
        every = reader.attributes(reader.resolve("srv1").id)
    assert {str(each.key): each.value.text for each in every if each.key.key == "_source"} == {
        "_source.site": "device:s1",
        "_source.other": "device:x",
    }
    assert sync(synced, site()).kept == []
    assert sync(synced, {"x": {"name": "srv1"}}, name="other").in_step
    assert "rack_note" not in exported(synced)["srv1"]["attrs"]
    assert exported(synced)["srv1"]["attrs"]["status"] == "active"


def test_keys_may_be_others_here(sqlite_url: str) -> None:
    """And may be left out; a mapping that changed is heeded though the source did not change."""
    inventory = Inventory(Settings(sqlite_url))
    sync(inventory, site(), mapping={"status": "state", "ta*": ""})
    assert exported(inventory)["srv1"]["attrs"].keys() == {"state", "serial", "height", "peer"}
    sync(inventory, site())
    assert exported(inventory)["srv1"]["attrs"].keys() == {"status", "tag", "serial", "height", "peer"}


# --- a source that does not read everything --------------------------------------------------------------------------


class Feed(Fake):
    """A source that says what changed: whole objects, those that are the same, and those that are gone."""

    complete = False

    def __init__(self, *documents: Document) -> None:
        super().__init__({})
        self.documents = documents

    def read(self, last: Any, progress: Any) -> Any:
        """What it was made with."""
        self.state = f"{last.state}."
        yield from self.documents


def test_a_change_feed_says_only_what_changed(synced: Inventory) -> None:
    """What it does not speak of stays; names mean what they meant; what it says is gone is gone."""
    data = {**site()["s1"], "at": "R2:RU1", "attrs": {"status": "staged", "peer": {"ref": "srv2"}}}
    data.pop("part_ids")
    feed = Feed(whole(data, Origin("device", "s1")), same(Origin("device", "s2")), gone(Origin("device", "dc2")))
    report = sync(synced, {}, source=feed)
    assert (report.in_step, report.gone, report.objects) == (True, ["DC2"], 2)
    found = exported(synced)["srv1"]
    assert (found["at"], found["connect"], found["attrs"]["status"]) == ("R2:RU1", {"eth0": "sw1:Gi1"}, "staged")
    assert sync(synced, {}, source=Feed()).in_step
    with synced.read() as reader:
        [summary] = summaries(reader.database)
    assert summary.state.endswith("\n..")


# --- the history -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prune", [False, True])
def test_an_undone_sync_is_one_that_never_was(prune: bool, synced: Inventory) -> None:
    """And the next one brings it all again."""
    before = exported(synced)
    state = site()
    state["s1"]["name"], state["s1"]["driver"] = "srv9", "Appliance"
    state["s1"]["at"] = "R2:RU2"
    state["s1"]["part_ids"] = {"eth1": 21, "eth0": 22}
    state["s3"] = {"name": "srv3", "driver": "Server", "connect": {"eth0": "sw1:Gi3"}}
    del state["s2"], state["s1"]["attrs"]["peer"]
    done = sync(synced, state, prune=prune)
    assert done.in_step
    after = exported(synced)
    with synced.change("clusto revert", reverts=done.transaction) as change:
        revert(change.unit, done.transaction or 0)
    assert exported(synced) == before
    with synced.read() as reader:
        assert list(problems(reader)) == []
    again = sync(synced, state, prune=prune)
    assert again.in_step
    assert again.added == ["srv3"]
    assert exported(synced) == after
    assert sync(synced, state, prune=prune).changed == 0


def test_a_source_that_dies_half_way_leaves_everything(synced: Inventory) -> None:
    """And how it ended is kept."""
    before = exported(synced)
    state = site()
    state["dc"]["name"] = "Main"
    with pytest.raises(ConnectionResetError):
        sync(synced, state, source=Fake(state, dies="s1"))
    assert exported(synced) == before
    with synced.read() as reader:
        [summary] = summaries(reader.database)
    assert (summary.outcome, summary.message) == ("failed", "ConnectionResetError")


def test_an_interrupt_leaves_everything(synced: Inventory) -> None:
    """In the middle of what is read."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(synced, {}, source=Fake({"x": {"name": "x", "driver": "Server"}}, then=interrupt))
    assert "x" not in exported(synced)


def test_two_syncs_of_one_source_at_once(inventory: Inventory) -> None:
    """The later one finds that what it read against is not there any more."""
    sync(inventory, site())
    state = {**site(), "s3": {"name": "srv3", "driver": "Server"}}
    inner = Fake({**state, "s4": {"name": "srv4", "driver": "Server"}}, then=lambda: None)
    outer = Fake(state, then=lambda: sync(inventory, {}, source=inner) and None)
    with pytest.raises(Refused, match="another sync of site was done meanwhile"):
        sync(inventory, {}, source=outer)
    assert "srv4" in exported(inventory)


def test_a_dry_run_leaves_no_trace(synced: Inventory) -> None:
    """Neither in the inventory nor in what is remembered."""
    before = exported(synced)
    state = site()
    state["s1"]["name"] = "srv9"
    assert sync(synced, state, dry_run=True).changed > 0
    assert exported(synced) == before
    with synced.read() as reader:
        assert Ledger(reader.database, "site").objects[Origin("device", "s1")].name == "srv1"


def test_a_sync_is_a_change_of_its_own(synced: Inventory) -> None:
    """What else was done in the transaction could not be told from it."""
    with synced.change() as change:
        change.add("Server", "mine")
        with pytest.raises(Refused, match="a change of its own"):
            sync(synced, site())


def test_what_is_said_of_no_object_ends_the_sync(synced: Inventory) -> None:
    """It cannot be held back."""
    with pytest.raises(Malformed, match="has no identity"):
        sync(synced, {}, source=Feed(Document("x", "state", 3, "Server")))


def test_on_every_database(inventory: Inventory) -> None:
    """There, back, pruned and undone."""
    sync(inventory, site())
    before = exported(inventory)
    state = site()
    state["s1"]["name"], state["s2"]["name"] = "srv2", "srv1"
    state["s1"]["attrs"]["peer"] = {"ref": "srv1"}
    state["s1"]["at"], state["s2"]["at"] = state["s2"]["at"], state["s1"]["at"]
    state["dc"]["name"] = "Main"
    for id in ("r1", "r2"):
        state[id]["in"] = ["Main"]
    state["sw"]["driver"] = "Router"
    state["sw"]["name"] = "sw9"
    for id, port in (("s1", "Gi3"), ("s2", "Gi2")):
        state[id]["connect"] = {"eth0": f"sw9:{port}"}
    del state["dc2"]
    done = sync(inventory, state, prune=True)
    assert (done.in_step, done.removed) == (True, ["DC2"])
    assert sync(inventory, state).changed == 0
    with inventory.read() as reader:
        assert list(problems(reader)) == []
    with inventory.change("clusto revert", reverts=done.transaction) as change:
        revert(change.unit, done.transaction or 0)
    assert exported(inventory) == before
    assert sync(inventory, site()).in_step
    assert exported(inventory) == before
