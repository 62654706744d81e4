"""Asking the executor by message: the reply's type comes from the message."""

from typing import assert_type

from actorflow import CancelRun, HaltRun, Runtime, Started, StartRun


async def main() -> None:
    async with Runtime() as runtime:
        started = await runtime.executor.ask(StartRun.asking(workflow="b", inputs={}))
        assert_type(started, Started)
        runtime.executor.send(HaltRun(started.run_id))
        await runtime.executor.put(CancelRun(started.run_id, reason="enough"))
