"""What a running step can ask of the runtime."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import structlog

from actorflow.errors import InvalidState, Phase, WrongLoop
from actorflow.facts import Fact, StepHeartbeat, StepProgressed
from actorflow.ids import compensation_key, step_key, undo_key
from actorflow.policy import Durability
from actorflow.runtime.here import HERE, THERE, Here
from actorflow.runtime.options import Runs, RunSettings
from actorflow.workflow import Whereabouts, Workflow

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger("actorflow.step")


class StepContext:
    """Where the code executes, and what it can ask for. Got with `step_context()`, in steps, handlers and guards."""

    def __init__(self, here: Here) -> None:
        self._runner, self._row, self._node, self.attempt, self._phase = here

    @property
    def run_id(self) -> str:
        return self._row.id

    @property
    def node(self) -> str:
        return self._row.name(self._node)

    @property
    def phase(self) -> Phase:
        """What of the step is running: its own code (`run`), a guard, or one of its handlers."""
        match self._phase:
            case "guard" | "compensate" | "undo":
                return self._phase
            case _:
                return "run"

    @property
    def idempotency_key(self) -> str:
        """The same on every attempt, after restarts and on other machines; an undo and a compensation have their own."""
        key = {"undo": undo_key, "compensate": compensation_key}.get(self._phase, step_key)
        return key(self.run_id, self.node)

    @property
    def step_key(self) -> str:
        """The step's own idempotency key, in its handlers too: what an attempt did elsewhere is found by it."""
        return step_key(self.run_id, self.node)

    @property
    def context(self) -> Mapping[str, Any]:
        """What travels with the run: stored with it, there after a restart (R10)."""
        return self._row.data

    @property
    def cancelled(self) -> bool:
        """Whether the step was told to stop. A sync step looks at it, as a thread can't be cancelled (R12)."""
        live = self._row.live.get(self._node)
        return live is not None and (live.stopping or (live.work is not None and live.work.cancelled))

    @property
    def log(self) -> Any:
        """A structlog logger bound to run, node and attempt."""
        return log.bind(run=self.run_id, node=self.node, attempt=self.attempt)

    def heartbeat(self, details: object = None) -> None:
        """Says that the step is alive, with what it would like to have known."""
        if self._is_heard(StepHeartbeat):
            self._tell(StepHeartbeat(self._row.id, self._node, self.attempt, self._runner.monotonic(), details))

    def progress(self, done: float, total: float | None = None) -> None:
        """Says how far the step is."""
        if self._is_heard(StepProgressed):
            self._tell(StepProgressed(self._row.id, self._node, self.attempt, self._runner.monotonic(), done, total))

    def _is_heard(self, kind: type[Fact]) -> bool:
        """R43: what only informs is built only if somebody takes it."""
        hub = self._runner.services.hub
        return not hub.silent and hub.takes(kind)

    def _tell(self, fact: Fact) -> None:
        """Before the step can say anything else: the fact stands before the step's end (R41)."""
        runner = self._runner
        if is_running(runner.loop):
            runner.post(fact)
        else:
            runner.services.threads.tell(runner.post, fact)

    def result(self, name: str) -> Any:
        """The result of a node of this run, by its name: of one beside this step, or by its whole path (R8).

        Use `keep=True` on that node: a result that nothing needs any more is dropped. Raises `ResultGone` for one that was, `InvalidState` for a
        node that has none yet, or isn't there.
        """
        from actorflow.runtime.results import result_of  # only where it's asked for

        return result_of(self._row, self._node, name)

    @property
    def name(self) -> str:
        """The last part of the node's name, without its path: what `emit` calls a step that stands for this one."""
        return self.node.rpartition(".")[2].partition("[")[0]

    # ── child runs ────────────────────────────────────────────────────────────────────────────────────────────────

    def options(
        self,
        *,
        detached: bool = False,
        timeout: float | None = None,
        reversible: bool = False,
        labels: Mapping[str, str] | None = None,
        durability: Durability | None = None,
    ) -> Runs:
        """Options for runs started inside this step; `detached` ones go on when the step has ended. `durability`: that of the step's own run
        unless given here or by the workflow; the runtime's, if detached.
        """
        settings = RunSettings(
            timeout=timeout,
            reversible=reversible,
            labels={} if labels is None else labels,
            durability=durability,
            parent=(self._row, self._node, self.attempt),
            detached=detached,
        )
        return Runs(self._machine.start_with, settings)

    async def run(self, workflow: Workflow[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs a workflow as this step's child (R30) and gives its result."""
        return await self.options().run(workflow, *args, **kwargs)

    def run_blocking(self, workflow: Workflow[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The same, from a sync step in a thread."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise WrongLoop(
                "run_blocking would block the event loop\nUse `await step_context().run(…)` in an async step."
            )
        machine = self._machine
        with machine.services.threads.blocked() as pause:
            runs = self.options()

            async def go() -> R:
                try:
                    return await runs.run(workflow, *args, **kwargs)
                finally:
                    pause.resume()

            return asyncio.run_coroutine_threadsafe(go(), machine.services.loop).result()

    @property
    def _machine(self) -> Machine:
        return self._runner.services.machine


def is_running(loop: AbstractEventLoop) -> bool:
    """Whether this is the loop's own thread."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:  # no loop runs in this thread
        return False


def step_context() -> StepContext:
    """The context of the step, handler or guard that is running. Raises `InvalidState` elsewhere."""
    here = HERE.get(None)
    if here is not None:
        return StepContext(here)
    there = THERE.get(None)
    if there is not None:
        return there
    raise InvalidState("no step is running here\nstep_context() works in steps, undos, compensations and guards.")


def _whereabouts() -> Mapping[str, str]:
    """Run and node, for the lines of `debug`."""
    here = HERE.get(None)
    if here is None:
        return {}
    _, row, node, _, _ = here
    return {"run": row.id, "node": row.name(node)}


Whereabouts.known_by.append(_whereabouts)
