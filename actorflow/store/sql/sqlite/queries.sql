-- find_run --
-- A run by its id, with its number here.
SELECT number, run_id, workflow, inputs, created FROM runs WHERE run_id = :run_id;

-- find_run_number --
-- The number of a run.
SELECT number FROM runs WHERE run_id = :run_id;

-- add_run --
-- A new run; the database gives it its number.
INSERT INTO runs (run_id, workflow, inputs, created) VALUES (?, ?, ?, ?);

-- find_row --
-- One step run.
SELECT runs.run_id, step, status, input, output, error, token, sequence, worker, started, ended
FROM step_runs JOIN runs ON runs.number = step_runs.run
WHERE run = ? AND step = ?;

-- list_rows --
-- The step runs of a run, in order of their names.
SELECT runs.run_id, step, status, input, output, error, token, sequence, worker, started, ended
FROM step_runs JOIN runs ON runs.number = step_runs.run
WHERE run = :run
ORDER BY step;

-- keep_row --
-- A step run as it is from now on, new or changed. Its input changes with a claim only, but is as quickly written as compared.
INSERT INTO step_runs (run, step, status, input, output, error, token, sequence, worker, started, ended)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run, step) DO UPDATE SET
    status = excluded.status, input = excluded.input, output = excluded.output, error = excluded.error,
    token = excluded.token, sequence = excluded.sequence,
    worker = excluded.worker, started = excluded.started, ended = excluded.ended;

-- list_attempts --
-- The earlier attempts at a step, oldest first.
SELECT token, phase, worker, started, ended, outcome, error FROM attempts WHERE run = ? AND step = ? ORDER BY token;

-- keep_attempt --
-- An attempt that another claim follows, or that was lost.
INSERT INTO attempts (run, step, token, phase, worker, started, ended, outcome, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- last_completion --
-- The number that the last completion of all runs got.
SELECT last FROM completions;

-- keep_completion --
-- The number that the last completion of this transaction got.
UPDATE completions SET last = ?;
