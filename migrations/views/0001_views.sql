-- The views: read models with their checkpoints. Everything in this file can be made again from the log.
--
-- Rows carry the generation they belong to. A rebuild writes a new generation beside the old one; a reader asks for
-- the generation that `projections` names, so the switch is one UPDATE and nobody sees half of either.
-- Nothing about a person stands here in the clear: names, contacts and reasons are sealed bytes.

CREATE TABLE projections (
    name       TEXT PRIMARY KEY,
    version    INTEGER NOT NULL,           -- of the program's fold; another one means that the rows are made again
    generation INTEGER NOT NULL,           -- whose rows are read
    position   INTEGER                     -- of the last event applied; NULL: none
) STRICT, WITHOUT ROWID;

-- Events that an operator told one projection to leave out, and why.
CREATE TABLE quarantine (
    projection TEXT NOT NULL,
    position   INTEGER NOT NULL,
    reason     TEXT NOT NULL CHECK (length(reason) > 0),
    PRIMARY KEY (projection, position)
) STRICT, WITHOUT ROWID;

-- The short streams that the clinics view folds again at the start.
CREATE TABLE clinic_streams (
    generation INTEGER NOT NULL,
    stream     TEXT NOT NULL,
    PRIMARY KEY (generation, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE availability_days (
    generation INTEGER NOT NULL,
    agenda     BLOB NOT NULL CHECK (length(agenda) = 16),
    date       INTEGER NOT NULL,           -- wall date, days since 1970-01-01
    clinic     BLOB NOT NULL CHECK (length(clinic) = 16),
    occupancy  BLOB NOT NULL,              -- postcard of the domain's DayOccupancy
    PRIMARY KEY (generation, agenda, date)
) STRICT;

CREATE TABLE agenda_days (
    generation INTEGER NOT NULL,
    agenda     BLOB NOT NULL CHECK (length(agenda) = 16),
    date       INTEGER NOT NULL,
    clinic     BLOB NOT NULL CHECK (length(clinic) = 16),
    day        BLOB NOT NULL,              -- postcard of the domain's AgendaDay
    PRIMARY KEY (generation, agenda, date)
) STRICT;

CREATE TABLE appointments (
    generation  INTEGER NOT NULL,
    id          BLOB NOT NULL CHECK (length(id) = 16),
    clinic      BLOB NOT NULL CHECK (length(clinic) = 16),
    agenda      BLOB NOT NULL CHECK (length(agenda) = 16),
    date        INTEGER NOT NULL,
    start       INTEGER NOT NULL,          -- microseconds since 1970-01-01T00:00:00Z
    reference   TEXT NOT NULL,
    link_hash   BLOB NOT NULL CHECK (length(link_hash) = 32),
    patient     BLOB CHECK (length(patient) = 16),
    subject     BLOB NOT NULL CHECK (length(subject) = 16),
    provisional INTEGER NOT NULL CHECK (provisional IN (0, 1)),
    online      INTEGER NOT NULL CHECK (online IN (0, 1)),
    live        INTEGER NOT NULL CHECK (live IN (0, 1)),
    body        BLOB NOT NULL,             -- postcard of the view's row; personal data in it is sealed
    PRIMARY KEY (generation, id)
) STRICT;

CREATE INDEX appointments_by_reference ON appointments (generation, clinic, reference);
CREATE INDEX appointments_by_link      ON appointments (generation, link_hash);
CREATE INDEX appointments_by_patient   ON appointments (generation, patient) WHERE patient IS NOT NULL;
CREATE INDEX appointments_by_subject   ON appointments (generation, subject);
CREATE INDEX appointments_by_start     ON appointments (generation, clinic, start, id);
CREATE INDEX appointments_by_agenda    ON appointments (generation, agenda, start, id);
CREATE INDEX appointments_to_reconcile ON appointments (generation, clinic, start, id)
    WHERE provisional = 1 AND online = 1 AND live = 1;

CREATE TABLE patients (
    generation INTEGER NOT NULL,
    id         BLOB NOT NULL CHECK (length(id) = 16),
    clinic     BLOB NOT NULL CHECK (length(clinic) = 16),
    body       BLOB NOT NULL,              -- postcard of the view's row; the profile in it is sealed
    PRIMARY KEY (generation, id)
) STRICT;

CREATE INDEX patients_by_clinic ON patients (generation, clinic, id);

CREATE TABLE demand (
    generation INTEGER NOT NULL,
    clinic     BLOB NOT NULL CHECK (length(clinic) = 16),
    date       INTEGER NOT NULL,
    service    BLOB NOT NULL CHECK (length(service) IN (0, 16)),  -- empty: the asking never came so far
    reason     INTEGER NOT NULL,
    viewer     INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (generation, clinic, date, service, reason, viewer)
) STRICT, WITHOUT ROWID;
