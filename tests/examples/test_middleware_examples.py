"""R44: the middlewares of `examples/middleware/` do what they say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer

from actorflow import Fixed, Halt, Halted, Retry, RunFailed, step, step_context, workflow
from examples.middleware.auditing import Audited, Entry
from examples.middleware.tracing import Tracing
from examples.middleware.translating import Translating


@step
async def reserve(city: str) -> str:
    return f"seat to {city}"


@reserve.undo
async def release(seat: str) -> None: ...


@step(retry=Retry(attempts=2, on=(ConnectionError,), backoff=Fixed(1)))
async def charge(seat: str) -> str:
    return f"charged for {seat}"


@step
def print_ticket(text: str) -> str:
    return text


@step
async def approve(seat: str) -> str:
    raise Halt(seat)


@workflow
def book(city: str) -> str:
    return print_ticket(charge(reserve(city)))


@workflow
def book_with_approval(city: str) -> str:
    return charge(approve(reserve(city)))


# ── tracing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Traces:
    """Spans kept in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    @property
    def tracer(self) -> Tracer:
        return self.provider.get_tracer("tests")

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def below(self, parent: str) -> list[str]:
        """The names of the spans right below that of this name, in order of their ends."""
        (above,) = (span.context for span in self.named(parent))
        assert above is not None
        return [
            span.name
            for span in self.exporter.get_finished_spans()
            if span.parent is not None and span.parent.span_id == above.span_id
        ]


@pytest.fixture
def traces() -> Iterator[Traces]:
    made = Traces()
    yield made
    made.provider.shutdown()


async def test_each_attempt_is_a_span_below_that_of_the_caller_in_threads_too(make_runtime, traces: Traces) -> None:
    async with make_runtime(middleware=[Tracing(traces.tracer)]) as runtime:
        with traces.tracer.start_as_current_span("request"):
            await runtime.run(book, "Oslo")
    assert traces.below("request") == ["reserve", "charge", "print_ticket"]


async def test_what_a_step_calls_is_below_the_span_of_its_attempt(make_runtime, traces: Traces) -> None:
    @step
    async def call() -> str:
        with traces.tracer.start_as_current_span("http"):
            return "answered"

    @workflow
    def calls() -> str:
        return call()

    async with make_runtime(middleware=[Tracing(traces.tracer)]) as runtime:
        await runtime.run(calls)
    assert traces.below("call") == ["http"]


async def test_a_failed_attempt_is_a_span_with_an_error(make_runtime, traces: Traces) -> None:
    @step(retry=Retry(attempts=2, on=(ConnectionError,), backoff=Fixed(1)))
    async def ask() -> str:
        if step_context().attempt == 1:
            raise ConnectionError("no answer")
        return "yes"

    @workflow
    def asks() -> str:
        return ask()

    async with make_runtime(middleware=[Tracing(traces.tracer)]) as runtime:
        await runtime.run(asks)
    first, second = traces.named("ask")
    assert (first.status.status_code, first.status.description) == (StatusCode.ERROR, "no answer")
    assert second.status.status_code is StatusCode.UNSET


async def test_what_an_undo_calls_is_below_a_span_of_its_own(make_runtime, traces: Traces) -> None:
    @step
    async def take() -> str:
        return "taken"

    @take.undo
    async def give_back(value: str) -> None:
        with traces.tracer.start_as_current_span("http"):
            pass

    @step
    async def decline(value: str) -> str:
        raise PermissionError("declined")

    @workflow
    def declined() -> str:
        return decline(take())

    async with make_runtime(middleware=[Tracing(traces.tracer)]) as runtime:
        with traces.tracer.start_as_current_span("request"), pytest.raises(RunFailed):
            await runtime.run(declined)
    assert traces.below("request") == ["take", "decline", "undo take"]
    assert traces.below("undo take") == ["http"]


async def test_what_is_resumed_elsewhere_belongs_to_the_same_trace(make_runtime, traces: Traces) -> None:
    async with make_runtime(middleware=[Tracing(traces.tracer)]) as runtime:
        with traces.tracer.start_as_current_span("request"):
            halted = await (await runtime.start(book_with_approval, "Oslo")).outcome()
    assert isinstance(halted, Halted)
    async with make_runtime(middleware=[Tracing(traces.tracer)]) as another:
        await (await another.resume(book_with_approval, halted.snapshot)).result()
    assert traces.below("request") == ["reserve", "approve", "charge"]
    (pause,) = traces.named("approve")
    assert pause.status.status_code is StatusCode.UNSET


# ── auditing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Pages:
    """A journal in memory, which can be full."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.entries: list[Entry] = []

    async def write(self, entry: Entry, /) -> None:
        if len(self.entries) == self.room:
            raise OSError("the journal is full")
        self.entries.append(entry)


async def test_who_started_what_and_how_it_ended_is_written_down(make_runtime) -> None:
    pages = Pages()
    async with make_runtime(middleware=[Audited(pages)]) as runtime:
        await runtime.options(run_id="r1", labels={"user": "ada"}).run(book, "Oslo")
        await (await runtime.options(run_id="r2", labels={"user": "bob"}).start(book_with_approval, "Rome")).outcome()
        await (await runtime.resume(book_with_approval, "r2")).result()
    assert [(entry.what, entry.run_id, entry.workflow, entry.user) for entry in pages.entries] == [
        ("started", "r1", "book", "ada"),
        ("succeeded", "r1", "book", "ada"),
        ("started", "r2", "book_with_approval", "bob"),
        ("halted", "r2", "book_with_approval", "bob"),
        ("resumed", "r2", "book_with_approval", "bob"),
        ("succeeded", "r2", "book_with_approval", "bob"),
    ]


async def test_a_run_of_nobody_is_refused(make_runtime) -> None:
    pages = Pages()
    async with make_runtime(middleware=[Audited(pages)]) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(book, "Oslo")
    assert isinstance(failed.value.__cause__, PermissionError)
    assert pages.entries == []


async def test_a_success_that_cannot_be_written_down_is_rolled_back(make_runtime) -> None:
    pages = Pages(room=1)
    async with make_runtime(middleware=[Audited(pages)]) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.options(labels={"user": "ada"}).run(book, "Oslo")
    assert isinstance(failed.value.__cause__, OSError)
    assert failed.value.rollback == "complete"


async def test_a_failure_is_written_down_with_its_reason(make_runtime) -> None:
    pages = Pages()
    async with make_runtime(middleware=[Audited(pages)]) as runtime:

        @step
        async def decline() -> str:
            raise PermissionError("declined")

        @workflow
        def declined() -> str:
            return decline()

        with pytest.raises(RunFailed):
            await runtime.options(labels={"user": "ada"}).run(declined)
    assert [(entry.what, entry.detail) for entry in pages.entries] == [
        ("started", ""),
        ("failed", "PermissionError('declined'), rollback none"),
    ]


# ── translating ───────────────────────────────────────────────────────────────────────────────────────────────────────


class OutOfReach(Exception):
    """What the service promises to raise."""


async def fails_with(make_runtime, error: Exception, translating: Translating) -> RunFailed:
    @step
    async def ask() -> str:
        raise error

    @workflow
    def asks() -> str:
        return ask()

    async with make_runtime(middleware=[translating], values="shared") as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(asks)
    return failed.value


async def test_an_error_is_replaced_by_the_translation_of_its_nearest_class(make_runtime) -> None:
    translating = Translating(
        {OSError: lambda error: OSError("any"), ConnectionError: lambda error: OutOfReach("line")}
    )
    failed = await fails_with(make_runtime, ConnectionResetError("reset by peer"), translating)
    assert isinstance(failed.__cause__, OutOfReach)
    assert isinstance(failed.__cause__.__cause__, ConnectionResetError)
    assert isinstance(failed.errors[0].error, ConnectionResetError)


async def test_an_error_without_a_translation_stays(make_runtime) -> None:
    failed = await fails_with(make_runtime, ValueError("no"), Translating({OSError: lambda error: OutOfReach()}))
    assert isinstance(failed.__cause__, ValueError)
