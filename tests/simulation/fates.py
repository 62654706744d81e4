"""How what executes ends, drawn from the world's random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorflow import facts
from actorflow.errors import InvalidWorkflow, WorkerLost
from actorflow.policy import TryAgain
from tests.simulation import clients
from tests.simulation.bodies import emissions
from tests.simulation.deciding import decision, leaving
from tests.simulation.nodes import Job

if TYPE_CHECKING:
    from tests.simulation.world import World


def outcome(world: World, job: Job) -> Any:
    fails = world.random.random() < world.failing
    if job.kind == "run":
        return attempt_outcome(world, job, fails=fails)
    if job.kind == "guard":
        return guard_outcome(world, job, fails=fails)
    if job.kind == "leave":
        return leaving(world, job, fails=fails)
    if job.n.step.wait is not None and job.kind == "scope":
        return wait(world, job)
    if job.kind == "scope":
        return decision(world, job, fails=fails)
    return handler_outcome(world, job)


def attempt_outcome(world: World, job: Job, *, fails: bool) -> Any:
    random = world.random
    at = (world.run, job.node, job.number, world.now)
    if job.message == "stop":
        return facts.StepInterrupted(*at, random.random() < 0.8, job.began)
    kind = random.random()
    if not fails and kind < 0.9:
        if world.has_scopes and kind < 0.08:
            return emission(world, job)
        return facts.StepSucceeded(*at, f"{job.n.name}#{job.number}", job.began)
    if not fails:
        if kind < 0.92:
            return facts.StepHalted(*at, f"{job.n.name}#{job.number}", job.began)
        error: Exception = TryAgain(random.choice((None, "later", ValueError("later"))))
        return facts.AttemptFailed(*at, error, True, random.random(), job.began)
    if kind < 0.3:
        world.seen["crash"] = 1
        return facts.AttemptFailed(*at, WorkerLost(), random.random() < 0.2, random.random(), job.began, True)
    return facts.AttemptFailed(*at, OSError("no"), random.random() < 0.2, random.random(), job.began)


def wait(world: World, job: Job) -> Any:
    """For each that waits for a signal one will come, in time or not."""
    spec, people = job.n.step.wait, world.people
    assert spec is not None
    due = None if spec.signal and people.random() < 0.5 else world.now + people.random() * 2
    if spec.signal:
        world.later(people.random() * 2, clients.signal, world, spec.signal)
    world.seen["wait for a signal" if spec.signal else "sleep"] = 1
    return facts.WaitStarted(world.run, job.node, job.number, world.now, due, spec.signal)


def emission(world: World, job: Job) -> Any:
    """It has called others; they may be such that they can't be planned."""
    random = world.random
    at = (world.run, job.node, job.number, world.now, f"{job.n.name}#{job.number}", job.began)
    world.seen["emission"] = 1
    if random.random() < 0.1:
        return facts.StepsEmitted(*at, problem=InvalidWorkflow("emitted", ["it takes what there isn't"]))
    plan, replacing = random.choice(emissions())
    return facts.StepsEmitted(*at, plan, replacing)


def guard_outcome(world: World, job: Job, *, fails: bool) -> Any:
    random = world.random
    at = (world.run, job.node, job.number, world.now)
    if job.message == "stop":
        return facts.StepInterrupted(*at, False, job.began)
    if fails:
        return facts.GuardFailed(*at, PermissionError("no"), False, 0.0, job.began)
    kind = random.random()
    if kind < 0.7:
        return facts.GuardsPassed(*at, job.began)
    if kind < 0.8:
        return facts.StepSkipped(*at, f"{job.n.name} skipped", job.began)
    if kind < 0.83:
        return facts.StepHalted(*at, f"{job.n.name} skipped", job.began)
    return facts.GuardFailed(*at, TryAgain("not yet"), True, random.random(), job.began)


def handler_outcome(world: World, job: Job) -> Any:
    random = world.random
    kind = random.random()
    at = (world.run, job.node, job.number, world.now, job.tries)
    again, delay = random.random() < 0.9, random.random()
    if job.kind == "undo":
        if kind < 0.85:
            return facts.StepUndone(*at, job.began)
        return facts.UndoAttemptFailed(*at, OSError("undo"), again, delay, job.began)
    if kind < 0.3:
        return facts.StepRecovered(*at, f"{job.n.name} recovered", job.began)
    if kind < 0.6:
        return facts.StepCompensated(*at, False, 0.0, None, job.began)
    if kind < 0.75:
        return facts.StepCompensated(*at, True, delay, TryAgain(), job.began)
    return facts.CompensationAttemptFailed(*at, OSError("compensate"), again, delay, job.began)
