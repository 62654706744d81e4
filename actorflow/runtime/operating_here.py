"""What a runtime with a store can do with the runs in it, beyond what an `Operator` can: all that has to run something."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from actorflow.policy import Skip
from actorflow.runtime.operating import Operations, check_answer, check_name

if TYPE_CHECKING:
    from actorflow.outcome import Approval
    from actorflow.runtime.handle import Run
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.office_here import OfficeHere


class OperationsHere(Operations):
    """The part of a `Runtime` that is about runs in its store."""

    @abstractmethod
    def _open(self) -> Machine: ...

    def _office(self) -> OfficeHere:
        from actorflow.runtime.office_here import office_of

        return office_of(self._open())

    async def cancel(self, run_id: str, /, reason: str = "", *, who: str = "") -> None:
        """Has a run cancelled and taken back, wherever it goes on; returns when that is accepted.

        Nothing happens to one that has ended, but that a halted one is taken back from where it stands.
        """
        machine = self._open()
        if machine.keeper is None:
            machine.cancel_run(run_id, reason)
        else:
            await self._office().cancel(run_id, reason, who)

    async def halt(self, run_id: str, /, reason: str = "", *, who: str = "") -> None:
        """Has a run paused, wherever it goes on; returns when that is accepted. Raises `InvalidState` if it has ended or is being taken back."""
        machine = self._open()
        if machine.keeper is None:
            machine.halt_run(run_id, reason)
        else:
            await self._office().halt(run_id, reason, who)

    async def signal(self, run_id: str, name: str, value: Any = None, /, *, who: str = "", why: str = "") -> None:
        """Sends a run a signal, wherever it goes on; returns when it can't get lost any more. A run without a store is told directly.

        `name` is that of a `wait_for_signal`, or of the node that waits: `each[3].wait_for_signal`. It counts once: it ends the wait that was
        reached first; if none is reached yet, it is kept. Raises `InvalidInput` for a value of another type than is waited for, and for a
        signal that nothing waits for; `InvalidState` for a run that has ended or is being taken back.
        """
        machine = self._open()
        if machine.keeper is None:
            from actorflow.runtime.signals import send_here

            check_name(name)
            send_here(machine, run_id, name, value)
        else:
            await super().signal(run_id, name, value, who=who, why=why)

    async def _answers(self, run_id: str, name: str | None, answer: Approval) -> None:
        machine = self._open()
        if machine.keeper is None:
            from actorflow.runtime.signals import answer_here

            check_answer(name, answer.who, answer.why)
            answer_here(machine, run_id, name, answer)
        else:
            await super()._answers(run_id, name, answer)

    async def resolve(
        self,
        run_id: str,
        answers: Mapping[str, Literal["retry", "fail", "done"] | Skip[Any]],
        /,
        *,
        who: str = "",
        why: str = "",
    ) -> Run[Any]:
        """Says what is to become of steps for which a person must decide; the run goes on here.

        Of a halted run each step that was set aside: `"retry"` runs it again, `"fail"` takes it as failed, `Skip(value)` takes a value for it
        (R49). Of a run whose rollback is incomplete any step that wasn't taken back: `"retry"` tries its undo again, `"done"` says that a
        person has dealt with it (R52). Raises `InvalidState` for a run or a step that isn't such a one, and `UnknownWorkflow`.
        """
        return await self._office().resolve(run_id, answers, who, why)

    async def retry(
        self,
        run_id: str,
        /,
        *,
        allow_irreversible: Sequence[str] = (),
        new_run_id: str | None = None,
        who: str = "",
        why: str = "",
    ) -> Run[Any]:
        """Runs a failed or cancelled run again from where it failed: as a new run, with new budgets (R14), which goes on here.

        It keeps the results that still stand, as values; what was undone runs again, with what follows from it. Raises `InvalidState` if a step
        would act twice that can't be taken back, or whose undo was given up, unless `allow_irreversible` names it (R49).
        """
        from actorflow.runtime.again import Again

        how = Again("retry", (), frozenset(allow_irreversible), new_run_id)
        return await self._office().again(run_id, how, who, why)

    async def replay(
        self,
        run_id: str,
        /,
        from_step: str | None = None,
        *,
        allow_irreversible: Sequence[str] = (),
        new_run_id: str | None = None,
        who: str = "",
        why: str = "",
    ) -> Run[Any]:
        """Runs a run that has ended again, with the same inputs, as a new run, which goes on here: from the start, or from a step.

        `from_step` runs again with all that follows from it; the results of the others are kept, as values. Raises as `retry` does.
        """
        from actorflow.runtime.again import Again

        fresh = None if from_step is None else (from_step,)
        how = Again("replay", fresh, frozenset(allow_irreversible), new_run_id)
        return await self._office().again(run_id, how, who, why)

    async def take_over(self, run_id: str, /, *, who: str = "", why: str = "") -> Run[Any]:
        """Has an unfinished run that nobody has go on here, even if this runtime was told not to look for such (R50).

        Raises `InvalidState` if it has ended, a live runtime has it, or its workflow doesn't fit any more (R51), and `UnknownWorkflow`.
        """
        return await self._office().take_over(run_id, who, why)
