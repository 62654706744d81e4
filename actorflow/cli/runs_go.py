"""Has runs of a store go on in this process, with the code that `--app` names."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import msgspec

from actorflow.cli.codecs import find_codec
from actorflow.cli.exits import Refused
from actorflow.cli.finding import find_factory, find_workflow, load, workflows_in
from actorflow.cli.resolving import answers as answers_of
from actorflow.cli.running import Job, Start
from actorflow.cli.runs_hints import as_command
from actorflow.cli.runs_store import operate, person
from actorflow.errors import ActorflowError, InvalidWorkflow, suggest
from actorflow.runtime import Run, Runtime
from actorflow.workflow import Workflow


class Going(msgspec.Struct, frozen=True):
    """What is given to a command that has a run go on."""

    run: str
    store: str
    app: tuple[str, ...]
    lent_by: str = ""
    who: str = ""
    why: str = ""
    codec: str = ""


def job_of(given: Going, workflow: Workflow[..., Any], start: Start, *, resumed: bool = True) -> Job:
    try:
        plan = workflow.compile()
    except InvalidWorkflow as error:
        raise Refused(str(error)) from None
    factory = find_factory(given.lent_by) if given.lent_by else None
    return Job(
        given.run, workflow, plan, start, resumed, factory, given.lent_by, store=given.store, codec=find_codec(given.codec), going_on=lambda run_id: command(given, "resume", run_id)
    )  # fmt: skip


def resuming(given: Going, answers: Sequence[str] | dict[str, Any]) -> Job:
    """A halted run goes on, with an answer for each step that was set aside, or one that nobody has. Raises `Refused`."""
    workflow = workflow_of(given)

    async def start(runtime: Runtime) -> Run[Any]:
        known(runtime, workflow)
        resolve = answers_of(workflow.compile(), list(answers))
        try:
            if (await runtime.record(given.run)).ended is None and not resolve:
                return await runtime.take_over(given.run, who=person(given.who), why=given.why)
            return await runtime.resolve(given.run, resolve, who=person(given.who), why=given.why)
        except ActorflowError as error:
            raise Refused(as_options(given, str(error))) from error

    return job_of(given, workflow, start)


def cancelling(given: Going) -> Job:
    """A halted run, or one that nobody has, is taken back. Raises `Refused`."""
    workflow = workflow_of(given)

    async def start(runtime: Runtime) -> Run[Any]:
        known(runtime, workflow)
        who = person(given.who)
        if (await runtime.record(given.run)).ended is None:
            await runtime.take_over(given.run, who=who, why=given.why)
        await runtime.cancel(given.run, given.why, who=who)
        return runtime.get(given.run)

    return job_of(given, workflow, start)


def repeating(given: Going, word: str, from_step: str | None, allowed: Sequence[str], new_run_id: str | None) -> Job:
    """A run that has ended is run again, as a new one. Raises `Refused`."""
    workflow = workflow_of(given)

    async def start(runtime: Runtime) -> Run[Any]:
        known(runtime, workflow)
        who = person(given.who)
        try:
            if word == "retry":
                return await runtime.retry(
                    given.run, allow_irreversible=allowed, new_run_id=new_run_id, who=who, why=given.why
                )
            return await runtime.replay(
                given.run, from_step, allow_irreversible=allowed, new_run_id=new_run_id, who=who, why=given.why
            )
        except ActorflowError as error:
            raise Refused(as_options(given, str(error))) from error

    return job_of(given, workflow, start, resumed=False)


def as_options(given: Going, text: str) -> str:
    """What to do, said as it's done here."""
    what, _, then = text.partition("\n")
    if "allow_irreversible=" in then:
        return f"{what}\nIf that is meant, say so by name: --allow-irreversible STEP."
    if "resolve=" not in then:
        return f"{what}\n{as_command(then, given.run)}" if then else what
    return f"{what}\nSay what is to become of each: {command(given, 'resolve')} STEP=retry, STEP=fail, or STEP=skip:JSON with its result."


def command(given: Going, word: str, run_id: str = "") -> str:
    words = ["actorflow", "runs", word, run_id or given.run, "--store", given.store]
    for one in given.app:
        words += ["--app", one]
    if given.lent_by:
        words += ["--runtime", given.lent_by]
    if given.codec:
        words += ["--codec", given.codec]
    return shlex.join(words)


def known(runtime: Runtime, *workflows: Workflow[..., Any]) -> None:
    """The runtime may have been made without them."""
    for workflow in workflows:
        runtime._known.plan_of(workflow)  # pyright: ignore[reportPrivateUsage]


def workflow_of(given: Going) -> Workflow[..., Any]:
    """The one that the run is of. Raises `Refused`."""
    name = operate(given.store, lambda operator: operator.record(given.run)).workflow
    if not given.app:
        raise Refused(
            f"run {given.run!r} is one of {name!r}, whose code is needed: it goes on in this command's process"
            "\nSay where it is: --app MODULE, or MODULE:WORKFLOW."
        )
    found = {one.name: one for target in given.app for one in workflows_of(target)}
    if name not in found:
        raise Refused(
            f"run {given.run!r} is one of {name!r}, which isn't in {', '.join(given.app)}{suggest(name, found)}"
        )
    return found[name]


def workflows_of(target: str) -> list[Workflow[..., Any]]:
    """Those of a module, or the one that is named."""
    where, colon, name = target.rpartition(":")
    if colon and name:
        return [find_workflow(target)]
    return list(workflows_in(load(where or target)).values())
