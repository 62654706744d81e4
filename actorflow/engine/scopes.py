"""What scopes do as their bodies run: the next item or pass, the result, leaving an around. See `tree.py` for what they are."""

from __future__ import annotations

from actorflow.engine import items, rollback
from actorflow.engine.fold_scopes import put_result, start_item
from actorflow.engine.frames import make_room, retire, scope_ended
from actorflow.engine.items_of import goes_forward
from actorflow.engine.record import record
from actorflow.engine.state import HALTING, OPEN, READY, RUN, RUNNING, State
from actorflow.engine.tree import Frame, Scope, Tree
from actorflow.facts import (
    BodyOpened,
    Fact,
    ItemsPulled,
    ItemStarted,
    RunPaused,
    ScopeLeft,
    StepGaveUp,
    StepsEmitted,
    StepStarted,
    StepSucceeded,
)
from actorflow.outcome import Succeeded
from actorflow.plan import Around, Each, Repeat

# ── a scope's own turn ────────────────────────────────────────────────────────────────────────────────────────────────


def begin_scope(state: State, node: int, now: float) -> bool:
    """Lets the scope's own code decide: at first, and again whenever it has to. It takes a slot for that, but no step of `max_steps`.

    False for an around that was to be entered again for a wait alone, which is over by now.
    """
    tree = state.tree
    if tree is not None and node in tree.left and not has_more_to_run(tree.scopes[node]):
        state.status[node] = OPEN
        return False
    if state.tree is not None and node in state.tree.scopes:
        state.status[node] = RUNNING
        state.running += 1
    else:
        record(state, StepStarted(state.run, node, state.attempt[node] + 1, now), now)
        state.allowance += 1
    state.started.append(node)
    return True


def asks_again(state: State, node: int) -> None:
    """The scope's own code has to decide what comes next; in a halt that waits for the resume."""
    if state.status[node] == OPEN:
        state.status[node] = READY
        state.ready.append(node)


def makes_its_nodes_wait(state: State, fact: BodyOpened, now: float) -> Fact | None:
    """What is in an around, or in an item that is taken back, is looked at before it starts."""
    tree = state.tree
    assert tree is not None
    frame = tree.scopes[fact.node].at(fact.index)
    if frame is not None:
        items.inherit(state, tree, frame)
    if tree.parked:
        rollback.unpark(state, [node for node in tree.parked if not items.is_gated(state, node)], now)
    if tree.scopes[fact.node].is_done:  # a wait in it has ended while it was entered again
        asks_again(state, fact.node)
    return None


def starts_items(state: State, fact: ItemsPulled, now: float) -> Fact | None:
    tree = state.tree
    assert tree is not None
    fill(state, tree, tree.scopes[fact.node], now)
    return None


def take_up_scopes(state: State, tree: Tree, now: float) -> None:
    """R16: after a halt, arounds are entered again in which a step is still to run; an `each` goes on with its items."""
    end_arounds_that_are_done(state, tree, now)
    enter_arounds_again(state, tree)
    for scope in list(tree.scopes.values()):
        if isinstance(scope.plan.control, Each) and scope.open + len(scope.results) + len(scope.items):
            fill(state, tree, scope, now)


def end_arounds_that_are_done(state: State, tree: Tree, now: float) -> None:
    """Their bodies ended by a wait while they were being entered again, and they weren't."""
    for node in sorted(tree.left):
        if tree.scopes[node].is_done and goes_forward(state, node):
            ask_or_end(state, tree, tree.scopes[node], now)


def enter_arounds_again(state: State, tree: Tree) -> None:
    """Those that were left, or were lost with their process, if a step in them is still to run."""
    for node in sorted(tree.left):
        if state.status[node] == OPEN and has_more_to_run(tree.scopes[node]):
            state.status[node] = READY
            state.ready.append(node)


def has_more_to_run(scope: Scope) -> bool:
    """Whether more than values from around it is missing in its body."""
    return any(frame.left > frame.late for frame in scope.frames.values())


# ── bodies end ────────────────────────────────────────────────────────────────────────────────────────────────────────


def go_on(state: State, tree: Tree, now: float) -> None:
    """Closes the frames that are done, and takes back the items that have failed."""
    while state.phase in (RUN, HALTING):
        if tree.broken:
            node, error = tree.broken.pop()
            record(state, StepGaveUp(state.run, node, state.attempt[node], now, error, "run"), now)
        elif tree.done:
            close_frame(state, tree, tree.done.pop(0), now)
        else:
            ended = items.roll_back(state, tree, now)
            for item in ended:
                fill(state, tree, item.scope, now)
            if not ended:
                return
    tree.done.clear()


def close_frame(state: State, tree: Tree, frame: Frame, now: float) -> None:
    """The body has ended: its result is the scope's, or that of an item or a pass."""
    if frame.is_over or frame.rolling:
        return
    scope = frame.scope
    node = scope.node
    if node in tree.replaced:
        stands_for(state, tree, frame, now)
        return
    result = frame.program.result
    try:
        value = state.values[frame.base + result] if result >= 0 else frame.plan.returns(frame.values(state))
    except Exception as error:  # a part of it that isn't there
        record(state, StepGaveUp(state.run, node, state.attempt[node], now, error, "run"), now)
        return
    control = scope.plan.control
    if isinstance(control, Each):
        end_item(state, tree, frame, control, value, now)
        return
    if not isinstance(control, Around):  # its frame stays as long as it isn't left
        retire(state, tree, frame)
    match control:
        case Repeat() | Around():
            scope.value, scope.is_done = value, True
            ask_or_end(state, tree, scope, now)
        case _ if state.status[node] == OPEN:
            end_scope(state, tree, scope, value, now)
        case _:
            guest_leaves(tree, scope)


def end_item(state: State, tree: Tree, frame: Frame, control: Each, value: object, now: float) -> None:
    """The item has its result; there may be room for others."""
    scope = frame.scope
    put_result(scope, frame.index, Succeeded(value, state.run) if control.collects else value)
    retire(state, tree, frame)
    fill(state, tree, scope, now)


def ask_or_end(state: State, tree: Tree, scope: Scope, now: float) -> None:
    """An around that was left in a halt, when all in it had ended, has nothing to do any more; one that is being entered again is left then."""
    node = scope.node
    if isinstance(scope.plan.control, Around) and node not in tree.entered and state.status[node] in (OPEN, READY):
        tree.left.discard(node)
        retire_all(state, tree, scope)
        end_scope(state, tree, scope, scope.value, now)
    else:
        asks_again(state, node)


def retire_all(state: State, tree: Tree, scope: Scope) -> None:
    for frame in list(scope.frames.values()):
        retire(state, tree, frame)


def end_scope(state: State, tree: Tree, scope: Scope, value: object, now: float) -> None:
    """The scope node has its value, like a step that succeeded."""
    node = scope.node
    state.status[node] = RUNNING
    state.running += 1
    scope_ended(tree, scope)
    record(state, StepSucceeded(state.run, node, state.attempt[node], now, value, scope.began), now)


def fill(state: State, tree: Tree, scope: Scope, now: float) -> None:
    """Starts items as far as the limit allows; asks for more of them; ends the scope when none is left."""
    control = scope.plan.control
    assert isinstance(control, Each)
    if state.status[scope.node] != OPEN:
        return
    if state.phase == RUN and not (tree.rolling and items.is_rolling(scope.frame)):
        room = min(control.limit - scope.open, len(scope.items) - scope.next)
        plan = scope.plan.bodies[0].plan
        missing = room - len(tree.free.get(plan, ()))
        if missing > 0:
            make_room(state, tree, plan, missing)
        while scope.open < control.limit and scope.next < len(scope.items):
            begin_item(state, tree, scope, now)
    if scope.next < len(scope.items):
        return
    if scope.more:
        if scope.open <= control.limit * 3 // 4:
            asks_again(state, scope.node)
    elif not scope.open:
        end_scope(state, tree, scope, scope.results, now)


def begin_item(state: State, tree: Tree, scope: Scope, now: float) -> None:
    place = scope.next
    index = scope.start + place
    key = None if scope.keys is None else scope.keys[place]
    item = scope.items[place]
    if state.facts is not None and state.takes[ItemStarted]:
        node = scope.node
        name = str(index) if key is None else key
        state.facts.append(ItemStarted(state.run, node, state.attempt[node], now, index, name, item))
    frame = start_item(state, tree, scope, index, key, item, now)
    if scope.frame is not None or tree.rolling or tree.left:
        items.inherit(state, tree, frame)


# ── emitted steps ─────────────────────────────────────────────────────────────────────────────────────────────────────


def emits(state: State, fact: StepsEmitted, now: float) -> Fact | None:
    """R8: steps that can't be planned fail the run, which is rolled back, the step that emitted them included."""
    tree = state.tree
    if tree is not None and fact.plan is not None:
        for frame in tree.scopes[fact.node].frames.values():
            items.inherit(state, tree, frame)
    if fact.problem is not None and state.phase in (RUN, HALTING):
        return StepGaveUp(state.run, fact.node, fact.attempt, fact.at, fact.problem, "run")
    if fact.halts and state.phase == RUN:
        return RunPaused(state.run, fact.at, state.name(fact.node))
    return None


def stands_for(state: State, tree: Tree, frame: Frame, now: float) -> None:
    """The step that was replaced has the result of the one that stands for it."""
    node = frame.scope.node
    value = frame.plan.returns(frame.values(state))
    tree.replaced.discard(node)
    retire(state, tree, frame)
    state.status[node] = RUNNING
    state.running += 1
    undoable = state.program.undoable
    assert isinstance(undoable, bytearray)
    was, undoable[node] = undoable[node], 0  # it's on the stack since its own code succeeded
    began = frame.scope.began
    record(state, StepSucceeded(state.run, node, state.attempt[node], now, value, began), now)
    undoable[node] = was


def guest_leaves(tree: Tree, scope: Scope) -> None:
    """What a step has emitted is done: the frame that the step is in may be."""
    outer = scope.frame
    if outer is not None and not outer.is_over:
        outer.guests -= 1
        outer.left -= 1
        if not outer.left:
            tree.done.append(outer)


# ── arounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def leaves_one(state: State, tree: Tree, error: BaseException | None) -> bool:
    """Leaves the around that was entered last, if there is one: in a halt, and before the first undo."""
    if tree.entered:
        items.leave_next(state, tree.entered[-1], error)
    return bool(tree.entered)


def has_left(state: State, fact: ScopeLeft, now: float) -> Fact | None:
    """An exit that raises fails the run; one whose body has ended gives its result."""
    tree = state.tree
    assert tree is not None
    scope = tree.scopes[fact.node]
    if scope.is_done:
        retire_all(state, tree, scope)
    if fact.error is not None:
        return StepGaveUp(state.run, fact.node, fact.attempt, fact.at, fact.error, "run")
    if scope.is_done and state.phase in (RUN, HALTING) and not items.is_taken_back(state, fact.node):
        end_scope(state, tree, scope, scope.value, now)
    return None


def failure_in_hand(state: State) -> BaseException | None:
    """The run's first error; a run that is cancelled has none."""
    return next((error.error for error in state.errors), None)
