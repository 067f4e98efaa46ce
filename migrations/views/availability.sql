-- What is open, held, promised and taken on one agenda on one day.

CREATE TABLE availability_days_@ (
    agenda BLOB NOT NULL CHECK (length(agenda) = 16),
    date   INTEGER NOT NULL,               -- wall date, days since 1970-01-01
    body   BLOB NOT NULL,                  -- postcard of the view's row
    PRIMARY KEY (agenda, date)
) STRICT;
