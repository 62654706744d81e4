-- Runs get a status, an owner and what they came to; what they did is kept as turns; runtimes have leases.

-- What is small and often asked for lies before the bytes, so that a list of runs reads none of them.
CREATE TABLE runs_2 (
    number      INTEGER PRIMARY KEY,
    run_id      TEXT NOT NULL UNIQUE,
    workflow    TEXT NOT NULL,
    status      TEXT NOT NULL DEFAULT 'running'
                CHECK (status IN ('running', 'halting', 'rolling_back', 'undoing', 'halted', 'succeeded', 'failed', 'cancelled', 'undone')),
    created     REAL NOT NULL,
    updated     REAL NOT NULL DEFAULT 0,
    ended       REAL,
    owner       INTEGER,
    wake        REAL,
    projected   INTEGER NOT NULL DEFAULT 0,
    fingerprint TEXT NOT NULL DEFAULT '',
    labels      TEXT NOT NULL DEFAULT '{}',
    parent      TEXT,
    problem     TEXT,
    inputs      BLOB NOT NULL,
    context     BLOB NOT NULL DEFAULT x'',
    options     BLOB NOT NULL DEFAULT x'',
    result      BLOB,
    failure     BLOB
);
INSERT INTO runs_2 (number, run_id, workflow, created, updated, inputs)
SELECT number, run_id, workflow, created, created, inputs FROM runs ORDER BY number;
DROP TABLE runs;
ALTER TABLE runs_2 RENAME TO runs;

-- Lists are in order of the runs' numbers, which every index ends with. Every run that isn't ended has no time of its end.
CREATE INDEX runs_by_status ON runs (status);
CREATE INDEX runs_by_workflow ON runs (workflow, status);
CREATE INDEX runs_by_time ON runs (created);
CREATE INDEX runs_by_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_by_end ON runs (status, ended) WHERE ended IS NOT NULL;
CREATE INDEX runs_owned ON runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX runs_free ON runs (workflow, wake) WHERE owner IS NULL AND ended IS NULL AND problem IS NULL;

CREATE TABLE run_labels (
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    run   INTEGER NOT NULL,
    PRIMARY KEY (name, value, run)
) WITHOUT ROWID;

-- What a run did in one commit, in order of the commits: those of a hundred runs lie side by side, so a commit writes few pages.
CREATE TABLE turns (
    run      INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    data     BLOB NOT NULL,
    UNIQUE (run, sequence)
);

-- The runtimes that use this store: a runtime's number is its fencing token.
CREATE TABLE runtimes (
    number  INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    expires REAL NOT NULL
);

-- Messages for runs, until they are consumed.
CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    run    INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    data   BLOB NOT NULL,
    posted REAL NOT NULL
);
CREATE INDEX messages_by_run ON messages (run);

-- What operators did.
CREATE TABLE notes (
    number INTEGER PRIMARY KEY,
    run    INTEGER NOT NULL,
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,
    why    TEXT NOT NULL,
    at     REAL NOT NULL
);
CREATE INDEX notes_by_run ON notes (run);
