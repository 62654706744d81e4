"""Makes what is shown of a run from what its store has of it, without the workflow's code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import msgpack
from msgspec.structs import replace

from actorflow.errors import InvalidValue
from actorflow.runtime.history import history_of, readable, text_of
from actorflow.runtime.signals import nameplate
from actorflow.runtime.snapshot_records import Noted
from actorflow.runtime.steps_told import StepTold, steps_told
from actorflow.runtime.stored import StoredEnd
from actorflow.runtime.views import AttemptView, ErrorView, RunView, StepView
from actorflow.store import is_sealed

if TYPE_CHECKING:
    from actorflow.store import Attempt, Codec, Note, RunMessage, RunRecord, RuntimeRecord, StepRun, Store


BADLY: Final = frozenset({"halted", "failed", "cancelled"})


class Seen(msgspec.Struct, frozen=True):
    """What is read of a run to show it."""

    run: RunRecord
    turns: Sequence[bytes]
    runtimes: Mapping[int, RuntimeRecord]
    messages: Sequence[RunMessage]
    notes: Sequence[Note]
    others: Sequence[StepView] = ()  # steps that workers have claimed in the store by themselves

    @property
    def owner(self) -> RuntimeRecord | None:
        return self.runtimes.get(self.run.owner) if self.run.owner is not None else None

    @property
    def end(self) -> StoredEnd | None:
        """How it ended, if it didn't succeed. What a halted run was resumed from is no end any more."""
        if self.run.failure is None or self.run.status not in BADLY:
            return None
        try:
            return msgpack.decode(self.run.failure, type=StoredEnd)
        except msgspec.MsgspecError:
            return None


async def see(store: Store, run_id: str) -> Seen:
    """Raises `RecordNotFound`."""
    run = await store.get_run(run_id)
    turns = await store.turns(run_id)
    runtimes = {one.number: one for one in await store.runtimes()}
    others = [] if turns else await others_of(store, run_id)
    return Seen(run, turns, runtimes, await store.messages(run_id=run_id), await store.notes(run_id), others)


def view_of(seen: Seen, codec: Codec, *, values: bool) -> RunView:
    run, end = seen.run, seen.end
    view = RunView(
        run.run_id, run.workflow, run.status, run.created, run.updated, run.ended, run.labels, run.parent, run.fingerprint, seen.owner, run.wake, run.problem,
        steps=(*steps_of(seen, codec, values=values), *seen.others), messages=tuple(map(without_value, seen.messages)), notes=tuple(seen.notes),
    )  # fmt: skip
    if end is not None:
        errors = tuple(error_view(one, codec) for one in end.errors)
        view = replace(view, rollback=end.rollback, by=end.by, set_aside=end.set_aside, errors=errors)
    return with_values(view, run, codec) if values else view


def steps_of(seen: Seen, codec: Codec, *, values: bool) -> list[StepView]:
    aside = seen.end.set_aside if seen.end is not None else ()
    told = steps_told(history_of(seen.turns, codec))
    return [step_view(step, codec, is_aside=step.name in aside, values=values) for step in told.values()]


def step_view(step: StepTold, codec: Codec, *, is_aside: bool, values: bool) -> StepView:
    view = step.view
    if is_aside:
        view = replace(view, status="set aside")
    return replace(view, value=plain(codec, step.value)) if values else view


def without_value(message: RunMessage) -> RunMessage:
    """A signal on its way is shown without its value: who looks doesn't know whether its type is secret."""
    return replace(message, data=nameplate(message.data)) if message.kind == "signal" else message


def error_view(noted: Noted, codec: Codec) -> ErrorView:
    failure = readable(codec, noted.failure) or noted.failure
    cause = text_of(failure.cause)
    return ErrorView(noted.node, noted.phase, noted.attempt, failure.type, failure.message, failure.traceback, cause)


# ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def with_values(view: RunView, run: RunRecord, codec: Codec) -> RunView:
    return replace(
        view,
        inputs=tuple(plain(codec, one) for one in inputs_of(run)),
        result=plain(codec, run.result),
        context=plain(codec, run.context or None),
    )


def inputs_of(run: RunRecord) -> list[bytes]:
    """In the order of the workflow's parameters. Inputs that weren't recorded by a runtime are shown as they are."""
    try:
        return msgpack.decode(run.inputs, type=list[bytes])
    except (msgspec.MsgspecError, ValueError):
        return [run.inputs]


def plain(codec: Codec, data: bytes | None) -> Any:
    """The value as plain data, without its secrets; bytes that can't be read are shown as they are, sealed ones as what they are."""
    if data is None:
        return None
    try:
        return codec.show(data)
    except InvalidValue as problem:
        return f"({str(problem).partition(chr(10))[0]})" if is_sealed(data) else data


# ── steps that no runtime has recorded ────────────────────────────────────────────────────────────────────────────────


async def others_of(store: Store, run_id: str) -> list[StepView]:
    """Steps of a run that workers have claimed in the store, one by one."""
    found = [await store.get_step_run(run_id, name) for name in await store.step_statuses(run_id)]
    return [other_view(one, await store.attempts(one.id)) for one in found if one is not None]


def other_view(step: StepRun, attempts: Sequence[Attempt]) -> StepView:
    shown = [AttemptView(one.phase, one.number, one.worker, one.started, one.ended, one.outcome) for one in attempts]
    started = shown[0].started if shown else None
    return StepView(
        step.step, step.status.value.replace("_", " "), tuple(shown), None, started, shown[-1].ended if shown else None
    )
