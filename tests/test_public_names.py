"""What the front door shows: a frozen list, sorted, and no name of a later issue before it works."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import actorflow

STUBS = Path(__file__).parents[2] / "shared" / "api" / "actorflow" / "__init__.pyi"
"""The contract, where it stands next to the checkout; `FACE` is its copy."""

MORE = frozenset(
    {
        "DeliberateFailure",
        "Down",
        "Durability",
        "Exit",
        "InvalidRegistry",
        "NoBranch",
        "Registry",
        "RepeatExhausted",
        "StepContext",
        "asking",
        "log_events",
    }
    | {"CommitUnknown", "StoreBusy", "StoreClosed", "StoreCorrupt", "StoreError", "StoreFull", "StoreReadOnly"}
    | {"Attempt", "RunRecord", "StepStatus", "StoreTooNew", "StoreUnavailable"}
    | {"LeaseExpired", "NewRun", "Note", "Opened", "RunChange", "RunMessage", "RunPage", "RuntimeRecord"}
    | {"Approval", "Rejected", "approval", "sleep", "sleep_until", "wait_for_signal"}
    | {"Codec", "Seal", "Secret"}
    | {"Cron", "Every", "Schedule", "ScheduleRecord"}
    | {
        "AttemptView",
        "ErrorView",
        "Explanation",
        "Finding",
        "HistoryEntry",
        "Operator",
        "Reason",
        "RunView",
        "StepView",
    },
)
"""What is exported besides: the kernel's own words, the errors of combinators and stores, what is recorded, what specs may name, the log."""

LATER = frozenset[str]()
"""Names of the contract that belong to later issues."""

LATER_PARAMETERS = frozenset(
    {
        "Runtime.__init__.durability",
        "Runtime.__init__.store",
        "Step.options.queue",
        "step.queue",
    }
)

FACE = {
    "Actor": "receive",
    "ActorFailed": "",
    "ActorGone": "",
    "ActorRef": "ask(timeout) from_thread put send",
    "ActorflowError": "",
    "AnyStep": "",
    "AskTimeout": "",
    "AttemptsExhausted": "",
    "Backoff": "__call__",
    "CancelRun": "reason run_id",
    "Cancelled": "errors reason rollback run_id",
    "CompensationFailed": "",
    "Event": "attempt duration fact monotonic node run_id sequence time",
    "Exponential": "__call__ factor first jitter most",
    "Failed": "error rollback run_id",
    "Fixed": "__call__ seconds",
    "Guard": "",
    "Halt": "__init__(value)",
    "HaltRun": "reason run_id",
    "Halted": "by run_id snapshot",
    "InvalidInput": "",
    "InvalidMessage": "",
    "InvalidState": "",
    "InvalidStep": "",
    "InvalidValue": "",
    "InvalidWorkflow": "",
    "Limit": "at_most key name rate",
    "MailboxFull": "",
    "Middleware": "complete(run value) error(run error) halt(run) init(run resumed) step(run)",
    "Mode": "",
    "NotSerializable": "",
    "Outcome": "",
    "OutcomeUnknown": "",
    "Plan": "mermaid text",
    "Provided": "",
    "Rate": "per starts",
    "RecordNotFound": "",
    "RecordedFailure": "message notes traceback type",
    "Recover": "value",
    "Reply": "__call__ refuse",
    "Resource": "__init__(name) get provide(value)",
    "ResultGone": "",
    "ResumeRun": "run_id",
    "Retry": "attempts backoff on within",
    "Rollback": "",
    "Run": "cancel(reason) events halt(reason) id outcome result status undo",
    "RunCancelled": "errors",
    "RunConflict": "",
    "RunFailed": "errors",
    "RunHalted": "snapshot",
    "RunInfo": "context inputs labels run_id workflow",
    "RunStatus": "",
    "Runtime": (
        "__aenter__ __aexit__ __init__(workflows resources limits threads max_runs keep_finished on_exit "
        "drain_timeout shutdown_timeout halt_timeout settle_timeout cancel_grace values middleware seed "
        "clock) executor get limit(name at_most rate) list_runs options(run_id timeout on_timeout reversible "
        "sequential max_concurrency max_steps context labels priority cancel_with_caller) resume(resolve) "
        "spawn(name mailbox) subscribe(buffer) undo"
    ),
    "RuntimeBusy": "",
    "RuntimeClosed": "",
    "RuntimeFault": "",
    "Skip": "value",
    "StartRun": "asking(workflow inputs run_id) inputs reply_to run_id workflow",
    "Started": "run_id",
    "Step": (
        "__call__ compensate(retry timeout) options(name after keep mode limit retry timeout irreversible "
        "guards where description) run undo(retry timeout unknown)"
    ),
    "StepCancelled": "",
    "StepContext": (
        "attempt cancelled context heartbeat(details) idempotency_key log node options(detached timeout "
        "reversible labels) progress(done total) run run_blocking run_id"
    ),
    "StepCrashed": "",
    "StepError": "attempt error node phase",
    "StepTimeout": "late",
    "Subscription": "__aenter__ __aexit__ __aiter__ close",
    "Succeeded": "run_id value",
    "TryAgain": "__init__(reason after)",
    "UndoFailed": "",
    "UndoRun": "run_id",
    "UnknownWorkflow": "",
    "Where": "",
    "WorkerLost": "",
    "Workflow": "__call__ compile name options(name after undoable where guards)",
    "WorkflowBuilder": (
        "__init__(name) add_input(name type) add_step(name step arguments after) build compose(name workflow "
        "arguments after) returns(name)"
    ),
    "WrongLoop": "",
    "around": "(factory body)",
    "choose": "(value branches default)",
    "choose_first": "(branches on default)",
    "debug": "(level)",
    "each": "(items body concurrency ordered batch_size key on_error)",
    "emit": "(call)",
    "fail": "(message)",
    "failed_with": "(error kind)",
    "failure": "",
    "gather": "",
    "group": "(body before after)",
    "repeat": "(workflow start until at_most exhausted)",
    "step": "(name mode limit retry timeout irreversible guards where description)",
    "step_context": "",
    "template": "(text)",
    "transform": "(value function)",
    "workflow": "(name description middleware)",
    "Claim": "decision step_run",
    "MemoryStore": "",
    "PostgresStore": "__init__(dsn)",
    "SQLiteStore": "__init__(path synchronous)",
    "Scheduled": "decision step_run",
    "StaleClaim": "status",
    "StepRun": "error id input output run_id status step token",
    "Store": (
        "__aenter__ __aexit__ begin_step(run_id step input worker) complete_step(step_run_id output token) "
        "completed_outputs(run_id) completed_steps(run_id) create_run(run_id workflow inputs) "
        "fail_step(step_run_id error token) get_step_run(run_id step) schedule_step(run_id step input) "
        "step_statuses(run_id)"
    ),
}
"""The names of the contract that belong here: of functions the parameters, of classes the members with theirs."""


def test_all_is_sorted_and_says_nothing_twice() -> None:
    assert list(actorflow.__all__) == sorted(set(actorflow.__all__))


def test_all_is_this_list() -> None:
    """A name that comes or goes is seen here."""
    assert set(actorflow.__all__) == set(FACE) | MORE


def test_every_name_resolves() -> None:
    for name in actorflow.__all__:
        assert getattr(actorflow, name) is not None


def test_nothing_is_exported_that_belongs_to_a_later_issue() -> None:
    assert not LATER & set(actorflow.__all__)
    assert not [name for name in LATER if hasattr(actorflow, name)]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = actorflow.no_such_name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]


@pytest.mark.parametrize("name", sorted(FACE))
def test_it_has_the_members_and_parameters_of_the_contract(name: str) -> None:
    thing: Any = getattr(actorflow, name)
    for member, parameters in members(FACE[name]):
        if not member:
            assert missing(thing, parameters) == []
        elif parameters:
            assert missing(getattr(thing, member), parameters) == []
        else:
            assert has(thing, member), f"{name} has no {member}"


def members(text: str) -> Iterator[tuple[str, list[str]]]:
    """The members of an entry, each with its parameters; an empty name stands for the thing itself."""
    for member, parameters in re.findall(r"(\w*)(?:\(([\w ]+)\))?", text):
        if member or parameters:
            yield member, parameters.split()


def missing(function: Any, parameters: list[str]) -> list[str]:
    signature = inspect.signature(function)
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in signature.parameters.values()):
        return []
    return [name for name in parameters if name not in signature.parameters]


def has(thing: Any, member: str) -> bool:
    """Whether it has it; what only objects have shows in the body of `__init__`."""
    if hasattr(thing, member):
        return True
    init = inspect.getsource(thing.__init__)
    return f"self.{member} =" in init or f"self.{member}:" in init or f"self.{member}," in init


def test_the_copy_of_the_contract_is_true() -> None:
    """Where the contract isn't at hand, the copy is all there is."""
    if STUBS.exists():
        assert {name: sorted(members(text)) for name, text in FACE.items()} == contract(STUBS)


def contract(stubs: Path) -> dict[str, list[tuple[str, list[str]]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for node in ast.parse(stubs.read_text()).body:
        for owner, member, given in names_in(node):
            whole = f"{owner}.{member}." if member else f"{owner}."
            parameters = [name for name in given if whole + name not in LATER_PARAMETERS]
            if owner not in LATER and not owner.startswith("_"):
                known = found.setdefault(owner, {})
                if member or parameters:
                    known[member] = list(dict.fromkeys([*known.get(member, []), *parameters]))
    return {owner: sorted(known.items()) for owner, known in found.items()}


def names_in(node: ast.stmt) -> Iterator[tuple[str, str, list[str]]]:
    match node:
        case ast.ClassDef(name=name, body=body):
            yield name, "", []
            for inner in body:
                for member, _, parameters in names_in(inner):
                    yield name, member, parameters
        case ast.FunctionDef(name=name, args=args) | ast.AsyncFunctionDef(name=name, args=args):
            given = [each.arg for each in [*args.args, *args.kwonlyargs]]
            yield name, "", [each for each in given if each not in {"self", "cls"}]
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name, "", []
        case _:
            pass
