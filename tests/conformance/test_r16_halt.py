"""R16: `Halt(value)` pauses the run; it goes on from its snapshot, or by its id."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actorflow import (
    Halt,
    Halted,
    InvalidState,
    OutcomeUnknown,
    Recover,
    Retry,
    RunFailed,
    Runtime,
    Skip,
    TryAgain,
    step,
    step_context,
    workflow,
)
from actorflow.facts import SnapshotFailed, StepInterrupted, StepStarted
from actorflow.testing import MockClock
from tests.conformance.seen import History, forever

ROOT = Path(__file__).parents[2]


async def test_the_step_is_done_with_the_value_of_its_halt(clock: MockClock) -> None:
    """R16: raising `Halt(value)` pauses the run: the step is done with that value, and the run ends *halted*."""
    seen: list[str] = []

    @step
    async def ask() -> str:
        seen.append("ask")
        raise Halt("yes")

    @step
    async def use(answer: str) -> str:
        seen.append(f"use {answer}")
        return f"{answer}!"

    @workflow
    def approval() -> str:
        return use(ask())

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(approval)
        outcome = await run.outcome()
        assert isinstance(outcome, Halted)
        assert (outcome.by, outcome.run_id, run.status()) == ("ask", run.id, "halted")
        assert seen == ["ask"]
        assert await (await runtime.resume(approval, run.id)).result() == "yes!"
    assert seen == ["ask", "use yes"]


async def test_nothing_new_starts_while_a_run_halts(clock: MockClock) -> None:
    """R16: nothing new starts: neither what was ready, nor what gets ready meanwhile."""
    seen: list[str] = []

    @step
    async def pause() -> int:
        raise Halt(1)

    @step
    async def slow() -> int:
        await clock.advance(1)
        seen.append("slow")
        return 2

    @step
    async def after_slow(value: int) -> int:
        seen.append("after_slow")
        return value

    @step
    async def ready() -> int:
        seen.append("ready")
        return 4

    @workflow
    def wide() -> list[int]:
        return [after_slow(slow()), pause(), ready()]

    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(max_concurrency=2).start(wide)
        assert isinstance(await run.outcome(), Halted)
        assert seen == ["slow"]
        assert await (await runtime.resume(wide, run.id)).result() == [2, 1, 4]
    assert sorted(seen[1:]) == ["after_slow", "ready"]


@pytest.mark.parametrize(("options", "stopped_at"), [({}, 5.0), ({"halt_timeout": 2.0}, 2.0)])
async def test_running_siblings_are_waited_for_at_most_the_halt_timeout(
    clock: MockClock, options: dict[str, Any], stopped_at: float
) -> None:
    """R16: running siblings are waited for, at most `halt_timeout` (5 s); one still running then is cancelled."""
    seen: list[tuple[str, float]] = []

    @step
    async def pause() -> None:
        raise Halt

    @step
    async def in_time() -> str:
        await clock.advance(1.5)
        seen.append(("in time", clock.monotonic()))
        return "kept"

    @step
    async def too_slow() -> str:
        try:
            if len(seen) < 2:
                await forever()
            return "second attempt"
        except asyncio.CancelledError:
            seen.append(("cancelled", clock.monotonic()))
            raise

    @workflow
    def siblings() -> list[str]:
        pause()
        return [in_time(), too_slow()]

    async with Runtime(clock=clock, **options) as runtime:
        run = await runtime.start(siblings)
        assert isinstance(await run.outcome(), Halted)
        assert seen == [("in time", 1.5), ("cancelled", stopped_at)]
        assert await (await runtime.resume(siblings, run.id)).result() == ["kept", "second attempt"]
    assert len(seen) == 2


async def test_an_interrupted_attempt_keeps_its_number_and_is_recorded(clock: MockClock) -> None:
    """R16: the attempt keeps its number, is recorded as *interrupted*, and runs again on resume with the same key."""
    keys: list[str] = []

    @step
    async def pause() -> None:
        raise Halt

    @step
    async def slow() -> int:
        keys.append(step_context().idempotency_key)
        if len(keys) == 1:
            await forever()
        return step_context().attempt

    @workflow
    def siblings() -> int:
        pause()
        return slow()

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, StepStarted, StepInterrupted)
        run = await runtime.start(siblings)
        await run.outcome()
        assert await (await runtime.resume(siblings, run.id)).result() == 2
    assert [line for line in history.lines if line[1] == "slow"] == [
        ("StepStarted", "slow", 1),
        ("StepInterrupted", "slow", 1),
        ("StepStarted", "slow", 2),
    ]
    assert keys == [keys[0]] * 2


@pytest.mark.parametrize("by_snapshot", [False, True])
async def test_an_interrupted_attempt_does_not_count_against_retry(clock: MockClock, by_snapshot: bool) -> None:
    """R16: what a halt interrupted doesn't count against `Retry`: of two attempts both are left."""
    attempts: list[int] = []

    @step
    async def pause() -> None:
        raise Halt

    @step(retry=Retry(attempts=2))
    async def slow() -> str:
        attempts.append(step_context().attempt)
        if len(attempts) == 1:
            await forever()
        if len(attempts) == 2:
            raise TryAgain
        return "done"

    @workflow
    def siblings() -> str:
        pause()
        return slow()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(siblings)
        outcome = await run.outcome()
        assert isinstance(outcome, Halted) and outcome.snapshot is not None
        resumed = await runtime.resume(siblings, outcome.snapshot if by_snapshot else run.id)
        assert await resumed.result() == "done"
    assert attempts == [1, 2, 3]


async def test_a_retry_that_comes_due_while_halting_waits_for_the_resume(clock: MockClock) -> None:
    """R16: retries that are due wait for the resume."""
    seen: list[tuple[str, float]] = []

    @step
    async def again() -> None:
        seen.append(("again", clock.monotonic()))
        if len(seen) == 1:
            raise TryAgain(after=1)

    @step
    async def slow() -> None:
        await clock.advance(4)

    @step
    async def pause() -> None:
        raise Halt

    @workflow
    def siblings() -> None:
        again()
        slow()
        pause()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(siblings)
        assert isinstance(await run.outcome(), Halted)
        await clock.advance(10)
        assert seen == [("again", 0.0)]
        await (await runtime.resume(siblings, run.id)).result()
    assert seen == [("again", 0.0), ("again", 14.0)]


async def test_a_retry_that_is_not_due_yet_waits_for_the_rest_of_its_time(clock: MockClock) -> None:
    """R16: a wait that the halt cut short goes on where it stood, from a snapshot too."""
    seen: list[float] = []

    @step
    async def again() -> None:
        seen.append(clock.monotonic())
        if len(seen) == 1:
            raise TryAgain(after=60)

    @step
    async def pause() -> None:
        await clock.advance(20)
        raise Halt

    @workflow
    def siblings() -> None:
        again()
        pause()

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(siblings)).outcome()
        assert isinstance(outcome, Halted) and outcome.snapshot is not None
        await clock.advance(1000)
        await (await runtime.resume(siblings, outcome.snapshot)).result()
    assert seen == [0.0, 1020.0 + 40.0]


# ── snapshots ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_halted_run_gives_a_snapshot_to_be_resumed_elsewhere(clock: MockClock) -> None:
    """R16: without a store the halted run gives a snapshot, bytes; another runtime resumes it under the same run id."""
    seen: list[tuple[str, str]] = []

    @step
    async def ask(question: str) -> str:
        seen.append((step_context().run_id, question))
        raise Halt("yes")

    @step
    async def use(answer: str, question: str) -> str:
        seen.append((step_context().run_id, answer))
        return f"{question} {answer}"

    @workflow
    def approval(question: str) -> str:
        return use(ask(question), question)

    async with Runtime(clock=clock) as first:
        outcome = await (await first.options(run_id="a-1").start(approval, "go?")).outcome()
        assert isinstance(outcome, Halted)
    assert isinstance(outcome.snapshot, bytes)
    async with Runtime(clock=clock) as second:
        run = await second.resume(approval, outcome.snapshot)
        assert (run.id, await run.result()) == ("a-1", "go? yes")
    assert seen == [("a-1", "go?"), ("a-1", "yes")]


def test_a_snapshot_is_resumed_in_another_process() -> None:
    """R16: … to be resumed in this or another process: values, undos, retries, errors and context come over whole."""
    halted = _in_a_process("halt")
    resumed = _in_a_process("resume", halted["snapshot"])
    failed = resumed["and failing"]
    assert halted["seen"] == ["reserve Oslo 3", "charge 1", "approve"]
    assert resumed["seen"] == ["charge 2", "book S-Oslo true C-3"]
    assert resumed["result"] == {"seat": {"code": "S-Oslo"}, "approved": True, "charge": "C-3", "note": "kept"}
    assert failed["seen"] == ["charge 2", "undo charge C-3", "release S-Oslo Oslo 3"]
    assert failed["rollback"] == "complete"
    assert failed["errors"] == [["book", "run", 1, "ValueError: no room"]]
    assert halted["pid"] != resumed["pid"]


def _in_a_process(*arguments: str) -> dict[str, Any]:
    """What `halted_trip.py` does in a process of its own."""
    command = [sys.executable, "-m", "tests.conformance.halted_trip_process", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=50)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("times", [1, 2])
async def test_a_snapshot_of_a_run_that_is_live_here_is_refused(clock: MockClock, times: int) -> None:
    """R16: a snapshot of a run that is live here is refused, however it came to live."""
    goes_on = asyncio.Event()

    @step
    async def ask() -> None:
        raise Halt

    @step
    async def wait() -> str:
        await goes_on.wait()
        return "once"

    @workflow
    def approval() -> str:
        return wait.options(after=[ask()])()

    async with Runtime(clock=clock) as runtime:
        halted = await runtime.start(approval)
        outcome = await halted.outcome()
        assert isinstance(outcome, Halted) and outcome.snapshot is not None
        run = await runtime.resume(approval, halted.id if times == 1 else outcome.snapshot)
        with pytest.raises(InvalidState, match="going on here"):
            await runtime.resume(approval, outcome.snapshot)
        with pytest.raises(InvalidState, match="going on here"):
            await runtime.resume(approval, halted.id)
        goes_on.set()
        assert await run.result() == "once"


async def test_only_a_halted_run_is_resumed(clock: MockClock) -> None:
    """R16: a run is resumed by id where it was halted: one that has ended otherwise is refused."""

    @step
    async def one() -> int:
        return 1

    @workflow
    def plain() -> int:
        return one()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(plain)
        await run.result()
        with pytest.raises(InvalidState, match="isn't halted"):
            await runtime.resume(plain, run.id)


async def test_a_snapshot_of_another_workflow_is_refused(clock: MockClock) -> None:
    """R16: a snapshot is for the workflow that it was made of; other bytes aren't one."""

    @step
    async def ask(question: str) -> str:
        raise Halt(question)

    @workflow
    def approval(question: str) -> str:
        return ask(question)

    @workflow(name="approval")
    def changed(question: str) -> str:
        return ask(ask(question))

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(approval, "go?")).outcome()
        assert isinstance(outcome, Halted) and outcome.snapshot is not None
    async with Runtime(clock=clock) as runtime:
        with pytest.raises(InvalidState, match="has changed"):
            await runtime.resume(changed, outcome.snapshot)
        for garbage in (b"", b"\x00" * 40, outcome.snapshot[:-3], outcome.snapshot[::-1]):
            with pytest.raises(InvalidState, match="no snapshot"):
                await runtime.resume(changed, garbage)


async def test_resume_takes_no_new_inputs(clock: MockClock) -> None:
    """R16: resume takes no new inputs: the run keeps those that it was started with."""

    @step
    async def ask(question: str) -> str:
        raise Halt("yes")

    @step
    async def use(answer: str, question: str) -> str:
        return f"{question} {answer}"

    @workflow
    def approval(question: str) -> str:
        return use(ask(question), question)

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(approval, "go?")
        await run.outcome()
        resume: Any = runtime.resume
        with pytest.raises(TypeError):
            await resume(approval, run.id, "stop?")
        with pytest.raises(TypeError):
            await resume(approval, run.id, question="stop?")
        assert await (await runtime.resume(approval, run.id)).result() == "go? yes"


async def test_a_value_that_cannot_be_encoded_leaves_the_run_halted_without_a_snapshot(clock: MockClock) -> None:
    """R16: if a value can't be encoded the run is halted all the same, the snapshot is `None`, an event names the path,
    and the run can be resumed by id in this runtime."""

    class Client:
        pass

    client = Client()

    @step
    async def connect() -> dict[str, list[Client]]:
        return {"spare": [client]}

    @step
    async def pause(after: dict[str, list[Client]]) -> None:
        raise Halt

    @step
    async def use(clients: dict[str, list[Client]], after: None) -> bool:
        return clients["spare"][0] is client

    @workflow
    def connected() -> bool:
        clients = connect()
        return use(clients, pause(clients))

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, SnapshotFailed)
        run = await runtime.start(connected)
        outcome = await run.outcome()
        assert outcome == Halted(by="pause", snapshot=None, run_id=run.id)
        assert await (await runtime.resume(connected, run.id)).result() is True
    (failed,) = history.facts
    assert isinstance(failed, SnapshotFailed)
    assert failed.path == "$['spare'][0]"
    assert "connect" in failed.message


# ── set aside ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Paying:
    """A run halted while its irreversible step was in flight."""

    def __init__(self, *, compensated: bool = False) -> None:
        self.seen: list[str] = []
        seen = self.seen

        @step
        async def pause() -> None:
            raise Halt

        @step(irreversible=True)
        async def pay() -> str:
            seen.append(f"pay {step_context().idempotency_key.endswith('/pay')} {step_context().attempt}")
            if len(seen) == 1:
                await forever()
            return "paid"

        if compensated:

            @pay.compensate
            async def ask_the_bank(error: Exception) -> Recover[str] | None:
                seen.append(f"compensate {type(error).__name__}")
                return None

        @workflow
        def paying() -> str:
            pause()
            return pay()

        self.workflow = paying

    async def halted(self, runtime: Runtime) -> Halted:
        outcome = await (await runtime.start(self.workflow)).outcome()
        assert isinstance(outcome, Halted)
        return outcome


async def test_an_irreversible_step_that_a_halt_interrupts_is_set_aside(clock: MockClock) -> None:
    """R16: if irreversible it is set aside as in R49, and the halt says so."""
    case = Paying()
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(case.workflow)
        outcome = await run.outcome()
        assert isinstance(outcome, Halted)
        assert outcome.set_aside == ("pay",)
    assert case.seen == ["pay True 1"]


@pytest.mark.parametrize("by_snapshot", [False, True])
async def test_what_was_set_aside_must_be_resolved_by_name(clock: MockClock, by_snapshot: bool) -> None:
    """R16: resuming a run with a step set aside is refused with `InvalidState` unless `resolve=` names each."""
    case = Paying()
    async with Runtime(clock=clock) as runtime:
        halted = await case.halted(runtime)
        assert halted.snapshot is not None
        which = halted.snapshot if by_snapshot else halted.run_id
        with pytest.raises(InvalidState, match="pay"):
            await runtime.resume(case.workflow, which)
        with pytest.raises(InvalidState, match="did you mean 'pay'"):
            await runtime.resume(case.workflow, which, resolve={"pya": "retry"})
        answer: Any = "perhaps"
        with pytest.raises(InvalidState, match="perhaps"):
            await runtime.resume(case.workflow, which, resolve={"pay": answer})
        with pytest.raises(InvalidState, match="pay"):
            await runtime.resume(case.workflow, which, resolve={"pay": Skip(7)})
        assert case.seen == ["pay True 1"]
        run = await runtime.resume(case.workflow, which, resolve={"pay": "retry"})
        assert await run.result() == "paid"


@pytest.mark.parametrize("by_snapshot", [False, True])
async def test_retry_runs_again_what_was_set_aside(clock: MockClock, by_snapshot: bool) -> None:
    """R16: `resolve={node: "retry"}` runs it again, with the same key."""
    case = Paying()
    async with Runtime(clock=clock) as runtime:
        halted = await case.halted(runtime)
        which = halted.snapshot if by_snapshot else halted.run_id
        assert which is not None
        run = await runtime.resume(case.workflow, which, resolve={"pay": "retry"})
        assert await run.result() == "paid"
    assert case.seen == ["pay True 1", "pay True 2"]


@pytest.mark.parametrize("by_snapshot", [False, True])
async def test_skip_gives_the_value_of_what_was_set_aside(clock: MockClock, by_snapshot: bool) -> None:
    """R16: `resolve={node: Skip(value)}` gives its value without running it."""
    case = Paying()
    async with Runtime(clock=clock) as runtime:
        halted = await case.halted(runtime)
        which = halted.snapshot if by_snapshot else halted.run_id
        assert which is not None
        run = await runtime.resume(case.workflow, which, resolve={"pay": Skip("the bank says so")})
        assert await run.result() == "the bank says so"
    assert case.seen == ["pay True 1"]


@pytest.mark.parametrize("by_snapshot", [False, True])
async def test_fail_rolls_back_what_was_set_aside(clock: MockClock, by_snapshot: bool) -> None:
    """R16: `resolve={node: "fail"}` says that it failed: it is offered to its compensation, as nobody knows whether it acted."""
    case = Paying(compensated=True)
    async with Runtime(clock=clock) as runtime:
        halted = await case.halted(runtime)
        which = halted.snapshot if by_snapshot else halted.run_id
        assert which is not None
        run = await runtime.resume(case.workflow, which, resolve={"pay": "fail"})
        with pytest.raises(RunFailed) as failed:
            await run.result()
        assert isinstance(failed.value.__cause__, OutcomeUnknown)
        assert failed.value.rollback == "complete"
    assert case.seen == ["pay True 1", "compensate OutcomeUnknown"]
