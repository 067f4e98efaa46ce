-- Who saw whose data: one row for each record, and one for each person in it. Opaque ids and words of the product.

CREATE TABLE accesses_@ (
    position  INTEGER PRIMARY KEY,
    clinic    BLOB NOT NULL CHECK (length(clinic) = 16),
    date      INTEGER NOT NULL,            -- wall date of its stream, days since 1970-01-01
    member    BLOB CHECK (length(member) = 16),
    outcome   INTEGER NOT NULL,
    operation TEXT NOT NULL,
    body      BLOB NOT NULL                -- postcard of the view's row
) STRICT;

CREATE INDEX IF NOT EXISTS accesses_@_by_clinic ON accesses_@ (clinic, position);
CREATE INDEX IF NOT EXISTS accesses_@_by_member ON accesses_@ (clinic, member, position);

CREATE TABLE access_subjects_@ (
    subject  BLOB NOT NULL CHECK (length(subject) = 16),
    position INTEGER NOT NULL,
    PRIMARY KEY (subject, position)
) STRICT, WITHOUT ROWID;
