"""What is to happen in one random run, as plain data: printed, it can be read, copied and played again."""

from __future__ import annotations

from typing import Any, NamedTuple


def short(thing: Any) -> str:
    """A named tuple as it would be written: without what it has anyway."""
    defaults = type(thing)._field_defaults
    told = [
        f"{name}={value!r}"
        for name, value in thing._asdict().items()
        if name not in defaults or defaults[name] != value
    ]
    return f"{type(thing).__name__}({', '.join(told)})"


class Act(NamedTuple):
    """What one call of a node's code does.

    does        value, fail, flaky (named in `on=`), again, halt, crash, hang; a guard's may be skip, a compensation's recover
    wait        seconds that it takes; 0: it suspends once; None: it doesn't suspend
    regardless  seconds that it goes on when it is cancelled; then it does what it does, or gives a value if it hung
    """

    does: str = "value"
    wait: float | None = None
    regardless: float = 0.0

    def __repr__(self) -> str:
        return short(self)


class Node(NamedTuple):
    """One step. `needs` are earlier nodes whose values it takes, `after` earlier ones that it waits for; acts are by call."""

    needs: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    mode: str = "async"
    limits: tuple[str, ...] = ()
    attempts: int = 1
    timeout: float | None = None
    irreversible: bool = False
    guards: tuple[Act, ...] | None = None
    undo: str = ""
    compensate: str = ""
    run: tuple[Act, ...] = ()
    undone: tuple[Act, ...] = ()
    compensated: tuple[Act, ...] = ()

    def __repr__(self) -> str:
        return short(self)


class Control(NamedTuple):
    """Somebody halts or cancels the run when, for the `nth` time, something happens.

    on  attempt, end (of an attempt), failure, compensation, undo; or time, then `nth` is in seconds
    """

    on: str
    nth: int
    does: str
    by_message: bool = False

    def __repr__(self) -> str:
        return short(self)


class Scenario(NamedTuple):
    """A run. `parts` are blocks of nodes that are workflows of their own, from and up to (not with) a node."""

    nodes: tuple[Node, ...]
    parts: tuple[tuple[int, int], ...] = ()
    controls: tuple[Control, ...] = ()
    max_concurrency: int | None = None
    sequential: bool = False
    decoded: bool = False
    listened: bool = True
    moves: bool = True
    taken_back: bool = False
    resolve: str = "retry"

    def __repr__(self) -> str:
        return short(self)


def scenario_of(text: str) -> Scenario:
    """A scenario from what was printed of it."""
    names = {cls.__name__: cls for cls in (Act, Node, Control, Scenario)}
    scenario = eval(text, {"__builtins__": {}}, names)
    assert isinstance(scenario, Scenario)
    return scenario
