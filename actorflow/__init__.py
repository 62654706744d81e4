"""ActorFlow: sagas for asyncio. Typed steps with undo and compensation, run by supervised actors.

Define steps with `@step`, wire them in a `@workflow`, and run them: `async with Runtime() as runtime: await runtime.run(…)`.
"""

from actorflow.actors import Actor, ActorRef, Down, Exit, Reply, asking
from actorflow.errors import (
    ActorFailed,
    ActorflowError,
    ActorGone,
    AskTimeout,
    AttemptsExhausted,
    CompensationFailed,
    InvalidInput,
    InvalidMessage,
    InvalidState,
    InvalidStep,
    InvalidValue,
    InvalidWorkflow,
    MailboxFull,
    NotSerializable,
    OutcomeUnknown,
    RecordedFailure,
    RecordNotFound,
    RunCancelled,
    RunConflict,
    RunFailed,
    RunHalted,
    RuntimeBusy,
    RuntimeClosed,
    RuntimeFault,
    StepCancelled,
    StepCrashed,
    StepError,
    StepTimeout,
    UndoFailed,
    UnknownWorkflow,
    WorkerLost,
    WrongLoop,
)
from actorflow.facts import Event
from actorflow.failures import failed_with, failure
from actorflow.outcome import Cancelled, Failed, Halted, Outcome, Rollback, RunStatus, Succeeded
from actorflow.plan import Plan
from actorflow.policy import Backoff, Exponential, Fixed, Halt, Limit, Rate, Recover, Retry, Skip, TryAgain
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
from actorflow.workflow import AnyStep, Guard, Mode, Step, Where, Workflow, WorkflowBuilder, step, transform, workflow

__all__ = [
    "Actor", "ActorFailed", "ActorGone", "ActorRef", "ActorflowError", "AnyStep", "AskTimeout", "AttemptsExhausted",
    "Backoff", "CancelRun", "Cancelled", "CompensationFailed", "Down", "Event", "Exit", "Exponential", "Failed", "Fixed",
    "Guard", "Halt", "HaltRun", "Halted", "InvalidInput", "InvalidMessage", "InvalidState", "InvalidStep", "InvalidValue",
    "InvalidWorkflow", "Limit", "MailboxFull", "Middleware", "Mode", "NotSerializable", "Outcome", "OutcomeUnknown", "Plan",
    "Provided", "Rate", "RecordNotFound", "RecordedFailure", "Recover", "Reply", "Resource", "ResumeRun", "Retry",
    "Rollback", "Run", "RunCancelled", "RunConflict", "RunFailed", "RunHalted", "RunInfo", "RunStatus", "Runtime",
    "RuntimeBusy", "RuntimeClosed", "RuntimeFault", "Skip", "StartRun", "Started", "Step", "StepCancelled", "StepContext",
    "StepCrashed", "StepError", "StepTimeout", "Subscription", "Succeeded", "TryAgain", "UndoFailed", "UndoRun",
    "UnknownWorkflow", "Where", "WorkerLost", "Workflow", "WorkflowBuilder", "WrongLoop", "asking", "failed_with",
    "failure", "log_events", "step", "step_context", "transform", "workflow",
]  # fmt: skip
