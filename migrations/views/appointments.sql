-- Appointments, one row each wherever they were moved.

CREATE TABLE appointments_@ (
    number      INTEGER PRIMARY KEY,       -- 0, 1, 2 ... in the order of their coming
    run         INTEGER GENERATED ALWAYS AS (number / 16384) VIRTUAL,
    id          BLOB NOT NULL CHECK (length(id) = 16),
    clinic      BLOB NOT NULL CHECK (length(clinic) = 16),
    agenda      BLOB NOT NULL CHECK (length(agenda) = 16),
    start       INTEGER NOT NULL,          -- microseconds since 1970-01-01T00:00:00Z
    reference   TEXT NOT NULL,
    link_hash   BLOB NOT NULL CHECK (length(link_hash) = 32),
    patient     BLOB CHECK (length(patient) = 16),
    subject     BLOB NOT NULL CHECK (length(subject) = 16),
    provisional INTEGER NOT NULL CHECK (provisional IN (0, 1)),
    online      INTEGER NOT NULL CHECK (online IN (0, 1)),
    live        INTEGER NOT NULL CHECK (live IN (0, 1)),
    body        BLOB NOT NULL,             -- postcard of the view's row; personal data in it is sealed
    UNIQUE (run, id)
) STRICT;

-- As few and as short as they can be: each is written for each booking. What comes in no order stands in runs.
CREATE INDEX IF NOT EXISTS appointments_@_by_reference ON appointments_@ (run, reference);
CREATE INDEX IF NOT EXISTS appointments_@_by_link      ON appointments_@ (run, link_hash);
CREATE INDEX IF NOT EXISTS appointments_@_by_patient   ON appointments_@ (run, patient) WHERE patient IS NOT NULL;
CREATE INDEX IF NOT EXISTS appointments_@_by_subject   ON appointments_@ (run, subject);
CREATE INDEX IF NOT EXISTS appointments_@_by_start     ON appointments_@ (clinic, start);
CREATE INDEX IF NOT EXISTS appointments_@_to_reconcile ON appointments_@ (clinic, start)
    WHERE provisional = 1 AND online = 1 AND live = 1;
