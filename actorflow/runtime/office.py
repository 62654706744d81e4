"""Carries out what operators ask of a store's runs; see `operating` for what each does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog
from msgspec.structs import replace

from actorflow.clock import Clock
from actorflow.errors import InvalidInput, InvalidState
from actorflow.runtime.commands import command_data
from actorflow.runtime.explaining import Here, Nowhere, explained
from actorflow.runtime.history import history_of
from actorflow.runtime.inspecting import see, view_of
from actorflow.runtime.signals import Asked, cant_take, one_of_those, plain_letter
from actorflow.runtime.views import WAITS
from actorflow.store import Codec, Post, TakeNote

if TYPE_CHECKING:
    from actorflow.outcome import Approval
    from actorflow.runtime.views import Explanation, Finding, HistoryEntry, RunView
    from actorflow.store import RunRecord, Store

log = structlog.get_logger("actorflow")

UNFINISHED: Final = frozenset({"running", "halting", "rolling_back", "undoing"})
FINISHED: Final = frozenset({"succeeded", "failed", "cancelled", "undone"})
GOING_BACK: Final = frozenset({"rolling_back", "undoing"})
PURGED_AT_ONCE: Final = 1000
SHORT: Final = 10.0
"""Seconds of the lease of who claims a run only to let it go."""


class Office:
    """`here` is what the runtime that is asked knows itself; `who` stands for an operator that isn't named."""

    def __init__(
        self,
        store: Store,
        *,
        codec: Codec | None = None,
        clock: Clock | None = None,
        here: Here | None = None,
        who: str = "operator",
    ) -> None:
        self.store = store
        self.codec = codec or Codec()
        self.clock = clock or Clock()
        self.here = here or Nowhere()
        self.who = who

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def inspect(self, run_id: str, *, values: bool = False) -> RunView:
        return self.with_orphans(view_of(await see(self.store, run_id), self.codec, values=values))

    def with_orphans(self, view: RunView) -> RunView:
        """R12: what the runtime that is asked knows of abandoned threads."""
        orphans = self.here.orphans_of(view.run_id)
        if not orphans:
            return view
        steps = (replace(step, orphaned=tuple(orphans.get(step.name, ()))) for step in view.steps)
        return replace(view, steps=tuple(steps))

    async def explain(self, run_id: str) -> Explanation:
        seen = await see(self.store, run_id)
        return explained(view_of(seen, self.codec, values=False), self.clock.time(), self.here)

    async def history(self, run_id: str) -> list[HistoryEntry]:
        entries = history_of(await self.store.turns(run_id), self.codec)
        return [
            one if one.value is None else replace(one, value=self.codec.without_secrets(one.value)) for one in entries
        ]

    async def doctor(self) -> list[Finding]:
        from actorflow.runtime.doctor import examine

        return await examine(self)

    # ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def cancel(self, run_id: str, reason: str, who: str) -> None:
        run = await self.store.get_run(run_id)
        if run.status in UNFINISHED:
            await self.ask(run_id, "cancel", command_data(reason, who or self.who), who, reason)
        elif run.status == "halted":
            await self.cancel_halted(run, reason, who)

    async def cancel_halted(self, run: RunRecord, reason: str, who: str) -> None:
        """Somebody has to run what takes it back."""
        raise InvalidState(
            f"run {run.run_id!r} is halted, so nobody has it, and to take it back its code is needed\nHave a runtime that knows {run.workflow!r} cancel it."
        )

    async def halt(self, run_id: str, reason: str, who: str) -> None:
        run = await self.store.get_run(run_id)
        if run.status in GOING_BACK:
            raise InvalidState(f"run {run_id!r} is being taken back, and can't be halted")
        if run.status not in UNFINISHED:
            raise InvalidState(f"run {run_id!r} has ended ({run.status}), and can't be halted")
        await self.ask(run_id, "halt", command_data(reason, who or self.who), who, reason)

    async def ask(self, run_id: str, kind: str, data: bytes, who: str, why: str) -> None:
        """Leaves a message and a note of it, both or none."""
        answers = await self.store.together(
            [
                TakeNote(run_id, who or self.who, kind, why),
                Post(run_id, kind, data),
            ]
        )
        raise_first(answers)
        await self.poke()

    # ── signals ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def signal(self, run_id: str, signal: str, value: Any, what: str, who: str, why: str) -> None:
        """`what` stands in the note."""
        run = await self.store.get_run(run_id)
        if run.status in GOING_BACK or run.status in FINISHED:
            raise cant_take(run_id, run.status)
        message = Post(run_id, "signal", self.letter(run, signal, value))
        raise_first(await self.store.together([TakeNote(run_id, who or self.who, what, why), message]))
        await self.poke()

    def letter(self, run: RunRecord, signal: str, value: Any) -> bytes:
        """Nobody knows here which type is waited for: whoever has the run reads it as that."""
        return plain_letter(signal, value, self.codec)

    async def answer(self, run_id: str, name: str | None, answer: Approval) -> None:
        view = await self.inspect(run_id)
        asked = [Asked(one.name, one.signal, one.by) for one in view.steps if one.is_asked]
        if name is not None and not any(name in (one.node, one.signal) for one in asked):
            check_is_no_signal(view, name)
        signal = one_of_those(run_id, asked, name, answer.who) if view.status not in FINISHED else name or ""
        what = f"{'approve' if answer.approved else 'reject'} {signal}"
        await self.signal(run_id, signal, answer, what, answer.who, answer.why)

    async def poke(self) -> None:
        """Has a runtime that is here look for the message at once."""

    # ── keeping order ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def note(self, run_id: str, what: str, who: str, why: str) -> None:
        await self.store.note(run_id, who=who or self.who, what=what, why=why)

    async def label(self, run_id: str, labels: Mapping[str, str | None], who: str, why: str) -> Mapping[str, str]:
        kept = await self.store.label_run(run_id, labels)
        await self.note(run_id, f"label {label_text(labels)}", who, why)
        return kept

    async def release(self, run_id: str, who: str, why: str) -> None:
        """It is claimed, which forgets why it was left alone, and let go."""
        run = await self.store.get_run(run_id)
        if run.status not in UNFINISHED:
            raise InvalidState(f"run {run_id!r} has {run.status}: nobody has to take it over")
        owner = await self.store.join(who or self.who, lease=SHORT)
        try:
            if not await self.store.claim_runs(owner, run_id=run_id):
                raise InvalidState(f"a live runtime has run {run_id!r}")
            await self.note(run_id, "release", who, why)
        finally:
            await self.store.leave(owner)

    async def delete(self, run_id: str, who: str, why: str) -> None:
        await self.store.delete_run(run_id)
        log.info("a run was deleted", run=run_id, who=who or self.who, why=why)

    async def purge(self, older_than: float, statuses: Sequence[str], who: str, why: str) -> int:
        count = 0
        while True:
            gone = await self.store.purge(older_than, statuses, PURGED_AT_ONCE)
            count += gone
            if gone < PURGED_AT_ONCE:
                break
        log.info("runs were purged", count=count, older_than=older_than, who=who or self.who, why=why)
        return count


def check_is_no_signal(view: RunView, name: str) -> None:
    """Raises `InvalidInput` if what is called so waits, but not for an answer. What isn't reached yet may be answered early."""
    for step in view.steps:
        if step.status in WAITS and step.signal and step.question is None and name in (step.name, step.signal):
            raise InvalidInput(
                f"step {step.name!r} of run {view.run_id!r} waits for signal {step.signal!r}, not for an approval"
                f"\nsignal() ends that, with the name {step.signal!r} and a value."
            )


def label_text(labels: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name}={value}" if value is not None else f"no {name}" for name, value in labels.items())


def raise_first(answers: Sequence[Any]) -> None:
    """Raises what the store has refused, if it has refused something."""
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
