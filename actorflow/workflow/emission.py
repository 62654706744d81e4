"""`emit`: how a running step adds steps to its own run (R8)."""

from __future__ import annotations

from actorflow.errors import InvalidState, brief


def emit(call: object, *more: object) -> None:
    """Adds the called steps, workflows or combinators to the run of the step that is running: `emit(store(page))`.

    They are planned when the step succeeds, before anything else is dispatched; with an attempt that fails they are gone. They take values that
    the step has. One that is given the step's own name stands for it: `emit(fetch.options(name="fetch")(rest))` inside `fetch`; who
    waits for `fetch` then waits for that one, and gets its result. Raises `InvalidState` outside of a running step.
    """
    from actorflow.workflow.drawing import current_drawing, is_drawing
    from actorflow.workflow.promise import Promise, source_of

    drawing = None if is_drawing() else current_drawing()
    if drawing is None:
        raise InvalidState(
            "emit() was called outside of a running step\n"
            "It adds steps to the run of the step that calls it, on the loop or in a thread: worker processes can't. "
            "In a @workflow function a step is called by itself."
        )
    for promise in (call, *more):
        if not isinstance(promise, Promise):
            raise InvalidState(f"emit() takes calls, as in emit(store(page)), not {brief(promise)}")
        source = source_of(promise)
        if source.drawing is not drawing:
            raise InvalidState(f"{source.label!r} wasn't called inside of this step, and can't be emitted by it")
        drawing.emitted.update(range(*source.span))
