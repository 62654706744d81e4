"""Supervisors: who watches over actors, and starts them again (R34, R35).

Whether a child is started again is decided the moment it ends, so that whoever monitors it is told. The work (stopping those
that go with it, starting all) is done by a task that lives as long as there is such work. A child keeps its address and its
mailbox; the message that it failed on is gone.
"""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

from actorflow.errors import ActorFailed, InvalidState, brief, describe
from actorflow.facts import ActorRestarted, ActorSpawned, ActorStopped

from .actor import Actor
from .cell import Cell, Parent
from .child import Child, ChildSpec, Restart, SupervisorSpec
from .envelope import Exit, ExitReason
from .kernel import Kernel
from .ref import ActorRef, ref_of
from .task_cell import TaskCell, accepts_of_actor
from .turn import TurnActor, TurnCell, accepts_of_turn_actor

M = TypeVar("M")

_DEFAULT = SupervisorSpec()


class Supervisor:
    """Watches over its children by the strategy of its spec. Made by an `ActorSystem`, or as a child of another."""

    def __init__(
        self,
        kernel: Kernel,
        spec: SupervisorSpec = _DEFAULT,
        parent: Parent | None = None,
        *,
        name: str = "",
        path: str = "",
    ) -> None:
        self.kernel = kernel
        self.spec = spec
        self.name = name
        self.restart: Restart = spec.restart
        self.exit: Exit | None = None
        self.is_down = True
        self.address = path
        self._parent = parent
        self._children: dict[str, Child] = {}
        self._numbers = count(1)
        self._restarts: deque[float] = deque()
        self._down: deque[tuple[Child, BaseException | None]] = deque()
        self._recovery: Task[None] | None = None
        self._given_up: Exit | None = None

    # the children

    def spawn(
        self,
        actor: Actor[M] | TurnActor[M],
        /,
        *,
        name: str = "",
        mailbox: int | None = None,
        factory: Callable[[], Actor[M] | TurnActor[M]] | None = None,
        restart: Restart | None = None,
        shutdown: float = 5.0,
    ) -> ActorRef[M]:
        """Starts an actor as the youngest child.

        With a `factory` for further objects it is permanent unless told otherwise, without one it is temporary.
        """
        if factory is None:
            if restart not in (None, "temporary"):
                raise InvalidState(f"a {restart} actor needs a factory: spawn(actor, factory=…)")
            spec = ChildSpec(factory=_never, name=name, restart="temporary", shutdown=shutdown, mailbox=mailbox)
        else:
            spec = ChildSpec(
                factory=factory, name=name, restart=restart or "permanent", shutdown=shutdown, mailbox=mailbox
            )
        return self._start_actor(spec, actor)

    def start_child(self, spec: ChildSpec) -> ActorRef[Any]:
        """Starts an actor from its spec, as the youngest child."""
        return self._start_actor(spec, spec.factory())

    def supervise(self, spec: SupervisorSpec) -> Supervisor:
        """Starts a supervisor from its spec, with its children, as the youngest child."""
        self._must_be_open()
        name = self._name(spec.name or "supervisor", given=bool(spec.name))
        child = Supervisor(self.kernel, spec, self, name=name, path=self._below(name))
        self._children[name] = child
        try:
            child.start()
        except BaseException:
            del self._children[name]
            raise
        return child

    def child(self, name: str) -> ActorRef[Any] | Supervisor:
        """The child of that name: an actor's ref, or a supervisor. Raises `KeyError`."""
        child = self._children[name]
        if isinstance(child, Cell):
            return ref_of(child)
        assert isinstance(child, Supervisor)
        return child

    def names(self) -> list[str]:
        """The names of the children, in the order in which they were started first."""
        return list(self._children)

    def _start_actor(self, spec: ChildSpec, actor: Any) -> ActorRef[Any]:
        self._must_be_open()
        _check(spec)
        kind = _class_of(actor)
        name = self._name(spec.name or kind.__name__.lower(), given=bool(spec.name))
        cell: TaskCell | TurnCell
        if issubclass(kind, Actor):
            cell = TaskCell(self.kernel, self, spec, name, self._below(name), accepts_of_actor(_class_of(actor)))
        elif issubclass(kind, TurnActor):
            cell = TurnCell(self.kernel, self, spec, name, self._below(name), accepts_of_turn_actor(_class_of(actor)))
        else:
            raise InvalidState(f"{kind.__qualname__} is neither an Actor nor a TurnActor")
        cell.first = actor
        ref: ActorRef[Any] = ActorRef(cell)
        cell.ref = ref
        self._children[name] = cell
        try:
            cell.start()
        except BaseException:
            del self._children[name]
            raise
        return ref

    def _must_be_open(self) -> None:
        if self.exit is not None or self._given_up is not None:
            raise InvalidState(f"{self.address or 'the actor system'} has stopped: it takes no new actors")

    def _name(self, name: str, *, given: bool) -> str:
        if given:
            if name in self._children:
                raise InvalidState(f"{self.address or 'the actor system'} has an actor named {name!r} already")
            return name
        while (numbered := f"{name}-{next(self._numbers)}") in self._children:
            pass
        return numbered

    def _below(self, name: str) -> str:
        return f"{self.address}/{name}" if self.address else name

    # what its parent does with it

    def start(self, error: BaseException | None = None) -> None:
        """Starts its children: those of its spec, or, once it has some, those that it had."""
        again = bool(self._children) or error is not None
        self.is_down = False
        self._given_up = None
        self._restarts.clear()
        if self.address and self.kernel.publish is not None:
            now = self.kernel.loop.time()
            self.kernel.tell(ActorRestarted(self.address, now, error) if again else ActorSpawned(self.address, now))
        if again:
            for child in list(self._children.values()):
                self._start_again(child, error)
        else:
            for spec in self.spec.children:
                self.start_child(spec) if isinstance(spec, ChildSpec) else self.supervise(spec)

    async def halt(self, *, keep: bool) -> None:
        """Stops the children, the youngest first, each within its time."""
        if self.exit is not None:
            return
        self.is_down = True
        self._given_up = self._given_up or Exit("stopped", restarts=keep)
        if self._recovery is not None and self._recovery is not asyncio.current_task():
            await asyncio.wait({self._recovery})
        for child in reversed(list(self._children.values())):
            await child.halt(keep=keep and child.restart != "temporary")
            if child.exit is not None:
                self._children.pop(child.name, None)
        if not keep:
            self.end(self._given_up if not self._given_up.restarts else Exit("stopped"))

    def end(self, exit: Exit) -> None:
        if self.exit is None:
            self.exit = self._given_up = exit
            for child in reversed(list(self._children.values())):
                child.end(Exit("stopped"))
            self._children.clear()
            if self.address and self.kernel.publish is not None:
                self.kernel.tell(ActorStopped(self.address, self.kernel.loop.time(), exit.error))

    # what its children tell it

    def judge(self, child: Child, reason: ExitReason, error: BaseException | None) -> bool:
        """By the child's kind of restart, and by how many restarts there were lately."""
        if self._given_up is not None or self.exit is not None:
            return child.restart != "temporary" and self._given_up is not None and self._given_up.restarts
        if reason == "killed" or child.restart == "temporary" or (child.restart == "transient" and reason == "stopped"):
            return False
        now = self.kernel.loop.time()
        self._restarts.append(now)
        while self._restarts[0] < now - self.spec.within:
            self._restarts.popleft()
        return len(self._restarts) <= self.spec.max_restarts or self._give_up(error)

    def recover(self, child: Child, error: BaseException | None) -> None:
        self._down.append((child, error))
        self._work()

    def forget(self, child: Child) -> None:
        self._children.pop(child.name, None)

    # recovery

    def _give_up(self, error: BaseException | None) -> bool:
        """Too many restarts: it fails upward. Whether it, and so its children, will be started again."""
        gave_up = ActorFailed(
            f"{self.address or 'the actor system'} gave up: more than {self.spec.max_restarts} restarts"
            f" within {self.spec.within:g} s" + (f", the last after {describe(error)}" if error else "")
        )
        gave_up.__cause__ = error
        again = self._parent is not None and self._parent.judge(self, "failed", gave_up)
        self._given_up = Exit("failed", gave_up, again)
        self._work()
        return again

    def _work(self) -> None:
        if self._recovery is None:
            self._recovery = self.kernel.loop.create_task(self._recover(), name=f"{self.address}: recovery")

    async def _recover(self) -> None:
        """Goes through the children that are down, until all is well or the supervisor gives up."""
        try:
            while self._down and self._given_up is None:
                child, error = self._down.popleft()
                if child.is_down and child.exit is None:
                    await self._restart_group(child, error)
            self._down.clear()
            if self._given_up is not None and self._given_up.reason == "failed":
                await self._fail(self._given_up)
        finally:
            self._recovery = None

    async def _restart_group(self, child: Child, error: BaseException | None) -> None:
        group = self._group(child)
        for sibling in reversed(group):
            if not sibling.is_down:
                await sibling.halt(keep=sibling.restart != "temporary")
                if sibling.exit is not None:
                    self.forget(sibling)
            if self._given_up is not None:
                return
        for sibling in group:
            if sibling.is_down and sibling.exit is None:
                self._start_again(sibling, error)
        await asyncio.sleep(0)

    def _group(self, child: Child) -> list[Child]:
        """Those that are stopped and started with it, in the order of their start."""
        children = list(self._children.values())
        match self.spec.strategy:
            case "one_for_one":
                return [child]
            case "one_for_all":
                return children
            case "rest_for_one":
                return children[children.index(child) :]

    def _start_again(self, child: Child, error: BaseException | None) -> None:
        try:
            child.start(error)
        except Exception as failure:
            if self.judge(child, "failed", failure):
                self.recover(child, failure)
            else:
                child.end(Exit("failed", failure))
                self.forget(child)

    async def _fail(self, exit: Exit) -> None:
        """Stops all children, and leaves it to the parent."""
        await self.halt(keep=exit.restarts)
        if self._parent is None:
            self.gave_up(exit)
        elif exit.restarts:
            self._parent.recover(self, exit.error)
        else:
            self._parent.forget(self)

    def gave_up(self, exit: Exit) -> None:
        """The root has failed: there is no one above."""


def _never() -> Any:
    raise InvalidState("an actor without a factory has one life")


def _check(spec: ChildSpec) -> None:
    if not isinstance(spec.name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidState(f"an actor's name is text, not {brief(spec.name)}")
    if spec.mailbox is not None and (type(spec.mailbox) is not int or spec.mailbox < 1):
        raise InvalidState(f"a mailbox holds at least one message, or any number (None), not {brief(spec.mailbox)}")


def _class_of(actor: object) -> type:
    return type(actor)
