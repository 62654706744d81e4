"""What a run did, as its store keeps it: the messages that its engine accepted, in order, and the facts that followed.

The engine is pure, so deciding the same messages again gives the same run. The facts tell what happened without the plan: step runs and history
are made of them, and whoever decides a run again checks that the same ones follow.
"""

from __future__ import annotations

import msgspec

from actorflow.errors import InvalidValue


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message or a fact. `kind` is the name of its class.

    `step` is the node's name, empty for the run itself, and `node` its number when it was written. `at` is monotonic seconds of the runtime that
    wrote it. `value` is the output of a completion or the error record of a failure, `more` is the rest; both are encoded, and the store
    doesn't look into them.
    """

    kind: str
    step: str
    node: int
    attempt: int
    at: float
    value: bytes | None = None
    more: bytes | None = None


class Turn(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was decided together, in order, and what followed."""

    messages: list[Entry]
    facts: list[Entry]


class Turns(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row: what a run did in one commit.

    `offset` is wall clock minus monotonic clock, in seconds, of the runtime that wrote it.
    """

    worker: str
    offset: float
    turns: list[Turn]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Turns)


def encode_turns(turns: Turns) -> bytes:
    return _encoder.encode(turns)


def decode_turns(data: bytes) -> Turns:
    """Raises `InvalidValue` for bytes that aren't turns."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidValue(f"what a run did can't be read: {error}") from error
