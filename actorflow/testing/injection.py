"""How faults get into a runtime: its runs are launched from tables in which each step's code has been wrapped.

A runtime without faults has no hook for them: what a node calls stands in its plan's `Launch`, and here it's another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from msgspec.structs import replace

from actorflow.errors import InvalidState
from actorflow.plan import GuardSpec, HandlerSpec, Plan, StepSpec
from actorflow.runtime import HERE, Launch, Runtime, entered
from actorflow.testing.faults import Fault, Faults, Phase, When


def inject(runtime: Runtime, faults: Faults | None = None) -> Faults:
    """Has the faults strike in all runs that start, or are resumed from a snapshot, in this runtime from now on. Gives them back."""
    struck = Faults() if faults is None else faults
    runtime._open().launches = FaultyLaunches(struck)
    return struck


class FaultyLaunches(dict[Plan, Launch]):
    """A runtime's tables by plan, made when they're first asked for."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    def get(self, plan: Plan, default: Any = None, /) -> Launch:
        if plan not in self:
            self[plan] = FaultyLaunch(plan, self._faults)
        return self[plan]


class FaultyLaunch(Launch):
    """A plan's table, all of whose code meets the faults."""

    def __init__(self, plan: Plan, faults: Faults) -> None:
        super().__init__(plan)
        wrap = {"async": self._wrapped_async, "inline": self._wrapped_inline}
        self.faults = faults
        calls: tuple[Callable[..., Any], ...] = self.calls
        self.calls: tuple[Callable[..., Any], ...] = tuple(
            wrap[step.mode](call) if step.mode in wrap else call for step, call in zip(self.steps, calls, strict=True)
        )
        self.steps = tuple(map(self._with_faulty_handlers, self.steps))
        self.elsewhere = {mode: partial(self._elsewhere, go) for mode, go in Launch.elsewhere.items()}

    # ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _wrapped_async(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def faulty(*arguments: Any) -> Any:
            await self._strike("run", "before")
            value = await call(*arguments)
            await self._strike("run", "after")
            return value

        return faulty

    def _wrapped_inline(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def faulty(*arguments: Any) -> Any:
            self._strike_inline("before")
            value = call(*arguments)
            self._strike_inline("after")
            return value

        return faulty

    async def _elsewhere(self, go: Callable[..., Any], *work: Any) -> Any:
        """Threads and worker processes meet their faults on the loop, where what hangs can be cancelled. Its time runs."""
        faults = self._matching("run", "before")
        if faults:
            runner, row, node, live = work[:4]
            entered(runner, row, node, live, runner.monotonic())
        await strike(faults)
        value = await go(*work)
        await self._strike("run", "after")
        return value

    # ── handlers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _with_faulty_handlers(self, step: StepSpec) -> StepSpec:
        return replace(
            step,
            undo=step.undo and self._faulty("undo", step.undo),
            compensate=step.compensate and self._faulty("compensate", step.compensate),
            guards=tuple(self._faulty("guard", guard) for guard in step.guards),
        )

    def _faulty(self, phase: Phase, spec: Any) -> Any:
        """The guard or handler, around which faults strike on the loop; a plain function goes to its thread in between."""
        original: HandlerSpec | GuardSpec = spec

        async def faulty(*arguments: Any, **named: Any) -> Any:
            await self._strike(phase, "before")
            runner, row, node, _, _ = HERE.get()
            function = partial(original.function, *arguments, **named)
            answer = await runner.call(row, node, function, _within, is_async=original.is_async)
            await self._strike(phase, "after")
            return answer

        return replace(spec, function=faulty, is_async=True)

    # ── striking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _matching(self, phase: Phase, when: When) -> list[Fault]:
        _, row, node, attempt, _ = HERE.get()
        number = row.state.tries.get(node, 1) if phase in ("undo", "compensate") else attempt
        return self.faults.matching(row.name(node), phase, number, when)

    async def _strike(self, phase: Phase, when: When) -> None:
        await strike(self._matching(phase, when))

    def _strike_inline(self, when: When) -> None:
        for fault in self._matching("run", when):
            if fault.hangs or fault.delay:
                raise InvalidState(f"a fault {fault} waits, but the step is inline, and would hold up the loop")
            strike_now(fault)


def _within(_row: Any, /) -> AbstractContextManager[None]:
    """The handler is called within what the middleware has entered around the fault."""
    return nullcontext()


async def strike(faults: Sequence[Fault]) -> None:
    for fault in faults:
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.hangs:
            await asyncio.get_running_loop().create_future()
        strike_now(fault)


def strike_now(fault: Fault) -> None:
    if fault.error is not None:
        raise fault.error
