"""The public functions of a store that are about runs and runtimes; see `RunStore` for what each does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

from actorflow.errors import InvalidState
from actorflow.store.given import data, name, number, numbers, seconds, statuses, text, texts
from actorflow.store.requests import (
    Append,
    ClaimRuns,
    CountRuns,
    DeleteRun,
    Join,
    LabelRun,
    Leave,
    ListMessages,
    ListNotes,
    ListRuns,
    ListRuntimes,
    ListSchedules,
    MoveSchedule,
    OpenRun,
    OpenSchedule,
    Post,
    Purge,
    ReadTurns,
    ReleaseRun,
    Renew,
    Request,
    TakeNote,
)
from actorflow.store.runs import (
    ENDED,
    FINISHED,
    UNFINISHED,
    NewRun,
    Note,
    Opened,
    RunChange,
    RunMessage,
    RunPage,
    RunRecord,
    RuntimeRecord,
    ScheduleRecord,
)
from actorflow.store.tables import place

T = TypeVar("T")


class RunFace(ABC):
    """Each function checks what it's given and makes a request of it."""

    @abstractmethod
    def _ask(self, request: Request[T], /) -> Awaitable[T]:
        """Refuses with `StoreClosed` and `WrongLoop` at once."""

    # ── runtimes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def join(self, name: str, *, lease: float) -> int:
        return await self._ask(Join(text("name", name), seconds("lease", lease)))

    async def renew(self, owner: int, *, lease: float) -> bool:
        return await self._ask(Renew(number("owner", owner), seconds("lease", lease)))

    async def leave(self, owner: int) -> None:
        await self._ask(Leave(number("owner", owner)))

    async def runtimes(self) -> list[RuntimeRecord]:
        return await self._ask(ListRuntimes())

    # ── having a run ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def open_run(self, run: NewRun, *, owner: int) -> Opened:
        return await self._ask(OpenRun(new(run), number("owner", owner)))

    async def append(
        self,
        run_id: str,
        *,
        owner: int,
        sequence: int,
        turns: bytes,
        change: RunChange | None = None,
        consumed: Sequence[int] = (),
    ) -> int:
        given = name("run_id", run_id), number("owner", owner), number("sequence", sequence), data("turns", turns)
        return await self._ask(Append(*given, changing(change), numbers("a consumed message", consumed)))

    async def claim_runs(
        self, owner: int, *, limit: int = 100, run_id: str | None = None, workflows: Sequence[str] | None = None
    ) -> list[RunRecord]:
        which = None if run_id is None else name("run_id", run_id)
        names = None if workflows is None else tuple(name("a workflow", each) for each in workflows)
        return await self._ask(ClaimRuns(number("owner", owner), number("limit", limit), which, names))

    async def release_run(
        self, run_id: str, *, owner: int, wake: float | None = None, problem: str | None = None
    ) -> None:
        given = name("run_id", run_id), number("owner", owner), None if wake is None else seconds("wake", wake)
        await self._ask(ReleaseRun(*given, None if problem is None else text("problem", problem)))

    async def turns(self, run_id: str) -> list[bytes]:
        return await self._ask(ReadTurns(name("run_id", run_id)))

    # ── looking, and keeping order ────────────────────────────────────────────────────────────────────────────────────

    async def list_runs(
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
        place(after)
        request = ListRuns(
            statuses(status, UNFINISHED | ENDED),
            None if workflow is None else name("workflow", workflow),
            texts("a label", labels or {}),
            None if parent is None else name("parent", parent),
            None if since is None else seconds("since", since),
            None if until is None else seconds("until", until),
            max(1, number("limit", limit)),
            after,
        )
        return await self._ask(request)

    async def count_runs(self) -> dict[str, int]:
        return await self._ask(CountRuns())

    async def label_run(self, run_id: str, labels: Mapping[str, str | None]) -> Mapping[str, str]:
        texts("a label", {key: value for key, value in labels.items() if value is not None})
        return await self._ask(LabelRun(name("run_id", run_id), dict(labels)))

    async def delete_run(self, run_id: str) -> None:
        await self._ask(DeleteRun(name("run_id", run_id)))

    async def purge(self, older_than: float, statuses: Sequence[str] = FINISHED, limit: int = 1000) -> int:
        which = ended(statuses)
        return await self._ask(Purge(seconds("older_than", older_than), which, number("limit", limit)))

    # ── messages and notes ────────────────────────────────────────────────────────────────────────────────────────────

    async def post(self, run_id: str, kind: str, data: bytes) -> int:
        return await self._ask(Post(name("run_id", run_id), name("kind", kind), content(data)))

    async def messages(self, owner: int | None = None, run_id: str | None = None) -> list[RunMessage]:
        if (owner is None) == (run_id is None):
            raise InvalidState("messages() takes either an owner or a run_id")
        which = None if run_id is None else name("run_id", run_id)
        return await self._ask(ListMessages(None if owner is None else number("owner", owner), which))

    async def note(self, run_id: str, *, who: str, what: str, why: str = "") -> Note:
        return await self._ask(TakeNote(name("run_id", run_id), text("who", who), name("what", what), text("why", why)))

    async def notes(self, run_id: str) -> list[Note]:
        return await self._ask(ListNotes(name("run_id", run_id)))

    # ── schedules ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def open_schedule(self, name: str, *, trigger: str, since: float) -> ScheduleRecord:
        return await self._ask(OpenSchedule(named(name), text("trigger", trigger), seconds("since", since)))

    async def move_schedule(self, name: str, *, last: float) -> bool:
        return await self._ask(MoveSchedule(named(name), seconds("last", last)))

    async def schedules(self, name: str | None = None) -> list[ScheduleRecord]:
        return await self._ask(ListSchedules(None if name is None else named(name)))


def new(run: NewRun) -> NewRun:
    name("run_id", run.run_id)
    name("workflow", run.workflow)
    data("inputs", run.inputs)
    text("fingerprint", run.fingerprint)
    data("context", run.context)
    texts("a label", run.labels)
    data("options", run.options)
    if run.parent is not None:
        name("parent", run.parent)
    return run


def changing(change: RunChange | None) -> RunChange | None:
    if change is None:
        return None
    if change.status is not None:
        statuses((change.status,), UNFINISHED | ENDED)
    if change.wake is not None:
        seconds("wake", change.wake)
    for what, value in (("result", change.result), ("failure", change.failure)):
        if value is not None:
            data(what, value)
    return change


def ended(given: Sequence[str]) -> tuple[str, ...]:
    return statuses(given, ENDED)


def named(given: str) -> str:
    return name("a schedule's name", given)


def content(given: bytes) -> bytes:
    return data("data", given)
