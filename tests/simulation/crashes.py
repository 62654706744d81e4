"""The process of a simulated run is lost, with all that executes in it; the run is built again from its turns, and taken over."""

from __future__ import annotations

import os
from heapq import heapify
from random import Random
from typing import TYPE_CHECKING, Any

from actorflow.engine import State, begin_recording, orders, replay_turn
from tests.simulation import clients
from tests.simulation.sameness import check_facts, check_same

if TYPE_CHECKING:
    from tests.simulation.world import World

CRASHING = float(os.environ.get("SIMULATED_CRASHES", "0.2"))
"""How many of the runs that are recorded meet crashes, and how many of the others are replayed at their end."""

OUTSIDE = (
    clients.pause, clients.cancel, clients.resume, clients.again, clients.undo_all, clients.time_is_over, clients.signal,
)  # fmt: skip
"""What goes on while the process is gone."""


class Fate:
    """When the process of a run is lost. It has random numbers of its own, so that it leaves the world's others alone."""

    def __init__(self, seed: int, *, may_crash: bool) -> None:
        self.random = Random(f"crash {seed}")
        self.chance = self.random.choice((0.02, 0.1, 0.3)) if may_crash and self.random.random() < CRASHING else 0.0
        self.left = self.random.randint(1, 8)
        self.is_checked = may_crash and self.random.random() < CRASHING

    def strikes(self) -> bool:
        if not self.left or not self.chance or self.random.random() >= self.chance:
            return False
        self.left -= 1
        return True


def built_again(world: World) -> State:
    """The run's state from its turns: the same as the one that was lost, by the same facts."""
    state = State(world.plan, world.run, (), world.options)
    begin_recording(state)
    for messages, told in world.turns:
        check_facts(told, replay_turn(state, messages))
    check_same(world.state, state)
    return state


def crash(world: World) -> None:
    """All is lost that was in flight; after a while another runtime, whose clock is another, takes the run over."""
    world.seen["taken over"] = 1
    away = world.fate.random.choice((0.0, 0.0, world.fate.random.random() * 3))
    lose_process(world)
    back = world.now + away
    kept = [(max(at, back), number, act, given) for at, number, act, given in world.events if is_outside(world, act)]
    world.events = [(back, -1, take_over, (world,)), *kept]  # before whatever was asked meanwhile
    heapify(world.events)


def is_outside(world: World, act: Any) -> bool:
    return act in OUTSIDE or act == world.other_run_ends


def lose_process(world: World) -> None:
    world.state = built_again(world)
    limits = world.limits
    limits.line.clear()
    for node, count in list(limits.held.items()):
        for _ in range(count):
            limits.give_back(node)
    world.orphans.clear()


def take_over(world: World) -> None:
    """Decided once, and recorded like all else."""
    shift = world.fate.random.choice((0.0, 100.0, -world.now / 2, world.fate.random.random() * 50))
    shift_world(world, shift)
    world.witness.is_taken_over()
    world.deliver(orders.TakeOver(world.run, world.now, shift, 3, "another"))


def shift_world(world: World, shift: float) -> None:
    """All that was measured is as if by the new runtime's clock."""
    world.now += shift
    world.witness.shift(shift)
    world.events = [(at + shift, number, act, given) for at, number, act, given in world.events]
    heapify(world.events)


def move(world: World) -> None:
    """A halted run is resumed in another process: no old message comes, no permit is held there."""
    kept = [event for event in world.events if is_outside(world, event[2])]
    lose_process(world)
    world.events = kept
    heapify(world.events)
    take_over(world)
