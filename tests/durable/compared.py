"""How a saga that met crashes is compared with one that didn't."""

from __future__ import annotations

from typing import Any

from actorflow import Cancelled, Failed, Halted, Outcome, Succeeded
from actorflow.testing import Saga
from tests.durable.ledger import Ledger
from tests.durable.sagas import LEDGER, Case


def saga_of(case: Case, ledger: Ledger | None = None, **options: Any) -> Saga:
    """With a service outside that nobody has asked for anything yet."""
    world = ledger or Ledger()
    return Saga(
        case.workflow,
        case.inputs,
        {**case.options, **options, "resources": [LEDGER.provide(world)]},
        world=world,
        outside=case.outside,
    )


def what_came(outcome: Outcome[Any]) -> object:
    """The outcome without what crashes may change: numbers of attempts, and which of its objects an error is."""
    match outcome:
        case Succeeded(value):
            return value
        case Failed(error, rollback):
            return rollback, [(one.node, one.phase, type(one.error), str(one.error)) for one in error.errors]
        case Cancelled(reason, rollback):
            return reason, rollback
        case Halted(by):
            return by


def check_world(case: Case, ledger: Ledger) -> None:
    """What was done outside balances; what was taken back was taken back in reverse order, each once."""
    assert ledger.held == case.held
    if case.name in {"rolled_back", "waited"}:
        assert ledger.given_back == ledger.taken[::-1]
    if case.name == "waited":
        assert ledger.taken == ["seat", "pass by ann, for 1 and 2", "never"]
    keys = [line.key for line in ledger.lines]
    assert len(keys) == len(set(keys))
