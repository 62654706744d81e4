-- add_runs --
-- New runs; those whose id is there already stay as they are. In order of their ids, so that two who do this never wait for each other.
INSERT INTO actorflow.runs (
    number, run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem, inputs, context, options
)
SELECT nextval('actorflow.numbers'), given.*
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::float8[], $5::float8[], $6::float8[], $7::bigint[], $8::float8[], $9::text[], $10::text[],
    $11::text[], $12::text[], $13::bytea[], $14::bytea[], $15::bytea[]
) AS given (run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem, inputs, context, options)
ORDER BY run_id
ON CONFLICT (run_id) DO NOTHING
RETURNING run_id, number;

-- lock_runs --
-- Runs by their ids and by the numbers of their step runs, locked in order until the transaction's end: nobody else writes to them meanwhile.
SELECT
    number, run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem,
    CASE WHEN run_id = ANY($3::text[]) THEN inputs ELSE '' END AS inputs, CASE WHEN run_id = ANY($3::text[]) THEN context ELSE '' END AS context,
    CASE WHEN run_id = ANY($3::text[]) THEN options ELSE '' END AS options, CASE WHEN run_id = ANY($3::text[]) THEN result END AS result,
    CASE WHEN run_id = ANY($3::text[]) THEN failure END AS failure
FROM actorflow.runs
WHERE number IN (
    SELECT number FROM actorflow.runs WHERE run_id = ANY($1::text[])
    UNION SELECT run FROM actorflow.step_runs WHERE number = ANY($2::bigint[])
)
ORDER BY number
FOR NO KEY UPDATE;

-- find_runs --
-- The same, for who only reads.
SELECT
    number, run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem,
    CASE WHEN run_id = ANY($3::text[]) THEN inputs ELSE '' END AS inputs, CASE WHEN run_id = ANY($3::text[]) THEN context ELSE '' END AS context,
    CASE WHEN run_id = ANY($3::text[]) THEN options ELSE '' END AS options, CASE WHEN run_id = ANY($3::text[]) THEN result END AS result,
    CASE WHEN run_id = ANY($3::text[]) THEN failure END AS failure
FROM actorflow.runs
WHERE number IN (
    SELECT number FROM actorflow.runs WHERE run_id = ANY($1::text[])
    UNION SELECT run FROM actorflow.step_runs WHERE number = ANY($2::bigint[])
);

-- lock_claimable --
-- The oldest runs that a runtime may take, of some workflows or of any, locked; those that somebody else has locked are left to him.
SELECT number, run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem, inputs, context, options, result, failure
FROM actorflow.runs
WHERE owner IS NULL AND ended IS NULL AND problem IS NULL AND (wake IS NULL OR wake <= $1)
    AND ($2::text[] IS NULL OR workflow = ANY($2::text[]))
ORDER BY number LIMIT $3
FOR NO KEY UPDATE SKIP LOCKED;

-- lock_purgeable --
-- The runs of some statuses that ended first, locked.
SELECT number FROM actorflow.runs
WHERE owner IS NULL AND ended < $2 AND number IN (
    SELECT number
    FROM unnest($1::text[]) AS asked (asked_status)
    CROSS JOIN LATERAL (
        SELECT ended, number FROM actorflow.runs
        WHERE status = asked_status AND ended IS NOT NULL AND ended < $2 AND owner IS NULL
        ORDER BY ended, number LIMIT $3
    ) AS first
    ORDER BY ended, number LIMIT $3
)
FOR UPDATE SKIP LOCKED;

-- find_tails --
-- How many turns runs have; asked after they are locked, so that none is missed.
SELECT run, coalesce((SELECT max(sequence) FROM actorflow.turns WHERE turns.run = asked.run), 0) AS tail
FROM unnest($1::bigint[]) AS asked (run);

-- move_runs --
-- Runs as they are from now on; what they came to stays where nothing is given. One array per column.
UPDATE actorflow.runs
SET status = now.status, updated = now.updated, ended = now.ended, owner = now.owner, wake = now.wake, problem = now.problem,
    result = coalesce(now.result, CASE WHEN NOT now.clears THEN runs.result END),
    failure = coalesce(now.failure, CASE WHEN NOT now.clears THEN runs.failure END)
FROM unnest(
    $1::text[], $2::float8[], $3::float8[], $4::bigint[], $5::float8[], $6::text[], $7::bytea[], $8::bytea[], $9::bool[], $10::bigint[]
) AS now (status, updated, ended, owner, wake, problem, result, failure, clears, number)
WHERE runs.number = now.number;

-- list_runs --
-- Runs without their bytes: conditions and an order are added.
SELECT number, run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem, (SELECT coalesce(max(sequence), 0) FROM actorflow.turns WHERE run = runs.number) AS tail
FROM actorflow.runs WHERE TRUE;

-- list_labelled_runs --
-- The same, of the runs with a label: they are found by it.
SELECT number, run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem, (SELECT coalesce(max(sequence), 0) FROM actorflow.turns WHERE run = runs.number) AS tail
FROM actorflow.run_labels JOIN actorflow.runs ON number = run_labels.run WHERE TRUE;

-- count_runs --
-- How many runs there are in each status.
SELECT status, count(*) FROM actorflow.runs GROUP BY status;

-- keep_labels --
-- The labels that a run has from now on.
UPDATE actorflow.runs SET labels = $1, updated = $2 WHERE number = $3;

-- drop_labels --
-- Has runs not found by their labels any more.
DELETE FROM actorflow.run_labels WHERE run = ANY($1::bigint[]);

-- add_labels --
-- Has runs found by their labels: one array per column.
INSERT INTO actorflow.run_labels (name, value, run) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]);

-- drop_attempts --
-- The attempts at the steps of runs go.
DELETE FROM actorflow.attempts WHERE step_run IN (SELECT number FROM actorflow.step_runs WHERE run = ANY($1::bigint[]));

-- drop_rows --
-- The step runs of runs go.
DELETE FROM actorflow.step_runs WHERE run = ANY($1::bigint[]);

-- drop_turns --
-- What runs did goes.
DELETE FROM actorflow.turns WHERE run = ANY($1::bigint[]);

-- drop_run_messages --
-- The messages for runs go.
DELETE FROM actorflow.messages WHERE run = ANY($1::bigint[]);

-- drop_notes --
-- The notes of runs go.
DELETE FROM actorflow.notes WHERE run = ANY($1::bigint[]);

-- drop_runs --
-- Runs go.
DELETE FROM actorflow.runs WHERE number = ANY($1::bigint[]);

-- list_runtimes --
-- The runtimes, in the order they joined.
SELECT number, name, expires FROM actorflow.runtimes ORDER BY number;

-- lock_runtimes --
-- Runtimes by their numbers: nobody fences them until the transaction's end, but a lease may be renewed.
SELECT number, name, expires FROM actorflow.runtimes WHERE number = ANY($1::bigint[]) ORDER BY number FOR KEY SHARE;

-- lock_lapsed --
-- Runtimes whose lease is over, but for one, locked; those that are writing just now are left to who comes next.
SELECT number FROM actorflow.runtimes WHERE expires < $1 AND number <> $2 ORDER BY number FOR UPDATE SKIP LOCKED;

-- keep_runtimes --
-- Runtimes as they are from now on: one array per column.
INSERT INTO actorflow.runtimes (number, name, expires) SELECT * FROM unnest($1::bigint[], $2::text[], $3::float8[])
ON CONFLICT (number) DO UPDATE SET expires = excluded.expires;

-- free_runs --
-- What runtimes had is nobody's. Runs are locked in order of their numbers, as always.
WITH had AS (SELECT number FROM actorflow.runs WHERE owner = ANY($1::bigint[]) ORDER BY number FOR NO KEY UPDATE)
UPDATE actorflow.runs SET owner = NULL FROM had WHERE runs.number = had.number;

-- drop_runtimes --
-- Runtimes go.
DELETE FROM actorflow.runtimes WHERE number = ANY($1::bigint[]);

-- add_turns --
-- What runs did in this commit: one array per column.
INSERT INTO actorflow.turns (run, sequence, data) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]);

-- append_turns --
-- What a runtime's runs did in this commit, if it has its lease, and as far as they are its own: one array per column.
-- Each run's owner is looked up by itself: joined, all runs that the runtime has would be compared with each of these.
WITH alive AS (SELECT number FROM actorflow.runtimes WHERE number = $1 FOR KEY SHARE)
INSERT INTO actorflow.turns (run, sequence, data)
SELECT given.run, given.sequence, given.data
FROM alive
CROSS JOIN unnest($2::bigint[], $3::bigint[], $4::bytea[]) AS given (run, sequence, data)
WHERE (SELECT owner FROM actorflow.runs WHERE number = given.run) = alive.number
RETURNING run, sequence;

-- commit_turns --
-- The same, with runs that begin in this commit, unless there is one of the same id, and runs that become something else, such as ended.
-- Gives the turns that were taken; those of runs that begin with the run's id, also where a run begins without a turn.
WITH alive AS (SELECT number FROM actorflow.runtimes WHERE number = $1 FOR KEY SHARE),
opened AS (
    INSERT INTO actorflow.runs (
        number, run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem, inputs, context, options
    )
    SELECT nextval('actorflow.numbers'), given.*
    FROM alive
    CROSS JOIN unnest(
        $2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[], $7::float8[], $8::bigint[], $9::float8[], $10::text[], $11::text[],
        $12::text[], $13::text[], $14::bytea[], $15::bytea[], $16::bytea[]
    ) AS given (run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem, inputs, context, options)
    ORDER BY run_id
    ON CONFLICT (run_id) DO NOTHING
    RETURNING run_id, number
),
moved AS (
    UPDATE actorflow.runs
    SET status = now.status, updated = now.updated, ended = now.ended, owner = now.owner, wake = now.wake, problem = now.problem,
        result = coalesce(now.result, CASE WHEN NOT now.clears THEN runs.result END),
        failure = coalesce(now.failure, CASE WHEN NOT now.clears THEN runs.failure END)
    FROM alive
    CROSS JOIN unnest(
        $22::text[], $23::float8[], $24::float8[], $25::bigint[], $26::float8[], $27::text[], $28::bytea[], $29::bytea[], $30::bool[], $31::bigint[]
    ) AS now (status, updated, ended, owner, wake, problem, result, failure, clears, number)
    WHERE runs.number = now.number AND runs.owner = alive.number
),
added AS (
    INSERT INTO actorflow.turns (run, sequence, data)
    SELECT opened.number, 1, begun.data
    FROM opened JOIN unnest($17::text[], $18::bytea[]) AS begun (run_id, data) USING (run_id)
    UNION ALL
    SELECT given.run, given.sequence, given.data
    FROM alive
    CROSS JOIN unnest($19::bigint[], $20::bigint[], $21::bytea[]) AS given (run, sequence, data)
    WHERE (SELECT owner FROM actorflow.runs WHERE number = given.run) = alive.number
    RETURNING run, sequence
)
SELECT run_id, number AS run, 1 AS sequence FROM opened
UNION ALL
SELECT NULL, run, sequence FROM added WHERE run NOT IN (SELECT number FROM opened);

-- find_turns --
-- What runs did in one commit each.
SELECT run, sequence, data FROM actorflow.turns
JOIN unnest($1::bigint[], $2::bigint[]) AS asked (asked_run, asked_sequence) ON run = asked_run AND sequence = asked_sequence;

-- list_turns --
-- What runs did, in order.
SELECT run, data FROM actorflow.turns WHERE run = ANY($1::bigint[]) ORDER BY run, sequence;

-- list_backlog --
-- What runs did that no step runs were made of, in order.
SELECT run, data FROM actorflow.turns JOIN actorflow.runs ON number = run
WHERE run = ANY($1::bigint[]) AND sequence > projected ORDER BY run, sequence;

-- keep_projected --
-- Step runs were made of so many more turns: one array per column.
UPDATE actorflow.runs SET projected = projected + more.made
FROM unnest($1::bigint[], $2::bigint[]) AS more (made, run) WHERE number = more.run;

-- add_messages --
-- Messages for runs: one array per column.
INSERT INTO actorflow.messages (number, run, kind, data, posted)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::float8[]);

-- drop_messages --
-- Messages were consumed by their runs: one array per column.
DELETE FROM actorflow.messages USING unnest($1::bigint[], $2::bigint[]) AS gone (gone_number, gone_run)
WHERE number = gone_number AND run = gone_run;

-- list_messages_of --
-- The messages for runs, in order.
SELECT run, messages.number, run_id, kind, data, posted FROM actorflow.messages JOIN actorflow.runs ON runs.number = run
WHERE run = ANY($1::bigint[]) ORDER BY messages.number;

-- list_messages_for --
-- The messages for the runs of a runtime, in order.
SELECT messages.number, run_id, kind, data, posted FROM actorflow.messages JOIN actorflow.runs ON runs.number = run
WHERE owner = $1 ORDER BY messages.number;

-- add_notes --
-- What operators did: one array per column.
INSERT INTO actorflow.notes (number, run, who, what, why, at)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::float8[]);

-- list_notes --
-- What operators did to runs, in order.
SELECT run, notes.number, run_id, who, what, why, at FROM actorflow.notes JOIN actorflow.runs ON runs.number = run
WHERE run = ANY($1::bigint[]) ORDER BY notes.number;

-- add_schedules --
-- Schedules that nobody has opened before: one array per column.
INSERT INTO actorflow.schedules (name, "trigger", since)
SELECT * FROM unnest($1::text[], $2::text[], $3::float8[])
ON CONFLICT (name) DO NOTHING;

-- lock_schedules --
-- Schedules by their names; nobody else may change them until this transaction has ended.
SELECT name, "trigger", since, last FROM actorflow.schedules WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE;

-- list_schedules --
-- All schedules, names in order; or the one of a name.
SELECT name, "trigger", since, last FROM actorflow.schedules WHERE $1::text IS NULL OR name = $1 ORDER BY name;

-- keep_schedules --
-- Schedules as they are from now on: one array per column.
UPDATE actorflow.schedules SET "trigger" = now.said, since = now.since, last = now.last
FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[]) AS now (name, said, since, last)
WHERE schedules.name = now.name;

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
