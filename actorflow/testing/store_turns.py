"""What runs did, the messages that they took, and what operators did (R48). A part of `StoreContract`."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, cast

import pytest

from actorflow.errors import InvalidState, InvalidValue, LeaseExpired, RecordNotFound
from actorflow.store import Append, RunChange, Store
from actorflow.testing.store_states import StoreClock, lost_its_lease, opened


class TurnContract:
    """Turns come one after the other, from the runtime that has the run."""

    async def test_r48_turns_are_kept_in_order(self, store: Store, one: int) -> None:
        await opened(store, "r", one)
        await opened(store, "other", one)
        for sequence in range(1, 12):
            assert await store.append("r", owner=one, sequence=sequence, turns=b"t%d" % sequence) == sequence
        await store.append("other", owner=one, sequence=1, turns=bytes(range(256)) * 100)
        assert await store.turns("r") == [b"t%d" % each for each in range(1, 12)]
        assert await store.turns("other") == [bytes(range(256)) * 100]
        assert (await store.get_run("r")).tail == 11

    @pytest.mark.parametrize("sequence", [0, 1, 2, 4, 99])
    async def test_r48_turns_out_of_order_are_refused(self, store: Store, one: int, sequence: int) -> None:
        await opened(store, "r", one)
        for each in (1, 2):
            await store.append("r", owner=one, sequence=each, turns=b"t%d" % each)
        with pytest.raises(InvalidState, match="2 are recorded"):
            await store.append("r", owner=one, sequence=sequence, turns=b"other", change=RunChange("failed"))
        assert await store.turns("r") == [b"t1", b"t2"]
        assert (await store.get_run("r")).status == "running"

    async def test_r48_the_same_turns_again_are_fine(self, store: Store, one: int) -> None:
        await opened(store, "r", one)
        await store.append("r", owner=one, sequence=1, turns=b"t1")
        last: dict[str, Any] = {"owner": one, "sequence": 2, "turns": b"t2", "change": RunChange("succeeded", b"out")}
        for _ in range(3):
            assert await store.append("r", **last) == 2
        assert await store.turns("r") == [b"t1", b"t2"]
        await lost_its_lease(store, one, store.append("r", owner=one, sequence=2, turns=b"other"))

    async def test_r48_only_who_has_the_run_appends(self, store: Store, one: int, two: int) -> None:
        await opened(store, "r", one)
        await store.append("r", owner=one, sequence=1, turns=b"t1")
        await lost_its_lease(store, two, store.append("r", owner=two, sequence=2, turns=b"t2"))
        await lost_its_lease(store, two, store.append("r", owner=two, sequence=1, turns=b"t1"))
        await lost_its_lease(store, 999, store.append("r", owner=999, sequence=2, turns=b"t2"))
        with pytest.raises(RecordNotFound):
            await store.append("none", owner=one, sequence=1, turns=b"")
        assert await store.turns("r") == [b"t1"]

    async def test_r48_what_is_appended_together_is_answered_one_by_one(self, store: Store, one: int) -> None:
        for each in range(10):
            await opened(store, f"r{each}", one)
        requests = [Append(f"r{each}", one if each % 3 else 999, 1, b"t") for each in range(10)]
        requests += [Append("r1", one, 2, b"t2", RunChange("succeeded", b"out")), Append("none", one, 1, b"")]
        answers = await store.together(requests)
        kinds: list[Any] = [type(answer) for answer in answers]
        assert kinds == [LeaseExpired if each % 3 == 0 else int for each in range(10)] + [int, RecordNotFound]
        assert [len(await store.turns(f"r{each}")) for each in range(10)] == [0, 2, 1, 0, 1, 1, 0, 1, 1, 0]
        assert (await store.get_run("r1")).result == b"out"

    async def test_r48_of_several_who_append_the_same_sequence_one_does(self, store: Store, one: int) -> None:
        await opened(store, "r", one)
        asked = [store.append("r", owner=one, sequence=1, turns=b"%d" % each) for each in range(8)]
        answers: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
        assert Counter(type(answer) for answer in cast("list[object]", answers)) == {int: 1, InvalidState: 7}
        assert len(await store.turns("r")) == 1

    @pytest.mark.parametrize(
        "given", [{"turns": "text"}, {"sequence": -1}, {"owner": None}, {"change": RunChange("lost")}]
    )
    async def test_an_append_that_makes_no_sense_is_refused(
        self, store: Store, one: int, given: dict[str, Any]
    ) -> None:
        await opened(store, "r", one)
        whole: dict[str, Any] = {"owner": one, "sequence": 1, "turns": b"", **given}
        with pytest.raises(InvalidValue):
            await store.append("r", **whole)
        assert await store.turns("r") == []

    # ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_messages_wait_in_order_until_an_append_consumes_them(
        self, store: Store, one: int, two: int, store_clock: StoreClock
    ) -> None:
        await opened(store, "mine", one)
        await opened(store, "theirs", two)
        numbers = [await store.post("mine", "signal", b"%d" % each) for each in range(3)]
        others = await store.post("theirs", "cancel", b"")
        assert numbers == sorted(set(numbers))
        found = await store.messages(owner=one)
        assert [(each.number, each.run_id, each.kind, each.data) for each in found] == [
            (number, "mine", "signal", b"%d" % each) for each, number in enumerate(numbers)
        ]
        assert {each.posted for each in found} == {store_clock.time()}
        assert await store.messages(run_id="mine") == found
        await store.append("mine", owner=one, sequence=1, turns=b"t", consumed=[numbers[0], numbers[2], others])
        assert [each.number for each in await store.messages(owner=one)] == [numbers[1]]
        assert [each.number for each in await store.messages(owner=two)] == [others]

    async def test_an_append_that_is_refused_consumes_nothing(self, store: Store, one: int, two: int) -> None:
        await opened(store, "r", one)
        number = await store.post("r", "signal", b"")
        await lost_its_lease(store, two, store.append("r", owner=two, sequence=1, turns=b"t", consumed=[number]))
        with pytest.raises(InvalidState):
            await store.append("r", owner=one, sequence=2, turns=b"t", consumed=[number])
        assert [each.number for each in await store.messages(run_id="r")] == [number]

    async def test_messages_go_with_the_run_to_who_claims_it(self, store: Store, one: int, two: int) -> None:
        await opened(store, "r", one)
        await store.release_run("r", owner=one)
        number = await store.post("r", "signal", b"")
        assert await store.messages(owner=one) == []
        await store.claim_runs(two)
        assert [each.number for each in await store.messages(owner=two)] == [number]

    async def test_an_unknown_run_gets_no_message(self, store: Store) -> None:
        for asked in (store.post("none", "signal", b""), store.messages(run_id="none")):
            with pytest.raises(RecordNotFound):
                await asked

    # ── notes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_what_operators_did_is_kept_in_order(self, store: Store, run: str, store_clock: StoreClock) -> None:
        first = await store.note(run, who="ann", what="cancel", why="wrong city")
        store_clock.pass_by(5)
        second = await store.note(run, who="bob", what="resume")
        assert await store.notes(run) == [first, second]
        assert (first.run_id, first.who, first.what, first.why) == (run, "ann", "cancel", "wrong city")
        assert (second.why, second.at - first.at) == ("", 5)
        with pytest.raises(RecordNotFound):
            await store.note("none", who="ann", what="cancel")
