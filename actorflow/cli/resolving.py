"""`--resolve NODE=retry|fail|skip:JSON`: what is to become of irreversible steps that a halt interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorflow.cli.exits import Refused
from actorflow.cli.inputs import parse
from actorflow.plan import Plan
from actorflow.policy import Skip
from actorflow.values import ValueMismatch, convert, type_text


def answers(plan: Plan, given: Sequence[str]) -> dict[str, Any]:
    """Per node `retry`, `fail`, or `Skip` with the value that it's to have, converted to what the step returns. Raises `Refused`."""
    found: dict[str, Any] = {}
    for text in given:
        node, equals, answer = text.rpartition("=") if ":" not in text else _at_skip(text)
        if not equals or not node:
            raise Refused(f"--resolve {text}: expected NODE=retry, NODE=fail or NODE=skip:JSON")
        if node in found:
            raise Refused(f"--resolve {text}: {node} is given twice")
        found[node] = _answer(plan, node, answer, f"--resolve {text}")
    return found


def _at_skip(text: str) -> tuple[str, str, str]:
    node, equals, rest = text.partition("=skip:")
    return (node, "=", f"skip:{rest}") if equals else text.rpartition("=")


def _answer(plan: Plan, node: str, answer: str, what: str) -> Any:
    if answer in {"retry", "fail", "done"}:
        return answer
    word, colon, text = answer.partition(":")
    if word != "skip":
        raise Refused(f"{what}: expected retry, fail or skip:JSON, not {answer!r}")
    value = parse(text, what) if colon else None
    if value is None or node not in plan.names:
        return Skip(value)
    returns = plan.steps[plan.names.index(node)].returns
    try:
        return Skip(convert(value, returns))
    except ValueMismatch as error:
        raise Refused(
            f"{what}: {f'{error.path}: ' if error.path else ''}expected {error.expected}, got {error.got}\nThe step gives {type_text(returns)}."
        ) from None
