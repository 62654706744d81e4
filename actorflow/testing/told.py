"""What a run's turns tell, read without its plan: what was completed, in which order, what was taken back, and what can't be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from actorflow.store import Entry, Turns

COMPLETED: Final = ("StepSucceeded", "StepHalted", "StepsEmitted", "StepRecovered", "StepSkipped")


class Told:
    """`completed` has a number for each step, in order of completion; `ended` is what the run has ended as, `None` while it goes on."""

    def __init__(self) -> None:
        self.completed: dict[str, int] = {}
        self.attempts: dict[str, int] = {}
        self.undone: set[str] = set()
        self.undoing: dict[str, str] = {}  # per group of steps that are taken back together, the one that is
        self.last: dict[str, int] = {}  # per such group, the place of the one that was taken back last
        self.emitted: set[str] = set()
        self.items: dict[tuple[str, int], str] = {}
        self.failed_items: list[str] = []  # how the names of their steps begin
        self.ended: str | None = None
        self.problems: list[str] = []
        self.count = 0

    # ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def started(self, entry: Entry) -> None:
        name = entry.step
        if name in self.emitted:  # one of its own name takes its place
            self.emitted.discard(name)
            self.completed.pop(name, None)
            self.attempts.pop(name, None)
        if name in self.completed and name not in self.undone:
            self.problems.append(f"step {name!r} began again after it was completed")
        if entry.attempt <= self.attempts.get(name, 0):
            self.problems.append(f"attempt {entry.attempt} of step {name!r} began twice")
        self.attempts[name] = entry.attempt

    def was_completed(self, entry: Entry) -> None:
        name = entry.step
        if name in self.emitted and entry.kind == "StepSucceeded":  # what it gives, now that what stands for it is done
            self.emitted.discard(name)
            return
        if name in self.completed and name not in self.undone:
            self.problems.append(f"step {name!r} was completed twice")
        self.undone.discard(name)
        self.completed.pop(name, None)
        self.count += 1
        self.completed[name] = self.count
        if entry.kind == "StepsEmitted":
            self.emitted.add(name)

    # ── taken back ────────────────────────────────────────────────────────────────────────────────────────────────────

    def undo_started(self, entry: Entry) -> None:
        name, group = entry.step, self.group(entry.step)
        if name in self.undone:
            self.problems.append(f"step {name!r} is undone once more")
        other = self.undoing.get(group)
        if other not in {None, name}:
            self.problems.append(f"step {name!r} is undone while {other!r} is")
        place = self.completed.get(name)
        if place is not None and other != name:
            if place > self.last.get(group, place):
                self.problems.append(f"step {name!r} is undone after one that was completed before it")
            self.last[group] = place
        self.undoing[group] = name

    def undo_ended(self, entry: Entry) -> None:
        if self.undoing.pop(self.group(entry.step), None) is None:
            self.problems.append(f"the undo of step {entry.step!r} ended, and hadn't begun")
        if entry.kind == "StepUndone":
            if entry.step in self.undone:
                self.problems.append(f"step {entry.step!r} was undone twice")
            self.undone.add(entry.step)

    def group(self, name: str) -> str:
        """What is taken back together: the run, or an item of an `each` that failed by itself."""
        return max((item for item in self.failed_items if name.startswith(item)), key=len, default="")

    def item_started(self, entry: Entry) -> None:
        more = unpacked(entry)
        self.items[entry.step, more["index"]] = str(more.get("key") or more["index"])

    def item_failed(self, entry: Entry) -> None:
        index = unpacked(entry)["index"]
        self.failed_items.append(f"{entry.step}[{self.items.get((entry.step, index), index)}]")

    # ── the run ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def run_ended(self, entry: Entry) -> None:
        if self.ended is not None:
            self.problems.append(f"it has ended as {self.ended}, and ends again")
        self.ended = unpacked(entry)["status"]

    def goes_on(self, entry: Entry) -> None:
        self.ended = None
        self.last.clear()


TELLS: Final[Mapping[str, Callable[[Told, Entry], None]]] = {
    "StepStarted": Told.started,
    **dict.fromkeys(COMPLETED, Told.was_completed),
    "UndoStarted": Told.undo_started,
    "StepUndone": Told.undo_ended,
    "UndoGaveUp": Told.undo_ended,
    "ItemStarted": Told.item_started,
    "ItemFailed": Told.item_failed,
    "RunEnded": Told.run_ended,
    "RunResumed": Told.goes_on,
    "RollbackStarted": Told.goes_on,
    "RollbackResumed": Told.goes_on,
}


def told_by(turns: Iterable[Turns]) -> Told:
    told = Told()
    for entry in entries(turns):
        tell = TELLS.get(entry.kind)
        if tell is not None:
            tell(told, entry)
    return told


def entries(turns: Iterable[Turns]) -> Iterator[Entry]:
    for one in turns:
        for turn in one.turns:
            yield from turn.messages
            yield from turn.facts


def unpacked(entry: Entry) -> dict[str, Any]:
    return msgspec.msgpack.decode(entry.more, type=dict[str, Any]) if entry.more is not None else {}
