"""Plays a scenario from start to end, through halts and resumes, and looks at what the steps have seen.

python -m tests.properties.play "Scenario(nodes=(…))"     plays what a failing test has printed, and tells what happened
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from actorflow import (
    Cancelled,
    CancelRun,
    Failed,
    Halted,
    HaltRun,
    InvalidState,
    Run,
    Runtime,
    Skip,
    Succeeded,
    UndoFailed,
    Workflow,
)
from actorflow.engine import State
from actorflow.testing import MockClock, Recorder, tasks_left
from tests.properties.folding import compare, fold_all
from tests.properties.sagas import WITNESS, returned, saga_of
from tests.properties.scenario import Control, Scenario, scenario_of
from tests.properties.witness import GRACE, HALT_TIMEOUT, Witness

RUN_TIMEOUT = 10_000.0
"""Seconds; no run comes near it, unless it has got stuck."""

STANDSTILL = 20_000.0
"""Seconds; nor does what is done with it afterwards."""


class Play:
    """One scenario, on runtimes of its own."""

    def __init__(self, scenario: Scenario, clock: MockClock) -> None:
        self.scenario = scenario
        self.clock = clock
        self.witness = Witness(scenario, clock.monotonic)
        self.workflow: Workflow[..., Any] = saga_of(scenario)
        self.runtime = self.new_runtime()
        self.run_id = "run"
        self.rolled_back = False
        self.halts = 0
        self.witness.act_on = self.control

    def new_runtime(self) -> Runtime:
        return Runtime(
            workflows=[self.workflow],
            resources=[WITNESS.provide(self.witness)],
            clock=self.clock,
            values="decoded" if self.scenario.decoded else "shared",
            halt_timeout=HALT_TIMEOUT,
            cancel_grace=GRACE,
            threads=4,
            seed=0,
        )

    # ── somebody halts or cancels it ──────────────────────────────────────────────────────────────────────────────────

    def control(self, control: Control) -> None:
        self.witness.loop.call_soon_threadsafe(self.act_on, control) if self.in_thread() else self.act_on(control)

    def in_thread(self) -> bool:
        try:
            return asyncio.get_running_loop() is not self.witness.loop
        except RuntimeError:
            return True

    def act_on(self, control: Control) -> None:
        witness = self.witness
        if control.does == "cancel":
            witness.counts["cancel during rollback"] |= bool(witness.undone)
        try:
            if control.by_message:
                ask = HaltRun if control.does == "halt" else CancelRun
                self.runtime.executor.send(ask(self.run_id))
            elif control.does == "halt":
                self.runtime._open().halt_run(self.run_id)
            else:
                self.runtime._open().cancel_run(self.run_id)
        except InvalidState as refused:
            witness.note(f"{control.does} is refused: {refused}")
        else:
            witness.note(f"{control.does}!")
            if control.does == "halt":
                witness.halts()

    def set_alarms(self) -> None:
        for control in self.scenario.controls:
            if control.on == "time":
                self.witness.loop.call_later(control.nth + 0.37, self.act_if_live, control)

    def act_if_live(self, control: Control) -> None:
        if self.runtime._open().rows:
            self.act_on(control)

    # ── the run ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def play(self) -> None:
        outcome: Any = None
        while True:
            async with self.runtime as runtime:
                while True:
                    outcome = await self.play_leg(outcome)
                    if not isinstance(outcome, Halted) or self.scenario.moves:
                        break
                if isinstance(outcome, Succeeded) and self.scenario.taken_back:
                    await self.take_back()
                await self.witness.stillness()
                await asyncio.sleep(0)
                self.witness.expect(
                    runtime._open().permits.idle(), f"permits are missing: {runtime._open().permits.status()}"
                )
            if not isinstance(outcome, Halted):
                break
            self.runtime = self.new_runtime()
        self.outcome = outcome
        self.check_end(outcome)

    async def play_leg(self, halted: Halted | None) -> Any:
        """From a start or a resume to an outcome."""
        witness, runtime = self.witness, self.runtime
        recorder = Recorder(runtime) if self.scenario.listened else None
        seen = len(witness.lines)
        witness.counts["halt"] = 0
        witness.halted_at = None
        if halted is None:
            run = await self.start()
            self.set_alarms()
            base = None
        else:
            assert halted.snapshot is not None, "a halted run has no snapshot"
            base = self.state_before(halted.snapshot)
            witness.leg += 1
            witness.note("resumed")
            run = await self.resume(halted)
        state = runtime._open().rows[self.run_id].state
        self.run = run
        outcome = await run.outcome()
        witness.note(f"the run has ended: {outcome}")
        if isinstance(outcome, Halted):
            self.halts += 1
            witness.expect(len(witness.lines) > seen and self.halts < 100, "the run doesn't get on")
            standing = [me for me in range(len(self.scenario.nodes)) if witness.failure_stands(me)]
            witness.expect(not standing, f"the run was halted, though n{standing} have failed for good")
        witness.expect(self.clock.monotonic() < RUN_TIMEOUT, "the run stood still until its time was over")
        witness.counts["halt and failure"] |= bool(witness.counts["halt"]) and isinstance(outcome, Failed)
        if recorder is not None:
            self.check_facts(recorder, run, state, base)
            recorder.close()
        return outcome

    async def start(self) -> Run[Any]:
        scenario = self.scenario
        options = self.runtime.options(
            run_id=self.run_id,
            reversible=scenario.taken_back,
            sequential=scenario.sequential,
            max_concurrency=scenario.max_concurrency,
            timeout=RUN_TIMEOUT,
        )
        return await options.start(self.workflow)

    async def resume(self, halted: Halted) -> Run[Any]:
        answer: Any = Skip("somebody's") if self.scenario.resolve == "skip" else self.scenario.resolve
        resolve: dict[str, Any] = dict.fromkeys(halted.set_aside, answer)
        for name in halted.set_aside if self.scenario.resolve == "skip" else ():
            seen = next(seen for seen in self.witness.seen if seen.name == name)
            seen.resolved, seen.value = True, "somebody's"
        assert halted.snapshot is not None
        return await self.runtime.resume(self.workflow, halted.snapshot, resolve=resolve)

    async def take_back(self) -> None:
        self.rolled_back = True
        self.witness.note("taken back")
        try:
            await self.run.undo()
        except UndoFailed as error:
            self.witness.note(str(error))

    # ── what must be true in the end ──────────────────────────────────────────────────────────────────────────────────

    def state_before(self, snapshot: bytes) -> State:
        machine = self.runtime._open()
        return machine.resuming.by_snapshot(self.workflow, machine.known.plan_of(self.workflow), snapshot).state

    def check_facts(self, recorder: Recorder, run: Run[Any], state: State, base: State | None) -> None:
        """The facts of a leg fold to the state that the leg has ended in."""
        told = State(state.plan, state.run, (), state.options) if base is None else base
        fold_all(told, recorder.history(run).facts)
        try:
            compare(state, told)
        except AssertionError as error:
            self.witness.expect(False, f"the facts fold to another state: {error}")

    def check_end(self, outcome: Any) -> None:
        witness, scenario = self.witness, self.scenario
        expect = witness.expect
        if isinstance(outcome, Succeeded):
            values = [witness.seen[node].value for node in returned(scenario)]
            expect(outcome.value == values, f"the run gives {outcome.value!r}, but its steps gave {values!r}")
            expect(all(seen.resolved for seen in witness.seen), "the run has succeeded, but not all of its steps have")
        else:
            self.rolled_back = True
            self.check_compensated()
            self.check_handlers()
            expect(isinstance(outcome, (Failed, Cancelled)), f"the run has ended as {outcome!r}")
            self.check_rollback(outcome.rollback)
            if isinstance(outcome, Failed):
                self.check_reason()
        undoable = [me for me in witness.completed if scenario.nodes[me].undo]
        wanted = undoable[::-1] if self.rolled_back else []
        expect(sorted(witness.undone) == sorted(wanted), f"undone were {witness.undone}, not {wanted}")
        ordered = [[me for me in nodes if self.has_order(me)] for nodes in (witness.undone, wanted)]
        expect(ordered[0] == ordered[1], f"undone were {ordered[0]}, but the order of completion asks for {ordered[1]}")

    def has_order(self, me: int) -> bool:
        """What threads do is taken in by the executor a little later: its order isn't that which they saw."""
        node = self.scenario.nodes[me]
        return node.mode != "thread" and node.compensate != "thread"

    def check_compensated(self) -> None:
        for me, (node, seen) in enumerate(zip(self.scenario.nodes, self.witness.seen, strict=True)):
            if node.compensate and seen.attempts and not seen.resolved:
                last = seen.attempts[-1]
                offered = any(number == last.number for number, _ in seen.compensations)
                self.witness.expect(offered, f"n{me}#{last.number} was {last.how}, and wasn't compensated")

    def check_reason(self) -> None:
        """Somebody has failed for good, as far as can be seen from here."""
        nodes = list(zip(self.scenario.nodes, self.witness.seen, strict=True))
        guarded = any(node.guards and not seen.resolved and not seen.attempts for node, seen in nodes)
        abandoned = any(attempt.how == "abandoned" for _, seen in nodes for attempt in seen.attempts)
        said = self.scenario.resolve == "fail" and self.halts
        reason = self.witness.failed_at is not None or guarded or abandoned or said
        self.witness.expect(bool(reason), "the run has failed, though none of its steps has failed for good")

    def check_handlers(self) -> None:
        """R19, R22: a handler that failed is tried again, three times in all; one that crashed isn't."""
        for me, seen in enumerate(self.witness.seen):
            by_attempt = {
                number: [how for other, how in seen.compensations if other == number]
                for number, _ in seen.compensations
            }
            for tries in (*by_attempt.values(), seen.undos):
                over = not tries or tries[-1] in ("answered", "again", "done", "crash") or len(tries) == 3
                self.witness.expect(over, f"a handler of n{me} was given up after {tries}")

    def check_rollback(self, rollback: str) -> None:
        nodes = self.witness.seen
        given_up = any(seen.undos and seen.undos[-1] != "done" for seen in nodes)
        given_up |= any(seen.compensations and seen.compensations[-1][1] not in ("answered", "again") for seen in nodes)
        unknown = any(attempt.how == "abandoned" for seen in nodes for attempt in seen.attempts)
        acted = any(how in ("answered", "again") for seen in nodes for _, how in seen.compensations)
        acted |= any("done" in seen.undos for seen in nodes)
        expected = "incomplete" if given_up else "complete" if acted else "none"
        if not unknown and self.scenario.resolve != "fail":
            self.witness.expect(rollback == expected, f"the rollback is {rollback}, not {expected}")


async def play_one(scenario: Scenario) -> Play:
    before = asyncio.all_tasks()
    clock = MockClock()
    with clock.installed():
        play = Play(scenario, clock)
        try:
            async with asyncio.timeout(STANDSTILL):
                await play.play()
        except BaseException as error:
            error.add_note("\n".join([*play.witness.problems, *play.witness.lines]))
            error.add_note(again(scenario))
            raise
        finally:
            play.witness.is_over = True
        left = tasks_left(before)
        play.witness.expect(not left, f"tasks are left: {left}")
    return play


def play(scenario: Scenario) -> Play:
    """Plays it. Raises `AssertionError`, with all that happened, if something wasn't as it should be."""
    played = asyncio.run(play_one(scenario))
    problems = played.witness.problems
    if problems:
        told = "\n".join([*problems, "", "what happened (seconds, node#attempt):", *played.witness.lines])
        raise AssertionError(f"{told}\n\n{again(scenario)}")
    return played


def again(scenario: Scenario) -> str:
    return f'play it again: python -m tests.properties.play "{scenario}"'


def main(arguments: Sequence[str]) -> None:
    played = play(scenario_of(arguments[0]))
    print("\n".join(played.witness.lines))


if __name__ == "__main__":
    main(sys.argv[1:])
