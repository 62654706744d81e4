"""What others ask of a run: to pause, to stop, to go on, to be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorflow.engine import orders, set_aside
from actorflow.errors import OutcomeUnknown
from actorflow.policy import Skip

if TYPE_CHECKING:
    from tests.simulation.world import World


def time_is_over(world: World, epoch: int) -> None:
    if epoch == world.epoch:
        world.witness.runs_out(halts=world.options.on_timeout == "halt")
        world.deliver(orders.RunOverdue(world.run, world.now))


def pause(world: World) -> None:
    world.witness.pause()
    world.deliver(orders.Pause(world.run, world.now, "somebody"))


def cancel(world: World) -> None:
    witness = world.witness
    if witness.rolling and not witness.ended:
        world.seen["cancel during rollback"] += 1
    witness.hurried = True
    witness.roll_back(cancelled=True)
    world.deliver(orders.Cancel(world.run, world.now, "enough"))


def undo_all(world: World) -> None:
    """The second one joins the first (R26)."""
    witness = world.witness
    if not witness.undo_all and world.random.random() < 0.5:
        world.later(world.random.random(), undo_all, world)
    witness.ended = "" if not witness.undo_all else witness.ended
    witness.undo_all = witness.rolling = True
    world.deliver(orders.UndoAll(world.run, world.now))


def signal(world: World, name: str) -> None:
    """To a run that is halted it is sent when it goes on; one that has ended takes none."""
    if world.witness.ended == "halted":
        world.unsent.append(name)
    elif not world.witness.ended:
        world.witness.signal_comes(name)
        world.deliver(orders.SignalCame(world.run, world.now, name, name))


def check_result(world: World, fine: bool) -> None:
    """Middleware has looked at the result."""
    if fine:
        world.deliver(orders.ResultChecked(world.run, world.now, world.state.result))
        return
    if not world.witness.rolling:
        error = ValueError("the result won't do")
        world.witness.errors.append(("", "run", 1, error))
        world.witness.roll_back(cancelled=False)
        world.deliver(orders.ResultRefused(world.run, world.now, error))


def resume(world: World) -> None:
    world.seen["halt and resume"] = 1
    world.epoch += 1
    if world.random.random() < 0.5 and world.listen and world.moves:
        world.move()
    expected = [n for n in world.witness.nodes if n.set_aside]
    answers = all_answers(world)
    assert not any(n.set_aside for n in expected), "one that is set aside isn't told of"
    world.witness.settle_items()
    world.watch_the_time()
    world.witness.end_arounds_that_are_done()
    world.witness.waits_go_on()
    message = orders.Resume(world.run, world.now, answers)
    world.deliver(message)
    unsent, world.unsent = world.unsent, []
    for name in unsent:
        world.later(world.travel(), signal, world, name)
    if world.random.random() < 0.2:
        world.later(world.travel(), again, world, message)


def all_answers(world: World) -> dict[int, Any]:
    """What they come to is seen to when all are there."""
    witness = world.witness
    witness.resume()
    witness.answering = []
    answers = {node: answer(world, node) for node in set_aside(world.state)}
    waiting, witness.answering = witness.answering, None
    witness.deal_with(list(dict.fromkeys(waiting)))
    return answers


def again(world: World, message: orders.Resume) -> None:
    """Somebody resumes a run that goes on already."""
    if world.witness.ended != "halted":
        world.deliver(message)


def answer(world: World, node: int) -> Any:
    """What a person says of a step that was set aside (R49)."""
    witness = world.witness
    n = world.at(node)
    assert n.set_aside, f"{n} is set aside, and wasn't irreversible and interrupted"
    n.set_aside = False
    answer = world.random.choice(("retry", "fail", "skip"))
    n.lost = 0
    if answer == "skip":
        skip = Skip(f"skipped {n.name}")
        witness.resolve(n, skip.value)
        return skip
    if answer == "fail":
        witness.acted_in_vain(n, OutcomeUnknown())
        n.unknown = True
        witness.offer_or_stand(n)
    return answer
