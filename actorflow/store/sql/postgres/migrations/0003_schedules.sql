-- How far schedules have come: their due times count from `since` on, and up to `last` they were dealt with.

CREATE TABLE actorflow.schedules (
    name      text COLLATE "C" PRIMARY KEY,
    "trigger" text NOT NULL,
    since     double precision NOT NULL,
    last      double precision
);
