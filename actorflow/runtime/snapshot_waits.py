"""Waits that go on, and signals that nothing waits for yet, in snapshots (R16)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from actorflow.engine import State, Wait
from actorflow.plan import wait_for
from actorflow.runtime.entry_fields import signal_type
from actorflow.runtime.snapshot_records import WaitRecord
from actorflow.store import Codec

if TYPE_CHECKING:
    from actorflow.clock import Clock
    from actorflow.runtime.row import Row


def waits_out(state: State, clock: Clock, now: float) -> list[WaitRecord]:
    """In the order in which they were reached."""
    offset = clock.time() - now
    ends = {node: due + offset for node, due in state.retry_at.items()}
    return [
        WaitRecord(node, now - wait.began, ends.get(node), wait.signal, wait.question, wait.by)
        for node, wait in state.waits.items()
    ]


def waits_in(state: State, records: Iterable[WaitRecord], clock: Clock, now: float) -> None:
    for one in records:
        state.waits[one.node] = Wait(now - one.spent, one.signal, one.question, one.by)
        if one.until is not None:
            state.retry_at[one.node] = now + one.until - clock.time()


def signals_out(row: Row, codec: Codec) -> list[tuple[str, bytes]]:
    """Raises `NotSerializable`."""
    return [
        (name, codec.encode(value, signal_type(row, name), f"signal {name!r}")) for name, value in row.state.signals
    ]


def signals_in(state: State, records: Iterable[tuple[str, bytes]], codec: Codec) -> None:
    for name, data in records:
        wait = wait_for(state.plan, name)
        kind: Any = Any if wait is None else wait.takes
        state.signals.append((name, codec.decode(data, kind, f"signal {name!r}")))
