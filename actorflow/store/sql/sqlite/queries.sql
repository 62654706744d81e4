-- find_run --
-- A run by its id, whole.
SELECT
    run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem,
    (SELECT coalesce(max(sequence), 0) FROM turns WHERE run = number), inputs, context, options, result, failure
FROM runs WHERE run_id = ?;

-- find_run_number --
-- The number of a run.
SELECT number FROM runs WHERE run_id = ?;

-- find_lead --
-- What changes of a run.
SELECT
    number, run_id, status, updated, ended, owner, wake, problem,
    (SELECT coalesce(max(sequence), 0) FROM turns WHERE run = number)
FROM runs WHERE run_id = ?;

-- add_run --
-- A new run.
INSERT INTO runs (
    number, run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem, inputs, context, options, result, failure
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- move_run --
-- A run as it is from now on; what it came to stays where nothing is given.
UPDATE runs
SET status = ?1, updated = ?2, ended = ?3, owner = ?4, wake = ?5, problem = ?6,
    result = coalesce(?7, CASE WHEN NOT ?9 THEN result END), failure = coalesce(?8, CASE WHEN NOT ?9 THEN failure END)
WHERE number = ?10;

-- list_runs --
-- Runs without their bytes: conditions and an order are added.
SELECT
    number, run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem,
    (SELECT coalesce(max(sequence), 0) FROM turns WHERE run = number)
FROM runs WHERE TRUE;

-- list_labelled_runs --
-- The same, of the runs with a label: they are found by it.
SELECT
    number, run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem,
    (SELECT coalesce(max(sequence), 0) FROM turns WHERE run = number)
FROM run_labels CROSS JOIN runs ON number = run_labels.run WHERE TRUE;

-- count_runs --
-- How many runs there are in each status.
SELECT status, count(*) FROM runs GROUP BY status;

-- list_claimable --
-- The oldest runs that a runtime may take.
SELECT
    number, run_id, status, updated, ended, owner, wake, problem,
    (SELECT coalesce(max(sequence), 0) FROM turns WHERE run = number)
FROM runs WHERE owner IS NULL AND ended IS NULL AND problem IS NULL AND (wake IS NULL OR wake <= ?)
ORDER BY number LIMIT ?;

-- list_claimable_at_once --
-- The same, of one workflow: those that don't wait for a time.
SELECT
    number, run_id, status, updated, ended, owner, wake, problem,
    (SELECT coalesce(max(sequence), 0) FROM turns WHERE run = number)
FROM runs INDEXED BY runs_free
WHERE owner IS NULL AND ended IS NULL AND problem IS NULL AND workflow = ? AND wake IS NULL
ORDER BY number LIMIT ?;

-- list_claimable_on_time --
-- The same, of one workflow: those whose time has come.
SELECT
    number, run_id, status, updated, ended, owner, wake, problem,
    (SELECT coalesce(max(sequence), 0) FROM turns WHERE run = number)
FROM runs INDEXED BY runs_free
WHERE owner IS NULL AND ended IS NULL AND problem IS NULL AND workflow = ? AND wake <= ?
ORDER BY number LIMIT ?;

-- list_purgeable --
-- The runs of a status that ended first.
SELECT ended, number FROM runs INDEXED BY runs_by_end
WHERE status = ? AND ended IS NOT NULL AND ended < ? AND owner IS NULL
ORDER BY ended, number LIMIT ?;

-- find_labels --
-- The id and the labels of a run.
SELECT run_id, labels FROM runs WHERE number = ?;

-- keep_labels --
-- The labels that a run has from now on.
UPDATE runs SET labels = ?, updated = ? WHERE number = ?;

-- add_label --
-- Has a run found by a label.
INSERT INTO run_labels (name, value, run) VALUES (?, ?, ?);

-- drop_label --
-- Has a run not found by a label any more.
DELETE FROM run_labels WHERE name = ? AND value = ? AND run = ?;

-- drop_attempts --
-- The attempts at a run's steps go.
DELETE FROM attempts WHERE step_run IN (SELECT number FROM step_runs WHERE run = ?);

-- drop_rows --
-- A run's step runs go.
DELETE FROM step_runs WHERE run = ?;

-- drop_turns --
-- What a run did goes.
DELETE FROM turns WHERE run = ?;

-- drop_run_messages --
-- A run's messages go.
DELETE FROM messages WHERE run = ?;

-- drop_notes --
-- A run's notes go.
DELETE FROM notes WHERE run = ?;

-- drop_run --
-- A run goes.
DELETE FROM runs WHERE number = ?;

-- find_runtime --
-- A runtime by its number.
SELECT number, name, expires FROM runtimes WHERE number = ?;

-- list_runtimes --
-- The runtimes, in the order they joined.
SELECT number, name, expires FROM runtimes ORDER BY number;

-- keep_runtime --
-- A runtime as it is from now on.
INSERT INTO runtimes (number, name, expires) VALUES (?, ?, ?)
ON CONFLICT (number) DO UPDATE SET expires = excluded.expires;

-- free_runs --
-- A runtime's runs are nobody's.
UPDATE runs SET owner = NULL WHERE owner = ?;

-- drop_runtime --
-- A runtime goes.
DELETE FROM runtimes WHERE number = ?;

-- add_turns --
-- What a run did in this commit.
INSERT INTO turns (run, sequence, data) VALUES (?, ?, ?);

-- find_turns --
-- What a run did in one commit.
SELECT data FROM turns WHERE run = ? AND sequence = ?;

-- list_turns --
-- What a run did after some commit, in order.
SELECT data FROM turns WHERE run = ? AND sequence > ? ORDER BY sequence;

-- find_projected --
-- Of how many turns of a run step runs were made.
SELECT projected FROM runs WHERE number = ?;

-- keep_projected --
-- Step runs were made of so many more.
UPDATE runs SET projected = projected + ? WHERE number = ?;

-- add_message --
-- A message for a run.
INSERT INTO messages (number, run, kind, data, posted) VALUES (?, ?, ?, ?, ?);

-- drop_message --
-- A message was consumed.
DELETE FROM messages WHERE number = ? AND run = ?;

-- list_messages_of --
-- The messages for a run, in order.
SELECT messages.number, run_id, kind, data, posted FROM messages JOIN runs ON runs.number = run
WHERE run = ? ORDER BY messages.number;

-- list_messages_for --
-- The messages for the runs of a runtime, in order.
SELECT messages.number, run_id, kind, data, posted FROM messages CROSS JOIN runs ON runs.number = run
WHERE owner = ? ORDER BY messages.number;

-- add_note --
-- What an operator did.
INSERT INTO notes (number, run, who, what, why, at) VALUES (?, ?, ?, ?, ?, ?);

-- list_notes --
-- What operators did to a run, in order.
SELECT notes.number, run_id, who, what, why, at FROM notes JOIN runs ON runs.number = run WHERE run = ? ORDER BY notes.number;

-- find_schedule --
-- How far the schedule of a name has come.
SELECT name, "trigger", since, last FROM schedules WHERE name = ?;

-- list_schedules --
-- All schedules, names in order.
SELECT name, "trigger", since, last FROM schedules ORDER BY name;

-- keep_schedule --
-- A schedule as it is from now on.
INSERT INTO schedules (name, "trigger", since, last) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET "trigger" = excluded."trigger", since = excluded.since, last = excluded.last;

-- find_row --
-- The step run of a number.
SELECT step_runs.number, run, run_id, step, step_runs.status, input, output, error, token, sequence, worker, started, step_runs.ended
FROM step_runs JOIN runs ON runs.number = step_runs.run
WHERE step_runs.number = ?;

-- find_row_of --
-- The step run of a run's number and a step.
SELECT step_runs.number, run, run_id, step, step_runs.status, input, output, error, token, sequence, worker, started, step_runs.ended
FROM step_runs JOIN runs ON runs.number = step_runs.run
WHERE run = ? AND step = ?;

-- list_rows --
-- The step runs of a run.
SELECT step_runs.number, run, run_id, step, step_runs.status, input, output, error, token, sequence, worker, started, step_runs.ended
FROM step_runs JOIN runs ON runs.number = step_runs.run
WHERE run = ?;

-- add_row --
-- A new step run.
INSERT INTO step_runs (number, run, step, status, token, sequence, worker, started, ended, input, output, error)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- keep_row --
-- A step run as it is from now on.
UPDATE step_runs
SET status = ?, token = ?, sequence = ?, worker = ?, started = ?, ended = ?, input = ?, output = ?, error = ?
WHERE number = ?;

-- list_attempts --
-- The earlier attempts at a step.
SELECT token, phase, worker, started, ended, outcome, error FROM attempts WHERE step_run = ?;

-- keep_attempt --
-- An attempt that another claim follows, or that was lost.
INSERT INTO attempts (step_run, token, phase, worker, started, ended, outcome, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- last_number --
-- The number that was given last.
SELECT last FROM numbers;

-- keep_number --
-- The number that this transaction gave last.
UPDATE numbers SET last = ?;
