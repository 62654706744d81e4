-- Runs get a status, an owner and what they came to; what they did is kept as turns; runtimes have leases.

ALTER TABLE actorflow.runs
    ADD COLUMN status text NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'halting', 'rolling_back', 'undoing', 'halted', 'succeeded', 'failed', 'cancelled', 'undone')),
    ADD COLUMN updated double precision NOT NULL DEFAULT 0,
    ADD COLUMN ended double precision,
    ADD COLUMN owner bigint,
    ADD COLUMN wake double precision,
    ADD COLUMN projected bigint NOT NULL DEFAULT 0,
    ADD COLUMN fingerprint text NOT NULL DEFAULT '',
    ADD COLUMN labels text NOT NULL DEFAULT '{}',
    ADD COLUMN parent text,
    ADD COLUMN problem text,
    ADD COLUMN context bytea NOT NULL DEFAULT '',
    ADD COLUMN options bytea NOT NULL DEFAULT '',
    ADD COLUMN result bytea,
    ADD COLUMN failure bytea;
UPDATE actorflow.runs SET updated = created;

-- Lists are in order of the runs' numbers. Every run that isn't ended has no time of its end.
CREATE INDEX runs_by_status ON actorflow.runs (status, number);
CREATE INDEX runs_by_workflow ON actorflow.runs (workflow, status, number);
CREATE INDEX runs_by_time ON actorflow.runs (created, number);
CREATE INDEX runs_by_parent ON actorflow.runs (parent, number) WHERE parent IS NOT NULL;
CREATE INDEX runs_by_end ON actorflow.runs (status, ended, number) WHERE ended IS NOT NULL;
CREATE INDEX runs_owned ON actorflow.runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX runs_free ON actorflow.runs (number) WHERE owner IS NULL AND ended IS NULL AND problem IS NULL;

CREATE TABLE actorflow.run_labels (
    name  text NOT NULL,
    value text NOT NULL,
    run   bigint NOT NULL,
    PRIMARY KEY (name, value, run)
);
CREATE INDEX labels_by_run ON actorflow.run_labels (run);

-- What a run did in one commit.
CREATE TABLE actorflow.turns (
    run      bigint NOT NULL,
    sequence bigint NOT NULL,
    data     bytea NOT NULL,
    PRIMARY KEY (run, sequence)
);

-- The runtimes that use this store: a runtime's number is its fencing token.
CREATE TABLE actorflow.runtimes (
    number  bigint PRIMARY KEY,
    name    text NOT NULL,
    expires double precision NOT NULL
);

-- Messages for runs, until they are consumed.
CREATE TABLE actorflow.messages (
    number bigint PRIMARY KEY,
    run    bigint NOT NULL,
    kind   text NOT NULL,
    data   bytea NOT NULL,
    posted double precision NOT NULL
);
CREATE INDEX messages_by_run ON actorflow.messages (run);

-- What operators did.
CREATE TABLE actorflow.notes (
    number bigint PRIMARY KEY,
    run    bigint NOT NULL,
    who    text NOT NULL,
    what   text NOT NULL,
    why    text NOT NULL,
    at     double precision NOT NULL
);
CREATE INDEX notes_by_run ON actorflow.notes (run);
