"""Emitted steps in snapshots: their plan isn't part of any workflow, so they are told as module and qualified name (R16, R8).

Waits have no code: they are told as what they wait for. What can't be told so (a lambda, a changed copy, a combinator, an argument that is a
part of a result) has no snapshot.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, TypeAlias, cast

from actorflow.errors import InvalidState, NotSerializable
from actorflow.plan import (
    Constant,
    Draft,
    DraftNode,
    Expression,
    NodeValue,
    Plan,
    StepSpec,
    WaitSpec,
    compile_draft,
    parameters_of,
)
from actorflow.runtime.snapshot_records import Emitted, EmittedStep, EmittedWait
from actorflow.runtime.snapshot_types import told_type, type_told
from actorflow.store import Codec
from actorflow.workflow import Step, wait_spec

Slots: TypeAlias = tuple[int, ...]

# ── to be stored ──────────────────────────────────────────────────────────────────────────────────────────────────────


def emitted_record(plan: Plan, emitter: str, codec: Codec) -> Emitted:
    """Raises `NotSerializable`, naming the step, if another process couldn't find it, or not with these arguments."""
    draft: Draft = plan.draft
    steps = tuple(_step_record(plan, number, f"{emitter}.{node.name}") for number, node in enumerate(draft.nodes))
    result = draft.result
    if not isinstance(result, NodeValue) and not (isinstance(result, Constant) and result.value is None):
        raise _untold(f"what stands for {emitter!r}", "it is made of the results of several steps")
    types = _types(plan.steps, [step.arguments for step in steps], plan.keywords)
    constants = (
        codec.encode(value, types.get(len(plan) + i, Any), f"an argument of a step that {emitter!r} has emitted")
        for i, value in enumerate(plan.constants)
    )
    return Emitted(plan.name, steps, tuple(constants), result.node if isinstance(result, NodeValue) else None)


def _step_record(plan: Plan, number: int, path: str) -> EmittedStep:
    node: DraftNode = plan.draft.nodes[number]
    arguments = plan.takes[number]
    if node.spec.control is not None:
        raise _untold(repr(path), "what is in it was drawn while its run was going on")
    if arguments is None:
        raise _untold(repr(path), "an argument is a part of another step's result")
    if node.spec.wait is not None:
        wait = _wait_record(node.spec, node.spec.wait, path)
        return EmittedStep(
            "", node.spec.name, node.name, arguments, node.keywords, node.after, node.keep, node.line, wait
        )
    module, qualname = node.spec.function.__module__, node.spec.function.__qualname__
    if _found(sys.modules.get(module), qualname) != node.spec:
        raise _untold(repr(path), f"{module}.{qualname} isn't this step with these options")
    return EmittedStep(module, qualname, node.name, arguments, node.keywords, node.after, node.keep, node.line)


def _wait_record(spec: StepSpec, wait: WaitSpec, path: str) -> EmittedWait:
    try:
        takes, returns = told_type(wait.takes), told_type(spec.returns)
    except NotSerializable as error:
        raise _untold(repr(path), str(error).partition("\n")[0]) from error
    return EmittedWait(wait.kind, wait.given, wait.signal, wait.fails, takes, returns)


def _types(specs: Sequence[StepSpec], arguments: Sequence[Slots], keywords: Sequence[Sequence[str]]) -> dict[int, Any]:
    """By slot the annotated type of the parameter that it is for; what is for several is plain data, or has no snapshot."""
    types: dict[int, Any] = {}
    for spec, slots, names in zip(specs, arguments, keywords, strict=True):
        for slot, (_, kind) in zip(slots, parameters_of(spec, len(slots), names), strict=True):
            types[slot] = kind if types.get(slot, kind) is kind else Any
    return types


def _untold(what: str, why: str) -> NotSerializable:
    return NotSerializable(
        f"{what} was emitted, and can't be told to another process: {why}\n"
        "A step at the top of a module can, emitted as it is, with values and results of other emitted steps."
    )


def _found(module: Any, qualname: str) -> StepSpec | None:
    """What the step of this name runs, as its module has it."""
    found = module
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return cast("Step[..., Any, Any]", found).spec if isinstance(found, Step) else None


# ── and back ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def emitted_plan(record: Emitted, codec: Codec) -> Plan:
    """Raises `InvalidState` if one of the steps isn't where it was."""
    specs = [_spec(step) for step in record.steps]
    types = _types(specs, [step.arguments for step in record.steps], [step.keywords for step in record.steps])
    values = [
        codec.decode(data, types.get(len(specs) + i, Any), f"an argument of a step that {record.name!r} has emitted")
        for i, data in enumerate(record.constants)
    ]
    nodes = [_node(step, spec, values, len(specs)) for step, spec in zip(record.steps, specs, strict=True)]
    result: Expression = Constant(None) if record.result is None else NodeValue(record.result)
    return compile_draft(Draft(record.name, nodes=nodes, result=result, returned=True, is_body=True))


def _spec(step: EmittedStep) -> StepSpec:
    if (wait := step.wait) is not None:
        waits = WaitSpec(wait.kind, wait.given, wait.signal, type_told(wait.takes), wait.fails)
        return wait_spec(step.qualname, waits, type_told(wait.returns))
    try:
        spec = _found(import_module(step.module), step.qualname)
    except ImportError:
        spec = None
    if spec is None:
        raise InvalidState(
            f"the run has emitted the step {step.name!r}, and {step.module}.{step.qualname} isn't a step here"
            "\nResume it with the code that it was started with."
        )
    return spec


def _node(step: EmittedStep, spec: StepSpec, constants: Sequence[Any], count: int) -> DraftNode:
    arguments = tuple(NodeValue(slot) if slot < count else Constant(constants[slot - count]) for slot in step.arguments)
    return DraftNode(step.name, spec, arguments, step.keywords, step.after, step.keep, step.line)
