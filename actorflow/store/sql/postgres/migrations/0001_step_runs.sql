-- Runs, their step runs, and the attempts at those.

-- Numbers of runs, step runs and completions: they only grow, and none is given twice.
CREATE SEQUENCE actorflow.numbers;

CREATE TABLE actorflow.runs (
    number   bigint PRIMARY KEY,
    run_id   text NOT NULL UNIQUE,
    workflow text NOT NULL,
    inputs   bytea NOT NULL,
    created  double precision NOT NULL
);

-- One row per run and step. `token` counts the claims; `sequence` is the number of the completion, 0 before.
-- `worker`, `started` and `ended` are of the latest claim: an attempt costs no row of its own until another one follows it.
CREATE TABLE actorflow.step_runs (
    number   bigint PRIMARY KEY,
    run      bigint NOT NULL,
    step     text NOT NULL,
    status   text NOT NULL
             CHECK (status IN ('pending', 'running', 'completed', 'failed', 'undoing', 'undone', 'undo_failed')),
    token    bigint NOT NULL,
    sequence bigint NOT NULL,
    worker   text,
    started  double precision,
    ended    double precision,
    input    bytea,
    output   bytea,
    error    bytea,
    UNIQUE (run, step)
);

-- The attempts that were followed by another claim, and those that were lost.
CREATE TABLE actorflow.attempts (
    step_run bigint NOT NULL,
    token    bigint NOT NULL,
    phase    text NOT NULL,
    worker   text NOT NULL,
    started  double precision NOT NULL,
    ended    double precision,
    outcome  text,
    error    bytea,
    PRIMARY KEY (step_run, token)
);
