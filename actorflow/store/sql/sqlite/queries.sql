-- find_run --
-- A run by its id.
SELECT run_id, workflow, inputs, created FROM runs WHERE run_id = ?;

-- find_run_number --
-- The number of a run.
SELECT number FROM runs WHERE run_id = ?;

-- add_run --
-- A new run.
INSERT INTO runs (number, run_id, workflow, inputs, created) VALUES (?, ?, ?, ?, ?);

-- find_row --
-- The step run of a number.
SELECT step_runs.number, run, run_id, step, status, input, output, error, token, sequence, worker, started, ended
FROM step_runs JOIN runs ON runs.number = step_runs.run
WHERE step_runs.number = ?;

-- find_row_of --
-- The step run of a run's number and a step.
SELECT step_runs.number, run, run_id, step, status, input, output, error, token, sequence, worker, started, ended
FROM step_runs JOIN runs ON runs.number = step_runs.run
WHERE run = ? AND step = ?;

-- list_rows --
-- The step runs of a run.
SELECT step_runs.number, run, run_id, step, status, input, output, error, token, sequence, worker, started, ended
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
