"""What people do with the runs of a store: look at them, ask what they wait for, stop them, and keep order.

An `Operator` does it with a store alone, and runs nothing:

    async with Operator(SQLiteStore("trips.db")) as operator:
        print(await operator.explain("t-17"))
        await operator.cancel("t-17", "the customer has called", who="ann")

A `Runtime` with a store has the same functions, and those that have to run something. All work on runs that go on here, in another runtime, or nowhere.
What is asked of a run is noted with it: who, what, why and when.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from actorflow.outcome import Approval
from actorflow.runtime.forms import is_text, is_written, refuse_others

if TYPE_CHECKING:
    from actorflow.clock import Clock
    from actorflow.runtime.office import Office
    from actorflow.runtime.views import Explanation, Finding, HistoryEntry, RunView
    from actorflow.store import Codec, Note, RunPage, RunRecord, Store


def check_name(signal: object) -> None:
    refuse_others("a signal's name", signal, "text that isn't empty", is_text)


def check_answer(name: object, who: object, why: object) -> None:
    refuse_others("who", who, "the name of who answers", is_text)
    refuse_others("why", why, "text", is_written)
    if name is not None:
        refuse_others("name", name, "the name of an approval", is_text)


class Operations(ABC):
    """What an operator and a runtime with a store have in common. Unknown runs raise `RecordNotFound`."""

    @abstractmethod
    def _office(self) -> Office:
        """Raises `InvalidState` if there is no store."""

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def inspect(self, run_id: str, /, *, values: bool = False) -> RunView:
        """A run as it's recorded: its steps with their attempts, times and errors, who has it, and what operators did to it.

        `values=True` decodes inputs, results and context, as plain data.
        """
        return await self._office().inspect(run_id, values=values)

    async def record(self, run_id: str, /) -> RunRecord:
        """The run's own record, as the store has it."""
        return await self._office().store.get_run(run_id)

    async def explain(self, run_id: str, /) -> Explanation:
        """Why it isn't further: what it waits for, until when, and what can be done about it. `print` it."""
        return await self._office().explain(run_id)

    async def history(self, run_id: str, /) -> list[HistoryEntry]:
        """All that is recorded of what it did and was told, in order (R41)."""
        return await self._office().history(run_id)

    async def find_runs(
        self,
        *,
        status: Sequence[str] = (),
        workflow: str | None = None,
        labels: Mapping[str, str] | None = None,
        parent: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> RunPage:
        """The runs of the store, newest first, a page at a time: of any of the statuses, with all the labels, created at `since` or later and
        before `until` (seconds since the epoch). `after` is the `next` of the page before.
        """
        return await self._office().store.list_runs(
            status=status, workflow=workflow, labels=labels, parent=parent, since=since, until=until, limit=limit, after=after
        )  # fmt: skip

    async def notes(self, run_id: str, /) -> list[Note]:
        """What operators did to it, in order."""
        return await self._office().store.notes(run_id)

    async def doctor(self) -> list[Finding]:
        """The unfinished runs that nothing will move, or won't before somebody does something; empty if all is well."""
        return await self._office().doctor()

    # ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def cancel(self, run_id: str, /, reason: str = "", *, who: str = "") -> None:
        """Has a run cancelled and taken back, wherever it goes on; returns when that is accepted. Nothing happens to one that has ended.

        The runtime that has it carries it out within a second; if none has it, whoever takes it over.
        """
        await self._office().cancel(run_id, reason, who)

    async def halt(self, run_id: str, /, reason: str = "", *, who: str = "") -> None:
        """Has a run paused, in the same way. Raises `InvalidState` if it has ended or is being taken back."""
        await self._office().halt(run_id, reason, who)

    # ── time and people ───────────────────────────────────────────────────────────────────────────────────────────────

    async def signal(self, run_id: str, name: str, value: Any = None, /, *, who: str = "", why: str = "") -> None:
        """Sends a run a signal, wherever it goes on; returns when it can't get lost any more.

        `name` is that of a `wait_for_signal`, or of the node that waits: `each[3].wait_for_signal`. It counts once: it ends the wait that was
        reached first; if none is reached yet, it is kept. Raises `InvalidInput` for a value of another type than is waited for, and for a
        signal that nothing waits for, as far as the workflow is known here; `InvalidState` for a run that has ended or is being taken back.
        """
        check_name(name)
        await self._office().signal(run_id, name, value, f"signal {name}", who, why)

    async def approve(self, run_id: str, name: str | None = None, /, *, who: str, why: str = "") -> None:
        """Says yes to the `approval` that a run waits for; `name` says to which, if it isn't the only one. It may be said early, by name.

        Raises `InvalidState` if it isn't clear which is meant, `InvalidInput` if it isn't theirs to answer.
        """
        await self._answers(run_id, name, Approval(True, who, why))

    async def reject(self, run_id: str, name: str | None = None, /, *, who: str, why: str = "") -> None:
        """Says no, in the same way."""
        await self._answers(run_id, name, Approval(False, who, why))

    async def _answers(self, run_id: str, name: str | None, answer: Approval) -> None:
        check_answer(name, answer.who, answer.why)
        await self._office().answer(run_id, name, answer)

    # ── keeping order ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def label(
        self,
        run_id: str,
        labels: Mapping[str, str | None] | None = None,
        /,
        *,
        who: str = "",
        why: str = "",
        **more: str | None,
    ) -> Mapping[str, str]:
        """Sets labels, and removes those that are `None`; gives all that it has now: `await runtime.label("t-17", team="travel")`."""
        return await self._office().label(run_id, {**(labels or {}), **more}, who, why)

    async def release(self, run_id: str, /, *, who: str = "", why: str = "") -> None:
        """Has a run that was left alone (R51) taken over again. Raises `InvalidState` if a live runtime has it, or it isn't unfinished."""
        await self._office().release(run_id, who, why)

    async def delete(self, run_id: str, /, *, who: str = "", why: str = "") -> None:
        """Deletes a run with all that belongs to it, notes included; the log says so. Raises `InvalidState` if a live runtime has it."""
        await self._office().delete(run_id, who, why)

    async def purge(
        self,
        *,
        older_than: float,
        statuses: Sequence[str] = ("succeeded", "failed", "cancelled", "undone"),
        who: str = "",
        why: str = "",
    ) -> int:
        """Deletes the runs that ended more than `older_than` seconds ago; says how many. Halted ones stay unless they are named in `statuses`."""
        return await self._office().purge(older_than, statuses, who, why)


class Operator(Operations):
    """Looks at the runs of a store, and says what is to become of them, without running any: `async with Operator(store) as operator:`.

    It enters and leaves the store. `codec` is needed for values of a store that is encrypted.
    """

    def __init__(self, store: Store, *, codec: Codec | None = None, clock: Clock | None = None) -> None:
        from actorflow.runtime.office import Office

        self._own = Office(store, codec=codec, clock=clock)

    def _office(self) -> Office:
        return self._own

    async def __aenter__(self) -> Self:
        await self._own.store.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._own.store.__aexit__(kind, error, traceback)
