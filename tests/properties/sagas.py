"""The workflow of a scenario: steps of all flavours, whose code is played by a witness."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from actorflow import Fixed, Limit, Recover, Resource, Retry, Skip, Step, Workflow, WorkflowBuilder, step
from actorflow.workflow import Value
from tests.properties.scenario import Node, Scenario
from tests.properties.witness import Witness

WITNESS = Resource[Witness]("witness")
BACKOFF = Fixed(0.71)
HANDLERS = Retry(attempts=3, backoff=BACKOFF)
LIMITS = {"airline": Limit("airline", at_most=2), "bank": Limit("bank", at_most=1)}

Handler = Any


async def run_async(me: int, values: list[Any]) -> str:
    return await WITNESS.get().attempt(me, values)


def run_plain(me: int, values: list[Any]) -> str:
    return WITNESS.get().attempt_at_once(me, values)


async def guard(me: int, values: list[Any]) -> Skip[str] | None:
    return await WITNESS.get().guard(me, values)


async def undo_async(value: str, me: int, values: list[Any]) -> None:
    await WITNESS.get().undo(value, me, values)


def undo_plain(value: str, me: int, values: list[Any]) -> None:
    WITNESS.get().undo_at_once(value, me, values)


async def compensate_async(error: Exception, me: int, values: list[Any]) -> Recover[str] | None:
    return await WITNESS.get().compensate(error, me, values)


def compensate_plain(error: Exception, me: int, values: list[Any]) -> Recover[str] | None:
    return WITNESS.get().compensate_at_once(error, me, values)


UNDO: dict[str, Handler] = {"async": undo_async, "thread": undo_plain}
COMPENSATE: dict[str, Handler] = {"async": compensate_async, "thread": compensate_plain}
MODES = {"async": "auto", "inline": "inline", "thread": "thread"}


@cache
def flavour(mode: str, undo: str, compensate: str) -> Step[..., str, Any]:
    mode_asked: Any = MODES[mode]
    asked: Any = run_async if mode == "async" else run_plain
    made: Step[..., str, Any] = step(name="n", mode=mode_asked)(asked)
    if undo:
        made.undo(retry=HANDLERS)(UNDO[undo])
    if compensate:
        made.compensate(retry=HANDLERS)(COMPENSATE[compensate])
    return made


@lru_cache(maxsize=10_000)
def step_of(
    mode: str,
    undo: str,
    compensate: str,
    limits: tuple[str, ...],
    attempts: int,
    timeout: float | None,
    irreversible: bool,
    guarded: bool,
) -> Step[..., str, Any]:
    options: dict[str, Any] = {"retry": Retry(attempts=attempts, on=(ConnectionError,), backoff=BACKOFF)}
    if limits:
        options["limit"] = tuple(LIMITS[name] for name in limits)
    if timeout is not None:
        options["timeout"] = timeout
    if irreversible:
        options["irreversible"] = True
    if guarded:
        options["guards"] = [guard]
    return flavour(mode, undo, compensate).options(**options)


def step_for(node: Node) -> Step[..., str, Any]:
    return step_of(
        node.mode,
        node.undo,
        node.compensate,
        node.limits,
        node.attempts,
        node.timeout,
        node.irreversible,
        node.guards is not None,
    )


def saga_of(scenario: Scenario) -> Workflow[..., Any]:
    """The scenario as a workflow: it returns the values of all nodes that nothing takes."""
    builder = WorkflowBuilder("saga")
    place = {node: f"n{node}" for node in range(len(scenario.nodes))}
    parts = dict(scenario.parts)
    node = 0
    while node < len(scenario.nodes):
        end = parts.get(node)
        if end is None:
            add(builder, scenario, node, place)
            node += 1
        else:
            compose(builder, scenario, node, end, place)
            node = end
    return builder.returns([place[node] for node in returned(scenario)]).build()


def returned(scenario: Scenario) -> list[int]:
    taken = {need for node in scenario.nodes for need in node.needs}
    return [node for node in range(len(scenario.nodes)) if node not in taken]


def add(builder: WorkflowBuilder, scenario: Scenario, number: int, place: dict[int, str]) -> None:
    node = scenario.nodes[number]
    builder.add_step(
        f"n{number}",
        step_for(node),
        arguments={"me": Value(number), "values": [place[need] for need in node.needs]},
        after=sorted({place[other].partition(".")[0] for other in node.after}),
    )


def compose(builder: WorkflowBuilder, scenario: Scenario, first: int, end: int, place: dict[int, str]) -> None:
    """Adds the nodes from `first` up to `end` as a workflow of their own, which returns all their values."""
    name = f"part{first}"
    inner = WorkflowBuilder(name)
    outside = sorted({need for node in scenario.nodes[first:end] for need in node.needs if need < first})
    for need in outside:
        inner.add_input(f"v{need}", str)
    known = {need: f"v{need}" for need in outside} | {node: f"n{node}" for node in range(first, end)}
    for number in range(first, end):
        node = scenario.nodes[number]
        inside = node._replace(after=tuple(other for other in node.after if other >= first))
        nodes = (*scenario.nodes[:number], inside, *scenario.nodes[number + 1 :])
        add(inner, scenario._replace(nodes=nodes), number, known)
    inner.returns([f"n{number}" for number in range(first, end)])
    builder.compose(name, inner.build(), arguments={f"v{need}": place[need] for need in outside})
    for number in range(first, end):
        place[number] = f"{name}.{number - first}"
