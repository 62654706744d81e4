"""What a store keeps of runs and runtimes, in the simplest words: what the real ones are compared with, and share no code with."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.store.model import Refused

UNFINISHED = {"running", "halting", "rolling_back", "undoing"}


@dataclass
class KeptRun:
    id: str
    workflow: str
    inputs: bytes
    created: float
    owner: int | None
    labels: dict[str, str]
    status: str = "running"
    ended: float | None = None
    wake: float | None = None
    problem: str | None = None
    result: bytes | None = None
    turns: list[bytes] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def picture(self) -> tuple[object, ...]:
        times = self.ended, self.wake
        return (
            self.id,
            self.workflow,
            self.labels,
            self.status,
            *times,
            self.owner,
            self.problem,
            self.result,
            len(self.turns),
        )


@dataclass
class RunModel:
    """`leases` are when each runtime's lapses; `runs` are in the order in which they were created. `now` is the store's time."""

    now: float = 0.0
    leases: dict[int, float] = field(default_factory=dict)
    runs: dict[str, KeptRun] = field(default_factory=dict)

    def find(self, run: str) -> KeptRun:
        if run not in self.runs:
            raise Refused("not found")
        return self.runs[run]

    def known(self, owner: int) -> None:
        if owner not in self.leases:
            raise Refused("lease")

    def fence(self, owner: int) -> None:
        self.leases.pop(owner, None)
        for run in self.runs.values():
            run.owner = None if run.owner == owner else run.owner

    # ── runtimes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def join(self, owner: int, lease: float) -> None:
        self.leases[owner] = self.now + lease

    def renew(self, owner: int, lease: float) -> bool:
        if owner in self.leases:
            self.leases[owner] = self.now + lease
        return owner in self.leases

    # ── having a run ──────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, owner: int, run: str, workflow: str, inputs: bytes, labels: dict[str, str]) -> bool:
        self.known(owner)
        there = self.runs.get(run)
        if there is not None and (there.workflow, there.inputs) != (workflow, inputs):
            raise Refused("conflict")
        if there is None:
            self.runs[run] = KeptRun(run, workflow, inputs, self.now, owner, dict(labels))
        return there is None

    def append(
        self,
        owner: int,
        run: str,
        sequence: int,
        turns: bytes,
        status: str | None,
        wake: float | None,
        consumed: list[int],
        *,
        release: bool,
    ) -> int:
        self.known(owner)
        kept = self.find(run)
        tail = len(kept.turns)
        if 0 < sequence == tail and kept.owner in {None, owner} and kept.turns[-1] == turns:
            return sequence
        if kept.owner != owner:
            raise Refused("lease")
        if sequence != tail + 1:
            raise Refused("state")
        kept.turns.append(turns)
        kept.messages = [number for number in kept.messages if number not in consumed]
        if status is not None and status not in UNFINISHED:
            kept.status, kept.ended, kept.owner, kept.result = status, self.now, None, b"result"
        elif status is not None:
            if kept.ended is not None and status != "undoing":
                kept.result = None
            kept.status, kept.ended = status, None
        if release:
            kept.owner, kept.wake = None, wake
        return sequence

    def claim(self, owner: int, limit: int) -> list[str]:
        self.known(owner)
        self.fence_lapsed(owner)
        free = [
            run
            for run in self.runs.values()
            if run.owner is None and run.status in UNFINISHED and run.problem is None and (run.wake or 0.0) <= self.now
        ]
        return [self.give(run, owner) for run in free[:limit]]

    def claim_one(self, owner: int, run: str) -> list[str]:
        """Whoever claims fences those who have lapsed, even if there is nothing to claim."""
        self.known(owner)
        self.fence_lapsed(owner)
        kept = self.find(run)
        return [self.give(kept, owner)] if kept.owner in {None, owner} else []

    def fence_lapsed(self, but: int) -> None:
        for number in [number for number, expires in self.leases.items() if expires < self.now and number != but]:
            self.fence(number)

    def give(self, run: KeptRun, owner: int) -> str:
        run.owner, run.wake, run.problem = owner, None, None
        return run.id

    def release(self, owner: int, run: str, wake: float | None, problem: str | None) -> None:
        self.known(owner)
        kept = self.find(run)
        if kept.owner != owner:
            raise Refused("lease")
        kept.owner, kept.wake, kept.problem = None, wake, problem

    # ── keeping order ─────────────────────────────────────────────────────────────────────────────────────────────────

    def delete(self, run: str) -> None:
        owner = self.find(run).owner
        if owner is not None:
            if self.leases[owner] >= self.now:
                raise Refused("state")
            self.fence(owner)
        del self.runs[run]

    def purge(self, older_than: float, statuses: list[str], limit: int) -> int:
        old = [
            run
            for run in self.runs.values()
            if run.ended is not None
            and run.ended < self.now - older_than
            and run.status in statuses
            and run.owner is None
        ]
        gone = sorted(old, key=lambda run: run.ended or 0.0)[:limit]
        for run in gone:
            del self.runs[run.id]
        return len(gone)

    def post(self, run: str, number: int) -> None:
        kept = self.find(run)
        kept.wake = None
        kept.messages.append(number)

    def listed(self, statuses: list[str], workflow: str | None, labels: dict[str, str]) -> list[str]:
        """Newest first."""
        return [
            run.id
            for run in reversed(self.runs.values())
            if (not statuses or run.status in statuses)
            and workflow in {None, run.workflow}
            and labels.items() <= run.labels.items()
        ]
