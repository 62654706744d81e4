"""ActorFlow: sagas for asyncio. Typed steps with undo and compensation, run by supervised actors.

Define steps with `@step`, wire them in a `@workflow`, and run them: `async with Runtime() as runtime: await runtime.run(…)`.
"""

from typing import TYPE_CHECKING

from actorflow.actors import Actor, ActorRef, Down, Exit, Reply, asking
from actorflow.doors import loads_later
from actorflow.errors import (
    ActorFailed,
    ActorflowError,
    ActorGone,
    AskTimeout,
    AttemptsExhausted,
    CommitUnknown,
    CompensationFailed,
    DeliberateFailure,
    InvalidInput,
    InvalidMessage,
    InvalidRegistry,
    InvalidState,
    InvalidStep,
    InvalidValue,
    InvalidWorkflow,
    LeaseExpired,
    MailboxFull,
    NoBranch,
    NotSerializable,
    OutcomeUnknown,
    RecordedFailure,
    RecordNotFound,
    Rejected,
    RepeatExhausted,
    ResultGone,
    RunCancelled,
    RunConflict,
    RunFailed,
    RunHalted,
    RuntimeBusy,
    RuntimeClosed,
    RuntimeFault,
    StaleClaim,
    StepCancelled,
    StepCrashed,
    StepError,
    StepTimeout,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreUnavailable,
    UndoFailed,
    UnknownWorkflow,
    WorkerLost,
    WrongLoop,
)
from actorflow.facts import Event
from actorflow.failures import failed_with, failure
from actorflow.outcome import Approval, Cancelled, Failed, Halted, Outcome, Rollback, RunStatus, Succeeded
from actorflow.plan import Plan
from actorflow.policy import Backoff, Durability, Exponential, Fixed, Halt, Limit, Rate, Recover, Retry, Skip, TryAgain
from actorflow.runtime import (
    CancelRun,
    HaltRun,
    Middleware,
    Provided,
    Resource,
    ResumeRun,
    Run,
    RunInfo,
    Runtime,
    Started,
    StartRun,
    StepContext,
    UndoRun,
    step_context,
)
from actorflow.telemetry import Subscription, log_events
from actorflow.workflow import (
    AnyStep,
    Guard,
    Mode,
    Registry,
    Step,
    Where,
    Workflow,
    WorkflowBuilder,
    approval,
    around,
    choose,
    choose_first,
    debug,
    each,
    emit,
    fail,
    gather,
    group,
    repeat,
    sleep,
    sleep_until,
    step,
    template,
    transform,
    wait_for_signal,
    workflow,
)

if TYPE_CHECKING:
    from actorflow.runtime import (
        AttemptView,
        Cron,
        ErrorView,
        Every,
        Explanation,
        Finding,
        HistoryEntry,
        Operator,
        Reason,
        RunView,
        Schedule,
        StepView,
    )
    from actorflow.store import (
        Attempt,
        Claim,
        Codec,
        MemoryStore,
        NewRun,
        Note,
        Opened,
        PostgresStore,
        RunChange,
        RunMessage,
        RunPage,
        RunRecord,
        RuntimeRecord,
        Scheduled,
        ScheduleRecord,
        Seal,
        SQLiteStore,
        StepRun,
        StepStatus,
        Store,
    )
    from actorflow.values import Secret
else:
    __getattr__ = loads_later(
        __name__,
        runtime="AttemptView Cron ErrorView Every Explanation Finding HistoryEntry Operator Reason RunView Schedule StepView",
        store=(
            "Attempt Claim Codec MemoryStore NewRun Note Opened PostgresStore RunChange RunMessage RunPage RunRecord "
            "RuntimeRecord SQLiteStore ScheduleRecord Scheduled Seal StepRun StepStatus Store"
        ),
        values="Secret",
    )

__all__ = [
    "Actor", "ActorFailed", "ActorGone", "ActorRef", "ActorflowError", "AnyStep", "Approval", "AskTimeout", "Attempt",
    "AttemptView", "AttemptsExhausted", "Backoff", "CancelRun", "Cancelled", "Claim", "Codec", "CommitUnknown",
    "CompensationFailed", "Cron", "DeliberateFailure", "Down", "Durability", "ErrorView", "Event", "Every", "Exit", "Explanation", "Exponential",
    "Failed", "Finding", "Fixed", "Guard", "Halt", "HaltRun", "Halted", "HistoryEntry", "InvalidInput",
    "InvalidMessage", "InvalidRegistry", "InvalidState", "InvalidStep", "InvalidValue", "InvalidWorkflow", "LeaseExpired",
    "Limit", "MailboxFull", "MemoryStore", "Middleware", "Mode", "NewRun", "NoBranch", "NotSerializable", "Note",
    "Opened", "Operator", "Outcome", "OutcomeUnknown", "Plan", "PostgresStore", "Provided", "Rate", "Reason",
    "RecordNotFound", "RecordedFailure", "Recover", "Registry", "Rejected", "RepeatExhausted", "Reply", "Resource",
    "ResultGone", "ResumeRun", "Retry", "Rollback", "Run", "RunCancelled", "RunChange", "RunConflict", "RunFailed",
    "RunHalted", "RunInfo", "RunMessage", "RunPage", "RunRecord", "RunStatus", "RunView", "Runtime", "RuntimeBusy",
    "RuntimeClosed", "RuntimeFault", "RuntimeRecord", "SQLiteStore", "Schedule", "ScheduleRecord", "Scheduled", "Seal", "Secret", "Skip", "StaleClaim", "StartRun",
    "Started", "Step", "StepCancelled", "StepContext", "StepCrashed", "StepError", "StepRun", "StepStatus",
    "StepTimeout", "StepView", "Store", "StoreBusy", "StoreClosed", "StoreCorrupt", "StoreError", "StoreFull",
    "StoreReadOnly", "StoreTooNew", "StoreUnavailable", "Subscription", "Succeeded", "TryAgain", "UndoFailed",
    "UndoRun", "UnknownWorkflow", "Where", "WorkerLost", "Workflow", "WorkflowBuilder", "WrongLoop", "approval",
    "around", "asking", "choose", "choose_first", "debug", "each", "emit", "fail", "failed_with", "failure", "gather",
    "group", "log_events", "repeat", "sleep", "sleep_until", "step", "step_context", "template", "transform",
    "wait_for_signal", "workflow",
]  # fmt: skip
