-- How far schedules have come: their due times count from `since` on, and up to `last` they were dealt with.

CREATE TABLE schedules (
    name      TEXT PRIMARY KEY,
    "trigger" TEXT NOT NULL,
    since     REAL NOT NULL,
    last      REAL
) WITHOUT ROWID;
