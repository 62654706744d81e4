"""What scopes decide, drawn from the world's random numbers: which branch, which items, whether once more; and how arounds are left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorflow import facts
from actorflow.errors import NoBranch
from actorflow.plan import Around, Call, Each, Repeat
from tests.simulation.nodes import Job

if TYPE_CHECKING:
    from tests.simulation.world import World

PASSES = 3
PULLS = 3


def decision(world: World, job: Job, *, fails: bool) -> Any:
    """Fails seldom: what is inside does so often enough."""
    n, random = job.n, world.random
    at = (world.run, job.node, job.number, world.now)
    opening = n.opening
    if isinstance(n.step.control, Around) and opening is not None and opening.is_done:
        return leaving(world, job, fails=fails)
    if job.message == "stop":
        return facts.StepInterrupted(*at, random.random() < 0.8, job.began)
    if fails and random.random() < 0.3:
        return facts.AttemptFailed(*at, NoBranch(n.name, None), False, 0.0, job.began)
    match n.step.control:
        case Each():
            return pulled(world, job)
        case Repeat():
            return passes(world, job)
        case Around():
            world.tools += 1
            return facts.BodyOpened(*at, 0, 0, "", (f"tool {world.tools}",), job.began)
        case Call():
            given = arguments(world, job)
            return facts.BodyOpened(*at, 0, 0, "", given, job.began)
        case _:
            bodies = n.body.plan.scopes[n.local].bodies
            chosen = random.randrange(len(bodies))
            given = arguments(world, job)[: bodies[chosen].given]
            return facts.BodyOpened(*at, chosen, 0, bodies[chosen].key, given, job.began)


def arguments(world: World, job: Job) -> tuple[Any, ...]:
    """As the runner makes them from the run's values."""
    base = job.node - job.n.local
    return tuple(world.state.values[base + slot] for slot in job.n.body.takes(job.n.local))


def pulled(world: World, job: Job) -> Any:
    n, random = job.n, world.random
    opening = n.opening
    first = 0 if opening is None else opening.pulled
    count = random.choice((0, 1, 2, 3, 5))
    more = first < PULLS * 3 and random.random() < 0.4
    items = [f"{n.name} item {index}" for index in range(first, first + count)]
    keys = [f"k{index}" for index in range(first, first + count)] if len(n.name) % 2 else None
    return facts.ItemsPulled(world.run, job.node, job.number, world.now, items, keys, more, job.began)


def passes(world: World, job: Job) -> Any:
    """The result of one is what the next takes."""
    n, random = job.n, world.random
    at = (world.run, job.node, job.number, world.now)
    opening = n.opening
    if opening is None:
        return facts.BodyOpened(*at, 0, 1, "1", arguments(world, job), job.began)
    scope = world.state.tree.scopes[job.node] if world.state.tree is not None else None
    assert scope is not None
    if random.random() < 0.5 or scope.passes >= PASSES:
        return facts.StepSucceeded(*at, scope.value, job.began)
    index = scope.passes + 1
    return facts.BodyOpened(*at, 0, index, str(index), (scope.value,), job.began)


def leaving(world: World, job: Job, *, fails: bool) -> Any:
    error = OSError("the exit") if fails and world.random.random() < 0.5 else None
    return facts.ScopeLeft(world.run, job.node, job.number, world.now, error, job.began)
