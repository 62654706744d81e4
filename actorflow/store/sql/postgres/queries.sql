-- add_runs --
-- New runs; those whose id is there already stay as they are. In order of their ids, so that two who do this never wait for each other.
INSERT INTO actorflow.runs (number, run_id, workflow, inputs, created)
SELECT nextval('actorflow.numbers'), run_id, workflow, inputs, created
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::float8[]) AS given (run_id, workflow, inputs, created)
ORDER BY run_id
ON CONFLICT (run_id) DO NOTHING;

-- lock_runs --
-- Runs by their ids and by the numbers of their step runs, locked in order until the transaction's end: nobody else writes to them meanwhile.
SELECT number, run_id, workflow, created, CASE WHEN run_id = ANY($3::text[]) THEN inputs END AS inputs
FROM actorflow.runs
WHERE run_id = ANY($1::text[]) OR number = ANY(SELECT run FROM actorflow.step_runs WHERE number = ANY($2::bigint[]))
ORDER BY number
FOR NO KEY UPDATE;

-- find_runs --
-- The same, for who only reads.
SELECT number, run_id, workflow, created, CASE WHEN run_id = ANY($3::text[]) THEN inputs END AS inputs
FROM actorflow.runs
WHERE run_id = ANY($1::text[]) OR number = ANY(SELECT run FROM actorflow.step_runs WHERE number = ANY($2::bigint[]));

-- find_rows --
-- Step runs by their numbers.
SELECT number, run, step, status, input, output, error, token, sequence, worker, started, ended
FROM actorflow.step_runs WHERE number = ANY($1::bigint[]);

-- find_rows_of --
-- Step runs by their runs' numbers and their steps.
SELECT number, run, step, status, input, output, error, token, sequence, worker, started, ended
FROM actorflow.step_runs
JOIN unnest($1::bigint[], $2::text[]) AS asked (asked_run, asked_step) ON run = asked_run AND step = asked_step;

-- list_rows --
-- All step runs of runs.
SELECT number, run, step, status, input, output, error, token, sequence, worker, started, ended
FROM actorflow.step_runs WHERE run = ANY($1::bigint[]);

-- list_attempts --
-- The earlier attempts at steps.
SELECT step_run, token, phase, worker, started, ended, outcome, error FROM actorflow.attempts WHERE step_run = ANY($1::bigint[]);

-- give_numbers --
-- As many numbers as asked for, higher than all that were given to these runs: they are locked.
SELECT nextval('actorflow.numbers') AS number FROM generate_series(1, $1::bigint);

-- add_row --
-- A new step run.
INSERT INTO actorflow.step_runs (number, run, step, status, token, sequence, worker, started, ended, input, output, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- keep_row --
-- A step run as it is from now on.
UPDATE actorflow.step_runs
SET status = $1, token = $2, sequence = $3, worker = $4, started = $5, ended = $6, input = $7, output = $8, error = $9
WHERE number = $10;

-- keep_attempt --
-- An attempt that another claim follows, or that was lost.
INSERT INTO actorflow.attempts (step_run, token, phase, worker, started, ended, outcome, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);
