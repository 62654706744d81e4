-- Runs, their step runs, and the attempts at those.

-- `number` is a run's place in this database: short, and never given twice.
CREATE TABLE runs (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id   TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    inputs   BLOB NOT NULL,
    created  REAL NOT NULL
);

-- One row per run and step. `token` counts its claims; `sequence` is the order of completion, 0 before.
-- `worker`, `started` and `ended` are of the latest claim: an attempt costs no row of its own until it's followed by another one.
CREATE TABLE step_runs (
    run      INTEGER NOT NULL,
    step     TEXT NOT NULL,
    status   TEXT NOT NULL
             CHECK (status IN ('pending', 'running', 'completed', 'failed', 'undoing', 'undone', 'undo_failed')),
    input    BLOB,
    output   BLOB,
    error    BLOB,
    token    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    worker   TEXT,
    started  REAL,
    ended    REAL,
    PRIMARY KEY (run, step)
) WITHOUT ROWID;

-- The attempts that were followed by another claim, and those that were lost.
CREATE TABLE attempts (
    run     INTEGER NOT NULL,
    step    TEXT NOT NULL,
    token   INTEGER NOT NULL,
    phase   TEXT NOT NULL,
    worker  TEXT NOT NULL,
    started REAL NOT NULL,
    ended   REAL,
    outcome TEXT,
    error   BLOB,
    PRIMARY KEY (run, step, token)
) WITHOUT ROWID;

-- The number that the last completion got.
CREATE TABLE completions (last INTEGER NOT NULL);
INSERT INTO completions (last) VALUES (0);
