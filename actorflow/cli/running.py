"""Carries out `run` and `resume`: opens a runtime, starts the run, shows it, and says how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import shlex
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from actorflow.cli import snapshots
from actorflow.cli.ending import Ending
from actorflow.cli.exits import FAILED, HALTED, SUCCEEDED, Refused
from actorflow.cli.forms import Form, Reporter, reporter_of
from actorflow.cli.interrupts import Interrupts
from actorflow.cli.ledger import TAKEN, Ledger
from actorflow.cli.log_lines import log_beside
from actorflow.cli.loop import complete, leave
from actorflow.cli.output import Output
from actorflow.cli.streams import prints_beside
from actorflow.cli.trace import traceback_of
from actorflow.errors import ActorflowError, InvalidState, brief
from actorflow.facts import Event, Fact
from actorflow.outcome import Cancelled, Failed, Halted, Outcome, Succeeded
from actorflow.plan import Plan
from actorflow.runtime import Run, Runtime
from actorflow.store import Codec
from actorflow.workflow import Workflow

_BUFFER = 100_000
"""Events that may wait to be shown. A burst within one turn of the loop doesn't count."""

Start = Callable[[Runtime], Awaitable[Run[Any]]]


class Job(msgspec.Struct, frozen=True):
    """A run to be carried out. `target` and `lent_by` are as they were given, for the command that resumes it.

    `store` is where it's recorded, if it is, with this codec unless it is the runtime's; then `going_on` makes that command of its id.
    """

    target: str
    workflow: Workflow[..., Any]
    plan: Plan
    start: Start
    resumed: bool = False
    factory: Callable[[], Any] | None = None
    lent_by: str = ""
    snapshot: Path | None = None
    form: Form = "auto"
    store: str = ""
    codec: Codec | None = None
    going_on: Callable[[str], str] | None = None

    def in_form(self, form: Form) -> Job:
        return msgspec.structs.replace(self, form=form)


def starting(workflow: Workflow[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any]) -> Start:
    """How `run` starts it. Raises `Refused` for options that make no sense."""

    async def start(runtime: Runtime) -> Run[Any]:
        return await runtime.options(**options).start(workflow, **inputs)

    try:
        Runtime().options(**options)
    except ActorflowError as error:
        raise Refused(str(error)) from None
    return start


def resuming(workflow: Workflow[..., Any], file: Path, resolve: Mapping[str, Any]) -> Start:
    """How `resume` goes on with it. Raises `Refused` if the file can't be read."""
    data = snapshots.read(file)

    async def start(runtime: Runtime) -> Run[Any]:
        try:
            return await runtime.resume(workflow, data, resolve=resolve)
        except InvalidState as error:
            raise Refused(f"{file}: {_as_options(str(error))}") from error

    return start


def _as_options(text: str) -> str:
    """What to do, said as it's done here: with options, not with Python."""
    what, _, then = text.partition("\n")
    if "resolve=" not in then:
        return text
    return f"{what}\nSay what is to become of each: --resolve NODE=retry, NODE=fail, or NODE=skip:JSON with its result."


def carry_out(job: Job) -> int:
    """Runs it to its end, and gives the exit code. Raises `Refused` if it couldn't be started."""
    snapshots.check_place(snapshots.place_of("run", job.snapshot))
    log_beside()
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(prints_beside()) if job.form == "json" else None
        reporter = reporter_of(job.form, Output(stream))
        stack.callback(reporter.stop)
        try:
            ending, stuck = complete(_run(job, reporter))
        except asyncio.CancelledError:
            sys.stderr.write("actorflow: stopped before the run had begun\n")
            return FAILED
        reporter.end(ending)
        if stuck is not None:
            leave(exit_code(ending.outcome))
    return exit_code(ending.outcome)


def exit_code(outcome: Outcome[Any]) -> int:
    match outcome:
        case Succeeded():
            return SUCCEEDED
        case Halted():
            return HALTED
        case Failed() | Cancelled():
            return FAILED


async def _run(job: Job, reporter: Reporter) -> Ending:
    ledger, interrupts = Ledger(), Interrupts(reporter.say)
    with contextlib.ExitStack() as until_it_is_kept:
        until_it_is_kept.enter_context(interrupts.installed())
        async with _opened(job) as runtime:
            runtime.subscribe(listener(reporter, ledger), *reporter.taken, *TAKEN, buffer=_BUFFER)
            run = await _started(job, runtime)
            interrupts.watch(run, runtime.config.halt_timeout)
            reporter.begin(run.id, job.plan, resumed=job.resumed)
            outcome = await run.outcome()
            kept = _kept(job, outcome)
            until_it_is_kept.close()
    if job.going_on is not None:
        return Ending(run.id, job.plan, outcome, ledger, stored=job.going_on(run.id))
    place = "" if kept.place is None else str(kept.place)
    return Ending(run.id, job.plan, outcome, ledger, place, resume_command(job, place) if place else "", kept.trouble)


def listener(reporter: Reporter, ledger: Ledger) -> Callable[[Event], None]:
    shown, noted = frozenset(reporter.taken), frozenset(TAKEN)
    takes_all = Fact in shown

    def listen(event: Event) -> None:
        kind = event.fact.__class__
        if kind in noted:
            ledger.take(event)
        if takes_all or kind in shown:
            reporter.take(event)

    return listen


async def _started(job: Job, runtime: Runtime) -> Run[Any]:
    try:
        return await job.start(runtime)
    except ActorflowError as error:
        raise Refused(str(error)) from error


def _kept(job: Job, outcome: Outcome[Any]) -> snapshots.Kept:
    """Writes a halted run's snapshot, and says where it is."""
    if not isinstance(outcome, Halted) or outcome.snapshot is None or job.store:
        return snapshots.Kept(None)
    return snapshots.write(snapshots.place_of(outcome.run_id, job.snapshot), outcome.snapshot)


def resume_command(job: Job, place: str) -> str:
    """What to type to go on with a halted run."""
    words = ["actorflow", "resume", job.target, place]
    if job.lent_by:
        words += ["--runtime", job.lent_by]
    return shlex.join(words)


# ── the runtime ───────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def _opened(job: Job) -> AsyncGenerator[Runtime, None]:
    """The runtime that the run's module lends, or a plain one."""
    if job.factory is None:
        async with on_its_store(job, Runtime()) as runtime:
            yield runtime
        return
    async with contextlib.AsyncExitStack() as stack:
        try:
            runtime = await _lent(job, job.factory(), stack)
        except (Refused, asyncio.CancelledError):
            raise
        except Exception as error:
            raise Refused(f"--runtime {job.lent_by}: it failed\n{traceback_of(error)}") from error
        yield runtime


async def _lent(job: Job, made: Any, stack: contextlib.AsyncExitStack) -> Runtime:
    if inspect.isawaitable(made):
        made = await made
    if not isinstance(made, Runtime) and hasattr(made, "__aenter__"):
        made = await stack.enter_async_context(made)
    if not isinstance(made, Runtime):
        raise Refused(f"--runtime {job.lent_by}: it gives {brief(made)}, not a Runtime")
    return await stack.enter_async_context(on_its_store(job, made))


def on_its_store(job: Job, runtime: Runtime) -> Runtime:
    """The same runtime, which isn't open yet. It does this one run, and leaves others to the service whose runs they are."""
    if job.store:
        from actorflow.cli.runs_store import store_of

        codec = job.codec or runtime.config.codec
        runtime.config = replace(runtime.config, store=store_of(job.store), codec=codec, takes_over=False)
    return runtime
