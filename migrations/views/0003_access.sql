-- Who saw whose data: one row for each record, and one for each person in it. Opaque ids and words of the product.

CREATE TABLE accesses (
    generation INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    clinic     BLOB NOT NULL CHECK (length(clinic) = 16),
    date       INTEGER NOT NULL,           -- wall date of its stream, days since 1970-01-01
    member     BLOB CHECK (length(member) = 16),
    outcome    INTEGER NOT NULL,
    operation  TEXT NOT NULL,
    body       BLOB NOT NULL,              -- postcard of the view's row
    PRIMARY KEY (generation, position)
) STRICT;

CREATE INDEX accesses_by_clinic ON accesses (generation, clinic, position);
CREATE INDEX accesses_by_member ON accesses (generation, clinic, member, position);

CREATE TABLE access_subjects (
    generation INTEGER NOT NULL,
    subject    BLOB NOT NULL CHECK (length(subject) = 16),
    position   INTEGER NOT NULL,
    PRIMARY KEY (generation, subject, position)
) STRICT, WITHOUT ROWID;
