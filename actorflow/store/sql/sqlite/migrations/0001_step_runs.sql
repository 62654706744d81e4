-- Runs, their step runs, and the attempts at those.

-- The number that was given last: to a run, a step run or a completion. Numbers only grow, and none is given twice, not even
-- after what had it was deleted.
CREATE TABLE numbers (last INTEGER NOT NULL);
INSERT INTO numbers (last) VALUES (0);

CREATE TABLE runs (
    number   INTEGER PRIMARY KEY,
    run_id   TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    inputs   BLOB NOT NULL,
    created  REAL NOT NULL
);

-- One row per run and step, in order of their numbers: new rows of a hundred runs lie side by side, so a commit writes few pages.
-- `token` counts the claims; `sequence` is the number of the completion, 0 before.
-- `worker`, `started` and `ended` are of the latest claim: an attempt costs no row of its own until another one follows it.
CREATE TABLE step_runs (
    number   INTEGER PRIMARY KEY,
    run      INTEGER NOT NULL,
    step     TEXT NOT NULL,
    status   TEXT NOT NULL
             CHECK (status IN ('pending', 'running', 'completed', 'failed', 'undoing', 'undone', 'undo_failed')),
    token    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    worker   TEXT,
    started  REAL,
    ended    REAL,
    input    BLOB,
    output   BLOB,
    error    BLOB,
    UNIQUE (run, step)
);

-- The attempts that were followed by another claim, and those that were lost.
CREATE TABLE attempts (
    step_run INTEGER NOT NULL,
    token    INTEGER NOT NULL,
    phase    TEXT NOT NULL,
    worker   TEXT NOT NULL,
    started  REAL NOT NULL,
    ended    REAL,
    outcome  TEXT,
    error    BLOB,
    PRIMARY KEY (step_run, token)
) WITHOUT ROWID;
