-- What was asked for and refused, by day.

CREATE TABLE demand_@ (
    clinic  BLOB NOT NULL CHECK (length(clinic) = 16),
    date    INTEGER NOT NULL,              -- wall date, days since 1970-01-01
    service BLOB NOT NULL CHECK (length(service) IN (0, 16)),  -- empty: the asking never came so far
    reason  INTEGER NOT NULL,
    viewer  INTEGER NOT NULL,
    body    BLOB NOT NULL,                 -- postcard of the count
    PRIMARY KEY (clinic, date, service, reason, viewer)
) STRICT, WITHOUT ROWID;
