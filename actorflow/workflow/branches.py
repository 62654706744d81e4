"""`choose` and `choose_first`: branches are drawn where they are written; one of them runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from inspect import Parameter
from typing import Any, cast, get_origin

from msgspec import UNSET

from actorflow.errors import brief
from actorflow.plan import Body, Choose, ChooseFirst, InputSpec
from actorflow.values import type_text
from actorflow.workflow.bodies import Scope
from actorflow.workflow.calls import takes_named
from actorflow.workflow.classes import plain_type
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.fitting import body_misfit, function_misfit
from actorflow.workflow.promise import is_promise, source_of
from actorflow.workflow.uniting import united


def draw_choose(combinator: Combinator, value: Any, branches: Any, default: Any) -> Any:
    """Draws a body per branch, and gives the promise of what the chosen one gives."""
    scope = Scope(combinator)
    given = scope.expression(value)
    cases = _cases(scope, branches, scope.type_of(given))
    texts = _texts(list(cases))
    bodies = [_branch(scope, text, branch) for text, branch in zip(texts, cases.values(), strict=True)]
    if default is not UNSET:
        bodies.append(_branch(scope, "default", default))
    numbers = {case: number for number, case in enumerate(cases)}
    control = Choose(numbers, None if default is UNSET else len(cases))
    return _open(scope, control, bodies, "value", given)


def draw_choose_first(combinator: Combinator, branches: Any, on: Any, default: Any) -> Any:
    """The same, for branches that are found by predicate, and given the value."""
    scope = Scope(combinator)
    given = scope.expression(on)
    value = (InputSpec("value", scope.type_of(given), Parameter.empty),)
    pairs = _pairs(scope, branches)
    bodies = [_branch(scope, str(i), branch, value) for i, (_, branch) in enumerate(pairs)]
    if default is not UNSET:
        bodies.append(_branch(scope, "default", default, value))
    predicates = tuple(predicate for predicate, _ in pairs)
    control = ChooseFirst(predicates, None if default is UNSET else len(pairs))
    return _open(scope, control, bodies, "on", given)


def _open(scope: Scope, control: Any, bodies: Sequence[Body | None], name: str, given: Any) -> Any:
    drawn = [body for body in bodies if body is not None]
    returns = united(body.draft.return_type for body in drawn if body.draft is not None)
    return scope.open(control, drawn, returns, takes_named(name), (given,))


def _branch(scope: Scope, key: str, branch: Any, given: Sequence[InputSpec] = ()) -> Body | None:
    misfit = body_misfit(branch, "the value" if given else "", "its default" if key == "default" else f"branch {key!r}")
    if misfit:
        scope.problem(misfit)
        return None
    return scope.body(key, branch, given)


# ── cases ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cases(scope: Scope, branches: Any, wanted: Any) -> Mapping[Any, Any]:
    if not isinstance(branches, Mapping):
        scope.problem(
            f"takes its branches as a dict, {{case: branch}}, not {_shown(branches)}; for conditions there is choose_first"
        )
        return {}
    if not branches:
        scope.problem("has no branches; give it {case: branch}")
    given: Mapping[Any, Any] = branches  # pyright: ignore[reportUnknownVariableType]
    return {case: branch for case, branch in given.items() if _is_case(scope, case, wanted)}


def _is_case(scope: Scope, case: Any, wanted: Any) -> bool:
    if is_promise(case):
        scope.problem(f"a case is {_shown(case)}; cases must be there while the workflow is drawn")
        return False
    try:
        hash(case)
    except TypeError:
        scope.problem(f"the case {case!r} can't be hashed, so it can't be looked up; choose_first takes conditions")
        return False
    if _never_equal(case, wanted):
        scope.problem(f"the case {case!r} never is the value, which is {type_text(wanted)}")
    return True


_PLAIN: Mapping[type, str] = {
    str: "text",
    bytes: "bytes",
    int: "number",
    float: "number",
    bool: "number",
    type(None): "None",
}


def _never_equal(case: Any, wanted: Any) -> bool:
    """Whether a case surely never matches: both are of plain types, of which no two values are equal."""
    plain = plain_type(wanted)
    if get_origin(plain) is not None or plain not in _PLAIN:
        return False
    return type(case) in _PLAIN and _PLAIN[type(case)] != _PLAIN[plain]


def _texts(cases: Sequence[Any]) -> Sequence[str]:
    """How the cases read in names of nodes: short, each another one."""
    taken = {"default"}
    texts: list[str] = []
    for number, case in enumerate(cases):
        text = _text(case)
        while not text or text in taken or set(text) & set("[]") or text == "*" or len(text) > 40:
            text = f"{number}" if text != f"{number}" and f"{number}" not in taken else f"{number}_{len(taken)}"
        taken.add(text)
        texts.append(text)
    return texts


def _text(case: Any) -> str:
    if isinstance(case, Enum):
        return case.name
    return str(case) if isinstance(case, (str, int)) or case is None else ""


# ── predicates ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _pairs(scope: Scope, branches: Any) -> Sequence[tuple[Any, Any]]:
    if not isinstance(branches, (list, tuple)):
        scope.problem(f"takes its branches as a list of pairs, [(predicate, branch), …], not {_shown(branches)}")
        return []
    given = cast("Sequence[Any]", branches)
    if not given:
        scope.problem("has no branches; give it [(predicate, branch), …]")
    return [pair for number, pair in enumerate(given) if _is_pair(scope, number, pair)]


def _is_pair(scope: Scope, number: int, pair: Any) -> bool:
    if not isinstance(pair, tuple) or len(pair) != 2:  # pyright: ignore[reportUnknownArgumentType]
        scope.problem(f"branch {number} is a pair, (predicate, branch), not {_shown(pair)}")
        return False
    misfit = function_misfit(pair[0], f"the predicate of branch {number}", "the value")
    if misfit:
        scope.problem(misfit)
    return True


def _shown(value: Any) -> str:
    return f"the promise of {source_of(value).label!r}" if is_promise(value) else brief(value)
