"""The tree of a run's steps, made from events alone: a pure reducer, whose model stays small however many steps a run has.

A row stands for a part of the nodes' names: `each`, in it `[3]`, in it `charge`. Every row counts the steps below it by state; rows that
have ended well are dropped when their parent has more than `KEPT` of them, and stay in its counts. An event costs what its path's length
costs. After each event holds, for each row:

    counts = its own state, if it is a step + the counts of its children + `dropped`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from actorflow import facts
from actorflow.cli.paths import split
from actorflow.cli.words import GLYPHS
from actorflow.errors import ActorflowError
from actorflow.facts import Event

KEPT = 100
"""How many rows of one kind that have ended a parent keeps: more than a terminal has lines."""

STATES = tuple(GLYPHS)
_NUMBER = {state: number for number, state in enumerate(STATES)}
ACTIVE = frozenset({"checking", "waiting", "running", "retrying", "compensating", "undoing"})
LOUD = frozenset({"failed", "stuck", "halted", "interrupted"})
"""States that a person wants to see when all is over."""
_LOUD = tuple(_NUMBER[state] for state in STATES if state in LOUD)

Kind: TypeAlias = Literal["active", "loud", "quiet"]


class Row:
    """A part of a name: a step (`state` isn't empty), or what steps are in. Times are seconds of the run's monotonic clock."""

    __slots__ = (
        "active", "attempt", "began", "counts", "done", "dropped", "due", "ended", "error", "is_scope", "kind", "label",
        "loud", "note", "order", "parent", "path", "quiet", "state", "total",
    )  # fmt: skip

    def __init__(self, path: str, label: str, parent: Row | None, order: int, began: float) -> None:
        self.path = path
        self.label = label
        self.parent = parent
        self.order = order
        self.state = ""
        self.is_scope = False
        self.attempt = 0
        self.began = began
        self.ended: float | None = None
        self.due: float | None = None
        self.error: BaseException | None = None
        self.note = ""
        self.done = 0.0
        self.total: float | None = None
        self.counts = [0] * len(STATES)
        self.dropped = [0] * len(STATES)
        self.kind: Kind = "quiet"
        self.active: dict[str, Row] = {}
        self.loud: dict[str, Row] = {}
        self.quiet: dict[str, Row] = {}

    def child(self, label: str) -> Row | None:
        return self.active.get(label) or self.loud.get(label) or self.quiet.get(label)

    @property
    def children(self) -> Iterator[Row]:
        yield from self.active.values()
        yield from self.loud.values()
        yield from self.quiet.values()

    def shelf(self, kind: Kind) -> dict[str, Row]:
        return self.active if kind == "active" else self.loud if kind == "loud" else self.quiet

    def count(self, state: str) -> int:
        """How many steps in it, itself included, are in a state."""
        return self.counts[_NUMBER[state]]

    @property
    def steps(self) -> int:
        return sum(self.counts)


class Tree:
    """All rows of a run. `take` folds an event in; `root` has no state of its own."""

    def __init__(self) -> None:
        self.root = Row("", "", None, 0, 0.0)
        self.lost = 0
        self._rows: dict[str, Row] = {}
        self._born = 0

    def take(self, event: Event) -> None:
        """Folds one event; those that say nothing about the tree change nothing."""
        fold = _FOLDS.get(event.fact.__class__)
        if fold is not None:
            fold(self, event)

    def __len__(self) -> int:
        """How many rows are kept."""
        return len(self._rows)

    # ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def row(self, event: Event) -> Row:
        """The row of an event's node, made with all that it is in if it isn't there."""
        found = self._rows.get(event.node)
        return found if found is not None else self._made(event.node, event.monotonic)

    def _made(self, name: str, now: float) -> Row:
        row, path = self.root, ""
        for label in split(name):
            path = f"{path}{label}" if label.startswith("[") or not path else f"{path}.{label}"
            row = self._rows.get(path) or self._born_in(row, label, path, now)
        return row

    def _born_in(self, parent: Row, label: str, path: str, now: float) -> Row:
        self._born += 1
        row = Row(path, label, parent, self._born, now)
        parent.quiet[label] = self._rows[path] = row
        return row

    def _drop_oldest(self, parent: Row, shelf: dict[str, Row]) -> None:
        row = shelf.pop(next(iter(shelf)))
        parent.dropped = [one + other for one, other in zip(parent.dropped, row.counts, strict=True)]
        self._forget(row)

    def _forget(self, row: Row) -> None:
        del self._rows[row.path]
        for child in row.children:
            self._forget(child)

    # ── states ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def change(self, event: Event, state: str) -> Row:
        """Puts the event's node into a state, and all rows that it is in along with it."""
        row = self.row(event)
        old = row.state
        row.due = None
        if state in ACTIVE:
            row.ended = None
        elif row.ended is None:
            row.ended = event.monotonic
        if old != state:
            row.state = state
            if not row.is_scope:
                _recount(row, old, state)
            self._settle(row, event.monotonic)
        return row

    def revive(self, event: Event, was: str) -> None:
        """A step whose row was dropped was counted where it was dropped, as what it was then, and is so again."""
        if self._has_state(event.node):
            return
        number = _NUMBER[was]
        above = self._dropped_in(event.node, number)
        if above is None:
            return
        above.dropped[number] -= 1
        row = self._made(event.node, event.monotonic)
        row.state = was
        while row is not above and row.parent is not None:
            row.counts[number] += 1
            row = row.parent

    def was_dropped(self, event: Event, *states: str) -> bool:
        """Whether the node has no row any more, but was counted as one of these."""
        if self._has_state(event.node):
            return False
        return any(self._dropped_in(event.node, _NUMBER[state]) is not None for state in states)

    def _has_state(self, name: str) -> bool:
        row = self._rows.get(name)
        return row is not None and row.state != ""

    def _dropped_in(self, name: str, number: int) -> Row | None:
        """The innermost of the rows that a node was in which has dropped something in that state."""
        row, found = self.root, None
        for label in split(name):
            found = row if row.dropped[number] else found
            below = row.child(label)
            if below is None:
                break
            row = below
        return found

    def open_scope(self, event: Event) -> None:
        """The node isn't a step after all, but holds steps: it isn't counted."""
        row = self.row(event)
        if not row.is_scope:
            row.is_scope = True
            _recount(row, row.state, "")
            self._settle(row, event.monotonic)

    def _settle(self, row: Row, now: float) -> None:
        """Each row goes to its place in its parent; where too many have ended, the oldest is dropped."""
        while row.parent is not None:
            parent, kind = row.parent, _kind(row)
            if kind != row.kind:
                del parent.shelf(row.kind)[row.label]
                row.kind = kind
                if not row.state or row.is_scope:
                    row.ended = None if kind == "active" else now
                shelf = parent.shelf(kind)
                shelf[row.label] = row
            elif kind == "active":
                return
            else:
                shelf = parent.shelf(kind)
            if kind != "active" and len(shelf) > KEPT:
                self._drop_oldest(parent, shelf)
            row = parent


def _recount(row: Row, old: str, new: str) -> None:
    one = _NUMBER[old] if old else -1
    other = _NUMBER[new] if new else -1
    at: Row | None = row
    while at is not None:
        if one >= 0:
            at.counts[one] -= 1
        if other >= 0:
            at.counts[other] += 1
        at = at.parent


def _kind(row: Row) -> Kind:
    if row.active or row.state in ACTIVE:
        return "active"
    if row.loud or row.state in LOUD or any(map(row.counts.__getitem__, _LOUD)):
        return "loud"
    return "quiet"


# ── what each fact does ───────────────────────────────────────────────────────────────────────────────────────────────

Fold: TypeAlias = Callable[[Tree, Event], None]


def _becomes(state: str) -> Fold:
    def fold(tree: Tree, event: Event) -> None:
        tree.change(event, state)

    return fold


def _started(tree: Tree, event: Event) -> None:
    row = tree.change(event, "running")
    row.attempt, row.began, row.note, row.error = event.attempt, event.monotonic, "", None


def _waits(tree: Tree, event: Event) -> None:
    row = tree.row(event)
    if row.state in {"", "checking"}:
        tree.change(event, "waiting").note = f"for {', '.join(event.fact.pools)}"


def _dormant(tree: Tree, event: Event) -> None:
    fact = event.fact
    what = f"for signal {fact.signal!r}" if fact.question is None else f"for approval {fact.question}".rstrip()
    tree.change(event, "waiting").note = what if fact.signal else "for its time"


def _stands(tree: Tree, event: Event) -> None:
    if not tree.was_dropped(event, "failed", "stuck"):
        _failed(tree, event)


def _failed(tree: Tree, event: Event) -> None:
    row = tree.row(event)
    if row.state != "stuck":
        tree.change(event, "failed")
    if row.error is None or not isinstance(event.fact.error, ActorflowError) or event.fact.error.__cause__ is None:
        row.error = event.fact.error


def _retries(tree: Tree, event: Event) -> None:
    tree.revive(event, "failed")
    row = tree.change(event, "retrying")
    row.due, row.error, row.attempt = event.fact.due, event.fact.reason, event.attempt


def _compensates(tree: Tree, event: Event) -> None:
    tree.revive(event, "failed")
    row = tree.change(event, "compensating")
    row.attempt, row.note, row.error = event.fact.tries, "", row.error or event.fact.error


def _undoes(tree: Tree, event: Event) -> None:
    tree.revive(event, "succeeded")
    row = tree.change(event, "undoing")
    row.attempt, row.began, row.note, row.error = event.fact.tries, event.monotonic, "", None


def _tries_again(tree: Tree, event: Event) -> None:
    row = tree.row(event)
    row.due, row.error, row.attempt = event.fact.due, event.fact.reason, event.fact.tries


def _undone(tree: Tree, event: Event) -> None:
    tree.revive(event, "succeeded")
    tree.change(event, "undone")


def _gave_up(tree: Tree, event: Event) -> None:
    row = tree.change(event, "stuck")
    row.error, row.attempt = event.fact.error, event.fact.tries
    row.note = "not undone" if isinstance(event.fact, facts.UndoGaveUp) else "not compensated"


def _compensated(tree: Tree, event: Event) -> None:
    tree.change(event, "failed").note = "compensated"


def _progressed(tree: Tree, event: Event) -> None:
    row = tree.row(event)
    row.done, row.total = event.fact.done, event.fact.total


def _lost(tree: Tree, event: Event) -> None:
    tree.lost += event.fact.count


def _opened(tree: Tree, event: Event) -> None:
    tree.open_scope(event)


_FOLDS: Mapping[type, Fold] = {
    facts.GuardsStarted: _becomes("checking"),
    facts.PermitsWaited: _waits,
    facts.StepStarted: _started,
    facts.StepSucceeded: _becomes("succeeded"),
    facts.StepsEmitted: _becomes("succeeded"),
    facts.BodyOpened: _opened,
    facts.ItemsPulled: _opened,
    facts.StepRecovered: _becomes("succeeded"),
    facts.StepSkipped: _becomes("skipped"),
    facts.StepHalted: _becomes("halted"),
    facts.StepInterrupted: _becomes("interrupted"),
    facts.AttemptLost: _becomes("interrupted"),
    facts.StepProgressed: _progressed,
    facts.AttemptFailed: _failed,
    facts.GuardFailed: _failed,
    facts.StepGaveUp: _stands,
    facts.RetryScheduled: _retries,
    facts.WaitStarted: _dormant,
    facts.CompensationStarted: _compensates,
    facts.CompensationRetryScheduled: _tries_again,
    facts.StepCompensated: _compensated,
    facts.CompensationGaveUp: _gave_up,
    facts.UndoStarted: _undoes,
    facts.UndoRetryScheduled: _tries_again,
    facts.StepUndone: _undone,
    facts.UndoGaveUp: _gave_up,
    facts.EventsLost: _lost,
}

TAKEN: tuple[type[Any], ...] = tuple(_FOLDS)
"""The types of facts that the tree takes: no others need be built for it."""
