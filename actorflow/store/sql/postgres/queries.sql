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
WHERE number IN (
    SELECT number FROM actorflow.runs WHERE run_id = ANY($1::text[])
    UNION SELECT run FROM actorflow.step_runs WHERE number = ANY($2::bigint[])
)
ORDER BY number
FOR NO KEY UPDATE;

-- find_runs --
-- The same, for who only reads.
SELECT number, run_id, workflow, created, CASE WHEN run_id = ANY($3::text[]) THEN inputs END AS inputs
FROM actorflow.runs
WHERE number IN (
    SELECT number FROM actorflow.runs WHERE run_id = ANY($1::text[])
    UNION SELECT run FROM actorflow.step_runs WHERE number = ANY($2::bigint[])
);

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

-- add_rows --
-- New step runs: one array per column.
INSERT INTO actorflow.step_runs (number, run, step, status, token, sequence, worker, started, ended, input, output, error)
SELECT * FROM unnest(
    $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
    $7::text[], $8::float8[], $9::float8[], $10::bytea[], $11::bytea[], $12::bytea[]
);

-- keep_rows --
-- Step runs as they are from now on: one array per column.
UPDATE actorflow.step_runs
SET status = now.status, token = now.token, sequence = now.sequence, worker = now.worker, started = now.started,
    ended = now.ended, input = now.input, output = now.output, error = now.error
FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::float8[], $6::float8[],
    $7::bytea[], $8::bytea[], $9::bytea[], $10::bigint[]
) AS now (status, token, sequence, worker, started, ended, input, output, error, number)
WHERE step_runs.number = now.number;

-- keep_attempts --
-- Attempts that another claim follows, or that were lost: one array per column.
INSERT INTO actorflow.attempts (step_run, token, phase, worker, started, ended, outcome, error)
SELECT * FROM unnest(
    $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::float8[], $6::float8[], $7::text[], $8::bytea[]
);
