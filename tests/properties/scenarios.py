"""Random scenarios, in which all that can befall a run often does: a scenario has a mood, and each mood its likely troubles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.properties.scenario import Act, Control, Node, Scenario

T = TypeVar("T")
Draw = Any

SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 17, 20, 30, 60)
TIMEOUTS = (2.23, 4.57)

TROUBLED = {
    "calm": 3,
    "doomed": 6,
    "halting": 6,
    "halting and failing": 5,
    "restless": 40,
    "interrupted": 40,
    "slow": 12,
    "crashing": 12,
    "cancelled": 6,
    "wild": 35,
}
"""The moods, and how many calls of a hundred meet trouble."""

MOOD = st.sampled_from([*TROUBLED, "doomed", "halting", "halting"])
SIZE = st.sampled_from(SIZES)
PERCENT = st.integers(0, 99)
SMALL = st.integers(1, 8)
BOOL = st.booleans()
LONG = st.sampled_from((7.0, 7.0, 3.0, None))
WAIT = st.sampled_from((None, None, 0.0, 1.0, 2.0, 3.0, 7.0))
STUBBORN = st.sampled_from((0.0, 1.5, 20.0))
REGARDLESS = st.sampled_from((1.5, 20.0))
LIMITS = st.sampled_from(((), (), (), (), (), ("airline",), ("bank",), ("airline", "bank")))
MODE = st.sampled_from((*["async"] * 6, *["inline"] * 3, "thread"))
HANDLER = st.sampled_from((*["async"] * 4, "thread"))
NEEDS = st.sampled_from((0, 1, 1, 1, 2, 2, 3))
BACK = st.integers(1, 5)
ATTEMPTS = st.sampled_from((3, 2, 1, 4))
TROUBLE = st.sampled_from(("flaky", "again", "fail", "crash", "halt", "hang"))
RESTLESS = st.sampled_from(("flaky", "again"))
HANDLER_TROUBLE = st.sampled_from(("fail", "again", "crash", "halt", "hang"))
ANSWERS = st.sampled_from(("value", "recover", "again", "recover", "again", "value", "fail", "crash", "hang"))
GUARDS = st.sampled_from(("value", "value", "value", "skip", "again", "halt", "fail"))
CONTROLS = st.sampled_from(("attempt", "end", "failure", "compensation", "undo", "time"))
MAX_CONCURRENCY = st.sampled_from((None, None, None, 1, 2, 3))
RESOLVE = st.sampled_from(("retry", "fail", "skip"))


def chance(draw: Draw, percent: int) -> bool:
    """Shrinks to no."""
    picked: int = draw(PERCENT)
    return picked >= 100 - percent


def some(draw: Draw, percent: int, most: int) -> Iterator[None]:
    """As many times as chance wants, at most so often."""
    for _ in range(most):
        if not chance(draw, percent):
            return
        yield


# ── acts ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def act(draw: Draw, does: str, mood: str, mode: str, timeout: float | None) -> Act:
    if does == "hang" and timeout is None:
        does = "flaky"
    if mode != "async":
        return Act(does)
    regardless = draw(REGARDLESS) if chance(draw, 40 if mood == "slow" else 12) else 0.0
    return Act(does, draw(LONG if mood == "interrupted" else WAIT), regardless)


def acts(draw: Draw, mood: str, mode: str, timeout: float | None) -> tuple[Act, ...]:
    kinds = RESTLESS if mood in ("restless", "interrupted") else TROUBLE
    troubles = [act(draw, draw(kinds), mood, mode, timeout) for _ in some(draw, TROUBLED[mood], 4)]
    return (*troubles, act(draw, "value", mood, mode, timeout))


def handler_act(draw: Draw, kinds: st.SearchStrategy[str], timeout: float | None) -> Act:
    does = draw(kinds)
    return Act("fail" if does == "hang" and timeout is None else does, draw(WAIT))


def undo_acts(draw: Draw, timeout: float | None) -> tuple[Act, ...]:
    troubles = [handler_act(draw, HANDLER_TROUBLE, timeout) for _ in some(draw, 12, 4)]
    return (*troubles, Act("value", draw(WAIT)))


# ── a node ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def nodes(draw: Draw, mood: str, number: int) -> Node:
    mode = draw(MODE)
    restless = mood == "restless"
    timeout = None
    if mode == "async" and chance(draw, 50 if mood == "slow" else 25):
        timeout = TIMEOUTS[draw(BOOL)]
    irreversible = chance(draw, 10)
    undo = draw(HANDLER) if not irreversible and not chance(draw, 25) else ""
    compensate = draw(HANDLER) if chance(draw, 70 if restless else 35) else ""
    others = sorted({max(0, number - draw(BACK)) for _ in range(min(number, draw(NEEDS)))})
    after = others[:1] if chance(draw, 10) else []
    guards = tuple(Act(draw(GUARDS), draw(WAIT)) for _ in range(1 + draw(BOOL))) if chance(draw, 10) else None
    return Node(
        needs=tuple(other for other in others if other not in after),
        after=tuple(after),
        mode=mode,
        limits=draw(LIMITS),
        attempts=4 if restless else draw(ATTEMPTS),
        timeout=timeout,
        irreversible=irreversible,
        guards=guards,
        undo=undo,
        compensate=compensate,
        run=acts(draw, mood, mode, timeout),
        undone=undo_acts(draw, timeout) if undo else (),
        compensated=tuple(handler_act(draw, ANSWERS, timeout) for _ in some(draw, 70, 4)) if compensate else (),
    )


# ── the whole ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def scenarios(draw: Draw) -> Scenario:
    mood: str = draw(MOOD)
    size: int = draw(SIZE)
    scenario = Scenario(
        nodes=tuple(draw(nodes(mood, number)) for number in range(size)),
        parts=parts(draw, size),
        controls=tuple(control(draw) for _ in some(draw, 30, 3)),
        max_concurrency=draw(MAX_CONCURRENCY),
        sequential=chance(draw, 10),
        decoded=chance(draw, 30),
        listened=not chance(draw, 25),
        moves=not chance(draw, 50),
        taken_back=chance(draw, 25),
        resolve=draw(RESOLVE),
    )
    return in_its_mood(draw, scenario, mood)


def parts(draw: Draw, size: int) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    first = 0
    while size - first > 2 and chance(draw, 40):
        first += draw(SMALL)
        end = min(size, first + draw(SMALL))
        if first < end:
            found.append((first, end))
        first = end
    return tuple(found)


def control(draw: Draw) -> Control:
    return Control(draw(CONTROLS), draw(SMALL), "cancel" if chance(draw, 35) else "halt", draw(BOOL))


def in_its_mood(draw: Draw, scenario: Scenario, mood: str) -> Scenario:
    """Sees to it that what the mood is about comes to pass, most of the time."""
    last = scenario.nodes[-1]
    by_message: bool = draw(BOOL)
    match mood:
        case "restless" if by_message:
            halted = with_control(scenario, Control("compensation", draw(SMALL), "halt", draw(BOOL)))
            return with_last(halted, doomed(last))
        case "interrupted":
            return with_control(scenario, Control("attempt", draw(SMALL), "halt", by_message))
        case "doomed" | "restless":
            return with_last(scenario, doomed(last))
        case "cancelled" if len(scenario.nodes) > 1:
            first = scenario.nodes[0]._replace(irreversible=False, undo="async")
            taken_back = scenario._replace(nodes=(first, *scenario.nodes[1:]))
            return with_control(
                with_last(taken_back, doomed(last)), Control("undo", 1 + draw(BOOL), "cancel", by_message)
            )
        case "halting" if by_message:
            return with_last(scenario, last._replace(guards=None, run=(Act("halt"), *last.run)))
        case "halting":
            return with_control(scenario, Control("attempt", draw(SMALL), "halt", draw(BOOL)))
        case "halting and failing":
            together = scenario._replace(max_concurrency=None, sequential=False)
            return with_control(with_last(together, doomed(last)), Control("failure", 1, "halt", by_message))
        case "slow" if last.mode == "async":
            hangs = last._replace(timeout=2.23, guards=None, run=(Act("hang", None, draw(STUBBORN)), *last.run))
            return with_last(scenario, with_answers(draw, hangs) if by_message else hangs)
        case "crashing":
            return with_last(scenario, last._replace(guards=None, run=(Act("crash"), *last.run)))
        case _:
            return scenario


def with_answers(draw: Draw, node: Node) -> Node:
    """The same, compensated and with attempts left."""
    answers = tuple(handler_act(draw, ANSWERS, node.timeout) for _ in range(2))
    return node._replace(compensate="async", attempts=3, compensated=answers)


def doomed(node: Node) -> Node:
    """The same, but that it fails for good."""
    return node._replace(attempts=1, guards=None, run=(Act("fail", node.run[0].wait),), compensated=())


def with_last(scenario: Scenario, last: Node) -> Scenario:
    return scenario._replace(nodes=(*scenario.nodes[:-1], last))


def with_control(scenario: Scenario, control: Control) -> Scenario:
    return scenario._replace(controls=(control, *scenario.controls))


def shares(counted: Sequence[set[str]]) -> dict[str, float]:
    """Per happening, in which share of the runs it came."""
    names = {name for one in counted for name in one}
    return {name: sum(name in one for one in counted) / len(counted) for name in sorted(names)}
