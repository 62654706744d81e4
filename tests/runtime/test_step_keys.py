"""What a compensation needs to find out whether an attempt did its work: the step's own key."""

from actorflow import Recover, Runtime, step, step_context, workflow


async def test_handlers_know_the_key_of_their_step_beside_their_own() -> None:
    """R54: a handler has an idempotency key of its own; `step_key` is the one that the attempts were made with."""
    keys: dict[str, tuple[str, str]] = {}

    def note(phase: str) -> None:
        keys[phase] = (step_context().idempotency_key, step_context().step_key)

    @step
    async def charge(nights: int) -> int:
        note("step")
        raise ConnectionError("the answer was lost")

    @charge.compensate
    def settle(error: Exception, nights: int) -> Recover[int]:
        note("compensate")
        return Recover(nights)

    @charge.undo
    async def refund(nights: int) -> None:
        note("undo")

    @workflow
    def book(nights: int) -> int:
        return charge(nights)

    async with Runtime() as runtime:
        run = await runtime.options(run_id="r", reversible=True).start(book, 2)
        await run.result()
        await run.undo()

    assert keys == {
        "step": ("r/charge", "r/charge"),
        "compensate": ("r/charge/compensate", "r/charge"),
        "undo": ("r/charge/undo", "r/charge"),
    }
