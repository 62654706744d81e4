"""How waits are drawn: `sleep`, `sleep_until`, `wait_for_signal`, `approval`, each called inside a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from actorflow.errors import brief
from actorflow.plan import StepSpec
from actorflow.workflow.calls import Call
from actorflow.workflow.promise import is_promise
from actorflow.workflow.wait_specs import approval_spec, bad_signal, bad_time, bad_type, signal_spec, sleep_spec

if TYPE_CHECKING:
    from actorflow.workflow.combinators import Combinator


def draw_sleep(said: Combinator, until: Any) -> Any:
    """Draws a `sleep` or a `sleep_until`. Raises `InvalidState` outside of a workflow that is being drawn, as the others do."""
    call = Call(said)
    _check_time(call, until)
    return _placed(call, sleep_spec(said.word), (until,))


def draw_signal(said: Combinator, name: Any, kind: Any, timeout: Any, default: Any) -> Any:
    call = Call(said)
    for problem in filter(None, (bad_signal(name), bad_type(kind))):
        call.problem(problem)
    given = _ends(call, timeout, default)
    if call.is_wrong:
        return call.nothing()
    returns = kind | None if default is None and kind is not Any else kind
    return _placed(call, signal_spec(name, kind, tuple(given), returns), tuple(given.values()))


def draw_approval(said: Combinator, question: Any, by: Any, timeout: Any, default: Any, reject: Any) -> Any:
    call = Call(said)
    if is_promise(reject) or reject not in ("value", "fail"):
        call.problem(f'has reject={brief(reject)}; it is "value" or "fail"')
    if not is_promise(by) and by in ("", [], ()):
        call.problem("is to be answered by nobody; leave by= out for anybody")
    asked: dict[str, Any] = {"question": question} if by is None else {"question": question, "by": by}
    given = {**asked, **_ends(call, timeout, default)}
    name = call.name.rpartition(".")[2]
    return _placed(call, approval_spec(name, tuple(given), fails=reject == "fail"), tuple(given.values()))


def _ends(call: Call, timeout: Any, default: Any) -> Mapping[str, Any]:
    """The arguments that say how long a wait may take, and what it gives then."""
    if default is not UNSET and timeout is None:
        call.problem("has a default, which it would give after a timeout; it has none")
    if timeout is None:
        return {}
    _check_time(call, timeout)
    return {"timeout": timeout} if default is UNSET else {"timeout": timeout, "default": default}


def _check_time(call: Call, value: Any) -> None:
    problem = "" if is_promise(value) else bad_time(value)
    if problem:
        call.problem(problem)


def _placed(call: Call, spec: StepSpec, values: tuple[Any, ...]) -> Any:
    """What is wrong with an argument's type is told when the workflow is compiled, as of steps."""
    return call.place(spec, [call.expression(value) for value in values])
