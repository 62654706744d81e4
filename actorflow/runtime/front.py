"""The executor's front desk: takes the messages of clients, for callers with no Python types at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.actors import Actor
from actorflow.errors import ActorflowError
from actorflow.runtime.messages import CancelRun, HaltRun, ResumeRun, Started, StartRun, UndoRun

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine

Request = StartRun | HaltRun | ResumeRun | CancelRun | UndoRun


class FrontDesk(Actor[Request]):
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def receive(self, message: Request, /) -> None:
        """Bad requests are refused to whoever asked, or noted; the desk goes on serving."""
        try:
            await self.serve(message)
        except ActorflowError as error:
            self.refuse(message, error)
        except Exception as error:
            self.refuse(message, self.machine.fault_of(message, error))

    async def serve(self, message: Request) -> None:
        machine = self.machine
        match message:
            case StartRun(workflow, inputs, run_id):
                run = await machine.start_named(workflow, inputs, run_id)
                self.answer(message, Started(run.id))
            case HaltRun(run_id, reason):
                machine.halt_run(run_id, reason)
            case CancelRun(run_id, reason):
                machine.cancel_run(run_id, reason)
            case ResumeRun(run_id):
                await machine.resuming.resume_known(run_id)
            case UndoRun(run_id):
                machine.endings.spawn(machine.undoing.undo_and_report(run_id, message))

    def answer(self, message: StartRun, started: Started) -> None:
        """What is to be called with the answer is the client's own: if it fails, the run goes on all the same."""
        if message.reply_to is not None:
            try:
                message.reply_to(started)
            except Exception as error:
                self.machine.report_refused(message, error)

    def refuse(self, message: Request, error: ActorflowError) -> None:
        if isinstance(message, StartRun) and message.reply_to is not None:
            try:
                message.reply_to.refuse(error)
            except Exception:
                self.machine.report_refused(message, error)
        else:
            self.machine.report_refused(message, error)
