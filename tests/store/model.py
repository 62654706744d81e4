"""A step run store in the simplest words: what the real ones are compared with, and share no code with."""

from __future__ import annotations

from typing import NamedTuple


class Refused(Exception):
    """Why, in one word."""


class Said(NamedTuple):
    """What a store says of a step run, but for its id and the numbers that are its own."""

    status: str
    input: bytes | None
    output: bytes | None
    error: bytes | None
    token: int


class Model:
    def __init__(self) -> None:
        self.steps: dict[str, Said] = {}
        self.order: list[str] = []
        self.tries: dict[str, list[tuple[str, str | None, bytes | None]]] = {}

    def schedule(self, step: str, input: bytes) -> tuple[str, Said]:
        if step in self.steps:
            return "skip", self.steps[step]
        self.steps[step] = Said("pending", input, None, None, 0)
        self.tries[step] = []
        return "schedule", self.steps[step]

    def begin(self, step: str, input: bytes) -> tuple[str, Said]:
        now = self.steps.get(step)
        if now is None:
            self.tries[step] = []
            now = Said("pending", input, None, None, 0)
        if now.status not in {"pending", "failed"}:
            return "skip", now
        kept = now.input if now.status == "pending" else input
        self.tries[step].append(("run", None, None))
        self.steps[step] = Said("running", kept, None, None, now.token + 1)
        return "execute", self.steps[step]

    def begin_undo(self, step: str, unknown: bool) -> tuple[str, Said]:
        now = self.steps.get(step)
        if now is None:
            raise Refused("not found")
        if now.status in {"undoing", "undone"}:
            return "skip", now
        if now.status in {"completed", "undo_failed"} or (now.status == "failed" and unknown):
            self.tries[step].append(("undo", None, None))
            error = now.error if now.status == "failed" else None
            self.steps[step] = now._replace(status="undoing", token=now.token + 1, error=error)
            return "execute", self.steps[step]
        raise Refused("state")

    def end(self, step: str, how: str, value: bytes | None, token: int | None) -> Said:
        """`how` is the status that it makes."""
        now = self.steps[step]
        needed = "running" if how in {"completed", "failed"} else "undoing"
        if now.status == how and token == now.token:
            known = {"completed": now.output, "undone": value}.get(how, now.error)
            if known == value:
                return now
        if now.status != needed or token not in {None, now.token}:
            raise Refused("stale")
        error = value if how in {"failed", "undo_failed"} else None
        self.steps[step] = now._replace(status=how, error=error)
        if how == "completed":
            self.steps[step] = self.steps[step]._replace(output=value)
            self.order.append(step)
        phase = self.tries[step][-1][0]
        self.tries[step][-1] = (phase, "failed" if error is not None else "completed", error)
        return self.steps[step]

    def lose(self, step: str, token: int | None) -> Said:
        now = self.steps[step]
        tries = self.tries[step]
        if token == now.token and tries and tries[-1][1] == "lost":
            return now
        if now.status not in {"running", "undoing"} or token not in {None, now.token}:
            raise Refused("stale")
        before = "pending" if now.status == "running" else "completed" if step in self.order else "failed"
        tries[-1] = (tries[-1][0], "lost", None)
        self.steps[step] = now._replace(status=before)
        return self.steps[step]

    def completed(self) -> list[str]:
        return [step for step in self.order if self.steps[step].status == "completed"]
