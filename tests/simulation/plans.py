"""Random plans, hand-built: any graph, any mixture of guards, limits, retries and handlers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from inspect import Signature
from random import Random
from typing import Any

from actorflow.plan import GuardSpec, HandlerSpec, LimitSpec, Plan, StepSpec, WaitSpec
from actorflow.policy import Limit, Retry

POOLS = (Limit("airline", at_most=2), Limit("bank", at_most=1))
"""The two limits that steps share; `Limits` in limits.py has their permits."""

TIMEOUT = 0.7
FLAVOURS = 400
RUNS_PER_PLAN = 10


def nothing(*_: Any) -> None:
    """Stands for the step's code, which the world plays."""


def a_handler(random: Random, *, may_be_unknown: bool) -> HandlerSpec:
    return HandlerSpec(
        nothing,
        is_async=False,
        wants_arguments=random.random() < 0.5,
        retry=Retry(attempts=random.choice((1, 2, 3)), within=random.choice((None, None, 3.0))),
        timeout=None,
        unknown=may_be_unknown and random.random() < 0.3,
    )


def a_step(random: Random) -> StepSpec:
    """A flavour of step. Half have an undo, a third a compensation, a quarter limits, one in seven guards."""
    limits = random.choice(((), (), (), (), (), (0,), (1,), (0, 1)))
    irreversible = random.random() < 0.1
    return StepSpec(
        name="step",
        function=nothing,
        signature=Signature(),
        mode="async",
        returns=Any,
        limits=tuple(LimitSpec(POOLS[i]) for i in limits),
        retry=Retry(attempts=random.choice((1, 2, 3, None)), within=random.choice((None, None, None, 1.5))),
        timeout=TIMEOUT if random.random() < 0.35 else None,
        irreversible=irreversible,
        guards=(GuardSpec(nothing, is_async=False),) if random.random() < 0.14 else (),
        undo=a_handler(random, may_be_unknown=True) if not irreversible and random.random() < 0.7 else None,
        compensate=a_handler(random, may_be_unknown=False) if random.random() < 0.35 else None,
    )


_flavours = Random(1)
STEPS = tuple(a_step(_flavours) for _ in range(FLAVOURS))


WAITS = tuple(
    StepSpec("wait", nothing, Signature(), "wait", Any, wait=WaitSpec("signal" if signal else "sleep", (), signal))
    for signal in ("", "", "a", "b")
)


def with_waits(seed: int, steps: Sequence[StepSpec]) -> list[StepSpec]:
    """In one plan of three, some nodes wait instead. They have random numbers of their own."""
    random = Random(f"waits {seed}")
    share = 0.3 if random.random() < 0.33 else 0.0
    return [random.choice(WAITS) if random.random() < share else step for step in steps]


def edges(random: Random, size: int) -> list[tuple[int, ...]]:
    """Per node the nodes that it waits for: near ones mostly, so that there are chains, fans and layers."""
    shape = random.choice((0.0, 0.5, 0.9, 1.0))
    needs: list[tuple[int, ...]] = []
    for node in range(size):
        count = min(node, 1 + int(random.random() * 2.2)) if random.random() < shape else 0
        near = range(max(0, node - 4), node)
        needs.append(tuple(sorted(random.sample(near, min(count, len(near))))))
    return needs


@lru_cache(maxsize=64)
def make_plan(seed: int) -> Plan:
    """The plan of this seed; one in twenty has up to sixty nodes, the others at most twenty."""
    random = Random(seed)
    size = random.randint(20, 60) if random.random() < 0.05 else random.randint(1, 16)
    needs = edges(random, size)
    reads = [tuple(other for other in needed if random.random() < 0.7) for needed in needs]
    kept = tuple(random.random() < 0.15 for _ in needs)
    steps = with_waits(seed, random.choices(STEPS, k=size))
    return build(needs, reads, kept, steps, broken=random.random() < 0.03)


def build(
    needs: Sequence[tuple[int, ...]],
    reads: Sequence[tuple[int, ...]],
    kept: Sequence[bool],
    steps: Sequence[StepSpec],
    *,
    broken: bool = False,
) -> Plan:
    """A plan whose result is the tuple of the kept values, or can't be made."""
    size = len(needs)
    returned = [node for node in range(size) if kept[node]]

    def returns(values: Sequence[Any]) -> Any:
        if broken:
            raise LookupError("the result has no such item")
        return tuple(values[node] for node in returned)

    return Plan(
        name="random",
        inputs=(),
        names=tuple(f"n{node}" for node in range(size)),
        steps=tuple(steps),
        needs=tuple(needs),
        dependents=tuple(tuple(other for other in range(size) if node in needs[other]) for node in range(size)),
        counts=tuple(map(len, needs)),
        roots=tuple(node for node in range(size) if not needs[node]),
        takes=tuple(reads),
        binders={},
        keywords=((),) * size,
        reads=tuple(reads),
        readers=tuple(sum(node in read for read in reads) for node in range(size)),
        keeps=tuple(kept),
        returns=returns,
        return_type=Any,
        constants=(),
        fingerprint="",
    )
