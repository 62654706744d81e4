"""What nodes can be, read: each kind into what a builder would be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import UNSET

from actorflow.errors import InvalidStep, brief
from actorflow.workflow.calls import one_line
from actorflow.workflow.entries import BROKEN
from actorflow.workflow.said import (
    SaidAround,
    SaidChoose,
    SaidChooseFirst,
    SaidDebug,
    SaidEach,
    SaidGather,
    SaidGroup,
    SaidRepeat,
    SaidTransform,
    said_fail,
    said_template,
)
from actorflow.workflow.said_waits import SaidApproval, SaidSignal, SaidSleep
from actorflow.workflow.spec.fields import Fields, each_item, fields

if TYPE_CHECKING:
    from actorflow.workflow.spec.reading import Reading

Read: TypeAlias = tuple[Any, dict[str, Any]]


def _step(reading: Reading, found: Fields) -> Read:
    step = reading.options.named(found, "step", reading.registry.steps)
    arguments = reading.arguments(found)
    options = reading.options.of_step(found)
    if step is None:
        return BROKEN, {}
    try:
        return (step.options(**options) if options else step), arguments
    except InvalidStep as error:
        reading.problems.append(f"{found.path}: {one_line(error)}")
        return BROKEN, {}


def _workflow(reading: Reading, found: Fields) -> Read:
    return reading.options.named(found, "workflow", reading.registry.workflows), reading.arguments(found)


def _each(reading: Reading, found: Fields) -> Read:
    may = ("concurrency", "ordered", "batch_size", "key", "on_error")
    inside = reading.inside(found, "each", ("items", "body"), *may)
    options = {
        "concurrency": inside.whole("concurrency"),
        "ordered": inside.boolean("ordered"),
        "batch_size": inside.whole("batch_size"),
        "key": reading.options.function(inside, "key"),
        "on_error": inside.one_of("on_error", "fail", "collect"),
    }
    return SaidEach(reading.value(inside, "items"), reading.body_of(inside, "item"), _given(options)), {}


def _choose(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "choose", ("on", "branches"), "default")
    branches: dict[Any, Any] = {}
    for path, data in each_item(inside, "branches"):
        branch = fields(data, path, reading.problems, needs=("when", "body"))
        if branch is None or "when" not in branch:
            continue
        case = reading.values.literal(branch.get("when"), branch.at("when"))
        if not _is_hashable(case):
            branch.problem("when", f"{brief(case)} can't be looked up; choose_first takes conditions")
        elif case in branches:
            branch.problem("when", f"there is a branch for {brief(case)} already")
        else:
            branches[case] = reading.body_of(branch)
    return SaidChoose(reading.value(inside, "on"), branches, reading.body_of(inside, name="default")), {}


def _choose_first(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "choose_first", ("on", "branches"), "default")
    branches: list[tuple[Any, Any]] = []
    for path, data in each_item(inside, "branches"):
        branch = fields(data, path, reading.problems, needs=("when", "body"))
        if branch is not None:
            branches.append((reading.options.function(branch, "when"), reading.body_of(branch, "value")))
    default = reading.body_of(inside, "value", "default")
    return SaidChooseFirst(reading.value(inside, "on"), branches, default), {}


def _group(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "group", ("body",), "before", "afterwards")
    parts = (reading.body_of(inside, name=name) for name in ("body", "before", "afterwards"))
    return SaidGroup(*parts), {}


def _around(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "around", ("factory", "body"))
    return SaidAround(reading.options.function(inside, "factory"), reading.body_of(inside, "value")), {}


def _repeat(reading: Reading, found: Fields) -> Read:
    may = ("workflow", "body", "undoable", "until", "at_most", "exhausted")
    inside = reading.inside(found, "repeat", ("start",), *may)
    options = {
        "until": reading.options.function(inside, "until"),
        "at_most": inside.whole("at_most"),
        "exhausted": inside.one_of("exhausted", "return", "fail"),
    }
    return SaidRepeat(_passes(reading, inside), reading.value(inside, "start"), _given(options)), {}


def _passes(reading: Reading, inside: Fields) -> Any:
    if ("workflow" in inside) == ("body" in inside):
        reading.problems.append(f"{inside.path}: it has either a workflow or a body")
        return BROKEN
    if "body" in inside:
        if "undoable" in inside:
            inside.problem("undoable", "this is said of a workflow; in a body it's said of each node")
        return reading.body_of(inside, "value")
    workflow = reading.options.named(inside, "workflow", reading.registry.workflows)
    undoable = inside.boolean("undoable")
    return workflow if workflow is None or undoable is None else workflow.options(undoable=undoable)


def _transform(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "transform", ("value", "function"))
    function: Any = reading.options.function(inside, "function")
    return SaidTransform(reading.value(inside, "value"), function), {}


def _template(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "template", ("text",), "values")
    return said_template(inside.text("text", empty=True)), reading.arguments(inside, "values")


def _fail(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "fail", ("text",), "values")
    return said_fail(inside.text("text", empty=True)), reading.arguments(inside, "values")


def _debug(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "debug", (), "level", "values")
    return SaidDebug(inside.text("level") or "info"), reading.arguments(inside, "values")


def _gather(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "gather", ("type",), "values", "positional")
    text = inside.text("type")
    maker = reading.registry.functions.get(text or "")
    if maker is None and text is not None:
        maker = reading.values.type(text, inside.at("type"))
    positional = [reading.values.argument(data, path) for path, data in each_item(inside, "positional")]
    return SaidGather(maker, positional), reading.arguments(inside, "values")


def _sleep(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "sleep", ("seconds",))
    return SaidSleep("sleep", reading.value(inside, "seconds")), {}


def _sleep_until(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "sleep_until", ("when",))
    return SaidSleep("sleep_until", reading.value(inside, "when")), {}


def _signal(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "wait_for_signal", ("signal", "type"), "timeout", "default")
    text = inside.text("type")
    kind = None if text is None else reading.values.type(text, inside.at("type"))
    return SaidSignal(inside.text("signal"), kind, *_ends(reading, inside)), {}


def _approval(reading: Reading, found: Fields) -> Read:
    inside = reading.inside(found, "approval", (), "question", "by", "timeout", "default", "reject")
    asked = {name: reading.value(inside, name) for name in ("question", "by") if name in inside}
    reject = inside.one_of("reject", "value", "fail") or "value"
    return SaidApproval(asked, *_ends(reading, inside), reject), {}


def _ends(reading: Reading, inside: Fields) -> tuple[Any, Any]:
    return reading.value(inside, "timeout"), reading.value(inside, "default") if "default" in inside else UNSET


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were said."""
    return {name: value for name, value in options.items() if value is not None}


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


KINDS: Mapping[str, Callable[[Reading, Fields], Read]] = {
    "step": _step,
    "workflow": _workflow,
    "each": _each,
    "choose": _choose,
    "choose_first": _choose_first,
    "group": _group,
    "around": _around,
    "repeat": _repeat,
    "transform": _transform,
    "template": _template,
    "gather": _gather,
    "debug": _debug,
    "fail": _fail,
    "sleep": _sleep,
    "sleep_until": _sleep_until,
    "wait_for_signal": _signal,
    "approval": _approval,
}
"""What a node can be, and what reads it: what the builder is told, and the arguments by name."""
