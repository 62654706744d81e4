"""How the facts of scopes change a run's state. As in `fold.py`, there is no policy here."""

from __future__ import annotations

from typing import Any

from actorflow.engine import fold
from actorflow.engine.frames import enter_again, make_special, open_frame, scope_at, tree_of
from actorflow.engine.state import (
    COMPLETED,
    FAILED,
    LEAVING,
    OPEN,
    RUNNING,
    SKIPPED,
    STOPPING,
    UNDO_FAILED,
    UNDONE,
    State,
)
from actorflow.engine.tree import Frame, Scope, Tree, frames_within
from actorflow.facts import (
    BodyOpened,
    ItemEnded,
    ItemFailed,
    ItemsPulled,
    ItemStarted,
    ScopeLeft,
    StepsEmitted,
)
from actorflow.plan import Around, Body, BodyPlan, Call, Each, ScopePlan

EMITTED = Call()
"""What holds the steps that a step has emitted."""

ENDED_NODES = frozenset({COMPLETED, SKIPPED, UNDONE, UNDO_FAILED})
SETTLING_ITEM = 1
UNDOING_ITEM = 2

# ── scopes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def decided(state: State, node: int) -> None:
    """The scope's own code has answered: it holds no slot while its bodies run."""
    if state.status[node] in (RUNNING, STOPPING):
        state.running -= 1
        state.status[node] = OPEN


def body_opened(state: State, fact: BodyOpened) -> None:
    decided(state, fact.node)
    scope = scope_at(state, fact.node, fact.began)
    tree = tree_of(state)
    if isinstance(scope.plan.control, Around):
        tree.entered.append(fact.node)
        if fact.node in tree.left:
            tree.left.discard(fact.node)
            enter_again(state, tree, next(iter(scope.frames.values())), fact.given[0])
            return
    scope.value, scope.is_done, scope.passes = None, False, fact.index
    open_frame(state, tree, scope, fact.body, fact.index, fact.key, fact.given, fact.at)


def items_pulled(state: State, fact: ItemsPulled) -> None:
    decided(state, fact.node)
    scope = scope_at(state, fact.node, fact.began)
    scope.start += len(scope.items)
    scope.items, scope.keys, scope.more = fact.items, fact.keys, fact.more
    scope.next = 0


def item_started(state: State, fact: ItemStarted) -> None:
    tree = tree_of(state)
    start_item(state, tree, tree.scopes[fact.node], fact.index, fact.key, fact.item, fact.at)


def start_item(state: State, tree: Tree, scope: Scope, index: int, key: str | None, item: Any, at: float) -> Frame:
    """Written apart from the fact, which is seldom built."""
    scope.next += 1
    control = scope.plan.control
    if isinstance(control, Each) and control.ordered:
        scope.results.append(None)
    return open_frame(state, tree, scope, 0, index, key, (item,), at)


def scope_left(state: State, fact: ScopeLeft) -> None:
    tree = tree_of(state)
    node = fact.node
    if node in tree.entered:
        tree.entered.remove(node)
    if state.status[node] == LEAVING:
        state.handlers -= 1
    else:
        state.running -= 1
    state.status[node] = OPEN
    if tree.scopes[node].is_done:
        tree.left.discard(node)
    else:
        tree.left.add(node)


def steps_emitted(state: State, fact: StepsEmitted) -> None:
    """The step itself is done, and undone like any other; replaced, it has its result when the other one has."""
    node = fact.node
    outer = None if state.tree is None else state.tree.frame_of[node]
    if outer is not None:
        outer.emitted = True  # its range stands for this item until its end
    if fact.plan is None:
        fold.step_succeeded(state, fact)
        return
    tree = tree_of(state)
    body = BodyPlan(Body("", None), fact.plan)
    scope = tree.scopes[node] = Scope(node, ScopePlan(EMITTED, (body,)), outer, fact.began)
    open_frame(state, tree, scope, 0, 0, "", (), fact.at)
    frame = next(iter(scope.frames.values()))
    if not fact.replacing:
        if outer is not None:  # before the step is resolved: the frame isn't done without its guests
            outer.left += 1
            outer.guests += 1
        fold.step_succeeded(state, fact)
        return
    replace(state, tree, node, frame, fact)


def replace(state: State, tree: Tree, node: int, frame: Frame, fact: StepsEmitted) -> None:
    state.running -= 1
    state.status[node] = OPEN
    tree.own[node] = fact.value
    tree.replaced.add(node)
    name, before = tree.generations.get(node, (state.name(node), 1))
    names: dict[int, str] = {}
    for local, own in enumerate(frame.plan.names):
        if own == fact.replacing:
            tree.generations[frame.base + local] = (name, before + 1)
        if own == fact.replacing or own.startswith(f"{fact.replacing}."):
            names[local] = f"{name}[{before + 1}]{own.removeprefix(fact.replacing)}"
    frame.names = names
    if state.program.undoable[node]:
        state.undo_stack.append(node)
    if state.reasons or state.first_at:
        fold.forget(state, node)


# ── items that are taken back by themselves ───────────────────────────────────────────────────────────────────────────


def item_failed(state: State, fact: ItemFailed) -> None:
    tree = tree_of(state)
    frame = tree.scopes[fact.node].at(fact.index)
    assert frame is not None
    inside = set(map(id, frames_within(tree, frame)))
    for inner in [one for one in tree.rolling if id(one) in inside]:
        tree.rolling.remove(inner)
        frame.errors += inner.errors
        frame.acted |= inner.acted
        frame.incomplete |= inner.incomplete
        inner.rolling = 0
    frame.rolling = SETTLING_ITEM
    tree.rolling.append(frame)
    for inner in frames_within(tree, frame):
        make_special(state, range(inner.base, inner.nodes))


def item_ended(state: State, fact: ItemEnded) -> None:
    """All of it is over: what wasn't resolved never will be."""
    tree = tree_of(state)
    scope = tree.scopes[fact.node]
    frame = scope.at(fact.index)
    assert frame is not None
    tree.rolling.remove(frame)
    frame.rolling = 0
    for inner in list(frames_within(tree, frame)):
        if not inner.is_over:
            state.remaining -= inner.unresolved
            inner.left = -1
        for node in range(inner.base, inner.nodes):
            fold.forget(state, node)
            tree.scopes.pop(node, None)
            tree.left.discard(node)
            tree.replaced.discard(node)
            if state.status[node] not in ENDED_NODES:
                state.status[node] = FAILED
    scope.open -= 1
    put_result(scope, fact.index, fact.outcome)


def put_result(scope: Scope, index: int, value: Any) -> None:
    control = scope.plan.control
    if isinstance(control, Each) and control.ordered:
        scope.results[index] = value
    else:
        scope.results.append(value)
