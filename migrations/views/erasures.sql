-- What became of the wish to forget somebody, one row per person. Nothing personal.

CREATE TABLE erasures_@ (
    subject    BLOB PRIMARY KEY CHECK (length(subject) = 16),
    clinic     BLOB NOT NULL CHECK (length(clinic) = 16),
    stage      INTEGER NOT NULL,           -- 0 none, 1 requested, 2 approved, 3 erased
    not_before INTEGER,                    -- approved: microseconds since 1970-01-01T00:00:00Z
    body       BLOB NOT NULL               -- postcard of the view's row
) STRICT;

CREATE INDEX IF NOT EXISTS erasures_@_by_stage ON erasures_@ (stage, clinic, subject);
