"""The one table: a row per message and fact. It is the documentation of what a run does.

expects   the status its node must be in, and the attempt it must be of; anything else is stale, or an answer to an order to stop
fold      how it changes the state; None: a request, which is no fact and isn't recorded
order     what is ordered because of it
then      what follows from it: the next fact, decided by policy
"""

from __future__ import annotations

from actorflow import facts
from actorflow.engine import fold, fold_scopes, fold_waits, orders, policy, requests, scopes, taking_over, waits
from actorflow.engine import fold_handlers as handlers
from actorflow.engine.state import COMPENSATING, DORMANT, GUARDING, RUNNING, STOPPING, UNDOING, WAITING
from actorflow.engine.table import RULES, Rule

rows: dict[type, Rule] = {
    # message or fact                      expects         fold                                  order                    then
    # ── the run
    orders.Pause:                     Rule(None,           None,                                 None,                    policy.pauses_as_asked),
    orders.Cancel:                    Rule(None,           None,                                 None,                    policy.cancels_the_run),
    orders.Resume:                    Rule(None,           None,                                 None,                    requests.resumes),
    orders.UndoAll:                   Rule(None,           None,                                 None,                    requests.undoes_it_all),
    orders.UndoAgain:                 Rule(None,           None,                                 None,                    requests.undoes_again),
    orders.GoOn:                      Rule(None,           None,                                 None,                    None),
    orders.StartFrom:                 Rule(None,           None,                                 None,                    requests.begins_with),
    orders.TakeOver:                  Rule(None,           None,                                 None,                    taking_over.takes_over),
    orders.RunOverdue:                Rule(None,           None,                                 None,                    requests.time_is_over),
    orders.PatienceOver:              Rule(None,           None,                                 None,                    policy.patience_is_over),
    orders.ResultChecked:             Rule(None,           None,                                 None,                    requests.succeeds),
    orders.ResultRefused:             Rule(None,           None,                                 None,                    requests.is_refused),
    orders.Broken:                    Rule(None,           None,                                 None,                    requests.breaks),
    facts.RunStarted:                 Rule(None,           fold.run_started),
    facts.RunPaused:                  Rule(None,           fold.run_paused,                      requests.clears_the_way),
    facts.RunResumed:                 Rule(None,           fold.run_resumed),
    facts.RollbackStarted:            Rule(None,           fold.rollback_started,                requests.clears_the_way),
    facts.RollbackResumed:            Rule(None,           handlers.rollback_resumed),
    facts.RunEnded:                   Rule(None,           fold.run_ended),
    facts.LeaseTaken:                 Rule(None,           fold.nothing_changes),
    # ── permits
    orders.PermitsGranted:            Rule(None,           None,                                 None,                    requests.permits_come),
    orders.PermitsQueued:             Rule(None,           None,                                 None,                    requests.permits_wait),
    # ── guards
    facts.StepScheduled:              Rule(None,           fold.nothing_changes),
    facts.GuardsStarted:              Rule(None,           fold.guards_started),
    facts.GuardsPassed:               Rule(GUARDING,       fold.guards_passed),
    facts.GuardFailed:                Rule(GUARDING,       fold.guard_failed,                    None,                    policy.guard_retries_or_stands),
    facts.StepSkipped:                Rule(GUARDING,       fold.step_skipped),
    # ── attempts
    facts.StepStarted:                Rule(None,           fold.step_started),
    facts.StepEntered:                Rule(RUNNING,        fold.nothing_changes),
    facts.StepHeartbeat:              Rule(RUNNING,        fold.nothing_changes),
    facts.StepProgressed:             Rule(RUNNING,        fold.nothing_changes),
    facts.StepSucceeded:              Rule(RUNNING,        fold.step_succeeded),
    facts.StepHalted:                 Rule(RUNNING,        fold.step_halted,                     None,                    policy.pauses),
    facts.AttemptFailed:              Rule(RUNNING,        fold.attempt_failed,                  None,                    policy.retries_or_compensates_or_stands),
    facts.StepInterrupted:            Rule(STOPPING,       fold.step_interrupted,                None,                    policy.waits_or_is_compensated),
    orders.NothingBegun:              Rule(None,           None,                                 None,                    policy.nothing_was_begun),
    orders.DeadlinePassed:            Rule(RUNNING,        None,                                 None,                    policy.times_out),
    orders.GraceOver:                 Rule(None,           None,                                 None,                    policy.grace_is_over),
    facts.StepAbandoned:              Rule(None,           fold.step_abandoned,                  requests.abandons_it,    policy.is_not_tried_again),
    facts.AttemptLost:                Rule(None,           fold.attempt_lost),
    facts.RetryScheduled:             Rule(None,           fold.retry_scheduled,                 policy.wait_for_retry),
    orders.RetryDue:                  Rule(WAITING,        None,                                 None,                    policy.retry_is_due),
    facts.StepGaveUp:                 Rule(None,           fold.step_gave_up,                    None,                    policy.starts_a_rollback),
    # ── waits
    facts.WaitStarted:                Rule(RUNNING,        fold_waits.wait_started,              waits.reminds,           waits.takes_a_kept_signal),
    orders.WaitOver:                  Rule(DORMANT,        None,                                 None,                    waits.wait_is_over),
    orders.SignalCame:                Rule(None,           None,                                 None,                    waits.signal_comes),
    orders.SignalRefused:             Rule(None,           None,                                 None,                    None),
    facts.SignalReceived:             Rule(None,           fold_waits.signal_received),
    # ── scopes
    facts.BodyOpened:                 Rule(RUNNING,        fold_scopes.body_opened,              None,                    scopes.makes_its_nodes_wait),
    facts.ItemsPulled:                Rule(RUNNING,        fold_scopes.items_pulled,             None,                    scopes.starts_items),
    facts.ItemStarted:                Rule(None,           fold_scopes.item_started),
    facts.ScopeLeft:                  Rule(None,           fold_scopes.scope_left,               None,                    scopes.has_left),
    facts.StepsEmitted:               Rule(RUNNING,        fold_scopes.steps_emitted,            None,                    scopes.emits),
    facts.ItemFailed:                 Rule(None,           fold_scopes.item_failed,              None,                    requests.clears_the_items_way),
    facts.ItemEnded:                  Rule(None,           fold_scopes.item_ended),
    orders.ItemPatienceOver:          Rule(None,           None,                                 None,                    requests.item_patience_is_over),
    # ── compensation
    facts.CompensationStarted:        Rule(None,           handlers.compensation_started,        requests.compensate_it),
    facts.StepRecovered:              Rule(COMPENSATING,   handlers.step_recovered),
    facts.StepCompensated:            Rule(COMPENSATING,   handlers.step_compensated,            None,                    policy.stands_or_tries_again),
    facts.CompensationAttemptFailed:  Rule(COMPENSATING,   handlers.compensation_attempt_failed, None,                    policy.compensation_retries_or_gives_up),
    facts.CompensationRetryScheduled: Rule(None,           handlers.compensation_retry_scheduled, policy.wait_for_handler),
    facts.CompensationGaveUp:         Rule(None,           handlers.compensation_gave_up,        None,                    policy.stands_uncompensated),
    # ── undo
    facts.UndoStarted:                Rule(None,           handlers.undo_started,                requests.undo_it),
    facts.StepUndone:                 Rule(UNDOING,        handlers.step_undone),
    facts.UndoAttemptFailed:          Rule(UNDOING,        handlers.undo_attempt_failed,         None,                    policy.undo_retries_or_gives_up),
    facts.UndoRetryScheduled:         Rule(None,           handlers.undo_retry_scheduled,        policy.wait_for_handler),
    facts.UndoGaveUp:                 Rule(None,           handlers.undo_gave_up),
    orders.HandlerDue:                Rule(None,           None,                                 None,                    requests.handler_is_due),
}  # fmt: skip

RULES.update(rows)
