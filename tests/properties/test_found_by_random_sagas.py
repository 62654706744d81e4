"""What random sagas have found, each as small as it gets."""

from __future__ import annotations

from actorflow import Failed
from tests.properties.play import play
from tests.properties.scenario import Act, Node, Scenario


def test_a_node_let_in_by_the_failure_that_ends_its_wait_is_compensated_with_that_permit() -> None:
    """R20, R28: the failing step's permit goes to one that waits for its next attempt, in the turn in which the rollback begins."""
    played = play(
        Scenario(
            nodes=(
                Node(limits=("bank",), attempts=4, compensate="async", run=(Act("flaky"),)),
                Node(limits=("bank",), undo="async", run=(Act("fail", wait=1.0),)),
            )
        )
    )
    assert isinstance(played.outcome, Failed)
    assert played.outcome.rollback == "complete"
    assert [error.node for error in played.outcome.error.errors] == ["n1", "n0"]
